//! Reports on a public model: its weights from a file, plan, proof, check.
use crate::data::{rebuild_data, rows, seed32, values, verdict, with_data};
use crate::errors::Failed;
use crate::link::{borrowed, with_links};
use crate::release::release_json;
use crate::report::{Made, Table, made, on_rows, plan_json, reads, report_json, unit_checked};
use crate::run::{Opening, run_json};
use crate::seeds::{data_record, held};
use crate::tensors::{check_tensors, read_tensors};
use crate::work;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use tacit_training::file::{self, Kind};
use tacit_training::release::{LayerNames, ReleaseProof, verify_release as verify_release_proof};
use tacit_training::report::{
    Groups, Input, PublicInput, PublicModel, PublicTrees, ReportProof, ReportRejected, plan_public_report as plan,
    prove_public_report as prove, public_words, report_words, weights_digest,
};
use tacit_training::run::RunProof;
use tacit_training::tally::Tally;
use tacit_training::trainer::Data;
use tacit_training::verify::{Held, verify_model_of_run, verify_public_report_with};
use tacit_training::words::{Words, release_words, run_words};

/// The model in a file of a run's architecture, with `bits` fractional bits: `(description as JSON, weights)`.
#[pyfunction]
pub fn public_model<'py>(
    py: Python<'py>,
    file: PyBackedBytes,
    config: &str,
    bits: u32,
    names: Vec<LayerNames>,
) -> PyResult<(String, Bound<'py, PyBytes>)> {
    let of_run = crate::data::config_of(config)?;
    let mut model = PublicModel {
        architecture: of_run.architecture,
        fa: of_run.scales.fa,
        bits,
        data_bits: of_run.data_bits,
        names,
        weights: [0; 32],
    };
    let config = model.config().map_err(|e| Failed::usage(e.to_string()))?;
    let (weights, _) = py.detach(|| read_tensors(&file, &config, &model.names, bits))?;
    model.weights = weights_digest(&weights).map_err(|e| Failed::usage(e.to_string()))?;
    let json = serde_json::to_string(&model).map_err(|e| Failed::usage(e.to_string()))?;
    let bytes: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
    Ok((json, PyBytes::new(py, &bytes)))
}

fn described(json: &str) -> Result<PublicModel, Failed> {
    serde_json::from_str(json).map_err(|e| Failed::usage(format!("description of a public model: {e}")))
}

fn input_of<'a>(
    model: &'a PublicModel,
    weights: &'a [i64],
    input: &'a Input,
    data: Option<&'a Data>,
    groups: Option<&'a Groups>,
    hidden: &'a [u32],
) -> PublicInput<'a> {
    PublicInput { model, weights, input, data, groups, hidden }
}

/// What a report on a public model will state and cost, as JSON. For the owner of the rows alone.
#[pyfunction]
pub fn plan_public_report(
    py: Python<'_>,
    model: &str,
    weights: PyBuffer<i64>,
    commitment: Option<PyBackedBytes>,
    table: Table,
    outputs: Option<PyBackedBytes>,
    request: &str,
) -> PyResult<String> {
    let (weights, table) = (values(py, &weights)?, rows(py, &table.0, &table.1)?);
    let model = described(model)?;
    let (input, table, _, request) = on_rows(commitment.as_deref(), table, outputs.as_deref(), request)?;
    let asked = input_of(&model, &weights, &input, table.as_ref(), request.groups.as_ref(), &request.hidden);
    let p = py.detach(|| plan(&asked, &request.asked)).map_err(Failed::from)?;
    Ok(plan_json(&p))
}

/// Proves a report on a public model.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn prove_public_report<'py>(
    py: Python<'py>,
    model: &str,
    weights: PyBuffer<i64>,
    data: Option<Opening>,
    table: Table,
    outputs: Option<Made>,
    request: &str,
    secret: PyBackedBytes,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (weights, table) = (values(py, &weights)?, rows(py, &table.0, &table.1)?);
    let model = described(model)?;
    let file_of = outputs.as_ref().map(|o| &*o.0.0);
    let (input, table, record, request) = on_rows(data.as_ref().map(|d| &*d.0), table, file_of, request)?;
    let data_seed = data.as_ref().map(|d| seed32(&d.1, "the data set's seed")).transpose()?;
    let told = outputs.as_ref().map(|o| made(py, o)).transpose()?;
    let secret = seed32(&secret, "the vault's secret")?;
    let units: u32 = model.architecture.layers.iter().map(|l| l.outputs).sum();
    let expected = 0.5 + 3.5e-6 * reads(&input, &request.rows) as f64 * f64::from(units);
    let proof = work::run(py, progress, vec![expected], move |_| {
        let vector = match (&input, &table, data_seed) {
            (Input::Committed { data, .. }, Some(table), Some(seed)) => Some(rebuild_data(data, table, &seed)?),
            _ => None,
        };
        let told = match (&record, told) {
            (Some(record), Some((table, seed))) => Some(rebuild_data(record, &table, &seed)?),
            _ => None,
        };
        let asked = input_of(&model, &weights, &input, table.as_ref(), request.groups.as_ref(), &request.hidden);
        let trees = PublicTrees { data: vector.as_ref(), outputs: told.as_ref() };
        Ok(file::encode(Kind::Report, &prove(&asked, trees, &request.asked, &secret)?)?)
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// A run and a release of it, verified, which a public model is compared with.
struct Chain {
    run: RunProof,
    words: Words,
    tally: Tally,
    release: serde_json::Value,
}

/// Checks release and run, and that the release is of this model in this file.
fn chain(public: &PublicModel, file: &[u8], (release, run): (&[u8], &[u8]), held: &Held<'_>) -> Result<Chain, Failed> {
    let release: ReleaseProof = file::decode(Kind::Release, release)?;
    let verified = verify_model_of_run(run, &release.statement.model_digest, held);
    let (run, of_run, (of_model, record)) = verified.map_err(|e| Failed::from(e).in_file("the release's run"))?;
    let v = verify_release_proof(&release, &of_model, &run.statement, &record)?;
    public.check_released(&run.statement.config, &release.statement)?;
    check_tensors(file, &run.statement.config, &release.statement).map_err(|e| e.in_file("the model file"))?;
    let mut words = release_words(&release.statement).and(run_words(&run.statement, &of_run, held));
    words.not_shown.retain(|s| s != "how good the model is");
    let mut tally = Tally::of_run(&of_run);
    tally.add("release", &v.soundness);
    if let Some(bytes) = held.data {
        tally = with_data(tally, "training data", &data_record(bytes)?)?;
    }
    Ok(Chain { run, words, tally, release: release_json(&release.statement) })
}

/// Checks a report on the public model in a safetensors file, against the commitment of the data that it evaluates; with
/// a release and its run also that this is the model which that run ends with, rounded.
#[pyfunction]
#[pyo3(signature = (proof, model, commitment, released, training, links, nonce, declaration))]
#[allow(clippy::too_many_arguments)]
pub fn verify_public_report(
    py: Python<'_>,
    proof: PyBackedBytes,
    model: PyBackedBytes,
    commitment: Option<PyBackedBytes>,
    released: Option<(PyBackedBytes, PyBackedBytes)>,
    training: Option<PyBackedBytes>,
    links: Vec<PyBackedBytes>,
    nonce: Option<PyBackedBytes>,
    declaration: Option<PyBackedBytes>,
) -> PyResult<String> {
    work::fenced(py, move || {
        let links = borrowed(&links);
        let of_run = held(training.as_deref(), nonce.as_deref(), declaration.as_deref())?;
        let report: ReportProof = file::decode(Kind::Report, &proof)?;
        let statement = &report.statement;
        let Some(public) = &statement.public else {
            return Err(ReportRejected::PublicModel { stated: false }.into());
        };
        let config = public.config().map_err(ReportRejected::from)?;
        let (weights, metadata) =
            read_tensors(&model, &config, &public.names, public.bits).map_err(|e| e.in_file("the model file"))?;
        let of_data = Held { data: commitment.as_deref(), links: &links, ..Held::default() };
        let v = verify_public_report_with(&report, &weights, &of_data)?;
        let chain = released.as_ref().map(|(release, run)| chain(public, &model, (release, run), &of_run));
        let chain = chain.transpose()?;
        let of_training = training.as_deref().filter(|_| released.is_some());
        let unit = unit_checked(statement, commitment.as_deref(), of_training)?;
        let trained = chain.as_ref().map(|c| &c.run.statement.data);
        let mut words = report_words(statement, trained, commitment.is_some());
        if let Some(unit) = unit {
            words.not_shown.retain(|s| !s.starts_with("that a target of "));
            words.shown.push(format!(
                "By the schema document of the data, a target of {unit} integers is a return of 100 %, and one of 0 none."
            ));
        }
        words = words.and(public_words(public, chain.is_some()));
        words.shown.push("The model file given holds these weights and no other tensor.".to_string());
        if metadata {
            words.not_shown.push("what the metadata of the model file says".to_string());
        }
        let mut json = chain.as_ref().map_or_else(|| serde_json::json!({}), |c| run_json(&c.run));
        json["kind"] = "report".into();
        json["report"] = report_json(statement);
        let mut tally = Tally::default();
        if let Some(chain) = chain {
            words = words.and(chain.words);
            tally = chain.tally;
            json["release"] = chain.release;
        }
        tally.add("report", &v.soundness);
        let evaluated = commitment.as_deref().map(data_record).transpose()?;
        let known = of_training.map(data_record).transpose()?;
        if let Some(record) = evaluated.filter(|e| known.as_ref() != Some(e)) {
            tally = with_data(tally, "data", &record)?;
        }
        with_links(&mut words, &mut tally, &links)?;
        words.shown.push(tally.words());
        verdict(&words, &tally, json)
    })
}
