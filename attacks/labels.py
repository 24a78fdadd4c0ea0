"""Recovers the labels of a logistic regression whose features are known, by lattice reduction.

Training is nearly linear in the labels: W_T = W(p) + M (y - p) for the probabilities p that the model itself
gives. Labels of which the model is sure are taken from it; the others are the closest point of a lattice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attacks.lattices import reduced
from attacks.logistic import Reals, repeats, respond, with_bias
from attacks.victims import Integers, Public

__all__ = ["Labels", "predicted_labels", "recover_labels"]

MOST = 120
"""Unsure labels that a lattice is built for."""


@dataclass(frozen=True)
class Labels:
    """Guessed labels [n], and whether training on them gives the released weights bit for bit."""

    labels: Integers
    repeats: bool


def _probabilities(public: Public, inputs: Integers) -> Reals:
    scales = public.config.scales
    z = inputs @ public.weights[0][:, 0].astype(np.float64) * 2.0 ** -(scales.fw + scales.fa)
    out: Reals = 1 / (1 + np.exp(-z))
    return out


def predicted_labels(public: Public, features: Integers) -> Integers:
    """What the released model says of the rows: known to everybody who has it and the features."""
    return (_probabilities(public, with_bias(public, features)) > 0.5).astype(np.int64)


def recover_labels(public: Public, features: Integers, *, sure: float = 0.0, block: int = 20) -> Labels:
    """Labels that repeat the released weights bit for bit, or else the nearest to the model's that nearly do.

    `sure`: labels to which the model gives a probability below it are taken to be the other ones.
    """
    inputs = with_bias(public, features)
    model = _probabilities(public, inputs)
    labels = _solved(public, inputs.astype(np.float64), model)
    fixed = np.minimum(model, 1 - model) < sure
    labels[fixed] = np.rint(model[fixed])
    best = (labels > 0.5).astype(np.int64)
    open_ = np.flatnonzero(~fixed)
    noise = _noise(public)
    for _ in range(3 if len(open_) <= MOST else 0):
        response = respond(public, inputs.astype(np.float64), labels)
        # In units of the rounding: W_T - W(labels) + M labels = M y, up to what is not linear.
        m = response.labels[:, open_] / noise
        target = (public.weights[0][:, 0] - response.weights) / noise + m @ labels[open_]
        for candidate in _closest(m, target, block):
            labels[open_] = candidate
            found = labels.astype(np.int64)
            if repeats(public, inputs, found):
                return Labels(found, True)
    return Labels(best, False)


def _solved(public: Public, inputs: Reals, prior: Reals) -> Reals:
    """Real labels near the prior that give the released weights: least change, by Newton's method."""
    labels = prior.copy()
    for _ in range(12):
        response = respond(public, inputs, labels)
        spread = np.clip(prior * (1 - prior), 1e-3, None)
        step = (response.labels * spread).T @ np.linalg.lstsq(
            (response.labels * spread) @ response.labels.T,
            public.weights[0][:, 0] - response.weights,
            rcond=1e-13,
        )[0]
        labels = np.clip(labels + step, -0.5, 1.5)
    return labels


def _noise(public: Public) -> float:
    """Rounding of the released weights and of the gradients, in units of 2^-fw."""
    scales, schedule = public.config.scales, public.config.schedule
    rounded = schedule.batch * schedule.total_steps
    gradients = schedule.rates[0] * 2.0 ** (scales.fa + scales.omega) * 0.3 * float(np.sqrt(rounded))
    return float(np.hypot(0.3 * public.unit, gradients))


def _closest(m: Reals, target: Reals, block: int) -> list[Integers]:
    """0/1 vectors y with m y near the target, by an embedding in which 2y - 1 is short; best first."""
    found: dict[tuple[int, ...], float] = {}
    n = m.shape[1]
    for weight in (1.0, 0.25, 4.0):
        rows = [
            [2 * int(i == j) for j in range(n)] + [0] + [round(weight * float(v)) for v in m[:, i]]
            for i in range(n)
        ]
        rows.append([1] * (n + 1) + [round(weight * float(v)) for v in target])
        for row in reduced(rows, block):
            if abs(row[n]) == 1 and all(abs(v) == 1 for v in row[:n]):
                y = (1 - row[n] * np.array(row[:n])) // 2
                found[tuple(int(v) for v in y)] = float(np.abs(m @ y - target).max())
    return [np.array(y, dtype=np.int64) for y in sorted(found, key=lambda y: found[y])]
