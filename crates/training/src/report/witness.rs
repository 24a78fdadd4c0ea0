//! The witness of a report: its columns, and the messages of the relation.
use super::backtest::Ledger;
use super::claims::{LIMB_BITS, LIMBS};
use super::comparison;
use super::counting::Evaluation;
use super::head::Prediction;
use super::relation::{LABEL, ReportRelation};
use super::told::{MARGIN_LIMB, MARGIN_LIMBS};
use crate::relation::Writer;
use crate::trainer::Data;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use tacit_argument::bilinear::{Column, Pair, bilinear_proof};
use tacit_argument::field::{E, F, signed};
use tacit_argument::form::Columns;
use tacit_argument::hiding::{Masker, wipe};
use tacit_argument::lookup::{LookupError, fill_multiplicities, lookup_proof};
use tacit_argument::multilinear::{eq_table, log2_ceil};
use tacit_argument::proof::{Relation, Witnessed};

/// A report's relation with its witness; wiped when dropped.
pub(super) struct ReportWitness<'a> {
    pub(super) relation: ReportRelation<'a>,
    /// Inputs of every layer with the bias column, column by column.
    pub(super) inputs: Vec<Vec<F>>,
    /// Label indicators of every class, padded with zeros.
    labels: Vec<Vec<F>>,
    /// The labels where the data set's slots have them, gathered; empty if nothing reads them.
    targets: Vec<F>,
    /// The sums of the targets, where R^2 is bounded.
    pub(super) target_sums: Vec<i64>,
    weights: &'a [i64],
    /// The whole data set, where hidden rows of it are read.
    data: Option<&'a Data>,
    /// Of the model that is compared with.
    pub(super) other: Option<Box<Self>>,
}

impl<'a> ReportWitness<'a> {
    pub(super) fn new(
        relation: ReportRelation<'a>,
        evaluation: &Evaluation,
        weights: &'a [i64],
        data: Option<&'a Data>,
    ) -> Self {
        let field = |v: &Vec<i32>| v.par_iter().map(|&x| signed(x.into())).collect::<Vec<F>>();
        let inputs = evaluation.layers.iter().map(|l| field(&l.input)).collect();
        let classes = relation.checked.classes;
        let mut labels = vec![F::zero_vec(evaluation.height); classes];
        for (x, &y) in evaluation.labels.iter().enumerate().filter(|_| classes > 0) {
            labels[y][x] = F::ONE;
        }
        let mut targets = vec![];
        if relation.residuals.is_some() || relation.backtest.is_some() {
            let config = &relation.checked.config;
            let (width, first) = (config.label_width(), config.architecture.layers[0].inputs as usize);
            targets = F::zero_vec((first + width) * evaluation.height);
            for (i, &y) in evaluation.targets.iter().enumerate() {
                targets[(first + i % width) * evaluation.height + i / width] = signed(y.into());
            }
        }
        if relation.ranks.is_some() {
            let first = relation.checked.config.architecture.layers[0].inputs as usize;
            targets = F::zero_vec((first + classes) * evaluation.height);
            for (x, &y) in evaluation.labels.iter().enumerate() {
                targets[(first + y) * evaluation.height + x] = F::ONE;
            }
        }
        let explained = relation.checked.errors.as_ref().is_some_and(|e| e.explained.is_some());
        let target_sums = if explained { evaluation.target_sums() } else { vec![] };
        Self { relation, inputs, labels, targets, target_sums, weights, data, other: None }
    }
}

impl Drop for ReportWitness<'_> {
    fn drop(&mut self) {
        self.inputs.iter_mut().chain(&mut self.labels).for_each(|v| wipe(v));
        wipe(&mut self.targets);
        self.target_sums.fill(0);
    }
}

impl<'a> Witnessed for ReportWitness<'a> {
    type Relation = ReportRelation<'a>;
    fn relation(&self) -> &ReportRelation<'a> {
        &self.relation
    }
    fn send(&self, m: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        m.begin(LABEL);
        self.send_model(m, trace);
        if let Some(other) = &self.other {
            m.begin(comparison::LABEL);
            other.send_model(m, trace);
        }
        let columns = Columns { log_rows: self.relation.layout.log_rows, vectors: vec![trace, &[], &self.targets] };
        lookup_proof(m, &self.relation.lookups, &columns)
    }
}

impl ReportWitness<'_> {
    /// The messages about one model but for the lookups.
    fn send_model(&self, m: &mut Masker<'_>, trace: &[F]) {
        let relation = &self.relation;
        let rho = m.point(relation.layout.log_rows);
        let products = relation.products(|n| m.point(n));
        let eq = eq_table(&rho, E::ONE);
        let height = eq.len();
        let config = &relation.checked.config;
        let mut pairs = vec![];
        for (l, inputs) in self.inputs.iter().enumerate() {
            let n = config.outputs(l);
            let matrix = &self.weights[config.weight_offset(l)..][..config.k(l) * n];
            let at_rho: Vec<E> =
                inputs.par_chunks(height).map(|c| c.iter().zip(&eq).map(|(&x, &w)| w * x).sum()).collect();
            let units = &products.units[l];
            pairs.extend(at_rho.into_iter().zip(matrix.chunks(n)).map(|(a, row)| {
                let b = row.iter().zip(units).map(|(&w, &u)| u * signed(w)).sum();
                Pair { a: Column::Ext(vec![a]), b: Column::Ext(vec![b]), weights: vec![(0, products.lambda[l])] }
            }));
        }
        let (_, v_star) = bilinear_proof(m, vec![vec![E::ONE]], pairs);
        let product = relation.input_equation(&eq_table(&v_star, E::ONE));
        relation.selection_proof(m, trace, self.data, &rho, &product);
        if relation.reads_outputs() {
            m.point(log2_ceil(config.outputs(self.inputs.len() - 1)));
        }
        let nu = m.challenge();
        if let Some(b) = &relation.backtest {
            // What it batches has no message.
            let _mu = m.challenge();
            b.root(trace, relation.layout.log_rows).into_iter().for_each(|root| m.send(root.into()));
        }
        self.target_sums.iter().for_each(|&sum| m.send(signed(sum).into()));
        let head = relation.head_equations();
        let powers = relation.powers(nu, head.len());
        let weights = relation.pair_weights(&product, &head, &powers);
        let counts = relation.count_weights(&powers.counts);
        let columns = Columns { log_rows: relation.layout.log_rows, vectors: vec![trace, &[], &self.targets] };
        let gates = relation.pairs.iter().zip(weights).map(|((a, b), [w, real])| Pair {
            a: Column::Base(columns.values(a)),
            b: Column::Base(columns.values(b)),
            // Most are at rho alone.
            weights: if real == E::ZERO { vec![(0, w)] } else { vec![(0, w), (2, real)] },
        });
        let counted = self.labels.iter().enumerate().map(|(c, label)| {
            let (constant, slots) = relation.counted(&counts, c);
            let mut b = vec![constant; height];
            for (slot, k) in slots {
                b.iter_mut().zip(columns.slot(0, slot)).for_each(|(b, &x)| *b += k * x);
            }
            Pair { a: Column::Base(label.into()), b: Column::Ext(b), weights: vec![(1, E::ONE)] }
        });
        let pairs: Vec<Pair<'_>> = gates.chain(counted).collect();
        if !pairs.is_empty() {
            let mut read = vec![E::ZERO; height];
            read[..relation.checked.rows].fill(E::ONE);
            bilinear_proof(m, vec![eq, vec![E::ONE; height], read], pairs);
        }
        relation.score_proof(m, trace);
    }
}

impl ReportRelation<'_> {
    /// The trace of an evaluation, multiplicities included.
    #[cfg(test)]
    pub(super) fn columns(&self, evaluation: &Evaluation) -> Result<Vec<F>, LookupError> {
        self.columns_beside(evaluation, None)
    }

    /// The trace of an evaluation and of that of the model compared with, multiplicities included.
    pub(super) fn columns_beside(
        &self,
        evaluation: &Evaluation,
        of_other: Option<&Evaluation>,
    ) -> Result<Vec<F>, LookupError> {
        let mut columns = F::zero_vec(self.column_cells());
        let slacks = self.fill(evaluation, &mut columns);
        if let (Some(other), Some(of_other)) = (&self.other, of_other) {
            let of_other = other.fill(of_other, &mut columns);
            for (i, &(first, second)) in self.ties.iter().enumerate() {
                let between = slacks[first].wrapping_sub(of_other[second]);
                self.put_slack(&mut columns, self.checked.bounds() + i, between);
            }
        }
        fill_multiplicities(&self.lookups, &mut columns, &[])?;
        Ok(columns)
    }

    /// Writes a slack in limbs.
    fn put_slack(&self, columns: &mut [F], i: usize, slack: u64) {
        for limb in 0..LIMBS {
            let cell = (self.slacks << self.layout.log_rows) + i * LIMBS + limb;
            columns[cell] = F::from_u64((slack >> (limb as u32 * LIMB_BITS)) & ((1 << LIMB_BITS) - 1));
        }
    }

    /// Writes what one model comes to; returns the slacks of its bounds.
    fn fill(&self, evaluation: &Evaluation, columns: &mut [F]) -> Vec<u64> {
        let mut w = Writer { columns: &mut *columns, log_rows: self.layout.log_rows };
        for (c, l) in self.layout.layers.iter().zip(&evaluation.layers) {
            w.forward(c, &l.columns);
        }
        if let Some(head) = &self.head {
            let predicted = &evaluation.predicted;
            match head.prediction {
                Prediction::First { class, max } => {
                    (1..head.classes).for_each(|c| w.put(class.first + c - 1, predicted, |p| F::from_bool(p == c)));
                    let z = &evaluation.layers[evaluation.layers.len() - 1].columns.z;
                    let largest: Vec<i32> =
                        predicted.iter().enumerate().map(|(x, &p)| z[p * evaluation.height + x]).collect();
                    w.put(max, &largest, |v| signed(v.into()));
                }
                Prediction::Positive { step } => w.put(step, predicted, |p| F::from_bool(p == 0)),
                Prediction::None => {}
            }
            // The padding is of group 0.
            for g in 1..head.group.n {
                w.put(head.group.first + g - 1, &evaluation.group, |x| F::from_bool(x == g));
                for c in 1..head.classes {
                    let both: Vec<bool> =
                        evaluation.group.iter().zip(predicted).map(|(&x, &p)| x == g && p == c).collect();
                    w.put(head.joint_slot(g, c), &both, F::from_bool);
                }
            }
        }
        self.ranks.iter().for_each(|ranks| ranks.fill(evaluation, &mut w));
        if let Some(first) = self.residuals.as_ref().and_then(|x| x.absolute) {
            w.put(first, &evaluation.absolute_errors(), |a| F::from_u64(u64::from(a)));
        }
        if let Some(square) = self.residuals.as_ref().and_then(|x| x.square) {
            w.put(square, &evaluation.squared_errors(), F::from_u64);
        }
        if let Some(b) = &self.backtest {
            b.fill(&Ledger::new(&b.strategy, evaluation.z_bits, evaluation), &mut w);
        }
        if let Some(scores) = &self.scores {
            w.put(scores.index, &evaluation.score_indices(&scores.shape), F::from_usize);
        }
        for (i, margin) in self.statement.margins().enumerate() {
            let values = evaluation.margins(&margin);
            for limb in 0..MARGIN_LIMBS {
                let of = |d: u32| F::from_u32((d >> (limb as u32 * MARGIN_LIMB)) & ((1 << MARGIN_LIMB) - 1));
                w.put(self.margins.first + i * MARGIN_LIMBS + limb, &values, of);
            }
        }
        let mut counts = if self.checked.classes > 0 { evaluation.counts() } else { vec![] };
        counts.extend(self.ranks.iter().flat_map(|r| evaluation.hits(&r.tops)));
        let bounds = self.checked.claims.iter().filter(|c| c.bound).map(|claim| {
            let sum: i64 = claim.terms.iter().map(|&(at, k)| k * i64::from(counts[at])).sum();
            (sum - claim.value) as u64
        });
        let of_scores = self.checked.scores.iter().flat_map(|claims| evaluation.score_slacks(claims));
        self.select(&evaluation.selected, columns);
        let of_errors = self.checked.errors.iter().flat_map(|claims| evaluation.error_scalars(claims));
        let slacks: Vec<u64> = bounds.chain(of_scores).chain(of_errors).collect();
        slacks.iter().enumerate().for_each(|(i, &slack)| self.put_slack(columns, i, slack));
        slacks
    }
}
