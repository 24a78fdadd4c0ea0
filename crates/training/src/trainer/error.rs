//! Why training stops. Read by the owner of the data, in whose process it happens; never by a verifier.
use crate::config::ConfigError;
use alloc::format;
use alloc::string::{String, ToString};
use thiserror::Error;

/// Why an exact run cannot start or go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrainError {
    /// The configuration breaks a rule.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A data array has the wrong length.
    #[error("the data set has {got} {name}, the configuration asks for {expected}")]
    DataLength {
        /// `features` or `labels`.
        name: &'static str,
        /// Entries expected.
        expected: usize,
        /// Entries given.
        got: usize,
    },
    /// A feature outside the data window.
    #[error("feature {column} of row {row} is {value}, outside the {bits}-bit data window")]
    FeatureRange {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// Its value, with fa fractional bits.
        value: i32,
        /// Window.
        bits: u32,
    },
    /// A label outside its range.
    #[error("the label of row {row} is {value}; labels lie in {least}..={most}")]
    LabelRange {
        /// Row.
        row: usize,
        /// Its value.
        value: i32,
        /// Smallest label.
        least: i32,
        /// Largest label.
        most: i32,
    },
    /// The start has the wrong number of weights or velocities.
    #[error("the start has {got} {name}, the architecture {expected}")]
    StateLength {
        /// `weights` or `velocities`.
        name: &'static str,
        /// Entries expected; 0 velocities without momentum.
        expected: usize,
        /// Entries given.
        got: usize,
    },
    /// No such chunk.
    #[error("the run has {chunks} chunks, there is no chunk {chunk}")]
    NoSuchChunk {
        /// Chunk asked for.
        chunk: u32,
        /// Chunks of the run.
        chunks: u32,
    },
    /// A rounded quantity left its window.
    #[error("{}", window_overflow(*layer, *inputs, *outputs, name, *step, *value, *window))]
    WindowOverflow {
        /// Layer, from 0 (shown from 1).
        layer: usize,
        /// Its input width.
        inputs: u32,
        /// Its output width.
        outputs: u32,
        /// `z` (pre-activation) or `q` (gradient that reaches the layer's units).
        name: &'static str,
        /// Step of the run, from 0.
        step: u32,
        /// The value.
        value: i128,
        /// Bits of the window.
        window: u32,
    },
    /// The gradients or pre-activations of a unit are larger, over a chunk, than the run's bounds allow.
    #[error(
        "unit {unit} of layer {} exceeded its {bits}-bit norm in the chunk that ends with step {step}: sum of {name}^2 = {value}; lower the learning rate, set a larger norm, or a smaller chunk_steps", layer + 1
    )]
    NormOverflow {
        /// Layer, from 0 (shown from 1).
        layer: usize,
        /// Unit, from 0.
        unit: usize,
        /// `z` or `q`.
        name: &'static str,
        /// Last step of the chunk, from 0.
        step: u32,
        /// The sum of squares.
        value: u64,
        /// It has to be below 2^bits.
        bits: u32,
    },
    /// The weights that a chunk ends with leave the window in which they are carried.
    #[error("a weight of layer {} left its {bits}-bit window at the end of the chunk, after step {step}: {value}; lower the learning rate or set a larger carry_bits", layer + 1)]
    CarryOverflow {
        /// Layer, from 0 (shown from 1).
        layer: usize,
        /// Last step of the chunk, from 0.
        step: u32,
        /// The weight, fw fractional bits.
        value: i64,
        /// Its window.
        bits: u32,
    },
    /// A weight or velocity left 64 bits.
    #[error("a {name} of layer {} left 64 bits at step {step}; lower the learning rate", layer + 1)]
    WeightOverflow {
        /// Layer, from 0.
        layer: usize,
        /// `weight`, `gradient` or `velocity`.
        name: &'static str,
        /// Step of the run, from 0.
        step: u32,
    },
}

/// `41233` as `41,233`.
fn grouped(v: u128) -> String {
    let digits = v.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn window_overflow(layer: usize, inputs: u32, outputs: u32, name: &str, step: u32, value: i128, window: u32) -> String {
    let half = 1u128 << (window - 1);
    let limit = if value < 0 { half } else { half - 1 };
    let remedy = if window < crate::config::MAX_WINDOW {
        "lower the learning rate or set window_bits=16"
    } else {
        "lower the learning rate or set a smaller scale (fewer fractional bits)"
    };
    format!(
        "layer {} (Linear {inputs}->{outputs}) overflowed its {window}-bit window at step {step}: |{name}| = {} > {}; {remedy}",
        layer + 1,
        grouped(value.unsigned_abs()),
        grouped(limit)
    )
}
