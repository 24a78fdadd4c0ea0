//! Scores of a binary classifier: figures that are functions of how the scores of both classes are distributed.
//!
//! The score s is the only output, or the second minus the first, with b bits. A column has, on every row that is
//! read, the index `(2 group + label) 2^b + s + 2^(b-1)`, and 0 on the others. It is looked up in a table that
//! nothing else is looked up in, whose multiplicities, which the lookup argument determines, are therefore the
//! histogram H(group, label, score). Figures are linear in H, or of the form `sum_{t, u} H(., 1, t) K(t, u) H(., 0,
//! u)`: [`claims`], [`check`]. Balanced accuracy is of the latter form: TP N + TN P sums [t from the edge on] + [u below].
use super::ReportInvalid;
use super::head::{Head, HeadEquation};
use super::rates::Rate;
use super::validate::Checked;
use crate::config::{Loss, RunConfig};
use crate::relation::layout::TraceLayout;
use crate::relation::{Builder, TRACE, Term};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use serde::{Deserialize, Serialize};
use tacit_argument::field::E;
use tacit_argument::form::Form;
use tacit_argument::lookup::Table;
use tacit_argument::multilinear::log2_ceil;

pub(super) mod check;
pub(super) mod claims;
#[cfg(feature = "prover")]
pub(super) mod owner;
#[cfg(feature = "prover")]
mod prove;
pub(super) mod rules;
pub(super) mod tables;
pub(super) mod words;

/// log2 of the largest histogram.
pub const MAX_LOG_HISTOGRAM: usize = 21;
/// Most edges of one list of bins.
pub const MAX_EDGES: usize = 256;
/// Most values of scores that the linear figures of a report read.
pub const MAX_SCORE_VALUES: usize = 1 << 25;

/// A mean over rows of a function of score and label; in fixed point, with 20 fractional bits a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ScoreLoss {
    /// -ln of the probability given to the label.
    Log,
    /// The squared distance of the probability from the label.
    Brier,
}

/// Rows whose scores lie between two edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreBin {
    /// Rows.
    pub rows: u32,
    /// Those of class 1.
    pub positives: u32,
    /// Sum of the predicted probabilities of class 1, 20 fractional bits.
    pub probability: u64,
}

/// A figure of the scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScoreFigure {
    /// Area under the ROC curve: `twice / (2 positives negatives)`.
    Auc {
        /// Twice the pairs of a row of class 1 and one of class 0 whose scores are in order, a tie counting once.
        twice: u64,
        /// Rows of class 1, above 0.
        positives: u32,
        /// Rows of class 0, above 0.
        negatives: u32,
    },
    /// The area is at least `bound.0 / bound.1`, there are rows of both classes, and nothing else about it.
    AucAtLeast {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// The area differs by at most `bound.0 / bound.1` between any two groups; their rows of each class are shown.
    AucGapAtMost {
        /// Rows of class 1 per group, above 0.
        positives: Vec<u32>,
        /// Rows of class 0 per group, above 0.
        negatives: Vec<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// The sum of a loss.
    Loss {
        /// Which.
        loss: ScoreLoss,
        /// The sum, 20 fractional bits.
        sum: u64,
        /// Over so many rows, above 0.
        rows: u32,
    },
    /// The mean of a loss is at most `bound.0 / bound.1`, there are rows, and nothing else about it.
    LossAtMost {
        /// Which.
        loss: ScoreLoss,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// Rows, rows of class 1 and predicted probabilities by score: one bin below each edge, one from the last on.
    Calibration {
        /// First scores of all bins but the first, fa fractional bits.
        edges: Vec<i32>,
        /// The bins.
        bins: Vec<ScoreBin>,
    },
    /// Rows and rows of class 1 by score: what every threshold at one of the edges predicts.
    Thresholds {
        /// First scores of all bins but the first, fa fractional bits.
        edges: Vec<i32>,
        /// Rows, and those of class 1.
        bins: Vec<(u32, u32)>,
    },
    /// A rate is at least `bound.0 / bound.1` where scores from an edge on are predicted as class 1, and nothing else.
    RateAtLeast {
        /// Which rate.
        rate: Rate,
        /// The first score that is predicted as class 1, fa fractional bits.
        edge: i32,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// The same, at most.
    RateAtMost {
        /// Which rate.
        rate: Rate,
        /// The first score that is predicted as class 1, fa fractional bits.
        edge: i32,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// The mean of both classes' recalls is at least `bound.0 / bound.1`, there are rows of both, and nothing else.
    BalancedAtLeast {
        /// The first score that is predicted as class 1, fa fractional bits.
        edge: i32,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
}

/// Scores as a configuration makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScoreShape {
    /// b.
    pub(super) bits: u32,
    /// Fractional bits.
    pub(super) fa: u32,
    pub(super) groups: usize,
    pub(super) rows: u64,
}

impl ScoreShape {
    /// Of a binary classifier.
    pub(super) fn new(config: &RunConfig, groups: usize, rows: usize) -> Result<Self, ReportInvalid> {
        let last = config.architecture.layers.last().map_or((0, 0), |l| (l.outputs, l.z_bits));
        let bits = match (config.architecture.loss, last) {
            (Loss::BceWithLogits, (1, z_bits)) => z_bits,
            (Loss::CrossEntropy, (2, z_bits)) => z_bits + 1,
            _ => return Err(ReportInvalid::NotApplicable { what: "a score of other than two classes" }),
        };
        let shape = Self { bits, fa: config.scales.fa, groups, rows: rows as u64 };
        if shape.log_size() > MAX_LOG_HISTOGRAM {
            return Err(ReportInvalid::Histogram { groups, bits });
        }
        Ok(shape)
    }

    /// log2 of the entries of the histogram.
    pub(super) fn log_size(&self) -> usize {
        self.bits as usize + 1 + log2_ceil(self.groups)
    }
}

/// The column of indices, and what it is made of.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    pub(super) shape: ScoreShape,
    /// The column.
    pub(super) index: usize,
    /// Its table among those of the proof.
    pub(super) table: usize,
    /// First column of Z.
    z: usize,
    outputs: usize,
    /// The label among the data set's slots.
    label: usize,
    /// First column of the group.
    group: usize,
}

impl Scores {
    pub(super) fn new(checked: &Checked, head: &Head, layout: &TraceLayout, next: &mut usize) -> Option<Self> {
        let shape = checked.scores.as_ref()?.shape;
        let layers = &checked.config.architecture.layers;
        let (inputs, outputs) = (layers.first()?.inputs as usize, layers.last()?.outputs as usize);
        *next += 1;
        // Class 1 of two, or the only label.
        let label = inputs + outputs - 1;
        Some(Self {
            shape,
            index: *next - 1,
            table: 0,
            z: layout.layers.last()?.z,
            outputs,
            label,
            group: head.group.first,
        })
    }

    /// In a table of its own, whose multiplicities are the histogram.
    pub(super) fn lookup(&mut self, b: &mut Builder) {
        let table = Table::Counted { bits: self.shape.log_size() };
        self.table = b.alone(table, vec![Form::column(TRACE, self.index)]);
    }

    /// On every row: the index of a row that is read, 0 of the others; data columns are 0 there.
    pub(super) fn equation(&self) -> HeadEquation {
        let scale = |bits: u32, k: usize| E::from_u64(1 << bits) * E::from_usize(k);
        let bits = self.shape.bits;
        let mut linear = vec![
            (Term::Column(self.index), -E::ONE),
            (Term::Masked(self.z + self.outputs - 1), E::ONE),
            (Term::Data(self.label), scale(bits, 1)),
        ];
        if self.outputs == 2 {
            linear.push((Term::Masked(self.z), -E::ONE));
        }
        linear.extend((1..self.shape.groups).map(|g| (Term::Masked(self.group + g - 1), scale(bits + 1, g))));
        HeadEquation { real: scale(bits - 1, 1), linear, pairs: vec![] }
    }
}
