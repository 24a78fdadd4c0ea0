//! What honest training means: the exact integer function, its configuration and the relations a proof checks.
//!
//! Training is a function of integers (`docs/arithmetic.md`): every rounding, table, row order and coefficient
//! has its one definition here. Without the `prover` feature the crate is the verifier's half: no threads,
//! clocks, floats or trainer.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod canonical;
pub mod coefficients;
pub mod config;
pub mod estimate;
pub mod file;
pub mod initial;
pub mod link;
pub mod nowrap;
pub mod order;
pub mod record;
pub mod relation;
pub mod release;
pub mod report;
pub mod run;
pub mod seed;
pub mod stage;
pub mod statement;
pub mod tables;
pub mod tally;
pub mod text;
#[cfg(feature = "prover")]
pub mod trainer;
pub mod validity;
pub mod verify;
pub mod words;

/// `floor((v + 2^(s-1)) / 2^s)` for s >= 1 and v for s = 0, with the remainder `v + 2^(s-1) - 2^s rescale(v, s)`
/// in [0, 2^s). Exact for |v| < 2^126 and s <= 64.
#[must_use]
pub const fn rescale(v: i128, s: u32) -> (i128, u128) {
    if s == 0 {
        return (v, 0);
    }
    let shifted = v + (1 << (s - 1));
    let quotient = shifted >> s;
    (quotient, (shifted - (quotient << s)).unsigned_abs())
}
