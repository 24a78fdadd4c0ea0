//! Honest reports of every activation and loss equal a naive forward pass, and verify.
use super::*;
use crate::file::{self, Kind};
use crate::tables;
use std::{format, println};
use tacit_argument::soundness::{TARGET_BITS, total};

/// Outputs of one row, by the formulas of `docs/arithmetic.md`.
pub(super) fn naive(config: &RunConfig, weights: &[i64], row: &[i32]) -> Vec<i32> {
    let fa = config.scales.fa;
    let mut values: Vec<i64> = row.iter().map(|&x| x.into()).collect();
    for (l, layer) in config.architecture.layers.iter().enumerate() {
        if layer.bias {
            values.push(1 << fa);
        }
        let n = layer.outputs as usize;
        let w = &weights[config.weight_offset(l)..];
        let z = |j: usize| {
            let sum: i128 = values.iter().enumerate().map(|(k, &a)| i128::from(a) * i128::from(w[k * n + j])).sum();
            crate::rescale(sum, config.scales.fw).0 as i64
        };
        let table = match layer.activation {
            Activation::Sigmoid => tables::sigmoid_table(fa, fa),
            Activation::Tanh => tables::tanh_table(fa),
            _ => vec![],
        };
        let act = |z: i64| match layer.activation {
            Activation::Identity => z,
            Activation::Relu => z.max(0),
            _ => table[(z + (1 << 15)) as usize].into(),
        };
        values = (0..n).map(|j| act(z(j))).collect();
    }
    values.into_iter().map(|v| v as i32).collect()
}

/// numpy's argmax, or the threshold.
fn class(z: &[i32]) -> usize {
    match z {
        [one] => usize::from(*one > 0),
        _ => z.iter().position(|v| v == z.iter().max().unwrap()).unwrap(),
    }
}

fn naive_counts(world: &World, rows: &[usize], group: impl Fn(&[i32]) -> usize, groups: usize) -> Vec<u32> {
    let config = &world.run.config;
    let d = config.architecture.layers[0].inputs as usize;
    let outputs = config.architecture.layers.last().unwrap().outputs as usize;
    let c = outputs.max(2);
    let mut out = vec![0; groups * c * c];
    for &i in rows {
        let row = &world.rows.features[i * d..][..d];
        let p = class(&naive(config, &world.weights, row));
        out[(group(row) * c + world.rows.labels[i] as usize) * c + p] += 1;
    }
    out
}

fn counts(report: &ReportProof) -> &[u32] {
    report
        .statement
        .shown
        .iter()
        .find_map(|s| match s {
            Shown::Counts { counts } => Some(counts),
            _ => None,
        })
        .unwrap()
}

fn nets() -> Vec<RunConfig> {
    use Activation::{Identity, Relu, Sigmoid, Tanh};
    let mut no_bias = perceptron();
    no_bias.architecture.layers[0].bias = false;
    no_bias.architecture.layers[1].bias = false;
    let deep = |loss, last| {
        config(
            vec![
                layer(5, 6, Relu),
                layer(6, 9, Sigmoid),
                layer(9, 3, Tanh),
                layer(3, 4, Identity),
                layer(4, last, Identity),
            ],
            loss,
            ROWS,
        )
    };
    let mut momentum = perceptron();
    momentum.scales.kappa = 2;
    momentum.schedule.filter = vec![4, 2, 1];
    vec![
        perceptron(),
        logistic(),
        no_bias,
        momentum,
        deep(Loss::CrossEntropy, 5),
        deep(Loss::BceWithLogits, 1),
        config(vec![layer(5, 64, Identity)], Loss::CrossEntropy, ROWS),
    ]
}

#[test]
fn every_net_counts_and_verifies() {
    let mut several = 0;
    for config in nets() {
        let world = World::new(config);
        let t = std::time::Instant::now();
        let report = world.all(&[Asked::Counts, Asked::Exactly { rate: Rate::Accuracy, group: None }, BOUND_ZERO]);
        let (proved, t) = (t.elapsed(), std::time::Instant::now());
        let verdict = world.verify(&report).unwrap();
        let bytes = file::encode(Kind::Report, &report).unwrap().len();
        println!("{} weights: prove {proved:?}, verify {:?}, {bytes} bytes", world.weights.len(), t.elapsed());
        let all: Vec<usize> = (0..ROWS as usize).collect();
        let expected = naive_counts(&world, &all, |_| 0, 1);
        assert_eq!(counts(&report), expected);
        let c = expected.len().isqrt();
        several += usize::from((0..c).filter(|p| (0..c).any(|l| expected[l * c + p] > 0)).count() > 1);
        let correct: u32 = (0..c).map(|i| expected[i * c + i]).sum();
        let accuracy = Shown::Exactly { rate: Rate::Accuracy, group: None, numerator: correct, denominator: ROWS };
        assert_eq!(report.statement.shown[1], accuracy);
        assert_eq!(verdict.rows, ROWS as usize);
        assert_eq!(verdict.data_digest, Some(world.verdict.data_digest));
        assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
    }
    // Nets of random weights may say the same of every row; not all of these do.
    assert!(several > 2);
}

const BOUND_ZERO: Asked = Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (0, 1) };

#[test]
fn every_loss_shows_its_outputs() {
    let mut all = nets();
    all.push(config(vec![layer(5, 3, Activation::Tanh), layer(3, 2, Activation::Identity)], Loss::Mse, ROWS));
    all.push(config(vec![layer(5, 2, Activation::Identity)], Loss::BceWithLogits, ROWS));
    for config in all {
        let world = World::new(config);
        let rows = [3u32, 4, 80];
        let report = world.prove(&world.committed(Rows::Listed(rows.to_vec())), None, &[Asked::Outputs]);
        world.verify(&report).unwrap();
        let d = world.run.config.architecture.layers[0].inputs as usize;
        let row = |i: usize| &world.rows.features[i * d..][..d];
        let expected: Vec<i32> =
            rows.iter().flat_map(|&i| naive(&world.run.config, &world.weights, row(i as usize))).collect();
        assert_eq!(report.statement.shown, [Shown::Outputs { values: expected.clone() }]);
        // The same rows in the clear have the same outputs.
        let features = rows.iter().flat_map(|&i| row(i as usize).to_vec()).collect();
        let public = world.prove(&Input::Public { features }, None, &[Asked::Outputs]);
        let verdict = world.verify(&public).unwrap();
        assert_eq!((verdict.rows, verdict.data_digest), (3, None));
        assert_eq!(public.statement.shown, [Shown::Outputs { values: expected }]);
    }
}

#[test]
fn ranges_and_lists_of_rows() {
    let world = World::new(perceptron());
    let cases: [(Rows, Vec<usize>); 4] = [
        (Rows::Range { first: 0, count: ROWS }, (0..ROWS as usize).collect()),
        (Rows::Range { first: 60, count: 30 }, (60..90).collect()),
        (Rows::Listed(vec![0, 2, 89]), vec![0, 2, 89]),
        (Rows::Listed(vec![17]), vec![17]),
    ];
    for (rows, indices) in cases {
        let report = world.prove(&world.committed(rows), None, &[Asked::Counts, BOUND_ZERO]);
        assert_eq!(world.verify(&report).unwrap().rows, indices.len());
        assert_eq!(counts(&report), naive_counts(&world, &indices, |_| 0, 1));
    }
}

#[test]
fn more_rows_than_the_shortest_column() {
    // Aligned columns of data and trace, and unaligned ones.
    for rows in [256, 300] {
        let mut config = perceptron();
        config.schedule.rows = rows;
        let world = World::new(config);
        let report = world.prove(&world.committed(Rows::All), Some(&by_flag()), &[Asked::Counts]);
        world.verify(&report).unwrap();
        let all: Vec<usize> = (0..rows as usize).collect();
        assert_eq!(counts(&report), naive_counts(&world, &all, |r| usize::from(r[3] != 0), 2));
        let part = world.prove(&world.committed(Rows::Range { first: 1, count: rows - 1 }), None, &[Asked::Counts]);
        world.verify(&part).unwrap();
        assert_eq!(counts(&part), naive_counts(&world, &all[1..], |_| 0, 1));
    }
}

#[test]
fn groups_by_one_column_and_by_two() {
    for config in [perceptron(), logistic()] {
        let world = World::new(config);
        let (flag, both) = (by_flag(), by_both());
        let all: Vec<usize> = (0..ROWS as usize).collect();
        let flagged = |r: &[i32]| usize::from(r[3] != 0);
        let asked = [
            Asked::Counts,
            Asked::Exactly { rate: Rate::Recall { class: 1 }, group: Some(1) },
            Asked::AtLeast { rate: Rate::Predicted { class: 0 }, group: Some(0), bound: (0, 7) },
            Asked::GapAtMost { rate: Rate::Predicted { class: 1 }, bound: (999, 1000) },
        ];
        let report = world.prove(&world.committed(Rows::All), Some(&flag), &asked);
        world.verify(&report).unwrap();
        assert_eq!(counts(&report), naive_counts(&world, &all, flagged, 2));
        let report = world.prove(&world.committed(Rows::All), Some(&both), &[Asked::Counts]);
        world.verify(&report).unwrap();
        assert_eq!(counts(&report), naive_counts(&world, &all, |r| flagged(r) + usize::from(r[4] != 0), 3));
    }
}

#[test]
fn a_bound_is_proven_up_to_the_exact_value_and_no_further() {
    let world = World::new(perceptron());
    let input = world.committed(Rows::All);
    let of = |asked: &[Asked]| world.try_prove(&world.input(&input, None), asked);
    let exact = world.all(&[Asked::Exactly { rate: Rate::Accuracy, group: None }]);
    let Shown::Exactly { numerator, denominator, .. } = exact.statement.shown[0] else { panic!() };
    let at_least = |p, q| [Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (p, q) }];
    world.verify(&of(&at_least(numerator, denominator)).unwrap()).unwrap();
    let e = of(&at_least(numerator + 1, denominator)).err().unwrap();
    assert!(matches!(e, ReportError::BoundFails { .. }), "{e}");
    // Released bounds tell nothing else: the statement holds no count.
    let report = of(&at_least(1, 10)).unwrap();
    assert_eq!(report.statement.shown, [Shown::AtLeast { rate: Rate::Accuracy, group: None, bound: (1, 10) }]);
}

#[test]
fn ties_go_to_the_first_output() {
    // All weights 0: every output is 0.
    let config = perceptron();
    let n = config.weight_count();
    let world = World::with(config, vec![0; n], 1);
    let report = world.all(&[Asked::Counts]);
    world.verify(&report).unwrap();
    assert!(counts(&report).iter().enumerate().all(|(i, &n)| (i % 3 == 0) == (n > 0)));
}

#[test]
fn rows_that_do_not_fit_are_refused_by_name() {
    let world = World::new(perceptron());
    let of = |input: &Input, groups: Option<&Groups>, asked: &[Asked]| {
        world.try_prove(&world.input(input, groups), asked).err().unwrap()
    };
    let all = world.committed(Rows::All);
    let missing = Groups { columns: vec![3], values: vec![vec![0], vec![5]] };
    assert!(matches!(of(&all, Some(&missing), &[Asked::Counts]), ReportError::NoGroup { row: 2 }));
    let public = Input::Public { features: vec![255, 255, 255, 255, 255] };
    let mut narrow = World::new(perceptron());
    narrow.run.config.architecture.layers[0].z_bits = 4;
    let e = narrow.try_prove(&narrow.input(&public, None), &[Asked::Outputs]).err().unwrap();
    assert!(matches!(e, ReportError::Window { layer: 1, window: 4, .. }), "{e}");
    let e = of(&public, None, &[Asked::Counts]);
    assert!(matches!(e, ReportError::Rejected(ReportRejected::Invalid(ReportInvalid::NotApplicable { .. }))), "{e}");
    let empty = world.committed(Rows::Listed(vec![0]));
    let e = of(&empty, None, &[Asked::Exactly { rate: Rate::Recall { class: 0 }, group: None }]);
    assert!(matches!(e, ReportError::Undefined { .. }), "{e}");
    // A label beyond the classes, and a table that is too short.
    let mut rows = world.rows.clone();
    rows.labels[7] = 3;
    let input = ReportInput { data: Some(&rows), ..world.input(&all, None) };
    let e = world.try_prove(&input, &[Asked::Counts]).err().unwrap();
    assert!(matches!(e, ReportError::Label { label: 3, classes: 3 }), "{e}");
    let input = ReportInput { data: None, ..input };
    let e = world.try_prove(&input, &[Asked::Counts]).err().unwrap();
    assert!(matches!(e, ReportError::NoRows), "{e}");
    // Other weights than the committed ones, other rows than the committed ones.
    let mut weights = world.weights.clone();
    weights[3] += 1;
    let input = ReportInput { weights: &weights, ..world.input(&all, None) };
    let e = world.try_prove(&input, &[Asked::Counts]).err().unwrap();
    assert!(matches!(e, ReportError::OtherVectors(_)), "{e}");
    let mut rows = world.rows.clone();
    rows.features[0] += 1;
    let input = ReportInput { data: Some(&rows), ..world.input(&all, None) };
    let e = world.try_prove(&input, &[Asked::Counts]).err().unwrap();
    assert!(matches!(e, ReportError::OtherVectors(_)), "{e}");
}

fn regression(outputs: u32) -> RunConfig {
    config(vec![layer(5, 3, Activation::Tanh), layer(3, outputs, Activation::Identity)], Loss::Mse, ROWS)
}

#[test]
fn errors_and_moments_are_sums_over_the_rows_that_are_read() {
    for (outputs, rows) in [(1usize, Rows::All), (2, Rows::Range { first: 3, count: 80 })] {
        let world = World::new(regression(outputs as u32));
        let asked = [Asked::SquaredError, Asked::AbsoluteError, Asked::TargetMoments, Asked::Outputs];
        let report = world.prove(&world.committed(rows.clone()), None, &asked);
        world.verify(&report).unwrap();
        let read = if rows == Rows::All { 0..90 } else { 3..83 };
        let (mut squared, mut absolute, mut sums, mut squares) = (0u64, 0u64, vec![0i64; outputs], 0u64);
        for i in read {
            let z = naive(&world.run.config, &world.weights, &world.rows.features[i * 5..][..5]);
            for (j, (&z, &y)) in z.iter().zip(&world.rows.labels[i * outputs..]).enumerate() {
                let d = i64::from(z - y);
                squared += (d * d) as u64;
                absolute += d.unsigned_abs();
                sums[j] += i64::from(y);
                squares += i64::from(y * y) as u64;
            }
        }
        assert_eq!(
            report.statement.shown[..3],
            [
                Shown::SquaredError { sum: squared },
                Shown::AbsoluteError { sum: absolute },
                Shown::TargetMoments { sums, squares },
            ]
        );
        // Each of them alone.
        for asked in asked {
            let report = world.prove(&world.committed(rows.clone()), None, &[asked]);
            world.verify(&report).unwrap();
        }
    }
}

/// Outputs are said as numbers, with the rows that they belong to.
#[test]
fn the_words_of_outputs_and_errors_have_their_scale() {
    let world = World::new(perceptron());
    let fa = world.run.data.fa;
    let rows = world.committed(Rows::Listed(vec![3, 80]));
    let mut report = world.prove(&rows, None, &[Asked::Outputs]).statement;
    let Shown::Outputs { values } = &mut report.shown[0] else { panic!("outputs") };
    let outputs = values.len() / 2;
    *values = (0..2 * outputs).map(|i| if i == 0 { -(1 << fa) - 1 } else { 1 << (fa - 1) }).collect();
    let said =
        |r: &ReportStatement, known: bool| report_words(r, known.then_some(&world.run.data), true).shown[1].clone();
    let first = format!(
        "The outputs, before any softmax or sigmoid: row 3: -1.0156{}; row 80: 0.5000",
        ", 0.5000".repeat(outputs - 1)
    );
    let words = said(&report, true);
    assert_eq!(fa, 6);
    assert!(words.starts_with(&first) && words.contains("as integers in units of 2^-6: [-65, "), "{words}");
    // Public rows: their number and scale follow from the training data.
    report.input = Input::Public { features: vec![0; 2 * world.run.data.features as usize] };
    assert!(said(&report, true).contains("row 0: -1.0156"), "{}", said(&report, true));
    let rows = report_words(&report, Some(&world.run.data), true).shown[0].clone();
    assert!(rows.contains("on 2 public rows of 5 features that the report gives as integers of 6 frac"), "{rows}");
    assert!(said(&report, false).starts_with("The outputs, row by row, as integers in units of 2^-fa: [-65, "));
    let world = World::new(regression(2));
    let mut report = world.all(&[Asked::SquaredError, Asked::AbsoluteError]).statement;
    let scale = 90 * 2 * 3;
    report.shown = vec![
        Shown::SquaredError { sum: scale << (2 * world.run.data.fa) },
        Shown::AbsoluteError { sum: (scale << world.run.data.fa) / 2 },
    ];
    let all = report_words(&report, Some(&world.run.data), true).shown.join("\n");
    assert!(all.contains("/ 2^12, their mean 3.0000.") && all.contains("/ 2^6, their mean 1.5000."), "{all}");
}

#[test]
fn the_words_say_what_is_shown_and_what_stays_open() {
    let world = World::new(perceptron());
    let asked = [
        Asked::Counts,
        Asked::Exactly { rate: Rate::F1 { class: 1 }, group: Some(1) },
        Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (1, 100) },
        Asked::GapAtMost { rate: Rate::Recall { class: 1 }, bound: (1, 1) },
    ];
    let report = world.prove(&world.committed(Rows::Range { first: 5, count: 80 }), Some(&by_flag()), &asked).statement;
    let words = report_words(&report, Some(&world.run.data), true);
    let all = words.shown.join("\n");
    let (model, data) = (crate::words::hex(&report.model_digest), crate::words::hex(&world.verdict.data_digest));
    for part in [
        model.as_str(),
        data.as_str(),
        "rows 5 to 84 (80 of 90)",
        "Rows by label (line) and prediction (column): group 0: [",
        "F1 score of class 1 in group 1 is ",
        "accuracy is at least 1/100, and nothing more about it",
        "recall of class 1 differs by at most 1/1 between any two groups",
        "values of feature 3 (integers of 6 fractional bits): 0: [0]; 1: [64]",
        "that the model was trained on",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert_eq!(words.not_shown.len(), 3);
    // Other data: the verdict says what is not known of it.
    let mut other = world.run.data.clone();
    other.released.push("x".into());
    let words = report_words(&report, Some(&other), false);
    assert!(words.shown.iter().any(|s| s.contains("declare one schema")));
    assert!(words.not_shown.iter().any(|s| s.contains("in the training data")));
    assert!(words.not_shown.iter().any(|s| s.contains("no commitment file")));
    other.schema[0] ^= 1;
    let words = report_words(&report, Some(&other), true);
    assert!(words.not_shown.iter().any(|s| s.contains("the public schema documents of the two data sets differ")));
    let regression = World::new(regression(1));
    let report = regression.all(&[Asked::SquaredError, Asked::AbsoluteError, Asked::TargetMoments]).statement;
    let words = report_words(&report, None, true);
    assert!(words.shown[1].contains("R^2 over all outputs is "), "{}", words.shown[1]);
    let few = regression.prove(&Input::Public { features: vec![1, 2, 3, 0, 0] }, None, &[Asked::Outputs]).statement;
    let words = report_words(&few, None, false);
    assert!(words.shown[1].contains("row by row"), "{}", words.shown[1]);
    assert_eq!(
        words.not_shown,
        ["where the public rows come from", "that they have the columns, order and scales of the training data"]
    );
}
