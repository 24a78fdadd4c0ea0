//! The virtual quantities of a chunk, A_l and D_l, as sums over committed columns, the data set and gate pairs.
//!
//! A_0 = data and bias; A_l = Z (identity), Z - s Z (ReLU), act (smooth) of the layer before, and bias.
//! D_last = the loss gradient; D_l = Q (identity), Q - s Q (ReLU), D (smooth).
use super::ChunkRelation;
use super::layout::{LossColumns, TraceLayout};
use crate::config::{Activation, DERIVATIVE_BITS, RunConfig};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F};

/// One summand, read at a row point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// 1 on every row.
    One,
    /// A trace column.
    Column(usize),
    /// A trace column, on unmasked rows only.
    Masked(usize),
    /// A column of the data set, gathered by the batch order; zero on masked rows.
    Data(usize),
    /// The product of a gate pair.
    Pair(usize),
}

/// Gate pairs of one layer or loss: first pair index of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairIndex {
    /// (s, Z) of ReLU layers.
    pub relu_z: Vec<Option<usize>>,
    /// (s, Q) of ReLU layers.
    pub relu_q: Vec<Option<usize>>,
    /// (Q, A') of smooth layers.
    pub smooth: Vec<Option<usize>>,
    /// (h, max - Z), (p, S), (h, h) of softmax.
    pub softmax: Option<[usize; 3]>,
    /// (Z, Z) and (Q, Q) of every norm.
    pub norms: Vec<usize>,
}

/// A gate equation: `sum of terms = 0` at the row point rho.
pub type Equation = Vec<(Term, E)>;

impl ChunkRelation<'_> {
    /// sum_k u_k A_l(., k); `u` has one weight per input, the bias last.
    pub fn input_terms(&self, l: usize, u: &[E]) -> Vec<(Term, E)> {
        input_terms(self.config, &self.layout, &self.pairs_at, l, u)
    }

    /// sum_j u_j D_l(., j).
    pub fn gradient_terms(&self, l: usize, u: &[E]) -> Vec<(Term, E)> {
        let c = &self.layout.layers[l];
        let mut out = Vec::with_capacity(u.len() * 2);
        if l + 1 == self.layout.layers.len() {
            self.loss_terms(u, &mut out);
            return out;
        }
        for (j, &w) in u.iter().enumerate() {
            match (c.q, c.d, self.pairs_at.relu_q[l]) {
                (Some(q), _, Some(pair)) => {
                    out.push((Term::Column(q + j), w));
                    out.push((Term::Pair(pair + j), -w));
                }
                (_, Some(d), _) => out.push((Term::Column(d + j), w)),
                (Some(q), None, None) => out.push((Term::Column(q + j), w)),
                (None, None, _) => {}
            }
        }
        out
    }

    fn loss_terms(&self, u: &[E], out: &mut Vec<(Term, E)>) {
        let (fa, fg) = (self.config.scales.fa, self.config.scales.fg);
        let features = self.config.architecture.layers[0].inputs as usize;
        let z = self.layout.layers[self.layout.layers.len() - 1].z;
        let one = F::from_u64(1 << fg);
        let slope = F::from_u64(1 << (fg - fa));
        for (j, &w) in u.iter().enumerate() {
            let (column, column_weight, label_weight) = match self.layout.loss {
                LossColumns::CrossEntropy { p, .. } => (p + j, w, w * one),
                LossColumns::BinaryCrossEntropy { sigmoid } => (sigmoid + j, w, w * one),
                LossColumns::SquaredError => (z + j, w * slope, w * slope),
            };
            out.push((Term::Masked(column), column_weight));
            out.push((Term::Data(features + j), -label_weight));
        }
    }

    /// The equations that hold at rho on their own: gates of smooth layers and of softmax. `points(n)` draws unit weights
    /// for n units.
    pub fn gate_equations(&self, mut weights: impl FnMut(usize) -> Vec<E>) -> Vec<Equation> {
        let mut out = Vec::new();
        for (l, layer) in self.config.architecture.layers.iter().enumerate() {
            let c = &self.layout.layers[l];
            let (Some(pair), Some(d)) = (self.pairs_at.smooth[l], c.d) else { continue };
            let u = weights(layer.outputs as usize);
            let (scale, half) = (F::from_u64(1 << DERIVATIVE_BITS), F::from_u64(1 << (DERIVATIVE_BITS - 1)));
            let mut e = Equation::new();
            for (j, &w) in u.iter().enumerate() {
                e.push((Term::Pair(pair + j), w));
                e.push((Term::Column(d + j), -w * scale));
                e.extend(c.d_rem.weighted().map(|(m, slot)| (Term::Column(slot + j), -w * F::from_u64(m))));
            }
            e.push((Term::One, u.iter().copied().sum::<E>() * half));
            out.push(e);
        }
        if let (LossColumns::CrossEntropy { e, p: _, rem, h, sum, .. }, Some([max_pair, p_pair, h_pair])) =
            (&self.layout.loss, self.pairs_at.softmax)
        {
            let n = self.outputs();
            out.push((0..n).map(|j| (Term::Pair(max_pair + j), E::ONE)).collect());
            let u = weights(n);
            let scale = F::from_u64(1 << self.config.scales.fg);
            let division = u.iter().enumerate().flat_map(|(j, &w)| {
                [(Term::Pair(p_pair + j), w), (Term::Column(rem + j), w), (Term::Column(e + j), -w * scale)]
            });
            out.push(division.collect());
            let u = weights(n);
            let boolean =
                u.iter().enumerate().flat_map(|(j, &w)| [(Term::Pair(h_pair + j), w), (Term::Column(h + j), -w)]);
            out.push(boolean.collect());
            let mut one: Equation = (0..n).map(|j| (Term::Column(h + j), E::ONE)).collect();
            one.push((Term::One, -E::ONE));
            out.push(one);
            let mut total: Equation = (0..n).map(|j| (Term::Column(e + j), E::ONE)).collect();
            total.push((Term::Column(*sum), -E::ONE));
            out.push(total);
        }
        out
    }

    /// Outputs of the last layer.
    pub fn outputs(&self) -> usize {
        self.config.architecture.layers[self.layout.layers.len() - 1].outputs as usize
    }
}

/// sum_k u_k A_l(., k) over a layout with the forward columns; `u` has one weight per input, the bias last.
pub(crate) fn input_terms(
    config: &RunConfig,
    layout: &TraceLayout,
    pairs_at: &PairIndex,
    l: usize,
    u: &[E],
) -> Vec<(Term, E)> {
    let layer = &config.architecture.layers[l];
    let n = layer.inputs as usize;
    let mut out = Vec::with_capacity(u.len() * 2);
    if l == 0 {
        out.extend((0..n).map(|k| (Term::Data(k), u[k])));
    } else {
        let (c, before) = (&layout.layers[l - 1], &config.architecture.layers[l - 1]);
        for (k, &w) in u.iter().enumerate().take(n) {
            match (before.activation, c.activation, pairs_at.relu_z[l - 1]) {
                (Activation::Relu, _, Some(pair)) => {
                    out.push((Term::Column(c.z + k), w));
                    out.push((Term::Pair(pair + k), -w));
                }
                (Activation::Sigmoid | Activation::Tanh, Some(act), _) => out.push((Term::Column(act + k), w)),
                _ => out.push((Term::Column(c.z + k), w)),
            }
        }
    }
    if layer.bias {
        out.push((Term::One, u[n] * F::from_u64(1 << config.scales.fa)));
    }
    out
}
