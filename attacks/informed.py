"""Recovers the one row that the recipient does not know, from weights and all other rows.

Training is repeated with a guess for the row, and Newton's method improves it until it gives the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from attacks.logistic import Reals, respond
from attacks.victims import Integers, Public

__all__ = ["Row", "recover_rows"]


@dataclass(frozen=True)
class Row:
    """Guessed rows: features [m, d] as integers with fa bits, labels [m], and how far they miss the weights."""

    features: Reals
    labels: Integers
    miss: float
    """Root mean square, in units of the rounding."""


def recover_rows(public: Public, known: Integers, labels: Integers, unknown: Integers) -> Row:
    """The best guess for the rows `unknown`; `known` and `labels` hold anything there.

    Starts from the mean of the other rows, which is also the guess of somebody without the weights. Tries each
    label for a single row; for more rows the probabilities of the model.
    """
    others = np.setdiff1d(np.arange(len(known)), unknown)
    mean = known[others].mean(axis=0)
    spread = known[others].std(axis=0)
    best: Row | None = None
    for guess in (0.0, 1.0) if len(unknown) == 1 else (float(labels[others].mean()),):
        y = labels.astype(np.float64).copy()
        y[unknown] = guess
        row = _fit(public, known.astype(np.float64), y, unknown, mean, spread)
        row = replace(row, labels=np.full(len(unknown), round(guess), dtype=np.int64))
        if best is None or row.miss < best.miss:
            best = row
    assert best is not None
    return best


def _fit(public: Public, features: Reals, labels: Reals, unknown: Integers, mean: Reals, spread: Reals) -> Row:
    unit = max(1.0, float(public.unit))
    bias = np.full((len(features), 1), 2.0**public.config.scales.fa)
    guess = np.tile(mean, (len(unknown), 1))
    best = Row(guess, np.zeros(0, dtype=np.int64), np.inf)
    scale = np.tile(spread, len(unknown))
    for _ in range(15):
        features = features.copy()
        features[unknown] = guess
        response = respond(public, np.concatenate([features, bias], axis=1), labels, unknown)
        missing = (public.weights[0][:, 0] - response.weights) / unit
        miss = float(np.sqrt((missing**2).mean()))
        if miss < best.miss:
            best = Row(guess, np.zeros(0, dtype=np.int64), miss)
        jacobian = response.features[:, :, :-1].reshape(len(missing), -1) / unit * scale
        # Features deviate from the mean by about their spread, weights from the truth by 0.3 units.
        damped = jacobian.T @ jacobian + 0.09 * np.eye(jacobian.shape[1])
        now = ((guess - mean).reshape(-1)) / np.where(scale > 0, scale, 1)
        step = np.linalg.solve(damped, jacobian.T @ missing - 0.09 * now)
        guess = guess + np.clip(step, -2, 2).reshape(guess.shape) * spread
        if np.abs(step).max() < 1e-3:
            break
    return best
