//! The witness of a relation of rows: multiplicities, or Bezout's cofactors.
use super::bezout::cofactors;
use super::rows::{ROWS, RowPlaces};
use super::{LABEL, LinkRelation, RowRelation};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use p3_maybe_rayon::prelude::*;
use tacit_argument::field::{E, F};
use tacit_argument::hiding::Masker;
use tacit_argument::logup::logup_proof;
use tacit_argument::lookup::LookupError;
use tacit_argument::proof::Witnessed;

/// Why two tables are not related as claimed. For the owner alone: it names rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowsDiffer {
    /// A row of the first table that the second one lacks, or has less often.
    #[error("row {row} of the first data set is not in the second, or there less often")]
    Missing {
        /// Of the first table.
        row: usize,
    },
    /// A row of both tables.
    #[error("row {first} of the first data set is row {second} of the second")]
    Common {
        /// Of the first table.
        first: usize,
        /// Of the second.
        second: usize,
    },
    /// Different rows with equal sums under this nonce: another one has others.
    #[error("different rows meet in one number under this nonce")]
    Collision,
}

impl RowPlaces {
    /// The rows of one table, as canonical integers.
    fn rows(&self, side: usize, payload: &[F]) -> Vec<Vec<u64>> {
        let s = self.sides[side];
        let cell = |row: usize, column: usize| payload[(column << s.log) + row].as_canonical_u64();
        (0..s.rows).map(|row| (0..self.columns).map(|column| cell(row, column)).collect()).collect()
    }

    /// g of every row of one table.
    fn sums(&self, side: usize, payload: &[F]) -> Vec<F> {
        let s = self.sides[side];
        let sum =
            |row: usize| self.coefficients.iter().enumerate().map(|(k, &c)| c * payload[(k << s.log) + row]).sum();
        (0..s.rows).into_par_iter().map(sum).collect()
    }

    /// The trace's columns.
    pub(super) fn columns(&self, payloads: [&[F]; 2]) -> Result<Vec<F>, RowsDiffer> {
        let [first, second] = [0, 1].map(|side| self.rows(side, payloads[side]));
        let mut places: BTreeMap<&[u64], Vec<usize>> = BTreeMap::new();
        second.iter().enumerate().for_each(|(i, row)| places.entry(row).or_default().push(i));
        let mut out = F::zero_vec(self.column_cells());
        match self.relation {
            RowRelation::Same => {
                for (row, values) in first.iter().enumerate() {
                    let left = places.get_mut(values.as_slice()).and_then(Vec::pop);
                    left.ok_or(RowsDiffer::Missing { row })?;
                }
            }
            RowRelation::Subset => {
                for (row, values) in first.iter().enumerate() {
                    let found = places.get(values.as_slice()).and_then(|all| all.first());
                    out[*found.ok_or(RowsDiffer::Missing { row })?] += F::ONE;
                }
            }
            RowRelation::Disjoint { .. } => {
                let common =
                    first.iter().enumerate().find_map(|(i, row)| Some((i, *places.get(row.as_slice())?.first()?)));
                if let Some((first, second)) = common {
                    return Err(RowsDiffer::Common { first, second });
                }
                let [a, b] = [0, 1].map(|side| self.sums(side, payloads[side]));
                let found = cofactors(&a, &b).ok_or(RowsDiffer::Collision)?;
                for (first, values) in self.cofactors().into_iter().zip(found) {
                    out[first..first + values.len()].copy_from_slice(&values);
                }
            }
        }
        Ok(out)
    }

    fn send_sum(&self, m: &mut Masker<'_>, trace: &[F], payloads: [&[F]; 2]) -> Result<(), LookupError> {
        let (alpha, beta) = (m.challenge(), m.challenge());
        let n = 1usize << self.log_leaves();
        let (mut numerators, mut denominators) = (F::zero_vec(n), alloc::vec![E::ONE; n]);
        for (i, (side, first)) in self.sides.iter().zip(self.first_leaves()).enumerate() {
            for row in 0..1 << side.log {
                let real = row < side.rows;
                numerators[first + row] = match (i, self.relation) {
                    (0, _) => F::from_bool(real),
                    (_, RowRelation::Subset) => -trace[row],
                    _ => -F::from_bool(real),
                };
                let (mut f, mut power) = (beta * F::from_bool(real), beta.square());
                for column in 0..self.columns {
                    f += power * payloads[i][(column << side.log) + row];
                    power *= beta;
                }
                denominators[first + row] = alpha - f;
            }
        }
        logup_proof(m, numerators, denominators)?;
        Ok(())
    }

    fn send_roots(&self, m: &mut Masker<'_>, trace: &[F], payloads: [&[F]; 2]) -> Result<(), LookupError> {
        let alpha = m.challenge();
        for (i, side) in self.sides.iter().enumerate() {
            let n = 1 << side.log;
            let mut denominators: Vec<E> = self.sums(i, payloads[i]).into_iter().map(|g| alpha - g).collect();
            denominators.resize(n, E::ONE);
            logup_proof(m, F::zero_vec(n), denominators)?;
        }
        let logs = [self.sides[1].log, self.sides[0].log];
        for (first, log) in self.cofactors().into_iter().zip(logs) {
            m.send(trace[first..first + (1 << log)].iter().rev().fold(E::ZERO, |sum, &c| sum * alpha + c));
        }
        Ok(())
    }
}

/// The relation with the payloads that it is about.
pub(super) struct RowsWitness<'a> {
    /// The relation.
    pub(super) relation: LinkRelation<'a>,
    /// Of both vectors.
    pub(super) payloads: [&'a [F]; 2],
}

impl<'a> Witnessed for RowsWitness<'a> {
    type Relation = LinkRelation<'a>;
    fn relation(&self) -> &LinkRelation<'a> {
        &self.relation
    }
    fn send(&self, m: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        m.begin(LABEL);
        let Some(places) = self.relation.rows() else {
            self.relation.hear(m);
            return Ok(());
        };
        m.begin(ROWS);
        match places.relation {
            RowRelation::Same | RowRelation::Subset => places.send_sum(m, trace, self.payloads),
            RowRelation::Disjoint { .. } => places.send_roots(m, trace, self.payloads),
        }
    }
}
