//! Releases: rules, proof, and the check of a model file.
use crate::data::{check_state, rebuild_model, seed32, values, verdict, with_data};
use crate::errors::Failed;
use crate::link::{borrowed, with_links};
use crate::run::{Opening, run_json, statement_of};
use crate::seeds::{data_record, held};
use crate::tensors::{check_tensors, float};
use crate::work;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use serde::Deserialize;
use tacit_training::file::{self, Kind};
use tacit_training::record::ModelRecord;
use tacit_training::release::{
    Circumstances, Earlier, LayerNames, Override, Permit, ReleaseInput, ReleaseProof, ReleaseStatement,
    prove_release as prove, release_rules, rounded_weights, verify_release as verify,
};
use tacit_training::run::RunProof;
use tacit_training::statement::RunStatement;
use tacit_training::tally::Tally;
use tacit_training::trainer::ModelState;
use tacit_training::verify::{Held, verify_model_of_run};
use tacit_training::words::{hex, model_file_words, release_words, run_words};

/// What the owner says, as `tacit.session.Circumstances` writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    known: Vec<u32>,
    feature_bits: Vec<u32>,
    earlier: Before,
    data_is_public: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Before {
    Nothing,
    Same,
    Neighbouring,
}

impl Told {
    fn parse(json: &str) -> Result<Self, Failed> {
        serde_json::from_str(json).map_err(|e| Failed::usage(format!("circumstances: {e}")))
    }

    fn permit(&self, run: &RunStatement, bits: i64) -> Result<Permit, Failed> {
        let bits = u32::try_from(bits).map_err(|_| Failed::usage(format!("a release of {bits} fractional bits")))?;
        let circumstances = Circumstances {
            known: &self.known,
            feature_bits: Some(&self.feature_bits),
            earlier: match self.earlier {
                Before::Nothing => Earlier::Nothing,
                Before::Same => Earlier::SameData,
                Before::Neighbouring => Earlier::NeighbouringData,
            },
            exemption: self.data_is_public.then_some(Override::PublicData),
        };
        let permit = release_rules(run, bits, &circumstances)?;
        Ok(permit)
    }
}

/// Applies the safety rules to the statement of a run.
#[pyfunction]
pub fn check_release(py: Python<'_>, statement: &[u8], bits: i64, circumstances: &str) -> PyResult<()> {
    let told = Told::parse(circumstances)?;
    Ok(py.detach(|| told.permit(&statement_of(statement)?, bits).map(|_| ()))?)
}

/// What a release is made from.
struct Order {
    told: Told,
    state: ModelState,
    record: ModelRecord,
    seed: [u8; 32],
    bits: i64,
    names: Vec<LayerNames>,
    secret: [u8; 32],
}

/// The release file and the rounded weights, little-endian.
fn make(run: &[u8], order: &Order) -> Result<(Vec<u8>, Vec<u8>), Failed> {
    let run: RunProof = file::decode(Kind::Run, run)?;
    let statement = &run.statement;
    let permit = order.told.permit(statement, order.bits)?;
    let config = &statement.config;
    check_state(config, &order.state)?;
    // The permit says that bits fits.
    let bits = order.bits as u32;
    let rounded = rounded_weights(config, &order.state.weights, bits);
    if rounded.iter().any(|&w| float(w, bits).is_none()) {
        return Err(Failed::usage(format!(
            "weights with {bits} fractional bits do not fit float32; release fewer bits"
        )));
    }
    let model = rebuild_model(config, order.record.clone(), &order.state, &order.seed)?;
    let input = ReleaseInput { statement, model: &model, weights: &order.state.weights, names: &order.names };
    let release = prove(&input, permit, &order.secret)?;
    Ok((file::encode(Kind::Release, &release)?, rounded.iter().flat_map(|w| w.to_le_bytes()).collect()))
}

/// Rounds the final weights, proves it: `(proof, rounded weights as little-endian int64)`.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn prove_release<'py>(
    py: Python<'py>,
    run: PyBackedBytes,
    weights: PyBuffer<i64>,
    velocity: Option<PyBuffer<i64>>,
    model: Opening,
    bits: i64,
    circumstances: &str,
    names: Vec<LayerNames>,
    secret: PyBackedBytes,
    progress: Option<Py<PyAny>>,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let velocity = velocity.as_ref().map(|v| values(py, v)).transpose()?;
    let order = Order {
        told: Told::parse(circumstances)?,
        state: ModelState { weights: values(py, &weights)?, velocity },
        record: file::decode(Kind::Model, &model.0).map_err(Failed::from)?,
        seed: seed32(&model.1, "the model's seed")?,
        bits,
        names,
        secret: seed32(&secret, "the vault's secret")?,
    };
    let expected = 0.5 + 4e-6 * order.state.weights.len() as f64;
    let (proof, rounded) = work::run(py, progress, vec![expected], move |_| make(&run, &order))?;
    Ok((PyBytes::new(py, &proof), PyBytes::new(py, &rounded)))
}

/// What a release states, its weights left out: they are in the model file.
pub fn release_json(release: &ReleaseStatement) -> serde_json::Value {
    serde_json::json!({
        "version": release.version,
        "run_digest": hex(&release.run_digest),
        "model_digest": hex(&release.model_digest),
        "bits": release.bits,
        "weights": release.weights.len(),
        "names": release.names,
        "exemption": release.exemption,
    })
}

/// Checks a run, a release of it, and that a safetensors file holds the released weights and nothing else.
#[pyfunction]
#[pyo3(signature = (proof, run, model, commitment, links, nonce, declaration))]
#[allow(clippy::too_many_arguments)]
pub fn verify_release(
    py: Python<'_>,
    proof: PyBackedBytes,
    run: PyBackedBytes,
    model: PyBackedBytes,
    commitment: Option<PyBackedBytes>,
    links: Vec<PyBackedBytes>,
    nonce: Option<PyBackedBytes>,
    declaration: Option<PyBackedBytes>,
) -> PyResult<String> {
    work::fenced(py, move || {
        let links = borrowed(&links);
        let of_data = held(commitment.as_deref(), nonce.as_deref(), declaration.as_deref())?;
        let held = Held { links: &links, ..of_data };
        let release: ReleaseProof = file::decode(Kind::Release, &proof)?;
        let named = &release.statement.model_digest;
        let verified = verify_model_of_run(&run, named, &held);
        let (run, of_run, (of_model, record)) = verified.map_err(|e| Failed::from(e).in_file("the release's run"))?;
        let v = verify(&release, &of_model, &run.statement, &record)?;
        let metadata = check_tensors(&model, &run.statement.config, &release.statement)
            .map_err(|e| e.in_file("the model file"))?;
        let mut words = model_file_words(&release.statement, metadata)
            .and(release_words(&release.statement))
            .and(run_words(&run.statement, &of_run, &held));
        let mut tally = Tally::of_run(&of_run);
        tally.add("release", &v.soundness);
        if let Some(bytes) = held.data {
            tally = with_data(tally, "data", &data_record(bytes)?)?;
        }
        with_links(&mut words, &mut tally, &links)?;
        words.shown.push(tally.words());
        let mut statement = run_json(&run);
        statement["kind"] = "release".into();
        statement["release"] = release_json(&release.statement);
        verdict(&words, &tally, statement)
    })
}
