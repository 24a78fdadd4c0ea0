//! The formulas of one layer: forward, backward and gradient.
use super::TrainError;
use super::engine::{Engine, LayerStep, Step};
use super::kernel::{Rescaled, Shape, outer, product, transpose};
use super::loss::at;
use crate::config::{Activation, DERIVATIVE_BITS};
use crate::rescale;
use alloc::vec::Vec;

impl Engine<'_> {
    /// A_{l+1} from layer l.
    pub(super) fn activations(&self, l: usize, from: &LayerStep) -> Vec<i32> {
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

    pub(super) fn forward(&self, t: u32, l: usize, input: Vec<i32>, count: usize) -> Result<LayerStep, TrainError> {
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
    pub(super) fn backward(
        &self,
        t: u32,
        l: usize,
        d: &[i32],
        before: &mut LayerStep,
        count: usize,
    ) -> Result<(), TrainError> {
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
    pub(super) fn gradient(&self, t: u32, step: &Step) -> Result<Vec<i64>, TrainError> {
        let weight = self.config.schedule.batch_weight(t, self.config.scales.omega);
        let mut out = Vec::with_capacity(self.weights.weights.len());
        for (l, x) in step.layers.iter().enumerate() {
            let (k, n) = (self.layer(l).k(), self.layer(l).outputs as usize);
            let rows = step.rows.len();
            let sums = outer(&x.input[..rows * k], &x.d[..rows * n], Shape { rows, inner: k, columns: n });
            let scaled = sums.into_i64().and_then(|v| {
                v.into_iter().map(|g| g.checked_mul(i64::try_from(weight).ok()?)).collect::<Option<Vec<_>>>()
            });
            out.extend(scaled.ok_or(TrainError::WeightOverflow { layer: l, name: "gradient", step: t })?);
        }
        Ok(out)
    }

    fn window_overflow(&self, l: usize, name: &'static str, step: u32, value: i128, window: u32) -> TrainError {
        let layer = self.layer(l);
        TrainError::WindowOverflow { layer: l, inputs: layer.inputs, outputs: layer.outputs, name, step, value, window }
    }
}
