"""A_l and D_l as sums of cells (section 10.2); lookups, pairs and equations (10.3 to 10.5).

Of a chunk, or of the forward pass alone (10.8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from spec.field import ONE, E, total
from spec.layout import DERIVATIVE_BITS, ForwardLayout, NormLimbs, weighted
from spec.lookup import Form, System, column, signed
from spec.tables import SIZE, exponential, loss_sigmoid, relu, smooth
from spec.training import IDENTITY, RELU, RunConfig


class Kind(Enum):
    """How a term is read at a row point."""

    ONE = "1 on every row"
    COLUMN = "a trace column"
    MASKED = "a trace column on unmasked rows"
    DATA = "a data column in batch order"
    PAIR = "the product of a gate pair"


Term = tuple[Kind, int, E]
"""(how, slot or pair, coefficient)."""
Equation = list[Term]


@dataclass
class Pairs:
    """Gate pairs, in order, and where the groups start."""

    forms: list[tuple[Form, Form]]
    relu_z: dict[int, int]
    relu_q: dict[int, int]
    smooth: dict[int, int]
    softmax: tuple[int, int, int] | None
    norms: list[int]

    @classmethod
    def of(cls, config: RunConfig, layout: ForwardLayout) -> Pairs:
        """Section 10.4."""
        out = cls([], {}, {}, {}, None, [])

        def group(n: int, pair: Callable[[int], tuple[Form, Form]]) -> int:
            out.forms += [pair(j) for j in range(n)]
            return len(out.forms) - n

        def columns(a: int, b: int) -> Callable[[int], tuple[Form, Form]]:
            return lambda j: (column(a + j), column(b + j))

        for index, (layer, c) in enumerate(zip(config.architecture.layers, layout.layers, strict=True)):
            # The forward pass alone has neither Q nor derivatives; the last layer has no activation.
            if layer.activation == RELU and c.activation is not None:
                out.relu_z[index] = group(layer.outputs, columns(c.activation, c.z))
                if c.q is not None:
                    out.relu_q[index] = group(layer.outputs, columns(c.activation, c.q))
            if c.derivative is not None and c.q is not None:
                out.smooth[index] = group(layer.outputs, columns(c.q, c.derivative))
        if (s := layout.softmax) is not None:
            n, z = config.architecture.layers[-1].outputs, layout.layers[-1].z
            out.softmax = (
                group(n, lambda j: (column(s.h + j), column(s.max).plus(column(z + j), -1))),
                group(n, lambda j: (column(s.p + j), column(s.sum))),
                group(n, columns(s.h, s.h)),
            )
        out.norms = [group(norm.units, columns(norm.column, norm.column)) for norm in layout.norms]
        return out


class Terms:
    """A_l, D_l and the gate equations of one chunk."""

    def __init__(self, config: RunConfig, layout: ForwardLayout) -> None:
        """Of a checked configuration."""
        self.config, self.layout = config, layout
        self.pairs = Pairs.of(config, layout)

    def inputs(self, index: int, u: list[E]) -> Equation:
        """sum_k u_k A_l(., k), the bias last."""
        layer, out = self.config.architecture.layers[index], Equation()
        if index == 0:
            out += [(Kind.DATA, k, u[k]) for k in range(layer.inputs)]
        else:
            out += self._activated(index - 1, u[: layer.inputs])
        if layer.bias:
            out.append((Kind.ONE, 0, u[layer.inputs] * (1 << self.config.scales.fa)))
        return out

    def _activated(self, index: int, u: list[E]) -> Equation:
        """sum_k u_k act(Z_l)(., k) of a hidden layer."""
        c, activation = self.layout.layers[index], self.config.architecture.layers[index].activation
        if activation == IDENTITY:
            return [(Kind.COLUMN, c.z + k, w) for k, w in enumerate(u)]
        if activation == RELU:
            pair, out = self.pairs.relu_z[index], Equation()
            for k, w in enumerate(u):
                out += [(Kind.COLUMN, c.z + k, w), (Kind.PAIR, pair + k, -w)]
            return out
        assert c.activation is not None
        return [(Kind.COLUMN, c.activation + k, w) for k, w in enumerate(u)]

    def gradients(self, index: int, u: list[E]) -> Equation:
        """sum_j u_j D_l(., j)."""
        c = self.layout.layers[index]
        if c.q is None:
            return self._loss_gradient(u)
        if c.d is not None:
            return [(Kind.COLUMN, c.d + j, w) for j, w in enumerate(u)]
        out: Equation = [(Kind.COLUMN, c.q + j, w) for j, w in enumerate(u)]
        if index in self.pairs.relu_q:
            out += [(Kind.PAIR, self.pairs.relu_q[index] + j, -w) for j, w in enumerate(u)]
        return out

    def _loss_gradient(self, u: list[E]) -> Equation:
        """D of the last layer, on unmasked rows only."""
        scales, features = self.config.scales, self.config.architecture.layers[0].inputs
        first, own, label = self.layout.layers[-1].z, 1 << (scales.fg - scales.fa), 1 << (scales.fg - scales.fa)
        if self.layout.softmax is not None:
            first, own, label = self.layout.softmax.p, 1, 1 << scales.fg
        elif self.layout.sigmoid is not None:
            first, own, label = self.layout.sigmoid, 1, 1 << scales.fg
        out = Equation()
        for j, w in enumerate(u):
            out += [(Kind.MASKED, first + j, w * own), (Kind.DATA, features + j, -(w * label))]
        return out

    def gates(self, draw: Callable[[int], list[E]]) -> list[Equation]:
        """Equations at rho; `draw(n)` gives unit weights of n units."""
        out = []
        for index, pair in self.pairs.smooth.items():
            c, e = self.layout.layers[index], Equation()
            assert c.d is not None
            u = draw(self.config.architecture.layers[index].outputs)
            for j, w in enumerate(u):
                e += [(Kind.PAIR, pair + j, w), (Kind.COLUMN, c.d + j, -(w * (1 << DERIVATIVE_BITS)))]
                e += [(Kind.COLUMN, slot + j, -(w * scale)) for scale, slot in weighted(c.d_rem)]
            e.append((Kind.ONE, 0, total(u) * (1 << (DERIVATIVE_BITS - 1))))
            out.append(e)
        return out + self._softmax(draw)

    def norms(self, draw: Callable[[int], list[E]]) -> list[tuple[NormLimbs, list[E], Equation]]:
        """Per norm unit weights u and sum_j u_j V_j^2, V = Z or Q: over all rows it sums to sum_j u_j S_j."""
        out = []
        for norm, pair in zip(self.layout.norms, self.pairs.norms, strict=True):
            u = draw(norm.units)
            squares: Equation = [(Kind.PAIR, pair + j, w) for j, w in enumerate(u)]
            out.append((norm, u, squares))
        return out

    def _softmax(self, draw: Callable[[int], list[E]]) -> list[Equation]:
        """The five equations of cross-entropy."""
        s, pairs = self.layout.softmax, self.pairs.softmax
        if s is None or pairs is None:
            return []
        n, fg = self.config.architecture.layers[-1].outputs, self.config.scales.fg
        maximum: Equation = [(Kind.PAIR, pairs[0] + j, ONE) for j in range(n)]
        division, boolean = Equation(), Equation()
        for j, w in enumerate(draw(n)):
            division += [(Kind.PAIR, pairs[1] + j, w), (Kind.COLUMN, s.rem + j, w)]
            division.append((Kind.COLUMN, s.e + j, -(w * (1 << fg))))
        for j, w in enumerate(draw(n)):
            boolean += [(Kind.PAIR, pairs[2] + j, w), (Kind.COLUMN, s.h + j, -w)]
        one: Equation = [*((Kind.COLUMN, s.h + j, ONE) for j in range(n)), (Kind.ONE, 0, -ONE)]
        sums: Equation = [*((Kind.COLUMN, s.e + j, ONE) for j in range(n)), (Kind.COLUMN, s.sum, -ONE)]
        return [maximum, division, boolean, one, sums]


def chunk_lookups(config: RunConfig, layout: ForwardLayout, behind: System | None = None) -> System:
    """Section 10.3, in a system of its own or behind the lookups of another."""
    system, scales = System(layout.log_rows) if behind is None else behind, config.scales
    for layer, c in zip(config.architecture.layers, layout.layers, strict=True):
        last = c.q is None
        for j in range(layer.outputs):
            z = signed(c.z + j, layer.z_bits)
            if last and layout.sigmoid is not None:
                system.add(loss_sigmoid(layer.z_bits, scales.fa, scales.fg), [z, column(layout.sigmoid + j)])
            elif layer.activation == IDENTITY or c.activation is None:
                system.add_range(layer.z_bits, z)
            elif layer.activation == RELU:
                system.add(relu(layer.z_bits), [z, column(c.activation + j)])
            else:
                table = smooth(layer.activation, layer.z_bits, scales.fa, c.derivative is not None)
                further = [slot for slot in (c.activation, c.derivative) if slot is not None]
                system.add(table, [z, *(column(slot + j) for slot in further)])
            for limbs in (c.z_rem, c.q_rem, c.d_rem):
                for width, slot in limbs:
                    system.add_range(width, column(slot + j))
            for first in (c.q, c.d):
                if first is not None:
                    system.add_range(layer.q_bits, signed(first + j, layer.q_bits))
    if (s := layout.softmax) is not None:
        classes, z_last = config.architecture.layers[-1].outputs, layout.layers[-1].z
        table = exponential(scales.fa, SIZE - (classes - 1).bit_length())
        for j in range(classes):
            system.add(table, [column(s.max).plus(column(z_last + j), -1), column(s.e + j)])
            system.add_range(scales.fg + 1, column(s.p + j))
            system.add_range(SIZE, column(s.rem + j))
            system.add_range(SIZE, column(s.sum).plus(Form([(0, s.rem + j, 1)], 1), -1))
    for limbs_of in layout.per_weight:
        limbs_of.lookups(system)
    for norm in layout.norms:
        norm.lookups(system)
    return system
