"""Rates and bounds by the names that they are asked for, as requests of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from tacit.errors import UsageError
from tacit.rates import FAIRNESS, RATES, top_of
from tacit.scores import SCORES, asked_bound, first_score, is_score, threshold_of

__all__ = ["compared_rates", "fraction", "lower_bounds", "named_rates", "upper_bounds"]

Number: TypeAlias = float | str | Fraction
Bounds: TypeAlias = Mapping[str, Number] | None

ERRORS = {"mse": "Squared", "mae": "Absolute"}
"""Errors of real targets that are bounded from above."""
BALANCED = "balanced_accuracy"


def lower_bounds(bounds: Bounds, classes: int, fa: int, groups: Sequence[int | None]) -> list[Any]:
    """Lower bounds in all of `groups`; None stands for all rows."""
    asked: list[Any] = []
    for metric, bound in (bounds or {}).items():
        name, above = threshold_of(metric)
        if name == "r2":
            if groups != [None] or above is not None:
                raise UsageError("R^2 is bounded over all rows: at_least={'r2': ...}")
            asked.append({"ExplainedAtLeast": {"bound": fraction(bound)}})
        elif name == BALANCED or above is not None:
            asked += [
                _at_threshold(metric, group, fraction(bound), classes, fa, most=False) for group in groups
            ]
        elif is_score(metric):
            asked += [asked_bound(metric, group, fraction(bound), most=False) for group in groups]
        else:
            asked += [
                {"AtLeast": {"rate": rate, "group": group, "bound": fraction(bound)}}
                for rate in named_rates(metric, classes)
                for group in groups
            ]
    return asked


def upper_bounds(bounds: Bounds, classes: int, fa: int, groups: Sequence[int | None]) -> list[Any]:
    """Upper bounds in all of `groups`; None stands for all rows."""
    asked: list[Any] = []
    for metric, bound in (bounds or {}).items():
        _, above = threshold_of(metric)
        for group in groups:
            if above is not None:
                asked.append(_at_threshold(metric, group, fraction(bound), classes, fa, most=True))
            elif metric in ERRORS:
                told = {"error": ERRORS[metric], "group": group, "bound": fraction(bound, most=1 << 32)}
                asked.append({"MeanErrorAtMost": told})
            else:
                asked.append(asked_bound(metric, group, fraction(bound, most=1 << 32), most=True))
    return asked


def _at_threshold(
    metric: str, group: int | None, bound: tuple[int, int], classes: int, fa: int, *, most: bool
) -> Any:
    """The request for a bound of a rate where probabilities above a threshold are predicted as class 1."""
    name, above = threshold_of(metric)
    # Without a threshold: the class that is predicted.
    edge = first_score(Fraction(1, 2) if above is None else above, fa)
    if name == BALANCED:
        if most:
            raise UsageError(f"{metric!r}: balanced accuracy is bounded from below")
        figure: Any = {"BalancedAtLeast": {"edge": edge, "bound": bound}}
    else:
        if top_of(name) is not None:
            raise UsageError(f"{metric!r}: a rank has no threshold")
        (rate,) = named_rates(name, 2)
        figure = {"RateAtMost" if most else "RateAtLeast": {"rate": rate, "edge": edge, "bound": bound}}
    if classes != 2:
        raise UsageError(f"{metric!r}: of two classes, and this model has {classes}")
    return {"Scores": {"group": group, "figure": figure}}


def compared_rates(metric: str, classes: int) -> list[Any]:
    """The rates that a measure of fairness compares between groups; a rate stands for itself."""
    name, colon, which = metric.partition(":")
    return [rate for part in FAIRNESS.get(name, (name,)) for rate in named_rates(part + colon + which, classes)]


def named_rates(metric: str, classes: int) -> list[Any]:
    """A rate by name: of the class after the colon, of class 1 of two, or of every class."""
    name, _, which = metric.partition(":")
    if name in FAIRNESS or name == BALANCED:
        raise UsageError(
            f"{metric!r} is made of several rates: it can be asked for in metrics, fairness in gap_at_most"
        )
    k = top_of(metric)
    if k is not None:
        if not 0 < k < classes:
            raise UsageError(f"{metric!r}: a label is among 1 to {classes - 1} of {classes} outputs")
        return [{"TopK": {"k": k}}]
    if name not in RATES:
        known = ", ".join(["confusion", *RATES, "top_3", BALANCED, *FAIRNESS, *SCORES, *ERRORS, "r2"])
        raise UsageError(f"the metric {metric!r} is not known; known are {known}")
    if name == "accuracy":
        return ["Accuracy"]
    if which:
        if not which.isdigit() or int(which) >= classes:
            raise UsageError(f"{metric!r}: classes are numbered from 0 to {classes - 1}")
        return [{RATES[name]: {"class": int(which)}}]
    return [{RATES[name]: {"class": c}} for c in ([1] if classes == 2 else range(classes))]


def fraction(bound: Number, most: int = 1) -> tuple[int, int]:
    """A bound from 0 to `most` as numerator and denominator: 0.9 is 9/10, as it is written."""
    try:
        value = Fraction(str(bound))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"the bound {bound!r} is no number") from None
    if not 0 <= value <= most or max(value.numerator, value.denominator) >= 1 << 32:
        raise UsageError(f"the bound {bound!r} is not between 0 and {most}")
    return value.numerator, value.denominator
