//! Links of two commitments: plan, proof, check; and links beside another verdict.
use crate::data::{check_state, config_of, rebuild_data, rebuild_model, rows, seed32, values, verdict, with_data};
use crate::errors::Failed;
use crate::run::{Opening, run_json};
use crate::seeds::{data_record, held};
use crate::work;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use tacit_argument::hiding::wipe;
use tacit_training::file::{self, Kind};
use tacit_training::link::{
    LinkProof, LinkStatement, Linked, Links, RowRelation, joined_words, link_words, plan_link as plan, prove_link,
    prove_rows,
};
use tacit_training::record::ModelRecord;
use tacit_training::tally::Tally;
use tacit_training::trainer::ModelState;
use tacit_training::validity::data_payload;
use tacit_training::verify::{Held, verify_link_file};
use tacit_training::words::{Words, hex, run_words};

/// Files of links, borrowed.
pub fn borrowed(links: &[PyBackedBytes]) -> Vec<&[u8]> {
    links.iter().map(|l| &**l).collect()
}

/// What verified links add to a verdict: their sentences and their error terms.
pub fn with_links(words: &mut Words, tally: &mut Tally, files: &[&[u8]]) -> Result<(), Failed> {
    let links = Links::stated(files)?;
    let one = files.len() == 1;
    for (i, (statement, terms)) in links.statements().enumerate() {
        words.shown.extend(joined_words(statement));
        tally.add(&if one { "link".into() } else { format!("link {}", i + 1) }, terms);
    }
    Ok(())
}

/// Two commitment files of one kind as what is linked.
fn linked(first: &[u8], second: &[u8]) -> Result<Linked, Failed> {
    if file::kind(first)? == Kind::Data as u8 {
        return Ok(Linked::Data { first: data_record(first)?, second: data_record(second)? });
    }
    Ok(Linked::Model { first: file::decode(Kind::Model, first)?, second: file::decode(Kind::Model, second)? })
}

/// A relation of rows by its name.
fn relation_of(name: &str) -> Result<RowRelation, Failed> {
    match name {
        "same" => Ok(RowRelation::Same),
        "subset" => Ok(RowRelation::Subset),
        "disjoint" => Ok(RowRelation::Disjoint { nonce: 0 }),
        other => Err(Failed::usage(format!("a relation of rows {other:?}"))),
    }
}

/// Rows that a link of two commitments opens of each of them; of data sets, one of their rows if `relation` names one.
#[pyfunction]
#[pyo3(signature = (first, second, relation))]
pub fn plan_link(
    py: Python<'_>,
    first: PyBackedBytes,
    second: PyBackedBytes,
    relation: Option<&str>,
) -> PyResult<usize> {
    let relation = relation.map(relation_of).transpose()?;
    Ok(py.detach(|| {
        let linked = match relation {
            None => linked(&first, &second)?,
            Some(relation) => Linked::Rows { relation, first: data_record(&first)?, second: data_record(&second)? },
        };
        Ok::<_, Failed>(plan(&linked)?.rows_per_proof)
    })?)
}

/// Proves that two commitments of data hold the same table.
#[pyfunction]
pub fn link_data<'py>(
    py: Python<'py>,
    first: Opening,
    second: Opening,
    table: (PyBuffer<i32>, PyBuffer<i64>),
    secret: PyBackedBytes,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let table = rows(py, &table.0, &table.1)?;
    let seeds = [seed32(&first.1, "the first seed")?, seed32(&second.1, "the second seed")?];
    let secret = seed32(&secret, "the vault's secret")?;
    let (a, b) = (data_record(&first.0)?, data_record(&second.0)?);
    let expected = 2e-6 * table.features.len() as f64 + 0.5;
    let proof = work::run(py, progress, vec![expected], move |_| {
        let trees = [rebuild_data(&a, &table, &seeds[0])?, rebuild_data(&b, &table, &seeds[1])?];
        let link = prove_link(Linked::Data { first: a, second: b }, [&trees[0], &trees[1]], &secret)?;
        Ok(file::encode(Kind::Link, &link)?)
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// Proves how the rows of two data sets are related: "same", "subset" or "disjoint".
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn link_rows<'py>(
    py: Python<'py>,
    relation: &str,
    first: Opening,
    second: Opening,
    first_table: (PyBuffer<i32>, PyBuffer<i64>),
    second_table: (PyBuffer<i32>, PyBuffer<i64>),
    secret: PyBackedBytes,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let relation = relation_of(relation)?;
    let tables = [rows(py, &first_table.0, &first_table.1)?, rows(py, &second_table.0, &second_table.1)?];
    let seeds = [seed32(&first.1, "the first seed")?, seed32(&second.1, "the second seed")?];
    let secret = seed32(&secret, "the vault's secret")?;
    let (a, b) = (data_record(&first.0)?, data_record(&second.0)?);
    // Euclid's algorithm on polynomials with as many roots as rows; then the proof.
    let euclid = 2e-9 * f64::from(a.rows) * f64::from(b.rows);
    let cells = tables.iter().map(|t| t.features.len()).sum::<usize>() as f64;
    let expected = 0.5 + 3e-6 * cells + if matches!(relation, RowRelation::Disjoint { .. }) { euclid } else { 0.0 };
    let proof = work::run(py, progress, vec![expected], move |_| {
        let trees = [rebuild_data(&a, &tables[0], &seeds[0])?, rebuild_data(&b, &tables[1], &seeds[1])?];
        let mut payloads = [data_payload(&a, &tables[0]), data_payload(&b, &tables[1])];
        let linked = Linked::Rows { relation, first: a, second: b };
        let link = prove_rows(linked, [&trees[0], &trees[1]], [&payloads[0], &payloads[1]], &secret);
        payloads.iter_mut().for_each(|p| wipe(p));
        Ok(file::encode(Kind::Link, &link?)?)
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// Proves that two commitments of a model hold the same weights.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn link_model<'py>(
    py: Python<'py>,
    config: &str,
    weights: PyBuffer<i64>,
    velocity: Option<PyBuffer<i64>>,
    first: Opening,
    second: Opening,
    secret: PyBackedBytes,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let config = config_of(config)?;
    let velocity = velocity.as_ref().map(|v| values(py, v)).transpose()?;
    let state = ModelState { weights: values(py, &weights)?, velocity };
    let seeds = [seed32(&first.1, "the first seed")?, seed32(&second.1, "the second seed")?];
    let secret = seed32(&secret, "the vault's secret")?;
    let a: ModelRecord = file::decode(Kind::Model, &first.0).map_err(Failed::from)?;
    let b: ModelRecord = file::decode(Kind::Model, &second.0).map_err(Failed::from)?;
    let expected = 4e-6 * state.weights.len() as f64 + 0.5;
    let proof = work::run(py, progress, vec![expected], move |_| {
        check_state(&config, &state)?;
        let linked = Linked::Model { first: a.clone(), second: b.clone() };
        let trees = [rebuild_model(&config, a, &state, &seeds[0])?, rebuild_model(&config, b, &state, &seeds[1])?];
        let link = prove_link(linked, [&trees[0].vector, &trees[1].vector], &secret)?;
        Ok(file::encode(Kind::Link, &link)?)
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// What a link states.
fn link_json(link: &LinkStatement) -> serde_json::Value {
    let [first, second] = link.linked.digests().map_or_else(|_| Default::default(), |d| d.map(|d| hex(&d)));
    let (of, records) = match &link.linked {
        Linked::Data { first, second } => ("data", serde_json::json!({ "first": first, "second": second })),
        Linked::Rows { relation, first, second } => {
            ("rows", serde_json::json!({ "relation": relation, "first": first, "second": second }))
        }
        Linked::Model { first, second } => ("model", serde_json::json!({ "first": first, "second": second })),
    };
    serde_json::json!({
        "version": link.version, "of": of, "first_digest": first, "second_digest": second, "records": records,
    })
}

/// What a link file states, unchecked.
pub fn describe_link(bytes: &[u8]) -> Result<(Words, Tally, serde_json::Value), Failed> {
    let link: LinkProof = file::decode(Kind::Link, bytes)?;
    let stated = tacit_training::link::stated(&link.statement)?;
    let mut tally = Tally::default();
    tally.add("link", &stated.soundness);
    let json = serde_json::json!({ "kind": "link", "link": link_json(&link.statement) });
    Ok((link_words(&link.statement, [false; 2]), tally, json))
}

/// Checks a link, the commitments or the run on its sides, and the links that lead to it.
#[pyfunction]
#[pyo3(signature = (proof, commitment, to, run, links, nonce, declaration))]
#[allow(clippy::too_many_arguments)]
pub fn verify_link(
    py: Python<'_>,
    proof: PyBackedBytes,
    commitment: Option<PyBackedBytes>,
    to: Option<PyBackedBytes>,
    run: Option<PyBackedBytes>,
    links: Vec<PyBackedBytes>,
    nonce: Option<PyBackedBytes>,
    declaration: Option<PyBackedBytes>,
) -> PyResult<String> {
    work::fenced(py, move || {
        let links = borrowed(&links);
        let of_data = held(commitment.as_deref(), nonce.as_deref(), declaration.as_deref())?;
        let held = Held { links: &links, ..of_data };
        let v = verify_link_file(&proof, to.as_deref(), run.as_deref(), &held)?;
        let mut words = link_words(&v.link.statement, v.known);
        let mut tally = Tally::default();
        tally.add("link", &v.verdict.soundness);
        for (what, file) in [("first data", held.data), ("second data", to.as_deref())] {
            if let Some(bytes) = file {
                tally = with_data(tally, what, &data_record(bytes)?)?;
            }
        }
        let mut json = serde_json::json!({});
        if let Some((run, of_run)) = &v.run {
            words = words.and(run_words(&run.statement, of_run, &Held { data: None, ..held }));
            tally.add_run(of_run);
            json = run_json(run);
        }
        with_links(&mut words, &mut tally, &links)?;
        words.shown.push(tally.words());
        json["kind"] = "link".into();
        json["link"] = link_json(&v.link.statement);
        verdict(&words, &tally, json)
    })
}
