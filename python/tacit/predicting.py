"""Predictions of a proven model with a proof: of public rows, of committed ones, of ones that nobody learns."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit._wording import given, name_of, named
from tacit.commitment import DEFAULT_PROOFS, CommittedData, commit_quantised
from tacit.dataset.quantised import QuantisedData, quantise
from tacit.dataset.schema import Column, Schema, Target
from tacit.errors import UsageError
from tacit.public_models import PublicModel, apart
from tacit.public_rows import require_features
from tacit.reporting import (
    Number,
    Report,
    Rows,
    check_arguments,
    chosen_rows,
    evaluated_data,
    model_outputs,
    prove_request,
    require_schema,
)
from tacit.scores import first_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.arithmetic.record import RunRecord
    from tacit.runs import Run

__all__ = ["predict"]

MAX_MARGIN = 1 << 17
"""The largest bound of an output, as an integer."""
INPUT_PROOFS = 4
"""Proofs that rows which are committed for a prediction can take part in."""


def predict(
    run: Run | PublicModel,
    x: Any = None,
    *,
    data: CommittedData | None = None,
    rows: Rows = None,
    hide_rows: bool = False,
    commit_as: str | None = None,
    show: str | Iterable[str] | None = None,
    at_least: Mapping[str, Number] | None = None,
    at_most: Mapping[str, Number] | None = None,
    commit_outputs: str | None = None,
    quiet: bool = False,
) -> Report:
    """Prove what the final model of a run, or a public one, gives for rows.

    `x` are public rows (a table with the columns of the training data, a file of one, or `QuantisedData`;
    scaled as the training data was, they stand in the report in the clear), or committed data. Without `x` the
    rows are those of `data`, by default the training data: all of them, or `rows` of them. Of committed rows
    nothing stands in the report but which rows they are; with `hide_rows` only that they are rows of that data
    set: `rows` are then read in their order, and one may be read twice. `commit_as` commits the rows `x` under
    that name first, so that they do not stand in the report; the commitment goes to a file of that name beside
    the vault.

    `show` is "outputs" (the exact integers) or "classes" (the class predicted, nothing else), or both; by
    default the outputs, if nothing else is asked for. `at_least` and `at_most` bound something on every row,
    and tell nothing more about it: `{"probability": 0.8}` of class 1 of two, `{"output:0": 1.5}`,
    `{"margin:2:0": 0.25}` (output 2 less output 0). `commit_outputs` commits the outputs under that name, as
    the features of a data set that later proofs can be about; its file goes beside the vault.

    Many rows go into one report: each report opens rows of the model's commitment, and of the data's. Raises as
    `evaluate` does.
    """
    run, public = apart(run)
    if isinstance(x, CommittedData):
        if data is not None:
            raise UsageError(f"the committed data is given twice, as {name_of('x')} and as {name_of('data')}")
        x, data = None, x
    check_arguments(run, data, 0, {"at_least": at_least, "at_most": at_most})
    if x is not None and (data is not None or rows is not None or hide_rows):
        raise UsageError(
            f"give public rows ({named('x', option='--input')}), or rows of a committed data set, not both"
        )
    if commit_as is not None and x is None:
        raise UsageError(f"{name_of('commit_as')} is for public rows; these are committed already")
    record = run.record()
    shown = _shown(show, bool(at_least or at_most or commit_outputs))
    bounds = [_margin(record, key, value, most=False) for key, value in (at_least or {}).items()]
    bounds += [_margin(record, key, value, most=True) for key, value in (at_most or {}).items()]
    if commit_as is not None:
        data, x = _committed(run, _quantised(run, x), commit_as), None
    if x is None:
        on: CommittedData | None = evaluated_data(run, data)
        assert on is not None
        require_schema(run, on)
        table, read = (on.features, on.labels), _read(rows, hide_rows, on)
        count = len(read["hidden"]) if hide_rows else _count(read["rows"], on)
    else:
        on, told = None, _quantised(run, x)
        table, read = (np.ascontiguousarray(told.features), np.zeros(0, dtype=np.int64)), {"rows": "All"}
        count = told.n
    asked = shown + [{"Margins": of | {"bounds": [bound] * count}} for of, bound in bounds]
    outputs = None
    if commit_outputs is not None:
        outputs = _commit_outputs(run, model_outputs(run, record, on, table, read, public), commit_outputs)
    request = json.dumps({"groups": None, "asked": asked, **read})
    return prove_request(run, record, on, table, request, (), 0, quiet, outputs, public=public)


def _shown(show: str | Iterable[str] | None, other: bool) -> list[Any]:
    """What is shown of every row exactly."""
    if show is None:
        return [] if other else ["Outputs"]
    named_so = [show] if isinstance(show, str) else list(show)
    kinds = {"outputs": "Outputs", "classes": "Classes"}
    for what in named_so:
        if what not in kinds:
            raise UsageError(f"{given('show', what)} is neither 'outputs' nor 'classes'")
    return [kinds[what] for what in dict.fromkeys(named_so)]


def _margin(record: RunRecord, key: str, value: Number, *, most: bool) -> tuple[dict[str, Any], int]:
    """A bound as the core reads it: an output less another one, and the integer that it is at least."""
    architecture, fa = record.config.architecture, record.config.scales.fa
    outputs, loss = architecture.layers[-1].outputs, architecture.loss
    name, _, rest = key.partition(":")
    try:
        bound, places = Fraction(str(value)), [int(part) for part in rest.split(":") if part]
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"the bound {key}={value!r} is no number of an output") from None
    if name == "probability":
        two = (loss == "bce_with_logits" and outputs == 1) or (loss == "cross_entropy" and outputs == 2)
        if not two or places:
            raise UsageError("a probability is of class 1 of two; of this model bound an output, or a margin")
        if not 0 < bound < 1:
            raise UsageError(f"the bound {value!r} is no probability between 0 and 1")
        plus, minus = (0, None) if outputs == 1 else (1, 0)
        edge = first_score(bound, fa)
        # Above the bound, or not: at the edge itself the probability is above it.
        least = 1 - edge if most else edge
    elif name in ("output", "margin") and len(places) == {"output": 1, "margin": 2}[name]:
        plus, minus = places[0], places[1] if len(places) > 1 else None
        if not all(0 <= place < outputs for place in places) or plus == minus:
            raise UsageError(
                f"{key!r}: outputs are numbered from 0 to {outputs - 1}, and a margin is between two"
            )
        scaled = bound * 2**fa
        least = -floor(scaled) if most else ceil(scaled)
    else:
        raise UsageError(f"the bound {key!r} is not known; known are probability, output:0 and margin:1:0")
    if abs(least) > MAX_MARGIN:
        raise UsageError(f"the bound {key}={value!r} is beyond every output of this model")
    return ({"plus": minus, "minus": plus} if most else {"plus": plus, "minus": minus}), least


def _read(rows: Rows, hide_rows: bool, data: CommittedData) -> dict[str, Any]:
    """Which rows are read, for the report and for the prover alone."""
    if not hide_rows:
        return {"rows": chosen_rows(rows, data)}
    hidden = _places(rows, data)
    return {"rows": {"Hidden": {"count": len(hidden)}}, "hidden": hidden}


def _count(rows: Any, data: CommittedData) -> int:
    """How many rows are read."""
    if rows == "All":
        return data.n
    return int(rows["Range"]["count"]) if "Range" in rows else len(rows["Listed"])


def _places(rows: Rows, data: CommittedData) -> list[int]:
    """The hidden rows, in the order in which they are read."""
    if rows is None:
        raise UsageError(
            f"say which rows the model reads: {named('rows', option='--rows')}; the report will not tell"
        )
    try:
        listed = [operator.index(i) for i in rows]
    except TypeError:
        raise UsageError(f"{given('rows', rows)} is neither a range nor a list of row numbers") from None
    if not listed or not all(0 <= i < data.n for i in listed):
        raise UsageError(f"at least one row has to be read; rows are numbered from 0 to {data.n - 1}")
    return listed


def _quantised(run: Run, x: Any) -> QuantisedData:
    """Rows as integers with the scales of the training data."""
    trained = run.data()
    told = x if isinstance(x, QuantisedData) else quantise(x, schema=replace(trained.schema, target=Target()))
    require_features(run, told)
    return told


def _committed(run: Run, told: QuantisedData, name: str) -> CommittedData:
    """Commit rows as they are, with labels that are all 0: nothing reads them."""
    trained = run.data()
    labels = np.zeros((told.n, *trained.labels.shape[1:]), dtype=np.int64)
    labels.flags.writeable = False
    labelled = replace(
        told,
        labels=labels,
        label_kind=trained.label_kind,
        classes=trained.classes,
        schema=trained.schema,
        target_scale=trained.quantised.target_scale,
    )
    return commit_quantised(labelled, run.vault, name, INPUT_PROOFS)


def _commit_outputs(run: Run, outputs: NDArray[np.int32], name: str) -> CommittedData:
    """Commit outputs as features, with labels that are all 0 and that nothing speaks of."""
    fa = run.record().config.scales.fa
    exact = {f"output_{j}": Column(offset=0.0, divisor=1.0) for j in range(outputs.shape[1])}
    schema = Schema(columns=exact, target=Target(kind="real", offset=0.0, divisor=1.0), fa=fa, data_bits=16)
    table = {column: outputs[:, j] / 2.0**fa for j, column in enumerate(exact)}
    told = quantise(table, np.zeros(len(outputs)), schema=schema)
    assert np.array_equal(told.features, outputs)
    return commit_quantised(told, run.vault, name, DEFAULT_PROOFS)
