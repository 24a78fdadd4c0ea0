//! Bounds of errors of real targets: what holds is shown, by group too, and nothing beyond.
use super::attacks::{Forgery, Group};
use super::honest::naive;
use super::*;
use alloc::string::ToString;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::F;
use tacit_argument::soundness::{TARGET_BITS, total};

fn regression(outputs: u32) -> RunConfig {
    config(vec![layer(5, 3, Activation::Tanh), layer(3, outputs, Activation::Identity)], Loss::Mse, ROWS)
}

/// A model of these targets that is right but for a small error on some rows.
fn fitted() -> World {
    // The target is the first feature, but for a few units.
    let config = config(vec![layer(5, 1, Activation::Identity)], Loss::Mse, ROWS);
    let mut weights = vec![0; config.weight_count()];
    weights[0] = 1 << config.scales.fw;
    let mut world = World::with(config, weights, 1);
    for i in 0..ROWS as usize {
        world.rows.labels[i] = world.rows.features[i * 5] + (i as i32 * 7) % 9 - 4;
    }
    world.data = commit(&world.run.config, &world.rows);
    world.run.data = world.data.record.clone();
    world.verdict.run_digest = world.run.digest().unwrap();
    world.verdict.data_digest = world.data.record.digest().unwrap();
    world
}

/// (sum of squares, sum of absolute errors, rows) of a group, by the plain forward pass.
fn errors(world: &World, rows: core::ops::Range<usize>, group: Option<u32>) -> (u64, u64, u64) {
    let d = 5;
    let n = world.run.config.architecture.layers.last().unwrap().outputs as usize;
    let mut out = (0, 0, 0);
    for i in rows {
        let row = &world.rows.features[i * d..][..d];
        if group.is_some_and(|g| (g == 1) != (row[3] != 0)) {
            continue;
        }
        let z = naive(&world.run.config, &world.weights, row);
        for (z, y) in z.iter().zip(&world.rows.labels[i * n..]) {
            let e = u64::from(z.abs_diff(*y));
            out = (out.0 + e * e, out.1 + e, out.2);
        }
        out.2 += 1;
    }
    out
}

const fn mean(error: TargetError, group: Option<u32>, bound: (u32, u32)) -> Asked {
    Asked::MeanErrorAtMost { error, group, bound }
}

#[test]
fn means_that_are_just_reached() {
    for outputs in [1, 2] {
        let world = World::new(regression(outputs));
        let input = world.committed(Rows::Range { first: 6, count: 80 });
        let mut asked = vec![];
        for group in [None, Some(0), Some(1)] {
            let (squares, absolute, rows) = errors(&world, 6..86, group);
            assert!(rows > 1 && absolute > 0);
            let cells = rows as u32 * outputs;
            for (error, sum, bits) in [(TargetError::Squared, squares, 2 * FA), (TargetError::Absolute, absolute, FA)] {
                // sum / (cells 2^bits).
                let bound = (sum as u32, cells << bits);
                asked.push(mean(error, group, bound));
                let less = mean(error, group, (bound.0 - 1, bound.1));
                let e = world.try_prove(&world.input(&input, Some(&by_flag())), &[less]).map(|_| ());
                assert!(matches!(&e, Err(ReportError::BoundFails { rate }) if *rate == error.name()), "{e:?}");
            }
        }
        asked.push(Asked::SquaredError);
        let report = world.prove(&input, Some(&by_flag()), &asked);
        let verdict = world.verify(&report).unwrap();
        assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
        let words = report_words(&report.statement, None, true).shown.concat();
        assert!(words.contains("The mean absolute error in group 1 over rows and outputs is at most "), "{words}");
        for i in 0..6 {
            let mut forged = report.clone();
            let Shown::MeanErrorAtMost { bound, .. } = &mut forged.statement.shown[i] else { panic!() };
            bound.0 -= 1;
            assert!(matches!(world.verify(&forged).unwrap_err(), ReportRejected::Argument(_)));
        }
    }
}

/// R^2 as a fraction of 10^4, rounded down.
fn explained(world: &World) -> u32 {
    let n = world.run.config.architecture.layers.last().unwrap().outputs as usize;
    let (squares, ..) = errors(world, 0..ROWS as usize, None);
    let mut spread = 0i64;
    for j in 0..n {
        let y: Vec<i64> = world.rows.labels.iter().skip(j).step_by(n).map(|&y| y.into()).collect();
        spread += i64::from(ROWS) * y.iter().map(|y| y * y).sum::<i64>() - y.iter().sum::<i64>().pow(2);
    }
    ((spread - i64::from(ROWS) * squares as i64) * 10_000).div_euclid(spread) as u32
}

#[test]
fn explained_variance() {
    let world = fitted();
    let r2 = explained(&world);
    assert!((9_000..10_000).contains(&r2), "{r2}");
    for bound in [(0, 1), (9, 10), (r2 - 1, 10_000)] {
        let report = world.all(&[Asked::ExplainedAtLeast { bound }, mean(TargetError::Squared, None, (1, 1))]);
        let verdict = world.verify(&report).unwrap();
        assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
        let words = report_words(&report.statement, None, true).shown.concat();
        assert!(words.contains("R^2 over all outputs is at least "));
        let mut forged = report.clone();
        forged.statement.shown[0] = Shown::ExplainedAtLeast { bound: (r2 + 1, 10_000) };
        assert!(matches!(world.verify(&forged).unwrap_err(), ReportRejected::Argument(_)));
    }
    let input = world.committed(Rows::All);
    for bound in [(r2 + 1, 10_000), (9_999, 10_000)] {
        let e = world.try_prove(&world.input(&input, None), &[Asked::ExplainedAtLeast { bound }]).map(|_| ());
        assert!(matches!(&e, Err(ReportError::BoundFails { rate }) if rate == "R^2"), "{e:?}");
    }
    // Two outputs together: a model of random weights explains nothing.
    let world = World::new(regression(2));
    let input = world.committed(Rows::All);
    let e = world.try_prove(&world.input(&input, None), &[Asked::ExplainedAtLeast { bound: (0, 1) }]).map(|_| ());
    assert!(matches!(&e, Err(ReportError::BoundFails { .. })), "{e:?}");
}

#[test]
fn rules_of_bounds_of_errors() {
    let refused = |world: &World, groups: Option<Groups>, asked: &[Asked]| {
        let input = world.committed(Rows::All);
        match world.try_prove(&world.input(&input, groups.as_ref()), asked).map(|_| ()) {
            Err(ReportError::Rejected(ReportRejected::Invalid(e))) => e.to_string(),
            e => panic!("{e:?}"),
        }
    };
    let world = World::new(regression(2));
    let r2 = |bound| Asked::ExplainedAtLeast { bound };
    let fit = fitted();
    assert_eq!(
        refused(&fit, None, &[r2((0, 1)), r2((0, 2))]),
        "two bounds of R^2 cannot be shown of this model and these rows"
    );
    let e = refused(&fit, None, &[r2((1, 1))]);
    assert_eq!(e, ReportInvalid::BoundTooFine { denominator: 1, rows: 90 }.to_string());
    let e = refused(&fit, None, &[r2((3, 2))]);
    assert_eq!(e, ReportInvalid::Fraction { got: (3, 2) }.to_string());
    // R^2 is of all rows: groups of which nothing is shown.
    let e = refused(&fit, Some(by_flag()), &[r2((0, 1))]);
    assert_eq!(e, ReportInvalid::NotApplicable { what: "groups of which nothing is shown" }.to_string());
    // Statements that the owner's side would not make.
    let report =
        world.prove(&world.committed(Rows::All), Some(&by_flag()), &[mean(TargetError::Squared, Some(1), (60, 1))]);
    let with = |shown: Shown, input: Option<Input>| {
        let mut changed = report.clone();
        changed.statement.shown[0] = shown;
        if let Some(input) = input {
            changed.statement.groups = None;
            changed.statement.input = input;
        }
        match world.verify(&changed).unwrap_err() {
            ReportRejected::Invalid(e) => e,
            e => panic!("{e:?}"),
        }
    };
    let of = |group, bound| Shown::MeanErrorAtMost { error: TargetError::Squared, group, bound };
    assert!(matches!(with(of(Some(2), (1, 1)), None), ReportInvalid::NoSuchGroup { got: 2, groups: 2 }));
    assert!(matches!(with(of(Some(1), (1, 0)), None), ReportInvalid::Fraction { got: (1, 0) }));
    let e = with(of(None, (1, u32::MAX)), None);
    assert!(matches!(e, ReportInvalid::BoundTooFine { denominator: u32::MAX, rows: 90 }), "{e}");
    let public = Input::Public { features: vec![0; 5] };
    let e = with(of(None, (1, 1)), Some(public));
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "errors of rows without labels" }), "{e}");
    let classes = World::new(perceptron());
    let counts = classes.all(&[Asked::Counts]);
    for shown in [of(None, (1, 1)), Shown::ExplainedAtLeast { bound: (0, 1) }] {
        let mut changed = counts.clone();
        changed.statement.shown[0] = shown;
        let e = classes.verify(&changed).unwrap_err();
        assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::Labels)), "{e:?}");
    }
    // A group without rows has no mean.
    let empty = Groups { columns: vec![3], values: vec![vec![0], vec![1 << FA], vec![5]] };
    let input = world.committed(Rows::All);
    let e = world.try_prove(&world.input(&input, Some(&empty)), &[mean(TargetError::Absolute, Some(2), (900, 1))]);
    assert!(matches!(e.map(|_| ()), Err(ReportError::Undefined { .. })));
}

/// The columns and the hidden numbers of bounds, and every lie with what follows from it.
#[test]
fn forged_errors() {
    let world = World::new(regression(2));
    let asked = [mean(TargetError::Squared, Some(1), (60, 1)), mean(TargetError::Absolute, None, (60, 1))];
    let forgery = || Forgery::new(&world, Rows::Range { first: 5, count: 80 }, Some(by_flag()), &asked);
    assert!(forgery().rejected_by().is_empty());
    forgery().verdict().unwrap();
    let relation = forgery().relation().clone_slots();
    for row in [0, 79, 80, 255] {
        let mut f = forgery();
        *f.cell(relation.0, row) -= F::ONE;
        assert!(f.rejected_by().contains(&Group::Gates), "row {row}");
    }
    // Larger errors than the bound, with a slack of 0, and with the one that satisfies the equation mod p.
    let (squares, _, rows) = errors(&world, 5..85, Some(1));
    let bound = (squares as u32 - 1, (rows as u32 * 2) << (2 * FA));
    for wrapped in [false, true] {
        let mut f = forgery();
        f.statement.shown[0] = Shown::MeanErrorAtMost { error: TargetError::Squared, group: Some(1), bound };
        (0..4).for_each(|i| *f.cell(relation.1, i) = F::ZERO);
        if wrapped {
            // q (rows N 4^fa p / q - sum), which is 1 unit of the sum short.
            *f.cell(relation.1, 0) = -F::from_u32(bound.1);
        }
        f.assert_rejected(&[if wrapped { Group::Lookups } else { Group::Gates }]);
    }
    // A group of nobody: no rows, no errors, and a slack of -1.
    let empty = Groups { columns: vec![3], values: vec![vec![0], vec![1 << FA], vec![5]] };
    let mut f = Forgery::new(&world, Rows::All, Some(empty), &[mean(TargetError::Absolute, Some(1), (60, 1))]);
    f.statement.shown[0] = Shown::MeanErrorAtMost { error: TargetError::Absolute, group: Some(2), bound: (60, 1) };
    let slot = f.relation().slacks;
    (0..8).for_each(|i| *f.cell(slot, i) = F::ZERO);
    f.assert_rejected(&[Group::Gates]);
    *f.cell(slot, 4) = -F::ONE;
    f.assert_rejected(&[Group::Lookups]);
}

/// R^2: U too small, V too large, the sum of the targets another one, and a ratio that does not hold.
#[test]
fn forged_explained_variance() {
    let world = fitted();
    let r2 = explained(&world);
    let bound = (r2 - 1, 10_000);
    let forgery = || Forgery::new(&world, Rows::All, None, &[Asked::ExplainedAtLeast { bound }]);
    assert!(forgery().rejected_by().is_empty());
    forgery().verdict().unwrap();
    let slot = forgery().relation().slacks;
    // Scalars of four cells: U, V, and the slacks of error, spread and ratio.
    for (scalar, by, expected) in [
        (0, -F::ONE, vec![Group::Gates, Group::Ratios]),
        (1, F::ONE, vec![Group::Gates, Group::Ratios]),
        (2, F::ONE, vec![Group::Gates]),
        (3, F::ONE, vec![Group::Gates]),
        (4, F::ONE, vec![Group::Ratios]),
    ] {
        let mut f = forgery();
        *f.cell(slot, 4 * scalar) += by;
        assert_eq!(f.rejected_by(), expected.into_iter().collect(), "scalar {scalar}");
    }
    // Limbs that U and V do not have are read by nothing.
    let mut f = forgery();
    *f.cell(slot, 3) = F::from_u32(77);
    assert!(f.rejected_by().is_empty());
    // A larger bound, and the slack that it would need.
    let mut f = forgery();
    f.statement.shown[0] = Shown::ExplainedAtLeast { bound: (r2 + 1, 10_000) };
    f.assert_rejected(&[Group::Ratios]);
    // A sum of the targets that is nearer to 0 makes the spread larger, and V with it.
    let f = forgery();
    let mut columns = f.columns.clone();
    let mut liar = f.witness(&mut columns);
    liar.0.target_sums[0] -= liar.0.target_sums[0].signum();
    assert_eq!(f.failing(&liar, &columns), [Group::Totals, Group::Gates].into());
}

impl ReportRelation<'_> {
    /// The column of squared errors, and the first slot of the slacks.
    fn clone_slots(&self) -> (usize, usize) {
        (self.residuals.as_ref().unwrap().square.unwrap(), self.slacks)
    }
}
