"""Predictions of a proven model with a proof: of public rows, of committed ones, of ones that nobody learns."""

from __future__ import annotations

import json
import operator
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit._wording import given, name_of, named
from tacit.commitment import CommittedData, commit_quantised
from tacit.dataset.quantised import QuantisedData, quantise
from tacit.dataset.schema import Target
from tacit.errors import ReportRefused, UsageError
from tacit.reporting import Report, Rows, check_arguments, chosen_rows, evaluated_data, prove_request, require_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tacit.runs import Run

__all__ = ["predict"]

INPUT_PROOFS = 4
"""Proofs that rows which are committed for a prediction can take part in."""


def predict(
    run: Run,
    x: Any = None,
    *,
    data: CommittedData | None = None,
    rows: Rows = None,
    hide_rows: bool = False,
    commit_as: str | None = None,
    quiet: bool = False,
) -> Report:
    """Prove the outputs of the final model of a run on rows.

    `x` are public rows (a table with the columns of the training data, a file of one, or `QuantisedData`; scaled as
    the training data was, they stand in the report in the clear), or committed data. Without `x` the rows are those
    of `data`, by default the training data: all of them, or `rows` of them. Of committed rows the outputs are told,
    and which rows they are; with `hide_rows` only that they are rows of that data set: `rows` are then read in their
    order, and one may be read twice. `commit_as` commits the rows `x` under that name first, so that they do
    not stand in the report; the commitment goes to a file of that name beside the vault.

    Many rows go into one report: each report opens rows of the model's commitment, and of the data's. Raises as
    `evaluate` does.
    """
    if isinstance(x, CommittedData):
        if data is not None:
            raise UsageError(f"the committed data is given twice, as {name_of('x')} and as {name_of('data')}")
        x, data = None, x
    check_arguments(run, data, 0, {})
    if x is not None and (data is not None or rows is not None or hide_rows):
        raise UsageError(
            f"give public rows ({named('x', option='--input')}), or rows of a committed data set, not both"
        )
    if commit_as is not None:
        if x is None:
            raise UsageError(f"{name_of('commit_as')} is for public rows; these are committed already")
        data, x = _committed(run, _quantised(run, x), commit_as), None
    record = run.record()
    if x is None:
        on = evaluated_data(run, data)
        require_schema(run, on)
        asked: dict[str, Any] = {"groups": None, "asked": ["Outputs"]}
        if hide_rows:
            hidden = _places(rows, on)
            asked |= {"rows": {"Hidden": {"count": len(hidden)}}, "hidden": hidden}
        else:
            asked |= {"rows": chosen_rows(rows, on)}
        return prove_request(run, record, on, (on.features, on.labels), json.dumps(asked), (), 0, quiet)
    told = _quantised(run, x)
    table = (np.ascontiguousarray(told.features), np.zeros(0, dtype=np.int64))
    request = json.dumps({"rows": "All", "groups": None, "asked": ["Outputs"]})
    return prove_request(run, record, None, table, request, (), 0, quiet)


def _places(rows: Rows, data: CommittedData) -> list[int]:
    """The hidden rows, in the order in which they are read."""
    if rows is None:
        raise UsageError(f"say which rows the model reads: {named('rows', option='--rows')}; the report will not tell")
    try:
        listed = [operator.index(i) for i in rows]
    except TypeError:
        raise UsageError(f"{given('rows', rows)} is neither a range nor a list of row numbers") from None
    if not listed or not all(0 <= i < data.n for i in listed):
        raise UsageError(f"there is no such row: rows are numbered from 0 to {data.n - 1}, and one at least is read")
    return listed


def _quantised(run: Run, x: Any) -> QuantisedData:
    """Rows as integers with the scales of the training data."""
    trained = run.data()
    told = x if isinstance(x, QuantisedData) else quantise(x, schema=replace(trained.schema, target=Target()))
    _require_features(run, told)
    return told


def _require_features(run: Run, told: QuantisedData) -> None:
    """The rows have the columns, order and scales that the model was trained on; nothing reads their labels."""
    trained = run.data()
    if told.scales != trained.quantised.scales or told.fa != trained.fa:
        raise ReportRefused("the rows are not scaled as the training data was", reason="OtherSchema")
    ours, theirs = told.feature_names, trained.quantised.feature_names
    if ours != theirs and not (_numbered(ours) or _numbered(theirs)):
        first = next(f"{a!r} for {b!r}" for a, b in zip_longest(ours, theirs) if a != b)
        raise ReportRefused(
            f"the rows have other columns than the training data, or another order: {first}",
            reason="OtherSchema",
        )


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


def _numbered(names: Sequence[str]) -> bool:
    """Whether these are the names that columns of an array get: nobody's."""
    return all(name == f"x{position}" for position, name in enumerate(names))
