"""How good a model is on the rows it was trained on, before and after rounding. For the owner alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tacit.arithmetic.config import RunConfig
    from tacit.commitment import CommittedData

__all__ = ["METRICS", "real_logits", "training_metric"]

METRICS = {"class": "accuracy", "binary": "accuracy", "real": "R^2"}
"""What `training_metric` measures, by kind of labels."""
ROWS = 4096


def _logits(
    config: RunConfig, weights: NDArray[np.floating[Any]], rows: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    """The forward pass in float64; `weights` are flat, in the order of the commitment."""
    values, start = rows, 0
    for layer in config.architecture.layers:
        matrix = weights[start : start + layer.k * layer.outputs].reshape(layer.k, layer.outputs)
        start += matrix.size
        values = values @ matrix[: layer.inputs] + (matrix[layer.inputs] if layer.bias else 0.0)
        if layer.activation == "relu":
            values = np.maximum(values, 0.0)
        elif layer.activation == "sigmoid":
            values = 0.5 * (1.0 + np.tanh(0.5 * values))
        elif layer.activation == "tanh":
            values = np.tanh(values)
    return values


def real_logits(
    config: RunConfig, data: CommittedData, weights: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    """Outputs [n, N] of a model with these real weights on its training rows."""
    scale = 2.0**-data.fa
    parts = [_logits(config, weights, data.features[i : i + ROWS] * scale) for i in range(0, data.n, ROWS)]
    return np.concatenate(parts)


def training_metric(config: RunConfig, data: CommittedData, weights: NDArray[np.floating[Any]]) -> float:
    """Accuracy, or R^2 over all targets, of a model with these real weights on its training rows."""
    scale = 2.0**-data.fa
    logits = real_logits(config, data, weights)
    if data.label_kind == "class":
        return float((logits.argmax(axis=1) == data.labels).mean())
    labels = data.labels.reshape(data.n, -1)
    if data.label_kind == "binary":
        return float(((logits > 0) == (labels > 0)).mean())
    targets = labels * scale
    spread = float(((targets - targets.mean(axis=0)) ** 2).sum())
    return 1.0 - float(((logits - targets) ** 2).sum()) / max(spread, 1e-300)
