"""Columns behind the last layer of a report (section 10.8): predicted class, group, absolute errors, slacks.

A one-hot value of n options is n - 1 columns; option 0 is what they leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from spec.field import lg
from spec.layout import Allocator, ForwardLayout
from spec.lookup import Form, System, Table, column, signed
from spec.report_claims import LIMB_BITS, LIMBS
from spec.report_errors import ABSOLUTE, SQUARED, ExplainedAtLeast, MeanErrorAtMost
from spec.report_rules import Checked
from spec.report_statement import AbsoluteError, Groups, ReportStatement, SquaredError, TargetMoments
from spec.tables import relu

DATA = 2
"""The data set among the vectors of the proof."""
ERROR_BITS = 17

Pair = tuple[Form, Form]


@dataclass(frozen=True)
class OneHot:
    """One of n options on every row."""

    first: int
    n: int

    def form(self, i: int) -> Form:
        """The indicator of option i."""
        if i:
            return column(self.first + i - 1)
        return Form([(0, self.first + k, -1) for k in range(self.n - 1)], 1)

    def lookup(self, system: System) -> None:
        """(number of the option, all columns) is a row of the table of one-hot rows."""
        if self.n < 2:
            return
        bits, n = lg(self.n), self.n
        table = Table(
            bits,
            name=("one-hot", n),
            columns=lambda: [[int(row == i) for row in range(1 << bits)] for i in range(1, n)],
        )
        number = Form([(0, self.first + i - 1, i) for i in range(1, n)])
        system.add(table, [number, *(self.form(i) for i in range(1, n))])


@dataclass(frozen=True)
class HeadEquation:
    """At every row: one + real [read] + columns + columns [read] + scale data + products = 0."""

    real: int = 0
    one: int = 0
    columns: list[tuple[int, int]] = field(default_factory=list)
    masked: list[tuple[int, int]] = field(default_factory=list)
    data: int | None = None
    data_scale: int = -1
    labels: list[tuple[int, int]] = field(default_factory=list)
    """Further columns of the data."""
    pairs: list[Pair] = field(default_factory=list)


class Head:
    """Class, group, and both together. With one output the class is [Z > 0], else the first largest output."""

    def __init__(self, layout: ForwardLayout, checked: Checked, groups: int, slots: Allocator) -> None:
        """Takes its columns."""
        layer = checked.config.architecture.layers[-1]
        self.z, self.z_bits, self.classes = layout.layers[-1].z, layer.z_bits, max(1, checked.predicted)
        self.several = checked.predicted > 0 and layer.outputs > 1
        self.step = slots.take(1) if checked.predicted and layer.outputs == 1 else None
        self.hot = OneHot(slots.take(self.classes - 1 if self.several else 0), self.classes)
        self.max = slots.take(1 if self.several else 0)
        self.group = OneHot(slots.take(groups - 1), groups)
        self.both = slots.take((groups - 1) * (self.classes - 1))

    def predicted(self, c: int) -> Form:
        """The indicator of a predicted class."""
        if self.step is None:
            return self.hot.form(c)
        return column(self.step) if c == 0 else Form([(0, self.step, -1)], 1)

    def both_slot(self, g: int, c: int) -> int:
        """The column of [group g and class c], g and c from 1 on."""
        return self.both + (g - 1) * (self.classes - 1) + c - 1

    def joint(self, g: int, c: int) -> Form:
        """The indicator of group g and class c."""
        if g and c:
            return column(self.both_slot(g, c))
        if g == 0:
            form, others = self.predicted(c), [self.joint(h, c) for h in range(1, self.group.n)]
        else:
            form, others = self.group.form(g), [self.joint(g, d) for d in range(1, self.classes)]
        for other in others:
            form = form.plus(other, -1)
        return form

    def lookups(self, system: System) -> None:
        """Z has the sign, or no output is larger than the predicted one, and those before it are smaller."""
        if self.step is not None:
            system.add(relu(self.z_bits), [signed(self.z, self.z_bits), column(self.step)])
        elif self.several:
            self.hot.lookup(system)
            for j in range(self.classes):
                gap = column(self.max).plus(column(self.z + j), -1)
                for later in range(j + 1, self.classes):
                    gap = gap.plus(self.hot.form(later), -1)
                system.add_range(self.z_bits, gap)
        self.group.lookup(system)

    def equations(self, groups: Groups | None) -> list[HeadEquation]:
        """The largest output is the one predicted; [g and c] is a product; groups have their values."""
        out = []
        if self.several:
            differences = (column(self.z + j).plus(column(self.z), -1) for j in range(1, self.classes))
            pairs = [(self.hot.form(j), d) for j, d in enumerate(differences, 1)]
            out.append(HeadEquation(columns=[(self.z, 1), (self.max, -1)], pairs=pairs))
        for g in range(1, self.group.n):
            for c in range(1, self.classes):
                pair = self.group.form(g), self.predicted(c)
                out.append(HeadEquation(columns=[(self.both_slot(g, c), -1)], pairs=[pair]))
        for i, feature in enumerate(groups.columns if groups else []):
            values = [v[i] for v in groups.values] if groups else []
            masked = [(self.group.first + g - 1, values[g] - values[0]) for g in range(1, len(values))]
            out.append(HeadEquation(real=values[0], masked=masked, data=feature))
        return out


def _error(shown: object) -> int | None:
    """The error that a bound reads."""
    if isinstance(shown, MeanErrorAtMost):
        return shown.error
    return SQUARED if isinstance(shown, ExplainedAtLeast) else None


class Residuals:
    """Sums over the rows that are read of errors and targets."""

    def __init__(self, s: ReportStatement, checked: Checked, layout: ForwardLayout, slots: Allocator) -> None:
        """Takes a column of |Z - y| per output, and one of squared errors, if such are shown or bounded."""
        layers = checked.config.architecture.layers
        self.shown, self.n = s.shown, layers[-1].outputs
        self.z, self.labels = layout.layers[-1].z, layers[0].inputs
        bounded = {_error(shown) for shown in s.shown}
        absolute = ABSOLUTE in bounded or any(isinstance(shown, AbsoluteError) for shown in s.shown)
        first = slots.take(self.n if absolute else 0)
        self.absolute = list(range(first, first + self.n)) if absolute else []
        self.square = slots.take(1) if SQUARED in bounded else None
        self.rows, self.bounds = checked.rows, checked.errors

    def target(self, j: int) -> Form:
        """y_j."""
        return column(self.labels + j, DATA)

    def difference(self, j: int) -> Form:
        """Z_j - y_j."""
        return column(self.z + j).plus(self.target(j), -1)

    def lookups(self, system: System) -> None:
        """|Z - y| is not negative, and small."""
        for slot in self.absolute:
            system.add_range(ERROR_BITS, column(slot))

    def error(self, kind: int) -> Form:
        """What a row adds to a sum of errors that is bounded."""
        if kind == ABSOLUTE:
            return Form([(0, slot, 1) for slot in self.absolute])
        assert self.square is not None
        return column(self.square)

    def equations(self) -> list[HeadEquation]:
        """Squared errors of a row in one column."""
        if self.square is None:
            return []
        pairs = [(self.difference(j), self.difference(j)) for j in range(self.n)]
        return [HeadEquation(columns=[(self.square, -1)], pairs=pairs)]

    def bounded(self, head: Head | None) -> list[list[Pair]]:
        """Products of the sums over rows that bounds are about."""
        out = list[list[Pair]]()
        if self.bounds is None:
            return out
        one = Form([], 1)
        for m in self.bounds.means:
            among = one if m.group is None or head is None else head.group.form(m.group)
            out.append([(among, Form([], m.most).plus(self.error(m.error), -m.times))])
            if m.group is not None:
                out.append([(among, one)])
        if self.bounds.explained is not None:
            out.append([(one, self.error(SQUARED))])
            targets = [self.target(j) for j in range(self.n)]
            out.append([(Form([]).plus(y, self.rows), y) for y in targets])
        return out

    def equal(self) -> list[tuple[Pair, Pair]]:
        """Products that are equal on every row: |Z - y|^2 and (Z - y)^2."""
        return [
            ((column(slot), column(slot)), (self.difference(j), self.difference(j)))
            for j, slot in enumerate(self.absolute)
        ]

    def squares(self) -> list[tuple[list[Pair], int]]:
        """Products with what they sum to over the rows that are read."""
        out = list[tuple[list[Pair], int]]()
        for shown in self.shown:
            if isinstance(shown, SquaredError):
                out.append(([(self.difference(j), self.difference(j)) for j in range(self.n)], shown.sum))
            elif isinstance(shown, TargetMoments):
                out.append(([(self.target(j), self.target(j)) for j in range(self.n)], shown.squares))
        return out

    def sums(self) -> list[tuple[list[Form], int]]:
        """Columns with what they sum to over the rows that are read."""
        out = list[tuple[list[Form], int]]()
        for shown in self.shown:
            if isinstance(shown, AbsoluteError):
                out.append(([column(slot) for slot in self.absolute], shown.sum))
            elif isinstance(shown, TargetMoments):
                out += [([self.target(j)], value) for j, value in enumerate(shown.sums)]
        return out


def slack_slots(bounds: int, log_rows: int) -> int:
    """Columns of all slacks, `LIMBS` cells each, one after the other."""
    return -(-bounds * LIMBS >> log_rows)


def slack_lookups(first: int, count: int, system: System) -> None:
    """Every cell is a limb."""
    for slot in range(first, first + count):
        system.add_range(LIMB_BITS, column(slot))
