//! Momentum from end to end: several chunks, partial batches, padding, Nesterov; and provers that cheat on the state.
mod setup;

use setup::{Forgery, Run, config, minus_one_over};
use tacit_argument::lookup::LookupError;
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::ArgumentError;
use tacit_training::config::{Activation, ConfigError, Loss, RunConfig, Schedule};
use tacit_training::record::RecordError;
use tacit_training::run::{RunProof, RunRejected, verify_run};
use tacit_training::statement::StatementError;
use tacit_training::trainer::{ModelState, Trainer, train_chunk};

/// The end of the run by the trainer alone, from velocity 0.
fn trained(run: &Run) -> ModelState {
    let config = &run.statement.config;
    let velocity = config.schedule.momentum().then(|| vec![0; config.weight_count()]);
    let start = ModelState { weights: run.state.weights.clone(), velocity };
    Trainer::new(config, &start, &run.rows).unwrap().finish().unwrap()
}

fn accepts(run: &Run) {
    let (proof, ends) = run.prove();
    let t = std::time::Instant::now();
    let verdict = verify_run(&proof).unwrap();
    println!("verify {:?}, {} bytes", t.elapsed(), postcard::to_allocvec(&proof).unwrap().len());
    let end = &ends.last().unwrap().0;
    assert_eq!(*end, trained(run));
    assert_eq!(end.velocity.is_some(), run.statement.config.schedule.momentum());
    let within = |v: &[i64], bound: u128| v.iter().all(|&v| u128::from(v.unsigned_abs()) <= bound);
    assert!(within(&end.weights, verdict.w_out));
    assert!(within(end.velocity.as_deref().unwrap_or_default(), verdict.v_out));
}

/// The opening of a false sum of linear claims.
fn rejects(proof: &RunProof, at: u32) {
    match verify_run(proof) {
        Err(RunRejected::Chunk { chunk, error: ArgumentError::Opening(OpeningError::SourceClaim) }) if chunk == at => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn momentum_over_three_chunks_from_a_hidden_start() {
    accepts(&Run::new(config(), true, None));
}

#[test]
fn momentum_from_a_public_start() {
    accepts(&Run::new(config(), false, None));
}
