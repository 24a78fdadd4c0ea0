//! Public rows with labels: the figures of committed rows, every rule, and what a prover with other rows gets.
use super::attacks::{Forgery, Group};
use super::backtest::*;
use super::*;
use crate::record::Labels;
use crate::report::BacktestInvalid;
use alloc::collections::BTreeSet;
use tacit_argument::opening::OpeningError;

/// The rows of a world from one on, in the clear, with the targets before them.
pub(super) fn table(world: &World, first: usize, count: usize) -> PublicTable {
    let record = &world.data.record;
    let (width, n) = (record.features as usize, record.rows as usize);
    let per_row = world.rows.labels.len() / n;
    let real = matches!(record.labels, Labels::Real { outputs: 1, .. });
    PublicTable {
        fa: record.fa,
        data_bits: record.data_bits,
        features: world.rows.features[first * width..(first + count) * width].to_vec(),
        labels: record.labels,
        values: world.rows.labels[first * per_row..(first + count) * per_row].to_vec(),
        earlier: if real { world.rows.labels[..first].to_vec() } else { vec![] },
    }
}

fn public(world: &World) -> Input {
    Input::Table { table: table(world, 4, 80) }
}

const READ: Rows = Rows::Range { first: 4, count: 80 };

fn refused(world: &World, report: &ReportProof) -> ReportInvalid {
    match world.verify(report).unwrap_err() {
        ReportRejected::Invalid(e) => e,
        e => panic!("{e:?}"),
    }
}

fn is_source_claim(e: &ReportRejected) -> bool {
    matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim)))
}

/// What is shown of public rows is what is shown of the same rows behind a commitment.
#[test]
fn figures_of_public_rows_are_those_of_committed_ones() {
    let of = |group, figure| Asked::Scores { group, figure };
    let counted = vec![
        Asked::Counts,
        Asked::Exactly { rate: Rate::Accuracy, group: Some(1) },
        Asked::GapAtMost { rate: Rate::Predicted { class: 1 }, bound: (19, 20) },
        Asked::Outputs,
        Asked::Classes,
    ];
    let scored = vec![of(None, AskedFigure::Auc), of(Some(1), AskedFigure::Loss { loss: ScoreLoss::Log })];
    let summed = vec![Asked::SquaredError, Asked::AbsoluteError, Asked::TargetMoments];
    let regression = config(vec![layer(5, 2, Activation::Identity)], Loss::Mse, ROWS);
    for (config, groups, asked) in [
        (perceptron(), Some(by_both()), counted.clone()),
        (logistic(), Some(by_flag()), [counted, scored].concat()),
        (regression, None, summed),
    ] {
        let world = World::new(config);
        let hidden = world.prove(&world.committed(READ), groups.as_ref(), &asked);
        let shown = world.prove(&public(&world), groups.as_ref(), &asked);
        assert_eq!(hidden.statement.shown, shown.statement.shown);
        let verdict = world.verify(&shown).unwrap();
        assert_eq!((verdict.rows, verdict.data_digest), (80, None));
    }
}

#[test]
fn backtests_of_public_rows_are_those_of_committed_ones() {
    for loss in [Loss::Mse, Loss::BceWithLogits] {
        let world = traded(loss, market(90, 0));
        for position in POSITIONS {
            let asked = asked(&strategy(position), &EVERY);
            let shown = world.prove(&public(&world), None, &asked);
            assert_eq!(shown.statement.shown, world.prove(&world.committed(READ), None, &asked).statement.shown);
            world.verify(&shown).unwrap();
        }
    }
}

/// A prover with other prices than those it shows: the figures are of the others.
#[test]
fn a_public_price_changed() {
    let world = traded(Loss::Mse, market(90, 0));
    let s = Strategy { lags: vec![], ..strategy(Position::Sign) };
    let mut f = Forgery::about(&world, public(&world), None, &asked(&s, &EVERY), &[]);
    assert_eq!(f.rejected_by(), BTreeSet::new());
    f.verdict().unwrap();
    for change in [
        |t: &mut PublicTable| t.values[40] += 1,
        |t: &mut PublicTable| t.values[0] = -t.values[0] - 1,
        // What the model reads.
        |t: &mut PublicTable| t.features[40 * 5 + 4] += 1,
    ] {
        let honest = f.statement.clone();
        let Input::Table { table } = &mut f.statement.input else { panic!() };
        change(table);
        f.assert_rejected(&[Group::Gates]);
        f.statement = honest;
    }
    // Nothing that stands beside the rows is free either.
    let good = f.prove();
    let mut r = good.clone();
    let Input::Table { table } = &mut r.statement.input else { panic!() };
    table.earlier[1] += 1;
    assert!(is_source_claim(&world.verify(&r).unwrap_err()));
    // A price that the following days repeat: the comparison finds it before the proof is read.
    let mut r = world.prove(&public(&world), None, &asked(&strategy(Position::Sign), &EVERY));
    let Input::Table { table } = &mut r.statement.input else { panic!() };
    table.values[40] += 1;
    let e = refused(&world, &r);
    let expected = BacktestInvalid::LookAhead { column: 0, reach: 1, row: 41 };
    assert!(matches!(&e, ReportInvalid::Backtest(b) if *b == expected), "{e}");
}

/// Inputs that are one day too late, or targets of another day: with public rows everybody sees it.
#[test]
fn a_look_ahead_of_one_day() {
    let world = traded(Loss::Mse, market(90, 0));
    let good = world.prove(&public(&world), None, &asked(&strategy(Position::Sign), &EVERY));
    let with = |change: &dyn Fn(&mut PublicTable)| {
        let mut r = good.clone();
        let Input::Table { table } = &mut r.statement.input else { panic!() };
        change(table);
        match refused(&world, &r) {
            ReportInvalid::Backtest(BacktestInvalid::LookAhead { row, .. }) => row,
            e => panic!("{e}"),
        }
    };
    let late = traded(Loss::Mse, market(90, -1));
    assert_eq!(with(&|t| t.features = table(&late, 4, 80).features), 0);
    // Targets of the day after, with what is before them.
    assert_eq!(with(&|t| t.values.rotate_left(1)), 1);
    assert_eq!(with(&|t| t.earlier.rotate_left(1)), 0);
    assert_eq!(with(&|t| t.features[79 * 5 + 3] += 1), 79);
    // The owner's side refuses to state it.
    let input = Input::Table { table: table(&late, 4, 80) };
    let e = late.try_prove(&late.input(&input, None), &asked(&strategy(Position::Sign), &EVERY)).err().unwrap();
    let ReportError::Rejected(ReportRejected::Invalid(ReportInvalid::Backtest(e))) = e else { panic!("{e:?}") };
    assert!(matches!(e, BacktestInvalid::LookAhead { .. }), "{e}");
    // A feature that is no earlier target at all, and one that reaches back before what is told.
    let mut s = strategy(Position::Sign);
    s.lags[3].column = 4;
    let mut r = good.clone();
    r.statement.shown = vec![Shown::Backtest { strategy: s, figures: EVERY.to_vec() }];
    assert!(matches!(refused(&world, &r), ReportInvalid::Backtest(BacktestInvalid::LookAhead { column: 4, .. })));
    let mut r = good.clone();
    let Input::Table { table } = &mut r.statement.input else { panic!() };
    table.earlier.remove(0);
    let expected = BacktestInvalid::BeforeFirst { column: 3, reach: 4, first: 3 };
    let e = refused(&world, &r);
    assert!(matches!(&e, ReportInvalid::Backtest(b) if *b == expected), "{e}");
}

/// A label changed, with the counts that follow: the prover's trace is of the other label.
#[test]
fn a_public_label_changed() {
    for config in [perceptron(), logistic()] {
        let world = World::new(config);
        let mut f = Forgery::about(&world, public(&world), None, &[Asked::Counts], &[]);
        assert_eq!(f.rejected_by(), BTreeSet::new());
        let Input::Table { table } = &mut f.statement.input else { panic!() };
        table.values[7] = (table.values[7] + 1) % 2;
        f.assert_rejected(&[Group::Gates]);
    }
    let world = World::new(config(vec![layer(5, 2, Activation::Identity)], Loss::Mse, ROWS));
    let asked = [Asked::AbsoluteError, Asked::TargetMoments];
    let mut f = Forgery::about(&world, public(&world), None, &asked, &[]);
    let Input::Table { table } = &mut f.statement.input else { panic!() };
    table.values[7] += 1;
    f.assert_rejected(&[Group::Sums, Group::Gates]);
}

#[test]
fn every_rule_of_public_tables() {
    let world = World::new(perceptron());
    let good = world.prove(&public(&world), None, &[Asked::Counts]);
    let with = |change: &dyn Fn(&mut PublicTable)| {
        let mut r = good.clone();
        let Input::Table { table } = &mut r.statement.input else { panic!() };
        change(table);
        refused(&world, &r)
    };
    let e = with(&|t| t.fa += 1);
    assert!(matches!(e, ReportInvalid::Mismatch { field: "fractional bits", expected: 6, got: 7 }), "{e}");
    for bits in [1, 17] {
        let e = with(&|t| t.data_bits = bits);
        assert!(matches!(e, ReportInvalid::Record(RecordError::Limit { field: "data_bits", .. })), "{e}");
    }
    let e = with(&|t| t.labels = Labels::Class { classes: 65 });
    assert!(matches!(e, ReportInvalid::Record(RecordError::Limit { field: "classes", .. })), "{e}");
    for change in [
        (&|t: &mut PublicTable| t.features.clear()) as &dyn Fn(&mut PublicTable),
        &|t| t.features.truncate(399),
        &|t| t.features[3] = 256,
        &|t| t.features[3] = -257,
    ] {
        let e = with(change);
        assert!(matches!(e, ReportInvalid::PublicFeatures { inputs: 5, bits: 9 }), "{e}");
    }
    for (change, got) in [
        ((&|t: &mut PublicTable| t.values.truncate(79)) as &dyn Fn(&mut PublicTable), 79),
        (&|t| t.values.push(0), 81),
        (&|t| t.values[3] = 3, 80),
        (&|t| t.values[3] = -1, 80),
        // Labels of another kind.
        (&|t| t.labels = Labels::Binary { outputs: 2 }, 80),
        (&|t| t.labels = Labels::Binary { outputs: 1 }, 80),
    ] {
        let e = with(change);
        assert!(matches!(e, ReportInvalid::PublicLabels { rows: 80, got: g } if g == got), "{e}");
    }
    // A kind that the model's outputs are not compared with, whose integers are in place.
    let e = with(&|t| t.labels = Labels::Real { outputs: 1, bits: 9 });
    assert!(matches!(e, ReportInvalid::Labels), "{e}");
    let e = with(&|t| t.earlier = vec![0]);
    assert!(matches!(e, ReportInvalid::PublicEarlier), "{e}");
    let traded = traded(Loss::Mse, market(90, 0));
    let mut r = traded.prove(&public(&traded), None, &asked(&strategy(Position::Sign), &EVERY));
    let Input::Table { table } = &mut r.statement.input else { panic!() };
    table.earlier[0] = 256;
    assert!(matches!(refused(&traded, &r), ReportInvalid::PublicEarlier));
}

#[test]
fn every_rule_of_calendars() {
    let world = World::new(logistic());
    let days = Calendar::Days { days: (0..80).map(|x| 14_613 + x * 2).collect() };
    let numbers = Calendar::Numbers { numbers: (0..80).map(|x| i64::MIN + x).collect() };
    let dated = |calendar: &Calendar| [Asked::Counts, Asked::Calendar { calendar: calendar.clone() }];
    for input in [public(&world), world.committed(READ)] {
        for calendar in [&days, &numbers] {
            let r = world.prove(&input, None, &dated(calendar));
            world.verify(&r).unwrap();
            let words = report_words(&r.statement, None, true);
            let dates =
                if *calendar == days { "from 2010-01-04 to 2010-06-11" } else { "from -9223372036854775808 to" };
            assert!(words.shown.iter().any(|s| s.contains(dates)), "{:?}", words.shown);
            assert!(words.not_shown.iter().any(|s| s.starts_with("that the rows are of these dates")));
            // Bound in the statement.
            let mut r = r.clone();
            let Shown::Calendar { calendar } = &mut r.statement.shown[1] else { panic!() };
            match calendar {
                Calendar::Days { days } => days[79] += 1,
                Calendar::Numbers { numbers } => numbers[79] += 1,
            }
            assert!(is_source_claim(&world.verify(&r).unwrap_err()));
        }
    }
    let good = world.prove(&public(&world), None, &dated(&days));
    let with = |calendar: Calendar| {
        let mut r = good.clone();
        r.statement.shown[1] = Shown::Calendar { calendar };
        refused(&world, &r)
    };
    let of = |change: &dyn Fn(&mut Vec<i32>)| {
        let Calendar::Days { mut days } = days.clone() else { panic!() };
        change(&mut days);
        with(Calendar::Days { days })
    };
    assert!(matches!(of(&|d| d.swap(4, 5)), ReportInvalid::Calendar { row: 5 }));
    assert!(matches!(of(&|d| d[5] = d[4]), ReportInvalid::Calendar { row: 5 }));
    assert!(matches!(of(&|d| d.truncate(79)), ReportInvalid::Length { field: "dates", got: 79, .. }));
    for got in [-719_163, 2_932_897] {
        assert!(matches!(of(&|d| d[79] = got), ReportInvalid::CalendarDay { got: g } if g == got));
    }
    let e = with(Calendar::Numbers { numbers: vec![7; 80] });
    assert!(matches!(e, ReportInvalid::Calendar { row: 1 }), "{e}");
    let e = with(Calendar::Numbers { numbers: vec![] });
    assert!(matches!(e, ReportInvalid::Length { field: "dates", got: 0, .. }), "{e}");
    let mut r = good.clone();
    r.statement.shown.push(r.statement.shown[1].clone());
    let e = refused(&world, &r);
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "one table or list of outputs twice" }), "{e}");
    // Dates of hidden rows would tell which they are.
    let mut r = good.clone();
    r.statement.input = world.committed(Rows::Hidden { count: 80 });
    r.statement.shown = vec![Shown::Calendar { calendar: days.clone() }];
    let e = refused(&world, &r);
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "what reads labels or all rows in their order" }), "{e}");
}
