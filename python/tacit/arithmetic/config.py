"""The configuration of a run: everything that determines the integers of training apart from the data and the
initial weights.

The classes mirror the `RunConfig` of the proving core field by field; `to_json` is the form in which it is
handed over.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import groupby, repeat
from typing import Any, Literal, get_args

from tacit.arithmetic.errors import ArithmeticConfigError

Activation = Literal["identity", "relu", "sigmoid", "tanh"]
Loss = Literal["cross_entropy", "bce_with_logits", "mse"]

_LOSSES: dict[str, Loss] = {"CrossEntropy": "cross_entropy", "BceWithLogits": "bce_with_logits", "Mse": "mse"}
_LOSS_NAMES = {name: variant for variant, name in _LOSSES.items()}

MAX_WINDOW_BITS = 16
MIN_FW = 24
MAX_FW = 46
MAX_F_PLUS_WINDOW = 62
MAX_CLASSES = 64
DERIVATIVE_BITS = 12
MAX_DECAY_BITS = 16
MAX_NORM_BITS = 54
MAX_CARRY_BITS = 48


def require(condition: bool, message: str) -> None:
    """Raises `ArithmeticConfigError(message)` unless the condition holds."""
    if not condition:
        raise ArithmeticConfigError(message)


def next_power_of_two(value: int) -> int:
    """The smallest power of two that is at least `value` (1 for values below 1)."""
    return 1 << max(0, value - 1).bit_length()


@dataclass(frozen=True)
class Layer:
    """One affine layer `inputs -> outputs` and the activation after it, with the windows of Z (`z_bits`) and Q
    (`q_bits`).
    """

    inputs: int
    outputs: int
    bias: bool
    activation: Activation
    z_bits: int = MAX_WINDOW_BITS
    q_bits: int = MAX_WINDOW_BITS

    @property
    def k(self) -> int:
        """Rows of the weight matrix: inputs, and one more for the bias."""
        return self.inputs + int(self.bias)

    @property
    def name(self) -> str:
        """How error messages call the layer, as PyTorch would: `Linear 128->10`."""
        return f"Linear {self.inputs}->{self.outputs}"


@dataclass(frozen=True)
class Architecture:
    """Affine layers from input to output and the loss that follows the last one."""

    layers: tuple[Layer, ...]
    loss: Loss

    @property
    def outputs(self) -> int:
        """Width of the last layer."""
        return self.layers[-1].outputs

    @property
    def weight_count(self) -> int:
        """Number of weights and biases."""
        return sum(layer.k * layer.outputs for layer in self.layers)


@dataclass(frozen=True)
class Scales:
    """Fractional bits: activations `fa`, gradients `fg`, weights `fw`; `kappa` more while training with
    momentum; `omega`, bits of a batch weight.
    """

    fa: int = 8
    fg: int = 12
    fw: int = MIN_FW
    kappa: int = 0
    omega: int = 0

    @property
    def f(self) -> int:
        """F = fw + kappa, the scale of the weights inside a chunk."""
        return self.fw + self.kappa


@dataclass(frozen=True)
class NormBits:
    """Bounds of sums of squares over the rows of a chunk: below 2^`z` for each hidden unit's Z, 2^`q` for "
    "its Q."""

    z: int
    q: int


@dataclass(frozen=True)
class Decay:
    """Weight decay: what chunk i ends with is multiplied by `numerators[i]` / 2^`bits` when it is rounded."""

    bits: int
    numerators: tuple[int, ...]


@dataclass(frozen=True)
class Schedule:
    """Which rows enter which step, and with what rate.

    `rates[u]` is the integer rate of step u (as many as `total_steps`), `filter` the momentum filter ((1,)
    without momentum); with `average` = m the run ends with the mean of the weights after each of its last m
    steps.
    """

    rows: int
    batch: int
    drop_last: bool
    total_steps: int
    chunk_steps: int
    rates: tuple[int, ...]
    filter: tuple[int, ...] = (1,)
    nesterov: bool = False
    decay: Decay | None = None
    average: int | None = None

    @property
    def update_filter(self) -> tuple[int, ...]:
        """h, by which gradients enter an update: d, or with Nesterov h_i = d_{i+1} + 2^kappa [i = 0]."""
        return (self.filter[0] + self.filter[1], *self.filter[2:]) if self.nesterov else self.filter

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the data."""
        return self.rows // self.batch if self.drop_last else -(-self.rows // self.batch)

    @property
    def padded_batch(self) -> int:
        """Rows that a step takes in the trace: the next power of two of the batch size."""
        return next_power_of_two(self.batch)

    @property
    def rows_per_chunk(self) -> int:
        """Rows of the trace of one chunk, R = T B padded."""
        return self.chunk_steps * self.padded_batch

    @property
    def chunks(self) -> int:
        """Number of proofs in the chain."""
        return -(-self.total_steps // self.chunk_steps)

    def batch_size(self, step: int) -> int:
        """B_t, the number of unmasked rows of step t."""
        start = (step % self.steps_per_epoch) * self.batch
        return min(self.batch, self.rows - start)


@dataclass(frozen=True)
class Order:
    """Order of the rows: contiguous when `seed` is None, else shuffled anew in every epoch from the 32-byte
    seed.
    """

    seed: bytes | None = None


@dataclass(frozen=True)
class RunConfig:
    """The whole configuration; `data_bits` and `target_bits` are the windows of features and real targets (0:
    no real targets), `norms` bounds of column norms and `carry_bits` the window of the weights that a chunk
    ends with (None: only the other windows bound weights).
    """

    architecture: Architecture
    scales: Scales
    schedule: Schedule
    order: Order
    data_bits: int
    target_bits: int = 0
    norms: NormBits | None = None
    carry_bits: int | None = None

    def weight_shift(self, averaged: int = 1) -> int:
        """Bits that a chunk's end rounds away from weights: kappa, those of the decay and of a mean of "
        "`averaged`."""
        decay = self.schedule.decay.bits if self.schedule.decay else 0
        return self.scales.kappa + decay + averaged.bit_length() - 1

    def validate(self) -> None:
        """Checks every rule that does not depend on the weights; raises `ArithmeticConfigError` naming the
        field.
        """
        a, s, c = self.architecture, self.scales, self.schedule
        require(1 <= len(a.layers) <= 64, f"{len(a.layers)} layers: between 1 and 64 are supported")
        require(a.loss in get_args(Loss), f"unknown loss {a.loss!r}")
        for before, after in zip(a.layers, a.layers[1:], strict=False):
            require(
                before.outputs == after.inputs, f"{before.name} is followed by {after.name}: the widths differ"
            )
        for index, layer in enumerate(a.layers, start=1):
            _validate_layer(index, layer, s)
        require(
            a.layers[-1].activation == "identity",
            "the last layer takes no activation: its non-linearity is in the loss",
        )
        if a.loss == "cross_entropy":
            require(
                2 <= a.outputs <= MAX_CLASSES,
                f"cross entropy over {a.outputs} outputs: between 2 and {MAX_CLASSES} are supported",
            )
        require(1 <= s.fa <= 14, f"fa = {s.fa}: between 1 and 14 is supported")
        require(
            s.fa <= s.fg <= min(20, s.fa + 14),
            f"fg = {s.fg}: between fa = {s.fa} and {min(20, s.fa + 14)} is supported",
        )
        require(
            0 <= s.kappa <= 16 and 0 <= s.omega <= 20,
            f"kappa = {s.kappa}, omega = {s.omega}: at most 16 and 20 are supported",
        )
        require(MIN_FW <= s.fw <= MAX_FW, f"fw = {s.fw}: between {MIN_FW} and {MAX_FW} is supported")
        require(2 <= self.data_bits <= 16, f"data_bits = {self.data_bits}: between 2 and 16 is supported")
        least, most = (1, 16) if a.loss == "mse" else (0, 0)
        require(
            least <= self.target_bits <= most,
            f"target_bits = {self.target_bits}: between {least} and {most} is supported for {a.loss}",
        )
        require(c.rows >= 1, "the data set has no rows")
        require(1 <= c.batch <= 1 << 16, f"batch size {c.batch}: between 1 and 65,536 is supported")
        require(c.steps_per_epoch >= 1, f"drop_last leaves no batch of {c.batch} in {c.rows} rows")
        require(
            next_power_of_two(c.chunk_steps) == c.chunk_steps,
            f"chunk_steps = {c.chunk_steps} is not a power of two",
        )
        require(len(c.rates) == c.total_steps, f"{len(c.rates)} rates for {c.total_steps} steps")
        require(all(rate >= 0 for rate in c.rates), "a rate is negative")
        if c.decay is not None:
            count, most = len(c.decay.numerators), 1 << c.decay.bits
            require(
                1 <= c.decay.bits <= MAX_DECAY_BITS, f"decay bits = {c.decay.bits}: at most {MAX_DECAY_BITS}"
            )
            require(count == c.chunks, f"{count} decay numerators for {c.chunks} chunks")
            require(all(1 <= n <= most for n in c.decay.numerators), f"a decay numerator is not in 1 to {most}")
        require(not c.nesterov or len(c.filter) > 1, "nesterov needs a momentum filter of at least 2 entries")
        require(
            (s.kappa > 0) == (len(c.filter) > 1),
            f"kappa = {s.kappa} with a momentum filter of {len(c.filter)} entries: kappa is for momentum only",
        )
        require(
            len(c.filter) >= 1 and c.filter[0] == 1 << s.kappa,
            "the momentum filter does not start with 2^kappa",
        )
        if c.average is not None:
            last = c.total_steps - (c.chunks - 1) * c.chunk_steps
            require(
                2 <= c.average <= last and c.average & (c.average - 1) == 0,
                f"the mean of the last {c.average} steps: a power of two from 2 to the {last} steps of the "
                f"last chunk "
                "is possible",
            )
        if self.norms is not None:
            for name, bits in (("z", self.norms.z), ("q", self.norms.q)):
                require(1 <= bits <= MAX_NORM_BITS, f"norms: {name} = {bits}: at most {MAX_NORM_BITS} bits")
        require(
            self.carry_bits is None or 2 <= self.carry_bits <= MAX_CARRY_BITS,
            f"carry_bits = {self.carry_bits}: between 2 and {MAX_CARRY_BITS} is supported",
        )
        require(self.order.seed is None or len(self.order.seed) == 32, "the order seed has to have 32 bytes")

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, in the form that the proving core reads: variants in camel case, rates as runs of
        equal ones.
        """
        out = asdict(self)
        architecture, schedule, seed = out["architecture"], out["schedule"], self.order.seed
        architecture["loss"] = _LOSS_NAMES[architecture["loss"]]
        architecture["layers"] = [
            {**layer, "activation": layer["activation"].capitalize()} for layer in architecture["layers"]
        ]
        schedule["rates"] = [
            {"steps": len(list(run)), "rate": rate} for rate, run in groupby(self.schedule.rates)
        ]
        schedule["filter"] = list(self.schedule.filter)
        out["order"] = "Contiguous" if seed is None else {"Shuffled": {"seed": list(seed)}}
        return out

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> RunConfig:
        """The inverse of `to_dict`; validates the result."""
        architecture, schedule, order = value["architecture"], value["schedule"], value["order"]
        layers = tuple(
            Layer(**{**layer, "activation": layer["activation"].lower()}) for layer in architecture["layers"]
        )
        decay = schedule.get("decay")
        rates = tuple(rate for run in schedule["rates"] for rate in repeat(run["rate"], run["steps"]))
        config = cls(
            architecture=Architecture(layers, _LOSSES[architecture["loss"]]),
            scales=Scales(**value["scales"]),
            schedule=Schedule(
                **{
                    **schedule,
                    "rates": rates,
                    "filter": tuple(schedule["filter"]),
                    "decay": Decay(decay["bits"], tuple(decay["numerators"])) if decay else None,
                }
            ),
            order=Order() if order == "Contiguous" else Order(bytes(order["Shuffled"]["seed"])),
            data_bits=value["data_bits"],
            target_bits=value["target_bits"],
            norms=NormBits(**value["norms"]) if value.get("norms") else None,
            carry_bits=value.get("carry_bits"),
        )
        config.validate()
        return config

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """The inverse of `to_json`."""
        return cls.from_dict(json.loads(text))


def _validate_layer(index: int, layer: Layer, scales: Scales) -> None:
    where = f"layer {index} ({layer.name})"
    require(
        1 <= layer.inputs <= 1 << 16 and 1 <= layer.outputs <= 1 << 16,
        f"{where}: widths between 1 and 65,536 are supported",
    )
    require(layer.activation in get_args(Activation), f"{where}: unknown activation {layer.activation!r}")
    for what, bits in (("z_bits", layer.z_bits), ("q_bits", layer.q_bits)):
        require(
            2 <= bits <= MAX_WINDOW_BITS,
            f"{where}: {what} = {bits}, between 2 and {MAX_WINDOW_BITS} is supported",
        )
        require(
            bits + scales.f <= MAX_F_PLUS_WINDOW,
            f"{where}: {what} + fw + kappa = {bits + scales.f} exceeds {MAX_F_PLUS_WINDOW}",
        )
