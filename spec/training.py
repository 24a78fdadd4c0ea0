"""The configuration of a run (section 13) as it stands in files; what it means is in docs/arithmetic.md."""

from __future__ import annotations

from dataclasses import dataclass

from spec.wire import I64, U32, Activation, Bytes32, Loss

IDENTITY, RELU, SIGMOID, TANH = range(4)
CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR = range(3)


@dataclass(frozen=True)
class Layer:
    """A fully connected layer."""

    inputs: U32
    outputs: U32
    bias: bool
    activation: Activation
    z_bits: U32
    q_bits: U32

    @property
    def k(self) -> int:
        """Rows of W."""
        return self.inputs + self.bias


@dataclass(frozen=True)
class Architecture:
    """Layers and loss."""

    layers: list[Layer]
    loss: Loss


@dataclass(frozen=True)
class Scales:
    """Fractional bits."""

    fa: U32
    fg: U32
    fw: U32
    kappa: U32
    omega: U32


@dataclass(frozen=True)
class RateSpan:
    """Steps with one learning rate."""

    steps: U32
    rate: I64


@dataclass(frozen=True)
class Decay:
    """Factors numerators[chunk] / 2^bits on the weights at the end of a chunk."""

    bits: U32
    numerators: list[I64]


@dataclass(frozen=True)
class Schedule:
    """Steps, batches and learning rates."""

    rows: U32
    batch: U32
    drop_last: bool
    total_steps: U32
    chunk_steps: U32
    rates: list[RateSpan]
    filter: list[I64]
    nesterov: bool
    decay: Decay | None
    average: U32 | None
    """The run ends with the mean of the weights after each of its last so many steps."""


@dataclass(frozen=True)
class Contiguous:
    """Rows in their order."""


@dataclass(frozen=True)
class Shuffled:
    """A permutation per epoch."""

    seed: Bytes32


@dataclass(frozen=True)
class NormBits:
    """Sums of Z^2 below 2^z, of Q^2 below 2^q, over the rows of a chunk."""

    z: U32
    q: U32


@dataclass(frozen=True)
class RunConfig:
    """All that training depends on beside data and initial weights."""

    architecture: Architecture
    scales: Scales
    schedule: Schedule
    order: Contiguous | Shuffled
    data_bits: U32
    target_bits: U32
    norms: NormBits | None
    carry_bits: U32 | None
    """Width of the window that the weights of a chunk's end are looked up in."""
