//! A proof of a run: one statement, one proof per chunk, verified as one.
//!
//! Chunk i covers the steps [i T, min((i+1) T, S)), starts from the record that chunk i-1 ends with, and chunk 0 from
//! the declared start: a gap, a fork, a skipped or replayed chunk has no form in this struct. The momentum state of
//! chunk 0 is the constant 0, whatever the start's vector holds. w_in and v_in of every chunk are computed here, never
//! read. Source: protocol.md, section 7.
use crate::record::{ModelRecord, RecordError};
use crate::relation::{ChunkRelation, StartWeights};
use crate::statement::{RunStatement, Start, StatementError};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use tacit_argument::proof::{ArgumentError, Committed, RelationProof, check_planned, plan};
use tacit_argument::soundness::{ErrorTerm, total};

#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
pub use prover::{
    ChunkInput, ChunkOutput, ModelCommitment, RunError, commit_for_reports, commit_model, commit_state, prove_chunk,
    prove_chunk_watched,
};

/// Transcript label of a chunk's proof.
pub const LABEL: &[u8] = b"tacit/chunk-proof/v1";

/// The proof of one chunk.
#[derive(Clone, Serialize, Deserialize)]
pub struct ChunkProof {
    /// The model after the chunk.
    pub model_out: ModelRecord,
    /// The argument.
    pub proof: RelationProof,
}

/// The proof of a run.
#[derive(Clone, Serialize, Deserialize)]
pub struct RunProof {
    /// What is proven.
    pub statement: RunStatement,
    /// One proof per chunk, in order.
    pub chunks: Vec<ChunkProof>,
}

/// What a verified run establishes.
#[derive(Clone, Debug)]
pub struct RunVerdict {
    /// H(statement).
    pub run_digest: [u8; 32],
    /// C of the data set.
    pub data_digest: [u8; 32],
    /// C of the start, if it is committed.
    pub start_digest: Option<[u8; 32]>,
    /// C of the final model.
    pub model_digest: [u8; 32],
    /// Bound on the absolute value of the final weights, at fw fractional bits.
    pub w_out: u128,
    /// Bound on the absolute value of the final velocity, at fa + fg + omega fractional bits; 0 without momentum.
    pub v_out: u128,
    /// Error terms of the worst chunk's proof; chunks sum.
    pub soundness: Vec<ErrorTerm>,
    /// Number of chunks.
    pub chunks: usize,
}

/// A run's proof was rejected.
#[derive(Debug, thiserror::Error)]
pub enum RunRejected {
    /// The statement is not acceptable.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Another number of chunks than the statement's grid.
    #[error("the statement has {expected} chunks, the file {got}")]
    ChunkCount {
        /// From the statement.
        expected: u32,
        /// In the file.
        got: usize,
    },
    /// A chunk's model record is invalid.
    #[error("chunk {chunk}: invalid model record: {error}")]
    Record {
        /// Which chunk.
        chunk: u32,
        /// What is wrong.
        error: RecordError,
    },
    /// A chunk's argument does not verify.
    #[error("chunk {chunk}: {error}")]
    Chunk {
        /// Which chunk.
        chunk: u32,
        /// The check that failed.
        error: ArgumentError,
    },
}

/// The digest of the start: C of a hidden model, or zeros for a public one (the statement holds its seed).
fn start_digest(start: &Start) -> Result<[u8; 32], RecordError> {
    match start {
        Start::Hidden { record, .. } => record.digest(),
        Start::Seed { .. } => Ok([0; 32]),
    }
}

/// Where chunk `chunk` starts from, public weights left out.
fn start_kind(statement: &RunStatement, chunk: u32) -> StartWeights {
    match (&statement.start, chunk) {
        (Start::Hidden { bits, .. }, 0) => StartWeights::Committed(Some(*bits)),
        (Start::Seed { .. }, 0) => StartWeights::Public(Vec::new()),
        _ => StartWeights::Committed(None),
    }
}

/// Where chunk `chunk` starts from.
pub(crate) fn start_weights(statement: &RunStatement, chunk: u32) -> Result<StartWeights, StatementError> {
    Ok(match (&statement.start, chunk) {
        (Start::Seed { origin }, 0) => {
            let seed = statement.seed("initial", origin)?;
            StartWeights::Public(crate::initial::initial_weights(&statement.config, &seed))
        }
        _ => start_kind(statement, chunk),
    })
}

/// The vectors of one chunk, in the order of their ids: data, model out, model in if it is committed.
pub(crate) fn vectors(
    statement: &RunStatement,
    before: Option<&ModelRecord>,
    after: &ModelRecord,
) -> Result<Vec<Committed>, RecordError> {
    let mut out = alloc::vec![statement.data.committed()?, after.committed()?];
    if let Some(record) = before {
        out.push(record.committed()?);
    }
    Ok(out)
}

/// Verifies every chunk of a run. The validity of the data record is verified apart, by [`crate::validity`].
///
/// # Errors
/// [`RunRejected`] naming the chunk and the check.
pub fn verify_run(run: &RunProof) -> Result<RunVerdict, RunRejected> {
    examine(run, true)
}

/// What a run's file states, with its arguments left unchecked: for descriptions, never for a decision.
///
/// # Errors
/// [`RunRejected`] if statement or records contradict themselves.
pub fn stated(run: &RunProof) -> Result<RunVerdict, RunRejected> {
    examine(run, false)
}

fn examine(run: &RunProof, arguments: bool) -> Result<RunVerdict, RunRejected> {
    let statement = &run.statement;
    let expected = statement.config.chunks();
    if usize::try_from(expected).ok() != Some(run.chunks.len()) || expected == 0 {
        return Err(RunRejected::ChunkCount { expected, got: run.chunks.len() });
    }
    let bounds = statement.validate()?;
    let start_invalid = |error| RunRejected::Record { chunk: 0, error };
    let mut soundness = Vec::new();
    let first = match &statement.start {
        Start::Hidden { record, .. } => Some(record),
        Start::Seed { .. } => None,
    };
    let mut before = first;
    let mut c_in = start_digest(&statement.start).map_err(start_invalid)?;
    for ((chunk, part), &bounds_in) in (0u32..).zip(&run.chunks).zip(&bounds) {
        let invalid = |error| RunRejected::Record { chunk, error };
        part.model_out.validate_end(&statement.config).map_err(invalid)?;
        statement.check_rate("model", part.model_out.vector.log_inv_rate)?;
        let c_out = part.model_out.digest().map_err(invalid)?;
        let vectors = vectors(statement, before, &part.model_out).map_err(invalid)?;
        let shapes: Vec<_> = vectors.iter().map(|v| v.shape).collect();
        // The order of the rows and public weights are as long as the statement says: they come once the proof is
        // known to have that statement's shape.
        let Some(mut relation) = ChunkRelation::outline(&statement.config, chunk, start_kind(statement, chunk)) else {
            return Err(RunRejected::ChunkCount { expected, got: run.chunks.len() });
        };
        let rejected = |error| RunRejected::Chunk { chunk, error };
        let mut plan = plan(&relation, usize::from(statement.log_inv_rate), &shapes).map_err(rejected)?;
        if arguments {
            plan.check_lengths(&part.proof).map_err(rejected)?;
            relation.start = start_weights(statement, chunk)?;
            relation = relation.with_rows();
            let digest = statement.chunk_digest(chunk, &c_in, &c_out, bounds_in)?;
            plan = check_planned(LABEL, &digest, &relation, plan, &vectors, &part.proof).map_err(rejected)?;
        }
        let terms = plan.soundness(&relation);
        if soundness.is_empty() || total(&terms) > total(&soundness) {
            soundness = terms;
        }
        (before, c_in) = (Some(&part.model_out), c_out);
    }
    Ok(RunVerdict {
        run_digest: statement.digest()?,
        data_digest: statement.data.digest().map_err(start_invalid)?,
        start_digest: first.map(ModelRecord::digest).transpose().map_err(start_invalid)?,
        model_digest: c_in,
        w_out: bounds.last().map_or(0, |b| b.w),
        v_out: bounds.last().map_or(0, |b| b.v),
        soundness,
        chunks: run.chunks.len(),
    })
}
