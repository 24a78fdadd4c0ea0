//! Dishonest provers: every column's cells, and every lie that a report could gain from.
use super::*;
use crate::relation::layout::LayerColumns;
use crate::report::counting::{Evaluation, completed};
use crate::report::head::Prediction;
use crate::report::prover::argue;
use crate::report::witness::ReportWitness;
use alloc::collections::BTreeSet;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F, signed};
use tacit_argument::form::Columns;
use tacit_argument::hiding::{Masker, PadLayout, Reduction, Secrets};
use tacit_argument::lookup::{LookupError, multiplicities};
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::{Relation, Witnessed, plan};
use tacit_argument::transcript::Transcript;

/// A prover that goes on where its own sums show that the relation is false.
pub(super) struct Liar<'a>(pub(super) ReportWitness<'a>);

impl<'a> Witnessed for Liar<'a> {
    type Relation = ReportRelation<'a>;
    fn relation(&self) -> &ReportRelation<'a> {
        self.0.relation()
    }
    fn send(&self, m: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        m.go_on_dishonestly();
        self.0.send(m, trace)
    }
}

/// The verifier's claims, by what they are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Products,
    Weights,
    /// What selectors of hidden rows read, and that they are 0 or 1.
    Selected,
    /// That each selects one row.
    One,
    Outputs,
    /// Classes and bounds of rows.
    Told,
    Sums,
    /// Of a backtest: rows before, and earlier targets.
    Before,
    Totals,
    Ratios,
    Gates,
    Scores,
    Lookups,
}

/// A report that is being forged: an honest statement and trace, to be changed.
pub(super) struct Forgery<'w> {
    world: &'w World,
    groups: Option<Groups>,
    pub(super) statement: ReportStatement,
    pub(super) evaluation: Evaluation,
    pub(super) columns: Vec<F>,
}

impl<'w> Forgery<'w> {
    pub(super) fn new(world: &'w World, rows: Rows, groups: Option<Groups>, asked: &[Asked]) -> Self {
        Self::hidden(world, rows, groups, asked, &[])
    }

    /// Hidden rows at these places.
    pub(super) fn hidden(
        world: &'w World,
        rows: Rows,
        groups: Option<Groups>,
        asked: &[Asked],
        hidden: &[u32],
    ) -> Self {
        Self::about(world, world.committed(rows), groups, asked, hidden)
    }

    /// On any rows.
    pub(super) fn about(
        world: &'w World,
        input: Input,
        groups: Option<Groups>,
        asked: &[Asked],
        hidden: &[u32],
    ) -> Self {
        let draft = ReportStatement {
            version: REPORT_VERSION,
            run_digest: world.verdict.run_digest,
            model_digest: world.verdict.model_digest,
            input,
            groups: groups.clone(),
            shown: vec![],
            against: None,
            public: None,
        };
        let evaluation = Evaluation::new(
            &world.run.config,
            &world.weights,
            &draft.input,
            Some(&world.rows),
            groups.as_ref(),
            hidden,
        )
        .unwrap();
        let statement = completed(draft, &evaluation, asked).unwrap();
        let columns = relation(&statement, &world.run, world.verdict.w_out).unwrap().columns(&evaluation).unwrap();
        Self { world, groups, statement, evaluation, columns }
    }

    pub(super) const fn world(&self) -> &'w World {
        self.world
    }

    pub(super) fn relation(&self) -> ReportRelation<'_> {
        relation(&self.statement, &self.world.run, self.world.verdict.w_out).unwrap()
    }

    pub(super) fn cell(&mut self, slot: usize, row: usize) -> &mut F {
        let log_rows = self.relation().layout.log_rows;
        &mut self.columns[(slot << log_rows) + row]
    }

    /// The inputs that the columns lead to, and the multiplicities if every value is still in its table.
    pub(super) fn witness<'a>(&'a self, columns: &mut [F]) -> Liar<'a> {
        let relation = self.relation();
        let mut witness =
            ReportWitness::new(relation.clone(), &self.evaluation, &self.world.weights, Some(&self.world.rows));
        let height = 1 << relation.layout.log_rows;
        let layers = &self.world.run.config.architecture.layers;
        for (l, c) in relation.layout.layers.iter().enumerate().take(layers.len() - 1) {
            let n = layers[l].outputs as usize;
            for i in 0..n * height {
                let (z, act) = (columns[(c.z << relation.layout.log_rows) + i], c.activation);
                let act = act.map(|slot| columns[(slot << relation.layout.log_rows) + i]);
                witness.inputs[l + 1][i] = match (layers[l].activation, act) {
                    (Activation::Relu, Some(s)) => z - s * z,
                    (_, Some(a)) => a,
                    _ => z,
                };
            }
        }
        let system = &relation.lookups;
        let counted = multiplicities(system, &Columns { log_rows: system.log_rows, vectors: vec![&*columns] });
        for (&slot, count) in system.multiplicities.iter().zip(counted.unwrap_or_default()) {
            let first = slot << system.log_rows;
            columns[first..first + count.len()].copy_from_slice(&count);
        }
        Liar(witness)
    }

    /// The groups of claims that fail, each evaluated in the clear over the prover's messages.
    pub(super) fn rejected_by(&self) -> BTreeSet<Group> {
        let mut columns = self.columns.clone();
        let liar = self.witness(&mut columns);
        self.failing(&liar, &columns)
    }

    pub(super) fn failing(&self, liar: &Liar<'_>, columns: &[F]) -> BTreeSet<Group> {
        let vectors: Vec<_> =
            vectors(&self.statement, &self.world.model.record, None).unwrap().iter().map(|c| c.shape).collect();
        let rate = self.world.run.log_inv_rate.into();
        let schedule = plan(liar.relation(), rate, &vectors).unwrap().schedule;
        let secrets = Secrets::draw(&schedule, &mut Entropy::fresh(&[1; 32], &[2; 32]).unwrap());
        let mut cells = columns.to_vec();
        cells.extend(secrets.cells());
        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut masker = Masker::new(&mut transcript, secrets);
        liar.send(&mut masker, &cells).unwrap();
        let messages = masker.finish();
        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut reduction = Reduction::new(&mut transcript, &messages);
        liar.relation().check(&mut reduction).unwrap();
        let model = crate::relation::model_payload(&self.world.run.config, &self.world.weights, None);
        let data = data_payload(&self.world.data.record, &self.world.rows);
        let values = reduction.claims_in_clear(PadLayout { first: columns.len() }, &[&cells, &model, &data]);
        let mut names = vec![Group::Products, Group::Weights];
        if let Some(s) = &liar.relation().selection {
            names.extend([Group::Selected; 3]);
            names.extend(core::iter::repeat_n(Group::One, s.count));
        }
        names.extend(self.statement.outputs().map(|_| Group::Outputs));
        names.extend(self.statement.shown.iter().filter(|s| s.is_told()).map(|_| Group::Told));
        for shown in &self.statement.shown {
            match shown {
                Shown::AbsoluteError { .. } => names.push(Group::Sums),
                Shown::TargetMoments { sums, .. } => names.extend(sums.iter().map(|_| Group::Sums)),
                _ => {}
            }
        }
        if let Some(b) = &liar.relation().backtest {
            names.push(Group::Before);
            names.extend(b.linear_sums().iter().map(|_| Group::Totals));
            let ratios = if b.has_root() { 1 + b.bounds.ratios.len() } else { 0 };
            names.resize(names.len() + ratios, Group::Ratios);
        }
        if liar.relation().checked.errors.as_ref().is_some_and(|e| e.explained.is_some()) {
            let targets = liar.relation().residuals.as_ref().unwrap().targets().len();
            names.extend(core::iter::repeat_n(Group::Totals, targets));
            names.push(Group::Ratios);
        }
        let summed = !liar.relation().pairs.is_empty() || liar.relation().checked.classes > 0;
        names.extend(core::iter::repeat_n(Group::Gates, if summed { 3 } else { 1 }));
        if let Some(scores) = &liar.relation().checked.scores {
            // The linear claims, and the sumcheck with both its ends.
            names.extend(core::iter::repeat_n(Group::Scores, if scores.pairs.is_empty() { 1 } else { 4 }));
        }
        names.resize(values.len(), Group::Lookups);
        names.into_iter().zip(values).filter(|(_, v)| *v != E::ZERO).map(|(name, _)| name).collect()
    }

    /// The whole proof.
    pub(super) fn prove(&self) -> ReportProof {
        let mut columns = self.columns.clone();
        let witness = self.witness(&mut columns);
        let input = self.world.input(&self.statement.input, self.groups.as_ref());
        let proof =
            argue(&input, self.world.trees(&self.statement.input), None, &self.statement, &witness, columns, &SECRET)
                .unwrap();
        ReportProof { statement: self.statement.clone(), proof }
    }

    /// The whole proof, verified.
    pub(super) fn verdict(&self) -> Result<ReportVerdict, ReportRejected> {
        self.world.verify(&self.prove())
    }

    pub(super) fn assert_rejected(&self, groups: &[Group]) {
        assert_eq!(self.rejected_by(), groups.iter().copied().collect());
        let e = self.verdict().unwrap_err();
        assert!(matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e:?}");
    }

    pub(super) fn counts(&mut self) -> &mut Vec<u32> {
        self.statement
            .shown
            .iter_mut()
            .find_map(|s| match s {
                Shown::Counts { counts } => Some(counts),
                _ => None,
            })
            .unwrap()
    }
}

fn every_claim(world: &World) -> Forgery<'_> {
    let asked = [
        Asked::Counts,
        Asked::Outputs,
        Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (1, 20) },
        Asked::GapAtMost { rate: Rate::Predicted { class: 1 }, bound: (19, 20) },
    ];
    Forgery::new(world, Rows::Range { first: 5, count: 80 }, Some(by_both()), &asked)
}

fn change(turn: usize) -> F {
    [F::ONE, -F::ONE, F::from_u64(1 << 12), -F::from_u64(0x1234_5678_9abc_def1)][turn % 4]
}

#[test]
fn the_liar_without_a_lie_is_believed() {
    for config in [perceptron(), logistic()] {
        let world = World::new(config);
        let f = every_claim(&world);
        assert_eq!(f.rejected_by(), BTreeSet::new());
        f.verdict().unwrap();
    }
}

/// Every column, at real rows and at padding: a changed cell breaks the relation that determines it.
#[test]
fn every_cell_is_determined() {
    use Activation::{Identity, Relu, Sigmoid, Tanh};
    let deep = config(
        vec![layer(5, 3, Relu), layer(3, 2, Sigmoid), layer(2, 2, Tanh), layer(2, 2, Identity), layer(2, 3, Identity)],
        Loss::CrossEntropy,
        ROWS,
    );
    for config in [deep, logistic()] {
        let world = World::new(config);
        let mut f = every_claim(&world);
        let relation = f.relation();
        let layout = relation.layout.clone();
        let head = relation.head.clone().unwrap();
        let (slacks, multiplicities) = (relation.slacks, relation.lookups.multiplicities[0]);
        drop(relation);
        let mut columns: Vec<(usize, usize, &[Group])> = vec![];
        for (c, l) in layout.layers.iter().zip(&world.run.config.architecture.layers) {
            let n = l.outputs as usize;
            let LayerColumns { z, z_rem, activation, .. } = c;
            columns.push((*z, n, &[Group::Products]));
            columns.extend(z_rem.groups.iter().map(|&(_, slot)| (slot, n, &[Group::Products][..])));
            columns.extend(activation.map(|slot| (slot, n, &[Group::Lookups][..])));
        }
        match head.prediction {
            Prediction::First { class, max } => {
                columns.push((class.first, class.n - 1, &[Group::Gates, Group::Lookups]));
                columns.push((max, 1, &[Group::Gates]));
            }
            Prediction::Positive { step } => columns.push((step, 1, &[Group::Lookups])),
            Prediction::None => {}
        }
        columns.push((head.joint, slacks - head.joint, &[Group::Gates]));
        columns.push((slacks, 1, &[Group::Gates]));
        columns.push((multiplicities, 1, &[Group::Lookups]));
        let mut turn = 0;
        for (first, n, expected) in columns {
            for (slot, row) in (first..first + n).flat_map(|s| [(s, 0), (s, 7), (s, 79), (s, 200)]) {
                // Behind the slacks' limbs their column is empty: cells there are range-checked and read by nothing.
                if slot == slacks && row > 28 {
                    continue;
                }
                turn += 1;
                *f.cell(slot, row) += change(turn);
                let rejected = if first == multiplicities {
                    // Not counted again.
                    let mut honest = f.columns.clone();
                    let liar = f.witness(&mut honest);
                    f.failing(&liar, &f.columns)
                } else {
                    f.rejected_by()
                };
                assert!(expected.iter().any(|g| rejected.contains(g)), "slot {slot}, row {row}: {rejected:?}");
                *f.cell(slot, row) -= change(turn);
            }
        }
        assert_eq!(f.rejected_by(), BTreeSet::new());
    }
}

/// Every group column's cell at a real row; at padding no row is read, so nothing depends on the group there.
#[test]
fn a_row_in_another_group() {
    for config in [perceptron(), logistic()] {
        let world = World::new(config);
        let mut f = every_claim(&world);
        let head = f.relation().head.clone().unwrap();
        let (from, row) = (f.evaluation.group[11], 11);
        let to = (from + 1) % 3;
        // The row moves in every column and in the counts: only its feature tells.
        f.evaluation.group[row] = to;
        let (label, p) = (f.evaluation.labels[row], f.evaluation.predicted[row]);
        let c = head.classes;
        f.counts()[(from * c + label) * c + p] -= 1;
        f.counts()[(to * c + label) * c + p] += 1;
        let counts = f.evaluation.rate(Rate::Predicted { class: 1 }, None);
        assert_eq!(counts.1, 80);
        let sizes: Vec<u32> = (0..3).map(|g| f.evaluation.rate(Rate::Predicted { class: 1 }, Some(g)).1).collect();
        f.statement.shown[3] =
            Shown::GapAtMost { rate: Rate::Predicted { class: 1 }, denominators: sizes, bound: (19, 20) };
        let columns = f.relation().columns(&f.evaluation).unwrap();
        f.columns = columns;
        f.assert_rejected(&[Group::Gates]);
    }
}

#[test]
fn counts_off_by_one() {
    let world = World::new(perceptron());
    let honest = every_claim(&world).counts().clone();
    for i in 0..honest.len() {
        let Some(j) = (0..honest.len()).find(|&j| j != i && honest[j] > 0) else { continue };
        let mut f = every_claim(&world);
        f.counts()[i] += 1;
        f.counts()[j] -= 1;
        assert_eq!(f.rejected_by(), [Group::Gates].into(), "counts {i} and {j}");
    }
    let mut f = every_claim(&world);
    let other = honest.iter().position(|n| *n != honest[0]).unwrap();
    f.counts().swap(0, other);
    f.assert_rejected(&[Group::Gates]);
}

#[test]
fn rates_rounded_up() {
    let world = World::new(perceptron());
    let accuracy = Asked::Exactly { rate: Rate::Accuracy, group: None };
    let f = Forgery::new(&world, Rows::All, None, core::slice::from_ref(&accuracy));
    let Shown::Exactly { rate, group, numerator, denominator } = f.statement.shown[0].clone() else { panic!() };
    // One more correct, one row fewer: the dropped row.
    for (n, d) in [(numerator + 1, denominator), (numerator, denominator - 1)] {
        let mut f = Forgery::new(&world, Rows::All, None, core::slice::from_ref(&accuracy));
        f.statement.shown[0] = Shown::Exactly { rate, group, numerator: n, denominator: d };
        f.assert_rejected(&[Group::Gates]);
    }
    // A bound just above the truth, with a slack of 0, and with the slack that satisfies the equation mod p.
    let bound = Asked::AtLeast { rate, group, bound: (numerator, denominator) };
    for wrapped in [false, true] {
        let mut f = Forgery::new(&world, Rows::All, None, core::slice::from_ref(&bound));
        f.statement.shown[0] = Shown::AtLeast { rate, group, bound: (numerator + 1, denominator) };
        if wrapped {
            let slot = f.relation().slacks;
            *f.cell(slot, 0) = -F::from_u32(ROWS);
        }
        f.assert_rejected(&[if wrapped { Group::Lookups } else { Group::Gates }]);
    }
}

#[test]
fn outputs_off_by_one() {
    let world = World::new(perceptron());
    for i in [0, 1, 2, 239] {
        let mut f = every_claim(&world);
        let Shown::Outputs { values } = &mut f.statement.shown[1] else { panic!() };
        values[i] += 1;
        f.assert_rejected(&[Group::Outputs]);
    }
}

/// All outputs equal: every later class is as large as the first, and none may be predicted.
#[test]
fn a_tie_broken_the_other_way() {
    let config = perceptron();
    let n = config.weight_count();
    let world = World::with(config, vec![0; n], 1);
    for to in [1, 2] {
        let mut f = Forgery::new(&world, Rows::All, None, &[Asked::Counts]);
        f.evaluation.predicted[4] = to;
        let label = f.evaluation.labels[4];
        f.counts()[label * 3] -= 1;
        f.counts()[label * 3 + to] += 1;
        let e = f.relation().columns(&f.evaluation).err().unwrap();
        assert!(matches!(e, LookupError::OutsideTable { row: 4, .. }), "{e}");
        let Prediction::First { class, .. } = f.relation().head.clone().unwrap().prediction else { panic!() };
        *f.cell(class.first + to - 1, 4) = F::ONE;
        f.assert_rejected(&[Group::Lookups]);
    }
}

/// A smaller output than the largest as the prediction, with the maximum that belongs to it or the true one.
#[test]
fn a_prediction_that_is_not_the_largest() {
    let world = World::new(perceptron());
    for lower in [false, true] {
        let mut f = Forgery::new(&world, Rows::All, None, &[Asked::Counts]);
        let (row, height) = (3, f.evaluation.height);
        let z: Vec<i32> = (0..3).map(|j| f.evaluation.layers[1].columns.z[j * height + row]).collect();
        let (label, from) = (f.evaluation.labels[row], f.evaluation.predicted[row]);
        let to = (from + 1) % 3;
        f.counts()[label * 3 + from] -= 1;
        f.counts()[label * 3 + to] += 1;
        let Prediction::First { class, max } = f.relation().head.clone().unwrap().prediction else { panic!() };
        for c in 1..3 {
            *f.cell(class.first + c - 1, row) = F::from_bool(c == to);
        }
        if lower {
            *f.cell(max, row) = signed(z[to].into());
        }
        // With the true maximum, a prediction after it also claims that the maximum is smaller than itself.
        match (lower, to > from) {
            (true, _) => f.assert_rejected(&[Group::Lookups]),
            (false, true) => f.assert_rejected(&[Group::Gates, Group::Lookups]),
            (false, false) => f.assert_rejected(&[Group::Gates]),
        }
    }
}

#[test]
fn another_model_and_other_data() {
    let (world, other) = (World::new(perceptron()), World::salted(perceptron(), 2));
    assert_ne!(world.verdict.model_digest, other.verdict.model_digest);
    let mut report = other.all(&[Asked::Counts]);
    other.verify(&report).unwrap();
    assert!(matches!(world.verify(&report), Err(ReportRejected::NotFinalModel)));
    // The other model's proof under this model's name.
    report.statement.model_digest = world.verdict.model_digest;
    let e = world.verify(&report).unwrap_err();
    assert!(matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e:?}");
    // This model on other rows, under the name of these.
    let elsewhere = World::with(perceptron(), world.weights.clone(), 2);
    let mut report = elsewhere.all(&[Asked::Counts]);
    report.statement.run_digest = world.verdict.run_digest;
    report.statement.input = world.committed(Rows::All);
    let e = world.verify(&report).unwrap_err();
    assert!(matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e:?}");
}

#[test]
fn errors_off_by_one_and_absolute_values_that_are_not() {
    let layers = vec![layer(5, 3, Activation::Relu), layer(3, 2, Activation::Identity)];
    let world = World::new(config(layers, Loss::Mse, ROWS));
    let asked = [Asked::SquaredError, Asked::AbsoluteError, Asked::TargetMoments];
    let new = || Forgery::new(&world, Rows::Range { first: 1, count: 80 }, None, &asked);
    assert_eq!(new().rejected_by(), BTreeSet::new());
    new().verdict().unwrap();
    let changes: [(&dyn Fn(&mut Vec<Shown>), Group); 4] = [
        (
            &|s| {
                let Shown::SquaredError { sum } = &mut s[0] else { panic!() };
                *sum -= 1;
            },
            Group::Gates,
        ),
        (
            &|s| {
                let Shown::AbsoluteError { sum } = &mut s[1] else { panic!() };
                *sum -= 1;
            },
            Group::Sums,
        ),
        (
            &|s| {
                let Shown::TargetMoments { sums, .. } = &mut s[2] else { panic!() };
                sums[1] += 1;
            },
            Group::Sums,
        ),
        (
            &|s| {
                let Shown::TargetMoments { squares, .. } = &mut s[2] else { panic!() };
                *squares += 1;
            },
            Group::Gates,
        ),
    ];
    for (change, group) in changes {
        let mut f = new();
        change(&mut f.statement.shown);
        f.assert_rejected(&[group]);
    }
    // A negative absolute value, at a row that is read: the sum is smaller by twice it.
    let mut f = new();
    let first = f.relation().residuals.clone().unwrap().absolute.unwrap();
    let errors = f.evaluation.absolute_errors();
    let row = errors.iter().position(|e| *e > 0).unwrap();
    *f.cell(first, row) = -F::from_u32(errors[row]);
    let Shown::AbsoluteError { sum } = &mut f.statement.shown[1] else { panic!() };
    *sum -= 2 * u64::from(errors[row]);
    f.assert_rejected(&[Group::Lookups]);
    // A smaller one: in range, and its square is not the error's.
    let mut f = new();
    *f.cell(first, row) -= F::ONE;
    let Shown::AbsoluteError { sum } = &mut f.statement.shown[1] else { panic!() };
    *sum -= 1;
    f.assert_rejected(&[Group::Gates]);
}
