//! From the row-major integers of a step to the column-major trace.
use super::engine::Step;
use super::trace::{ChunkEnd, ChunkTrace, LayerTrace};
use super::{LossTrace, ModelState};
use crate::config::{Layer, Loss, RunConfig};
use alloc::vec;
use alloc::vec::Vec;

/// The trace with its columns allocated.
pub(super) fn empty(config: &RunConfig, real_steps: usize) -> ChunkTrace {
    let (height, layers) = (config.rows_per_chunk(), &config.architecture.layers);
    let last = layers.len() - 1;
    let outputs = config.outputs(last);
    let layer = |(l, x): (usize, &Layer)| {
        let n = x.outputs as usize;
        let hidden = if l < last { n } else { 0 };
        let smooth = if x.activation.is_smooth() { hidden } else { 0 };
        LayerTrace {
            z: columns(n, height),
            z_rem: columns(n, height),
            act: columns(smooth, height),
            deriv: columns(smooth, height),
            q: columns(hidden, height),
            q_rem: columns(hidden, height),
            d: columns(smooth, height),
            d_rem: columns(smooth, height),
        }
    };
    ChunkTrace {
        height,
        real_steps,
        rows: vec![None; height],
        features: columns(layers[0].inputs as usize, height),
        labels: columns(config.label_width(), height),
        layers: layers.iter().enumerate().map(layer).collect(),
        loss: match config.architecture.loss {
            Loss::CrossEntropy => LossTrace::CrossEntropy {
                e: columns(outputs, height),
                p: columns(outputs, height),
                rem: columns(outputs, height),
                argmax: columns(1, height),
                max: columns(1, height),
                sum: columns(1, height),
            },
            Loss::BceWithLogits => LossTrace::BceWithLogits { sig: columns(outputs, height) },
            Loss::Mse => LossTrace::Mse,
        },
        loss_gradient: columns(outputs, height),
        end: ChunkEnd {
            state: ModelState { weights: Vec::new(), velocity: None },
            weights: Vec::new(),
            weight_rem: Vec::new(),
            velocity: Vec::new(),
            velocity_rem: Vec::new(),
        },
        shape: layers.iter().map(|x| (x.activation, x.bias)).collect(),
        one: 1 << config.scales.fa,
    }
}

/// Writes one step into rows `first .. first + padded`.
pub(super) fn record(trace: &mut ChunkTrace, step: &Step, first: usize, padded: usize) {
    let height = trace.height;
    let real = step.rows.len();
    let count = if real < padded { real + 1 } else { real };
    let (inputs, bias) = (trace.features.len() / height, trace.shape[0].1);
    for (cell, &row) in trace.rows[first..].iter_mut().zip(&step.rows) {
        *cell = Some(row);
    }
    for (b, row) in step.layers[0].input.chunks(inputs + usize::from(bias)).enumerate().take(real) {
        for (column, &v) in trace.features.chunks_mut(height).zip(row) {
            column[first + b] = v;
        }
    }
    for (b, row) in step.labels.chunks(trace.labels.len() / height).enumerate() {
        for (column, &v) in trace.labels.chunks_mut(height).zip(row) {
            column[first + b] = v;
        }
    }
    for (out, x) in trace.layers.iter_mut().zip(&step.layers) {
        scatter(&x.z, count, padded, &mut out.z, height, first);
        scatter(&x.z_rem, count, padded, &mut out.z_rem, height, first);
        scatter(&x.act, count, padded, &mut out.act, height, first);
        scatter(&x.deriv, count, padded, &mut out.deriv, height, first);
        scatter(&x.q, count, padded, &mut out.q, height, first);
        scatter(&x.q_rem, count, padded, &mut out.q_rem, height, first);
        if !out.d.is_empty() {
            scatter(&x.d, count, padded, &mut out.d, height, first);
            scatter(&x.d_rem, count, padded, &mut out.d_rem, height, first);
        }
    }
    if let Some(last) = step.layers.last() {
        scatter(&last.d, count, padded, &mut trace.loss_gradient, height, first);
    }
    record_loss(&mut trace.loss, &step.loss, (count, padded, height, first));
}

fn record_loss(out: &mut LossTrace, from: &LossTrace, (count, padded, height, first): (usize, usize, usize, usize)) {
    match (out, from) {
        (
            LossTrace::CrossEntropy { e, p, rem, argmax, max, sum },
            LossTrace::CrossEntropy { e: e1, p: p1, rem: rem1, argmax: argmax1, max: max1, sum: sum1 },
        ) => {
            for (out, from) in [(e, e1), (p, p1), (rem, rem1), (argmax, argmax1), (sum, sum1)] {
                scatter(from, count, padded, out, height, first);
            }
            scatter(max1, count, padded, max, height, first);
        }
        (LossTrace::BceWithLogits { sig }, LossTrace::BceWithLogits { sig: sig1 }) => {
            scatter(sig1, count, padded, sig, height, first);
        }
        _ => {}
    }
}

/// The index of masked rows in a vector of `count` computed rows: the last one.
const fn computed_row(b: usize, count: usize) -> usize {
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
fn columns<T: Copy + Default>(units: usize, height: usize) -> Vec<T> {
    vec![T::default(); units * height]
}
