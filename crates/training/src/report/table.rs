//! Public rows with their labels: they stand in the report in the clear, and the verifier reads them itself.
//!
//! At a row point u a data column is `sum over rows x of eq(u, x) value(x)`, which the verifier computes; of a
//! committed data set it is a claim on the commitment. That a feature is an earlier target is compared row by row, with no proof.
use super::ReportInvalid;
use super::backtest::{BacktestInvalid, Lag};
use super::statement::{Input, MAX_VALUES};
use crate::record::{Labels, limit};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use serde::{Deserialize, Serialize};
use tacit_argument::field::{E, signed};

/// Public rows with labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicTable {
    /// Fractional bits of features and real targets.
    pub fa: u32,
    /// Features lie in [-2^(data_bits-1), 2^(data_bits-1)).
    pub data_bits: u32,
    /// The features, row after row.
    pub features: Vec<i32>,
    /// What the labels are.
    pub labels: Labels,
    /// The labels, row after row: the class; or per output 0 or 1, or the target.
    pub values: Vec<i32>,
    /// Targets of the rows before the first one, in their order: what features of the first rows repeat.
    pub earlier: Vec<i32>,
}

/// The window of so many bits.
fn window(bits: u32) -> core::ops::Range<i32> {
    let half = 1i32 << bits.saturating_sub(1).min(30);
    -half..half
}

impl PublicTable {
    /// Numbers of a row's label.
    const fn per_row(&self) -> usize {
        match self.labels {
            Labels::Class { .. } => 1,
            Labels::Binary { outputs } | Labels::Real { outputs, .. } => outputs as usize,
        }
    }

    /// The integers that a label can be.
    fn range(&self) -> core::ops::Range<i32> {
        match self.labels {
            Labels::Class { classes } => 0..i32::try_from(classes).unwrap_or(i32::MAX),
            Labels::Binary { .. } => 0..2,
            Labels::Real { bits, .. } => window(bits),
        }
    }

    /// Checks the table for a model that reads `inputs` features of `fa` fractional bits; returns the number of rows.
    pub(super) fn validate(&self, inputs: u32, fa: u32) -> Result<usize, ReportInvalid> {
        if self.fa != fa {
            return Err(ReportInvalid::Mismatch { field: "fractional bits", expected: fa.into(), got: self.fa.into() });
        }
        limit("data_bits", self.data_bits.into(), 2, 16)?;
        self.labels.validate()?;
        let rows = public_rows(&self.features, inputs, self.data_bits)?;
        let expected = rows.saturating_mul(self.per_row());
        if self.values.len() != expected
            || expected > MAX_VALUES
            || self.values.iter().any(|y| !self.range().contains(y))
        {
            return Err(ReportInvalid::PublicLabels { rows, got: self.values.len() });
        }
        let one_target = matches!(self.labels, Labels::Real { outputs: 1, .. });
        let fits = self.earlier.len() <= MAX_VALUES && self.earlier.iter().all(|y| self.range().contains(y));
        if self.earlier.is_empty() || (one_target && fits) { Ok(rows) } else { Err(ReportInvalid::PublicEarlier) }
    }

    /// Every data column, features first, at row weights: `sum over x of weights(x) value(x)`.
    pub(super) fn weighted(&self, inputs: usize, weights: &[E]) -> Vec<E> {
        let mut out = weighted_columns(&self.features, inputs, weights);
        match self.labels {
            Labels::Class { classes } => {
                let mut of_class = vec![E::ZERO; classes as usize];
                for (&class, &w) in self.values.iter().zip(weights) {
                    if let Some(sum) = usize::try_from(class).ok().and_then(|c| of_class.get_mut(c)) {
                        *sum += w;
                    }
                }
                out.extend(of_class);
            }
            Labels::Binary { .. } | Labels::Real { .. } => {
                out.extend(weighted_columns(&self.values, self.per_row(), weights));
            }
        }
        out
    }

    /// Checks that on every row every one of these features is the earlier target that it is stated to be.
    ///
    /// # Errors
    /// [`BacktestInvalid::LookAhead`] naming the first that is none.
    pub(super) fn check_lags(&self, inputs: usize, lags: &[Lag]) -> Result<(), BacktestInvalid> {
        let before = self.earlier.len();
        let target = |i: usize| if i < before { self.earlier.get(i) } else { self.values.get(i - before) };
        for (row, features) in self.features.chunks(inputs.max(1)).enumerate() {
            for lag in lags {
                let at = (before + row).checked_sub(lag.back as usize + 1);
                let (known, read) = (at.and_then(target), features.get(lag.column as usize));
                if known.is_none() || known != read {
                    return Err(BacktestInvalid::LookAhead { column: lag.column, reach: u64::from(lag.back) + 1, row });
                }
            }
        }
        Ok(())
    }
}

/// The number of public rows, if these are rows of the model's inputs within a window.
pub(super) fn public_rows(features: &[i32], inputs: u32, bits: u32) -> Result<usize, ReportInvalid> {
    let width = (inputs as usize).max(1);
    let shaped = !features.is_empty() && features.len().is_multiple_of(width) && features.len() <= MAX_VALUES;
    if !shaped || features.iter().any(|x| !window(bits).contains(x)) {
        return Err(ReportInvalid::PublicFeatures { inputs, bits });
    }
    Ok(features.len() / width)
}

/// `sum over rows x of weights(x) value(x)` of every column of a row-major table.
pub(super) fn weighted_columns(values: &[i32], width: usize, weights: &[E]) -> Vec<E> {
    let mut out = vec![E::ZERO; width];
    for (row, &w) in values.chunks(width.max(1)).zip(weights) {
        out.iter_mut().zip(row).for_each(|(o, &v)| *o += w * signed(v.into()));
    }
    out
}

impl Input {
    /// What the labels of the rows are, if they have some.
    pub(super) const fn labels(&self) -> Option<Labels> {
        match self {
            Self::Committed { data, .. } => Some(data.labels),
            Self::Table { table } => Some(table.labels),
            Self::Public { .. } => None,
        }
    }

    /// Public columns at row weights; none of committed rows.
    pub(super) fn public_columns(&self, inputs: usize, weights: &[E]) -> Vec<E> {
        match self {
            Self::Committed { .. } => vec![],
            Self::Public { features } => weighted_columns(features, inputs, weights),
            Self::Table { table } => table.weighted(inputs, weights),
        }
    }

    /// Whether the rows are behind a commitment.
    pub(super) const fn is_committed(&self) -> bool {
        matches!(self, Self::Committed { .. })
    }
}
