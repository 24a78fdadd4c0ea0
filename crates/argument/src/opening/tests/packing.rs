//! Groups of columns as columns over E: the claims on the conjugates, what hides them, and their weights.
use super::super::packing::{DEGREE, Packing, conjugate, dual_basis, groups, inverse_conjugate, pad};
use super::super::tables::{conjugate_claims, packed_tables, unpacked, weight_tables};
use super::super::weights::evaluate;
use super::*;
use crate::field::{P, basis, coordinates};
use crate::multilinear::{evaluate_ext, log2_ceil};
use alloc::collections::BTreeSet;

fn trace_of(x: E) -> E {
    x + conjugate(x, 1) + conjugate(x, 2)
}

#[test]
fn the_dual_basis_reads_coordinates() {
    let x = entropy().uniform_ext("x", 1)[0];
    assert_eq!(conjugate(x, 1), x.exp_u64(P));
    assert_eq!(inverse_conjugate(conjugate(x, 2), 2), x);
    for (k, b) in dual_basis().into_iter().enumerate() {
        assert_eq!(trace_of(b * x), coordinates(x)[k].into());
        for l in 0..DEGREE {
            assert_eq!(trace_of(b * basis(l)), E::from_bool(k == l));
        }
    }
}

fn worlds() -> Vec<World> {
    let b = block(2);
    let cases = [vec![], vec![shape(10, 1, b)], vec![shape(11, 4, b), shape(9, 5, b)], vec![shape(10, 3, b)]];
    let mut out: Vec<World> = cases.iter().map(|c| World::new(2, shapes(2, c))).collect();
    // A trace of one column, and one of two groups.
    for columns in [1, 4] {
        let mut own = shapes(2, &[shape(10, 2, b)]);
        own[0].columns = columns;
        out.push(World::new(2, own));
    }
    for w in &mut out {
        for (k, weights) in w.weights.iter_mut().enumerate().skip(1) {
            weights.pin = E::from_u64(3 + k as u64);
        }
    }
    out
}

/// F and the weights of every group, exponent by exponent, from the definition: (F, [W_0, W_1, W_2]).
type Cells = Vec<(E, [E; DEGREE])>;

fn cells(w: &World, trace: &Trace, tables: &[E]) -> Cells {
    let height = 1 << w.config.h();
    let mut columns: Vec<Vec<F>> = trace.values.chunks(height).map(<[F]>::to_vec).collect();
    for o in &w.others {
        for short in o.values.chunks(o.shape.height()) {
            let mut column = vec![F::ZERO; height];
            column.iter_mut().step_by(height / short.len()).zip(short).for_each(|(c, &x)| *c = x);
            columns.push(column);
        }
    }
    let mut out = vec![];
    for (first, n) in groups(w.config.shapes()) {
        for j in 0..height {
            let at = |i: usize| if i < n { columns[first + i][j] } else { F::ZERO };
            let weight = |i: usize| if i < n { tables[(first + i) * height + j] } else { E::ZERO };
            out.push((E::new(core::array::from_fn(at)), core::array::from_fn(weight)));
        }
    }
    out
}

/// A_j of a cell.
fn conjugate_weight(w: &[E; DEGREE], j: usize) -> E {
    w.iter().zip(dual_basis()).map(|(&w, b)| b * inverse_conjugate(w, j)).sum()
}

/// An element of the trace's conjugates.
fn element(trace: &Trace, j: usize) -> E {
    let height = trace.shape.height();
    let cell = |c: usize, x: usize| trace.values.get(c * height + x).copied().unwrap_or_default();
    (0..DEGREE).map(|i| basis(i) * E::new(core::array::from_fn(|c| cell(c, pad(&trace.shape, j) + i)))).sum()
}

#[test]
fn three_claims_over_e_are_the_claim_over_f() {
    for mut w in worlds() {
        let trace = w.trace();
        let packed = weight_tables(&w.config, &w.weights, &w.pins);
        let tables: Vec<E> = unpacked(packed.iter().copied()).collect();
        let cells = cells(&w, &trace, &tables);
        let sigma: E =
            cells.iter().map(|(f, w)| coordinates(*f).into_iter().zip(w).map(|(f, &w)| w * f).sum::<E>()).sum();
        let own = |j: usize| cells.iter().map(|(f, w)| *f * conjugate_weight(w, j)).sum::<E>();
        assert_eq!(sigma, own(0) + conjugate(own(1), 1) + conjugate(own(2), 2));

        // What is sent: hidden by the elements, whose tie leaves the claim as it is.
        let [kappa, delta] = [0, 1].map(|_| w.entropy.uniform_ext("challenge", 1)[0]);
        let others: Vec<&LongLived> = w.others.iter().collect();
        let sources: Vec<&[F]> = trace
            .values
            .chunks(trace.shape.height())
            .chain(others.iter().flat_map(|o| o.values.chunks(o.shape.height())))
            .collect();
        let sent = conjugate_claims(&w.config, &packed, &sources, kappa);
        for j in [1, 2] {
            assert_eq!(sent[j - 1], own(j) + inverse_conjugate(kappa, j) * element(&trace, j));
        }
        assert_eq!(element(&trace, 0), conjugate(element(&trace, 1), 1) + conjugate(element(&trace, 2), 2));
        let first = own(0) - kappa * element(&trace, 0);
        assert_eq!(sigma, first + conjugate(sent[0], 1) + conjugate(sent[1], 2));

        // One claim of the three, its tables, and their succinct evaluation.
        let packing = Packing { kappa, delta };
        let mut dense: Vec<E> = unpacked(packed_tables(&w.config, &packed, &packing)).collect();
        let tau = first + delta * (sent[0] + delta * sent[1]);
        assert_eq!(tau, cells.iter().zip(&dense).map(|((f, _), &a)| *f * a).sum::<E>());
        let h = w.config.h();
        let rho_s = w.entropy.uniform_ext("s", log2_ceil(w.config.groups()));
        let rho_j = w.entropy.uniform_ext("j", h);
        dense.resize(w.config.groups().next_power_of_two() << h, E::ZERO);
        let point: Vec<E> = rho_s.iter().chain(&rho_j).copied().collect();
        let succinct = evaluate(&w.config, &w.weights, &w.pins, &packing, &rho_s, &rho_j);
        assert_eq!(evaluate_ext(&dense, &point), succinct);
    }
}

/// A trace whose third element is not tied to the others makes a false claim.
#[test]
fn untied_elements_fail_in_the_sums() {
    let mut w = World::new(2, shapes(2, &[shape(10, 1, block(2))]));
    let mut trace = w.trace();
    let at = pad(&trace.shape, 0);
    trace.values[at] += F::ONE;
    let roots = w.roots(trace.root());
    let others: Vec<&LongLived> = w.others.iter().collect();
    let proof = opening_proof(&w.config, trace, &others, w.claim(), &w.pins, &mut transcript()).unwrap();
    assert_eq!(w.check(&roots, &proof), Err(OpeningError::SourceClaim));
}

/// sigma_1 and sigma_2 are new elements of E in every proof of one statement.
#[test]
fn what_is_sent_of_the_conjugates_is_fresh() {
    let mut w = World::new(2, shapes(2, &[]));
    let sent: Vec<E> = (0..8).flat_map(|_| w.prove().1.conjugates).collect();
    let coordinates: BTreeSet<F> = sent.iter().flat_map(|&x| coordinates(x)).collect();
    assert_eq!(coordinates.len(), 48);
}
