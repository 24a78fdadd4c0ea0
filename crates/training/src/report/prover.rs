//! Plans and proves a report: runs the model, states what is asked, proves the relation, checks the proof.
use super::backtest::Ledger;
use super::counting::{Asked, Evaluation, completed};
use super::relation::{LABEL, ReportRelation};
use super::witness::ReportWitness;
use super::{
    Groups, Input, OtherModel, REPORT_VERSION, ReportInvalid, ReportProof, ReportRejected, ReportStatement,
    relation_beside, vectors,
};
use crate::record::{ModelRecord, RecordError};
use crate::statement::{RunStatement, StatementError};
use crate::trainer::{Data, TrainError};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use tacit_argument::entropy::{Entropy, EntropyFailed};
use tacit_argument::field::F;
use tacit_argument::lookup::LookupError;
use tacit_argument::opening::LongLived;
use tacit_argument::proof::{ArgumentError, ProveError, Relation, RelationProof, Witnessed, check, plan, prove};

/// What the owner holds, and what the report is about.
#[derive(Clone, Copy)]
pub struct ReportInput<'a> {
    /// The run.
    pub run: &'a RunStatement,
    /// The record of the model after its last chunk.
    pub model: &'a ModelRecord,
    /// Its weights.
    pub weights: &'a [i64],
    /// The rows.
    pub input: &'a Input,
    /// The integers of the committed data set, unless the rows are public.
    pub data: Option<&'a Data>,
    /// Groups of rows.
    pub groups: Option<&'a Groups>,
    /// The places of hidden rows in the data set, in the order in which they are read; else empty.
    pub hidden: &'a [u32],
}

/// The model that is compared with.
#[derive(Clone, Copy)]
pub struct OtherInput<'a> {
    /// Its run.
    pub run: &'a RunStatement,
    /// The record of the model after that run's last chunk.
    pub model: &'a ModelRecord,
    /// Its weights.
    pub weights: &'a [i64],
}

/// The trees that a report opens.
#[derive(Clone, Copy)]
pub struct ReportTrees<'a> {
    /// The model's.
    pub model: &'a LongLived,
    /// The data set's, unless the rows are public.
    pub data: Option<&'a LongLived>,
    /// The one of the outputs, if they are committed.
    pub outputs: Option<&'a LongLived>,
}

/// A report before it is proven. For the owner alone.
#[derive(Clone, Debug)]
pub struct ReportPlan {
    /// What will be stated.
    pub statement: ReportStatement,
    /// Rows of each group.
    pub group_sizes: Vec<u32>,
    /// Rows that the proof opens of each of its trees.
    pub rows_per_proof: usize,
    /// Rows that are read.
    pub rows: usize,
    /// Cells of the trace.
    pub cells: usize,
}

/// No report; details stay with the owner.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No verifier would accept the statement.
    #[error(transparent)]
    Rejected(#[from] ReportRejected),
    /// Committed rows without their integers.
    #[error("the integers of the committed rows are missing")]
    NoRows,
    /// A row leaves the window of a layer.
    #[error("layer {layer}: a row gives {value}, outside the window of {window} bits that the model was trained with")]
    Window {
        /// Layer, from 1.
        layer: usize,
        /// The value.
        value: i128,
        /// Window in bits.
        window: u32,
    },
    /// The weights do not fit the model.
    #[error(transparent)]
    Forward(TrainError),
    /// A label that is none of the model's classes.
    #[error("label {label} is none of the model's {classes} classes")]
    Label {
        /// The label.
        label: usize,
        /// Classes.
        classes: usize,
    },
    /// A row that belongs to no group.
    #[error("row {row} of those evaluated has the values of none of the groups")]
    NoGroup {
        /// Which row.
        row: usize,
    },
    /// 0 of 0.
    #[error("the {rate} is 0 of 0")]
    Undefined {
        /// Which rate.
        rate: String,
    },
    /// A row does not reach its bound.
    #[error("row {row} of those evaluated does not reach its bound")]
    MarginFails {
        /// Which of the rows read.
        row: usize,
    },
    /// The bound does not hold.
    #[error("the bound on the {rate} does not hold")]
    BoundFails {
        /// Which rate.
        rate: String,
    },
    /// One model is not better than the other by so much.
    #[error("the model is not better than the other by so much in the {metric}")]
    NotBetter {
        /// In what.
        metric: String,
    },
    /// The weights or rows given are not the committed ones.
    #[error("the weights or rows given are not the ones behind the commitments: {0}")]
    OtherVectors(ArgumentError),
    /// The argument refused.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
}

impl From<ReportInvalid> for ReportError {
    fn from(e: ReportInvalid) -> Self {
        Self::Rejected(e.into())
    }
}

impl From<StatementError> for ReportError {
    fn from(e: StatementError) -> Self {
        Self::Rejected(e.into())
    }
}

impl From<RecordError> for ReportError {
    fn from(e: RecordError) -> Self {
        Self::Rejected(e.into())
    }
}

impl From<LookupError> for ReportError {
    fn from(e: LookupError) -> Self {
        Self::Prove(e.into())
    }
}

/// Proves a relation of a statement over a trace without pads.
pub(super) fn argue(
    input: &ReportInput<'_>,
    trees: ReportTrees<'_>,
    other: Option<(&ModelRecord, &LongLived)>,
    statement: &ReportStatement,
    witness: &impl Witnessed,
    columns: Vec<F>,
    vault_secret: &[u8; 32],
) -> Result<RelationProof, ReportError> {
    let digest = statement.digest()?;
    let entropy = Entropy::fresh(vault_secret, &digest)?;
    let trees = [Some(trees.model), trees.data, trees.outputs, other.map(|o| o.1)];
    let vectors = vectors(statement, input.model, other.map(|o| o.0))?;
    let others: Vec<_> = trees.into_iter().flatten().zip(vectors).collect();
    Ok(prove(LABEL, &digest, witness, usize::from(input.run.log_inv_rate), columns, &others, entropy)?)
}

/// The bound on the weights of a model that a run ends with.
fn bound(run: &RunStatement, model: &ModelRecord, weights: &[i64]) -> Result<u128, ReportError> {
    let bounds = run.validate()?;
    model.validate(&run.config)?;
    if weights.len() != run.config.weight_count() {
        let (expected, got) = (run.config.weight_count(), weights.len());
        return Err(ReportError::Forward(TrainError::StateLength { name: "weights", expected, got }));
    }
    Ok(bounds.last().map_or(0, |b| b.w))
}

/// A model executed, with the bound on its weights.
type Executed = (Evaluation, u128);

/// Runs the models on the rows; returns the executions and the statement that shows what is asked.
fn evaluate(
    input: &ReportInput<'_>,
    other: Option<OtherInput<'_>>,
    asked: &[Asked],
) -> Result<(Executed, Option<Executed>, ReportStatement), ReportError> {
    let config = &input.run.config;
    let w = bound(input.run, input.model, input.weights)?;
    let against = match other {
        Some(o) => Some(OtherModel { run_digest: o.run.digest()?, model_digest: o.model.digest()? }),
        None => None,
    };
    let draft = ReportStatement {
        version: REPORT_VERSION,
        run_digest: input.run.digest()?,
        model_digest: input.model.digest()?,
        input: input.input.clone(),
        groups: input.groups.cloned(),
        shown: vec![],
        against,
        public: None,
    };
    draft.fits(config)?;
    let evaluation = Evaluation::new(config, input.weights, input.input, input.data, input.groups, input.hidden)?;
    for a in asked {
        if let Asked::Backtest { strategy, figures } = a {
            strategy.validate(figures, config, input.input, evaluation.rows).map_err(ReportInvalid::from)?;
        }
    }
    let second = match other {
        None => None,
        Some(o) => {
            let w = bound(o.run, o.model, o.weights)?;
            draft.fits(&o.run.config)?;
            let of_other = Evaluation::new(&o.run.config, o.weights, input.input, input.data, input.groups, &[])?;
            asked.iter().try_for_each(|a| evaluation.require_better(&of_other, a))?;
            Some((of_other, w))
        }
    };
    let statement = completed(draft, &evaluation, asked)?;
    Ok(((evaluation, w), second, statement))
}

/// Refuses bounds on ratios, of a backtest and R^2, that do not hold.
fn check_ratios(relation: &ReportRelation<'_>, evaluation: &Evaluation) -> Result<(), ReportError> {
    evaluation.check_explained(relation.checked.errors.as_ref())?;
    let Some(b) = &relation.backtest else { return Ok(()) };
    Ledger::new(&b.strategy, evaluation.z_bits, evaluation).check_ratios(b)
}

/// What a report will state and cost.
///
/// # Errors
/// As [`prove_report`], but for what only the proof finds.
pub fn plan_report(input: &ReportInput<'_>, asked: &[Asked]) -> Result<ReportPlan, ReportError> {
    planned(input, None, asked)
}

/// What a report that compares with another model will state and cost.
///
/// # Errors
/// As [`prove_report`], but for what only the proof finds.
pub fn plan_comparison(
    input: &ReportInput<'_>,
    other: OtherInput<'_>,
    asked: &[Asked],
) -> Result<ReportPlan, ReportError> {
    planned(input, Some(other), asked)
}

fn planned(input: &ReportInput<'_>, other: Option<OtherInput<'_>>, asked: &[Asked]) -> Result<ReportPlan, ReportError> {
    let ((evaluation, w), second, statement) = evaluate(input, other, asked)?;
    let beside = other.zip(second.as_ref()).map(|(o, (_, w))| (o.run, *w));
    let relation = relation_beside(&statement, input.run, w, beside)?;
    check_ratios(&relation, &evaluation)?;
    let shapes: Vec<_> = vectors(&statement, input.model, other.map(|o| o.model))?.iter().map(|c| c.shape).collect();
    let plan = plan(&relation, usize::from(input.run.log_inv_rate), &shapes).map_err(ProveError::from)?;
    let (cells, rows_per_proof) = (relation.column_cells(), plan.opening.queries());
    drop(relation);
    let mut group_sizes = vec![0; evaluation.groups];
    evaluation.group.iter().for_each(|&g| group_sizes[g] += 1);
    Ok(ReportPlan { statement, group_sizes, rows_per_proof, rows: evaluation.rows, cells })
}

/// Runs the model, computes what is asked and proves it.
///
/// Guarantees: a proof that is returned verifies, given the validity of the data set.
///
/// # Errors
/// [`ReportError`]: a bound that does not hold, rows that do not fit the model, other weights than the committed ones.
pub fn prove_report(
    input: &ReportInput<'_>,
    trees: ReportTrees<'_>,
    asked: &[Asked],
    vault_secret: &[u8; 32],
) -> Result<ReportProof, ReportError> {
    proven(input, trees, None, asked, vault_secret)
}

/// [`prove_report`] with comparisons of the model with another one, whose tree is opened too.
///
/// # Errors
/// [`ReportError`]
pub fn prove_comparison(
    input: &ReportInput<'_>,
    trees: ReportTrees<'_>,
    other: (OtherInput<'_>, &LongLived),
    asked: &[Asked],
    vault_secret: &[u8; 32],
) -> Result<ReportProof, ReportError> {
    proven(input, trees, Some(other), asked, vault_secret)
}

fn proven(
    input: &ReportInput<'_>,
    trees: ReportTrees<'_>,
    other: Option<(OtherInput<'_>, &LongLived)>,
    asked: &[Asked],
    vault_secret: &[u8; 32],
) -> Result<ReportProof, ReportError> {
    let ((evaluation, w), second, statement) = evaluate(input, other.map(|o| o.0), asked)?;
    let beside = other.zip(second.as_ref()).map(|((o, _), (_, w))| (o.run, *w));
    let relation = relation_beside(&statement, input.run, w, beside)?;
    check_ratios(&relation, &evaluation)?;
    let columns = relation.columns_beside(&evaluation, second.as_ref().map(|s| &s.0))?;
    let mut witness = ReportWitness::new(relation.clone(), &evaluation, input.weights, input.data);
    if let (Some((o, _)), Some((of_other, _)), Some(part)) = (other, &second, &relation.other) {
        witness.other = Some(Box::new(ReportWitness::new((**part).clone(), of_other, o.weights, input.data)));
    }
    drop((evaluation, second));
    let opened = other.map(|(o, tree)| (o.model, tree));
    let proof = argue(input, trees, opened, &statement, &witness, columns, vault_secret)?;
    let rate = usize::from(input.run.log_inv_rate);
    let committed = vectors(&statement, input.model, other.map(|o| o.0.model))?;
    check(LABEL, &statement.digest()?, &relation, rate, &committed, &proof).map_err(ReportError::OtherVectors)?;
    drop((witness, relation));
    Ok(ReportProof { statement, proof })
}
