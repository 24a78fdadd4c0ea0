"""Turns a target into class indices, 0/1 outputs or fixed-point numbers.

Without a declared kind the type of the target decides, as PyTorch's losses do: whole numbers, text and truth
values are classes (CrossEntropyLoss), floats that are all 0 or 1 are 0/1 outputs (BCEWithLogitsLoss), other
floats are real targets (MSELoss).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tacit.dataset.encode import ScaleRule, category_indices, numeric_values, rounded_scale
from tacit.dataset.fixed_point import Scale, quantise_values
from tacit.dataset.report import ColumnReport
from tacit.dataset.schema import MAX_CLASSES, LabelKind, Schema, Target
from tacit.dataset.table import RawColumn, Table, show
from tacit.errors import DataError

__all__ = ["Labels", "encode_labels"]


@dataclass(frozen=True, slots=True)
class Labels:
    """Encoded labels: [n] class indices, [n, N] 0/1, or [n, N] fixed point; `classes` is C, or 0."""

    kind: LabelKind
    values: NDArray[np.int64]
    classes: int
    target: Target
    released: tuple[str, ...]
    scale: Scale | None = None
    reports: tuple[ColumnReport, ...] = ()


def encode_labels(table: Table, schema: Schema, rule: ScaleRule) -> Labels:
    """Encode the columns of `table`, which are the target. Raises `DataError` with column and row."""
    target = schema.target
    kind = target.kind or _infer(table, target)
    target = replace(target, kind=kind)
    if kind == "class":
        return _classes(table, target)
    if kind == "binary":
        return _binary(table, target)
    return _real(table, target, schema, rule)


def _infer(table: Table, target: Target) -> LabelKind:
    if target.offset is not None or target.clip is not None:
        return "real"
    if target.classes is not None:
        return "class"
    raw = table.columns[0]
    zero_one = all(c.kind != "other" and np.isin(c.values, (0.0, 1.0)).all() for c in table.columns)
    if len(table.columns) > 1:
        return "binary" if zero_one else "real"
    if raw.kind in ("other", "boolean") or raw.whole or raw.categories is not None:
        return "class"
    return "binary" if zero_one else "real"


def _single(table: Table, kind: str) -> RawColumn:
    if len(table.columns) != 1:
        raise DataError(f"{kind} labels are one column, {table.origin} has {len(table.columns)}")
    return table.columns[0]


def _classes(table: Table, target: Target) -> Labels:
    raw = _single(table, "class")
    missing = raw.missing()
    if missing.any():
        raise table.error(raw.name, int(np.argmax(missing)), "the label is missing or NaN")
    if raw.kind != "other" and not raw.whole:
        fractional = raw.values != np.floor(raw.values)
        if fractional.any():
            row = int(np.argmax(fractional))
            raise table.error(raw.name, row, f"the label {show(float(raw.values[row]))} is not a class index")
    released: tuple[str, ...] = ()
    classes = target.classes or raw.categories
    if classes is None:
        classes = _distinct(table, raw)
        released = (f"number of classes: {len(classes)}",)
    if not 2 <= len(classes) <= MAX_CLASSES:
        hint = "; for numbers to be predicted say kind 'real'" if len(classes) > MAX_CLASSES else ""
        raise DataError(
            f"target {raw.name!r} has {len(classes):,} classes; between 2 and {MAX_CLASSES} are possible"
            + hint,
            column=raw.name,
        )
    values = category_indices(table, raw, classes, "classes")
    return Labels("class", values, len(classes), replace(target, classes=classes), released)


def _distinct(table: Table, raw: RawColumn) -> tuple[Hashable, ...]:
    if raw.kind == "boolean":
        return (False, True)
    if raw.kind == "numeric":
        return tuple(int(v) for v in np.unique(raw.values))
    for row, value in enumerate(raw.values):
        if not isinstance(value, Hashable):
            raise table.error(raw.name, row, f"a {type(value).__name__} cannot be a class")
    try:
        return tuple(sorted(set(raw.values.tolist())))
    except TypeError:
        raise DataError(
            f"target {raw.name!r}: its labels have no order; give the list of classes",
            column=raw.name,
        ) from None


def _binary(table: Table, target: Target) -> Labels:
    if target.classes is not None:
        raw = _single(table, "binary")
        if len(target.classes) != 2:
            raise DataError(f"a binary target has 2 classes, {len(target.classes)} are given")
        index = category_indices(table, raw, target.classes, "classes")
        return Labels("binary", index.reshape(-1, 1), 0, target, ())
    columns = []
    for raw in table.columns:
        values = numeric_values(table, raw, None)
        wrong = (values != 0.0) & (values != 1.0)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise table.error(raw.name, row, f"the label {show(float(values[row]))} is neither 0 nor 1")
        columns.append(values.astype(np.int64))
    return Labels("binary", np.column_stack(columns), 0, target, ())


def _real(table: Table, target: Target, schema: Schema, rule: ScaleRule) -> Labels:
    released: list[str] = []
    gathered = [numeric_values(table, raw, None) for raw in table.columns]
    if target.offset is None or target.divisor is None:
        everything = np.concatenate(gathered)
        limit = 2.0 ** (schema.data_bits - 1 - schema.fa)
        fits = 0.5 <= float(np.abs(everything).max()) <= limit
        if rule == "none" or (rule == "auto" and fits and table.unit == "shared"):
            offset, divisor = 0.0, 1.0
            if rule == "auto":
                released.append("that the targets are kept as they are was decided from their range")
        else:
            offset, divisor = rounded_scale(everything)
            released.append("mean and deviation of the targets (three digits)")
        target = replace(target, offset=offset, divisor=divisor)
    assert target.offset is not None and target.divisor is not None
    scale = Scale(target.offset, target.divisor, target.clip)
    columns, reports = [], []
    for raw, values in zip(table.columns, gathered, strict=True):
        integers, report = quantise_values(raw.name, values, scale, schema.fa, schema.data_bits)
        columns.append(integers.astype(np.int64))
        reports.append(report)
    stacked = np.column_stack(columns)
    return Labels("real", stacked, 0, target, tuple(released), scale, tuple(reports))
