"""What a verified report only bounds, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from tacit.html.markup import Child, Markup, tag
from tacit.html.numbers import count, percent
from tacit.html.results import Results
from tacit.html.scores import bounded_number, score_words
from tacit.rates import rate_name
from tacit.scores import bound_of, probability

__all__ = ["bounds_of", "bounds_table"]

_ERRORS = {"Squared": "mean squared error", "Absolute": "mean absolute error"}
_SCALED = "of the targets as they were scaled"


class Line(NamedTuple):
    """A figure, the rows that it is of, its bound as text and as it stands in the statement."""

    figure: Child
    rows: Child
    bound: str
    value: Fraction


def bounds_of(results: Results) -> list[Line]:
    """Every bound that holds."""
    return [line for item in results.shown if isinstance(item, dict) for line in _lines(results, item)]


def bounds_table(results: Results) -> Markup | None:
    """What is shown to reach a bound, and nothing more."""
    lines = [
        tag(
            "tr",
            tag("th", line.figure, scope="row"),
            tag("td", line.rows),
            tag("td", line.bound, tag("small", str(line.value)), class_="num"),
        )
        for line in bounds_of(results)
    ]
    if not lines:
        return None
    head = tag("tr", [tag("th", title, scope="col") for title in ("figure", "rows", "bound")])
    return tag("table", tag("thead", head), tag("tbody", lines), class_="narrow bounds")


def _lines(results: Results, item: dict[str, Any]) -> Iterator[Line]:
    ((kind, told),) = item.items()
    if kind == "AtLeast":
        value = Fraction(*told["bound"])
        bound = f"at least {percent(value, bound='least')}"
        yield Line(results.words(rate_name(told["rate"])), results.group(told["group"]), bound, value)
    elif kind == "GapAtMost":
        value, of = Fraction(*told["bound"]), ", ".join(map(count, told["denominators"]))
        rows = ("any two groups", tag("small", f"rows that it is a rate of: {of}"))
        what = f"difference of the {results.words(rate_name(told['rate']))}"
        yield Line(what, rows, f"at most {percent(value, bound='most')}", value)
    elif kind == "Scores":
        yield from _of_scores(results, told)
    elif kind == "MeanErrorAtMost":
        value = Fraction(*told["bound"])
        figure = (_ERRORS[told["error"]], tag("small", _SCALED))
        yield Line(figure, results.group(told["group"]), bounded_number(value, "most"), value)
    elif kind == "ExplainedAtLeast":
        value = Fraction(*told["bound"])
        figure = ("R²", tag("small", "share of the variance of the targets that the model explains"))
        yield Line(figure, "all rows", bounded_number(value, "least"), value)


def _of_scores(results: Results, told: dict[str, Any]) -> Iterator[Line]:
    held = bound_of(told["figure"])
    if held is None:
        return
    ((kind, _),) = told["figure"].items()
    (name, value), group = held, results.group(told["group"])
    metric, at, edge = name.partition("@")
    if at:
        fa = int(results.about.verdict.statement["run"]["config"]["scales"]["fa"])
        above = f"where probabilities above {probability(int(edge), fa):.4f} are predicted as class 1"
        most = kind == "RateAtMost"
        bound = (
            f"at most {percent(value, bound='most')}" if most else f"at least {percent(value, bound='least')}"
        )
        yield Line((results.words(metric), tag("small", above)), group, bound, value)
    elif kind == "AucGapAtMost":
        what = f"difference of the {score_words(name)}"
        yield Line(what, "any two groups", bounded_number(value, "most"), value)
    else:
        bound = bounded_number(value, "least" if name == "auc" else "most")
        yield Line(score_words(name), group, bound, value)
