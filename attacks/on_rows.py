"""Runs whose rows are attacked: refused by the rules, and allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from attacks import informed, rows
from attacks.differences import removed_row
from attacks.exhaustive import kinds, matching_tables
from attacks.single import recover_row
from attacks.sources import births, cancer, digits, varied
from attacks.table import Line, Score, assault
from attacks.victims import Integers, Public, Victim, commit, train

__all__ = ["counted_tables", "lattices", "neighbours", "single_rows", "unknown_rows"]

EVERY = (None, 20, 16, 12)
Scored = Callable[[Public], Score]


def _tuples(table: Integers) -> set[tuple[int, ...]]:
    return {tuple(int(v) for v in row) for row in table}


def single_rows(folder: Path, prove: bool) -> Iterator[Line]:
    """One step on one row, and an ordinary run."""
    data = commit(*cancer(64), folder, label_kind="binary", scale="none")
    true = _tuples(np.concatenate([data.features.astype(np.int64), data.labels.reshape(-1, 1)], axis=1))

    def score(public: Public) -> Score:
        got = recover_row(public)
        return Score(int(got is not None and (*map(int, got[0]), got[1]) in true), 1, "rows with labels")

    attack = "one row, by division"
    yield from assault(attack, "logistic 30-1, B = 1, 1 step", train(data, steps=1, batch=1), score, EVERY)
    run = train(data, steps=100, batch=16)
    yield from assault(attack, "logistic 30-1, n = 64, B = 16, 100 steps", run, score, prove=prove)


def _points(victim: Victim) -> Scored:
    true = _tuples(victim.data.features.astype(np.int64))

    def score(public: Public) -> Score:
        # Grey has 17 levels: multiples of 16 up to 256, as the public schema says.
        found = _tuples(rows.recover_rows(public, high=256, step=16))
        return Score(len(true & found), len(true), "rows", f"{len(found - true)} wrong" if found - true else "")

    return score


def lattices(folder: Path, prove: bool) -> Iterator[Line]:
    """Few rows, with a public and a hidden start; and as many as the rules want."""
    attack = "rows, by lattice"
    few = commit(*digits(16), folder, "few", classes=range(10), scale="none")
    for name, public_start, bits in (
        ("64-32-10, n = 16, 100 steps", True, EVERY),
        ("the same, hidden start", False, (None,)),
    ):
        run = train(few, hidden=[32], steps=100, batch=8, public_start=public_start)
        yield from assault(attack, name, run, _points(run), bits)
    more = commit(*digits(24), folder, "more", classes=range(10), scale="none")
    run = train(more, steps=100, batch=8)
    yield from assault(attack, "softmax 64-10, n = 24, 100 steps", run, _points(run), (None, 20, 12))
    x, y = digits(40, classes=3)
    x = varied(x)
    many = commit(x, y, folder, "many", classes=range(3), scale="none")
    run = train(many, steps=100, batch=8)
    name = f"softmax {x.shape[1]}-3, n = 40, 100 steps"
    yield from assault(attack, name, run, _points(run), (None, 20, 12), prove=prove)


def neighbours(folder: Path, prove: bool) -> Iterator[Line]:
    """Two releases from data sets that differ in one row, and one release alone."""
    x, y = cancer()
    removed = [5, 100, 200, 300]
    features = None
    runs: list[Victim] = []
    for place in [None, *removed]:
        kept = [i for i in range(len(x)) if i != place]
        data = commit(x[kept], y[kept], folder, f"without-{place}", label_kind="binary", scale="none")
        features = data.features.astype(np.int64) if features is None else features
        runs.append(train(data, steps=100, public_start=False))
    assert features is not None
    candidates = features

    def alone(public: Public) -> Score:
        return Score(int(removed_row(public, None, candidates) in removed), len(removed), "removed rows")

    attack, name = "removed row, of 569 candidates", "logistic 30-1, n = 569, full batch, 100 steps"
    yield from assault(attack, name + ", one release", runs[0], alone, prove=prove)
    if prove:
        found = [removed_row(runs[0].public(12), run.public(12), candidates) for run in runs[1:]]
        score = Score(sum(a == b for a, b in zip(found, removed, strict=True)), len(removed), "removed rows")
        # Every second release is refused in the same way; the score is of all four.
        yield from assault(attack, name + ", and one without the row", runs[1], lambda _: score)


def counted_tables(folder: Path, prove: bool) -> Iterator[Line]:
    """Tables of few values: all of them are tried."""

    def scored(victim: Victim) -> Scored:
        def score(public: Public) -> Score:
            tables, (inputs, labels) = matching_tables(public), kinds(public)
            true = np.concatenate([victim.data.features, victim.data.labels.reshape(-1, 1)], axis=1)
            cells = np.concatenate([inputs[:, :-1], labels[:, None]], axis=1)
            counts = (true[:, None] == cells).all(axis=2).sum(axis=0)
            if tables is None:
                return Score(0, len(true), "rows", "too many tables")
            right = len(tables) == 1 and bool((tables[0] == counts).all())
            return Score(len(true) * right, len(true), "rows", f"{len(tables)} tables fit")

        return score

    attack = "all rows, by trying every table"
    for columns, n, bits in ((["smoke", "ui"], 14, (12,)), (["smoke"], 40, (12, 4))):
        data = commit(*births(n, columns), folder, f"births-{n}", label_kind="binary", scale="none")
        run = train(data, steps=100)
        name = f"logistic {len(columns)}-1 on 0/1 columns, n = {n}, 100 steps"
        yield from assault(attack, name, run, scored(run), bits, prove=prove)


def unknown_rows(folder: Path, prove: bool) -> Iterator[Line]:
    """The recipient knows all rows but one, or all but five."""
    data = commit(*cancer(), folder, label_kind="binary", scale="none")
    run = train(data, steps=180, batch=64)
    x, y = data.features.astype(np.int64), data.labels.reshape(-1)
    spread = x.std(axis=0)

    def scored(unknown: Integers) -> Scored:
        def score(public: Public) -> Score:
            got = informed.recover_rows(public, x, y, unknown)
            off = (np.abs(got.features - x[unknown]) / spread).max(axis=1)
            right = int(((off < 0.25) & (got.labels == y[unknown])).sum())
            return Score(
                right, len(unknown), "rows with labels", f"worst feature off by {off.max():.2f} deviations"
            )

        return score

    attack = "rows, all others known"
    name = "logistic 30-1, n = 569, B = 64, 180 steps"
    yield from assault(attack, f"{name}, 568 known", run, scored(np.array([100])), known_rows=568)
    yield from assault(attack, f"{name}, 564 known", run, scored(np.arange(5)), prove=prove, known_rows=564)
