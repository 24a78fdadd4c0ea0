//! A chunk executed with every column kept that a proof commits or reads.
//!
//! Columns are **column-major**: the cell of unit j at row x is `[j * height + x]`, and row x = t B' + b is example b
//! of step t within the chunk, B' the padded batch. Masked rows (beyond the batch, and in padding steps) hold the
//! honest values of an all-zero example under that step's weights; gradients D are 0 there.
use super::columns::{empty, record};
use super::engine::Engine;
use super::{Data, LossTrace, ModelState, TrainError};
use crate::config::{Activation, RunConfig};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The columns of one layer. Those a layer does not have are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerTrace {
    /// Z, `outputs` columns.
    pub z: Vec<i32>,
    /// Remainders of Z's rescaling, in [0, 2^F).
    pub z_rem: Vec<u64>,
    /// Smooth activations: table values at Z, fa bits.
    pub act: Vec<i32>,
    /// Smooth activations: derivatives at Z, 12 bits.
    pub deriv: Vec<i32>,
    /// Hidden layers: the gradient that reaches the units.
    pub q: Vec<i32>,
    /// Remainders of Q's rescaling, in [0, 2^F).
    pub q_rem: Vec<u64>,
    /// Smooth activations: D = rescale(Q act', 12).
    pub d: Vec<i32>,
    /// Remainders of D's rescaling, in [0, 2^12).
    pub d_rem: Vec<u32>,
}

/// The end of a chunk: exact and rounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkEnd {
    /// W_out and V_out.
    pub state: ModelState,
    /// W_{T*}, or the sum of the weights that the end averages, F fractional bits.
    pub weights: Vec<i64>,
    /// `n weights + 2^(s-1) - 2^s W_out`, for a decay by n / 2^bits (n = 1 and bits = 0 without), an average over 2^e
    /// steps and s = kappa + bits + e; empty if s = 0.
    pub weight_rem: Vec<u64>,
    /// V_{T*}; empty without momentum.
    pub velocity: Vec<i64>,
    /// `velocity + 2^(kappa-1) - 2^kappa V_out`; empty without momentum or if kappa = 0.
    pub velocity_rem: Vec<u64>,
}

/// One executed chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkTrace {
    /// Rows of every column: chunk steps times padded batch.
    pub height: usize,
    /// Real steps T*.
    pub real_steps: usize,
    /// The data row of every trace row; `None` where it is masked.
    pub rows: Vec<Option<u32>>,
    /// A_0 without its bias, one column per input.
    pub features: Vec<i32>,
    /// Labels, [`RunConfig::label_width`] columns; 0 on masked rows.
    pub labels: Vec<i32>,
    /// Per layer.
    pub layers: Vec<LayerTrace>,
    /// The loss layer's columns.
    pub loss: LossTrace,
    /// D of the last layer, one column per output; 0 on masked rows.
    pub loss_gradient: Vec<i32>,
    /// How the chunk ends.
    pub end: ChunkEnd,
    /// Activation, and whether the next layer reads a bias, per layer; 2^fa.
    pub(super) shape: Vec<(Activation, bool)>,
    pub(super) one: i32,
}

impl ChunkTrace {
    /// A_l with its bias column: K columns. Empty if there is no layer l.
    #[must_use]
    pub fn input(&self, l: usize) -> Vec<i32> {
        let Some(&(_, bias)) = self.shape.get(l) else { return Vec::new() };
        let mut out = match l.checked_sub(1).and_then(|i| Some((self.layers.get(i)?, self.shape.get(i)?.0))) {
            None => self.features.clone(),
            Some((x, Activation::Relu)) => x.z.iter().map(|&z| z.max(0)).collect(),
            Some((x, Activation::Identity)) => x.z.clone(),
            Some((x, Activation::Sigmoid | Activation::Tanh)) => x.act.clone(),
        };
        if bias {
            out.resize(out.len() + self.height, self.one);
        }
        out
    }

    /// D_l, the gradient at Z: one column per output. Empty if there is no layer l.
    #[must_use]
    pub fn gradient(&self, l: usize) -> Cow<'_, [i32]> {
        let Some((x, &(activation, _))) = self.layers.get(l).zip(self.shape.get(l)) else {
            return Cow::Owned(Vec::new());
        };
        if l + 1 == self.layers.len() {
            return Cow::Borrowed(&self.loss_gradient);
        }
        match activation {
            Activation::Identity => Cow::Borrowed(&x.q),
            Activation::Relu => Cow::Owned(x.q.iter().zip(&x.z).map(|(&q, &z)| if z > 0 { q } else { 0 }).collect()),
            Activation::Sigmoid | Activation::Tanh => Cow::Borrowed(&x.d),
        }
    }
}

/// Executes chunk `chunk` from its start and keeps its columns.
///
/// # Errors
/// What is wrong with the arguments, or where the run leaves a window.
pub fn train_chunk(config: &RunConfig, chunk: u32, start: &ModelState, data: &Data) -> Result<ChunkTrace, TrainError> {
    config.validate()?;
    data.validate(config)?;
    let real = config.steps_in_chunk(chunk);
    if chunk >= config.chunks() {
        return Err(TrainError::NoSuchChunk { chunk, chunks: config.chunks() });
    }
    let first = config.chunk_start(chunk);
    let mut engine = Engine::new(config, first, start, data)?;
    let mut trace = empty(config, real as usize);
    let padded = config.padded_batch() as usize;
    for t in 0..real {
        let step = engine.step(first + t)?;
        record(&mut trace, &step, t as usize * padded, padded);
    }
    if real < config.schedule.chunk_steps {
        let step = engine.padding(first + real)?;
        for t in real..config.schedule.chunk_steps {
            record(&mut trace, &step, t as usize * padded, padded);
        }
    }
    let (weights, velocity) = (engine.weights.end().to_vec(), engine.weights.velocity().map(<[i64]>::to_vec));
    let (rounded, rounded_velocity) = engine.end_chunk(first + real - 1)?;
    let velocity_out = rounded_velocity.unwrap_or_default();
    trace.end = ChunkEnd {
        state: ModelState { weights: rounded.values, velocity: velocity.is_some().then_some(velocity_out.values) },
        weights,
        weight_rem: rounded.remainders,
        velocity: velocity.unwrap_or_default(),
        velocity_rem: velocity_out.remainders,
    };
    Ok(trace)
}
