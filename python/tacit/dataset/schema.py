"""What each column is and how it becomes fixed-point integers.

A value v of a numeric column becomes q = floor(2^fa (v - offset) / divisor + 1/2), computed in float64 and
clipped to the column's window: the `clip` interval if one is given (in the column's own units), and always
[-2^(data_bits-1), 2^(data_bits-1)). A boolean becomes 0 or 2^fa; a category becomes one column per
category, 2^fa where it applies and 0 elsewhere.

A schema may leave scales and categories open. Whatever is then derived from the data is listed in `released`
of the committed data, because it is visible to everybody who reads the commitment.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, cast

from tacit._files import read_limited, read_toml
from tacit.dataset.table import show
from tacit.errors import DataError, UnreadableFile

__all__ = [
    "Column",
    "ColumnKind",
    "LabelKind",
    "Schema",
    "Target",
]

ColumnKind: TypeAlias = Literal["numeric", "boolean", "categorical"]
LabelKind: TypeAlias = Literal["class", "binary", "real"]

DEFAULT_FA = 8
DEFAULT_DATA_BITS = 12
MAX_CLASSES = 64


def as_number(value: object) -> float | None:
    """A finite number as a float; None for anything else, integers that no float can hold among it."""
    if isinstance(value, bool | str):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def check_scale(name: str, offset: float | None, divisor: float | None) -> None:
    """Refuse constants that do not define a scale."""
    if (offset is None) != (divisor is None):
        raise DataError(f"column {name!r}: give offset and divisor together", column=name)
    if offset is not None and as_number(offset) is None:
        raise DataError(f"column {name!r}: the offset is {offset}", column=name)
    if divisor is not None and not (as_number(divisor) is not None and divisor > 0):
        raise DataError(f"column {name!r}: the divisor is {divisor}, not positive", column=name)


def check_clip(name: str, clip: tuple[float, float] | None) -> None:
    """Refuse an interval that is none."""
    if clip is not None and not (
        len(clip) == 2 and all(as_number(v) is not None for v in clip) and clip[0] < clip[1]
    ):
        raise DataError(f"column {name!r}: the clip interval is {clip}", column=name)


@dataclass(frozen=True, slots=True)
class Column:
    """One input column. `offset` and `divisor` left out mean: derive them, or keep the values as they are."""

    kind: ColumnKind = "numeric"
    offset: float | None = None
    divisor: float | None = None
    clip: tuple[float, float] | None = None
    fill: float | None = None
    """A public constant that takes the place of missing values; without it they are refused."""
    categories: tuple[Hashable, ...] | None = None

    def checked(self, name: str) -> Self:
        """Return the column, or raise `DataError` when its fields contradict each other."""
        if self.kind not in ("numeric", "boolean", "categorical"):
            raise DataError(f"column {name!r}: unknown kind {self.kind!r}", column=name)
        check_scale(name, self.offset, self.divisor)
        check_clip(name, self.clip)
        if self.kind != "numeric" and (self.offset is not None or self.clip is not None):
            raise DataError(f"column {name!r}: only numeric columns have a scale", column=name)
        if self.kind != "numeric" and self.fill is not None:
            raise DataError(f"column {name!r}: only numeric columns have a fill value", column=name)
        if self.fill is not None and as_number(self.fill) is None:
            raise DataError(f"column {name!r}: the fill value is {self.fill}", column=name)
        if self.kind != "categorical" and self.categories is not None:
            raise DataError(f"column {name!r}: only categorical columns have categories", column=name)
        if self.categories is not None:
            if not self.categories:
                raise DataError(f"column {name!r}: no categories are given", column=name)
            if len(set(self.categories)) != len(self.categories):
                raise DataError(f"column {name!r}: a category is given twice", column=name)
        return self


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be predicted: a class, 0/1 outputs, or real numbers."""

    name: str | None = None
    kind: LabelKind | None = None
    classes: tuple[Hashable, ...] | None = None
    offset: float | None = None
    divisor: float | None = None
    clip: tuple[float, float] | None = None

    def checked(self) -> Self:
        """Return the target, or raise `DataError` when its fields contradict each other."""
        name = self.name or "target"
        if self.kind not in (None, "class", "binary", "real"):
            raise DataError(f"target {name!r}: unknown kind {self.kind!r}", column=name)
        check_scale(name, self.offset, self.divisor)
        check_clip(name, self.clip)
        if self.classes is not None:
            if self.kind == "real":
                raise DataError(f"target {name!r}: a real target has no classes", column=name)
            if len(set(self.classes)) != len(self.classes):
                raise DataError(f"target {name!r}: a class is given twice", column=name)
        return self


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns in order, the target, and the fixed-point format.

    `columns=None` takes every column of the data that is not the target. `fa` is the number of fractional bits
    and `data_bits` the size of the window of every feature and real target.
    """

    columns: Mapping[str, Column] | None = None
    target: Target = field(default_factory=Target)
    fa: int = DEFAULT_FA
    data_bits: int = DEFAULT_DATA_BITS

    def __post_init__(self) -> None:
        """Refuse formats outside the protocol."""
        if not 0 <= self.fa <= 14:
            raise DataError(f"fa is {self.fa}; it must be between 0 and 14")
        if not 12 <= self.data_bits <= 16:
            raise DataError(f"data_bits is {self.data_bits}; it must be between 12 and 16")
        if self.fa > self.data_bits - 2:
            raise DataError(f"fa = {self.fa} does not leave room for 1.0 in {self.data_bits} bits")
        if self.columns is not None:
            if not self.columns:
                raise DataError("the schema has no columns")
            for name, column in self.columns.items():
                column.checked(name)
        self.target.checked()

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values; `from_dict` reads it back."""
        columns = {name: _strip(c) for name, c in self.columns.items()} if self.columns else None
        return {
            "fa": self.fa,
            "data_bits": self.data_bits,
            "target": _strip(self.target),
            "columns": columns,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Schema:
        """Read what `to_dict` wrote, or the same structure from TOML. Raises `DataError`."""
        _refuse_unknown(document, {"fa", "data_bits", "target", "columns"}, "the schema")
        raw = document.get("columns")
        if raw is not None and not isinstance(raw, Mapping):
            raise DataError("the schema's columns are not a table")
        columns = None
        if raw is not None:
            columns = {str(n): cast(Column, _build(Column, c, f"column {n!r}")) for n, c in raw.items()}
        target = cast(Target, _build(Target, document.get("target") or {}, "the target"))
        fa, bits = document.get("fa", DEFAULT_FA), document.get("data_bits", DEFAULT_DATA_BITS)
        if not isinstance(fa, int) or not isinstance(bits, int):
            raise DataError("fa and data_bits must be integers")
        return cls(columns=columns, target=target, fa=fa, data_bits=bits)

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Read a schema from a TOML file."""
        try:
            document = read_toml(read_limited(path, limit=1 << 26, what="schema"))
        except ValueError as error:
            raise UnreadableFile(f"the schema {path} is not TOML: {error}") from error
        return cls.from_dict(document)


def _plain(value: Any) -> Any:
    """A JSON value; categories and classes of other types keep only their text."""
    if type(value).__module__ == "numpy":
        value = value.item()
    return value if value is None or isinstance(value, str | int | float) else repr(value)


def _strip(value: Column | Target) -> dict[str, Any]:
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {
        name: [_plain(item) for item in v] if isinstance(v, tuple) else _plain(v)
        for name, v in fields.items()
        if v is not None
    }


def _refuse_unknown(document: Mapping[str, Any], known: set[str], what: str) -> None:
    for name in document:
        if name not in known:
            raise DataError(f"{what}: unknown entry {name!r}; known are {', '.join(sorted(known))}")


def _build(cls: type[Column | Target], document: Any, what: str) -> Column | Target:
    if not isinstance(document, Mapping):
        raise DataError(f"{what} is not a table")
    _refuse_unknown(document, set(cls.__dataclass_fields__), what)
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name in ("categories", "classes", "clip"):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise DataError(f"{what}: {name} is not a list")
            if not all(isinstance(v, str | int | float) for v in value):
                raise DataError(f"{what}: {name} holds something that is no text or number")
            values[name] = tuple(value)
        elif name in ("offset", "divisor", "fill"):
            number = as_number(value)
            if number is None:
                raise DataError(f"{what}: {name} is {show(value)}, not a number")
            values[name] = number
        elif not isinstance(value, str):
            raise DataError(f"{what}: {name} is {value!r}, not text")
        else:
            values[name] = value
    if isinstance(values.get("clip"), tuple) and len(values["clip"]) != 2:
        raise DataError(f"{what}: clip has {len(values['clip'])} entries, not 2")
    return cls(**values)
