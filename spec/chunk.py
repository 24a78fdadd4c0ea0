"""The relation of one chunk, section 10.5: products, implicit weights, gates, windows, lookups, in this order.

Each step is a method that leaves equations in cells at a row point; `gates` closes all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from spec import bilinear
from spec.bilinear import bilinear_check
from spec.field import ONE, ZERO, E, Point, eq, eq_table, lg, powers, total, unit_weights
from spec.hiding import Affine, Low, Message, Reduction
from spec.layout import NormLimbs, TraceLayout, weighted
from spec.lookup import lookup_check
from spec.parameters import LOG_RUN, algebraic
from spec.parameters import Term as ErrorTerm
from spec.schedule import chunks, row_index, weight_bits
from spec.terms import Equation, Kind, Terms, chunk_lookups
from spec.training import RunConfig
from spec.weights import AT_T, Unit, WeightClaims

LABEL = b"tacit/chunk/v1"
TRACE, DATA = 0, 1
RHO, SIGMA, X_STAR, ALL = range(4)
"""Where an equation holds: at a row point, or summed over all rows."""


@dataclass
class Row:
    """A row point, with the low parts that read columns, masked columns and the data through it."""

    point: Point
    column: int
    masked: int
    data: int


@dataclass
class Product:
    """One matrix product of a layer at (rho, unit weights); its summation indices are first, first + 1, ..."""

    layer: int
    forward: bool
    units: list[E]
    weight: E
    first: int
    n: int


@dataclass
class Owed:
    """An equation at a row point or over all rows, and what it comes to; 0 without a value."""

    row: int
    equation: Equation
    value: Message | Affine | None = None


class ChunkRelation:
    """One chunk; `start_bits` if it range-checks hidden initial weights, `public` if they come from a seed."""

    def __init__(self, config: RunConfig, chunk: int, start_bits: int | None, public: list[int] | None) -> None:
        """Of a checked statement."""
        self.config, self.layers = config, config.architecture.layers
        self.layout = TraceLayout(config, chunk, start_bits)
        self.terms = Terms(config, self.layout)
        self.lookups = chunk_lookups(config, self.layout)
        self.weights = WeightClaims(config, chunk, self.layout, public)
        self.index = row_index(config, chunk)
        self.log_steps, self.log_rows = lg(config.schedule.chunk_steps), self.layout.log_rows
        self.column_cells = self.lookups.place(self.layout.slots) << self.log_rows
        self.max_stride = self.layout.max_stride
        self.log_proofs = LOG_RUN + lg(chunks(config))

    def check(self, r: Reduction) -> None:
        """The chain of claims."""
        r.begin(LABEL)
        point = r.point(self.log_rows)
        rho, products = self.row(r, point), self.products(r)
        t_star, eq_v, owed, b = self.product_check(r, products, rho)
        sigma = self.row(r, t_star + point[self.log_steps :])
        x_star, left = self.weight_check(r, products, eq_v, t_star, b)

        def draw(n: int) -> list[E]:
            return unit_weights(r.point(lg(n)), n)

        equations = [owed, *left, *(Owed(RHO, e) for e in self.terms.gates(draw))]
        for norm, u, squares in self.terms.norms(draw):
            equations.append(Owed(ALL, squares, self.norm_value(r, norm, u)))
        self.gate_check(r, [rho, sigma, x_star], equations)
        self.weights.window_check(r)
        lookup_check(r, self.lookups)

    def row(self, r: Reduction, point: Point) -> Row:
        """The low parts of a row point."""
        table = eq_table(point)
        data, masked = [ZERO] * (1 << lg(self.config.schedule.rows)), [ZERO] * len(table)
        for x, index in enumerate(self.index):
            if index is not None:
                data[index] = data[index] + table[x]
                masked[x] = table[x]
        return Row(point, r.low(Low(point=point)), r.low(Low(table=masked)), r.low(Low(table=data)))

    def products(self, r: Reduction) -> list[Product]:
        """Step 2: draws the unit weights of every product, then lambda."""
        out, first = list[Product](), 0

        def add(layer: int, forward: bool, width: int, n: int) -> None:
            nonlocal first
            out.append(Product(layer, forward, unit_weights(r.point(lg(width)), width), ONE, first, n))
            first += n

        for index, layer in enumerate(self.layers):
            add(index, True, layer.outputs, layer.k)
        for index, layer in enumerate(self.layers[1:], 1):
            add(index, False, layer.inputs, layer.outputs)
        for p, weight in zip(out, powers(r.challenge(), len(out)), strict=True):
            p.weight = weight
        return out

    def raw(self, products: list[Product], row: Row) -> Affine:
        """sum_i lambda^i sum_j u_j (2^F V_j + remainder_j - 2^(F-1))."""
        out, f = Affine(), weight_bits(self.config)
        for p in products:
            c = self.layout.layers[p.layer if p.forward else p.layer - 1]
            first, remainder = (c.z, c.z_rem) if p.forward else (c.q, c.q_rem)
            assert first is not None
            for j, u in enumerate(p.units):
                w = p.weight * u
                out.add_cell(TRACE, row.column, first + j, w * (1 << f))
                for scale, slot in weighted(remainder):
                    out.add_cell(TRACE, row.column, slot + j, w * scale)
                out.add_constant(-(w * (1 << (f - 1))))
        return out

    def product_check(
        self, r: Reduction, products: list[Product], rho: Row
    ) -> tuple[Point, list[E], Owed, Message]:
        """Step 2: the sumcheck of the matrix products; t*, eq(v*, .), the claim on a, and b."""
        length = products[-1].first + products[-1].n
        claim = bilinear_check(r, self.raw(products, rho), self.log_steps, lg(length))
        eq_v = eq_table(claim.units)
        mass = total(p.weight * total(eq_v[p.first : p.first + p.n]) for p in products)
        claim.close(r, eq(rho.point[: self.log_steps], claim.rows) * mass)
        equation = Equation()
        for p in products:
            read = self.terms.inputs if p.forward else self.terms.gradients
            equation += read(p.layer, eq_v[p.first : p.first + p.n])
        return claim.rows, eq_v, Owed(SIGMA, equation, claim.a), claim.b

    def weight_check(
        self, r: Reduction, products: list[Product], eq_v: list[E], t_star: Point, b: Message
    ) -> tuple[Row, list[Owed]]:
        """Step 3: the sumcheck of the weights at t* and of the chunk's end; x* and the claims on a and d."""
        units = list[Unit]()
        for p in products:
            summed = eq_v[p.first : p.first + p.n]
            inputs, outputs = (summed, p.units) if p.forward else (p.units, summed)
            spare = [ZERO] * (self.layers[p.layer].k - len(inputs))
            units.append(Unit(p.layer, inputs + spare, outputs, [(AT_T, 0)]))
        units += self.weights.final_units(r)
        mu = self.weights.mu_powers(r.challenge())
        claimed = self.weights.claimed(r, units, t_star, mu)
        claimed.sub(b)
        claim = bilinear_check(r, claimed, self.log_rows, lg(len(units)))
        eq_m, eq_t = eq_table(claim.units), eq_table(claim.rows[: self.log_steps])
        at = [total(x * w for x, w in zip(alpha, eq_t, strict=True)) for alpha in self.weights.alphas(t_star)]
        scalars = (total(at[row] * mu[power] for row, power in unit.claims) for unit in units)
        claim.close(r, total(w * scalar for w, scalar in zip(eq_m, scalars, strict=False)))
        inputs_equation, gradients_equation = Equation(), Equation()
        for index, (inputs, outputs) in enumerate(self.weights.combined(units, eq_m)):
            inputs_equation += self.terms.inputs(index, inputs)
            gradients_equation += self.terms.gradients(index, outputs)
        owed = [Owed(X_STAR, inputs_equation, claim.a), Owed(X_STAR, gradients_equation, claim.b)]
        return self.row(r, claim.rows), owed

    def gate_check(self, r: Reduction, rows: list[Row], owed: list[Owed]) -> None:
        """Step 4: all equations as one claim; what they read of gate pairs is one sumcheck."""
        pairs = self.terms.pairs.forms
        claimed, scalars = Affine(), [[ZERO] * (len(rows) + 1) for _ in pairs]
        for o, power in zip(owed, powers(r.challenge(), len(owed)), strict=True):
            linear = Affine()
            for kind, slot, c in o.equation:
                if kind is Kind.PAIR:
                    scalars[slot][o.row] = scalars[slot][o.row] + c * power
                    continue
                # Equations over all rows read pairs alone.
                row = rows[o.row]
                match kind:
                    case Kind.ONE:
                        linear.add_constant(c)
                    case Kind.COLUMN:
                        linear.add_cell(TRACE, row.column, slot, c)
                    case Kind.MASKED:
                        linear.add_cell(TRACE, row.masked, slot, c)
                    case Kind.DATA:
                        linear.add_cell(DATA, row.data, slot, c)
            if o.value is not None:
                linear.sub(o.value)
            claimed.add(linear, -power)
        if not pairs:
            r.assert_zero(claimed)
            return
        claim = bilinear_check(r, claimed, self.log_rows, lg(len(pairs)))
        eq_v, at = eq_table(claim.units), [*(eq(row.point, claim.rows) for row in rows), ONE]
        sums = (total(c * q for c, q in zip(own, at, strict=True)) for own in scalars)
        claim.close(r, total(v * c for v, c in zip(eq_v, sums, strict=False)))
        low = r.low(Low(point=claim.rows))
        for side, message in enumerate((claim.a, claim.b)):
            e = Affine()
            for pair, v in zip(pairs, eq_v, strict=False):
                pair[side].add_to(e, low, v)
            e.sub(message)
            r.assert_zero(e)

    def norm_value(self, r: Reduction, norm: NormLimbs, u: list[E]) -> Affine:
        """sum_j u_j S_j, S_j from its limbs."""
        out, size = Affine(), 1 << self.log_rows
        for i in range(norm.count):
            part = u[i * size : (i + 1) * size]
            low = r.low(Low(table=part + [ZERO] * (size - len(part))))
            for scale, slot in weighted(norm.limbs):
                out.add_cell(TRACE, low, slot + i, E(scale))
        return out

    def soundness(self, bits: float) -> list[ErrorTerm]:
        """Error terms."""
        count, numerator = len(self.layers), bilinear.error_numerator
        summed = sum(layer.k + layer.outputs for layer in self.layers)
        widest = max(lg(n) for layer in self.layers for n in (layer.k, layer.outputs))
        # rho, unit points of 4 L + 3 claims, of one weight per layer and of norms, and the powers that batch.
        points = self.log_rows + (5 * count + 3) * 2 * widest + 9 * count + 8
        points += len(self.layout.norms) * (widest + 1)
        return [
            algebraic("matrix products", numerator(self.log_steps, lg(summed)), bits),
            algebraic("implicit weights", numerator(self.log_rows, lg(3 * count)), bits),
            algebraic("gates", numerator(self.log_rows, lg(len(self.terms.pairs.forms))), bits),
            algebraic("random points and batching powers", points, bits),
            algebraic("lookups", self.lookups.error_numerator(), bits),
        ]
