//! Bounds of rates at a threshold and of balanced accuracy: what holds is shown by the exact counts, and nothing beyond.
use super::attacks::{Forgery, Group};
use super::*;
use alloc::format;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::F;
use tacit_argument::soundness::{TARGET_BITS, total};

/// One output, and two: scores of 11 bits, and of 12.
fn worlds() -> Vec<World> {
    let two = config(vec![layer(5, 2, Activation::Identity)], Loss::CrossEntropy, ROWS);
    vec![World::new(logistic()), World::new(two)]
}

const fn of(group: Option<u32>, figure: AskedFigure) -> Asked {
    Asked::Scores { group, figure }
}

/// [label][predicted] of the rows of a group at an edge, from the exact counts.
fn counts(world: &World, input: &Input, group: Option<u32>, edge: i32) -> [[u32; 2]; 2] {
    let report = world.prove(input, Some(&by_flag()), &[of(group, AskedFigure::Thresholds { edges: vec![edge] })]);
    let Shown::Scores { figure: ScoreFigure::Thresholds { bins, .. }, .. } = &report.statement.shown[0] else {
        panic!()
    };
    let [below, above] = bins.as_slice() else { panic!() };
    [[below.0 - below.1, above.0 - above.1], [below.1, above.1]]
}

fn rate(n: [[u32; 2]; 2], rate: Rate) -> (u32, u32) {
    let mut out = (0, 0);
    for (label, line) in n.iter().enumerate() {
        for (p, &count) in line.iter().enumerate() {
            let (a, b) = rate.coefficients(label as u32, p as u32);
            out = (out.0 + a as u32 * count, out.1 + b as u32 * count);
        }
    }
    out
}

fn rates() -> [Rate; 6] {
    let class = 1;
    [
        Rate::Accuracy,
        Rate::Recall { class: 0 },
        Rate::Precision { class },
        Rate::F1 { class },
        Rate::FalsePositives { class },
        Rate::Predicted { class },
    ]
}

/// Bounds that are just reached are proven; one more is refused, and a proof of one that is just reached is none of more.
#[test]
fn bounds_that_are_just_reached() {
    for world in worlds() {
        let input = world.committed(Rows::Range { first: 4, count: 80 });
        for (group, edge) in [(None, -40), (Some(1), 10)] {
            let n = counts(&world, &input, group, edge);
            let refused = |figure: AskedFigure| {
                let e = world.try_prove(&world.input(&input, Some(&by_flag())), &[of(group, figure)]).map(|_| ());
                assert!(matches!(e, Err(ReportError::BoundFails { .. })), "{e:?}");
            };
            let known: Vec<Rate> = rates().into_iter().filter(|&r| rate(n, r).1 > 0).collect();
            assert!(known.len() > 4, "{n:?}");
            let mut asked = vec![];
            for r in known {
                let (p, q) = rate(n, r);
                asked.push(of(group, AskedFigure::RateAtLeast { rate: r, edge, bound: (p, q) }));
                asked.push(of(group, AskedFigure::RateAtMost { rate: r, edge, bound: (p, q) }));
                if p < q {
                    refused(AskedFigure::RateAtLeast { rate: r, edge, bound: (p + 1, q) });
                }
                if p > 0 {
                    refused(AskedFigure::RateAtMost { rate: r, edge, bound: (p - 1, q) });
                }
            }
            let [positives, negatives] = [n[1][0] + n[1][1], n[0][0] + n[0][1]];
            let (p, q) = (n[1][1] * negatives + n[0][0] * positives, 2 * positives * negatives);
            asked.push(of(group, AskedFigure::BalancedAtLeast { edge, bound: (p, q) }));
            refused(AskedFigure::BalancedAtLeast { edge, bound: (p + 1, q) });
            // Beside an area, which sums over other pairs.
            asked.extend([
                of(group, AskedFigure::Auc),
                of(None, AskedFigure::BalancedAtLeast { edge: 1, bound: (0, 1) }),
            ]);
            let report = world.prove(&input, Some(&by_flag()), &asked);
            let verdict = world.verify(&report).unwrap();
            assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
            let words = report_words(&report.statement, None, true).shown.concat();
            let start =
                format!("Where scores from {edge} on, in units of 2^-6, are predicted as class 1, the balanced");
            assert!(words.contains(&start), "{words}");
            for (i, s) in report.statement.shown.iter().enumerate() {
                let mut forged = report.clone();
                let Shown::Scores { figure, .. } = &mut forged.statement.shown[i] else { panic!("{s:?}") };
                match figure {
                    ScoreFigure::RateAtLeast { edge, .. }
                    | ScoreFigure::RateAtMost { edge, .. }
                    | ScoreFigure::BalancedAtLeast { edge, .. } => *edge += 1,
                    _ => continue,
                }
                assert!(matches!(world.verify(&forged).unwrap_err(), ReportRejected::Argument(_)));
            }
        }
    }
}

/// The prediction itself is the threshold at the first score above 0.
#[test]
fn the_class_predicted_is_the_edge_of_one() {
    for world in worlds() {
        let input = world.committed(Rows::All);
        let report = world.all(&[Asked::Counts]);
        let Shown::Counts { counts: all } = &report.statement.shown[0] else { panic!() };
        let n = counts(&world, &input, None, 1);
        assert_eq!(all.as_slice(), n.concat());
    }
}

#[test]
fn rules_of_bounds_at_a_threshold() {
    let world = World::new(logistic());
    let input = world.committed(Rows::All);
    let refused = |world: &World, figure| {
        let input = world.committed(Rows::All);
        match world.try_prove(&world.input(&input, None), &[of(None, figure)]).map(|_| ()) {
            Err(ReportError::Rejected(ReportRejected::Invalid(e))) => e,
            e => panic!("{e:?}"),
        }
    };
    let bound = (1, 50);
    let of_rate = |rate, edge, bound| AskedFigure::RateAtLeast { rate, edge, bound };
    let e = refused(&world, of_rate(Rate::Accuracy, 1 << 10, (0, 50)));
    assert!(matches!(e, ReportInvalid::Edges { bits: 11 }), "{e}");
    let e = refused(&world, of_rate(Rate::Recall { class: 2 }, 1, bound));
    assert!(matches!(e, ReportInvalid::NoSuchClass { got: 2, classes: 2 }), "{e}");
    let e = refused(&world, of_rate(Rate::Accuracy, 1, (0, 0)));
    assert!(matches!(e, ReportInvalid::Fraction { got: (0, 0) }), "{e}");
    let e = refused(&world, AskedFigure::RateAtMost { rate: Rate::Accuracy, edge: 1, bound: (3, 2) });
    assert!(matches!(e, ReportInvalid::Fraction { got: (3, 2) }), "{e}");
    let e = refused(&world, AskedFigure::BalancedAtLeast { edge: -(1 << 10) - 1, bound: (0, 1) });
    assert!(matches!(e, ReportInvalid::Edges { bits: 11 }), "{e}");
    // Of three classes there is no score.
    let e = refused(&World::new(perceptron()), AskedFigure::BalancedAtLeast { edge: 1, bound: (0, 1) });
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "a score of other than two classes" }), "{e}");
    let good = world.prove(&input, None, &[of(None, of_rate(Rate::Accuracy, 1, (0, 1)))]);
    let mut rank = good;
    let Shown::Scores { figure: ScoreFigure::RateAtLeast { rate, .. }, .. } = &mut rank.statement.shown[0] else {
        panic!()
    };
    *rate = Rate::TopK { k: 1 };
    let e = world.verify(&rank).unwrap_err();
    assert!(
        matches!(e, ReportRejected::Invalid(ReportInvalid::NotApplicable { what: "a rank at a threshold" })),
        "{e:?}"
    );
}

/// Bounds above the truth, with a slack of 0 and with the one that satisfies the equation mod p.
#[test]
fn bounds_that_do_not_hold() {
    for world in worlds() {
        let input = world.committed(Rows::Range { first: 0, count: 80 });
        let n = counts(&world, &input, None, 1);
        let (p, q) = rate(n, Rate::Recall { class: 1 });
        let (positives, negatives) = (q, n[0][0] + n[0][1]);
        let (num, den) = (n[1][1] * negatives + n[0][0] * positives, 2 * positives * negatives);
        let recall = |p| ScoreFigure::RateAtLeast { rate: Rate::Recall { class: 1 }, edge: 1, bound: (p, q) };
        let balanced = |p| ScoreFigure::BalancedAtLeast { edge: 1, bound: (p, den) };
        let asked = [
            AskedFigure::RateAtLeast { rate: Rate::Recall { class: 1 }, edge: 1, bound: (p, q) },
            AskedFigure::BalancedAtLeast { edge: 1, bound: (num, den) },
        ];
        // The slack of the bound: the first of the recall, the last of balanced accuracy, behind those of both classes.
        let lies = [(recall(p + 1), 0, F::from_u32(q)), (balanced(num + 1), 8, F::from_u32(den))];
        for (asked, (figure, cell, less)) in asked.into_iter().zip(lies) {
            for wrapped in [false, true] {
                let mut f = Forgery::new(&world, Rows::Range { first: 0, count: 80 }, None, &[of(None, asked.clone())]);
                assert!(f.rejected_by().is_empty());
                f.statement.shown[0] = Shown::Scores { group: None, figure: figure.clone() };
                if wrapped {
                    let slot = f.relation().slacks;
                    *f.cell(slot, cell) = -less;
                }
                f.assert_rejected(&[if wrapped { Group::Lookups } else { Group::Scores }]);
            }
        }
    }
}
