"""Public rows with labels: they stand in a report in the clear, scaled as the model's training data was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit._wording import given, name_of, named
from tacit.dataset.labelled import LabelledRows
from tacit.dataset.quantised import QuantisedData, quantise
from tacit.errors import DataError, ReportRefused, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.runs import Run

__all__ = ["PublicRows", "calendar", "public_rows", "require_features"]

EPOCH = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True, slots=True)
class PublicRows(LabelledRows):
    """Rows and labels as the integers that a report shows."""

    quantised: QuantisedData
    earlier: tuple[int, ...] = ()
    """Targets of the rows before the first one, the last of them last: what a backtest's inputs repeat."""

    @property
    def table(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The integers as the core reads them, row after row."""
        return np.ascontiguousarray(self.features), np.ascontiguousarray(self.labels)

    @property
    def description(self) -> dict[str, Any]:
        """What the integers are, for the request of a report."""
        outputs = 1 if self.labels.ndim == 1 else int(self.labels.shape[1])
        labels: dict[str, Any] = {
            "class": {"Class": {"classes": self.quantised.classes}},
            "binary": {"Binary": {"outputs": outputs}},
            "real": {"Real": {"outputs": outputs, "bits": self.data_bits}},
        }[self.label_kind]
        return {
            "fa": self.fa,
            "data_bits": self.data_bits,
            "labels": labels,
            "earlier": list(self.earlier),
        }

    def take(self, rows: range | Sequence[int] | None) -> PublicRows:
        """Some of the rows, ascending; all of them without `rows`."""
        if rows is None:
            return self
        try:
            index = sorted({int(i) for i in rows})
        except (TypeError, ValueError):
            raise UsageError(f"{given('rows', rows)} is neither a range nor a list of row numbers") from None
        if len(index) != len(rows):
            raise UsageError("a row is listed twice")
        if not index or not 0 <= index[0] <= index[-1] < self.n:
            raise UsageError(f"at least one row has to be read; rows are numbered from 0 to {self.n - 1}")
        taken = replace(self.quantised, features=self.features[index], labels=self.labels[index])
        return replace(self, quantised=taken)


def public_rows(run: Run, x: Any, y: Any = None) -> PublicRows:
    """`x` and its labels `y` as integers with the scales of the training data of `run`.

    `x` is a table with the columns of the training data (an array, a frame, a file) or `QuantisedData`; `y` an
    array, or the name of a column of `x`, by default that of the training data's target. Raises `DataError`
    for rows that do not fit the schema, `ReportRefused` (`OtherSchema`) for other columns, scales or labels.
    """
    trained = run.data()
    told = x if isinstance(x, QuantisedData) else _quantised(x, y, trained.schema)
    if isinstance(x, QuantisedData) and y is not None:
        raise UsageError(f"the quantised rows bring their labels; do not give {name_of('y')}")
    require_features(run, told)
    if told.labels is None:
        raise DataError(f"the rows have no labels: give {named('y', option='--target COLUMN')}")
    for what, ours, theirs in (
        ("kind of labels", told.label_kind, trained.label_kind),
        ("classes", told.schema.target.classes, trained.schema.target.classes),
        ("scale of targets", told.target_scale, trained.quantised.target_scale),
    ):
        if ours != theirs:
            raise ReportRefused(
                f"the {what} of the rows differ from those of the training data", reason="OtherSchema"
            )
    return PublicRows(told)


def _quantised(x: Any, y: Any, schema: Any) -> QuantisedData:
    """By the training data's schema; labels that come apart have no column."""
    if y is not None and not isinstance(y, str):
        schema = replace(schema, target=replace(schema.target, name=None))
    return quantise(x, y, schema=schema, labelled=True)


def require_features(run: Run, told: QuantisedData) -> None:
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


def _numbered(names: Sequence[str]) -> bool:
    """Whether these are the names that columns of an array get: nobody's."""
    return all(name == f"x{position}" for position, name in enumerate(names))


def calendar(dates: Any, rows: int) -> dict[str, Any]:
    """One date a row as a report states them: days, or whole numbers, ascending.

    `dates` are whole numbers, ISO dates ("2010-01-04"), or what numpy takes for dates; points in time that are
    no days are stated as seconds since 1970. Raises `DataError` naming the row of a date that is wrong.
    """
    told = np.asarray(dates)
    if told.shape != (rows,):
        raise DataError(f"there are {told.size} dates for {rows} rows")
    if told.dtype.kind in "iu":
        numbers = told.astype(np.int64)
        _require_ascending(numbers, told)
        return {"Calendar": {"calendar": {"Numbers": {"numbers": numbers.tolist()}}}}
    try:
        times = told.astype("datetime64[ns]")
    except (TypeError, ValueError):
        raise DataError("the dates are neither dates nor whole numbers") from None
    if np.isnat(times).any():
        raise DataError(f"date {int(np.argmax(np.isnat(times)))} is missing")
    _require_ascending(times.astype(np.int64), told)
    days = times.astype("datetime64[D]")
    if (days.astype("datetime64[ns]") == times).all():
        return {"Calendar": {"calendar": {"Days": {"days": (days - EPOCH).astype(np.int64).tolist()}}}}
    seconds = times.astype("datetime64[s]").astype(np.int64)
    _require_ascending(seconds, told)
    return {"Calendar": {"calendar": {"Numbers": {"numbers": seconds.tolist()}}}}


def _require_ascending(numbers: NDArray[np.int64], told: Any) -> None:
    wrong = ~(numbers[1:] > numbers[:-1])
    if wrong.any():
        at = int(np.argmax(wrong)) + 1
        raise DataError(f"date {at} ({told[at]}) does not come after the one before it ({told[at - 1]})")
