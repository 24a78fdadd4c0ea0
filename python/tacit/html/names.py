"""What features, classes and groups are called, from the verified record and the schema document that it binds.

Names are the owner's words: the page says so. A document may hold anything, so that every entry is looked at
before it is used, and what does not fit is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

__all__ = ["Names", "labels_of"]

MAX_LISTED = 8
"""Most columns of a group that are written out."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names and scales of one data set, as far as they are public."""

    fa: int
    features: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    scales: tuple[tuple[float, float], ...] | None = None
    """(offset, divisor) of every feature."""
    target: tuple[float, float] | None = None
    """(offset, divisor) of real targets."""
    target_name: str | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any], schema: Mapping[str, Any] | None) -> Names:
        """The names in a verified record, and in the schema document of its commitment file, if given."""
        width, document = int(record["features"]), schema if isinstance(schema, Mapping) else {}
        names = document.get("names")
        names = names if isinstance(names, Mapping) else {}
        scales: list[tuple[float, float]] | None = []
        for run in _list(document.get("features")) or [None]:
            times = run.get("count") if isinstance(run, Mapping) else None
            scale = _scale(run)
            if scale is None or not isinstance(times, int) or not 0 < times <= width or scales is None:
                scales = None
            else:
                scales += [scale] * times
        target_name = names.get("target")
        return cls(
            int(record["fa"]),
            _texts(record["names"], width),
            _texts(names.get("classes"), None),
            tuple(scales) if scales is not None and len(scales) == width else None,
            _scale(document.get("target")),
            target_name if isinstance(target_name, str) else None,
        )

    @property
    def published(self) -> bool:
        """Whether any name is the owner's own."""
        return self.features is not None or self.classes is not None

    def feature(self, index: int) -> str:
        """`income`, or `feature 3`: features count from 0."""
        if self.features is not None and index < len(self.features):
            return self.features[index]
        return f"feature {index}"

    def of_class(self, index: int) -> str:
        """`1: good`, or `class 1`."""
        if self.classes is not None and index < len(self.classes):
            return f"{index}: {self.classes[index]}"
        return f"class {index}"

    def value(self, feature: int, integer: int) -> str:
        """A value in the units of the table, or as it was scaled where the scales are not known."""
        scaled = integer / 2.0**self.fa
        if self.scales is None or feature >= len(self.scales):
            return f"{scaled:.4g} (scaled)"
        offset, divisor = self.scales[feature]
        return f"{scaled * divisor + offset:.4g}"

    def group(self, columns: Sequence[int], values: Sequence[int]) -> str:
        """What the rows of a group have in common: `sex = f`, or the values of the columns."""
        found = self.row(columns, values)
        told = [f"{name} = {value}" for name, value in found[:MAX_LISTED]]
        return ", ".join(told) + (f" and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else "")

    def row(self, columns: Sequence[int], values: Sequence[int]) -> list[tuple[str, str]]:
        """(name, value) of some columns of a row; the indicators of one category are told as that category."""
        one = 1 << self.fa
        base = [self.feature(c).split("=", 1)[0] if "=" in self.feature(c) else None for c in columns]
        hot: dict[str, list[int]] = {}
        for place, name in enumerate(base):
            if name is not None and values[place]:
                hot.setdefault(name, []).append(place)
        plain = {
            name
            for name in base
            if name is not None and len(hot.get(name, [])) == 1 and values[hot[name][0]] == one
        }
        out = []
        for place, column in enumerate(columns):
            name = base[place]
            if name not in plain:
                out.append((self.feature(column), self.value(column, values[place])))
            elif name is not None and hot[name] == [place]:
                out.append((name, self.feature(column).split("=", 1)[1]))
        return out

    def output(self, integer: int) -> str:
        """A real output in the units of the targets, as far as these are known."""
        scaled = Fraction(integer, 1 << self.fa)
        if self.target is None:
            return f"{float(scaled):.5g}"
        offset, divisor = self.target
        return f"{float(scaled) * divisor + offset:.5g}"


def labels_of(record: Mapping[str, Any]) -> str:
    """The kind of labels of a data record, in words."""
    ((kind, about),) = record["labels"].items()
    words = {
        "Class": "one of {classes} classes",
        "Binary": "{outputs} yes-or-no label(s)",
        "Real": "{outputs} number(s) of {bits} bits",
    }
    return words[kind].format(**about) if kind in words else str(kind)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any, length: int | None) -> tuple[str, ...] | None:
    texts = _list(value)
    if not texts or not all(isinstance(t, str) for t in texts) or (length is not None and len(texts) != length):
        return None
    return tuple(texts)


def _scale(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, Mapping):
        return None
    pair = (value.get("offset"), value.get("divisor"))
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in pair):
        return None
    try:
        return float(pair[0]), float(pair[1])  # type: ignore[arg-type]
    except OverflowError:
        return None
