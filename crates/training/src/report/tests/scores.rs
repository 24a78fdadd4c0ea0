//! Figures of scores against the definitions, pair by pair and row by row, on every shape of histogram.
use super::*;
use crate::file::{self, Kind};
use crate::report::scores::tables::{Value, Values};
use std::println;
use tacit_argument::lookup::Table;

/// Two outputs.
pub(super) fn pair() -> RunConfig {
    config(vec![layer(5, 4, Activation::Relu), layer(4, 2, Activation::Identity)], Loss::CrossEntropy, ROWS)
}

/// One output in a window of so many bits, on so many rows.
fn narrow(z_bits: u32, rows: u32) -> World {
    let mut config = logistic();
    config.architecture.layers[0].z_bits = z_bits;
    config.schedule.rows = rows;
    let weights = World::new(config.clone()).weights.iter().map(|w| w / 8).collect();
    World::with(config, weights, 1)
}

/// Everything that can be shown of scores without groups.
pub(super) fn every_figure() -> Vec<Asked> {
    let of = |figure| Asked::Scores { group: None, figure };
    vec![
        of(AskedFigure::Auc),
        of(AskedFigure::AucAtLeast { bound: (1, 100) }),
        of(AskedFigure::Loss { loss: ScoreLoss::Log }),
        of(AskedFigure::Loss { loss: ScoreLoss::Brier }),
        of(AskedFigure::LossAtMost { loss: ScoreLoss::Log, bound: (90, 1) }),
        of(AskedFigure::Calibration { edges: vec![-40, 1, 30] }),
        of(AskedFigure::Thresholds { edges: vec![1] }),
    ]
}

/// The same in a group, and the gap between all of them.
fn by_group(groups: u32) -> Vec<Asked> {
    let of = |group, figure| Asked::Scores { group, figure };
    let mut asked = every_figure();
    asked.push(of(None, AskedFigure::AucGapAtMost { bound: (1, 1) }));
    for g in 0..groups {
        asked.extend([of(Some(g), AskedFigure::Auc), of(Some(g), AskedFigure::Loss { loss: ScoreLoss::Brier })]);
        asked.push(of(Some(g), AskedFigure::AucAtLeast { bound: (0, 1) }));
        asked.push(of(Some(g), AskedFigure::Thresholds { edges: vec![-5, 1] }));
    }
    asked
}

/// (group, label, score) of every row, from the outputs of another report.
fn scored(world: &World, rows: &Rows, group: impl Fn(&[i32]) -> usize) -> Vec<(usize, usize, i64)> {
    let report = world.prove(&world.committed(rows.clone()), None, &[Asked::Outputs]);
    let Shown::Outputs { values } = &report.statement.shown[0] else { panic!() };
    let index = world.committed(rows.clone()).index().unwrap().unwrap();
    let score = |z: &[i32]| if z.len() == 2 { i64::from(z[1]) - i64::from(z[0]) } else { z[0].into() };
    values
        .chunks(values.len() / index.len())
        .zip(index)
        .map(|(z, i)| {
            let features = &world.rows.features[i as usize * 5..][..5];
            (group(features), world.rows.labels[i as usize] as usize, score(z))
        })
        .collect()
}

/// (twice the pairs in order, positives, negatives), pair by pair.
fn area(rows: &[(usize, usize, i64)]) -> (u64, u32, u32) {
    let of = |label| rows.iter().filter(move |r| r.1 == label);
    let mut twice = 0;
    for p in of(1) {
        for n in of(0) {
            twice += match p.2.cmp(&n.2) {
                core::cmp::Ordering::Greater => 2,
                core::cmp::Ordering::Equal => 1,
                core::cmp::Ordering::Less => 0,
            };
        }
    }
    (twice, of(1).count() as u32, of(0).count() as u32)
}

fn real(score: i64) -> f64 {
    score as f64 / f64::from(1 << FA)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn loss(of: ScoreLoss, label: usize, score: i64) -> f64 {
    let against = if label == 1 { -real(score) } else { real(score) };
    match of {
        ScoreLoss::Log => against.max(0.0) + (-against.abs()).exp().ln_1p(),
        ScoreLoss::Brier => sigmoid(against).powi(2),
    }
}

fn check_figures(report: &ReportProof, all: &[(usize, usize, i64)]) {
    for shown in &report.statement.shown {
        let Shown::Scores { group, figure } = shown else { panic!() };
        let rows: Vec<_> = all.iter().copied().filter(|r| group.is_none_or(|g| g as usize == r.0)).collect();
        let bin = |edges: &[i32], i: usize| -> Vec<(usize, usize, i64)> {
            let from = i.checked_sub(1).map_or(i64::MIN, |j| edges[j].into());
            let to = edges.get(i).map_or(i64::MAX, |&e| e.into());
            rows.iter().copied().filter(|r| (from..to).contains(&r.2)).collect()
        };
        match figure {
            ScoreFigure::Auc { twice, positives, negatives } => {
                assert_eq!((*twice, *positives, *negatives), area(&rows));
            }
            ScoreFigure::Loss { loss: of, sum, rows: n } => {
                assert_eq!(*n as usize, rows.len());
                let expected: f64 = rows.iter().map(|r| loss(*of, r.1, r.2)).sum();
                let error = (*sum as f64 / f64::from(1 << 20) - expected).abs();
                assert!(error <= rows.len() as f64 / f64::from(1 << 21) + 1e-9, "{of:?}: {error}");
            }
            ScoreFigure::Calibration { edges, bins } => {
                for (i, b) in bins.iter().enumerate() {
                    let rows = bin(edges, i);
                    assert_eq!(b.rows as usize, rows.len());
                    assert_eq!(b.positives as usize, rows.iter().filter(|r| r.1 == 1).count());
                    let expected: f64 = rows.iter().map(|r| sigmoid(real(r.2))).sum();
                    let error = (b.probability as f64 / f64::from(1 << 20) - expected).abs();
                    assert!(error <= rows.len() as f64 / f64::from(1 << 21) + 1e-9, "{error}");
                }
            }
            ScoreFigure::Thresholds { edges, bins } => {
                for (i, &(n, positives)) in bins.iter().enumerate() {
                    let rows = bin(edges, i);
                    assert_eq!(n as usize, rows.len());
                    assert_eq!(positives as usize, rows.iter().filter(|r| r.1 == 1).count());
                }
            }
            ScoreFigure::AucGapAtMost { positives, negatives, .. } => {
                for (g, (&p, &n)) in positives.iter().zip(negatives).enumerate() {
                    let rows: Vec<_> = all.iter().copied().filter(|r| r.0 == g).collect();
                    assert_eq!((p, n), (area(&rows).1, area(&rows).2));
                }
            }
            ScoreFigure::AucAtLeast { .. }
            | ScoreFigure::LossAtMost { .. }
            | ScoreFigure::RateAtLeast { .. }
            | ScoreFigure::RateAtMost { .. }
            | ScoreFigure::BalancedAtLeast { .. } => {}
        }
    }
}

#[test]
fn figures_are_those_of_the_definitions() {
    let worlds = [
        World::new(logistic()),
        World::new(pair()),
        // A group and label in one slot, all of them in one slot, and a column as long as the histogram.
        narrow(8, ROWS),
        narrow(8, 600),
        narrow(9, 513),
    ];
    for world in worlds {
        let count = world.run.config.schedule.rows;
        for rows in [Rows::All, Rows::Range { first: 3, count: count - 7 }] {
            let t = std::time::Instant::now();
            let report = world.prove(&world.committed(rows.clone()), None, &every_figure());
            let (proved, t) = (t.elapsed(), std::time::Instant::now());
            world.verify(&report).unwrap();
            let bytes = file::encode(Kind::Report, &report).unwrap().len();
            println!("{count} rows: prove {proved:?}, verify {:?}, {bytes} bytes", t.elapsed());
            check_figures(&report, &scored(&world, &rows, |_| 0));
        }
    }
}

#[test]
fn figures_of_groups_are_those_of_their_rows() {
    for world in [World::new(logistic()), World::new(pair()), narrow(8, 600)] {
        let flagged = |r: &[i32]| usize::from(r[3] != 0);
        let report = world.prove(&world.committed(Rows::All), Some(&by_flag()), &by_group(2));
        world.verify(&report).unwrap();
        check_figures(&report, &scored(&world, &Rows::All, flagged));
        // Three groups: the histogram has room for a fourth.
        let both = |r: &[i32]| flagged(r) + usize::from(r[4] != 0);
        let report = world.prove(&world.committed(Rows::All), Some(&by_both()), &by_group(3));
        world.verify(&report).unwrap();
        check_figures(&report, &scored(&world, &Rows::All, both));
    }
}

/// All scores alike: every pair is a tie.
#[test]
fn ties_count_half() {
    let config = logistic();
    let n = config.weight_count();
    let world = World::with(config, vec![0; n], 1);
    let report = world.all(&[Asked::Scores { group: None, figure: AskedFigure::Auc }]);
    world.verify(&report).unwrap();
    let Shown::Scores { figure: ScoreFigure::Auc { twice, positives, negatives }, .. } = report.statement.shown[0]
    else {
        panic!()
    };
    assert_eq!(twice, u64::from(positives) * u64::from(negatives));
}

#[test]
fn bounds_are_proven_up_to_the_exact_value_and_no_further() {
    for world in [World::new(logistic()), World::new(pair())] {
        let of = |figure| Asked::Scores { group: None, figure };
        let exact = world.all(&[of(AskedFigure::Auc), of(AskedFigure::Loss { loss: ScoreLoss::Log }), Asked::Outputs]);
        let [Shown::Scores { figure: auc, .. }, Shown::Scores { figure: loss, .. }, _] = &exact.statement.shown[..]
        else {
            panic!()
        };
        let ScoreFigure::Auc { twice, positives, negatives } = *auc else { panic!() };
        let pairs = 2 * positives * negatives;
        let input = world.committed(Rows::All);
        let prove = |figure| world.try_prove(&world.input(&input, None), &[of(figure)]);
        world.verify(&prove(AskedFigure::AucAtLeast { bound: (twice as u32, pairs) }).unwrap()).unwrap();
        let e = prove(AskedFigure::AucAtLeast { bound: (twice as u32 + 1, pairs) }).err().unwrap();
        assert!(matches!(e, ReportError::BoundFails { .. }), "{e}");
        let ScoreFigure::Loss { sum, rows, .. } = *loss else { panic!() };
        // A mean of sum / (2^20 rows), in units of 2^-12 rounded up and down.
        let unit = |n: u64| (n as u32, 1 << 12);
        let up = (sum >> 8).div_ceil(rows.into()) + 1;
        let bound = |bound| AskedFigure::LossAtMost { loss: ScoreLoss::Log, bound };
        world.verify(&prove(bound(unit(up))).unwrap()).unwrap();
        let e = prove(bound(unit((sum >> 8) / u64::from(rows) - 1))).err().unwrap();
        assert!(matches!(e, ReportError::BoundFails { .. }), "{e}");
        // Nothing else is in the statement.
        let report = prove(bound((90, 1))).unwrap();
        let only = ScoreFigure::LossAtMost { loss: ScoreLoss::Log, bound: (90, 1) };
        assert_eq!(report.statement.shown, [Shown::Scores { group: None, figure: only }]);
    }
}

#[test]
fn gaps_are_proven_up_to_the_exact_value_and_no_further() {
    let world = World::new(logistic());
    let groups = by_flag();
    let of = |group, figure| Asked::Scores { group, figure };
    let exact = world.prove(
        &world.committed(Rows::All),
        Some(&groups),
        &[of(Some(0), AskedFigure::Auc), of(Some(1), AskedFigure::Auc)],
    );
    let area = |i: usize| match exact.statement.shown[i] {
        Shown::Scores { figure: ScoreFigure::Auc { twice, positives, negatives }, .. } => {
            (twice as i64, i64::from(2 * positives * negatives))
        }
        _ => panic!(),
    };
    let (a, b) = (area(0), area(1));
    let gap = ((a.0 * b.1 - b.0 * a.1).unsigned_abs() as u32, (a.1 * b.1) as u32);
    assert!(gap.0 > 0);
    let input = world.committed(Rows::All);
    let prove = |bound| {
        let asked = [of(None, AskedFigure::AucGapAtMost { bound })];
        world.try_prove(&world.input(&input, Some(&groups)), &asked)
    };
    world.verify(&prove(gap).unwrap()).unwrap();
    let e = prove((gap.0 - 1, gap.1)).err().unwrap();
    assert!(matches!(e, ReportError::BoundFails { .. }), "{e}");
}

#[test]
fn figures_that_have_no_value_are_refused_by_name() {
    let world = World::new(logistic());
    let row = world.rows.labels.iter().position(|&y| y == 1).unwrap() as u32;
    let input = world.committed(Rows::Listed(vec![row]));
    let prove = |figure| world.try_prove(&world.input(&input, None), &[Asked::Scores { group: None, figure }]);
    for figure in [AskedFigure::Auc, AskedFigure::AucAtLeast { bound: (0, 1) }] {
        let e = prove(figure).err().unwrap();
        assert!(matches!(e, ReportError::Undefined { .. }), "{e}");
    }
    let e = prove(AskedFigure::Thresholds { edges: vec![3, 3] }).err().unwrap();
    assert!(matches!(e, ReportError::Rejected(ReportRejected::Invalid(ReportInvalid::Edges { bits: 11 }))), "{e}");
    let world = World::new(perceptron());
    let e = world.try_prove(&world.input(&world.committed(Rows::All), None), &every_figure()).err().unwrap();
    assert!(matches!(e, ReportError::Rejected(ReportRejected::Invalid(ReportInvalid::NotApplicable { .. }))), "{e}");
}

/// Only the column of indices is looked up in the table whose multiplicities are the histogram, also where values of as
/// many bits are looked up elsewhere.
#[test]
fn the_histogram_has_a_table_of_its_own() {
    // 15 bits in all, as the limbs of the slacks have.
    let mut config = logistic();
    config.architecture.layers[0].z_bits = 14;
    let world = World::new(config);
    let report = world.all(&every_figure());
    world.verify(&report).unwrap();
    let relation = relation(&report.statement, &world.run, world.verdict.w_out).unwrap();
    let tables = &relation.lookups.tables;
    assert!(tables.contains(&Table::Range { bits: 15 }));
    let own: Vec<usize> = (0..tables.len()).filter(|&i| tables[i] == Table::Counted { bits: 15 }).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(relation.lookups.lookups.iter().filter(|l| l.table == own[0]).count(), 1);
}

#[test]
fn values_are_within_their_error_of_the_real_functions() {
    for (bits, fa) in [(11, 6), (16, 8), (17, 10), (17, 14), (12, 1)] {
        let values = Values::new(bits, fa);
        let half = 1i64 << (bits - 1);
        let step = (half / 997).max(1);
        for s in (-half..half).step_by(step as usize).chain([-half, -1, 0, 1, half - 1]) {
            let x = s as f64 / f64::from(1u32 << fa);
            let against = |label: usize| if label == 1 { -x } else { x };
            for label in 0..2 {
                let y = against(label);
                let cases = [
                    (Value::One, 1.0 / f64::from(1 << 20)),
                    (Value::Probability, sigmoid(x)),
                    (Value::Loss(ScoreLoss::Log), y.max(0.0) + (-y.abs()).exp().ln_1p()),
                    (Value::Loss(ScoreLoss::Brier), sigmoid(y).powi(2)),
                ];
                for (value, expected) in cases {
                    let got = values.at(value, label, s);
                    assert!(got >= 0 && got as u64 <= value.most(bits, fa), "{value:?} {s}");
                    let error = (got as f64 / f64::from(1 << 20) - expected).abs();
                    assert!(error <= 0.5000001 / f64::from(1 << 20) + 1e-12 * expected, "{value:?} {s}: {error}");
                }
            }
        }
    }
}

/// What `docs/arithmetic.md` and the second implementation pin.
#[test]
fn pinned_values() {
    use sha2::{Digest, Sha256};
    let hash = |value, label| -> std::string::String {
        let mut h = Sha256::new();
        Values::new(16, 8).table(value, label).into_iter().for_each(|v| h.update((v as u64).to_be_bytes()));
        h.finalize().iter().map(|b| std::format!("{b:02x}")).collect()
    };
    assert_eq!(hash(Value::Probability, 1), "e93bc183980d2ecabc1845152ec617e57e000e2a52134de056cd521192613d0a");
    assert_eq!(
        hash(Value::Loss(ScoreLoss::Log), 0),
        "bedb2a33a32fe159c3bf170189f2888260908e1dbd8f885bd5f492d3b212b171"
    );
    assert_eq!(
        hash(Value::Loss(ScoreLoss::Brier), 1),
        "9d7225bcc755c28c4509b143e78315239e5f68ccfb916d455c09a15daadda6e8"
    );
}
