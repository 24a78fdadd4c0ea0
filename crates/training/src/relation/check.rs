//! The verifier's chain of claims over one chunk.
use super::gates::{ROW_POINTS, pair_weights};
use super::instances::{FINAL, Product, VELOCITY, WeightUnit, unit_weights};
use super::layout::{Limbs, ModelLayout};
use super::terms::{Equation, Term};
use super::{ChunkRelation, DATA, MODEL_IN, MODEL_OUT, StartWeights, TRACE};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::bilinear_check;
use tacit_argument::field::{E, F, signed};
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Message, Reduction};
use tacit_argument::lookup::lookup_check;
use tacit_argument::multilinear::{eq_eval, eq_table, log2_ceil};

/// Transcript label.
pub(crate) const LABEL: &[u8] = b"tacit/chunk/v1";

/// A row point with the low parts that read columns, masked columns and the data set through it.
struct Row {
    point: Vec<E>,
    column: LowId,
    masked: LowId,
    data: LowId,
}

impl ChunkRelation<'_> {
    /// Reduces the chunk's relation to linear claims on the committed vectors.
    ///
    /// # Errors
    /// [`HidingError`] if the proof carries too few messages.
    pub fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        r.begin(LABEL);
        let rho = r.point(self.layout.log_rows);
        let (rho_t, rho_b) = rho.split_at(self.log_steps());
        let products = self.products(|n| r.point(n));
        let rho_row = self.row(r, rho.clone());

        let mut raw = Affine::default();
        for i in &products.all {
            self.add_raw(&mut raw, i.product, &i.units, i.lambda, rho_row.column);
        }
        let claim = bilinear_check(r, raw, self.log_steps(), log2_ceil(products.length))?;
        let eq_v = eq_table(&claim.units, E::ONE);
        let mass: E = products.all.iter().map(|i| i.lambda * eq_v[i.first..i.first + i.len].iter().copied().sum::<E>()).sum();
        let weight = eq_eval(rho_t, &claim.rows) * mass;
        let t_star = claim.rows.clone();
        let (a, b) = claim.close(r, weight);
        let sigma: Vec<E> = t_star.iter().chain(rho_b).copied().collect();
        let sigma_row = self.row(r, sigma);
        let mut equations: Vec<(usize, Equation, Option<Message>)> = vec![];
        equations.push((1, self.product_terms(&products, &eq_v), Some(a)));

        let units = self.weight_units(&products, &eq_v, |n| r.point(n));
        let x_row = self.weight_check(r, &units, &t_star, b, &mut equations)?;

        equations.extend(self.gate_equations(|n| unit_weights(&r.point(log2_ceil(n)), n)).into_iter().map(|e| (0, e, None)));
        self.gate_check(r, &[rho_row, sigma_row, x_row], equations)?;
        self.weight_range_check(r);
        lookup_check(r, &self.lookups)
    }

    fn row(&self, r: &mut Reduction<'_>, point: Vec<E>) -> Row {
        let eq = eq_table(&point, E::ONE);
        let mut data = vec![E::ZERO; 1 << self.data_stride()];
        let mut masked = eq.clone();
        for ((i, &w), m) in self.index.iter().zip(&eq).zip(&mut masked) {
            match i.and_then(|i| data.get_mut(i as usize)) {
                Some(d) => *d += w,
                None => *m = E::ZERO,
            }
        }
        let column = r.low(Low::Eq(point.clone()));
        Row { column, masked: r.low(Low::Dense(masked)), data: r.low(Low::Dense(data)), point }
    }

    /// lambda sum_j u_j (2^F v_j + rem_j - 2^(F-1)) for v = Z_l or Q_{l-1}.
    fn add_raw(&self, e: &mut Affine, product: Product, units: &[E], lambda: E, low: LowId) {
        let f = self.config.scales.fw + self.config.scales.kappa;
        let (value, rem): (usize, &Limbs) = match product {
            Product::Forward(l) => (self.layout.layers[l].z, &self.layout.layers[l].z_rem),
            Product::Backward(l) => {
                let c = &self.layout.layers[l - 1];
                let Some(q) = c.q else { return };
                (q, &c.q_rem)
            }
        };
        for (j, &u) in units.iter().enumerate() {
            let w = lambda * u;
            e.add_cell(cell(TRACE, low, value + j), w * F::from_u64(1 << f));
            for (m, slot) in rem.weighted() {
                e.add_cell(cell(TRACE, low, slot + j), w * F::from_u64(m));
            }
            e.add_constant(-w * F::from_u64(1 << (f - 1)));
        }
    }

    fn weight_check(
        &self,
        r: &mut Reduction<'_>,
        units: &[WeightUnit],
        t_star: &[E],
        b: Message,
        equations: &mut Vec<(usize, Equation, Option<Message>)>,
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
                    FINAL => self.add_end(&mut total, u, low, 0, -p),
                    VELOCITY => self.add_end(&mut total, u, low, 1, p),
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
        equations.push((2, inputs, Some(a)));
        equations.push((2, gradients, Some(d)));
        Ok(row)
    }

    /// mu^i for every equation of the weight sumcheck.
    pub(crate) fn equation_powers(&self, mu: E) -> Vec<E> {
        mu.powers().take(1 + self.state.len() * self.layout.layers.len()).collect()
    }

    /// The row weights of the weight sumcheck, over steps: alpha(t*), the coefficients of W_T and those of V_T.
    pub(crate) fn alphas(&self, t_star: &[E]) -> Vec<Vec<E>> {
        let steps = 1 << self.log_steps();
        let mut out = vec![
            self.coefficients.alpha(&eq_table(t_star, E::ONE), steps),
            self.coefficients.alpha(&self.at_end(), steps),
        ];
        if self.state.len() > 1 {
            out.push(self.coefficients.state_weights(steps).into_iter().map(E::from).collect());
        }
        out
    }

    /// Per row weight, the coefficients of W_in and of V_in in its sum.
    fn start_coefficients(&self, t_star: &[E]) -> [[E; 2]; 3] {
        let c = &self.coefficients;
        let [t, end] = [eq_table(t_star, E::ONE), self.at_end()].map(|e| [c.start_weight(&e), -c.velocity_weight(&e)]);
        [t, end, [E::ZERO, -E::from_u64(c.state_velocity())]]
    }

    /// Weight 1 on W_T, 0 on every W_t before it.
    fn at_end(&self) -> Vec<E> {
        let steps = 1 << self.log_steps();
        let mut last = E::zero_vec(steps + 1);
        last[steps] = E::ONE;
        last
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

    /// c times the exact end of weights (0) or velocity (1): 2^kappa out + remainder - 2^(kappa-1).
    fn add_end(&self, e: &mut Affine, u: &WeightUnit, low: LowId, which: usize, c: E) {
        let kappa = self.config.scales.kappa;
        add_matrix(e, u, low, (MODEL_OUT, &self.state[which]), c * F::from_u64(1 << kappa));
        if let Some(rounding) = self.layout.rounding.get(which) {
            rounding.remainder.add_to(e, (u.layer, low), &u.inputs, c);
            e.add_constant(-c * u.mass() * F::from_u64(1 << (kappa - 1)));
        }
    }

    /// sum_{k,j} inputs_k outputs_j W(k, j) of public weights.
    pub(crate) fn public_weight(&self, weights: &[i64], u: &WeightUnit) -> E {
        let n = u.outputs.len();
        let first: usize = (0..u.layer).map(|l| self.config.k(l) * self.config.architecture.layers[l].outputs as usize).sum();
        let rows = weights.get(first..).unwrap_or_default().chunks(n);
        let row = |w: &[i64]| w.iter().zip(&u.outputs).map(|(&v, &j)| j * signed(v)).sum::<E>();
        rows.zip(&u.inputs).map(|(w, &k)| k * row(w)).sum()
    }

    /// Splits equations into linear claims and the gate sumcheck, and closes both.
    fn gate_check(
        &self,
        r: &mut Reduction<'_>,
        rows: &[Row; ROW_POINTS],
        equations: Vec<(usize, Equation, Option<Message>)>,
    ) -> Result<(), HidingError> {
        let nu = r.challenge();
        let mut gated: Vec<(usize, Equation)> = vec![];
        let (mut total, mut power) = (Affine::default(), E::ONE);
        for (row, equation, message) in equations {
            let mut linear = self.linear_part(&rows[row], &equation);
            if let Some(m) = message {
                linear.sub(&m.affine());
            }
            total.add_scaled(&linear, -power);
            power *= nu;
            gated.push((row, equation));
        }
        if self.pairs.is_empty() {
            r.assert_zero(total);
            return Ok(());
        }
        let weights = pair_weights(&gated, self.pairs.len(), nu);
        let claim = bilinear_check(r, total, self.layout.log_rows, log2_ceil(self.pairs.len()))?;
        let eq_v = eq_table(&claim.units, E::ONE);
        let at: Vec<E> = rows.iter().map(|row| eq_eval(&row.point, &claim.rows)).collect();
        let weight = weights.iter().zip(&eq_v).map(|(w, &v)| v * w.iter().map(|&(q, c)| at[q] * c).sum::<E>()).sum();
        let low = r.low(Low::Eq(claim.rows.clone()));
        let (a, b) = claim.close(r, weight);
        let (mut ea, mut eb) = (Affine::default(), Affine::default());
        for ((fa, fb), &w) in self.pairs.iter().zip(&eq_v) {
            fa.add_to(&mut ea, low, E::ONE, w);
            fb.add_to(&mut eb, low, E::ONE, w);
        }
        ea.sub(&a.affine());
        eb.sub(&b.affine());
        r.assert_zero(ea);
        r.assert_zero(eb);
        Ok(())
    }

    fn linear_part(&self, row: &Row, equation: &Equation) -> Affine {
        let mut e = Affine::default();
        for &(term, c) in equation {
            match term {
                Term::One => e.add_constant(c),
                Term::Column(slot) => e.add_cell(cell(TRACE, row.column, slot), c),
                Term::Masked(slot) => e.add_cell(cell(TRACE, row.masked, slot), c),
                Term::Data(slot) => e.add_cell(cell(DATA, row.data, slot), c),
                Term::Pair(_) => {}
            }
        }
        e
    }

    /// W_in, W_out and V_out + 2^(bits-1) = sum of limbs, at one random (k, j) per layer.
    fn weight_range_check(&self, r: &mut Reduction<'_>) {
        let start = self.layout.weight_limbs.iter().map(|limbs| (MODEL_IN, &self.state[0], limbs));
        let ends = self.state.iter().zip(&self.layout.rounding).map(|(state, x)| (MODEL_OUT, state, &x.quotient));
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

    /// The A and D claims that the products leave at (t*, rho_b).
    pub(crate) fn product_terms(&self, products: &super::instances::Products, eq: &[E]) -> Equation {
        let terms = products.all.iter().flat_map(|i| {
            let range = &eq[i.first..i.first + i.len];
            match i.product {
                Product::Forward(l) => self.input_terms(l, range),
                Product::Backward(l) => self.gradient_terms(l, range),
            }
        });
        terms.collect()
    }
}

fn cell(vector: usize, low: LowId, slot: usize) -> tacit_argument::hiding::Cell {
    tacit_argument::hiding::Cell { vector, low, slot }
}

/// c sum_{k,j} inputs_k outputs_j M(k, j), for the matrix that a vector holds at a layout.
fn add_matrix(e: &mut Affine, u: &WeightUnit, low: LowId, (vector, layout): (usize, &ModelLayout), c: E) {
    for (k, &w) in u.inputs.iter().enumerate() {
        e.add_cell(cell(vector, low, layout.first[u.layer] + k), w * c);
    }
}
