"""Completes a schema from the data: kinds, categories and scales that were left open.

Everything that this module reads off the data and that the commitment then shows is returned as `released`,
one sentence per fact. Derived scales are rounded to three significant digits, so that they tell no more than
standardising needs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tacit._wording import named
from tacit.dataset.schema import Column, Schema
from tacit.dataset.table import RawColumn, Table, parse_number, show
from tacit.errors import DataError

__all__ = ["ScaleRule", "category_indices", "complete_columns", "numeric_values", "rounded_scale"]

ScaleRule: TypeAlias = Literal["auto", "standardise", "none"]
DIGITS = 3
MAX_CATEGORIES = 1_000


def _instead(name: str) -> str:
    """What to do with a column of text."""
    one = repr([name])
    categorical = named("categorical", one, option=f"--categorical {name}")
    return (
        f"make it categorical ({categorical}), or leave it out ({named('drop', one, option=f'--drop {name}')})"
    )


def numeric_values(table: Table, raw: RawColumn, fill: float | None) -> NDArray[np.float64]:
    """The column's numbers, missing ones filled. Raises `DataError` for NaN, infinity and text."""
    if raw.kind == "other":
        for row, value in enumerate(raw.values):
            if value is not None and parse_number(value) is None:
                raise table.error(
                    raw.name,
                    row,
                    f"{show(value)} is not a number; {_instead(raw.name)}",
                )
        raise DataError(
            f"column {raw.name!r} mixes text and numbers; {_instead(raw.name)}",
            column=raw.name,
        )
    values: NDArray[np.float64] = raw.values
    infinite = np.isinf(values)
    if infinite.any():
        raise table.error(raw.name, int(np.argmax(infinite)), "the value is infinite")
    missing = np.isnan(values)
    if missing.any():
        if fill is None:
            count = int(missing.sum())
            more = f" ({count:,} such rows)" if count > 1 else ""
            row = int(np.argmax(missing))
            raise table.error(
                raw.name,
                row,
                f"the value is missing or NaN{more}; drop the rows or give a fill value in a schema",
            )
        values = np.where(missing, fill, values)
    return values


def rounded_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation, rounded to three significant digits of the deviation."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(values.mean()), float(values.std())
    if not (math.isfinite(mean) and math.isfinite(deviation)):
        middle = float(np.abs(values).max())
        return 0.0, middle
    # A constant column leaves rounding noise of the order of its value, not a deviation.
    if deviation <= 1e-12 * max(abs(mean), 1e-300):
        return float(f"{mean:.{DIGITS}g}"), 1.0
    divisor = float(f"{deviation:.{DIGITS - 1}e}")
    place = DIGITS - 1 - math.floor(math.log10(divisor))
    return (round(mean, place) if abs(place) < 300 else mean), divisor


def complete_columns(
    table: Table, schema: Schema, rule: ScaleRule, categorical: Collection[str] = ()
) -> tuple[dict[str, Column], list[str]]:
    """Every column with its kind, scale or categories; and what was derived from the data to get there."""
    given = schema.columns if schema.columns is not None else {name: Column() for name in table.names()}
    released: list[str] = []
    columns: dict[str, Column] = {}
    for name, column in given.items():
        columns[name] = _kind(table.get(name), column, schema.columns is None, name in categorical)
        columns[name].checked(name)
    for name in categorical:
        if name not in columns:
            raise DataError(f"column {name!r} is declared categorical but is no input", column=name)
    for position, (name, column) in enumerate(columns.items()):
        if column.kind == "categorical" and column.categories is None:
            found = _categories(table, table.get(name))
            columns[name] = replace(column, categories=found)
            released.append(f"number of categories of input column {position}: {len(found)}")
    released += _scale(table, columns, schema, rule)
    return columns, released


def _kind(raw: RawColumn, column: Column, inferred: bool, categorical: bool) -> Column:
    if categorical and column.kind != "categorical":
        column = replace(column, kind="categorical")
    if column.kind == "categorical":
        if column.categories is None and raw.categories is not None:
            return replace(column, categories=raw.categories)
        return column
    if inferred and raw.categories is not None:
        return replace(column, kind="categorical", categories=raw.categories)
    if inferred and raw.kind == "boolean":
        return replace(column, kind="boolean")
    return column


def _categories(table: Table, raw: RawColumn) -> tuple[Hashable, ...]:
    missing = raw.missing()
    if missing.any():
        raise table.error(raw.name, int(np.argmax(missing)), "the value is missing")
    if raw.kind == "other":
        for row, value in enumerate(raw.values):
            if not isinstance(value, Hashable):
                raise table.error(raw.name, row, f"a {type(value).__name__} cannot be a category")
        distinct = set(raw.values.tolist())
        try:
            found: tuple[Any, ...] = tuple(sorted(distinct))
        except TypeError:
            raise DataError(
                f"column {raw.name!r}: its values have no order; give its categories",
                column=raw.name,
            ) from None
    else:
        floats = np.unique(raw.values).tolist()
        found = tuple(int(v) for v in floats) if raw.whole else tuple(floats)
        found = tuple(bool(v) for v in floats) if raw.kind == "boolean" else found
    if len(found) > MAX_CATEGORIES:
        raise DataError(
            f"column {raw.name!r} has {len(found):,} different values, more than {MAX_CATEGORIES:,}",
            column=raw.name,
        )
    return found


def _scale(table: Table, columns: dict[str, Column], schema: Schema, rule: ScaleRule) -> list[str]:
    """Fill in the open scales of `columns`; return what that releases."""
    open_names = [n for n, c in columns.items() if c.kind == "numeric" and c.offset is None]
    if not open_names:
        return []
    positions = {name: position for position, name in enumerate(columns)}
    values = {n: numeric_values(table, table.get(n), columns[n].fill) for n in open_names}
    if rule == "auto" and table.unit == "bytes":
        for name in open_names:
            columns[name] = replace(columns[name], offset=0.0, divisor=255.0)
        return []
    released: list[str] = []
    if rule == "auto":
        # Columns of one array share a unit: if it fits the window, changing it would surprise the caller.
        largest = max(float(np.abs(v).max()) for v in values.values())
        limit = 2.0 ** (schema.data_bits - 1 - schema.fa)
        keep = table.unit == "shared" and 0.5 <= largest <= 4 * limit
        rule = "none" if keep else "standardise"
        released.append(
            f"that the numeric columns are {'kept as they are' if keep else 'standardised'} "
            "was decided from their range"
        )
    for name in open_names:
        offset, divisor = (0.0, 1.0)
        if rule == "standardise":
            offset, divisor = rounded_scale(_clipped(values[name], columns[name].clip))
        columns[name] = replace(columns[name], offset=offset, divisor=divisor)
    if rule == "standardise":
        numbers = ranges([positions[name] for name in open_names])
        released.append(f"mean and deviation (three digits) of the input columns {numbers}")
    return released


def ranges(numbers: list[int]) -> str:
    """Ascending numbers in words: 0-3, 5, 7-9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _clipped(values: NDArray[np.float64], clip: tuple[float, float] | None) -> NDArray[np.float64]:
    return values if clip is None else np.clip(values, *clip)


def category_indices(
    table: Table, raw: RawColumn, categories: tuple[Hashable, ...], what: str = "categories"
) -> NDArray[np.int64]:
    """For every row the position of its value in `categories`. Raises `DataError` for other values."""
    missing = raw.missing()
    if missing.any():
        raise table.error(raw.name, int(np.argmax(missing)), "the value is missing")
    if raw.kind == "other":
        texts = all(isinstance(v, str) for v in raw.values)
        lookup = {str(c) if texts else c: i for i, c in enumerate(categories)}
        found = np.fromiter(
            (lookup.get(v, -1) if isinstance(v, Hashable) else -1 for v in raw.values),
            dtype=np.int64,
            count=table.rows,
        )
    else:
        known = np.array([_as_number(c) for c in categories], dtype=np.float64)
        order = np.argsort(known, kind="stable")
        at = np.clip(np.searchsorted(known[order], raw.values), 0, len(known) - 1)
        found = np.where(known[order][at] == raw.values, order[at], -1).astype(np.int64)
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        value = raw.values[row]
        value = int(value) if raw.whole else value
        listed = ", ".join(show(c) for c in categories[:8]) + (", ..." if len(categories) > 8 else "")
        raise table.error(raw.name, row, f"{show(value)} is not one of the {what} {listed}")
    return found


def _as_number(category: Hashable) -> float:
    """A category as a number; NaN, which equals nothing, if it is none."""
    number = parse_number(category)
    return math.nan if number is None else number
