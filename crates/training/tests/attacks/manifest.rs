//! The tamper manifest, `manifest.txt`: one row for every field of every file and every change of it, with the exact
//! errors that reject it.
//!
//! The serialised structures are walked as trees: a field without a row fails, a row without a field fails, another
//! error fails, and so does a change that is accepted. After a wanted change of a format run with `TACIT_WRITE=1` and
//! review the difference.
use crate::common::{Owner, commit, data, logistic, perceptron, prove};
use crate::mutations::{Errors, kind, nodes, variants, walk_named};
use crate::one_chunk;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use tacit_training::config::NormBits;
use tacit_training::file::{Kind, encode};
use tacit_training::release::{
    Circumstances, Earlier, Override, ReleaseInput, prove_release, release_rules, verify_release,
};
use tacit_training::run::{ChunkInput, prove_chunk, verify_run};
use tacit_training::verify::{DataFile, schema_id, verify_data_file};

/// (file, field, change) to errors.
type Rows = BTreeMap<(String, String, String), String>;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attacks/manifest.txt");

fn rows_of(file: &str, errors: &Errors) -> Rows {
    let mut out = Rows::new();
    for (field, changes) in errors {
        for (change, errors) in changes {
            let errors = errors.iter().cloned().collect::<Vec<_>>().join(" | ");
            out.insert((file.to_string(), field.clone(), (*change).to_string()), errors);
        }
    }
    out
}

/// Every leaf of the structure has a row of its own: a number, a string, a tag, or an empty list or option.
fn every_leaf_has_a_row<T: Serialize>(file: &str, value: &T, rows: &Rows) {
    let tree = serde_json::to_value(value).unwrap();
    let mut all = vec![];
    nodes(&tree, &mut vec![], &mut all);
    let named: BTreeSet<&str> = rows.keys().filter(|r| r.0 == file).map(|r| r.1.as_str()).collect();
    let mut missing = BTreeSet::new();
    for path in all {
        let leaf = path.iter().fold(&tree, |v, key| match v {
            Value::Array(a) => &a[key.parse::<usize>().unwrap()],
            v => &v[key],
        });
        let compound = match leaf {
            Value::Array(a) => !a.is_empty(),
            Value::Object(o) => !o.is_empty(),
            _ => false,
        };
        let kind = kind(&path);
        // A type's marker, which has no bytes.
        if !compound && !kind.ends_with("._phantom") && !named.contains(kind.as_str()) {
            missing.insert(format!("{kind} = {leaf}"));
        }
    }
    assert!(missing.is_empty(), "{file}: no change of these was rejected: {missing:#?}");
}

fn walked<T: Serialize + DeserializeOwned, E: Debug>(
    file: &str,
    value: &T,
    verify: impl Fn(&T) -> Result<(), E>,
) -> Rows {
    verify(value).expect("the honest file");
    let rows = rows_of(file, &walk_named(value, |v| verify(v).map_err(|e| variants(&e))));
    every_leaf_has_a_row(file, value, &rows);
    rows
}

fn text(rows: &Rows) -> String {
    let mut out = String::from("# file ; field ; change ; errors\n");
    for ((file, field, change), errors) in rows {
        out.push_str(&format!("{file} ; {field} ; {change} ; {errors}\n"));
    }
    out
}

fn parsed(text: &str) -> Rows {
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines
        .map(|l| {
            let parts: Vec<&str> = l.split(" ; ").collect();
            assert_eq!(parts.len(), 4, "{l}");
            ((parts[0].into(), parts[1].into(), parts[2].into()), parts[3].into())
        })
        .collect()
}

/// A change that precedes a proof of work passes it by chance, about once in 2^16: such a row may differ once.
fn compare(found: &Rows, expected: &Rows) {
    let mut lucky = 0;
    for (row, errors) in found {
        match expected.get(row) {
            None => panic!("no row for {row:?}: {errors}"),
            Some(e) if e == errors => {}
            Some(e) if e.contains("Opening::Work") => lucky += 1,
            Some(e) => panic!("{row:?}: {errors}, the manifest has {e}"),
        }
    }
    assert!(lucky < 2, "proofs of work");
    let idle: Vec<_> = expected.keys().filter(|row| !found.contains_key(*row)).collect();
    assert!(idle.is_empty(), "rows without a field: {idle:?}");
}

fn run_rows() -> Rows {
    let mut config = one_chunk(perceptron());
    config.norms = Some(NormBits { z: 34, q: 32 });
    config.carry_bits = Some(33);
    config.schedule.average = Some(2);
    let (_, hidden) = prove(config, true);
    let mut rows = walked("run", &hidden, |r| verify_run(r).map(|_| ()));
    // The other kind of start: its statement.
    let (_, public) = prove(one_chunk(logistic()), false);
    rows.extend(walked("run from a seed, statement", &public.statement, |s| {
        let mut run = public.clone();
        run.statement = s.clone();
        verify_run(&run).map(|_| ())
    }));
    rows
}

fn data_rows() -> Rows {
    let config = perceptron();
    let schema = "{\"columns\": 5}".to_string();
    let mut c = crate::common::data_record(&config);
    c.schema = schema_id(&schema);
    c.names = Some(vec!["age".to_string(); 5]);
    c.released = vec!["scale".to_string()];
    let payload = tacit_training::validity::data_payload(&c, &data(&config));
    let entropy = tacit_argument::entropy::Entropy::fresh(&[1; 32], &[2; 32]).unwrap();
    let c = tacit_training::validity::commit_data(c, &payload, &[3; 32], entropy).unwrap();
    let file = DataFile { record: c.record, schema, proof: c.proof };
    let verify = |f: &DataFile| verify_data_file(&encode(Kind::Data, f).unwrap()).map(|_| ());
    let mut rows = walked("data", &file, verify);
    // Without names and released parameters, of which there may be none.
    let c = commit(&config, &data(&config));
    let verify = |record: &_| tacit_training::validity::verify_data(record, &c.proof);
    rows.extend(walked("data without names, record", &c.record, verify));
    rows
}

fn release_rows() -> Rows {
    let owner = Owner::new(one_chunk(logistic()), false);
    let input = ChunkInput {
        statement: &owner.statement,
        chunk: 0,
        data: &owner.data.vector,
        rows: &owner.rows,
        start: &owner.state,
        model_in: None,
        proofs: 4,
        seed: &[5; 32],
    };
    let out = prove_chunk(&input, &[1; 32]).unwrap();
    let chunks = vec![out.proof];
    let run = tacit_training::run::RunProof { statement: owner.statement.clone(), chunks };
    let verdict = verify_run(&run).unwrap();
    let exemption = Some(Override::PublicData);
    let public = Circumstances { known: &[], feature_bits: None, earlier: Earlier::Nothing, exemption };
    let permit = release_rules(&owner.statement, 12, &public).unwrap();
    let names = vec![("0.weight".to_string(), Some("0.bias".to_string()))];
    let input =
        ReleaseInput { statement: &owner.statement, model: &out.model_out, weights: &out.end.weights, names: &names };
    let release = prove_release(&input, permit, &[1; 32]).unwrap();
    let record = &out.model_out.record;
    walked("release", &release, |r| verify_release(r, &verdict, &owner.statement, record).map(|_| ()))
}

#[test]
fn every_field_of_every_file_has_its_row() {
    let mut found = run_rows();
    found.extend(data_rows());
    found.extend(release_rows());
    if std::env::var_os("TACIT_WRITE").is_some() {
        std::fs::write(FILE, text(&found)).unwrap();
    }
    compare(&found, &parsed(&std::fs::read_to_string(FILE).unwrap()));
    let fields: BTreeSet<_> = found.keys().map(|r| (&r.0, &r.1)).collect();
    assert!(fields.len() > 150 && found.len() > 400, "{} fields, {} rows", fields.len(), found.len());
}

/// The comparison itself: a missing row, an idle row and another error fail.
#[test]
fn a_field_without_a_row_fails() {
    let row = |field: &str| ("run".to_string(), field.to_string(), "+1".to_string());
    let good = Rows::from([(row("a"), "X".to_string()), (row("b"), "Y".to_string())]);
    assert_eq!(parsed(&text(&good)), good);
    compare(&good, &good);
    let fails = |found: &Rows, expected: &Rows| {
        assert!(std::panic::catch_unwind(|| compare(found, expected)).is_err());
    };
    let fewer = Rows::from([(row("a"), "X".to_string())]);
    fails(&good, &fewer);
    fails(&fewer, &good);
    fails(&good, &Rows::from([(row("a"), "X".to_string()), (row("b"), "Z".to_string())]));
    #[derive(serde::Serialize)]
    struct File {
        a: u32,
        new: u32,
    }
    let file = File { a: 1, new: 2 };
    assert!(std::panic::catch_unwind(|| every_leaf_has_a_row("run", &file, &good)).is_err());
}
