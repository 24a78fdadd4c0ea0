//! Serialised structures walked as trees and changed node by node, and files with changed bytes: nothing changed is
//! accepted, nothing panics. Which check rejects which field is in [`crate::manifest`].
use crate::common::{commit, data, logistic, prove};
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
        Value::String(s) => {
            let mut out = vec![("longer", json!(format!("{s}x"))), ("absent", Value::Null)];
            // A variant without fields is a string.
            let variants = [
                "Identity",
                "Relu",
                "Sigmoid",
                "Tanh",
                "CrossEntropy",
                "BceWithLogits",
                "Mse",
                "Contiguous",
                "Sign",
                "Long",
                "Same",
                "Subset",
            ];
            out.push(("variant", json!({"Disjoint": {"nonce": 5}})));
            out.extend(variants.into_iter().filter(|v| v != s).map(|v| ("variant", json!(v))));
            out.push(("variant", json!({"Shuffled": {"seed": vec![1; 32]}})));
            out.push(("variant", json!({"Range": {"first": 0, "count": 1}})));
            out.push(("variant", json!({"Recall": {"class": 0}})));
            out.push(("variant", json!({"Loss": {"loss": "Brier"}})));
            let plain = ["Log", "Brier", "Squared", "Absolute"];
            out.extend(plain.into_iter().filter(|v| v != s).map(|v| ("variant", json!(v))));
            out
        }
        Value::Array(a) => {
            let (mut longer, mut shorter, mut rotated) = (a.clone(), a.clone(), a.clone());
            shorter.pop();
            longer.extend(a.last().cloned());
            rotated.rotate_left(usize::from(a.len() > 1));
            let mut out = vec![("longer", longer), ("shorter", shorter), ("rotated", rotated), ("empty", vec![])];
            if a.is_empty() {
                // Entries of every type that a list of ours holds.
                let element = json!({"value": [0, 0, 0], "_phantom": null});
                let entries = [json!(0), json!("x"), element, json!([0])];
                out.extend(entries.map(|v| ("longer", vec![v])));
            }
            out.into_iter().filter(|x| &x.1 != a).map(|(name, x)| (name, Value::Array(x))).collect()
        }
        Value::Null => {
            let decay = json!({"bits": 1, "numerators": [2]});
            let groups = json!({"columns": [4], "values": [[0], [256]]});
            let against = json!({"run_digest": vec![5; 32], "model_digest": vec![5; 32]});
            let layer =
                json!({"inputs": 5, "outputs": 2, "bias": true, "activation": "Identity", "z_bits": 11, "q_bits": 11});
            let public = json!({
                "architecture": {"layers": [layer], "loss": "CrossEntropy"}, "fa": 6, "bits": 12, "data_bits": 9,
                "names": [["w", "b"]], "weights": vec![5; 32],
            });
            let further = [decay, json!({"z": 40, "q": 40}), groups, against, public];
            let simple = [json!([]), json!(0), json!([0]), json!({"Prover": {"nonce": 1}})];
            simple.into_iter().chain(further).map(|v| ("present", v)).collect()
        }
        Value::Object(o) => {
            let mut out = vec![("absent", Value::Null)];
            let variants = |all: &[Value]| all.iter().map(|v| ("variant", v.clone())).collect::<Vec<_>>();
            let prover = json!({"Prover": {"nonce": 5}});
            out.extend(match o.iter().next() {
                Some((k, v)) if k == "Class" => variants(&[
                    json!({"Binary": {"outputs": v["classes"]}}),
                    json!({"Real": {"outputs": v["classes"], "bits": 12}}),
                ]),
                Some((k, v)) if k == "Binary" || k == "Real" => {
                    variants(&[json!({"Class": {"classes": v["outputs"]}})])
                }
                Some((k, v)) if k == "Hidden" && v.get("count").is_some() => {
                    variants(&[json!("All"), json!({"Listed": [3, 88]}), json!({"Range": {"first": 0, "count": 3}})])
                }
                Some((k, _)) if k == "Hidden" => variants(&[json!({"Seed": {"origin": prover}})]),
                Some((k, _)) if k == "Prover" => variants(&[json!({"Verifier": {"nonce": vec![5; 32]}})]),
                Some((k, _)) if k == "Verifier" || k == "Beacon" || k == "Seed" => {
                    variants(&[prover, json!({"Seed": {"origin": {"Prover": {"nonce": 5}}}})])
                }
                Some((k, _)) if k == "Disjoint" => variants(&[json!("Same"), json!("Subset")]),
                Some((k, _)) if k == "Shuffled" => variants(&[json!("Contiguous")]),
                Some((k, v)) if k == "Recall" || k == "Precision" => {
                    variants(&[json!("Accuracy"), json!({"F1": v}), json!({"Predicted": v})])
                }
                Some((k, _)) if k == "Range" || k == "Listed" => variants(&[json!("All"), json!({"Listed": [0]})]),
                Some((k, _)) if k == "Committed" => variants(&[json!({"Public": {"features": [0, 0, 0, 0, 0]}})]),
                Some((k, v)) if k == "Classes" => variants(&[json!({"Outputs": {"values": v["classes"]}})]),
                Some((k, v)) if k == "SquaredError" => variants(&[json!({"AbsoluteError": v})]),
                Some((k, v)) if k == "Profit" => variants(&[json!({"ProfitAtLeast": {"bound": v["sum"]}})]),
                Some((k, v)) if k == "Squares" => variants(&[json!({"SquaresAtMost": {"bound": v["sum"]}})]),
                Some((k, v)) if k == "Drawdown" => variants(&[json!({"DrawdownAtMost": {"bound": v["value"]}})]),
                Some((k, v)) if k == "SharpeAtLeast" => variants(&[json!({"SortinoAtLeast": v})]),
                Some((k, _)) if k == "Tanh" || k == "Linear" => variants(&[json!("Sign"), json!("Long")]),
                Some((k, v)) if k == "AtLeast" => {
                    let same = json!({"rate": v["rate"], "group": v["group"], "numerator": 0, "denominator": 50});
                    variants(&[json!({"Exactly": same})])
                }
                _ => vec![],
            });
            out
        }
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

/// The variants of an error from the outside in: the capitalised words of its debug text.
pub fn variants(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|w| w.starts_with(|c: char| c.is_ascii_uppercase())).collect::<Vec<_>>().join("::")
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
