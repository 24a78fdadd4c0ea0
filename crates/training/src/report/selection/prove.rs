//! The prover's selectors and messages of hidden rows.
use super::{LABEL, features};
use crate::relation::Equation;
use crate::report::relation::ReportRelation;
use crate::trainer::Data;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use tacit_argument::bilinear::{Column, Pair, bilinear_proof};
use tacit_argument::field::{E, F, signed};
use tacit_argument::hiding::Masker;
use tacit_argument::multilinear::eq_table;

impl ReportRelation<'_> {
    /// Writes the selectors of these rows.
    pub(in crate::report) fn select(&self, selected: &[u32], columns: &mut [F]) {
        let Some(s) = self.selection else { return };
        for (j, &row) in selected.iter().enumerate().take(s.count) {
            columns[s.cell(j) + row as usize] = F::ONE;
        }
    }

    /// Sends what the matrix products read of hidden rows, and that the selectors read it.
    pub(in crate::report) fn selection_proof(
        &self,
        m: &mut Masker<'_>,
        trace: &[F],
        data: Option<&Data>,
        rho: &[E],
        product: &Equation,
    ) {
        let (Some(s), Some(data)) = (self.selection, data) else { return };
        m.begin(LABEL);
        let size = 1usize << s.stride;
        let width = (data.features.len() / s.rows.max(1)).max(1);
        let mut factors = vec![E::ZERO; width];
        features(product).for_each(|(k, c)| factors[k] += c);
        let mut read: Vec<E> = data
            .features
            .par_chunks(width)
            .map(|row| row.iter().zip(&factors).map(|(&x, &c)| c * signed(x.into())).sum())
            .collect();
        read.resize(size, E::ZERO);
        let selector = |j: usize| &trace[s.cell(j)..][..size];
        let mut chosen = vec![E::ZERO; size];
        for (j, w) in eq_table(rho, E::ONE).into_iter().enumerate().take(s.count) {
            chosen.iter_mut().zip(selector(j)).for_each(|(o, &x)| *o += w * x);
        }
        m.send(chosen.iter().zip(&read).take(s.rows).map(|(&a, &b)| a * b).sum());
        let tau = m.point(s.stride);
        let mu = s.powers(m.challenge());
        let mut rows = vec![E::ZERO; size];
        rows[..s.rows].fill(E::ONE);
        let mut pairs = vec![Pair { a: Column::Ext(chosen), b: Column::Ext(read), weights: vec![(0, E::ONE)] }];
        pairs.extend(mu.into_iter().enumerate().map(|(j, power)| {
            let of = || Column::Base(selector(j).into());
            Pair { a: of(), b: of(), weights: vec![(1, power)] }
        }));
        bilinear_proof(m, vec![rows, eq_table(&tau, E::ONE)], pairs);
    }
}
