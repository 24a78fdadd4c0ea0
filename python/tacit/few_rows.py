"""Among how many rows of a class a bound counts: no report shows that, and one of few rows tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit.rates import rate_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.commitment import CommittedData

__all__ = ["bounded_rows", "places"]

_BOTH = {"Auc": "auc", "AucAtLeast": "auc", "BalancedAtLeast": "balanced_accuracy"}
"""What counts among the rows of each of two classes."""


def bounded_rows(
    on: CommittedData, request: Mapping[str, Any], names: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """What every bound and comparison of a request counts among, as far as labels settle it, with its name."""
    chosen, groups = places(request["rows"], on.n), request["groups"]
    labels = on.labels.reshape(on.n, -1)[chosen, 0]
    features = on.features[chosen]
    for item in request["asked"]:
        (kind, told), *_ = item.items() if isinstance(item, dict) else (("", {}),)
        if kind not in ("AtLeast", "BetterBy", "Scores"):
            continue
        group = told["group"]
        rows = labels
        if group is not None:
            inside = (features[:, groups["columns"]] == groups["values"][group]).all(axis=1)
            rows = labels[inside]
        of = "" if group is None else f" [{names[group]}]"
        for name, size in _classes(kind, told, rows):
            yield name + of, size


def _classes(kind: str, told: Mapping[str, Any], labels: NDArray[np.int64]) -> Iterator[tuple[str, int]]:
    """The classes that one bound counts among."""
    metric = told["metric"] if kind == "BetterBy" else told
    rate = metric["Rate"]["rate"] if kind == "BetterBy" and "Rate" in metric else told.get("rate")
    if kind == "Scores" and isinstance(told["figure"], dict):
        ((metric, figure),) = told["figure"].items()
        rate = figure.get("rate")
    if isinstance(metric, str) and metric in _BOTH:
        for c in (0, 1):
            yield f"{_BOTH[metric]}: class {c}", int((labels == c).sum())
    elif isinstance(rate, dict):
        (name, of), *_ = rate.items()
        if name in ("Recall", "FalsePositives"):
            counted = labels == of["class"] if name == "Recall" else labels != of["class"]
            yield rate_name(rate), int(counted.sum())


def places(rows: Any, n: int) -> NDArray[np.int64]:
    """The rows that are read, as indices."""
    if rows == "All":
        return np.arange(n)
    if "Range" in rows:
        first = rows["Range"]["first"]
        # The core names a range beyond the last row.
        return np.arange(n)[first : first + rows["Range"]["count"]]
    return np.array(rows["Listed"], dtype=np.int64)
