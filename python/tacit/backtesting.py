"""Backtests: what positions by a model's output would have earned on committed rows, with a proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tacit._wording import given, name_of, named
from tacit.dataset.quantised import quantise
from tacit.errors import ReportRefused, UsageError
from tacit.markets import Market
from tacit.performance import SHOWN
from tacit.public_models import PublicModel, apart
from tacit.public_rows import PublicRows, calendar
from tacit.reporting import MIN_GROUP, Number, Report, check_arguments, prove_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.commitment import CommittedData
    from tacit.runs import Run

__all__ = ["AT_LEAST", "AT_MOST", "Positions", "backtest"]

Positions = Literal["sign", "linear", "tanh"]
AT_LEAST = ("sharpe", "sortino", "total_return", "annual_return", "hit_rate")
"""What can be shown to reach a bound."""
AT_MOST = ("max_drawdown", "volatility", "turnover")
"""What can be shown not to exceed one."""
POSITION_BITS = 6
BARE: dict[str, dict[str, Any]] = {
    "Profit": {"sum": 0},
    "Squares": {"sum": 0},
    "Downside": {"sum": 0},
    "Turnover": {"sum": 0},
    "Hits": {"profitable": 0, "invested": 0},
    "Drawdown": {"value": 0},
}
"""Figures as they are asked for: the core puts in the values."""


def backtest(
    run: Run | PublicModel,
    data: CommittedData | Market | None = None,
    *,
    cost_bps: Number = 0,
    position: Positions = "sign",
    limit: Number | None = None,
    long_only: bool = False,
    max_position: Number | None = None,
    position_bits: int = POSITION_BITS,
    show: str | Iterable[str] | None = None,
    at_least: Mapping[str, Number] | None = None,
    at_most: Mapping[str, Number] | None = None,
    periods_per_year: int = 252,
    rows: range | None = None,
    dates: Any = None,
    quiet: bool = False,
) -> Report:
    """Prove what the final model of a run would have earned on the rows of a market (see `tacit.market`).

    `data` is committed data, by default the training data, or a market as `tacit.market` gives it, not
    committed: then its rows, inputs and returns, stand in the report in the clear, and only the model stays
    hidden. `dates`, one a row that is read, ascending (ISO dates, or whole numbers), stand in the report as its
    public calendar; those of a public market do by themselves.

    The position of a row follows from the model's one output Z there: "sign" is 1 or -1 (1 or 0 if
    `long_only`), "linear" is Z / `limit` cut to [-1, 1], "tanh" is tanh(Z / `limit`), in steps of
    2^-`position_bits`. `limit` is in units of the output: a predicted return, or a logit of a classifier;
    that of tanh is rounded to a power of two of the output's integers. Linear and tanh positions are cut at
    `max_position`, a part of a whole one above 0 and at most 1, rounded down to a step. The profit of a row is
    position times return, less `cost_bps` basis points of the change of the position; the position before the
    first row is 0, the last one is not closed, and profits are not compounded.

    `show` names figures that are shown exactly: those of `tacit.performance.SHOWN` ("sharpe", "sortino",
    "annual_return", "volatility", "max_drawdown", "turnover", "hit_rate", "total_return"); by default
    "sharpe" and "max_drawdown" if nothing is bounded. `at_least` (sharpe, sortino, total_return,
    annual_return, hit_rate) and `at_most` (max_drawdown, volatility, turnover) show that a bound holds and
    nothing else; the volatility through the mean square, which is never below the variance. `rows` is a
    range, by default all rows from the first on of which every earlier target that is an input is in the
    data.

    Every input column that is an earlier target on all rows is proven to be one: no look-ahead. The verdict
    names the others. Costs are exact where the numbers fit into the proof, else rounded up.

    Raises `ReportRefused` naming what is wrong (`Labels`, `Outputs`, `OtherSchema`, `TooLarge`, `NotProven`,
    ...; its subclass `BoundFails` for a bound that does not hold) and `BudgetError` if a commitment has no
    rows left.
    """
    run, model = apart(run)
    public = data if isinstance(data, Market) else None
    committed = None if isinstance(data, Market) else data
    check_arguments(run, committed, 0, {"at_least": at_least, "at_most": at_most})
    if rows is not None and not (isinstance(rows, range) and rows.step == 1):
        raise UsageError(f"{given('rows', rows)} is not a range: a backtest reads days in a row")
    record = run.record()
    on: CommittedData | PublicRows = committed or run.data() if public is None else market_rows(public)
    _require_market(run, on)
    lags = earlier_targets(on.features, on.labels.reshape(-1))
    reach = max((lag["back"] + 1 for lag in lags), default=0)
    # Returns before the first public row stand among its inputs.
    chosen = range(reach if public is None else 0, on.n) if rows is None else rows
    if not (0 <= chosen.start < chosen.stop <= on.n):
        raise UsageError(f"{name_of('rows')}: the data has the rows 0 to {on.n - 1}")
    if isinstance(on, PublicRows):
        on = read_from(on, lags, chosen)
    else:
        # Inputs that reach back before the data are known on later rows alone.
        lags = [lag for lag in lags if lag["back"] < chosen.start]
    if dates is None and public is not None and public.dates is not None:
        dates = public.dates[chosen.start : chosen.stop]
    unit = _unit(on)
    last = record.config.architecture.layers[-1]
    integers = unit if record.config.target_bits else 1 << on.fa
    placed = _position(position, limit, long_only, max_position, position_bits, integers)
    step = 1 << (0 if isinstance(placed, str) else next(iter(placed.values()))["bits"])
    cost = _cost(cost_bps, unit, step, len(chosen), on.data_bits)
    strategy = {
        "position": placed,
        "cost": cost,
        "unit": unit,
        "periods": periods_per_year,
        "lags": lags,
    }
    if last.outputs != 1:
        raise ReportRefused(
            f"a position follows from one output, this model has {last.outputs}", reason="Outputs"
        )
    scale = (cost[1] * step * unit, step, len(chosen), periods_per_year)
    figures = _figures(show, at_least, at_most, scale)
    asked: list[Any] = [{"Backtest": {"strategy": strategy, "figures": figures}}]
    if dates is not None:
        asked.append(calendar(dates, len(chosen)))
    read = "All" if public is not None else {"Range": {"first": chosen.start, "count": len(chosen)}}
    request = {"rows": read, "groups": None, "asked": asked}
    return prove_rows(run, record, on, request, (), MIN_GROUP, quiet, public=model)


def market_rows(market: Market) -> PublicRows:
    """A market as the integers of its schema."""
    return PublicRows(quantise(market.x, market.y, schema=market.schema))


def read_from(on: PublicRows, lags: list[dict[str, int]], chosen: range) -> PublicRows:
    """The rows that are read, with the targets before them as far as an input repeats them."""
    targets, reach = on.labels.reshape(-1), max((lag["back"] + 1 for lag in lags), default=0)
    columns = {lag["back"]: lag["column"] for lag in lags}

    def target(i: int) -> int:
        if i >= 0:
            return int(targets[i])
        # Row x has target i where one of its inputs is x - 1 - i rows back.
        told = (on.features[x, columns[x - 1 - i]] for x in range(on.n) if x - 1 - i in columns)
        return int(next(told, 0))

    earlier = tuple(target(i) for i in range(chosen.start - reach, chosen.start))
    return replace(on.take(chosen), earlier=earlier)


def earlier_targets(features: NDArray[np.int32], targets: NDArray[np.int64]) -> list[dict[str, int]]:
    """The columns that are the target some rows earlier, on every row that has one: `column` and `back`."""
    found, n = list[dict[str, int]](), len(targets)
    for column in range(features.shape[1]):
        values = features[:, column]
        # Neighbouring columns are mostly neighbouring lags.
        guess = found[-1]["back"] + 1 if found else 0
        for back in (guess, *(b for b in range(min(n - 2, 1024)) if b != guess)):
            if back + 2 < n and np.array_equal(values[back + 1 :], targets[: n - back - 1]):
                found.append({"column": column, "back": back})
                break
    return found


def _require_market(run: Run, data: CommittedData | PublicRows) -> None:
    """The columns and scales that the model was trained on, and one real target without an offset."""
    trained, q = run.data(), data.quantised
    for what, ours, theirs in (
        ("columns", q.feature_names, trained.quantised.feature_names),
        ("scales", q.scales, trained.quantised.scales),
        ("fractional bits", data.fa, trained.fa),
    ):
        if ours != theirs:
            raise ReportRefused(
                f"the {what} of the data differ from those of the training data; build both with tacit.market",
                reason="OtherSchema",
            )
    if data.label_kind != "real" or data.labels.reshape(data.n, -1).shape[1] != 1:
        raise ReportRefused(
            "a backtest needs one real target a row, the return of the period that follows: see tacit.market",
            reason="Labels",
        )
    assert q.target_scale is not None
    if q.target_scale.offset != 0:
        raise ReportRefused(
            f"the target has the offset {q.target_scale.offset:g}: a return of 0 has to be the integer 0, as "
            "tacit.market has it",
            reason="Offset",
        )


def _unit(data: CommittedData | PublicRows) -> int:
    """The integer of a return of 1."""
    assert data.quantised.target_scale is not None
    unit = Fraction(1 << data.fa) / Fraction(data.quantised.target_scale.divisor)
    whole = round(unit)
    if not 1 <= whole < 1 << 32 or abs(unit / whole - 1) > Fraction(1, 1 << 48):
        raise ReportRefused(
            f"a return of 1 is {float(unit):g} integers, not a whole number of them: use tacit.market",
            reason="Unit",
        )
    return whole


def _position(
    kind: Any, limit: Number | None, long_only: bool, largest: Number | None, bits: int, integers: int
) -> Any:
    """Positions as the statement has them; `integers` is the output of 1."""
    if kind == "sign":
        if limit is not None:
            raise UsageError(f"{name_of('limit')} is for linear and tanh positions")
        if largest is not None:
            raise UsageError(
                f"{name_of('max_position')} is for linear and tanh positions: signs are a whole one or none"
            )
        return "Long" if long_only else "Sign"
    if kind not in ("linear", "tanh"):
        raise UsageError(f"{given('position', kind)} is none of sign, linear and tanh")
    if limit is None:
        raise UsageError(f"a {kind} position needs {named('limit')}: the output of a whole position")
    if isinstance(bits, bool) or not isinstance(bits, int) or not 0 <= bits <= 12:
        raise UsageError(f"{given('position_bits', bits)} is not a number from 0 to 12")
    most = _most(largest, bits)
    size = _number("limit", limit) * integers
    if kind == "linear":
        whole = round(size)
        if not 1 <= whole <= 1 << 16:
            raise UsageError(
                f"{given('limit', limit)} is {float(size):g} integers of the output, not 1 to 65536"
            )
        return {"Linear": {"limit": whole, "bits": bits, "long": bool(long_only), "most": most}}
    shift = next((s for s in range(1, 15) if size <= Fraction(3, 4) * (1 << s + 1)), 14)
    return {"Tanh": {"shift": shift, "bits": bits, "long": bool(long_only), "most": most}}


def _most(largest: Number | None, bits: int) -> int:
    """The largest position in steps of 2^-bits."""
    most = 1 if largest is None else _number("max_position", largest)
    if most > 1:
        raise UsageError(f"{given('max_position', largest)} is more than a whole position")
    steps = int(most * (1 << bits))
    if steps < 1:
        raise UsageError(
            f"{given('max_position', largest)} is less than a step of 2^-{bits}: raise {named('position_bits')}"
        )
    return steps


def _cost(bps: Number, unit: int, step: int, rows: int, bits: int) -> list[int]:
    """C and D: exactly if the profits then fit into the proof, else rounded up to the finest that fits."""
    asked = _number("cost_bps", bps, zero=True) * unit / 10_000

    def fits(c: int, d: int) -> bool:
        most = step * ((d << (bits - 1)) + 2 * c)
        return most < 1 << 30 and rows * most < 1 << 45 and rows * most * most < 1 << 60 and c < 1 << 32

    exact = (asked.numerator, asked.denominator)
    if exact[1] <= 1 << 16 and fits(*exact):
        return list(exact)
    for d in (1 << k for k in range(16, -1, -1)):
        if fits(c := ceil(asked * d), d):
            return [c, d]
    # The core says what does not fit.
    return [min(ceil(asked), (1 << 32) - 1), 1]


def _figures(show: Any, at_least: Any, at_most: Any, scale: tuple[int, int, int, int]) -> list[Any]:
    if show is None:
        show = () if at_least or at_most else ("sharpe", "max_drawdown")
    names = [show] if isinstance(show, str) else list(show)
    out: list[Any] = []
    for name in names:
        if name not in SHOWN:
            raise UsageError(f"the figure {name!r} is not known; known are {', '.join(SHOWN)}")
        out += [{what: BARE[what]} for what in SHOWN[name] if {what: BARE[what]} not in out]
    for bounds, known in ((at_least or {}, AT_LEAST), (at_most or {}, AT_MOST)):
        for name, value in bounds.items():
            if name not in known:
                raise UsageError(f"{name!r} has no such bound; those that have one are {', '.join(known)}")
            out.append(_bound(name, value, scale))
    if not out:
        raise UsageError(f"nothing is asked for: give {named('show')} or bounds")
    return out


def _bound(name: str, value: Number, scale: tuple[int, int, int, int]) -> Any:
    """A bound in the integers of the statement; one between two integers is the stricter."""
    whole, step, n, periods = scale
    v = _number(name, value, signed=name.endswith("return"), zero=True)
    match name:
        case "sharpe" | "sortino" | "hit_rate":
            most = 1 << (32 if name == "hit_rate" else 16)
            if max(v.numerator, v.denominator) >= most or (name == "hit_rate" and v > 1):
                raise UsageError(f"the bound {value!r} of {name} is too large or has too many digits")
            variant = {"sharpe": "SharpeAtLeast", "sortino": "SortinoAtLeast", "hit_rate": "HitsAtLeast"}[name]
            return {variant: {"bound": [v.numerator, v.denominator]}}
        case "total_return":
            return {"ProfitAtLeast": {"bound": ceil(v * whole)}}
        case "annual_return":
            return {"ProfitAtLeast": {"bound": ceil(v * whole * n / periods)}}
        case "max_drawdown":
            return {"DrawdownAtMost": {"bound": floor(v * whole)}}
        case "turnover":
            return {"TurnoverAtMost": {"bound": floor(v * step)}}
        case _:
            # (Q - S^2 / n) / (n - 1) <= Q / (n - 1).
            return {"SquaresAtMost": {"bound": floor(v * v * whole * whole * (n - 1) / periods)}}


def _number(name: str, value: Any, *, signed: bool = False, zero: bool = False) -> Fraction:
    """A number as it is written: 1.5 is 3/2."""
    try:
        number = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"{name} is {value!r}, not a number") from None
    if not signed and (number < 0 or (number == 0 and not zero)):
        raise UsageError(f"{name} is {value!r}: it has to be positive")
    return number
