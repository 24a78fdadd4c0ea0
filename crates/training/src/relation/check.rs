//! The verifier's chain of claims over one chunk.
use super::gates::{ROW_POINTS, SUM, pair_weights};
use super::instances::{Product, unit_weights};
use super::layout::Limbs;
use super::terms::{Equation, Term};
use super::{ChunkRelation, DATA, TRACE};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::bilinear_check;
use tacit_argument::field::{E, F};
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Reduction};
use tacit_argument::lookup::lookup_check;
use tacit_argument::multilinear::{eq_eval, eq_table, log2_ceil};

/// Transcript label.
pub(crate) const LABEL: &[u8] = b"tacit/chunk/v1";

/// A row point with the low parts that read columns, masked columns and the data set through it.
pub(super) struct Row {
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
        let mass: E =
            products.all.iter().map(|i| i.lambda * eq_v[i.first..i.first + i.len].iter().copied().sum::<E>()).sum();
        let weight = eq_eval(rho_t, &claim.rows) * mass;
        let t_star = claim.rows.clone();
        let (a, b) = claim.close(r, weight);
        let sigma: Vec<E> = t_star.iter().chain(rho_b).copied().collect();
        let sigma_row = self.row(r, sigma);
        let mut equations: Vec<(usize, Equation, Affine)> = vec![];
        equations.push((1, self.product_terms(&products, &eq_v), a.affine()));

        let units = self.weight_units(&products, &eq_v, |n| r.point(n));
        let x_row = self.weight_check(r, &units, &t_star, b, &mut equations)?;

        let gates = self.gate_equations(|n| unit_weights(&r.point(log2_ceil(n)), n));
        equations.extend(gates.into_iter().map(|e| (0, e, Affine::default())));
        let norms = self.norm_equations(|n| unit_weights(&r.point(log2_ceil(n)), n));
        for (norm, (u, squares)) in self.layout.norms.iter().zip(norms) {
            equations.push((SUM, squares, self.norm_value(r, &norm.limbs, &u)));
        }
        self.gate_check(r, &[rho_row, sigma_row, x_row], equations)?;
        self.weight_range_check(r);
        lookup_check(r, &self.lookups)
    }

    pub(super) fn row(&self, r: &mut Reduction<'_>, point: Vec<E>) -> Row {
        if r.is_dry() {
            let [column, masked, data] = [(); 3].map(|()| r.low(Low::Eq(vec![])));
            return Row { column, masked, data, point };
        }
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
        add_rescaled(e, low, f, (value, rem), units.iter().map(|&u| lambda * u));
    }

    /// sum_j u_j S_j, read in slots of no more cells than there are units: a chunk's rows can be many more.
    fn norm_value(&self, r: &mut Reduction<'_>, limbs: &Limbs, u: &[E]) -> Affine {
        let log_rows = self.layout.log_rows;
        let stride = log2_ceil(u.len()).min(log_rows);
        let mut e = Affine::default();
        for (i, part) in u.chunks(1 << stride).enumerate() {
            let mut weights = part.to_vec();
            weights.resize(1 << stride, E::ZERO);
            let low = r.low(Low::Dense(weights));
            for (m, slot) in limbs.weighted() {
                e.add_cell(cell(TRACE, low, (slot << (log_rows - stride)) + i), E::from(F::from_u64(m)));
            }
        }
        e
    }

    /// Splits equations into linear claims and the gate sumcheck, and closes both. An equation is its terms, their row
    /// weight, and what they come to.
    fn gate_check(
        &self,
        r: &mut Reduction<'_>,
        rows: &[Row; ROW_POINTS],
        equations: Vec<(usize, Equation, Affine)>,
    ) -> Result<(), HidingError> {
        let nu = r.challenge();
        let mut gated: Vec<(usize, Equation)> = vec![];
        let (mut total, mut power) = (Affine::default(), E::ONE);
        for (row, equation, value) in equations {
            let mut linear = rows.get(row).map_or_else(Affine::default, |row| self.linear_part(row, &equation));
            linear.sub(&value);
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
        let points = rows.iter().map(|row| eq_eval(&row.point, &claim.rows));
        let at: Vec<E> = points.chain([E::ONE]).collect();
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

/// sum_j u_j (2^f v_j + rem_j - 2^(f-1)): what was rescaled to v, read at the row point of `low`.
pub(crate) fn add_rescaled(
    e: &mut Affine,
    low: LowId,
    f: u32,
    (value, rem): (usize, &Limbs),
    weights: impl Iterator<Item = E>,
) {
    for (j, w) in weights.enumerate() {
        e.add_cell(cell(TRACE, low, value + j), w * F::from_u64(1 << f));
        for (m, slot) in rem.weighted() {
            e.add_cell(cell(TRACE, low, slot + j), w * F::from_u64(m));
        }
        e.add_constant(-w * F::from_u64(1 << (f - 1)));
    }
}

pub(crate) fn cell(vector: usize, low: LowId, slot: usize) -> tacit_argument::hiding::Cell {
    tacit_argument::hiding::Cell { vector, low, slot }
}
