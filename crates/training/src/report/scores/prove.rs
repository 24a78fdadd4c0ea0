//! The prover's messages of figures of scores.
use super::check::{LABEL, Unit};
use crate::report::relation::ReportRelation;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::{Column, Pair, bilinear_proof};
use tacit_argument::field::{E, F};
use tacit_argument::hiding::Masker;

impl ReportRelation<'_> {
    /// Sends the messages of the claims on pairs; the histogram stands in the trace.
    pub(in crate::report) fn score_proof(&self, m: &mut Masker<'_>, trace: &[F]) {
        let (Some(histogram), Some(scores)) = (self.histogram(), &self.checked.scores) else { return };
        m.begin(LABEL);
        let xi = m.challenge();
        let units = self.score_units(&self.score_powers(xi).1);
        if units.is_empty() {
            return;
        }
        let size = 1usize << scores.shape.bits;
        let counts = |unit: &Unit, label: usize| {
            let mut out = F::zero_vec(size);
            for g in histogram.groups(unit.over.0) {
                let cells = &trace[histogram.cell(g, label)..][..size];
                out.iter_mut().zip(cells).for_each(|(o, &c)| *o += c);
            }
            out
        };
        let pairs = units.iter().map(|unit| {
            let mut zeros: Vec<E> = counts(unit, 0).into_iter().map(E::from).collect();
            zeros[0] -= histogram.unread(unit.over.0);
            let all = unit.beta * zeros.iter().copied().sum::<E>();
            let b: Vec<E> = match unit.over.1 {
                None => {
                    let mut below = E::ZERO;
                    let in_order = zeros.into_iter().map(|n| {
                        let k = below.double() + n;
                        below += n;
                        unit.alpha * k + all
                    });
                    in_order.collect()
                }
                Some(e) => {
                    let below: E = zeros.iter().take(e).copied().sum();
                    let total: E = zeros.into_iter().sum();
                    let of = |t: usize| unit.alpha * (below + if t < e { E::ZERO } else { total }) + all;
                    (0..size).map(of).collect()
                }
            };
            let b = Column::Ext(b);
            Pair { a: Column::Base(counts(unit, 1).into()), b, weights: vec![(0, E::ONE)] }
        });
        bilinear_proof(m, vec![vec![E::ONE; size]], pairs.collect());
    }
}
