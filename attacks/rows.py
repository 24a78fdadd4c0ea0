"""Recovers training rows from the first layer of any linear optimiser, by lattice reduction.

W_0 - W_T = sum of A^T D over the steps: every column is an integer combination of the n training rows. Short
vectors that are (nearly) orthogonal to all columns are orthogonal to the rows; what is orthogonal to them is
the lattice of the rows; its points in the box of possible rows are the rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attacks.lattices import EXACT, close_points, orthogonal
from attacks.victims import Integers, Public

__all__ = ["recover_rows"]

BIAS = 64
"""How much the constant column counts in the search, so that only rows with the right constant are close."""


def _row_lattice(public: Public) -> tuple[Integers, NDArray[np.object_]] | None:
    """The columns that are not constant 0, and a basis [n, live] of the lattice of the rows in them.

    Whatever units the rows are integers in, they are in it. None if there are as many rows as columns: then
    every vector is a combination of rows.
    """
    difference, n = public.difference(), public.config.schedule.rows
    live = np.flatnonzero(np.abs(difference).max(axis=1) > public.unit)
    if len(live) <= n:
        return None
    columns = difference[live]
    if public.bits is None:
        short = orthogonal(columns // np.gcd.reduce(np.abs(columns).reshape(-1)), len(live) - n, EXACT)
    else:
        # Divided by the rounding's standard deviation, so that a product counts as much as a length.
        short = orthogonal(columns / (0.29 * public.unit), len(live) - n, 1.0)
    basis = orthogonal(np.array(short, dtype=object).T, n, EXACT)
    return live, np.array(basis, dtype=object)


def recover_rows(public: Public, high: int, step: int) -> Integers:
    """Rows [found, columns], integers with fa bits: the lattice's points with features in {0, step, ..., high}.

    What the features are multiples of, and how large they can be, is in the public schema.
    """
    difference = public.difference()
    found = _row_lattice(public)
    if found is None or found[0][-1] != len(difference) - 1:
        return np.zeros((0, len(difference) - 1), dtype=np.int64)
    live, basis = found
    one, top = (1 << public.config.scales.fa) // step, high // step
    basis[:, -1] *= BIAS
    middle = 0.4 * top
    target = [middle] * (len(live) - 1) + [float(one * BIAS)]
    # A row of digits or other images is about 0.4 of the range away from the middle, per column.
    points = close_points(basis.tolist(), target, radius=(len(live) - 1) * (0.43 * top) ** 2)
    rows = [p for p in points if p[-1] == one * BIAS and min(p) >= 0 and max(p[:-1]) <= top]
    out = np.zeros((len(rows), len(difference) - 1), dtype=np.int64)
    if rows:
        out[:, live[:-1]] = np.array(rows, dtype=np.int64)[:, :-1] * step
    return out
