"""When weights may be published. Every rule has a name; a refusal gives it, an override needs it.

Weights are a function of the training rows, and exact or nearly exact weights of small runs give the rows back
by lattice reduction. The rules refuse the runs for which that was done, with some room; they are damage
reduction. Only training with differential privacy bounds what a released model tells.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.errors import ReleaseRefused, UsageError

__all__ = ["RULES", "ReleaseFacts", "check_rules", "fingerprints", "overlap"]

RULES: Mapping[str, str] = {
    "rows-per-unit": "at least 4 rows of data per output of the first layer",
    "steps": "at least 100 steps of more than one row",
    "information": "more bits of data than bits of weights",
    "once-per-run": "one release per run",
    "same-data": "one release per data set, and none of a data set that shares rows with it",
}
"""Name and content of every rule."""

MIN_STEPS = 100
ROWS_PER_UNIT = 4
SHARED = 0.01


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What the rules look at."""

    rows: int
    first_outputs: int
    batch: int
    steps: int
    weights: int
    bits_per_weight: int
    """Released bits of the largest weight, sign included."""
    data_bits: float
    """Bits of one row that the recipient does not know."""
    released_runs: Collection[str]
    run: str
    shared_rows: float
    """Largest share of rows in common with a data set that has a release."""


def row_bits(
    features: NDArray[np.int32], label_classes: int, known: Collection[int], known_labels: bool
) -> float:
    """Bits of a row in the columns that the recipient does not know: log2 of the values that each takes."""
    total = 0.0 if known_labels else math.log2(max(2, label_classes))
    for column in range(features.shape[1]):
        if column not in known:
            total += math.log2(len(np.unique(features[:, column])))
    return total


def check_rules(facts: ReleaseFacts, overrides: Collection[str] = ()) -> None:
    """Raise `ReleaseRefused` with the first rule that is broken and not overridden."""
    for name in overrides:
        if name not in RULES:
            raise UsageError(f"there is no rule {name!r}; the rules are {', '.join(RULES)}")
    for name, problem in _broken(facts):
        if name not in overrides:
            raise ReleaseRefused(
                f"{problem} (rule {name}: {RULES[name]}); if the data is public anyway, override the rule",
                rule=name,
            )


def _broken(facts: ReleaseFacts) -> Sequence[tuple[str, str]]:
    broken: list[tuple[str, str]] = []
    if facts.run in facts.released_runs:
        broken.append(("once-per-run", f"{facts.run} has a release already"))
    if facts.shared_rows > SHARED:
        broken.append(
            ("same-data", f"a model trained on {facts.shared_rows:.0%} of the same rows was released before")
        )
    if facts.rows <= ROWS_PER_UNIT * facts.first_outputs:
        broken.append(
            (
                "rows-per-unit",
                f"{facts.rows:,} rows are too few for a first layer with {facts.first_outputs:,} outputs",
            )
        )
    if facts.batch == 1 or facts.steps < MIN_STEPS:
        broken.append(("steps", f"the run has {facts.steps:,} steps of {facts.batch:,} rows"))
    data, weights = facts.rows * facts.data_bits, facts.weights * facts.bits_per_weight
    if data <= weights:
        broken.append(
            ("information", f"the release has {weights:,} bits, the data that it hides {math.floor(data):,}")
        )
    return broken


def fingerprints(key: bytes, features: NDArray[np.int32], labels: NDArray[np.int64]) -> list[bytes]:
    """A keyed fingerprint of every row; counts equal rows of two data sets of one vault."""
    joined = np.concatenate([features.astype("<i8"), labels.reshape(len(labels), -1).astype("<i8")], axis=1)
    return [hmac.digest(key, row.tobytes(), hashlib.sha256)[:16] for row in np.ascontiguousarray(joined)]


def overlap(mine: Sequence[str], theirs: Collection[str]) -> float:
    """The share of rows in common, of the smaller data set."""
    other = set(theirs)
    common = sum(row in other for row in mine)
    return common / max(1, min(len(mine), len(theirs)))
