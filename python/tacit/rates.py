"""Rates of a classifier as exact ratios of counts, and differences between groups. Needs no numpy.

A table of counts N[label][prediction] settles every rate here; `tests/test_rates.py` compares each with
scikit-learn on the same integers. A rate whose denominator is 0 has no value: it is left out, not taken for 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

__all__ = [
    "FAIRNESS",
    "OF_A_CLASS",
    "RATES",
    "Confusion",
    "differences",
    "rate_name",
    "shown_counts",
    "shown_errors",
    "shown_rates",
    "top_of",
]

RATES = {
    "accuracy": "Accuracy",
    "recall": "Recall",
    "precision": "Precision",
    "f1": "F1",
    "false_positive_rate": "FalsePositives",
    "positive_rate": "Predicted",
}
"""Rates by the name that is asked for; those of a class as `recall:2`."""
OF_A_CLASS = tuple(name for name in RATES if name != "accuracy")
FAIRNESS = {
    "demographic_parity": ("positive_rate",),
    "equal_opportunity": ("recall",),
    "equalised_odds": ("recall", "false_positive_rate"),
}
"""Fairness measures by the rates that they compare: the largest difference between two groups of any."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows counted by label (line) and prediction (column): [C][C]."""

    counts: tuple[tuple[int, ...], ...]

    @property
    def classes(self) -> int:
        """C."""
        return len(self.counts)

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(map(sum, self.counts))

    def labelled(self, of: int) -> int:
        """Rows whose label is this class."""
        return sum(self.counts[of])

    def predicted(self, of: int) -> int:
        """Rows that are predicted as this class."""
        return sum(line[of] for line in self.counts)

    def rate(self, metric: str, of: int = 0) -> Fraction | None:
        """A rate by its name in `RATES`, of class `of`; None where its denominator is 0."""
        right, labelled, predicted = self.counts[of][of], self.labelled(of), self.predicted(of)
        numerator, denominator = {
            "accuracy": (sum(self.counts[c][c] for c in range(self.classes)), self.rows),
            "recall": (right, labelled),
            "precision": (right, predicted),
            "f1": (2 * right, labelled + predicted),
            "false_positive_rate": (predicted - right, self.rows - labelled),
            "positive_rate": (predicted, self.rows),
        }[metric]
        return Fraction(numerator, denominator) if denominator else None

    def balanced_accuracy(self) -> Fraction | None:
        """The mean of the recalls of the classes that have rows."""
        recalls = [r for c in range(self.classes) if (r := self.rate("recall", c)) is not None]
        return sum(recalls, Fraction(0)) / len(recalls) if recalls else None

    def rates(self) -> dict[str, Fraction]:
        """Every rate that has a value: `{"accuracy": ..., "recall:0": ..., "balanced_accuracy": ...}`."""
        found = {"accuracy": self.rate("accuracy"), "balanced_accuracy": self.balanced_accuracy()}
        for metric in OF_A_CLASS:
            found |= {f"{metric}:{c}": self.rate(metric, c) for c in range(self.classes)}
        return {name: rate for name, rate in found.items() if rate is not None}

    def __add__(self, other: Confusion) -> Confusion:
        """The counts of both sets of rows."""
        lines = zip(self.counts, other.counts, strict=True)
        return Confusion(tuple(tuple(a + b for a, b in zip(*pair, strict=True)) for pair in lines))


def rate_name(rate: Any) -> str:
    """The name that a rate of a statement is asked for by."""
    names = {variant: name for name, variant in RATES.items()}
    if isinstance(rate, str):
        return names[rate]
    ((variant, of),) = rate.items()
    if variant == "TopK":
        return f"top_{of['k']}"
    return f"{names[variant]}:{of['class']}"


def top_of(metric: str) -> int | None:
    """3 of `top_3` and of `top_k:3`: the share of rows whose label is among so many largest outputs."""
    for start in ("top_k:", "top_"):
        which = metric.removeprefix(start)
        if which != metric and which.isdecimal():
            return int(which)
    return None


def shown_counts(shown: Iterable[Any], groups: int) -> list[Confusion]:
    """The tables of counts that a statement shows, one a group (one of all rows without groups); else none."""
    for item in shown:
        if "Counts" in item:
            counts = item["Counts"]["counts"]
            cells = len(counts) // max(1, groups)
            side = isqrt(cells)
            tables = (counts[g * cells : (g + 1) * cells] for g in range(max(1, groups)))
            return [Confusion(tuple(tuple(t[c * side : (c + 1) * side]) for c in range(side))) for t in tables]
    return []


def shown_rates(shown: Sequence[Any], groups: int, classes: int) -> dict[tuple[str, int | None], Fraction]:
    """Every rate that a statement settles, by name and group (None: all rows): shown as such, or by its counts.

    The recalls of all `classes` settle the balanced accuracy too.
    """
    out: dict[tuple[str, int | None], Fraction] = {}
    tables = shown_counts(shown, groups)
    if tables:
        out |= {(name, None): rate for name, rate in sum(tables[1:], tables[0]).rates().items()}
    if groups:
        for group, table in enumerate(tables):
            out |= {(name, group): rate for name, rate in table.rates().items()}
    for item in shown:
        if "Exactly" in item:
            told = item["Exactly"]
            out[rate_name(told["rate"]), told["group"]] = Fraction(told["numerator"], told["denominator"])
    for group in (None, *range(groups)):
        recalls = [out[f"recall:{c}", group] for c in range(classes) if (f"recall:{c}", group) in out]
        if recalls and len(recalls) == classes:
            out["balanced_accuracy", group] = sum(recalls, Fraction(0)) / classes
    return out


def differences(rates: Mapping[tuple[str, int | None], Fraction], groups: int) -> dict[str, Fraction]:
    """The largest difference between two groups of each rate that all groups have, and of `FAIRNESS`.

    Names are those of the rates; of a fairness measure `equalised_odds:1`, after the class taken as positive.
    """
    out: dict[str, Fraction] = {}
    if groups < 2:
        return out
    for name in dict.fromkeys(name for name, _ in rates):
        values = [rates[name, g] for g in range(groups) if (name, g) in rates]
        if len(values) == groups:
            out[name] = max(values) - min(values)
    classes = sorted({int(name.split(":")[1]) for name in out if ":" in name})
    for measure, compared in FAIRNESS.items():
        for c in classes:
            parts = [out[name] for metric in compared if (name := f"{metric}:{c}") in out]
            if len(parts) == len(compared):
                out[f"{measure}:{c}"] = max(parts)
    return out


def shown_errors(shown: Iterable[Any], rows: int, outputs: int, fa: int) -> dict[str, Fraction]:
    """MSE, MAE and R^2 as far as a statement settles them; `fa` are the targets' fractional bits.

    Of the targets as they were scaled; R^2 of all outputs together, and none if the targets do not vary.
    """
    told = {name: value for item in shown if isinstance(item, dict) for name, value in item.items()}
    count, out = rows * outputs, {}
    if "SquaredError" in told:
        out["mse"] = Fraction(told["SquaredError"]["sum"], count * 4**fa)
    if "AbsoluteError" in told:
        out["mae"] = Fraction(told["AbsoluteError"]["sum"], count * 2**fa)
    if "SquaredError" in told and "TargetMoments" in told:
        moments = told["TargetMoments"]
        spread = moments["squares"] - Fraction(sum(s * s for s in moments["sums"]), rows)
        if spread:
            out["r2"] = 1 - told["SquaredError"]["sum"] / spread
    return out
