//! Reduces `sum_{i < 2^k} n_i / d_i = 0` to one evaluation each of n and d, hidden behind pads.
//!
//! The fractions are added in a binary tree, `(n, d) = (n0 d1 + n1 d0, d0 d1)`; node x of a layer of 2^i nodes has
//! the children x and x + 2^i. A child's index therefore starts with the bit that tells left from right, the vectors
//! n0, n1, d0, d1 are contiguous halves, and every point is big-endian in the input's own order.
//! GKR walks from the root to the leaves. Source: Papini and Haboeck, "Improving logarithmic derivative lookups
//! using GKR", 2023, with the root of protocol.md, section 3, step 5.
//!
//! - **Root.** The numerator is the public 0. The denominator and its inverse are hidden messages whose product is
//!   1: with a false claim excluded, no leaf denominator is zero.
//! - **Layer of i variables.** With a fresh lambda and m = n1 + lambda d1, the claims on n and d at s become
//!   `e = sum_x eq(s, x) (n0 d1 + d0 m)(x)`. In round j the prover's polynomial, without its factor eq(s_j, X), is
//!   q0 + q1 X + q2 X^2 and the running claim is `e = (1 - s_j) q(0) + s_j q(1) = q0 + s_j (q1 + q2)`. So q1 and q2
//!   are sent, q0 is what satisfies the check, and `q(r) = e + q1 (r - s_j) + q2 (r^2 - s_j)` is linear in hidden
//!   values. Then n0, d0, m, d1 at r, two products, one linear claim, and a challenge c: the next point is (c, r).
//!
//! # Soundness
//! A layer of i variables errs with probability at most (2 i + 2) / |E|: lambda merges a false claim with a true one
//! (1), a false claim meets a polynomial of degree 2 in each round (2 i), and of two false halves the line through
//! them is true at c (1; if m is false then n1 or d1 is). Summed over i < k: [`error_numerator`]. The caller adds
//! the fingerprint's own term, (number of lookups and table rows) / |E|, and checks that fewer than p values are
//! looked up.
use crate::field::E;
use crate::hiding::{Affine, HidingError, Message, Reduction};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

#[cfg(feature = "prover")]
mod kernels;
#[cfg(feature = "prover")]
mod leaves;
#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
pub use prover::{LogupError, logup_proof};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/logup/v1";

/// What is left of the claim.
///
/// # Soundness
/// The caller owes two linear claims: the multilinear extension of the numerators at `point` is `numerator`, that
/// of the denominators is `denominator`, padding leaves (0 over 1) included.
#[must_use]
#[derive(Debug)]
pub struct LeafClaim {
    /// The leaf point, most significant bit of the leaf's index first.
    pub point: Vec<E>,
    /// The claimed n(point).
    pub numerator: Affine,
    /// The claimed d(point).
    pub denominator: Affine,
}

/// The verifier's side, for 2^`log_leaves` fractions.
///
/// # Errors
/// [`HidingError`] if the proof carries too few messages.
pub fn logup_check(reduction: &mut Reduction<'_>, log_leaves: usize) -> Result<LeafClaim, HidingError> {
    reduction.begin(LABEL);
    let (root, inverse) = (reduction.receive()?, reduction.receive()?);
    let mut unit = reduction.product(root, inverse);
    unit.add_constant(-E::ONE);
    reduction.assert_zero(unit);
    let mut claim = LeafClaim { point: Vec::new(), numerator: Affine::default(), denominator: root.affine() };
    for _ in 0..log_leaves {
        claim = layer(reduction, claim)?;
    }
    Ok(claim)
}

/// One layer: from a claim on its nodes to a claim on its children.
fn layer(reduction: &mut Reduction<'_>, claim: LeafClaim) -> Result<LeafClaim, HidingError> {
    let lambda = reduction.challenge();
    let mut running = claim.numerator;
    running.add_scaled(&claim.denominator, lambda);
    let mut point = Vec::with_capacity(claim.point.len() + 1);
    for &s in &claim.point {
        let (q1, q2) = (reduction.receive()?, reduction.receive()?);
        let r = reduction.challenge();
        running.add_scaled(&q1.affine(), r - s);
        running.add_scaled(&q2.affine(), r.square() - s);
        point.push(r);
    }
    let (n0, d0) = (reduction.receive()?, reduction.receive()?);
    let (m, d1) = (reduction.receive()?, reduction.receive()?);
    running.sub(&reduction.product(n0, d1));
    running.sub(&reduction.product(d0, m));
    reduction.assert_zero(running);
    let c = reduction.challenge();
    point.insert(0, c);
    let mut numerator = line(n0, m, c);
    numerator.add_scaled(&d1.affine(), -(lambda * c));
    Ok(LeafClaim { point, numerator, denominator: line(d0, d1, c) })
}

/// (1 - c) lo + c hi.
fn line(lo: Message, hi: Message, c: E) -> Affine {
    let mut v = lo.affine();
    v.scale(E::ONE - c);
    v.add_scaled(&hi.affine(), c);
    v
}

/// Numerator of the soundness error over |E|: sum over i < k of 2 i + 2, which is k (k + 1).
#[must_use]
pub const fn error_numerator(log_leaves: usize) -> u64 {
    (log_leaves as u64) * (log_leaves as u64 + 1)
}
