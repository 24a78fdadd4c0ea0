"""What a report shows of counts, as linear claims on N(group, label, prediction): section 10.8.

sum of coefficients times counts = value, or = value + a slack in [0, 2^60).
"""

from __future__ import annotations

from dataclasses import dataclass

from spec.rejected import require
from spec.report_rates import F1, Accuracy, FalsePositives, Precision, Predicted, Rate, Recall, TopK
from spec.report_statement import AtLeast, Counts, Exactly, GapAtMost, ReportStatement

LIMBS, LIMB_BITS = 4, 15
"""Of a slack."""
MAX_TERMS = 1 << 22

Terms = list[tuple[int, int]]
"""(index of a count, coefficient)."""


@dataclass(frozen=True)
class CountClaim:
    """sum of coefficients times counts = value, plus a slack if it is a bound."""

    terms: Terms
    value: int
    bound: bool = False


def coefficients(rate: Rate, label: int, predicted: int) -> tuple[int, int]:
    """What one row of a label and a prediction adds to a rate's numerator and denominator."""
    match rate:
        case Accuracy():
            return int(label == predicted), 1
        case Recall(of):
            return int(label == of == predicted), int(label == of)
        case Precision(of):
            return int(label == of == predicted), int(predicted == of)
        case F1(of):
            return 2 * int(label == of == predicted), int(label == of) + int(predicted == of)
        case FalsePositives(of):
            return int(label != of == predicted), int(label != of)
        case Predicted(of):
            return int(predicted == of), 1
        case TopK():
            return 0, 1


def check_rate(rate: Rate, classes: int) -> None:
    """The rate's class exists; without classes at all another check refuses."""
    if isinstance(rate, TopK):
        require(classes == 0 or 0 < rate.k < classes, "TopK", f"among {rate.k} of {classes}")
        return
    of = 0 if isinstance(rate, Accuracy) else rate.of
    require(of < classes or classes == 0, "NoSuchClass", f"class {of} of {classes}")


@dataclass(frozen=True)
class Table:
    """The counts of `groups` groups: index (group C + label) C + prediction; behind them, for every k of
    `tops`, each group's rows whose label is among the k largest outputs."""

    groups: int
    classes: int
    rows: int
    tops: list[int]

    def combination(self, rate: Rate, parts: list[tuple[int, int, int]]) -> Terms:
        """sum over (group, n, d) of n times the rate's numerator in the group plus d times its denominator."""
        c, out = self.classes, Terms()
        for group, n, d in parts:
            for cell in range(c * c):
                numerator, denominator = coefficients(rate, cell // c, cell % c)
                k = n * numerator + d * denominator
                if k:
                    out.append((group * c * c + cell, k))
            if isinstance(rate, TopK) and n:
                out.append((self.groups * c * c + self.tops.index(rate.k) * self.groups + group, n))
        return out

    def among(self, rate: Rate, group: int | None, n: int, d: int) -> Terms:
        """The combination in one group, or in all of them."""
        groups = range(self.groups) if group is None else [group]
        return self.combination(rate, [(g, n, d) for g in groups])

    def at_least(self, terms: Terms, value: int) -> CountClaim:
        """sum >= value, where |sum - value| is below 2^60 whatever the counts are: they sum to the rows."""
        largest = max((abs(k) for _, k in terms), default=0)
        require(largest * self.rows + abs(value) < 1 << LIMBS * LIMB_BITS, "BoundTooFine")
        return CountClaim(terms, value, bound=True)

    def bound(self, shown: AtLeast) -> list[CountClaim]:
        """q numerator - p denominator >= 0; the denominator is not 0."""
        p, q = shown.bound
        out = [self.at_least(self.among(shown.rate, shown.group, q, -p), 0)]
        if shown.group is not None or not isinstance(shown.rate, Accuracy | Predicted | TopK):
            out.append(self.at_least(self.among(shown.rate, shown.group, 0, 1), 1))
        return out

    def gap(self, shown: GapAtMost) -> list[CountClaim]:
        """The denominators d; q (n_h d_g - n_g d_h) >= -p d_g d_h for every two groups g, h, both ways."""
        (p, q), rate, d = shown.bound, shown.rate, shown.denominators
        out = [CountClaim(self.combination(rate, [(g, 0, 1)]), value) for g, value in enumerate(d)]
        for g in range(len(d)):
            for h in range(len(d)):
                if g != h:
                    terms = self.combination(rate, [(g, -q * d[h], 0), (h, q * d[g], 0)])
                    out.append(self.at_least(terms, -p * d[g] * d[h]))
        return out


def count_claims(statement: ReportStatement, classes: int, rows: int) -> list[CountClaim]:
    """All claims, in the order of what is shown."""
    table = Table(statement.group_count, classes, rows, statement.tops)
    out, terms = list[CountClaim](), 0
    for shown in statement.shown:
        require(terms <= MAX_TERMS, "Length", f"{terms} coefficients")
        more: list[CountClaim] = []
        match shown:
            case Counts(counts):
                more = [CountClaim([(i, 1)], n) for i, n in enumerate(counts)]
            case Exactly(rate, group, numerator, denominator):
                more = [
                    CountClaim(table.among(rate, group, 1, 0), numerator),
                    CountClaim(table.among(rate, group, 0, 1), denominator),
                ]
            case AtLeast():
                more = table.bound(shown)
            case GapAtMost():
                more = table.gap(shown)
        out += more
        terms += sum(len(claim.terms) for claim in more)
    return out
