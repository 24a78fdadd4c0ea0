//! What a chunk of honest training means, as linear relations, bilinear sums and lookups over committed columns.
//!
//! For T steps of B examples from W_in to W_out: forward, backward and update relations of protocol.md section 1,
//! with the weights implicit (section 2). [`ChunkRelation`] is the one description that prover, verifier and tests
//! read; [`ChunkRelation::check`] is the verifier's chain of claims (section 3), `prove` sends its messages.
mod check;
mod gates;
mod instances;
pub mod layout;
mod lookups;
#[cfg(feature = "prover")]
mod prove;
mod terms;
mod weights;
#[cfg(feature = "prover")]
mod witness;

use crate::coefficients::Coefficients;
use crate::config::{Activation, Loss, RunConfig};
use crate::order::RowOrder;
use alloc::vec::Vec;
use layout::{LossColumns, ModelLayout, TraceLayout};
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear;
use tacit_argument::field::F;
use tacit_argument::form::Form;
use tacit_argument::hiding::{HidingError, Reduction};
use tacit_argument::lookup::LookupSystem;
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::proof::Relation;
use tacit_argument::share::of_chunk;
use tacit_argument::soundness::{ErrorTerm, LOGUP, SCHWARTZ_ZIPPEL, SUMCHECK, algebraic};

pub(crate) use check::{add_rescaled, cell};
pub(crate) use instances::unit_weights;
pub(crate) use lookups::{Builder, add_lookups, chunk_lookups};
#[cfg(feature = "prover")]
pub use prove::Witness;
pub(crate) use terms::input_terms;
pub use terms::{Equation, PairIndex, Term};
#[cfg(feature = "prover")]
pub(crate) use witness::Writer;
#[cfg(feature = "prover")]
pub use witness::{ChunkWitness, model_payload};

/// The trace, vector 0 of every proof.
pub const TRACE: usize = 0;
/// The data set.
pub const DATA: usize = 1;
/// The model after the chunk.
pub const MODEL_OUT: usize = 2;
/// The model before the chunk, if it is committed.
pub const MODEL_IN: usize = 3;

/// Where the weights before the chunk come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartWeights {
    /// A committed vector; `Some(bits)` range-checks it to [-2^(bits-1), 2^(bits-1)) in this chunk.
    Committed(Option<u32>),
    /// Public integers, in the order of the model layout.
    Public(Vec<i64>),
}

/// The relation of one chunk.
#[derive(Clone, Debug)]
pub struct ChunkRelation<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) layout: TraceLayout,
    /// Where weights and, with momentum, the velocity stand in a model vector.
    pub(crate) state: Vec<ModelLayout>,
    /// Whether the chunk starts from a committed velocity; the first one starts from 0, whatever the start holds.
    pub(crate) velocity_in: bool,
    pub(crate) start: StartWeights,
    pub(crate) pairs: Vec<(Form, Form)>,
    pub(crate) pairs_at: PairIndex,
    pub(crate) lookups: LookupSystem,
    pub(crate) coefficients: Coefficients,
    pub(crate) chunk: u32,
    /// What the weights are multiplied by when the chunk's end is rounded; its denominator is in the shift.
    pub(crate) decay: F,
    /// The data row of every trace row; `None` where masked.
    pub(crate) index: Vec<Option<u32>>,
    /// Slots of the trace, multiplicities included.
    pub(crate) slots: usize,
}

impl<'a> ChunkRelation<'a> {
    /// The relation of chunk `chunk` of a validated configuration; none if there is no such chunk.
    #[must_use]
    pub fn new(config: &'a RunConfig, chunk: u32, start: StartWeights) -> Option<Self> {
        Some(Self::outline(config, chunk, start)?.with_rows())
    }

    /// The relation without the order of its rows: enough for a plan, at no cost by the row. Public weights may be
    /// missing too.
    #[must_use]
    pub fn outline(config: &'a RunConfig, chunk: u32, start: StartWeights) -> Option<Self> {
        let bits = match start {
            StartWeights::Committed(bits) => bits,
            StartWeights::Public(_) => None,
        };
        let layout = TraceLayout::new(config, chunk, bits);
        let (pairs, pairs_at) = pairs(config, &layout);
        let (lookups, slots) = chunk_lookups(config, &layout).build(layout.log_rows, layout.slots);
        Some(Self {
            config,
            state: ModelLayout::state(config, config.schedule.momentum()),
            velocity_in: config.schedule.momentum() && chunk > 0,
            start,
            pairs,
            pairs_at,
            lookups,
            coefficients: Coefficients::new(config, chunk)?,
            chunk,
            decay: F::from_u64(config.decay(chunk).0),
            index: Vec::new(),
            slots,
            layout,
        })
    }

    /// The relation with the order of its rows.
    #[must_use]
    pub fn with_rows(mut self) -> Self {
        self.index = row_index(self.config, self.chunk);
        self
    }

    /// log2 of the data set's stride.
    pub(crate) fn data_stride(&self) -> usize {
        log2_ceil(self.config.schedule.rows as usize)
    }

    /// log2 of the padded number of steps.
    pub(crate) fn log_steps(&self) -> usize {
        log2_ceil(self.config.schedule.chunk_steps as usize)
    }

    /// The lookups, for the soundness report.
    #[must_use]
    pub fn lookups(&self) -> &LookupSystem {
        &self.lookups
    }
}

pub(crate) fn pairs(config: &RunConfig, layout: &TraceLayout) -> (Vec<(Form, Form)>, PairIndex) {
    let mut pairs = Vec::new();
    let mut at = PairIndex::default();
    let column = |slot| Form::column(TRACE, slot);
    let mut group = |n: usize, pair: &dyn Fn(usize) -> (Form, Form)| {
        pairs.extend((0..n).map(pair));
        pairs.len() - n
    };
    let last = layout.layers.len() - 1;
    for (l, layer) in config.architecture.layers.iter().enumerate() {
        let (c, n) = (&layout.layers[l], layer.outputs as usize);
        let (mut relu_z, mut relu_q, mut smooth) = (None, None, None);
        if let (true, Activation::Relu, Some(s)) = (l < last, layer.activation, c.activation) {
            relu_z = Some(group(n, &|j| (column(s + j), column(c.z + j))));
            relu_q = c.q.map(|q| group(n, &|j| (column(s + j), column(q + j))));
        }
        if let (Some(q), Some(derivative)) = (c.q, c.derivative) {
            smooth = Some(group(n, &|j| (column(q + j), column(derivative + j))));
        }
        at.relu_z.push(relu_z);
        at.relu_q.push(relu_q);
        at.smooth.push(smooth);
    }
    if let (Loss::CrossEntropy, LossColumns::CrossEntropy { p, h, max, sum, .. }) =
        (config.architecture.loss, &layout.loss)
    {
        let (z, n) = (layout.layers[last].z, config.architecture.layers[last].outputs as usize);
        let diff = |j| column(*max).plus_scaled(&column(z + j), -F::ONE);
        at.softmax = Some([
            group(n, &|j| (column(h + j), diff(j))),
            group(n, &|j| (column(p + j), column(*sum))),
            group(n, &|j| (column(h + j), column(h + j))),
        ]);
    }
    at.norms = layout
        .norms
        .iter()
        .map(|norm| group(norm.units, &|j| (column(norm.column + j), column(norm.column + j))))
        .collect();
    (pairs, at)
}

impl Relation for ChunkRelation<'_> {
    fn max_stride(&self) -> usize {
        let inside = self.layout.per_weight().flat_map(|w| &w.limbs).map(|(_, _, layout, _)| layout.max_stride()).max();
        inside.unwrap_or(0).max(self.layout.log_rows)
    }

    fn column_cells(&self) -> usize {
        self.slots << self.layout.log_rows
    }

    fn check(&self, reduction: &mut Reduction<'_>) -> Result<(), HidingError> {
        Self::check(self, reduction)
    }

    fn log_proofs(&self) -> usize {
        of_chunk(self.config.chunks() as usize)
    }

    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        let rows = self.layout.log_rows;
        let layers = self.layout.layers.len();
        let units = |n: usize| log2_ceil(n.max(1));
        let summed: usize = (0..layers).map(|l| self.config.k(l) + self.config.outputs(l)).sum();
        let widest = (0..layers).map(|l| units(self.config.k(l)).max(units(self.config.outputs(l)))).max().unwrap_or(0);
        // Every random point beside a sumcheck's own: rho, unit points of 4 L + 3 claims, of the norms and of one weight
        // per layer, and the powers that batch.
        let norms = self.layout.norms.len();
        let points = rows + (5 * layers + 3) * 2 * widest + norms * (widest + 1) + 9 * layers + 8;
        let term = |name, numerator: u64, theorem| algebraic(name, numerator as usize, list_bits, theorem);
        let bilinear = bilinear::error_numerator;
        alloc::vec![
            term("matrix products", bilinear(self.log_steps(), units(summed)), SUMCHECK),
            term("implicit weights", bilinear(rows, units(3 * layers)), SUMCHECK),
            term("gates", bilinear(rows, units(self.pairs.len())), SUMCHECK),
            term("random points and batching powers", points as u64, SCHWARTZ_ZIPPEL),
            term("lookups: fingerprints, zero denominators, GKR", self.lookups.error_numerator(), LOGUP),
        ]
    }
}

/// The data row of every row of a chunk's trace.
fn row_index(config: &RunConfig, chunk: u32) -> Vec<Option<u32>> {
    let mut order = RowOrder::new(config);
    let (start, batch) = (config.chunk_start(chunk), config.padded_batch());
    let real = config.steps_in_chunk(chunk);
    let mut out = Vec::with_capacity(config.rows_per_chunk());
    for t in 0..config.schedule.chunk_steps {
        out.extend((0..batch).map(|b| if t < real { order.row_index(start + t, b) } else { None }));
    }
    out
}
