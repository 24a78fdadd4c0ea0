"""The masked opening, section 11: sum over vectors <f_v, W_v> = value, and every pin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spec.field import ONE, ZERO, E, Point, eq, eq_table, eq_vertex, lg, product, total
from spec.hiding import Claim, Low, Weights
from spec.oracle import FirstOracle
from spec.packing import DEGREE, DUAL, Packing, conjugate, groups
from spec.parameters import Parameters
from spec.proof import Opening
from spec.rejected import require
from spec.statement import Committed, Shape
from spec.transcript import Transcript
from spec.whir import check_lengths, fold_round, selector, whir_check


@dataclass
class SplitEq:
    """eq(point, index) for many indices, from two tables of the square root's size."""

    high: list[E]
    low: list[E]

    @classmethod
    def of(cls, point: Point) -> SplitEq:
        """The tables of a point."""
        half = len(point) // 2
        return cls(eq_table(point[:half]), eq_table(point[half:]))

    def at(self, index: int) -> E:
        """eq(point, index)."""
        return self.high[index // len(self.low)] * self.low[index % len(self.low)]


def weight_of_vector(shape: Shape, weights: Weights, lows: Sequence[Low], columns: Sequence[E], x: Point) -> E:
    """W of one vector at (columns, x): the columns' weights and a point of log_height coordinates."""
    q, parts = shape.payload, []
    tops: dict[int, SplitEq] = {}
    for index, slots in weights.slots.items():
        low = lows[index]
        stride = low.stride
        require(shape.holds(stride), "Stride", f"slots of 2^{stride} cells straddle columns")
        top = tops.setdefault(stride, SplitEq.of(x[: shape.log_height - stride]))
        scalars = []
        for slot, c in slots.items():
            cell = slot << stride
            require(cell < shape.capacity, "Slot", f"slot {slot} lies beyond the payload")
            scalars.append(c * columns[cell // q] * top.at(cell % q >> stride))
        parts.append(low.evaluate(x[shape.log_height - stride :]) * total(scalars))
    if weights.run:
        require(weights.first + len(weights.run) <= shape.capacity, "Run", "pads lie beyond the payload")
        cells, table = enumerate(weights.run, weights.first), SplitEq.of(x)
        parts.append(total(c * columns[cell // q] * table.at(cell % q) for cell, c in cells))
    return total(parts)


def weight_at(
    p: Parameters,
    claim: Claim,
    pins: Sequence[tuple[Committed, E]],
    packing: Packing,
    rho: tuple[Point, Point],
) -> E:
    """A(rho_s, rho_j) over all groups."""
    eq_s, rho_j = eq_table(rho[0]), rho[1]
    own = [w * b for w, (_, n) in zip(eq_s, groups(p.shapes), strict=False) for b in DUAL[:n]]
    out, power = eq_s[0] * packing.pads(p.shapes[0], rho_j), ONE
    for j in range(DEGREE):
        columns, point = [conjugate(w, j) for w in own], Point(conjugate(r, j) for r in rho_j)
        out = out + power * conjugate(sources_at(p, claim, pins, columns, point), DEGREE - j)
        power = power * packing.delta
    return out


def sources_at(
    p: Parameters,
    claim: Claim,
    pins: Sequence[tuple[Committed, E]],
    scales: Sequence[E],
    rho_j: Point,
) -> E:
    """sum over the source columns c of scales_c W_c(rho_j); pins with their powers of theta."""
    first, out = 0, []
    for vector, (shape, weights) in enumerate(zip(p.shapes, claim.weights, strict=True)):
        columns = scales[first : first + shape.columns]
        first += shape.columns
        x, trailing = rho_j[: shape.log_height], rho_j[shape.log_height :]
        part = weight_of_vector(shape, weights, claim.lows, columns, x)
        if vector:
            pinned, power = pins[vector - 1]
            z_column, z = pinned.point[: -shape.log_height], pinned.point[-shape.log_height :]
            chosen = total(w * eq_vertex(z_column, c) for c, w in enumerate(columns))
            part = part + power * chosen * eq(z, x)
        # A short column is read at exponents divisible by 2^e.
        out.append(part * product(ONE - r for r in trailing))
    return total(out)


def opening_check(
    p: Parameters, trace_root: bytes, others: Sequence[Committed], claim: Claim, t: Transcript, proof: Opening
) -> None:
    """Checks the claim and the pins for the vectors behind the roots, which the transcript has absorbed."""
    require(len(proof.source_rounds) == p.h + lg(p.groups), "SourceRounds", f"{len(proof.source_rounds)}")
    require(len(proof.column_rounds) == p.log_columns, "ColumnRounds", f"{len(proof.column_rounds)}")
    evaluation = check_lengths(p.whir, proof.whir)
    t.begin(b"tacit/opening/v1")
    for value in p.integers():
        t.absorb(E(value))
    sigma, pins = claim.value, []
    t.absorb(sigma)
    for pinned in others:
        t.absorb(*pinned.point, pinned.value)
    theta = t.challenge() if others else ZERO
    power = ONE
    for pinned in others:
        power = power * theta
        pins.append((pinned, power))
        sigma = sigma + power * pinned.value
    packing, tau = Packing.drawn(t.challenge(), sigma, proof.conjugates, t)
    t.absorb(proof.mu)
    gamma = t.challenge()

    running, point = proof.mu + gamma * tau, Point()
    for pair in proof.source_rounds:
        running = fold_round(pair, running, point, t)
    rho_j, rho_s = point[: p.h], point[p.h :]
    t.absorb(proof.value)
    expected = proof.value * weight_at(p, claim, pins, packing, (rho_s, rho_j))
    require(running == expected, "SourceClaim", "the sumcheck over the sources does not end in the weight")

    running, rho_c = proof.value, Point()
    for pair in proof.column_rounds:
        running = fold_round(pair, running, rho_c, t)
    expected = selector(p.groups, rho_s, rho_c) * evaluation
    require(running == expected, "ColumnClaim", "the sumcheck over the columns does not end in the selector")
    oracle = FirstOracle(p, gamma, [trace_root, *(pinned.root for pinned in others)])
    whir_check(p.whir, oracle, rho_c + rho_j, t, proof.whir)
