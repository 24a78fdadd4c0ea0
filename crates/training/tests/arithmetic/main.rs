//! The exact arithmetic against a slow reference that follows the text of `docs/arithmetic.md` line by line.
#![allow(clippy::unwrap_used)]

mod coefficients;
mod config;
mod naive;
mod nowrap;
mod order;
mod tables;
mod trainer;

use tacit_training::config::{Activation, Architecture, Layer, Loss, Order, RunConfig, Scales, Schedule};
use tacit_training::trainer::{Data, ModelState};

/// A small deterministic generator for test data.
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    /// Uniform 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [low, high).
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + (self.word() % (high - low) as u64) as i64
    }
}

/// Layers of the given widths with one hidden activation.
pub fn layers(widths: &[u32], activation: Activation, bias: bool) -> Vec<Layer> {
    let last = widths.len() - 2;
    widths
        .windows(2)
        .enumerate()
        .map(|(l, w)| Layer {
            inputs: w[0],
            outputs: w[1],
            bias,
            activation: if l == last { Activation::Identity } else { activation },
            z_bits: 16,
            q_bits: 16,
        })
        .collect()
}

/// A 5-4-3 perceptron, 10 rows in batches of 4, 7 steps in chunks of 4: partial batches, two chunks, the last one
/// with padding.
pub fn small(activation: Activation, loss: Loss) -> RunConfig {
    RunConfig {
        architecture: Architecture { layers: layers(&[5, 4, 3], activation, true), loss },
        scales: Scales { fa: 8, fg: 12, fw: 36, kappa: 0, omega: 7 },
        schedule: Schedule {
            rows: 10,
            batch: 4,
            drop_last: false,
            total_steps: 7,
            chunk_steps: 4,
            rates: Schedule::encode_rates(&[3, 3, 2, 2, 0, 1, 1]),
            filter: vec![1],
            nesterov: false,
            decay: None,
            average: None,
        },
        order: Order::Contiguous,
        data_bits: 10,
        target_bits: if loss == Loss::Mse { 10 } else { 0 },
        norms: None,
        carry_bits: None,
    }
}

/// The same with a momentum filter.
pub fn with_momentum(mut config: RunConfig) -> RunConfig {
    config.scales.kappa = 4;
    config.schedule.filter = vec![16, 14, 13, 13, 10];
    config
}

/// Random data that fits a configuration.
pub fn data(config: &RunConfig, random: &mut Random) -> Data {
    let (n, inputs) = (config.schedule.rows as usize, config.architecture.layers[0].inputs as usize);
    let half = 1 << (config.data_bits - 1);
    let outputs = i64::from(config.architecture.layers.last().map_or(0, |x| x.outputs));
    let labels = n * config.label_width();
    Data {
        features: (0..n * inputs).map(|_| random.range(-half, half) as i32).collect(),
        labels: (0..labels)
            .map(|_| match config.architecture.loss {
                Loss::CrossEntropy => random.range(0, outputs) as i32,
                Loss::BceWithLogits => random.range(0, 2) as i32,
                Loss::Mse => random.range(-(1 << (config.target_bits - 1)), 1 << (config.target_bits - 1)) as i32,
            })
            .collect(),
    }
}

/// Random initial weights below 1/2, and a zero state with momentum.
pub fn start(config: &RunConfig, random: &mut Random) -> ModelState {
    let one = 1i64 << (config.scales.fw - 1);
    ModelState {
        weights: (0..config.weight_count()).map(|_| random.range(-one, one)).collect(),
        velocity: config.schedule.momentum().then(|| vec![0; config.weight_count()]),
    }
}
