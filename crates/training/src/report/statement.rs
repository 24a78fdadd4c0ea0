//! What a report states: model, rows, groups, and what is shown of the model's outputs on them.
use super::claims::{CountClaim, count_claims};
use super::rates::Rate;
use crate::canonical::digest;
use crate::config::{Loss, MAX_CHUNK_ROWS, RunConfig};
use crate::nowrap::{self, NoWrapError};
use crate::record::{DataRecord, Labels, RecordError};
use crate::statement::StatementError;
use alloc::collections::BTreeSet;
use alloc::vec;
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
}

impl Shown {
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
}

/// A report that no honest owner makes, or that this version does not accept.
#[derive(Debug, thiserror::Error)]
pub enum ReportInvalid {
    /// The evaluated data record is invalid by itself.
    #[error("invalid data record: {0}")]
    Record(#[from] RecordError),
    /// The rows were not made for this model: another number or scale of features.
    #[error("the model reads {field} = {expected}, the data has {got}")]
    Mismatch {
        /// Which field.
        field: &'static str,
        /// Of the model.
        expected: u64,
        /// Of the data.
        got: u64,
    },
    /// Labels of another kind than the model's outputs.
    #[error("the model's outputs cannot be compared with the labels of this data set")]
    Labels,
    /// Rates and counts need labels and one class per row.
    #[error("{what} cannot be shown of this model and these rows")]
    NotApplicable {
        /// What was asked for.
        what: &'static str,
    },
    /// No rows, rows that do not exist, or a list that is not ascending.
    #[error("the rows are none, out of order, or beyond the {rows} rows of the data set")]
    Rows {
        /// Rows of the data set.
        rows: u32,
    },
    /// Public rows of another width or outside the window.
    #[error("public features must be rows of {inputs} integers of {bits} bits")]
    PublicFeatures {
        /// Features of a row.
        inputs: u32,
        /// Window.
        bits: u32,
    },
    /// The groups contradict themselves.
    #[error("the groups are not distinct tuples of the values of distinct feature columns")]
    Groups,
    /// A group that does not exist.
    #[error("group {got} does not exist, there are {groups}")]
    NoSuchGroup {
        /// Asked for.
        got: u32,
        /// Groups.
        groups: usize,
    },
    /// A class that does not exist.
    #[error("class {got} does not exist, there are {classes}")]
    NoSuchClass {
        /// Asked for.
        got: u32,
        /// Classes.
        classes: usize,
    },
    /// A count or a list is too long, or empty.
    #[error("{field}: {got} entries, expected {min} to {max}")]
    Length {
        /// Which list.
        field: &'static str,
        /// Its length.
        got: usize,
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
    },
    /// Counts that do not sum to the rows.
    #[error("the counts sum to {got}, there are {expected} rows")]
    CountSum {
        /// Rows.
        expected: u64,
        /// Sum.
        got: u64,
    },
    /// A sum that no rows have.
    #[error("a sum of {got} is beyond {most}, the most that the rows can have")]
    Sum {
        /// In the statement.
        got: u64,
        /// The most.
        most: u64,
    },
    /// A fraction outside [0, 1], or with a denominator of 0.
    #[error("{0}/{1} is no fraction between 0 and 1", got.0, got.1)]
    Fraction {
        /// Numerator and denominator.
        got: (u32, u32),
    },
    /// The numbers of a bound could leave the range of its proof.
    #[error("a bound with denominator {denominator} over {rows} rows is too fine to be proven; round it")]
    BoundTooFine {
        /// Of the bound.
        denominator: u32,
        /// Rows.
        rows: u64,
    },
    /// The trace would be larger than a verifier reads.
    #[error("{rows} rows of {slots} columns are more than one report takes; use fewer rows")]
    TraceSize {
        /// Rows, padded.
        rows: u64,
        /// Columns.
        slots: usize,
    },
    /// Equality mod p would not be equality of integers.
    #[error(transparent)]
    NoWrap(#[from] NoWrapError),
}

impl Input {
    /// Rows that are evaluated, as indices into the data set; none for public rows.
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
        };
        let ascending = index.windows(2).all(|w| matches!(w, [a, b] if a < b));
        if ascending && index.last().is_some_and(|&i| i < data.rows) { Ok(Some(index)) } else { Err(invalid) }
    }
}

/// A fraction between 0 and 1.
fn fraction(got: (u32, u32)) -> Result<(), ReportInvalid> {
    if got.1 > 0 && got.0 <= got.1 { Ok(()) } else { Err(ReportInvalid::Fraction { got }) }
}

fn length(field: &'static str, got: usize, min: usize, max: usize) -> Result<(), ReportInvalid> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(ReportInvalid::Length { field, got, min, max }) }
}

/// What a valid statement comes to.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// The model's configuration, reduced to its forward pass.
    pub(super) config: RunConfig,
    /// Evaluated rows.
    pub(super) rows: usize,
    /// Their places in the committed data set.
    pub(super) index: Option<Vec<u32>>,
    /// Classes that the claims count; 0 if nothing is counted.
    pub(super) classes: usize,
    /// What the claims say about the counts.
    pub(super) claims: Vec<CountClaim>,
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

    /// Checks that the rows are rows for this model; returns their places in the data set, their number and window.
    pub(super) fn fits(&self, run: &RunConfig) -> Result<(Option<Vec<u32>>, usize, u32), ReportInvalid> {
        let inputs = run.architecture.layers.first().map_or(0, |l| l.inputs);
        let index = match &self.input {
            Input::Committed { data, .. } => {
                data.validate()?;
                self.input.index()?
            }
            Input::Public { .. } => None,
        };
        let (rows, data_bits) = match &self.input {
            Input::Committed { data, .. } => {
                for (field, expected, got) in
                    [("features", inputs, data.features), ("fractional bits", run.scales.fa, data.fa)]
                {
                    if expected != got {
                        return Err(ReportInvalid::Mismatch { field, expected: expected.into(), got: got.into() });
                    }
                }
                (index.as_ref().map_or(0, Vec::len), data.data_bits)
            }
            Input::Public { features } => {
                let half = 1i32 << run.data_bits.saturating_sub(1).min(30);
                let width = (inputs as usize).max(1);
                let shaped = !features.is_empty() && features.len() % width == 0 && features.len() <= MAX_VALUES;
                if !shaped || features.iter().any(|x| !(-half..half).contains(x)) {
                    return Err(ReportInvalid::PublicFeatures { inputs, bits: run.data_bits });
                }
                (features.len() / width, run.data_bits)
            }
        };
        length("rows", rows, 1, MAX_CHUNK_ROWS as usize)?;
        self.validate_groups(inputs)?;
        Ok((index, rows, data_bits))
    }

    /// Checks the statement against the model's configuration and the bound on its weights.
    pub(super) fn validate(&self, run: &RunConfig, w: u128) -> Result<Checked, ReportInvalid> {
        let (index, rows, data_bits) = self.fits(run)?;
        let config = forward_config(run, data_bits);
        nowrap::check_forward(&config, w)?;
        length("shown", self.shown.len(), 1, MAX_SHOWN)?;
        let classes = self.validate_shown(&config, rows)?;
        let claims = count_claims(self, classes, rows as u64)?;
        Ok(Checked { config, rows, index, classes, claims })
    }

    fn validate_groups(&self, inputs: u32) -> Result<(), ReportInvalid> {
        let Some(groups) = &self.groups else { return Ok(()) };
        if matches!(self.input, Input::Public { .. }) {
            return Err(ReportInvalid::NotApplicable { what: "groups of public rows" });
        }
        length("groups", groups.values.len(), 2, MAX_GROUPS)?;
        let ascending = groups.columns.windows(2).all(|w| matches!(w, [a, b] if a < b));
        let exist = groups.columns.last().is_some_and(|&k| k < inputs);
        let widths = groups.values.iter().all(|v| v.len() == groups.columns.len());
        let distinct = groups.values.iter().collect::<BTreeSet<_>>().len() == groups.values.len();
        if ascending && exist && widths && distinct { Ok(()) } else { Err(ReportInvalid::Groups) }
    }

    /// Checks everything shown; returns the number of classes, 0 if nothing is counted.
    fn validate_shown(&self, config: &RunConfig, rows: usize) -> Result<usize, ReportInvalid> {
        let outputs = config.architecture.layers.last().map_or(0, |l| l.outputs as usize);
        let (mut tables, mut released, mut counted) = (0, 0, false);
        let classes = match config.architecture.loss {
            Loss::CrossEntropy => outputs,
            Loss::BceWithLogits if outputs == 1 => 2,
            _ => 0,
        };
        let groups = self.group_count();
        for shown in &self.shown {
            match shown {
                Shown::Outputs { values } => {
                    released += 1;
                    length("outputs", values.len(), rows * outputs, (rows * outputs).min(MAX_VALUES))?;
                    continue;
                }
                Shown::SquaredError { .. } | Shown::AbsoluteError { .. } | Shown::TargetMoments { .. } => {
                    self.validate_sum(shown, config, rows)?;
                    continue;
                }
                Shown::Counts { counts } => {
                    tables += 1;
                    let expected = groups.saturating_mul(classes * classes);
                    length("counts", counts.len(), expected, expected)?;
                    let got = counts.iter().map(|&c| u64::from(c)).sum();
                    if classes > 0 && got != rows as u64 {
                        return Err(ReportInvalid::CountSum { expected: rows as u64, got });
                    }
                }
                Shown::Exactly { rate, group, numerator, denominator } => {
                    self.check_group(*group)?;
                    rate.check(classes)?;
                    fraction((*numerator, *denominator))?;
                }
                Shown::AtLeast { rate, group, bound } => {
                    self.check_group(*group)?;
                    rate.check(classes)?;
                    fraction(*bound)?;
                }
                Shown::GapAtMost { rate, denominators, bound } => {
                    if self.groups.is_none() {
                        return Err(ReportInvalid::NotApplicable { what: "a gap between groups without groups" });
                    }
                    rate.check(classes)?;
                    fraction(*bound)?;
                    length("denominators", denominators.len(), groups, groups)?;
                    if denominators.contains(&0) {
                        return Err(ReportInvalid::Fraction { got: (0, 0) });
                    }
                }
            }
            counted = true;
        }
        if tables > 1 || released > 1 {
            return Err(ReportInvalid::NotApplicable { what: "one table or list of outputs twice" });
        }
        if self.groups.is_some() && !counted {
            return Err(ReportInvalid::NotApplicable { what: "groups of which nothing is shown" });
        }
        if !counted {
            return Ok(0);
        }
        length("groups times classes squared", groups * classes * classes, 0, MAX_COUNTS)?;
        let labels = match &self.input {
            Input::Committed { data, .. } => Some(data.labels),
            Input::Public { .. } => None,
        };
        match (labels, config.architecture.loss) {
            _ if classes == 0 => Err(ReportInvalid::NotApplicable { what: "a rate of classes" }),
            (None, _) => Err(ReportInvalid::NotApplicable { what: "a rate of rows without labels" }),
            (Some(Labels::Class { classes: c }), Loss::CrossEntropy) if c as usize == outputs => Ok(classes),
            (Some(Labels::Binary { outputs: 1 }), Loss::BceWithLogits) => Ok(classes),
            _ => Err(ReportInvalid::Labels),
        }
    }

    /// Sums of errors are of the losses with real targets, and small enough to be integers mod p.
    fn validate_sum(&self, shown: &Shown, config: &RunConfig, rows: usize) -> Result<(), ReportInvalid> {
        let outputs = config.architecture.layers.last().map_or(0, |l| l.outputs);
        let real = match &self.input {
            Input::Committed { data, .. } => matches!(data.labels, Labels::Real { outputs: n, .. } if n == outputs),
            Input::Public { .. } => return Err(ReportInvalid::NotApplicable { what: "errors of rows without labels" }),
        };
        if config.architecture.loss != Loss::Mse || !real {
            return Err(ReportInvalid::Labels);
        }
        if self.shown.iter().filter(|s| core::mem::discriminant(*s) == core::mem::discriminant(shown)).count() > 1 {
            return Err(ReportInvalid::NotApplicable { what: "one sum twice" });
        }
        // |Z - y| <= 2^16.
        let most = (rows as u64).saturating_mul(outputs.into()).saturating_mul(1 << 32);
        if most >= 1 << 62 {
            return Err(ReportInvalid::BoundTooFine { denominator: 1, rows: rows as u64 });
        }
        let (sums, unsigned): (&[i64], u64) = match shown {
            Shown::SquaredError { sum } | Shown::AbsoluteError { sum } => (&[], *sum),
            Shown::TargetMoments { sums, squares } => {
                length("sums of targets", sums.len(), outputs as usize, outputs as usize)?;
                (sums, *squares)
            }
            _ => (&[], 0),
        };
        match sums.iter().map(|s| s.unsigned_abs()).chain([unsigned]).find(|&s| s > most) {
            Some(got) => Err(ReportInvalid::Sum { got, most }),
            None => Ok(()),
        }
    }

    fn check_group(&self, group: Option<u32>) -> Result<(), ReportInvalid> {
        let groups = self.groups.as_ref().map_or(0, |g| g.values.len());
        match group {
            Some(got) if got as usize >= groups => Err(ReportInvalid::NoSuchGroup { got, groups }),
            _ => Ok(()),
        }
    }
}

/// The configuration of the forward pass: weights at fw bits, no optimiser, features in the window of the rows read.
pub(super) fn forward_config(run: &RunConfig, data_bits: u32) -> RunConfig {
    let mut config = run.clone();
    config.scales.kappa = 0;
    config.scales.omega = 0;
    config.schedule.filter = vec![1];
    config.schedule.nesterov = false;
    config.schedule.decay = None;
    config.data_bits = data_bits;
    config
}
