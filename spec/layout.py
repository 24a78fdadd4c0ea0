"""Where every cell stands: models (section 4) and the columns of a chunk (section 10.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spec.field import E, lg
from spec.hiding import Affine
from spec.lookup import System, column
from spec.schedule import (
    WEIGHTS,
    Part,
    boundary_bits,
    boundary_checked,
    boundary_shift,
    has_momentum,
    log_rows,
    weight_bits,
)
from spec.training import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    IDENTITY,
    RELU,
    SIGMOID,
    TANH,
    Layer,
    RunConfig,
)

DERIVATIVE_BITS = 12


def limb_widths(bits: int) -> list[int]:
    """As few limbs of at most 18 bits as possible, as even as possible, the least significant first."""
    n = -(-bits // 18)
    return [bits // n + (i >= n - bits % n) for i in range(n)]


@dataclass(frozen=True)
class ModelLayout:
    """Row k of layer l is slot first[l] + k of 2^stride[l] cells."""

    stride: list[int]
    first: list[int]
    cells: int

    @classmethod
    def of(cls, layers: Sequence[Layer], start: int) -> ModelLayout:
        """From cell `start` on."""
        return cls.of_shapes([(layer.k, layer.outputs) for layer in layers], start)

    @classmethod
    def of_shapes(cls, shapes: Sequence[tuple[int, int]], start: int) -> ModelLayout:
        """Matrices of these (rows, columns), from cell `start` on."""
        strides, firsts, cells = [], [], start
        for k, outputs in shapes:
            stride = lg(outputs)
            slot = (cells + (1 << stride) - 1) >> stride
            strides.append(stride)
            firsts.append(slot)
            cells = slot + k << stride
        return cls(strides, firsts, cells)

    @classmethod
    def state(cls, layers: Sequence[Layer], velocity: bool) -> list[ModelLayout]:
        """Weights and, behind them, the velocity."""
        weights = cls.of(layers, 0)
        return [weights, cls.of(layers, weights.cells)] if velocity else [weights]

    @property
    def max_stride(self) -> int:
        """log2 of the widest slot."""
        return max(self.stride)


class Allocator:
    """Hands out slots."""

    def __init__(self, first: int = 0) -> None:
        """From slot `first` on."""
        self.next = first

    def take(self, n: int) -> int:
        """A group of n slots."""
        self.next += n
        return self.next - n

    def limbs(self, bits: int, n: int) -> list[tuple[int, int]]:
        """(width, first slot) of a group of n slots per limb."""
        return [(width, self.take(n)) for width in limb_widths(bits)] if bits else []


def weighted(limbs: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(2^shift, first slot) of each limb."""
    shift = 0
    for width, slot in limbs:
        yield 1 << shift, slot
        shift += width


class WeightLimbs:
    """Limbs of one value of `bits` bits per weight: per limb a copy of the model layout inside the trace."""

    def __init__(self, layers: Sequence[Layer], bits: int, rows: int, slots: Allocator) -> None:
        """Takes slots of 2^rows cells."""
        self.bits = bits
        align = max(0, ModelLayout.of(layers, 0).max_stride - rows)
        self.limbs: list[tuple[int, int, ModelLayout, int]] = []
        for width in limb_widths(bits) if bits else []:
            first = (slots.next + (1 << align) - 1) >> align << align
            layout = ModelLayout.of(layers, first << rows)
            count = ((layout.cells + (1 << rows) - 1) >> rows) - first
            slots.next = first + count
            self.limbs.append((width, first, layout, count))

    def add_to(self, e: Affine, layer: int, low: int, inputs: Sequence[E], scale: E) -> None:
        """Adds scale sum_k inputs_k value(k, .) of a layer, rows read through `low`."""
        shift = 0
        for width, _, layout, _ in self.limbs:
            for k, w in enumerate(inputs):
                e.add_cell(0, low, layout.first[layer] + k, w * scale * (1 << shift))
            shift += width

    def lookups(self, system: System) -> None:
        """Every cell of the limbs' slots is in the limb's range."""
        for width, first, _, count in self.limbs:
            for slot in range(first, first + count):
                system.add_range(width, column(slot))

    @property
    def max_stride(self) -> int:
        """log2 of the widest slot."""
        return max((layout.max_stride for _, _, layout, _ in self.limbs), default=0)


@dataclass(frozen=True)
class LayerColumns:
    """First slots of a layer's groups, one slot per unit."""

    z: int
    z_rem: list[tuple[int, int]]
    activation: int | None
    derivative: int | None
    q: int | None
    q_rem: list[tuple[int, int]]
    d: int | None
    d_rem: list[tuple[int, int]]


@dataclass(frozen=True)
class Softmax:
    """First slots of the groups of cross-entropy."""

    e: int
    p: int
    rem: int
    h: int
    max: int
    sum: int


@dataclass(frozen=True)
class Rounding:
    """How a chunk's end is rounded: exact + 2^(s-1) = 2^s out + remainder, quotient = out + 2^(bits-1)."""

    remainder: WeightLimbs
    quotient: WeightLimbs


@dataclass(frozen=True)
class NormLimbs:
    """Limbs of a sum of squares per unit of a group of columns: unit j is cell j from the first slot on."""

    column: int
    units: int
    limbs: list[tuple[int, int]]
    count: int
    """Slots of a limb."""

    def lookups(self, system: System) -> None:
        """Every cell of the limbs' slots is in the limb's range."""
        for width, first in self.limbs:
            for slot in range(first, first + self.count):
                system.add_range(width, column(slot))


class ForwardLayout:
    """The columns of the forward pass alone: Z, its remainder, the activation of every layer."""

    softmax: Softmax | None = None
    sigmoid: int | None = None

    def __init__(self, config: RunConfig, log_rows: int, first: int = 0) -> None:
        """From slot `first` on, of 2^log_rows cells each."""
        slots, f = Allocator(first), weight_bits(config)
        self.log_rows = log_rows
        self.layers = [_forward_columns(slots, layer, f) for layer in config.architecture.layers]
        self.norms: list[NormLimbs] = []
        self.slots = slots.next

    @property
    def per_weight(self) -> list[WeightLimbs]:
        """All that has a cell per weight, in order."""
        return []

    @property
    def max_stride(self) -> int:
        """log2 of the widest slot."""
        return max([self.log_rows] + [w.max_stride for w in self.per_weight])


class TraceLayout(ForwardLayout):
    """The columns of a chunk; `start_bits` if it range-checks hidden initial weights."""

    def __init__(self, config: RunConfig, chunk: int, start_bits: int | None) -> None:
        """In the order of section 10.2."""
        slots, layers = Allocator(), config.architecture.layers
        f, self.log_rows = weight_bits(config), log_rows(config)
        self.layers = [
            _layer_columns(slots, layer, f, index < len(layers) - 1) for index, layer in enumerate(layers)
        ]
        n, loss = layers[-1].outputs, config.architecture.loss
        self.softmax = (
            Softmax(*(slots.take(size) for size in (n, n, n, n, 1, 1))) if loss == CROSS_ENTROPY else None
        )
        self.sigmoid = slots.take(n) if loss == BINARY_CROSS_ENTROPY else None

        def limbs(bits: int) -> WeightLimbs:
            return WeightLimbs(layers, bits, self.log_rows, slots)

        self.start = None if start_bits is None else limbs(start_bits)
        self.rounding: list[Rounding | None] = []
        for part in list(Part) if has_momentum(config) else [WEIGHTS]:
            made = None
            if boundary_checked(config, part, chunk):
                # The remainder's limbs stand before the quotient's.
                remainder = limbs(boundary_shift(config, part, chunk))
                made = Rounding(remainder, limbs(boundary_bits(config, part, chunk)))
            self.rounding.append(made)
        self.norms = _norms(slots, config, self.layers, self.log_rows)
        self.slots = slots.next

    @property
    def per_weight(self) -> list[WeightLimbs]:
        """All that has a cell per weight, in order."""
        out = [] if self.start is None else [self.start]
        return out + [x for r in self.rounding if r for x in (r.remainder, r.quotient)]


def _layer_columns(slots: Allocator, layer: Layer, f: int, hidden: bool) -> LayerColumns:
    n, smooth = layer.outputs, layer.activation in (SIGMOID, TANH)
    return LayerColumns(
        z=slots.take(n),
        z_rem=slots.limbs(f, n),
        activation=slots.take(n) if smooth or layer.activation == RELU else None,
        derivative=slots.take(n) if smooth else None,
        q=slots.take(n) if hidden else None,
        q_rem=slots.limbs(f, n) if hidden else [],
        d=slots.take(n) if hidden and smooth else None,
        d_rem=slots.limbs(DERIVATIVE_BITS, n) if hidden and smooth else [],
    )


def _forward_columns(slots: Allocator, layer: Layer, f: int) -> LayerColumns:
    n = layer.outputs
    z, z_rem = slots.take(n), slots.limbs(f, n)
    activation = slots.take(n) if layer.activation != IDENTITY else None
    return LayerColumns(z, z_rem, activation, None, None, [], None, [])


def _norms(slots: Allocator, config: RunConfig, layers: Sequence[LayerColumns], rows: int) -> list[NormLimbs]:
    """Of Z where the activation is no table, and of Q, for every hidden layer."""
    out = list[NormLimbs]()
    for layer, c in zip(config.architecture.layers, layers, strict=True):
        if config.norms is None or c.q is None:
            continue
        count = (layer.outputs + (1 << rows) - 1) >> rows
        squares = [] if layer.activation in (SIGMOID, TANH) else [(c.z, config.norms.z)]
        for first, bits in [*squares, (c.q, config.norms.q)]:
            out.append(NormLimbs(first, layer.outputs, slots.limbs(bits, count), count))
    return out
