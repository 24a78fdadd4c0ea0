//! Declarations, seeds, and what follows from a seed.
use crate::data::{config_of, seed32};
use crate::errors::Failed;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Deserialize;
use tacit_training::config::RunConfig;
use tacit_training::file::{self, Kind};
use tacit_training::initial;
use tacit_training::record::{DataRecord, ModelRecord};
use tacit_training::seed::{self, Announced, Declaration, DeclaredStart, Origin};
use tacit_training::statement::StatementError;
use tacit_training::verify::{DataFile, Held};

/// Who gives the seeds of a run: of the order, and of a public start. `T` is known before or after the nonces are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origins<T> {
    /// Of a shuffled order.
    pub order: Option<T>,
    /// Of a public start.
    pub start: Option<T>,
}

impl<T: for<'de> Deserialize<'de>> Origins<T> {
    pub fn parse(json: &str) -> Result<Self, Failed> {
        serde_json::from_str(json).map_err(|e| Failed::usage(format!("origins: {e}")))
    }
}

pub fn data_record(commitment: &[u8]) -> Result<DataRecord, Failed> {
    Ok(file::decode::<DataFile>(Kind::Data, commitment)?.record)
}

fn digest_of(commitment: &[u8]) -> Result<[u8; 32], Failed> {
    data_record(commitment)?.digest().map_err(|e| Failed::usage(e.to_string()))
}

/// The digest of a declared run; `start` is the record of a hidden start and the window of its range check.
#[pyfunction]
pub fn declare<'py>(
    py: Python<'py>,
    config: &str,
    commitment: &[u8],
    start: Option<(Vec<u8>, u32)>,
    origins: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let config = config_of(config)?;
    let announced: Origins<Announced> = Origins::parse(origins)?;
    let start = match (start, announced.start) {
        (Some((record, bits)), None) => {
            let record: ModelRecord = file::decode(Kind::Model, &record).map_err(Failed::from)?;
            let digest = record.digest().map_err(|e| Failed::usage(e.to_string()))?;
            DeclaredStart::Hidden { digest, bits }
        }
        (None, Some(origin)) => DeclaredStart::Seed { origin },
        _ => return Err(Failed::usage("a start is either committed or from a seed").into()),
    };
    let declaration = Declaration::new(digest_of(commitment)?, start, announced.order, &config);
    let digest = declaration.digest().map_err(|e| Failed::usage(e.to_string()))?;
    Ok(PyBytes::new(py, &digest))
}

/// The seed of a purpose; `declaration` is needed if the nonce is not the prover's own.
#[pyfunction]
pub fn derive_seed<'py>(
    py: Python<'py>,
    purpose: &str,
    origin: &str,
    config: &str,
    commitment: &[u8],
    declaration: Option<&[u8]>,
) -> PyResult<Bound<'py, PyBytes>> {
    let origin: Origin = serde_json::from_str(origin).map_err(|e| Failed::usage(format!("origin: {e}")))?;
    let config: RunConfig = serde_json::from_str(config).map_err(|e| Failed::usage(format!("configuration: {e}")))?;
    let declaration = declaration.map(|d| seed32(d, "the declaration")).transpose()?;
    if declaration.is_none() && origin.is_later() {
        return Err(Failed::usage("a nonce from outside needs a declared run").into());
    }
    let held = || Ok::<_, StatementError>(declaration.unwrap_or_default());
    let seed = seed::seed(purpose, &origin, (&digest_of(commitment)?, &config), held);
    let seed = seed.map_err(|e| Failed::usage(e.to_string()))?;
    Ok(PyBytes::new(py, &seed))
}

/// The initial weights of a public start, little-endian.
#[pyfunction]
pub fn initial_weights<'py>(py: Python<'py>, config: &str, seed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let config: RunConfig = serde_json::from_str(config).map_err(|e| Failed::usage(format!("configuration: {e}")))?;
    let seed = seed32(seed, "the seed")?;
    let weights = py.detach(|| initial::initial_weights(&config, &seed));
    let bytes: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
    Ok(PyBytes::new(py, &bytes))
}

/// What a verifier holds, from optional bytes.
pub fn held<'a>(data: Option<&'a [u8]>, nonce: Option<&[u8]>, declaration: Option<&[u8]>) -> Result<Held<'a>, Failed> {
    Ok(Held {
        data,
        training: None,
        other_run: None,
        other_training: None,
        other_nonce: None,
        other_declaration: None,
        nonce: nonce.map(|n| seed32(n, "the nonce")).transpose()?,
        declaration: declaration.map(|d| seed32(d, "the declaration")).transpose()?,
        links: &[],
    })
}
