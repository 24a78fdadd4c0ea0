"""Recovers a row and its label from one step on one row: each weight moves by the gradient times a feature."""

from __future__ import annotations

import numpy as np

from attacks.victims import Integers, Public

__all__ = ["recover_row"]


def recover_row(public: Public) -> tuple[Integers, int] | None:
    """Features (integers with fa bits) and label of the row; None if the weights did not move.

    Of a logistic regression that read one row. The constant feature moves by the gradient alone, and the
    gradient p - y is below 0 exactly if the label is 1.
    """
    moved = public.difference()[:, 0].astype(np.float64)
    if moved[-1] == 0:
        return None
    row = np.rint(moved[:-1] / moved[-1] * (1 << public.config.scales.fa)).astype(np.int64)
    return row, int(moved[-1] < 0)
