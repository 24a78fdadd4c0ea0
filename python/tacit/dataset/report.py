"""What rounding and clipping did to the data. For its owner alone: none of it enters a commitment."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ColumnReport", "QuantisationReport"]


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """One column: how many values were clipped, and the largest rounding error of the others."""

    name: str
    rows: int
    clipped_low: int
    clipped_high: int
    first_clipped_row: int | None
    max_error: float
    """In the column's own units."""
    window: tuple[int, int]

    @property
    def clipped(self) -> int:
        """Values outside the window on either side."""
        return self.clipped_low + self.clipped_high


@dataclass(frozen=True, slots=True)
class QuantisationReport:
    """All numeric columns, the targets last."""

    columns: tuple[ColumnReport, ...]

    @property
    def clipped(self) -> int:
        """Clipped values in all columns together."""
        return sum(column.clipped for column in self.columns)

    def worst(self) -> ColumnReport | None:
        """The column with the most clipped values, if any was clipped."""
        return max((c for c in self.columns if c.clipped), key=lambda c: c.clipped, default=None)

    def __str__(self) -> str:
        """A line per column that lost values, and one for the rounding."""
        lines = [
            f"column {c.name!r}: {c.clipped:,} of {c.rows:,} values clipped to its window "
            f"({c.clipped_low:,} below, {c.clipped_high:,} above; first in row {c.first_clipped_row})"
            for c in self.columns
            if c.clipped
        ]
        rounding = [c for c in self.columns if c.max_error > 0]
        if rounding:
            largest = max(rounding, key=lambda c: c.max_error)
            lines.append(
                f"largest rounding error {largest.max_error:.3g} (column {largest.name!r}, its own units)"
            )
        return "\n".join(lines) or "nothing was clipped or rounded"
