"""What a file is about, in tables: data, model, training, release, all of the verified statement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tacit.html.figures import steps
from tacit.html.markup import Child, Markup, tag
from tacit.html.names import Names, labels_of
from tacit.html.numbers import count
from tacit.html.verified import Verified

__all__ = ["digest", "facts_of", "fields", "rate_plot"]

MAX_COLUMNS = 60
"""Most columns that are named."""
MAX_SPANS = 5000
"""Most spans of a schedule that are drawn."""
LOSSES = {
    "CrossEntropy": "cross-entropy",
    "BceWithLogits": "binary cross-entropy",
    "Mse": "mean squared error",
}
ACTIVATIONS = {"Identity": "", "Relu": " (ReLU)", "Sigmoid": " (sigmoid)", "Tanh": " (tanh)"}


def digest(text: str) -> Markup:
    """A digest in groups of eight, so that two can be compared by eye."""
    return tag("code", " ".join(text[i : i + 8] for i in range(0, len(text), 8)), class_="digest")


def fields(rows: list[tuple[str, Child]]) -> Markup:
    """A table of two columns."""
    lines = [
        tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows if value is not None
    ]
    return tag("table", tag("tbody", lines), class_="facts")


def facts_of(about: Verified) -> list[tuple[str, Markup]]:
    """Titled tables of what the file is about."""
    statement = about.verdict.statement
    if about.kind == "data":
        return [("The data", fields(_data(about, statement["record"], statement["digest"])))]
    out = []
    if about.kind == "link":
        out.append(("The commitments", fields(_link(about, statement["link"]))))
        if "run" not in statement:
            return out
    if about.kind == "report":
        report = statement["report"]
        if about.evaluated is not None:
            own = _data(about, about.evaluated, report["input"]["data_digest"])
            out.append(("The rows it is about", fields(own)))
    if about.kind == "release":
        release = statement["release"]
        tensors = [name for pair in release["names"] for name in pair if name]
        rows: list[tuple[str, Child]] = [
            ("weights and biases", count(release["weights"])),
            ("rounded to", ("multiples of 2", tag("sup", f"-{release['bits']}"))),
            ("tensors", ", ".join(tensors)),
            ("safety rules", "set aside by the owner: data declared public" if release["exemption"] else None),
        ]
        out.append(("The release", fields(rows)))
    out.append(("The model", fields(_model(about))))
    if "run" not in statement:
        return out
    out.append(("Its training", fields(_training(statement["run"]))))
    trained = _said(about, r"on the data behind commitment ([0-9a-f]{64})")
    if about.evaluated is None or about.evaluated != about.training:
        out.append(("The data it was trained on", fields(_data(about, statement["run"]["data"], trained))))
    return out


def _link(about: Verified, link: Mapping[str, Any]) -> list[tuple[str, Child]]:
    """Both sides of a link, and what they hold."""
    sides: list[tuple[str, Child]] = [
        ("first", digest(link["first_digest"])),
        ("second", digest(link["second_digest"])),
    ]
    record = link["records"]["first"]
    if link["of"] == "rows":
        second = link["records"]["second"]
        sides.append(("rows of the second", count(second["rows"])))
    if link["of"] != "model":
        return sides + _data(about, record, None)
    shapes = ", ".join(f"{count(inputs)} × {count(outputs)}" for inputs, outputs in record["layers"])
    return [*sides, ("matrices of weights", shapes)]


def _said(about: Verified, pattern: str) -> str | None:
    """A digest that the verdict names in a sentence."""
    found = (re.search(pattern, line) for line in about.verdict.shown)
    return next((match[1] for match in found if match), None)


def _data(about: Verified, record: Mapping[str, Any], digest_: str | None) -> list[tuple[str, Child]]:
    names = about.names(record)
    return [
        ("commitment", None if digest_ is None else digest(digest_)),
        ("rows", count(record["rows"])),
        ("features of a row", count(record["features"])),
        ("label of a row", labels_of(record)),
        ("precision", f"{record['data_bits']} bits a feature, {record['fa']} of them fractional"),
        ("columns", _columns(names)),
        (
            "classes",
            None if names.classes is None else ", ".join(map(names.of_class, range(len(names.classes[:64])))),
        ),
        ("derived from the data and public", "; ".join(record["released"][:100]) or None),
    ]


def _columns(names: Names) -> str:
    """The columns by name; the indicators of a category as one, with their number."""
    if names.features is None:
        return "names not published"
    columns: dict[str, int] = {}
    for name in names.features:
        base, equals, _ = name.partition("=")
        columns[base if equals else name] = columns.get(base if equals else name, 0) + (1 if equals else 0)
    told = [name + (f" ({number} categories)" if number else "") for name, number in columns.items()]
    left = len(told) - MAX_COLUMNS
    return ", ".join(told[:MAX_COLUMNS]) + (f" and {count(left)} more" if left > 0 else "")


def _model(about: Verified) -> list[tuple[str, Child]]:
    statement = about.verdict.statement
    layers = about.config["architecture"]["layers"]
    chain = " → ".join(
        [f"{count(layers[0]['inputs'])} inputs"]
        + [count(layer["outputs"]) + ACTIVATIONS.get(layer["activation"], "") for layer in layers]
    )
    weights = sum((layer["inputs"] + layer["bias"]) * layer["outputs"] for layer in layers)
    told = statement.get(about.kind, {})
    model = told.get("model_digest") or _said(about, r"The model behind commitment ([0-9a-f]{64})")
    run = None if about.public is not None else told.get("run_digest")
    of_public = [] if about.public is None else _public(about, about.public)
    return [
        *of_public,
        ("public model" if of_public else "commitment", None if model is None else digest(model)),
        ("run that it is the result of", None if run is None else digest(run)),
        ("network", chain + (" outputs" if layers[-1]["outputs"] != 1 else " output")),
        ("weights and biases", count(weights)),
    ]


def _public(about: Verified, model: Mapping[str, Any]) -> list[tuple[str, Child]]:
    """Where the weights of a public model are."""
    files = [file.name for file in about.files if file.option == "--model"]
    return [
        ("public weights", ("in the file ", tag("code", files[0])) if files else "not hidden"),
        ("digest of the weights", digest(bytes(model["weights"]).hex())),
        ("weights are multiples of", ("2", tag("sup", f"-{model['bits']}"))),
    ]


def _training(run: Mapping[str, Any]) -> list[tuple[str, Child]]:
    config = run["config"]
    schedule = config["schedule"]
    per_epoch = -(-schedule["rows"] // schedule["batch"])
    if schedule["drop_last"]:
        per_epoch = schedule["rows"] // schedule["batch"]
    epochs = Fraction(schedule["total_steps"], max(1, per_epoch))
    rates = _rates(config)
    distinct = sorted({rate for _, rate in rates})
    if len(distinct) == 1:
        rate = f"{distinct[0]:.6g}"
    else:
        rate = (
            f"from {distinct[0]:.6g} to {distinct[-1]:.6g}, in {count(len(rates))} spans"
            if distinct
            else "none"
        )
    taps = schedule["filter"]
    momentum = "Nesterov" if schedule["nesterov"] else "momentum"
    average = schedule["average"]
    order = "as committed, in every epoch" if config["order"] == "Contiguous" else _origin(run["order_origin"])
    start = run["start"]
    hidden = isinstance(start, Mapping) and "Hidden" in start
    return [
        ("loss", LOSSES.get(config["architecture"]["loss"], config["architecture"]["loss"])),
        (
            "steps",
            f"{count(schedule['total_steps'])}, {float(epochs):.4g} passes over {count(schedule['rows'])} rows",
        ),
        ("rows in a batch", count(schedule["batch"])),
        ("learning rate", rate),
        ("momentum", f"{momentum}, a filter of {len(taps)} entries" if len(taps) > 1 else None),
        ("weight decay", "at the end of every chunk of steps" if schedule["decay"] else None),
        ("averaging", f"mean of the weights after each of the last {average} steps" if average else None),
        ("order of the rows", order if config["order"] == "Contiguous" else f"shuffled, seed {order}"),
        ("initial weights", "hidden" if hidden else f"public, seed {_origin(start['Seed']['origin'])}"),
    ]


def _origin(origin: Any) -> str:
    """Whose choice a seed was."""
    kind = next(iter(origin), "") if isinstance(origin, Mapping) else ""
    return {
        "Prover": "chosen by the owner",
        "Verifier": "from a verifier's nonce",
        "Beacon": "from a public beacon",
    }.get(kind, "stated in the file")


def _rates(config: Mapping[str, Any]) -> list[tuple[int, float]]:
    """(steps, learning rate) of every span, for the mean gradient of a full batch."""
    scales, schedule = config["scales"], config["schedule"]
    exponent = scales["fa"] + scales["fg"] + scales["omega"] - scales["fw"]
    outputs = config["architecture"]["layers"][-1]["outputs"]
    # Of the mean over a batch and, where the loss is one, over the outputs (docs/arithmetic.md).
    norm = {"BceWithLogits": 1 / outputs, "Mse": 2 / outputs}.get(config["architecture"]["loss"], 1.0)
    unit = schedule["batch"] * 2.0**exponent / norm
    return [(span["steps"], span["rate"] * unit) for span in schedule["rates"]]


def rate_plot(about: Verified) -> Markup | None:
    """The learning rate over the steps, unless it stays the same."""
    if "run" not in about.verdict.statement:
        return None
    rates = _rates(about.verdict.statement["run"]["config"])
    varies = len({rate for _, rate in rates}) > 1
    return steps("Learning rate", rates, "steps") if varies and len(rates) <= MAX_SPANS else None
