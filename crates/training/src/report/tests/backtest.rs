//! Honest backtests against a naive one, and every rule of their statements.
use super::*;
use crate::record::Labels;
use crate::report::BacktestInvalid;

/// Rows, and earlier targets among their features.
pub(super) const LAGS: u32 = 4;

/// One output on five features.
fn model(loss: Loss) -> RunConfig {
    let layers = vec![layer(5, 3, Activation::Relu), layer(3, 1, Activation::Identity)];
    config(layers, loss, ROWS)
}

/// Targets like returns; features 0 to 3 are the targets 1 + `late` to 4 + `late` rows earlier.
pub(super) fn market(rows: i32, late: i32) -> Data {
    drifting(rows, late, 0)
}

fn drifting(rows: i32, late: i32, drift: i32) -> Data {
    let y: Vec<i32> = (0..rows).map(|x| (x * 7919 + x * x * 31 + x * x * x) % 131 - 64 + drift).collect();
    let feature = |x: i32, k: i32| {
        let earlier = x - 1 - k - late;
        if k == 4 { x % 7 * 16 } else { y.get(earlier as usize).copied().unwrap_or(0) }
    };
    Data { features: (0..rows).flat_map(|x| (0..5).map(move |k| feature(x, k))).collect(), labels: y }
}

/// A regression, or a classifier, and a market of so many rows that its model did not see.
pub(super) fn traded(loss: Loss, rows: Data) -> World {
    salted(loss, rows, 1)
}

/// What [`earning`] trades by.
pub(super) fn long() -> Strategy {
    strategy(Position::Long)
}

/// A market that mostly rises, and the first model that earns something on its rows 4 to 83.
pub(super) fn earning() -> World {
    let profit = |world: &World| {
        let input = world.committed(Rows::Range { first: 4, count: 80 });
        let plan = plan_report(&world.input(&input, None), &asked(&long(), &EVERY[..1])).unwrap();
        match &plan.statement.shown[0] {
            Shown::Backtest { figures, .. } => figures[0],
            _ => panic!(),
        }
    };
    let mut worlds = (1..100).map(|salt| salted(Loss::Mse, drifting(90, 0, 20), salt));
    worlds.find(|w| matches!(profit(w), Figure::Profit { sum } if sum > 1000)).unwrap()
}

fn salted(loss: Loss, rows: Data, salt: i64) -> World {
    let mut world = World::salted(model(loss), salt);
    let mut of_rows = model(Loss::Mse);
    of_rows.schedule.rows = (rows.features.len() / 5) as u32;
    world.data = commit(&of_rows, &rows);
    world.rows = rows;
    world
}

pub(super) fn lags() -> Vec<Lag> {
    (0..LAGS).map(|k| Lag { column: k, back: k }).collect()
}

pub(super) fn strategy(position: Position) -> Strategy {
    Strategy { position, cost: (7, 3), unit: 1 << 13, periods: 252, lags: lags() }
}

pub(super) const EVERY: [Figure; 6] = [
    Figure::Profit { sum: 0 },
    Figure::Squares { sum: 0 },
    Figure::Downside { sum: 0 },
    Figure::Turnover { sum: 0 },
    Figure::Hits { profitable: 0, invested: 0 },
    Figure::Drawdown { value: 0 },
];

pub(super) fn asked(strategy: &Strategy, figures: &[Figure]) -> [Asked; 1] {
    [Asked::Backtest { strategy: strategy.clone(), figures: figures.to_vec() }]
}

/// The outputs of the model on some rows.
fn outputs(world: &World, rows: Rows) -> Vec<i32> {
    let report = world.prove(&world.committed(rows), None, &[Asked::Outputs]);
    match report.statement.shown.into_iter().next() {
        Some(Shown::Outputs { values }) => values,
        _ => panic!(),
    }
}

/// The figures of positions on targets, as one would write them down.
fn naive(s: &Strategy, z: &[i32], y: &[i32]) -> [Figure; 6] {
    let round = |v: f64| (v + 0.5).floor() as i64;
    let place = |z: i32| match s.position {
        Position::Sign => {
            if z > 0 {
                1
            } else {
                -1
            }
        }
        Position::Long => i64::from(z > 0),
        Position::Linear { limit, bits, long, most } => {
            let v = (f64::from(z) / f64::from(limit)).clamp(if long { 0.0 } else { -1.0 }, 1.0);
            round(v * f64::from(1 << bits)).clamp(-i64::from(most), most.into())
        }
        Position::Tanh { shift, bits, long, most } => {
            let v = (f64::from(z) / f64::from(1 << shift)).tanh();
            round(if long { v.max(0.0) } else { v } * f64::from(1 << bits)).clamp(-i64::from(most), most.into())
        }
    };
    let (c, d) = (i64::from(s.cost.0), i64::from(s.cost.1));
    let (mut last, mut wealth, mut top, mut fall, mut moved) = (0, 0i64, 0i64, 0i64, 0);
    let (mut squares, mut downside, mut won, mut held) = (0, 0, 0, 0);
    for (&z, &y) in z.iter().zip(y) {
        let p = place(z);
        let l = d * p * i64::from(y) - c * (p - last).abs();
        (moved, wealth) = (moved + (p - last).abs(), wealth + l);
        top = top.max(wealth);
        fall = fall.max(top - wealth);
        squares += l * l;
        downside += l.min(0) * l.min(0);
        (won, held) = (won + u32::from(l > 0), held + u32::from(p != 0));
        last = p;
    }
    [
        Figure::Profit { sum: wealth },
        Figure::Squares { sum: squares as u64 },
        Figure::Downside { sum: downside as u64 },
        Figure::Turnover { sum: moved as u64 },
        Figure::Hits { profitable: won, invested: held },
        Figure::Drawdown { value: fall as u64 },
    ]
}

pub(super) const POSITIONS: [Position; 8] = [
    Position::Sign,
    Position::Long,
    Position::Linear { limit: 21, bits: 3, long: false, most: 8 },
    Position::Linear { limit: 21, bits: 3, long: false, most: 5 },
    Position::Linear { limit: 70, bits: 2, long: true, most: 4 },
    Position::Tanh { shift: 5, bits: 3, long: false, most: 8 },
    Position::Tanh { shift: 5, bits: 3, long: false, most: 3 },
    Position::Tanh { shift: 4, bits: 2, long: true, most: 4 },
];

pub(super) fn figures(report: &ReportProof) -> &[Figure] {
    match &report.statement.shown[0] {
        Shown::Backtest { figures, .. } => figures,
        _ => panic!(),
    }
}

#[test]
fn honest_backtests_are_the_naive_ones() {
    for (loss, rows) in [(Loss::Mse, 90), (Loss::BceWithLogits, 256)] {
        let world = traded(loss, market(rows, 0));
        for (i, position) in POSITIONS.into_iter().enumerate() {
            let mut s = strategy(position);
            // The whole data set, whose rows stand where those of the trace do, or a part of it.
            let first = if i % 3 == 0 { 0 } else { 5 };
            let read = if first == 0 { Rows::All } else { Rows::Range { first, count: rows as u32 - 10 } };
            if first == 0 {
                s.lags.clear();
            }
            let count = if first == 0 { rows as usize } else { rows as usize - 10 };
            let z = outputs(&world, read.clone());
            let report = world.prove(&world.committed(read), None, &asked(&s, &EVERY));
            let expected = naive(&s, &z, &world.rows.labels[first as usize..][..count]);
            assert_eq!(figures(&report), expected, "{loss:?} {:?}", s.position);
            assert!(expected.iter().all(|f| !matches!(f, Figure::Hits { profitable: 0, .. })));
            world.verify(&report).unwrap();
        }
    }
}

/// The largest bound that holds is proven, the next one is refused, and nothing of it is told but the bound.
#[test]
fn bounds_that_hold_and_do_not() {
    let world = earning();
    let s = long();
    let input = world.committed(Rows::Range { first: 4, count: 80 });
    let shown = world.prove(&input, None, &asked(&s, &EVERY));
    let [
        Figure::Profit { sum },
        Figure::Squares { sum: squares },
        Figure::Downside { sum: downside },
        Figure::Turnover { sum: moved },
        Figure::Hits { profitable, invested },
        Figure::Drawdown { value },
    ] = *figures(&shown)
    else {
        panic!()
    };
    let pairs = [
        (Figure::ProfitAtLeast { bound: sum }, Figure::ProfitAtLeast { bound: sum + 1 }),
        (Figure::SquaresAtMost { bound: squares }, Figure::SquaresAtMost { bound: squares - 1 }),
        (Figure::TurnoverAtMost { bound: moved }, Figure::TurnoverAtMost { bound: moved - 1 }),
        (
            Figure::HitsAtLeast { bound: (profitable, invested) },
            Figure::HitsAtLeast { bound: (profitable + 1, invested) },
        ),
        (Figure::DrawdownAtMost { bound: value }, Figure::DrawdownAtMost { bound: value - 1 }),
    ];
    let all: Vec<Figure> = pairs.iter().map(|p| p.0).collect();
    let report = world.prove(&input, None, &asked(&s, &all));
    assert_eq!(figures(&report), all);
    world.verify(&report).unwrap();
    for (_, beyond) in pairs {
        let e = world.try_prove(&world.input(&input, None), &asked(&s, &[beyond])).err().unwrap();
        assert!(matches!(&e, ReportError::BoundFails { rate } if rate == beyond.name()), "{e:?}");
    }
    // Ratios: rounding takes up to 2^18 of S^2, which is a lot where S is about 1,000.
    let (s1, n) = (sum as f64, 80.0);
    assert!(sum > 0, "the model earns something: {sum}");
    let mean = s1 / n;
    let sharpe = 252f64.sqrt() * mean / ((squares as f64 - s1 * mean) / (n - 1.0)).sqrt();
    let sortino = 252f64.sqrt() * mean / (downside as f64 / n).sqrt();
    let near = |v: f64, part: f64| ((v * part * 1000.0) as u32, 1000);
    let holds =
        [Figure::SharpeAtLeast { bound: near(sharpe, 0.8) }, Figure::SortinoAtLeast { bound: near(sortino, 0.8) }];
    let report = world.prove(&input, None, &asked(&s, &holds));
    world.verify(&report).unwrap();
    for beyond in
        [Figure::SharpeAtLeast { bound: near(sharpe, 1.001) }, Figure::SortinoAtLeast { bound: near(sortino, 1.001) }]
    {
        let e = world.try_prove(&world.input(&input, None), &asked(&s, &[beyond])).err().unwrap();
        assert!(matches!(&e, ReportError::BoundFails { rate } if rate == beyond.name()), "{e:?}");
    }
}

/// A strategy that loses reaches no ratio, not even 0.
#[test]
fn a_loss_has_no_ratio() {
    let world = traded(Loss::Mse, market(90, 0));
    let s = Strategy { cost: (1 << 14, 1), ..strategy(Position::Sign) };
    let input = world.committed(Rows::Range { first: 4, count: 80 });
    for figure in [Figure::SharpeAtLeast { bound: (0, 1) }, Figure::SortinoAtLeast { bound: (0, 1) }] {
        let e = world.try_prove(&world.input(&input, None), &asked(&s, &[figure])).err().unwrap();
        assert!(matches!(&e, ReportError::BoundFails { .. }), "{e:?}");
    }
}

/// Statements that break a rule are refused before anything is computed.
#[test]
fn every_rule_of_backtests() {
    let world = traded(Loss::Mse, market(90, 0));
    let input = world.committed(Rows::Range { first: 4, count: 80 });
    let good = world.prove(&input, None, &asked(&strategy(Position::Sign), &EVERY));
    world.verify(&good).unwrap();
    let refused = |change: &dyn Fn(&mut ReportStatement)| {
        let mut r = good.clone();
        change(&mut r.statement);
        match world.verify(&r).unwrap_err() {
            ReportRejected::Invalid(ReportInvalid::Backtest(e)) => e,
            e => panic!("{e:?}"),
        }
    };
    let with = |change: &dyn Fn(&mut Strategy, &mut Vec<Figure>)| {
        refused(&|s| {
            let Shown::Backtest { strategy, figures } = &mut s.shown[0] else { panic!() };
            change(strategy, figures);
        })
    };
    let rows = |rows: Rows| refused(&|s| s.input = world.committed(rows.clone()));
    assert_eq!(rows(Rows::Listed((4..84).collect())), BacktestInvalid::BacktestRows);
    assert_eq!(rows(Rows::Range { first: 4, count: 1 }), BacktestInvalid::TooFewRows { got: 1 });
    let e = rows(Rows::Range { first: 3, count: 80 });
    assert_eq!(e, BacktestInvalid::BeforeFirst { column: 3, reach: 4, first: 3 });
    assert_eq!(rows(Rows::All), BacktestInvalid::BeforeFirst { column: 0, reach: 1, first: 0 });
    let e = refused(&|s| {
        let Input::Committed { data, .. } = &mut s.input else { panic!() };
        data.labels = Labels::Binary { outputs: 1 };
    });
    assert_eq!(e, BacktestInvalid::Labels);
    for change in [
        (&|s: &mut Strategy, _: &mut Vec<Figure>| s.lags.swap(0, 1)) as &dyn Fn(&mut Strategy, &mut Vec<Figure>),
        &|s, _| s.lags[3].column = 5,
        &|s, _| s.lags[3].column = 2,
    ] {
        assert_eq!(with(change), BacktestInvalid::Lags { inputs: 5 });
    }
    let field = |position: Position| {
        let e = with(&|s, _| s.position = position.clone());
        assert!(matches!(e, BacktestInvalid::Field { .. }), "{e:?}");
    };
    field(Position::Linear { limit: 0, bits: 1, long: false, most: 2 });
    field(Position::Linear { limit: (1 << 16) + 1, bits: 1, long: false, most: 2 });
    field(Position::Linear { limit: 1, bits: 13, long: true, most: 2 });
    field(Position::Linear { limit: 1, bits: 1, long: true, most: 0 });
    field(Position::Linear { limit: 1, bits: 1, long: true, most: 3 });
    field(Position::Tanh { shift: 0, bits: 1, long: false, most: 2 });
    field(Position::Tanh { shift: 15, bits: 1, long: false, most: 2 });
    field(Position::Tanh { shift: 1, bits: 64, long: false, most: 2 });
    field(Position::Tanh { shift: 1, bits: 1, long: false, most: 0 });
    field(Position::Tanh { shift: 1, bits: 1, long: false, most: u32::MAX });
    for change in [
        (&|s: &mut Strategy, _: &mut Vec<Figure>| s.cost.1 = 0) as &dyn Fn(&mut Strategy, &mut Vec<Figure>),
        &|s, _| s.cost.1 = (1 << 16) + 1,
        &|s, _| s.unit = 0,
        &|s, _| s.periods = 0,
        &|s, _| s.periods = (1 << 14) + 1,
        &|_, f| f.clear(),
    ] {
        assert!(matches!(with(change), BacktestInvalid::Field { .. }));
    }
    let e = with(&|s, _| s.cost = (1 << 29, 1));
    assert_eq!(e, BacktestInvalid::TooLarge { rows: 80, most: 256 + (1 << 30) });
    let e = with(&|s, _| s.cost = (1 << 27, 1));
    assert!(matches!(e, BacktestInvalid::TooLarge { .. }), "{e:?}");
    assert_eq!(with(&|_, f| f.push(Figure::Profit { sum: 0 })), BacktestInvalid::Twice);
    assert_eq!(with(&|_, f| f.push(Figure::DrawdownAtMost { bound: 1 << 20 })), BacktestInvalid::Twice);
    // B is 3 2^8 + 14.
    let most = 3 * 256 + 14u64;
    for (i, figure) in [
        (0, Figure::Profit { sum: -(80 * most as i64) - 1 }),
        (0, Figure::Profit { sum: i64::MIN }),
        (0, Figure::ProfitAtLeast { bound: 80 * most as i64 + 1 }),
        (1, Figure::Squares { sum: 80 * most * most + 1 }),
        (1, Figure::SquaresAtMost { bound: u64::MAX }),
        (2, Figure::Downside { sum: 80 * most * most + 1 }),
        (3, Figure::Turnover { sum: 161 }),
        (3, Figure::TurnoverAtMost { bound: 161 }),
        (4, Figure::Hits { profitable: 0, invested: 81 }),
        (4, Figure::Hits { profitable: 2, invested: 1 }),
        (5, Figure::Drawdown { value: 80 * most + 1 }),
        (5, Figure::DrawdownAtMost { bound: 80 * most + 1 }),
    ] {
        let e = with(&|_, f| f[i] = figure);
        assert!(matches!(e, BacktestInvalid::Figure { name, .. } if name == figure.name()), "{e:?}");
    }
    for bound in [(1, 0), (1 << 16, 1), (1, 1 << 16)] {
        let e = with(&|_, f| f[0] = Figure::SharpeAtLeast { bound });
        assert_eq!(e, BacktestInvalid::Ratio { got: bound });
        let e = with(&|_, f| f[0] = Figure::SortinoAtLeast { bound });
        assert_eq!(e, BacktestInvalid::Ratio { got: bound });
    }
    for bound in [(1, 0), (2, 1)] {
        let e = with(&|_, f| f[4] = Figure::HitsAtLeast { bound });
        assert_eq!(e, BacktestInvalid::Fraction { got: bound });
    }
    let high = (65535, 1);
    let e = with(&|_, f| f[0] = Figure::SortinoAtLeast { bound: high });
    assert_eq!(e, BacktestInvalid::RatioTooHigh { name: "Sortino ratio", bound: high, rows: 80 });
    let mut r = good.clone();
    r.statement.shown.push(r.statement.shown[0].clone());
    let e = world.verify(&r).unwrap_err();
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NotApplicable { what: "a second backtest" })), "{e}");
    r.statement.shown.truncate(1);
    r.statement.input = Input::Public { features: vec![0; 10] };
    let e = world.verify(&r).unwrap_err();
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::Backtest(BacktestInvalid::BacktestRows))), "{e}");
}

#[test]
fn several_outputs_have_no_position() {
    let layers = vec![layer(5, 2, Activation::Identity)];
    let world = World::new(config(layers, Loss::Mse, ROWS));
    let mut report = world.all(&[Asked::Outputs]);
    let s = Strategy { lags: vec![], ..strategy(Position::Sign) };
    report.statement.shown = vec![Shown::Backtest { strategy: s, figures: vec![EVERY[0]] }];
    let Input::Committed { data, .. } = &mut report.statement.input else { panic!() };
    data.labels = Labels::Real { outputs: 1, bits: 9 };
    let e = world.verify(&report).unwrap_err();
    let ReportRejected::Invalid(ReportInvalid::Backtest(e)) = e else { panic!("{e:?}") };
    assert_eq!(e, BacktestInvalid::Outputs { got: 2 });
}

/// Every field of the statement is bound by the proof.
#[test]
fn every_field_of_a_backtest() {
    use tacit_argument::opening::OpeningError;
    let world = traded(Loss::Mse, market(90, 0));
    let input = world.committed(Rows::Range { first: 4, count: 80 });
    let s = strategy(Position::Linear { limit: 21, bits: 3, long: false, most: 8 });
    let good = world.prove(&input, None, &asked(&s, &EVERY));
    let changes: [&dyn Fn(&mut Strategy, &mut Vec<Figure>); 17] = [
        &|s, _| s.position = Position::Linear { limit: 22, bits: 3, long: false, most: 8 },
        &|s, _| s.position = Position::Linear { limit: 21, bits: 4, long: false, most: 8 },
        &|s, _| s.position = Position::Linear { limit: 21, bits: 3, long: true, most: 8 },
        &|s, _| s.position = Position::Linear { limit: 21, bits: 3, long: false, most: 7 },
        &|s, _| s.position = Position::Tanh { shift: 4, bits: 3, long: false, most: 8 },
        &|s, _| s.cost.0 -= 1,
        &|s, _| s.cost.1 += 1,
        &|s, _| s.unit += 1,
        &|s, _| s.periods += 1,
        &|s, _| s.lags[3].back = 2,
        &|s, _| s.lags[3].column = 4,
        &|_, f| f[0] = shifted(f[0]),
        &|_, f| f[1] = shifted(f[1]),
        &|_, f| f[2] = shifted(f[2]),
        &|_, f| f[3] = shifted(f[3]),
        &|_, f| f[4] = shifted(f[4]),
        &|_, f| f[5] = shifted(f[5]),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut r = good.clone();
        let Shown::Backtest { strategy, figures } = &mut r.statement.shown[0] else { panic!() };
        change(strategy, figures);
        assert_ne!(r.statement, good.statement, "{i}");
        let e = world.verify(&r).unwrap_err();
        assert!(matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{i}: {e:?}");
    }
}

/// A figure that is one better.
pub(super) fn shifted(figure: Figure) -> Figure {
    match figure {
        Figure::Profit { sum } => Figure::Profit { sum: sum + 1 },
        Figure::Squares { sum } => Figure::Squares { sum: sum - 1 },
        Figure::Downside { sum } => Figure::Downside { sum: sum - 1 },
        Figure::Turnover { sum } => Figure::Turnover { sum: sum - 1 },
        Figure::Hits { profitable, invested } => Figure::Hits { profitable: profitable + 1, invested },
        Figure::Drawdown { value } => Figure::Drawdown { value: value - 1 },
        other => other,
    }
}
