//! Reports of every kind on a family's model, and on it as a public one: public and committed rows, hidden ones, committed outputs, groups, scores,
//! backtests, and comparisons with a second model.
use super::common::commit_outputs;
use super::{Comparison, Model, Owner, SECRET};
use tacit_training::config::{Loss, RunConfig};
use tacit_training::file::{Kind, encode};
use tacit_training::report::{
    Asked, AskedFigure, Calendar, Compared, Figure, Groups, Input, OtherInput, Position, PublicInput, PublicModel,
    PublicTable, PublicTrees, Rate, ReportError, ReportInput, ReportTrees, Rows, ScoreLoss, Shown, Strategy,
    TargetError, plan_comparison, plan_report, prove_comparison, prove_public_report, prove_report, weights_digest,
};
use tacit_training::trainer::ModelState;
use tacit_training::validity::DataCommitment;

/// What a report of a family is about.
struct About<'a> {
    input: &'a Input,
    groups: Option<&'a Groups>,
    hidden: &'a [u32],
    outputs: Option<&'a DataCommitment>,
}

impl<'a> About<'a> {
    fn rows(input: &'a Input) -> Self {
        Self { input, groups: None, hidden: &[], outputs: None }
    }

    fn all<'t>(&'t self, owner: &'t Owner, model: &'t Model<'_>) -> (ReportInput<'t>, ReportTrees<'t>) {
        let committed = matches!(self.input, Input::Committed { .. });
        let input = ReportInput {
            run: model.run,
            model: &model.committed.record,
            weights: &model.state.weights,
            input: self.input,
            data: committed.then_some(&owner.rows),
            groups: self.groups,
            hidden: self.hidden,
        };
        let data = committed.then_some(&owner.data.vector);
        let outputs = self.outputs.map(|to| &to.vector);
        (input, ReportTrees { model: &model.committed.vector, data, outputs })
    }

    fn report(&self, owner: &Owner, model: &Model<'_>, asked: &[Asked]) -> Vec<u8> {
        let (input, trees) = self.all(owner, model);
        encode(Kind::Report, &prove_report(&input, trees, asked, &SECRET).expect("a report")).expect("a file")
    }
}

/// Outputs, class and a bound of the first and the third row, which stay hidden; and their outputs behind a commitment.
fn predictions(owner: &Owner, model: &Model<'_>) -> Vec<Vec<u8>> {
    let input = Input::Committed { data: owner.data.record.clone(), rows: Rows::Hidden { count: 2 } };
    let shown = About { hidden: &[0, 2], ..About::rows(&input) };
    let bound = Asked::Margins { plus: Some(0), minus: None, bounds: vec![-(1 << 16); 2] };
    let classes = (model.run.config.architecture.loss != Loss::Mse).then_some(Asked::Classes);
    let asked =
        |first: Asked| [Some(first), classes.clone(), Some(bound.clone())].into_iter().flatten().collect::<Vec<_>>();
    let planned = plan_report(&shown.all(owner, model).0, &[Asked::Outputs]).expect("a plan").statement;
    let Some(Shown::Outputs { values }) = planned.shown.first() else { return vec![] };
    let to = commit_outputs(model.run, values);
    let commitment = Asked::Committed { outputs: Box::new(to.record.clone()) };
    let behind = About { outputs: Some(&to), hidden: &[0, 2], ..About::rows(&input) };
    vec![shown.report(owner, model, &asked(Asked::Outputs)), behind.report(owner, model, &asked(commitment))]
}

/// The family's model against another of the same data: every metric that its loss allows, in the order in which it holds.
pub(super) fn comparisons(owner: &Owner, model: &Model<'_>, run: &[u8], rival: RunConfig) -> Vec<Comparison> {
    let (other, _) = super::owner(rival, false);
    assert!(other.data.record == owner.data.record, "one data set");
    let (of_other, state, committed) = other.proven(8);
    let of_other = encode(Kind::Run, &of_other).expect("a file");
    let rival = Model { run: &other.statement, state: &state, committed: &committed };
    let input = Input::Committed { data: owner.data.record.clone(), rows: Rows::Range { first: 1, count: 6 } };
    let mut metrics = vec![Compared::Rate { rate: Rate::Accuracy }, Compared::Rate { rate: Rate::Recall { class: 1 } }];
    if model.run.config.architecture.loss == Loss::BceWithLogits {
        metrics.extend([
            Compared::Auc,
            Compared::Loss { loss: ScoreLoss::Log },
            Compared::Loss { loss: ScoreLoss::Brier },
        ]);
    }
    let asked = |metric: &Compared| Asked::BetterBy { metric: *metric, group: None, bound: (0, 7) };
    let mut out = vec![];
    for [first, second] in [[model, &rival], [&rival, model]] {
        let (about, trees) = (About::rows(&input), committed_trees(owner, first));
        let other = OtherInput { run: second.run, model: &second.committed.record, weights: &second.state.weights };
        let (of_first, _) = about.all(owner, first);
        let plan = |m: &Compared| plan_comparison(&of_first, other, &[asked(m)]);
        let holding: Vec<Compared> = metrics.iter().copied().filter(|m| plan(m).is_ok()).collect();
        metrics.retain(|m| match plan(m) {
            Ok(_) => false,
            Err(ReportError::NotBetter { .. }) => true,
            Err(e) => panic!("{e}"),
        });
        if holding.is_empty() {
            continue;
        }
        let asked: Vec<Asked> = holding.iter().map(asked).collect();
        let report = prove_comparison(&of_first, trees, (other, &second.committed.vector), &asked, &SECRET);
        let runs = if std::ptr::eq(first, model) { [run, &of_other] } else { [&of_other[..], run] };
        let report = encode(Kind::Report, &report.expect("a comparison")).expect("a file");
        out.push(Comparison { report, runs: runs.map(<[u8]>::to_vec) });
    }
    assert!(metrics.is_empty(), "one of two models is no worse");
    out
}

fn committed_trees<'a>(owner: &'a Owner, model: &'a Model<'_>) -> ReportTrees<'a> {
    ReportTrees { model: &model.committed.vector, data: Some(&owner.data.vector), outputs: None }
}

/// The outputs of the rounded model on all rows.
pub(super) fn public(owner: &Owner, state: &ModelState) -> (Vec<u8>, Vec<i64>) {
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

/// All rows in the clear with their labels and days; classes of classifiers.
fn table(owner: &Owner, model: &Model<'_>) -> Vec<u8> {
    let record = &owner.data.record;
    let (features, values) = (owner.rows.features.clone(), owner.rows.labels.clone());
    let (fa, data_bits, labels) = (record.fa, record.data_bits, record.labels);
    let input = Input::Table { table: PublicTable { fa, data_bits, features, labels, values, earlier: vec![] } };
    let calendar = Calendar::Days { days: (0..record.rows as i32).collect() };
    let classes = (model.run.config.architecture.loss != Loss::Mse).then_some(Asked::Classes);
    let asked: Vec<Asked> = classes.into_iter().chain([Asked::Calendar { calendar }]).collect();
    About::rows(&input).report(owner, model, &asked)
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
        Asked::Backtest {
            strategy: strategy(Position::Linear { limit: 40, bits: 2, long: true, most: 3 }),
            figures: bounds,
        },
    ]
}

/// Every report that a family's loss allows.
pub(super) fn reports(owner: &Owner, model: &Model<'_>) -> Vec<Vec<u8>> {
    let committed = |rows| Input::Committed { data: owner.data.record.clone(), rows };
    let report = |input: &Input, groups: Option<&Groups>, asked: &[Asked]| {
        About { groups, ..About::rows(input) }.report(owner, model, asked)
    };
    let public = Input::Public { features: owner.rows.features.iter().copied().take(6).collect() };
    let mut out = vec![report(&public, None, &[Asked::Outputs]), table(owner, model)];
    out.extend(predictions(owner, model));
    if owner.statement.config.architecture.loss == Loss::Mse {
        let sums = [Asked::SquaredError, Asked::AbsoluteError, Asked::TargetMoments];
        out.push(report(&committed(Rows::Range { first: 1, count: 5 }), None, &sums));
        // R^2 of a model that has not learnt is below 0: what is bounded are the means.
        let most = |error| Asked::MeanErrorAtMost { error, group: None, bound: (1 << 16, 1) };
        let bounded = [most(TargetError::Squared), most(TargetError::Absolute)];
        out.push(report(&committed(Rows::All), None, &bounded));
        if owner.statement.config.architecture.layers.last().is_some_and(|l| l.outputs == 1) {
            let of = backtests(owner.statement.config.schedule.rows.into());
            out.extend(of.map(|asked| report(&committed(Rows::All), None, &[asked])));
        }
        return out;
    }
    let bound = Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (0, 7) };
    let exactly = Asked::Exactly { rate: Rate::Predicted { class: 0 }, group: None };
    out.push(report(&committed(Rows::Listed(vec![0, 2, 5, 6])), None, &[bound, exactly]));
    if owner.statement.config.architecture.loss == Loss::BceWithLogits {
        let figures = [
            AskedFigure::Auc,
            AskedFigure::AucAtLeast { bound: (0, 7) },
            AskedFigure::Loss { loss: ScoreLoss::Log },
            AskedFigure::LossAtMost { loss: ScoreLoss::Brier, bound: (2, 1) },
            AskedFigure::Calibration { edges: vec![-3, 1] },
            AskedFigure::Thresholds { edges: vec![1] },
            AskedFigure::RateAtLeast { rate: Rate::Accuracy, edge: 1, bound: (0, 7) },
            AskedFigure::RateAtMost { rate: Rate::Recall { class: 1 }, edge: 0, bound: (1, 1) },
            AskedFigure::BalancedAtLeast { edge: 0, bound: (0, 7) },
        ];
        let asked = figures.map(|figure| Asked::Scores { group: None, figure });
        out.push(report(&committed(Rows::All), None, &asked));
    }
    if owner.statement.config.architecture.loss == Loss::CrossEntropy {
        let top = Asked::Exactly { rate: Rate::TopK { k: 1 }, group: None };
        out.push(report(&committed(Rows::Range { first: 1, count: 5 }), None, &[top]));
    }
    // A group for each value of the first feature.
    let mut values: Vec<i32> = owner.rows.features.iter().copied().step_by(2).collect();
    values.sort_unstable();
    values.dedup();
    let groups = Groups { columns: vec![0], values: values.into_iter().map(|v| vec![v]).collect() };
    let gap = Asked::GapAtMost { rate: Rate::Predicted { class: 1 }, bound: (1, 1) };
    out.push(report(&committed(Rows::All), Some(&groups), &[Asked::Counts, gap]));
    out
}
