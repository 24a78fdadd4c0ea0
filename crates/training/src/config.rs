//! The configuration of a run: architecture, scales, schedule and order, with the rules that make it valid.
//!
//! Everything the integer function depends on is here, as integers; two equal configurations train the same data
//! and initial weights to the same weights, bit for bit. [`RunConfig::validate`] bounds every count, so that code
//! behind it can neither overflow nor allocate without limit on a hostile configuration.
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

mod schedule;
mod validate;
pub use schedule::{Decay, RateSpan, Schedule};
pub use validate::ConfigError;

/// Most layers of a model.
pub const MAX_LAYERS: usize = 64;
/// Largest input or output width of a layer.
pub const MAX_WIDTH: u32 = 1 << 16;
/// Most weights and biases of a model.
pub const MAX_WEIGHTS: u64 = 1 << 28;
/// Most rows of a data set.
pub const MAX_ROWS: u32 = 1 << 24;
/// Largest batch.
pub const MAX_BATCH: u32 = 1 << 20;
/// Most steps of a run.
pub const MAX_STEPS: u32 = 1 << 24;
/// Most steps of a chunk.
pub const MAX_CHUNK_STEPS: u32 = 1 << 16;
/// Most trace rows (steps times padded batch) of a chunk.
pub const MAX_CHUNK_ROWS: u64 = 1 << 22;
/// Most chunks of a run: beyond, their errors could not share 2^-128.
pub const MAX_CHUNKS: u32 = 1 << 20;
/// Most rate spans times chunks, and filter entries times steps, that a verifier walks.
pub const MAX_SCANNED: u64 = 1 << 28;
/// Longest momentum filter.
pub const MAX_FILTER: usize = 1 << 12;
/// Largest integer learning rate.
pub const MAX_RATE: i64 = 1 << 40;
/// Most bits of a decay's denominator.
pub const MAX_DECAY_BITS: u32 = 16;
/// Width of the tables' domain, hence the largest window of Z and Q.
pub const MAX_WINDOW: u32 = 16;
/// Most bits of a column's norm. 2^22 rows of 16-bit values have 52.
pub const MAX_NORM: u32 = 54;
/// Fractional bits of a smooth activation's derivative.
pub const DERIVATIVE_BITS: u32 = 12;

/// What follows a layer's matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// A = Z. The last layer's activation: its non-linearity is in the loss.
    Identity,
    /// A = max(Z, 0), derivative 0 at 0.
    Relu,
    /// A = sigmoid(Z), from a table.
    Sigmoid,
    /// A = tanh(Z), from a table.
    Tanh,
}

impl Activation {
    /// Whether value and derivative come from tables, so that the backward product is rescaled once more.
    #[must_use]
    pub const fn is_smooth(self) -> bool {
        matches!(self, Self::Sigmoid | Self::Tanh)
    }
}

/// The loss, a mean over the batch as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// Softmax cross-entropy over the outputs; one class index per row.
    CrossEntropy,
    /// Sigmoid cross-entropy per output; labels 0 or 1.
    BceWithLogits,
    /// Squared error per output; targets with `fa` fractional bits.
    Mse,
}

/// A fully connected layer. W has `k()` rows and `outputs` columns; the bias is the last row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Input width without the bias.
    pub inputs: u32,
    /// Output width.
    pub outputs: u32,
    /// Whether a bias input of constant 2^fa follows the inputs.
    pub bias: bool,
    /// What follows the product.
    pub activation: Activation,
    /// Z lies in [-2^(z_bits-1), 2^(z_bits-1)).
    pub z_bits: u32,
    /// The gradient Q that reaches this layer's units lies in [-2^(q_bits-1), 2^(q_bits-1)). Not used by the last
    /// layer, whose gradient comes from the loss.
    pub q_bits: u32,
}

impl Layer {
    /// Rows of W: inputs and the bias.
    #[must_use]
    pub const fn k(&self) -> usize {
        self.inputs as usize + self.bias as usize
    }
}

/// Layers and loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// From the data to the outputs.
    pub layers: Vec<Layer>,
    /// The loss on the last layer's Z.
    pub loss: Loss,
}

/// Fractional bits of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scales {
    /// Of data and activations.
    pub fa: u32,
    /// Of the loss gradient.
    pub fg: u32,
    /// Of the weights at chunk boundaries.
    pub fw: u32,
    /// Extra bits of the weights inside a chunk, for the momentum filter.
    pub kappa: u32,
    /// Of the batch weights w_s = 2^omega B / B_s.
    pub omega: u32,
}

/// A part of the state that passes from chunk to chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// W.
    Weights,
    /// V.
    Velocity,
}

/// In which order an epoch reads the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// 0, 1, ..., n-1 in every epoch.
    Contiguous,
    /// A permutation per epoch, from a public seed (see [`crate::order`]).
    Shuffled {
        /// The seed.
        seed: [u8; 32],
    },
}

/// Bounds of the sums of squares of a chunk's hidden columns, over all its rows; they bound what the weights can
/// move by (see [`crate::nowrap`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NormBits {
    /// Each unit's sum of Z^2 is below 2^z (layers whose activation is not a table).
    pub z: u32,
    /// Each unit's sum of Q^2 is below 2^q.
    pub q: u32,
}

/// Everything the integer function depends on beside data and initial weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunConfig {
    /// Layers and loss.
    pub architecture: Architecture,
    /// Fractional bits.
    pub scales: Scales,
    /// Steps, batches, rates.
    pub schedule: Schedule,
    /// Row order.
    pub order: Order,
    /// Features lie in [-2^(data_bits-1), 2^(data_bits-1)).
    pub data_bits: u32,
    /// Squared-error targets lie in [-2^(target_bits-1), 2^(target_bits-1)); 0 for the other losses.
    pub target_bits: u32,
    /// Bounds of column norms; without them weights are bounded by the windows alone.
    #[serde(default)]
    pub norms: Option<NormBits>,
    /// The weights that a chunk ends with lie in [-2^(b-1), 2^(b-1)); without it only where a boundary rounds.
    #[serde(default)]
    pub carry_bits: Option<u32>,
}

/// Widths of the limbs of a `bits`-bit value: as few as hold 18 bits each, as even as possible, larger first.
#[must_use]
pub fn limb_widths(bits: u32) -> Vec<u32> {
    let n = bits.div_ceil(18);
    (0..n).map(|i| bits / n + u32::from(i < bits % n)).collect()
}

/// Smallest n with 2^n >= v; 0 for v <= 1.
#[must_use]
pub const fn log2_ceil(v: u32) -> u32 {
    if v <= 1 { 0 } else { u32::BITS - (v - 1).leading_zeros() }
}

impl RunConfig {
    /// Rows of layer l's weight matrix; 0 beyond the last layer.
    #[must_use]
    pub fn k(&self, l: usize) -> usize {
        self.architecture.layers.get(l).map_or(0, Layer::k)
    }

    /// Output width of layer l; 0 beyond the last layer.
    #[must_use]
    pub fn outputs(&self, l: usize) -> usize {
        self.architecture.layers.get(l).map_or(0, |x| x.outputs as usize)
    }

    /// Weights and biases of all layers.
    #[must_use]
    pub fn weight_count(&self) -> usize {
        self.weight_offset(self.architecture.layers.len())
    }

    /// Where layer l's matrix starts in the vector of all weights, row-major layer by layer.
    #[must_use]
    pub fn weight_offset(&self, l: usize) -> usize {
        self.architecture
            .layers
            .iter()
            .take(l)
            .fold(0, |sum: usize, x| sum.saturating_add(x.k().saturating_mul(x.outputs as usize)))
    }

    /// F = fw + kappa: fractional bits of the weights inside a chunk.
    #[must_use]
    pub const fn weight_bits(&self) -> u32 {
        self.scales.fw.saturating_add(self.scales.kappa)
    }

    /// The factor (numerator, log2 of the denominator) on the weights at the end of chunk i: 1 without decay.
    #[must_use]
    pub fn decay(&self, chunk: u32) -> (u64, u32) {
        match &self.schedule.decay {
            Some(d) => (d.numerators.get(chunk as usize).map_or(0, |n| n.unsigned_abs()), d.bits),
            None => (1, 0),
        }
    }

    /// How many of the last weights the end of chunk i adds up: those after each of the run's last steps in its last
    /// chunk, else 1. A power of two.
    #[must_use]
    pub fn averaged(&self, chunk: u32) -> u32 {
        let last = chunk.checked_add(1) == Some(self.chunks());
        self.schedule.average.filter(|_| last).unwrap_or(1)
    }

    /// Bits that the end of chunk i rounds away: of weights kappa, those of the decay and of the average, of
    /// velocities kappa.
    #[must_use]
    pub fn boundary_shift(&self, part: Part, chunk: u32) -> u32 {
        let further = match part {
            Part::Weights => {
                let decay = self.schedule.decay.as_ref().map_or(0, |d| d.bits);
                decay.saturating_add(log2_ceil(self.averaged(chunk)))
            }
            Part::Velocity => 0,
        };
        self.scales.kappa.saturating_add(further)
    }

    /// Width of the window that the end of chunk i lies in; with the bits rounded away it stays below p, so that
    /// quotient and remainder are unique mod p.
    #[must_use]
    pub fn boundary_bits(&self, part: Part, chunk: u32) -> u32 {
        let most = self.carry_bits.filter(|_| part == Part::Weights).unwrap_or(48);
        63u32.saturating_sub(self.boundary_shift(part, chunk)).min(most)
    }

    /// Whether the end of chunk i is looked up in its window: where bits are rounded away, or weights are carried in
    /// a window of their own.
    #[must_use]
    pub fn boundary_checked(&self, part: Part, chunk: u32) -> bool {
        self.boundary_shift(part, chunk) > 0 || (part == Part::Weights && self.carry_bits.is_some())
    }

    /// Fractional bits of the softmax exponentials: 16 - ceil(log2 C).
    #[must_use]
    pub fn exp_bits(&self) -> u32 {
        let classes = self.architecture.layers.last().map_or(0, |x| x.outputs);
        16u32.saturating_sub(log2_ceil(classes))
    }

    /// Labels per row: 1 class index, or one value per output.
    #[must_use]
    pub fn label_width(&self) -> usize {
        match self.architecture.loss {
            Loss::CrossEntropy => 1,
            Loss::BceWithLogits | Loss::Mse => self.architecture.layers.last().map_or(0, |x| x.outputs as usize),
        }
    }

    /// The batch, padded to a power of two.
    #[must_use]
    pub const fn padded_batch(&self) -> u32 {
        1 << if self.schedule.batch > MAX_BATCH { 31 } else { log2_ceil(self.schedule.batch) }
    }

    /// Trace rows of a chunk: T times the padded batch.
    #[must_use]
    pub fn rows_per_chunk(&self) -> usize {
        (self.schedule.chunk_steps as usize).saturating_mul(self.padded_batch() as usize)
    }

    /// Number of chunks.
    #[must_use]
    pub const fn chunks(&self) -> u32 {
        if self.schedule.chunk_steps == 0 { 0 } else { self.schedule.total_steps.div_ceil(self.schedule.chunk_steps) }
    }

    /// First step of chunk i.
    #[must_use]
    pub const fn chunk_start(&self, i: u32) -> u32 {
        let start = i as u64 * self.schedule.chunk_steps as u64;
        if start > self.schedule.total_steps as u64 { self.schedule.total_steps } else { start as u32 }
    }

    /// Real steps of chunk i: chunk i covers [i T, min((i+1) T, S)).
    #[must_use]
    pub const fn steps_in_chunk(&self, i: u32) -> u32 {
        let left = self.schedule.total_steps - self.chunk_start(i);
        if left < self.schedule.chunk_steps { left } else { self.schedule.chunk_steps }
    }
}
