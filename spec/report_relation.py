"""The relation of a report, section 10.8: matrix products at one row, gates and counts, lookups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from spec import bilinear
from spec.bilinear import bilinear_check
from spec.field import ONE, ZERO, E, eq_table, lg, powers, total, unit_weights
from spec.hiding import Affine, Low, Message, Reduction
from spec.layout import ModelLayout, weighted
from spec.lookup import lookup_check
from spec.parameters import LOG_ABOUT_MODEL, Term, algebraic
from spec.report_claims import LIMB_BITS, LIMBS
from spec.report_gates import gate_check
from spec.report_rules import Checked
from spec.report_statement import CommittedInput, ReportStatement
from spec.report_trace import TRACE, ReportTrace, Row
from spec.schedule import weight_bits
from spec.score_check import score_check, score_terms
from spec.terms import Equation

LABEL = b"tacit/report/v1"
COMPARED = b"tacit/compared/v1"
MODEL, OTHER = 1, 3


class Claimed(Protocol):
    """Weights that the verifier holds."""

    def claim(self, layers: Sequence[tuple[list[E], list[E]]]) -> E:
        """Sum over (inputs, units) of every layer of input k times unit j times W(k, j)."""


class ModelRelation(ReportTrace):
    """What a report says of one model."""

    log_proofs = LOG_ABOUT_MODEL
    model_id = MODEL
    held: Claimed | None = None
    """The weights of a public model."""

    @property
    def model(self) -> ModelLayout:
        """Where its weights stand."""
        return ModelLayout.of(self.layers, 0)

    def model_check(self, r: Reduction) -> None:
        """The chain of claims but for the lookups."""
        rho = self.row(r, r.point(self.log_rows))
        units = [unit_weights(r.point(lg(layer.outputs)), layer.outputs) for layer in self.layers]
        powers_of_lambda = powers(r.challenge(), len(self.layers))
        product, a = self.product_check(r, rho, units, powers_of_lambda)
        left = Affine()
        left.add(a)
        if self.selection is not None:
            left.sub(self.selection.check(r, rho.point, product))
        gate_check(self, r, rho, product, left)
        score_check(self, r)

    def parts(self, weights: Sequence[E]) -> Iterator[tuple[int, list[E]]]:
        """(layer, its part of one weight per input of all layers, one layer after the other)."""
        first = 0
        for index, layer in enumerate(self.layers):
            yield index, list(weights[first : first + layer.k])
            first += layer.k

    def product_check(
        self, r: Reduction, rho: Row, units: list[list[E]], scale: list[E]
    ) -> tuple[Equation, Message]:
        """Every layer's matrix product at rho: the sum of all inputs that is left, and what it comes to."""
        raw, f = Affine(), weight_bits(self.checked.config)
        for c, u, power in zip(self.layout.layers, units, scale, strict=True):
            for j, w in enumerate(u):
                raw.add_cell(TRACE, rho.column, c.z + j, w * power * (1 << f))
                for m, slot in weighted(c.z_rem):
                    raw.add_cell(TRACE, rho.column, slot + j, w * power * m)
                raw.add_constant(-(w * power * (1 << (f - 1))))
        claim = bilinear_check(r, raw, 0, lg(sum(layer.k for layer in self.layers)))
        eq_v = eq_table(claim.units)
        claim.close(r, total(scale[index] * total(part) for index, part in self.parts(eq_v)))
        weights, inputs, model = Affine(), Equation(), self.model
        if self.held is not None:
            parts = [(part, units[index]) for index, part in self.parts(eq_v)]
            weights.add_constant(self.held.claim(parts))
        for index, part in self.parts(eq_v):
            size = 1 << model.stride[index]
            low = r.low(Low(table=units[index] + [ZERO] * (size - len(units[index]))))
            for k, w in enumerate(part if self.held is None else ()):
                weights.add_cell(self.model_id, low, model.first[index] + k, w)
            inputs += self.terms.inputs(index, part)
        weights.sub(claim.b)
        r.assert_zero(weights)
        return inputs, claim.a

    def model_terms(self, bits: float) -> list[Term]:
        """Error terms but for the lookups."""
        numerator, x, b = bilinear.error_numerator, self.residuals, self.backtest
        bounded, ranks = x.bounded(self.head), self.ranks
        sums = len(x.squares()) + (0 if b is None else len(b.products())) + len(bounded)
        gates = len(self.terms.pairs.forms) + sum(len(e.pairs) for e in self.equations)
        gates += 2 * len(x.equal()) + sum(len(pairs) for pairs, _ in x.squares())
        gates += (0 if b is None else len(b.products())) + sum(map(len, bounded))
        gates += 0 if ranks is None or self.head is None else len(ranks.hits(self.head))
        points = self.log_rows + 2 * sum(lg(layer.outputs) for layer in self.layers) + len(self.layers)
        points += 1 + len(self.equations) + len(x.equal()) + sums + len(self.checked.claims)
        points += 0 if b is None else self.log_rows + b.batched
        summed = sum(layer.k for layer in self.layers)
        return [
            algebraic("matrix products", numerator(0, lg(summed)), bits),
            algebraic("gates and counts", numerator(self.log_rows, lg(gates + self.checked.classes)), bits),
            algebraic("random points and batching powers", points, bits),
            *score_terms(self.checked.scores, bits),
            *([] if self.selection is None else self.selection.soundness(bits)),
        ]


class ReportRelation(ModelRelation):
    """One report: its model, and one that it is compared with."""

    def __init__(
        self,
        statement: ReportStatement,
        checked: Checked,
        other: tuple[ReportStatement, Checked] | None = None,
        tied: Sequence[tuple[int, int]] = (),
        public: Claimed | None = None,
    ) -> None:
        """Of checked statements; `public` are the weights of a public model, `tied` the slacks of both models
        that every comparison is about.
        """
        super().__init__(statement, checked, len(tied))
        self.held = public
        self.tied, self.other, last = tied, None, self.next
        if other is not None:
            self.other = ModelRelation(*other, behind=self)
            # Of public rows there is no vector before it.
            self.other.model_id = OTHER if isinstance(statement.input, CommittedInput) else OTHER - 1
            last = self.other.next
        self.slots = self.lookups.place(last)
        self.column_cells = self.slots << self.log_rows

    def check(self, r: Reduction) -> None:
        """The chain of claims."""
        r.begin(LABEL)
        self.model_check(r)
        if self.other is not None:
            r.begin(COMPARED)
            self.other.model_check(r)
            self.tie_check(r, self.other)
        lookup_check(r, self.lookups)

    def tie_check(self, r: Reduction, other: ModelRelation) -> None:
        """The slack of the first model is that of the second and one more, which is a number of limbs."""
        low = r.low(Low(table=[E(1 << LIMB_BITS * i) for i in range(LIMBS)]))
        here, there = ((t.slacks << t.log_rows) // LIMBS for t in (self, other))
        for i, (first, second) in enumerate(self.tied):
            e = Affine()
            e.add_cell(TRACE, low, here + first, ONE)
            e.add_cell(TRACE, low, there + second, -ONE)
            e.add_cell(TRACE, low, here + self.checked.bounds + i, -ONE)
            r.assert_zero(e)

    def soundness(self, bits: float) -> list[Term]:
        """Error terms."""
        terms = self.model_terms(bits) + ([] if self.other is None else self.other.model_terms(bits))
        return [*terms, algebraic("lookups", self.lookups.error_numerator(), bits)]
