"""What the figures of a backtest come to: returns, ratios, drawdown. Needs no numpy.

With S the sum of the n rows' profits, Q that of their squares, N that of the squares of losses, W a profit of
one whole position (`cost denominator * whole position * unit`) and `periods` rows a year:

    total return       S / W                                 annual return   periods S / (n W)
    volatility         sqrt(periods (Q - S^2/n) / (n-1)) / W
    Sharpe ratio       sqrt(periods) (S/n) / sqrt((Q - S^2/n) / (n-1))
    Sortino ratio      sqrt(periods) (S/n) / sqrt(N/n)
    maximum drawdown   the largest fall of the running sum below its largest value so far (from 0), over W

Profits add up; they are not compounded. The riskless rate is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

__all__ = ["SHOWN", "Performance", "bits_of", "shown_performance"]

SHOWN: Mapping[str, tuple[str, ...]] = {
    "total_return": ("Profit",),
    "annual_return": ("Profit",),
    "volatility": ("Profit", "Squares"),
    "sharpe": ("Profit", "Squares"),
    "sortino": ("Profit", "Downside"),
    "max_drawdown": ("Drawdown",),
    "turnover": ("Turnover",),
    "hit_rate": ("Hits",),
}
"""What can be asked for, and the sums that a report shows of it."""


def bits_of(position: Any) -> int:
    """Fractional bits of the positions of a strategy."""
    if isinstance(position, str):
        return 0
    ((_, told),) = position.items()
    return int(told["bits"])


def _root(value: Fraction) -> float:
    """The square root, from integers of any size."""
    scale = 1 << 128
    return isqrt(value.numerator * scale * scale // value.denominator) / scale


@dataclass(frozen=True, slots=True)
class Performance:
    """The figures of one backtest that its report shows exactly; None for the others."""

    rows: int
    periods: int
    whole: int
    """W: the integer of a profit of one whole position."""
    step: int
    """The integer of a whole position."""
    profit: int | None = None
    squares: int | None = None
    downside: int | None = None
    moved: int | None = None
    hits: tuple[int, int] | None = None
    fall: int | None = None

    @property
    def total_return(self) -> float | None:
        """S / W."""
        return None if self.profit is None else self.profit / self.whole

    @property
    def annual_return(self) -> float | None:
        """Of `periods` rows, without compounding."""
        return None if self.profit is None else self.profit * self.periods / (self.rows * self.whole)

    @property
    def volatility(self) -> float | None:
        """The annual standard deviation, with n - 1."""
        variance = self._variance()
        return None if variance is None else _root(variance * self.periods) / self.whole

    @property
    def sharpe(self) -> float | None:
        """The annual Sharpe ratio; None if profits do not vary."""
        variance = self._variance()
        return self._ratio(variance) if variance else None

    @property
    def sortino(self) -> float | None:
        """The annual Sortino ratio; None without a loss."""
        return self._ratio(Fraction(self.downside, self.rows)) if self.downside else None

    @property
    def max_drawdown(self) -> float | None:
        """As a part of one whole position."""
        return None if self.fall is None else self.fall / self.whole

    @property
    def turnover(self) -> float | None:
        """Whole positions that were changed, over all rows."""
        return None if self.moved is None else self.moved / self.step

    @property
    def hit_rate(self) -> float | None:
        """Rows with a profit of those with a position."""
        return self.hits[0] / self.hits[1] if self.hits and self.hits[1] else None

    def named(self) -> dict[str, float]:
        """All that is known, by name."""
        known = {name: getattr(self, name) for name in SHOWN}
        return {name: value for name, value in known.items() if value is not None}

    def _variance(self) -> Fraction | None:
        if self.profit is None or self.squares is None or self.rows < 2:
            return None
        return (self.squares - Fraction(self.profit**2, self.rows)) / (self.rows - 1)

    def _ratio(self, variance: Fraction) -> float | None:
        if self.profit is None:
            return None
        squared = self.periods * Fraction(self.profit, self.rows) ** 2 / variance
        return _root(squared) * (1 if self.profit >= 0 else -1)


def shown_performance(shown: Iterable[Any], rows: int) -> Performance | None:
    """What a report's statement shows of a backtest; None without one."""
    for item in shown:
        if not (isinstance(item, dict) and "Backtest" in item):
            continue
        strategy = item["Backtest"]["strategy"]
        told = {name: values for figure in item["Backtest"]["figures"] for name, values in figure.items()}
        step = 1 << bits_of(strategy["position"])
        return Performance(
            rows,
            strategy["periods"],
            strategy["cost"][1] * step * strategy["unit"],
            step,
            told.get("Profit", {}).get("sum"),
            told.get("Squares", {}).get("sum"),
            told.get("Downside", {}).get("sum"),
            told.get("Turnover", {}).get("sum"),
            (told["Hits"]["profitable"], told["Hits"]["invested"]) if "Hits" in told else None,
            told.get("Drawdown", {}).get("value"),
        )
    return None
