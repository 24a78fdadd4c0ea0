//! Where every column of a chunk stands in the trace, and where weights stand in a model vector.
//!
//! A trace column is one slot of R = T B cells (row = t B + b). The order of groups is a function of the
//! configuration; prover, verifier and tests read this one description.
use super::{Builder, TRACE};
use crate::config::{Activation, DERIVATIVE_BITS, Layer, Loss, Part, RunConfig, limb_widths};
use crate::record::ModelRecord;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F};
use tacit_argument::form::Form;
use tacit_argument::functional::LowId;
use tacit_argument::hiding::{Affine, Cell};
use tacit_argument::multilinear::log2_ceil;

/// A quantity split into limbs of exact widths, least significant first; one group of columns per limb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limbs {
    /// (width in bits, first slot of the group).
    pub groups: Vec<(u32, usize)>,
}

impl Limbs {
    /// (weight 2^shift, first slot) of each limb.
    pub fn weighted(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        let mut shift = 0;
        self.groups.iter().map(move |&(w, slot)| {
            let weight = 1u64 << shift;
            shift += w;
            (weight, slot)
        })
    }
}

/// The columns of one layer's units; every field is the first slot of a group of `outputs` columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerColumns {
    /// Z.
    pub z: usize,
    /// 2^F-remainder of Z.
    pub z_rem: Limbs,
    /// The ReLU bit s = [Z <= 0], or the smooth activation's value.
    pub activation: Option<usize>,
    /// The smooth activation's derivative.
    pub derivative: Option<usize>,
    /// Q, the gradient at the activation's output (hidden layers).
    pub q: Option<usize>,
    /// 2^F-remainder of Q.
    pub q_rem: Limbs,
    /// D = rescale(Q A', f') of smooth layers.
    pub d: Option<usize>,
    /// 2^f'-remainder of D.
    pub d_rem: Limbs,
}

/// The loss layer's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LossColumns {
    /// e, p, rem, h: C columns each; max and sum: one each.
    CrossEntropy {
        /// EXP[max - Z].
        e: usize,
        /// The quotient.
        p: usize,
        /// The division's remainder.
        rem: usize,
        /// One-hot of a maximum.
        h: usize,
        /// The maximum.
        max: usize,
        /// Sum of e.
        sum: usize,
    },
    /// The sigmoid's value.
    BinaryCrossEntropy {
        /// SIGG[Z].
        sigmoid: usize,
    },
    /// No column of its own.
    SquaredError,
}

/// Where weights stand in a model vector: row k of layer l is slot `first[l] + k` of 2^stride[l] cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelLayout {
    /// log2 of a row's stride, per layer.
    pub stride: Vec<usize>,
    /// First slot per layer, in units of its stride.
    pub first: Vec<usize>,
    /// Payload cells used.
    pub cells: usize,
}

impl ModelLayout {
    /// Lays out the layers of a configuration, from cell `start` on.
    #[must_use]
    pub fn new(config: &RunConfig, start: usize) -> Self {
        Self::of(config.architecture.layers.iter().map(|l| (l.k(), l.outputs as usize)), start)
    }
    /// Lays out layers of these (rows of W, outputs), from cell `start` on.
    fn of(dimensions: impl Iterator<Item = (usize, usize)>, start: usize) -> Self {
        let (mut stride, mut first, mut cells) = (Vec::new(), Vec::new(), start);
        for (k, outputs) in dimensions {
            let s = log2_ceil(outputs);
            let slot = cells.div_ceil(1 << s);
            stride.push(s);
            first.push(slot);
            cells = (slot + k) << s;
        }
        Self { stride, first, cells }
    }
    /// The layouts of weights and, if it has one, velocity of a model whose record alone is known.
    #[must_use]
    pub fn of_record(record: &ModelRecord) -> Vec<Self> {
        let dimensions = || record.layers.iter().map(|&(k, n)| (k as usize, n as usize));
        let weights = Self::of(dimensions(), 0);
        let behind = record.velocity.then(|| Self::of(dimensions(), weights.cells));
        core::iter::once(weights).chain(behind).collect()
    }
    /// The widest stride.
    #[must_use]
    pub fn max_stride(&self) -> usize {
        self.stride.iter().copied().max().unwrap_or(0)
    }
    /// The layouts of weights and, with momentum, of the velocity behind them.
    #[must_use]
    pub fn state(config: &RunConfig, velocity: bool) -> Vec<Self> {
        let weights = Self::new(config, 0);
        let behind = velocity.then(|| Self::new(config, weights.cells));
        core::iter::once(weights).chain(behind).collect()
    }
    /// Payload cells of a model vector.
    #[must_use]
    pub fn state_cells(config: &RunConfig, velocity: bool) -> usize {
        Self::state(config, velocity).last().map_or(0, |l| l.cells)
    }
    /// The payload cell of weight (k, j) of layer l.
    #[must_use]
    pub fn cell(&self, l: usize, k: usize, j: usize) -> usize {
        ((self.first[l] + k) << self.stride[l]) + j
    }
}

/// Limbs of one value per weight, least significant first: per limb a copy of the model layout inside the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightLimbs {
    /// Bits of the value: W_in + 2^(bits-1), or a remainder.
    pub bits: u32,
    /// (width, first R-slot, layout relative to the trace's payload, R-slots taken), least significant first.
    pub limbs: Vec<(u32, usize, ModelLayout, usize)>,
}

impl WeightLimbs {
    /// Takes slots of 2^log_rows cells from `next` on.
    #[must_use]
    pub fn new(config: &RunConfig, bits: u32, log_rows: usize, next: &mut usize) -> Self {
        let align = ModelLayout::new(config, 0).max_stride().saturating_sub(log_rows);
        let limb = |width| {
            let first = next.next_multiple_of(1 << align);
            let layout = ModelLayout::new(config, first << log_rows);
            let slots = layout.cells.div_ceil(1 << log_rows) - first;
            *next = first + slots;
            (width, first, layout, slots)
        };
        Self { bits, limbs: limb_widths(bits).into_iter().rev().map(limb).collect() }
    }

    /// Adds `scale sum_k inputs_k value(k, .)` of one layer, its rows read through `low`.
    pub(crate) fn add_to(&self, e: &mut Affine, (layer, low): (usize, LowId), inputs: &[E], scale: E) {
        let mut shift = 0;
        for (width, _, layout, _) in &self.limbs {
            let first = layout.first.get(layer).copied().unwrap_or(0);
            for (k, &w) in inputs.iter().enumerate() {
                e.add_cell(Cell { vector: TRACE, low, slot: first + k }, w * scale * F::from_u64(1 << shift));
            }
            shift += width;
        }
    }

    /// Every cell of a limb's slots lies in [0, 2^width), cells of no weight included.
    pub(crate) fn lookups(&self, b: &mut Builder) {
        for &(width, first, _, slots) in &self.limbs {
            (first..first + slots).for_each(|slot| b.range(width, Form::column(TRACE, slot)));
        }
    }

    /// Writes the limbs of `value(i)`, i in the order of the configuration's weights; cells of no weight stay.
    #[cfg(feature = "prover")]
    pub(crate) fn fill(&self, config: &RunConfig, value: impl Fn(usize) -> u64, columns: &mut [F]) {
        let mut shift = 0;
        for (width, _, layout, _) in &self.limbs {
            for l in 0..config.architecture.layers.len() {
                let (first, n) = (config.weight_offset(l), config.outputs(l));
                for i in 0..config.k(l) * n {
                    columns[layout.cell(l, i / n, i % n)] =
                        F::from_u64((value(first + i) >> shift) & ((1 << width) - 1));
                }
            }
            shift += width;
        }
    }
}

/// How a chunk's end is rounded: `exact + 2^(s-1) = 2^s out + remainder`.
///
/// Both parts are range-checked. With the remainder alone, each of its 2^s values would have an `out` mod p.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// The remainder, s bits.
    pub remainder: WeightLimbs,
    /// out + 2^(bits-1).
    pub quotient: WeightLimbs,
}

/// Limbs of one sum of squares per unit of a layer: unit j is cell j from the first slot on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormLimbs {
    /// First of the columns whose squares are summed, one per unit.
    pub column: usize,
    /// Units.
    pub units: usize,
    /// (width, first slot), least significant first.
    pub limbs: Limbs,
}

impl NormLimbs {
    fn new((column, units): (usize, usize), bits: u32, log_rows: usize, a: &mut Allocator) -> Self {
        Self { column, units, limbs: a.limbs(bits, units.div_ceil(1 << log_rows)) }
    }

    /// Every cell of a limb's slots lies in [0, 2^width), cells of no unit included.
    pub(crate) fn lookups(&self, log_rows: usize, b: &mut Builder) {
        let slots = self.units.div_ceil(1 << log_rows);
        for &(width, first) in &self.limbs.groups {
            (first..first + slots).for_each(|slot| b.range(width, Form::column(TRACE, slot)));
        }
    }
}

/// The whole trace of one chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLayout {
    /// log2 R.
    pub log_rows: usize,
    /// Per layer.
    pub layers: Vec<LayerColumns>,
    /// The loss.
    pub loss: LossColumns,
    /// Limbs of W_in + 2^(bits-1) of a hidden initial model, if this chunk range-checks it.
    pub weight_limbs: Option<WeightLimbs>,
    /// The rounding of weights and, with momentum, of the velocity; none where the end is not looked up.
    pub rounding: Vec<Option<Rounding>>,
    /// The norms of hidden units: of Z where the activation is no table, and of Q; empty without norms.
    pub norms: Vec<NormLimbs>,
    /// Slots used so far; multiplicities and pads follow.
    pub slots: usize,
}

struct Allocator {
    next: usize,
}

impl Allocator {
    fn take(&mut self, n: usize) -> usize {
        self.next += n;
        self.next - n
    }
    fn limbs(&mut self, bits: u32, n: usize) -> Limbs {
        Limbs { groups: limb_widths(bits).into_iter().rev().map(|w| (w, self.take(n))).collect() }
    }
}

impl TraceLayout {
    /// The layout of chunk `chunk`; `weight_bits` asks for the range check of a hidden initial model.
    #[must_use]
    pub fn new(config: &RunConfig, chunk: u32, weight_bits: Option<u32>) -> Self {
        let mut a = Allocator { next: 0 };
        let f = config.scales.fw + config.scales.kappa;
        let last = config.architecture.layers.len() - 1;
        let mut layers = Vec::new();
        for (l, layer) in config.architecture.layers.iter().enumerate() {
            let n = layer.outputs as usize;
            let (hidden, smooth) = (l < last, matches!(layer.activation, Activation::Sigmoid | Activation::Tanh));
            layers.push(LayerColumns {
                z: a.take(n),
                z_rem: a.limbs(f, n),
                activation: (smooth || layer.activation == Activation::Relu).then(|| a.take(n)),
                derivative: smooth.then(|| a.take(n)),
                q: hidden.then(|| a.take(n)),
                q_rem: a.limbs(if hidden { f } else { 0 }, n),
                d: (hidden && smooth).then(|| a.take(n)),
                d_rem: a.limbs(if hidden && smooth { DERIVATIVE_BITS } else { 0 }, n),
            });
        }
        let n = config.architecture.layers[last].outputs as usize;
        let loss = match config.architecture.loss {
            Loss::CrossEntropy => LossColumns::CrossEntropy {
                e: a.take(n),
                p: a.take(n),
                rem: a.take(n),
                h: a.take(n),
                max: a.take(1),
                sum: a.take(1),
            },
            Loss::BceWithLogits => LossColumns::BinaryCrossEntropy { sigmoid: a.take(n) },
            Loss::Mse => LossColumns::SquaredError,
        };
        let log_rows = log2_ceil(config.rows_per_chunk());
        let start = weight_bits.map(|bits| WeightLimbs::new(config, bits, log_rows, &mut a.next));
        let parts = [Some(Part::Weights), config.schedule.momentum().then_some(Part::Velocity)];
        let rounding = parts
            .into_iter()
            .flatten()
            .map(|part| {
                let (shift, bits) = (config.boundary_shift(part, chunk), config.boundary_bits(part, chunk));
                config.boundary_checked(part, chunk).then(|| Rounding {
                    remainder: WeightLimbs::new(config, shift, log_rows, &mut a.next),
                    quotient: WeightLimbs::new(config, bits, log_rows, &mut a.next),
                })
            })
            .collect();
        let mut norms = Vec::new();
        for (layer, c) in config.architecture.layers.iter().zip(&layers) {
            let (Some(bits), Some(q)) = (config.norms, c.q) else { continue };
            let squares = [(!layer.activation.is_smooth()).then_some((c.z, bits.z)), Some((q, bits.q))];
            for (column, bits) in squares.into_iter().flatten() {
                norms.push(NormLimbs::new((column, layer.outputs as usize), bits, log_rows, &mut a));
            }
        }
        Self { log_rows, layers, loss, weight_limbs: start, rounding, norms, slots: a.next }
    }

    /// The forward half alone, over `2^log_rows` rows: Z with its remainder, and the activation.
    #[must_use]
    pub(crate) fn forward(config: &RunConfig, log_rows: usize, first: usize) -> Self {
        let mut a = Allocator { next: first };
        let none = || Limbs { groups: Vec::new() };
        let layer = |x: &Layer| {
            let n = x.outputs as usize;
            LayerColumns {
                z: a.take(n),
                z_rem: a.limbs(config.weight_bits(), n),
                activation: (x.activation != Activation::Identity).then(|| a.take(n)),
                derivative: None,
                q: None,
                q_rem: none(),
                d: None,
                d_rem: none(),
            }
        };
        let layers = config.architecture.layers.iter().map(layer).collect();
        Self {
            log_rows,
            layers,
            loss: LossColumns::SquaredError,
            weight_limbs: None,
            rounding: Vec::new(),
            norms: Vec::new(),
            slots: a.next,
        }
    }

    /// Every quantity that has a cell per weight.
    pub fn per_weight(&self) -> impl Iterator<Item = &WeightLimbs> {
        self.weight_limbs.iter().chain(self.rounding.iter().flatten().flat_map(|r| [&r.remainder, &r.quotient]))
    }
}
