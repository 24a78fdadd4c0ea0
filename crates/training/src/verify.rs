//! Verification of files: bytes in, verdict or the named check out. What a command, a page or a contract's host calls.
use crate::file::{FileError, Kind, decode};
use crate::record::{DataRecord, RecordError};
use crate::report::{Input, ReportProof, ReportRejected, ReportVerdict, verify_report};
use crate::run::{RunProof, RunRejected, RunVerdict, verify_run};
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

/// Decodes and fully checks a run against the data commitment that it must be about; without one the validity of the
/// data is not established, and the caller has to say so.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_run_file(proof: &[u8], commitment: Option<&[u8]>) -> Result<(RunProof, RunVerdict), Rejected> {
    let run: RunProof = decode(Kind::Run, proof)?;
    if let Some(bytes) = commitment {
        let (body, given) = verify_data_file(bytes)?;
        if body.record != run.statement.data {
            return Err(Rejected::OtherData { stated: run.statement.data.digest()?, given });
        }
    }
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
    /// Whether the training data is the data set that was checked.
    pub training_checked: bool,
}

/// Decodes and fully checks a report and the run of its model, against the commitment of the data that it evaluates;
/// without one the validity of that data is not established, and the caller has to say so.
///
/// # Errors
/// [`Rejected`] naming the check.
pub fn verify_report_file(proof: &[u8], run: &[u8], commitment: Option<&[u8]>) -> Result<VerifiedReport, Rejected> {
    let report: ReportProof = decode(Kind::Report, proof)?;
    let mut training_checked = false;
    let (run, run_verdict) = verify_run_file(run, None)?;
    if let Some(bytes) = commitment {
        let (body, given) = verify_data_file(bytes)?;
        let Input::Committed { data, .. } = &report.statement.input else { return Err(Rejected::NoData) };
        if body.record != *data {
            return Err(Rejected::OtherData { stated: data.digest()?, given });
        }
        training_checked = body.record == run.statement.data;
    }
    let Some(last) = run.chunks.last() else {
        return Err(RunRejected::ChunkCount { expected: 1, got: 0 }.into());
    };
    let verdict = verify_report(&report, &run_verdict, &run.statement, &last.model_out)?;
    Ok(VerifiedReport { report, verdict, run, run_verdict, training_checked })
}
