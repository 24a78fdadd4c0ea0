//! What a proof will cost, from the statement alone: sizes exactly, time and memory by a fitted model.
//!
//! The constants were fitted on two cores (see `make bench`); they say how the cost follows the sizes, and the
//! benchmark prints estimate and measurement side by side.
use crate::config::RunConfig;
use crate::relation::layout::ModelLayout;
use crate::relation::{ChunkRelation, StartWeights};
use crate::run::RunRejected;
use crate::statement::{RunStatement, Start};
use tacit_argument::opening::{VectorShape, long_lived_shape};
use tacit_argument::proof::{Relation, plan};

/// Proofs that a model between two chunks is committed for, with one in reserve.
const PROOFS: usize = 5;

/// Cost of one chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Seconds on two cores.
    pub seconds: f64,
    /// Peak memory in bytes.
    pub memory: u64,
    /// Bytes of the proof.
    pub proof_bytes: u64,
    /// Rows that the proof opens of each long-lived tree.
    pub rows_per_proof: u64,
    /// Cells of the trace.
    pub cells: u64,
    /// Leaves of the lookup argument.
    pub leaves: u64,
    /// Coefficients of the opened polynomial P.
    pub opened: u64,
    /// Rows of the trace times columns of all committed vectors.
    pub sources: u64,
    /// Seconds of each stage, in the order of [`crate::stage::Stage::ALL`].
    pub stages: [f64; 7],
}

/// Estimates one chunk of a stated run (the first: it has the most relations).
///
/// # Errors
/// [`RunRejected`] if the statement cannot be proven.
pub fn estimate(statement: &RunStatement) -> Result<Estimate, RunRejected> {
    let start = match &statement.start {
        Start::Hidden { record, bits } => Some((Some(record.vector.shape), *bits)),
        Start::Seed { .. } => None,
    };
    estimate_chunk(&statement.config, statement.data.vector.shape, start, statement.log_inv_rate)
}

/// Estimates the first chunk of a run that is only planned: its start is hidden, in a window of so many bits and
/// committed in this shape (if it is already), or public.
///
/// # Errors
/// [`RunRejected`] if no parameters fit.
pub fn estimate_chunk(
    config: &RunConfig,
    data: VectorShape,
    start: Option<(Option<VectorShape>, u32)>,
    log_inv_rate: u8,
) -> Result<Estimate, RunRejected> {
    let rejected = |error| RunRejected::Chunk { chunk: 0, error };
    let rate = usize::from(log_inv_rate);
    let stride = ModelLayout::new(config, 0).max_stride();
    let committed = |velocity| {
        let cells = ModelLayout::state_cells(config, velocity);
        long_lived_shape(cells, stride, PROOFS, rate).map_err(|e| rejected(e.into()))
    };
    let mut shapes = alloc::vec![data, committed(config.schedule.momentum())?];
    let weights = match start {
        Some((shape, bits)) => {
            shapes.push(shape.map_or_else(|| committed(false), Ok)?);
            StartWeights::Committed(Some(bits))
        }
        None => StartWeights::Public(alloc::vec![0; config.weight_count()]),
    };
    let relation = ChunkRelation::new(config, 0, weights);
    let Some(relation) = relation else { return Err(RunRejected::ChunkCount { expected: 0, got: 0 }) };
    let plan = plan(&relation, rate, &shapes).map_err(rejected)?;
    let h = plan.opening.h();
    let sources = plan.opening.sources() as u64;
    let opened = 1u64 << (h + plan.opening.log_columns());
    let (cells, leaves) = (relation.column_cells() as u64, 1u64 << relation.lookups().log_leaves());
    let rows = 1u64 << h;
    // Codewords of mask and vectors, the opened polynomial, the tables of its sumcheck, the lookup circuit.
    let memory = 8 * 4 * 4 * sources * rows + 3 * 8 * opened + 48 * sources * rows + 100 * leaves + 32 * cells;
    let seconds = 0.2 + 1e-9 * (135.0 * (leaves as f64) + 200.0 * (4 * sources * rows) as f64 + 45.0 * opened as f64);
    let queries = plan.opening.queries() as u64;
    let proof_bytes =
        queries * (32 * sources + 4 * 32 * (h as u64).saturating_sub(4)) + 48 * plan.schedule.messages as u64 + 60_000;
    Ok(Estimate { seconds, memory, proof_bytes, rows_per_proof: queries, cells, leaves, opened, sources: sources * rows, stages: [seconds / 7.0; 7] })
}
