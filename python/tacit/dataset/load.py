"""Brings numpy arrays, frames, tensors, data sets and files into a `Table`.

Nothing here imports pandas, polars, pyarrow or torch unless the data is theirs already or a Parquet file is
to be read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.dataset.csv_file import read_csv
from tacit.dataset.frames import from_pandas, from_polars, from_pyarrow, read_parquet
from tacit.dataset.table import RawColumn, Table, Unit, column_from_values
from tacit.errors import DataError, UsageError

__all__ = ["is_torch_dataset", "load", "load_array", "split_torch_dataset", "to_numpy"]


def _library(value: object) -> str:
    return type(value).__module__.partition(".")[0]


def load(source: Any, *, delimiter: str | None = None) -> Table:
    """A table from an array, a frame, a mapping of columns, or the path of a CSV or Parquet file."""
    if isinstance(source, str | Path):
        return load_file(Path(source), delimiter=delimiter)
    library, name = _library(source), type(source).__name__
    if library == "pandas" and name in ("DataFrame", "Series"):
        return from_pandas(source)
    if library == "polars" and name in ("DataFrame", "LazyFrame", "Series"):
        return from_polars(source)
    if library == "pyarrow" and name == "Table":
        return from_pyarrow(source, "the table")
    if isinstance(source, Mapping):
        columns = [(str(k), load_array(v, str(k)).columns) for k, v in source.items()]
        for key, parts in columns:
            if len(parts) != 1:
                raise DataError(f"column {key!r} has {len(parts)} dimensions", column=key)
        flat = tuple(_renamed(parts[0], key) for key, parts in columns)
        return Table(flat, len(flat[0].values) if flat else 0, "the data")
    return load_array(source, "the data")


def _renamed(column: RawColumn, name: str) -> RawColumn:
    return RawColumn(name, column.kind, column.values, column.categories, column.whole)


def load_file(path: Path, *, delimiter: str | None = None) -> Table:
    """A table from a CSV (.csv, .tsv, .txt) or Parquet (.parquet, .pq) file."""
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return read_parquet(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return read_csv(path, delimiter=delimiter or ("\t" if suffix == ".tsv" else ","))
    raise UsageError(f"{path}: the name ends neither in .csv, .tsv nor .parquet")


def to_numpy(value: Any, what: str) -> NDArray[Any]:
    """An array from whatever holds numbers: arrays, tensors, series, nested lists. Refuses ragged ones."""
    if _library(value) == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) in ("torch.bfloat16", "torch.float16"):
            value = value.float()
        return np.asarray(value.numpy())
    if _library(value) in ("pandas", "polars") and hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    if _library(value) == "scipy":
        raise DataError(f"{what} is a sparse matrix; pass {what}.toarray()")
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        _refuse_ragged(value, what)
        array = np.asarray(value)
        if array.dtype.kind in "US" and not all(isinstance(v, str) for v in _leaves(value)):
            array = np.array(value, dtype=object)
        return array
    raise DataError(f"{what} is a {type(value).__name__}; pass an array, a frame, a path or a Dataset")


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _refuse_ragged(value: Sequence[Any], what: str) -> None:
    first: int | None = None
    for row, item in enumerate(value):
        sized = isinstance(item, list | tuple | np.ndarray)
        length = len(item) if sized else -1
        first = length if first is None else first
        if length != first:
            has = f"{length} values" if length >= 0 else "a single value"
            raise DataError(f"{what} is ragged: row {row} has {has}, row 0 has {first}", row=row)


def load_array(value: Any, what: str) -> Table:
    """A table from one array, [n] or [n, ...]; more dimensions are flattened as `nn.Flatten` does."""
    array = to_numpy(value, what)
    if array.ndim == 0:
        raise DataError(f"{what} is a single value")
    if array.size == 0:
        raise DataError(f"{what} is empty: its shape is {array.shape}")
    flat = array.reshape(len(array), -1)
    unit: Unit = "mixed" if flat.dtype.kind == "O" else "bytes" if flat.dtype == np.uint8 else "shared"
    if flat.dtype.kind == "f":
        flat = flat.astype(np.float64)
    # One pass that gathers columns; every later step reads whole columns.
    flat = np.asfortranarray(flat)
    columns = tuple(column_from_values(f"x{j}", flat[:, j], what) for j in range(flat.shape[1]))
    return Table(columns, len(flat), what, unit=unit)


def is_torch_dataset(source: object) -> bool:
    """Whether this is a torch `Dataset`; does not import torch."""
    torch_data = sys.modules.get("torch.utils.data")
    return torch_data is not None and isinstance(source, torch_data.Dataset)


def split_torch_dataset(source: Any) -> tuple[Any, Any]:
    """Inputs and labels, as arrays, of a torch `Dataset` of (x, y) pairs."""
    tensors = getattr(source, "tensors", None)
    if isinstance(tensors, tuple):
        if len(tensors) != 2:
            raise DataError(f"the TensorDataset holds {len(tensors)} tensors, not inputs and labels")
        return tensors
    if not hasattr(source, "__len__") or not hasattr(source, "__getitem__"):
        raise DataError("an IterableDataset has no fixed rows to commit; collect it into tensors first")
    inputs: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    for row in range(len(source)):
        item = source[row]
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise DataError(f"the Dataset's row {row} is not an (input, label) pair", row=row)
        inputs.append(_item(item[0], row, "input"))
        labels.append(_item(item[1], row, "label"))
        for name, seen in (("input", inputs), ("label", labels)):
            if seen[-1].shape != seen[0].shape:
                raise DataError(
                    f"the Dataset is ragged: the {name} of row {row} has shape {seen[-1].shape}, "
                    f"row 0 has {seen[0].shape}",
                    row=row,
                )
    if not inputs:
        raise DataError("the Dataset is empty")
    return np.stack(inputs), np.stack(labels)


def _item(value: Any, row: int, name: str) -> NDArray[Any]:
    if isinstance(value, int | float | str | bool | np.generic):
        return np.asarray(value)
    if _library(value) in ("torch", "numpy") or isinstance(value, list | tuple):
        return to_numpy(value, f"the {name} of row {row}")
    raise DataError(
        f"the Dataset's row {row}: the {name} is a {type(value).__name__}; use a transform that gives a tensor",
        row=row,
    )
