//! Zero knowledge as tests: what a proof on one witness says is said, byte for byte, by a proof on any other; a
//! simulator without a witness is accepted; nothing else is in a proof.
#![allow(clippy::unwrap_used)]
#[path = "../toy/mod.rs"]
mod toy;

mod equivocation;
mod simulator;
