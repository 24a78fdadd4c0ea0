"""One step of training over integers: forward, gradient of the loss, backward. No rounding but `rescale`, one
per activation and gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetic import tables
from tacit.arithmetic.config import DERIVATIVE_BITS, RunConfig
from tacit.arithmetic.errors import WindowOverflowError
from tacit.arithmetic.matmul import FloatMatrix, IntMatrix, Operand, Product
from tacit.arithmetic.norms import NormSums


def rescale(values: IntMatrix, shift: int) -> IntMatrix:
    """floor((v + 2^(s-1)) / 2^s): rounds half up; s = 0 changes nothing."""
    return (values + (1 << (shift - 1))) >> shift if shift else values


@dataclass(frozen=True)
class Forward:
    """What a forward pass leaves for the backward pass: `inputs[l]` is A_l with its bias column (float64 [rows,
    K]), `z[l]` int64 [rows, N].
    """

    inputs: tuple[FloatMatrix, ...]
    z: tuple[IntMatrix, ...]

    @property
    def logits(self) -> IntMatrix:
        """Z of the last layer, int64 [rows, outputs], fa fractional bits."""
        return self.z[-1]

    def first(self, rows: int) -> Forward:
        """The first rows only."""
        return Forward(tuple(a[:rows] for a in self.inputs), tuple(z[:rows] for z in self.z))


def check_window(config: RunConfig, index: int, quantity: str, values: IntMatrix, step: int) -> None:
    """Raises `WindowOverflowError` if a value of layer `index` (from 0) is outside its window."""
    layer = config.architecture.layers[index]
    bits = layer.z_bits if quantity == "z" else layer.q_bits
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < -(1 << (bits - 1)) or high >= 1 << (bits - 1):
        worst = high if high >= -low else low
        raise WindowOverflowError(
            layer=index + 1, name=layer.name, quantity=quantity, step=step, value=worst, bits=bits
        )


def _with_bias(config: RunConfig, index: int, values: IntMatrix) -> FloatMatrix:
    layer = config.architecture.layers[index]
    out = np.empty((values.shape[0], layer.k), dtype=np.float64)
    out[:, : layer.inputs] = values
    if layer.bias:
        out[:, layer.inputs] = 1 << config.scales.fa
    return out


def _lookup(table: NDArray[np.int64], z: IntMatrix) -> IntMatrix:
    # Windows keep z inside while training; in evaluation both functions are constant beyond the table's ends.
    half = tables.HALF_WINDOW
    out: IntMatrix = table[np.clip(z, -half, half - 1) + half]
    return out


def activate(config: RunConfig, index: int, z: IntMatrix) -> IntMatrix:
    """A of the layer after `index`: relu, sigmoid or tanh of Z, fa fractional bits."""
    fa = config.scales.fa
    match config.architecture.layers[index].activation:
        case "identity":
            return z
        case "relu":
            return np.maximum(z, 0)
        case "sigmoid":
            return _lookup(tables.sigmoid_table(fa, fa), z)
        case "tanh":
            return _lookup(tables.tanh_table(fa), z)


def forward(
    config: RunConfig, weights: Sequence[Operand], rows: IntMatrix, product: Product, step: int | None
) -> Forward:
    """Runs the layers on `rows` (int64 [rows, inputs], fa fractional bits); `step` None evaluates without
    window checks.
    """
    inputs: list[FloatMatrix] = []
    z: list[IntMatrix] = []
    values = rows
    for index, weight in enumerate(weights):
        inputs.append(_with_bias(config, index, values))
        z.append(rescale(product(inputs[-1], weight), config.scales.f))
        if step is not None:
            check_window(config, index, "z", z[-1], step)
        values = activate(config, index, z[-1])
    return Forward(tuple(inputs), tuple(z))


def loss_gradient(config: RunConfig, logits: IntMatrix, labels: IntMatrix) -> IntMatrix:
    """D of the last layer, int64 [rows, outputs], fg fractional bits, of the summed loss."""
    fa, fg = config.scales.fa, config.scales.fg
    match config.architecture.loss:
        case "cross_entropy":
            fe = tables.softmax_bits(config.architecture.outputs)
            e = tables.exp_table(fa, fe)[logits.max(axis=1, keepdims=True) - logits]
            p: IntMatrix = (e << fg) // e.sum(axis=1, keepdims=True)
            p[np.arange(len(labels)), labels] -= 1 << fg
            return p
        case "bce_with_logits":
            return _lookup(tables.sigmoid_table(fa, fg), logits) - (labels << fg)
        case "mse":
            return (logits - labels) << (fg - fa)


def backward(
    config: RunConfig,
    weights: Sequence[Operand],
    passed: Forward,
    top: IntMatrix,
    *,
    product: Product,
    step: int,
    norms: NormSums | None = None,
) -> list[IntMatrix]:
    """A_l^T D_l for every layer (int64 [K, outputs], fa + fg fractional bits), from D of the last layer;
    `norms` takes the squares of Q.
    """
    gradients: list[IntMatrix] = []
    d = top
    for index in range(len(weights) - 1, -1, -1):
        gradients.append(product(passed.inputs[index].T, Operand(d)))
        if index:
            inputs = config.architecture.layers[index].inputs
            q = rescale(product(d.astype(np.float64), weights[index].top_transposed(inputs)), config.scales.f)
            check_window(config, index - 1, "q", q, step)
            if norms is not None:
                norms.add_q(index - 1, q)
            d = _through_activation(config, index - 1, passed.z[index - 1], q)
            check_window(config, index - 1, "q", d, step)
    return gradients[::-1]


def _through_activation(config: RunConfig, index: int, z: IntMatrix, q: IntMatrix) -> IntMatrix:
    fa = config.scales.fa
    match config.architecture.layers[index].activation:
        case "identity":
            return q
        case "relu":
            return np.where(z > 0, q, 0)
        case "sigmoid":
            return rescale(q * _lookup(tables.sigmoid_derivative_table(fa), z), DERIVATIVE_BITS)
        case "tanh":
            return rescale(q * _lookup(tables.tanh_derivative_table(fa), z), DERIVATIVE_BITS)
