//! Top-k accuracy: equal to a count by hand with ties, bounded by group, refused, and forged.
use super::attacks::{Forgery, Group};
use super::honest::naive;
use super::*;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::F;
use tacit_argument::soundness::{TARGET_BITS, total};

/// Five classes, with outputs of so few bits that rows tie.
fn tying() -> World {
    World::new(config(vec![layer(5, 5, Activation::Identity)], Loss::CrossEntropy, ROWS))
}

/// Hits among the k largest, sorted by hand: larger first, of equal ones the first class.
fn expected(world: &World, k: usize, rows: &[usize]) -> u32 {
    let d = world.run.config.architecture.layers[0].inputs as usize;
    let hit = |&i: &usize| {
        let z = naive(&world.run.config, &world.weights, &world.rows.features[i * d..][..d]);
        let mut order: Vec<usize> = (0..z.len()).collect();
        order.sort_by_key(|&j| (-z[j], j));
        order[..k].contains(&(world.rows.labels[i] as usize))
    };
    rows.iter().filter(|i| hit(i)).count() as u32
}

const fn top(k: u32) -> Rate {
    Rate::TopK { k }
}

const fn exactly(rate: Rate, group: Option<u32>) -> Asked {
    Asked::Exactly { rate, group }
}

#[test]
fn labels_among_the_largest_outputs() {
    let mut flat = tying();
    // All outputs of a row alike: the rank of a label is the label.
    flat = World::with(flat.run.config.clone(), vec![0; flat.weights.len()], 1);
    for world in [tying(), flat, World::new(perceptron())] {
        let classes = world.run.config.architecture.layers.last().unwrap().outputs;
        let rows: Vec<usize> = (0..ROWS as usize).collect();
        let mut asked: Vec<Asked> = (1..classes).map(|k| exactly(top(k), None)).collect();
        asked.extend([exactly(Rate::Accuracy, None), exactly(top(2), Some(1))]);
        let report = world.prove(&world.committed(Rows::All), Some(&by_flag()), &asked);
        let verdict = world.verify(&report).unwrap();
        assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
        let shown = &report.statement.shown;
        let value = |s: &Shown| match s {
            Shown::Exactly { numerator, denominator, .. } => (*numerator, *denominator),
            _ => panic!(),
        };
        for k in 1..classes {
            assert_eq!(value(&shown[k as usize - 1]), (expected(&world, k as usize, &rows), ROWS));
        }
        assert_eq!(value(&shown[0]), value(&shown[classes as usize - 1]));
        let flagged: Vec<usize> = rows.into_iter().filter(|i| world.rows.features[i * 5 + 3] != 0).collect();
        assert_eq!(value(&shown[classes as usize]), (expected(&world, 2, &flagged), flagged.len() as u32));
        let words = report_words(&report.statement, None, true).shown.concat();
        assert!(words.contains("The top-2 accuracy in group 1 is "), "{words}");
    }
}

#[test]
fn bounds_by_group() {
    let world = tying();
    let input = world.committed(Rows::Range { first: 3, count: 81 });
    let exact = world.prove(&input, Some(&by_both()), &[0, 1, 2].map(|g| exactly(top(3), Some(g))));
    let rates: Vec<(u32, u32)> = exact
        .statement
        .shown
        .iter()
        .map(|s| match s {
            Shown::Exactly { numerator, denominator, .. } => (*numerator, *denominator),
            _ => panic!(),
        })
        .collect();
    let (n, d) = rates.iter().fold((0, 0), |a, r| (a.0 + r.0, a.1 + r.1));
    let bound = |group, bound| Asked::AtLeast { rate: top(3), group, bound };
    let mut asked = vec![bound(None, (n, d)), Asked::GapAtMost { rate: top(3), bound: (99, 100) }];
    asked.extend((0u32..).zip(&rates).map(|(g, &r)| bound(Some(g), r)));
    let report = world.prove(&input, Some(&by_both()), &asked);
    world.verify(&report).unwrap();
    for asked in [bound(None, (n + 1, d)), bound(Some(1), (rates[1].0 + 1, rates[1].1))] {
        let e = world.try_prove(&world.input(&input, Some(&by_both())), &[asked]).map(|_| ());
        assert!(matches!(&e, Err(ReportError::BoundFails { rate }) if rate == "top-3 accuracy"), "{e:?}");
    }
}

#[test]
fn rules_of_ranks() {
    let world = tying();
    for (k, config) in [(0, tying().run.config), (5, tying().run.config), (1, logistic())] {
        let world = World::new(config);
        let e = world.try_prove(&world.input(&world.committed(Rows::All), None), &[exactly(top(k), None)]).map(|_| ());
        let Err(ReportError::Rejected(ReportRejected::Invalid(e))) = e else { panic!("{e:?}") };
        let single = world.run.config.architecture.loss == Loss::BceWithLogits;
        match e {
            ReportInvalid::TopK { got, classes: 5 } => assert!(got == k && !single),
            ReportInvalid::NotApplicable { what } => {
                assert!(single && what == "a rank among the outputs of a model with one output");
            }
            e => panic!("{e}"),
        }
    }
    let good = world.all(&[exactly(top(2), None)]);
    for (k, accepted) in [(2, true), (3, false), (1, false)] {
        let mut report = good.clone();
        let Shown::Exactly { rate, .. } = &mut report.statement.shown[0] else { panic!() };
        *rate = top(k);
        assert_eq!(world.verify(&report).is_ok(), accepted);
    }
}

/// Every column of ranks, and every lie about them, with all that follows from it.
#[test]
fn forged_ranks() {
    let world = tying();
    let forgery = || {
        Forgery::new(
            &world,
            Rows::Range { first: 2, count: 80 },
            Some(by_flag()),
            &[exactly(top(2), Some(1)), exactly(top(3), None)],
        )
    };
    assert!(forgery().rejected_by().is_empty());
    forgery().verdict().unwrap();
    // One row more.
    let mut f = forgery();
    let Shown::Exactly { numerator, .. } = &mut f.statement.shown[0] else { panic!() };
    *numerator += 1;
    f.assert_rejected(&[Group::Gates]);
    let ranks = forgery().relation().ranks.clone().unwrap();
    for row in [0, 79, 80, 255] {
        for (slot, expected) in [
            (ranks.of_label, vec![Group::Gates]),
            (ranks.gap, vec![Group::Gates]),
            (ranks.gap + 4, vec![Group::Gates]),
            (ranks.behind, vec![Group::Lookups]),
            (ranks.behind + 4, vec![Group::Lookups]),
            (ranks.hit, vec![Group::Lookups]),
            (ranks.hit + 1, vec![Group::Lookups]),
        ] {
            let mut f = forgery();
            *f.cell(slot, row) += F::ONE;
            let rejected = f.rejected_by();
            assert!(expected.iter().all(|g| rejected.contains(g)), "slot {slot}, row {row}: {rejected:?}");
        }
    }
    // A row whose label is third counts among two, with the count that follows: its rank says otherwise.
    let mut f = forgery();
    let row = (0..80).find(|&x| {
        let rank = (0..5).filter(|&j| f.evaluation.over_label(x, j, Some(f.evaluation.labels[x])) > 0).count();
        rank == 2 && f.evaluation.group[x] == 1
    });
    let row = row.unwrap();
    *f.cell(ranks.hit, row) = F::ONE;
    let Shown::Exactly { numerator, .. } = &mut f.statement.shown[0] else { panic!() };
    *numerator += 1;
    f.assert_rejected(&[Group::Lookups]);
    // The same with an output that is said to be behind the label's: its sign says otherwise.
    let label = f.evaluation.labels[row];
    let ahead = (0..5).find(|&j| f.evaluation.over_label(row, j, Some(label)) > 0).unwrap();
    *f.cell(ranks.behind + ahead, row) = F::ONE;
    f.assert_rejected(&[Group::Lookups]);
    // And with a gap that has this sign.
    *f.cell(ranks.gap + ahead, row) = F::ZERO;
    f.assert_rejected(&[Group::Gates]);
}
