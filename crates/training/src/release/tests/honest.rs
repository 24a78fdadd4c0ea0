//! Honest releases of several nets and widths, and of a run proven from end to end.
use super::*;
use crate::file::{self, FileError, Kind};
use crate::run::{ChunkInput, RunProof, prove_chunk, verify_run};
use crate::trainer::{Data, ModelState};
use crate::validity::{commit_data, data_payload};
use crate::words::{hex, model_file_words, release_words};
use std::println;
use tacit_argument::entropy::Entropy;
use tacit_argument::soundness::{TARGET_BITS, total};

#[test]
fn every_net_and_width_verifies() {
    let deep = vec![
        layer(5, 6, Activation::Relu),
        layer(6, 33, Activation::Sigmoid),
        layer(33, 4, Activation::Tanh),
        layer(4, 2, Activation::Identity),
    ];
    let mut without_bias = perceptron();
    without_bias.architecture.layers[0].bias = false;
    for config in [logistic(), perceptron(), without_bias, config(deep, Loss::Mse)] {
        let world = World::new(config);
        // One limb, two limbs, a remainder of one bit, none at all.
        for bits in [12, 4, FW - 1, FW] {
            let t = std::time::Instant::now();
            let release = world.release(bits);
            let (proved, t) = (t.elapsed(), std::time::Instant::now());
            let verdict = world.verify(&release).unwrap();
            let bytes = file::encode(Kind::Release, &release).unwrap().len();
            println!(
                "{} weights at {bits} bits: prove {proved:?}, verify {:?}, {bytes} bytes",
                verdict.weights,
                t.elapsed()
            );
            assert_eq!((verdict.bits, verdict.weights), (bits, world.weights.len()));
            assert_eq!(verdict.exemption, Some(Override::PublicData));
            assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
            assert_eq!(release.statement.weights, rounded_weights(&world.statement.config, &world.weights, bits));
        }
    }
}

#[test]
fn rounds_half_up() {
    let config = logistic();
    let edge = 1 << (FW - 13);
    assert_eq!(rounded_weights(&config, &[edge, edge - 1, -edge, -edge - 1, 3 * edge], 12), [1, 0, 0, -1, 2]);
    assert_eq!(rounded_weights(&config, &[edge, -edge], FW), [edge, -edge]);
}

#[test]
fn two_releases_of_one_run_verify_and_the_second_needs_an_exemption() {
    let world = World::new(perceptron());
    let (first, second) = (world.release(12), world.release(8));
    world.verify(&first).unwrap();
    world.verify(&second).unwrap();
    assert_ne!(first.proof.trace_root, second.proof.trace_root);
    let again = world.release(12);
    assert_eq!(again.statement, first.statement);
    assert_ne!(again.proof.trace_root, first.proof.trace_root, "a proof draws its own randomness");
    let c = Circumstances { earlier: Earlier::SameData, ..private() };
    let refused = release_rules(&world.statement, 12, &c);
    assert!(matches!(refused, Err(ReleaseRefused::EarlierRelease { earlier: Earlier::SameData })), "{refused:?}");
}

#[test]
fn the_words_name_run_model_width_and_what_stays_open() {
    let world = World::new(perceptron());
    let mut statement = world.release(12).statement;
    let exempt = release_words(&statement);
    for part in ["66 released weights", &hex(&statement.run_digest), &hex(&statement.model_digest), "2^-12"] {
        assert!(exempt.shown[0].contains(part), "{part}: {}", exempt.shown[0]);
    }
    assert!(exempt.shown[1].contains("declaring the training data public"));
    assert!(exempt.not_shown[0].contains("does not bound it"));
    statement.exemption = None;
    let ordinary = release_words(&statement);
    assert_eq!((ordinary.shown.len(), ordinary.not_shown.len()), (1, 2));
    assert!(ordinary.not_shown[1].contains("safety rules"));
    let file = model_file_words(&statement, true);
    assert!(file.shown[0].contains("4 float32 tensors"), "{}", file.shown[0]);
    assert_eq!(model_file_words(&statement, false).not_shown.len(), 0);
    let both = ordinary.clone().and(file.clone()).and(file);
    assert_eq!((both.shown.len(), both.not_shown.len()), (3, 3));
}

#[test]
fn a_release_file_is_read_as_a_release_only() {
    let world = World::new(logistic());
    let mut bytes = file::encode(Kind::Release, &world.release(12)).unwrap();
    let decoded: ReleaseProof = file::decode(Kind::Release, &bytes).unwrap();
    world.verify(&decoded).unwrap();
    let other = file::decode::<RunProof>(Kind::Run, &bytes).err();
    assert_eq!(other, Some(FileError::Kind { got: 3, expected: Kind::Run }));
    bytes.push(0);
    assert_eq!(file::decode::<ReleaseProof>(Kind::Release, &bytes).err(), Some(FileError::TrailingBytes { extra: 1 }));
}

/// A run proven chunk by chunk, with the models at its chunk boundaries.
fn proven_run(config: RunConfig) -> (RunProof, Vec<(ModelCommitment, Vec<i64>)>) {
    let (n, d) = (config.schedule.rows as i32, config.architecture.layers[0].inputs as i32);
    let features = (0..n * d).map(|i| (i * 7919 + i * i * 31) % 1024 - 512).collect();
    let rows = Data { features, labels: (0..n).map(|i| (i * 3) % 2).collect() };
    let record = data_record(&config);
    let payload = data_payload(&record, &rows);
    let data = commit_data(record, &payload, &[3; 32], Entropy::fresh(&SECRET, &[2; 32]).unwrap()).unwrap();
    let statement = RunStatement { data: data.record.clone(), ..run_statement(config) };
    let seed = statement.seed("initial", &Origin::Prover { nonce: 5 }).unwrap();
    let mut state = ModelState { weights: crate::initial::initial_weights(&statement.config, &seed), velocity: None };
    let (mut chunks, mut models): (Vec<_>, Vec<(ModelCommitment, Vec<i64>)>) = (vec![], vec![]);
    for chunk in 0..statement.config.chunks() {
        let input = ChunkInput {
            statement: &statement,
            chunk,
            data: &data.vector,
            rows: &rows,
            start: &state,
            model_in: models.last().map(|m| &m.0),
            proofs: 4,
            seed: &[chunk as u8; 32],
        };
        let out = prove_chunk(&input, &SECRET).unwrap();
        chunks.push(out.proof);
        models.push((out.model_out, out.end.weights.clone()));
        state = out.end;
    }
    (RunProof { statement, chunks }, models)
}

#[test]
fn the_last_model_of_a_proven_run_and_no_other_is_released() {
    let (run, models) = proven_run(logistic());
    let verdict = verify_run(&run).unwrap();
    assert_eq!(models.len(), 2);
    let permit = || release_rules(&run.statement, 12, &private()).unwrap();
    let names = names_for(&run.statement.config);
    let release = |(model, weights): &(ModelCommitment, Vec<i64>)| {
        let input = ReleaseInput { statement: &run.statement, model, weights, names: &names };
        prove_release(&input, permit(), &SECRET).unwrap()
    };
    let (first, last) = (&models[0], &models[1]);
    let verify = |r: &ReleaseProof, m: &ModelCommitment| verify_release(r, &verdict, &run.statement, &m.record);
    let good = release(last);
    assert_eq!(verify(&good, &last.0).unwrap().exemption, None);

    let rejected = verify(&release(first), &first.0);
    assert!(matches!(rejected, Err(ReleaseRejected::NotFinalModel)), "{rejected:?}");
    let rejected = verify(&good, &first.0);
    assert!(matches!(rejected, Err(ReleaseRejected::OtherRecord)), "{rejected:?}");
}
