"""Figures of scores as claims on the histogram H(group, label, score), and their rules (section 10.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from spec.field import lg
from spec.rejected import Rejected, require, within
from spec.report_claims import LIMB_BITS, LIMBS, check_rate, coefficients
from spec.report_rates import Accuracy, Predicted, Rate, TopK
from spec.score_statement import (
    MAX_EDGES,
    Auc,
    AucAtLeast,
    AucGapAtMost,
    BalancedAtLeast,
    Calibration,
    Figure,
    Loss,
    LossAtMost,
    RateAtLeast,
    RateAtMost,
    Scores,
    Thresholds,
)
from spec.score_values import BITS, PROBABILITY, ROW, Value
from spec.training import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, RunConfig

MAX_LOG_HISTOGRAM, MAX_VALUES = 21, 1 << 25
Set = int | None
"""A group, or all rows."""
Over = tuple[Set, int | None]
"""A set, and the place between scores whose pairs on both sides are summed; None for pairs in order."""


@dataclass(frozen=True)
class Shape:
    """Scores of `bits` bits, `fa` of them fractional, of `rows` rows in groups."""

    bits: int
    fa: int
    groups: int
    rows: int

    @classmethod
    def of(cls, config: RunConfig, groups: int, rows: int) -> Shape:
        """Of a binary classifier."""
        last, loss = config.architecture.layers[-1], config.architecture.loss
        bits = 0
        if loss == BINARY_CROSS_ENTROPY and last.outputs == 1:
            bits = last.z_bits
        elif loss == CROSS_ENTROPY and last.outputs == 2:
            bits = last.z_bits + 1
        require(bits > 0, "NotApplicable", "a score of other than two classes")
        shape = cls(bits, config.scales.fa, groups, rows)
        require(shape.log_size <= MAX_LOG_HISTOGRAM, "Histogram", f"2^{shape.log_size} entries")
        return shape

    @property
    def log_size(self) -> int:
        """log2 of the entries of the histogram."""
        return self.bits + 1 + lg(self.groups)

    @property
    def whole(self) -> range:
        """The places of all scores."""
        return range(1 << self.bits)


@dataclass(frozen=True)
class Part:
    """k times a value, summed over the rows of a set and a label whose score's place is in a range."""

    group: Set
    label: int
    value: Value
    places: range
    k: int = 1


@dataclass(frozen=True)
class LinearClaim:
    """sum of parts = value, plus a slack if it is a bound."""

    parts: list[Part]
    value: int
    bound: bool = False


@dataclass(frozen=True)
class PairClaim:
    """sum over ((set, kernel), k, l) of k U + l P N = value, plus a slack if it is a bound."""

    terms: list[tuple[Over, int, int]]
    value: int
    bound: bool = False


@dataclass
class ScoreClaims:
    """All claims of a statement."""

    shape: Shape
    linear: list[LinearClaim] = field(default_factory=list)
    pairs: list[PairClaim] = field(default_factory=list)

    @property
    def bounds(self) -> int:
        """How many have a slack."""
        return sum(claim.bound for claim in self.linear) + sum(claim.bound for claim in self.pairs)

    @property
    def sets(self) -> list[Over]:
        """What the claims on pairs sum over, in order of first use."""
        return list(dict.fromkeys(term[0] for claim in self.pairs for term in claim.terms))

    def both(self, group: Set, value: Value, places: range, k: int = 1) -> list[Part]:
        """A value over rows of both labels."""
        return [Part(group, label, value, places, k) for label in (0, 1)]

    def equal(self, parts: list[Part], value: int) -> None:
        """Adds an equality."""
        self.linear.append(LinearClaim(parts, value))

    def at_least(self, parts: list[Part], value: int) -> None:
        """Adds a bound of which both sides are below 2^60."""
        s = self.shape
        most = max(
            sum(abs(p.k) * p.value.most(s.bits, s.fa) for p in parts if p.label == label) for label in (0, 1)
        )
        require(most * s.rows + abs(value) < 1 << LIMBS * LIMB_BITS, "BoundTooFine")
        self.linear.append(LinearClaim(parts, value, bound=True))

    def some(self, group: Set, labels: Sequence[int]) -> None:
        """There is a row of one of these labels."""
        self.at_least([Part(group, label, ROW, self.shape.whole) for label in labels], 1)

    def ordered(self, terms: list[tuple[Over, int, int]], value: int, most: int) -> None:
        """Adds a bound on pairs."""
        require(most < 1 << LIMBS * LIMB_BITS, "BoundTooFine")
        self.pairs.append(PairClaim(terms, value, bound=True))

    def rows_of(self, group: Set, positives: int, negatives: int) -> None:
        """Rows of each class."""
        self.equal([Part(group, 1, ROW, self.shape.whole)], positives)
        self.equal([Part(group, 0, ROW, self.shape.whole)], negatives)

    def gap(self, positives: list[int], negatives: list[int], p: int, q: int) -> None:
        """q (U_g d_h - U_h d_g) <= 2 p d_g d_h for every two groups, both ways, d = P N."""
        d = [a * b for a, b in zip(positives, negatives, strict=True)]
        for g, (a, b) in enumerate(zip(positives, negatives, strict=True)):
            self.rows_of(g, a, b)
        for g, of_g in enumerate(d):
            for h, of_h in enumerate(d):
                if g != h:
                    both = of_g * of_h
                    terms: list[tuple[Over, int, int]] = [((g, None), -q * of_h, 0), ((h, None), q * of_g, 0)]
                    self.ordered(terms, -2 * p * both, 2 * (p + q) * both)

    def ranges(self, edges: list[int]) -> list[range]:
        """The places between edges."""
        places = [0, *map(self.place, edges), 1 << self.shape.bits]
        return [range(a, b) for a, b in pairwise(places)]

    def place(self, edge: int) -> int:
        """Where a score stands in the histogram."""
        return edge + (1 << (self.shape.bits - 1))

    def part_of_pairs(self, over: Over, bound: tuple[int, int]) -> None:
        """U is at least p/q of 2 P N, and there are rows of both classes."""
        p, q = bound
        self.some(over[0], [1])
        self.some(over[0], [0])
        self.ordered([(over, q, -2 * p)], 0, -(-(self.shape.rows**2) * q // 2))

    def rate(self, group: Set, rate: Rate, place: int, n: int, d: int) -> None:
        """n numerator + d denominator >= 0, and the denominator is not 0."""
        sides = enumerate((range(place), range(place, 1 << self.shape.bits)))
        cells = [(label, side, places) for side, places in sides for label in (0, 1)]
        cells.sort(key=lambda cell: cell[:2])

        def parts(n: int, d: int) -> list[Part]:
            out = []
            for label, side, places in cells:
                numerator, denominator = coefficients(rate, label, side)
                out.append(Part(group, label, ROW, places, n * numerator + d * denominator))
            return [part for part in out if part.k]

        self.at_least(parts(n, d), 0)
        if group is not None or not isinstance(rate, Accuracy | Predicted):
            self.at_least(parts(0, 1), 1)

    def add(self, group: Set, figure: Figure) -> None:
        """Adds the claims of a figure."""
        whole = self.shape.whole
        match figure:
            case Auc(twice, positives, negatives):
                self.rows_of(group, positives, negatives)
                self.pairs.append(PairClaim([((group, None), 1, 0)], twice))
            case AucAtLeast(bound):
                self.part_of_pairs((group, None), bound)
            case BalancedAtLeast(edge, bound):
                self.part_of_pairs((group, self.place(edge)), bound)
            case RateAtLeast(rate, edge, (p, q)):
                self.rate(group, rate, self.place(edge), q, -p)
            case RateAtMost(rate, edge, (p, q)):
                self.rate(group, rate, self.place(edge), -q, p)
            case AucGapAtMost(positive, negative, (p, q)):
                self.gap(positive, negative, p, q)
            case Loss(loss, total, rows):
                self.equal(self.both(group, Value("loss", loss), whole), total)
                self.equal(self.both(group, ROW, whole), rows)
            case LossAtMost(loss, (p, q)):
                parts = self.both(group, Value("loss", loss), whole, -q)
                self.at_least(parts + self.both(group, ROW, whole, p << BITS), 0)
                self.some(group, [0, 1])
            case Calibration(edges, of_bins):
                for places, told in zip(self.ranges(edges), of_bins, strict=True):
                    self.equal(self.both(group, ROW, places), told.rows)
                    self.equal([Part(group, 1, ROW, places)], told.positives)
                    self.equal(self.both(group, PROBABILITY, places), told.probability)
            case Thresholds(edges, bins):
                for places, (rows, positives) in zip(self.ranges(edges), bins, strict=True):
                    self.equal(self.both(group, ROW, places), rows)
                    self.equal([Part(group, 1, ROW, places)], positives)


def score_claims(shown: Sequence[object], shape: Shape) -> ScoreClaims:
    """All claims, in the order of what is shown."""
    out = ScoreClaims(shape)
    for item in shown:
        if isinstance(item, Scores):
            out.add(item.group, item.figure)
    read = sum(len(part.places) for claim in out.linear for part in claim.parts)
    within(read, 0, MAX_VALUES, "Length", "values of scores")
    return out


def check_figure(scores: Scores, shape: Shape, grouped: bool) -> None:
    """The rules of one figure; its group exists."""
    group, figure = scores.group, scores.figure

    def among(got: int) -> None:
        fits = got == shape.rows if group is None else got <= shape.rows
        require(fits, "CountSum", f"{got} of {shape.rows} rows")

    def summed(got: int, value: Value, rows: int) -> None:
        most = rows * value.most(shape.bits, shape.fa)
        require(got <= most, "Sum", f"{got} is beyond {most}")

    match figure:
        case Auc(twice, positives, negatives):
            require(positives > 0 and negatives > 0, "OneClass", f"{positives} and {negatives}")
            among(positives + negatives)
            summed(twice, ROW, 2 * positives * negatives)
        case AucAtLeast((p, q)):
            require(q > 0 and p <= q, "Fraction", f"{p}/{q}")
        case AucGapAtMost(positive, negative, (p, q)):
            require(grouped and group is None, "NotApplicable", "a gap of areas but between groups")
            require(q > 0 and p <= q, "Fraction", f"{p}/{q}")
            lengths = len(positive), len(negative)
            require(lengths == (shape.groups, shape.groups), "Length", f"{lengths} of {shape.groups} groups")
            require(min(*positive, *negative) > 0, "OneClass", f"{positive} and {negative}")
            among(sum(positive) + sum(negative))
        case RateAtLeast(rate, edge, (p, q)) | RateAtMost(rate, edge, (p, q)):
            require(not isinstance(rate, TopK), "NotApplicable", "a rank at a threshold")
            check_rate(rate, 2)
            _check_edges([edge], 2, shape)
            require(q > 0 and p <= q, "Fraction", f"{p}/{q}")
        case BalancedAtLeast(edge, (p, q)):
            _check_edges([edge], 2, shape)
            require(q > 0 and p <= q, "Fraction", f"{p}/{q}")
        case Loss(loss, total, rows):
            require(rows > 0, "Length", "no rows")
            among(rows)
            summed(total, Value("loss", loss), rows)
        case LossAtMost(_, (p, q)):
            require(q > 0, "Fraction", f"{p}/{q}")
        case Calibration(edges, of_bins):
            _check_edges(edges, len(of_bins), shape)
            for told in of_bins:
                require(told.positives <= told.rows, "Sum", f"{told.positives} of {told.rows}")
                summed(told.probability, PROBABILITY, told.rows)
            among(sum(told.rows for told in of_bins))
        case Thresholds(edges, bins):
            _check_edges(edges, len(bins), shape)
            for rows, positives in bins:
                require(positives <= rows, "Sum", f"{positives} of {rows}")
            among(sum(rows for rows, _ in bins))
        case _:
            raise Rejected("Damaged", "an unknown figure")


def _check_edges(edges: list[int], bins: int, shape: Shape) -> None:
    within(len(edges), 1, MAX_EDGES, "Length", "edges")
    half = 1 << (shape.bits - 1)
    ascending = all(a < b for a, b in pairwise(edges))
    require(ascending and all(-half <= edge < half for edge in edges), "Edges", f"{edges}")
    require(bins == len(edges) + 1, "Length", f"{bins} bins of {len(edges)} edges")
