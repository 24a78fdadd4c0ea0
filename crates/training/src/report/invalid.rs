//! Why a report's statement is refused, by prover and verifier alike.
use super::backtest::BacktestInvalid;
use crate::nowrap::NoWrapError;
use crate::record::RecordError;
use alloc::string::String;

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
    /// A margin needs outputs that exist, and are two if there are two.
    #[error("a margin is an output, or one less another, of the {outputs} that the model has")]
    Margin {
        /// Outputs.
        outputs: u32,
    },
    /// A bound that no difference of outputs comes near.
    #[error("a bound of {got} on an output is beyond what is proven; the most is 2^17 in absolute value")]
    MarginBound {
        /// Asked for.
        got: i32,
    },
    /// Hidden rows are read through a selector each, as long as the data set.
    #[error("{count} hidden rows of {rows} are none, or more than one report selects; ask for fewer")]
    Selected {
        /// Hidden rows.
        count: u32,
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
    /// Public labels that are not one a row and output, or not of their kind.
    #[error("the labels of {rows} public rows are {got} integers: not one a row and output, or not all of their kind")]
    PublicLabels {
        /// Rows.
        rows: usize,
        /// Integers.
        got: usize,
    },
    /// Targets of earlier rows where rows have none, or outside their window.
    #[error("targets of rows before the first public one need one real target a row, and its window")]
    PublicEarlier,
    /// Dates that do not ascend.
    #[error("the calendar does not ascend: the date of row {row} is not behind that of the row before")]
    Calendar {
        /// Which of the rows read.
        row: usize,
    },
    /// A day that is no date of four digits.
    #[error("day {got} since 1970-01-01 is not in the years 1 to 9999")]
    CalendarDay {
        /// In the statement.
        got: i32,
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
    /// Every row is among as many outputs as there are classes, and none among 0.
    #[error("a label among the {got} largest of {classes} outputs is no rate: it is among 1 to all but one of them")]
    TopK {
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
    /// The histogram of scores would be larger than a proof takes.
    #[error(
        "scores of {bits} bits in {groups} groups are more than one report counts; use fewer groups, or a model with a smaller window"
    )]
    Histogram {
        /// Groups.
        groups: usize,
        /// Of a score.
        bits: u32,
    },
    /// Edges out of order, or beyond the scores.
    #[error("the edges between scores are not ascending numbers of {bits} bits")]
    Edges {
        /// Of a score.
        bits: u32,
    },
    /// There is no area under a curve of one class.
    #[error("an area under the ROC curve needs rows of both classes, there are {positives} and {negatives}")]
    OneClass {
        /// Of class 1.
        positives: u32,
        /// Of class 0.
        negatives: u32,
    },
    /// A comparison of ratios whose denominators are not of the labels alone.
    #[error("two models cannot be compared by the {rate}: its denominator differs between models")]
    NotComparable {
        /// Which rate.
        rate: String,
    },
    /// A model that is compared with itself.
    #[error("the two models that are compared are one commitment")]
    SameModel,
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
    /// A backtest breaks a rule.
    #[error(transparent)]
    Backtest(#[from] BacktestInvalid),
}
