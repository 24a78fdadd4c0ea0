//! Every field of a proof, a statement and a record, changed: nothing changed is accepted, nothing panics.
//!
//! The structures are walked as trees, so a field added tomorrow is changed tomorrow: a field that no row of [`RUN`] or
//! [`DATA`] names fails the test, and so does a row that no field needs.
use crate::common::{commit, data, logistic, perceptron, prove};
use crate::one_chunk;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tacit_argument::proof::RelationProof;
use tacit_training::file::{FileError, Kind, decode, encode};
use tacit_training::record::DataRecord;
use tacit_training::run::{RunProof, verify_run};
use tacit_training::validity::verify_data;

/// A path with its indices, and its kind: the same without them.
pub type Path = Vec<String>;

pub fn kind(path: &[String]) -> String {
    path.iter().map(|s| if s.parse::<usize>().is_ok() { "*" } else { s }).collect::<Vec<_>>().join(".")
}

/// Every node of a tree.
pub fn nodes(value: &Value, path: &mut Path, out: &mut Vec<Path>) {
    out.push(path.clone());
    let mut child = |key: String, v: &Value| {
        path.push(key);
        nodes(v, path, out);
        path.pop();
    };
    match value {
        Value::Array(a) => a.iter().enumerate().for_each(|(i, v)| child(i.to_string(), v)),
        Value::Object(o) => o.iter().for_each(|(k, v)| child(k.clone(), v)),
        _ => {}
    }
}

fn at<'v>(value: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().fold(value, |v, key| match v {
        Value::Array(a) => &mut a[key.parse::<usize>().expect("an index")],
        v => &mut v[key],
    })
}

/// The changes of one node by name, none of which leaves it as it was.
fn changes(node: &Value) -> Vec<(&'static str, Value)> {
    match node {
        Value::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(v), _) => [("+1", v.wrapping_add(1)), ("bit 5", v ^ (1 << 5)), ("0", 0)]
                .into_iter()
                .filter(|&(_, x)| x != v)
                .map(|(name, x)| (name, json!(x)))
                .collect(),
            (None, Some(v)) => vec![("+1", json!(v + 1)), ("sign", json!(-v))],
            _ => vec![],
        },
        Value::Bool(b) => vec![("not", json!(!b))],
        Value::String(s) => vec![("longer", json!(format!("{s}x")))],
        Value::Array(a) => {
            let (mut longer, mut shorter, mut rotated) = (a.clone(), a.clone(), a.clone());
            shorter.pop();
            longer.extend(a.last().cloned());
            rotated.rotate_left(usize::from(a.len() > 1));
            let mut out = vec![("longer", longer), ("shorter", shorter), ("rotated", rotated), ("empty", vec![])];
            if a.is_empty() {
                // Entries of every type that a list of ours holds.
                let entries = [json!(0), json!("x"), json!({"value": [0, 0, 0]}), json!([0])];
                out.extend(entries.map(|v| ("longer", vec![v])));
            }
            out.into_iter().filter(|x| &x.1 != a).map(|(name, x)| (name, Value::Array(x))).collect()
        }
        Value::Null => {
            [json!([]), json!(0), json!([0]), json!({"Prover": {"nonce": 1}}), json!({"bits": 1, "numerators": [2]})]
                .map(|v| ("present", v))
                .to_vec()
        }
        Value::Object(_) => vec![("absent", Value::Null)],
    }
}

/// First, middle and last node of every kind.
fn representatives(tree: &Value) -> BTreeMap<String, Vec<Path>> {
    let mut all = vec![];
    nodes(tree, &mut vec![], &mut all);
    let mut kinds: BTreeMap<String, Vec<Path>> = BTreeMap::new();
    all.into_iter().for_each(|p| kinds.entry(kind(&p)).or_default().push(p));
    for paths in kinds.values_mut() {
        let n = paths.len();
        let keep: BTreeSet<usize> = [0, n / 2, n - 1].into();
        let mut i = 0;
        paths.retain(|_| (keep.contains(&i), i += 1).0);
    }
    kinds
}

/// The errors of every kind of field, by the name of the change.
pub type Errors = BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>;

/// What a changed value came to: an error's name. Fails on acceptance, and on a panic of the verifier.
pub fn walk_named<T: Serialize + DeserializeOwned>(value: &T, verify: impl Fn(&T) -> Result<(), String>) -> Errors {
    let tree = serde_json::to_value(value).expect("every type has a tree");
    let original = postcard::to_allocvec(value).expect("an encoding");
    let mut out = Errors::new();
    for (kind, paths) in representatives(&tree) {
        for path in paths {
            for (name, change) in changes(at(&mut tree.clone(), &path)) {
                let mut tree = tree.clone();
                *at(&mut tree, &path) = change;
                let Ok(changed) = serde_json::from_value::<T>(tree) else { continue };
                if postcard::to_allocvec(&changed).expect("an encoding") == original {
                    continue;
                }
                let verdict = catch_unwind(AssertUnwindSafe(|| verify(&changed)));
                let verdict = verdict.unwrap_or_else(|_| panic!("{path:?}: the verifier panicked"));
                let error = verdict.expect_err(&format!("{path:?} changed and accepted"));
                out.entry(kind.clone()).or_default().entry(name).or_default().insert(error);
            }
        }
    }
    out
}

/// The errors of every kind of field, whatever the change.
fn walk<T: Serialize + DeserializeOwned>(
    value: &T,
    verify: impl Fn(&T) -> Result<(), String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let all = walk_named(value, verify).into_iter();
    all.map(|(kind, errors)| (kind, errors.into_values().flatten().collect())).collect()
}

/// The variants of an error from the outside in: the capitalised words of its debug text.
pub fn variants(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|w| w.starts_with(|c: char| c.is_ascii_uppercase())).collect::<Vec<_>>().join("::")
}

/// Which checks may reject a changed field: prefix of its kind, and of the error's variants.
type Checks = &'static [(&'static str, &'static [&'static str])];

/// Fails unless the longest row that names a kind allows its errors, and every row is some kind's.
fn compare(
    prefix: &str,
    errors: &BTreeMap<String, BTreeSet<String>>,
    checks: Checks,
    used: &mut BTreeSet<&'static str>,
) {
    for (kind, errors) in errors {
        let Some(kind) = kind.strip_prefix(prefix) else { continue };
        let row =
            checks.iter().filter(|(k, _)| kind == *k || kind.starts_with(&format!("{k}."))).max_by_key(|r| r.0.len());
        let (key, allowed) = row.unwrap_or_else(|| panic!("no row for {prefix}{kind}: {errors:?}"));
        used.insert(key);
        for e in errors {
            assert!(allowed.iter().any(|a| e.starts_with(a)), "{prefix}{kind}: {e} is none of {allowed:?}");
        }
    }
}

fn all_used(checks: Checks, used: &BTreeSet<&'static str>) {
    let idle: Vec<_> = checks.iter().map(|r| r.0).filter(|k| !used.contains(k)).collect();
    assert!(idle.is_empty(), "rows without a field: {idle:?}");
}

/// Of a relation's argument, below the error that wraps it.
const ARGUMENT: Checks = &[
    ("trace_root", &["Opening::SourceClaim"]),
    ("masked.messages", &["Hiding::MessageCount", "Hiding::MessageMissing", "Opening::SourceClaim"]),
    ("masked.sacrifices", &["Hiding::SacrificeCount", "Opening::SourceClaim"]),
    ("opening.mu", &["Opening::SourceClaim"]),
    ("opening.source_rounds", &["Opening::SourceRounds", "Opening::SourceClaim"]),
    ("opening.value", &["Opening::SourceClaim"]),
    ("opening.column_rounds", &["Opening::ColumnRounds", "Opening::ColumnClaim"]),
    ("opening.whir.evals", &["Opening::EvaluationShape", "Opening::ColumnClaim"]),
    ("opening.whir.whir.initial_ood_answers", &["Opening::OutOfDomain", "Opening::Work"]),
    ("opening.whir.whir.initial_sumcheck", &["Opening::FoldShape", "Opening::Work"]),
    ("opening.whir.whir.rounds", &["Opening::WhirRounds", "Opening::RowField"]),
    ("opening.whir.whir.rounds.*.commitment", &["Opening::RoundRoot", "Opening::Work"]),
    ("opening.whir.whir.rounds.*.ood_answers", &["Opening::OutOfDomain", "Opening::Work"]),
    ("opening.whir.whir.rounds.*.pow_witness", &["Opening::Work"]),
    ("opening.whir.whir.rounds.*.sumcheck", &["Opening::FoldShape", "Opening::Work"]),
    (
        "opening.whir.whir.rounds.*.openings.Base.rows",
        &["Opening::RowCount", "Opening::RowWidth", "Opening::Oracle::Tree"],
    ),
    (
        "opening.whir.whir.rounds.*.openings.Base.proof.First.rows",
        &["Opening::SourceRows", "Opening::SourceWidth", "Opening::Oracle::Tree"],
    ),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees", &["Opening::TreeCount", "Opening::Oracle::Tree"]),
    (
        "opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.salts",
        &["Opening::SaltCount", "Opening::Oracle::Tree"],
    ),
    (
        "opening.whir.whir.rounds.*.openings.Extension.rows",
        &["Opening::RowCount", "Opening::RowWidth", "Opening::Oracle::Later"],
    ),
    ("opening.whir.whir.rounds.*.openings.Extension.proof", &["Opening::Oracle::Later"]),
    ("opening.whir.whir.final_poly", &["Opening::FinalLength", "Opening::Work"]),
    ("opening.whir.whir.final_pow_witness", &["Opening::Work"]),
    (
        "opening.whir.whir.final_openings.Extension.rows",
        &["Opening::RowCount", "Opening::RowWidth", "Opening::Oracle::Later"],
    ),
    ("opening.whir.whir.final_openings.Extension.proof", &["Opening::Oracle::Later"]),
    ("opening.whir.whir.final_sumcheck", &["Opening::FoldShape", "Opening::FinalClaim"]),
];

/// Of a commitment, below the error that wraps it.
const VECTOR: Checks = &[
    ("suite", &["Record::Suite"]),
    ("log_inv_rate", &["Record::Rate", "Statement::Rate", "Argument"]),
    ("shape", &["Record::Shape", "Record::Budget", "Record::Stride", "Record::Capacity", "Argument::Opening"]),
    ("row_budget", &["Record::Budget", "Argument::Opening::SourceClaim"]),
    ("root", &["Argument::Opening::SourceClaim"]),
];

/// Of a model's record.
const MODEL: Checks = &[
    ("velocity", &["Record::Velocity", "Argument"]),
    ("version", &["Record::Version"]),
    ("layers", &["Record::Limit"]),
    ("fw", &["Record::Limit"]),
    ("pin", &["Argument::Opening::SourceClaim"]),
];

/// Of a data set's record.
const DATA: Checks = &[
    ("version", &["Record::Version"]),
    ("rows", &["Record::Limit", "Record::Capacity", "Record::Stride", "Statement::DataMismatch", "Argument"]),
    ("features", &["Record::Limit", "Record::Capacity", "Statement::DataMismatch", "Argument"]),
    ("labels", &["Record::Limit", "Record::Capacity", "Statement::LabelMismatch", "Argument"]),
    ("fa", &["Record::Limit", "Statement::DataMismatch", "Argument::Opening::SourceClaim"]),
    ("data_bits", &["Record::Limit", "Statement::DataMismatch", "Argument"]),
    ("schema", &["Argument::Opening::SourceClaim"]),
    ("names", &["Argument::Opening::SourceClaim"]),
    ("released", &["Argument::Opening::SourceClaim"]),
    ("pin", &["Argument::Opening::SourceClaim"]),
];

/// Of a run's statement, beside its records.
const STATEMENT: Checks = &[
    ("version", &["Statement::Version"]),
    ("security_bits", &["Statement::Security"]),
    ("log_inv_rate", &["Statement::Rate"]),
    ("released", &["Argument::Opening::SourceClaim"]),
    ("order_origin", &["Argument::Opening::SourceClaim"]),
    (
        "config.architecture.layers",
        &["Statement::Config", "Statement::DataMismatch", "Statement::LabelMismatch", "Record::Limit", "Argument"],
    ),
    ("config.scales", &["Statement::Config", "Statement::DataMismatch", "Record::Limit", "Argument"]),
    ("config.schedule.rows", &["Statement::Config::Range", "Statement::DataMismatch"]),
    ("config.schedule.batch", &["Statement::Config::Range", "Argument"]),
    ("config.schedule.drop_last", &["Argument::Opening::SourceClaim"]),
    ("config.schedule.total_steps", &["ChunkCount", "Statement::Config::RateCount"]),
    ("config.schedule.chunk_steps", &["ChunkCount", "Statement::Config::ChunkSteps", "Argument"]),
    ("config.schedule.rates", &["Statement::Config::Rate", "Argument::Opening::SourceClaim"]),
    ("config.schedule.filter", &["Statement::Config::Filter", "Record::Velocity"]),
    ("config.schedule.nesterov", &["Statement::Config", "Argument::Opening::SourceClaim"]),
    ("config.schedule.decay", &["Statement::Config::Decay", "Argument"]),
    ("config.data_bits", &["Statement::Config::Range", "Statement::DataMismatch"]),
    ("config.target_bits", &["Statement::Config::Range"]),
    ("start.Hidden.bits", &["Statement::StartBits", "Argument::Opening::SourceClaim"]),
];

/// One spelling for the places that wrap a record's or an argument's error.
fn spelled(variants: &str) -> String {
    let s = variants.replace("Statement::Record::", "Record::");
    s.strip_prefix("Chunk::").map_or(s.clone(), |rest| format!("Argument::{rest}"))
}

#[test]
fn every_field_of_a_run() {
    let (_, run) = prove(one_chunk(perceptron()), true);
    let verify = |run: &_| verify_run(run).map(|_| ()).map_err(|e| spelled(&variants(&e)));
    let errors = walk(&run, verify);
    let groups: [(&str, Checks); 4] = [
        ("chunks.*.model_out.", MODEL),
        ("statement.start.Hidden.record.", MODEL),
        ("statement.data.", DATA),
        ("statement.", STATEMENT),
    ];
    let mut seen = BTreeSet::new();
    // Records first, then what is left of the structures around them.
    for (at, checks) in [
        ("chunks.*.model_out.vector.", VECTOR),
        ("statement.start.Hidden.record.vector.", VECTOR),
        ("statement.data.vector.", VECTOR),
    ]
    .into_iter()
    .chain(groups)
    {
        let part: BTreeMap<_, _> = errors
            .iter()
            .filter(|(k, _)| k.starts_with(at) && !seen.contains(*k))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let mut used = BTreeSet::new();
        compare(at, &part, checks, &mut used);
        all_used(checks, &used);
        seen.extend(part.into_keys());
    }
    let argument = wrapped("chunks.*.proof.", &errors);
    let mut used = BTreeSet::new();
    compare("chunks.*.proof.", &argument, ARGUMENT, &mut used);
    all_used(ARGUMENT, &used);
    let rest: Vec<_> = errors.keys().filter(|k| !seen.contains(*k) && !argument.contains_key(*k)).collect();
    assert_eq!(rest, ["chunks"]);
    assert!(errors["chunks"].iter().all(|e| e == "ChunkCount"));
}

/// The errors of one argument without what wraps them, which must be `Argument`.
fn wrapped(prefix: &str, errors: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    let unwrap = |e: &String| e.strip_prefix("Argument::").unwrap_or_else(|| panic!("{prefix}: {e}")).to_string();
    let of = errors.iter().filter(|(k, _)| k.starts_with(prefix));
    of.map(|(k, v)| (k.clone(), v.iter().map(unwrap).collect())).collect()
}

/// A public start and its origin.
#[test]
fn every_field_of_a_public_start() {
    let (_, run) = prove(one_chunk(logistic()), false);
    let statement = walk(&run.statement, |statement| {
        let mut run = run.clone();
        run.statement = statement.clone();
        verify_run(&run).map(|_| ()).map_err(|e| spelled(&variants(&e)))
    });
    assert_eq!(
        statement["start.Seed.origin.Prover.nonce"],
        BTreeSet::from(["Argument::Opening::SourceClaim".to_string()])
    );
}

#[test]
fn every_field_of_a_data_commitment() {
    let config = perceptron();
    let c = commit(&config, &data(&config));
    let verify = |(record, proof): &(_, _)| verify_data(record, proof).map_err(|e| variants(&e));
    // A pair's tree is a list of two: records and argument apart.
    let proof = walk(&c.proof, |proof| verify(&(c.record.clone(), proof.clone())));
    let record = walk(&c.record, |record| verify(&(record.clone(), c.proof.clone())));
    let mut used = BTreeSet::new();
    compare("", &wrapped("", &proof), ARGUMENT, &mut used);
    all_used(ARGUMENT, &used);
    let (vector, own): (BTreeMap<_, _>, BTreeMap<_, _>) =
        record.into_iter().partition(|(k, _)| k.starts_with("vector."));
    for (prefix, errors, checks) in [("vector.", vector, VECTOR), ("", own, DATA)] {
        let mut used = BTreeSet::new();
        compare(prefix, &errors, checks, &mut used);
        all_used(checks, &used);
    }
}

/// A generator of positions and values; the seed is the test's.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Verifies a file; panics are failures, acceptance of anything but the original too.
fn damaged(bytes: &[u8]) -> bool {
    let verdict = catch_unwind(|| match decode::<RunProof>(Kind::Run, bytes) {
        Err(_) => true,
        Ok(run) => verify_run(&run).is_err(),
    });
    verdict.expect("a damaged file does not make the verifier panic")
}

#[test]
fn damaged_files_are_rejected_without_a_panic() {
    let (_, run) = prove(one_chunk(logistic()), true);
    let bytes = encode(Kind::Run, &run).unwrap();
    assert!(!damaged(&bytes), "the file as it is verifies");
    let statement = postcard::to_allocvec(&run.statement).unwrap().len() + 9;
    let mut random = Random(0x5eed_0001);
    // Every byte of the statement, then anywhere.
    for at in (0..statement).chain((0..1200).map(|_| random.below(bytes.len())).collect::<Vec<_>>()) {
        let mut file = bytes.clone();
        file[at] ^= 1 << random.below(8);
        assert!(damaged(&file), "byte {at}");
    }
    for _ in 0..400 {
        let mut file = bytes.clone();
        let (from, to, n) = (random.below(file.len()), random.below(file.len()), 1 + random.below(64));
        match random.below(4) {
            0 => file.truncate(from),
            1 => file.drain(from..(from + n).min(bytes.len())).for_each(drop),
            2 => file.splice(from..from, bytes[to..(to + n).min(bytes.len())].to_vec()).for_each(drop),
            _ => (from..(from + n).min(bytes.len())).for_each(|i| file[i] = random.below(256) as u8),
        }
        assert!(file == bytes || damaged(&file));
    }
    for end in (0..statement + 40).chain((0..bytes.len()).step_by(997)) {
        assert!(damaged(&bytes[..end]), "truncated to {end} bytes");
    }
}

/// The same for a data commitment: record and validity proof.
#[test]
fn damaged_commitments_are_rejected_without_a_panic() {
    let config = logistic();
    let c = commit(&config, &data(&config));
    let bytes = encode(Kind::Data, &(&c.record, &c.proof)).unwrap();
    let damaged = |bytes: &[u8]| {
        let verdict = catch_unwind(|| match decode::<(DataRecord, RelationProof)>(Kind::Data, bytes) {
            Err(_) => true,
            Ok((record, proof)) => verify_data(&record, &proof).is_err(),
        });
        verdict.expect("a damaged file does not make the verifier panic")
    };
    assert!(!damaged(&bytes), "the file as it is verifies");
    let record = postcard::to_allocvec(&c.record).unwrap().len() + 9;
    let mut random = Random(0x5eed_0002);
    for at in (0..record).chain((0..400).map(|_| random.below(bytes.len())).collect::<Vec<_>>()) {
        let mut file = bytes.clone();
        file[at] ^= 1 << random.below(8);
        assert!(damaged(&file), "byte {at}");
    }
    for end in (0..record).chain((0..bytes.len()).step_by(997)) {
        assert!(damaged(&bytes[..end]), "truncated to {end} bytes");
    }
}

#[test]
fn files_of_another_kind_version_or_with_more_bytes_are_named() {
    let (_, run) = prove(one_chunk(logistic()), false);
    let bytes = encode(Kind::Run, &run).unwrap();
    let error = |bytes: &[u8], kind| decode::<RunProof>(kind, bytes).err();
    let mut longer = bytes.clone();
    longer.extend([0, 0, 0]);
    assert_eq!(error(&longer, Kind::Run), Some(FileError::TrailingBytes { extra: 3 }));
    assert_eq!(error(&bytes, Kind::Release), Some(FileError::Kind { got: Kind::Run as u8, expected: Kind::Release }));
    let mut other = bytes.clone();
    other[7] ^= 2;
    assert_eq!(error(&other, Kind::Run), Some(FileError::Version { got: 3 }));
    other[0] = b'T';
    assert_eq!(error(&other, Kind::Run), Some(FileError::NotOurs));
    assert_eq!(error(&bytes[..bytes.len() - 1], Kind::Run), Some(FileError::Damaged));
    assert_eq!(error(&[], Kind::Run), Some(FileError::NotOurs));
    // Another encoding of the same version number: a varint with a needless byte.
    let mut padded = bytes.clone();
    assert_eq!(padded[9], 1, "the statement's version");
    padded.splice(9..10, [0x81, 0]);
    assert_eq!(error(&padded, Kind::Run), Some(FileError::NotCanonical));
}
