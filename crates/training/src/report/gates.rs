//! Products of cells, released outputs and sums over rows, in one sumcheck and linear claims.
//!
//! Equations at rho: the inputs that the matrix products leave (ReLUs), those of the head, equal squares. Over all
//! rows: the counts, N = sum_x label(x) joint(x), and sums of squares. Row weights are eq(rho, .), 1, and 1 on the rows
//! that are read.
use super::backtest::Backtest;
use super::claims::{LIMB_BITS, LIMBS};
use super::head::{Head, HeadEquation};
use super::ranks::Ranks;
use super::relation::{ReportRelation, Row, weighted_rows};
use super::residuals::Residuals;
use super::scores::Scores;
use crate::config::Loss;
use crate::relation::{Equation, TRACE, Term, cell, unit_weights};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::bilinear_check;
use tacit_argument::field::{E, F, signed};
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Reduction};
use tacit_argument::multilinear::{eq_eval, eq_table, log2_ceil};

/// The powers of nu, by what they batch.
pub(super) struct Powers {
    /// The products' equation and those of the head.
    head: Vec<E>,
    /// Equal squares.
    equal: Vec<E>,
    /// Sums over rows.
    sums: Vec<E>,
    /// Claims on the counts.
    pub(super) counts: Vec<E>,
}

impl ReportRelation<'_> {
    /// The equations of the head and of a backtest, each with the index of its first pair.
    pub(super) fn head_equations(&self) -> Vec<(HeadEquation, usize)> {
        let mut all = self.head.as_ref().map_or_else(Vec::new, |h| h.equations(&self.layout, &self.statement));
        all.extend(self.ranks.iter().flat_map(Ranks::equations));
        all.extend(self.backtest.iter().flat_map(Backtest::equations));
        all.extend(self.residuals.iter().flat_map(Residuals::equations));
        all.extend(self.scores.as_ref().map(Scores::equation));
        let mut first = self.head_pairs.0;
        all.into_iter()
            .map(|e| {
                let at = first;
                first += e.pairs.len();
                (e, at)
            })
            .collect()
    }

    /// 1, nu, nu^2, ...: for the products' equation, the head's, equal squares, sums over rows, claims on the counts.
    pub(super) fn powers(&self, nu: E, head: usize) -> Powers {
        let (equal, sums) = self.sums();
        let rest: Vec<E> = nu.powers().take(1 + head + equal + sums.len() + self.checked.claims.len()).collect();
        let (head, rest) = rest.split_at_checked(1 + head).unwrap_or((&rest, &[]));
        let (equal, rest) = rest.split_at_checked(equal).unwrap_or((rest, &[]));
        let (sums, counts) = rest.split_at_checked(sums.len()).unwrap_or((rest, &[]));
        Powers { head: head.to_vec(), equal: equal.to_vec(), sums: sums.to_vec(), counts: counts.to_vec() }
    }

    /// How many squares are equal, and the pairs of every sum over rows: of errors with its value, then of a backtest
    /// and of bounds of errors.
    pub(super) fn sums(&self) -> (usize, Vec<(usize, Option<u64>)>) {
        let (equal, mut sums): (usize, Vec<_>) = self.residuals.as_ref().map_or((0, vec![]), |x| {
            let sums = x.sums(&self.statement).into_iter().map(|(pairs, value)| (pairs.len(), Some(value))).collect();
            (x.equal().len(), sums)
        });
        sums.extend(self.backtest.iter().flat_map(Backtest::square_sums).map(|_| (1, None)));
        if let (Some(x), Some(claims)) = (&self.residuals, &self.checked.errors) {
            let bounds = Self::error_sums(x, self.head.as_ref(), claims, self.checked.rows);
            sums.extend(bounds.into_iter().map(|pairs| (pairs.len(), None)));
        }
        (equal, sums)
    }

    /// Coefficients of the pairs: at rho, and on all rows that are read.
    pub(super) fn pair_weights(
        &self,
        product: &Equation,
        head: &[(HeadEquation, usize)],
        powers: &Powers,
    ) -> Vec<[E; 2]> {
        let mut out = vec![[E::ZERO; 2]; self.pairs.len()];
        for &(term, c) in product {
            if let Term::Pair(p) = term
                && let Some(w) = out.get_mut(p)
            {
                w[0] += c;
            }
        }
        for ((e, first), &power) in head.iter().zip(powers.head.iter().skip(1)) {
            out.iter_mut().skip(*first).take(e.pairs.len()).for_each(|w| w[0] += power);
        }
        let mut rest = out.iter_mut().skip(self.head_pairs.1);
        for &power in &powers.equal {
            for (w, sign) in rest.by_ref().take(2).zip([E::ONE, -E::ONE]) {
                w[0] += power * sign;
            }
        }
        for ((pairs, _), &power) in self.sums().1.into_iter().zip(&powers.sums) {
            rest.by_ref().take(pairs).for_each(|w| w[1] += power);
        }
        // Counts of ranks stand behind those of the head.
        let counted = self.head.as_ref().map_or(0, Head::counts);
        let mut hits: Vec<&mut [E; 2]> = rest.collect();
        for (claim, &power) in self.checked.claims.iter().zip(&powers.counts) {
            for &(i, k) in &claim.terms {
                if let Some(w) = i.checked_sub(counted).and_then(|i| hits.get_mut(i)) {
                    w[1] += power * signed(k);
                }
            }
        }
        out
    }

    /// What reads columns and data on all rows that are read, each once.
    pub(super) fn rows_read(&self, r: &mut Reduction<'_>) -> Row {
        let (log_rows, log_data) = if r.is_dry() { (0, 0) } else { (self.layout.log_rows, self.data_stride) };
        let (mut column, mut data) = (vec![E::ZERO; 1 << log_rows], vec![E::ZERO; 1 << log_data]);
        column.iter_mut().take(self.checked.rows).for_each(|w| *w = E::ONE);
        for &i in self.checked.index.iter().flatten() {
            if let Some(w) = data.get_mut(i as usize) {
                *w = E::ONE;
            }
        }
        let public = self.statement.input.public_columns(self.inputs(), &column);
        let (column, data) = (r.low(Low::Dense(column)), (self.data_id(), r.low(Low::Dense(data))));
        Row { column, masked: column, data, real: E::from_usize(self.checked.rows), public }
    }

    /// Sums of single columns over the rows that are read.
    fn linear_sums(&self, r: &mut Reduction<'_>) {
        let Some(x) = &self.residuals else { return };
        let linear = x.linear(&self.statement);
        if linear.is_empty() {
            return;
        }
        let read = self.rows_read(r);
        for (columns, value) in linear {
            let mut e = Affine::constant(-E::from(signed(value)));
            columns.iter().for_each(|form| self.add_form(&mut e, form, &read, E::ONE));
            r.assert_zero(e);
        }
    }

    /// sum_i power_i claim_i: the coefficients of the counts (group, label, prediction).
    pub(super) fn count_weights(&self, powers: &[E]) -> Vec<E> {
        let cells = self.head.as_ref().map_or(0, Head::counts);
        let mut weights = vec![E::ZERO; cells];
        for (claim, &power) in self.checked.claims.iter().zip(powers) {
            for &(i, k) in &claim.terms {
                if let Some(w) = weights.get_mut(i) {
                    *w += power * signed(k);
                }
            }
        }
        weights
    }

    /// How a slack is read from its limbs.
    pub(super) fn slack_low(&self, r: &mut Reduction<'_>) -> LowId {
        r.low(Low::Dense((0..LIMBS as u32).map(|i| E::from_u64(1 << (i * LIMB_BITS))).collect()))
    }

    /// Where slack i stands, in slots of its limbs.
    pub(super) const fn slack_slot(&self, i: usize) -> usize {
        (self.slacks << self.layout.log_rows) / LIMBS + i
    }

    /// sum_i power_i (value_i + slack_i).
    fn count_values(&self, r: &mut Reduction<'_>, powers: &[E]) -> Affine {
        let mut e = Affine::default();
        let low = self.slack_low(r);
        let mut slack = 0;
        for (claim, &power) in self.checked.claims.iter().zip(powers) {
            e.add_constant(power * signed(claim.value));
            if claim.bound {
                e.add_cell(cell(TRACE, low, self.slack_slot(slack)), power);
                slack += 1;
            }
        }
        e
    }

    /// The indicator of a label, as (on rows that are read, data slots): class columns, or one column of 0 and 1.
    pub(super) fn label(&self, c: usize) -> (F, Vec<(usize, F)>) {
        let features = self.checked.config.architecture.layers.first().map_or(0, |l| l.inputs as usize);
        match (self.checked.config.architecture.loss, c) {
            (Loss::CrossEntropy, c) => (F::ZERO, vec![(features + c, F::ONE)]),
            (_, 0) => (F::ONE, vec![(features, -F::ONE)]),
            _ => (F::ZERO, vec![(features, F::ONE)]),
        }
    }

    /// sum over groups and predictions of weights(label, .) joint(., .): what label `c` is multiplied by, as a constant
    /// and coefficients of trace slots.
    pub(super) fn counted(&self, weights: &[E], c: usize) -> (E, BTreeMap<usize, E>) {
        let (mut constant, mut slots) = (E::ZERO, BTreeMap::new());
        let Some(head) = &self.head else { return (constant, slots) };
        for g in 0..head.group.n {
            for p in 0..head.classes {
                let w = weights.get((g * head.classes + c) * head.classes + p).copied().unwrap_or(E::ZERO);
                if w == E::ZERO {
                    continue;
                }
                let form = head.joint(g, p);
                constant += w * form.constant;
                for (_, slot, k) in form.terms {
                    *slots.entry(slot).or_insert(E::ZERO) += w * k;
                }
            }
        }
        (constant, slots)
    }

    /// Equations and products at rho and the counts, in one sumcheck. `left` is what the matrix products leave.
    pub(super) fn gate_check(
        &self,
        r: &mut Reduction<'_>,
        rho: &[E],
        row: &Row,
        product: Equation,
        left: Affine,
    ) -> Result<(), HidingError> {
        let n = self.checked.config.outputs(self.layout.layers.len() - 1);
        let units = if self.reads_outputs() { unit_weights(&r.point(log2_ceil(n)), n) } else { vec![] };
        let nu = r.challenge();
        let head = self.head_equations();
        let powers = self.powers(nu, head.len());
        let mut total = left;
        total.sub(&self.linear_part(row, &product));
        for ((e, _), &power) in head.iter().zip(powers.head.iter().skip(1)) {
            total.add_scaled(&self.linear_part(row, &e.linear), -power);
            total.add_constant(-power * e.real * row.real);
        }
        total.add(&self.count_values(r, &powers.counts));
        if let Some(values) = self.statement.outputs() {
            self.output_check(r, rho, row, values, &units);
        }
        self.told_check(r, rho, row, &units);
        self.linear_sums(r);
        let mut apart = self.backtest_check(r, rho, row)?.into_iter().chain(self.error_check(r)?);
        for ((_, value), &power) in self.sums().1.into_iter().zip(&powers.sums) {
            match value {
                Some(value) => total.add_constant(power * E::from_u64(value)),
                None => apart.next().iter().for_each(|value| total.add_scaled(value, power)),
            }
        }
        let weights = self.pair_weights(&product, &head, &powers);
        let counts = self.count_weights(&powers.counts);
        let labels = self.checked.classes;
        if self.pairs.is_empty() && labels == 0 {
            r.assert_zero(total);
            return Ok(());
        }
        let log_rows = self.layout.log_rows;
        let claim = bilinear_check(r, total, log_rows, log2_ceil(self.pairs.len() + labels))?;
        let eq_v = eq_table(&claim.units, E::ONE);
        let at_rho = eq_eval(rho, &claim.rows);
        let here = self.row(r, &claim.rows);
        let (at_pairs, at_counts) = eq_v.split_at_checked(self.pairs.len()).unwrap_or((&eq_v, &[]));
        let gates: E = weights.iter().zip(at_pairs).map(|(&[w, real], &v)| (at_rho * w + here.real * real) * v).sum();
        let weight = gates + at_counts.iter().take(labels).copied().sum::<E>();
        let (a, b) = claim.close(r, weight);
        let (mut ea, mut eb) = (Affine::default(), Affine::default());
        for ((fa, fb), &w) in self.pairs.iter().zip(at_pairs) {
            self.add_form(&mut ea, fa, &here, w);
            self.add_form(&mut eb, fb, &here, w);
        }
        for (c, &w) in at_counts.iter().enumerate().take(labels) {
            let (real, slots) = self.label(c);
            ea.add_constant(w * here.real * real);
            slots.into_iter().for_each(|(slot, k)| self.add_data(&mut ea, &here, slot, w * k));
            let (constant, slots) = self.counted(&counts, c);
            eb.add_constant(w * constant);
            slots.into_iter().for_each(|(slot, k)| eb.add_cell(cell(TRACE, here.column, slot), w * k));
        }
        ea.sub(&a.affine());
        eb.sub(&b.affine());
        r.assert_zero(ea);
        r.assert_zero(eb);
        Ok(())
    }

    /// The released outputs are Z of the last layer, on the rows that are read.
    fn output_check(&self, r: &mut Reduction<'_>, rho: &[E], row: &Row, values: &[i32], units: &[E]) {
        let z = self.layout.layers.last().map_or(0, |c| c.z);
        let mut e = Affine::default();
        units.iter().enumerate().for_each(|(j, &u)| e.add_cell(cell(TRACE, row.masked, z + j), u));
        let public = weighted_rows(values, units.len(), rho);
        e.add_constant(-public.iter().zip(units).map(|(&x, &u)| x * u).sum::<E>());
        r.assert_zero(e);
    }
}
