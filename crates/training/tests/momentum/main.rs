//! Momentum from end to end: several chunks, partial batches, padding, Nesterov; and provers that cheat on the state.
#![allow(clippy::unwrap_used)]
mod reference;
mod setup;

use setup::{BITS, Forgery, Run, config, minus_one_over};
use tacit_argument::field::{F, signed};
use tacit_argument::lookup::LookupError;
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::ArgumentError;
use tacit_training::config::{Activation, ConfigError, Decay, Loss, RunConfig, Schedule};
use tacit_training::record::RecordError;
use tacit_training::relation::layout::TraceLayout;
use tacit_training::run::{RunProof, RunRejected, verify_run};
use tacit_training::statement::StatementError;
use tacit_training::trainer::{ChunkEnd, ModelState, Trainer, train_chunk};

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

#[test]
fn nesterov() {
    let mut config = config();
    config.schedule.nesterov = true;
    let mut run = Run::new(config, true, None);
    accepts(&run);
    let end = trained(&run);
    run.statement.config.schedule.nesterov = false;
    assert_ne!(trained(&run), end);
}

#[test]
fn a_filter_shorter_than_a_chunk_through_smooth_layers() {
    let mut config = config();
    config.schedule.filter = vec![16, 8];
    config.architecture.layers[0].activation = Activation::Tanh;
    config.architecture.loss = Loss::BceWithLogits;
    config.architecture.layers[1].outputs = 1;
    accepts(&Run::new(config, true, None));
}

/// Without kappa nothing is rounded: no remainders, no windows.
#[test]
fn a_filter_of_ones() {
    let mut config = config();
    config.scales.kappa = 0;
    config.schedule.filter = vec![1, 1, 1];
    accepts(&Run::new(config, true, None));
}

/// kappa without momentum: weights are rounded, and there is no state.
#[test]
fn extra_bits_alone() {
    let mut config = config();
    config.schedule.filter = vec![16];
    accepts(&Run::new(config, false, None));
}

/// Chunks whose weights shrink by 24/1024, 14/1024 and not at all.
fn decayed(mut config: RunConfig) -> RunConfig {
    config.schedule.decay = Some(Decay { bits: 10, numerators: vec![1000, 1010, 1024] });
    config
}

#[test]
fn weight_decay_with_momentum() {
    accepts(&Run::new(decayed(config()), true, None));
}

/// Without kappa the velocity is not rounded, and the weights only by the decay.
#[test]
fn weight_decay_without_kappa() {
    let mut config = decayed(config());
    config.scales.kappa = 0;
    config.schedule.filter = vec![1, 1];
    accepts(&Run::new(config.clone(), true, None));
    config.schedule.filter = vec![1];
    accepts(&Run::new(config, false, None));
}

/// Step 0 starts from the constant 0, whatever stands behind the weights of the start.
#[test]
fn a_velocity_in_the_start_does_not_matter() {
    let config = config();
    let velocity = (0..config.weight_count() as i64).map(|i| (i + 1) << 30).collect();
    let run = Run::new(config, true, Some(velocity));
    assert!(run.first.as_ref().unwrap().record.velocity);
    accepts(&run);
}

/// Chunks of one epoch each, all alike.
fn periodic() -> RunConfig {
    let mut config = config();
    config.schedule.rows = 32;
    config.schedule.total_steps = 8;
    config.schedule.rates = Schedule::encode_rates(&[2; 8]);
    config
}

/// The first chunk as the relation of the second one, which reads the same rows: V_0 is free and steers the weights.
#[test]
fn a_free_initial_velocity_is_rejected() {
    let config = periodic();
    let velocity: Vec<i64> = (0..config.weight_count() as i64).map(|i| (i % 5 - 2) << 20).collect();
    let run = Run::new(config, true, Some(velocity));
    let config = &run.statement.config;
    let trace = train_chunk(config, 1, &run.state, &run.rows).unwrap();
    let zero = ModelState { velocity: Some(vec![0; config.weight_count()]), ..run.state.clone() };
    assert_ne!(trace.end.state, train_chunk(config, 0, &zero, &run.rows).unwrap().end.state);
    let model_in = run.first.as_ref().unwrap();
    let forgery = Forgery { run: &run, chunk: 0, relation: (config, 1), start: &run.state, model_in, trace: &trace };
    let (proof, out) = forgery.prove().unwrap();
    assert!(forgery.holds_by_itself(&out, &proof.proof));
    rejects(&RunProof { statement: run.statement.clone(), chunks: vec![proof.clone(), proof] }, 0);
}

#[test]
fn momentum_dropped_at_a_boundary_is_rejected() {
    let run = Run::new(periodic(), true, None);
    let config = &run.statement.config;
    let (honest, ends) = run.prove();
    let zero = Some(vec![0; config.weight_count()]);
    let start = ModelState { velocity: zero.clone(), ..run.state.clone() };
    // The first chunk claims to end with velocity 0.
    let mut trace = train_chunk(config, 0, &start, &run.rows).unwrap();
    trace.end.state.velocity.clone_from(&zero);
    trace.end.velocity_rem.fill(8);
    let model_in = run.first.as_ref().unwrap();
    let forgery = Forgery { run: &run, chunk: 0, relation: (config, 0), start: &start, model_in, trace: &trace };
    let (first, reset) = forgery.prove().unwrap();
    rejects(&RunProof { statement: run.statement.clone(), chunks: vec![first, honest.chunks[1].clone()] }, 0);
    // The second one starts from another commitment to the same weights, with velocity 0.
    let start = ModelState { velocity: zero, ..ends[0].0.clone() };
    let trace = train_chunk(config, 1, &start, &run.rows).unwrap();
    let forgery =
        Forgery { run: &run, chunk: 1, relation: (config, 1), start: &start, model_in: &reset, trace: &trace };
    let (second, out) = forgery.prove().unwrap();
    assert!(forgery.holds_by_itself(&out, &second.proof));
    rejects(&RunProof { statement: run.statement.clone(), chunks: vec![honest.chunks[0].clone(), second] }, 1);
    // A record without a velocity.
    let mut without = honest;
    without.chunks[0].model_out.velocity = false;
    let expected = RecordError::Velocity { expected: true, got: false };
    assert!(matches!(verify_run(&without), Err(RunRejected::Record { chunk: 0, error }) if error == expected));
}

#[test]
fn a_velocity_that_the_run_does_not_have_is_refused() {
    let mut config = config();
    config.schedule.filter = vec![16];
    let (mut proof, _) = Run::new(config, true, None).prove();
    proof.chunks[1].model_out.velocity = true;
    let expected = RecordError::Velocity { expected: false, got: true };
    assert!(matches!(verify_run(&proof), Err(RunRejected::Record { chunk: 1, error }) if error == expected));
}

/// A run of one chunk.
fn single() -> RunConfig {
    let mut config = periodic();
    config.schedule.total_steps = 4;
    config.schedule.rates = Schedule::encode_rates(&[2; 4]);
    config
}

/// One chunk with its end changed before it is committed, and the trace's columns before they are.
fn cheat(end: impl Fn(&mut ChunkEnd), columns: impl Fn(&mut [F])) -> Result<RunProof, LookupError> {
    let run = Run::new(single(), true, None);
    let config = &run.statement.config;
    let start = ModelState { velocity: Some(vec![0; config.weight_count()]), ..run.state.clone() };
    let mut trace = train_chunk(config, 0, &start, &run.rows).unwrap();
    end(&mut trace.end);
    let model_in = run.first.as_ref().unwrap();
    let forgery = Forgery { run: &run, chunk: 0, relation: (config, 0), start: &start, model_in, trace: &trace };
    Ok(RunProof { statement: run.statement.clone(), chunks: vec![forgery.prove_with(columns)?.0] })
}

/// One chunk, whose end a change rounds otherwise.
fn misrounded(end: impl Fn(&mut ChunkEnd)) -> RunProof {
    cheat(end, |_| {}).unwrap()
}

#[test]
fn another_rounding_is_rejected() {
    assert!(verify_run(&misrounded(|_| {})).is_ok());
    // Right mod p: 2^4 (out - 1/2^4) + (rem + 1) = 2^4 out + rem. Only the quotient's window excludes it.
    let i = 5;
    let residue = |rem: &mut u64, out: &mut i64, exact: i64| {
        (*rem, *out) =
            if *rem < 15 { (*rem + 1, minus_one_over(*out, 4)) } else { (*rem - 1, -minus_one_over(-*out, 4)) };
        assert_eq!(signed(*out) * signed(16) + signed(i64::try_from(*rem).unwrap()) - signed(8), signed(exact));
    };
    let weights = misrounded(|end| residue(&mut end.weight_rem[i], &mut end.state.weights[i], end.weights[i]));
    rejects(&weights, 0);
    let velocity = misrounded(|end| {
        residue(&mut end.velocity_rem[i], &mut end.state.velocity.as_mut().unwrap()[i], end.velocity[i]);
    });
    rejects(&velocity, 0);
    // Off by one unit, with the remainder kept.
    rejects(&misrounded(|end| end.state.weights[i] += 1), 0);
    rejects(&misrounded(|end| end.state.velocity.as_mut().unwrap()[i] -= 1), 0);
}

/// Right over the integers, with a remainder of 5 bits: in no table.
#[test]
fn a_remainder_outside_its_table_is_rejected() {
    for which in 0..2 {
        let end = |end: &mut ChunkEnd| match which {
            0 => end.state.weights[0] -= 1,
            _ => end.state.velocity.as_mut().unwrap()[0] -= 1,
        };
        let layout = TraceLayout::new(&single(), 0, Some(BITS));
        let cell = layout.rounding[which].as_ref().unwrap().remainder.limbs[0].2.cell(0, 0, 0);
        let forged = cheat(end, |columns| columns[cell] += signed(16));
        assert!(matches!(forged, Err(LookupError::Sum(_))));
    }
}

/// Proves chunk `chunk` by another configuration than the statement's; what comes before it is honest.
fn other_configuration(config: RunConfig, chunk: usize, change: impl Fn(&mut RunConfig)) {
    let run = Run::new(config, true, None);
    let (honest, ends) = run.prove();
    let mut other = run.statement.config.clone();
    change(&mut other);
    let zero = Some(vec![0; other.weight_count()]);
    let first = (ModelState { velocity: zero, ..run.state.clone() }, run.first.as_ref().unwrap());
    let (start, model_in) = match chunk {
        0 => (&first.0, first.1),
        _ => (&ends[chunk - 1].0, &ends[chunk - 1].1),
    };
    let trace = train_chunk(&other, chunk as u32, start, &run.rows).unwrap();
    assert_ne!(trace.end.state, ends[chunk].0);
    let relation = (&other, chunk as u32);
    let forgery = Forgery { run: &run, chunk: chunk as u32, relation, start, model_in, trace: &trace };
    let (proof, out) = forgery.prove().unwrap();
    assert!(forgery.holds_by_itself(&out, &proof.proof));
    let mut forged = honest;
    forged.chunks[chunk] = proof;
    rejects(&forged, chunk as u32);
}

#[test]
fn another_filter_is_rejected() {
    other_configuration(config(), 0, |c| c.schedule.filter = vec![16, 15, 14]);
    other_configuration(config(), 1, |c| c.schedule.filter[4] = 11);
}

#[test]
fn nesterov_under_a_statement_without_it_is_rejected() {
    other_configuration(config(), 0, |c| c.schedule.nesterov = true);
}

#[test]
fn another_decay_is_rejected() {
    let numerators = |c: &mut RunConfig, n: Vec<i64>| c.schedule.decay = Some(Decay { bits: 10, numerators: n });
    other_configuration(decayed(config()), 0, |c| numerators(c, vec![1001, 1010, 1024]));
    other_configuration(decayed(config()), 1, |c| numerators(c, vec![1000, 1024, 1024]));
}

#[test]
fn padding_steps_that_move_weights_are_rejected() {
    other_configuration(config(), 2, |c| {
        c.schedule.total_steps = 12;
        c.schedule.rates = Schedule::encode_rates(&[3, 3, 2, 2, 2, 0, 1, 1, 1, 2, 2, 2]);
    });
}

#[test]
fn a_statement_changed_after_the_proof_is_rejected() {
    let (honest, _) = Run::new(config(), true, None).prove();
    let changed = |change: fn(&mut Schedule)| {
        let mut proof = honest.clone();
        change(&mut proof.statement.config.schedule);
        proof
    };
    rejects(&changed(|s| s.filter[3] = 13), 0);
    rejects(&changed(|s| s.filter.truncate(5)), 0);
    rejects(&changed(|s| s.nesterov = true), 0);
    let none = changed(|s| s.filter.truncate(1));
    let expected = RecordError::Velocity { expected: false, got: true };
    assert!(matches!(verify_run(&none), Err(RunRejected::Record { chunk: 0, error }) if error == expected));
    rejects(&changed(|s| s.decay = Some(Decay { bits: 1, numerators: vec![2; 3] })), 0);
    let short = changed(|s| s.decay = Some(Decay { bits: 10, numerators: vec![1000; 2] }));
    let expected = ConfigError::DecayCount { expected: 3, got: 2 };
    assert!(matches!(verify_run(&short), Err(RunRejected::Statement(StatementError::Config(e))) if e == expected));
    let zero = changed(|s| s.decay = Some(Decay { bits: 10, numerators: vec![1000, 0, 1000] }));
    let expected = ConfigError::Decay { chunk: 1, got: 0, most: 1024 };
    assert!(matches!(verify_run(&zero), Err(RunRejected::Statement(StatementError::Config(e))) if e == expected));
    let growing = changed(|s| s.decay = Some(Decay { bits: 10, numerators: vec![1024, 1024, 1025] }));
    let expected = ConfigError::Decay { chunk: 2, got: 1025, most: 1024 };
    assert!(matches!(verify_run(&growing), Err(RunRejected::Statement(StatementError::Config(e))) if e == expected));
    let wide = changed(|s| s.decay = Some(Decay { bits: 17, numerators: vec![1000; 3] }));
    let expected = ConfigError::Range { name: "decay bits", got: 17, least: 1, most: 16 };
    assert!(matches!(verify_run(&wide), Err(RunRejected::Statement(StatementError::Config(e))) if e == expected));
    let bare = changed(|s| {
        s.filter.truncate(1);
        s.nesterov = true;
    });
    let expected = ConfigError::NesterovWithoutMomentum;
    assert!(matches!(verify_run(&bare), Err(RunRejected::Statement(StatementError::Config(e))) if e == expected));
}
