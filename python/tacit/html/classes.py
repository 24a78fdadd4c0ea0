"""Rates of models that tell more than two classes apart: a line for each class."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tacit.html.figures import Bar, bars
from tacit.html.markup import Child, Markup, tag
from tacit.html.numbers import percent
from tacit.html.results import ORDER, Results, classes_of
from tacit.html.words import metric_words
from tacit.rates import FAIRNESS, OF_A_CLASS, differences

__all__ = ["class_chart", "class_gaps", "class_groups", "class_rates"]

MAX_GROUPS = 7
"""Most groups that stand beside each other."""


def class_rates(results: Results) -> Markup | None:
    """Every class's rates over all rows."""
    metrics = [m for m in ORDER if m in OF_A_CLASS]
    return _table(
        results, metrics, {name: rate for (name, g), rate in results.rates.items() if g is None}, notes=True
    )


def class_gaps(results: Results) -> Markup | None:
    """For every class, how far groups differ."""
    return _table(results, list(FAIRNESS), differences(results.rates, len(results.groups)))


def class_groups(results: Results) -> Markup | None:
    """Recall of every class in every group, where these are few."""
    sides = range(classes_of(results.about))
    known = [c for c in sides if any((f"recall:{c}", g) in results.rates for g in range(len(results.groups)))]
    if not known or len(results.groups) > MAX_GROUPS:
        return None
    head = [tag("th", f"recall, {results.group(g)}", scope="col") for g in range(len(results.groups))]
    lines = []
    for c in known:
        cells = [_cell(results.rates.get((f"recall:{c}", g)), "") for g in range(len(results.groups))]
        lines.append(tag("tr", tag("th", results.about.subject.of_class(c), scope="row"), cells))
    return _framed(head, lines)


def class_chart(results: Results) -> tuple[Markup, int] | None:
    """Bars of the recall of every class, over all rows, with how many they are."""
    found = [
        Bar(
            results.about.subject.of_class(c),
            results.rates[f"recall:{c}", None],
            results.note(f"recall:{c}", None),
        )
        for c in range(classes_of(results.about))
        if (f"recall:{c}", None) in results.rates
    ]
    return (bars("Recall of each class", found), len(found)) if found else None


def _table(
    results: Results, metrics: list[str], rates: Mapping[str, Fraction], *, notes: bool = False
) -> Markup | None:
    names = results.about.subject
    sides = range(classes_of(results.about))
    columns = [m for m in metrics if any(f"{m}:{c}" in rates for c in sides)]
    if not columns:
        return None
    head = [tag("th", metric_words(m, names), scope="col") for m in columns]
    lines = []
    for c in sides:
        cells = [_cell(rates.get(f"{m}:{c}"), results.note(f"{m}:{c}", None) if notes else "") for m in columns]
        lines.append(tag("tr", tag("th", names.of_class(c), scope="row"), cells))
    return _framed(head, lines)


def _framed(head: list[Markup], lines: list[Markup]) -> Markup:
    first = tag("th", "class", scope="col")
    return tag("table", tag("thead", tag("tr", first, head)), tag("tbody", lines), class_="rates")


def _cell(rate: Fraction | None, note: str) -> Markup:
    inner: Child = "—" if rate is None else (percent(rate), tag("small", note) if note else None)
    return tag("td", inner, class_="num")
