//! Zero knowledge and Fiat-Shamir as tests: what a proof on one witness says is said, byte for byte, by a proof on any
//! other; a simulator without a witness is accepted; nothing else is in a proof; and every challenge is needed: with
//! recorded challenges the mutated transcript passes, live it fails.
#![allow(clippy::unwrap_used)]
#[path = "../clear/mod.rs"]
mod clear;
#[path = "../toy/mod.rs"]
mod toy;
#[path = "../walk/mod.rs"]
mod walk;

mod classifier;
mod equal;
mod equivocation;
mod frozen;
mod simulator;
mod soundness;
mod upper;
mod values;
