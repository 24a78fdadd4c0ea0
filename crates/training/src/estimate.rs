//! What a proof will cost, from the statement alone: sizes exactly, time and memory by a fitted model.
//!
//! The constants were fitted on two cores (see `make bench`); they say how the cost follows the sizes, and the
//! benchmark prints estimate and measurement side by side. Memory is the peak of a whole process with Python and
//! PyTorch in it: codewords, mask and opened polynomial follow what is committed, the lookup circuit its leaves.
use crate::config::RunConfig;
use crate::record::DataRecord;
use crate::relation::layout::ModelLayout;
use crate::relation::{ChunkRelation, StartWeights};
use crate::run::RunRejected;
use crate::stage::Stage;
use crate::statement::{RunStatement, Start};
use crate::validity::{ValidityError, ValidityRelation};
use tacit_argument::lookup::LookupSystem;
use tacit_argument::opening::{VectorShape, long_lived_shape};
use tacit_argument::proof::{Plan, Relation, plan};

/// Bytes of a process before it proves: Python, PyTorch, the loaded data of a small table.
const PROCESS: u64 = 950_000_000;
/// What a build without AVX-512 takes of the time of one with it, measured on the workloads of `make bench`: 1.2 to 1.6.
const BUILD: f64 = if cfg!(target_feature = "avx512f") { 1.0 } else { 1.5 };
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
    /// Coefficients of all committed vectors, each column as tall as the trace's.
    pub committed: u64,
    /// Seconds of each stage, in the order of [`Stage::ALL`].
    pub stages: [f64; Stage::ALL.len()],
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
    let cells = relation.column_cells() as u64;
    let sizes = Sizes::new(&plan, relation.lookups(), data);
    let Sizes { opened, committed, leaves, .. } = sizes;
    let seconds = sizes.seconds();
    let stages = stages(seconds, cells as f64, committed as f64, leaves as f64, opened as f64);
    let queries = plan.opening.queries() as u64;
    let (rows, paths) = (plan.opening.sources() + 3 * plan.opening.groups(), plan.opening.h().saturating_sub(4));
    let proof_bytes = queries * (8 * rows + 4 * 32 * paths) as u64 + 48 * plan.schedule.messages as u64 + 60_000;
    let memory = sizes.memory();
    Ok(Estimate { seconds, memory, proof_bytes, rows_per_proof: queries, cells, leaves, opened, committed, stages })
}

/// Peak bytes of committing a data set and proving it valid.
///
/// # Errors
/// [`ValidityError`] if the record has no parameters.
pub fn commitment_memory(record: &DataRecord) -> Result<u64, ValidityError> {
    let relation = ValidityRelation::new(record);
    let shape = record.vector.shape;
    let plan = plan(&relation, usize::from(record.vector.log_inv_rate), &[shape])?;
    Ok(Sizes::new(&plan, relation.lookups(), shape).memory())
}

/// What time and memory of a proof follow from.
struct Sizes {
    opened: u64,
    committed: u64,
    leaves: u64,
    data: u64,
}

impl Sizes {
    fn new(plan: &Plan, lookups: &LookupSystem, data: VectorShape) -> Self {
        let (config, h) = (&plan.opening, plan.opening.h());
        Self {
            opened: 1 << (h + config.log_columns()),
            committed: (config.sources() as u64) << h,
            leaves: 1 << lookups.log_leaves(),
            data: (data.columns as u64) << data.log_height,
        }
    }

    const fn memory(&self) -> u64 {
        PROCESS + 165 * self.committed + 27 * self.leaves + 36 * self.data
    }

    fn seconds(&self) -> f64 {
        let of = |n: u64, nanoseconds: f64| 1e-9 * nanoseconds * n as f64;
        0.2 + BUILD * (of(self.leaves, 58.0) + of(self.committed, 344.0) + of(self.opened, 19.0))
    }
}

/// How the seconds of a chunk fall to its stages, by what each of them works on.
fn stages(seconds: f64, cells: f64, committed: f64, leaves: f64, opened: f64) -> [f64; Stage::ALL.len()] {
    let parts = Stage::ALL.map(|stage| match stage {
        Stage::Trace => 50.0 * cells,
        Stage::Commit => 500.0 * committed,
        Stage::Products | Stage::Weights => 5.0 * cells,
        Stage::Gates => 20.0 * cells,
        Stage::Lookups => 230.0 * leaves,
        Stage::Opening => 2e8 + 45.0 * opened + 150.0 * committed,
    });
    let total: f64 = parts.iter().sum();
    parts.map(|part| seconds * part / total)
}
