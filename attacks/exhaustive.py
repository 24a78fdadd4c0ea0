"""Recovers a small table of few values by training on every table that there could be.

Full-batch training does not depend on the order of the rows: a table is how many rows of each kind it has.
"""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np

from attacks.victims import Integers, Public
from tacit.arithmetic.steps import rescale
from tacit.arithmetic.tables import HALF_WINDOW, sigmoid_table

__all__ = ["kinds", "matching_tables"]

MOST = 5_000_000
PART = 100_000


def kinds(public: Public) -> tuple[Integers, Integers]:
    """Every row of 0/1 columns and a 0/1 label: inputs with the bias [2^K, K], labels [2^K]."""
    one = 1 << public.config.scales.fa
    rows = np.array(list(product((0, 1), repeat=public.start[0].shape[0])), dtype=np.int64)
    inputs = np.concatenate([rows[:, :-1], np.ones((len(rows), 1), dtype=np.int64)], axis=1) * one
    return inputs, rows[:, -1]


def _counts(rows: int, cells: int) -> Integers:
    """All ways to write `rows` as an ordered sum of `cells` numbers, [ways, cells]."""
    table = np.arange(rows + 1, dtype=np.int64)[:, None]
    for _ in range(cells - 2):
        left = rows - table.sum(axis=1)
        repeated = np.repeat(table, left + 1, axis=0)
        ends = np.cumsum(left + 1)
        column = np.arange(ends[-1]) - np.repeat(ends - (left + 1), left + 1)
        table = np.concatenate([repeated, column[:, None]], axis=1)
    return np.concatenate([table, rows - table.sum(axis=1, keepdims=True)], axis=1)


def matching_tables(public: Public) -> Integers | None:
    """Counts [tables, kinds] of every table whose training gives the released weights bit for bit.

    None if there are too many tables to try.
    """
    inputs, labels = kinds(public)
    rows = public.config.schedule.rows
    if comb(rows + len(inputs) - 1, rows) > MOST:
        return None
    tables = _counts(rows, len(inputs))
    parts = [tables[i : i + PART] for i in range(0, len(tables), PART)]
    return np.concatenate([part[_matches(public, inputs, labels, part)] for part in parts])


def _matches(
    public: Public, inputs: Integers, labels: Integers, counts: Integers
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    scales = public.config.scales
    table = sigmoid_table(scales.fa, scales.fg)
    w = np.repeat(public.start[0].T, len(counts), axis=0)
    for rate in public.config.schedule.rates:
        z = rescale(w @ inputs.T, scales.fw)
        d = table[np.clip(z, -HALF_WINDOW, HALF_WINDOW - 1) + HALF_WINDOW] - (labels << scales.fg)
        w = w - rate * ((counts * d) @ inputs)
    shift = public.unit.bit_length() - 1
    out: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
        rescale(w, shift) << shift == public.weights[0][:, 0]
    ).all(axis=1)
    return out
