"""The inequalities under which equality mod p is equality of integers (docs/soundness.md, `nowrap.rs`)."""

from __future__ import annotations

from dataclasses import dataclass

from spec.field import P
from spec.layout import DERIVATIVE_BITS
from spec.rejected import require
from spec.schedule import (
    VELOCITY,
    WEIGHTS,
    Coefficients,
    Part,
    boundary_bits,
    boundary_shift,
    chunks,
    decay,
    has_momentum,
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


def rescaled(product: int, bits: int, shift: int) -> int:
    """Bound of both sides of a rescaling relation."""
    return product + (1 << (bits + shift - 1)) + (1 << (shift - 1))


def check_chunk(config: RunConfig, chunk: int, start: Bounds) -> Bounds:
    """The bounds behind a chunk that starts within `start`; raises `Rejected` where an inequality fails."""
    c, f, momentum = Coefficients.of(config, chunk), weight_bits(config), has_momentum(config)
    layers, scales = config.architecture.layers, config.scales
    from_start = (start.w << scales.kappa) + c.velocity() * start.v
    mass, state_mass = c.gradient_mass(), c.state_mass()
    w_out = v_out = 0

    def below_p(left: int, what: str) -> None:
        require(left < P, "NoWrap", f"layer {index}: {what} is about 2^{left.bit_length()}")

    def unique(a: int, b: int, what: str) -> None:
        require(a + b <= UNIQUE_BITS, "NoWrap", f"layer {index}: {what} is {a + b}")

    def rounded(part: Part, bound: int) -> int:
        shift = boundary_shift(config, part)
        out = (bound >> shift) + 1
        fits = shift == 0 or out < 1 << (boundary_bits(config, part) - 1)
        require(fits, "NoWrap", f"layer {index}: {part.name.lower()} do not fit a boundary's window")
        return out

    for index, layer in enumerate(layers):
        a, d = input_bound(config, index), gradient_bound(config, index)
        w_max = from_start + mass * a * d
        v_max = c.tap(c.real) * start.v + state_mass * a * d if momentum else 0
        unique(layer.z_bits, f, "z_bits + F")
        below_p(2 * w_max, "2 w_max")
        below_p(2 * v_max, "2 v_max")
        w_out = max(w_out, rounded(WEIGHTS, w_max * decay(config, chunk)[0]))
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
