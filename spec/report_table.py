"""Public rows with labels, and a public calendar (section 10.8): rules, and columns as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from spec.field import ZERO, E
from spec.records import check_labels
from spec.rejected import require, within
from spec.statement import BinaryLabels, ClassLabels, RealLabels
from spec.wire import I32, I64, U32

MAX_VALUES = 1 << 22
FIRST_DAY, LAST_DAY = -719_162, 2_932_896


@dataclass(frozen=True)
class PublicTable:
    """Rows and labels, row-major; `earlier` are targets of the rows before the first."""

    fa: U32
    data_bits: U32
    features: list[I32]
    labels: ClassLabels | BinaryLabels | RealLabels
    values: list[I32]
    earlier: list[I32]

    @property
    def per_row(self) -> int:
        """Numbers of a row's label."""
        return 1 if isinstance(self.labels, ClassLabels) else self.labels.outputs

    @property
    def range(self) -> range:
        """What a label can be."""
        match self.labels:
            case ClassLabels(classes):
                return range(classes)
            case BinaryLabels():
                return range(2)
            case RealLabels(_, bits):
                return window(bits)

    def check(self, inputs: int, fa: int) -> int:
        """The rules of a table for a model of so many inputs; the number of rows."""
        require(self.fa == fa, "Mismatch", f"{self.fa} fractional bits for {fa}")
        within(self.data_bits, 2, 16, "Record", "data_bits")
        check_labels(self.labels)
        rows = public_rows(self.features, inputs, self.data_bits)
        count, allowed = rows * self.per_row, self.range
        fits = len(self.values) == count <= MAX_VALUES and all(y in allowed for y in self.values)
        require(fits, "PublicLabels", f"{len(self.values)} of {rows} rows")
        if self.earlier:
            one = isinstance(self.labels, RealLabels) and self.labels.outputs == 1
            short = len(self.earlier) <= MAX_VALUES and all(y in allowed for y in self.earlier)
            require(one and short, "PublicEarlier", f"{len(self.earlier)} targets")
        return rows

    def columns(self, inputs: int, weights: Sequence[E]) -> list[E]:
        """Every data column at row weights, features first."""
        out = weighted(self.features, inputs, weights)
        if not isinstance(self.labels, ClassLabels):
            return out + weighted(self.values, self.per_row, weights)
        of_class = [ZERO] * self.labels.classes
        for y, w in zip(self.values, weights, strict=False):
            of_class[y] = of_class[y] + w
        return out + of_class

    def check_lags(self, inputs: int, lags: Sequence[tuple[int, int]]) -> None:
        """On every row the feature of every (column, back) is the target 1 + back rows earlier."""
        told, before = self.earlier + self.values, len(self.earlier)
        for row in range(len(self.features) // inputs):
            for column, back in lags:
                at = before + row - back - 1
                same = at >= 0 and told[at] == self.features[row * inputs + column]
                require(same, "LookAhead", f"row {row}, feature {column}")


@dataclass(frozen=True)
class TableInput:
    """Public rows with labels."""

    table: PublicTable


@dataclass(frozen=True)
class Days:
    """Days since 1970-01-01."""

    days: list[I32]


@dataclass(frozen=True)
class Numbers:
    """Numbers that the owner explains."""

    numbers: list[I64]


@dataclass(frozen=True)
class Calendar:
    """What the rows are dated with; no proof reads it."""

    calendar: Days | Numbers

    def check(self, rows: int) -> None:
        """One date a row, ascending."""
        told = self.calendar.days if isinstance(self.calendar, Days) else self.calendar.numbers
        require(len(told) == rows <= MAX_VALUES, "Length", f"{len(told)} dates of {rows} rows")
        if isinstance(self.calendar, Days):
            require(all(FIRST_DAY <= d <= LAST_DAY for d in told), "CalendarDay", "beyond the years 1 to 9999")
        require(all(a < b for a, b in pairwise(told)), "Calendar", "dates out of order")


def window(bits: int) -> range:
    """Signed integers of so many bits."""
    return range(-1 << (bits - 1), 1 << (bits - 1))


def public_rows(features: Sequence[int], inputs: int, bits: int) -> int:
    """How many public rows these are."""
    whole = 0 < len(features) <= MAX_VALUES and len(features) % inputs == 0
    allowed = window(bits)
    require(whole and all(x in allowed for x in features), "PublicFeatures")
    return len(features) // inputs


def weighted(values: Sequence[int], width: int, weights: Sequence[E]) -> list[E]:
    """sum over rows x of weights(x) value(x) of every column of a row-major table."""
    out = [ZERO] * width
    for x, w in enumerate(weights[: len(values) // width]):
        for j in range(width):
            out[j] = out[j] + w * values[x * width + j]
    return out
