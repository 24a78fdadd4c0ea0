//! Verification of files: bytes in, verdict or the named check out. What a command, a page or a contract's host calls.
use crate::file::{FileError, Kind, decode};
use crate::record::{DataRecord, RecordError};
use crate::report::{Input, ReportProof, ReportRejected, ReportVerdict, verify_report};
use crate::run::{RunProof, RunRejected, RunVerdict, verify_run};
use crate::seed::Origin;
use crate::statement::RunStatement;
use crate::validity::{ValidityError, verify_data};
use crate::words::hex;
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
    /// The nonce that the verifier issued for this run.
    pub nonce: Option<[u8; 32]>,
    /// The digest of the run's declaration.
    pub declaration: Option<[u8; 32]>,
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
    /// A digest cannot be computed, never for a decoded record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The run's proof is rejected.
    #[error(transparent)]
    Run(#[from] RunRejected),
    /// The report's proof is rejected.
    #[error(transparent)]
    Report(#[from] ReportRejected),
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
    let run: RunProof = decode(Kind::Run, proof)?;
    if let Some(bytes) = held.data {
        let (body, given) = verify_data_file(bytes)?;
        if body.record != run.statement.data {
            return Err(Rejected::OtherData { stated: run.statement.data.digest()?, given });
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
    let (run, run_verdict) = verify_run_file(run, &Held { data: held.training, ..*held })?;
    let mut trained = held.training.is_some();
    if let Some(bytes) = held.data {
        let (body, given) = verify_data_file(bytes)?;
        let Input::Committed { data, .. } = &report.statement.input else { return Err(Rejected::NoData) };
        if body.record != *data {
            return Err(Rejected::OtherData { stated: data.digest()?, given });
        }
        trained |= body.record == run.statement.data;
    }
    if !trained {
        return Err(Rejected::TrainingData);
    }
    let Some(last) = run.chunks.last() else {
        return Err(RunRejected::ChunkCount { expected: 1, got: 0 }.into());
    };
    let verdict = verify_report(&report, &run_verdict, &run.statement, &last.model_out)?;
    Ok(VerifiedReport { report, verdict, run, run_verdict })
}
