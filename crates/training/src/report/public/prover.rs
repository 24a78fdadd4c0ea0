//! Plans and proves a report on a public model: nothing is committed but the data, and the outputs if they are.
use super::{PublicModel, public_relation, public_vectors};
use crate::report::backtest::Ledger;
use crate::report::counting::{Asked, Evaluation, completed};
use crate::report::prover::{ReportError, ReportPlan};
use crate::report::relation::{LABEL, ReportRelation};
use crate::report::witness::ReportWitness;
use crate::report::{Groups, Input, REPORT_VERSION, ReportInvalid, ReportProof, ReportStatement};
use crate::trainer::Data;
use alloc::vec;
use alloc::vec::Vec;
use tacit_argument::entropy::Entropy;
use tacit_argument::opening::LongLived;
use tacit_argument::proof::{ProveError, Relation, check, plan, prove};

/// A public model, and what the report on it is about.
#[derive(Clone, Copy)]
pub struct PublicInput<'a> {
    /// The model.
    pub model: &'a PublicModel,
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

/// The trees that a report on a public model opens.
#[derive(Clone, Copy)]
pub struct PublicTrees<'a> {
    /// The data set's, unless the rows are public.
    pub data: Option<&'a LongLived>,
    /// The one of the outputs, if they are committed.
    pub outputs: Option<&'a LongLived>,
}

/// Runs the model on the rows; returns the execution and the statement that shows what is asked.
fn evaluate(input: &PublicInput<'_>, asked: &[Asked]) -> Result<(Evaluation, ReportStatement), ReportError> {
    let config = input.model.config().map_err(crate::report::ReportRejected::from)?;
    input.model.check_weights(&config, input.weights)?;
    let draft = ReportStatement {
        version: REPORT_VERSION,
        run_digest: [0; 32],
        model_digest: input.model.digest()?,
        input: input.input.clone(),
        groups: input.groups.cloned(),
        shown: vec![],
        against: None,
        public: Some(input.model.clone()),
    };
    draft.fits(&config)?;
    let evaluation = Evaluation::new(&config, input.weights, input.input, input.data, input.groups, input.hidden)?;
    for a in asked {
        if let Asked::Backtest { strategy, figures } = a {
            strategy.validate(figures, &config, input.input, evaluation.rows).map_err(ReportInvalid::from)?;
        }
    }
    let statement = completed(draft, &evaluation, asked)?;
    Ok((evaluation, statement))
}

/// Refuses bounds on ratios of a backtest that do not hold.
fn check_ratios(relation: &ReportRelation<'_>, evaluation: &Evaluation) -> Result<(), ReportError> {
    let Some(b) = &relation.backtest else { return Ok(()) };
    Ledger::new(&b.strategy, evaluation.z_bits, evaluation).check_ratios(b)
}

/// What a report on a public model will state and cost.
///
/// # Errors
/// As [`prove_public_report`], but for what only the proof finds.
pub fn plan_public_report(input: &PublicInput<'_>, asked: &[Asked]) -> Result<ReportPlan, ReportError> {
    let (evaluation, statement) = evaluate(input, asked)?;
    let (relation, rate) = public_relation(&statement, input.weights)?;
    check_ratios(&relation, &evaluation)?;
    let shapes: Vec<_> = public_vectors(&statement)?.iter().map(|c| c.shape).collect();
    let plan = plan(&relation, rate.into(), &shapes).map_err(ProveError::from)?;
    let (cells, rows_per_proof) = (relation.column_cells(), plan.opening.queries());
    drop(relation);
    let mut group_sizes = vec![0; evaluation.groups];
    evaluation.group.iter().for_each(|&g| group_sizes[g] += 1);
    Ok(ReportPlan { statement, group_sizes, rows_per_proof, rows: evaluation.rows, cells })
}

/// Runs the model, computes what is asked and proves it. `secret` feeds the proof's randomness.
///
/// Guarantees: a proof that is returned verifies, given the validity of the data set.
///
/// # Errors
/// [`ReportError`]: a bound that does not hold, rows that do not fit the model, other rows than the committed ones.
pub fn prove_public_report(
    input: &PublicInput<'_>,
    trees: PublicTrees<'_>,
    asked: &[Asked],
    secret: &[u8; 32],
) -> Result<ReportProof, ReportError> {
    let (evaluation, statement) = evaluate(input, asked)?;
    let (relation, rate) = public_relation(&statement, input.weights)?;
    check_ratios(&relation, &evaluation)?;
    let columns = relation.columns_beside(&evaluation, None)?;
    let witness = ReportWitness::new(relation.clone(), &evaluation, input.weights, input.data);
    drop(evaluation);
    let digest = statement.digest()?;
    let committed = public_vectors(&statement)?;
    let trees = [trees.data, trees.outputs].into_iter().flatten();
    let others: Vec<_> = trees.zip(committed.clone()).collect();
    let entropy = Entropy::fresh(secret, &digest)?;
    let proof = prove(LABEL, &digest, &witness, rate.into(), columns, &others, entropy)?;
    check(LABEL, &digest, &relation, rate.into(), &committed, &proof).map_err(ReportError::OtherVectors)?;
    drop((others, witness, relation));
    Ok(ReportProof { statement, proof })
}
