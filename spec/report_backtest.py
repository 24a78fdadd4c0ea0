"""The columns of a backtest, the equations of its rows, and its claims over rows (section 10.8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spec.field import ONE, ZERO, E, eq_table, powers
from spec.hiding import Affine, Low, Reduction
from spec.layout import Allocator, ForwardLayout
from spec.lookup import Form, System, Table, column, signed
from spec.report_columns import DATA, HeadEquation, Pair
from spec.report_rules import Checked
from spec.report_strategy import Backtest as Stated
from spec.report_strategy import (
    Downside,
    Drawdown,
    Figure,
    Hits,
    HitsAtLeast,
    Linear,
    Long,
    Profit,
    ProfitAtLeast,
    Sign,
    SortinoAtLeast,
    Squares,
    SquaresAtMost,
    Tanh,
    Turnover,
    TurnoverAtMost,
    drawdown,
    positions,
)
from spec.tables import relu

LIMB_BITS, LIMBS = 15, 4
PROFIT_LIMBS, FALL_LIMBS, T_LIMBS, U_LIMBS = 2, 3, 2, 3
TRACE = 0

Scalar = tuple[int, int, int]
"""(number among the scalars, its limbs, coefficient)."""


def limbs(first: int, n: int) -> Form:
    """Columns from `first` on as one number."""
    return Form([(TRACE, first + i, 1 << LIMB_BITS * i) for i in range(n)])


def slacks(figure: Figure) -> int:
    """Scalars of a bound that is none on a ratio."""
    if isinstance(figure, ProfitAtLeast | SquaresAtMost | TurnoverAtMost):
        return 1
    return 2 if isinstance(figure, HitsAtLeast) else 0


@dataclass(frozen=True)
class Sum:
    """sum over the rows that are read = value + sum of coefficients times scalars."""

    of: Form | Pair
    value: int
    scalars: list[Scalar]


class Backtest:
    """The columns of a checked backtest."""

    data_id = DATA
    """The data set's place among the vectors."""

    def __init__(self, stated: Stated, checked: Checked, layout: ForwardLayout, slots: Allocator) -> None:
        """Takes its columns."""
        layer = checked.config.architecture.layers[-1]
        assert checked.backtest is not None
        self.strategy, self.figures, self.limits = stated.strategy, stated.figures, checked.backtest
        self.z, self.z_bits = layout.layers[-1].z, layer.z_bits
        self.public = checked.index is None
        self.target, self.rows = checked.config.architecture.layers[0].inputs, checked.rows
        of_table = isinstance(self.strategy.position, Linear | Tanh)
        self.position_slot = slots.take(2 if of_table else 1)
        self.before, self.change, self.profit = (slots.take(1) for _ in range(3))
        signs = any(isinstance(f, Downside | Hits | HitsAtLeast | SortinoAtLeast) for f in self.figures)
        self.signs = (slots.take(1), slots.take(PROFIT_LIMBS), slots.take(PROFIT_LIMBS)) if signs else None
        found = [f for f in self.figures if drawdown(f) is not None]
        self.fall = found[0] if found else None
        self.falls, self.at = (0, 0, 0), 0
        if self.fall is not None:
            self.falls = slots.take(FALL_LIMBS), slots.take(PROFIT_LIMBS), slots.take(FALL_LIMBS)
            self.at = slots.take(1) if isinstance(self.fall, Drawdown) else 0
        ratios = self.limits.ratios
        self.first_slack = 2 + 3 * len(ratios) if ratios else 0
        count = self.first_slack + sum(map(slacks, self.figures))
        self.scalars = slots.take(1) if count else None

    @property
    def position(self) -> Form:
        """p."""
        match self.strategy.position:
            case Sign():
                return Form([(TRACE, self.position_slot, -2)], 1)
            case Long():
                return Form([(TRACE, self.position_slot, -1)], 1)
        return column(self.position_slot)

    @property
    def invested(self) -> Form:
        """Whether there is a position."""
        match self.strategy.position:
            case Sign():
                return Form([], 1)
            case Long():
                return self.position
        return column(self.position_slot + 1)

    @property
    def loss(self) -> Form:
        """What a profit is below 0."""
        assert self.signs is not None
        return limbs(self.signs[2], PROFIT_LIMBS)

    def lookups(self, system: System) -> None:
        """The position is the one of Z; changes and limbs are not negative."""
        position, index = self.strategy.position, signed(self.z, self.z_bits)
        if isinstance(position, Linear | Tanh):
            values = positions(position, self.z_bits)
            table = Table(
                self.z_bits,
                name=("position", position),
                columns=lambda: [values, [int(v != 0) for v in values]],
            )
            system.add(table, [index, self.position, self.invested])
        else:
            system.add(relu(self.z_bits), [index, column(self.position_slot)])
        slots = [self.change]
        if self.signs is not None:
            slots += [first + i for first in self.signs[1:] for i in range(PROFIT_LIMBS)]
        if self.fall is not None:
            for first, n in zip(self.falls, (FALL_LIMBS, PROFIT_LIMBS, FALL_LIMBS), strict=True):
                slots += range(first, first + n)
        if self.scalars is not None:
            slots.append(self.scalars)
        for slot in slots:
            system.add_range(LIMB_BITS, column(slot))

    def equations(self) -> list[HeadEquation]:
        """On every row: the change, the profit, its sign, the drawdown."""
        c, d = self.strategy.cost
        move = self.position.plus(column(self.before), -1)
        scaled = Form([]).plus(self.position, d)
        out = [
            HeadEquation(pairs=[(column(self.change), column(self.change)), (move, Form([]).plus(move, -1))]),
            HeadEquation(
                columns=[(self.profit, -1)],
                masked=[(self.change, -c)],
                pairs=[(scaled, column(self.target, DATA))],
            ),
        ]
        if self.signs is not None:
            hit, gain = column(self.signs[0]), limbs(self.signs[1], PROFIT_LIMBS)
            parts = column(self.profit).plus(hit, -1).plus(gain, -1).plus(self.loss)
            out += [
                HeadEquation(columns=slots_of(parts)),
                HeadEquation(columns=slots_of(hit, -1), pairs=[(hit, hit)]),
                HeadEquation(columns=slots_of(gain, -1), pairs=[(hit, gain)]),
                HeadEquation(pairs=[(hit, self.loss)]),
            ]
        if self.fall is not None:
            fall, rise = limbs(self.falls[0], FALL_LIMBS), limbs(self.falls[1], PROFIT_LIMBS)
            gap = fall.plus(limbs(self.falls[2], FALL_LIMBS))
            out.append(HeadEquation(pairs=[(rise, fall)]))
            out.append(HeadEquation(columns=slots_of(gap, -1), one=drawdown(self.fall) or 0))
            if self.at:
                at = column(self.at)
                out.append(HeadEquation(columns=slots_of(at, -1), pairs=[(at, at)]))
        return out

    def shifted(self) -> list[Pair]:
        """What a row reads there, and on the row before; both are equal."""
        out = [(column(self.before), self.position)]
        if self.fall is not None:
            fall = limbs(self.falls[0], FALL_LIMBS)
            here = fall.plus(limbs(self.falls[1], PROFIT_LIMBS), -1).plus(column(self.profit))
            out.append((here, fall))
        return out

    def slacked(self) -> Iterator[tuple[Figure, int]]:
        """Every figure with its first slack."""
        at = self.first_slack
        for figure in self.figures:
            yield figure, at
            at += slacks(figure)

    def linear(self) -> list[Sum]:
        """Sums of columns: those of figures, then of bounds, then that of T."""
        out, bounds = list[Sum](), list[Sum]()
        for figure, slack in self.slacked():
            match figure:
                case Profit(value):
                    out.append(Sum(column(self.profit), value, []))
                case Turnover(value):
                    out.append(Sum(column(self.change), value, []))
                case Hits(profitable, invested) if self.signs is not None:
                    out += [Sum(column(self.signs[0]), profitable, []), Sum(self.invested, invested, [])]
                case Drawdown():
                    out.append(Sum(column(self.at), 1, []))
                case ProfitAtLeast(value):
                    bounds.append(Sum(column(self.profit), value, [(slack, LIMBS, 1)]))
                case TurnoverAtMost(value):
                    bounds.append(Sum(column(self.change), value, [(slack, LIMBS, -1)]))
                case HitsAtLeast((p, q)) if self.signs is not None:
                    rate = Form([]).plus(column(self.signs[0]), q).plus(self.invested, -p)
                    bounds.append(Sum(rate, 0, [(slack, LIMBS, 1)]))
                    bounds.append(Sum(self.invested, 1, [(slack + 1, LIMBS, 1)]))
        if self.limits.ratios:
            root = (0, T_LIMBS, 1 << self.limits.k)
            bounds.append(Sum(column(self.profit), 1, [root, (1, LIMBS, 1)]))
        return out + bounds

    def products(self) -> list[Sum]:
        """Sums of products: of figures and bounds in their order, then of ratios."""
        out, profit = list[Sum](), column(self.profit)
        for figure, slack in self.slacked():
            match figure:
                case Squares(value):
                    out.append(Sum((profit, profit), value, []))
                case SquaresAtMost(value):
                    out.append(Sum((profit, profit), value, [(slack, LIMBS, -1)]))
                case Downside(value):
                    out.append(Sum((self.loss, self.loss), value, []))
                case Drawdown(value):
                    out.append(Sum((column(self.at), limbs(self.falls[0], FALL_LIMBS)), value, []))
        for i, ratio in enumerate(self.limits.ratios):
            form = self.loss if ratio.downside else profit
            u = 2 + 3 * i
            out.append(Sum((form, form), 0, [(u, U_LIMBS, 1 << ratio.m), (u + 1, LIMBS, -1)]))
        return out

    @property
    def batched(self) -> int:
        """Equations of the claim at rho."""
        return len(self.shifted()) + (0 if self.public else len(self.strategy.lags))

    def check(
        self, r: Reduction, rho: list[E], column_low: int, data_low: int, size: tuple[int, int]
    ) -> list[Affine]:
        """All claims but those of the sumcheck; what its sums of products come to. `size`: lg R, lg data."""
        log_rows, data_stride = size
        self._row_before(r, rho, column_low, data_low, data_stride)
        lows = list[int]()
        for n in range(1, LIMBS + 1) if self.scalars is not None else ():
            lows.append(r.low(Low(table=[E(1 << LIMB_BITS * i) if i < n else ZERO for i in range(LIMBS)])))

        def add(e: Affine, scalars: list[Scalar], k: E) -> None:
            for number, n, c in scalars:
                assert self.scalars is not None
                e.add_cell(TRACE, lows[n - 1], (self.scalars << log_rows) // LIMBS + number, k * c)

        read = r.low(Low(table=[ONE] * self.rows + [ZERO] * ((1 << log_rows) - self.rows)))
        for s in self.linear():
            assert isinstance(s.of, Form)
            e = Affine(ONE * (self.rows * s.of.constant - s.value))
            for vector, slot, c in s.of.terms:
                e.add_cell(vector, read, slot, ONE * c)
            add(e, s.scalars, -ONE)
            r.assert_zero(e)
        if self.limits.ratios:
            root = r.receive()
            e = Affine()
            e.add(root)
            add(e, [(0, T_LIMBS, 1)], -ONE)
            r.assert_zero(e)
            square = r.product(root, root)
            for i, ratio in enumerate(self.limits.ratios):
                e = Affine()
                e.add(square)
                add(e, [(2 + 3 * i, U_LIMBS, ratio.c), (4 + 3 * i, LIMBS, 1)], -ONE)
                r.assert_zero(e)
        out = list[Affine]()
        for s in self.products():
            out.append(Affine(ONE * s.value))
            add(out[-1], s.scalars, ONE)
        return out

    def _row_before(self, r: Reduction, rho: list[E], column_low: int, data_low: int, data_stride: int) -> None:
        """Shifts by one row, and lags, as one claim at rho."""
        mu, eq = r.challenge(), eq_table(rho)
        before = r.low(Low(table=[*eq[1:], ZERO]))
        weights = iter(powers(mu, self.batched))
        e = Affine()
        for here, earlier in self.shifted():
            power = next(weights)
            here.add_to(e, column_low, power)
            e.add_constant(-(power * (ONE - eq[0]) * earlier.constant))
            for vector, slot, c in earlier.terms:
                e.add_cell(vector, before, slot, -(power * c))
        # Those of public rows are compared by the rules.
        if self.strategy.lags and not self.public:
            targets = [ZERO] * (1 << data_stride)
            for lag, power in zip(self.strategy.lags, weights, strict=True):
                e.add_cell(self.data_id, data_low, lag.column, power)
                start = self.limits.first - 1 - lag.back
                for x in range(self.rows):
                    targets[start + x] = targets[start + x] + power * eq[x]
            e.add_cell(self.data_id, r.low(Low(table=targets)), self.target, -ONE)
        r.assert_zero(e)


def slots_of(form: Form, k: int = 1) -> list[tuple[int, int]]:
    """A form without a constant, times k, as (slot, coefficient)."""
    return [(slot, k * c) for _, slot, c in form.terms]
