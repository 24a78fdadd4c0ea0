//! The prover's messages for the chain of claims of [`super::check`], in the same order.
use super::ChunkRelation;
use super::check::LABEL;
use super::gates::{SUM, pair_weights};
use super::instances::{Instance, Product, WeightUnit, unit_weights};
use super::terms::Equation;
use crate::stage::Stage;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use tacit_argument::bilinear::{Column, Pair, bilinear_proof};
use tacit_argument::field::{E, F, signed};
use tacit_argument::form::Columns;
use tacit_argument::hiding::Masker;
use tacit_argument::lookup::{LookupError, lookup_proof};
use tacit_argument::multilinear::{eq_table, log2_ceil};

/// What the prover knows about a chunk, beside its configuration.
pub struct Witness<'a> {
    /// Payload of the trace (vector 0), multiplicities included.
    pub trace: &'a [F],
    /// A_l with its bias column, column by column, R rows each.
    pub inputs: &'a [Vec<F>],
    /// D_l, column by column, R rows each.
    pub gradients: &'a [Vec<F>],
    /// W_in in the order of the configuration's weights.
    pub start: &'a [i64],
    /// V_in likewise; empty where the velocity starts at 0.
    pub velocity: &'a [i64],
}

impl ChunkRelation<'_> {
    /// Sends every message of the chunk's relation.
    ///
    /// # Errors
    /// [`LookupError`] if the witness is no trace of this configuration.
    pub fn prove(&self, m: &mut Masker<'_>, w: &Witness<'_>) -> Result<(), LookupError> {
        self.prove_watched(m, w, &|_| {})
    }

    /// The same, telling each stage as it begins.
    ///
    /// # Errors
    /// As [`Self::prove`].
    pub fn prove_watched(
        &self,
        m: &mut Masker<'_>,
        w: &Witness<'_>,
        begins: &dyn Fn(Stage),
    ) -> Result<(), LookupError> {
        begins(Stage::Products);
        m.begin(LABEL);
        let rho = m.point(self.layout.log_rows);
        let (rho_t, rho_b) = rho.split_at(self.log_steps());
        let products = self.products(|n| m.point(n));
        let eq_b = eq_table(rho_b, E::ONE);
        let pairs = products.all.iter().flat_map(|i| self.product_pairs(w, i, &eq_b)).collect();
        let (t_star, v_star) = bilinear_proof(m, vec![eq_table(rho_t, E::ONE)], pairs);
        let eq_v = eq_table(&v_star, E::ONE);
        let sigma: Vec<E> = t_star.iter().chain(rho_b).copied().collect();
        let mut equations: Vec<(usize, Equation)> = vec![(1, self.product_terms(&products, &eq_v))];

        begins(Stage::Weights);
        let units = self.weight_units(&products, &eq_v, |n| m.point(n));
        let x_star = self.weight_proof(m, w, &units, &t_star, &mut equations);

        begins(Stage::Gates);
        equations.extend(self.gate_equations(|n| unit_weights(&m.point(log2_ceil(n)), n)).into_iter().map(|e| (0, e)));
        let norms = self.norm_equations(|n| unit_weights(&m.point(log2_ceil(n)), n));
        equations.extend(norms.into_iter().map(|(_, squares)| (SUM, squares)));
        let nu = m.challenge();
        let columns = Columns { log_rows: self.layout.log_rows, vectors: vec![w.trace] };
        if !self.pairs.is_empty() {
            let weights = pair_weights(&equations, self.pairs.len(), nu);
            let mut rows = [&rho, &sigma, &x_star].map(|p| eq_table(p, E::ONE)).to_vec();
            if !self.layout.norms.is_empty() {
                rows.push(vec![E::ONE; 1 << self.layout.log_rows]);
            }
            let pairs = self.pairs.iter().zip(weights).map(|((a, b), weights)| Pair {
                a: Column::Base(columns.values(a)),
                b: Column::Base(columns.values(b)),
                weights,
            });
            bilinear_proof(m, rows, pairs.collect());
        }
        begins(Stage::Lookups);
        self.weight_range_points(m);
        lookup_proof(m, &self.lookups, &columns)
    }

    /// The columns of one product: a over steps at rho_b, and the implicit weights over steps.
    fn product_pairs(&self, w: &Witness<'_>, i: &Instance, eq_b: &[E]) -> Vec<Pair<'static>> {
        let r = 1usize << self.layout.log_rows;
        let batch = eq_b.len();
        let (l, summed, other, forward) = match i.product {
            Product::Forward(l) => (l, &w.inputs[l], &w.gradients[l], true),
            Product::Backward(l) => (l, &w.gradients[l], &w.inputs[l], false),
        };
        let combined = combine_columns(other, &i.units, r);
        let start = self.start_row(w.start, l, &i.units, forward);
        let scale = E::from_u64(self.coefficients.start());
        let velocity = if w.velocity.is_empty() { vec![] } else { self.start_row(w.velocity, l, &i.units, forward) };
        (0..i.len)
            .into_par_iter()
            .map(|v| {
                let column = &summed[v * r..(v + 1) * r];
                let steps = column.chunks_exact(batch);
                let a = steps.clone().map(|x| x.iter().zip(eq_b).map(|(&x, &e)| e * x).sum()).collect();
                let gradient: Vec<E> = steps
                    .zip(combined.chunks_exact(batch))
                    .map(|(x, d)| x.iter().zip(d).map(|(&x, &d)| d * x).sum())
                    .collect();
                let b = self.weight_path(scale * start[v], velocity.get(v).copied(), &gradient);
                Pair { a: Column::Ext(a), b: Column::Ext(b), weights: vec![(0, i.lambda)] }
            })
            .collect()
    }

    /// sum_j u_j W_in(k, j) for every k (forward), or sum_k u_k W_in(k, j) for every j.
    fn start_row(&self, start: &[i64], l: usize, units: &[E], forward: bool) -> Vec<E> {
        let n = self.config.outputs(l);
        let first = self.config.weight_offset(l);
        let matrix = &start[first..first + self.config.k(l) * n];
        if forward {
            return matrix.par_chunks(n).map(|row| row.iter().zip(units).map(|(&v, &u)| u * signed(v)).sum()).collect();
        }
        let mut out = E::zero_vec(n);
        for (row, &u) in matrix.chunks(n).zip(units) {
            out.iter_mut().zip(row).for_each(|(o, &v)| *o += u * signed(v));
        }
        out
    }

    /// W_t for t < T from W_0, V_0 and the gradients G_s: the update rule, on one linear functional of the weights.
    fn weight_path(&self, start: E, velocity: Option<E>, gradient: &[E]) -> Vec<E> {
        let c = &self.coefficients;
        // V_0 enters as a gradient one step before the first.
        let earlier = usize::from(velocity.is_some());
        let scaled = gradient.iter().zip(c.batch_weights()).map(|(&g, &w)| g * F::from_u64(w));
        let past: Vec<E> = velocity.into_iter().chain(scaled).collect();
        let filter: Vec<F> = c.update().iter().map(|&d| F::from_u64(d)).collect();
        let mut out = Vec::with_capacity(gradient.len());
        let mut w = start;
        for t in 0..gradient.len() {
            out.push(w);
            let Some(&rate) = c.rates().get(t) else { continue };
            let v: E = filter.iter().zip(past[..=t + earlier].iter().rev()).map(|(&d, &g)| g * d).sum();
            w -= v * F::from_u64(rate);
        }
        out
    }

    fn weight_proof(
        &self,
        m: &mut Masker<'_>,
        w: &Witness<'_>,
        units: &[WeightUnit],
        t_star: &[E],
        equations: &mut Vec<(usize, Equation)>,
    ) -> Vec<E> {
        let mu = m.challenge();
        let powers = self.equation_powers(mu);
        let r = 1usize << self.layout.log_rows;
        let batch = r >> self.log_steps();
        let spread = |alpha: Vec<E>| alpha.into_iter().flat_map(|x| core::iter::repeat_n(x, batch)).collect();
        let rows: Vec<Vec<E>> = self.alphas(t_star).into_iter().map(spread).collect();
        let pairs = units.iter().map(|u| Pair {
            a: Column::Ext(combine_columns(&w.inputs[u.layer], &u.inputs, r)),
            b: Column::Ext(combine_columns(&w.gradients[u.layer], &u.outputs, r)),
            weights: u.claims.iter().map(|&(row, equation)| (row, powers[equation])).collect(),
        });
        let (x_star, v_star) = bilinear_proof(m, rows, pairs.collect());
        let combined = self.combine(units, &eq_table(&v_star, E::ONE));
        let inputs = combined.iter().enumerate().flat_map(|(l, (k, _))| self.input_terms(l, k)).collect();
        let gradients = combined.iter().enumerate().flat_map(|(l, (_, j))| self.gradient_terms(l, j)).collect();
        equations.push((2, inputs));
        equations.push((2, gradients));
        x_star
    }

    fn weight_range_points(&self, m: &mut Masker<'_>) {
        if self.layout.per_weight().next().is_none() {
            return;
        }
        for l in 0..self.layout.layers.len() {
            self.random_weight(l, vec![], &mut |n| m.point(n));
        }
    }
}

/// sum_v weights_v column_v, row by row, for columns of `rows` rows each.
fn combine_columns(columns: &[F], weights: &[E], rows: usize) -> Vec<E> {
    const CHUNK: usize = 512;
    let mut out = E::zero_vec(rows);
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(c, out)| {
        let first = c * CHUNK;
        for (v, &w) in weights.iter().enumerate().filter(|(_, w)| **w != E::ZERO) {
            let column = &columns[v * rows + first..v * rows + first + out.len()];
            out.iter_mut().zip(column).for_each(|(o, &x)| *o += w * x);
        }
    });
    out
}
