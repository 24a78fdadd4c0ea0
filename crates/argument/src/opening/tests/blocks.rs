//! The rank test for every shape that the chooser returns, small and extreme ones included.
//!
//! Rows of a column at n points are the block times (z_j^(first + k)): a Vandermonde matrix with its rows scaled by
//! z_j^first. It has rank n iff the z_j are distinct and not zero and n <= block. Both are checked for every shape of
//! the sweep on random query positions, repetitions and the power map included; the elimination itself where it is
//! small.
extern crate std;
use super::rank::{block_start, rank};
use super::*;
use crate::multilinear::log2_ceil;
use crate::opening::config::MAX_LOG_PROOFS;
use crate::opening::rank::pin_is_hidden;
use crate::share::{LOG_LINK, LOG_RUN};
use alloc::collections::BTreeSet;
use p3_field::TwoAdicField;
use rand_core::Rng;

const PAYLOADS: [usize; 18] = [
    0,
    1,
    5,
    31,
    32,
    33,
    64,
    300,
    1_000,
    4_096,
    8_191,
    65_537,
    262_144,
    1_000_000,
    10_000_000,
    60_000_000,
    1 << 29,
    1 << 34,
];
const STRIDES: [usize; 9] = [0, 1, 3, 6, 9, 10, 13, 17, 22];
const PROOFS: [usize; 9] = [0, 1, 2, 4, 16, 64, 1_000, 20_000, 1 << 24];

/// Positions that a proof would ask for, each twice.
fn positions(config: &OpeningConfig, rng: &mut impl Rng) -> Vec<usize> {
    let mask = (1u64 << (config.h() + config.log_inv_rate())) - 1;
    let once: Vec<usize> = (0..config.queries()).map(|_| (rng.next_u64() & mask) as usize).collect();
    once.iter().chain(&once).copied().collect()
}

/// Everything that makes the rows of one vector uniform, for one proof at these positions.
fn covers(config: &OpeningConfig, vector: usize, positions: &[usize]) -> BTreeSet<usize> {
    let s = config.shapes()[vector];
    let domain = s.log_height + config.log_inv_rate();
    let rows: BTreeSet<usize> = positions.iter().map(|j| j & ((1 << domain) - 1)).collect();
    let spare = if vector == 0 { CONJUGATE_BLOCK } else { PIN_BLOCK };
    assert!(rows.len() <= config.queries() && config.queries() + spare <= s.block && s.block < s.height(), "{s:?}");
    // Distinct positions are distinct powers of a root of unity of the domain's order, which is even possible.
    let w = F::two_adic_generator(domain);
    assert!(w.exp_power_of_2(domain) == F::ONE && w.exp_power_of_2(domain - 1) == F::NEG_ONE);
    rows
}

fn long_lived() -> Vec<(VectorShape, usize, usize)> {
    let mut out = vec![];
    for rate in LOG_INV_RATES {
        for payload in PAYLOADS {
            for stride in STRIDES {
                for proofs in PROOFS {
                    match long_lived_shape(payload, stride, proofs, rate) {
                        Ok(s) => {
                            let level = (LOG_RUN + log2_ceil(proofs)).clamp(LOG_LINK, MAX_LOG_PROOFS);
                            let queries = queries_among(rate, 26, 1, level).unwrap();
                            assert!(s.block >= proofs.max(1) * queries + PIN_BLOCK && s.holds_stride(stride), "{s:?}");
                            assert!(s.capacity() >= payload && s.validate(1, queries).is_ok());
                            out.push((s, rate, proofs));
                        }
                        // Never a smaller block: an error.
                        Err(e) => assert!(matches!(e, OpeningError::BlockTooLong { .. }), "{e}"),
                    }
                }
            }
        }
    }
    out
}

#[test]
fn every_long_lived_shape_covers_its_budget() {
    let shapes = long_lived();
    std::println!("{} shapes", shapes.len());
    assert!(shapes.len() > 1_500, "{}", shapes.len());
    let distinct: BTreeSet<_> = shapes.iter().map(|(s, r, _)| (s.log_height, s.columns, s.block, *r)).collect();
    assert!(distinct.len() > 300, "{}", distinct.len());
}

#[test]
fn every_chosen_trace_covers_the_rows_of_a_proof() {
    let mut rng = entropy().stream("positions");
    let all = long_lived();
    let (mut chosen, mut ranks) = (0, 0);
    for rate in LOG_INV_RATES {
        let own: Vec<VectorShape> = all.iter().filter(|s| s.1 == rate).map(|s| s.0).collect();
        for (i, payload) in PAYLOADS.into_iter().enumerate() {
            for (j, stride) in STRIDES.into_iter().enumerate() {
                for level in [0, 3, 10, MAX_LOG_PROOFS] {
                    let k = chosen + i * 31 + j * 7;
                    let others: Vec<VectorShape> = (0..k % 4).map(|n| own[(k * 97 + n * 613) % own.len()]).collect();
                    let config = match choose_among(rate, payload, stride, &others, level) {
                        Ok(config) => config,
                        // A long-lived vector that was committed for fewer rows than this proof opens; or no room.
                        Err(OpeningError::BlockTooShort { vector, needed, got }) => {
                            assert!(vector > 0 && needed > got && got == others[vector - 1].block);
                            continue;
                        }
                        Err(e) => {
                            let known = matches!(
                                e,
                                OpeningError::Capacity { .. }
                                    | OpeningError::BlockTooLong { .. }
                                    | OpeningError::Soundness { .. }
                            );
                            assert!(known, "{e}");
                            continue;
                        }
                    };
                    chosen += 1;
                    assert!(config.trace().capacity() >= payload && config.trace().holds_stride(stride));
                    assert_eq!(&config.shapes()[1..], others);
                    let positions = positions(&config, &mut rng);
                    for (vector, s) in config.shapes().iter().enumerate() {
                        let rows = covers(&config, vector, &positions);
                        // One coefficient less than the rows, and prover and verifier refuse the configuration.
                        let mut less = config.shapes().to_vec();
                        less[vector].block =
                            config.queries() + if vector == 0 { CONJUGATE_BLOCK } else { PIN_BLOCK } - 1;
                        let refused = OpeningConfig::among(rate, less, level).map(|_| ());
                        assert!(matches!(refused, Err(OpeningError::BlockTooShort { vector: v, .. }) if v == vector));
                        if vector > 0 {
                            let digest = core::array::from_fn(|_| rng.next_u64() as u8);
                            assert!(pin_is_hidden(s, rate, &positions, &pin_point(&digest, s)), "{s:?}");
                        }
                        // The elimination itself, on every tenth: the first coefficients of the block are enough.
                        if chosen % 10 == 0 {
                            let n = rows.len();
                            let a = rows.iter().map(|&r| block_start(s, rate, r, n)).collect();
                            assert_eq!(rank(a), rows.len(), "{s:?}");
                            ranks += 1;
                        }
                    }
                }
            }
        }
    }
    std::println!("{chosen} configurations, {ranks} eliminations");
    assert!(chosen > 400 && ranks > 60, "{chosen} configurations, {ranks} eliminations");
}

/// The whole budget of a small vector: the rows of all its proofs together and y.
#[test]
fn all_proofs_of_a_budget_together() {
    let mut rng = entropy().stream("positions");
    for rate in LOG_INV_RATES {
        for (payload, stride, proofs) in [(1, 0, 1), (32, 3, 2), (300, 5, 3)] {
            let s = long_lived_shape(payload, stride, proofs, rate).unwrap();
            let config = choose_among(rate, 5_000, stride, &[s], log2_ceil(proofs)).unwrap();
            let all: Vec<usize> = (0..proofs).flat_map(|_| positions(&config, &mut rng)).collect();
            let domain = s.log_height + rate;
            let rows: BTreeSet<usize> = all.iter().map(|j| j & ((1 << domain) - 1)).collect();
            let point = pin_point(&[9; 32], &s);
            let eq = crate::multilinear::eq_table(&point, E::ONE);
            let mut a: Vec<Vec<F>> = rows.iter().map(|&j| block_start(&s, rate, j, s.block)).collect();
            for i in 0..3 {
                let block = &eq[s.payload_per_column()..s.height()];
                a.push(block.iter().map(|&x| crate::field::coordinates(x)[i]).collect());
            }
            assert_eq!(rank(a), rows.len() + 3, "{s:?}, {proofs} proofs");
            assert!(pin_is_hidden(&s, rate, &all, &point));
        }
    }
}
