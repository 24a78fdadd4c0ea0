//! Representative statements, proven and verified with every transcript recorded: (name, prover's, verifier's).
use crate::common::{Owner, commit, config, data, data_record, layer, logistic, perceptron, prove, start};
use crate::reports::{Proven, regression};
use tacit_argument::entropy::Entropy;
use tacit_argument::field::F;
use tacit_argument::transcript::probe::{Mode, Run, with};
use tacit_training::config::{Activation, Loss, NormBits, RunConfig, Schedule};
use tacit_training::link::{LinkProof, Linked, RowRelation, prove_link, prove_rows, verify_link};
use tacit_training::release::{
    Circumstances, Earlier, Override, ReleaseInput, ReleaseProof, prove_release, release_rules, verify_release,
};
use tacit_training::report::{ReportProof, Shown};
use tacit_training::run::{RunProof, RunVerdict, commit_model, verify_run};
use tacit_training::validity::{DataCommitment, commit_data, data_payload, verify_data};

/// The transcripts of one proof.
pub struct Recorded {
    pub name: String,
    pub prover: Run,
    pub verifier: Run,
}

/// One chunk of four steps, the last one padding.
pub fn one_chunk(mut config: RunConfig) -> RunConfig {
    config.schedule.total_steps = 3;
    config.schedule.chunk_steps = 4;
    config.schedule.rates = Schedule::encode_rates(&[1, 1, 1]);
    config
}

pub fn tables() -> RunConfig {
    let layers =
        vec![layer(5, 3, Activation::Sigmoid), layer(3, 3, Activation::Tanh), layer(3, 2, Activation::Identity)];
    one_chunk(config(layers, Loss::BceWithLogits))
}

pub fn targets() -> RunConfig {
    one_chunk(config(vec![layer(5, 4, Activation::Relu), layer(4, 2, Activation::Identity)], Loss::Mse))
}

pub fn momentum() -> RunConfig {
    let mut config = perceptron();
    config.scales.kappa = 4;
    config.schedule.filter = vec![16, 14, 13];
    config.schedule.total_steps = 6;
    config.schedule.chunk_steps = 4;
    config.schedule.rates = Schedule::encode_rates(&[1; 6]);
    config
}

pub fn bounded() -> RunConfig {
    let mut config = one_chunk(perceptron());
    config.norms = Some(NormBits { z: 34, q: 32 });
    config.carry_bits = Some(33);
    config.schedule.average = Some(2);
    config
}

fn run(name: &str, config: RunConfig, hidden: bool, out: &mut Vec<Recorded>) -> (DataCommitment, RunProof) {
    let ((data, run), prover) = with(Mode::Live, || prove(config, hidden));
    let ((), verifier) = with(Mode::Live, || {
        verify_data(&data.record, &data.proof).unwrap();
        verify_run(&run).unwrap();
    });
    // A prover has two transcripts a proof: one to send its messages, and one to form and open the verifier's claims.
    assert_eq!((prover.len(), verifier.len()), (2 * verifier.len(), 1 + run.chunks.len()));
    let prover = prover.into_iter().skip(1).step_by(2);
    for (k, (prover, verifier)) in prover.zip(verifier).enumerate() {
        let part = if k == 0 { "data".to_string() } else { format!("chunk {}", k - 1) };
        out.push(Recorded { name: format!("{name}, {part}"), prover, verifier });
    }
    (data, run)
}

/// A run of one chunk and its release.
pub fn released() -> (Owner, RunVerdict, tacit_training::run::ModelCommitment, ReleaseProof) {
    let owner = Owner::new(one_chunk(logistic()), false);
    let (run, end, model) = owner.proven(4);
    let verdict = verify_run(&run).unwrap();
    let exemption = Some(Override::PublicData);
    let public = Circumstances { known: &[], feature_bits: None, earlier: Earlier::Nothing, exemption };
    let permit = release_rules(&owner.statement, 12, &public).unwrap();
    let names = vec![("0.weight".to_string(), Some("0.bias".to_string()))];
    let input = ReleaseInput { statement: &owner.statement, model: &model, weights: &end.weights, names: &names };
    let release = prove_release(&input, permit, &[1; 32]).unwrap();
    (owner, verdict, model, release)
}

pub fn all() -> Vec<Recorded> {
    let mut out = vec![];
    run("perceptron", one_chunk(perceptron()), true, &mut out);
    run("logistic", logistic(), false, &mut out);
    run("sigmoid and tanh", tables(), false, &mut out);
    run("squared error", targets(), true, &mut out);
    run("momentum", momentum(), true, &mut out);
    run("norms, carried weights, average", bounded(), true, &mut out);
    let ((owner, verdict, model, release), prover) = with(Mode::Live, released);
    let ((), verifier) = with(Mode::Live, || {
        verify_release(&release, &verdict, &owner.statement, &model.record).unwrap();
    });
    // The last three transcripts of the prover: two of the release, and the check of its own proof.
    let mut prover: Vec<Run> = prover.into_iter().rev().skip(1).take(1).collect();
    let verifier = verifier.into_iter().next().unwrap();
    out.push(Recorded { name: "release".into(), prover: prover.remove(0), verifier });
    reports(&mut out);
    links(&mut out);
    out
}

/// A name, the owner of a model, and what makes a report on it.
pub type Reported = (&'static str, Proven, fn(&Proven) -> ReportProof);

/// Reports of every kind.
pub fn reported() -> Vec<Reported> {
    vec![
        ("report by group", Proven::new(one_chunk(perceptron())), Proven::by_group),
        ("report of rates", Proven::new(one_chunk(logistic())), Proven::rates),
        ("report on public rows", Proven::new(tables()), Proven::public),
        ("report of sums", Proven::new(one_chunk(regression())), Proven::sums),
        ("backtest", Proven::traded(), Proven::bounded_backtest),
        ("report on public labels", Proven::new(one_chunk(logistic())), Proven::labelled),
        ("backtest of public rows", Proven::traded(), Proven::public_backtest),
        ("report of scores", Proven::new(one_chunk(logistic())), Proven::scores),
        ("predictions", Proven::new(one_chunk(perceptron())), Proven::predictions),
        ("report of ranks", Proven::new(one_chunk(perceptron())), Proven::ranks),
        ("report of bounds at a threshold", Proven::new(one_chunk(logistic())), Proven::at_threshold),
        ("report of bounded errors", Proven::fitted(one_chunk(regression())), Proven::bounded_errors),
        ("comparison", Proven::pair(one_chunk(logistic()), true), Proven::compared),
    ]
}

/// A link of every kind: of data, of models, and of rows that are the same, some of the others, or none of them.
pub fn linked() -> Vec<(&'static str, LinkProof)> {
    let config = logistic();
    let mut rows = data(&config);
    let own = commit(&config, &rows);
    rows.features.iter_mut().for_each(|v| *v = 2047);
    let (others, again) = (commit(&config, &rows), common_again(&config));
    let payload = data_payload(&own.record, &data(&config));
    let apart = data_payload(&own.record, &rows);
    let models = [1, 2].map(|seed| commit_model(&config, &start(&config).weights, 2, 4, &[seed; 32]).unwrap());
    let [a, b] = &models;
    let of_data = Linked::Data { first: own.record.clone(), second: again.record.clone() };
    let of_models = Linked::Model { first: a.record.clone(), second: b.record.clone() };
    let of_rows = |relation, second: &DataCommitment, payloads: [&[F]; 2]| {
        let linked = Linked::Rows { relation, first: own.record.clone(), second: second.record.clone() };
        prove_rows(linked, [&own.vector, &second.vector], payloads, &[1; 32]).unwrap()
    };
    vec![
        ("link of data", prove_link(of_data, [&own.vector, &again.vector], &[1; 32]).unwrap()),
        ("link of models", prove_link(of_models, [&a.vector, &b.vector], &[1; 32]).unwrap()),
        ("link of equal rows", of_rows(RowRelation::Same, &again, [&payload, &payload])),
        ("link of some rows", of_rows(RowRelation::Subset, &again, [&payload, &payload])),
        ("link of other rows", of_rows(RowRelation::Disjoint { nonce: 0 }, &others, [&payload, &apart])),
    ]
}

/// The same data under another seed.
fn common_again(config: &RunConfig) -> DataCommitment {
    let record = data_record(config);
    let payload = data_payload(&record, &data(config));
    commit_data(record, &payload, &[4; 32], Entropy::fresh(&[1; 32], &[2; 32]).unwrap()).unwrap()
}

fn links(out: &mut Vec<Recorded>) {
    let (all, prover) = with(Mode::Live, linked);
    // Behind the three commitments of data, with two transcripts each: two of the proof of each link, and its check.
    let prover = prover.into_iter().skip(6).skip(1).step_by(3);
    for ((name, link), prover) in all.into_iter().zip(prover) {
        let ((), verifier) = with(Mode::Live, || {
            verify_link(&link).unwrap();
        });
        assert_eq!(verifier.len(), 1);
        out.push(Recorded { name: name.into(), prover, verifier: verifier.into_iter().next().unwrap() });
    }
}

fn reports(out: &mut Vec<Recorded>) {
    for (name, proven, make) in reported() {
        let (report, prover) = with(Mode::Live, || make(&proven));
        let ((), verifier) = with(Mode::Live, || {
            proven.verify(&report).unwrap();
        });
        // Two of the proof, and the prover's check of it; where outputs are committed, before them those of the report that
        // shows the outputs, and two of their commitment.
        let before = if report.statement.shown.iter().any(|s| matches!(s, Shown::Committed { .. })) { 5 } else { 0 };
        assert_eq!((prover.len(), verifier.len()), (before + 3, 1));
        let (prover, verifier) = (prover.into_iter().nth(before + 1).unwrap(), verifier.into_iter().next().unwrap());
        out.push(Recorded { name: name.into(), prover, verifier });
    }
}

/// A run and its data commitment.
pub fn files() -> (DataCommitment, RunProof) {
    run("files", one_chunk(perceptron()), true, &mut vec![])
}
