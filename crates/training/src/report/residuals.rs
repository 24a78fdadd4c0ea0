//! Sums over the rows that are read of squared and absolute errors, and of the targets: what MSE, MAE and R^2 are
//! made of.
//!
//! With d_j = Z_j - y_j: `sum d_j^2` and `sum y_j^2` are products in the gates' sumcheck, `sum y_j` is linear. The
//! absolute error is a column a_j in [0, 2^17) with `a_j^2 = d_j^2`; as |d_j| <= 2^16, a_j = |d_j|.
use super::errors::TargetError;
use super::head::HeadEquation;
use super::relation::DATA;
use super::statement::{ReportStatement, Shown};
use super::validate::Checked;
use crate::relation::layout::TraceLayout;
use crate::relation::{Builder, TRACE, Term};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F};
use tacit_argument::form::Form;

/// Bits of |Z - y|: both have windows of at most 16 bits.
const ERROR_BITS: u32 = 17;

/// Products of cells.
pub(super) type Pairs = Vec<(Form, Form)>;

/// What is summed over rows.
#[derive(Clone, Debug)]
pub(super) struct Residuals {
    /// Outputs.
    n: usize,
    /// First column of Z.
    z: usize,
    /// First label slot of the data set.
    labels: usize,
    /// First column of |Z - y|, if it is summed or bounded.
    pub(super) absolute: Option<usize>,
    /// The column of the squared errors of a row, if one is bounded.
    pub(super) square: Option<usize>,
}

impl Residuals {
    pub(super) fn new(
        statement: &ReportStatement,
        checked: &Checked,
        layout: &TraceLayout,
        next: &mut usize,
    ) -> Option<Self> {
        let any = |f: fn(&Shown) -> bool| statement.shown.iter().any(f);
        if !any(|s| s.is_sum() || s.bounded_error().is_some()) {
            return None;
        }
        let layers = &checked.config.architecture.layers;
        let n = layers.last()?.outputs as usize;
        let mut take = |n: usize| {
            *next += n;
            *next - n
        };
        let absolute =
            any(|s| matches!(s, Shown::AbsoluteError { .. })) || statement.bounds_error(TargetError::Absolute);
        let absolute = absolute.then(|| take(n));
        let square = statement.bounds_error(TargetError::Squared).then(|| take(1));
        Some(Self { n, z: layout.layers.last()?.z, labels: layers.first()?.inputs as usize, absolute, square })
    }

    fn difference(&self, j: usize) -> Form {
        Form::column(TRACE, self.z + j).plus_scaled(&self.target(j), -F::ONE)
    }

    fn target(&self, j: usize) -> Form {
        Form::column(DATA, self.labels + j)
    }

    /// Every y.
    pub(super) fn targets(&self) -> Vec<Form> {
        (0..self.n).map(|j| self.target(j)).collect()
    }

    /// The error of a row that is bounded, summed over its outputs.
    pub(super) fn error(&self, error: TargetError) -> Form {
        let columns = match error {
            TargetError::Squared => self.square.into_iter().collect::<Vec<_>>(),
            TargetError::Absolute => self.absolute.into_iter().flat_map(|first| first..first + self.n).collect(),
        };
        Form { constant: F::ZERO, terms: columns.into_iter().map(|slot| (TRACE, slot, F::ONE)).collect() }
    }

    /// On every row: the column of squared errors is their sum.
    pub(super) fn equations(&self) -> Vec<HeadEquation> {
        let of = |slot| HeadEquation {
            linear: alloc::vec![(Term::Column(slot), -E::ONE)],
            pairs: (0..self.n).map(|j| (self.difference(j), self.difference(j))).collect(),
            ..HeadEquation::default()
        };
        self.square.into_iter().map(of).collect()
    }

    pub(super) fn lookups(&self, b: &mut Builder) {
        for slot in self.absolute.into_iter().flat_map(|first| first..first + self.n) {
            b.range(ERROR_BITS, Form::column(TRACE, slot));
        }
    }

    /// Products that are equal on every row: a_j^2 and d_j^2.
    pub(super) fn equal(&self) -> Vec<[(Form, Form); 2]> {
        let square = |f: Form| (f.clone(), f);
        let absolute = self.absolute.into_iter();
        absolute
            .flat_map(|first| (0..self.n).map(move |j| (first + j, j)))
            .map(|(slot, j)| [square(Form::column(TRACE, slot)), square(self.difference(j))])
            .collect()
    }

    /// Products with what they sum to over the rows that are read.
    pub(super) fn sums(&self, statement: &ReportStatement) -> Vec<(Pairs, u64)> {
        let squares = |f: &dyn Fn(usize) -> Form| (0..self.n).map(|j| (f(j), f(j))).collect();
        let sum = |s: &Shown| match s {
            Shown::SquaredError { sum } => Some((squares(&|j| self.difference(j)), *sum)),
            Shown::TargetMoments { squares: sum, .. } => Some((squares(&|j| self.target(j)), *sum)),
            _ => None,
        };
        statement.shown.iter().filter_map(sum).collect()
    }

    /// Columns with what they sum to over the rows that are read.
    pub(super) fn linear(&self, statement: &ReportStatement) -> Vec<(Vec<Form>, i64)> {
        let mut out = Vec::new();
        for shown in &statement.shown {
            match shown {
                Shown::AbsoluteError { sum } => {
                    let columns = self.absolute.into_iter().flat_map(|first| first..first + self.n);
                    let columns = columns.map(|slot| Form::column(TRACE, slot)).collect();
                    // Below 2^62, which the statement's rules check.
                    out.push((columns, i64::try_from(*sum).unwrap_or(i64::MAX)));
                }
                Shown::TargetMoments { sums, .. } => {
                    out.extend(sums.iter().enumerate().map(|(j, &sum)| ([self.target(j)].into(), sum)));
                }
                _ => {}
            }
        }
        out
    }
}
