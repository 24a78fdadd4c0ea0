//! The uniform block against the rows that a real proof opened: full rank, for every column of every vector.
use super::*;
use crate::field::coordinates;
use crate::multilinear::eq_table;
use alloc::collections::{BTreeMap, BTreeSet};
use p3_dft::TwoAdicSubgroupDft;
use p3_field::{Field, PrimeField64, TwoAdicField};
use p3_whir::pcs::proof::QueryOpenings;

pub(super) fn rank(mut a: Vec<Vec<F>>) -> usize {
    let (mut rank, width) = (0, a.first().map_or(0, Vec::len));
    for c in 0..width {
        let Some(r) = (rank..a.len()).find(|&r| a[r][c] != F::ZERO) else { continue };
        a.swap(rank, r);
        let inverse = a[rank][c].inverse();
        let pivot = a[rank].clone();
        for row in a.iter_mut().skip(rank + 1).filter(|r| r[c] != F::ZERO) {
            let k = row[c] * inverse;
            row.iter_mut().zip(&pivot).skip(c).for_each(|(x, &y)| *x -= k * y);
        }
        rank += 1;
    }
    rank
}

/// Powers of one opened point over the block's exponents.
fn block_row(s: &VectorShape, rate: usize, row: usize) -> Vec<F> {
    block_start(s, rate, row, s.block)
}

/// The first `n` of them.
pub(super) fn block_start(s: &VectorShape, rate: usize, row: usize, n: usize) -> Vec<F> {
    let z = F::two_adic_generator(s.log_height + rate).exp_u64(row as u64);
    let mut power = z.exp_u64(s.payload_per_column() as u64);
    (0..n)
        .map(|_| {
            let out = power;
            power *= z;
            out
        })
        .collect()
}

/// Row indices of vector `k` that a proof opened, recovered from the committed codewords themselves.
fn opened(w: &World, values: &[F], k: usize, proof: &OpeningProof) -> BTreeSet<usize> {
    let (s, rate) = (w.config.shapes()[k], w.config.log_inv_rate());
    let offset: usize = w.config.shapes()[..k].iter().map(|s| s.columns).sum();
    // The first column at every point of its domain.
    let mut column = F::zero_vec(s.height() << rate);
    column[..s.height()].copy_from_slice(&values[..s.height()]);
    let codeword = Dft::default().dft(column).into_iter().enumerate();
    let codeword: BTreeMap<u64, usize> = codeword.map(|(j, v)| (v.as_canonical_u64(), j)).collect();
    let QueryOpenings::Base(o) = &proof.whir.whir.rounds[0].openings else { unreachable!() };
    let OraclePaths::First { rows, .. } = &o.proof else { unreachable!() };
    rows.iter().map(|r| codeword[&r[offset].as_canonical_u64()]).collect()
}

#[test]
fn blocks_cover_the_rows_that_proofs_open() {
    for rate in [2, 1] {
        let b = block(rate);
        for others in [vec![], vec![shape(9, 1, b)], vec![shape(10, 2, b), shape(11, 1, b)]] {
            let mut w = World::new(rate, shapes(rate, &others));
            let trace = w.trace();
            let tables: Vec<Vec<F>> =
                core::iter::once(trace.values.clone()).chain(w.others.iter().map(|o| o.values.clone())).collect();
            let refs: Vec<&LongLived> = w.others.iter().collect();
            let proof = opening_proof(&w.config, trace, &refs, w.claim(), &w.pins, &mut transcript()).unwrap();
            for (k, (s, values)) in w.config.shapes().iter().zip(&tables).enumerate() {
                let rows = opened(&w, values, k, &proof);
                assert!(rows.len() <= w.config.queries() && rows.len() > w.config.queries() / 2);
                let mut a: Vec<Vec<F>> = rows.iter().map(|&j| block_row(s, rate, j)).collect();
                // The pin is three more functionals of the block, weighted per column.
                if let Some(pin) = k.checked_sub(1).map(|k| &w.pins[k]) {
                    let eq = eq_table(&pin.point, E::ONE);
                    for i in 0..3 {
                        a.push(eq[s.payload_per_column()..s.height()].iter().map(|&x| coordinates(x)[i]).collect());
                    }
                }
                let n = a.len();
                assert_eq!(rank(a), n, "rate {rate}, vector {k}");
            }
        }
    }
}

/// The prover's own check against Gaussian elimination on the full block, and its refusal.
#[test]
fn the_prover_checks_the_rank_of_pin_and_rows() {
    use crate::opening::rank::{dimension, pin_is_hidden, vanishing};
    let b = block(2);
    let mut w = World::new(2, shapes(2, &[shape(10, 2, b), shape(11, 1, b)]));
    let (_, proof) = w.prove();
    for k in [1, 2] {
        let s = w.config.shapes()[k];
        let rows: Vec<usize> = opened(&w, &w.others[k - 1].values, k, &proof).into_iter().collect();
        assert!(pin_is_hidden(&s, 2, &rows, &w.pins[k - 1].point));
        // The same rows many times, and from the trace's taller domain.
        let lifted: Vec<usize> = rows.iter().chain(&rows).map(|j| j + (5 << (s.log_height + 2))).collect();
        assert!(pin_is_hidden(&s, 2, &lifted, &w.pins[k - 1].point));
        // A block that the rows use up, or all but two coefficients of it, hides no y; three may do.
        for (spare, hidden) in [(0, false), (1, false), (2, false), (3, true), (5, true)] {
            let tight = VectorShape { block: rows.len() + spare, ..s };
            assert_eq!(pin_is_hidden(&tight, 2, &rows, &w.pins[k - 1].point), hidden, "{spare} spare");
            let mut a: Vec<Vec<F>> = rows.iter().map(|&j| block_row(&tight, 2, j)).collect();
            let eq = eq_table(&w.pins[k - 1].point, E::ONE);
            for i in 0..3 {
                let block = &eq[tight.payload_per_column()..tight.height()];
                a.push(block.iter().map(|&x| coordinates(x)[i]).collect());
            }
            assert_eq!(rank(a) == rows.len() + 3, hidden, "{spare} spare, by elimination");
        }
        // Polynomials that vanish at the rows change no row.
        let s = VectorShape { block: rows.len() + 1, ..s };
        let root = F::two_adic_generator(s.log_height + 2);
        let a = vanishing(rows.iter().map(|&j| root.exp_u64(j as u64)));
        let zero = |row: &usize| block_row(&s, 2, *row).iter().zip(&a).map(|(&x, &y)| x * y).sum::<F>() == F::ZERO;
        assert!(rows.iter().all(zero));
    }
    assert_eq!(dimension([E::ONE, E::TWO, crate::field::basis(1)]), 2);
    // A pin at a point whose weights vanish on the block, which no hash gives: the proof does not leave.
    for k in [0, 1] {
        let mut w = World::new(2, shapes(2, &[shape(10, 2, b), shape(11, 1, b)]));
        let columns = w.pins[k].point.len() - w.others[k].shape.log_height;
        w.pins[k].point[columns] = E::ZERO;
        w.pins[k].value = w.others[k].pin(&w.pins[k].point);
        let (trace, claim) = (w.trace(), w.claim());
        let others: Vec<&LongLived> = w.others.iter().collect();
        let refused = opening_proof(&w.config, trace, &others, claim, &w.pins, &mut transcript());
        assert_eq!(refused.map(|_| ()), Err(OpeningError::PinRank { vector: k + 1 }));
    }
}

/// The control: a block of one coefficient less than the rows cannot have full rank.
#[test]
fn a_shorter_block_would_not_do() {
    let s = shape(11, 1, 10);
    let a: Vec<Vec<F>> = (0..11).map(|j| block_row(&s, 2, 3 * j + 1)).collect();
    assert_eq!(rank(a), 10);
}

/// Opened rows of an all-zero payload are spread over the field, and no two columns are proportional.
#[test]
fn opened_rows_of_a_zero_payload_are_uniform() {
    let mut w = World::new(2, shapes(2, &[shape(10, 2, block(2))]));
    w.payloads = w.config.shapes().iter().map(|s| vec![F::ZERO; s.capacity()]).collect();
    w.others = vec![LongLived::commit(w.config.shapes()[1], 2, &w.payloads[1], &[5; 32]).unwrap()];
    w.pins[0].value = w.others[0].pin(&w.pins[0].point);
    w.sigma = E::ZERO;
    let (roots, proof) = w.prove();
    w.check(&roots, &proof).unwrap();
    let QueryOpenings::Base(o) = &proof.whir.whir.rounds[0].openings else { unreachable!() };
    let OraclePaths::First { rows, .. } = &o.proof else { unreachable!() };
    let ratios: BTreeSet<u64> = rows
        .iter()
        .flat_map(|r| [r[0] * r[1].inverse(), r[2] * r[3].inverse(), r[0] * r[2].inverse()])
        .map(|x| x.as_canonical_u64())
        .collect();
    let distinct: BTreeSet<Vec<u64>> =
        rows.iter().map(|r| r.iter().map(PrimeField64::as_canonical_u64).collect()).collect();
    assert!(ratios.len() >= 3 * distinct.len() - 20, "{} ratios of {} rows", ratios.len(), distinct.len());
}
