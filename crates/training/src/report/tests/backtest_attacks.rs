//! Dishonest backtests: every cell, and every lie that a better record could be had from.
use super::attacks::{Forgery, Group};
use super::backtest::*;
use super::*;
use crate::relation::Writer;
use crate::report::backtest::{Backtest, Falls, Ledger, Signs};
use alloc::collections::BTreeSet;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{F, signed};

const READ: Rows = Rows::Range { first: 4, count: 80 };

fn forgery<'w>(world: &'w World, s: &Strategy, figures: &[Figure]) -> Forgery<'w> {
    Forgery::new(world, READ, None, &asked(s, figures))
}

fn backtest(f: &Forgery<'_>) -> Backtest {
    f.relation().backtest.clone().unwrap()
}

fn ledger(f: &Forgery<'_>) -> Ledger {
    Ledger::new(&backtest(f).strategy, f.evaluation.z_bits, &f.evaluation)
}

/// States the figures of another ledger, and fills its columns.
fn tell(f: &mut Forgery<'_>, ledger: &Ledger) {
    let Shown::Backtest { figures, .. } = &mut f.statement.shown[0] else { panic!() };
    *figures = ledger.figures(figures).unwrap();
    let (b, log_rows) = (backtest(f), f.relation().layout.log_rows);
    b.fill(ledger, &mut Writer { columns: &mut f.columns, log_rows });
}

/// A row on which the position changes and profits follow.
fn changed_row(l: &Ledger) -> usize {
    (1..80).find(|&x| l.positions[x] != l.before[x]).unwrap()
}

#[test]
fn the_liar_without_a_lie_is_believed() {
    for (position, loss) in POSITIONS.into_iter().zip([Loss::Mse, Loss::BceWithLogits].into_iter().cycle()) {
        let world = traded(loss, market(90, 0));
        let f = forgery(&world, &strategy(position), &EVERY);
        assert_eq!(f.rejected_by(), BTreeSet::new());
        f.verdict().unwrap();
    }
}

/// Inputs that are one row too late: the return that the position earns is among them.
#[test]
fn a_look_ahead_of_one_day() {
    let world = traded(Loss::Mse, market(90, -1));
    let f = forgery(&world, &strategy(Position::Sign), &EVERY);
    f.assert_rejected(&[Group::Before]);
    // Told as it is, it is no statement: no lag reaches forward. One of the four alone is found too.
    for k in 0..LAGS as usize {
        let mut s = strategy(Position::Sign);
        s.lags = vec![Lag { column: k as u32, back: k as u32 }];
        f.statement_is_rejected(&s);
    }
    let s = Strategy { lags: (1..LAGS).map(|k| Lag { column: k, back: k - 1 }).collect(), ..strategy(Position::Sign) };
    let f = forgery(&world, &s, &EVERY);
    assert_eq!(f.rejected_by(), BTreeSet::new(), "what is left is known a day before");
}

impl Forgery<'_> {
    fn statement_is_rejected(&self, s: &Strategy) {
        let input = self.statement.input.clone();
        assert_eq!(forgery_of(self.world(), input, s).rejected_by(), [Group::Before].into());
    }
}

fn forgery_of<'w>(world: &'w World, input: Input, s: &Strategy) -> Forgery<'w> {
    let Input::Committed { rows, .. } = input else { panic!() };
    Forgery::new(world, rows, None, &asked(s, &EVERY))
}

/// On one row one target is another: the feature that repeats it is, too, or not.
#[test]
fn a_single_earlier_target_that_differs() {
    let mut rows = market(90, 0);
    rows.features[50 * 5 + 2] += 1;
    let world = traded(Loss::Mse, rows);
    forgery(&world, &strategy(Position::Sign), &EVERY).assert_rejected(&[Group::Before]);
    // Rows before the first that is read are of no concern.
    let mut rows = market(90, 0);
    rows.features[3 * 5 + 2] += 1;
    let world = traded(Loss::Mse, rows);
    forgery(&world, &strategy(Position::Sign), &EVERY).verdict().unwrap();
}

#[test]
fn a_cost_dropped_on_one_day() {
    let world = traded(Loss::Mse, market(90, 0));
    for figures in [&EVERY[..], &[EVERY[0], EVERY[3]]] {
        let mut f = forgery(&world, &strategy(Position::Sign), figures);
        let (mut l, b) = (ledger(&f), backtest(&f));
        let x = changed_row(&l);
        l.profits[x] += 7 * l.positions[x].abs_diff(l.before[x]) as i64;
        l.fall();
        tell(&mut f, &l);
        // The profit without the cost; or without the change, in its column and in the turnover.
        f.assert_rejected(&[Group::Gates]);
        *f.cell(b.change, x) = F::ZERO;
        let Shown::Backtest { figures, .. } = &mut f.statement.shown[0] else { panic!() };
        for figure in figures.iter_mut() {
            if let Figure::Turnover { sum } = figure {
                *sum -= 2;
            }
        }
        f.assert_rejected(&[Group::Gates]);
        // A change that is below 0 earns its cost.
        *f.cell(b.change, x) = -F::TWO;
        assert!(f.rejected_by().contains(&Group::Lookups));
    }
}

#[test]
fn positions_of_another_model() {
    let world = traded(Loss::Mse, market(90, 0));
    for position in POSITIONS {
        let mut f = forgery(&world, &strategy(position), &EVERY);
        let (b, mut l) = (backtest(&f), ledger(&f));
        let (whole, y) = (b.strategy.position.whole() as i64, f.evaluation.targets.clone());
        // A day that was lost is won, in every column.
        let x = (0..79).find(|&x| l.positions[x] * i64::from(y[x]) <= 0 && y[x] != 0).unwrap();
        l.positions[x] = if y[x] > 0 || matches!(b.strategy.position, Position::Sign) {
            whole * i64::from(y[x].signum())
        } else {
            0
        };
        if l.positions[x] == ledger(&f).positions[x] {
            continue;
        }
        l.before[x + 1] = l.positions[x];
        let cost = |l: &Ledger, x: usize| 7 * (l.positions[x] - l.before[x]).abs();
        for x in [x, x + 1] {
            l.profits[x] = 3 * l.positions[x] * i64::from(y[x]) - cost(&l, x);
        }
        l.fall();
        tell(&mut f, &l);
        f.assert_rejected(&[Group::Lookups]);
    }
}

#[test]
fn a_first_position_that_was_there_before() {
    let world = traded(Loss::Mse, market(90, 0));
    let mut f = forgery(&world, &strategy(Position::Sign), &EVERY);
    let mut l = ledger(&f);
    l.before[0] = l.positions[0];
    l.profits[0] += 7;
    l.fall();
    tell(&mut f, &l);
    f.assert_rejected(&[Group::Before]);
    // In the middle, the change of a position is hidden in the same way.
    let mut f = forgery(&world, &strategy(Position::Sign), &EVERY);
    let mut l = ledger(&f);
    let x = changed_row(&l);
    l.before[x] = l.positions[x];
    l.profits[x] += 14;
    l.fall();
    tell(&mut f, &l);
    f.assert_rejected(&[Group::Before]);
}

#[test]
fn a_day_that_is_left_out() {
    let world = traded(Loss::Mse, market(90, 0));
    let mut f = forgery(&world, &strategy(Position::Sign), &EVERY);
    let mut l = ledger(&f);
    let x = (0..80).min_by_key(|&x| l.profits[x]).unwrap();
    l.profits[x] = 0;
    l.fall();
    tell(&mut f, &l);
    f.assert_rejected(&[Group::Gates]);
    // Profits behind the last row that is read.
    let mut f = forgery(&world, &strategy(Position::Sign), &EVERY);
    let b = backtest(&f);
    *f.cell(b.profit, 80) = F::from_u64(5);
    assert!(f.rejected_by().contains(&Group::Gates));
}

#[test]
fn a_drawdown_that_is_understated() {
    let world = traded(Loss::Mse, market(90, 0));
    let new = || forgery(&world, &strategy(Position::Sign), &EVERY[5..]);
    let (b, l) = (backtest(&new()), ledger(&new()));
    let Falls { gap, fall, rise, at, value } = b.falls.unwrap();
    let worst = l.falls.iter().position(|d| *d as u64 == value).unwrap();
    let lower = |f: &mut Forgery<'_>| {
        f.statement.shown[0] = Shown::Backtest {
            strategy: strategy(Position::Sign),
            figures: vec![Figure::Drawdown { value: value - 1 }],
        };
    };
    // The gap of the worst row is cut off at 0, or below 0.
    for wrapped in [false, true] {
        let mut f = new();
        lower(&mut f);
        let columns = f.relation().columns(&f.evaluation).unwrap();
        f.columns = columns;
        *f.cell(at.unwrap(), worst) = F::ONE;
        if wrapped {
            *f.cell(gap, worst) = -F::ONE;
        }
        assert!(f.rejected_by().contains(if wrapped { &Group::Lookups } else { &Group::Gates }));
        assert!(f.verdict().is_err());
    }
    // The running sum rises where it is below its largest value: a fall is larger than it was, or, with a rise below 0,
    // forgotten.
    for forged in [1, -1] {
        let mut f = new();
        let mut l = ledger(&f);
        let mut d = if worst > 0 { l.falls[worst - 1] } else { 0 };
        for x in worst..l.falls.len() {
            l.rises[x] = if x == worst { forged } else { (l.profits[x] - d).max(0) };
            d += l.rises[x] - l.profits[x];
            l.falls[x] = d;
        }
        tell(&mut f, &l);
        *f.cell(rise, worst) = signed(forged);
        if forged > 0 {
            f.assert_rejected(&[Group::Gates]);
        } else {
            f.assert_rejected(&[Group::Gates, Group::Lookups]);
        }
    }
    // A drawdown that starts below 0.
    let mut f = new();
    *f.cell(fall, 0) += F::ONE;
    assert!(f.rejected_by().contains(&Group::Before));
    let mut f = new();
    *f.cell(rise, 0) += F::ONE;
    assert!(f.rejected_by().contains(&Group::Before));
    // The largest is overstated: no row has it.
    let mut f = new();
    f.statement.shown[0] =
        Shown::Backtest { strategy: strategy(Position::Sign), figures: vec![Figure::Drawdown { value: value + 1 }] };
    let columns = f.relation().columns(&f.evaluation).unwrap();
    f.columns = columns;
    f.assert_rejected(&[Group::Gates, Group::Totals]);
    *f.cell(at.unwrap(), worst) = F::ONE;
    f.assert_rejected(&[Group::Gates]);
}

#[test]
fn sums_rounded() {
    let world = traded(Loss::Mse, market(90, 0));
    let by = [Group::Totals, Group::Gates, Group::Gates, Group::Totals, Group::Totals];
    for (figure, group) in (0..5).zip(by) {
        let mut f = forgery(&world, &strategy(Position::Sign), &EVERY);
        let Shown::Backtest { figures, .. } = &mut f.statement.shown[0] else { panic!() };
        figures[figure] = shifted(figures[figure]);
        f.assert_rejected(&[group]);
    }
    // A row without a position that counts as one with: a better turnover per day.
    let mut f = forgery(&world, &strategy(Position::Linear { limit: 21, bits: 3, long: true, most: 8 }), &EVERY);
    let Shown::Backtest { figures, .. } = &mut f.statement.shown[0] else { panic!() };
    let Figure::Hits { invested, .. } = &mut figures[4] else { panic!() };
    *invested -= 1;
    let (b, l) = (backtest(&f), ledger(&f));
    let x = l.positions.iter().position(|p| *p != 0).unwrap();
    *f.cell(b.position_slot + 1, x) = F::ZERO;
    f.assert_rejected(&[Group::Lookups]);
}

#[test]
fn a_loss_that_counts_as_a_profit() {
    let world = traded(Loss::Mse, market(90, 0));
    let new = || forgery(&world, &strategy(Position::Sign), &[EVERY[2], EVERY[4]]);
    let (b, l) = (backtest(&new()), ledger(&new()));
    let Signs { hit, gain, loss } = b.signs.unwrap();
    let x = (0..80).find(|&x| l.profits[x] < -1).unwrap();
    // The bit alone; with the parts that would belong to it.
    for parts in 0..3 {
        let mut f = new();
        let Shown::Backtest { figures, .. } = &mut f.statement.shown[0] else { panic!() };
        figures[1] = shifted(figures[1]);
        *f.cell(hit, x) = F::ONE;
        if parts > 0 {
            let Shown::Backtest { figures, .. } = &mut f.statement.shown[0] else { panic!() };
            let Figure::Downside { sum } = &mut figures[0] else { panic!() };
            *sum -= l.profits[x].unsigned_abs().pow(2);
            *f.cell(loss, x) = F::ZERO;
            *f.cell(gain, x) = signed(l.profits[x] - 1);
        }
        if parts > 1 {
            // Two limbs that add up to it, above 2^15 each.
            *f.cell(gain, x) = F::ZERO;
            *f.cell(gain + 1, x) = signed(l.profits[x] - 1) * F::from_u64(1 << 15).inverse_of();
        }
        f.assert_rejected(&[if parts == 0 { Group::Gates } else { Group::Lookups }]);
    }
}

/// 1 / x.
trait Inverse {
    fn inverse_of(self) -> Self;
}

impl Inverse for F {
    fn inverse_of(self) -> Self {
        p3_field::Field::inverse(&self)
    }
}

#[test]
fn a_ratio_just_above_the_truth() {
    let world = earning();
    let s = long();
    for (low, high) in [
        (Figure::SharpeAtLeast { bound: (1, 10) }, Figure::SharpeAtLeast { bound: (60000, 1) }),
        (Figure::SortinoAtLeast { bound: (1, 10) }, Figure::SortinoAtLeast { bound: (200, 1) }),
    ] {
        let mut f = forgery(&world, &s, &[low]);
        f.verdict().unwrap();
        f.statement.shown[0] = Shown::Backtest { strategy: s.clone(), figures: vec![high] };
        let columns = f.relation().columns(&f.evaluation).unwrap();
        f.columns = columns;
        // T as it is, U and slacks of 0.
        assert!(f.rejected_by().is_superset(&[Group::Ratios, Group::Gates].into()));
        assert!(f.verdict().is_err());
    }
    // With the scalars of the bound that holds, one changed: each is tied to the others.
    let new = || forgery(&world, &s, &[Figure::SharpeAtLeast { bound: (1, 10) }]);
    let slot = backtest(&new()).scalars.unwrap();
    let tied: [(usize, &[Group]); 5] = [
        (0, &[Group::Totals, Group::Ratios]),
        (4, &[Group::Totals]),
        (8, &[Group::Gates, Group::Ratios]),
        (12, &[Group::Gates]),
        (16, &[Group::Ratios]),
    ];
    for (cell, groups) in tied {
        let mut f = new();
        *f.cell(slot, cell) += F::ONE;
        f.assert_rejected(groups);
    }
    // Limbs beyond those that are read bind nothing, and change nothing.
    let mut f = new();
    *f.cell(slot, 2) += F::ONE;
    f.verdict().unwrap();
    // A rest below 0 would make T larger than the sum.
    let mut f = new();
    let k = backtest(&f).bounds.k;
    *f.cell(slot, 0) += F::ONE;
    *f.cell(slot, 4) -= F::from_u64(1 << k);
    let rejected = f.rejected_by();
    assert!(rejected.contains(&Group::Ratios) || rejected.contains(&Group::Lookups), "{rejected:?}");
}

/// Bounds just beyond the truth, with a slack of 0 or the slack that is right mod p.
#[test]
fn bounds_just_beyond_the_truth() {
    let world = traded(Loss::Mse, market(90, 0));
    let s = strategy(Position::Sign);
    let l = ledger(&forgery(&world, &s, &EVERY));
    let truth = l.figures(&EVERY).unwrap();
    let [
        Figure::Profit { sum },
        Figure::Squares { sum: squares },
        _,
        Figure::Turnover { sum: moved },
        Figure::Hits { profitable, invested },
        Figure::Drawdown { value },
    ] = truth[..]
    else {
        panic!()
    };
    let cases: [(Figure, Group); 5] = [
        (Figure::ProfitAtLeast { bound: sum + 1 }, Group::Totals),
        (Figure::SquaresAtMost { bound: squares - 1 }, Group::Gates),
        (Figure::TurnoverAtMost { bound: moved - 1 }, Group::Totals),
        (Figure::HitsAtLeast { bound: (profitable + 1, invested) }, Group::Totals),
        (Figure::DrawdownAtMost { bound: value - 1 }, Group::Gates),
    ];
    for (figure, group) in cases {
        for wrapped in [false, true] {
            let mut f = forgery(&world, &s, &EVERY[4..5]);
            f.statement.shown[0] = Shown::Backtest { strategy: s.clone(), figures: vec![figure] };
            let columns = f.relation().columns(&f.evaluation).unwrap();
            f.columns = columns;
            let b = backtest(&f);
            match (b.scalars, b.falls) {
                (Some(slot), _) => {
                    let off = if let Figure::HitsAtLeast { .. } = figure { u64::from(invested) } else { 1 };
                    *f.cell(slot, 0) = if wrapped { -F::from_u64(off) } else { F::ZERO };
                    (1..4).for_each(|i| *f.cell(slot, i) = F::ZERO);
                }
                (_, Some(d)) => {
                    let worst = l.falls.iter().position(|d| *d as u64 == value).unwrap();
                    *f.cell(d.gap, worst) = if wrapped { -F::ONE } else { F::ZERO };
                }
                _ => panic!(),
            }
            let rejected = f.rejected_by();
            assert!(rejected.contains(if wrapped { &Group::Lookups } else { &group }), "{figure:?}: {rejected:?}");
            assert!(f.verdict().is_err());
        }
    }
}

/// Every column, at rows that are read and at padding: a changed cell breaks what determines it.
#[test]
fn every_cell_is_determined() {
    for position in [POSITIONS[0].clone(), POSITIONS[2].clone()] {
        let world = traded(Loss::Mse, market(90, 0));
        let mut f = forgery(&world, &strategy(position), &EVERY);
        let b = backtest(&f);
        let (signs, falls) = (b.signs.unwrap(), b.falls.unwrap());
        let at = falls.at.unwrap();
        let mut turn = 0;
        for slot in b.position_slot..=at {
            for row in [0, 7, 79, 80, 200, 255] {
                // The row of the largest drawdown is marked among those that are read; a mark behind them binds nothing.
                if slot == at && row >= 80 {
                    continue;
                }
                turn += 1;
                let change = [F::ONE, -F::ONE, F::from_u64(1 << 12), -F::from_u64(0x1234_5678_9abc_def1)][turn % 4];
                *f.cell(slot, row) += change;
                assert_ne!(f.rejected_by(), BTreeSet::new(), "slot {slot}, row {row}");
                *f.cell(slot, row) -= change;
            }
        }
        assert!(signs.hit > b.profit && signs.loss < falls.fall);
        assert_eq!(f.rejected_by(), BTreeSet::new());
    }
}
