//! The verifier's claims on weights that are never committed, and on the chunk's end.
//!
//! At t*: sum_t eq(t*, t) W_t = c_w W_in + c_v V_in - sum_s alpha_s A_s^T D_s (protocol.md, section 2). At the end, at a
//! random (k, j) per layer: W_T and V_T are the same kind of sum, and `exact = 2^s out + remainder - 2^(s-1)`, where
//! exact is V_T, or W_T (the sum of the last weights, for an average) times the numerator of the decay.
use super::check::{Row, cell};
use super::instances::{FINAL, VELOCITY, WeightUnit};
use super::layout::ModelLayout;
use super::terms::Equation;
use super::{ChunkRelation, MODEL_IN, MODEL_OUT, StartWeights};
use crate::config::Part;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::bilinear_check;
use tacit_argument::field::{E, F, signed};
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Message, Reduction};
use tacit_argument::multilinear::{eq_table, log2_ceil};

impl ChunkRelation<'_> {
    /// The weight sumcheck: implicit weights at t*, and the chunk's exact end. Leaves A and D claims at its row point.
    pub(super) fn weight_check(
        &self,
        r: &mut Reduction<'_>,
        units: &[WeightUnit],
        t_star: &[E],
        b: Message,
        equations: &mut Vec<(usize, Equation, Affine)>,
    ) -> Result<Row, HidingError> {
        let mu = r.challenge();
        let powers = self.equation_powers(mu);
        let mut total = b.affine();
        total.scale(-E::ONE);
        let ends = self.start_coefficients(t_star);
        for u in units {
            let low = self.output_low(r, u);
            for &(row, equation) in &u.claims {
                let p = powers[equation];
                self.add_start(&mut total, u, low, ends[row].map(|c| c * p));
                match row {
                    FINAL => self.add_end(&mut total, u, low, Part::Weights, -p),
                    VELOCITY => self.add_end(&mut total, u, low, Part::Velocity, p),
                    _ => {}
                }
            }
        }
        let claim = bilinear_check(r, total, self.layout.log_rows, log2_ceil(units.len()))?;
        let eq_v = eq_table(&claim.units, E::ONE);
        let eq_t = eq_table(&claim.rows[..self.log_steps()], E::ONE);
        let alphas = self.alphas(t_star);
        let at: Vec<E> = alphas.iter().map(|alpha| alpha.iter().zip(&eq_t).map(|(&x, &w)| x * w).sum()).collect();
        let claimed = |u: &WeightUnit| u.claims.iter().map(|&(row, equation)| at[row] * powers[equation]).sum::<E>();
        let weight = units.iter().zip(&eq_v).map(|(u, &w)| w * claimed(u)).sum();
        let row = self.row(r, claim.rows.clone());
        let (a, d) = claim.close(r, weight);
        let combined = self.combine(units, &eq_v);
        let inputs = combined.iter().enumerate().flat_map(|(l, (k, _))| self.input_terms(l, k)).collect();
        let gradients = combined.iter().enumerate().flat_map(|(l, (_, j))| self.gradient_terms(l, j)).collect();
        equations.push((2, inputs, a.affine()));
        equations.push((2, gradients, d.affine()));
        Ok(row)
    }

    /// mu^i for every equation of the weight sumcheck.
    pub(crate) fn equation_powers(&self, mu: E) -> Vec<E> {
        mu.powers().take(1 + self.state.len() * self.layout.layers.len()).collect()
    }

    /// The row weights of the weight sumcheck, over steps: alpha(t*), the coefficients of decayed W_T and those of V_T.
    pub(crate) fn alphas(&self, t_star: &[E]) -> Vec<Vec<E>> {
        let steps = 1 << self.log_steps();
        let mut out = vec![
            self.coefficients.alpha(&eq_table(t_star, E::ONE), steps),
            self.coefficients.alpha(&self.at_end(), steps),
        ];
        out[FINAL].iter_mut().for_each(|x| *x *= self.decay);
        if self.state.len() > 1 {
            out.push(self.coefficients.state_weights(steps).into_iter().map(E::from).collect());
        }
        out
    }

    /// Per row weight, the coefficients of W_in and of V_in in its sum.
    fn start_coefficients(&self, t_star: &[E]) -> [[E; 2]; 3] {
        let c = &self.coefficients;
        let [t, end] = [eq_table(t_star, E::ONE), self.at_end()].map(|e| [c.start_weight(&e), -c.velocity_weight(&e)]);
        [t, end.map(|x| x * self.decay), [E::ZERO, -E::from_u64(c.state_velocity())]]
    }

    /// Weight 1 on every W_t that the chunk's end adds up, 0 on the others.
    fn at_end(&self) -> Vec<E> {
        self.coefficients.end(1 << self.log_steps())
    }

    fn output_low(&self, r: &mut Reduction<'_>, u: &WeightUnit) -> LowId {
        let mut low = u.outputs.clone();
        low.resize(1 << self.state[0].stride[u.layer], E::ZERO);
        r.low(Low::Dense(low))
    }

    /// c_w W_in and, where the chunk starts from a committed velocity, c_v V_in.
    fn add_start(&self, e: &mut Affine, u: &WeightUnit, low: LowId, [c_w, c_v]: [E; 2]) {
        match &self.start {
            StartWeights::Committed(_) => add_matrix(e, u, low, (MODEL_IN, &self.state[0]), c_w),
            StartWeights::Public(w) => e.add_constant(c_w * self.public_weight(w, u)),
        }
        if let (true, Some(velocity)) = (self.velocity_in, self.state.get(1)) {
            add_matrix(e, u, low, (MODEL_IN, velocity), c_v);
        }
    }

    /// c times the exact end of weights or velocity: 2^s out + remainder - 2^(s-1).
    fn add_end(&self, e: &mut Affine, u: &WeightUnit, low: LowId, part: Part, c: E) {
        let (shift, which) = (self.config.boundary_shift(part, self.chunk), usize::from(part == Part::Velocity));
        add_matrix(e, u, low, (MODEL_OUT, &self.state[which]), c * F::from_u64(1 << shift));
        if let Some(rounding) = &self.layout.rounding[which] {
            rounding.remainder.add_to(e, (u.layer, low), &u.inputs, c);
            e.add_constant(-c * u.mass() * F::from_u64((1 << shift) >> 1));
        }
    }

    /// sum_{k,j} inputs_k outputs_j W(k, j) of public weights.
    pub(crate) fn public_weight(&self, weights: &[i64], u: &WeightUnit) -> E {
        let n = u.outputs.len();
        let first: usize =
            (0..u.layer).map(|l| self.config.k(l) * self.config.architecture.layers[l].outputs as usize).sum();
        let rows = weights.get(first..).unwrap_or_default().chunks(n);
        let row = |w: &[i64]| w.iter().zip(&u.outputs).map(|(&v, &j)| j * signed(v)).sum::<E>();
        rows.zip(&u.inputs).map(|(w, &k)| k * row(w)).sum()
    }

    /// W_in, W_out and V_out + 2^(bits-1) = sum of limbs, at one random (k, j) per layer.
    pub(super) fn weight_range_check(&self, r: &mut Reduction<'_>) {
        let start = self.layout.weight_limbs.iter().map(|limbs| (MODEL_IN, &self.state[0], limbs));
        let rounded = self.state.iter().zip(&self.layout.rounding);
        let ends = rounded.filter_map(|(state, x)| Some((MODEL_OUT, state, &x.as_ref()?.quotient)));
        let checked: Vec<_> = start.chain(ends).collect();
        if checked.is_empty() {
            return;
        }
        for l in 0..self.layout.layers.len() {
            let u = self.random_weight(l, vec![], &mut |n| r.point(n));
            let low = self.output_low(r, &u);
            for (vector, state, limbs) in &checked {
                let mut e = Affine::constant(u.mass() * F::from_u64(1 << (limbs.bits - 1)));
                add_matrix(&mut e, &u, low, (*vector, state), E::ONE);
                limbs.add_to(&mut e, (l, low), &u.inputs, -E::ONE);
                r.assert_zero(e);
            }
        }
    }
}

/// c sum_{k,j} inputs_k outputs_j M(k, j), for the matrix that a vector holds at a layout.
fn add_matrix(e: &mut Affine, u: &WeightUnit, low: LowId, (vector, layout): (usize, &ModelLayout), c: E) {
    for (k, &w) in u.inputs.iter().enumerate() {
        e.add_cell(cell(vector, low, layout.first[u.layer] + k), w * c);
    }
}
