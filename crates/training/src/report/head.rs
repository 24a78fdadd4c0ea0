//! Columns behind the last layer: the predicted class, the group, and both together, all as indicators of 0 or 1.
//!
//! A one-hot value of n options is n - 1 columns and one lookup of (sum i column_i, column_1, ..., column_{n-1}) in
//! the table of the n one-hot rows; option 0 is what is left. Prediction of more than one output: the first maximum, h,
//! with `max = sum h_j Z_j` and every `max - Z_j - [h after j]` in the window of Z. Of one output: [Z > 0].
use super::statement::ReportStatement;
use super::validate::Checked;
use crate::relation::layout::TraceLayout;
use crate::relation::{Builder, Equation, TRACE, Term};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F, signed};
use tacit_argument::form::Form;
use tacit_argument::lookup::Table;
use tacit_argument::multilinear::log2_ceil;

/// One option of n per row; option 0 has no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OneHot {
    pub(super) first: usize,
    pub(super) n: usize,
}

impl OneHot {
    fn take(next: &mut usize, n: usize) -> Self {
        let first = *next;
        *next += n.saturating_sub(1);
        Self { first, n }
    }

    /// The indicator of option i.
    pub(super) fn form(&self, i: usize) -> Form {
        if i > 0 {
            return Form::column(TRACE, self.first + i - 1);
        }
        let rest = (1..self.n).map(|i| (TRACE, self.first + i - 1, -F::ONE)).collect();
        Form { constant: F::ONE, terms: rest }
    }

    /// Exactly one option on every row.
    fn lookup(&self, b: &mut Builder) {
        if self.n < 2 {
            return;
        }
        let bits = log2_ceil(self.n);
        // Rows beyond n are no tuple: their index is not the sum that all-zero columns have.
        let column = |i: usize| (0..1usize << bits).map(|row| F::from_bool(row == i)).collect();
        let table = Table::Function { bits, columns: (1..self.n).map(column).collect() };
        let index = Form {
            constant: F::ZERO,
            terms: (1..self.n).map(|i| (TRACE, self.first + i - 1, F::from_usize(i))).collect(),
        };
        b.tuple(table, core::iter::once(index).chain((1..self.n).map(|i| self.form(i))).collect());
    }
}

/// How a row's class follows from its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prediction {
    /// The first of the largest outputs.
    First {
        /// Its indicators.
        class: OneHot,
        /// The largest output.
        max: usize,
    },
    /// [Z > 0], as 1 - s with s = [Z <= 0].
    Positive {
        /// s.
        step: usize,
    },
    /// There is no class: the rows are in groups alone.
    None,
}

/// All columns of the head.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) prediction: Prediction,
    pub(super) classes: usize,
    /// The group.
    pub(super) group: OneHot,
    /// First column of [group g and class c], g and c from 1 on, g-major.
    pub(super) joint: usize,
}

/// `real on rows that are read + linear + sum of pairs = 0`, on every row.
#[derive(Default)]
pub(super) struct HeadEquation {
    pub(super) real: E,
    pub(super) linear: Equation,
    pub(super) pairs: Vec<(Form, Form)>,
}

impl Head {
    pub(super) fn new(checked: &Checked, groups: usize, next: &mut usize) -> Self {
        let classes = checked.predicted.max(1);
        let prediction = if checked.predicted == 0 {
            Prediction::None
        } else if checked.config.outputs(checked.config.architecture.layers.len() - 1) == 1 {
            *next += 1;
            Prediction::Positive { step: *next - 1 }
        } else {
            let class = OneHot::take(next, classes);
            *next += 1;
            Prediction::First { class, max: *next - 1 }
        };
        let group = OneHot::take(next, groups);
        let joint = *next;
        *next += (groups - 1) * (classes - 1);
        Self { prediction, classes, group, joint }
    }

    /// Counts N(group, label, prediction).
    pub(super) const fn counts(&self) -> usize {
        self.classes * self.classes * self.group.n
    }

    /// The indicator of a predicted class.
    pub(super) fn class(&self, c: usize) -> Form {
        match self.prediction {
            Prediction::First { class, .. } => class.form(c),
            Prediction::Positive { step } if c == 0 => Form::column(TRACE, step),
            Prediction::Positive { step } => Form { constant: F::ONE, terms: vec![(TRACE, step, -F::ONE)] },
            Prediction::None => Form { constant: F::ONE, terms: vec![] },
        }
    }

    /// The slot of [group g and class c], g and c from 1 on.
    pub(super) const fn joint_slot(&self, g: usize, c: usize) -> usize {
        self.joint + (g - 1) * (self.classes - 1) + c - 1
    }

    /// The indicator of group g and class c.
    pub(super) fn joint(&self, g: usize, c: usize) -> Form {
        let (groups, classes) = (self.group.n, self.classes);
        let minus =
            |form: Form, others: &mut dyn Iterator<Item = Form>| others.fold(form, |f, o| f.plus_scaled(&o, -F::ONE));
        match (g, c) {
            (0, c) => minus(self.class(c), &mut (1..groups).map(|g| self.joint(g, c))),
            (g, 0) => minus(self.group.form(g), &mut (1..classes).map(|c| self.joint(g, c))),
            (g, c) => Form::column(TRACE, self.joint_slot(g, c)),
        }
    }

    pub(super) fn lookups(&self, layout: &TraceLayout, z_bits: u32, b: &mut Builder) {
        let z = layout.layers.last().map_or(0, |c| c.z);
        match self.prediction {
            Prediction::First { class, max } => {
                class.lookup(b);
                for j in 0..self.classes {
                    let gap = Form::column(TRACE, max).plus_scaled(&Form::column(TRACE, z + j), -F::ONE);
                    // An output before the first maximum is smaller, not equal.
                    b.range(z_bits, (j + 1..self.classes).fold(gap, |f, i| f.plus_scaled(&class.form(i), -F::ONE)));
                }
            }
            Prediction::Positive { step } => {
                let index = Form::column(TRACE, z).plus(F::from_u64(1 << (z_bits - 1)));
                let table = Table::Step { bits: z_bits as usize, bound: (1 << (z_bits - 1)) + 1 };
                b.tuple(table, vec![index, Form::column(TRACE, step)]);
            }
            Prediction::None => {}
        }
        self.group.lookup(b);
    }

    /// max = sum_j h_j Z_j; every [group and class] is the product; the group columns have the group's values.
    pub(super) fn equations(&self, layout: &TraceLayout, statement: &ReportStatement) -> Vec<HeadEquation> {
        let mut out = Vec::new();
        let z = layout.layers.last().map_or(0, |c| c.z);
        if let Prediction::First { class, max } = self.prediction {
            let difference = |j| Form::column(TRACE, z + j).plus_scaled(&Form::column(TRACE, z), -F::ONE);
            out.push(HeadEquation {
                linear: vec![(Term::Column(z), E::ONE), (Term::Column(max), -E::ONE)],
                pairs: (1..self.classes).map(|j| (class.form(j), difference(j))).collect(),
                ..HeadEquation::default()
            });
        }
        for g in 1..self.group.n {
            for c in 1..self.classes {
                out.push(HeadEquation {
                    linear: vec![(Term::Column(self.joint_slot(g, c)), -E::ONE)],
                    pairs: vec![(self.group.form(g), self.class(c))],
                    ..HeadEquation::default()
                });
            }
        }
        let Some(groups) = &statement.groups else { return out };
        for (i, &column) in groups.columns.iter().enumerate() {
            let value =
                |g: usize| groups.values.get(g).and_then(|v| v.get(i)).map_or(E::ZERO, |&v| signed(v.into()).into());
            let first = value(0);
            // On rows that are read: value of group 0, and what the other groups differ by.
            let mut linear = vec![(Term::Data(column as usize), -E::ONE)];
            linear.extend((1..self.group.n).map(|g| (Term::Masked(self.group.first + g - 1), value(g) - first)));
            out.push(HeadEquation { real: first, linear, pairs: vec![] });
        }
        out
    }
}
