//! Reports on public models: honest ones, every rule, and provers that run another model than the one they name.
use super::attacks::Liar;
use super::hidden::outputs;
use super::honest::naive;
use super::told::commit_outputs;
use super::*;
use crate::config::ConfigError;
use crate::nowrap::NoWrapError;
use crate::release::{LayerNames, NameError, ReleaseStatement};
use crate::report::counting::{Evaluation, completed};
use crate::report::public::public_vectors;
use crate::report::witness::ReportWitness;
use alloc::format;
use alloc::string::ToString;
use tacit_argument::field::{E, F};
use tacit_argument::hiding::{Masker, PadLayout, Reduction, Secrets};
use tacit_argument::opening::{OpeningError, VectorShape};
use tacit_argument::proof::{plan, prove as prove_relation};
use tacit_argument::soundness::{TARGET_BITS, total};
use tacit_argument::transcript::Transcript;

/// Bits of the weights of every model here.
const BITS: u32 = 12;

fn names(config: &RunConfig) -> Vec<LayerNames> {
    let layers = config.architecture.layers.iter().enumerate();
    layers.map(|(l, x)| (format!("{l}.weight"), x.bias.then(|| format!("{l}.bias")))).collect()
}

fn described(config: &RunConfig, weights: &[i64]) -> PublicModel {
    PublicModel {
        architecture: config.architecture.clone(),
        fa: config.scales.fa,
        bits: BITS,
        data_bits: config.data_bits,
        names: names(config),
        weights: weights_digest(weights).unwrap(),
    }
}

/// A committed data set and a model that everybody has.
struct Open {
    world: World,
    model: PublicModel,
    weights: Vec<i64>,
}

impl Open {
    fn new(config: RunConfig) -> Self {
        let shift = config.scales.fw - BITS;
        let world = World::new(config);
        let weights: Vec<i64> = world.weights.iter().map(|w| w >> shift).collect();
        Self { model: described(&world.run.config, &weights), weights, world }
    }

    fn input<'a>(&'a self, input: &'a Input, groups: Option<&'a Groups>, hidden: &'a [u32]) -> PublicInput<'a> {
        let data = matches!(input, Input::Committed { .. }).then_some(&self.world.rows);
        PublicInput { model: &self.model, weights: &self.weights, input, data, groups, hidden }
    }

    fn trees<'a>(&'a self, input: &Input, to: Option<&'a DataCommitment>) -> PublicTrees<'a> {
        let data = matches!(input, Input::Committed { .. }).then_some(&self.world.data.vector);
        PublicTrees { data, outputs: to.map(|c| &c.vector) }
    }

    fn prove(&self, input: &Input, groups: Option<&Groups>, asked: &[Asked]) -> ReportProof {
        let about = self.input(input, groups, &[]);
        prove_public_report(&about, self.trees(input, None), asked, &SECRET).unwrap()
    }

    fn verify(&self, report: &ReportProof) -> Result<ReportVerdict, ReportRejected> {
        verify_public_report(report, &self.weights)
    }

    /// The forward pass by hand, at the bits of the public weights.
    fn naive(&self, rows: &[u32]) -> Vec<i32> {
        let mut config = self.world.run.config.clone();
        config.scales.fw = BITS;
        let d = config.architecture.layers[0].inputs as usize;
        let of = |&i: &u32| naive(&config, &self.weights, &self.world.rows.features[i as usize * d..][..d]);
        rows.iter().flat_map(of).collect()
    }

    fn features(&self, rows: &[u32]) -> Input {
        let d = self.world.run.config.architecture.layers[0].inputs as usize;
        let of = |&i: &u32| self.world.rows.features[i as usize * d..][..d].to_vec();
        Input::Public { features: rows.iter().flat_map(of).collect() }
    }
}

#[test]
fn every_input() {
    for config in [perceptron(), logistic(), config(vec![layer(5, 2, Activation::Identity)], Loss::Mse, ROWS)] {
        let open = Open::new(config);
        let (rows, width) = ([5u32, 11, 60], open.world.run.config.architecture.layers.last().unwrap().outputs);
        let z = open.naive(&rows);
        let (to, _) = commit_outputs(&z, width);
        let inputs: [(Input, &[u32]); 3] = [
            (open.features(&rows), &[]),
            (open.world.committed(Rows::Listed(rows.to_vec())), &[]),
            (open.world.committed(Rows::Hidden { count: 3 }), &rows),
        ];
        for (input, hidden) in inputs {
            let about = open.input(&input, None, hidden);
            let committed = Asked::Committed { outputs: alloc::boxed::Box::new(to.record.clone()) };
            for (asked, told) in [(vec![Asked::Outputs], None), (vec![Asked::Outputs, committed], Some(&to))] {
                let planned = plan_public_report(&about, &asked).unwrap();
                let report = prove_public_report(&about, open.trees(&input, told), &asked, &SECRET).unwrap();
                let verdict = open.verify(&report).unwrap();
                assert_eq!(planned.statement, report.statement);
                assert_eq!(report.statement.shown[0], Shown::Outputs { values: z.clone() });
                assert_eq!((verdict.run_digest, verdict.rows), ([0; 32], 3));
                assert_eq!(verdict.model_digest, open.model.digest().unwrap());
                assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
                // Nothing is opened of the model.
                let data = usize::from(matches!(input, Input::Committed { .. }));
                assert_eq!(public_vectors(&report.statement).unwrap().len(), data + usize::from(told.is_some()));
            }
        }
    }
}

#[test]
fn figures_of_committed_rows() {
    for config in [perceptron(), logistic()] {
        let open = Open::new(config);
        let asked = [Asked::Counts, Asked::Classes, BOUND];
        let report = open.prove(&open.world.committed(Rows::All), Some(&by_flag()), &asked);
        let verdict = open.verify(&report).unwrap();
        assert_eq!(verdict.data_digest, Some(open.world.verdict.data_digest));
        let words = report_words(&report.statement, None, true).and(public_words(&open.model, false));
        let said = |lines: &[alloc::string::String], what: &str| lines.iter().any(|l| l.contains(what));
        assert!(said(&words.shown, "The outputs of the public model"));
        assert!(said(&words.shown, &crate::words::hex(&open.model.weights)));
        assert!(said(&words.not_shown, "that this model was trained by anybody"));
        let released = public_words(&open.model, true);
        assert!(!said(&released.not_shown, "trained by anybody") && said(&released.shown, "the release is of"));
    }
}

/// The model of a run with all its bits is the model of the run.
#[test]
fn the_same_figures_as_of_the_commitment() {
    let world = World::new(perceptron());
    let mut model = described(&world.run.config, &world.weights);
    model.bits = world.run.config.scales.fw;
    let input = world.committed(Rows::All);
    let asked = [Asked::Outputs, Asked::Counts];
    let about = PublicInput {
        model: &model,
        weights: &world.weights,
        input: &input,
        data: Some(&world.rows),
        groups: None,
        hidden: &[],
    };
    let trees = PublicTrees { data: Some(&world.data.vector), outputs: None };
    let public = prove_public_report(&about, trees, &asked, &SECRET).unwrap();
    verify_public_report(&public, &world.weights).unwrap();
    let committed = world.all(&asked);
    assert_eq!(public.statement.shown, committed.statement.shown);
    assert_eq!(
        outputs(&world, &[0]),
        match &public.statement.shown[0] {
            Shown::Outputs { values } => values[..3].to_vec(),
            _ => panic!(),
        }
    );
}

fn good() -> (Open, ReportProof) {
    let open = Open::new(perceptron());
    let report = open.prove(&open.world.committed(Rows::All), None, &[Asked::Counts, Asked::Outputs]);
    (open, report)
}

/// A statement whose model is changed, and named by its digest.
fn with(report: &ReportProof, change: &dyn Fn(&mut PublicModel)) -> ReportProof {
    let mut r = report.clone();
    let model = r.statement.public.as_mut().unwrap();
    change(model);
    r.statement.model_digest = model.digest().unwrap();
    r
}

fn public(e: ReportRejected) -> PublicInvalid {
    match e {
        ReportRejected::Public(e) => e,
        e => panic!("{e:?}"),
    }
}

#[test]
fn every_rule() {
    let (open, good) = good();
    open.verify(&good).unwrap();
    let rejected = |r: &ReportProof| open.verify(r).map(|_| ()).unwrap_err();
    let mut r = good.clone();
    r.statement.version = 2;
    assert!(matches!(rejected(&r), ReportRejected::Version { got: 2 }));
    let mut r = good.clone();
    r.statement.public = None;
    assert!(matches!(rejected(&r), ReportRejected::PublicModel { stated: false }));
    assert!(matches!(open.world.verify(&good), Err(ReportRejected::PublicModel { stated: true })));
    let mut r = good.clone();
    r.statement.run_digest[4] = 1;
    assert_eq!(public(rejected(&r)), PublicInvalid::Run);
    let e = public(rejected(&with(&good, &|m| m.architecture.layers[0].z_bits = 17)));
    assert!(matches!(e, PublicInvalid::Config(ConfigError::Range { name: "z_bits", got: 17, .. })), "{e}");
    let e = public(rejected(&with(&good, &|m| m.bits = 47)));
    assert!(matches!(e, PublicInvalid::Config(ConfigError::Range { name: "fw", got: 47, .. })), "{e}");
    let e = public(rejected(&with(&good, &|m| m.architecture.layers.clear())));
    assert!(matches!(e, PublicInvalid::Config(ConfigError::LayerCount { got: 0, .. })), "{e}");
    let e = public(rejected(&with(&good, &|m| m.names[1].0 = m.names[0].0.clone())));
    assert!(matches!(e, PublicInvalid::Names(NameError::Duplicate { .. })), "{e}");
    let e = public(rejected(&with(&good, &|m| m.names.truncate(1))));
    assert_eq!(e, PublicInvalid::Names(NameError::Count { expected: 2, got: 1 }));
    let mut r = good.clone();
    r.statement.model_digest[0] ^= 1;
    assert_eq!(public(rejected(&r)), PublicInvalid::ModelDigest);
    let mut r = good.clone();
    r.statement.against = Some(OtherModel { run_digest: [1; 32], model_digest: [2; 32] });
    assert_eq!(public(rejected(&r)), PublicInvalid::Comparison);
    let e = verify_public_report(&good, &open.weights[1..]).map(|_| ()).unwrap_err();
    let expected = open.weights.len();
    assert_eq!(public(e), PublicInvalid::WeightCount { expected, got: expected - 1 });
    let mut other = open.weights.clone();
    other[3] += 1;
    let e = verify_public_report(&good, &other).map(|_| ()).unwrap_err();
    assert_eq!(public(e), PublicInvalid::OtherWeights);
    let mut r = good.clone();
    let of_other = Shown::BetterBy { metric: Compared::Auc, group: None, bound: (1, 2) };
    r.statement.shown.push(of_other);
    assert!(matches!(rejected(&r), ReportRejected::Invalid(ReportInvalid::NotApplicable { .. })));
    // A committed model is none that a file holds.
    let committed = open.world.all(&[Asked::Counts]);
    assert!(matches!(open.verify(&committed), Err(ReportRejected::PublicModel { stated: false })));
    // A second rate.
    let (to, _) = commit_outputs(&open.naive(&(0..ROWS).collect::<Vec<_>>()), 3);
    let mut record = to.record.clone();
    record.vector.log_inv_rate = 1;
    let mut r = good.clone();
    r.statement.shown.push(Shown::Committed { outputs: alloc::boxed::Box::new(record) });
    let e = rejected(&r);
    assert!(matches!(e, ReportRejected::Statement(StatementError::Rate { which: "outputs", .. })), "{e}");
}

/// The prover is held to the same rules.
#[test]
fn the_owner_is_told() {
    let (open, _) = good();
    let input = open.world.committed(Rows::All);
    let refused = |about: &PublicInput<'_>, asked: &[Asked]| plan_public_report(about, asked).map(|_| ()).unwrap_err();
    let other: Vec<i64> = open.weights.iter().map(|w| w + 1).collect();
    let about = open.input(&input, None, &[]);
    let e = refused(&PublicInput { weights: &other, ..about }, &[Asked::Outputs]);
    assert!(matches!(e, ReportError::Rejected(ReportRejected::Public(PublicInvalid::OtherWeights))), "{e}");
    let better = Asked::BetterBy { metric: Compared::Auc, group: None, bound: (0, 1) };
    let e = refused(&about, &[better]);
    assert!(matches!(e, ReportError::Rejected(ReportRejected::Invalid(_))), "{e}");
    let e = refused(&PublicInput { data: None, ..about }, &[Asked::Outputs]);
    assert!(matches!(e, ReportError::NoRows), "{e}");
}

/// Weights beyond what keeps equality mod p one of integers: no bound of anybody's is taken for them.
#[test]
fn weights_out_of_range() {
    let (open, good) = good();
    for value in [i64::MAX, i64::MIN, 1 << 62, -(1 << 62)] {
        let mut weights = open.weights.clone();
        weights[2] = value;
        let r = with(&good, &|m| m.weights = weights_digest(&weights).unwrap());
        let e = verify_public_report(&r, &weights).map(|_| ()).unwrap_err();
        let inner = match &e {
            ReportRejected::Invalid(ReportInvalid::NoWrap(inner)) => inner,
            e => panic!("{e:?}"),
        };
        assert!(matches!(inner, NoWrapError::Inequality { layer: 0, .. }), "{inner:?}");
    }
}

#[test]
fn every_field_of_the_model_is_bound() {
    let (open, good) = good();
    let changes: [&dyn Fn(&mut PublicModel); 5] = [
        &|m| m.architecture.layers[0].z_bits += 1,
        &|m| m.architecture.layers[0].q_bits += 1,
        &|m| m.architecture.layers[0].activation = Activation::Identity,
        &|m| m.data_bits += 1,
        &|m| m.names[0].0.push('x'),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut r = good.clone();
        change(r.statement.public.as_mut().unwrap());
        assert_eq!(public(open.verify(&r).map(|_| ()).unwrap_err()), PublicInvalid::ModelDigest, "{i}");
        // Named by its own digest, it is another statement than the one proven.
        let e = open.verify(&with(&good, change)).map(|_| ()).unwrap_err();
        assert!(matches!(e, ReportRejected::Argument(_)), "{i}: {e:?}");
    }
    let e = open.verify(&with(&good, &|m| m.weights[31] ^= 1)).map(|_| ()).unwrap_err();
    assert_eq!(public(e), PublicInvalid::OtherWeights);
    let e = open.verify(&with(&good, &|m| m.fa += 1)).map(|_| ()).unwrap_err();
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::Mismatch { .. })), "{e:?}");
}

#[test]
fn only_its_own_release() {
    let (open, _) = good();
    let (config, model) = (&open.world.run.config, &open.model);
    let release = ReleaseStatement {
        version: 1,
        run_digest: [0; 32],
        model_digest: [0; 32],
        bits: BITS,
        weights: open.weights.clone(),
        names: model.names.clone(),
        exemption: None,
    };
    model.check_released(config, &release).unwrap();
    let with = |change: &dyn Fn(&mut ReleaseStatement)| {
        let mut r = release.clone();
        change(&mut r);
        public(model.check_released(config, &r).unwrap_err())
    };
    assert_eq!(with(&|r| r.bits += 1), PublicInvalid::OtherRelease { field: "fractional bits" });
    assert_eq!(with(&|r| r.names[0].0 = "w".to_string()), PublicInvalid::OtherRelease { field: "names" });
    assert_eq!(with(&|r| r.weights[0] += 1), PublicInvalid::OtherRelease { field: "weights" });
    let of = |change: &dyn Fn(&mut RunConfig)| {
        let mut run = config.clone();
        change(&mut run);
        public(model.check_released(&run, &release).unwrap_err())
    };
    assert_eq!(of(&|c| c.architecture.layers[1].z_bits += 1), PublicInvalid::OtherConfig { field: "layers" });
    let field = "fractional bits of activations";
    assert_eq!(of(&|c| c.scales.fa += 1), PublicInvalid::OtherConfig { field });
    assert_eq!(of(&|c| c.data_bits += 1), PublicInvalid::OtherConfig { field: "bits of the features" });
}

/// A proof for the model named, by a prover that ran these weights and sends what it read of those.
fn forged(open: &Open, input: &Input, ran: &[i64], read: &[i64]) -> (ReportProof, Vec<usize>) {
    let config = open.model.config().unwrap();
    let data = matches!(input, Input::Committed { .. }).then_some(&open.world.rows);
    let draft = ReportStatement {
        version: REPORT_VERSION,
        run_digest: [0; 32],
        model_digest: open.model.digest().unwrap(),
        input: input.clone(),
        groups: None,
        shown: vec![],
        against: None,
        public: Some(open.model.clone()),
    };
    let evaluation = Evaluation::new(&config, ran, input, data, None, &[]).unwrap();
    let statement = completed(draft, &evaluation, &[Asked::Outputs]).unwrap();
    let (relation, rate) = public_relation(&statement, &open.weights).unwrap();
    let columns = relation.columns_beside(&evaluation, None).unwrap();
    let liar = Liar(ReportWitness::new(relation.clone(), &evaluation, read, data));
    let failing = failing(open, &relation, &liar, &columns, rate.into(), &statement);
    let committed = public_vectors(&statement).unwrap();
    let others: Vec<_> = open.trees(input, None).data.into_iter().zip(committed).collect();
    let digest = statement.digest().unwrap();
    let entropy = Entropy::fresh(&SECRET, &digest).unwrap();
    let proof = prove_relation(LABEL, &digest, &liar, rate.into(), columns, &others, entropy).unwrap();
    drop((liar, relation));
    (ReportProof { statement, proof }, failing)
}

/// The claims that fail, by their place: 0 are the matrix products, 1 the weights.
fn failing(
    open: &Open,
    relation: &ReportRelation<'_>,
    liar: &Liar<'_>,
    columns: &[F],
    rate: usize,
    statement: &ReportStatement,
) -> Vec<usize> {
    use tacit_argument::proof::{Relation, Witnessed};
    let shapes: Vec<VectorShape> = public_vectors(statement).unwrap().iter().map(|v| v.shape).collect();
    let schedule = plan(relation, rate, &shapes).unwrap().schedule;
    let secrets = Secrets::draw(&schedule, &mut Entropy::fresh(&[1; 32], &[2; 32]).unwrap());
    let mut cells = columns.to_vec();
    cells.extend(secrets.cells());
    let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
    let mut masker = Masker::new(&mut transcript, secrets);
    liar.send(&mut masker, &cells).unwrap();
    let messages = masker.finish();
    let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
    let mut reduction = Reduction::new(&mut transcript, &messages);
    relation.check(&mut reduction).unwrap();
    let data = data_payload(&open.world.data.record, &open.world.rows);
    let mut vectors: Vec<&[F]> = vec![&cells];
    vectors.extend(shapes.iter().map(|_| &data[..]));
    let values = reduction.claims_in_clear(PadLayout { first: columns.len() }, &vectors);
    values.iter().enumerate().filter(|(_, v)| **v != E::default()).map(|(i, _)| i).collect()
}

/// Another model than the file's is run, with the file's digest in the statement.
#[test]
fn another_model_than_the_one_named() {
    let open = Open::new(perceptron());
    let mut other = open.weights.clone();
    other[0] += 300;
    for input in [open.world.committed(Rows::All), open.features(&[1, 2, 3, 50])] {
        let (honest, none) = forged(&open, &input, &open.weights, &open.weights);
        assert_eq!(none, [0usize; 0]);
        open.verify(&honest).unwrap();
        // The prover says what it ran, or says that it ran the file's.
        for (read, expected) in [(&other, 1), (&open.weights, 0)] {
            let (report, failing) = forged(&open, &input, &other, read);
            assert_ne!(report.statement.shown, honest.statement.shown);
            assert_eq!(failing, [expected]);
            let e = open.verify(&report).map(|_| ()).unwrap_err();
            assert!(matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e:?}");
            // With what it ran it is no proof either: the statement names the file's weights.
            let e = verify_public_report(&report, &other).map(|_| ()).unwrap_err();
            assert_eq!(public(e), PublicInvalid::OtherWeights);
        }
    }
}

/// The weights as a safetensors file has them: tensors in PyTorch's layout, float32.
fn safetensors(model: &PublicModel, weights: &[i64]) -> Vec<u8> {
    let (mut header, mut data, mut first) = (vec![], vec![], 0);
    for (layer, (weight, bias)) in model.architecture.layers.iter().zip(&model.names) {
        let (n, inputs) = (layer.outputs as usize, layer.inputs as usize);
        let mut add = |name: &str, shape: alloc::string::String, at: Vec<usize>| {
            let start = data.len();
            at.iter().for_each(|&i| data.extend((weights[i] as f32 / (1u64 << model.bits) as f32).to_le_bytes()));
            let end = data.len();
            header.push(format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}"));
        };
        let entries = (0..n).flat_map(|j| (0..inputs).map(move |k| (j, k)));
        add(weight, format!("[{n},{inputs}]"), entries.map(|(j, k)| first + k * n + j).collect());
        if let Some(bias) = bias {
            add(bias, format!("[{n}]"), (0..n).map(|j| first + inputs * n + j).collect());
        }
        first += layer.k() * n;
    }
    let text = format!("{{{}}}", header.join(","));
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &data].concat()
}

/// The reports on a public model that the second verifier reads: an honest one, and one of a prover that ran another
/// model. With `TACIT_FIXTURES=FOLDER` they are written there.
#[test]
fn forged_reports_on_a_model_file() {
    let mut world = super::fixtures::seeded();
    let shift = world.run.config.scales.fw - BITS;
    let weights: Vec<i64> = world.weights.iter().map(|w| w >> shift).collect();
    world.weights.clone_from(&weights);
    let open = Open { model: described(&world.run.config, &weights), weights, world };
    let mut other = open.weights.clone();
    other[0] += 1 << (BITS - 2);
    let input = open.world.committed(Rows::All);
    let (honest, _) = forged(&open, &input, &open.weights, &open.weights);
    let (ran, _) = forged(&open, &input, &other, &other);
    let file = safetensors(&open.model, &open.weights);
    let mut read = ran.clone();
    read.statement.public.as_mut().unwrap().weights = weights_digest(&other).unwrap();
    let made = [("report-public", honest), ("forged-report-public", ran), ("forged-report-other-weights", read)];
    let folder = super::fixtures::folder();
    let to = std::env::var_os("TACIT_FIXTURES").filter(|to| !to.is_empty()).map(std::path::PathBuf::from);
    if let Some(to) = &to {
        std::fs::write(to.join("public.safetensors"), &file).unwrap();
    }
    assert_eq!(std::fs::read(folder.join("public.safetensors")).unwrap(), file);
    for (name, mut report) in made {
        if name == "forged-report-other-weights" {
            report.statement.model_digest = report.statement.public.as_ref().unwrap().digest().unwrap();
        }
        let path = folder.join(name).with_extension("tacit");
        if let Some(to) = &to {
            let bytes = crate::file::encode(crate::file::Kind::Report, &report).unwrap();
            std::fs::write(to.join(path.file_name().unwrap()), bytes).unwrap();
        }
        let stored: ReportProof =
            crate::file::decode(crate::file::Kind::Report, &std::fs::read(path).unwrap()).unwrap();
        assert_eq!(stored.statement, report.statement, "{name}");
        for report in [report, stored] {
            match (name, open.verify(&report)) {
                ("report-public", Ok(_))
                | (
                    "forged-report-public",
                    Err(ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))),
                )
                | ("forged-report-other-weights", Err(ReportRejected::Public(PublicInvalid::OtherWeights))) => {}
                (_, other) => panic!("{name}: {:?}", other.map(|_| ())),
            }
        }
    }
}
