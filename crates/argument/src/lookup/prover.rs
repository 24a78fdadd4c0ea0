//! The prover's side: counts multiplicities before the trace is committed, then fills the leaves.
use super::{Block, LABEL, LookupSystem, Table, fingerprint};
use crate::field::{E, F};
use crate::form::Columns;
use crate::hiding::Masker;
use crate::logup::{LogupError, logup_proof};
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use p3_maybe_rayon::prelude::*;

/// A tuple of the witness is in no table: the caller's trace is not a trace of this statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The first entry is no row index of the table.
    #[error("lookup {lookup}, row {row}: value {value} is outside its table of 2^{bits} rows")]
    OutsideTable {
        /// Index of the lookup.
        lookup: usize,
        /// Row.
        row: usize,
        /// First entry, canonical.
        value: u64,
        /// log2 of the table's rows.
        bits: usize,
    },
    /// The sum does not vanish.
    #[error("lookups and tables do not match")]
    Sum(#[from] LogupError),
}

/// Counts, per table, how often each row is looked up (by first entry).
///
/// # Errors
/// [`LookupError::OutsideTable`] for a first entry that is no row of its table.
pub fn multiplicities(system: &LookupSystem, columns: &Columns<'_>) -> Result<Vec<Vec<F>>, LookupError> {
    let counts: Vec<Vec<AtomicU32>> =
        system.tables.iter().map(|t| (0..1usize << t.bits()).map(|_| AtomicU32::new(0)).collect()).collect();
    let failed = system.lookups.par_iter().enumerate().find_map_any(|(i, l)| {
        let count = &counts[l.table];
        let values = columns.values(&l.values[0]);
        values.iter().enumerate().find_map(|(row, v)| {
            let value = v.as_canonical_u64();
            match usize::try_from(value).ok().and_then(|k| count.get(k)) {
                Some(c) => {
                    c.fetch_add(1, Ordering::Relaxed);
                    None
                }
                None => Some(LookupError::OutsideTable { lookup: i, row, value, bits: system.tables[l.table].bits() }),
            }
        })
    });
    failed.map_or_else(
        || Ok(counts.into_iter().map(|t| t.into_iter().map(|c| F::from_u32(c.into_inner())).collect()).collect()),
        Err,
    )
}

/// Counts and writes every table's multiplicities at their slots of `trace`; `others` are vectors 1, 2, ... in order.
///
/// # Errors
/// [`LookupError::OutsideTable`] for a first entry that is no row of its table.
pub fn fill_multiplicities(system: &LookupSystem, trace: &mut [F], others: &[&[F]]) -> Result<(), LookupError> {
    let vectors = core::iter::once(&*trace).chain(others.iter().copied()).collect();
    let counts = multiplicities(system, &Columns { log_rows: system.log_rows, vectors })?;
    for (&slot, count) in system.multiplicities.iter().zip(counts) {
        let first = slot << system.log_rows;
        trace[first..first + count.len()].copy_from_slice(&count);
    }
    Ok(())
}

/// Sends the messages of all lookups; the multiplicities stand in vector 0 already.
///
/// # Errors
/// [`LookupError::Sum`] if a tuple is in no table.
pub fn lookup_proof(masker: &mut Masker<'_>, system: &LookupSystem, columns: &Columns<'_>) -> Result<(), LookupError> {
    masker.begin(LABEL);
    let (alpha, beta) = (masker.challenge(), masker.challenge());
    let n = 1usize << system.log_leaves();
    let (mut numerators, mut denominators) = (vec![F::ZERO; n], vec![E::ONE; n]);
    let (mut num, mut den) = (numerators.as_mut_slice(), denominators.as_mut_slice());
    let mut work = Vec::new();
    for (block, log, _) in system.blocks() {
        let (a, rest) = num.split_at_mut(1 << log);
        let (b, rest_den) = den.split_at_mut(1 << log);
        (num, den) = (rest, rest_den);
        work.push((block, a, b));
    }
    work.into_par_iter().for_each(|(block, num, den)| match block {
        Block::Table(i) => fill_table(system, i, columns, (alpha, beta), num, den),
        Block::Lookup(i) => {
            num.fill(F::ONE);
            let l = &system.lookups[i];
            den.fill(fingerprint(alpha, beta, l.table, &[]));
            let mut power = beta;
            for form in &l.values {
                let v = columns.values(form);
                den.iter_mut().zip(v.iter()).for_each(|(d, &x)| *d -= power * x);
                power *= beta;
            }
        }
    });
    logup_proof(masker, numerators, denominators)?;
    Ok(())
}

fn fill_table(s: &LookupSystem, i: usize, columns: &Columns<'_>, (alpha, beta): (E, E), num: &mut [F], den: &mut [E]) {
    let first = s.multiplicities[i] << s.log_rows;
    let counts = &columns.vectors[0][first..first + num.len()];
    num.iter_mut().zip(counts).for_each(|(n, &m)| *n = -m);
    let base = fingerprint(alpha, beta, i, &[]);
    for (k, d) in den.iter_mut().enumerate() {
        *d = base - beta * F::from_usize(k);
    }
    match &s.tables[i] {
        Table::Range { .. } | Table::Counted { .. } => {}
        Table::Step { bound, .. } => den.iter_mut().take(*bound).for_each(|d| *d -= beta.square()),
        Table::Function { columns, .. } => {
            let mut power = beta.square();
            for c in columns {
                den.iter_mut().zip(c).for_each(|(d, &v)| *d -= power * v);
                power *= beta;
            }
        }
    }
}
