"""Columns of pandas, polars and pyarrow tables, typed from what the library knows of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tacit.dataset.table import RawColumn, RawKind, Table, column_from_values
from tacit.errors import DataError, UnreadableFile, UsageError

__all__ = ["from_pandas", "from_polars", "from_pyarrow", "read_parquet"]


def from_pandas(frame: Any) -> Table:
    """A pandas DataFrame or Series; a Categorical keeps its categories."""
    if type(frame).__name__ == "Series":
        frame = frame.to_frame(name=frame.name if frame.name is not None else "x0")
    columns: list[RawColumn] = []
    for position, label in enumerate(frame.columns):
        series, name = frame.iloc[:, position], str(label)
        dtype = series.dtype
        if type(dtype).__name__ == "CategoricalDtype":
            objects = np.array([None if c < 0 else dtype.categories[c] for c in series.cat.codes], object)
            columns.append(RawColumn(name, "other", objects, tuple(dtype.categories.tolist())))
            continue
        if getattr(dtype, "kind", "O") in "biuf" and series.isna().any():
            # Nullable extension types become float64 with NaN, not objects.
            values = series.to_numpy(dtype=np.float64, na_value=np.nan)
            kind: RawKind = "boolean" if dtype.kind == "b" else "numeric"
            columns.append(RawColumn(name, kind, values, whole=dtype.kind in "iu"))
            continue
        columns.append(column_from_values(name, series.to_numpy(), "the frame"))
    return Table(tuple(columns), len(frame), "the frame")


def from_polars(frame: Any) -> Table:
    """A polars DataFrame, LazyFrame or Series; an Enum keeps its categories."""
    if type(frame).__name__ == "LazyFrame":
        frame = frame.collect()
    if type(frame).__name__ == "Series":
        frame = frame.to_frame()
    columns: list[RawColumn] = []
    for series in frame.iter_columns():
        dtype = series.dtype
        name = series.name or "x0"
        if type(dtype).__name__ in ("Enum", "Categorical", "EnumMeta") or str(dtype) == "Categorical":
            given = getattr(dtype, "categories", None) if type(dtype).__name__ == "Enum" else None
            objects = np.array(series.to_list(), dtype=object)
            categories = None if given is None else tuple(given.to_list())
            columns.append(RawColumn(name, "other", objects, categories))
        elif dtype.is_nested():
            raise DataError(f"column {name!r} of the frame is nested: {dtype}", column=name)
        elif dtype.is_temporal():
            raise DataError(
                f"column {name!r} of the frame is {dtype}; turn it into a number or drop it",
                column=name,
            )
        elif dtype.is_numeric() and not dtype.is_decimal():
            values = np.array(series.cast(_polars_float(series)).to_list(), dtype=np.float64)
            columns.append(RawColumn(name, "numeric", values, whole=dtype.is_integer()))
        else:
            objects = np.empty(len(series), dtype=object)
            objects[:] = series.to_list()
            columns.append(column_from_values(name, objects, "the frame"))
    return Table(tuple(columns), frame.height, "the frame")


def _polars_float(series: Any) -> Any:
    import polars

    return polars.Float64


def from_pyarrow(table: Any, origin: str) -> Table:
    """A pyarrow Table. A dictionary column is categorical, in the dictionary's order only if it says so."""
    import pyarrow

    columns: list[RawColumn] = []
    for field, chunked in zip(table.schema, table.columns, strict=True):
        name, kind = field.name, field.type
        types = pyarrow.types
        if types.is_dictionary(kind):
            values = np.array(chunked.cast(kind.value_type).to_pylist(), dtype=object)
            known = chunked.combine_chunks().dictionary.to_pylist() if kind.ordered else None
            columns.append(RawColumn(name, "other", values, tuple(known) if known else None))
        elif types.is_nested(kind):
            raise DataError(f"column {name!r} of {origin} is nested: {kind}", column=name)
        elif types.is_temporal(kind):
            raise DataError(
                f"column {name!r} of {origin} is {kind}; turn it into a number or drop it",
                column=name,
            )
        elif types.is_integer(kind) or types.is_floating(kind):
            values = chunked.cast(pyarrow.float64(), safe=False).to_numpy()
            missing = chunked.is_null().to_numpy()
            values = np.where(missing, np.nan, values)
            columns.append(RawColumn(name, "numeric", values, whole=types.is_integer(kind)))
        else:
            objects = np.empty(len(chunked), dtype=object)
            objects[:] = chunked.to_pylist()
            columns.append(column_from_values(name, objects, origin))
    return Table(tuple(columns), table.num_rows, origin)


def read_parquet(path: Path) -> Table:
    """A Parquet file, through pyarrow (the `data` extra)."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise UsageError("reading Parquet needs pyarrow: pip install 'tacit[data]'") from error
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise UnreadableFile(f"cannot read {path} as Parquet: {error}") from error
    try:
        return from_pyarrow(table, path.name)
    except (ValueError, OverflowError, pyarrow.ArrowException) as error:
        # Values are looked at only here: text that is not UTF-8, dates that Python does not have.
        raise UnreadableFile(f"{path} holds a value that cannot be read: {error}") from error
