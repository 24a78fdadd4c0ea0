"""The figures of a verified report as tables: counts, rates, differences, errors."""

from __future__ import annotations

from fractions import Fraction

from tacit.html.markup import Child, Markup, tag
from tacit.html.numbers import count, decimal, percent
from tacit.html.results import CHARTED, Results, classes_of
from tacit.rates import FAIRNESS, Confusion, differences, shown_errors

__all__ = ["counts_tables", "errors_of", "errors_table", "gaps_table", "rates_table"]

MAX_CELLS = 6000
"""Most cells of confusion tables on a page; beyond, only the table of all rows."""
SAID = ("recall", "positive_rate", "f1")
"""Rates whose difference is that of a fairness measure, or says nothing beside the others."""


def counts_tables(results: Results) -> list[Child]:
    """A confusion table of each group and of all rows; of all rows alone where they are many."""
    total = results.total
    if total is None:
        return []
    names, cells = results.about.subject, total.classes**2 * (len(results.groups) + 1)
    out: list[Child] = [_confusion(total, "All rows", results)]
    if len(results.groups) and cells <= MAX_CELLS:
        out = [
            *out,
            *(_confusion(t, results.group(g), results, g) for g, t in enumerate(results.tables)),
        ]
    elif len(results.groups):
        out.append(
            tag("p", "The tables of the groups are too many for a page; the file has them.", class_="hint")
        )
    if names.classes is None:
        out.append(tag("p", "The owner did not publish the names of the classes.", class_="hint"))
    return out


def _confusion(table: Confusion, title: str, results: Results, group: int | None = None) -> Markup:
    names, sides = results.about.subject, range(table.classes)
    compact = table.classes > 12
    titles = [str(c) if compact else names.of_class(c) for c in sides]
    head = tag(
        "thead",
        tag(
            "tr",
            tag("td", class_="corner"),
            tag("th", "predicted", colspan=table.classes, scope="colgroup"),
            tag("td"),
        ),
        tag(
            "tr",
            tag("th", "label", scope="col", class_="corner"),
            [tag("th", title, scope="col") for title in titles],
            tag("th", "rows", scope="col"),
        ),
    )
    lines = []
    for label in sides:
        cells = [_cell(table, label, c, compact) for c in sides]
        rows = tag("td", count(table.labelled(label)), class_="num sum")
        lines.append(tag("tr", tag("th", titles[label], scope="row"), cells, rows))
    foot = tag(
        "tr",
        tag("th", "rows", scope="row"),
        [tag("td", count(table.predicted(c)), class_="num sum") for c in sides],
        tag("td", count(table.rows), class_="num sum"),
    )
    number = "" if group is None else f" (group {group})"
    caption = tag("caption", tag("strong", title), f"{number}, {count(table.rows)} rows")
    return tag(
        "table",
        caption,
        head,
        tag("tbody", lines, foot),
        class_="confusion compact" if compact else "confusion",
    )


def _cell(table: Confusion, label: int, predicted: int, compact: bool) -> Markup:
    value, rows = table.counts[label][predicted], table.labelled(label)
    part = Fraction(value, rows) if rows else Fraction(0)
    colour = "43,108,176" if label == predicted else "221,107,32"
    shade = f"background:rgba({colour},{float(part) * 0.55:.2f})"
    small = None if compact or not rows else tag("small", percent(part))
    return tag("td", count(value), small, class_="num", style=shade)


def rates_table(results: Results) -> Markup | None:
    """Every rate that is known, of all rows and of each group; of many classes those that are of none."""
    metrics = [m for m in results.metrics() if not results.many or ":" not in m]
    if not metrics:
        return None
    columns = [g for g in (None, *range(len(results.groups))) if any((m, g) in results.rates for m in metrics)]
    if len(columns) > 7:
        # Many groups make the lines, so that the table fits a page.
        few = [m for m in metrics if m.partition(":")[0] in (*CHARTED, "balanced_accuracy")][:6]
        head = [tag("th", "rows", scope="col"), *(tag("th", results.words(m), scope="col") for m in few)]
        lines = [
            tag("tr", tag("th", _named(results, g), scope="row"), [_rate(results, m, g) for m in few])
            for g in columns
        ]
    else:
        head = [tag("th", "rate", scope="col"), *(tag("th", _named(results, g), scope="col") for g in columns)]
        lines = [
            tag("tr", tag("th", results.words(m), scope="row"), [_rate(results, m, g) for g in columns])
            for m in metrics
        ]
    return tag("table", tag("thead", tag("tr", head)), tag("tbody", lines), class_="rates")


def _named(results: Results, group: int | None) -> Child:
    """A group by its name and by its number in the statement."""
    return results.group(group), None if group is None else tag("small", f"group {group}")


def _rate(results: Results, metric: str, group: int | None) -> Markup:
    rate = results.rates.get((metric, group))
    if rate is None:
        return tag("td", "—", class_="num")
    return tag("td", percent(rate), tag("small", results.note(metric, group)), class_="num")


def gaps_table(results: Results) -> Markup | None:
    """Largest differences between two groups, fairness measures first."""
    gaps = differences(results.rates, len(results.groups))
    if not gaps:
        return None
    positive = classes_of(results.about) == 2
    names = [n for n in gaps if not positive or n.partition(":")[2] in ("", "1")]
    names = [n for n in names if n.partition(":")[0] not in SAID and not (results.many and ":" in n)]
    if not names:
        return None
    names.sort(key=lambda n: (n.partition(":")[0] not in FAIRNESS, n != "accuracy", n))
    lines = []
    for name in names:
        metric = name.partition(":")[0]
        compared = " and ".join(results.words(m) for m in FAIRNESS.get(metric, ()))
        what = [results.words(name), tag("small", f"of {compared}") if compared else None]
        lines.append(tag("tr", tag("th", what, scope="row"), tag("td", percent(gaps[name]), class_="num")))
    heads = (tag("th", "measure", scope="col"), tag("th", "largest difference", scope="col", class_="num"))
    return tag("table", tag("thead", tag("tr", heads)), tag("tbody", lines), class_="narrow")


def errors_of(results: Results, rows: int) -> dict[str, Fraction]:
    """Errors of `rows` rows of real targets; R^2 is rounded down to four digits, as the statement has it."""
    config = results.about.config
    outputs = int(config["architecture"]["layers"][-1]["outputs"])
    errors = shown_errors(results.shown, rows, outputs, int(config["scales"]["fa"])) if rows else {}
    return errors | ({"r2": Fraction(errors["r2"] * 10**4 // 1, 10**4)} if "r2" in errors else {})


def errors_table(results: Results, rows: int) -> Markup | None:
    """MSE, MAE and R^2 of real targets."""
    errors = errors_of(results, rows)
    if not errors:
        return None
    words = {
        "r2": ("R²", "share of the variance of the targets that the model explains"),
        "mse": ("mean squared error", "of the targets as they were scaled"),
        "mae": ("mean absolute error", "of the targets as they were scaled"),
    }
    lines = [
        tag(
            "tr",
            tag("th", title, tag("small", about), scope="row"),
            tag("td", decimal(errors[name]), class_="num"),
        )
        for name, (title, about) in words.items()
        if name in errors
    ]
    return tag("table", tag("tbody", lines), class_="narrow")
