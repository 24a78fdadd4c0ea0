"""Rows of a committed data set whose places stay hidden: a 0/1 selector per row read (section 10.8)."""

from __future__ import annotations

from spec import bilinear
from spec.bilinear import bilinear_check
from spec.field import ONE, ZERO, E, Point, eq, eq_prefix_sum, eq_table, lg, powers, total
from spec.hiding import Affine, Low, Message, Reduction
from spec.layout import Allocator
from spec.parameters import Term, algebraic
from spec.report_columns import DATA
from spec.terms import Equation, Kind

TRACE = 0


class Selection:
    """`count` selectors of a cell for each of 2^lg(rows) places, each from a column's first cell on."""

    def __init__(self, count: int, rows: int, log_rows: int, slots: Allocator, data_id: int = DATA) -> None:
        """Takes the columns; `data_id` is the data set's place among the vectors."""
        self.data_id = data_id
        self.count, self.rows, self.stride = count, rows, lg(rows)
        self.part = min(self.stride, log_rows)
        self.columns = 1 << max(0, self.stride - log_rows)
        self.first = slots.take(count * self.columns) << (log_rows - self.part)
        self.apart = self.columns << (log_rows - self.part)

    def add(self, e: Affine, j: int, lows: list[tuple[int, E]], k: E) -> None:
        """Adds k times selector j, read part by part."""
        for i, (low, w) in enumerate(lows):
            e.add_cell(TRACE, low, self.first + j * self.apart + i, k * w)

    def at(self, r: Reduction, point: Point) -> list[tuple[int, E]]:
        """eq(point, .), part by part."""
        top = self.stride - self.part
        low = r.low(Low(point=point[top:]))
        return [(low, w) for w in eq_table(point[:top])]

    def ones(self, r: Reduction) -> list[tuple[int, E]]:
        """1 on the rows of the data set."""
        size = 1 << self.part
        full = r.low(Low(table=[ONE] * size))
        lows = [(full, ONE)] * (self.rows // size)
        rest = self.rows % size
        return lows + ([(r.low(Low(table=[ONE] * rest + [ZERO] * (size - rest))), ONE)] if rest else [])

    def check(self, r: Reduction, rho: Point, product: Equation) -> Message:
        """What the matrix products read of the hidden rows at rho."""
        r.begin(b"tacit/selection/v1")
        read = r.receive()
        tau = r.point(self.stride)
        mu = powers(r.challenge(), self.count + 1)[1:]
        claimed = Affine()
        claimed.add(read)
        at_tau = self.at(r, tau)
        for j, power in enumerate(mu):
            self.add(claimed, j, at_tau, power)
        claim = bilinear_check(r, claimed, self.stride, lg(1 + self.count))
        reads, *squares = eq_table(claim.units)
        squared = total(v * power for v, power in zip(squares, mu, strict=False))
        weight = reads * eq_prefix_sum(claim.rows, self.rows) + squared * eq(tau, claim.rows)
        claim.close(r, weight)
        here, data = self.at(r, claim.rows), r.low(Low(point=claim.rows))
        left, right = Affine(), Affine()
        for j, (v, w) in enumerate(zip(squares[: self.count], eq_table(rho), strict=False)):
            self.add(left, j, here, reads * w + v)
            self.add(right, j, here, v)
        for kind, slot, c in product:
            if kind is Kind.DATA:
                right.add_cell(self.data_id, data, slot, reads * c)
        for side, message in ((left, claim.a), (right, claim.b)):
            side.sub(message)
            r.assert_zero(side)
        every = self.ones(r)
        for j in range(self.count):
            one = Affine(-ONE)
            self.add(one, j, every, ONE)
            r.assert_zero(one)
        return read

    def soundness(self, bits: float) -> list[Term]:
        """Error terms."""
        return [
            algebraic("selectors", bilinear.error_numerator(self.stride, lg(1 + self.count)), bits),
            algebraic("point and powers of selectors", self.stride + self.count, bits),
        ]
