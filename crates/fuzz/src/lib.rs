//! Changes honest files and verifies them: nothing changed is accepted, nothing panics, cost is bounded by size.
//!
//! `cargo run --release -p tacit-fuzz -- SECONDS` makes small honest files of every kind, changes them with their
//! structure known, and verifies them on all cores. What it found, per target and per check, is printed.
pub mod checks;
pub mod fuzzer;
pub mod honest;
pub mod inflate;
pub mod meter;
pub mod mutate;
pub mod random;
pub mod spans;
pub mod tally;
pub mod targets;
