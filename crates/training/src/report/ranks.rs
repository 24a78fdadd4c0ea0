//! Top-k accuracy: the rank of the label among a row's outputs.
//!
//! An output j beats that of the label c if it is larger, or equal with j < c: the first of equal outputs is the largest,
//! as it is for the class predicted, and top-1 is accuracy. Columns: `t = sum_c label_c Z_c`, for every class the gap
//! `d_j = Z_j - t + [j < c]` and `s_j = [d_j <= 0]`, for every k asked for `h_k = [sum_j (1 - s_j) < k]`. All are determined:
//! t and d by equations, s and h by tables. A group's rows whose label is among the k largest are `sum_x e_g(x) h_k(x)`
//! over the rows that are read.
use super::ReportInvalid;
use super::head::{Head, HeadEquation};
use super::relation::DATA;
use super::statement::{ReportStatement, Shown};
use super::validate::Checked;
use crate::config::RunConfig;
use crate::relation::layout::TraceLayout;
use crate::relation::{Builder, TRACE, Term};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F};
use tacit_argument::form::Form;
use tacit_argument::lookup::Table;
use tacit_argument::multilinear::log2_ceil;

#[cfg(feature = "prover")]
mod owner;

/// The columns of ranks.
#[derive(Clone, Debug)]
pub(super) struct Ranks {
    /// Every k, ascending.
    pub(super) tops: Vec<u32>,
    pub(super) classes: usize,
    /// The label's output.
    pub(super) of_label: usize,
    /// First gap.
    pub(super) gap: usize,
    /// First s.
    pub(super) behind: usize,
    /// First h.
    pub(super) hit: usize,
    /// First column of Z, and its window.
    z: usize,
    z_bits: u32,
    /// First label slot of the data set.
    labels: usize,
}

impl ReportStatement {
    /// Every k of the rates that are shown, ascending.
    pub(super) fn tops(&self) -> Vec<u32> {
        let rate = |s: &Shown| match s {
            Shown::Exactly { rate, .. } | Shown::AtLeast { rate, .. } | Shown::GapAtMost { rate, .. } => rate.top(),
            _ => None,
        };
        let mut out: Vec<u32> = self.shown.iter().filter_map(rate).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Ranks are of models with an output per class.
    pub(super) fn check_tops(&self, config: &RunConfig) -> Result<(), ReportInvalid> {
        let one = config.architecture.layers.last().is_none_or(|l| l.outputs == 1);
        if one && !self.tops().is_empty() {
            return Err(ReportInvalid::NotApplicable { what: "a rank among the outputs of a model with one output" });
        }
        Ok(())
    }
}

impl Ranks {
    pub(super) fn new(
        statement: &ReportStatement,
        checked: &Checked,
        layout: &TraceLayout,
        next: &mut usize,
    ) -> Option<Self> {
        let tops = statement.tops();
        if tops.is_empty() {
            return None;
        }
        let layers = &checked.config.architecture.layers;
        let (classes, z_bits) = (checked.classes, layers.last()?.z_bits);
        let mut take = |n: usize| {
            *next += n;
            *next - n
        };
        let [of_label, gap, behind, hit] = [1, classes, classes, tops.len()].map(&mut take);
        let (z, labels) = (layout.layers.last()?.z, layers.first()?.inputs as usize);
        Some(Self { tops, classes, of_label, gap, behind, hit, z, z_bits, labels })
    }

    /// Gaps have their sign, and ranks tell whether they are below k.
    pub(super) fn lookups(&self, b: &mut Builder) {
        // -2^z_bits < d <= 2^z_bits.
        let bits = self.z_bits as usize + 1;
        for j in 0..self.classes {
            let index = Form::column(TRACE, self.gap + j).plus(F::from_u64((1 << self.z_bits) - 1));
            b.tuple(Table::Step { bits, bound: 1 << self.z_bits }, vec![index, Form::column(TRACE, self.behind + j)]);
        }
        let bits = log2_ceil(self.classes + 1);
        let below = |k: &u32| (0..1u32 << bits).map(|rank| F::from_bool(rank < *k)).collect();
        let behind = (0..self.classes).map(|j| (TRACE, self.behind + j, -F::ONE)).collect();
        let rank = Form { constant: F::from_usize(self.classes), terms: behind };
        let hits = (0..self.tops.len()).map(|i| Form::column(TRACE, self.hit + i));
        let table = Table::Function { bits, columns: self.tops.iter().map(below).collect() };
        b.tuple(table, core::iter::once(rank).chain(hits).collect());
    }

    /// On every row: the label's output, then every gap. Labels are 0 on rows that are not read.
    pub(super) fn equations(&self) -> Vec<HeadEquation> {
        let label = |c: usize| Form::column(DATA, self.labels + c);
        let mut out = vec![HeadEquation {
            linear: vec![(Term::Column(self.of_label), -E::ONE)],
            pairs: (0..self.classes).map(|c| (label(c), Form::column(TRACE, self.z + c))).collect(),
            ..HeadEquation::default()
        }];
        for j in 0..self.classes {
            let mut linear = vec![
                (Term::Column(self.gap + j), -E::ONE),
                (Term::Column(self.z + j), E::ONE),
                (Term::Column(self.of_label), -E::ONE),
            ];
            linear.extend((j + 1..self.classes).map(|c| (Term::Data(self.labels + c), E::ONE)));
            out.push(HeadEquation { linear, ..HeadEquation::default() });
        }
        out
    }

    /// For every k, for every group: in the group, and among the k largest.
    pub(super) fn hits(&self, head: &Head) -> Vec<(Form, Form)> {
        let of = |i: usize| (0..head.group.n).map(move |g| (head.group.form(g), Form::column(TRACE, self.hit + i)));
        (0..self.tops.len()).flat_map(of).collect()
    }
}
