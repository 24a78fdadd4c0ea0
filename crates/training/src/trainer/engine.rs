//! One step of training: forward, loss, backward, update, on the rows of one batch.
//!
//! Beside the batch's real rows a step computes one masked row (all features 0) whenever the padded batch has
//! masked rows: they are all alike, and their Z must stay in its window too.
use super::kernel::{Rescaled, Shape, outer, product, transpose};
use super::loss::{LossFunction, LossTrace, at};
use super::update::{Overflow, Rounded, Weights};
use super::{Data, ModelState, TrainError};
use crate::config::{Activation, DERIVATIVE_BITS, Layer, RunConfig};
use crate::order::RowOrder;
use crate::rescale;
use crate::tables;
use alloc::vec;
use alloc::vec::Vec;

/// One layer's integers in one step, row-major. The vectors that a layer does not have are empty.
#[derive(Debug, Default)]
pub(super) struct LayerStep {
    /// A with the bias column.
    pub input: Vec<i32>,
    pub z: Vec<i32>,
    pub z_rem: Vec<u64>,
    /// Smooth activations: table values at Z.
    pub act: Vec<i32>,
    pub deriv: Vec<i32>,
    /// Hidden layers: the gradient at the units.
    pub q: Vec<i32>,
    pub q_rem: Vec<u64>,
    /// Remainders of rescaling Q times the derivative.
    pub d_rem: Vec<u32>,
    /// D, the gradient at Z, in every layer.
    pub d: Vec<i32>,
}

/// Everything computed in one step.
#[derive(Debug)]
pub(super) struct Step {
    pub layers: Vec<LayerStep>,
    pub loss: LossTrace,
    /// Data rows of the real rows, which come first.
    pub rows: Vec<u32>,
    /// Labels of the real rows, row-major.
    pub labels: Vec<i32>,
}

/// Value and derivative tables of the smooth activations in use.
#[derive(Clone, Debug)]
struct Smooth {
    activation: Activation,
    value: Vec<i32>,
    derivative: Vec<i32>,
}

/// Executes the steps of a chunk, and of the chunks after it.
#[derive(Clone, Debug)]
pub(super) struct Engine<'a> {
    config: &'a RunConfig,
    data: &'a Data,
    order: RowOrder<'a>,
    loss: LossFunction,
    smooth: Vec<Smooth>,
    weights: Weights,
    /// The rounded state, between chunks.
    boundary: Option<ModelState>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(config: &'a RunConfig, step: u32, start: &ModelState, data: &'a Data) -> Result<Self, TrainError> {
        let expected = config.weight_count();
        let velocities = if config.schedule.momentum() { expected } else { 0 };
        let velocity = start.velocity.as_ref().map_or(0, Vec::len);
        for (name, expected, got) in
            [("weights", expected, start.weights.len()), ("velocities", velocities, velocity)]
        {
            if expected != got {
                return Err(TrainError::StateLength { name, expected, got });
            }
        }
        let fa = config.scales.fa;
        let smooth = [Activation::Sigmoid, Activation::Tanh]
            .into_iter()
            .filter(|a| config.architecture.layers.iter().any(|x| x.activation == *a))
            .map(|activation| match activation {
                Activation::Sigmoid => (activation, tables::sigmoid_table(fa, fa), tables::sigmoid_derivative_table(fa)),
                _ => (activation, tables::tanh_table(fa), tables::tanh_derivative_table(fa)),
            })
            .map(|(activation, value, derivative)| Smooth { activation, value, derivative })
            .collect();
        let weights = start_weights(config, start).map_err(|e| weight_overflow(config, step, &e))?;
        Ok(Self {
            config,
            data,
            order: RowOrder::new(config),
            loss: LossFunction::new(config),
            smooth,
            weights,
            boundary: Some(start.clone()),
        })
    }

    pub(super) const fn config(&self) -> &'a RunConfig {
        self.config
    }

    pub(super) fn boundary_state(&self) -> Option<ModelState> {
        self.boundary.clone()
    }

    /// W_t and V_t, F and state bits plus kappa.
    pub(super) const fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Step t of the run, with its update.
    pub(super) fn step(&mut self, t: u32) -> Result<Step, TrainError> {
        self.boundary = None;
        let rows = self.order.batch(t);
        let step = self.forward_backward(t, rows)?;
        let gradient = self.gradient(t, &step)?;
        let rate = self.config.schedule.rates_in(t, 1).first().copied().unwrap_or(0);
        self.weights.step(gradient, rate).map_err(|e| weight_overflow(self.config, t, &e))?;
        Ok(step)
    }

    /// A padding step after step t of the run: masked rows only, no update.
    pub(super) fn padding(&mut self, t: u32) -> Result<Step, TrainError> {
        self.forward_backward(t, Vec::new())
    }

    /// Rounds to a chunk boundary after step t of the run, and starts the next chunk there.
    pub(super) fn end_chunk(&mut self, t: u32) -> (Rounded, Option<Rounded>) {
        let (weights, velocity) = self.weights.round(self.config.decay(t / self.config.schedule.chunk_steps));
        let state = ModelState { weights: weights.values.clone(), velocity: velocity.as_ref().map(|v| v.values.clone()) };
        // A rounded value scaled up again differs from the exact one by less than 2^kappa.
        if let Ok(next) = start_weights(self.config, &state) {
            self.weights = next;
        }
        self.boundary = Some(state);
        (weights, velocity)
    }

    fn forward_backward(&self, t: u32, rows: Vec<u32>) -> Result<Step, TrainError> {
        let config = self.config;
        let masked = rows.len() < config.padded_batch() as usize;
        let count = rows.len() + usize::from(masked);
        let width = config.label_width();
        let labels: Vec<i32> =
            rows.iter().flat_map(|&i| &self.data.labels[i as usize * width..][..width]).copied().collect();
        let mut layers: Vec<LayerStep> = Vec::new();
        for l in 0..config.architecture.layers.len() {
            let input = match layers.last() {
                None => self.features(&rows, count),
                Some(before) => self.activations(l - 1, before),
            };
            layers.push(self.forward(t, l, input, count)?);
        }
        let last = layers.len() - 1;
        let (d, loss) = self.loss.gradient(&layers[last].z, config.outputs(last), &labels);
        layers[last].d = d;
        for l in (1..layers.len()).rev() {
            let (before, after) = layers.split_at_mut(l);
            self.backward(t, l, &after[0].d, &mut before[l - 1], count)?;
        }
        Ok(Step { layers, loss, rows, labels })
    }

    fn layer(&self, l: usize) -> &'a Layer {
        &self.config.architecture.layers[l]
    }

    fn matrix(&self, l: usize) -> &[i64] {
        let at = self.config.weight_offset(l);
        &self.weights.weights[at..at + self.layer(l).k() * self.layer(l).outputs as usize]
    }

    /// A_0: data rows, then the masked row, each with the bias.
    fn features(&self, rows: &[u32], count: usize) -> Vec<i32> {
        let layer = self.layer(0);
        let inputs = layer.inputs as usize;
        let mut out = Vec::with_capacity(count * layer.k());
        for i in 0..count {
            match rows.get(i) {
                Some(&row) => out.extend_from_slice(&self.data.features[row as usize * inputs..][..inputs]),
                None => out.resize(out.len() + inputs, 0),
            }
            out.extend(layer.bias.then_some(1 << self.config.scales.fa));
        }
        out
    }

    /// A_{l+1} from layer l.
    fn activations(&self, l: usize, from: &LayerStep) -> Vec<i32> {
        let (layer, bias) = (self.layer(l), self.layer(l + 1).bias);
        let values = if layer.activation.is_smooth() { &from.act } else { &from.z };
        let mut out = Vec::with_capacity(values.len() + values.len() / layer.outputs as usize);
        for row in values.chunks(layer.outputs as usize) {
            if layer.activation == Activation::Relu {
                out.extend(row.iter().map(|&z| z.max(0)));
            } else {
                out.extend_from_slice(row);
            }
            out.extend(bias.then_some(1 << self.config.scales.fa));
        }
        out
    }

    fn forward(&self, t: u32, l: usize, input: Vec<i32>, count: usize) -> Result<LayerStep, TrainError> {
        let layer = self.layer(l);
        let shape = Shape { rows: count, inner: layer.k(), columns: layer.outputs as usize };
        let raw = product(&input, self.matrix(l), shape);
        let Rescaled { quotient: z, remainder: z_rem } = raw
            .rescale(self.config.weight_bits(), layer.z_bits)
            .map_err(|value| self.window_overflow(l, "z", t, value, layer.z_bits))?;
        let smooth = self.smooth.iter().find(|s| s.activation == layer.activation);
        let read = |table: &[i32]| z.iter().map(|&z| at(table, z)).collect();
        let act = smooth.map_or_else(Vec::new, |s| read(&s.value));
        let deriv = smooth.map_or_else(Vec::new, |s| read(&s.derivative));
        Ok(LayerStep { input, z, z_rem, act, deriv, ..LayerStep::default() })
    }

    /// From D of layer l to Q and D of the layer before.
    fn backward(&self, t: u32, l: usize, d: &[i32], before: &mut LayerStep, count: usize) -> Result<(), TrainError> {
        let (layer, hidden) = (self.layer(l), self.layer(l - 1));
        let (inputs, outputs) = (layer.inputs as usize, layer.outputs as usize);
        let transposed = transpose(&self.matrix(l)[..inputs * outputs], inputs, outputs);
        let raw = product(d, &transposed, Shape { rows: count, inner: outputs, columns: inputs });
        let Rescaled { quotient: q, remainder } = raw
            .rescale(self.config.weight_bits(), hidden.q_bits)
            .map_err(|value| self.window_overflow(l - 1, "q", t, value, hidden.q_bits))?;
        match hidden.activation {
            Activation::Identity => before.d.clone_from(&q),
            Activation::Relu => before.d = q.iter().zip(&before.z).map(|(&q, &z)| if z > 0 { q } else { 0 }).collect(),
            Activation::Sigmoid | Activation::Tanh => {
                // |derivative| <= 1, so D stays in Q's window.
                (before.d, before.d_rem) = q
                    .iter()
                    .zip(&before.deriv)
                    .map(|(&q, &g)| {
                        let (d, rem) = rescale(i128::from(q) * i128::from(g), DERIVATIVE_BITS);
                        (d as i32, rem as u32)
                    })
                    .unzip();
            }
        }
        before.q = q;
        before.q_rem = remainder;
        Ok(())
    }

    /// G_t = w_t A^T D of every layer, in the order of the weights.
    fn gradient(&self, t: u32, step: &Step) -> Result<Vec<i64>, TrainError> {
        let weight = self.config.schedule.batch_weight(t, self.config.scales.omega);
        let mut out = Vec::with_capacity(self.weights.weights.len());
        for (l, x) in step.layers.iter().enumerate() {
            let (k, n) = (self.layer(l).k(), self.layer(l).outputs as usize);
            let rows = step.rows.len();
            let sums = outer(&x.input[..rows * k], &x.d[..rows * n], Shape { rows, inner: k, columns: n });
            let scaled = sums
                .into_i64()
                .and_then(|v| v.into_iter().map(|g| g.checked_mul(i64::try_from(weight).ok()?)).collect::<Option<Vec<_>>>());
            out.extend(scaled.ok_or(TrainError::WeightOverflow { layer: l, name: "gradient", step: t })?);
        }
        Ok(out)
    }

    fn window_overflow(&self, l: usize, name: &'static str, step: u32, value: i128, window: u32) -> TrainError {
        let layer = self.layer(l);
        TrainError::WindowOverflow { layer: l, inputs: layer.inputs, outputs: layer.outputs, name, step, value, window }
    }
}

fn start_weights(config: &RunConfig, start: &ModelState) -> Result<Weights, Overflow> {
    let velocity = if config.schedule.momentum() { start.velocity.as_deref() } else { None };
    Weights::new(&start.weights, velocity, config.scales.kappa, &config.schedule)
}

fn weight_overflow(config: &RunConfig, step: u32, overflow: &Overflow) -> TrainError {
    let layers = config.architecture.layers.len();
    let layer = (0..layers).rev().find(|&l| config.weight_offset(l) <= overflow.index).unwrap_or(0);
    TrainError::WeightOverflow { layer, name: overflow.name, step }
}

/// The index of masked rows in a vector of `count` computed rows: the last one.
pub(super) const fn computed_row(b: usize, count: usize) -> usize {
    if b < count { b } else { count - 1 }
}

/// A row-major matrix of computed rows into columns of `height` rows at row `first`, the last computed row repeated
/// up to the padded batch.
pub(super) fn scatter<T: Copy>(from: &[T], count: usize, padded: usize, out: &mut [T], height: usize, first: usize) {
    if from.is_empty() {
        return;
    }
    let width = from.len() / count;
    for (unit, column) in out.chunks_mut(height).enumerate().take(width) {
        for (b, cell) in column[first..first + padded].iter_mut().enumerate() {
            *cell = from[computed_row(b, count) * width + unit];
        }
    }
}

/// A zeroed column-major matrix.
pub(super) fn columns<T: Copy + Default>(units: usize, height: usize) -> Vec<T> {
    vec![T::default(); units * height]
}
