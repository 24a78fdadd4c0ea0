"""Figures of the scores of a binary classifier: how they are asked for, and as exact numbers. Needs no numpy.

The score is the only output, or the second minus the first; its sigmoid is the probability of class 1. Areas
are what scikit-learn's `roc_auc_score` gives; losses are sums of integers with 20 fractional bits, so that a
mean is within 2^-20 of `log_loss` and `brier_score_loss`; bins are those of `calibration_curve`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from tacit.errors import UsageError
from tacit.rates import rate_name

__all__ = [
    "LOSSES",
    "SCORES",
    "ScoreBin",
    "Threshold",
    "asked_bound",
    "asked_gap",
    "asked_scores",
    "bound_of",
    "counted_rows",
    "first_score",
    "is_score",
    "probability",
    "shown_bins",
    "shown_scores",
    "shown_thresholds",
    "threshold_of",
]

LOSSES = {"log_loss": "Log", "brier": "Brier"}
"""Losses by the name that is asked for."""
SCORES = ("auc", *LOSSES, "calibration", "threshold")
"""Names of all figures; `calibration:5` has five bins, `threshold:0.3` counts what is predicted above 0.3."""
BINS = 10
MAX_BINS = 256
FRACTIONAL = 20
"""Bits of losses and probabilities."""
_NAMES = {variant: name for name, variant in LOSSES.items()}


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Rows whose probability of class 1 is above `above` and at most `up_to`."""

    above: float
    up_to: float
    rows: int
    positives: int
    """Rows of class 1."""
    probability: Fraction
    """The sum of the predicted probabilities."""

    @property
    def predicted(self) -> Fraction | None:
        """The mean predicted probability; None without rows."""
        return self.probability / self.rows if self.rows else None

    @property
    def observed(self) -> Fraction | None:
        """The share of class 1; None without rows."""
        return Fraction(self.positives, self.rows) if self.rows else None


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is predicted as class 1 above a probability, by label."""

    above: float
    true_positives: int
    false_positives: int
    positives: int
    negatives: int

    @property
    def recall(self) -> Fraction | None:
        """True positive rate; None without rows of class 1."""
        return Fraction(self.true_positives, self.positives) if self.positives else None

    @property
    def false_positive_rate(self) -> Fraction | None:
        """None without rows of class 0."""
        return Fraction(self.false_positives, self.negatives) if self.negatives else None

    @property
    def precision(self) -> Fraction | None:
        """None if nothing is predicted as class 1."""
        predicted = self.true_positives + self.false_positives
        return Fraction(self.true_positives, predicted) if predicted else None


def is_score(metric: str) -> bool:
    """Whether a name is that of a figure of scores."""
    return metric.partition(":")[0] in SCORES


def threshold_of(metric: str) -> tuple[str, Fraction | None]:
    """`recall` and 3/10 of `recall@0.3`; the name and None without a threshold."""
    name, at, which = metric.partition("@")
    return name, _probability(metric, which) if at else None


def first_score(above: Fraction, fa: int) -> int:
    """The smallest score, fa fractional bits, whose probability is above this one, between 0 and 1."""
    with localcontext() as context:
        context.prec = 80
        odds = Decimal(above.numerator) / Decimal(above.denominator - above.numerator)
        exact: Decimal = odds.ln() * 2**fa
        return math.floor(exact) + 1


def probability(score: int, fa: int) -> float:
    """What `first_score` was asked for, to the resolution of scores."""
    return 1 / (1 + math.exp(-min(max((score - 0.5) / 2**fa, -700.0), 700.0))) if score != 1 else 0.5


def asked_scores(metrics: Sequence[str], groups: Sequence[int | None], fa: int) -> list[Any]:
    """Requests for figures in all of `groups`; thresholds go together into one list of counts."""
    figures: list[Any] = []
    thresholds: list[Fraction] = []
    for metric in metrics:
        name, _, which = metric.partition(":")
        if name == "auc":
            figures.append("Auc")
        elif name in LOSSES:
            figures.append({"Loss": {"loss": LOSSES[name]}})
        elif name == "calibration":
            if which and (not which.isdecimal() or not 2 <= int(which) <= MAX_BINS):
                raise UsageError(f"{metric!r}: calibration takes 2 to {MAX_BINS} bins")
            count = int(which or BINS)
            edges = _edges([Fraction(i, count) for i in range(1, count)], fa, metric)
            figures.append({"Calibration": {"edges": edges}})
        else:
            thresholds.append(_probability(metric, which))
        if name in ("auc", *LOSSES) and which:
            raise UsageError(f"{metric!r}: {name} is of both classes and takes no number")
    if thresholds:
        edges = _edges(sorted(set(thresholds)), fa, "threshold")
        figures.append({"Thresholds": {"edges": edges}})
    unique = [f for i, f in enumerate(figures) if f not in figures[:i]]
    return [{"Scores": {"group": group, "figure": figure}} for figure in unique for group in groups]


def asked_bound(metric: str, group: int | None, bound: tuple[int, int], *, most: bool) -> Any:
    """The request for one bound: an area is at least, a loss at most."""
    if not most and metric == "auc":
        return {"Scores": {"group": group, "figure": {"AucAtLeast": {"bound": bound}}}}
    if most and metric in LOSSES:
        return {"Scores": {"group": group, "figure": {"LossAtMost": {"loss": LOSSES[metric], "bound": bound}}}}
    above = ", ".join([*LOSSES, "mse, mae, and of two classes rates at a threshold, as recall@0.3"])
    bounded = f"bounded from above are {above}" if most else "of scores only auc is bounded from below"
    raise UsageError(f"{metric!r} cannot be bounded so: {bounded}")


def asked_gap(metric: str, bound: tuple[int, int]) -> Any:
    """The request for the largest difference of areas between groups."""
    if metric != "auc":
        raise UsageError(f"{metric!r}: of scores only auc can be compared between groups")
    return {"Scores": {"group": None, "figure": {"AucGapAtMost": {"bound": bound}}}}


def _probability(metric: str, which: str) -> Fraction:
    try:
        value = Fraction(which)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value < 1:
        raise UsageError(
            f"{metric!r}: a threshold is a probability between 0 and 1, as in threshold:0.3, recall@0.3"
        )
    return value


def _edges(above: Sequence[Fraction], fa: int, metric: str) -> list[int]:
    edges = [first_score(p, fa) for p in above]
    if len(set(edges)) < len(edges):
        raise UsageError(f"{metric!r}: scores of {fa} fractional bits do not tell these probabilities apart")
    return edges


def _figures(shown: Iterable[Any]) -> Iterator[tuple[int | None, str, Mapping[str, Any]]]:
    """(group, kind, content) of every figure."""
    for item in shown:
        if isinstance(item, dict) and "Scores" in item:
            ((kind, told),) = item["Scores"]["figure"].items()
            yield item["Scores"]["group"], kind, told


def shown_scores(shown: Iterable[Any]) -> dict[tuple[str, int | None], Fraction]:
    """Areas and mean losses that are shown, by name and group (None: all rows)."""
    out: dict[tuple[str, int | None], Fraction] = {}
    for group, kind, told in _figures(shown):
        if kind == "Auc":
            out["auc", group] = Fraction(told["twice"], 2 * told["positives"] * told["negatives"])
        elif kind == "Loss":
            out[_NAMES[told["loss"]], group] = Fraction(told["sum"], told["rows"] << FRACTIONAL)
    return out


def bound_of(figure: Mapping[str, Any]) -> tuple[str, Fraction] | None:
    """Name and bound of a figure that is only bounded; `recall:1@` with the first score above a threshold."""
    ((kind, told),) = figure.items()
    if kind in ("RateAtLeast", "RateAtMost"):
        return f"{rate_name(told['rate'])}@{told['edge']}", Fraction(*told["bound"])
    if kind == "BalancedAtLeast":
        return f"balanced_accuracy@{told['edge']}", Fraction(*told["bound"])
    if kind not in ("AucAtLeast", "AucGapAtMost", "LossAtMost"):
        return None
    return _NAMES[told["loss"]] if kind == "LossAtMost" else "auc", Fraction(*told["bound"])


def shown_bins(shown: Iterable[Any], fa: int) -> dict[int | None, list[ScoreBin]]:
    """Calibration by group (None: all rows): its last list, if several are shown."""
    out = {}
    for group, kind, told in _figures(shown):
        if kind == "Calibration":
            inner = [probability(edge, fa) for edge in told["edges"]]
            limits = zip([0.0, *inner], [*inner, 1.0], told["bins"], strict=True)
            out[group] = [
                ScoreBin(a, b, bin["rows"], bin["positives"], Fraction(bin["probability"], 1 << FRACTIONAL))
                for a, b, bin in limits
            ]
    return out


def shown_thresholds(shown: Iterable[Any], fa: int) -> dict[int | None, list[Threshold]]:
    """What every threshold predicts, by group (None: all rows)."""
    out = {}
    for group, kind, told in _figures(shown):
        if kind == "Thresholds":
            rows, positives = (sum(bin[i] for bin in told["bins"]) for i in (0, 1))
            found = []
            for index, edge in enumerate(told["edges"], 1):
                above = [sum(bin[i] for bin in told["bins"][index:]) for i in (0, 1)]
                found.append(
                    Threshold(probability(edge, fa), above[1], above[0] - above[1], positives, rows - positives)
                )
            out[group] = found
    return out


def counted_rows(item: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Among how many rows a figure of scores counts, with what to call it."""
    for group, kind, told in _figures([item]):
        of = "" if group is None else f" [{names[group]}]"
        if kind == "Auc":
            yield f"auc{of}: class 1", told["positives"]
            yield f"auc{of}: class 0", told["negatives"]
        elif kind == "AucGapAtMost":
            for name, *rows in zip(names, told["negatives"], told["positives"], strict=True):
                yield from ((f"auc [{name}]: class {c}", n) for c, n in enumerate(rows))
        elif kind == "Loss":
            yield _NAMES[told["loss"]] + of, told["rows"]
        elif kind == "Calibration":
            yield from ((f"bin {i} of the calibration{of}", b["rows"]) for i, b in enumerate(told["bins"]))
        elif kind == "Thresholds":
            yield from ((f"bin {i} of the thresholds{of}", b[0]) for i, b in enumerate(told["bins"]))
