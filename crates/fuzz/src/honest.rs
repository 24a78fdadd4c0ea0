//! Small honest files of every kind, a family for every kind of run; the smaller, the more of them are verified.
#[allow(clippy::unwrap_used)]
#[path = "../../training/tests/common/mod.rs"]
mod common;

use common::{Owner, config, layer};
use serde::{Deserialize, Serialize};
use tacit_argument::entropy::Entropy;
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};
use tacit_training::config::{Activation, Decay, Loss, NormBits, Order, RunConfig, Schedule};
use tacit_training::file::{Kind, encode};
use tacit_training::link::{Linked, RowRelation, prove_link, prove_rows};
use tacit_training::release::{Circumstances, Earlier, Override, ReleaseInput, prove_release, release_rules};
use tacit_training::report::{
    Asked, AskedFigure, Calendar, Figure, Groups, Input, Position, PublicInput, PublicModel, PublicTable, PublicTrees,
    Rate, ReportInput, ReportTrees, Rows, ScoreLoss, Strategy, prove_public_report, prove_report, weights_digest,
};
use tacit_training::run::{ModelCommitment, commit_state};
use tacit_training::statement::Origin;
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
    /// Links of its data and of its model to commitments that were made again.
    pub links: Vec<Vec<u8>>,
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

/// The class and a bound of the first and the third row, which stay hidden.
fn predictions(owner: &Owner, (state, model): (&ModelState, &ModelCommitment)) -> Vec<u8> {
    let input = &Input::Committed { data: owner.data.record.clone(), rows: Rows::Hidden { count: 2 } };
    let trees = ReportTrees { model: &model.vector, data: Some(&owner.data.vector), outputs: None };
    let about = ReportInput {
        run: &owner.statement,
        model: &model.record,
        weights: &state.weights,
        input,
        data: Some(&owner.rows),
        groups: None,
        hidden: &[0, 2],
    };
    let bound = Asked::Margins { plus: Some(0), minus: None, bounds: vec![-(1 << 16); 2] };
    let asked = [Asked::Outputs, Asked::Classes, bound];
    encode(Kind::Report, &prove_report(&about, trees, &asked, &SECRET).expect("a report")).expect("a file")
}

fn report(
    owner: &Owner,
    (state, model): (&ModelState, &ModelCommitment),
    input: &Input,
    groups: Option<&Groups>,
    asked: &[Asked],
) -> Vec<u8> {
    let committed = matches!(input, Input::Committed { .. });
    let trees = ReportTrees { model: &model.vector, data: committed.then_some(&owner.data.vector), outputs: None };
    let data = committed.then_some(&owner.rows);
    let input = ReportInput {
        run: &owner.statement,
        model: &model.record,
        weights: &state.weights,
        input,
        data,
        groups,
        hidden: &[],
    };
    encode(Kind::Report, &prove_report(&input, trees, asked, &SECRET).expect("a report")).expect("a file")
}

/// The outputs of the rounded model on all rows.
fn public(owner: &Owner, state: &ModelState) -> (Vec<u8>, Vec<i64>) {
    let config = &owner.statement.config;
    let shift = config.scales.fw - 12;
    let weights: Vec<i64> = state.weights.iter().map(|w| w >> shift).collect();
    let layers = config.architecture.layers.iter().enumerate();
    let model = PublicModel {
        architecture: config.architecture.clone(),
        fa: config.scales.fa,
        bits: 12,
        data_bits: config.data_bits,
        names: layers.map(|(l, x)| (format!("{l}.weight"), x.bias.then(|| format!("{l}.bias")))).collect(),
        weights: weights_digest(&weights).expect("a digest"),
    };
    let input = Input::Committed { data: owner.data.record.clone(), rows: Rows::All };
    let about = PublicInput {
        model: &model,
        weights: &weights,
        input: &input,
        data: Some(&owner.rows),
        groups: None,
        hidden: &[],
    };
    let trees = PublicTrees { data: Some(&owner.data.vector), outputs: None };
    let report = prove_public_report(&about, trees, &[Asked::Outputs], &SECRET).expect("a report");
    (encode(Kind::Report, &report).expect("a file"), weights)
}

/// A backtest of all figures, and one of bounds.
fn backtests(rows: u64) -> [Asked; 2] {
    let strategy = |position| Strategy { position, cost: (3, 2), unit: 1 << 10, periods: 250, lags: vec![] };
    let figures = vec![
        Figure::Profit { sum: 0 },
        Figure::Squares { sum: 0 },
        Figure::Downside { sum: 0 },
        Figure::Turnover { sum: 0 },
        Figure::Hits { profitable: 0, invested: 0 },
        Figure::Drawdown { value: 0 },
    ];
    // Every row can change a position of 4 by 4.
    let bounds = vec![Figure::TurnoverAtMost { bound: 4 * rows }];
    [
        Asked::Backtest { strategy: strategy(Position::Sign), figures },
        Asked::Backtest { strategy: strategy(Position::Linear { limit: 40, bits: 2, long: true }), figures: bounds },
    ]
}

/// Every report that a family's loss allows.
fn reports(owner: &Owner, model: (&ModelState, &ModelCommitment)) -> Vec<Vec<u8>> {
    let committed = |rows| Input::Committed { data: owner.data.record.clone(), rows };
    let public = Input::Public { features: owner.rows.features.iter().copied().take(6).collect() };
    let mut out = vec![report(owner, model, &public, None, &[Asked::Outputs])];
    let record = &owner.data.record;
    let table = Input::Table {
        table: PublicTable {
            fa: record.fa,
            data_bits: record.data_bits,
            features: owner.rows.features.clone(),
            labels: record.labels,
            values: owner.rows.labels.clone(),
            earlier: vec![],
        },
    };
    let calendar = Calendar::Days { days: (0..record.rows as i32).collect() };
    out.push(report(
        owner,
        model,
        &table,
        None,
        &[Asked::Classes, Asked::Calendar { calendar }]
            [usize::from(owner.statement.config.architecture.loss == Loss::Mse)..],
    ));
    if owner.statement.config.architecture.loss == Loss::Mse {
        let sums = [Asked::SquaredError, Asked::AbsoluteError, Asked::TargetMoments];
        out.push(report(owner, model, &committed(Rows::Range { first: 1, count: 5 }), None, &sums));
        if owner.statement.config.architecture.layers.last().is_some_and(|l| l.outputs == 1) {
            let of = backtests(owner.statement.config.schedule.rows.into());
            out.extend(of.map(|asked| report(owner, model, &committed(Rows::All), None, &[asked])));
        }
        return out;
    }
    let bound = Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (0, 7) };
    out.push(predictions(owner, model));
    let exactly = Asked::Exactly { rate: Rate::Predicted { class: 0 }, group: None };
    out.push(report(owner, model, &committed(Rows::Listed(vec![0, 2, 5, 6])), None, &[bound, exactly]));
    if owner.statement.config.architecture.loss == Loss::BceWithLogits {
        let figures = [
            AskedFigure::Auc,
            AskedFigure::AucAtLeast { bound: (0, 7) },
            AskedFigure::Loss { loss: ScoreLoss::Log },
            AskedFigure::LossAtMost { loss: ScoreLoss::Brier, bound: (2, 1) },
            AskedFigure::Calibration { edges: vec![-3, 1] },
            AskedFigure::Thresholds { edges: vec![1] },
        ];
        let asked = figures.map(|figure| Asked::Scores { group: None, figure });
        out.push(report(owner, model, &committed(Rows::All), None, &asked));
    }
    // A group for each value of the first feature.
    let mut values: Vec<i32> = owner.rows.features.iter().copied().step_by(2).collect();
    values.sort_unstable();
    values.dedup();
    let groups = Groups { columns: vec![0], values: values.into_iter().map(|v| vec![v]).collect() };
    let gap = Asked::GapAtMost { rate: Rate::Predicted { class: 1 }, bound: (1, 1) };
    out.push(report(owner, model, &committed(Rows::All), Some(&groups), &[Asked::Counts, gap]));
    out
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

fn family(name: &str, config: RunConfig, hidden: bool) -> Family {
    let (owner, data) = owner(config, hidden);
    let (first, state, model) = owner.proven(4);
    let second = owner.proven(4).0;
    Family {
        name: name.into(),
        data,
        runs: [first, second].iter().map(|r| encode(Kind::Run, r).expect("a file")).collect(),
        releases: (0..2).map(|_| release(&owner, &state, &model)).collect(),
        reports: reports(&owner, (&state, &model)),
        public: public(&owner, &state),
        links: links(&owner, &state, &model),
    }
}

/// One family of every kind: losses, activations, starts, orders, bounds, and a chain.
///
/// # Panics
/// If an honest owner cannot prove.
#[must_use]
pub fn families() -> Vec<Family> {
    vec![
        family("squares", squares(), false),
        family("logistic", logistic(), true),
        family("classes", classes(), true),
        family("smooth", smooth(), false),
        family("chain", chain(), false),
    ]
}
