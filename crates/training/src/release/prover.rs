//! Proves a release: rounds, commits the remainders, proves the relation, and checks the proof before it leaves.
use super::names::check_names;
use super::{
    LABEL, LayerNames, Permit, RELEASE_VERSION, ReleaseProof, ReleaseRejected, ReleaseRelation, ReleaseStatement,
};
use super::{check_weights, rounded_weights};
use crate::record::RecordError;
use crate::run::ModelCommitment;
use crate::statement::{RunStatement, StatementError};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::entropy::{Entropy, EntropyFailed};
use tacit_argument::field::F;
use tacit_argument::form::Columns;
use tacit_argument::hiding::Masker;
use tacit_argument::lookup::{LookupError, fill_multiplicities, lookup_proof};
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::proof::{ArgumentError, ProveError, Relation, RelationProof, Witnessed, check, prove};

/// What the owner holds about a run's end.
#[derive(Clone, Copy)]
pub struct ReleaseInput<'a> {
    /// The run.
    pub statement: &'a RunStatement,
    /// The commitment to the model after the last chunk.
    pub model: &'a ModelCommitment,
    /// Its weights.
    pub weights: &'a [i64],
    /// What they are called.
    pub names: &'a [LayerNames],
}

/// No release proof; details stay with the owner.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The permit was given for another run.
    #[error("the permit to release was given for another run")]
    OtherRun,
    /// No verifier would accept the statement.
    #[error(transparent)]
    Statement(#[from] ReleaseRejected),
    /// The weights given are not the committed ones.
    #[error("the weights given are not the ones behind the commitment: {0}")]
    OtherWeights(ArgumentError),
    /// The argument refused.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
}

impl From<StatementError> for ReleaseError {
    fn from(e: StatementError) -> Self {
        Self::Statement(e.into())
    }
}

impl From<RecordError> for ReleaseError {
    fn from(e: RecordError) -> Self {
        Self::Statement(e.into())
    }
}

impl Witnessed for ReleaseRelation<'_> {
    type Relation = Self;
    fn relation(&self) -> &Self {
        self
    }
    fn send(&self, m: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        m.begin(LABEL);
        for (k, n) in self.dimensions() {
            m.point(log2_ceil(k));
            m.point(log2_ceil(n));
        }
        if self.lookups.lookups.is_empty() {
            return Ok(());
        }
        let columns = Columns { log_rows: self.lookups.log_rows, vectors: alloc::vec![trace] };
        lookup_proof(m, &self.lookups, &columns)
    }
}

impl ReleaseRelation<'_> {
    /// The trace: limbs of the remainders of `weights`, and the multiplicities of their tables.
    pub(super) fn columns(&self, weights: &[i64]) -> Result<Vec<F>, LookupError> {
        let mut columns = F::zero_vec(self.column_cells());
        let remainder = |i: usize| (weights[i] as u64).wrapping_add(self.half());
        self.limbs.fill(self.config, remainder, &mut columns);
        self.count(&mut columns)?;
        Ok(columns)
    }

    /// Fills in the multiplicities.
    pub(super) fn count(&self, columns: &mut [F]) -> Result<(), LookupError> {
        fill_multiplicities(&self.lookups, columns, &[])
    }
}

/// Proves `relation` for a statement, over a trace without pads.
pub(super) fn argue(
    input: &ReleaseInput<'_>,
    statement: &ReleaseStatement,
    relation: &impl Witnessed,
    columns: Vec<F>,
    vault_secret: &[u8; 32],
) -> Result<RelationProof, ReleaseError> {
    let digest = statement.digest()?;
    let entropy = Entropy::fresh(vault_secret, &digest)?;
    let committed = input.model.record.committed()?;
    let rate = usize::from(input.statement.log_inv_rate);
    Ok(prove(LABEL, &digest, relation, rate, columns, &[(&input.model.vector, committed)], entropy)?)
}

/// Rounds the final weights as permitted and proves the rounding.
///
/// Guarantees: the permit's exemption stands in the statement; a proof that is returned verifies.
///
/// # Errors
/// [`ReleaseError`]: another run, other weights, or no parameters fit.
pub fn prove_release(
    input: &ReleaseInput<'_>,
    permit: Permit,
    vault_secret: &[u8; 32],
) -> Result<ReleaseProof, ReleaseError> {
    let run_digest = input.statement.digest()?;
    if permit.run_digest != run_digest {
        return Err(ReleaseError::OtherRun);
    }
    let config = &input.statement.config;
    input.model.record.validate(config)?;
    let statement = ReleaseStatement {
        version: RELEASE_VERSION,
        run_digest,
        model_digest: input.model.record.digest()?,
        bits: permit.bits,
        weights: rounded_weights(config, input.weights, permit.bits),
        names: input.names.to_vec(),
        exemption: permit.exemption,
    };
    let s = check_weights(config, permit.w_out, permit.bits, &statement.weights)?;
    check_names(config, &statement.names).map_err(ReleaseRejected::from)?;
    let relation = ReleaseRelation::new(config, s, &statement.weights);
    let columns = relation.columns(input.weights).map_err(ProveError::from)?;
    let proof = argue(input, &statement, &relation, columns, vault_secret)?;
    let rate = usize::from(input.statement.log_inv_rate);
    let vectors = [input.model.record.committed()?];
    check(LABEL, &statement.digest()?, &relation, rate, &vectors, &proof).map_err(ReleaseError::OtherWeights)?;
    Ok(ReleaseProof { statement, proof })
}
