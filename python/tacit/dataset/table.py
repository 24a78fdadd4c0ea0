"""The one form that every source of data is brought into: named columns of one length.

A column is numeric (float64, NaN where missing), boolean (the same, holding 0 and 1), or a column of other
values (an object array, None where missing) that needs an encoding before it can be committed.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tacit.errors import DataError

__all__ = ["RawColumn", "RawKind", "Table", "Unit", "column_from_values", "parse_number", "show"]

RawKind: TypeAlias = Literal["numeric", "boolean", "other"]
Unit: TypeAlias = Literal["mixed", "shared", "bytes"]


def show(value: object) -> str:
    """A value for an error message, at most forty characters of it."""
    try:
        text = repr(value.item() if isinstance(value, np.generic) else value)
    except ValueError:
        return "an integer of too many digits"
    return text if len(text) <= 40 else text[:37] + "..."


def parse_number(value: Any) -> float | None:
    """The number that a value or its text stands for; None if it is none."""
    # Python alone reads 1_000 as a number.
    if isinstance(value, str) and "_" in value:
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class RawColumn:
    """One column as it was read. `categories` is set when the source itself declares them, in order."""

    name: str
    kind: RawKind
    values: NDArray[Any] = field(repr=False)
    categories: tuple[Hashable, ...] | None = field(default=None, repr=False)
    whole: bool = False
    """True if the source stores whole numbers (an integer type, or digits in a text file)."""

    def missing(self) -> NDArray[np.bool_]:
        """Where the column has no value."""
        if self.kind == "other":
            return np.fromiter((v is None for v in self.values), dtype=np.bool_, count=len(self.values))
        return np.asarray(np.isnan(self.values), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of `rows` values each; `origin` and `lines` say where a row came from."""

    columns: tuple[RawColumn, ...]
    rows: int
    origin: str
    unit: Unit = "mixed"
    """Whether all columns were one array of one type, and whether that type was a byte."""
    lines: NDArray[np.int64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse an empty or ragged table and repeated names."""
        if not self.columns:
            raise DataError(f"{self.origin} has no columns")
        if self.rows == 0:
            raise DataError(f"{self.origin} has no rows")
        seen: set[str] = set()
        for column in self.columns:
            if len(column.values) != self.rows:
                raise DataError(
                    f"column {column.name!r} of {self.origin} has {len(column.values):,} values, "
                    f"the first column has {self.rows:,}",
                    column=column.name,
                )
            if column.name in seen:
                raise DataError(f"{self.origin} has two columns {column.name!r}", column=column.name)
            seen.add(column.name)

    def names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(column.name for column in self.columns)

    def get(self, name: str) -> RawColumn:
        """The column called `name`. Raises `DataError` naming the columns there are."""
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(self.names()[:12]) + (", ..." if len(self.columns) > 12 else "")
        raise DataError(f"{self.origin} has no column {name!r}; it has {known}", column=name)

    def select(self, names: tuple[str, ...]) -> Table:
        """The same rows with only these columns, in this order."""
        chosen = tuple(self.get(name) for name in names)
        return Table(chosen, self.rows, self.origin, self.unit, self.lines)

    def error(self, column: str, row: int, problem: str) -> DataError:
        """An error that names column and row, and the line of a text file."""
        line = "" if self.lines is None else f" (line {int(self.lines[row])} of {self.origin})"
        return DataError(f"column {column!r}, row {row}{line}: {problem}", column=column, row=row)


def column_from_values(name: str, values: NDArray[Any], origin: str) -> RawColumn:
    """Type one array of any dtype. Raises `DataError` for dates, complex numbers and mixtures."""
    kind = values.dtype.kind
    if kind == "b":
        return RawColumn(name, "boolean", values.astype(np.float64))
    if kind in "iu":
        return RawColumn(name, "numeric", values.astype(np.float64), whole=True)
    if kind == "f":
        return RawColumn(name, "numeric", values.astype(np.float64))
    if kind in "US":
        return RawColumn(name, "other", values.astype(str).astype(object))
    if kind == "O":
        return _from_objects(name, values)
    remedy = {
        "M": "a date; turn it into a number (days since a fixed date) or drop it",
        "m": "a time span; turn it into a number first",
        "c": "complex; commit its real and imaginary parts as two columns",
    }.get(kind, f"of type {values.dtype}, which has no fixed-point form")
    raise DataError(f"column {name!r} of {origin} is {remedy}", column=name)


def _is_missing(value: object) -> bool:
    if value is None:
        return True
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return type(value).__name__ in ("NAType", "NaTType")


def _from_objects(name: str, values: NDArray[Any]) -> RawColumn:
    cleaned = [None if _is_missing(v) else v for v in values]
    present = [v for v in cleaned if v is not None]
    if present and all(isinstance(v, bool | np.bool_) for v in present):
        floats = np.array([np.nan if v is None else float(v) for v in cleaned])
        return RawColumn(name, "boolean", floats)
    numbers = int | float | np.integer | np.floating | Decimal
    if all(isinstance(v, numbers) and not isinstance(v, bool | np.bool_) for v in present):
        floats = np.array([parse_number("nan" if v is None else v) for v in cleaned], dtype=np.float64)
        whole = all(isinstance(v, int | np.integer) for v in present)
        return RawColumn(name, "numeric", floats, whole=whole)
    out = np.empty(len(cleaned), dtype=object)
    out[:] = cleaned
    return RawColumn(name, "other", out)
