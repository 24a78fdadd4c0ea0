//! Evidence over whole statements: the inventory of every absorb and challenge, the closed list of clear values in
//! every file, and a run of chunks that is accepted without a witness under a programmed oracle.
#![allow(clippy::unwrap_used)]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../../../argument/tests/walk/mod.rs"]
mod walk;

mod equal;
mod files;
mod frozen;
mod inventory;
mod simulator;
mod simulator_models;
mod sites;
mod statements;
mod terms;
mod together;

/// Compares with a checked-in file, or writes it where `TACIT_WRITE` is set.
fn checked_in(file: &str, found: &str) {
    let path = format!("{}/tests/evidence/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TACIT_WRITE").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected == found {
        return;
    }
    let mut difference = String::new();
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    old[same..old.len() - tail].iter().for_each(|l| difference.push_str(&format!("-{l}\n")));
    new[same..new.len() - tail].iter().for_each(|l| difference.push_str(&format!("+{l}\n")));
    panic!(
        "{file} differs from line {}:\n{difference}\
         If that is wanted: run this test with TACIT_WRITE=1, review the difference, and say what it means in the change.",
        same + 1
    );
}
