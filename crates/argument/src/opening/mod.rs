//! Proves `sum_v <f_v, W_v> = sigma` for committed vectors f_v in zero knowledge: the masked opening.
//!
//! Vector 0 is the proof's own trace; it shares one salted tree with a uniform mask g over E that is used once.
//! Vectors 1, 2, .. are long-lived (data, models), each in a salted tree of its own. All columns of all vectors are
//! the *source columns*; three of one vector are a *group* s < S, one column F over E; a short one is read through the
//! power map. With theta for the pins:
//! 1. the claim becomes one that is linear over E, <F, A> = tau: module `packing`;
//! 2. the prover sends mu = <g, A>; gamma is drawn; h = g + gamma F is uniform and independent of f;
//! 3. one sumcheck over (exponent j, group s) reduces <h, A> = mu + gamma tau to h(rho_s, rho_j), sent;
//! 4. one over the columns c = 3 s + i of the base polynomial P, whose column c is coordinate i of h_s, reduces
//!    `h(rho_s, rho_j) = sum_c eq(rho_s, c / 3) X^(c mod 3) P(c, rho_j)` to P(rho_c, rho_j);
//! 5. one WHIR opening of P, its first oracle the virtual one of [`OracleMmcs`].
//!
//! Everything after gamma is a function of h, but for the opened rows of f, which the uniform block of every column
//! makes uniform ([`VectorShape`]). A vector is a list of whole columns, column after column: the library's prefix
//! order. (The design interleaves a trace over 2^k0 columns; whole columns allow any number of them, keep a slot of
//! the trace in one column, and give the same block guarantee because each column ends in its own block.)
//!
//! # Soundness
//! [`OpeningConfig::soundness`] lists the terms. The claim's weights must be functions of the transcript, and the
//! roots absorbed in it before its first challenge; the caller does both.
//! Source: protocol.md, section 5; WHIR (eprint 2024/1586); `docs/soundness.md`.
mod check;
mod choose;
mod config;
mod error;
mod mmcs;
mod oracle;
mod packing;
mod pin;
mod shape;
mod weights;

#[cfg(feature = "prover")]
mod commit;
#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
mod rank;
#[cfg(feature = "testing")]
mod simulator;
#[cfg(feature = "prover")]
mod sumcheck;
#[cfg(feature = "prover")]
mod tables;

#[cfg(all(test, feature = "prover"))]
mod tests;

pub use check::{opening_check, opening_lengths};
pub use choose::{choose_among, choose_trace_shape, long_lived_shape, shape_beside_little};
#[cfg(feature = "prover")]
pub use commit::{LongLived, Trace};
pub use config::{LOG_INV_RATES, OpeningConfig, queries_among, queries_for};
pub use error::{OpeningError, OracleError};
pub use mmcs::OracleMmcs;
pub use oracle::{OraclePaths, OracleRoots, Paths, SALT, TreePaths};
pub use pin::pin_point;
#[cfg(feature = "prover")]
pub use prover::opening_proof;
pub use shape::{CONJUGATE_BLOCK, MAX_SOURCES, MIN_LOG_HEIGHT, PIN_BLOCK, TRACE_LOG_HEIGHTS, VectorShape};
#[cfg(feature = "testing")]
pub use simulator::opening_simulated;
pub use weights::Pin;

use crate::field::{E, F};
use crate::transcript::Transcript;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use p3_whir::pcs::proof::PcsProof;
use serde::{Deserialize, Serialize};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/opening/v1";

/// A masked opening. On the wire, rows of h come without the columns that are always zero.
#[derive(Clone, Serialize, Deserialize)]
pub struct OpeningProof {
    /// sigma_1 and sigma_2: the claim on the conjugates of F.
    pub conjugates: [E; 2],
    /// <g, A>.
    pub mu: E,
    /// Values at 0 and leading coefficients of the sumcheck over (exponent, group).
    pub source_rounds: Vec<[E; 2]>,
    /// h(rho_s, rho_j).
    pub value: E,
    /// The same of the sumcheck over the columns of P.
    pub column_rounds: Vec<[E; 2]>,
    /// P(rho_c, rho_j) and its WHIR opening.
    pub whir: PcsProof<F, E, OracleMmcs>,
}

/// Binds the label and every derived integer: two configurations never share a challenge.
fn begin(config: &OpeningConfig, transcript: &mut Transcript) {
    transcript.begin(LABEL);
    config.parameters().into_iter().for_each(|x| transcript.absorb_message(E::from_u64(x)));
}

/// One sumcheck round of degree 2: absorbs [p(0), leading coefficient], draws r, returns p(r).
fn round([zero, leading]: [E; 2], claim: E, point: &mut Vec<E>, transcript: &mut Transcript) -> E {
    transcript.absorb_message(zero);
    transcript.absorb_message(leading);
    let r = transcript.challenge();
    point.push(r);
    // p(1) = claim - p(0); p(X) = p(0) + (p(1) - p(0) - leading) X + leading X^2.
    zero + r * (claim - zero.double() - leading + r * leading)
}
