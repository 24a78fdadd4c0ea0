"""The implicit weights of a chunk, its end and its windows: sections 10.5, steps 3 and 5, and 10.7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spec.field import ONE, ZERO, E, P, Point, eq_table, inner, lg, powers, total, unit_weights
from spec.hiding import Affine, Low, Reduction
from spec.layout import ModelLayout, TraceLayout, WeightLimbs
from spec.schedule import VELOCITY, WEIGHTS, Coefficients, Part, boundary_shift, decay, has_momentum
from spec.training import RunConfig

MODEL_OUT, MODEL_IN = 2, 3
AT_T, FINAL, STATE = range(3)
"""Row weights: of the weights at t*, of W_T, of V_T."""


@dataclass
class Unit:
    """sum_{k,j} inputs_k outputs_j M(k, j) for claims (row weight, power of mu)."""

    layer: int
    inputs: list[E]
    outputs: list[E]
    claims: list[tuple[int, int]]

    @property
    def mass(self) -> E:
        """sum_{k,j} inputs_k outputs_j."""
        return total(self.inputs) * total(self.outputs)


class WeightClaims:
    """What a chunk claims about the models around it; `public` is W_in from a seed, None if committed."""

    def __init__(self, config: RunConfig, chunk: int, layout: TraceLayout, public: list[int] | None) -> None:
        """Of one chunk."""
        self.config, self.layout, self.public = config, layout, public
        self.layers, self.momentum = config.architecture.layers, has_momentum(config)
        self.state = ModelLayout.state(self.layers, self.momentum)
        # The velocity before step 0 is the constant 0, whatever a start record holds.
        self.velocity_in = self.momentum and chunk > 0
        self.coefficients = Coefficients.of(config, chunk)
        self.chunk, self.numerator = chunk, decay(config, chunk)[0]
        self.steps = config.schedule.chunk_steps

    def final_units(self, r: Reduction) -> list[Unit]:
        """One unit per layer for W_T and V_T, at random points."""
        claims = [[(FINAL, 1 + i)] for i in range(len(self.layers))]
        if self.momentum:
            for i, own in enumerate(claims):
                own.append((STATE, 1 + len(self.layers) + i))
        return [self._random(r, i, own) for i, own in enumerate(claims)]

    def _random(self, r: Reduction, index: int, claims: list[tuple[int, int]]) -> Unit:
        layer = self.layers[index]
        inputs = unit_weights(r.point(lg(layer.k)), layer.k)
        return Unit(index, inputs, unit_weights(r.point(lg(layer.outputs)), layer.outputs), claims)

    def _low(self, r: Reduction, unit: Unit) -> int:
        size = 1 << self.state[0].stride[unit.layer]
        return r.low(Low(table=unit.outputs + [ZERO] * (size - len(unit.outputs))))

    def mu_powers(self, mu: E) -> list[E]:
        """mu^i of every claim."""
        return powers(mu, 1 + len(self.state) * len(self.layers))

    def _at_end(self) -> list[E]:
        """1 on every W_t that the chunk's end adds up."""
        return self.coefficients.end(self.steps)

    def alphas(self, t_star: Point) -> list[list[E]]:
        """The row weights over steps."""
        c = self.coefficients
        final = [x * self.numerator for x in c.alpha(self._at_end(), self.steps)]
        state = [E(c.state(s) % P) for s in range(c.real)] + [ZERO] * (self.steps - c.real)
        return [c.alpha(eq_table(t_star), self.steps), final, state]

    def claimed(self, r: Reduction, units: Sequence[Unit], t_star: Point, mu: list[E]) -> Affine:
        """What the weight sumcheck sums to, but for the claim on b."""
        c, out = self.coefficients, Affine()
        at_t, at_end = eq_table(t_star), self._at_end()
        start = [
            (c.start_weight(at_t), -c.velocity_weight(at_t)),
            (c.start_weight(at_end) * self.numerator, -(c.velocity_weight(at_end) * self.numerator)),
            (ZERO, -E(c.tap(c.real))),
        ]
        for unit in units:
            low = self._low(r, unit)
            for row, power in unit.claims:
                weight, velocity = start[row]
                self._add_start(out, unit, low, weight * mu[power], velocity * mu[power])
                if row == FINAL:
                    self._add_end(out, unit, low, WEIGHTS, -mu[power])
                if row == STATE:
                    self._add_end(out, unit, low, VELOCITY, mu[power])
        return out

    def _add_matrix(self, e: Affine, unit: Unit, low: int, place: tuple[int, ModelLayout], c: E) -> None:
        vector, layout = place
        for k, w in enumerate(unit.inputs):
            e.add_cell(vector, low, layout.first[unit.layer] + k, w * c)

    def _add_start(self, e: Affine, unit: Unit, low: int, weight: E, velocity: E) -> None:
        """weight W_in + velocity V_in."""
        if self.public is None:
            self._add_matrix(e, unit, low, (MODEL_IN, self.state[0]), weight)
        else:
            e.add_constant(weight * self._public(self.public, unit))
        if self.velocity_in:
            self._add_matrix(e, unit, low, (MODEL_IN, self.state[1]), velocity)

    def _public(self, weights: list[int], unit: Unit) -> E:
        n, before = len(unit.outputs), self.layers[: unit.layer]
        first = sum(layer.k * layer.outputs for layer in before)
        rows = (weights[first + k * n : first + (k + 1) * n] for k in range(len(unit.inputs)))
        return total(w * inner(unit.outputs, row) for w, row in zip(unit.inputs, rows, strict=True))

    def _add_end(self, e: Affine, unit: Unit, low: int, part: Part, c: E) -> None:
        """c times the exact end: 2^s out + remainder - 2^(s-1)."""
        shift, rounding = boundary_shift(self.config, part, self.chunk), self.layout.rounding[part]
        self._add_matrix(e, unit, low, (MODEL_OUT, self.state[part]), c * (1 << shift))
        if rounding is not None:
            rounding.remainder.add_to(e, unit.layer, low, unit.inputs, c)
            e.add_constant(-(c * unit.mass * ((1 << shift) >> 1)))

    def window_check(self, r: Reduction) -> None:
        """W_in, W_out and V_out + 2^(bits-1) are sums of limbs, at a random point per layer."""
        checked: list[tuple[int, ModelLayout, WeightLimbs]] = []
        if self.layout.start is not None:
            checked.append((MODEL_IN, self.state[0], self.layout.start))
        for state, rounding in zip(self.state, self.layout.rounding, strict=True):
            if rounding is not None:
                checked.append((MODEL_OUT, state, rounding.quotient))
        if not checked:
            return
        for index in range(len(self.layers)):
            unit = self._random(r, index, [])
            low = self._low(r, unit)
            for vector, state, limbs in checked:
                e = Affine(unit.mass * (1 << (limbs.bits - 1)))
                self._add_matrix(e, unit, low, (vector, state), ONE)
                limbs.add_to(e, index, low, unit.inputs, -ONE)
                r.assert_zero(e)

    def combined(self, units: Sequence[Unit], eq: Sequence[E]) -> list[tuple[list[E], list[E]]]:
        """Per layer sum_m eq_m inputs_m and sum_m eq_m outputs_m."""
        out = [([ZERO] * layer.k, [ZERO] * layer.outputs) for layer in self.layers]
        for unit, w in zip(units, eq, strict=False):
            for into, values in zip(out[unit.layer], (unit.inputs, unit.outputs), strict=True):
                for i, v in enumerate(values):
                    into[i] = into[i] + v * w
        return out
