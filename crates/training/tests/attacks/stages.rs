//! Whoever watches a proof sees each stage once, in order, and an estimate that shares its seconds among them.
use crate::common::{Owner, logistic, perceptron};
use std::cell::RefCell;
use tacit_training::estimate::{estimate, estimate_chunk};
use tacit_training::run::{ChunkInput, prove_chunk_watched};
use tacit_training::stage::Stage;

#[test]
fn every_stage_begins_once_and_in_order() {
    let owner = Owner::new(perceptron(), true);
    let seen = RefCell::new(vec![]);
    let input = ChunkInput {
        statement: &owner.statement,
        chunk: 0,
        data: &owner.data.vector,
        rows: &owner.rows,
        start: &owner.state,
        model_in: owner.first.as_ref(),
        proofs: 4,
        seed: &[0; 32],
    };
    prove_chunk_watched(&input, &[1; 32], &|stage| seen.borrow_mut().push(stage)).unwrap();
    assert_eq!(seen.into_inner(), Stage::ALL);
}

#[test]
fn the_estimate_of_a_plan_is_that_of_its_statement() {
    for (config, hidden) in [(perceptron(), true), (logistic(), true), (logistic(), false)] {
        let owner = Owner::new(config, hidden);
        let stated = estimate(&owner.statement).unwrap();
        let start = hidden.then_some((None, crate::common::START_BITS));
        let planned = estimate_chunk(&owner.statement.config, owner.statement.data.vector.shape, start, 2).unwrap();
        assert_eq!(planned, stated);
        let total: f64 = stated.stages.iter().sum();
        assert!((total / stated.seconds - 1.0).abs() < 1e-9);
        assert!(stated.stages.iter().all(|s| *s > 0.0));
    }
}

/// Twice the steps of a chunk never take less memory; a public start never more than a hidden one.
#[test]
fn longer_chunks_take_more_memory() {
    let owner = Owner::new(perceptron(), true);
    let shape = owner.statement.data.vector.shape;
    let mut before = 0;
    for log_steps in 0..12 {
        let mut config = perceptron();
        config.schedule.chunk_steps = 1 << log_steps;
        let hidden = estimate_chunk(&config, shape, Some((None, 30)), 2).unwrap().memory;
        let public = estimate_chunk(&config, shape, None, 2).unwrap().memory;
        assert!(hidden >= before && public <= hidden, "2^{log_steps} steps: {before}, {hidden}, {public}");
        before = hidden;
    }
}
