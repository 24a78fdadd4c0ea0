"""Products of cells, sums over rows and counts of a report, in one sumcheck (section 10.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spec.bilinear import bilinear_check
from spec.error_check import error_check
from spec.field import ONE, ZERO, E, eq, eq_table, lg, powers, unit_weights
from spec.hiding import Affine, Low, Reduction
from spec.report_claims import LIMB_BITS, LIMBS
from spec.report_columns import Pair
from spec.report_told import told_check
from spec.report_trace import TRACE, ReportTrace, Row, at_rows
from spec.terms import Equation, Kind
from spec.training import CROSS_ENTROPY


@dataclass(frozen=True)
class Gate:
    """A pair of forms; what its product is multiplied by at rho, and on every row that is read."""

    pair: Pair
    at_rho: E = ZERO
    read: E = ZERO


def gate_check(t: ReportTrace, r: Reduction, rho: Row, product: Equation, claimed: Affine) -> None:
    """Equations at rho, sums over rows and counts as one claim and one sumcheck.

    `claimed` is what the matrix products leave, less what is read of hidden rows.
    """
    n, outputs = t.layers[-1].outputs, t.statement.outputs
    reads = outputs is not None or t.statement.committed is not None
    u = unit_weights(r.point(lg(n)), n) if reads else []
    nu, head, x = r.challenge(), t.equations, t.residuals
    claims, b = t.checked.claims, t.backtest
    products = [] if b is None else b.products()
    bounded = x.bounded(t.head)
    sums = len(x.squares()) + len(products) + len(bounded)
    every = iter(powers(nu, 1 + len(head) + len(x.equal()) + sums + len(claims)))
    next(every)
    claimed.sub(t.linear(rho, product))
    gates = [Gate(pair) for pair in t.terms.pairs.forms]
    for kind, pair, c in product:
        if kind is Kind.PAIR:
            gates[pair] = Gate(gates[pair].pair, gates[pair].at_rho + c)
    for equation, power in zip(head, every, strict=False):
        claimed.add(t.linear_part(rho, equation), -power)
        gates += [Gate(pair, at_rho=power) for pair in equation.pairs]
    for (absolute, error), power in zip(x.equal(), every, strict=False):
        gates += [Gate(absolute, at_rho=power), Gate(error, at_rho=-power)]
    for (pairs, value), power in zip(x.squares(), every, strict=False):
        gates += [Gate(pair, read=power) for pair in pairs]
        claimed.add_constant(power * value)
    of_products = [next(every) for _ in products]
    for s, power in zip(products, of_products, strict=True):
        assert isinstance(s.of, tuple)
        gates.append(Gate(s.of, read=power))
    of_bounds = [next(every) for _ in bounded]
    for pairs, power in zip(bounded, of_bounds, strict=True):
        gates += [Gate(pair, read=power) for pair in pairs]
    of_counts = list(every)
    gates += hit_gates(t, of_counts)
    add_counts(t, r, claimed, of_counts)
    if outputs is not None:
        output_check(t, r, rho, outputs, u)
    told_check(t, r, rho, u)
    sum_check(t, r)
    if b is not None:
        values = b.check(r, rho.point, rho.column, rho.data, (t.log_rows, t.data_stride))
        for of_sum, power in zip(values, of_products, strict=True):
            claimed.add(of_sum, power)
    for of_sum, power in zip(error_check(t, r), of_bounds, strict=True):
        claimed.add(of_sum, power)
    if not gates and t.checked.classes == 0:
        r.assert_zero(claimed)
        return
    classes = t.checked.classes
    claim = bilinear_check(r, claimed, t.log_rows, lg(len(gates) + classes))
    here, eq_v, at_rho = t.row(r, claim.rows), eq_table(claim.units), eq(rho.point, claim.rows)
    left, right, weight = Affine(), Affine(), ZERO
    for gate, v in zip(gates, eq_v, strict=False):
        weight = weight + (at_rho * gate.at_rho + here.real * gate.read) * v
        t.add_form(left, gate.pair[0], here, v)
        t.add_form(right, gate.pair[1], here, v)
    for label, v in enumerate(eq_v[len(gates) : len(gates) + classes]):
        weight = weight + v
        add_label(t, left, label, here, v)
        add_predictions(t, right, label, here, of_counts, v)
    claim.close(r, weight)
    for side, message in ((left, claim.a), (right, claim.b)):
        side.sub(message)
        r.assert_zero(side)


def add_counts(t: ReportTrace, r: Reduction, e: Affine, of_counts: Sequence[E]) -> None:
    """Adds what the counts come to: values and slacks of all claims."""
    low = r.low(Low(table=[E(1 << LIMB_BITS * i) for i in range(LIMBS)]))
    slot = (t.slacks << t.log_rows) // LIMBS
    for claim, power in zip(t.checked.claims, of_counts, strict=True):
        e.add_constant(power * claim.value)
        if claim.bound:
            e.add_cell(TRACE, low, slot, power)
            slot += 1


def hit_gates(t: ReportTrace, of_counts: Sequence[E]) -> list[Gate]:
    """Rows of each group whose label is among the k largest outputs."""
    if t.ranks is None or t.head is None:
        return []
    pairs = t.ranks.hits(t.head)
    weights, first = [ZERO] * len(pairs), t.checked.classes**2 * t.head.group.n
    for claim, power in zip(t.checked.claims, of_counts, strict=True):
        for i, c in claim.terms:
            if i >= first:
                weights[i - first] = weights[i - first] + power * c
    return [Gate(pair, read=weight) for pair, weight in zip(pairs, weights, strict=True)]


def add_label(t: ReportTrace, e: Affine, c: int, row: Row, k: E) -> None:
    """Adds k times the indicator of a label, 0 on rows that are not read."""
    first = t.layers[0].inputs
    if t.checked.config.architecture.loss == CROSS_ENTROPY:
        t.add_data(e, row, first + c, k)
    elif c == 1:
        t.add_data(e, row, first, k)
    else:
        e.add_constant(k * row.real)
        t.add_data(e, row, first, -k)


def add_predictions(t: ReportTrace, e: Affine, label: int, row: Row, of_counts: Sequence[E], k: E) -> None:
    """Adds k times what a label is multiplied by: the claims' coefficients of groups and predictions."""
    assert t.head is not None
    classes, weights = t.checked.classes, dict[int, E]()
    for claim, power in zip(t.checked.claims, of_counts, strict=True):
        for i, c in claim.terms:
            if i < classes**2 * t.head.group.n and i // classes % classes == label:
                weights[i] = weights.get(i, ZERO) + power * c
    for i, w in weights.items():
        t.add_form(e, t.head.joint(i // classes**2, i % classes), row, k * w)


def output_check(t: ReportTrace, r: Reduction, rho: Row, values: Sequence[int], u: list[E]) -> None:
    """The outputs that are shown are Z of the last layer on the rows that are read."""
    z, public, e = t.layout.layers[-1].z, at_rows(values, len(u), rho.point), Affine()
    for j, w in enumerate(u):
        e.add_cell(TRACE, rho.masked, z + j, w)
        e.add_constant(-(public[j] * w))
    r.assert_zero(e)


def sum_check(t: ReportTrace, r: Reduction) -> None:
    """Sums of single columns over the rows that are read."""
    sums = t.residuals.sums()
    if not sums:
        return
    read = t.rows_read(r)
    for forms, value in sums:
        e = Affine(ONE * -value)
        for form in forms:
            t.add_form(e, form, read, ONE)
        r.assert_zero(e)
