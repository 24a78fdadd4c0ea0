//! Statements, chunks and runs.
use crate::data::{
    LOG_INV_RATE, config_of, data_statement, rebuild_data, rebuild_model, rows, seed32, values, verdict, with_data,
    words_of,
};
use crate::errors::Failed;
use crate::link::{borrowed, describe_link, with_links};
use crate::release::release_json;
use crate::report::report_json;
use crate::seeds::{Origins, data_record, held};
use crate::work;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::cell::RefCell;
use std::time::Instant;
use tacit_training::config::{Order, RunConfig};
use tacit_training::estimate::{Estimate, estimate, estimate_chunk};
use tacit_training::file::{self, Kind};
use tacit_training::link::Links;
use tacit_training::record::ModelRecord;
use tacit_training::release::ReleaseProof;
use tacit_training::report::{ModelOf, ReportProof, public_words, report_words};
use tacit_training::run::{ChunkInput, ChunkProof, RunProof, RunRejected, RunVerdict, prove_chunk_watched as prove};
use tacit_training::stage::Stage;
use tacit_training::statement::{Origin, PROTOCOL_VERSION, RunStatement, SECURITY_BITS, Start};
use tacit_training::tally::Tally;
use tacit_training::trainer::ModelState;
use tacit_training::verify::{DataFile, Held, last_model, verify_run_file};
use tacit_training::words::{Words, release_words, run_words, schedule_words};

/// The public statement of a run, before anything is proven; `start` is the record of a hidden start and the window of
/// its range check.
#[pyfunction]
pub fn run_statement<'py>(
    py: Python<'py>,
    config: &str,
    commitment: &[u8],
    start: Option<(Vec<u8>, u32)>,
    origins: &str,
    released: Vec<String>,
) -> PyResult<Bound<'py, PyBytes>> {
    let config = config_of(config)?;
    let origins: Origins<Origin> = Origins::parse(origins)?;
    let start = match (start, origins.start) {
        (Some((record, bits)), None) => {
            Start::Hidden { record: file::decode(Kind::Model, &record).map_err(Failed::from)?, bits }
        }
        (None, Some(origin)) => Start::Seed { origin },
        _ => return Err(Failed::usage("a start is either committed or from a seed").into()),
    };
    let shuffled = matches!(config.order, Order::Shuffled { .. });
    let s = RunStatement {
        version: PROTOCOL_VERSION,
        security_bits: SECURITY_BITS,
        log_inv_rate: LOG_INV_RATE,
        config,
        order_origin: origins.order.filter(|_| shuffled),
        data: data_record(commitment)?,
        start,
        released,
    };
    s.validate().map_err(|e| Failed::usage(e.to_string()))?;
    Ok(PyBytes::new(py, &file::encode(Kind::Statement, &s).map_err(Failed::from)?))
}

/// A statement as `run_statement` wrote it.
pub fn statement_of(bytes: &[u8]) -> Result<RunStatement, Failed> {
    Ok(file::decode(Kind::Statement, bytes)?)
}

/// Time, memory and size of a run's proof, as JSON.
#[pyfunction]
pub fn estimate_run(py: Python<'_>, statement: &[u8]) -> PyResult<String> {
    let s = statement_of(statement)?;
    Ok(py.detach(|| costs(&s.config, estimate(&s)))?)
}

/// The same for a run that is only planned; `start_bits` is the window of a hidden start.
#[pyfunction]
pub fn estimate_plan(py: Python<'_>, config: &str, commitment: &[u8], start_bits: Option<u32>) -> PyResult<String> {
    let (config, record) = (config_of(config)?, data_record(commitment)?);
    let start = start_bits.map(|bits| (None, bits));
    Ok(py.detach(|| costs(&config, estimate_chunk(&config, record.vector.shape, start, LOG_INV_RATE)))?)
}

fn costs(config: &RunConfig, estimate: Result<Estimate, RunRejected>) -> Result<String, Failed> {
    let e = estimate.map_err(|e| Failed::usage(e.to_string()))?;
    let json = serde_json::json!({
        "chunks": config.chunks(), "seconds": e.seconds * f64::from(config.chunks()), "memory": e.memory,
        "proof_bytes": e.proof_bytes * u64::from(config.chunks()), "rows_per_proof": e.rows_per_proof,
    });
    Ok(json.to_string())
}

/// A public file and the secret seed behind it.
pub type Opening = (PyBackedBytes, PyBackedBytes);

/// A chunk's proof, the record of the model after it, and the seconds of every stage.
type Proven<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Vec<(&'static str, f64)>);

/// Proves one chunk.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn prove_chunk<'py>(
    py: Python<'py>,
    statement: &[u8],
    index: u32,
    data: Opening,
    table: (PyBuffer<i32>, PyBuffer<i64>),
    state: (PyBuffer<i64>, Option<PyBuffer<i64>>),
    model_in: Option<Opening>,
    out: (PyBackedBytes, usize),
    secret: PyBackedBytes,
    progress: Option<Py<PyAny>>,
) -> PyResult<Proven<'py>> {
    let statement = statement_of(statement)?;
    let table = rows(py, &table.0, &table.1)?;
    let velocity = state.1.as_ref().map(|v| values(py, v)).transpose()?;
    let state = ModelState { weights: values(py, &state.0)?, velocity };
    crate::data::check_state(&statement.config, &state)?;
    table.validate(&statement.config).map_err(Failed::from)?;
    let data_seed = seed32(&data.1, "the data set's seed")?;
    let (out_seed, proofs) = (seed32(&out.0, "the model's seed")?, out.1);
    let secret = seed32(&secret, "the vault's secret")?;
    let start = match model_in {
        None => None,
        Some((record, seed)) => {
            let record: ModelRecord = file::decode(Kind::Model, &record).map_err(Failed::from)?;
            Some((record, seed32(&seed, "the start's seed")?))
        }
    };
    let seconds = estimate(&statement).map(|e| e.stages.to_vec()).unwrap_or_else(|_| vec![1.0; Stage::ALL.len()]);
    let (proof, model, seconds) = work::run(py, progress, seconds, move |begins| {
        let stages = RefCell::new(vec![("long-lived trees", Instant::now())]);
        let vector = rebuild_data(&statement.data, &table, &data_seed)?;
        let model_in = match start {
            None => None,
            Some((record, seed)) => Some(rebuild_model(&statement.config, record, &state, &seed)?),
        };
        let input = ChunkInput {
            statement: &statement,
            chunk: index,
            data: &vector,
            rows: &table,
            start: &state,
            model_in: model_in.as_ref(),
            proofs: proofs + 1,
            seed: &out_seed,
        };
        let made = prove(&input, &secret, &|stage| {
            stages.borrow_mut().push((stage.name(), Instant::now()));
            begins(stage as usize);
        })?;
        let ends = stages.borrow().iter().skip(1).map(|s| s.1).chain([Instant::now()]).collect::<Vec<_>>();
        let seconds = stages.borrow().iter().zip(ends).map(|(s, end)| (s.0, (end - s.1).as_secs_f64())).collect();
        Ok((file::encode(Kind::Chunk, &made.proof)?, file::encode(Kind::Model, &made.model_out.record)?, seconds))
    })?;
    Ok((PyBytes::new(py, &proof), PyBytes::new(py, &model), seconds))
}

/// One file of all chunk proofs.
#[pyfunction]
pub fn assemble_run<'py>(py: Python<'py>, statement: &[u8], chunks: Vec<Vec<u8>>) -> PyResult<Bound<'py, PyBytes>> {
    let statement = statement_of(statement)?;
    let chunks = chunks.iter().map(|c| file::decode::<ChunkProof>(Kind::Chunk, c)).collect::<Result<_, _>>();
    let run = RunProof { statement, chunks: chunks.map_err(Failed::from)? };
    Ok(PyBytes::new(py, &file::encode(Kind::Run, &run).map_err(Failed::from)?))
}

/// A run and the models at its chunk boundaries.
pub fn run_json(run: &RunProof) -> serde_json::Value {
    let records: Vec<&ModelRecord> = run.chunks.iter().map(|c| &c.model_out).collect();
    serde_json::json!({ "kind": "run", "run": run.statement, "models": records })
}

/// Checks a run's proof against what the verifier holds.
#[pyfunction]
#[pyo3(signature = (proof, commitment, links, nonce, declaration))]
pub fn verify_run(
    py: Python<'_>,
    proof: PyBackedBytes,
    commitment: Option<PyBackedBytes>,
    links: Vec<PyBackedBytes>,
    nonce: Option<PyBackedBytes>,
    declaration: Option<PyBackedBytes>,
) -> PyResult<String> {
    work::fenced(py, move || {
        let links = borrowed(&links);
        let of_data = held(commitment.as_deref(), nonce.as_deref(), declaration.as_deref())?;
        let held = Held { links: &links, ..of_data };
        let (run, v) = verify_run_file(&proof, &held)?;
        let mut tally = Tally::of_run(&v);
        if let Some(bytes) = held.data {
            tally = with_data(tally, "data", &data_record(bytes)?)?;
        }
        let mut words = run_words(&run.statement, &v, &held);
        with_links(&mut words, &mut tally, &links)?;
        words.shown.push(tally.words());
        verdict(&words, &tally, run_json(&run))
    })
}

/// What a file holds, by its first bytes.
#[pyfunction]
pub fn file_kind(bytes: &[u8]) -> PyResult<&'static str> {
    let kinds = [
        (Kind::Data, "data"),
        (Kind::Run, "run"),
        (Kind::Release, "release"),
        (Kind::Model, "model"),
        (Kind::Statement, "statement"),
        (Kind::Chunk, "chunk"),
        (Kind::Report, "report"),
        (Kind::Link, "link"),
    ];
    let got = file::kind(bytes).map_err(Failed::from)?;
    let found = kinds.iter().find(|(kind, _)| *kind as u8 == got);
    Ok(found.ok_or_else(|| Failed::unreadable("format", format!("files of kind {got} are unknown")))?.1)
}

/// The run beside a release or a report whose description is wanted, unchecked: its error terms follow from it.
fn of_run(run: Option<&[u8]>) -> Result<Option<(RunProof, RunVerdict)>, Failed> {
    let Some(bytes) = run else { return Ok(None) };
    let run: RunProof = file::decode(Kind::Run, bytes)?;
    let v = tacit_training::run::stated(&run)?;
    Ok(Some((run, v)))
}

fn no_terms(words: &mut Words, what: &str) {
    words.not_shown.push(format!("how likely a false proof passes: the terms of a {what} follow from its run (--run)"));
}

/// The verdict on a model's run, and the model's record.
type OfModel = (RunVerdict, ModelRecord);

/// The verdict and record of the model that a proof names, where the run ends with it or links lead to it.
fn named_model(named: &[u8; 32], (run, v): &(RunProof, RunVerdict), links: &mut Links) -> Result<OfModel, Failed> {
    let Some(last) = run.chunks.last() else { return Err(no_chunks()) };
    Ok(last_model(named, v, &last.model_out, links))
}

fn describe_release(
    bytes: &[u8],
    run: Option<&[u8]>,
    links: &mut Links,
) -> Result<(Words, Tally, serde_json::Value), Failed> {
    let release: ReleaseProof = file::decode(Kind::Release, bytes)?;
    let (mut words, mut tally) = (release_words(&release.statement), Tally::default());
    match &of_run(run)? {
        Some(of_run) => {
            let (v, record) = named_model(&release.statement.model_digest, of_run, links)?;
            let stated = tacit_training::release::stated(&release, &v, &of_run.0.statement, &record)?;
            tally = Tally::of_run(&of_run.1);
            tally.add("release", &stated.soundness);
        }
        None => no_terms(&mut words, "release"),
    }
    Ok((words, tally, serde_json::json!({ "kind": "release", "release": release_json(&release.statement) })))
}

fn describe_report(
    bytes: &[u8],
    run: Option<&[u8]>,
    other: Option<&[u8]>,
    links: &mut Links,
) -> Result<(Words, Tally, serde_json::Value), Failed> {
    let report: ReportProof = file::decode(Kind::Report, bytes)?;
    let (mut words, mut tally) = (report_words(&report.statement, None, false), Tally::default());
    if let Some(public) = &report.statement.public {
        words = words.and(public_words(public, false));
    }
    let (first, second) = (of_run(run)?, of_run(other)?);
    let against = &report.statement.against;
    if other.is_some() && against.is_none() {
        return Err(Failed::usage("the report compares no models: the second run is for one that does".to_string()));
    }
    match (&first, &second) {
        (Some(_), None) if against.is_some() => no_second(&mut words),
        (Some(of_first), _) => {
            let of = |named, of_run, links: &mut Links| named_model(named, of_run, links);
            let (v, record) = of(&report.statement.model_digest, of_first, links)?;
            let model = ModelOf { run: &v, statement: &of_first.0.statement, record: &record };
            let named = against.as_ref().map_or([0; 32], |o| o.model_digest);
            let end = second.as_ref().map(|of_second| of(&named, of_second, links)).transpose()?;
            let beside = second.as_ref().zip(end.as_ref());
            let beside = beside.map(|((run, _), (v, record))| ModelOf { run: v, statement: &run.statement, record });
            let stated = tacit_training::report::stated(&report, model, beside)?;
            tally = Tally::of_run(&of_first.1);
            tally.add("report", &stated.soundness);
            if let Some((_, v)) = &second {
                tally.add_other_run("second model", v);
            }
        }
        (None, _) if report.statement.public.is_some() => {
            words.not_shown.push("how likely a false proof passes: verify lists the terms".to_string());
        }
        (None, _) => no_terms(&mut words, "report"),
    }
    Ok((words, tally, serde_json::json!({ "kind": "report", "report": report_json(&report.statement) })))
}

fn no_second(words: &mut Words) {
    let missing = "how likely a false proof passes: the terms of a comparison follow from both runs (--run, --other)";
    words.not_shown.push(missing.to_string());
}

fn no_chunks() -> Failed {
    Failed::rejected("proof", "ChunkCount", "the run has no chunks")
}

/// What a file states, without checking its proof; beside a release or a report, the run that its terms follow from.
#[pyfunction]
#[pyo3(signature = (bytes, run, other, links))]
pub fn describe(
    py: Python<'_>,
    bytes: PyBackedBytes,
    run: Option<PyBackedBytes>,
    other: Option<PyBackedBytes>,
    links: Vec<PyBackedBytes>,
) -> PyResult<String> {
    work::fenced(py, move || {
        let (bytes, run, other): (&[u8], _, _) = (&bytes, run.as_deref(), other.as_deref());
        let files = borrowed(&links);
        let mut links = Links::stated(&files)?;
        let kind = file::kind(bytes)?;
        let (mut words, mut tally, statement) = match kind {
            k if k == Kind::Data as u8 => {
                let body: DataFile = file::decode(Kind::Data, bytes)?;
                let digest = body.record.digest().map_err(|e| Failed::usage(e.to_string()))?;
                let tally = with_data(Tally::default(), "data", &body.record)?;
                (words_of(&body, &digest), tally, data_statement(&body, &digest))
            }
            k if k == Kind::Run as u8 => {
                let run: RunProof = file::decode(Kind::Run, bytes)?;
                let v = tacit_training::run::stated(&run)?;
                let mut words: Words = run_words(&run.statement, &v, &Held::default());
                words.shown.extend(schedule_words(&run.statement.config));
                (words, Tally::of_run(&v), run_json(&run))
            }
            k if k == Kind::Release as u8 => describe_release(bytes, run, &mut links)?,
            k if k == Kind::Report as u8 => describe_report(bytes, run, other, &mut links)?,
            k if k == Kind::Link as u8 => describe_link(bytes)?,
            other => return Err(Failed::usage(format!("{} has no description", file::kind_words(other)))),
        };
        words.not_shown.insert(0, "whether any of this holds: the proof was not checked".to_string());
        let of_model = kind == Kind::Release as u8 || kind == Kind::Report as u8;
        if run.is_some() && !of_model {
            return Err(Failed::usage("the run is for a release or a report".to_string()));
        }
        if other.is_some() && (kind != Kind::Report as u8 || run.is_none()) {
            return Err(Failed::usage(
                "the second run is for a comparison of two models, beside the first".to_string(),
            ));
        }
        let beside = of_model && run.is_some();
        if !(files.is_empty() || beside) {
            return Err(Failed::usage("links are for a release or a report beside its run".to_string()));
        }
        with_links(&mut words, &mut tally, &files)?;
        verdict(&words, &tally, statement)
    })
}
