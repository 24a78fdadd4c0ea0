//! Proves a chunk: re-executes it, commits its end, proves the relation.
use super::{ChunkProof, LABEL, start_digest, start_weights, vectors};
use crate::config::RunConfig;
use crate::record::{ModelRecord, RECORD_VERSION, RecordError, SUITE_BLAKE3, Vector, model_dimensions};
use crate::relation::layout::ModelLayout;
use crate::relation::{ChunkRelation, ChunkWitness, model_payload};
use crate::stage::Stage;
use crate::statement::{RunStatement, StatementError};
use crate::trainer::{Data, ModelState, TrainError, train_chunk};
use tacit_argument::entropy::{Entropy, EntropyFailed};
use tacit_argument::hiding::wipe;
use tacit_argument::opening::{LongLived, OpeningError, PIN_BLOCK, VectorShape, long_lived_shape, shape_beside_little};
use tacit_argument::proof::{ProveError, prove};

/// No proof; details stay with the owner.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The run leaves a window, or its arguments are off.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The statement is not acceptable.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A record is invalid.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The argument refused.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// No parameters fit.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
    /// The statement has no such chunk.
    #[error("the run has no chunk {chunk}")]
    NoSuchChunk {
        /// Asked for.
        chunk: u32,
    },
}

/// A committed model: tree, secrets and public record.
pub struct ModelCommitment {
    /// The tree and the secrets behind it.
    pub vector: LongLived,
    /// What is published.
    pub record: ModelRecord,
}

/// Commits weights alone, as a start, for `proofs` openings; the same arguments give the same commitment.
///
/// # Errors
/// [`RunError`] if no shape fits.
pub fn commit_model(
    config: &RunConfig,
    weights: &[i64],
    log_inv_rate: u8,
    proofs: usize,
    seed: &[u8; 32],
) -> Result<ModelCommitment, RunError> {
    commit(config, (weights, None), long_lived_shape, log_inv_rate, proofs, seed)
}

/// Commits weights and, where there is one, the velocity behind them, as [`commit_model`] does.
///
/// # Errors
/// [`RunError`] if no shape fits.
pub fn commit_state(
    config: &RunConfig,
    state: &ModelState,
    log_inv_rate: u8,
    proofs: usize,
    seed: &[u8; 32],
) -> Result<ModelCommitment, RunError> {
    commit(config, (&state.weights, state.velocity.as_deref()), long_lived_shape, log_inv_rate, proofs, seed)
}

/// [`commit_state`] of a model that is trained no further: in the shape that reports on few rows are cheapest for.
///
/// # Errors
/// [`RunError`] if no shape fits.
pub fn commit_for_reports(
    config: &RunConfig,
    state: &ModelState,
    log_inv_rate: u8,
    proofs: usize,
    seed: &[u8; 32],
) -> Result<ModelCommitment, RunError> {
    commit(config, (&state.weights, state.velocity.as_deref()), shape_beside_little, log_inv_rate, proofs, seed)
}

fn commit(
    config: &RunConfig,
    (weights, velocity): (&[i64], Option<&[i64]>),
    shape: fn(usize, usize, usize, usize) -> Result<VectorShape, OpeningError>,
    log_inv_rate: u8,
    proofs: usize,
    seed: &[u8; 32],
) -> Result<ModelCommitment, RunError> {
    let cells = ModelLayout::state_cells(config, velocity.is_some());
    let rate = usize::from(log_inv_rate);
    let shape = shape(cells, ModelLayout::new(config, 0).max_stride(), proofs, rate)?;
    let mut payload = model_payload(config, weights, velocity);
    let vector = LongLived::commit(shape, rate, &payload, seed)?;
    wipe(&mut payload);
    let mut record = ModelRecord {
        version: RECORD_VERSION,
        layers: model_dimensions(config),
        fw: config.scales.fw,
        velocity: velocity.is_some(),
        vector: Vector {
            suite: SUITE_BLAKE3,
            log_inv_rate,
            shape,
            row_budget: (shape.block - PIN_BLOCK) as u64,
            root: vector.root(),
        },
        pin: Default::default(),
    };
    record.pin = vector.pin(&record.committed()?.pin.point);
    Ok(ModelCommitment { vector, record })
}

/// What the owner holds about one chunk.
pub struct ChunkInput<'a> {
    /// The run.
    pub statement: &'a RunStatement,
    /// Which chunk.
    pub chunk: u32,
    /// The committed data set.
    pub data: &'a LongLived,
    /// Its integers.
    pub rows: &'a Data,
    /// The state before the chunk; a velocity before chunk 0 is not read.
    pub start: &'a ModelState,
    /// Their commitment; none at a public start.
    pub model_in: Option<&'a ModelCommitment>,
    /// Openings that the model after the chunk is committed for.
    pub proofs: usize,
    /// Secret seed of that commitment.
    pub seed: &'a [u8; 32],
}

/// A proven chunk.
pub struct ChunkOutput {
    /// Its public part.
    pub proof: ChunkProof,
    /// The weights after it.
    pub end: ModelState,
    /// Their commitment.
    pub model_out: ModelCommitment,
}

/// The state before step 0: the momentum state is the constant 0.
fn initial_state(config: &RunConfig, weights: &[i64]) -> ModelState {
    let velocity = config.schedule.momentum().then(|| alloc::vec![0; weights.len()]);
    ModelState { weights: weights.to_vec(), velocity }
}

/// Executes, commits and proves one chunk.
///
/// # Errors
/// [`RunError`]: the run overflows a window, or no parameters fit.
pub fn prove_chunk(input: &ChunkInput<'_>, vault_secret: &[u8; 32]) -> Result<ChunkOutput, RunError> {
    prove_chunk_watched(input, vault_secret, &|_| {})
}

/// The same, telling each stage as it begins.
///
/// # Errors
/// As [`prove_chunk`].
pub fn prove_chunk_watched(
    input: &ChunkInput<'_>,
    vault_secret: &[u8; 32],
    begins: &dyn Fn(Stage),
) -> Result<ChunkOutput, RunError> {
    begins(Stage::Trace);
    let (statement, config) = (input.statement, &input.statement.config);
    let bounds = statement.validate()?;
    let none = RunError::NoSuchChunk { chunk: input.chunk };
    let Some(&bounds) = bounds.get(input.chunk as usize) else { return Err(none) };
    let first = (input.chunk == 0).then(|| initial_state(config, &input.start.weights));
    let state = first.as_ref().unwrap_or(input.start);
    let trace = train_chunk(config, input.chunk, state, input.rows)?;
    let end = trace.end.state.clone();
    let model_out = commit_state(config, &end, statement.log_inv_rate, input.proofs, input.seed)?;
    let c_in = match input.model_in {
        Some(m) => m.record.digest()?,
        None => start_digest(&statement.start)?,
    };
    let c_out = model_out.record.digest()?;
    let digest = statement.chunk_digest(input.chunk, &c_in, &c_out, bounds)?;
    let start = start_weights(statement, input.chunk)?;
    let Some(relation) = ChunkRelation::new(config, input.chunk, start) else { return Err(none) };
    let (witness, columns) = ChunkWitness::new(relation, &trace, state).map_err(ProveError::from)?;
    let witness = witness.watched(begins);
    drop(trace);
    begins(Stage::Commit);
    let committed = vectors(statement, input.model_in.map(|m| &m.record), &model_out.record)?;
    let trees = [Some(input.data), Some(&model_out.vector), input.model_in.map(|m| &m.vector)];
    let others: alloc::vec::Vec<_> = trees.into_iter().flatten().zip(committed).collect();
    let entropy = Entropy::fresh(vault_secret, &digest)?;
    let proof = prove(LABEL, &digest, &witness, usize::from(statement.log_inv_rate), columns, &others, entropy)?;
    drop(others);
    Ok(ChunkOutput { proof: ChunkProof { model_out: model_out.record.clone(), proof }, end, model_out })
}
