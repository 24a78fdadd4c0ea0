//! Rates of a classifier: each a ratio of two sums of counts N(label, prediction), as scikit-learn computes it.
use super::ReportInvalid;
use alloc::format;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// A ratio of two sums of counts. Classes count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rate {
    /// Rows predicted as labelled, of all rows.
    Accuracy,
    /// Rows of the class predicted as such, of the rows of the class: recall, true positive rate.
    Recall {
        /// The class.
        class: u32,
    },
    /// Rows of the class predicted as such, of the rows predicted as such.
    Precision {
        /// The class.
        class: u32,
    },
    /// 2 TP of TP + FP + TP + FN.
    F1 {
        /// The class.
        class: u32,
    },
    /// Rows of other classes predicted as the class, of the rows of other classes.
    FalsePositives {
        /// The class.
        class: u32,
    },
    /// Rows predicted as the class, of all rows: what demographic parity compares.
    Predicted {
        /// The class.
        class: u32,
    },
    /// Rows whose label is among the k largest outputs, of all rows; of equal outputs the first is the larger.
    TopK {
        /// k.
        k: u32,
    },
}

impl Rate {
    /// (numerator, denominator) coefficients of the count of (label, prediction).
    pub(super) fn coefficients(self, label: u32, prediction: u32) -> (i64, i64) {
        let is = |a: u32, b: u32| i64::from(a == b);
        match self {
            Self::Accuracy => (is(label, prediction), 1),
            Self::Recall { class } => (is(label, class) * is(prediction, class), is(label, class)),
            Self::Precision { class } => (is(label, class) * is(prediction, class), is(prediction, class)),
            Self::F1 { class } => {
                (2 * is(label, class) * is(prediction, class), is(label, class) + is(prediction, class))
            }
            Self::FalsePositives { class } => ((1 - is(label, class)) * is(prediction, class), 1 - is(label, class)),
            Self::Predicted { class } => (is(prediction, class), 1),
            // Counted by columns of its own: `super::ranks`.
            Self::TopK { .. } => (0, 1),
        }
    }

    /// k, if it is a rate of ranks.
    pub(super) const fn top(self) -> Option<u32> {
        match self {
            Self::TopK { k } => Some(k),
            _ => None,
        }
    }

    /// Whether the denominator is the number of rows.
    pub(super) const fn of_all_rows(self) -> bool {
        matches!(self, Self::Accuracy | Self::Predicted { .. } | Self::TopK { .. })
    }

    pub(super) const fn check(self, classes: usize) -> Result<(), ReportInvalid> {
        match self {
            Self::Accuracy => Ok(()),
            Self::TopK { k } if classes == 0 || (k > 0 && (k as usize) < classes) => Ok(()),
            Self::TopK { k } => Err(ReportInvalid::TopK { got: k, classes }),
            Self::Recall { class }
            | Self::Precision { class }
            | Self::F1 { class }
            | Self::FalsePositives { class }
            | Self::Predicted { class } => {
                if (class as usize) < classes || classes == 0 {
                    Ok(())
                } else {
                    Err(ReportInvalid::NoSuchClass { got: class, classes })
                }
            }
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Accuracy => "accuracy".into(),
            Self::Recall { class } => format!("recall of class {class}"),
            Self::Precision { class } => format!("precision of class {class}"),
            Self::F1 { class } => format!("F1 score of class {class}"),
            Self::FalsePositives { class } => format!("false positive rate of class {class}"),
            Self::Predicted { class } => format!("rate of predictions of class {class}"),
            Self::TopK { k } => format!("top-{k} accuracy"),
        }
    }
}
