//! Validity of a committed data set: every feature in its window, labels valid, nothing beyond row n.
//!
//! The statement is the digest C itself, so the proof holds for the pinned vector. Without it a data owner can solve for
//! data mod p that "trains" to any model (review of soundness, finding 1).
use crate::record::{DataRecord, Labels, RecordError};
use crate::relation::{Builder, DATA};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F};
use tacit_argument::form::Form;
use tacit_argument::functional::Low;
use tacit_argument::hiding::{Affine, Cell, HidingError, Reduction};
use tacit_argument::lookup::{LookupSystem, lookup_check};
use tacit_argument::multilinear::eq_prefix_sum;
use tacit_argument::proof::{ArgumentError, Relation, RelationProof, check, plan};
use tacit_argument::share::LOG_VALIDITY;
use tacit_argument::soundness::{ErrorTerm, LOGUP, SCHWARTZ_ZIPPEL, algebraic};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/validity/v1";

/// The relation of a data record.
#[derive(Clone, Debug)]
pub struct ValidityRelation<'a> {
    record: &'a DataRecord,
    lookups: LookupSystem,
    slots: usize,
}

/// A data commitment was rejected.
#[derive(Debug, thiserror::Error)]
pub enum ValidityError {
    /// The record is invalid by itself.
    #[error("invalid data record: {0}")]
    Record(#[from] RecordError),
    /// The validity proof does not verify.
    #[error("the data commitment's validity proof is rejected: {0}")]
    Argument(#[from] ArgumentError),
}

impl<'a> ValidityRelation<'a> {
    /// The relation of a validated record.
    #[must_use]
    pub fn new(record: &'a DataRecord) -> Self {
        let mut b = Builder::new();
        let column = |slot: usize| Form::column(DATA, slot);
        let window = |slot: usize, bits: u32| column(slot).plus(F::from_u64(1 << (bits - 1)));
        let features = record.features as usize;
        (0..features).for_each(|k| b.range(record.data_bits, window(k, record.data_bits)));
        for j in features..features + record.labels.columns() as usize {
            match record.labels {
                Labels::Class { .. } | Labels::Binary { .. } => b.range(1, column(j)),
                Labels::Real { bits, .. } => b.range(bits, window(j, bits)),
            }
        }
        let (lookups, slots) = b.build(record.stride(), 0);
        Self { record, lookups, slots }
    }

    /// The lookups, for the soundness report.
    #[must_use]
    pub const fn lookups(&self) -> &LookupSystem {
        &self.lookups
    }
}

impl Relation for ValidityRelation<'_> {
    fn max_stride(&self) -> usize {
        self.record.stride()
    }

    fn column_cells(&self) -> usize {
        self.slots << self.record.stride()
    }

    fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        r.begin(LABEL);
        lookup_check(r, &self.lookups)?;
        let row = r.point(self.record.stride());
        let batch = r.challenge();
        let real = eq_prefix_sum(&row, self.record.rows as usize);
        let low = r.low(Low::Eq(row.clone()));
        let features = self.record.features as usize;
        if let Labels::Class { classes } = self.record.labels {
            let mut e = Affine::constant(-real);
            (0..classes as usize).for_each(|j| e.add_cell(Cell { vector: DATA, low, slot: features + j }, E::ONE));
            r.assert_zero(e);
        }
        // Rows beyond n are zero: sum_i eq(row, i) [i >= n] x_i = 0 for a random combination of columns.
        if r.is_dry() {
            r.assert_zero(Affine::default());
            return Ok(());
        }
        let mut beyond = tacit_argument::multilinear::eq_table(&row, E::ONE);
        beyond.iter_mut().take(self.record.rows as usize).for_each(|w| *w = E::ZERO);
        let low = r.low(Low::Dense(beyond));
        let mut e = Affine::default();
        for (slot, w) in batch.powers().take(features + self.record.labels.columns() as usize).enumerate() {
            e.add_cell(Cell { vector: DATA, low, slot }, w);
        }
        r.assert_zero(e);
        Ok(())
    }

    fn log_proofs(&self) -> usize {
        LOG_VALIDITY
    }

    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        let points = self.record.stride() + self.record.columns() as usize;
        alloc::vec![
            algebraic("random row and batching of columns", points, list_bits, SCHWARTZ_ZIPPEL),
            algebraic(
                "lookups: fingerprints, zero denominators, GKR",
                self.lookups.error_numerator() as usize,
                list_bits,
                LOGUP
            ),
        ]
    }
}

/// Verifies a data record and its validity proof.
///
/// # Errors
/// [`ValidityError`] naming the check.
pub fn verify_data(record: &DataRecord, proof: &RelationProof) -> Result<(), ValidityError> {
    record.validate()?;
    let relation = ValidityRelation::new(record);
    let rate = usize::from(record.vector.log_inv_rate);
    check(LABEL, &record.digest()?, &relation, rate, &[record.committed()?], proof)?;
    Ok(())
}

/// Error terms of the validity proof of a record: they follow from it, without the proof.
///
/// # Errors
/// [`ValidityError`] if the record is invalid or has no parameters.
pub fn error_terms(record: &DataRecord) -> Result<Vec<ErrorTerm>, ValidityError> {
    record.validate()?;
    let relation = ValidityRelation::new(record);
    let plan = plan(&relation, usize::from(record.vector.log_inv_rate), &[record.vector.shape])?;
    Ok(plan.soundness(&relation))
}

#[cfg(feature = "prover")]
pub use prover::{DataCommitment, commit_data, data_payload};

#[cfg(feature = "prover")]
mod prover {
    use super::{LABEL, ValidityRelation};
    use crate::record::{DataRecord, Labels};
    use crate::trainer::Data;
    use alloc::vec::Vec;
    use p3_field::PrimeCharacteristicRing;
    use tacit_argument::entropy::Entropy;
    use tacit_argument::field::{F, signed};
    use tacit_argument::form::Columns;
    use tacit_argument::hiding::Masker;
    use tacit_argument::lookup::{LookupError, fill_multiplicities, lookup_proof};
    use tacit_argument::opening::LongLived;
    use tacit_argument::proof::{ProveError, Relation, RelationProof, Witnessed, prove};

    /// The payload of a data vector: feature columns, then label columns (classes one-hot), each a slot of 2^stride cells.
    #[must_use]
    pub fn data_payload(record: &DataRecord, data: &Data) -> Vec<F> {
        let (features, labels) = (record.features as usize, record.labels.columns() as usize);
        let mut out = F::zero_vec((features + labels) << record.stride());
        for (i, row) in data.features.chunks(features).enumerate() {
            for (k, &v) in row.iter().enumerate() {
                out[(k << record.stride()) + i] = signed(v.into());
            }
        }
        let width = if matches!(record.labels, Labels::Class { .. }) { 1 } else { labels };
        for (i, row) in data.labels.chunks(width).enumerate() {
            for (j, &v) in row.iter().enumerate() {
                let (column, value) = match record.labels {
                    Labels::Class { .. } => (v.unsigned_abs() as usize, F::ONE),
                    _ => (j, signed(v.into())),
                };
                out[((features + column) << record.stride()) + i] = value;
            }
        }
        out
    }

    struct WithData<'a> {
        relation: ValidityRelation<'a>,
        data: &'a [F],
    }

    impl<'a> Witnessed for WithData<'a> {
        type Relation = ValidityRelation<'a>;
        fn relation(&self) -> &ValidityRelation<'a> {
            &self.relation
        }
        fn send(&self, masker: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
            masker.begin(LABEL);
            let columns = Columns { log_rows: self.relation.record.stride(), vectors: alloc::vec![trace, self.data] };
            lookup_proof(masker, &self.relation.lookups, &columns)?;
            let _row = masker.point(self.relation.record.stride());
            let _batch = masker.challenge();
            Ok(())
        }
    }

    /// A committed data set with its public record and validity proof.
    pub struct DataCommitment {
        /// The tree and the secrets behind it.
        pub vector: LongLived,
        /// What is published.
        pub record: DataRecord,
        /// Its validity proof.
        pub proof: RelationProof,
    }

    /// Completes a record (root and pin) for a committed payload, and proves its validity.
    ///
    /// # Errors
    /// [`ProveError`] if a value lies outside its window or the shapes do not fit.
    pub fn commit_data(
        mut record: DataRecord,
        payload: &[F],
        seed: &[u8; 32],
        entropy: Entropy,
    ) -> Result<DataCommitment, crate::run::RunError> {
        let rate = usize::from(record.vector.log_inv_rate);
        let vector = LongLived::commit(record.vector.shape, rate, payload, seed).map_err(ProveError::from)?;
        record.vector.root = vector.root();
        record.pin = vector.pin(&record.committed()?.pin.point);
        record.validate()?;
        let relation = ValidityRelation::new(&record);
        let mut columns = F::zero_vec(relation.column_cells());
        fill_multiplicities(&relation.lookups, &mut columns, &[payload]).map_err(ProveError::from)?;
        let digest = record.digest()?;
        let committed = record.committed()?;
        let with = WithData { relation, data: payload };
        let proof = prove(LABEL, &digest, &with, rate, columns, &[(&vector, committed)], entropy)?;
        drop(with);
        Ok(DataCommitment { vector, record, proof })
    }
}
