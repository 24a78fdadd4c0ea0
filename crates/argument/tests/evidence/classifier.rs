//! A classifier on the bytes of proofs about two very different data sets stays at chance; the same classifier on
//! proofs with their pads or blocks left out does not.
//!
//! Byte statistics prove little; the equivocation test is the statement. This one notices gross mistakes. Thresholds
//! are such that a false alarm has probability below 10^-9.
use crate::toy::{Known, LOG_ROWS, Others, RATE, fresh, random, shape, toy_plan};
use crate::walk::list::{Clear, PROOF};
use crate::walk::{classify, leaves};
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeMap;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::F;
use tacit_argument::opening::{LongLived, SALT};
use tacit_argument::proof::RelationProof;

/// Proofs per data set for training, and as many for the test.
const HALF: usize = 26;
/// At most this many of 52 test proofs may be told, and as many not: P(Binomial(52, 1/2) >= 49) < 10^-11.
const CHANCE: usize = 48;
const CLASSES: [Clear; 8] = [
    Clear::Messages,
    Clear::Sacrifices,
    Clear::Reduction,
    Clear::Whir,
    Clear::RowsOfH,
    Clear::RowsOfF,
    Clear::Salts,
    Clear::Paths,
];

/// All zeros, or all 255.
fn witness(set: usize) -> Known {
    let column = vec![F::from_u64(if set == 0 { 0 } else { 255 }); 1 << LOG_ROWS];
    Known::new(column.clone(), column)
}

type Classes = BTreeMap<Clear, Vec<u8>>;

fn classes(proof: &RelationProof) -> Classes {
    classify(&leaves(proof), PROOF).unwrap()
}

/// Every proof about a commitment of its own: one commitment shows in all its proofs, by intent.
fn proofs(set: usize, n: usize, entropy: impl Fn() -> Entropy) -> Vec<Classes> {
    let known = witness(set);
    (0..n).map(|i| classes(&known.prove(&Others::commit(&known, 2 * i as u8), entropy()))).collect()
}

/// Shares of every byte value, and the mean, per class.
fn features(proof: &Classes, classes: &[Clear]) -> Vec<f64> {
    classes
        .iter()
        .flat_map(|c| {
            let bytes = &proof[c];
            let n = bytes.len() as f64;
            let mut shares = vec![0.0; 257];
            for &b in bytes {
                shares[b as usize] += 1.0 / n;
                shares[256] += f64::from(b) / n;
            }
            shares
        })
        .collect()
}

/// Logistic regression on standardised features by gradient descent; how many of the test set it tells.
fn told(sets: &[Vec<Classes>; 2], classes: &[Clear]) -> usize {
    let half = sets[0].len() / 2;
    let all: [Vec<Vec<f64>>; 2] = [0, 1].map(|k| sets[k].iter().map(|p| features(p, classes)).collect());
    let train: Vec<(&Vec<f64>, f64)> =
        [0, 1].into_iter().flat_map(|k| all[k][..half].iter().map(move |f| (f, k as f64))).collect();
    let (n, d) = (train.len() as f64, train[0].0.len());
    let mean: Vec<f64> = (0..d).map(|i| train.iter().map(|t| t.0[i]).sum::<f64>() / n).collect();
    let scale: Vec<f64> =
        (0..d).map(|i| (train.iter().map(|t| (t.0[i] - mean[i]).powi(2)).sum::<f64>() / n).sqrt().max(1e-12)).collect();
    let normal = |f: &[f64]| -> Vec<f64> { (0..d).map(|i| (f[i] - mean[i]) / scale[i]).collect() };
    let points: Vec<(Vec<f64>, f64)> = train.iter().map(|(f, y)| (normal(f), *y)).collect();
    let mut w = vec![0.0; d];
    let score = |w: &[f64], x: &[f64]| w.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
    for _ in 0..200 {
        let mut gradient = vec![0.0; d];
        for (x, y) in &points {
            let error = 1.0 / (1.0 + (-score(&w, x)).exp()) - y;
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += error * x / n);
        }
        w.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.1 * (g + 1e-3 * *w));
    }
    let right = |k: usize, f: &Vec<f64>| (score(&w, &normal(f)) > 0.0) == (k == 1);
    [0, 1].into_iter().map(|k| all[k][half..].iter().filter(|f| right(k, f)).count()).sum()
}

/// Chi-square of two pooled byte histograms: 255 degrees of freedom.
fn chi_square(sets: &[Vec<Classes>; 2], class: Clear) -> f64 {
    let histogram = |k: usize| {
        let mut h = [0.0f64; 256];
        sets[k].iter().flat_map(|p| &p[&class]).for_each(|&b| h[b as usize] += 1.0);
        h
    };
    let (a, b) = (histogram(0), histogram(1));
    let (n, m) = (a.iter().sum::<f64>(), b.iter().sum::<f64>());
    let term = |(x, y): (&f64, &f64)| {
        let difference = x * (m / n).sqrt() - y * (n / m).sqrt();
        if x + y > 0.0 { difference.powi(2) / (x + y) } else { 0.0 }
    };
    a.iter().zip(&b).map(term).sum()
}

/// Above it with probability below 10^-12 for equal distributions (Wilson and Hilferty).
const CHI_SQUARE: f64 = 460.0;

#[test]
fn two_data_sets_cannot_be_told_apart() {
    let sets = [0, 1].map(|k| proofs(k, 2 * HALF, fresh));
    // All classes together, then each alone.
    for classes in std::iter::once(&CLASSES[..]).chain(CLASSES.chunks(1)) {
        let right = told(&sets, classes);
        assert!((2 * HALF - CHANCE..=CHANCE).contains(&right), "{classes:?}: {right} of {}", 2 * HALF);
    }
    for class in CLASSES {
        let x = chi_square(&sets, class);
        assert!(x < CHI_SQUARE, "{class:?}: {x}");
    }
    // Lengths follow from the statement: all but those of pruned paths, which challenges decide, are equal.
    let length = |p: &Classes, c: Clear| p[&c].len();
    for class in [Clear::Messages, Clear::Sacrifices, Clear::RowsOfH, Clear::RowsOfF, Clear::Salts, Clear::Reduction] {
        let n = length(&sets[0][0], class);
        assert!(sets.iter().flatten().all(|p| length(p, class) == n), "{class:?}");
    }
}

/// The control: leave out one protection, and both notice. Pads of zero; long-lived blocks of zero.
#[test]
fn without_pads_or_blocks_they_can() {
    let n = 3 * toy_plan().schedule.messages;
    let sets = [0, 1].map(|k| proofs(k, 16, || Entropy::scripted([("pads", vec![F::ZERO; n])].into())));
    let (x, right) = (chi_square(&sets, Clear::Messages), told(&sets, &[Clear::Messages]));
    assert!(x > CHI_SQUARE && right >= 14, "pads: {x}, {right} of 16");
    println!("without pads: chi-square {x:.0}, {right} of 16");
    let sets = [0, 1].map(|set| {
        let (known, s) = (witness(set), shape());
        let bare = |payload: &Vec<F>| {
            let salts = random("salts", SALT << (s.log_height + RATE));
            LongLived::with_randomness(s, RATE, payload, &vec![F::ZERO; s.columns * s.block], salts).unwrap()
        };
        let prove = |_| {
            let [data, model] = known.payloads();
            classes(&known.prove(&Others::pinned([bare(&data), bare(&model)]), fresh()))
        };
        (0..16).map(prove).collect::<Vec<_>>()
    });
    let (x, right) = (chi_square(&sets, Clear::RowsOfF), told(&sets, &[Clear::RowsOfF]));
    assert!(x > CHI_SQUARE && right >= 14, "blocks: {x}, {right} of 16");
    println!("without blocks: chi-square {x:.0}, {right} of 16");
}
