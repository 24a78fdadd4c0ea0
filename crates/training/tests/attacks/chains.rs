//! Runs of several chunks: left out, replayed, exchanged, from another run; and statements that are not the run's own.
use crate::common::{Owner, data, logistic, perceptron, prove};
use std::sync::OnceLock;
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::ArgumentError;
use tacit_training::config::{Order, RunConfig, Schedule};
use tacit_training::nowrap::{Inequality, NoWrapError};
use tacit_training::record::RecordError;
use tacit_training::run::{RunProof, RunRejected, verify_run};
use tacit_training::statement::{Origin, Start, StatementError};

/// Three chunks of four steps.
fn three() -> RunConfig {
    let mut config = logistic();
    config.schedule.chunk_steps = 4;
    config
}

fn honest() -> &'static RunProof {
    static RUN: OnceLock<RunProof> = OnceLock::new();
    RUN.get_or_init(|| prove(three(), true).1)
}

/// The chunk whose argument is rejected; any failed check of the opening or of the messages counts.
fn rejected_chunk(run: &RunProof) -> u32 {
    match verify_run(run).expect_err("not the statement's run") {
        RunRejected::Chunk { chunk, error: ArgumentError::Opening(_) | ArgumentError::Hiding(_) } => chunk,
        error => panic!("{error}"),
    }
}

#[test]
fn an_honest_chain_is_accepted() {
    let verdict = verify_run(honest()).expect("an honest run");
    assert_eq!(verdict.chunks, 3);
    assert_eq!(verdict.model_digest, honest().chunks[2].model_out.digest().unwrap());
}

#[test]
fn a_chunk_left_out_or_too_many() {
    for i in 0..3 {
        let mut run = honest().clone();
        run.chunks.remove(i);
        assert!(matches!(verify_run(&run), Err(RunRejected::ChunkCount { expected: 3, got: 2 })));
        let mut run = honest().clone();
        let again = run.chunks[i].clone();
        run.chunks.insert(i, again);
        assert!(matches!(verify_run(&run), Err(RunRejected::ChunkCount { expected: 3, got: 4 })));
    }
    let mut run = honest().clone();
    run.chunks.clear();
    assert!(matches!(verify_run(&run), Err(RunRejected::ChunkCount { expected: 3, got: 0 })));
}

#[test]
fn chunks_exchanged_or_replayed() {
    for (i, j) in [(0, 1), (0, 2), (1, 2)] {
        let mut run = honest().clone();
        run.chunks.swap(i, j);
        assert_eq!(rejected_chunk(&run), i as u32);
        let mut run = honest().clone();
        run.chunks[j] = run.chunks[i].clone();
        assert_eq!(rejected_chunk(&run), j as u32, "chunk {i} again in place of {j}");
    }
}

/// A shorter run's statement over the same chunks, and a longer one's.
#[test]
fn another_number_of_steps() {
    let mut run = honest().clone();
    run.chunks.truncate(2);
    run.statement.config.schedule.total_steps = 8;
    run.statement.config.schedule.rates[0].steps = 8;
    assert_eq!(rejected_chunk(&run), 0);
    let mut run = honest().clone();
    run.statement.config.schedule.total_steps = 11;
    run.statement.config.schedule.rates[0].steps = 11;
    assert_eq!(rejected_chunk(&run), 0);
    // One chunk instead of three.
    let mut run = honest().clone();
    run.statement.config.schedule.chunk_steps = 16;
    run.chunks.truncate(1);
    assert_eq!(rejected_chunk(&run), 0);
}

#[test]
fn chunks_of_another_run() {
    let mut config = three();
    config.order = Order::Contiguous;
    let mut rows = data(&config);
    rows.labels[0] ^= 1;
    let (_, other) = Owner::with(config, rows, true).prove();
    verify_run(&other).expect("an honest run too");
    for i in 0..3 {
        let mut run = honest().clone();
        run.chunks[i] = other.chunks[i].clone();
        assert_eq!(rejected_chunk(&run), i as u32);
        // Its end alone: the commitment to another model, under this run's argument.
        let mut run = honest().clone();
        run.chunks[i].model_out = other.chunks[i].model_out.clone();
        assert_eq!(rejected_chunk(&run), i as u32);
    }
    // The whole chain under this run's data.
    let mut run = other.clone();
    run.statement.data = honest().statement.data.clone();
    assert_eq!(rejected_chunk(&run), 0);
}

/// The same run proven twice: chunks of both attempts are proofs of one statement, and may be mixed.
#[test]
fn two_attempts_of_one_run_agree() {
    let (_, again) = prove(three(), true);
    let mut run = honest().clone();
    run.chunks[1] = again.chunks[1].clone();
    verify_run(&run).expect("the same statement, the same models");
    assert_ne!(again.chunks[1].proof.trace_root, honest().chunks[1].proof.trace_root);
}

/// Every field of the configuration that stays a valid configuration: the first chunk's argument is of another run.
#[test]
fn other_hyper_parameters() {
    type Change = fn(&mut RunConfig);
    let changes: [(&str, Change); 8] = [
        ("learning rate", |c| c.schedule.rates[0].rate = 2),
        ("schedule", |c| c.schedule.rates = Schedule::encode_rates(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2])),
        ("weight scale", |c| c.scales.fw -= 1),
        ("gradient scale", |c| c.scales.fg -= 1),
        ("batch weights", |c| c.scales.omega += 1),
        ("window of Z", |c| c.architecture.layers[0].z_bits -= 1),
        ("window of Q", |c| c.architecture.layers[0].q_bits -= 1),
        ("batch", |c| c.schedule.batch = 15),
    ];
    for (name, change) in changes {
        let mut run = honest().clone();
        change(&mut run.statement.config);
        if let Start::Hidden { record, .. } = &mut run.statement.start {
            record.fw = run.statement.config.scales.fw;
        }
        run.chunks.iter_mut().for_each(|c| c.model_out.fw = run.statement.config.scales.fw);
        let error = verify_run(&run).expect_err(name);
        assert!(matches!(error, RunRejected::Chunk { chunk: 0, .. }), "{name}: {error}");
    }
    let mut run = honest().clone();
    run.statement.config.schedule.drop_last = true;
    assert_eq!(rejected_chunk(&run), 0, "96 rows are full batches: the order is the same, the statement is not");
}

fn statement_error(change: impl Fn(&mut RunProof)) -> StatementError {
    let mut run = honest().clone();
    change(&mut run);
    match verify_run(&run).expect_err("a statement that is refused") {
        RunRejected::Statement(e) => e,
        e => panic!("{e}"),
    }
}

#[test]
fn data_of_another_shape_or_kind() {
    let field = |e: StatementError| match e {
        StatementError::DataMismatch { field, .. } => field,
        e => panic!("{e}"),
    };
    assert_eq!(field(statement_error(|r| r.statement.data.rows -= 1)), "rows");
    assert_eq!(field(statement_error(|r| r.statement.data.features -= 1)), "features");
    assert_eq!(field(statement_error(|r| r.statement.data.fa += 1)), "fa");
    assert_eq!(field(statement_error(|r| r.statement.data.data_bits -= 1)), "data_bits");
    let classes = tacit_training::record::Labels::Class { classes: 2 };
    let mislabelled = statement_error(|r| r.statement.data.labels = classes);
    assert!(matches!(mislabelled, StatementError::LabelMismatch | StatementError::Record { .. }), "{mislabelled}");
}

/// Rows in order have no seed: an origin of one would be a statement that no verdict repeats.
#[test]
fn an_origin_of_an_order_without_a_seed() {
    for origin in [Origin::Prover { nonce: 1 }, Origin::Verifier { nonce: [2; 32] }] {
        let e = statement_error(|r| r.statement.order_origin = Some(origin.clone()));
        assert!(matches!(e, StatementError::OrderOrigin), "{e}");
    }
}

/// A seed that does not follow from its origin, and an order without one.
#[test]
fn an_order_seed_of_the_provers_own() {
    let shuffled = Order::Shuffled { seed: [1; 32] };
    let e = statement_error(|r| r.statement.config.order = shuffled.clone());
    assert!(matches!(e, StatementError::OrderSeed), "{e}");
    let e = statement_error(|r| {
        r.statement.config.order = shuffled.clone();
        r.statement.order_origin = Some(Origin::Verifier { nonce: [2; 32] });
    });
    assert!(matches!(e, StatementError::OrderSeed), "{e}");
    // The right seed of another nonce is another run.
    let mut run = honest().clone();
    let origin = Origin::Prover { nonce: 3 };
    let seed = run.statement.seed("order", &origin).unwrap();
    run.statement.config.order = Order::Shuffled { seed };
    run.statement.order_origin = Some(origin.clone());
    assert_eq!(rejected_chunk(&run), 0);
    // A seed of one data set is not another's.
    let other = run.statement.seed("initial", &origin).unwrap();
    assert_ne!(seed, other);
    run.statement.config.order = Order::Shuffled { seed: other };
    assert!(matches!(verify_run(&run), Err(RunRejected::Statement(StatementError::OrderSeed))));
}

/// Review of soundness, finding 2 (a): at scales 11, 16, 36 and 784 inputs in wide windows the integer product of a
/// layer passes p; the verifier refuses by the statement alone.
#[test]
fn products_that_could_wrap() {
    let refused = |change: &dyn Fn(&mut RunConfig)| {
        let mut config = perceptron();
        change(&mut config);
        let bounds = tacit_training::nowrap::check_run(&config, 1 << 40);
        match bounds.expect_err("the product could wrap") {
            NoWrapError::Inequality { inequality, .. } => inequality,
            e => panic!("{e}"),
        }
    };
    let wide = |c: &mut RunConfig| {
        c.scales = tacit_training::config::Scales { fa: 11, fg: 16, fw: 36, kappa: 0, omega: 0 };
        c.architecture.layers[0].inputs = 784;
        c.data_bits = 16;
        c.architecture.layers.iter_mut().for_each(|l| (l.z_bits, l.q_bits) = (16, 16));
    };
    assert_eq!(refused(&wide), Inequality::Forward);
    assert_eq!(refused(&|c| c.schedule.rates[0].rate = 1 << 40), Inequality::Weights);
    // In a run's statement: refused before any argument is read.
    let e = statement_error(|r| r.statement.config.schedule.rates[0].rate = 1 << 40);
    assert!(matches!(e, StatementError::NoWrap(NoWrapError::Inequality { layer: 0, .. })), "{e}");
    let e = statement_error(|r| {
        let Start::Hidden { bits, .. } = &mut r.statement.start else { panic!("a hidden start") };
        *bits = 49;
    });
    assert!(matches!(e, StatementError::StartBits { got: 49 }), "{e}");
}

/// Wider windows for the start than were proven: another statement, another proof.
#[test]
fn a_start_in_another_window() {
    for change in [-1i32, 1] {
        let mut run = honest().clone();
        let Start::Hidden { bits, .. } = &mut run.statement.start else { panic!("a hidden start") };
        *bits = bits.saturating_add_signed(change);
        assert_eq!(rejected_chunk(&run), 0);
    }
    // The hidden start declared public.
    let mut run = honest().clone();
    run.statement.start = Start::Seed { origin: Origin::Prover { nonce: 5 } };
    assert_eq!(rejected_chunk(&run), 0);
    // The start is the model after the first chunk.
    let mut run = honest().clone();
    run.statement.start = Start::Hidden { record: run.chunks[0].model_out.clone(), bits: crate::common::START_BITS };
    assert_eq!(rejected_chunk(&run), 0);
}

/// A model record whose dimensions or scale are another model's.
#[test]
fn a_model_of_another_shape() {
    let field = |run: &RunProof| match verify_run(run).expect_err("another model") {
        RunRejected::Record { chunk: 1, error: RecordError::Limit { field, .. } } => field,
        e => panic!("{e}"),
    };
    let changed = |change: fn(&mut tacit_training::record::ModelRecord)| {
        let mut run = honest().clone();
        change(&mut run.chunks[1].model_out);
        field(&run)
    };
    assert_eq!(changed(|m| m.fw += 1), "fw");
    assert_eq!(changed(|m| m.layers[0].0 += 1), "layer inputs");
    assert_eq!(changed(|m| m.layers[0].1 += 1), "layer outputs");
    assert_eq!(changed(|m| m.layers.push((1, 1))), "layers");
}

/// Roots and pins are bound: another of either is another commitment.
#[test]
fn another_root_or_pin() {
    let tree = |run: &RunProof, expected: u32| match verify_run(run).expect_err("another commitment") {
        RunRejected::Chunk {
            chunk,
            error:
                ArgumentError::Opening(OpeningError::SourceClaim | OpeningError::ColumnClaim | OpeningError::Oracle(_)),
        } => {
            assert_eq!(chunk, expected);
        }
        e => panic!("{e}"),
    };
    let one = tacit_argument::field::basis(0);
    let mut run = honest().clone();
    run.statement.data.pin += one;
    tree(&run, 0);
    let mut run = honest().clone();
    run.statement.data.vector.root[31] ^= 1;
    tree(&run, 0);
    for chunk in 0..3 {
        let mut run = honest().clone();
        run.chunks[chunk].model_out.pin += one;
        tree(&run, chunk as u32);
        let mut run = honest().clone();
        run.chunks[chunk].model_out.vector.root[0] ^= 128;
        tree(&run, chunk as u32);
        let mut run = honest().clone();
        run.chunks[chunk].proof.trace_root[5] ^= 4;
        tree(&run, chunk as u32);
    }
}

#[test]
fn texts_that_a_terminal_obeys_are_refused() {
    let invisible = ["scale\u{200b}", "\u{feff}", "\u{00ad}x", "\u{2029}", "\u{f8ff}", "\u{3164}"];
    for text in
        ["", "scale\nThe data was checked.", "\u{1b}[8m", "\u{202e}", &"x".repeat(257)].into_iter().chain(invisible)
    {
        let mut run = honest().clone();
        run.statement.released = vec![text.to_string()];
        let error = verify_run(&run).expect_err("not a text");
        let RunRejected::Statement(StatementError::Record { which: "run", error }) = error else { panic!("{error}") };
        assert_eq!(error, RecordError::Text { field: "released" });
        let mut record = honest().statement.data.clone();
        let mut names = vec!["a".to_string(); record.features as usize - 1];
        names.push(text.to_string());
        record.names = Some(names);
        assert_eq!(record.validate(), Err(RecordError::Text { field: "names" }));
    }
}

#[test]
fn texts_that_everybody_sees_are_accepted() {
    let mut record = honest().statement.data.clone();
    record.names = Some(["âge", "пульс", "体重", "dose (mg/l) ½", "x\u{0301}"].map(String::from).to_vec());
    assert_eq!(record.validate(), Ok(()));
}

/// Names of some features, or of more than there are, would shift the meaning of the others.
#[test]
fn every_feature_is_named_or_none() {
    for count in [0u64, 4, 6] {
        let mut record = honest().statement.data.clone();
        record.names = Some(vec!["a".to_string(); count as usize]);
        assert_eq!(record.validate(), Err(RecordError::Limit { field: "names", got: count, min: 5, max: 5 }));
    }
}

#[test]
fn a_trace_larger_than_any_is_refused_before_it_is_built() {
    let mut run = honest().clone();
    let config = &mut run.statement.config;
    config.architecture.layers[0].inputs = 1 << 16;
    config.architecture.layers[0].outputs = 1 << 11;
    (config.schedule.batch, config.schedule.chunk_steps) = (1, 1);
    run.chunks = vec![run.chunks[0].clone(); config.chunks() as usize];
    match verify_run(&run).expect_err("no such trace") {
        RunRejected::Statement(StatementError::TraceSize { slots, log_rows: 0 }) => assert!(slots > 1 << 20),
        error => panic!("{error}"),
    }
}
