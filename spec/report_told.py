"""What a report tells of every row instead of its outputs: class, bound, commitment (section 10.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spec.field import ONE, ZERO, E, eq_table, lg
from spec.hiding import Affine, Low, Reduction
from spec.layout import Allocator
from spec.lookup import System, column
from spec.records import check_data
from spec.rejected import require
from spec.report_statement import Classes, Committed, CommittedInput, Margins, ReportStatement, Told
from spec.training import RunConfig

if TYPE_CHECKING:
    from spec.report_trace import ReportTrace, Row

TRACE = 0
LIMB_BITS, LIMBS = 9, 2
MAX_MARGIN = 1 << 17
MAX_VALUES = 1 << 22


def check_told(shown: Told, config: RunConfig, classes: int, rows: int) -> None:
    """The rules of one thing that is told of every row."""
    outputs = config.architecture.layers[-1].outputs
    match shown:
        case Classes(told):
            require(classes > 0, "NotApplicable", "a class")
            require(len(told) == rows <= MAX_VALUES, "Length", f"{len(told)} classes of {rows} rows")
            require(all(c < classes for c in told), "NoSuchClass", f"of {classes} classes")
        case Margins(plus, minus, bounds):
            exist = all(j is None or j < outputs for j in (plus, minus))
            require(plus != minus and exist, "Margin", f"{plus} less {minus}, of {outputs}")
            require(len(bounds) == rows <= MAX_VALUES, "Length", f"{len(bounds)} bounds of {rows} rows")
            require(all(abs(b) <= MAX_MARGIN for b in bounds), "MarginBound", "a bound beyond 2^17")
        case Committed(record):
            check_data(record)
            require(record.rows == rows, "Mismatch", f"{record.rows} committed outputs of {rows} rows")
            require(record.features == outputs, "Mismatch", f"{record.features} columns of {outputs} outputs")
            require(record.fa == config.scales.fa, "Mismatch", f"{record.fa} fractional bits")


class MarginColumns:
    """Limbs of all margins."""

    def __init__(self, statement: ReportStatement, slots: Allocator) -> None:
        """Takes their columns."""
        self.count = len(statement.margins)
        self.first = slots.take(LIMBS * self.count)

    def lookups(self, system: System) -> None:
        """Every limb is in its range."""
        for slot in range(self.first, self.first + LIMBS * self.count):
            system.add_range(LIMB_BITS, column(slot))


def told_check(t: ReportTrace, r: Reduction, rho: Row, u: Sequence[E]) -> None:
    """Classes, bounds and committed outputs at rho."""
    z, rows = t.layout.layers[-1].z, t.checked.rows
    weights, margin = eq_table(rho.point)[:rows], t.margins.first
    for shown in t.statement.shown:
        e = Affine()
        match shown:
            case Classes(told):
                assert t.head is not None
                for c in range(1, t.head.classes):
                    form = t.head.predicted(c)
                    e.add_constant(rho.real * (form.constant * c))
                    for vector, slot, k in form.terms:
                        e.add_cell(vector, rho.masked, slot, ONE * (k * c))
                for w, value in zip(weights, told, strict=True):
                    e.add_constant(-(w * value))
            case Margins(plus, minus, bounds):
                for output, sign in ((plus, ONE), (minus, -ONE)):
                    if output is not None:
                        e.add_cell(TRACE, rho.masked, z + output, sign)
                for w, bound in zip(weights, bounds, strict=True):
                    e.add_constant(-(w * bound))
                for limb in range(LIMBS):
                    e.add_cell(TRACE, rho.column, margin + limb, -(ONE * (1 << LIMB_BITS * limb)))
                margin += LIMBS
            case Committed():
                vector = t.data_id + isinstance(t.statement.input, CommittedInput)
                low = r.low(Low(table=weights + [ZERO] * ((1 << lg(rows)) - rows)))
                for j, w in enumerate(u):
                    e.add_cell(TRACE, rho.masked, z + j, w)
                    e.add_cell(vector, low, j, -w)
            case _:
                continue
        r.assert_zero(e)
