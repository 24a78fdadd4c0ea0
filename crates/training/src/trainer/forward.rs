//! The forward pass of a finished model over rows of features, with every column that a proof commits or reads.
use super::columns::scatter;
use super::engine::Engine;
use super::trace::LayerTrace;
use super::{Data, ModelState, TrainError};
use crate::config::RunConfig;
use alloc::vec;
use alloc::vec::Vec;

/// One layer of a forward pass, **column-major**: the cell of unit j at row x is `[j * height + x]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardLayer {
    /// A with its bias column.
    pub input: Vec<i32>,
    /// Z, its remainders, and the values of a smooth activation; the backward columns are empty.
    pub columns: LayerTrace,
}

/// Runs `features` (row-major) through the model, padded to `height` rows by rows of zeros. `config` has kappa = 0 and
/// no momentum; its schedule is not read.
///
/// # Errors
/// [`TrainError::WindowOverflow`] if a row leaves a window, or what is wrong with the weights.
pub fn forward_pass(
    config: &RunConfig,
    weights: &[i64],
    features: &[i32],
    height: usize,
) -> Result<Vec<ForwardLayer>, TrainError> {
    let none = Data { features: Vec::new(), labels: Vec::new() };
    let state = ModelState { weights: weights.to_vec(), velocity: None };
    let engine = Engine::new(config, 0, &state, &none)?;
    let (inputs, bias) = config.architecture.layers.first().map_or((1, false), |x| (x.inputs as usize, x.bias));
    let rows = features.len() / inputs;
    // One row of zeros stands for all the padding.
    let count = if rows < height { rows + 1 } else { rows };
    let zeros = vec![0; inputs];
    let mut input: Vec<i32> = Vec::with_capacity(count * (inputs + 1));
    for row in features.chunks_exact(inputs).chain((rows < height).then_some(zeros.as_slice())) {
        input.extend_from_slice(row);
        input.extend(bias.then_some(1 << config.scales.fa));
    }
    let mut out = Vec::new();
    for l in 0..config.architecture.layers.len() {
        let (k, n) = (config.k(l), config.outputs(l));
        let step = engine.forward(0, l, input, count)?;
        let mut layer = ForwardLayer { input: vec![0; k * height], columns: LayerTrace::default() };
        scatter(&step.input, count, height, &mut layer.input, height, 0);
        layer.columns.z = vec![0; n * height];
        scatter(&step.z, count, height, &mut layer.columns.z, height, 0);
        layer.columns.z_rem = vec![0; n * height];
        scatter(&step.z_rem, count, height, &mut layer.columns.z_rem, height, 0);
        if !step.act.is_empty() {
            layer.columns.act = vec![0; n * height];
            scatter(&step.act, count, height, &mut layer.columns.act, height, 0);
        }
        input = if l + 1 < config.architecture.layers.len() { engine.activations(l, &step) } else { Vec::new() };
        out.push(layer);
    }
    Ok(out)
}
