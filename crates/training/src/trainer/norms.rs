//! What a chunk's end has to satisfy beside its windows: norms of hidden units, and the window of carried weights.
use super::TrainError;
use super::engine::Step;
use crate::config::{Part, RunConfig};
use alloc::vec;
use alloc::vec::Vec;

/// Sums of squares of Z and Q over the rows of a chunk so far, per hidden unit; nothing without norms.
#[derive(Clone, Debug)]
pub(super) struct Norms {
    /// Per hidden layer, its units' sums: of Z where a norm bounds it, and of Q.
    layers: Vec<[Vec<u64>; 2]>,
}

impl Norms {
    pub(super) fn new(config: &RunConfig) -> Self {
        let layers = &config.architecture.layers;
        let hidden = if config.norms.is_some() { layers.len() - 1 } else { 0 };
        let zeros = |layer: &crate::config::Layer| {
            let n = layer.outputs as usize;
            [vec![0; if layer.activation.is_smooth() { 0 } else { n }], vec![0; n]]
        };
        Self { layers: layers.iter().take(hidden).map(zeros).collect() }
    }

    /// Adds a step whose computed rows stand for `padded` rows: the last one, if there are fewer, for all masked ones.
    pub(super) fn add(&mut self, step: &Step, padded: u64) {
        let real = step.rows.len() as u64;
        for (sums, layer) in self.layers.iter_mut().zip(&step.layers) {
            for (sums, values) in sums.iter_mut().zip([&layer.z, &layer.q]) {
                if sums.is_empty() {
                    continue;
                }
                for (row, values) in values.chunks(sums.len()).enumerate() {
                    let times = if (row as u64) < real { 1 } else { padded - real };
                    let squares = values.iter().map(|&v| i64::from(v).pow(2).unsigned_abs() * times);
                    sums.iter_mut().zip(squares).for_each(|(s, v)| *s += v);
                }
            }
        }
    }

    /// Refuses a chunk that ends with step t of the run and has a norm beyond its bound.
    pub(super) fn check(&self, config: &RunConfig, step: u32) -> Result<(), TrainError> {
        let Some(norms) = config.norms else { return Ok(()) };
        for (layer, sums) in self.layers.iter().enumerate() {
            for (sums, (name, bits)) in sums.iter().zip([("z", norms.z), ("q", norms.q)]) {
                if let Some((unit, &value)) = sums.iter().enumerate().find(|(_, s)| **s >> bits > 0) {
                    return Err(TrainError::NormOverflow { layer, unit, name, step, value, bits });
                }
            }
        }
        Ok(())
    }
}

/// Refuses weights that leave the window in which the chunk that ends with step t of the run carries them.
pub(super) fn check_carry(config: &RunConfig, step: u32, weights: &[i64]) -> Result<(), TrainError> {
    if config.carry_bits.is_none() {
        return Ok(());
    }
    let bits = config.boundary_bits(Part::Weights, step / config.schedule.chunk_steps);
    let half = 1i64 << (bits - 1);
    let Some(index) = weights.iter().position(|w| !(-half..half).contains(w)) else { return Ok(()) };
    let layers = config.architecture.layers.len();
    let layer = (0..layers).rev().find(|&l| config.weight_offset(l) <= index).unwrap_or(0);
    Err(TrainError::CarryOverflow { layer, step, value: weights[index], bits })
}
