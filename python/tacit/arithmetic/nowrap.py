"""No wrap: for every layer, K a w_max + 2^(m+F-1) + 2^(F-1) < p, so that an integer product is the residue that a proof speaks of.

w_max = c_0 w_in + c_v v_in + a d sum_s c_s B_s bounds every weight at every step of a chunk: a bounds a layer's inputs, d its
gradients, B_s the rows of a batch and c the coefficients. A verifier checks the same inequalities with the rates of the statement;
here every rate is taken to be the largest one, because the later ones are not known when training starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from tacit.arithmetic.config import DERIVATIVE_BITS, Layer, RunConfig
from tacit.arithmetic.errors import NoWrapError, NoWrapFailure
from tacit.arithmetic.rates import batch_weight
from tacit.arithmetic.tables import softmax_bits

FIELD = (1 << 64) - (1 << 32) + 1


@dataclass(frozen=True)
class Bounds:
    """What a chunk guarantees: |W_t| <= `w_max[l]` at scale F, and at its end |W| <= `w_out`, |V| <= `v_out` at the scales of a state."""

    w_max: tuple[int, ...]
    w_out: int
    v_out: int


def input_bound(config: RunConfig, index: int) -> int:
    """a: the largest |A| that layer `index` (from 0) can read, its bias input 2^fa included."""
    one = 1 << config.scales.fa
    if index == 0:
        return max(one, 1 << (config.data_bits - 1))
    before = config.architecture.layers[index - 1]
    return one if before.activation in ("sigmoid", "tanh") else max(one, 1 << (before.z_bits - 1))


def gradient_bound(config: RunConfig, index: int) -> int:
    """d: the largest |D| at the pre-activations of layer `index` (from 0)."""
    layers, scales = config.architecture.layers, config.scales
    if index + 1 < len(layers):
        return 1 << (layers[index].q_bits - 1)
    if config.architecture.loss == "mse":
        return ((1 << (layers[index].z_bits - 1)) + (1 << max(0, config.target_bits - 1))) << (
            scales.fg - scales.fa
        )
    return 1 << scales.fg


@dataclass(frozen=True)
class _Coefficients:
    start: int
    velocity: int
    products: int
    velocity_start: int
    velocity_products: int


def _coefficients(config: RunConfig, largest_rate: int, steps: int) -> _Coefficients:
    schedule, scales = config.schedule, config.scales
    mass = max(
        batch_weight(schedule, scales.omega, t) * schedule.batch_size(t)
        for t in (0, schedule.steps_per_epoch - 1)
    )
    taps = list(accumulate(schedule.filter[:steps]))
    taps_over_steps = sum(taps) + (steps - len(taps)) * taps[-1]
    return _Coefficients(
        start=1 << scales.kappa,
        velocity=largest_rate * sum(schedule.filter[1 : steps + 1]),
        products=mass * largest_rate * taps_over_steps,
        velocity_start=schedule.filter[steps] if steps < len(schedule.filter) else 0,
        velocity_products=mass * taps[-1],
    )


def failures(
    config: RunConfig, w_in: int, v_in: int, largest_rate: int, steps: int | None = None
) -> tuple[Bounds, list[NoWrapFailure]]:
    """The bounds of one chunk and every inequality that fails, with all rates at most `largest_rate`.

    `w_in`, `v_in` bound |W| (scale fw) and |V| (scale fa + fg + omega) at the start of the chunk; `steps` are its real steps (default: all).
    """
    scales = config.scales
    c, f = _coefficients(config, largest_rate, steps or config.schedule.chunk_steps), scales.f
    failed: list[NoWrapFailure] = []
    w_max: list[int] = []
    v_max = 0
    for index, layer in enumerate(config.architecture.layers):
        a, d = input_bound(config, index), gradient_bound(config, index)
        weight = c.start * w_in + c.velocity * v_in + c.products * a * d
        w_max.append(weight)
        v_max = max(v_max, c.velocity_start * v_in + c.velocity_products * a * d)
        checks = [
            ("2 w_max < p", 2 * weight),
            (
                "K a w_max + 2^(m+F-1) + 2^(F-1) < p",
                layer.k * a * weight + (1 << (layer.z_bits + f - 1)) + (1 << (f - 1)),
            ),
        ]
        if index:
            below = config.architecture.layers[index - 1]
            checks.append(
                (
                    "N d w_max + 2^(k+F-1) + 2^(F-1) < p",
                    layer.outputs * d * weight + (1 << (below.q_bits + f - 1)) + (1 << (f - 1)),
                )
            )
        if scales.kappa:
            checks.append(("2 v_max < p", 2 * v_max))
        checks += _table_checks(config, index, layer)
        failed += [_failure(index, layer, text, left) for text, left in checks if left >= FIELD]
    return Bounds(
        tuple(w_max), (max(w_max) >> scales.kappa) + 1, (v_max >> scales.kappa) + 1 if scales.kappa else 0
    ), failed


def _table_checks(config: RunConfig, index: int, layer: Layer) -> list[tuple[str, int]]:
    checks = []
    if layer.activation in ("sigmoid", "tanh"):
        bits = DERIVATIVE_BITS
        peak = 1 << (bits if layer.activation == "tanh" else bits - 2)
        left = (peak << (layer.q_bits - 1)) + (1 << (layer.q_bits + bits - 1)) + (1 << (bits - 1))
        checks.append(("2^(k-1) max|act'| + 2^(k+f'-1) + 2^(f'-1) < p", left))
    if index + 1 == len(config.architecture.layers) and config.architecture.loss == "cross_entropy":
        checks.append(
            ("2^(fg+1) C exp(0) < p", layer.outputs << (config.scales.fg + 1 + softmax_bits(layer.outputs)))
        )
    return checks


def _failure(index: int, layer: Layer, text: str, left: int) -> NoWrapFailure:
    return NoWrapFailure(index + 1, layer.name, text, math.log2(left), 64.0)


def check(config: RunConfig, w_in: int, v_in: int = 0, largest_rate: int | None = None) -> Bounds:
    """The bounds of one chunk; raises `NoWrapError` naming layer and inequality. By default rates are those of the configuration."""
    rate = max(config.schedule.rates, default=0) if largest_rate is None else largest_rate
    bounds, failed = failures(config, w_in, v_in, rate)
    if failed:
        raise NoWrapError(
            failed[0], "use fewer steps per chunk, a smaller window_bits or a smaller learning rate"
        )
    return bounds


def chain_length(config: RunConfig, w_in: int, largest_rate: int, limit: int) -> int:
    """How many chunks (at most `limit`) fit when each starts from the bounds that the one before guarantees."""
    v_in = 0
    for done in range(limit):
        bounds, failed = failures(config, w_in, v_in, largest_rate)
        if failed:
            return done
        w_in, v_in = bounds.w_out, bounds.v_out
    return limit
