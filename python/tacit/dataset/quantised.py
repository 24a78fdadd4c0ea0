"""The data as integers, and the function that makes it so."""

from __future__ import annotations

import logging
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit._wording import named
from tacit.dataset.encode import ScaleRule, category_indices, complete_columns, numeric_values
from tacit.dataset.fixed_point import Scale, quantise_values
from tacit.dataset.labels import Labels, encode_labels
from tacit.dataset.load import is_torch_dataset, load, load_array, split_torch_dataset
from tacit.dataset.report import ColumnReport, QuantisationReport
from tacit.dataset.schema import Column, LabelKind, Schema
from tacit.dataset.table import RawColumn, Table, show
from tacit.errors import DataError

__all__ = ["QuantisedData", "quantise"]

log = logging.getLogger("tacit.dataset")


@dataclass(frozen=True, slots=True)
class QuantisedData:
    """Features and labels as the integers that are committed. Arrays are read-only.

    `schema` is complete: `quantise(other, schema=data.schema)` treats other rows exactly as these were.
    """

    features: NDArray[np.int32] = field(repr=False)
    """[n, d], `fa` fractional bits."""
    labels: NDArray[np.int64] | None = field(repr=False)
    """[n] class indices, [n, N] 0/1, or [n, N] with `fa` fractional bits; None without a target."""
    fa: int
    data_bits: int
    label_kind: LabelKind | None
    classes: int
    """Number of classes; 0 for other kinds of labels."""
    schema: Schema = field(repr=False)
    scales: tuple[Scale, ...] = field(repr=False)
    """One per feature; a category's indicator has the scale 1."""
    target_scale: Scale | None = field(repr=False)
    feature_names: tuple[str, ...] = field(repr=False)
    released: tuple[str, ...]
    """What the commitment shows that was derived from the data."""
    report: QuantisationReport = field(repr=False)

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.features.shape[0])

    @property
    def width(self) -> int:
        """Features per row, after one-hot encoding."""
        return int(self.features.shape[1])

    def values(self) -> NDArray[np.float32]:
        """The features as numbers, exactly: float32 holds every value of a 16-bit window."""
        return (self.features * np.float32(2.0**-self.fa)).astype(np.float32)


def quantise(
    x: Any,
    y: Any = None,
    *,
    schema: Schema | None = None,
    scale: ScaleRule = "auto",
    label_kind: LabelKind | None = None,
    classes: int | Collection[Hashable] | None = None,
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    fa: int | None = None,
    data_bits: int | None = None,
    max_clipped: float = 0.01,
    delimiter: str | None = None,
    labelled: bool = False,
) -> QuantisedData:
    """Type, scale and round `x` and its target `y` (an array, or the name of a column of `x`).

    `scale` says what happens to numeric columns without a scale: "standardise" derives mean and deviation
    (and lists them as released), "none" keeps the values, "auto" divides an array of bytes by 255, keeps an
    array that fits the window, and standardises anything else. Raises `DataError`, naming column and row, for
    NaN, infinity, ragged or empty data, text without an encoding, wrong labels, and columns that lose more
    than `max_clipped` of their values. `labelled` refuses data without a target.
    """
    plan = _merge(schema or Schema(), label_kind, classes, fa, data_bits)
    if scale not in ("auto", "standardise", "none"):
        raise DataError(f"scale is {scale!r}; it must be 'auto', 'standardise' or 'none'")
    if is_torch_dataset(x):
        if y is not None:
            raise DataError("a torch Dataset brings its own labels; do not pass y")
        x, y = split_torch_dataset(x)
    table = load(x, delimiter=delimiter)
    if labelled and y is None and plan.target.name is None:
        raise DataError(_no_target(table))
    inputs, target = _split(table, y, plan, drop)
    if plan.columns is not None:
        inputs = inputs.select(tuple(plan.columns))
    columns, released = complete_columns(inputs, plan, scale, categorical)
    features, scales, names, reports = _features(inputs, columns, plan, max_clipped)
    labels: Labels | None = None
    if target is not None:
        labels = encode_labels(target, plan, scale)
        for column_report in labels.reports:
            _refuse_clipped(target, column_report, max_clipped, labels.target.clip is not None)
        released += labels.released
        labels.values.flags.writeable = False
    report = QuantisationReport((*reports, *(labels.reports if labels else ())))
    worst = report.worst()
    if worst is not None:
        log.warning("%d values were clipped, most of them in column %r", report.clipped, worst.name)
    complete = replace(plan, columns=columns, target=labels.target if labels else plan.target)
    if isinstance(y, str):
        complete = replace(complete, target=replace(complete.target, name=y))
    return QuantisedData(
        features=features,
        labels=labels.values if labels else None,
        fa=plan.fa,
        data_bits=plan.data_bits,
        label_kind=labels.kind if labels else None,
        classes=labels.classes if labels else 0,
        schema=complete,
        scales=scales,
        target_scale=labels.scale if labels else None,
        feature_names=names,
        released=tuple(released),
        report=report,
    )


def _no_target(table: Table) -> str:
    names = table.names()
    known = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    target = named("y", option="--target COLUMN")
    return f"nothing says what is to be predicted: give {target}; the columns are {known}"


def _merge(
    schema: Schema,
    label_kind: LabelKind | None,
    classes: int | Collection[Hashable] | None,
    fa: int | None,
    data_bits: int | None,
) -> Schema:
    """The schema with the options of the call, which win over it."""
    target = schema.target
    if label_kind is not None:
        target = replace(target, kind=label_kind)
    if isinstance(classes, int):
        target = replace(target, classes=tuple(range(classes)))
    elif classes is not None:
        target = replace(target, classes=tuple(classes))
    return Schema(
        schema.columns,
        target.checked(),
        schema.fa if fa is None else fa,
        schema.data_bits if data_bits is None else data_bits,
    )


def _split(table: Table, y: Any, schema: Schema, drop: Collection[str]) -> tuple[Table, Table | None]:
    """Inputs and target; `drop` leaves columns out."""
    name = y if isinstance(y, str) else (schema.target.name if y is None else None)
    for dropped in drop:
        table.get(dropped)
    removed = {*drop, *([name] if name is not None else [])}
    inputs = tuple(c for c in table.columns if c.name not in removed)
    target: Table | None = None
    if name is not None:
        target = table.select((name,))
    elif y is not None:
        loaded = load(y) if not isinstance(y, np.ndarray) else load_array(y, "y")
        if loaded.rows != table.rows:
            raise DataError(f"there are {loaded.rows:,} labels for {table.rows:,} rows")
        target = _named_target(loaded)
    return Table(inputs, table.rows, table.origin, table.unit, table.lines), target


def _named_target(loaded: Table) -> Table:
    single = len(loaded.columns) == 1
    columns = tuple(
        RawColumn("y" if single else f"y{j}", c.kind, c.values, c.categories, c.whole)
        for j, c in enumerate(loaded.columns)
    )
    return Table(columns, loaded.rows, "the labels", loaded.unit, loaded.lines)


def _features(
    table: Table, columns: dict[str, Column], schema: Schema, max_clipped: float
) -> tuple[NDArray[np.int32], tuple[Scale, ...], tuple[str, ...], list[ColumnReport]]:
    one = 1 << schema.fa
    width = sum(len(c.categories or ()) if c.kind == "categorical" else 1 for c in columns.values())
    # Column by column is how the sources are laid out; rows are how training reads them.
    out = np.zeros((width, table.rows), dtype=np.int32)
    scales: list[Scale] = []
    names: list[str] = []
    reports: list[ColumnReport] = []
    at = 0
    for name, column in columns.items():
        raw = table.get(name)
        if column.kind == "categorical":
            categories = column.categories or ()
            index = category_indices(table, raw, categories)
            out[at + index, np.arange(table.rows)] = one
            scales += [Scale()] * len(categories)
            names += [f"{name}={category}" for category in categories]
            at += len(categories)
            continue
        values = numeric_values(table, raw, column.fill)
        if column.kind == "boolean":
            wrong = (values != 0.0) & (values != 1.0)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise table.error(name, row, f"{show(float(values[row]))} is neither 0 nor 1")
            out[at] = values.astype(np.int32) * one
            scales.append(Scale())
        else:
            assert column.offset is not None and column.divisor is not None
            scale = Scale(column.offset, column.divisor, column.clip)
            out[at], report = quantise_values(name, values, scale, schema.fa, schema.data_bits)
            _refuse_clipped(table, report, max_clipped, column.clip is not None)
            scales.append(scale)
            reports.append(report)
        names.append(name)
        at += 1
    features = np.ascontiguousarray(out.T)
    features.flags.writeable = False
    return features, tuple(scales), tuple(names), reports


def _refuse_clipped(table: Table, report: ColumnReport, share: float, asked: bool) -> None:
    """Clipping a few outliers is a rule; clipping a column away is a mistake, unless it was asked for."""
    if asked or report.clipped <= share * report.rows or report.first_clipped_row is None:
        return
    raise table.error(
        report.name,
        report.first_clipped_row,
        f"{report.clipped:,} of {report.rows:,} values lie outside the window; "
        f"use {named('scale', repr('standardise'), option='--scale standardise')}, or a schema that gives it "
        "offset and divisor, or clip",
    )
