"""Outputs that a report shows, row by row, with the public rows that they are of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tacit.html.figures import Bar
from tacit.html.markup import Child, Markup, tag
from tacit.html.names import Names
from tacit.html.numbers import count
from tacit.html.verified import Verified

__all__ = ["input_tables", "outputs_table", "row_numbers", "said", "score_bars"]

MAX_ROWS = 200
"""Most rows of a table of outputs."""
MAX_INPUTS = 12
"""Most public rows whose values are written out."""
ABREAST = 6
"""Rows that stand beside each other in a table of inputs."""
MAX_OUTPUTS = 10
"""Most outputs of a row that are written out."""


def row_numbers(about: Verified) -> Sequence[int]:
    """The rows that the report is about, as the commitment counts them; from 0 for public and hidden ones."""
    statement = about.verdict.statement
    given = statement["report"]["input"]
    if about.evaluated is None:
        width = int(about.config["architecture"]["layers"][0]["inputs"])
        return range(len(given.get("table", given)["features"]) // max(1, width))
    rows = given["rows"]
    if rows == "All":
        return range(int(about.evaluated["rows"]))
    if "Range" in rows:
        first = int(rows["Range"]["first"])
        return range(first, first + int(rows["Range"]["count"]))
    if "Hidden" in rows:
        return range(int(rows["Hidden"]["count"]))
    return [int(row) for row in rows["Listed"]]


def outputs_table(about: Verified) -> list[Child]:
    """What the model gives for each row: its class or value, and the exact outputs."""
    found = [
        item["Outputs"]["values"] for item in about.verdict.statement["report"]["shown"] if "Outputs" in item
    ]
    if not found:
        return []
    architecture = about.config["architecture"]
    outputs, loss = int(architecture["layers"][-1]["outputs"]), str(architecture["loss"])
    rows = row_numbers(about)
    values = [found[0][i : i + outputs] for i in range(0, len(found[0]), outputs)]
    classes = loss != "Mse"
    unit = tag("small", "integers / 2", tag("sup", about.subject.fa))
    titles: list[Child] = [
        "row",
        "prediction",
        *(["score of the class"] if classes else []),
        ("exact outputs", unit),
    ]
    lines = [
        tag("tr", tag("th", count(row), scope="row"), _prediction(about, loss, of))
        for row, of in zip(rows[:MAX_ROWS], values, strict=False)
    ]
    heads = [
        tag("th", title, scope="col", class_="num" if place >= (2 if classes else 1) else None)
        for place, title in enumerate(titles)
    ]
    head = tag("tr", heads)
    table = tag("table", tag("thead", head), tag("tbody", lines), class_="facts outputs")
    left = len(values) - len(lines)
    more = tag("p", f"{count(left)} more rows are in the file.", class_="hint") if left else None
    return [table, more]


def score_bars(about: Verified) -> list[Bar]:
    """The class of each of the first rows with its score, for a chart."""
    found = [
        item["Outputs"]["values"] for item in about.verdict.statement["report"]["shown"] if "Outputs" in item
    ]
    architecture = about.config["architecture"]
    if not found or architecture["loss"] != "CrossEntropy":
        return []
    width = int(architecture["layers"][-1]["outputs"])
    lines = [found[0][i : i + width] for i in range(0, len(found[0]), width)][:MAX_INPUTS]
    out = []
    for row, outputs in zip(row_numbers(about), lines, strict=False):
        best, score = _best(outputs, about.subject.fa)
        out.append(Bar(f"row {row}", Fraction(score).limit_denominator(10**6), about.subject.of_class(best)))
    return out


def _best(outputs: Sequence[int], fa: int) -> tuple[int, float]:
    """The first of the largest outputs, as the statement defines the prediction, and its share by softmax."""
    best = max(range(len(outputs)), key=lambda c: (outputs[c], -c))
    return best, 1 / sum(math.exp((v - outputs[best]) / 2.0**fa) for v in outputs)


def said(about: Verified) -> list[tuple[str, str, str]]:
    """The prediction of a single row in large type: (figure, title, note)."""
    shown = [
        item["Outputs"]["values"] for item in about.verdict.statement["report"]["shown"] if "Outputs" in item
    ]
    loss = about.config["architecture"]["loss"]
    if not shown or len(row_numbers(about)) != 1 or loss != "CrossEntropy":
        return []
    best, _ = _best(shown[0], about.subject.fa)
    return [(about.subject.of_class(best), "predicted", "the largest of its outputs")]


def _prediction(about: Verified, loss: str, outputs: Sequence[int]) -> list[Markup]:
    names, real = about.subject, [v / 2.0**about.subject.fa for v in outputs]
    exact = ", ".join(map(str, outputs[:MAX_OUTPUTS])) + (", …" if len(outputs) > MAX_OUTPUTS else "")
    last = tag("td", exact, class_="num exact")
    if loss == "Mse":
        return [tag("td", ", ".join(names.output(v) for v in outputs[:MAX_OUTPUTS]), class_="num"), last]
    if loss == "CrossEntropy":
        best, score = _best(outputs, names.fa)
        return [tag("td", tag("strong", names.of_class(best))), _score(score), last]
    said = [names.of_class(int(v > 0)) for v in outputs]
    shares = [1 / (1 + math.exp(-min(abs(v), 700.0))) for v in real]
    text = ", ".join(said[:MAX_OUTPUTS])
    return [tag("td", tag("strong", text)), _score(shares[0] if len(shares) == 1 else None), last]


def _score(share: float | None) -> Markup:
    if share is None:
        return tag("td", "—", class_="num")
    bar = tag("span", tag("span", style=f"width:{100 * share:.1f}%"), class_="meter")
    # Never rounded to certainty.
    text = f"{100 * share:.1f} %" if share < 0.9995 else "> 99.9 %"
    return tag("td", bar, text, class_="num")


def input_tables(about: Verified) -> list[Child]:
    """The values of public rows, in the units of the training data where its scales are known."""
    record = about.training
    told = about.verdict.statement["report"]["input"]
    table = told.get("table")
    given = told.get("features") if table is None else table["features"]
    if about.evaluated is not None or given is None or record is None:
        return []
    names, width = about.names(record), int(record["features"])
    total = len(given) // max(1, width)
    rows = [names.row(range(width), given[i * width : (i + 1) * width]) for i in range(min(total, MAX_INPUTS))]
    labels = [] if table is None else _labels(names, table)
    for row, label in zip(rows, labels, strict=False):
        row.append(("label", label))
    out: list[Child] = []
    for first in range(0, len(rows), ABREAST):
        block = rows[first : first + ABREAST]
        heads = [tag("th", f"row {first + i}", scope="col") for i in range(len(block))]
        out.append(
            tag(
                "table",
                tag("thead", tag("tr", tag("th", "input", scope="col"), heads)),
                tag("tbody", _lines(block)),
                class_="inputs",
            )
        )
    if total > len(rows):
        out.append(tag("p", f"{count(total - len(rows))} more rows are in the file.", class_="hint"))
    scaled = "" if names.scales is None else " Values are in the units of the table, rounded to four digits."
    clear = "The inputs stand" if table is None else "The inputs and their labels stand"
    said = clear + " in the file in the clear." + scaled
    return [tag("p", said, class_="hint"), *out]


def _labels(names: Names, table: Mapping[str, Any]) -> list[str]:
    """The labels of public rows: classes by name, targets in their units."""
    values, labels = table["values"], table["labels"]
    if "Class" in labels:
        return [names.of_class(y) for y in values]
    width = next(iter(labels.values()))["outputs"]
    rows = [values[i : i + width] for i in range(0, len(values), width)]
    if "Binary" in labels:
        return [", ".join(names.of_class(y) if width == 1 else str(y) for y in row) for row in rows]
    return [", ".join(names.output(y) for y in row) for row in rows]


def _lines(rows: Sequence[list[tuple[str, str]]]) -> list[Any]:
    """One line an input; where rows tell different inputs, a line has a dash for those that do not."""
    inputs = dict.fromkeys(name for row in rows for name, _ in row)
    told = [dict(row) for row in rows]
    return [
        tag("tr", tag("th", name, scope="row"), [tag("td", row.get(name, "—"), class_="num") for row in told])
        for name in inputs
    ]
