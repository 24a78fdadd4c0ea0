"""Finds the row that one of two data sets lacks: the rounded weights of both differ along that row."""

from __future__ import annotations

import numpy as np

from attacks.victims import Integers, Public

__all__ = ["removed_row"]


def removed_row(with_row: Public, without: Public | None, candidates: Integers) -> int:
    """Which of the candidates [m, d] was removed: the one that points most along the difference of the weights.

    Both runs started from the same weights, which may be hidden: they cancel. With one release alone (`without`
    is None) there is nothing to subtract.
    """
    weights = with_row.weights[0][:-1, 0].astype(np.float64)
    moved = weights if without is None else weights - without.weights[0][:-1, 0]
    rows = candidates.astype(np.float64)
    cosines = np.abs(rows @ moved) / np.maximum(np.linalg.norm(rows, axis=1), 1.0)
    return int(np.argmax(cosines))
