"""Prices of a market as a table for training and backtests: earlier returns as inputs, the next one as target.

Row x stands for one day. Its target is the return of the period that follows, y(x) = P(x+1) / P(x) - 1; its
input `return_k` is the return known k days ago, y(x - k). All columns have one public scale, so that inputs
and earlier targets are the same integers, which is what a backtest proves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tacit._wording import given, name_of
from tacit.dataset.schema import Column, Schema, Target, as_number
from tacit.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["BITS", "Market", "market", "market_file"]

BITS = 13
"""Of the window of every return, the sign included."""
WINDOW = 3
"""log2 of the divisors that the window ends at: as far as standardised columns go."""
MAX_LAGS = 1024
MAX_LAGGED = 1 << 26
"""Rows times lags: what one backtest may tie to earlier targets."""


@dataclass(frozen=True, slots=True)
class Market:
    """Rows of a market, ready for `tacit.commit(m.x, m.y, schema=m.schema, ...)`."""

    x: pd.DataFrame = field(repr=False)
    """[n, lags] earlier returns: `return_1` is the last one that is known."""
    y: NDArray[np.float64] = field(repr=False)
    """[n] the return of the period after each row."""
    dates: tuple[Any, ...] | None = field(repr=False)
    """Day of each row, if the prices had dates. They are not committed."""
    schema: Schema = field(repr=False)

    def __len__(self) -> int:
        """Rows."""
        return len(self.y)

    def rows(self, first: int, end: int | None = None) -> Self:
        """The rows from `first` up to `end`, as a market of its own."""
        part = slice(first, end)
        dates = None if self.dates is None else self.dates[part]
        if not len(self.y[part]):
            raise UsageError(f"the market has {len(self)} rows, none from {first} to {end}")
        return replace(self, x=self.x.iloc[part].reset_index(drop=True), y=self.y[part], dates=dates)

    def until(self, date: Any) -> Self:
        """The rows whose target is known before `date`: what a model that trades from then on may learn."""
        return self.rows(0, max(0, self._at(date) - 1))

    def since(self, date: Any) -> Self:
        """The rows from `date` on."""
        return self.rows(self._at(date))

    def _at(self, date: Any) -> int:
        if self.dates is None:
            raise UsageError("the prices came without dates: take rows(first, end)")
        day = np.datetime64(date)
        return int(np.searchsorted(np.array(self.dates, dtype="datetime64[ns]"), day))


def market(
    prices: Any = None,
    *,
    returns: Any = None,
    lags: int = 20,
    dates: Any = None,
    largest: float | str | Fraction = 0.25,
    bits: int = BITS,
    like: Schema | None = None,
) -> Market:
    """Build the table of a market from `prices` (or simple `returns`): a list, an array or a pandas series.

    `dates` are those of the prices (a series brings its own, if its index is one of dates); they have to
    ascend. `lags` is the number of earlier returns on a row. `largest` is the largest return that the window
    of `bits` bits (12 to 16) holds. Both are public and set the one scale of all columns: a return of 1 is
    2^(`bits` - 1) / `largest` integers, which has to be a whole number (16,384, or 0.6 basis points each). A
    finer scale leaves less room for training steps. n prices make n - 1 - lags rows. `like`, the schema of
    another market, sets all three.

    Raises `DataError`, naming the day, for a price that is missing, infinite or not positive, a return beyond
    `largest`, and dates that are out of order or given twice; `UsageError` for too few prices.
    """
    if like is not None:
        lags, largest, bits = _like(like)
    if isinstance(lags, bool) or not isinstance(lags, int) or not 1 <= lags <= MAX_LAGS:
        raise UsageError(f"{given('lags', lags)} is not a number from 1 to {MAX_LAGS}")
    if (prices is None) == (returns is None):
        raise UsageError("give prices, or returns")
    if isinstance(bits, bool) or not isinstance(bits, int) or not 12 <= bits <= 16:
        raise UsageError(f"{given('bits', bits)} is not a number from 12 to 16")
    unit = _unit(largest, bits)
    told = prices if returns is None else returns
    index = getattr(told, "index", None) if dates is None else dates
    values = _values(told, "price" if returns is None else "return", index)
    days = _days(index, len(values), dates is not None)
    if returns is None:
        _refuse(values <= 0, days, values, "price", "is not positive")
        values = values[1:] / values[:-1] - 1
        days = None if days is None else days[1:]
    limit = float(Fraction(1 << (bits - 1), unit))
    _refuse(
        np.abs(values) >= limit, days, values, "return", f"is beyond the window of {limit:g}; say largest=..."
    )
    rows = len(values) - lags
    if rows < 2:
        raise UsageError(f"{len(values)} returns are too few for rows of {lags} earlier ones")
    if rows * lags > MAX_LAGGED:
        raise UsageError(
            f"{rows:,} rows of {lags:,} earlier returns are {rows * lags:,} entries, and a backtest ties at "
            f"most {MAX_LAGGED:,} of them to their days: use {name_of('lags')} of {MAX_LAGGED // rows:,} or "
            "fewer, or fewer days"
        )
    import pandas as pd

    # values[t] is known at the end of day t; row x is day lags - 1 + x.
    x = {f"return_{k}": values[lags - k : lags - k + rows] for k in range(1, lags + 1)}
    fa = bits - 1 - WINDOW
    divisor = (1 << fa) / unit
    columns = {name: Column(offset=0.0, divisor=divisor) for name in x}
    target = Target(kind="real", offset=0.0, divisor=divisor)
    schema = Schema(columns, target, fa=fa, data_bits=bits)
    known = None if days is None else tuple(days[lags - 1 : lags - 1 + rows])
    return Market(pd.DataFrame(x), values[lags:], known, schema)


def market_file(path: Path, *, like: Schema, price: str | None = None, date: str | None = None) -> Market:
    """The market of a CSV or Parquet file of prices, with the lags and the scale of another one.

    `date` is the column of the dates, by default the one called "date", if there is one; `price` that of the
    prices, by default the only other one. Raises what `market` raises.
    """
    from tacit.dataset.load import load

    table = load(path)
    names = table.names()
    dated = date or next((name for name in names if name.lower() == "date"), None)
    others = [name for name in names if name != dated]
    if price is None and len(others) != 1:
        raise UsageError(f"say which column has the prices: --price COLUMN; the columns are {', '.join(names)}")
    days = None if dated is None else list(table.get(dated).values)
    return market(table.get(price or others[0]).values, dates=days, like=like)


def _like(schema: Schema) -> tuple[int, Fraction, int]:
    """Lags, largest return and bits of a market's schema."""
    columns = dict(schema.columns or {})
    names = [f"return_{k}" for k in range(1, len(columns) + 1)]
    divisors = {column.divisor for column in columns.values()}
    divisor = next(iter(divisors), None)
    if not columns or list(columns) != names or len(divisors) != 1 or divisor is None:
        raise UsageError("the schema is not that of a market: its columns are not return_1, return_2, ...")
    unit = round(Fraction(1 << schema.fa) / Fraction(divisor))
    return len(columns), Fraction(1 << (schema.data_bits - 1), unit), schema.data_bits


def _unit(largest: Any, bits: int) -> int:
    """Integers to a return of 1."""
    try:
        unit = (1 << (bits - 1)) / Fraction(str(largest))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"{given('largest', largest)} is not a positive number") from None
    if unit.denominator != 1 or not 1 <= unit < 1 << 32:
        raise UsageError(
            f"{given('largest', largest)}: 2^{bits - 1} divided by it is not a whole number of fitting size"
        )
    return int(unit)


def _values(told: Any, what: str, index: Any) -> NDArray[np.float64]:
    try:
        values = np.asarray(told, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"the {what}s are not numbers") from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"the {what}s have the shape {values.shape}: give one column")
    wrong = ~np.isfinite(values)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(f"{what} {_day(index, at)} is {as_number(values[at]) or values[at]}, not a number")
    return values


def _day(index: Any, at: int) -> str:
    return f"{at}" if index is None else f"{at} ({index[at]})"


def _days(index: Any, count: int, asked: bool) -> NDArray[np.datetime64] | None:
    """The dates, ascending; none for prices without."""
    if index is None:
        return None
    if not asked and not np.issubdtype(getattr(index, "dtype", np.dtype(object)), np.datetime64):
        return None
    try:
        days = np.asarray(index, dtype="datetime64[ns]")
    except (TypeError, ValueError):
        raise DataError("the dates are not dates") from None
    if days.shape != (count,):
        raise DataError(f"there are {len(days)} dates for {count} prices")
    wrong = ~(days[1:] > days[:-1])
    if wrong.any():
        at = int(np.argmax(wrong)) + 1
        raise DataError(f"date {at} ({index[at]}) does not come after the one before it ({index[at - 1]})")
    return days


def _refuse(wrong: NDArray[np.bool_], days: Any, values: NDArray[np.float64], what: str, why: str) -> None:
    if wrong.any():
        at = int(np.argmax(wrong))
        day = at if days is None else days[at].astype("datetime64[D]")
        raise DataError(f"{what} {day}: {values[at]:g} {why}")
