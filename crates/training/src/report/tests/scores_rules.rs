//! The rules of figures of scores: each by the error that names it.
use super::scores::{every_figure, pair};
use super::*;

fn refused(world: &World, report: &ReportProof, group: Option<u32>, figure: ScoreFigure) -> ReportInvalid {
    let mut r = report.clone();
    r.statement.shown = vec![Shown::Scores { group, figure }];
    match world.verify(&r).unwrap_err() {
        ReportRejected::Invalid(e) => e,
        e => panic!("{e}"),
    }
}

#[test]
fn shapes_and_sizes() {
    let world = World::new(pair());
    let good = world.prove(&world.committed(Rows::All), Some(&by_flag()), &every_figure());
    let of = |figure| refused(&world, &good, None, figure);
    let in_group = |figure| refused(&world, &good, Some(1), figure);
    let bin = |rows, positives, probability| ScoreBin { rows, positives, probability };

    let e = refused(&world, &good, Some(2), ScoreFigure::AucAtLeast { bound: (0, 1) });
    assert!(matches!(e, ReportInvalid::NoSuchGroup { got: 2, groups: 2 }), "{e}");
    for (positives, negatives) in [(0, 90), (90, 0)] {
        let e = of(ScoreFigure::Auc { twice: 0, positives, negatives });
        assert!(matches!(e, ReportInvalid::OneClass { .. }), "{e}");
    }
    for (positives, negatives) in [(45, 44), (46, 45)] {
        let e = of(ScoreFigure::Auc { twice: 0, positives, negatives });
        assert!(matches!(e, ReportInvalid::CountSum { expected: 90, .. }), "{e}");
    }
    let e = in_group(ScoreFigure::Auc { twice: 0, positives: 60, negatives: 31 });
    assert!(matches!(e, ReportInvalid::CountSum { got: 91, .. }), "{e}");
    let e = of(ScoreFigure::Auc { twice: 4051, positives: 45, negatives: 45 });
    assert!(matches!(e, ReportInvalid::Sum { got: 4051, most: 4050 }), "{e}");
    for bound in [(0, 0), (2, 1)] {
        let e = of(ScoreFigure::AucAtLeast { bound });
        assert!(matches!(e, ReportInvalid::Fraction { .. }), "{e}");
        let e = of(ScoreFigure::AucGapAtMost { positives: vec![20; 2], negatives: vec![25; 2], bound });
        assert!(matches!(e, ReportInvalid::Fraction { .. }), "{e}");
    }
    let e = of(ScoreFigure::LossAtMost { loss: ScoreLoss::Log, bound: (1, 0) });
    assert!(matches!(e, ReportInvalid::Fraction { got: (1, 0) }), "{e}");
    let gap = |positives: &[u32], negatives: &[u32]| ScoreFigure::AucGapAtMost {
        positives: positives.to_vec(),
        negatives: negatives.to_vec(),
        bound: (1, 2),
    };
    let e = in_group(gap(&[20, 20], &[25, 25]));
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "a gap of areas but between groups" }), "{e}");
    for (p, n) in [(&[20][..], &[25, 25][..]), (&[20, 20], &[25, 25, 1])] {
        let e = of(gap(p, n));
        assert!(matches!(e, ReportInvalid::Length { field: "rows of a class", .. }), "{e}");
    }
    let e = of(gap(&[20, 0], &[45, 25]));
    assert!(matches!(e, ReportInvalid::OneClass { .. }), "{e}");
    let e = of(gap(&[20, 20], &[25, 26]));
    assert!(matches!(e, ReportInvalid::CountSum { got: 91, .. }), "{e}");
    let e = of(ScoreFigure::Loss { loss: ScoreLoss::Log, sum: 0, rows: 0 });
    assert!(matches!(e, ReportInvalid::Length { field: "rows of a loss", .. }), "{e}");
    let e = of(ScoreFigure::Loss { loss: ScoreLoss::Log, sum: 0, rows: 89 });
    assert!(matches!(e, ReportInvalid::CountSum { got: 89, .. }), "{e}");
    let e = of(ScoreFigure::Loss { loss: ScoreLoss::Brier, sum: (90 << 20) + 1, rows: 90 });
    assert!(matches!(e, ReportInvalid::Sum { .. }), "{e}");
    // Scores of 12 bits, 6 of them fractional: at most 32 + ln 2 a row.
    let e = of(ScoreFigure::Loss { loss: ScoreLoss::Log, sum: 90 * (33 << 20) + 1, rows: 90 });
    assert!(matches!(e, ReportInvalid::Sum { most, .. } if most == 90 * (33 << 20)), "{e}");
    for edges in [vec![2, 2], vec![3, 2], vec![-2049], vec![2048], vec![i32::MIN], vec![i32::MAX]] {
        let bins = vec![(90, 0); edges.len() + 1];
        let e = of(ScoreFigure::Thresholds { edges, bins });
        assert!(matches!(e, ReportInvalid::Edges { bits: 12 }), "{e}");
    }
    for (edges, field) in [(vec![], "edges"), ((0..257).collect(), "edges"), (vec![1, 2], "bins")] {
        let e = of(ScoreFigure::Thresholds { edges: edges.clone(), bins: vec![(90, 0)] });
        assert!(matches!(e, ReportInvalid::Length { field: f, .. } if f == field), "{e}");
        let e = of(ScoreFigure::Calibration { edges, bins: vec![bin(90, 0, 0)] });
        assert!(matches!(e, ReportInvalid::Length { field: f, .. } if f == field), "{e}");
    }
    let e = of(ScoreFigure::Thresholds { edges: vec![1], bins: vec![(40, 41), (50, 0)] });
    assert!(matches!(e, ReportInvalid::Sum { got: 41, most: 40 }), "{e}");
    let e = of(ScoreFigure::Thresholds { edges: vec![1], bins: vec![(40, 0), (51, 0)] });
    assert!(matches!(e, ReportInvalid::CountSum { got: 91, .. }), "{e}");
    let e = of(ScoreFigure::Calibration { edges: vec![1], bins: vec![bin(40, 41, 0), bin(50, 0, 0)] });
    assert!(matches!(e, ReportInvalid::Sum { got: 41, most: 40 }), "{e}");
    let e = of(ScoreFigure::Calibration { edges: vec![1], bins: vec![bin(40, 0, (40 << 20) + 1), bin(50, 0, 0)] });
    assert!(matches!(e, ReportInvalid::Sum { .. }), "{e}");
    let e = of(ScoreFigure::Calibration { edges: vec![1], bins: vec![bin(40, 0, 0), bin(49, 0, 0)] });
    assert!(matches!(e, ReportInvalid::CountSum { got: 89, .. }), "{e}");
}

#[test]
fn bounds_that_are_too_fine() {
    let mut config = pair();
    config.schedule.rows = 600;
    let world = World::new(config);
    let good = world.prove(&world.committed(Rows::All), Some(&by_flag()), &every_figure());
    // A loss of at most 33 a row, 26 bits, over 600 rows: 2^60 is reached from q = 55,5xx,xxx on.
    let most = (1u64 << 60) / 600 / (33 << 20);
    let at_most = |q: u64| ScoreFigure::LossAtMost { loss: ScoreLoss::Log, bound: (0, q as u32) };
    let e = refused(&world, &good, None, at_most(most + 1));
    assert!(matches!(e, ReportInvalid::BoundTooFine { rows: 600, .. }), "{e}");
    let mut r = good.clone();
    r.statement.shown = vec![Shown::Scores { group: None, figure: at_most(most) }];
    let e = world.verify(&r).unwrap_err();
    assert!(!matches!(e, ReportRejected::Invalid(_)), "{e}");
    let large =
        ScoreFigure::AucGapAtMost { positives: vec![150; 2], negatives: vec![150; 2], bound: (u32::MAX, u32::MAX) };
    let e = refused(&world, &good, None, large);
    assert!(matches!(e, ReportInvalid::BoundTooFine { .. }), "{e}");
}

#[test]
fn histograms_that_are_too_large() {
    // 16 bits of scores, one of labels, and four of groups are the most.
    let world = World::new(logistic());
    let good = world.all(&every_figure());
    let mut config = world.run.config.clone();
    config.architecture.layers[0].z_bits = 16;
    let with = |groups: i32| {
        let mut s = good.statement.clone();
        s.groups = Some(Groups { columns: vec![3], values: (0..groups).map(|g| vec![g]).collect() });
        s.validate(&config, 1 << 20).err()
    };
    assert!(with(16).is_none());
    let e = with(17).unwrap();
    assert!(matches!(e, ReportInvalid::Histogram { groups: 17, bits: 16 }), "{e}");
    // Many lists of bins: what they read is bounded.
    let world = World::new(pair());
    let mut config = world.run.config.clone();
    config.architecture.layers[1].z_bits = 16;
    let mut s = world.all(&every_figure()).statement;
    let bins = vec![ScoreBin { rows: 90, ..ScoreBin::default() }, ScoreBin::default()];
    let list = Shown::Scores { group: None, figure: ScoreFigure::Calibration { edges: vec![0], bins } };
    // 5 values of each of 2^17 scores: rows and probabilities of both labels, rows of one.
    s.shown = vec![list.clone(); 51];
    assert!(s.validate(&config, 1 << 20).is_ok());
    s.shown.push(list);
    let e = s.validate(&config, 1 << 20).err().unwrap();
    assert!(matches!(e, ReportInvalid::Length { field: "values of scores", got, .. } if got == (52 * 5) << 17), "{e}");
}

#[test]
fn other_models_have_no_scores() {
    let nets = [
        config(vec![layer(5, 3, Activation::Identity)], Loss::CrossEntropy, ROWS),
        config(vec![layer(5, 2, Activation::Identity)], Loss::BceWithLogits, ROWS),
        config(vec![layer(5, 1, Activation::Identity)], Loss::Mse, ROWS),
    ];
    for net in nets {
        let world = World::new(net);
        let good = world.all(&[Asked::Outputs]);
        let e = refused(&world, &good, None, ScoreFigure::AucAtLeast { bound: (0, 1) });
        assert!(matches!(e, ReportInvalid::NotApplicable { what: "a score of other than two classes" }), "{e}");
    }
    let world = World::new(logistic());
    let public = world.prove(&Input::Public { features: vec![0; 5] }, None, &[Asked::Outputs]);
    let e = refused(&world, &public, None, ScoreFigure::AucAtLeast { bound: (0, 1) });
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "a rate of rows without labels" }), "{e}");
}
