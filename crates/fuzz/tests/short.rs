//! A short run of the fuzzer in every run of the tests, and what statements of many rows cost on small proofs.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tacit_fuzz::fuzzer::{Options, fuzz};
use tacit_fuzz::honest::{Family, families};
use tacit_fuzz::meter::{Counting, most_bytes};
use tacit_fuzz::random::Random;
use tacit_fuzz::spans::{HEAD, Spans};
use tacit_fuzz::{checks, inflate, mutate};
use tacit_training::config::{Activation, MAX_ROWS, MAX_WIDTH};
use tacit_training::file::{Kind, decode, encode};
use tacit_training::relation::{ChunkRelation, StartWeights};
use tacit_training::run::RunProof;
use tacit_training::verify::{DataFile, Held, verify_data_file, verify_run_file};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn fuzzed_for_seconds(families: &[Family]) {
    let options = Options { time: Duration::from_secs(10), seed: 1, threads: 2, only: String::new() };
    let (tally, finding) = fuzz(families, &options);
    assert!(finding.is_none(), "{}", finding.map(|f| format!("{}: {}", f.target, f.what)).unwrap_or_default());
    let total = tally.total();
    let names: BTreeSet<&str> = total.rejected.keys().flat_map(|k| k.split("::")).collect();
    assert!(total.files > 100 && names.len() > 20, "{tally}");
}

/// Rows that the file's statement says cost nothing before the proof is known to be of their shape.
fn many_rows_on_a_small_proof_cost_no_table(family: &Family) {
    let mut body: DataFile = decode(Kind::Data, &family.data).expect("a file");
    body.record.rows = MAX_ROWS;
    let shape = tacit_argument::opening::long_lived_shape(3 << 24, 24, 8, 2).expect("a shape");
    body.record.vector.shape = shape;
    body.record.vector.row_budget = 64;
    let bytes = encode(Kind::Data, &body).expect("a file");
    let (verdict, held) = most_bytes(|| verify_data_file(&bytes).map(|_| ()));
    assert!(checks::name(&verdict.expect_err("another proof")).contains("Hiding::Message"));
    // One table of 2^24 weights has 403 MB.
    assert!(held < 8 << 20, "{held}");
}

/// The same for public initial weights: 2^27 of them here, a gigabyte.
fn many_weights_on_a_small_proof_are_not_drawn(family: &Family) {
    let mut run: RunProof = decode(Kind::Run, &family.runs[0]).expect("a file");
    let mut r = Random(1);
    let (mut longest, mut most) = (0, 0);
    for _ in 0..40 {
        let bytes = inflate::run(&mut r, &family.runs[0]);
        let Ok(inflated) = decode::<RunProof>(Kind::Run, &bytes) else { continue };
        let (verdict, held) = most_bytes(|| verify_run_file(&bytes, &Held::default()).map(|_| ()));
        assert!(verdict.is_err());
        (longest, most) = (longest.max(inflated.statement.config.weight_count()), most.max(held));
        run = inflated;
    }
    assert!(run.statement.config.weight_count() > 0 && longest > 1 << 20 && most < 1 << 30, "{longest}, {most}");
}

/// A table of a smooth layer is built once, not for every unit: with 2^16 units that was minutes.
fn a_wide_smooth_layer_is_planned_at_once(family: &Family) {
    let run: RunProof = decode(Kind::Run, &family.runs[0]).expect("a file");
    let mut config = run.statement.config;
    let last = config.architecture.layers[0].clone();
    let mut wide = last.clone();
    (wide.outputs, wide.activation, wide.z_bits) = (MAX_WIDTH, Activation::Sigmoid, 16);
    config.architecture.layers = vec![wide, tacit_training::config::Layer { inputs: MAX_WIDTH, ..last }];
    let since = Instant::now();
    let relation = ChunkRelation::outline(&config, 0, StartWeights::Committed(None)).expect("a chunk");
    assert!(relation.lookups().lookups.len() > 1 << 16);
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
}

/// Changes are changes: decodable ones of every leaf type, and each a file of its own.
fn changes_reach_every_part(family: &Family) {
    let body: RunProof = decode(Kind::Run, &family.runs[0]).expect("a file");
    let file = Spans::new(&family.runs[0][..HEAD], &body);
    assert_eq!(file.bytes, family.runs[0], "the walk is the wire format");
    let mut r = Random(5);
    let (mut decoded, mut different) = (0, BTreeSet::new());
    for _ in 0..2000 {
        let changed = mutate::mutate(&mut r, &file, &[]);
        decoded += u32::from(decode::<RunProof>(Kind::Run, &changed).is_ok());
        different.insert(changed);
    }
    assert!(decoded > 500 && different.len() > 1500, "{decoded} of {}", different.len());
}

/// The names of checks are those of the errors.
fn every_error_is_listed() {
    let all = checks::all();
    for expected in [("OpeningError", "SourceClaim"), ("HidingError", "MessageMissing"), ("Rejected", "SchemaId")] {
        assert!(all.contains(&expected), "{expected:?}");
    }
    assert!(all.len() > 140, "{}", all.len());
    assert!(checks::never(["Run::Chunk::Opening::SourceClaim"].into_iter()).len() < all.len() - 3);
}

/// One test: the honest files take longer than the rest.
#[test]
fn changed_files_are_rejected_at_a_cost_bounded_by_their_size() {
    every_error_is_listed();
    let families = families();
    let family = &families[0];
    changes_reach_every_part(family);
    many_rows_on_a_small_proof_cost_no_table(family);
    many_weights_on_a_small_proof_are_not_drawn(family);
    a_wide_smooth_layer_is_planned_at_once(family);
    fuzzed_for_seconds(&families);
}
