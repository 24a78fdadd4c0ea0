//! Verification of files: bytes in, verdict or the named check out. What a command, a page or a contract's host calls.
use crate::file::{FileError, Kind, decode};
use crate::link::{LinkProof, LinkRejected, LinkVerdict, Linked, Links, verify_link};
use crate::record::{DataRecord, ModelRecord, RecordError};
use crate::report::{
    Input, ModelOf, ReportProof, ReportRejected, ReportVerdict, verify_comparison, verify_public_report, verify_report,
};
use crate::run::{RunProof, RunRejected, RunVerdict, verify_run};
use crate::seed::Origin;
use crate::statement::RunStatement;
use crate::validity::{ValidityError, verify_data};
use crate::words::hex;
use alloc::boxed::Box;
use alloc::string::String;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tacit_argument::proof::RelationProof;

/// A public data commitment: record, schema document and validity proof.
#[derive(Clone, Serialize, Deserialize)]
pub struct DataFile {
    /// The record; its digest is the commitment.
    pub record: DataRecord,
    /// The public schema document; its hash is the record's schema id.
    pub schema: String,
    /// The validity proof.
    pub proof: RelationProof,
}

/// What a verifier holds apart from the proof. What it does not hold is not checked, and the verdict says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held<'a> {
    /// The data commitment file that the run must be about.
    pub data: Option<&'a [u8]>,
    /// For a report: the commitment file of the data that its model was trained on, unless that is `data`.
    pub training: Option<&'a [u8]>,
    /// For a report that compares two models: the run of the second.
    pub other_run: Option<&'a [u8]>,
    /// The commitment file of the data that the second model was trained on, unless that is one of the others.
    pub other_training: Option<&'a [u8]>,
    /// The nonce that the verifier issued for this run.
    pub nonce: Option<[u8; 32]>,
    /// The digest of the run's declaration.
    pub declaration: Option<[u8; 32]>,
    /// The nonce that the verifier issued for the second run of a comparison.
    pub other_nonce: Option<[u8; 32]>,
    /// The digest of that run's declaration.
    pub other_declaration: Option<[u8; 32]>,
    /// Links: a commitment that they lead to stands for the one that they lead from.
    pub links: &'a [&'a [u8]],
}

impl<'a> Held<'a> {
    /// What is held of the second run of a comparison, as of a run.
    #[must_use]
    pub fn of_other_run(&self) -> Self {
        let (nonce, declaration) = (self.other_nonce, self.other_declaration);
        Self { data: self.other_training, nonce, declaration, links: self.links, ..Held::default() }
    }
}

/// A file was rejected.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// The bytes are not such a file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The schema document is another one.
    #[error("the schema document is not the one that the commitment names")]
    SchemaId,
    /// The data commitment is invalid.
    #[error(transparent)]
    Validity(#[from] ValidityError),
    /// The run is about other data.
    #[error("the proof is about the data commitment {}, not {}", hex(.stated), hex(.given))]
    OtherData {
        /// In the run's statement.
        stated: [u8; 32],
        /// Of the file given.
        given: [u8; 32],
    },
    /// A report on a model whose training data was not checked.
    #[error(
        "the commitment of the training data is not given: what a report shows rests on its validity, as data solved mod \
         p gives any figure"
    )]
    TrainingData,
    /// The run uses no verifier's nonce at all.
    #[error("a nonce was issued for this run, and no seed of it comes from a verifier's nonce")]
    NoNonce,
    /// The run uses another nonce.
    #[error("the run uses the nonce {}, not {}", hex(.stated), hex(.issued))]
    OtherNonce {
        /// In the run's statement.
        stated: [u8; 32],
        /// The verifier's.
        issued: [u8; 32],
    },
    /// The run is not the declared one.
    #[error("the run's declaration is {}, not {}: data, start or configuration changed", hex(.stated), hex(.held))]
    OtherDeclaration {
        /// Of the run's statement.
        stated: [u8; 32],
        /// The verifier's.
        held: [u8; 32],
    },
    /// Something about the model that a report compares with.
    #[error("the model compared with: {0}")]
    Compared(Box<Self>),
    /// A digest cannot be computed, never for a decoded record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The run's proof is rejected.
    #[error(transparent)]
    Run(#[from] RunRejected),
    /// The report's proof is rejected.
    #[error(transparent)]
    Report(#[from] ReportRejected),
    /// A link is rejected.
    #[error("link {}: {error}", index + 1)]
    Link {
        /// Which of those given, from 0.
        index: usize,
        /// Why.
        error: LinkRejected,
    },
    /// The link that is verified is rejected.
    #[error(transparent)]
    OfLink(#[from] LinkRejected),
    /// A link that nothing rests on: leaving it out unseen would look like a check of it.
    #[error("link {} joins none of the commitments that are checked here", index + 1)]
    IdleLink {
        /// Which of those given, from 0.
        index: usize,
    },
    /// More links than one verdict may rest on: their errors sum.
    #[error("a verdict may rest on {most} links, here are {got}")]
    TooManyLinks {
        /// Links, the one that is verified among them.
        got: usize,
        /// The bound.
        most: usize,
    },
    /// A commitment file beside a link that does not name it, or names it on the other side.
    #[error("the {which} commitment of the link is {}, not {}", hex(.stated), hex(.given))]
    NotLinked {
        /// "first" or "second".
        which: &'static str,
        /// In the link.
        stated: [u8; 32],
        /// Of the file given.
        given: [u8; 32],
    },
    /// A data commitment beside a link of models, or a run beside a link of data.
    #[error("this is a link of {}, which is not verified beside {what}", if *models { "models" } else { "data sets" })]
    LinkKind {
        /// What was given.
        what: &'static str,
        /// Whether the link is one of models.
        models: bool,
    },
    /// A commitment beside a report on public rows.
    #[error("the report is about public rows, not about committed data")]
    NoData,
}

/// The id of a schema document: SHA-256 of a label and the document.
#[must_use]
pub fn schema_id(document: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"tacit/schema/v1\0").chain_update(document.as_bytes()).finalize().into()
}

/// Decodes and fully checks a data commitment; returns it with its digest C.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_data_file(bytes: &[u8]) -> Result<(DataFile, [u8; 32]), Rejected> {
    let body: DataFile = decode(Kind::Data, bytes)?;
    if schema_id(&body.schema) != body.record.schema {
        return Err(Rejected::SchemaId);
    }
    verify_data(&body.record, &body.proof)?;
    let digest = body.record.digest()?;
    Ok((body, digest))
}

/// Compares a run with what the verifier issued and held: every verifier's nonce of the run is that nonce, and there is
/// one; its declaration is the one held.
///
/// # Errors
/// [`Rejected::NoNonce`], [`Rejected::OtherNonce`] or [`Rejected::OtherDeclaration`].
pub fn check_held(statement: &RunStatement, held: &Held<'_>) -> Result<(), Rejected> {
    if let Some(issued) = held.nonce {
        let mut nonces = statement.origins().filter_map(|o| match o {
            Origin::Verifier { nonce } => Some(*nonce),
            Origin::Prover { .. } | Origin::Beacon { .. } => None,
        });
        let first = nonces.next().ok_or(Rejected::NoNonce)?;
        if let Some(stated) = core::iter::once(first).chain(nonces).find(|n| *n != issued) {
            return Err(Rejected::OtherNonce { stated, issued });
        }
    }
    if let Some(held) = held.declaration {
        let stated = statement.declaration().map_err(RunRejected::from)?;
        if stated != held {
            return Err(Rejected::OtherDeclaration { stated, held });
        }
    }
    Ok(())
}

/// Decodes and fully checks a run against what the verifier holds. Without a data commitment the validity of the data
/// is not established, and the caller has to say so.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_run_file(proof: &[u8], held: &Held<'_>) -> Result<(RunProof, RunVerdict), Rejected> {
    let mut links = Links::verify(held.links, 0)?;
    let verified = run_with(proof, held, &mut links)?;
    links.all_used()?;
    Ok(verified)
}

/// [`verify_run_file`] with links that were verified, which need not all be about this run.
fn run_with(proof: &[u8], held: &Held<'_>, links: &mut Links) -> Result<(RunProof, RunVerdict), Rejected> {
    let run: RunProof = decode(Kind::Run, proof)?;
    if let Some(bytes) = held.data {
        let (_, given) = verify_data_file(bytes)?;
        let stated = run.statement.data.digest()?;
        if !links.join(&stated, &given) {
            return Err(Rejected::OtherData { stated, given });
        }
    }
    check_held(&run.statement, held)?;
    let verdict = verify_run(&run)?;
    Ok((run, verdict))
}

/// A verified report with the run that its model comes from.
pub struct VerifiedReport {
    /// The report.
    pub report: ReportProof,
    /// What it establishes.
    pub verdict: ReportVerdict,
    /// The run.
    pub run: RunProof,
    /// What the run establishes.
    pub run_verdict: RunVerdict,
    /// Whether the rows are of the data that the run was trained on, in the same commitment or one that links lead to.
    pub same_data: bool,
    /// Whether a link says that none of the rows of its data set is one of the data that the run was trained on.
    pub apart: bool,
    /// The run of the model that it is compared with, and what that establishes.
    pub other: Option<(RunProof, RunVerdict)>,
}

/// Decodes and fully checks a report and the run of its model. `held.data` is the commitment of the data that the report
/// evaluates, without which the validity of that data is not established, and the caller has to say so; nonce and
/// declaration are the run's.
///
/// # Soundness
/// That a report's equations are equations of integers rests on the bound of the model's weights, hence on the validity of
/// the training data: its commitment is needed, as `held.training`, or as `held.data` where both are one.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_report_file(proof: &[u8], run: &[u8], held: &Held<'_>) -> Result<VerifiedReport, Rejected> {
    let report: ReportProof = decode(Kind::Report, proof)?;
    let mut links = Links::verify(held.links, 0)?;
    let (run, run_verdict) = run_with(run, &Held { data: held.training, ..*held }, &mut links)?;
    let other = other_run(held, &mut links)?;
    let trained_on = run.statement.data.digest()?;
    let mut trained = held.training.is_some();
    if let Some(bytes) = held.data {
        let (_, given) = verify_data_file(bytes)?;
        let Input::Committed { data, .. } = &report.statement.input else { return Err(Rejected::NoData) };
        let stated = data.digest()?;
        if !links.join(&stated, &given) {
            return Err(Rejected::OtherData { stated, given });
        }
        trained |= links.join(&given, &trained_on);
    }
    if !trained {
        return Err(Rejected::TrainingData);
    }
    if let Some((of_other, _)) = &other {
        other_trained(&report, &of_other.statement, &run.statement, held, &mut links)?;
    }
    let same_data = match &report.statement.input {
        Input::Committed { data, .. } => links.join(&data.digest()?, &trained_on),
        Input::Public { .. } | Input::Table { .. } => false,
    };
    // Of a relation of rows both commitments have to be valid.
    let apart = match &report.statement.input {
        Input::Committed { data, .. } if held.data.is_some() => links.apart(&data.digest()?, &trained_on),
        Input::Committed { .. } | Input::Public { .. } | Input::Table { .. } => false,
    };
    let Some(last) = run.chunks.last() else {
        return Err(RunRejected::ChunkCount { expected: 1, got: 0 }.into());
    };
    let (of_model, record) = last_model(&report.statement.model_digest, &run_verdict, &last.model_out, &mut links);
    let verdict = match &other {
        Some((of_other, other_verdict)) => {
            let Some(end) = of_other.chunks.last() else {
                return Err(RunRejected::ChunkCount { expected: 1, got: 0 }.into());
            };
            let named = report.statement.against.as_ref().map_or(other_verdict.model_digest, |o| o.model_digest);
            let (of_second, second) = last_model(&named, other_verdict, &end.model_out, &mut links);
            let first = ModelOf { run: &of_model, statement: &run.statement, record: &record };
            let second = ModelOf { run: &of_second, statement: &of_other.statement, record: &second };
            verify_comparison(&report, first, second)?
        }
        None => verify_report(&report, &of_model, &run.statement, &record)?,
    };
    links.all_used()?;
    Ok(VerifiedReport { report, verdict, run, run_verdict, same_data, apart, other })
}

/// Fully checks a report on a public model with these weights. `held.data` is the commitment of the data that it
/// evaluates, without which the validity of that data is not established, and the caller has to say so.
///
/// # Soundness
/// The bound of the weights is counted here: no run and no training data are needed for it.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_public_report_with(
    report: &ReportProof,
    weights: &[i64],
    held: &Held<'_>,
) -> Result<ReportVerdict, Rejected> {
    let mut links = Links::verify(held.links, 0)?;
    if let Some(bytes) = held.data {
        let (_, given) = verify_data_file(bytes)?;
        let Input::Committed { data, .. } = &report.statement.input else { return Err(Rejected::NoData) };
        let stated = data.digest()?;
        if !links.join(&stated, &given) {
            return Err(Rejected::OtherData { stated, given });
        }
    }
    let verdict = verify_public_report(report, weights)?;
    links.all_used()?;
    Ok(verdict)
}

/// The run of the model that a report compares with, checked against its training data where that is given apart.
fn other_run(held: &Held<'_>, links: &mut Links) -> Result<Option<(RunProof, RunVerdict)>, Rejected> {
    let Some(bytes) = held.other_run else {
        // What is given is checked, or refused.
        let idle = held.other_training.is_some() || held.other_nonce.is_some() || held.other_declaration.is_some();
        return if idle { Err(ReportRejected::OtherModel { stated: false }.into()) } else { Ok(None) };
    };
    let of_other = held.of_other_run();
    run_with(bytes, &of_other, links).map(Some).map_err(|e| Rejected::Compared(Box::new(e)))
}

/// One of the valid commitments is that of the second model's training data: the bound of its weights rests on it.
fn other_trained(
    report: &ReportProof,
    other: &RunStatement,
    first: &RunStatement,
    held: &Held<'_>,
    links: &mut Links,
) -> Result<(), Rejected> {
    let trained_on = other.data.digest()?;
    // The first model's is checked: as `training`, or as `data`, which links lead from to it.
    let mut trained = held.other_training.is_some() || links.join(&first.data.digest()?, &trained_on);
    if let (Some(_), Input::Committed { data, .. }) = (held.data, &report.statement.input) {
        trained = trained || links.join(&data.digest()?, &trained_on);
    }
    if trained { Ok(()) } else { Err(Rejected::Compared(Box::new(Rejected::TrainingData))) }
}

/// The verdict on a run as one on the commitment that a proof names, and that commitment's record, if links lead to it
/// from the run's last model: then both hold the same weights, and the bounds of one are the other's. Else the run's own,
/// which the proof is compared with.
///
/// # Soundness
/// The links were verified.
#[must_use]
pub fn last_model(
    named: &[u8; 32],
    run: &RunVerdict,
    last: &ModelRecord,
    links: &mut Links,
) -> (RunVerdict, ModelRecord) {
    let (mut of_model, mut record) = (run.clone(), last.clone());
    if *named != run.model_digest
        && let Some(linked) = links.model(named).cloned()
        && links.join(&run.model_digest, named)
    {
        (of_model.model_digest, record) = (*named, linked);
    }
    (of_model, record)
}

/// A run, its verdict, and the verdict and record of [`last_model`].
type ModelOfRun = (RunProof, RunVerdict, (RunVerdict, ModelRecord));

/// [`verify_run_file`] for a proof about the run's last model, which names a commitment that links may lead to.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_model_of_run(proof: &[u8], named: &[u8; 32], held: &Held<'_>) -> Result<ModelOfRun, Rejected> {
    let mut links = Links::verify(held.links, 0)?;
    let (run, verdict) = run_with(proof, held, &mut links)?;
    let Some(last) = run.chunks.last() else {
        return Err(RunRejected::ChunkCount { expected: 1, got: 0 }.into());
    };
    let of_model = last_model(named, &verdict, &last.model_out, &mut links);
    links.all_used()?;
    Ok((run, verdict, of_model))
}

/// A verified link, and what stands on its sides.
pub struct VerifiedLink {
    /// The link.
    pub link: LinkProof,
    /// What it establishes.
    pub verdict: LinkVerdict,
    /// Of the first and the second commitment, whether it was checked beside the link.
    pub known: [bool; 2],
    /// The run that a model comes from, where it was given.
    pub run: Option<(RunProof, RunVerdict)>,
}

/// Decodes and fully checks a link: of data sets beside the commitment files of its sides, `held.data` and `to`; of models
/// beside the run that its first model is the last of. Further links lead from there to it.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_link_file(
    proof: &[u8],
    to: Option<&[u8]>,
    run: Option<&[u8]>,
    held: &Held<'_>,
) -> Result<VerifiedLink, Rejected> {
    let link: LinkProof = decode(Kind::Link, proof)?;
    let verdict = verify_link(&link)?;
    let mut links = Links::verify(held.links, 1)?;
    let models = matches!(link.statement.linked, Linked::Model { .. });
    let other = [("a data commitment", held.data.is_some() || to.is_some(), !models), ("a run", run.is_some(), models)];
    if let Some((what, ..)) = other.iter().find(|(_, given, wanted)| *given && !*wanted) {
        return Err(Rejected::LinkKind { what, models });
    }
    let mut known = [false; 2];
    for (i, (which, file)) in [("first", held.data), ("second", to)].into_iter().enumerate() {
        let Some(bytes) = file else { continue };
        let (_, given) = verify_data_file(bytes)?;
        let stated = if i == 0 { verdict.first } else { verdict.second };
        if !links.join(&stated, &given) {
            return Err(Rejected::NotLinked { which, stated, given });
        }
        known[i] = true;
    }
    let run = run.map(|run| run_with(run, &Held { data: None, ..*held }, &mut links)).transpose()?;
    if let Some((_, of_run)) = &run {
        if !links.join(&of_run.model_digest, &verdict.first) {
            let (stated, given) = (verdict.first, of_run.model_digest);
            return Err(Rejected::NotLinked { which: "first", stated, given });
        }
        known[0] = true;
    }
    links.all_used()?;
    Ok(VerifiedLink { link, verdict, known, run })
}
