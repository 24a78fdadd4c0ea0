"""The column of scores, its table, and the claims on the table's multiplicities (section 10.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spec import bilinear
from spec.bilinear import bilinear_check
from spec.field import ONE, ZERO, E, Point, eq_table, lg, powers, total
from spec.hiding import Affine, Low, Reduction
from spec.layout import Allocator
from spec.lookup import System, Table, column
from spec.parameters import Term, algebraic
from spec.report_claims import LIMB_BITS, LIMBS
from spec.report_columns import Head, HeadEquation
from spec.score_claims import ScoreClaims, Set
from spec.score_values import values

if TYPE_CHECKING:
    from spec.report_trace import ReportTrace

TRACE = 0


class ScoreColumn:
    """(2 group + label) 2^bits + score + 2^(bits-1) on rows that are read, 0 on the others."""

    def __init__(self, claims: ScoreClaims, head: Head, inputs: int, slots: Allocator) -> None:
        """Takes its column."""
        self.claims, self.head, self.shape = claims, head, claims.shape
        self.two = head.step is None
        self.label = inputs + int(self.two)
        self.index = slots.take(1)
        # Nothing else is looked up here: the multiplicities are the histogram.
        self.table = Table(self.shape.log_size, name=("scores", self.index))

    def lookup(self, system: System) -> None:
        """Counts the rows."""
        system.add(self.table, [column(self.index)])

    def equation(self) -> HeadEquation:
        """What the column is."""
        bits, z = self.shape.bits, self.head.z
        masked = [(z + 1, 1), (z, -1)] if self.two else [(z, 1)]
        groups = range(1, self.shape.groups)
        masked += [(self.head.group.first + g - 1, g << (bits + 1)) for g in groups]
        return HeadEquation(
            real=1 << (bits - 1),
            columns=[(self.index, -1)],
            masked=masked,
            data=self.label,
            data_scale=1 << bits,
        )


class Histogram:
    """The multiplicities, by group, label and score."""

    def __init__(self, t: ReportTrace, scores: ScoreColumn) -> None:
        """Of a trace."""
        self.first = t.lookups.multiplicities[t.lookups.tables.index(scores.table)] << t.log_rows
        self.shape, self.stride = scores.shape, min(scores.shape.bits, t.log_rows)
        self.idle = (1 << t.log_rows) - t.checked.rows

    def groups(self, of: Set) -> range:
        """The groups of a set."""
        return range(self.shape.groups) if of is None else range(of, of + 1)

    def unread(self, of: Set) -> int:
        """Rows that are not read are counted at place 0, of group 0 and label 0."""
        return self.idle if 0 in self.groups(of) else 0

    def lows(self, r: Reduction, weights: Sequence[E]) -> list[int]:
        """A weight per score, slot by slot."""
        size = 1 << self.stride
        return [r.low(Low(table=list(weights[i : i + size]))) for i in range(0, len(weights), size)]

    def add(self, e: Affine, lows: Sequence[int], of: Set, label: int, k: E) -> None:
        """Adds k times the weighted histogram of a set and label."""
        for g in self.groups(of):
            first = self.first + ((2 * g + label) << self.shape.bits) >> self.stride
            for i, low in enumerate(lows):
                e.add_cell(TRACE, low, first + i, k)


def score_check(t: ReportTrace, r: Reduction) -> None:
    """Linear claims, batched; then those on pairs."""
    scores = t.scores
    if scores is None:
        return
    claims, histogram = scores.claims, Histogram(t, scores)
    r.begin(b"tacit/scores/v1")
    every = powers(r.challenge(), len(claims.linear) + len(claims.pairs))
    of_linear, of_pairs = every[: len(claims.linear)], every[len(claims.linear) :]
    limbs = r.low(Low(table=[E(1 << LIMB_BITS * i) for i in range(LIMBS)]))
    slot = (t.slacks << t.log_rows) // LIMBS + sum(claim.bound for claim in t.checked.claims)
    linear, claimed = Affine(), Affine()
    for claim, power in zip(claims.linear, of_linear, strict=True):
        linear.add_constant(-(power * claim.value))
        if claim.bound:
            linear.add_cell(TRACE, limbs, slot, -power)
            slot += 1
    for pair, power in zip(claims.pairs, of_pairs, strict=True):
        claimed.add_constant(power * pair.value)
        if pair.bound:
            claimed.add_cell(TRACE, limbs, slot, power)
            slot += 1
    for (of, label), weights in by_score(claims, of_linear).items():
        histogram.add(linear, histogram.lows(r, weights), of, label, ONE)
        if label == 0:
            linear.add_constant(-(weights[0] * histogram.unread(of)))
    r.assert_zero(linear)
    if claims.pairs:
        pair_check(r, histogram, claims, claimed, of_pairs)


def by_score(claims: ScoreClaims, every: Sequence[E]) -> dict[tuple[Set, int], list[E]]:
    """The weight of every score in the linear claims, by set and label."""
    shape, out = claims.shape, dict[tuple[Set, int], list[E]]()
    for claim, power in zip(claims.linear, every, strict=True):
        for part in claim.parts:
            weights = out.setdefault((part.group, part.label), [ZERO] * len(shape.whole))
            table, k = values(part.value, part.label, shape.bits, shape.fa), power * part.k
            for t in part.places:
                weights[t] = weights[t] + k * table[t]
    return out


def pair_check(
    r: Reduction, histogram: Histogram, claims: ScoreClaims, claimed: Affine, every: Sequence[E]
) -> None:
    """sum over sets of alpha U + beta P N is what is claimed."""
    sets = claims.sets
    alpha, beta = dict.fromkeys(sets, ZERO), dict.fromkeys(sets, ZERO)
    for claim, power in zip(claims.pairs, every, strict=True):
        for of, k, m in claim.terms:
            alpha[of], beta[of] = alpha[of] + power * k, beta[of] + power * m
    ended = bilinear_check(r, claimed, claims.shape.bits, lg(len(sets)))
    eq_v = eq_table(ended.units)[: len(sets)]
    ended.close(r, total(eq_v))
    left, right, at = Affine(), Affine(), eq_table(ended.rows)
    lows, of_all = histogram.lows(r, at), histogram.lows(r, [ONE] * len(at))
    for over, v in zip(sets, eq_v, strict=True):
        rows, place = over
        weights = in_order(at) if place is None else both_sides(at, place)
        histogram.add(left, lows, rows, 1, v)
        histogram.add(right, histogram.lows(r, weights), rows, 0, v * alpha[over])
        histogram.add(right, of_all, rows, 0, v * beta[over])
        right.add_constant(-(v * (alpha[over] * weights[0] + beta[over]) * histogram.unread(rows)))
    for side, message in ((left, ended.a), (right, ended.b)):
        side.sub(message)
        r.assert_zero(side)


def in_order(at: Sequence[E]) -> Point:
    """2 sum_{t > u} eq(t*, t) + eq(t*, u) for every u."""
    out, above = [ZERO] * len(at), ZERO
    for u in reversed(range(len(at))):
        out[u] = above + above + at[u]
        above = above + at[u]
    return out


def both_sides(at: Sequence[E], place: int) -> Point:
    """sum_{t >= place} eq(t*, t) + [u < place] for every u."""
    above = total(at[place:])
    return [above + ONE if u < place else above for u in range(len(at))]


def score_terms(claims: ScoreClaims | None, bits: float) -> list[Term]:
    """Error terms."""
    if claims is None:
        return []
    out = [algebraic("powers of figures of scores", len(claims.linear) + len(claims.pairs), bits)]
    if claims.pairs:
        numerator = bilinear.error_numerator(claims.shape.bits, lg(len(claims.sets)))
        out.append(algebraic("pairs of scores", numerator, bits))
    return out
