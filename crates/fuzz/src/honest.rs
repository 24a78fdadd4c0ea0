//! Small honest files of every kind, a family for every kind of run; the smaller, the more of them are verified.
#[allow(clippy::unwrap_used)]
#[path = "../../training/tests/common/mod.rs"]
mod common;
mod reports;

use common::{Owner, config, layer};
use serde::{Deserialize, Serialize};
use tacit_argument::entropy::Entropy;
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};
use tacit_training::config::{Activation, Decay, Loss, NormBits, Order, RunConfig, Schedule};
use tacit_training::file::{Kind, encode};
use tacit_training::link::{Linked, RowRelation, prove_link, prove_rows};
use tacit_training::release::{Circumstances, Earlier, Override, ReleaseInput, prove_release, release_rules};
use tacit_training::run::{ModelCommitment, commit_state};
use tacit_training::statement::{Origin, RunStatement};
use tacit_training::trainer::ModelState;
use tacit_training::validity::{commit_data, data_payload};
use tacit_training::verify::{DataFile, schema_id};

const SCHEMA: &str = "{\"columns\":2}";
const SECRET: [u8; 32] = [1; 32];

/// What one owner publishes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Family {
    /// Of the configuration.
    pub name: String,
    /// The commitment of the training data.
    pub data: Vec<u8>,
    /// Two proofs of one run.
    pub runs: Vec<Vec<u8>>,
    /// Two proofs of one release.
    pub releases: Vec<Vec<u8>>,
    /// Reports on the run's model.
    pub reports: Vec<Vec<u8>>,
    /// A report on the model as everybody has it, and its weights.
    pub public: (Vec<u8>, Vec<i64>),
    /// Reports that compare two models.
    pub comparisons: Vec<Comparison>,
    /// Links of its data and of its model to commitments that were made again.
    pub links: Vec<Vec<u8>>,
}

/// A report that compares two models, and the runs of both.
#[derive(Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// The report.
    pub report: Vec<u8>,
    /// The run of the better model, and of the other.
    pub runs: [Vec<u8>; 2],
}

/// A proven run's end.
struct Model<'a> {
    run: &'a RunStatement,
    state: &'a ModelState,
    committed: &'a ModelCommitment,
}

/// 7 rows in batches of 3 (padded to 4), 3 steps in a chunk of 4: the fewest rows with masked and padding rows.
fn tiny(layers: &[(u32, Activation)], loss: Loss) -> RunConfig {
    let mut before = 2;
    let layers = layers.iter().enumerate().map(|(l, &(outputs, activation))| {
        let mut out = layer(before, outputs, activation);
        (out.bias, out.z_bits, out.q_bits) = (l % 3 != 2, 9, 10);
        before = outputs;
        out
    });
    let mut config = config(layers.collect(), loss);
    (config.scales.fa, config.scales.fg, config.scales.fw) = (4, 6, 20);
    (config.schedule.rows, config.schedule.batch) = (7, 3);
    (config.schedule.total_steps, config.schedule.chunk_steps) = (3, 4);
    config.schedule.rates = Schedule::encode_rates(&[128, 64, 64]);
    (config.data_bits, config.target_bits) = (7, if loss == Loss::Mse { 7 } else { 0 });
    config
}

fn squares() -> RunConfig {
    tiny(&[(1, Activation::Identity)], Loss::Mse)
}

fn logistic() -> RunConfig {
    tiny(&[(1, Activation::Identity)], Loss::BceWithLogits)
}

fn classes() -> RunConfig {
    let mut config = tiny(&[(2, Activation::Relu), (2, Activation::Identity)], Loss::CrossEntropy);
    config.norms = Some(NormBits { z: 22, q: 24 });
    (config.carry_bits, config.schedule.average) = (Some(30), Some(2));
    config
}

/// Of a second model, which the family's is compared with.
fn hidden_layer(loss: Loss, outputs: u32) -> RunConfig {
    tiny(&[(3, Activation::Tanh), (outputs, Activation::Identity)], loss)
}

fn smooth() -> RunConfig {
    tiny(&[(2, Activation::Sigmoid), (2, Activation::Tanh), (1, Activation::Identity)], Loss::Mse)
}

/// Three chunks with momentum and decay, in a shuffled order.
fn chain() -> RunConfig {
    let mut config = tiny(&[(2, Activation::Relu), (1, Activation::Identity)], Loss::Mse);
    (config.scales.kappa, config.schedule.filter) = (4, vec![16, 8, 4, 2, 1]);
    (config.schedule.total_steps, config.schedule.chunk_steps) = (5, 2);
    config.schedule.rates = Schedule::encode_rates(&[64, 64, 32, 32, 16]);
    config.schedule.decay = Some(Decay { bits: 4, numerators: vec![15, 16, 14] });
    config.order = Order::Shuffled { seed: [0; 32] };
    config
}

fn owner(config: RunConfig, hidden: bool) -> (Owner, Vec<u8>) {
    let mut owner = Owner::new(config, hidden);
    let s = &mut owner.statement;
    let mut record = s.data.clone();
    record.schema = schema_id(SCHEMA);
    record.names = Some(vec!["age".into(), "dose".into()]);
    record.released = vec!["scale of age".into()];
    let payload = data_payload(&record, &owner.rows);
    let entropy = Entropy::fresh(&SECRET, &[2; 32]).expect("randomness");
    owner.data = commit_data(record, &payload, &[3; 32], entropy).expect("a commitment");
    s.data = owner.data.record.clone();
    s.released = vec!["epochs".into()];
    if s.config.order != Order::Contiguous {
        let origin = Origin::Prover { nonce: 9 };
        s.config.order = Order::Shuffled { seed: s.seed("order", &origin).expect("a seed") };
        s.order_origin = Some(origin);
    }
    if let Some(origin) = s.start.origin().cloned() {
        let seed = s.seed("initial", &origin).expect("a seed");
        owner.state.weights = tacit_training::initial::initial_weights(&s.config, &seed);
    }
    let file = DataFile { record: owner.data.record.clone(), schema: SCHEMA.into(), proof: owner.data.proof.clone() };
    let bytes = encode(Kind::Data, &file).expect("a file");
    (owner, bytes)
}

fn release(owner: &Owner, state: &ModelState, model: &ModelCommitment) -> Vec<u8> {
    let exemption = Some(Override::PublicData);
    let public = Circumstances { known: &[], feature_bits: None, earlier: Earlier::Nothing, exemption };
    let permit = release_rules(&owner.statement, 12, &public).expect("a permit");
    let layers = &owner.statement.config.architecture.layers;
    let names: Vec<_> =
        layers.iter().enumerate().map(|(l, x)| (format!("{l}.weight"), x.bias.then(|| format!("{l}.bias")))).collect();
    let input = ReleaseInput { statement: &owner.statement, model, weights: &state.weights, names: &names };
    encode(Kind::Release, &prove_release(&input, permit, &SECRET).expect("a release")).expect("a file")
}

/// The data and the model, committed again for other budgets, and linked.
fn links(owner: &Owner, state: &ModelState, model: &ModelCommitment) -> Vec<Vec<u8>> {
    let mut record = owner.data.record.clone();
    let record_bits = record.data_bits;
    let stride = record.stride();
    let shape = long_lived_shape((record.columns() as usize) << stride, stride, 40, 2).expect("a shape");
    (record.vector.shape, record.vector.row_budget) = (shape, (shape.block - PIN_BLOCK) as u64);
    let payload = data_payload(&record, &owner.rows);
    let entropy = Entropy::fresh(&SECRET, &[4; 32]).expect("randomness");
    let data = commit_data(record, &payload, &[5; 32], entropy).expect("a commitment");
    // The same rows, and others: no value of the table reaches the window's end.
    let mut others = owner.rows.clone();
    others.features.iter_mut().for_each(|v| *v = (1 << (record_bits - 1)) - 1);
    let entropy = Entropy::fresh(&SECRET, &[7; 32]).expect("randomness");
    let other_payload = data_payload(&data.record, &others);
    let empty = tacit_training::record::DataRecord { pin: Default::default(), ..data.record.clone() };
    let other = commit_data(empty, &other_payload, &[8; 32], entropy).expect("a commitment");
    let again = commit_state(&owner.statement.config, state, 2, 40, &[6; 32]).expect("a commitment");
    let of_rows = |relation, second: &tacit_training::record::DataRecord| Linked::Rows {
        relation,
        first: owner.data.record.clone(),
        second: second.clone(),
    };
    let own = (&owner.data.vector, &payload);
    let related = [
        (of_rows(RowRelation::Subset, &data.record), (&data.vector, &payload)),
        (of_rows(RowRelation::Same, &data.record), (&data.vector, &payload)),
        (of_rows(RowRelation::Disjoint { nonce: 3 }, &other.record), (&other.vector, &other_payload)),
    ]
    .map(|(linked, (tree, rows))| {
        let link = prove_rows(linked, [own.0, tree], [own.1, rows], &SECRET).expect("a relation");
        encode(Kind::Link, &link).expect("a file")
    });
    let of_data = Linked::Data { first: owner.data.record.clone(), second: data.record };
    let of_model = Linked::Model { first: model.record.clone(), second: again.record };
    [(of_data, [&owner.data.vector, &data.vector]), (of_model, [&model.vector, &again.vector])]
        .into_iter()
        .map(|(linked, trees)| {
            encode(Kind::Link, &prove_link(linked, trees, &SECRET).expect("a link")).expect("a file")
        })
        .chain(related)
        .collect()
}

fn family(name: &str, config: RunConfig, hidden: bool, rival: Option<RunConfig>) -> Family {
    let (owner, data) = owner(config, hidden);
    let (first, state, model) = owner.proven(8);
    let second = owner.proven(4).0;
    let runs = [first, second].map(|r| encode(Kind::Run, &r).expect("a file"));
    let model_of = Model { run: &owner.statement, state: &state, committed: &model };
    Family {
        name: name.into(),
        data,
        releases: (0..2).map(|_| release(&owner, &state, &model)).collect(),
        reports: reports::reports(&owner, &model_of),
        public: reports::public(&owner, &state),
        comparisons: rival.map_or(vec![], |rival| reports::comparisons(&owner, &model_of, &runs[0], rival)),
        links: links(&owner, &state, &model),
        runs: runs.into(),
    }
}

/// One family of every kind: losses, activations, starts, orders, bounds, and a chain.
///
/// # Panics
/// If an honest owner cannot prove.
#[must_use]
pub fn families() -> Vec<Family> {
    vec![
        family("squares", squares(), false, None),
        family("logistic", logistic(), true, Some(hidden_layer(Loss::BceWithLogits, 1))),
        family("classes", classes(), true, Some(hidden_layer(Loss::CrossEntropy, 2))),
        family("smooth", smooth(), false, None),
        family("chain", chain(), false, None),
    ]
}
