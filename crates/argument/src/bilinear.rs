//! Reduces `sum_{x, v} w(x, v) a(x, v) b(x, v) = c` to one evaluation each of a and b, hidden behind pads.
//!
//! x runs over 2^n rows, v over units (any number, zero-padded to 2^m). The weight is public and of small rank,
//! `w(x, v) = sum_q row_q(x) unit_q(v)`; each `a(., v)`, `b(., v)` is an affine form of committed columns. Every
//! relation of training is an instance: the matrix products (rows = steps, units = inputs), the implicit weights
//! (rows = examples, units = claims) and the gates (rows = examples, units = gate columns).
//!
//! Sumcheck of Lund-Fortnow-Karloff-Nisan, row variables first, big-endian; 3 messages a round (degree 3,
//! values at 0, 2, 3; the value at 1 follows from the running claim). Soundness: 3 (n + m) / |E|.
use crate::field::E;
use crate::hiding::{Affine, HidingError, Message, Reduction};
use crate::multilinear::lagrange_weights;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
pub use prover::{Column, Pair, bilinear_proof};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/bilinear/v1";
/// Degree of every round polynomial.
pub const DEGREE: usize = 3;

/// What is left of the claim: `remaining = w(rows, units) * product`, and a, b are owed as linear claims.
#[must_use]
#[derive(Debug)]
pub struct BilinearClaim {
    /// The row point x*.
    pub rows: Vec<E>,
    /// The unit point v*.
    pub units: Vec<E>,
    /// a(x*, v*).
    pub a: Message,
    /// b(x*, v*).
    pub b: Message,
    /// a b, through a committed triple.
    pub product: Affine,
    /// What the running claim came to.
    pub remaining: Affine,
}

impl BilinearClaim {
    /// Closes the sumcheck, given the public weight at the point; returns the two evaluations still owed.
    pub fn close(self, reduction: &mut Reduction<'_>, weight: E) -> (Message, Message) {
        let mut e = self.remaining;
        e.add_scaled(&self.product, -weight);
        reduction.assert_zero(e);
        (self.a, self.b)
    }
}

/// The verifier's side.
///
/// # Errors
/// [`HidingError`] if the proof carries too few messages.
pub fn bilinear_check(
    reduction: &mut Reduction<'_>,
    claim: Affine,
    log_rows: usize,
    log_units: usize,
) -> Result<BilinearClaim, HidingError> {
    reduction.begin(LABEL);
    // The first claim can have many terms: it is multiplied once, by the product of what the rounds multiply it by.
    let (mut first, mut factor, mut claim) = (claim, E::ONE, Affine::default());
    let mut point = Vec::with_capacity(log_rows + log_units);
    for _ in 0..log_rows + log_units {
        let (next, scale) = round(reduction, claim, &mut point)?;
        (claim, factor) = (next, factor * scale);
    }
    if !reduction.is_dry() {
        first.scale(factor);
    }
    first.add(&claim);
    let claim = first;
    let units = point.split_off(log_rows);
    let (a, b) = (reduction.receive()?, reduction.receive()?);
    let product = reduction.product(a, b);
    Ok(BilinearClaim { rows: point, units, a, b, product, remaining: claim })
}

/// One round: p(1) = claim - p(0), next claim p(r), all as affine expressions; and what the claim was multiplied by.
pub(crate) fn round(
    reduction: &mut Reduction<'_>,
    claim: Affine,
    point: &mut Vec<E>,
) -> Result<(Affine, E), HidingError> {
    let at = [reduction.receive()?, reduction.receive()?, reduction.receive()?];
    let r = reduction.challenge();
    point.push(r);
    let l = lagrange_weights(DEGREE + 1, r);
    let mut next = claim;
    next.scale(l[1]);
    next.add_scaled(&at[0].affine(), l[0] - l[1]);
    next.add_scaled(&at[1].affine(), l[2]);
    next.add_scaled(&at[2].affine(), l[3]);
    Ok((next, l[1]))
}

/// Numerator of the soundness error over |E|.
#[must_use]
pub const fn error_numerator(log_rows: usize, log_units: usize) -> u64 {
    (DEGREE * (log_rows + log_units)) as u64
}
