"""Logistic regression as anybody can repeat it from the public statement: exactly, and with its derivative."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attacks.victims import Integers, Public
from tacit.arithmetic.order import batch_rows
from tacit.arithmetic.rates import batch_weight
from tacit.arithmetic.steps import rescale
from tacit.arithmetic.tables import HALF_WINDOW, sigmoid_table

__all__ = ["Reals", "Response", "repeats", "respond", "with_bias"]

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Response:
    """Where training ends, and how that follows the labels."""

    weights: Reals
    """W_T, [K], in units of 2^-fw."""
    labels: Reals
    """dW_T / dy, [K, n]."""
    features: Reals
    """dW_T / dA of the rows that were asked for, [K, rows, K]."""


def with_bias(public: Public, features: Integers) -> Integers:
    """[n, K]: the features and the constant 2^fa."""
    return np.concatenate(
        [features.astype(np.int64), np.full((len(features), 1), 1 << public.config.scales.fa)], axis=1
    )


def repeats(public: Public, inputs: Integers, labels: Integers) -> bool:
    """Whether training on these rows gives the weights that were handed out, bit for bit."""
    scales, schedule = public.config.scales, public.config.schedule
    table = sigmoid_table(scales.fa, scales.fg)
    w = public.start[0][:, 0]
    for step, rate in enumerate(schedule.rates):
        rows = batch_rows(schedule, public.config.order, step)
        z = rescale(inputs[rows] @ w, scales.fw)
        d = table[np.clip(z, -HALF_WINDOW, HALF_WINDOW - 1) + HALF_WINDOW] - (labels[rows] << scales.fg)
        w = w - rate * batch_weight(schedule, scales.omega, step) * (inputs[rows].T @ d)
    shift = public.unit.bit_length() - 1
    return bool((rescale(w, shift) << shift == public.weights[0][:, 0]).all())


def respond(public: Public, inputs: Reals, labels: Reals, unknown: Integers | None = None) -> Response:
    """Training in real numbers on labels that may be probabilities; `unknown` are rows to differentiate by."""
    scales, schedule = public.config.scales, public.config.schedule
    unknown = np.zeros(0, dtype=np.int64) if unknown is None else unknown
    n, k = inputs.shape
    w = public.start[0][:, 0].astype(np.float64)
    by_label, by_feature = np.zeros((k, n)), np.zeros((k, len(unknown), k))
    for step, rate in enumerate(schedule.rates):
        rows = batch_rows(schedule, public.config.order, step)
        a, gain = inputs[rows], rate * batch_weight(schedule, scales.omega, step) * 2.0**scales.fg
        p = 1 / (1 + np.exp(-np.clip(a @ w * 2.0 ** -(scales.fw + scales.fa), -60, 60)))
        slope = p * (1 - p) * 2.0 ** -(scales.fw + scales.fa)
        decay = np.eye(k) - gain * (a.T * slope) @ a
        by_label = decay @ by_label
        by_label[:, rows] += gain * a.T
        if len(unknown):
            by_feature = np.einsum("ij,jrk->irk", decay, by_feature)
            place = {int(row): i for i, row in enumerate(rows)}
            for r, row in enumerate(unknown):
                if (i := place.get(int(row))) is not None:
                    by_feature[:, r] -= gain * (
                        (p[i] - labels[row]) * np.eye(k) + slope[i] * np.outer(inputs[row], w)
                    )
        w = w - gain * (a.T @ (p - labels[rows]))
    return Response(w, by_label, by_feature)
