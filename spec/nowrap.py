"""The inequalities under which equality mod p is equality of integers (docs/soundness.md, `nowrap.rs`)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from spec.field import P
from spec.layout import DERIVATIVE_BITS
from spec.rejected import require
from spec.schedule import (
    VELOCITY,
    WEIGHTS,
    Coefficients,
    Part,
    averaged,
    boundary_bits,
    boundary_checked,
    boundary_shift,
    chunks,
    decay,
    has_momentum,
    is_carried,
    weight_bits,
)
from spec.training import CROSS_ENTROPY, SIGMOID, SQUARED_ERROR, TANH, RunConfig

UNIQUE_BITS = 62


@dataclass(frozen=True)
class Bounds:
    """|W| <= w at fw fractional bits, |V| <= v, at a chunk's boundary."""

    w: int
    v: int


def input_bound(config: RunConfig, index: int) -> int:
    """|A| of what a layer reads, bias included."""
    one = 1 << config.scales.fa
    if index == 0:
        return max(one, 1 << (config.data_bits - 1))
    before = config.architecture.layers[index - 1]
    return one if before.activation in (SIGMOID, TANH) else max(one, 1 << (before.z_bits - 1))


def gradient_bound(config: RunConfig, index: int) -> int:
    """|D| at a layer's Z."""
    layers, s = config.architecture.layers, config.scales
    if index + 1 < len(layers):
        return 1 << (layers[index].q_bits - 1)
    if config.architecture.loss != SQUARED_ERROR:
        return 1 << s.fg
    return (1 << (s.fg - s.fa)) * ((1 << (layers[index].z_bits - 1)) + (1 << (config.target_bits - 1)))


def norm_bound(config: RunConfig, index: int, rows: int) -> int | None:
    """ceil(sqrt(S_A S_D)), a bound of sum |A D| over unmasked rows; None where S_A S_D is 2^128 or more."""
    layers, norms = config.architecture.layers, config.norms
    inputs = rows * input_bound(config, index) ** 2
    gradients = rows * gradient_bound(config, index) ** 2
    if norms is not None:
        if index and layers[index - 1].activation not in (SIGMOID, TANH):
            # The bias is a column of 2^fa without a norm of its own.
            inputs = min(inputs, max(1 << norms.z, rows << 2 * config.scales.fa))
        if index + 1 < len(layers):
            gradients = min(gradients, 1 << norms.q)
    square = inputs * gradients
    root = isqrt(square)
    return None if square >= 1 << 128 else root + (root * root < square)


def rescaled(product: int, bits: int, shift: int) -> int:
    """Bound of both sides of a rescaling relation."""
    return product + (1 << (bits + shift - 1)) + (1 << (shift - 1))


def check_chunk(config: RunConfig, chunk: int, start: Bounds) -> Bounds:
    """The bounds behind a chunk that starts within `start`; raises `Rejected` where an inequality fails."""
    c, f, momentum = Coefficients.of(config, chunk), weight_bits(config), has_momentum(config)
    layers, scales = config.architecture.layers, config.scales
    from_start = (start.w << scales.kappa) + c.velocity() * start.v
    steps = range(c.real)
    mass, largest = c.gradient_mass(), max(map(c.gradient, steps))
    state_mass, state_largest = c.state_mass(), max(map(c.state, steps))
    w_out = v_out = 0

    def below_p(left: int, what: str) -> None:
        require(left < P, "NoWrap", f"layer {index}: {what} is about 2^{left.bit_length()}")

    def unique(a: int, b: int, what: str) -> None:
        require(a + b <= UNIQUE_BITS, "NoWrap", f"layer {index}: {what} is {a + b}")

    def rounded(part: Part, bound: int) -> int:
        out = (bound >> boundary_shift(config, part, chunk)) + 1
        if not boundary_checked(config, part, chunk):
            return out
        window, name = 1 << (boundary_bits(config, part, chunk) - 1), part.name.lower()
        if is_carried(config, part):
            # What lies beyond the window has no proof, so that the window is a bound by itself.
            fits = bound <= 1 << UNIQUE_BITS
            require(fits, "NoWrap", f"layer {index}: {name} at a boundary are about 2^{bound.bit_length()}")
            return min(out, window)
        require(out < window, "NoWrap", f"layer {index}: {name} do not fit a boundary's window")
        return out

    for index, layer in enumerate(layers):
        a, d = input_bound(config, index), gradient_bound(config, index)
        norm = norm_bound(config, index, sum(c.rows))
        moved, state_moved = mass * a * d, state_mass * a * d
        if norm is not None:
            moved, state_moved = min(moved, largest * norm), min(state_moved, state_largest * norm)
        w_max = from_start + moved
        v_max = c.tap(c.real) * start.v + state_moved if momentum else 0
        unique(layer.z_bits, f, "z_bits + F")
        below_p(2 * w_max, "2 w_max")
        below_p(2 * v_max, "2 v_max")
        end = w_max * averaged(config, chunk) * decay(config, chunk)[0]
        w_out = max(w_out, rounded(WEIGHTS, end))
        v_out = max(v_out, rounded(VELOCITY, v_max) if momentum else 0)
        below_p(rescaled(layer.k * a * w_max, layer.z_bits, f), "K a w_max")
        if index:
            bits = layers[index - 1].q_bits
            unique(bits, f, "q_bits + F")
            below_p(rescaled(layer.outputs * d * w_max, bits, f), "N d w_max")
        if layer.activation in (SIGMOID, TANH):
            unique(layer.q_bits, DERIVATIVE_BITS, "q_bits + 12")
    if config.architecture.loss == CROSS_ENTROPY:
        classes = layers[-1].outputs
        below_p((classes << (scales.fg + 1)) << (16 - (classes - 1).bit_length()), "2^(fg+1) C exp(0)")
    return Bounds(w_out, v_out)


def check_run(config: RunConfig, w_in: int) -> list[Bounds]:
    """The bounds before every chunk and behind the last; the velocity starts at 0."""
    out = [Bounds(w_in, 0)]
    for chunk in range(chunks(config)):
        out.append(check_chunk(config, chunk, out[-1]))
    return out


def check_forward(config: RunConfig, w: int) -> None:
    """The inequalities of the forward pass alone, of a model with |W| <= w."""
    f = weight_bits(config)
    for index, layer in enumerate(config.architecture.layers):
        require(layer.z_bits + f <= UNIQUE_BITS, "NoWrap", f"layer {index}: z_bits + fw is {layer.z_bits + f}")
        left = rescaled(layer.k * input_bound(config, index) * w, layer.z_bits, f)
        require(max(2 * w, left) < P, "NoWrap", f"layer {index}: a product is about 2^{left.bit_length()}")
