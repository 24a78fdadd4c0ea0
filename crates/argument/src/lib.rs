//! The argument of `tacit`: masked sumchecks, LogUp-GKR and a masked opening of several commitments.
//!
//! Reduces any system of bilinear relations, linear relations and lookups over committed vectors to one
//! linear functional of those vectors, and proves that one with WHIR. It knows nothing of training.
//! Without the `prover` feature the crate is the verifier: no randomness, threads, clocks or witness types.
//! Source: `docs/protocol.md`; soundness terms: `soundness`.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod bilinear;
#[cfg(feature = "prover")]
pub mod entropy;
pub mod field;
pub mod form;
pub mod functional;
pub mod hiding;
pub mod logup;
pub mod lookup;
pub mod multilinear;
pub mod opening;
pub mod proof;
pub mod share;
pub mod soundness;
pub mod transcript;
