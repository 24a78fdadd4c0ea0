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
//! - **Layer of i variables (X, y), i > 0.** From the layer above stand claims on n0, n1, d0, d1 at the point s of
//!   i - 1 coordinates. With a fresh lambda and m = n1 + lambda d1 let
//!   `q(X) = sum_y eq(s, y) (n0 d1 + d0 m)(X, y)`, of degree 2. By the claims q(0) = n0 + lambda d0 and
//!   q(1) = n1 + lambda d1, so its leading coefficient q2 is all that is sent, and
//!   `e = q(r) = (1 - r) q(0) + r q(1) + (r^2 - r) q2`.
//! - **Its other rounds** sum over one variable of y each. Without the factor eq(s_j, X) the polynomial is
//!   q0 + q1 X + q2 X^2 with `e = (1 - s_j) q(0) + s_j q(1) = q0 + s_j (q1 + q2)`. So q1 and q2 are sent, q0 is what
//!   satisfies that check, and `q(r) = e + (r - s_j) q1 + (r^2 - s_j) q2` is linear in hidden values.
//! - **Its end.** n0, d0, m, d1 at the bound point, two products, one linear claim `e = n0 d1 + d0 m`; n1 is
//!   m - lambda d1. The root's layer has no variable: e = 0 + lambda d. After the last layer a challenge c joins the
//!   halves: the leaf point is (c, point).
//!
//! # Soundness
//! A layer of i variables errs with probability at most (2 i + 1) / |E|: lambda merges a false claim with a true one
//! (1), a false polynomial of degree 2 meets the true one at the challenge (2 each round). If e is false, so is one
//! of n0, d0, m, d1, and if it is m alone, n1. The challenge c makes a false half true with probability 1 / |E|.
//! Together: [`error_numerator`]. The caller adds the fingerprint's own term, (lookups + table rows) / |E|, and
//! checks that fewer than p values are looked up.
use crate::field::E;
use crate::hiding::{Affine, HidingError, Message, Reduction};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

#[cfg(feature = "prover")]
mod kernels;
#[cfg(feature = "prover")]
mod lanes;
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
    /// The product of all denominators.
    pub root: Message,
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
    if log_leaves == 0 {
        return Ok(LeafClaim { point: Vec::new(), numerator: Affine::default(), denominator: root.affine(), root });
    }
    let lambda = reduction.challenge();
    let mut running = root.affine();
    running.scale(lambda);
    let mut halves = Halves::receive(reduction, Vec::new(), lambda, running)?;
    for _ in 1..log_leaves {
        halves = layer(reduction, &halves)?;
    }
    Ok(halves.join(reduction, root))
}

/// The claims between two layers: the halves of n and d at one point; m = n1 + lambda d1 stands for n1.
struct Halves {
    point: Vec<E>,
    lambda: E,
    n0: Message,
    d0: Message,
    m: Message,
    d1: Message,
}

/// One layer: from claims on the halves of its nodes to claims on the halves of its children.
fn layer(reduction: &mut Reduction<'_>, above: &Halves) -> Result<Halves, HidingError> {
    let lambda = reduction.challenge();
    let mut point = Vec::with_capacity(above.point.len() + 1);
    let q2 = reduction.receive()?;
    let r = reduction.challenge();
    point.push(r);
    let mut running = line(above.n0, above.m, r);
    running.add_scaled(&above.d0.affine(), (E::ONE - r) * lambda);
    running.add_scaled(&above.d1.affine(), r * (lambda - above.lambda));
    running.add_scaled(&q2.affine(), r.square() - r);
    for &s in &above.point {
        let (q1, q2) = (reduction.receive()?, reduction.receive()?);
        let r = reduction.challenge();
        running.add_scaled(&q1.affine(), r - s);
        running.add_scaled(&q2.affine(), r.square() - s);
        point.push(r);
    }
    Halves::receive(reduction, point, lambda, running)
}

impl Halves {
    /// Receives the halves at the point and claims that the fractions they add are the running claim.
    fn receive(r: &mut Reduction<'_>, point: Vec<E>, lambda: E, mut running: Affine) -> Result<Self, HidingError> {
        let (n0, d0, m, d1) = (r.receive()?, r.receive()?, r.receive()?, r.receive()?);
        running.sub(&r.product(n0, d1));
        running.sub(&r.product(d0, m));
        r.assert_zero(running);
        Ok(Self { point, lambda, n0, d0, m, d1 })
    }
    /// Joins the halves at a challenge.
    fn join(self, reduction: &mut Reduction<'_>, root: Message) -> LeafClaim {
        let c = reduction.challenge();
        let mut numerator = line(self.n0, self.m, c);
        numerator.add_scaled(&self.d1.affine(), -(self.lambda * c));
        let mut point = self.point;
        point.insert(0, c);
        LeafClaim { point, numerator, denominator: line(self.d0, self.d1, c), root }
    }
}

/// (1 - c) lo + c hi.
fn line(lo: Message, hi: Message, c: E) -> Affine {
    let mut v = lo.affine();
    v.scale(E::ONE - c);
    v.add_scaled(&hi.affine(), c);
    v
}

/// Numerator of the soundness error over |E|: the sum over i < k of 2 i + 1, and 1 for the last challenge.
#[must_use]
pub const fn error_numerator(log_leaves: usize) -> u64 {
    let k = log_leaves as u64;
    if k == 0 { 0 } else { k * k + 1 }
}
