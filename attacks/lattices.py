"""Lattice reduction on integer matrices, by fplll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fpylll import BKZ, GSO, LLL, Enumeration, EnumerationError, EvaluatorStrategy, IntegerMatrix
from numpy.typing import NDArray

__all__ = ["EXACT", "close_points", "orthogonal", "reduced"]

Integers = NDArray[np.int64]


EXACT = float(1 << 40)
"""A weight with which products have to be 0."""


def _matrix(rows: Sequence[Sequence[int]] | Integers) -> Any:
    return IntegerMatrix.from_matrix([[int(v) for v in row] for row in rows])


def _rows(matrix: Any, columns: int | None = None) -> list[list[int]]:
    return [[matrix[i, j] for j in range(columns or matrix.ncols)] for i in range(matrix.nrows)]


def reduced(rows: Sequence[Sequence[int]] | Integers, block: int = 0) -> list[list[int]]:
    """A reduced basis of the lattice that the rows span, short vectors first: LLL, then BKZ with that block."""
    matrix = _matrix(rows)
    LLL.reduction(matrix)
    if block:
        BKZ.reduction(matrix, BKZ.Param(block, max_loops=4, flags=BKZ.MAX_LOOPS | BKZ.AUTO_ABORT))
    return [row for row in _rows(matrix) if any(row)]


def orthogonal(columns: NDArray[Any], count: int, weight: float) -> list[list[int]]:
    """`count` short integer vectors u with u columns close to 0; `columns` is [K, N].

    A vector costs its length and `weight` times its products. `EXACT` makes the products 0.
    """
    k = len(columns)
    scaled = [[int(v) << 40 if weight == EXACT else round(float(v) * weight) for v in row] for row in columns]
    matrix = _matrix([[int(i == j) for j in range(k)] + scaled[i] for i in range(k)])
    LLL.reduction(matrix)
    return _rows(matrix, k)[:count]


def close_points(
    basis: Sequence[Sequence[int]], target: Sequence[float], radius: float, most: int = 20_000
) -> list[list[int]]:
    """Lattice points within so large a squared distance of a point, at most `most` of the closest."""
    matrix = _matrix(basis)
    LLL.reduction(matrix)
    if matrix.nrows > 2:
        BKZ.reduction(matrix, BKZ.Param(min(20, matrix.nrows)))
    gso = GSO.Mat(matrix)
    gso.update_gso()
    search = Enumeration(gso, nr_solutions=most, strategy=EvaluatorStrategy.BEST_N_SOLUTIONS)
    try:
        found = search.enumerate(0, matrix.nrows, radius, 0, target=gso.from_canonical(tuple(target)))
    except EnumerationError:  # nothing is that close
        return []
    rows = np.array(_rows(matrix), dtype=np.int64)
    return [[int(v) for v in np.rint(np.array(c)).astype(np.int64) @ rows] for _, c in found]
