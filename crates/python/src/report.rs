//! Reports on a committed model: plan, proof, check.
use crate::data::{check_state, rebuild_data, rebuild_model, rows, seed32, values, verdict, with_data};
use crate::errors::Failed;
use crate::link::{borrowed, with_links};
use crate::run::{Opening, run_json};
use crate::seeds::{data_record, held};
use crate::work;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use serde::Deserialize;
use std::sync::Arc;
use tacit_training::file::{self, Kind};
use tacit_training::record::{DataRecord, Labels, ModelRecord};
use tacit_training::report::{
    Asked, Groups, Input, OtherInput, PublicTable, ReportInput, ReportPlan, ReportStatement, ReportTrees, Rows, Shown,
    plan_comparison, plan_report as plan, prove_comparison, prove_report as prove, report_words,
};
use tacit_training::run::{ModelCommitment, RunProof};
use tacit_training::tally::Tally;
use tacit_training::trainer::{Data, ModelState};
use tacit_training::verify::{DataFile, Held, verify_report_file};
use tacit_training::words::{hex, run_words};

pub type Table = (PyBuffer<i32>, PyBuffer<i64>);
/// The commitment of outputs with its seed, and its integers.
pub type Made = (Opening, Table);

/// Outputs as the owner committed them.
pub fn made(py: Python<'_>, ((_, seed), table): &Made) -> PyResult<(Data, [u8; 32])> {
    Ok((rows(py, &table.0, &table.1)?, seed32(seed, "the seed of the outputs")?))
}

/// What is asked, as `tacit.session.Asked` writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub rows: Rows,
    pub groups: Option<Groups>,
    pub asked: Vec<Asked>,
    /// The places of hidden rows.
    #[serde(default)]
    pub hidden: Vec<u32>,
    /// What public rows with labels are, beside their integers.
    #[serde(default)]
    table: Option<Labelled>,
}

/// Public rows with labels, but for their integers.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    fa: u32,
    data_bits: u32,
    labels: Labels,
    earlier: Vec<i32>,
}

impl Labelled {
    fn with(&self, rows: Data) -> Input {
        let Self { fa, data_bits, labels, earlier } = self.clone();
        let (features, values) = (rows.features, rows.labels);
        Input::Table { table: PublicTable { fa, data_bits, features, labels, values, earlier } }
    }
}

/// The rows that a report is about, their integers if they are committed, the record of committed outputs, and what is
/// asked.
pub type OnRows = (Input, Option<Data>, Option<DataRecord>, Request);

/// Rows and questions of a report.
pub fn on_rows(
    commitment: Option<&[u8]>,
    table: Data,
    outputs: Option<&[u8]>,
    request: &str,
) -> Result<OnRows, Failed> {
    let mut request: Request =
        serde_json::from_str(request).map_err(|e| Failed::usage(format!("request for a report: {e}")))?;
    let (input, table) = match commitment {
        Some(bytes) => {
            let body: DataFile = file::decode(Kind::Data, bytes)?;
            if table.features.len() != body.record.rows as usize * body.record.features as usize {
                return Err(Failed::usage("the rows given are not those of the data commitment"));
            }
            (Input::Committed { data: body.record, rows: request.rows.clone() }, Some(table))
        }
        None => match &request.table {
            Some(labelled) => (labelled.with(table), None),
            None => (Input::Public { features: table.features }, None),
        },
    };
    let outputs = outputs.map(|bytes| file::decode::<DataFile>(Kind::Data, bytes)).transpose()?.map(|f| f.record);
    if let Some(record) = &outputs {
        request.asked.push(Asked::Committed { outputs: Box::new(record.clone()) });
    }
    Ok((input, table, outputs, request))
}

/// How many rows a report reads; of public ones that times their width.
pub fn reads(input: &Input, rows: &Rows) -> usize {
    match (input, rows) {
        (Input::Committed { data, .. }, Rows::All) => data.rows as usize,
        (Input::Committed { .. }, Rows::Range { count, .. }) => *count as usize,
        (Input::Committed { .. }, Rows::Listed(list)) => list.len(),
        (Input::Committed { .. }, Rows::Hidden { count }) => *count as usize,
        (Input::Public { features }, _) => features.len(),
        (Input::Table { table }, _) => table.features.len(),
    }
}

/// What a report will state and cost, as JSON.
pub fn plan_json(p: &ReportPlan) -> String {
    let json = serde_json::json!({
        "rows_per_proof": p.rows_per_proof, "group_sizes": p.group_sizes, "rows": p.rows, "cells": p.cells,
        "shown": p.statement.shown,
    });
    json.to_string()
}

/// What a report is about, owned.
struct About {
    run: RunProof,
    record: ModelRecord,
    weights: Vec<i64>,
    input: Input,
    table: Option<Data>,
    /// The record of committed outputs.
    outputs: Option<DataRecord>,
    request: Request,
}

impl About {
    /// `model` is the commitment to the run's last model, or to the same one that a link leads to; `commitment` the file
    /// of the committed data set whose rows are in `table`: without one they are public.
    fn new(
        run: &[u8],
        model: &[u8],
        weights: Vec<i64>,
        commitment: Option<&[u8]>,
        table: Data,
        outputs: Option<&[u8]>,
        request: &str,
    ) -> Result<Self, Failed> {
        let run: RunProof = file::decode(Kind::Run, run)?;
        let record: ModelRecord = file::decode(Kind::Model, model)?;
        let (input, table, outputs, request) = on_rows(commitment, table, outputs, request)?;
        Ok(Self { run, record, weights, input, table, outputs, request })
    }

    fn input(&self) -> ReportInput<'_> {
        ReportInput {
            run: &self.run.statement,
            model: &self.record,
            weights: &self.weights,
            input: &self.input,
            data: self.table.as_ref(),
            groups: self.request.groups.as_ref(),
            hidden: &self.request.hidden,
        }
    }
}

/// The model that a report compares with: its run, and the commitment to the run's last model.
struct Compared {
    run: RunProof,
    record: ModelRecord,
    weights: Vec<i64>,
}

impl Compared {
    fn new(run: &[u8], model: &[u8], weights: Vec<i64>) -> Result<Self, Failed> {
        Ok(Self { run: file::decode(Kind::Run, run)?, record: file::decode(Kind::Model, model)?, weights })
    }

    fn input(&self) -> OtherInput<'_> {
        OtherInput { run: &self.run.statement, model: &self.record, weights: &self.weights }
    }
}

/// Run, commitment and weights of the model compared with.
type OtherPlan = (PyBackedBytes, PyBackedBytes, PyBuffer<i64>);
/// Run, weights, velocity and opening of the model compared with.
type OtherProof = (PyBackedBytes, PyBuffer<i64>, Option<PyBuffer<i64>>, Opening);

/// What a verifier holds of the second run of a comparison: the run, its training data, its nonce and declaration.
type HeldOfOther = (Option<PyBackedBytes>, Option<PyBackedBytes>, Option<PyBackedBytes>, Option<PyBackedBytes>);

/// What a report will state and cost, as JSON. For the owner alone.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn plan_report(
    py: Python<'_>,
    run: PyBackedBytes,
    model: PyBackedBytes,
    weights: PyBuffer<i64>,
    commitment: Option<PyBackedBytes>,
    table: Table,
    outputs: Option<PyBackedBytes>,
    request: &str,
    other: Option<OtherPlan>,
) -> PyResult<String> {
    let (weights, table) = (values(py, &weights)?, rows(py, &table.0, &table.1)?);
    let about = About::new(&run, &model, weights, commitment.as_deref(), table, outputs.as_deref(), request)?;
    let other =
        other.map(|(run, model, weights)| -> PyResult<_> { Ok(Compared::new(&run, &model, values(py, &weights)?)?) });
    let other = other.transpose()?;
    let p: ReportPlan = py
        .detach(|| match &other {
            Some(other) => plan_comparison(&about.input(), other.input(), &about.request.asked),
            None => plan(&about.input(), &about.request.asked),
        })
        .map_err(Failed::from)?;
    Ok(plan_json(&p))
}

/// The commitment of a model with its tree, kept for several proofs. Holds secrets: weights, salts and blocks.
#[pyclass(frozen)]
pub struct ModelTree(Arc<ModelCommitment>);

/// Builds the tree of the final model of a run, for as many reports as the caller keeps it.
#[pyfunction]
pub fn open_model(
    py: Python<'_>,
    run: PyBackedBytes,
    weights: PyBuffer<i64>,
    velocity: Option<PyBuffer<i64>>,
    model: Opening,
    progress: Option<Py<PyAny>>,
) -> PyResult<ModelTree> {
    let velocity = velocity.as_ref().map(|v| values(py, v)).transpose()?;
    let state = ModelState { weights: values(py, &weights)?, velocity };
    let seed = seed32(&model.1, "the model's seed")?;
    let expected = 0.2 + 5e-7 * state.weights.len() as f64;
    let tree = work::run(py, progress, vec![expected], move |_| {
        let run: RunProof = file::decode(Kind::Run, &run)?;
        check_state(&run.statement.config, &state)?;
        rebuild_model(&run.statement.config, file::decode(Kind::Model, &model.0)?, &state, &seed)
    })?;
    Ok(ModelTree(Arc::new(tree)))
}

/// Proves a report. A tree that is given is the model's, or it is not used.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn prove_report<'py>(
    py: Python<'py>,
    run: PyBackedBytes,
    weights: PyBuffer<i64>,
    velocity: Option<PyBuffer<i64>>,
    model: Opening,
    data: Option<Opening>,
    table: Table,
    outputs: Option<Made>,
    request: &str,
    secret: PyBackedBytes,
    other: Option<OtherProof>,
    tree: Option<PyRef<'py, ModelTree>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (weights, table) = (values(py, &weights)?, rows(py, &table.0, &table.1)?);
    let velocity = velocity.as_ref().map(|v| values(py, v)).transpose()?;
    let state = ModelState { weights: weights.clone(), velocity };
    let about = About::new(
        &run,
        &model.0,
        weights,
        data.as_ref().map(|d| &*d.0),
        table,
        outputs.as_ref().map(|o| &*o.0.0),
        request,
    )?;
    let model_seed = seed32(&model.1, "the model's seed")?;
    let data_seed = data.as_ref().map(|d| seed32(&d.1, "the data set's seed")).transpose()?;
    let told = outputs.as_ref().map(|o| made(py, o)).transpose()?;
    let secret = seed32(&secret, "the vault's secret")?;
    let other = other.map(|(run, weights, velocity, model)| -> PyResult<_> {
        let weights = values(py, &weights)?;
        let velocity = velocity.as_ref().map(|v| values(py, v)).transpose()?;
        let state = ModelState { weights: weights.clone(), velocity };
        let seed = seed32(&model.1, "the other model's seed")?;
        Ok((Compared::new(&run, &model.0, weights)?, state, seed))
    });
    let other = other.transpose()?;
    let kept = tree.map(|t| t.0.clone()).filter(|t| t.record == about.record);
    let rows = reads(&about.input, &about.request.rows);
    let outputs: u32 = about.run.statement.config.architecture.layers.iter().map(|l| l.outputs).sum();
    let expected = 0.5 + 3.5e-6 * rows as f64 * f64::from(outputs);
    let proof = work::run(py, progress, vec![expected], move |_| {
        let config = &about.run.statement.config;
        check_state(config, &state)?;
        let model = match kept {
            Some(tree) => tree,
            None => Arc::new(rebuild_model(config, about.record.clone(), &state, &model_seed)?),
        };
        let vector = match (&about.input, &about.table, data_seed) {
            (Input::Committed { data, .. }, Some(table), Some(seed)) => Some(rebuild_data(data, table, &seed)?),
            _ => None,
        };
        let told = match (&about.outputs, told) {
            (Some(record), Some((table, seed))) => Some(rebuild_data(record, &table, &seed)?),
            _ => None,
        };
        let trees = ReportTrees { model: &model.vector, data: vector.as_ref(), outputs: told.as_ref() };
        let report = match &other {
            None => prove(&about.input(), trees, &about.request.asked, &secret)?,
            Some((other, state, seed)) => {
                let config = &other.run.statement.config;
                check_state(config, state)?;
                let tree = rebuild_model(config, other.record.clone(), state, seed)?;
                let opened = (other.input(), &tree.vector);
                prove_comparison(&about.input(), trees, opened, &about.request.asked, &secret)?
            }
        };
        Ok(file::encode(Kind::Report, &report)?)
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// What a report states.
pub fn report_json(report: &ReportStatement) -> serde_json::Value {
    let input = match &report.input {
        Input::Committed { data, rows } => {
            let digest = data.digest().map(|d| hex(&d)).unwrap_or_default();
            serde_json::json!({ "data_digest": digest, "data": data, "rows": rows })
        }
        Input::Public { features } => serde_json::json!({ "features": features }),
        Input::Table { table } => serde_json::json!({ "table": table }),
    };
    serde_json::json!({
        "version": report.version,
        "run_digest": hex(&report.run_digest),
        "model_digest": hex(&report.model_digest),
        "input": input,
        "groups": report.groups,
        "shown": report.shown,
        "public": report.public,
        "against": report.against.as_ref().map(|o| serde_json::json!({
            "run_digest": hex(&o.run_digest), "model_digest": hex(&o.model_digest),
        })),
    })
}

/// Whether a backtest's unit is that of the target's scale in the schema document of its data; none without a backtest.
///
/// The proof is about integers. What a return of 1 is among them stands in the schema, whose digest the record holds. Public
/// rows have the scales of the training data: its schema, if it has a target of that kind.
pub fn unit_checked(
    report: &ReportStatement,
    commitment: Option<&[u8]>,
    training: Option<&[u8]>,
) -> Result<Option<u32>, Failed> {
    let commitment = match &report.input {
        Input::Table { .. } => match training {
            Some(bytes) if !matches!(data_record(bytes)?.labels, Labels::Real { outputs: 1, .. }) => None,
            training => training,
        },
        Input::Committed { .. } | Input::Public { .. } => commitment,
    };
    let mut units = report.shown.iter().filter_map(|s| match s {
        Shown::Backtest { strategy, .. } => Some(strategy.unit),
        _ => None,
    });
    let (Some(unit), Some(bytes)) = (units.next_back(), commitment) else { return Ok(None) };
    let body: DataFile = file::decode(Kind::Data, bytes)?;
    if same_unit(&body.schema, &body.record, unit) { Ok(Some(unit)) } else { Err(other_unit(unit)) }
}

fn other_unit(unit: u32) -> Failed {
    let message = format!(
        "the backtest takes a return of 1 for {unit} integers and of 0 for 0; by its schema document the target has \
         another scale"
    );
    Failed::rejected("data", "OtherUnit", message)
}

/// Offset 0, and 2^fa / divisor is the unit, but for the rounding of the divisor.
fn same_unit(schema: &str, record: &DataRecord, unit: u32) -> bool {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(schema) else { return false };
    let number = |name: &str| document["target"][name].as_f64();
    let (Some(offset), Some(divisor)) = (number("offset"), number("divisor")) else { return false };
    let (one, unit) = (f64::from(1u32 << record.fa.min(31)), f64::from(unit));
    offset == 0.0 && (divisor * unit - one).abs() <= one * 2f64.powi(-40)
}

/// Checks a report and the run of its model, against the commitment of the data that it evaluates.
#[pyfunction]
#[pyo3(signature = (proof, run, commitment, training, other, links, nonce, declaration))]
#[allow(clippy::too_many_arguments)]
pub fn verify_report(
    py: Python<'_>,
    proof: PyBackedBytes,
    run: PyBackedBytes,
    commitment: Option<PyBackedBytes>,
    training: Option<PyBackedBytes>,
    other: HeldOfOther,
    links: Vec<PyBackedBytes>,
    nonce: Option<PyBackedBytes>,
    declaration: Option<PyBackedBytes>,
) -> PyResult<String> {
    work::fenced(py, move || {
        let of_data = held(commitment.as_deref(), nonce.as_deref(), declaration.as_deref())?;
        let links = borrowed(&links);
        let held = Held {
            training: training.as_deref(),
            other_run: other.0.as_deref(),
            other_training: other.1.as_deref(),
            other_nonce: other.2.as_deref().map(|n| seed32(n, "the second run's nonce")).transpose()?,
            other_declaration: other.3.as_deref().map(|d| seed32(d, "the second run's declaration")).transpose()?,
            links: &links,
            ..of_data
        };
        let v = verify_report_file(&proof, &run, &held)?;
        let statement = &v.report.statement;
        let of_training = Held { data: held.training.or(held.data), ..held };
        let mut of_run = run_words(&v.run.statement, &v.run_verdict, &of_training);
        of_run.not_shown.retain(|s| s != "how good the model is");
        let unit = unit_checked(statement, commitment.as_deref(), of_training.data)?;
        // The data set that the report is about, where links prove it to be the one of the run.
        let same = match &statement.input {
            Input::Committed { data, .. } if v.same_data => data,
            _ => &v.run.statement.data,
        };
        let mut words = report_words(statement, Some(same), commitment.is_some()).and(of_run);
        let mut tally = Tally::of_run(&v.run_verdict);
        tally.add("report", &v.verdict.soundness);
        // One of the two is there, and leads to the training data.
        let given = [held.training.or(held.data), held.data].map(|file| file.map(data_record).transpose());
        let [trained, evaluated] = given;
        let (trained, evaluated) = (trained?, evaluated?);
        if let Some(record) = &trained {
            tally = with_data(tally, "training data", record)?;
        }
        if let Some(unit) = unit {
            words.not_shown.retain(|s| !s.starts_with("that a target of "));
            words.shown.push(format!(
                "By the schema document of the data, a target of {unit} integers is a return of 100 %, and one of 0 none."
            ));
        }
        if let Some((of_other, other_verdict)) = &v.other {
            // One of the commitments given leads to its training data, or the verification would have failed.
            let of_second = Held { data: held.other_training.or(held.training).or(held.data), ..held.of_other_run() };
            let second = run_words(&of_other.statement, other_verdict, &of_second);
            let named = |s: String| format!("Of the second model: {s}");
            words.shown.extend(second.shown.into_iter().map(named));
            let open = second.not_shown.into_iter().filter(|s| s != "how good the model is");
            words.not_shown.extend(open.map(|s| format!("of the second model: {s}")));
            tally.add_other_run("second model", other_verdict);
            if let Some(bytes) = held.other_training {
                let record = data_record(bytes)?;
                if trained.as_ref() != Some(&record) && evaluated.as_ref() != Some(&record) {
                    tally = with_data(tally, "training data of the second model", &record)?;
                }
            }
        }
        // The rows that it evaluates, where they are others and their commitment was checked.
        if let Some(record) = evaluated.filter(|e| trained.as_ref() != Some(e)) {
            tally = with_data(tally, "data", &record)?;
        }
        if v.apart {
            words.not_shown.retain(|s| s != "that none of the rows was in the training data");
            words.shown.push("None of the rows of that data set is a row of the training data.".to_string());
        }
        with_links(&mut words, &mut tally, &links)?;
        words.shown.push(tally.words());
        let mut json = run_json(&v.run);
        json["kind"] = "report".into();
        json["report"] = report_json(statement);
        verdict(&words, &tally, json)
    })
}
