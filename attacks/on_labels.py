"""Runs whose labels are attacked: refused by the rules, and allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from attacks.labels import predicted_labels, recover_labels
from attacks.rare import labels_of_indicators
from attacks.sources import cancer, census
from attacks.table import Line, Score, assault
from attacks.victims import Integers, Public, Victim, commit, train

__all__ = ["known_features", "rare_values"]


def known_features(folder: Path, full: bool) -> Iterator[Line]:
    """The features are known, the labels are not."""

    def scored(victim: Victim, sure: float) -> Callable[[Public], Score]:
        x, y = victim.data.features.astype(np.int64), victim.data.labels.reshape(-1)

        def score(public: Public) -> Score:
            got = recover_labels(public, x, sure=sure)
            right, alone = int((got.labels == y).sum()), int((predicted_labels(public, x) == y).sum())
            if got.repeats:
                return Score(right, len(y), "labels", f"the model alone {alone}")
            return Score(0, len(y), "labels", f"best guess {right}, the model alone {alone}")

        return score

    cases: list[tuple[int, int, int, int | None, float, tuple[int | None, ...]]] = [
        (60, 30, 10, None, 0.0, (None, 12)),
        (150, 10, 200, 50, 0.1, (12,)),
        (569, 2, 200, 64, 0.05, (12,)),
    ]
    if full:
        cases += [
            (60, 30, 1, None, 0.0, (None, 12)),
            (80, 30, 100, None, 0.0, (None, 12)),
            (569, 5, 200, 64, 0.1, (12,)),
        ]
    for n, columns, steps, batch, sure, bits in sorted(cases):
        data = commit(*cancer(n, columns), folder, f"{n}-{columns}-{steps}", label_kind="binary", scale="none")
        run = train(data, steps=steps, batch=batch, lr=0.25)
        name = (
            f"logistic {columns}-1, n = {n}, {'full batch' if batch is None else f'B = {batch}'}, {steps} steps"
        )
        known = data.quantised.feature_names
        yield from assault(
            "labels, features known", name, run, scored(run, sure), bits, prove=full, known_columns=known
        )


def rare_values(folder: Path, full: bool) -> Iterator[Line]:
    """Categories of one person, and after rare ones were merged."""
    for name, least in (("of one person", 1), ("of 10 or more", 10)):
        table, y = census(least)
        data = commit(
            table, y, folder, f"census-{least}", categorical=list(table.columns[1:]), label_kind="binary"
        )
        run = train(data, steps=120, batch=64)
        in_category = data.features != 0
        sizes = in_category.sum(axis=0)
        # The first column is the age.
        columns = 1 + np.flatnonzero(sizes[1:] == 1 if least == 1 else sizes[1:] >= least)
        yield from assault(
            "label of a category, by sign",
            f"logistic {data.quantised.width}-1, census, n = 392, categories {name}",
            run,
            partial(_category_score, columns, [y[in_category[:, k]] for k in columns]),
            prove=full,
        )


def _category_score(columns: Integers, labels: list[Integers], public: Public) -> Score:
    got = labels_of_indicators(public, columns)
    right = sum(bool((true == label).all()) for true, label in zip(labels, got, strict=True))
    return Score(right, len(columns), "categories with all their labels")
