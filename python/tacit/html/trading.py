"""Figures of a backtest on the page: exact ones with how they are made, and bounds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Any

from tacit.html.figures import Bar
from tacit.html.markup import Markup, tag
from tacit.html.numbers import percent
from tacit.performance import Performance, bits_of, shown_performance

__all__ = ["backtest_bars", "backtest_table", "performance_of"]

EXACT: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("sharpe", "Sharpe ratio", "a year; the riskless rate is 0", lambda v: f"{v:.2f}"),
    ("sortino", "Sortino ratio", "a year; against losses alone", lambda v: f"{v:.2f}"),
    ("annual_return", "annual return", "without compounding", lambda v: f"{100 * v:.2f} %"),
    ("total_return", "total return", "without compounding", lambda v: f"{100 * v:.2f} %"),
    ("volatility", "volatility", "a year", lambda v: f"{100 * v:.2f} %"),
    ("max_drawdown", "maximum drawdown", "of one whole position", lambda v: f"{100 * v:.2f} %"),
    ("hit_rate", "hit rate", "days with a profit, of those with a position", lambda v: f"{100 * v:.2f} %"),
    ("turnover", "turnover", "whole positions that were changed", lambda v: f"{v:,.1f}"),
)


CHARTED = ("annual_return", "volatility", "max_drawdown", "hit_rate")


def performance_of(shown: Any, rows: int) -> Performance | None:
    """The figures of the backtest that a statement shows."""
    return shown_performance(shown, rows)


def backtest_bars(shown: Any, rows: int) -> list[Bar]:
    """The figures that are parts of a whole position, or of days, for a chart; negative ones are left out."""
    found = shown_performance(shown, rows)
    known = {} if found is None else found.named()
    named = [(name, title) for name, title, *_ in EXACT if name in CHARTED and known.get(name, -1) >= 0]
    return [Bar(title, Fraction(known[name]).limit_denominator(10**6)) for name, title in named]


def backtest_table(shown: Any, rows: int) -> Markup | None:
    """Every figure of a backtest; bounds are rounded to the safe side."""
    lines = []
    found = shown_performance(shown, rows)
    known = {} if found is None else found.named()
    for name, title, about, text in EXACT:
        if name in known:
            lines.append(_line(title, about, text(known[name])))
    for item in shown:
        if isinstance(item, dict) and "Backtest" in item:
            strategy = item["Backtest"]["strategy"]
            for figure in item["Backtest"]["figures"]:
                ((kind, told),) = figure.items()
                bound = _bound(kind, told, strategy, rows)
                lines += [] if bound is None else [_line(*bound)]
    return tag("table", tag("tbody", lines), class_="narrow") if lines else None


def _line(title: str, about: str, value: str) -> Markup:
    what = tag("th", title, tag("small", about), scope="row")
    return tag("tr", what, tag("td", value, class_="num"))


def _bound(kind: str, told: Any, strategy: Any, rows: int) -> tuple[str, str, str] | None:
    """A bound in words: what it bounds, how, the value."""
    step = 1 << bits_of(strategy["position"])
    whole, bound = strategy["cost"][1] * step * strategy["unit"], told.get("bound")
    match kind:
        case "SharpeAtLeast" | "SortinoAtLeast":
            title = "Sharpe ratio" if kind == "SharpeAtLeast" else "Sortino ratio"
            value = f"at least {Fraction(*bound)}"
        case "ProfitAtLeast":
            title, value = "total return", f"at least {percent(Fraction(bound, whole), bound='least')}"
        case "HitsAtLeast":
            title, value = "hit rate", f"at least {percent(Fraction(*bound), bound='least')}"
        case "DrawdownAtMost":
            title, value = "maximum drawdown", f"at most {percent(Fraction(bound, whole), bound='most')}"
        case "TurnoverAtMost":
            title, value = "turnover", f"at most {bound / step:,.2f} whole positions"
        case "SquaresAtMost":
            # Rounded up.
            yearly = 100 * (strategy["periods"] * bound / max(1, rows - 1)) ** 0.5 / whole
            title, value = "volatility", f"at most {ceil(100 * yearly) / 100:.2f} % a year"
        case _:
            return None
    return title, "nothing more about it is told", value
