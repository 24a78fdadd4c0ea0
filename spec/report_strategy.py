"""What a backtest states, section 10.8: positions, costs, lags, figures; its rules and the bounds of sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from spec import arithmetic
from spec.rejected import Rejected, require, within
from spec.report_table import PublicTable
from spec.statement import Labels, RealLabels
from spec.wire import I64, U32, U64

MAX_FIGURES, MAX_LAGGED, KEPT_BITS, RATIO_BITS = 16, 1 << 26, 36, 16


@dataclass(frozen=True)
class Sign:
    """1 where Z > 0, else -1."""

    bits = 0


@dataclass(frozen=True)
class Long:
    """1 where Z > 0, else 0."""

    bits = 0


@dataclass(frozen=True)
class Linear:
    """Z / limit, cut to [-1, 1] or [0, 1], rounded half up, then cut to `most` steps."""

    limit: U32
    bits: U32
    long: bool
    most: U32

    def of(self, z: int) -> int:
        """The position of an output."""
        cut = min(max(z, -self.limit), self.limit) << self.bits
        rounded = (2 * cut + self.limit) // (2 * self.limit)
        return min(max(rounded, 0 if self.long else -self.most), self.most)


@dataclass(frozen=True)
class Tanh:
    """tanh(Z 2^-shift), at least 0 if long only, rounded half up, then cut to `most` steps."""

    shift: U32
    bits: U32
    long: bool
    most: U32

    def of(self, z: int) -> int:
        """The position of an output."""
        rounded = arithmetic.tanh(z, self.shift, self.bits)
        return min(max(rounded, 0 if self.long else -self.most), self.most)


@cache
def positions(position: Linear | Tanh, z_bits: int) -> list[int]:
    """The positions of all outputs of a window, ascending."""
    return [position.of(z) for z in range(-1 << (z_bits - 1), 1 << (z_bits - 1))]


@dataclass(frozen=True)
class Lag:
    """On row x the column is the target of row x - 1 - back."""

    column: U32
    back: U32


@dataclass(frozen=True)
class Strategy:
    """profit = D p y - C |p - p'|, cost = (C, D)."""

    position: Sign | Long | Linear | Tanh
    cost: tuple[U32, U32]
    unit: U32
    periods: U32
    lags: list[Lag]


@dataclass(frozen=True)
class Profit:
    """S, the sum of profits."""

    sum: I64


@dataclass(frozen=True)
class Squares:
    """Q, the sum of their squares."""

    sum: U64


@dataclass(frozen=True)
class Downside:
    """The sum of the squares of those below 0."""

    sum: U64


@dataclass(frozen=True)
class Turnover:
    """The sum of |p - p'|."""

    sum: U64


@dataclass(frozen=True)
class Hits:
    """Rows with a profit, and with a position."""

    profitable: U32
    invested: U32


@dataclass(frozen=True)
class Drawdown:
    """The largest fall of the running sum below its largest value so far, from 0."""

    value: U64


@dataclass(frozen=True)
class ProfitAtLeast:
    """S >= bound."""

    bound: I64


@dataclass(frozen=True)
class SquaresAtMost:
    """Q <= bound."""

    bound: U64


@dataclass(frozen=True)
class TurnoverAtMost:
    """The turnover is at most the bound."""

    bound: U64


@dataclass(frozen=True)
class HitsAtLeast:
    """Rows with a profit of those with a position."""

    bound: tuple[U32, U32]


@dataclass(frozen=True)
class DrawdownAtMost:
    """No drawdown is larger."""

    bound: U64


@dataclass(frozen=True)
class SharpeAtLeast:
    """S > 0 and sqrt(periods) mean / deviation is at least the fraction."""

    bound: tuple[U32, U32]


@dataclass(frozen=True)
class SortinoAtLeast:
    """S > 0 and sqrt(periods) mean / sqrt(downside / n) is at least the fraction."""

    bound: tuple[U32, U32]


Exact = Profit | Squares | Downside | Turnover | Hits | Drawdown
Bound = (
    ProfitAtLeast
    | SquaresAtMost
    | TurnoverAtMost
    | HitsAtLeast
    | DrawdownAtMost
    | SharpeAtLeast
    | SortinoAtLeast
)
Figure = Exact | Bound


@dataclass(frozen=True)
class Backtest:
    """What positions by the model's output would have earned."""

    strategy: Strategy
    figures: list[Figure]


@dataclass(frozen=True)
class Ratio:
    """S > 2^k T, sum <= 2^m U, T^2 >= c U."""

    downside: bool
    c: int
    m: int


@dataclass(frozen=True)
class Limits:
    """What a valid backtest comes to."""

    k: int
    ratios: list[Ratio]
    first: int


def drawdown(figure: Figure) -> int | None:
    """The drawdown that every row's is compared with."""
    match figure:
        case Drawdown(value) | DrawdownAtMost(value):
            return value
    return None


def check_backtest(
    b: Backtest,
    widths: tuple[int, int],
    labels: Labels | None,
    first: int | None,
    rows: int,
    table: PublicTable | None,
) -> Limits:
    """Checks a backtest of a model of so many inputs and outputs on rows in a row; raises `Rejected`.

    `first` is how many rows are before them, None if they are listed, or public without targets; of a public
    `table` the earlier targets are compared here.
    """
    inputs, outputs = widths
    s = b.strategy
    if first is None:
        raise Rejected("BacktestRows", "a backtest reads a range")
    require(rows >= 2, "TooFewRows", f"{rows}")
    if not isinstance(labels, RealLabels) or labels.outputs != 1:
        raise Rejected("Labels", f"{labels}")
    require(outputs == 1, "Outputs", f"{outputs}")
    _check_fields(s)
    columns = [lag.column for lag in s.lags]
    ascending = all(x < y for x, y in pairwise(columns))
    require(ascending and all(c < inputs for c in columns), "Lags", f"{columns}")
    require(all(lag.back + 1 <= first for lag in s.lags), "BeforeFirst", f"first row {first}")
    within(rows * len(s.lags), 0, MAX_LAGGED, "Field", "rows times earlier targets")
    if table is not None:
        table.check_lags(inputs, [(lag.column, lag.back) for lag in s.lags])
    whole = 1 << s.position.bits
    most = whole * ((s.cost[1] << labels.bits - 1) + 2 * s.cost[0])
    fits = most < 1 << 30 and rows * most < 1 << 45 and rows * most**2 < 1 << 60
    require(fits, "TooLarge", f"{rows} rows of profits up to {most}")
    k = max(0, (rows * most).bit_length() - KEPT_BITS)
    within(len(b.figures), 1, MAX_FIGURES, "Field", "figures")
    ratios = []
    for i, figure in enumerate(b.figures):
        earlier = b.figures[:i]
        again = any(type(other) is type(figure) for other in earlier)
        falls = drawdown(figure) is not None and any(drawdown(other) is not None for other in earlier)
        require(not again and not falls, "Twice", f"{figure}")
        _check_figure(figure, rows, most, whole)
        if isinstance(figure, SharpeAtLeast | SortinoAtLeast):
            ratios.append(_ratio(figure, s.periods, rows, k))
    return Limits(k, ratios, first)


def _check_fields(s: Strategy) -> None:
    match s.position:
        case Linear(limit, bits, _, most):
            within(limit, 1, 1 << 16, "Field", "limit")
            within(bits, 0, 12, "Field", "bits of positions")
            within(most, 1, 1 << bits, "Field", "largest position")
        case Tanh(shift, bits, _, most):
            within(shift, 1, 14, "Field", "shift")
            within(bits, 0, 12, "Field", "bits of positions")
            within(most, 1, 1 << bits, "Field", "largest position")
    within(s.cost[1], 1, 1 << 16, "Field", "denominator of the cost")
    within(s.unit, 1, (1 << 32) - 1, "Field", "unit")
    within(s.periods, 1, 1 << 14, "Field", "rows of a year")


def _check_figure(figure: Figure, rows: int, most: int, whole: int) -> None:
    """A figure that so many rows can have."""
    match figure:
        case Profit(value) | ProfitAtLeast(value):
            require(abs(value) <= rows * most, "Figure", f"{figure}")
        case Squares(value) | Downside(value) | SquaresAtMost(value):
            require(value <= rows * most**2, "Figure", f"{figure}")
        case Turnover(value) | TurnoverAtMost(value):
            require(value <= 2 * rows * whole, "Figure", f"{figure}")
        case Drawdown(value) | DrawdownAtMost(value):
            require(value <= rows * most, "Figure", f"{figure}")
        case Hits(profitable, invested):
            require(profitable <= invested <= rows, "Figure", f"{figure}")
        case HitsAtLeast((p, q)):
            require(q > 0 and p <= q, "Fraction", f"{p}/{q}")
        case SharpeAtLeast((p, q)) | SortinoAtLeast((p, q)):
            require(p < 1 << RATIO_BITS and 0 < q < 1 << RATIO_BITS, "Ratio", f"{p}/{q}")


def _ratio(figure: SharpeAtLeast | SortinoAtLeast, periods: int, n: int, k: int) -> Ratio:
    """c = ceil(2^(m - 2 k) kappa^2) below 2^18 for the largest m up to 18."""
    p, q = figure.bound
    if isinstance(figure, SortinoAtLeast):
        above, below = p * p * n, periods * q * q
    else:
        above, below = p * p * n * n, periods * (n - 1) * q * q + p * p * n
    for m in range(18, -1, -1):
        c = -((-above << m) // (below << 2 * k))
        if c < 1 << 18:
            return Ratio(isinstance(figure, SortinoAtLeast), c, m)
    raise Rejected("RatioTooHigh", f"{figure}")
