//! Commitments of data sets and models.
use crate::errors::Failed;
use crate::work;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tacit_argument::entropy::Entropy;
use tacit_argument::field::F;
use tacit_argument::hiding::wipe;
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::opening::{LongLived, PIN_BLOCK, long_lived_shape};
use tacit_training::config::RunConfig;
use tacit_training::estimate::commitment_memory;
use tacit_training::file::{self, Kind};
use tacit_training::record::{DataRecord, Labels, ModelRecord, RECORD_VERSION, SUITE_BLAKE3, Vector};
use tacit_training::run;
use tacit_training::tally::Tally;
use tacit_training::trainer::{Data, ModelState};
use tacit_training::validity::{commit_data, data_payload, error_terms};
use tacit_training::verify::{DataFile, schema_id, verify_data_file};
use tacit_training::words::{Words, data_words};

/// log2 of the inverse rate of every tree.
pub const LOG_INV_RATE: u8 = 2;

#[derive(Deserialize)]
struct Description {
    rows: u32,
    features: u32,
    label_columns: u32,
    label_kind: String,
    classes: u32,
    fa: u32,
    data_bits: u32,
    schema_id: String,
    schema: String,
    names: Option<Vec<String>>,
    released: Vec<String>,
    proofs: usize,
    /// Bytes that committing may take.
    memory: u64,
}

pub fn seed32(bytes: &[u8], what: &str) -> Result<[u8; 32], Failed> {
    bytes.try_into().map_err(|_| Failed::usage(format!("{what} has {} bytes, not 32", bytes.len())))
}

/// Contiguous values of a buffer.
pub fn values<T: pyo3::buffer::Element>(py: Python<'_>, b: &PyBuffer<T>) -> PyResult<Vec<T>> {
    if !b.is_c_contiguous() {
        return Err(Failed::usage("an array is not contiguous").into());
    }
    b.to_vec(py)
}

fn narrow(v: &[i64]) -> Result<Vec<i32>, Failed> {
    v.iter().map(|&x| i32::try_from(x).map_err(|_| Failed::usage(format!("label {x} does not fit 32 bits")))).collect()
}

/// Column-major to row-major.
fn transposed(columns: &[i32], n: usize) -> Vec<i32> {
    let d = columns.len() / n.max(1);
    (0..columns.len()).map(|i| columns[(i % d) * n + i / d]).collect()
}

fn labels(d: &Description) -> Result<Labels, Failed> {
    match d.label_kind.as_str() {
        "class" => Ok(Labels::Class { classes: d.classes }),
        "binary" => Ok(Labels::Binary { outputs: d.label_columns }),
        "real" => Ok(Labels::Real { outputs: d.label_columns, bits: d.data_bits }),
        other => Err(Failed::usage(format!("labels of kind {other:?} cannot be committed"))),
    }
}

type Made = (Vec<u8>, Vec<u8>, u64, u64);

fn make(d: Description, data: Data, seed: [u8; 32], secret: [u8; 32]) -> Result<Made, Failed> {
    let labels = labels(&d)?;
    let id = schema_id(&d.schema);
    if tacit_training::words::hex(&id) != d.schema_id {
        return Err(Failed::usage("the schema id is not the hash of the schema document"));
    }
    let stride = log2_ceil(d.rows as usize);
    let cells = (d.features as usize + labels.columns() as usize) << stride;
    let rate = usize::from(LOG_INV_RATE);
    // One opening more for the validity proof, one more in reserve for a proof of equality.
    let shape = long_lived_shape(cells, stride, d.proofs + 2, rate).map_err(|e| Failed::usage(e.to_string()))?;
    let rows = (shape.block - PIN_BLOCK) as u64;
    let record = DataRecord {
        version: RECORD_VERSION,
        rows: d.rows,
        features: d.features,
        labels,
        fa: d.fa,
        data_bits: d.data_bits,
        schema: id,
        names: d.names,
        released: d.released,
        vector: Vector { suite: SUITE_BLAKE3, log_inv_rate: LOG_INV_RATE, shape, row_budget: rows, root: [0; 32] },
        pin: Default::default(),
    };
    fits(&record, d.memory)?;
    let mut payload = data_payload(&record, &data);
    let context = Sha256::new().chain_update(b"tacit/commit").chain_update(seed).finalize().into();
    let entropy = Entropy::fresh(&secret, &context).map_err(|e| Failed::usage(e.to_string()))?;
    let made = commit_data(record, &payload, &seed, entropy)?;
    wipe::<F>(&mut payload);
    let queries = queries(&shape)? as u64;
    let digest = made.record.digest().map_err(|e| Failed::usage(e.to_string()))?;
    let body = DataFile { record: made.record, schema: d.schema, proof: made.proof };
    // What the validity proof opened is spent already.
    Ok((digest.to_vec(), file::encode(Kind::Data, &body)?, rows - queries, queries))
}

/// Refuses what would not fit the memory, and tells how many rows would.
fn fits(record: &DataRecord, limit: u64) -> Result<(), Failed> {
    let needed = |rows: u32| -> Result<u64, Failed> {
        let mut less = record.clone();
        less.rows = rows;
        let stride = log2_ceil(rows as usize);
        let block = record.vector.shape.block - record.vector.shape.block % (1 << stride);
        let cells = (record.columns() as usize) << stride;
        let columns = cells.div_ceil(record.vector.shape.height() - block).max(1);
        less.vector.shape.columns = columns;
        commitment_memory(&less).map_err(|e| Failed::usage(e.to_string()))
    };
    let bytes = commitment_memory(record).map_err(|e| Failed::usage(e.to_string()))?;
    if bytes <= limit {
        return Ok(());
    }
    let mut rows = record.rows / 2;
    while rows > 0 && needed(rows)? > limit {
        rows /= 2;
    }
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    Err(Failed::usage(format!(
        "committing {} rows of {} columns takes about {:.1} GB of memory, the limit is {:.1} GB: commit fewer \
         rows as one data set ({rows} would fit), or fewer columns",
        record.rows,
        record.columns(),
        gigabytes(bytes),
        gigabytes(limit)
    )))
}

/// Rows that one proof opens of each of its trees.
pub fn queries(shape: &tacit_argument::opening::VectorShape) -> Result<usize, Failed> {
    tacit_argument::opening::queries_for(usize::from(LOG_INV_RATE), shape.log_height.max(11), 1)
        .map_err(|e| Failed::usage(e.to_string()))
}

/// `(digest, file, rows, reserve)` of a data set given column by column.
#[pyfunction]
pub fn commit_dataset<'py>(
    py: Python<'py>,
    description: &str,
    features: PyBuffer<i32>,
    labels: PyBuffer<i64>,
    seed: PyBackedBytes,
    secret: PyBackedBytes,
    progress: Option<Py<PyAny>>,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64, u64)> {
    let d: Description = serde_json::from_str(description).map_err(|e| Failed::usage(format!("description: {e}")))?;
    let (seed, secret) = (seed32(&seed, "the seed")?, seed32(&secret, "the vault's secret")?);
    let n = d.rows as usize;
    let data = Data {
        features: transposed(&values(py, &features)?, n),
        labels: transposed(&narrow(&values(py, &labels)?)?, n),
    };
    if data.features.len() != n * d.features as usize || data.labels.len() != n * d.label_columns as usize || n == 0 {
        return Err(Failed::usage("the arrays do not have the described shape").into());
    }
    let expected = 1e-6 * (data.features.len() as f64) + 1.0;
    let (digest, file, rows, reserve) = work::run(py, progress, vec![expected], move |_| make(d, data, seed, secret))?;
    Ok((PyBytes::new(py, &digest), PyBytes::new(py, &file), rows, reserve))
}

/// `(digest, file, rows, reserve)` of a model's weights; `for_reports` if it is trained no further.
#[pyfunction]
pub fn commit_model<'py>(
    py: Python<'py>,
    config: &str,
    weights: PyBuffer<i64>,
    velocity: Option<PyBuffer<i64>>,
    seed: PyBackedBytes,
    proofs: usize,
    for_reports: bool,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64, u64)> {
    let config = config_of(config)?;
    let velocity = velocity.as_ref().map(|v| values(py, v)).transpose()?;
    let (seed, state) = (seed32(&seed, "the seed")?, ModelState { weights: values(py, &weights)?, velocity });
    let (record, rows, reserve) = py.detach(|| -> Result<_, Failed> {
        check_state(&config, &state)?;
        let commit = if for_reports { run::commit_for_reports } else { run::commit_state };
        let made = commit(&config, &state, LOG_INV_RATE, proofs + 1, &seed)?;
        let reserve = queries(&made.record.vector.shape)? as u64;
        let rows = made.record.vector.row_budget;
        Ok((made.record, rows, reserve))
    })?;
    let digest = record.digest().map_err(|e| Failed::usage(e.to_string()))?;
    let bytes = file::encode(Kind::Model, &record).map_err(Failed::from)?;
    Ok((PyBytes::new(py, &digest), PyBytes::new(py, &bytes), rows, reserve))
}

pub fn config_of(json: &str) -> Result<RunConfig, Failed> {
    let config: RunConfig = serde_json::from_str(json).map_err(|e| Failed::usage(format!("configuration: {e}")))?;
    config.validate().map_err(|e| Failed::usage(format!("invalid configuration: {e}")))?;
    Ok(config)
}

pub fn check_state(config: &RunConfig, state: &ModelState) -> Result<(), Failed> {
    let expected = config.weight_count();
    for values in core::iter::once(&state.weights).chain(&state.velocity) {
        if values.len() != expected {
            return Err(Failed::usage(format!("{} weights for an architecture of {expected}", values.len())));
        }
    }
    Ok(())
}

/// A data set as trained on, from row-major arrays.
pub fn rows(py: Python<'_>, features: &PyBuffer<i32>, labels: &PyBuffer<i64>) -> PyResult<Data> {
    Ok(Data { features: values(py, features)?, labels: narrow(&values(py, labels)?)? })
}

/// The tree of a committed data set, rebuilt from its seed.
pub fn rebuild_data(record: &DataRecord, data: &Data, seed: &[u8; 32]) -> Result<LongLived, Failed> {
    let mut payload = data_payload(record, data);
    let vector = LongLived::commit(record.vector.shape, usize::from(record.vector.log_inv_rate), &payload, seed);
    wipe(&mut payload);
    let vector = vector.map_err(|e| Failed::usage(e.to_string()))?;
    same_root(vector.root(), record.vector.root, "data set")?;
    Ok(vector)
}

/// The commitment of a model, rebuilt from its seed.
pub fn rebuild_model(
    config: &RunConfig,
    record: ModelRecord,
    state: &ModelState,
    seed: &[u8; 32],
) -> Result<run::ModelCommitment, Failed> {
    // The start of a run holds no velocity: it is the constant 0.
    let velocity = state.velocity.as_deref().filter(|_| record.velocity);
    let mut payload = tacit_training::relation::model_payload(config, &state.weights, velocity);
    let vector = LongLived::commit(record.vector.shape, usize::from(record.vector.log_inv_rate), &payload, seed);
    wipe(&mut payload);
    let vector = vector.map_err(|e| Failed::usage(e.to_string()))?;
    same_root(vector.root(), record.vector.root, "model")?;
    Ok(run::ModelCommitment { vector, record })
}

fn same_root(got: [u8; 32], expected: [u8; 32], what: &str) -> Result<(), Failed> {
    if got == expected {
        Ok(())
    } else {
        Err(Failed::usage(format!("these are not the {what} and seed of the commitment")))
    }
}

/// Checks a data commitment and its validity proof.
#[pyfunction]
pub fn verify_commitment(py: Python<'_>, bytes: PyBackedBytes) -> PyResult<String> {
    work::fenced(py, move || {
        let (body, digest) = verify_data_file(&bytes)?;
        let tally = with_data(Tally::default(), "data", &body.record)?;
        let mut words = words_of(&body, &digest);
        words.shown.push(tally.words());
        verdict(&words, &tally, data_statement(&body, &digest))
    })
}

/// The words of a data commitment, with what its schema document names.
pub fn words_of(body: &DataFile, digest: &[u8; 32]) -> Words {
    let mut words = data_words(&body.record, digest);
    let schema: serde_json::Value = serde_json::from_str(&body.schema).unwrap_or_default();
    let named = &schema["names"];
    if let Some(target) = named["target"].as_str() {
        words.shown.push(format!("The labels are called, by the owner's word: {target:?}."));
    }
    if let Some(classes) = named["classes"].as_array() {
        let all: Vec<String> = classes.iter().filter_map(|c| c.as_str()).map(|c| format!("{c:?}")).collect();
        words.shown.push(format!("The classes are called, from 0 and by the owner's word: {}.", all.join(", ")));
    }
    words
}

pub fn data_statement(body: &DataFile, digest: &[u8; 32]) -> serde_json::Value {
    let schema: serde_json::Value = serde_json::from_str(&body.schema).unwrap_or_default();
    serde_json::json!({ "kind": "data", "digest": tacit_training::words::hex(digest), "record": body.record, "schema": schema })
}

/// With the validity proof of a data set that the verdict rests on.
pub fn with_data(mut tally: Tally, what: &str, record: &DataRecord) -> Result<Tally, Failed> {
    tally.add(what, &error_terms(record)?);
    Ok(tally)
}

/// The JSON of a verdict.
pub fn verdict(words: &Words, tally: &Tally, statement: serde_json::Value) -> Result<String, Failed> {
    let v = serde_json::json!({
        "shown": words.shown, "not_shown": words.not_shown, "soundness": tally.lines(), "statement": statement
    });
    serde_json::to_string(&v).map_err(|e| Failed::usage(e.to_string()))
}
