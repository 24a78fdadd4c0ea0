"""The safety rules of a release that read the data: values of few rows, and the bits that a recipient lacks.

They stand beside the rules of the compiled module, which know the statement alone. `attacks/` shows what they
prevent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import lgamma, log, pi
from typing import TYPE_CHECKING

import numpy as np

from tacit.errors import ReleaseRefused, UsageError
from tacit.metrics import real_logits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.arithmetic.config import RunConfig
    from tacit.commitment import CommittedData

__all__ = ["check_room", "code_length", "unknown_bits", "unordered_bits"]

MIN_ROWS = 10
"""Rows that must share a value that is not its column's most common one; the smallest group of a report."""
ROWS_PER_OUTPUT = 4
"""As in the compiled module, here for rows that the recipient does not know."""


def check_room(
    config: RunConfig,
    data: CommittedData,
    weights: NDArray[np.int64],
    *,
    bits: int,
    known: Collection[int],
    known_rows: int,
) -> None:
    """Refuse the release of `weights` (flat, fw fractional bits) at `bits` fractional bits.

    `known` are positions of columns, labels behind the features; `known_rows` counts rows that a recipient may
    know in full. Raises `ReleaseRefused` naming the rule: `FewRows`, `DataBits` or `RareValues`.
    """
    if not 0 <= known_rows <= data.n:
        raise UsageError(f"{known_rows} known rows of a data set of {data.n}")
    rows, outputs = data.n - known_rows, config.architecture.layers[0].outputs
    if rows <= ROWS_PER_OUTPUT * outputs:
        raise ReleaseRefused(
            f"rule: {rows} rows that the recipient does not know are not more than {ROWS_PER_OUTPUT} times the "
            f"first layer's {outputs} outputs",
            rule="FewRows",
        )
    released = config.architecture.weight_count * (bits + 1)
    held = unknown_bits(config, data, weights, known=known) * rows / data.n
    if held < released:
        raise ReleaseRefused(
            f"rule: the release tells up to {released} bits, what the recipient does not know holds about "
            f"{int(held)} beyond what the model predicts",
            rule="DataBits",
        )
    for name, few in _rare(data):
        raise ReleaseRefused(
            f"rule: {few} of {data.n} rows differ from the most common value of {name}, fewer than {MIN_ROWS}; "
            "its weights tell about those rows",
            rule="RareValues",
        )


def _rare(data: CommittedData) -> Iterable[tuple[str, int]]:
    """Columns and classes that set few rows apart, with how many."""
    for column, name in enumerate(data.quantised.feature_names):
        few = data.n - int(np.unique(data.features[:, column], return_counts=True)[1].max())
        if 0 < few < MIN_ROWS:
            yield f"column {name!r}", few
    if data.label_kind == "real":
        return
    labels = data.labels.reshape(data.n, -1)
    for column in range(labels.shape[1]):
        few = int(np.unique(labels[:, column], return_counts=True)[1].min())
        if few < MIN_ROWS:
            yield "the labels' classes", few


def unknown_bits(
    config: RunConfig, data: CommittedData, weights: NDArray[np.int64], *, known: Collection[int]
) -> float:
    """Bits that the columns outside `known` hold, whatever the order of the rows.

    A column counts with its entropy, the indicators of a category as one column, labels with what the model
    does not predict of them. Relations between columns are not looked for: this is an upper bound.
    """
    width, names = data.quantised.width, data.quantised.feature_names
    groups: dict[str, list[int]] = {}
    for column in range(width):
        if column not in known:
            groups.setdefault(names[column].split("=", 1)[0], []).append(column)
    row_bits = sum(_entropy(data.features[:, columns]) for columns in groups.values())
    seen = [data.features[:, [k for k in range(width) if k in known]].astype(np.int64)]
    if any(k >= width for k in known):
        seen.append(data.labels.reshape(data.n, -1))
    else:
        row_bits += code_length(config, data, weights) / data.n
    # Rows that agree in all that is known are told apart by nothing.
    alike = np.unique(np.concatenate(seen, axis=1), axis=0, return_counts=True)[1]
    sizes, times = np.unique(alike, return_counts=True)
    return sum(int(t) * unordered_bits(int(size), row_bits) for size, t in zip(sizes, times, strict=True))


def _entropy(columns: NDArray[np.int32]) -> float:
    """Bits of a row of these columns, from how often each occurs."""
    counts = np.unique(columns, axis=0, return_counts=True)[1]
    shares = counts / counts.sum()
    return max(0.0, -float((shares * np.log2(shares)).sum()))


def unordered_bits(rows: int, row_bits: float) -> float:
    """log2 of the number of multisets of so many rows out of 2^row_bits."""
    if row_bits > 40:
        return max(0.0, rows * row_bits - lgamma(rows + 1) / log(2))
    kinds = 2.0**row_bits
    return max(0.0, (lgamma(rows + kinds) - lgamma(kinds) - lgamma(rows + 1)) / log(2))


def code_length(config: RunConfig, data: CommittedData, weights: NDArray[np.int64]) -> float:
    """Bits of all labels for somebody who has the features and the model: its log-likelihood.

    Targets count by the spread of what the model leaves, as if it were normal.
    """
    logits = real_logits(config, data, weights * 2.0**-config.scales.fw)
    if data.label_kind == "class":
        top = logits.max(axis=1)
        chosen = logits[np.arange(data.n), data.labels]
        return float((np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top - chosen).sum() / log(2))
    labels = data.labels.reshape(data.n, -1)
    if data.label_kind == "binary":
        return float(np.logaddexp(0.0, np.where(labels > 0, -logits, logits)).sum() / log(2))
    spread = (labels - logits * 2.0**data.fa).std(axis=0)
    return float(data.n * np.maximum(0.0, np.log2(np.maximum(spread, 1e-9) * (2 * pi * np.e) ** 0.5)).sum())
