"""Comparisons of two committed models on the same committed rows, with a proof and nothing else told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tacit._wording import given
from tacit.bounding import fraction, named_rates
from tacit.errors import ReportRefused, UsageError
from tacit.public_rows import PublicRows, require_features
from tacit.reporting import (
    MIN_GROUP,
    Number,
    Report,
    Rows,
    _classes,
    _groups,
    check_arguments,
    is_public,
    prove_rows,
    read_rows,
    require_schema,
)

if TYPE_CHECKING:
    from tacit.commitment import CommittedData
    from tacit.runs import Run

__all__ = ["COMPARED", "compare_models"]

COMPARED = ("accuracy", "recall", "auc", "log_loss", "brier")
"""What two models are compared by: rates over rows that the labels settle, areas, mean losses."""
_LOSSES = {"log_loss": "Log", "brier": "Brier"}


def compare_models(
    first: Run,
    second: Run,
    data: CommittedData | Any = None,
    labels: Any = None,
    *,
    metric: str = "accuracy",
    by_at_least: Number = 0,
    by: str | Sequence[str] | None = None,
    rows: Rows = None,
    min_group: int = MIN_GROUP,
    quiet: bool = False,
) -> Report:
    """Prove that the final model of `first` is better than that of `second` on rows of a committed data set.

    `data` and `labels` may be public rows, as in `tacit.evaluate`: then they stand in the report.

    Better by at least `by_at_least` in `metric`, one of `COMPARED`: an accuracy, a recall ("recall:2") or an
    area ("auc") that is larger, a mean loss that is smaller. Nothing else about either model is told. With
    `by`, columns whose values make groups, it is shown in every group. Both models need the columns, scales and
    labels of the data; the proof opens rows of both models and of the data.

    The report is verified with the run of `first` as `run` and that of `second` as `other`. Raises
    `ReportRefused` naming what is wrong (`NotBetter`, `SmallGroup`, `OtherSchema`, `NotProven`, ...) and
    `BudgetError` if a commitment has no rows left.
    """
    committed = None if is_public(data, labels) else data
    check_arguments(first, committed, min_group, {})
    check_arguments(second, committed, min_group, {})
    record = first.record()
    on, chosen = read_rows(first, committed, data, labels, rows)
    if isinstance(on, PublicRows):
        require_features(second, on.quantised)
    else:
        require_schema(second, on)
    name, _, which = metric.partition(":")
    if name not in COMPARED:
        raise UsageError(f"{given('metric', metric)}: models are compared by {', '.join(COMPARED)}")
    compared: list[Any]
    if name in _LOSSES:
        compared = [{"Loss": {"loss": _LOSSES[name]}}]
    elif name == "auc":
        compared = ["Auc"]
    else:
        rates = named_rates(metric, _classes(record))
        if len(rates) > 1:
            raise UsageError(f"{given('metric', metric)}: say of which class, as {metric}:0")
        compared = [{"Rate": {"rate": rate}} for rate in rates]
    if which and name != "recall":
        raise UsageError(f"{given('metric', metric)}: {name} is not of a class")
    groups = None
    names: tuple[str, ...] = ()
    if by is not None:
        groups, names = _groups(on, [by] if isinstance(by, str) else list(by), chosen)
    bound = fraction(by_at_least, most=1 << 20 if name == "log_loss" else 1)
    each: Sequence[int | None] = range(len(names)) if names else [None]
    asked = [
        {"BetterBy": {"metric": what, "group": group, "bound": bound}} for what in compared for group in each
    ]
    if first.final(record).made.digest == second.final(second.record()).made.digest:
        raise ReportRefused("the two models are one commitment", reason="SameModel")
    request = {"rows": chosen, "groups": groups, "asked": asked}
    return prove_rows(first, record, on, request, names, min_group, quiet, other=second)
