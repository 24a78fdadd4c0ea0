//! Completeness, and the succinct weights against dense tables.
use super::super::sumcheck::column_values;
use super::super::tables::{unpacked, weight_tables};
use super::super::weights::sources;
use super::*;
use crate::multilinear::{eq_table, evaluate_base, evaluate_ext, log2_ceil};

fn worlds() -> Vec<World> {
    let mut out = vec![];
    for rate in [2, 1] {
        let b = block(rate);
        let cases: [Vec<VectorShape>; 5] = [
            vec![],
            vec![shape(10, 1, b)],
            vec![shape(10, 3, b), shape(9, 1, b)],
            vec![shape(11, 5, b)],
            vec![shape(11, 2, b + 64), shape(10, 2, b)],
        ];
        out.extend(cases.iter().map(|c| World::new(rate, shapes(rate, c))));
    }
    out
}

#[test]
fn honest_proofs_pass_and_survive_the_wire() {
    for mut w in worlds() {
        let (roots, proof) = w.prove();
        w.check(&roots, &proof).expect("honest");
        let bytes = postcard::to_allocvec(&proof).unwrap();
        let (decoded, rest) = postcard::take_from_bytes::<OpeningProof>(&bytes).unwrap();
        assert!(rest.is_empty());
        w.check(&roots, &decoded).expect("decoded");
    }
}

#[test]
fn a_tall_trace_beside_short_vectors() {
    let b = block(2);
    let trace = shape(14, 5, (queries_for(2, 14, 8).unwrap() + CONJUGATE_BLOCK).next_multiple_of(64));
    let mut w = World::new(2, vec![trace, shape(9, 2, b), shape(11, 1, b)]);
    let (roots, proof) = w.prove();
    w.check(&roots, &proof).expect("honest");
}

#[test]
fn two_openings_of_one_long_lived_vector() {
    let mut w = World::new(2, shapes(2, &[shape(10, 1, 2 * block(2))]));
    for _ in 0..2 {
        let (roots, proof) = w.prove();
        w.check(&roots, &proof).expect("honest");
    }
}

#[test]
fn succinct_weights_equal_the_dense_table() {
    let b = block(2);
    let mut w = World::new(2, shapes(2, &[shape(11, 3, b), shape(9, 5, b)]));
    for (k, weights) in w.weights.iter_mut().enumerate().skip(1) {
        weights.pin = E::from_u64(3 + k as u64);
    }
    let config = &w.config;
    let dense: Vec<E> = unpacked(weight_tables(config, &w.weights, &w.pins)).collect();
    // The definition, cell by cell.
    let mut expected = vec![];
    for (k, (weights, s)) in w.weights.iter().zip(config.shapes()).enumerate() {
        let mut table = vec![E::ZERO; s.columns << 11];
        let step = 11 - s.log_height;
        for (cell, c) in cell_weights(weights, s.capacity()).into_iter().enumerate() {
            let (column, exponent) = s.physical(cell).unwrap();
            table[(column << 11) + (exponent << step)] += c;
        }
        if k > 0 {
            let eq = eq_table(&w.pins[k - 1].point, weights.pin);
            for (i, &c) in eq.iter().take(s.columns << s.log_height).enumerate() {
                table[i << step] += c;
            }
        }
        expected.extend(table);
    }
    assert_eq!(dense, expected);
    let (rho_s, rho_j) = (w.entropy.uniform_ext("s", log2_ceil(config.sources())), w.entropy.uniform_ext("j", 11));
    let point: Vec<E> = rho_s.iter().chain(&rho_j).copied().collect();
    expected.resize(config.sources().next_power_of_two() << 11, E::ZERO);
    assert_eq!(
        evaluate_ext(&expected, &point),
        sources(config, &w.weights, &w.pins, &eq_table(&rho_s, E::ONE), &rho_j)
    );
}

#[test]
fn columns_of_p_make_up_h() {
    let mut rng = entropy();
    let (h, groups) = (11, 3);
    let p = rng.uniform("p", (3 * groups) << h);
    let (rho_s, rho_j) = (rng.uniform_ext("s", 2), rng.uniform_ext("j", h));
    let values = column_values(&p, &rho_j);
    for (c, &v) in values.iter().enumerate() {
        assert_eq!(v, evaluate_base(&p[c << h..(c + 1) << h], &rho_j));
    }
    let table: Vec<E> = (0..groups << h)
        .map(|i| {
            let (s, j) = (i >> h, i & ((1 << h) - 1));
            E::new(core::array::from_fn(|k| p[((3 * s + k) << h) + j]))
        })
        .chain(core::iter::repeat_n(E::ZERO, 1 << h))
        .collect();
    let point: Vec<E> = rho_s.iter().chain(&rho_j).copied().collect();
    let sum: E = weights::column_weights(groups, &rho_s).iter().zip(&values).map(|(&w, &v)| w * v).sum();
    assert_eq!(sum, evaluate_ext(&table, &point));
}

#[test]
fn a_long_lived_vector_is_rebuilt_from_payload_and_seed() {
    let (s, mut rng) = (shape(10, 2, block(2)), entropy());
    let payload = rng.uniform("payload", s.capacity() - 5);
    let first = LongLived::commit(s, 2, &payload, &[9; 32]).unwrap();
    let again = LongLived::commit(s, 2, &payload, &[9; 32]).unwrap();
    assert_eq!((first.root(), &first.values), (again.root(), &again.values));
    assert_ne!(first.root(), LongLived::commit(s, 2, &payload, &[8; 32]).unwrap().root());
    // A seed used for another payload gives other blocks: equal blocks would show the difference of the payloads.
    let mut other = payload.clone();
    other[0] += F::ONE;
    let other = LongLived::commit(s, 2, &other, &[9; 32]).unwrap();
    let tail = |l: &LongLived| l.values[s.height() - s.block..s.height()].to_vec();
    assert!(tail(&first).iter().zip(tail(&other)).all(|(&a, b)| a != b));
    let point = rng.uniform_ext("point", s.variables());
    assert_eq!(first.pin(&point), evaluate_base(&first.values, &point));
    assert_eq!(alloc::format!("{first:?}"), "LongLived");
}

#[test]
fn two_commitments_of_one_trace_share_nothing() {
    let mut w = World::new(2, shapes(2, &[]));
    let (a, b) = (w.trace(), w.trace());
    assert_ne!(a.root(), b.root());
    assert!(a.mask.iter().zip(&b.mask).all(|(x, y)| x != y));
}
