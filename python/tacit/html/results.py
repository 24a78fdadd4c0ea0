"""The figures of a verified report, read from its statement, and the charts of its rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tacit.html.figures import Bar, bars
from tacit.html.markup import Markup
from tacit.html.numbers import count
from tacit.html.verified import Verified
from tacit.html.words import metric_words
from tacit.rates import Confusion, rate_name, shown_counts, shown_rates

__all__ = ["CHARTED", "ORDER", "Results", "charts", "classes_of"]

MAX_CHARTS = 8
MAX_LABEL = 20
"""Longest label of a bar."""
CHARTED = ("accuracy", "recall", "false_positive_rate", "positive_rate")
"""Which rates are drawn, most important first; of two classes those of class 1, of more only bounds."""
ORDER = ("accuracy", "balanced_accuracy", "recall", "precision", "f1", "false_positive_rate", "positive_rate")


@dataclass(frozen=True)
class Results:
    """What a report shows, read from the verified statement."""

    about: Verified
    groups: tuple[str, ...]
    """Every group by what its rows have in common: `sex = f`."""
    short: tuple[str, ...]
    """The same for a chart: `f`, or `group 0` where that would be long."""
    by: str
    """The columns that make the groups."""
    tables: tuple[Confusion, ...]
    rates: dict[tuple[str, int | None], Fraction]
    counted: dict[tuple[str, int | None], tuple[int, int]]
    """Numerator and denominator as they were shown or counted, not reduced."""

    @classmethod
    def of(cls, about: Verified) -> Results:
        """Read a report's statement."""
        report = about.verdict.statement["report"]
        found = report["groups"] or {"columns": [], "values": []}
        names = about.subject
        groups = tuple(names.group(found["columns"], values) for values in found["values"])
        pairs = [names.row(found["columns"], values) for values in found["values"]]
        shown = report["shown"]
        counted = {
            (rate_name(told["rate"]), told["group"]): (told["numerator"], told["denominator"])
            for item in shown
            if "Exactly" in item
            for told in (item["Exactly"],)
        }
        tables = tuple(shown_counts(shown, len(groups)))
        rates = shown_rates(shown, len(groups), classes_of(about))
        return cls(about, groups, *_short(pairs, groups), tables, rates, counted)

    @property
    def shown(self) -> Sequence[Any]:
        """The items of the statement."""
        return tuple(self.about.verdict.statement["report"]["shown"])

    @property
    def total(self) -> Confusion | None:
        """The counts of all rows, if they are shown."""
        return sum(self.tables[1:], self.tables[0]) if self.tables else None

    def metrics(self) -> list[str]:
        """The rates that are known, in the order of reading."""
        names = dict.fromkeys(name for name, _ in self.rates)
        order = {name: place for place, name in enumerate(ORDER)}

        def place(name: str) -> tuple[bool, int, int]:
            metric, _, of = name.partition(":")
            # Of two classes the one that rates are usually asked of comes first.
            known = order.get(metric, len(order))
            return bool(of), (-int(of) if classes_of(self.about) == 2 else int(of)) if of else 0, known

        return sorted(names, key=place)

    @property
    def many(self) -> bool:
        """Whether there are more than two classes, so that each has a line of its own."""
        return classes_of(self.about) > 2

    def words(self, metric: str) -> str:
        """A rate in words, with its class."""
        return metric_words(metric, self.about.subject)

    def group(self, index: int | None) -> str:
        """What a group is called."""
        return "all rows" if index is None else self.groups[index]

    def label(self, index: int | None) -> str:
        """What a group is called in a chart."""
        return "all rows" if index is None else self.short[index]

    def note(self, metric: str, group: int | None) -> str:
        """`76 of 100`, where the counts are known as they are."""
        pair = self.counted.get((metric, group))
        table = self.total if group is None else (self.tables[group] if self.tables else None)
        if pair is None and table is not None and metric in ("accuracy",):
            pair = (sum(table.counts[c][c] for c in range(table.classes)), table.rows)
        if pair is None and table is not None and ":" in metric:
            name, _, of = metric.partition(":")
            c = int(of)
            denominators = {
                "recall": table.labelled(c),
                "precision": table.predicted(c),
                "f1": table.labelled(c) + table.predicted(c),
                "false_positive_rate": table.rows - table.labelled(c),
                "positive_rate": table.rows,
            }
            rate = table.rate(name, c)
            if rate is not None:
                pair = (int(rate * denominators[name]), denominators[name])
        return "" if pair is None else f"{count(pair[0])} of {count(pair[1])}"

    def known(self, metric: str) -> list[int | None]:
        """All rows and the groups of which a rate is known."""
        return [g for g in (None, *range(len(self.groups))) if (metric, g) in self.rates]


def _short(pairs: list[list[tuple[str, str]]], groups: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Labels for a chart, and the columns of the groups."""
    columns = list(dict.fromkeys(name for pair in pairs for name, _ in pair))
    labels = tuple(", ".join(value for _, value in pair) for pair in pairs)
    alike = all([name for name, _ in pair] == columns for pair in pairs)
    if not alike or len(set(labels)) < len(labels) or any(len(label) > MAX_LABEL for label in labels):
        labels = tuple(f"group {index}" for index in range(len(groups)))
    return labels, ", ".join(columns[:8])


def classes_of(about: Verified) -> int:
    """How many classes the model tells apart; a single output tells two."""
    layers = about.config["architecture"]["layers"]
    return max(2, int(layers[-1]["outputs"]))


def charts(results: Results, *, bounds: bool | None = None) -> list[tuple[Markup, int]]:
    """A panel of bars for each rate, with how many they are: exact rates, else lower bounds.

    Those of which no rate is exact with `bounds`, the others without it, all by default.
    """
    lower = {
        (rate_name(told["rate"]), told["group"]): Fraction(*told["bound"])
        for item in results.shown
        if "AtLeast" in item
        for told in (item["AtLeast"],)
    }
    positive, each = classes_of(results.about) == 2, (None, *range(len(results.groups)))
    wanted = list(dict.fromkeys([*(name for name, _ in results.rates), *(name for name, _ in lower)]))

    def drawn(name: str) -> bool:
        metric, _, of = name.partition(":")
        return metric in CHARTED and (not of or not positive or of == "1")

    def place(name: str) -> tuple[int, int]:
        metric, _, of = name.partition(":")
        return CHARTED.index(metric), int(of or 0)

    if not positive:
        wanted = [
            name for name in wanted if ":" not in name or all((name, g) not in results.rates for g in each)
        ]
    order = sorted(filter(drawn, wanted), key=place)
    panels = []
    for metric in order[:MAX_CHARTS]:
        lines = []
        for group in each:
            key = (metric, group)
            if key in results.rates:
                note = results.note(metric, group)
                lines.append(Bar(results.label(group), results.rates[key], note, all_rows=group is None))
            elif key in lower:
                lines.append(Bar(results.label(group), lower[key], all_rows=group is None, bound=True))
        if bounds is not None and bounds != all(line.bound for line in lines):
            continue
        title = results.words(metric)
        panels.append((bars(title[:1].upper() + title[1:], lines), len(lines)))
    return panels
