//! The exact trainer: executes a run as the integer function of `docs/arithmetic.md`.
//!
//! [`train_chunk`] executes one chunk and keeps every column that a proof commits; [`Trainer`] executes a run and
//! keeps nothing. Both take the same steps through the same code, so a run that trains can be traced.
use crate::config::{Loss, RunConfig};
use alloc::vec::Vec;

mod columns;
mod engine;
mod error;
mod forward;
mod kernel;
mod loss;
mod norms;
mod pass;
mod trace;
mod update;

pub use error::TrainError;
pub use forward::{ForwardLayer, forward_pass};
pub use loss::LossTrace;
pub use trace::{ChunkEnd, ChunkTrace, LayerTrace, train_chunk};

use engine::Engine;

/// Weights, and with momentum the velocity, at a chunk boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelState {
    /// All weights, layer by layer, row-major (the bias is the last row), fw fractional bits.
    pub weights: Vec<i64>,
    /// The momentum state in the same order, fa + fg + omega fractional bits; `None` without momentum.
    pub velocity: Option<Vec<i64>>,
}

/// A data set: `rows` rows of integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Features, **row-major** (`features[i * inputs + k]`), fa fractional bits.
    pub features: Vec<i32>,
    /// Labels, row-major: one class index per row for cross-entropy, else one value per output and row (0 or 1, or
    /// targets with fa fractional bits).
    pub labels: Vec<i32>,
}

impl Data {
    /// Checks shape and ranges against a configuration.
    ///
    /// # Errors
    /// [`TrainError::DataLength`], [`TrainError::FeatureRange`] or [`TrainError::LabelRange`].
    pub fn validate(&self, config: &RunConfig) -> Result<(), TrainError> {
        let rows = config.schedule.rows as usize;
        let inputs = config.architecture.layers.first().map_or(0, |x| x.inputs as usize);
        let width = config.label_width();
        for (name, got, expected) in
            [("features", self.features.len(), rows * inputs), ("labels", self.labels.len(), rows * width)]
        {
            if got != expected {
                return Err(TrainError::DataLength { name, expected, got });
            }
        }
        let half = 1i32 << (config.data_bits - 1);
        if let Some(at) = self.features.iter().position(|x| !(-half..half).contains(x)) {
            let value = self.features[at];
            return Err(TrainError::FeatureRange {
                row: at / inputs,
                column: at % inputs,
                value,
                bits: config.data_bits,
            });
        }
        let (least, most) = match config.architecture.loss {
            Loss::CrossEntropy => (0, config.outputs(config.architecture.layers.len() - 1) as i32 - 1),
            Loss::BceWithLogits => (0, 1),
            Loss::Mse => (-(1 << (config.target_bits - 1)), (1 << (config.target_bits - 1)) - 1),
        };
        if let Some(at) = self.labels.iter().position(|y| !(least..=most).contains(y)) {
            return Err(TrainError::LabelRange { row: at / width, value: self.labels[at], least, most });
        }
        Ok(())
    }
}

/// Trains a run step by step, without a trace.
#[derive(Debug)]
pub struct Trainer<'a> {
    engine: Engine<'a>,
    step: u32,
}

impl<'a> Trainer<'a> {
    /// Starts a run at step 0.
    ///
    /// # Errors
    /// What is wrong with the configuration, the data or the initial state.
    pub fn new(config: &'a RunConfig, start: &ModelState, data: &'a Data) -> Result<Self, TrainError> {
        config.validate()?;
        data.validate(config)?;
        Ok(Self { engine: Engine::new(config, 0, start, data)?, step: 0 })
    }

    /// Steps taken.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.step
    }

    /// Takes one step; rounds the weights where it ends a chunk. False if the run is over.
    ///
    /// # Errors
    /// [`TrainError::WindowOverflow`] or [`TrainError::WeightOverflow`].
    pub fn step(&mut self) -> Result<bool, TrainError> {
        let config = self.engine.config;
        if self.step >= config.schedule.total_steps {
            return Ok(false);
        }
        self.engine.step(self.step)?;
        self.step += 1;
        if self.at_boundary() {
            if !self.step.is_multiple_of(config.schedule.chunk_steps) {
                self.engine.padding(self.step)?;
            }
            self.engine.end_chunk(self.step - 1)?;
        }
        Ok(true)
    }

    /// Trains to the end of the run.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn finish(mut self) -> Result<ModelState, TrainError> {
        while self.step()? {}
        Ok(self.engine.boundary)
    }

    /// The weights, if the last step taken ended a chunk: inside one there is no rounded state.
    #[must_use]
    pub fn state(&self) -> Option<&ModelState> {
        self.at_boundary().then_some(&self.engine.boundary)
    }

    const fn at_boundary(&self) -> bool {
        let schedule = &self.engine.config.schedule;
        self.step.is_multiple_of(schedule.chunk_steps) || self.step == schedule.total_steps
    }
}
