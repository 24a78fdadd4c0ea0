//! What a report states: model, rows, groups, and what is shown of the model's outputs on them.
use super::ReportInvalid;
use super::backtest::{Figure, Strategy};
use super::calendar::Calendar;
use super::comparison::{Compared, OtherModel};
use super::errors::TargetError;
use super::public::PublicModel;
use super::rates::Rate;
use super::scores::ScoreFigure;
use super::table::PublicTable;
use crate::canonical::digest;
use crate::record::DataRecord;
use crate::statement::StatementError;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Version of the report statement.
pub const REPORT_VERSION: u16 = 1;
/// Most groups.
pub const MAX_GROUPS: usize = 64;
/// Most items that one report shows.
pub const MAX_SHOWN: usize = 64;
/// Most counts: groups times classes squared.
pub const MAX_COUNTS: usize = 1 << 14;
/// Most coefficients of all claims on the counts.
pub const MAX_TERMS: usize = 1 << 22;
/// Most cells of the selectors of hidden rows.
pub const MAX_SELECTED: u64 = 1 << 24;
/// Most public features, or released outputs, of one report.
pub const MAX_VALUES: usize = 1 << 22;

/// Which rows of a committed data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rows {
    /// Every row.
    All,
    /// `count` rows from row `first` on.
    Range {
        /// First row.
        first: u32,
        /// How many.
        count: u32,
    },
    /// These rows, in ascending order.
    Listed(Vec<u32>),
    /// So many rows; which ones stays hidden, and one may be read more than once.
    Hidden {
        /// How many.
        count: u32,
    },
}

/// What the model reads. There is one in a report: its size is of no concern.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Rows of a committed data set.
    Committed {
        /// The data set.
        data: DataRecord,
        /// Which of its rows.
        rows: Rows,
    },
    /// Public rows, row-major, with the scales of the model's training data.
    Public {
        /// Integers with fa fractional bits.
        features: Vec<i32>,
    },
    /// Public rows with their labels.
    Table {
        /// The rows.
        table: PublicTable,
    },
}

/// A partition of the rows by the values of some feature columns. No row's group is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// Feature columns, ascending.
    pub columns: Vec<u32>,
    /// Per group, the value of every one of those columns. Every row has the values of one group, which is proven.
    pub values: Vec<Vec<i32>>,
}

/// One thing that a report shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shown {
    /// Outputs of the last layer, row-major, fa fractional bits.
    Outputs {
        /// The integers.
        values: Vec<i32>,
    },
    /// Sum over rows and outputs of (Z - y)^2, 2 fa fractional bits.
    SquaredError {
        /// The sum.
        sum: u64,
    },
    /// Sum over rows and outputs of |Z - y|, fa fractional bits.
    AbsoluteError {
        /// The sum.
        sum: u64,
    },
    /// Sums of the targets per output (fa fractional bits) and of their squares (2 fa): with the squared error, R^2.
    TargetMoments {
        /// Sum of y, per output.
        sums: Vec<i64>,
        /// Sum of y^2, over all outputs.
        squares: u64,
    },
    /// Rows by group, label and prediction: `counts[(group C + label) C + prediction]`.
    Counts {
        /// The counts.
        counts: Vec<u32>,
    },
    /// A rate, exactly: its numerator and denominator.
    Exactly {
        /// Which rate.
        rate: Rate,
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Numerator.
        numerator: u32,
        /// Denominator, above 0.
        denominator: u32,
    },
    /// A rate is at least `bound.0 / bound.1`, and nothing else about it.
    AtLeast {
        /// Which rate.
        rate: Rate,
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// A rate differs by at most `bound.0 / bound.1` between any two groups; its denominators are shown.
    GapAtMost {
        /// Which rate.
        rate: Rate,
        /// Of the rate, per group, above 0.
        denominators: Vec<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// What positions by the model's output would have earned on the rows, one after the other.
    Backtest {
        /// How outputs become positions, and positions profits.
        strategy: Strategy,
        /// What is shown of the profits.
        figures: Vec<Figure>,
    },
    /// A figure of a binary classifier's scores.
    Scores {
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Which, and its value.
        figure: ScoreFigure,
    },
    /// The class predicted of every row, and nothing else about it.
    Classes {
        /// Row by row.
        classes: Vec<u32>,
    },
    /// On every row an output, less another one, is at least so much, and nothing else about it.
    Margins {
        /// The output; 0 if none.
        plus: Option<u32>,
        /// The output that is subtracted; 0 if none.
        minus: Option<u32>,
        /// Row by row, fa fractional bits.
        bounds: Vec<i32>,
    },
    /// The outputs are the features of a committed data set, row by row.
    Committed {
        /// That data set. Its labels are not spoken of.
        outputs: Box<DataRecord>,
    },
    /// The model is better than the one it is compared with by at least `bound.0 / bound.1`, and nothing else.
    BetterBy {
        /// In what.
        metric: Compared,
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// What the rows are dated with, as the owner declares; the proof does not read it.
    Calendar {
        /// The dates.
        calendar: Calendar,
    },
    /// A mean error over rows and outputs is at most `bound.0 / bound.1` of the targets' unit, or of its square, and
    /// nothing else about it.
    MeanErrorAtMost {
        /// Which error.
        error: TargetError,
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// R^2 of all outputs together is at least `bound.0 / bound.1`, the targets vary, and nothing else about it.
    ExplainedAtLeast {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
}

impl Shown {
    /// Whether it is told of every row, labels unread: the class, a bound or a commitment of the outputs.
    pub(super) const fn is_told(&self) -> bool {
        matches!(self, Self::Classes { .. } | Self::Margins { .. } | Self::Committed { .. })
    }

    /// Whether it can be shown of hidden rows: it reads no labels, and of the data nothing but the model's inputs.
    pub(super) const fn of_hidden_rows(&self) -> bool {
        matches!(self, Self::Outputs { .. }) || self.is_told()
    }

    /// Whether it is a sum over rows of errors or targets.
    pub(super) const fn is_sum(&self) -> bool {
        matches!(self, Self::SquaredError { .. } | Self::AbsoluteError { .. } | Self::TargetMoments { .. })
    }
}

/// The statement of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportStatement {
    /// [`REPORT_VERSION`].
    pub version: u16,
    /// The run that the model comes from.
    pub run_digest: [u8; 32],
    /// C of the model behind the run's last chunk.
    pub model_digest: [u8; 32],
    /// What the model reads.
    pub input: Input,
    /// Groups of rows.
    pub groups: Option<Groups>,
    /// What is shown.
    pub shown: Vec<Shown>,
    /// What the model is compared with.
    pub against: Option<OtherModel>,
    /// The model, if it is a public one; then there is no run.
    pub public: Option<PublicModel>,
}

impl Input {
    /// Rows that are evaluated, as indices into the data set; none for public and for hidden rows.
    pub(super) fn index(&self) -> Result<Option<Vec<u32>>, ReportInvalid> {
        let Self::Committed { data, rows } = self else { return Ok(None) };
        let invalid = ReportInvalid::Rows { rows: data.rows };
        let index: Vec<u32> = match rows {
            Rows::All => (0..data.rows).collect(),
            Rows::Range { first, count } => match first.checked_add(*count) {
                Some(end) if end <= data.rows && *count > 0 => (*first..end).collect(),
                _ => return Err(invalid),
            },
            Rows::Listed(list) => list.clone(),
            Rows::Hidden { .. } => return Ok(None),
        };
        let ascending = index.windows(2).all(|w| matches!(w, [a, b] if a < b));
        if ascending && index.last().is_some_and(|&i| i < data.rows) { Ok(Some(index)) } else { Err(invalid) }
    }
}

impl Input {
    /// How many rows are read whose places stay hidden, if they do.
    pub(super) const fn hidden(&self) -> Option<u32> {
        match self {
            Self::Committed { rows: Rows::Hidden { count }, .. } => Some(*count),
            _ => None,
        }
    }
}

impl ReportStatement {
    /// The public input of the proof.
    ///
    /// # Errors
    /// [`StatementError::Encoding`], never for a decoded statement.
    pub fn digest(&self) -> Result<[u8; 32], StatementError> {
        Ok(digest("tacit/report/v1", self)?)
    }

    /// Groups, or the one of all rows.
    pub(super) fn group_count(&self) -> usize {
        self.groups.as_ref().map_or(1, |g| g.values.len())
    }

    /// The outputs that are shown, if any.
    pub(super) fn outputs(&self) -> Option<&[i32]> {
        self.shown.iter().find_map(|s| match s {
            Shown::Outputs { values } => Some(values.as_slice()),
            _ => None,
        })
    }
}
