"""No wrap: for every layer, K a w_max + 2^(m+F-1) + 2^(F-1) < p, so that an integer product is the residue that
a proof speaks of.

w_max = c_0 w_in + c_v v_in + a d sum_s c_s B_s bounds every weight at every step of a chunk: a bounds a layer's
inputs, d its gradients, B_s the rows of a batch and c the coefficients. So does max_s c_s sqrt(S_A S_D) in
place of the last term, S the sums of squares over the chunk's rows: rows a^2 and rows d^2, or what `norms`
says. A verifier computes the same bounds from the statement, carries them from chunk to chunk and checks the
same inequalities. The planner assumes one rate for all steps; `RunBounds` follows the real ones while training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from math import isqrt

from tacit.arithmetic.config import DERIVATIVE_BITS, Layer, RunConfig
from tacit.arithmetic.errors import NoWrapError, NoWrapFailure
from tacit.arithmetic.rates import batch_weight
from tacit.arithmetic.tables import softmax_bits

FIELD = (1 << 64) - (1 << 32) + 1


@dataclass(frozen=True)
class Bounds:
    """What a chunk guarantees: |W_t| <= `w_max[l]` at scale F, and at its end |W| <= `w_out`, |V| <= `v_out` at
    the scales of a state.
    """

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


def boundary_bits(shift: int) -> int:
    """The window of what is left when a chunk boundary rounds `shift` bits away."""
    return min(48, 63 - shift)


@dataclass(frozen=True)
class Mass:
    """What the steps of a chunk can add up to: |W_t| <= 2^kappa w_in + `velocity` v_in + `products` a d, and
    |V| <= `velocity_start` v_in + `velocity_products` a d at the scale of V plus kappa bits.

    `largest` and `velocity_largest` are the largest coefficients of a gradient in both, `rows` the unmasked
    rows.
    """

    velocity: int
    products: int
    velocity_start: int
    velocity_products: int
    largest: int
    velocity_largest: int
    rows: int


def constant_mass(config: RunConfig, rate: int, steps: int) -> Mass:
    """The mass of `steps` steps of one chunk if no rate exceeds `rate`."""
    schedule, scales = config.schedule, config.scales
    ends = (0, schedule.steps_per_epoch - 1)
    heaviest = max(batch_weight(schedule, scales.omega, t) for t in ends)
    rows = max(batch_weight(schedule, scales.omega, t) * schedule.batch_size(t) for t in ends)
    taps = list(accumulate(schedule.update_filter[:steps]))
    return Mass(
        velocity=rate * sum(schedule.update_filter[1 : steps + 1]),
        products=rows * rate * (sum(taps) + (steps - len(taps)) * taps[-1]),
        velocity_start=_tap(schedule.filter, steps),
        velocity_products=rows * sum(schedule.filter[:steps]),
        largest=heaviest * rate * taps[-1],
        velocity_largest=heaviest * max(schedule.filter),
        rows=steps * schedule.batch_size(0),
    )


def norm_bound(config: RunConfig, index: int, rows: int) -> int:
    """The largest sum of |A(k) D(j)| over `rows` unmasked rows, for every k and j of layer `index`, by "
    "norms."""
    layers, norms = config.architecture.layers, config.norms
    inputs = rows * input_bound(config, index) ** 2
    gradients = rows * gradient_bound(config, index) ** 2
    if norms is not None:
        if index and layers[index - 1].activation not in ("sigmoid", "tanh"):
            inputs = min(inputs, max(1 << norms.z, rows << (2 * config.scales.fa)))
        if index + 1 < len(layers):
            gradients = min(gradients, 1 << norms.q)
    square = inputs * gradients
    root = isqrt(square)
    return root + (root * root < square)


def check_chunk(
    config: RunConfig, w_in: int, v_in: int, mass: Mass, numerator: int | None = None, averaged: int = 1
) -> tuple[Bounds, list[NoWrapFailure]]:
    """The bounds of a chunk and every inequality that fails.

    `w_in`, `v_in` bound |W| (scale fw) and |V| (scale fa + fg + omega) at the start of the chunk;
    `numerator` is that of the weight decay at its end (by default, none of it), `averaged` how many weights
    its end is the mean of.
    """
    scales, f = config.scales, config.scales.f
    if numerator is None:
        numerator = 1 << (config.weight_shift() - scales.kappa)
    shift = config.weight_shift(averaged)
    failed: list[NoWrapFailure] = []
    w_max: list[int] = []
    v_max = w_out = v_out = 0
    for index, layer in enumerate(config.architecture.layers):
        a, d = input_bound(config, index), gradient_bound(config, index)
        norm = norm_bound(config, index, mass.rows)
        moved = min(mass.products * a * d, mass.largest * norm)
        weight = (w_in << scales.kappa) + mass.velocity * v_in + moved
        w_max.append(weight)
        moved = min(mass.velocity_products * a * d, mass.velocity_largest * norm)
        v_max = max(v_max, mass.velocity_start * v_in + moved)
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
        end = weight * averaged * numerator
        w_out = max(w_out, (end >> shift) + 1)
        v_out = max(v_out, (v_max >> scales.kappa) + 1 if scales.kappa else 0)
        if config.carry_bits is not None:
            if end > 1 << 62:
                text = "w_max <= 2^62 at the end of a chunk"
                failed.append(NoWrapFailure(index + 1, layer.name, text, math.log2(end), 62.0))
            w_out = min(w_out, 1 << (min(config.carry_bits, boundary_bits(shift)) - 1))
        failed += _boundary_failures(config, index, (w_out, shift), v_out)
        failed += [_failure(index, layer, text, left) for text, left in checks if left >= FIELD]
    return Bounds(tuple(w_max), w_out, v_out), failed


def _boundary_failures(
    config: RunConfig, index: int, weights: tuple[int, int], v_out: int
) -> list[NoWrapFailure]:
    shifts = [("v_out", v_out, config.scales.kappa)]
    if config.carry_bits is None:
        shifts.insert(0, ("w_out", *weights))
    failed = []
    for name, bound, shift in shifts:
        bits = boundary_bits(shift) - 1
        if shift and bound >= 1 << bits:
            layer = config.architecture.layers[index].name
            failed.append(NoWrapFailure(index + 1, layer, f"{name} < 2^{bits}", math.log2(bound), float(bits)))
    return failed


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


def _tap(taps: tuple[int, ...], age: int) -> int:
    return taps[age] if age < len(taps) else 0


class RunBounds:
    """The bounds of a run, step by step, as the verifier of its proof will compute them."""

    def __init__(self, config: RunConfig, w_in: int, total_steps: int | None = None) -> None:
        """Starts a run from |W_0| <= `w_in`; `latest` will hold the bounds after the last step.

        `total_steps` is needed where the run ends with a mean.
        """
        self._config, self._total = config, total_steps
        self._w_in, self._v_in = w_in, 0
        self._steps = 0
        self._mass = Mass(0, 0, 0, 0, 0, 0, 0)
        self._recent: list[tuple[int, int, int]] = []
        self.latest: Bounds | None = None

    def admit(self, rate: int, batch: tuple[int, int], numerator: int | None = None) -> None:
        """Takes a step with integer rate `rate` and `batch` = (w_t, B_t); raises `NoWrapError` if it does not
        fit.

        `numerator` is that of the weight decay if the chunk ended with this step.
        """
        schedule = self._config.schedule
        taps, update = schedule.filter, schedule.update_filter
        inside = self._steps % schedule.chunk_steps + 1
        # (w_s, B_s, sum of rho_u h_{u-s} so far) of the steps that the filter still reads, oldest first.
        steps = [*self._recent, (*batch, 0)][-len(taps) :]
        recent = [(w, b, c + rate * _tap(update, age)) for age, (w, b, c) in _aged(steps)]
        mass = Mass(
            velocity=self._mass.velocity + rate * _tap(update, inside),
            products=self._mass.products
            + sum(w * b * rate * _tap(update, age) for age, (w, b, _) in _aged(recent)),
            velocity_start=_tap(taps, inside),
            velocity_products=sum(w * b * _tap(taps, age) for age, (w, b, _) in _aged(recent)),
            largest=max(self._mass.largest, *(w * c for w, _, c in recent)),
            velocity_largest=max(w * _tap(taps, age) for age, (w, _, _) in _aged(recent)),
            rows=self._mass.rows + batch[1],
        )
        bounds, failed = check_chunk(self._config, self._w_in, self._v_in, mass, numerator, self._averaged())
        if failed:
            raise NoWrapError(
                failed[0],
                f"a run with these windows cannot be proven beyond step {self._steps}: stop there, or start "
                "again "
                "naming its length (epochs= or max_steps=) and its largest rate (learning_rates=), or with a "
                "smaller window_bits or gradient_bits",
            )
        self._steps += 1
        self.latest = bounds
        if inside == schedule.chunk_steps:
            self._w_in, self._v_in = bounds.w_out, bounds.v_out
            self._mass, self._recent = Mass(0, 0, 0, 0, 0, 0, 0), []
        else:
            self._mass, self._recent = mass, recent

    def _averaged(self) -> int:
        schedule = self._config.schedule
        if schedule.average is None or self._total is None:
            return 1
        last = self._steps // schedule.chunk_steps == (self._total - 1) // schedule.chunk_steps
        return schedule.average if last else 1


def _aged(steps: list[tuple[int, int, int]]) -> list[tuple[int, tuple[int, int, int]]]:
    """Each with its age, 0 for the newest."""
    return [(len(steps) - 1 - i, step) for i, step in enumerate(steps)]
