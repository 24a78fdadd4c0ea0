//! One step of training: forward, loss, backward, update, on the rows of one batch.
//!
//! Beside the batch's real rows a step computes one masked row (all features 0) whenever the padded batch has
//! masked rows: they are all alike, and their Z must stay in its window too.
use super::loss::{LossFunction, LossTrace};
use super::norms::{Norms, check_carry};
use super::update::{Overflow, Rounded, Weights};
use super::{Data, ModelState, TrainError};
use crate::config::{Activation, Layer, Part, RunConfig};
use crate::order::RowOrder;
use crate::tables;
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
pub(super) struct Smooth {
    pub activation: Activation,
    pub value: Vec<i32>,
    pub derivative: Vec<i32>,
}

/// Executes the steps of a chunk, and of the chunks after it.
#[derive(Clone, Debug)]
pub(super) struct Engine<'a> {
    pub(super) config: &'a RunConfig,
    data: &'a Data,
    order: RowOrder<'a>,
    loss: LossFunction,
    pub(super) smooth: Vec<Smooth>,
    pub(super) weights: Weights,
    norms: Norms,
    /// The rounded state at the last chunk boundary.
    pub(super) boundary: ModelState,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        config: &'a RunConfig,
        step: u32,
        start: &ModelState,
        data: &'a Data,
    ) -> Result<Self, TrainError> {
        let expected = config.weight_count();
        let velocities = if config.schedule.momentum() { expected } else { 0 };
        let velocity = start.velocity.as_ref().map_or(0, Vec::len);
        for (name, expected, got) in [("weights", expected, start.weights.len()), ("velocities", velocities, velocity)]
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
                Activation::Sigmoid => {
                    (activation, tables::sigmoid_table(fa, fa), tables::sigmoid_derivative_table(fa))
                }
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
            norms: Norms::new(config),
            boundary: start.clone(),
        })
    }

    /// Step t of the run, with its update.
    pub(super) fn step(&mut self, t: u32) -> Result<Step, TrainError> {
        let rows = self.order.batch(t);
        let step = self.forward_backward(t, rows)?;
        let gradient = self.gradient(t, &step)?;
        let rate = self.config.schedule.rates_in(t, 1).first().copied().unwrap_or(0);
        self.weights.step(gradient, rate).map_err(|e| weight_overflow(self.config, t, &e))?;
        let schedule = &self.config.schedule;
        if t + schedule.average.unwrap_or(0) >= schedule.total_steps {
            self.weights.add_to_average().map_err(|e| weight_overflow(self.config, t, &e))?;
        }
        self.norms.add(&step, self.config.padded_batch() as u64);
        Ok(step)
    }

    /// The padding steps from step t of the run on, all alike: masked rows only, no update.
    pub(super) fn padding(&mut self, t: u32) -> Result<Step, TrainError> {
        let step = self.forward_backward(t, Vec::new())?;
        let chunk_steps = self.config.schedule.chunk_steps;
        let steps = u64::from(t.next_multiple_of(chunk_steps) - t);
        self.norms.add(&step, steps * u64::from(self.config.padded_batch()));
        Ok(step)
    }

    /// Rounds to a chunk boundary after step t of the run, and starts the next chunk there.
    pub(super) fn end_chunk(&mut self, t: u32) -> Result<(Rounded, Option<Rounded>), TrainError> {
        let chunk = t / self.config.schedule.chunk_steps;
        self.norms.check(self.config, t)?;
        self.norms = Norms::new(self.config);
        let shift = self.config.boundary_shift(Part::Weights, chunk);
        let (weights, velocity) = self.weights.round(self.config.decay(chunk).0, shift);
        check_carry(self.config, t, &weights.values)?;
        self.boundary =
            ModelState { weights: weights.values.clone(), velocity: velocity.as_ref().map(|v| v.values.clone()) };
        self.weights = start_weights(self.config, &self.boundary).map_err(|e| weight_overflow(self.config, t, &e))?;
        Ok((weights, velocity))
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

    pub(super) fn layer(&self, l: usize) -> &'a Layer {
        &self.config.architecture.layers[l]
    }

    pub(super) fn matrix(&self, l: usize) -> &[i64] {
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
