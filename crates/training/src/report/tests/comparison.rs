//! Comparisons of two models: exact at the bound, refused beyond it; one dishonest prover per check.
use super::attacks::Liar;
use super::*;
use crate::report::counting::Evaluation;
use crate::report::prover::argue;
use crate::report::witness::ReportWitness;
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeSet;
use tacit_argument::field::{E, F};
use tacit_argument::form::Columns;
use tacit_argument::hiding::{Masker, PadLayout, Reduction, Secrets};
use tacit_argument::lookup::multiplicities;
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::{Relation, Witnessed, plan};
use tacit_argument::transcript::Transcript;

/// Two models on one committed data set; the second one has another hidden layer.
struct Two {
    first: World,
    second: World,
}

/// The first claims of one model: matrix product and weights, then gates, then scores with and without pairs.
const OF_MODEL: usize = 5;

impl Two {
    fn new(first: RunConfig, second: RunConfig) -> Self {
        let two = Self { first: World::new(first), second: World::new(second) };
        assert_eq!(two.first.data.record, two.second.data.record);
        two
    }

    fn classes() -> Self {
        let wide = vec![layer(5, 6, Activation::Tanh), layer(6, 3, Activation::Identity)];
        Self::new(perceptron(), config(wide, Loss::CrossEntropy, ROWS))
    }

    fn binary() -> Self {
        let wide = vec![layer(5, 3, Activation::Relu), Layer { z_bits: 12, ..layer(3, 1, Activation::Identity) }];
        Self::new(logistic(), config(wide, Loss::BceWithLogits, ROWS))
    }

    fn swapped(self) -> Self {
        Self { first: self.second, second: self.first }
    }

    fn other(&self) -> OtherInput<'_> {
        OtherInput { run: &self.second.run, model: &self.second.model.record, weights: &self.second.weights }
    }

    fn try_prove(&self, rows: Rows, groups: Option<&Groups>, asked: &[Asked]) -> Result<ReportProof, ReportError> {
        let input = self.first.committed(rows);
        let other = (self.other(), &self.second.model.vector);
        prove_comparison(&self.first.input(&input, groups), self.first.trees(&input), other, asked, &SECRET)
    }

    fn models(&self) -> [ModelOf<'_>; 2] {
        [&self.first, &self.second].map(|w| ModelOf { run: &w.verdict, statement: &w.run, record: &w.model.record })
    }

    fn verify(&self, report: &ReportProof) -> Result<ReportVerdict, ReportRejected> {
        let [first, second] = self.models();
        verify_comparison(report, first, second)
    }

    fn relation<'a>(&self, statement: &'a ReportStatement) -> ReportRelation<'a> {
        let other = (&self.second.run, self.second.verdict.w_out);
        relation_beside(statement, &self.first.run, self.first.verdict.w_out, Some(other)).unwrap()
    }

    fn evaluations(&self, statement: &ReportStatement) -> [Evaluation; 2] {
        [&self.first, &self.second].map(|w| {
            let groups = statement.groups.as_ref();
            Evaluation::new(&w.run.config, &w.weights, &statement.input, Some(&self.first.rows), groups, &[]).unwrap()
        })
    }
}

fn better(metric: Compared, group: Option<u32>, bound: (u32, u32)) -> Asked {
    Asked::BetterBy { metric, group, bound }
}

const ACCURACY: Compared = Compared::Rate { rate: Rate::Accuracy };

/// The difference of a metric times `all`, from exact reports on each model.
fn difference(two: &Two, metric: Compared, group: Option<u32>, groups: Option<&Groups>) -> (i64, u64) {
    let of = |world: &World| {
        let asked = match metric {
            Compared::Rate { rate } => Asked::Exactly { rate, group },
            Compared::Auc => Asked::Scores { group, figure: AskedFigure::Auc },
            Compared::Loss { loss } => Asked::Scores { group, figure: AskedFigure::Loss { loss } },
        };
        let input = world.committed(Rows::All);
        let plan = plan_report(&world.input(&input, groups), &[asked]).unwrap();
        match plan.statement.shown[0].clone() {
            Shown::Exactly { numerator, denominator, .. } => (i64::from(numerator), u64::from(denominator)),
            Shown::Scores { figure: ScoreFigure::Auc { twice, positives, negatives }, .. } => {
                (twice as i64, 2 * u64::from(positives) * u64::from(negatives))
            }
            Shown::Scores { figure: ScoreFigure::Loss { sum, rows, .. }, .. } => (sum as i64, u64::from(rows) << 20),
            _ => panic!(),
        }
    };
    let ((a, all), (b, _)) = (of(&two.first), of(&two.second));
    (if metric.is_loss() { b - a } else { a - b }, all)
}

#[test]
fn every_metric_up_to_the_bound_and_no_further() {
    let groups = by_flag();
    let rate = |rate| Compared::Rate { rate };
    let loss = |loss| Compared::Loss { loss };
    let of_classes = [ACCURACY, rate(Rate::Recall { class: 0 }), rate(Rate::Recall { class: 2 })];
    let of_two =
        [ACCURACY, rate(Rate::Recall { class: 1 }), Compared::Auc, loss(ScoreLoss::Log), loss(ScoreLoss::Brier)];
    for (make, metrics) in [(Two::classes as fn() -> Two, &of_classes[..]), (Two::binary, &of_two)] {
        let (mut one, mut other) = (vec![], vec![]);
        let (two, swapped) = (make(), make().swapped());
        for &metric in metrics {
            for group in [None, Some(1)] {
                let (by, all) = difference(&two, metric, group, Some(&groups));
                let (worse, asked) = if by < 0 { (true, &mut other) } else { (false, &mut one) };
                // Losses have 20 fractional bits: the bound in units of 2^-12, rounded down and up.
                let by = by.unsigned_abs();
                let unit = if metric.is_loss() { all >> 12 } else { 1 };
                let bound = |n: u64| (n as u32, (all / unit) as u32);
                let two = if worse { &swapped } else { &two };
                asked.push(better(metric, group, bound(by / unit)));
                let beyond = better(metric, group, bound(by / unit + 1));
                let e = two.try_prove(Rows::All, Some(&groups), &[beyond]).err().unwrap();
                assert!(matches!(e, ReportError::NotBetter { .. }), "{e}");
            }
        }
        for (two, asked) in [(two, one), (swapped, other)].into_iter().filter(|(_, asked)| !asked.is_empty()) {
            let report = two.try_prove(Rows::All, Some(&groups), &asked).unwrap();
            let verdict = two.verify(&report).unwrap();
            assert!(tacit_argument::soundness::total(&verdict.soundness) < -128.0);
            let shown: Vec<Shown> = asked
                .iter()
                .map(|a| match *a {
                    Asked::BetterBy { metric, group, bound } => Shown::BetterBy { metric, group, bound },
                    _ => panic!(),
                })
                .collect();
            assert_eq!(report.statement.shown, shown, "nothing else is told");
        }
    }
}

/// One of both orders.
fn honest(make: fn() -> Two, metric: Compared) -> (Two, ReportProof) {
    let asked = [better(metric, None, (0, 7)), Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (0, 3) }];
    let rows = || Rows::Range { first: 5, count: 80 };
    let two = make();
    match two.try_prove(rows(), None, &asked) {
        Ok(report) => (two, report),
        Err(_) => {
            let two = two.swapped();
            let report = two.try_prove(rows(), None, &asked).unwrap();
            (two, report)
        }
    }
}

#[test]
fn other_models_and_rules() {
    let (two, report) = honest(Two::classes, ACCURACY);
    two.verify(&report).unwrap();
    let e = two.first.verify(&report).unwrap_err();
    assert!(matches!(e, ReportRejected::OtherModel { stated: true }), "{e}");
    let [first, second] = two.models();
    assert!(matches!(verify_comparison(&report, second, first).unwrap_err(), ReportRejected::OtherRun));
    let alone = two.first.all(&[BOUND]);
    let e = verify_comparison(&alone, first, second).unwrap_err();
    assert!(matches!(e, ReportRejected::OtherModel { stated: false }), "{e}");
    let compared = |e: ReportRejected| match e {
        ReportRejected::Compared(e) => *e,
        e => panic!("{e}"),
    };
    assert!(matches!(compared(verify_comparison(&report, first, first).unwrap_err()), ReportRejected::OtherRun));
    let changed = |change: fn(&mut ReportStatement)| {
        let mut report = report.clone();
        change(&mut report.statement);
        two.verify(&report).unwrap_err()
    };
    let named = |s: &mut ReportStatement| s.against.as_mut().unwrap().model_digest[0] ^= 1;
    assert!(matches!(compared(changed(named)), ReportRejected::NotFinalModel));
    let record = ModelOf { record: first.record, ..second };
    let e = compared(verify_comparison(&report, first, record).unwrap_err());
    assert!(matches!(e, ReportRejected::OtherRecord), "{e}");
    let e = changed(|s| {
        s.shown.remove(0);
    });
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NotApplicable { .. })), "{e}");
    let e = changed(|s| s.against = None);
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NotApplicable { .. })), "{e}");
    let e = changed(|s| s.shown[0] = Shown::BetterBy { metric: ACCURACY, group: None, bound: (2, 1) });
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::Fraction { got: (2, 1) })), "{e}");
    let e = changed(|s| s.shown[0] = Shown::BetterBy { metric: ACCURACY, group: Some(0), bound: (0, 1) });
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NoSuchGroup { .. })), "{e}");
    let e = changed(|s| s.shown[0] = Shown::BetterBy { metric: Compared::Auc, group: None, bound: (0, 1) });
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NotApplicable { .. })), "{e}");
    for rate in [Rate::Precision { class: 1 }, Rate::F1 { class: 1 }, Rate::Predicted { class: 1 }] {
        let e = two.try_prove(Rows::All, None, &[better(Compared::Rate { rate }, None, (0, 1))]).err().unwrap();
        let not = matches!(e, ReportError::Rejected(ReportRejected::Invalid(ReportInvalid::NotComparable { .. })));
        assert!(not || matches!(e, ReportError::NotBetter { .. }), "{e}");
        let mut of = report.clone();
        of.statement.shown[0] = Shown::BetterBy { metric: Compared::Rate { rate }, group: None, bound: (0, 1) };
        let e = two.verify(&of).unwrap_err();
        assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NotComparable { .. })), "{e}");
    }
    // A model with itself.
    let world = World::new(perceptron());
    let input = world.committed(Rows::All);
    let other = OtherInput { run: &world.run, model: &world.model.record, weights: &world.weights };
    let asked = [better(ACCURACY, None, (0, 1))];
    let e = plan_comparison(&world.input(&input, None), other, &asked).unwrap_err();
    assert!(matches!(e, ReportError::Rejected(ReportRejected::Invalid(ReportInvalid::SameModel))), "{e}");
    // Losses of so many units leave the window of a slack.
    let metric = Compared::Loss { loss: ScoreLoss::Log };
    let mut fine = honest(Two::binary, metric).1;
    let two = Two::binary();
    for bound in [(0, u32::MAX), (u32::MAX, 1 << 20)] {
        fine.statement.shown[0] = Shown::BetterBy { metric, group: None, bound };
        let e = relation_beside(&fine.statement, &two.first.run, two.first.verdict.w_out, Some((&two.second.run, 1)));
        assert!(matches!(e, Err(ReportRejected::Invalid(ReportInvalid::BoundTooFine { .. }))));
    }
}

/// Model and data of a forgery, and where its claims fail.
struct Forged<'t> {
    two: &'t Two,
    statement: ReportStatement,
    columns: Vec<F>,
}

impl<'t> Forged<'t> {
    fn new(two: &'t Two, report: &ReportProof) -> Self {
        let mut out = Self { two, statement: report.statement.clone(), columns: vec![] };
        out.fill();
        out
    }

    /// The columns of the statement, as honest as it lets them be.
    fn fill(&mut self) {
        let [first, second] = self.two.evaluations(&self.statement);
        self.columns = self.two.relation(&self.statement).columns_beside(&first, Some(&second)).unwrap();
    }

    /// The cell of a limb of a slack, of the first model or the second.
    fn limb(&mut self, of_second: bool, slack: usize, limb: usize) -> &mut F {
        let relation = self.two.relation(&self.statement);
        let part = if of_second { relation.other.as_deref().unwrap() } else { &relation };
        let cell = (part.slacks << part.layout.log_rows) + slack * 4 + limb;
        &mut self.columns[cell]
    }

    fn between(&self) -> usize {
        self.two.relation(&self.statement).checked.bounds()
    }

    /// Which claims fail in the clear: of the first model, of the second, the ties, the lookups; and the verdict.
    fn assert_rejected(mut self, expected: &[(&str, usize)]) -> ReportProof {
        let relation = self.two.relation(&self.statement);
        let [first, second] = self.two.evaluations(&self.statement);
        let mut witness = ReportWitness::new(relation.clone(), &first, &self.two.first.weights, None);
        let part = relation.other.as_deref().unwrap().clone();
        witness.other = Some(ReportWitness::new(part, &second, &self.two.second.weights, None).into());
        let witness = Liar(witness);
        let system = &relation.lookups;
        let counted = multiplicities(system, &Columns { log_rows: system.log_rows, vectors: vec![&*self.columns] });
        for (&slot, count) in system.multiplicities.iter().zip(counted.unwrap_or_default()) {
            let first = slot << system.log_rows;
            self.columns[first..first + count.len()].copy_from_slice(&count);
        }
        let [one, two] = self.two.models();
        let shapes: Vec<_> = vectors(&self.statement, one.record, Some(two.record)).unwrap();
        let shapes: Vec<_> = shapes.iter().map(|c| c.shape).collect();
        let schedule = plan(&relation, self.two.first.run.log_inv_rate.into(), &shapes).unwrap().schedule;
        let secrets = Secrets::draw(&schedule, &mut Entropy::fresh(&[1; 32], &[2; 32]).unwrap());
        let mut cells = self.columns.clone();
        cells.extend(secrets.cells());
        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut masker = Masker::new(&mut transcript, secrets);
        witness.send(&mut masker, &cells).unwrap();
        let messages = masker.finish();
        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut reduction = Reduction::new(&mut transcript, &messages);
        relation.check(&mut reduction).unwrap();
        let payload = |w: &World| crate::relation::model_payload(&w.run.config, &w.weights, None);
        let (of_first, of_second) = (payload(&self.two.first), payload(&self.two.second));
        let data = data_payload(&self.two.first.data.record, &self.two.first.rows);
        let layout = PadLayout { first: self.columns.len() };
        let values = reduction.claims_in_clear(layout, &[&cells, &of_first, &data, &of_second]);
        let scores =
            |r: &ReportRelation<'_>| r.checked.scores.as_ref().map_or(0, |s| if s.pairs.is_empty() { 1 } else { 4 });
        let each = [OF_MODEL + scores(&relation), OF_MODEL + scores(relation.other.as_deref().unwrap())];
        let name = |i: usize| {
            if i < each[0] {
                ("first", i)
            } else if i < each[0] + each[1] {
                ("second", i - each[0])
            } else if i < each[0] + each[1] + relation.ties.len() {
                ("tie", i - each[0] - each[1])
            } else {
                ("lookups", 0)
            }
        };
        let failing: BTreeSet<_> =
            values.iter().enumerate().filter(|(_, v)| **v != E::ZERO).map(|(i, _)| name(i)).collect();
        assert_eq!(failing, expected.iter().copied().collect());
        let input = self.two.first.input(&self.statement.input, None);
        let trees = self.two.first.trees(&self.statement.input);
        let other = Some((two.record, &self.two.second.model.vector));
        let proof = argue(&input, trees, other, &self.statement, &witness, self.columns, &SECRET).unwrap();
        let report = ReportProof { statement: self.statement.clone(), proof };
        match self.two.verify(&report) {
            Ok(_) => assert!(expected.is_empty()),
            Err(ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))) => {
                assert!(!expected.is_empty());
            }
            Err(e) => panic!("{e:?}"),
        }
        report
    }
}

/// The sumcheck's end in the gates of one model.
const GATES: usize = 2;

#[test]
fn dishonest_comparisons() {
    let cases: [(fn() -> Two, Compared); 4] = [
        (Two::classes, ACCURACY),
        (Two::binary, Compared::Rate { rate: Rate::Recall { class: 1 } }),
        (Two::binary, Compared::Auc),
        (Two::binary, Compared::Loss { loss: ScoreLoss::Log }),
    ];
    for (make, metric) in cases {
        let (two, report) = honest(make, metric);
        let good = || Forged::new(&two, &report);
        good().assert_rejected(&[]);
        let relation = two.relation(&report.statement);
        let (first, second) = relation.ties[0];
        // The number between them is one more, or below 0.
        let mut f = good();
        let between = f.between();
        *f.limb(false, between, 0) += F::ONE;
        f.assert_rejected(&[("tie", 0)]);
        // The second model has done worse, or the first better: the tie holds, the model's own claim does not.
        let of_rows = matches!(metric, Compared::Rate { .. });
        let gates = if of_rows { GATES } else { OF_MODEL + usize::from(metric == Compared::Auc) };
        let mut f = good();
        *f.limb(true, second, 0) -= F::ONE;
        *f.limb(false, between, 0) += F::ONE;
        f.assert_rejected(&[("second", gates)]);
        let mut f = good();
        *f.limb(false, first, 0) += F::ONE;
        *f.limb(false, between, 0) += F::ONE;
        f.assert_rejected(&[("first", gates)]);
        // What is between them is below 0, as one limb that is none.
        let mut f = good();
        let much = F::from_u64(1 << 50);
        *f.limb(false, between, 0) -= much;
        *f.limb(true, second, 0) += much;
        f.assert_rejected(&[("second", gates), ("lookups", 0)]);
    }
}

/// A negative difference: all claims hold but that the number between both is a number of limbs.
#[test]
fn a_worse_model_is_no_better_one() {
    let (two, report) = honest(Two::classes, ACCURACY);
    let two = two.swapped();
    let mut statement = report.statement;
    let named = OtherModel { run_digest: statement.run_digest, model_digest: statement.model_digest };
    let other = statement.against.replace(named).unwrap();
    (statement.run_digest, statement.model_digest) = (other.run_digest, other.model_digest);
    let relation = two.relation(&statement);
    let (first, second) = relation.ties[0];
    let [a, b] = two.evaluations(&statement);
    assert!(a.require_better(&b, &better(ACCURACY, None, (0, 7))).is_err());
    let mut f = Forged { two: &two, statement: statement.clone(), columns: vec![] };
    f.fill();
    let value = |f: &mut Forged<'_>, of_second, slack| -> F {
        (0..4).map(|i| *f.limb(of_second, slack, i) * F::from_u64(1 << (15 * i))).sum()
    };
    let between = value(&mut f, false, first) - value(&mut f, true, second);
    let at = f.between();
    (1..4).for_each(|i| *f.limb(false, at, i) = F::ZERO);
    *f.limb(false, at, 0) = between;
    f.assert_rejected(&[("lookups", 0)]);
}

/// The second model is executed with other weights than the committed ones: its opening tells.
#[test]
fn another_second_model() {
    let (mut two, report) = honest(Two::classes, ACCURACY);
    let committed = two.second.weights.clone();
    two.second.weights[0] += 1 << 20;
    let mut f = Forged::new(&two, &report);
    f.fill();
    let relation = two.relation(&f.statement);
    let [first, second] = two.evaluations(&f.statement);
    let mut witness = ReportWitness::new(relation.clone(), &first, &two.first.weights, None);
    let part = relation.other.as_deref().unwrap().clone();
    witness.other = Some(ReportWitness::new(part, &second, &two.second.weights, None).into());
    let witness = Liar(witness);
    let input = two.first.input(&f.statement.input, None);
    let trees = two.first.trees(&f.statement.input);
    let other = Some((&two.second.model.record, &two.second.model.vector));
    let proof = argue(&input, trees, other, &f.statement, &witness, f.columns.clone(), &SECRET).unwrap();
    let e = two.verify(&ReportProof { statement: f.statement.clone(), proof }).unwrap_err();
    assert!(matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e:?}");
    assert_ne!(committed, two.second.weights);
}

/// Comparisons of the runs of files, an honest one and two lies: the second verifier reads the same ones.
#[test]
fn forged_comparisons_on_runs_of_files() {
    let two = Two { first: super::fixtures::owner("second.tacit"), second: super::fixtures::owner("seeded.tacit") };
    let asked = [better(Compared::Loss { loss: ScoreLoss::Log }, None, (0, 1))];
    let report = two.try_prove(Rows::All, None, &asked).unwrap();
    let good = || Forged::new(&two, &report);
    // The number between both losses is one more; the second model's loss is one more too.
    let mut between = good();
    let at = between.between();
    *between.limb(false, at, 0) += F::ONE;
    let mut loss = good();
    let second = two.relation(&report.statement).ties[0].1;
    *loss.limb(true, second, 0) -= F::ONE;
    *loss.limb(false, at, 0) += F::ONE;
    let made = [
        ("report-comparison", good().assert_rejected(&[])),
        ("forged-report-between", between.assert_rejected(&[("tie", 0)])),
        ("forged-report-loss", loss.assert_rejected(&[("second", OF_MODEL)])),
    ];
    super::fixtures::compare(made, |report| two.verify(report));
}
