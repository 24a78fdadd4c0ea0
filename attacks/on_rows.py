"""Runs whose rows are attacked: refused by the rules, and allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from attacks import informed, rows
from attacks.differences import removed_row
from attacks.exhaustive import kinds, matching_tables
from attacks.single import recover_row
from attacks.sources import births, cancer, digits, varied
from attacks.table import Line, Score, assault
from attacks.victims import Integers, Public, Victim, commit, train
from tacit.neighbours import remember_release

__all__ = ["counted_tables", "few_rows", "many_rows", "neighbours", "single_rows", "unknown_rows"]

EVERY = (None, 20, 16, 12)
CLOSE = 0.1
"""Mean error of a row's features that counts as recovered, in standard deviations of the features."""
Scored = Callable[[Public], Score]


def _tuples(table: Integers) -> set[tuple[int, ...]]:
    return {tuple(int(v) for v in row) for row in table}


def single_rows(folder: Path, full: bool) -> Iterator[Line]:
    """One step on one row, and an ordinary run."""
    data = commit(*cancer(64), folder, label_kind="binary", scale="none")
    true = _tuples(np.concatenate([data.features.astype(np.int64), data.labels.reshape(-1, 1)], axis=1))

    def score(public: Public) -> Score:
        got = recover_row(public)
        return Score(int(got is not None and (*map(int, got[0]), got[1]) in true), 1, "rows with labels")

    attack = "one row, by division"
    yield from assault(attack, "logistic 30-1, B = 1, 1 step", train(data, steps=1, batch=1), score, EVERY)
    run = train(data, steps=100, batch=16)
    yield from assault(attack, "logistic 30-1, n = 64, B = 16, 100 steps", run, score, prove=full)


def _points(victim: Victim) -> Scored:
    true = _tuples(victim.data.features.astype(np.int64))

    def score(public: Public) -> Score:
        # Grey has 17 levels: multiples of 16 up to 256, as the public schema says.
        found = _tuples(rows.recover_rows(public, high=256, step=16))
        return Score(len(true & found), len(true), "rows", f"{len(found - true)} wrong" if found - true else "")

    return score


def few_rows(folder: Path, full: bool) -> Iterator[Line]:
    """No more rows than units of the first layer, or not many more; with a public and a hidden start."""
    attack = "rows, by lattice"
    few = commit(*digits(16), folder, "few", classes=range(10), scale="none")
    run = train(few, hidden=[32], steps=100, batch=8)
    yield from assault(attack, "64-32-10, n = 16, 100 steps", run, _points(run), EVERY)
    if not full:
        return
    run = train(few, hidden=[32], steps=100, batch=8, public_start=False)
    yield from assault(attack, "the same, hidden start", run, _points(run), (None,))
    more = commit(*digits(24), folder, "more", classes=range(10), scale="none")
    run = train(more, steps=100, batch=8)
    yield from assault(attack, "softmax 64-10, n = 24, 100 steps", run, _points(run), (None, 20, 12))


def many_rows(folder: Path, full: bool) -> Iterator[Line]:
    """As few rows as the rules allow, still fewer than columns."""
    x, y = digits(40, classes=3)
    x = varied(x)
    data = commit(x, y, folder, classes=range(3), scale="none")
    run = train(data, steps=100, batch=8)
    name = f"softmax {x.shape[1]}-3, n = 40, 100 steps"
    bits = (None, 20, 12) if full else (12,)
    yield from assault("rows, by lattice", name, run, _points(run), bits, prove=full)


def neighbours(folder: Path, full: bool) -> Iterator[Line]:
    """Two releases from data sets that differ in one row, and one release alone."""
    x, y = cancer()
    removed = [5, 100, 200, 300] if full else [5, 100]
    runs: list[Victim] = []
    for place in [None, *removed]:
        kept = [i for i in range(len(x)) if i != place]
        name = f"without-{place}"
        data = commit(x[kept], y[kept], folder, name, vault="owner", label_kind="binary", scale="none")
        runs.append(train(data, steps=100, public_start=False))
    whole, others = runs[0], runs[1:]
    candidates = whole.data.features.astype(np.int64)

    def alone(public: Public) -> Score:
        return Score(int(removed_row(public, None, candidates) in removed), len(removed), "removed rows")

    def against(public: Public) -> Score:
        found = [removed_row(public, run.public(12), candidates) for run in others]
        return Score(sum(a == b for a, b in zip(found, removed, strict=True)), len(removed), "removed rows")

    attack, name = "removed row, of 569 candidates", "logistic 30-1, n = 569, full batch, 100 steps"
    yield from assault(attack, f"{name}, one release", whole, alone, prove=full)
    if not full:
        remember_release(whole.data, whole.run.name)
    # The second release is what is asked for; the attacker has both.
    rules = others[0].refusal(12)
    first = assault(attack, f"{name}, and one without the row", whole, against)[0]
    yield replace(first, rules=() if rules is None else (rules,))


def counted_tables(folder: Path, full: bool) -> Iterator[Line]:
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
    for columns, n, bits in ((["smoke"], 40, (12, 4)), *([(["smoke", "ui"], 14, (12,))] if full else [])):
        data = commit(*births(n, columns), folder, f"births-{n}", label_kind="binary", scale="none")
        run = train(data, steps=100)
        name = f"logistic {len(columns)}-1 on 0/1 columns, n = {n}, 100 steps"
        yield from assault(attack, name, run, scored(run), bits, prove=full)


def unknown_rows(folder: Path, full: bool) -> Iterator[Line]:
    """The recipient knows all rows but one, or all but five."""
    data = commit(*cancer(), folder, label_kind="binary", scale="none")
    run = train(data, steps=180, batch=64)
    x, y = data.features.astype(np.int64), data.labels.reshape(-1)
    spread = x.std(axis=0)

    def scored(guesses: list[Integers]) -> Scored:
        def score(public: Public) -> Score:
            right, errors, alone = 0, [], []
            for unknown in guesses:
                got = informed.recover_rows(public, x, y, unknown)
                off = (np.abs(got.features - x[unknown]) / spread).mean(axis=1)
                right += int(((off < CLOSE) & (got.labels == y[unknown])).sum())
                errors += list(off)
                mean = np.delete(x, unknown, axis=0).mean(axis=0)
                alone += list((np.abs(mean - x[unknown]) / spread).mean(axis=1))
            note = f"median error {np.median(errors):.2f} deviations, of the mean row {np.median(alone):.2f}"
            return Score(right, len(errors), "rows with labels", note)

        return score

    attack, name = "rows, all others known", "logistic 30-1, n = 569, B = 64, 180 steps"
    single = [np.array([row]) for row in range(10 if full else 3)]
    bits = (16, 12) if full else (16,)
    yield from assault(attack, f"{name}, 568 known", run, scored(single), bits, known_rows=568)
    if full:
        five = [np.arange(5 * i, 5 * i + 5) for i in range(2)]
        yield from assault(attack, f"{name}, 564 known", run, scored(five), prove=True, known_rows=564)
