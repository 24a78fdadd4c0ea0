"""Reads the label of everybody who alone has some value of a column, from the sign in which its weight moved.

The weight of an indicator follows the gradients of the rows that have the category, and of no others: the
gradient p - y of one row has the same sign in every step.
"""

from __future__ import annotations

import numpy as np

from attacks.victims import Integers, Public

__all__ = ["labels_of_indicators"]


def labels_of_indicators(public: Public, columns: Integers) -> Integers:
    """The label [columns] of the rows in which an indicator is 1; -1 where its weight did not move."""
    moved = public.difference()[columns, 0]
    return np.where(moved == 0, -1, moved < 0).astype(np.int64)
