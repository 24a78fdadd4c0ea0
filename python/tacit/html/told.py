"""What a report tells of every row, or of two models: classes, bounds, dates, comparisons."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from tacit.html.markup import Child, Markup, tag
from tacit.html.numbers import count, percent
from tacit.html.predictions import MAX_ROWS, row_numbers
from tacit.html.results import Results
from tacit.html.verified import Verified
from tacit.rates import rate_name

__all__ = ["calendar_note", "classes_table", "comparisons_table", "dates_of", "margins_table"]

EPOCH = date(1970, 1, 1).toordinal()


def dates_of(about: Verified) -> list[str] | None:
    """The public calendar, row by row, if there is one."""
    for item in about.verdict.statement["report"]["shown"]:
        if "Calendar" in item:
            ((kind, told),) = item["Calendar"]["calendar"].items()
            if kind == "Numbers":
                return [str(number) for number in told["numbers"]]
            return [date.fromordinal(EPOCH + day).isoformat() for day in told["days"]]
    return None


def calendar_note(about: Verified) -> Markup | None:
    """From when to when the rows are dated."""
    dates = dates_of(about)
    if not dates:
        return None
    words = f"{count(len(dates))} dates, one a row, from {dates[0]} to {dates[-1]}: the owner's word."
    return tag("p", words, class_="hint")


def classes_table(about: Verified) -> list[Child]:
    """The class that is predicted of every row, where no outputs say it."""
    shown = about.verdict.statement["report"]["shown"]
    found = [item["Classes"]["classes"] for item in shown if "Classes" in item]
    if not found:
        return []
    lines = [[tag("td", tag("strong", about.subject.of_class(c)))] for c in found[0]]
    return _rows_table(about, ["class predicted"], lines)


def margins_table(about: Verified) -> list[Child]:
    """The bounds that every row's outputs reach."""
    fa, shown = about.subject.fa, about.verdict.statement["report"]["shown"]
    found = [item["Margins"] for item in shown if "Margins" in item]
    if not found:
        return []
    # In units of outputs, exactly: bounds are integers of fa fractional bits.
    lines = [
        [tag("td", f"{bound / 2**fa:.10g}", class_="num") for bound in of_row]
        for of_row in zip(*(item["bounds"] for item in found), strict=True)
    ]
    return _rows_table(about, [f"{_margin(item)} at least" for item in found], lines)


def _margin(told: Any) -> str:
    """The output that is bounded."""
    plus, minus = told["plus"], told["minus"]
    if plus is None:
        return f"minus output {minus}"
    return f"output {plus}" + ("" if minus is None else f" less output {minus}")


def _rows_table(about: Verified, titles: list[str], lines: list[list[Markup]]) -> list[Child]:
    """A line a row, of the first ones."""
    heads = [tag("th", title, scope="col") for title in ("row", *titles)]
    rows = [
        tag("tr", tag("th", count(row), scope="row"), cells)
        for row, cells in zip(row_numbers(about)[:MAX_ROWS], lines, strict=False)
    ]
    table = tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows), class_="facts outputs")
    left = len(lines) - len(rows)
    return [table, tag("p", f"{count(left)} more rows are in the file.", class_="hint") if left else None]


def comparisons_table(results: Results) -> Markup | None:
    """In what the first of two models is better, and by how much at least."""
    lines = []
    for item in results.shown:
        if "BetterBy" not in item:
            continue
        told = item["BetterBy"]
        bound = Fraction(*told["bound"])
        name, loss = _metric(told["metric"], results)
        value = f"{float(bound):.4g}" if loss else percent(bound, bound="least")
        if loss and Fraction(value) > bound:
            value = str(bound)
        by = f"{'smaller' if loss else 'larger'} by at least {value}"
        what = tag("th", name, tag("small", results.group(told["group"])), scope="row")
        lines.append(tag("tr", what, tag("td", by, class_="num")))
    return tag("table", tag("tbody", lines), class_="narrow") if lines else None


def _metric(metric: Any, results: Results) -> tuple[str, bool]:
    """What is compared, and whether better is smaller."""
    if metric == "Auc":
        return "area under the ROC curve", False
    if "Loss" in metric:
        return {"Log": "mean log loss", "Brier": "mean Brier score"}[metric["Loss"]["loss"]], True
    return results.words(rate_name(metric["Rate"]["rate"])), False
