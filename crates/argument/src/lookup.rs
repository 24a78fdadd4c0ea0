//! Reduces "every lookup's tuple is a row of its table" to one LogUp sum and then to linear claims on columns.
//!
//! Fingerprint of a tuple (v_1, v_2, ...) of table id: `alpha - (id + beta v_1 + beta^2 v_2 + ...)`, alpha and beta
//! drawn after every root, ids distinct, one arity per id (review of soundness, finding 5). v_1 is always the row's
//! index in the table, so v_1 alone is range-checked by it. Tables are public functions whose multilinear extension
//! the verifier evaluates itself. Sum over lookups of 1/fingerprint = sum over table rows of multiplicity/fingerprint
//! (Haboeck, eprint 2022/1530), proven by [`crate::logup`]. No two rows of all tables have one fingerprint as polynomials,
//! so every multiplicity is the number of its row's lookups mod p: a [`Table::Counted`] is a histogram.
//!
//! Leaves: blocks of the tables (2^bits leaves each) and of the lookups (2^log_rows each), by decreasing size, so
//! that each block is aligned to its own size; the rest are 0/1.
use crate::field::{E, F};
use crate::form::Form;
use crate::functional::Low;
use crate::hiding::{Affine, Cell, HidingError, Reduction};
use crate::logup::logup_check;
use crate::multilinear::{SplitEq, eq_prefix_sum, eq_table, log2_ceil};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
pub use prover::{LookupError, fill_multiplicities, lookup_proof, multiplicities};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/lookup/v1";

/// A public table of 2^bits rows; row i is (i, f_1(i), f_2(i), ...).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    /// (i): a range of 2^bits values.
    Range {
        /// Width in bits.
        bits: usize,
    },
    /// (i): a range whose multiplicities a relation reads as counts. It is no `Range`: other lookups of values of so
    /// many bits are not in it.
    Counted {
        /// Width in bits.
        bits: usize,
    },
    /// (i, [i < bound]).
    Step {
        /// log2 of the number of rows.
        bits: usize,
        /// First index whose second entry is 0.
        bound: usize,
    },
    /// (i, columns[0][i], columns[1][i], ...).
    Function {
        /// log2 of the number of rows.
        bits: usize,
        /// The further entries, 2^bits each.
        columns: Vec<Vec<F>>,
    },
}

impl Table {
    /// log2 of the number of rows.
    #[must_use]
    pub const fn bits(&self) -> usize {
        match self {
            Self::Range { bits } | Self::Counted { bits } | Self::Step { bits, .. } | Self::Function { bits, .. } => {
                *bits
            }
        }
    }
    /// Entries of a row.
    #[must_use]
    pub const fn arity(&self) -> usize {
        match self {
            Self::Range { .. } | Self::Counted { .. } => 1,
            Self::Step { .. } => 2,
            Self::Function { columns, .. } => 1 + columns.len(),
        }
    }
    /// The multilinear extension of each entry at a point of `bits` coordinates.
    fn evaluate(&self, x: &[E]) -> Vec<E> {
        let mut out = Vec::with_capacity(self.arity());
        out.push(x.iter().fold(E::ZERO, |a, &r| a.double() + r));
        match self {
            Self::Range { .. } | Self::Counted { .. } => {}
            Self::Step { bound, .. } => out.push(eq_prefix_sum(x, *bound)),
            Self::Function { columns, .. } => {
                let eq = SplitEq::new(x);
                out.extend(columns.iter().map(|c| eq.evaluate(c)));
            }
        }
        out
    }
}

/// One column of tuples, looked up in one table.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Index of the table.
    pub table: usize,
    /// One form per entry of the table's rows.
    pub values: Vec<Form>,
}

/// All lookups of a proof.
#[derive(Clone, Debug)]
pub struct LookupSystem {
    /// log2 of the rows of a column.
    pub log_rows: usize,
    /// The tables; a table's id is its index plus one.
    pub tables: Vec<Table>,
    /// First slot (2^log_rows cells) of each table's multiplicities in vector 0.
    pub multiplicities: Vec<usize>,
    /// The lookups.
    pub lookups: Vec<Lookup>,
}

/// One aligned run of leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Block {
    Table(usize),
    Lookup(usize),
}

impl LookupSystem {
    /// Slots that a table's multiplicities take.
    #[must_use]
    pub const fn multiplicity_slots(bits: usize, log_rows: usize) -> usize {
        if bits > log_rows { 1 << (bits - log_rows) } else { 1 }
    }

    /// (block, log2 size, first leaf), by decreasing size.
    pub(crate) fn blocks(&self) -> Vec<(Block, usize, usize)> {
        let tables = self.tables.iter().enumerate().map(|(i, t)| (Block::Table(i), t.bits()));
        let lookups = (0..self.lookups.len()).map(|i| (Block::Lookup(i), self.log_rows));
        let mut all: Vec<(Block, usize)> = tables.chain(lookups).collect();
        all.sort_by_key(|b| core::cmp::Reverse(b.1));
        let mut first = 0;
        all.into_iter()
            .map(|(b, log)| {
                first += 1 << log;
                (b, log, first - (1 << log))
            })
            .collect()
    }

    /// log2 of the number of leaves, padding included.
    #[must_use]
    pub fn log_leaves(&self) -> usize {
        let used: usize = self.blocks().iter().map(|b| 1 << b.1).sum();
        log2_ceil(used)
    }

    /// Numerator of the soundness error over |E|: fingerprints (degree `arity` in beta, degree 1 in alpha), zero
    /// denominators, and the GKR.
    #[must_use]
    pub fn error_numerator(&self) -> u64 {
        let leaves = 1u64 << self.log_leaves();
        let arity = self.tables.iter().map(Table::arity).max().unwrap_or(1) as u64;
        leaves * (arity + 2) + crate::logup::error_numerator(self.log_leaves())
    }
}

/// The verifier's side.
///
/// # Errors
/// [`HidingError`] if the proof carries too few messages.
pub fn lookup_check(reduction: &mut Reduction<'_>, system: &LookupSystem) -> Result<(), HidingError> {
    reduction.begin(LABEL);
    let (alpha, beta) = (reduction.challenge(), reduction.challenge());
    let claim = logup_check(reduction, system.log_leaves())?;
    if reduction.is_dry() {
        reduction.assert_zero(Affine::default());
        reduction.assert_zero(Affine::default());
        return Ok(());
    }
    let (mut numerator, mut denominator) = (Affine::default(), Affine::default());
    let n = claim.point.len();
    let (mut covered, mut row_low, mut eq) = (E::ZERO, None, None::<(usize, SplitEq)>);
    for (block, log, first) in system.blocks() {
        let (top, low) = claim.point.split_at(n - log);
        // Blocks of one size follow each other.
        if eq.as_ref().is_none_or(|(of, _)| *of != log) {
            eq = Some((log, SplitEq::new(top)));
        }
        let weight = eq.as_ref().map_or(E::ZERO, |(_, eq)| eq.at(first >> log));
        covered += weight;
        match block {
            Block::Table(i) => {
                let table = &system.tables[i];
                denominator.add_constant(weight * fingerprint(alpha, beta, i, &table.evaluate(low)));
                multiplicity(reduction, system, i, low, &mut numerator, -weight);
            }
            Block::Lookup(i) => {
                let lookup = &system.lookups[i];
                let id = *row_low.get_or_insert_with(|| reduction.low(Low::Eq(low.to_vec())));
                numerator.add_constant(weight);
                denominator.add_constant(weight * fingerprint(alpha, beta, lookup.table, &[]));
                let mut power = beta;
                for form in &lookup.values {
                    form.add_to(&mut denominator, id, E::ONE, -(weight * power));
                    power *= beta;
                }
            }
        }
    }
    denominator.add_constant(E::ONE - covered);
    numerator.sub(&claim.numerator);
    denominator.sub(&claim.denominator);
    reduction.assert_zero(numerator);
    reduction.assert_zero(denominator);
    Ok(())
}

/// alpha - (id + beta v_1 + beta^2 v_2 + ...).
pub(crate) fn fingerprint(alpha: E, beta: E, table: usize, tuple: &[E]) -> E {
    let inner = tuple.iter().rev().fold(E::ZERO, |a, &v| (a + v) * beta);
    alpha - F::from_usize(table + 1) - inner
}

fn multiplicity(r: &mut Reduction<'_>, s: &LookupSystem, table: usize, low: &[E], e: &mut Affine, weight: E) {
    let (first, bits) = (s.multiplicities[table], s.tables[table].bits());
    if bits <= s.log_rows {
        let id = r.low(Low::Eq(low.to_vec()));
        e.add_cell(Cell { vector: 0, low: id, slot: first << (s.log_rows - bits) }, weight);
    } else {
        let (top, row) = low.split_at(bits - s.log_rows);
        let id = r.low(Low::Eq(row.to_vec()));
        for (i, w) in eq_table(top, weight).into_iter().enumerate() {
            e.add_cell(Cell { vector: 0, low: id, slot: first + i }, w);
        }
    }
}
