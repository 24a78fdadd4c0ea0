//! Dishonest provers of figures of scores: another figure, another histogram, rows counted elsewhere, twice or not at all.
use super::attacks::{Forgery, Group};
use super::scores::{every_figure, pair};
use super::*;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::F;

fn figures(world: &World) -> Forgery<'_> {
    let mut asked = every_figure();
    asked.push(Asked::Scores { group: Some(1), figure: AskedFigure::Auc });
    asked.push(Asked::Scores { group: None, figure: AskedFigure::AucGapAtMost { bound: (1, 1) } });
    asked.push(Asked::Scores { group: Some(1), figure: AskedFigure::Thresholds { edges: vec![1] } });
    Forgery::new(world, Rows::Range { first: 5, count: 80 }, Some(by_flag()), &asked)
}

fn worlds() -> [World; 2] {
    [World::new(logistic()), World::new(pair())]
}

fn figure<'f>(f: &'f mut Forgery<'_>, i: usize) -> &'f mut ScoreFigure {
    match &mut f.statement.shown[i] {
        Shown::Scores { figure, .. } => figure,
        _ => panic!(),
    }
}

/// Bits of a score, and the column of indices.
fn shape(f: &Forgery<'_>) -> (u32, usize) {
    let scores = f.relation().scores.clone().unwrap();
    (scores.shape.bits, scores.index)
}

#[test]
fn the_liar_without_a_lie_is_believed() {
    for world in worlds() {
        let f = figures(&world);
        assert!(f.rejected_by().is_empty());
        world.verify(&f.prove()).unwrap();
    }
}

#[test]
fn every_number_of_every_figure() {
    type Change = fn(&mut ScoreFigure);
    let changes: [(usize, Change); 15] = [
        (0, |f| {
            if let ScoreFigure::Auc { twice, .. } = f {
                *twice += 1
            }
        }),
        (0, |f| {
            if let ScoreFigure::Auc { twice, .. } = f {
                *twice -= 1
            }
        }),
        (0, |f| {
            if let ScoreFigure::Auc { positives, negatives, .. } = f {
                *positives += 1;
                *negatives -= 1;
            }
        }),
        (2, |f| {
            if let ScoreFigure::Loss { sum, .. } = f {
                *sum -= 1
            }
        }),
        (3, |f| {
            if let ScoreFigure::Loss { sum, .. } = f {
                *sum += 1
            }
        }),
        (3, |f| {
            if let ScoreFigure::Loss { loss, .. } = f {
                *loss = ScoreLoss::Log
            }
        }),
        (5, |f| {
            if let ScoreFigure::Calibration { bins, .. } = f {
                bins[1].probability += 1
            }
        }),
        (5, |f| {
            if let ScoreFigure::Calibration { bins, .. } = f {
                bins[3].positives -= 1;
                bins[2].positives += 1;
            }
        }),
        (5, |f| {
            if let ScoreFigure::Calibration { bins, .. } = f {
                bins[0].rows -= 1;
                bins[3].rows += 1;
            }
        }),
        (5, |f| {
            if let ScoreFigure::Calibration { edges, .. } = f {
                edges[2] += 100
            }
        }),
        (6, |f| {
            if let ScoreFigure::Thresholds { bins, .. } = f {
                bins[0].0 -= 1;
                bins[1].0 += 1;
            }
        }),
        (6, |f| {
            if let ScoreFigure::Thresholds { bins, .. } = f {
                bins[1].1 += 1
            }
        }),
        (7, |f| {
            if let ScoreFigure::Auc { twice, .. } = f {
                *twice += 2
            }
        }),
        (8, |f| {
            if let ScoreFigure::AucGapAtMost { positives, .. } = f {
                positives[0] += 1;
                positives[1] -= 1;
            }
        }),
        (9, |f| {
            if let ScoreFigure::Thresholds { bins, .. } = f {
                bins[0].0 += 1
            }
        }),
    ];
    for world in worlds() {
        for (turn, (i, change)) in changes.iter().enumerate() {
            let mut f = figures(&world);
            let before = f.statement.clone();
            change(figure(&mut f, *i));
            assert_ne!(before, f.statement);
            if turn % 5 == 0 {
                f.assert_rejected(&[Group::Scores]);
            } else {
                assert_eq!(f.rejected_by(), [Group::Scores].into(), "change {turn}");
            }
        }
    }
}

/// A row at another score, label or group, and an unread row that counts: in the column and so in the multiplicities.
#[test]
fn rows_counted_elsewhere() {
    for world in worlds() {
        let honest = figures(&world);
        let (bits, index) = shape(&honest);
        let label = honest.evaluation.labels[0];
        let relabelled = if label == 1 { -F::from_u64(1 << bits) } else { F::from_u64(1 << bits) };
        let group = honest.evaluation.group[0];
        let regrouped = if group == 1 { -F::from_u64(2 << bits) } else { F::from_u64(2 << bits) };
        for (row, by) in [(0, F::ONE), (79, -F::ONE), (0, relabelled), (0, regrouped), (80, F::ONE), (255, relabelled)]
        {
            let mut f = figures(&world);
            *f.cell(index, row) += by;
            let rejected = f.rejected_by();
            assert!(rejected.contains(&Group::Gates), "row {row}: {rejected:?}");
            // The padding is looked up too: below the first index there is nothing.
            assert!(rejected.is_subset(&[Group::Gates, Group::Scores, Group::Lookups].into()), "{rejected:?}");
        }
        // The whole lie: a row of class 1 at a larger score, and the area that follows.
        let mut f = figures(&world);
        let row = f.evaluation.labels.iter().position(|&y| y == 1).unwrap();
        *f.cell(index, row) = F::from_u64((1 << (bits + 1)) - 1 + ((f.evaluation.group[row] as u64) << (bits + 1)));
        assert_eq!(f.rejected_by(), [Group::Gates, Group::Scores].into());
    }
}

/// A histogram that is not the one of the column, with figures that follow it.
#[test]
fn a_histogram_of_other_rows() {
    for world in worlds() {
        let f = figures(&world);
        let mut columns = f.columns.clone();
        let liar = f.witness(&mut columns);
        let histogram = columns.clone();
        let relation = f.relation();
        let table = relation.scores.as_ref().unwrap().table;
        let at = &relation.lookups.tables[table];
        let first = relation.lookups.multiplicities[table] << relation.layout.log_rows;
        let size = 1 << at.bits();
        let taken: Vec<usize> = (first..first + size).filter(|&i| columns[i] != F::ZERO).collect();
        // One row moves, a row vanishes, one appears twice, the unread rows become fewer, a group that nobody is in.
        let moves: [(usize, Option<usize>, F); 5] = [
            (taken[3], Some(taken[3] + 1), F::ONE),
            (taken[5], None, F::ONE),
            (taken[7], Some(taken[8]), F::ONE),
            (first, Some(first + size - 1), F::from_u64(5)),
            (taken[2], Some(taken[4]), F::from_u64(0x1234_5678_9abc)),
        ];
        for (from, to, by) in moves {
            columns.copy_from_slice(&histogram);
            columns[from] -= by;
            if let Some(to) = to {
                columns[to] += by;
            }
            let rejected = f.failing(&liar, &columns);
            assert!(rejected.contains(&Group::Lookups), "{rejected:?}");
        }
        columns.copy_from_slice(&histogram);
        assert!(f.failing(&liar, &columns).is_empty());
    }
}

/// Bounds above the truth, with a slack of 0 and with the slack that satisfies the equation mod p.
#[test]
fn bounds_that_do_not_hold() {
    let world = World::new(logistic());
    let of = |figure| Asked::Scores { group: None, figure };
    let exact = world.all(&[of(AskedFigure::Auc)]);
    let Shown::Scores { figure: ScoreFigure::Auc { twice, positives, negatives }, .. } = exact.statement.shown[0]
    else {
        panic!()
    };
    let pairs = 2 * positives * negatives;
    let bound = (twice as u32, pairs);
    for wrapped in [false, true] {
        let mut f = Forgery::new(&world, Rows::All, None, &[of(AskedFigure::AucAtLeast { bound })]);
        *figure(&mut f, 0) = ScoreFigure::AucAtLeast { bound: (bound.0 + 1, bound.1) };
        if wrapped {
            // Behind the slacks of both classes' rows.
            let slot = f.relation().slacks;
            *f.cell(slot, 8) = -F::from_u32(pairs);
        }
        f.assert_rejected(&[if wrapped { Group::Lookups } else { Group::Scores }]);
    }
    let at_most = |p| ScoreFigure::LossAtMost { loss: ScoreLoss::Brier, bound: (p, 100) };
    let mut f = Forgery::new(
        &world,
        Rows::All,
        None,
        &[of(AskedFigure::LossAtMost { loss: ScoreLoss::Brier, bound: (100, 100) })],
    );
    *figure(&mut f, 0) = at_most(1);
    f.assert_rejected(&[Group::Scores]);
}

/// A group without rows of one class has no area: no slack makes 0 of 0 a bound that holds.
#[test]
fn an_area_of_one_class() {
    let world = World::new(logistic());
    let rows: Vec<u32> =
        (0u32..).zip(&world.rows.labels).filter(|(i, y)| **y == 1 && *i < ROWS).map(|(i, _)| i).collect();
    let loss = Asked::Scores { group: None, figure: AskedFigure::LossAtMost { loss: ScoreLoss::Log, bound: (90, 1) } };
    let mut f = Forgery::new(&world, Rows::Listed(rows), None, &[loss]);
    f.statement.shown[0] = Shown::Scores { group: None, figure: ScoreFigure::AucAtLeast { bound: (1, 1) } };
    // Three slacks: of rows of class 1, of class 0, of pairs. The second would be -1.
    f.columns = f.relation().columns(&f.evaluation).unwrap();
    let slot = f.relation().slacks;
    (4..8).for_each(|row| *f.cell(slot, row) = F::ZERO);
    f.assert_rejected(&[Group::Scores]);
    *f.cell(slot, 4) = -F::ONE;
    f.assert_rejected(&[Group::Lookups]);
}
