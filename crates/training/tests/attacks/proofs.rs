//! Whole proofs by a dishonest prover: the trace committed, the messages sent, the opening made; the verifier's own
//! functions reject. A subset of what the other tests evaluate in the clear.
use crate::common::{ORIGIN, Owner, START_BITS, data, logistic, perceptron};
use crate::forge::Forgery;
use crate::one_chunk;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::F;
use tacit_argument::opening::{LongLived, OpeningError};
use tacit_argument::proof::{ArgumentError, prove};
use tacit_training::config::{RunConfig, Schedule};
use tacit_training::record::ModelRecord;
use tacit_training::relation::StartWeights;
use tacit_training::run::{ChunkProof, LABEL, ModelCommitment, RunProof, RunRejected, commit_model, verify_run};
use tacit_training::statement::Start;
use tacit_training::validity::verify_data;

/// Commits any residues as a model.
fn commit_residues(config: &RunConfig, payload: &[F]) -> (LongLived, ModelRecord) {
    let ModelCommitment { mut record, .. } =
        commit_model(config, &vec![0; config.weight_count()], 2, 4, &[8; 32]).unwrap();
    let vector = LongLived::commit(record.vector.shape, 2, payload, &[8; 32]).unwrap();
    record.vector.root = vector.root();
    record.pin = vector.pin(&record.committed().unwrap().pin.point);
    (vector, record)
}

/// Proves the forgery under its owner's statement and verifies the run.
fn verdict(owner: &Owner, forgery: &Forgery<'_>) -> Result<(), RunRejected> {
    let statement = &owner.statement;
    let (model_out, record) = commit_residues(&statement.config, &forgery.model_out);
    let bounds = statement.validate().unwrap();
    let c_in = owner.first.as_ref().map_or([0; 32], |m| m.record.digest().unwrap());
    let digest = statement.chunk_digest(0, &c_in, &record.digest().unwrap(), bounds[0]).unwrap();
    let mut others =
        vec![(&owner.data.vector, statement.data.committed().unwrap()), (&model_out, record.committed().unwrap())];
    others.extend(owner.first.as_ref().map(|m| (&m.vector, m.record.committed().unwrap())));
    let entropy = Entropy::fresh(&[1; 32], &digest).unwrap();
    let proof = prove(LABEL, &digest, forgery, 2, forgery.columns.clone(), &others, entropy).unwrap();
    let run = RunProof { statement: statement.clone(), chunks: vec![ChunkProof { model_out: record, proof }] };
    verify_data(&owner.data.record, &owner.data.proof).unwrap();
    verify_run(&run).map(|_| ())
}

fn hidden() -> StartWeights {
    StartWeights::Committed(Some(START_BITS))
}

fn assert_rejected(owner: &Owner, forgery: &Forgery<'_>) {
    assert!(!forgery.rejected_by().is_empty());
    let error = verdict(owner, forgery).expect_err("a false statement");
    let opening = ArgumentError::Opening(OpeningError::SourceClaim);
    let RunRejected::Chunk { chunk: 0, error } = error else { panic!("{error}") };
    assert_eq!(error.to_string(), opening.to_string());
}

/// The same prover is believed where it is honest: what is rejected below is rejected for its falsehood.
#[test]
fn the_same_prover_is_accepted_when_honest() {
    for (config, is_hidden) in [(one_chunk(logistic()), true), (one_chunk(perceptron()), false)] {
        let owner = Owner::new(config.clone(), is_hidden);
        let start = if is_hidden { hidden() } else { StartWeights::Public(owner.state.weights.clone()) };
        let f = Forgery::of(&config, &config, 0, start, (&owner.state, &owner.rows));
        assert!(f.rejected_by().is_empty());
        verdict(&owner, &f).unwrap();
    }
}

#[test]
fn a_label_flipped_after_the_commitment() {
    let config = one_chunk(logistic());
    let owner = Owner::new(config.clone(), true);
    let mut flipped = owner.rows.clone();
    flipped.labels[7] ^= 1;
    let mut f = Forgery::of(&config, &config, 0, hidden(), (&owner.state, &flipped));
    f.data = tacit_training::validity::data_payload(&owner.data.record, &owner.rows);
    assert_rejected(&owner, &f);
    f.derive_all();
    assert_rejected(&owner, &f);
}

#[test]
fn another_learning_rate_than_stated() {
    let config = one_chunk(perceptron());
    let owner = Owner::new(config.clone(), true);
    let mut faster = config.clone();
    faster.schedule.rates = Schedule::encode_rates(&[1, 2, 1]);
    assert_rejected(&owner, &Forgery::of(&config, &faster, 0, hidden(), (&owner.state, &owner.rows)));
}

#[test]
fn weights_that_no_training_gave() {
    let config = one_chunk(logistic());
    let owner = Owner::new(config.clone(), true);
    let mut f = Forgery::of(&config, &config, 0, hidden(), (&owner.state, &owner.rows));
    f.model_out[2] += F::ONE;
    assert_rejected(&owner, &f);
}

#[test]
fn a_relu_bit_and_a_count_and_a_remainder() {
    let config = one_chunk(perceptron());
    let owner = Owner::new(config.clone(), true);
    let honest = Forgery::of(&config, &config, 0, hidden(), (&owner.state, &owner.rows));
    let c = honest.layout.layers[0].clone();
    let bit = c.activation.unwrap();
    let mut f = honest.clone();
    *f.cell(bit, 3) = F::ONE - *f.cell(bit, 3);
    f.derive_all();
    assert_rejected(&owner, &f);
    let mut f = honest.clone();
    let count = f.relation.lookups().multiplicities[0];
    *f.cell(count, 0) += F::ONE;
    assert_rejected(&owner, &f);
    let mut f = honest;
    *f.cell(c.z_rem.groups[0].1, 0) += F::ONE;
    f.derive_all();
    assert_rejected(&owner, &f);
}

/// A start whose commitment holds residues outside the window that the statement names.
#[test]
fn a_start_outside_its_window() {
    let config = one_chunk(logistic());
    let mut owner = Owner::new(config.clone(), true);
    let mut huge = owner.state.clone();
    huge.weights[0] = 1 << START_BITS;
    let first = commit_model(&config, &huge.weights, 2, 4, &[9; 32]).unwrap();
    owner.statement.start = Start::Hidden { record: first.record.clone(), bits: START_BITS };
    owner.first = Some(first);
    let mut f = Forgery::of(&config, &config, 0, hidden(), (&owner.state, &owner.rows));
    f.start.clone_from(&huge.weights);
    f.model_in = Some(tacit_training::relation::model_payload(&config, &huge.weights, None));
    f.derive_all();
    assert_rejected(&owner, &f);
}

/// A public start that is not the seed's.
#[test]
fn a_start_that_is_not_the_seeds() {
    let config = one_chunk(logistic());
    let owner = Owner::new(config.clone(), false);
    let seed = owner.statement.seed("initial", &ORIGIN).unwrap();
    assert_eq!(owner.state.weights, tacit_training::initial::initial_weights(&config, &seed));
    let mut other = owner.state.clone();
    other.weights[3] -= 1;
    let public = StartWeights::Public(owner.state.weights.clone());
    assert_rejected(&owner, &Forgery::of(&config, &config, 0, public, (&other, &data(&config))));
}
