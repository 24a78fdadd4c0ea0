//! Reports on a committed model: "on these rows the model of this run has this accuracy, these counts, these outputs".
//!
//! The forward pass is training's, on the same commitments: the model is the one behind the run's last record, the rows are
//! public or those of a committed data set. With |W| bounded by the verdict on the run, every equation mod p is one of
//! integers. A report is verified against that verdict: without a verified run nothing bounds W. Source: protocol.md.
//!
//! What a report tells beyond what it shows is nothing; what it shows may tell about rows, see `docs/sharp_edges.md`.
use crate::record::{ModelRecord, RecordError};
use crate::run::RunVerdict;
use crate::statement::{MAX_CELLS, MAX_SLOTS, RunStatement, StatementError};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use tacit_argument::proof::{ArgumentError, Committed, RelationProof, check, plan};
use tacit_argument::soundness::ErrorTerm;

mod backtest;
#[cfg(feature = "prover")]
mod better;
mod calendar;
mod claims;
mod comparison;
#[cfg(feature = "prover")]
mod counting;
mod errors;
mod gates;
mod head;
mod invalid;
#[cfg(feature = "prover")]
mod prover;
mod public;
mod ranks;
mod rates;
mod relation;
mod residuals;
mod scores;
mod selection;
mod statement;
mod table;
mod terms;
#[cfg(all(test, feature = "prover"))]
mod tests;
mod told;
mod validate;
#[cfg(feature = "prover")]
mod witness;
mod words;

pub use backtest::{BacktestInvalid, Figure, Lag, MAX_FIGURES, Position, Strategy};
pub use calendar::Calendar;
pub use comparison::{Compared, OtherModel};
#[cfg(feature = "prover")]
pub use counting::Asked;
pub use errors::TargetError;
pub use invalid::ReportInvalid;
#[cfg(feature = "prover")]
pub use prover::{
    OtherInput, ReportError, ReportInput, ReportPlan, ReportTrees, plan_comparison, plan_report, prove_comparison,
    prove_report,
};
pub use public::{
    PUBLIC_RATE, PublicInvalid, PublicModel, public_relation, public_words, verify_public_report, weights_digest,
};
#[cfg(feature = "prover")]
pub use public::{PublicInput, PublicTrees, plan_public_report, prove_public_report};
pub use rates::Rate;
pub use relation::{LABEL, ReportRelation};
#[cfg(feature = "prover")]
pub use scores::owner::AskedFigure;
pub use scores::{MAX_EDGES, MAX_LOG_HISTOGRAM, ScoreBin, ScoreFigure, ScoreLoss};
pub use statement::{Groups, Input, MAX_GROUPS, MAX_SHOWN, REPORT_VERSION, ReportStatement, Rows, Shown};
pub use table::PublicTable;
pub use told::MAX_MARGIN;
pub use words::report_words;

/// A statement about a committed model, and its proof.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReportProof {
    /// What is proven.
    pub statement: ReportStatement,
    /// The argument.
    pub proof: RelationProof,
}

/// What a verified report establishes, given the verdict on its run.
#[derive(Clone, Debug)]
pub struct ReportVerdict {
    /// The run.
    pub run_digest: [u8; 32],
    /// C of the model.
    pub model_digest: [u8; 32],
    /// C of the data set, unless the rows are public.
    pub data_digest: Option<[u8; 32]>,
    /// Rows that the model was run on.
    pub rows: usize,
    /// Error terms of this proof; those of the run come on top.
    pub soundness: Vec<ErrorTerm>,
}

/// A report was rejected.
#[derive(Debug, thiserror::Error)]
pub enum ReportRejected {
    /// Another version.
    #[error("the report has version {got}, this verifier reads {REPORT_VERSION}")]
    Version {
        /// In the file.
        got: u16,
    },
    /// The run's statement and the run's verdict do not belong together.
    #[error("the statement given is not the one of the verified run")]
    OtherStatement,
    /// The report names another run.
    #[error("the report belongs to another run than the one verified")]
    OtherRun,
    /// The report names another model than the run's last.
    #[error("the report names a model that is not the one this run ends with")]
    NotFinalModel,
    /// The model record is not the one that the report names.
    #[error("the model record given is not the one that the run ends with")]
    OtherRecord,
    /// The model record is invalid.
    #[error("invalid model record: {0}")]
    Record(#[from] RecordError),
    /// A comparison without the run of the other model, or a report without comparison beside one.
    #[error("{}", if *stated { "the run of the model compared with is not given" } else { "the report compares no models" })]
    OtherModel {
        /// Whether the report compares with another model.
        stated: bool,
    },
    /// The model compared with is rejected.
    #[error("the model compared with: {0}")]
    Compared(Box<Self>),
    /// A report on a public model, verified beside a run, or one on a committed model without its run.
    #[error(
        "{}",
        if *stated { "the report is on a public model: verify it with the model's weights" }
        else { "the report is on a committed model: verify it with the run of the model" }
    )]
    PublicModel {
        /// Whether the report is on a public model.
        stated: bool,
    },
    /// The public model breaks a rule, or is another than the one given.
    #[error(transparent)]
    Public(#[from] PublicInvalid),
    /// A digest or a rate.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The statement breaks a rule.
    #[error(transparent)]
    Invalid(#[from] ReportInvalid),
    /// The argument does not verify.
    #[error("the report's proof is rejected: {0}")]
    Argument(#[from] ArgumentError),
}

/// The relation of a statement about a model with |W| <= `w`, all of whose rules hold.
///
/// # Errors
/// [`ReportRejected`] naming the rule.
pub fn relation<'a>(
    statement: &'a ReportStatement,
    run: &RunStatement,
    w: u128,
) -> Result<ReportRelation<'a>, ReportRejected> {
    relation_beside(statement, run, w, None)
}

/// The relation of a statement about a model and, where it is compared with one, another: its run's statement, and the
/// bound on its weights.
///
/// # Errors
/// [`ReportRejected`] naming the rule.
pub fn relation_beside<'a>(
    statement: &'a ReportStatement,
    run: &RunStatement,
    w: u128,
    other: Option<(&RunStatement, u128)>,
) -> Result<ReportRelation<'a>, ReportRejected> {
    statement.check_comparisons()?;
    if statement.against.is_some() != other.is_some() {
        return Err(ReportRejected::OtherModel { stated: statement.against.is_some() });
    }
    let first = statement.of_side(0)?;
    let checked = first.validate(&run.config, w)?;
    if let Input::Committed { data, .. } = &statement.input {
        run.check_rate("data", data.vector.log_inv_rate)?;
    }
    if let Some(outputs) = statement.committed_outputs() {
        run.check_rate("outputs", outputs.vector.log_inv_rate)?;
    }
    let mut ties = Vec::new();
    let second = match other {
        None => None,
        Some((other, w)) => {
            run.check_rate("other run", other.log_inv_rate)?;
            let second = statement.of_side(1)?;
            let compared = |e: ReportInvalid| ReportRejected::Compared(Box::new(e.into()));
            let of_second = second.validate(&other.config, w).map_err(compared)?;
            ties = statement.ties(&checked, &of_second);
            Some((second, of_second))
        }
    };
    let relation = ReportRelation::new(first, checked, second, ties);
    let (slots, log_rows) = relation.size();
    if slots > MAX_SLOTS || (slots as u128) << log_rows > MAX_CELLS {
        return Err(ReportInvalid::TraceSize { rows: 1 << log_rows, slots }.into());
    }
    Ok(relation)
}

/// The vectors of the proof, in the order of their ids: the model, the data set if it is committed, and the outputs if
/// they are, or the model that it is compared with.
fn vectors(
    statement: &ReportStatement,
    model: &ModelRecord,
    other: Option<&ModelRecord>,
) -> Result<Vec<Committed>, RecordError> {
    let mut out = alloc::vec![model.committed()?];
    if let Input::Committed { data, .. } = &statement.input {
        out.push(data.committed()?);
    }
    if let Some(outputs) = statement.committed_outputs() {
        out.push(outputs.committed()?);
    }
    if let Some(other) = other {
        out.push(other.committed()?);
    }
    Ok(out)
}

/// A model at the end of a verified run.
#[derive(Clone, Copy, Debug)]
pub struct ModelOf<'a> {
    /// The verdict on the run, by [`crate::run::verify_run`].
    pub run: &'a RunVerdict,
    /// The run's statement.
    pub statement: &'a RunStatement,
    /// The record of its last model.
    pub record: &'a ModelRecord,
}

impl ModelOf<'_> {
    /// Whether these are the run and the last model that a report names; they have the rate of the proof.
    fn check(&self, run: &[u8; 32], model: &[u8; 32], of_proof: &RunStatement) -> Result<(), ReportRejected> {
        if self.statement.digest()? != self.run.run_digest {
            return Err(ReportRejected::OtherStatement);
        }
        if *run != self.run.run_digest {
            return Err(ReportRejected::OtherRun);
        }
        if *model != self.run.model_digest {
            return Err(ReportRejected::NotFinalModel);
        }
        if self.record.digest()? != self.run.model_digest {
            return Err(ReportRejected::OtherRecord);
        }
        self.record.validate(&self.statement.config)?;
        Ok(of_proof.check_rate("model", self.record.vector.log_inv_rate)?)
    }
}

/// Verifies a report against the verdict on its run, the run's statement and the record of its last model. The
/// validity of the data record is verified apart, by [`crate::validity`].
///
/// # Soundness
/// `run` must come from [`crate::run::verify_run`]: its digests and its w_out are taken as facts.
///
/// # Errors
/// [`ReportRejected`] naming the check.
pub fn verify_report(
    report: &ReportProof,
    run: &RunVerdict,
    run_statement: &RunStatement,
    model: &ModelRecord,
) -> Result<ReportVerdict, ReportRejected> {
    examine(report, ModelOf { run, statement: run_statement, record: model }, None, true)
}

/// Verifies a report that compares two models, each against the verdict on its run; as [`verify_report`] otherwise.
///
/// # Errors
/// [`ReportRejected`] naming the check.
pub fn verify_comparison(
    report: &ReportProof,
    first: ModelOf<'_>,
    second: ModelOf<'_>,
) -> Result<ReportVerdict, ReportRejected> {
    examine(report, first, Some(second), true)
}

/// What a report states about a run's model and, if it compares two, another's, with its argument left unchecked: for descriptions, never for a decision.
///
/// # Errors
/// [`ReportRejected`] if the report and what is stated of its run contradict each other.
pub fn stated(
    report: &ReportProof,
    first: ModelOf<'_>,
    second: Option<ModelOf<'_>>,
) -> Result<ReportVerdict, ReportRejected> {
    examine(report, first, second, false)
}

fn examine(
    report: &ReportProof,
    first: ModelOf<'_>,
    second: Option<ModelOf<'_>>,
    argument: bool,
) -> Result<ReportVerdict, ReportRejected> {
    let (statement, run) = (&report.statement, first.run);
    if statement.version != REPORT_VERSION {
        return Err(ReportRejected::Version { got: statement.version });
    }
    if statement.public.is_some() {
        return Err(ReportRejected::PublicModel { stated: true });
    }
    first.check(&statement.run_digest, &statement.model_digest, first.statement)?;
    if let (Some(second), Some(named)) = (second, &statement.against) {
        let checked = second.check(&named.run_digest, &named.model_digest, first.statement);
        checked.map_err(|e| ReportRejected::Compared(Box::new(e)))?;
    }
    let other = second.map(|m| (m.statement, m.run.w_out));
    let relation = relation_beside(statement, first.statement, run.w_out, other)?;
    let rate = usize::from(first.statement.log_inv_rate);
    let vectors = vectors(statement, first.record, second.map(|m| m.record))?;
    let plan = if argument {
        check(LABEL, &statement.digest()?, &relation, rate, &vectors, &report.proof)?
    } else {
        plan(&relation, rate, &vectors.iter().map(|v| v.shape).collect::<Vec<_>>())?
    };
    let soundness = plan.soundness(&relation);
    let data_digest = match &statement.input {
        Input::Committed { data, .. } => Some(data.digest()?),
        Input::Public { .. } | Input::Table { .. } => None,
    };
    Ok(ReportVerdict {
        run_digest: run.run_digest,
        model_digest: run.model_digest,
        data_digest,
        rows: relation.checked.rows,
        soundness,
    })
}
