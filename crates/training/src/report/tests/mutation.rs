//! Every field of the statement and of the proof, and the rules of statements.
use super::*;
use crate::file::{self, FileError, Kind};
use crate::record::RecordError;
use crate::run::RunProof;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;
use tacit_argument::hiding::HidingError;
use tacit_argument::opening::OpeningError;

fn full(world: &World) -> ReportProof {
    let asked = [
        Asked::Counts,
        Asked::Exactly { rate: Rate::Accuracy, group: Some(1) },
        Asked::AtLeast { rate: Rate::Recall { class: 1 }, group: Some(0), bound: (0, 50) },
        Asked::GapAtMost { rate: Rate::Accuracy, bound: (99, 100) },
        Asked::Outputs,
    ];
    world.prove(&world.committed(Rows::Range { first: 4, count: 70 }), Some(&by_flag()), &asked)
}

fn is_source_claim(e: &ReportRejected) -> bool {
    matches!(e, ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim)))
}

#[test]
fn every_field_of_the_statement() {
    let world = World::new(perceptron());
    let good = full(&world);
    world.verify(&good).unwrap();
    let with = |change: &dyn Fn(&mut ReportStatement)| {
        let mut r = good.clone();
        change(&mut r.statement);
        assert_ne!(r.statement, good.statement);
        world.verify(&r).unwrap_err()
    };
    let e = with(&|s| s.version = 2);
    assert!(matches!(e, ReportRejected::Version { got: 2 }), "{e}");
    let e = with(&|s| s.run_digest[31] ^= 1);
    assert!(matches!(e, ReportRejected::OtherRun), "{e}");
    let e = with(&|s| s.model_digest[0] ^= 1);
    assert!(matches!(e, ReportRejected::NotFinalModel), "{e}");
    let same_shape: [&dyn Fn(&mut ReportStatement); 9] = [
        &|s| s.input = Input::Committed { data: world.data.record.clone(), rows: Rows::Range { first: 5, count: 70 } },
        &|s| s.groups.as_mut().unwrap().columns[0] = 4,
        &|s| s.groups.as_mut().unwrap().values.swap(0, 1),
        &|s| s.groups.as_mut().unwrap().values[1][0] += 1,
        &|s| s.shown.swap(1, 2),
        &|s| {
            let Shown::Counts { counts } = &mut s.shown[0] else { panic!() };
            let (i, j) = (0, counts.iter().position(|c| *c != counts[0]).unwrap());
            counts.swap(i, j);
        },
        &|s| {
            let Shown::Exactly { numerator, .. } = &mut s.shown[1] else { panic!() };
            *numerator -= 1;
        },
        &|s| {
            let Shown::AtLeast { rate, .. } = &mut s.shown[2] else { panic!() };
            *rate = Rate::Recall { class: 2 };
        },
        &|s| {
            let Shown::GapAtMost { bound, .. } = &mut s.shown[3] else { panic!() };
            *bound = (98, 100);
        },
    ];
    for (i, change) in same_shape.into_iter().enumerate() {
        let e = with(change);
        assert!(is_source_claim(&e), "{i}: {e:?}");
    }
    let e = with(&|s| s.shown.truncate(4));
    assert!(matches!(e, ReportRejected::Argument(ArgumentError::Hiding(_) | ArgumentError::Opening(_))), "{e:?}");
}

#[test]
fn every_field_of_the_data_record() {
    let world = World::new(perceptron());
    let good = world.all(&[Asked::Counts]);
    let with = |change: &dyn Fn(&mut DataRecord)| {
        let mut r = good.clone();
        let Input::Committed { data, .. } = &mut r.statement.input else { panic!() };
        change(data);
        world.verify(&r).unwrap_err()
    };
    let invalid = |e: ReportRejected| match e {
        ReportRejected::Invalid(i) => i,
        e => panic!("{e:?}"),
    };
    let e = invalid(with(&|d| d.version = 2));
    assert!(matches!(e, ReportInvalid::Record(RecordError::Version { got: 2 })), "{e}");
    let e = invalid(with(&|d| d.features = 4));
    assert!(matches!(e, ReportInvalid::Mismatch { field: "features", expected: 5, got: 4 }), "{e}");
    let e = invalid(with(&|d| d.fa = 7));
    assert!(matches!(e, ReportInvalid::Mismatch { field: "fractional bits", expected: 6, got: 7 }), "{e}");
    let e = invalid(with(&|d| d.labels = crate::record::Labels::Class { classes: 2 }));
    assert!(matches!(e, ReportInvalid::Labels), "{e}");
    let e = invalid(with(&|d| d.rows = 0));
    assert!(matches!(e, ReportInvalid::Record(RecordError::Limit { field: "rows", .. })), "{e}");
    let e = with(&|d| d.vector.log_inv_rate = 1);
    assert!(matches!(e, ReportRejected::Statement(StatementError::Rate { got: 1, expected: 2, .. })), "{e}");
    let e = invalid(with(&|d| d.rows -= 1));
    assert!(matches!(e, ReportInvalid::CountSum { expected: 89, got: 90 }), "{e}");
    for change in [
        (&|d: &mut DataRecord| d.schema[0] ^= 1) as &dyn Fn(&mut DataRecord),
        &|d| d.data_bits -= 1,
        &|d| d.names = Some(vec!["a".into(); 5]),
        &|d| d.released = vec!["a".into()],
        &|d| d.vector.root[3] ^= 1,
        &|d| d.vector.row_budget -= 1,
        &|d| d.pin += E::ONE,
    ] {
        let e = with(change);
        assert!(is_source_claim(&e), "{e:?}");
    }
}

/// Statements that break a rule are refused before anything is computed.
#[test]
fn every_rule_of_statements() {
    let world = World::new(perceptron());
    let good = full(&world);
    let with = |change: &dyn Fn(&mut ReportStatement)| {
        let mut r = good.clone();
        change(&mut r.statement);
        match world.verify(&r).unwrap_err() {
            ReportRejected::Invalid(i) => i,
            e => panic!("{e:?}"),
        }
    };
    let rows = |rows: Rows| with(&|s| s.input = world.committed(rows.clone()));
    for r in [
        Rows::Range { first: 21, count: 70 },
        Rows::Range { first: 0, count: 0 },
        Rows::Range { first: u32::MAX, count: 2 },
        Rows::Listed(vec![]),
        Rows::Listed(vec![1, 1]),
        Rows::Listed(vec![2, 1]),
        Rows::Listed(vec![90]),
    ] {
        let e = rows(r);
        assert!(matches!(e, ReportInvalid::Rows { rows: 90 }), "{e}");
    }
    let groups = |groups: Groups| with(&|s| s.groups = Some(groups.clone()));
    for g in [
        Groups { columns: vec![], values: vec![vec![], vec![]] },
        Groups { columns: vec![5], values: vec![vec![0], vec![1]] },
        Groups { columns: vec![3, 3], values: vec![vec![0, 0], vec![1, 1]] },
        Groups { columns: vec![3], values: vec![vec![0], vec![0]] },
        Groups { columns: vec![3], values: vec![vec![0], vec![0, 1]] },
    ] {
        let e = groups(g);
        assert!(matches!(e, ReportInvalid::Groups), "{e}");
    }
    let e = groups(Groups { columns: vec![3], values: vec![vec![0]] });
    assert!(matches!(e, ReportInvalid::Length { field: "groups", got: 1, min: 2, .. }), "{e}");
    let shown = |i: usize, shown: Shown| with(&|s| s.shown[i] = shown.clone());
    let e = shown(0, Shown::Counts { counts: vec![70; 9] });
    assert!(matches!(e, ReportInvalid::Length { field: "counts", got: 9, min: 18, .. }), "{e}");
    let e = shown(0, Shown::Counts { counts: vec![1; 18] });
    assert!(matches!(e, ReportInvalid::CountSum { expected: 70, got: 18 }), "{e}");
    let rate = Rate::Accuracy;
    let e = shown(1, Shown::Exactly { rate, group: Some(2), numerator: 0, denominator: 1 });
    assert!(matches!(e, ReportInvalid::NoSuchGroup { got: 2, groups: 2 }), "{e}");
    for (n, d) in [(0, 0), (2, 1)] {
        let e = shown(1, Shown::Exactly { rate, group: None, numerator: n, denominator: d });
        assert!(matches!(e, ReportInvalid::Fraction { got } if got == (n, d)), "{e}");
        let e = shown(2, Shown::AtLeast { rate, group: None, bound: (n, d) });
        assert!(matches!(e, ReportInvalid::Fraction { got } if got == (n, d)), "{e}");
    }
    let e = shown(2, Shown::AtLeast { rate: Rate::F1 { class: 3 }, group: None, bound: (0, 1) });
    assert!(matches!(e, ReportInvalid::NoSuchClass { got: 3, classes: 3 }), "{e}");
    let fine = u32::MAX;
    let e = shown(3, Shown::GapAtMost { rate, denominators: vec![1 << 24, 1 << 24], bound: (1, fine) });
    assert!(matches!(e, ReportInvalid::BoundTooFine { denominator, .. } if denominator == fine), "{e}");
    let e = shown(3, Shown::GapAtMost { rate, denominators: vec![1], bound: (0, 1) });
    assert!(matches!(e, ReportInvalid::Length { field: "denominators", got: 1, .. }), "{e}");
    let e = shown(3, Shown::GapAtMost { rate, denominators: vec![1, 0], bound: (0, 1) });
    assert!(matches!(e, ReportInvalid::Fraction { .. }), "{e}");
    let e = shown(4, Shown::Outputs { values: vec![0; 209] });
    assert!(matches!(e, ReportInvalid::Length { field: "outputs", got: 209, min: 210, .. }), "{e}");
    let e = with(&|s| s.shown.clear());
    assert!(matches!(e, ReportInvalid::Length { field: "shown", got: 0, .. }), "{e}");
    let e = with(&|s| s.shown.push(s.shown[0].clone()));
    assert!(matches!(e, ReportInvalid::NotApplicable { .. }), "{e}");
    let e = with(&|s| s.groups = None);
    assert!(matches!(e, ReportInvalid::Length { field: "counts", .. }), "{e}");
    let e = with(&|s| {
        s.groups = None;
        s.shown = vec![s.shown[3].clone()];
    });
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "a gap between groups without groups" }), "{e}");
    let e = with(&|s| s.shown.retain(|x| matches!(x, Shown::Outputs { .. })));
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "groups of which nothing is shown" }), "{e}");
    let public = |features: Vec<i32>| {
        with(&|s| {
            s.input = Input::Public { features: features.clone() };
            s.groups = None;
            s.shown = vec![Shown::Outputs { values: vec![0; 3] }];
        })
    };
    for features in [vec![], vec![0; 4], vec![0, 0, 0, 0, 256], vec![0, 0, 0, 0, -257]] {
        let e = public(features);
        assert!(matches!(e, ReportInvalid::PublicFeatures { inputs: 5, bits: 9 }), "{e}");
    }
    let e = with(&|s| {
        s.input = Input::Public { features: vec![0; 5] };
        s.groups = None;
        s.shown = vec![Shown::AtLeast { rate, group: None, bound: (0, 1) }];
    });
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "a rate of rows without labels" }), "{e}");
}

#[test]
fn losses_without_classes_have_no_rates() {
    for (loss, outputs) in [(Loss::Mse, 1), (Loss::BceWithLogits, 2)] {
        let world = World::new(config(vec![layer(5, outputs, Activation::Identity)], loss, ROWS));
        let mut r = world.all(&[Asked::Outputs]);
        r.statement.shown[0] = Shown::AtLeast { rate: Rate::Accuracy, group: None, bound: (0, 1) };
        let e = world.verify(&r).unwrap_err();
        let expected = "a rate of classes";
        assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NotApplicable { what }) if what == expected), "{e}");
    }
}

#[test]
fn weights_without_room_are_refused() {
    let mut world = World::new(perceptron());
    let good = world.all(&[Asked::Counts]);
    // K a w + 2^(z_bits + F - 1) + 2^(F - 1) < p in layer 2: 5 inputs of at most 2^10.
    let second = (u128::from(tacit_argument::field::P) - (1 << 32) - (1 << 21) - 1) / (5 * 1024);
    world.verdict.w_out = second;
    world.verify(&good).unwrap();
    world.verdict.w_out = second + 1;
    let e = world.verify(&good).unwrap_err();
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NoWrap(_))), "{e}");
}

#[test]
fn every_message_of_the_proof() {
    let world = World::new(logistic());
    let good = world.all(&[Asked::Counts, BOUND]);
    let with = |change: &dyn Fn(&mut RelationProof)| {
        let mut r = good.clone();
        change(&mut r.proof);
        world.verify(&r).unwrap_err()
    };
    let messages = good.proof.masked.messages.len();
    assert!(is_source_claim(&with(&|p| p.trace_root[0] ^= 1)));
    for i in 0..messages {
        assert!(is_source_claim(&with(&|p| p.masked.messages[i] += E::ONE)), "message {i}");
    }
    for (i, k) in (0..good.proof.masked.sacrifices.len()).flat_map(|i| [(i, 0), (i, 1)]) {
        assert!(is_source_claim(&with(&|p| p.masked.sacrifices[i][k] += E::ONE)));
    }
    let e = with(&|p| p.masked.messages.truncate(messages - 1));
    assert!(matches!(e, ReportRejected::Argument(ArgumentError::Hiding(HidingError::MessageMissing { .. }))), "{e}");
}

#[test]
fn every_record_and_verdict_it_is_verified_against() {
    let world = World::new(logistic());
    let good = world.all(&[BOUND]);
    let mut record = world.model.record.clone();
    record.vector.root[0] ^= 1;
    let e = verify_report(&good, &world.verdict, &world.run, &record).unwrap_err();
    assert!(matches!(e, ReportRejected::OtherRecord), "{e}");
    record.layers[0].1 += 1;
    let verdict = RunVerdict { model_digest: record.digest().unwrap(), ..world.verdict.clone() };
    let mut r = good.clone();
    r.statement.model_digest = verdict.model_digest;
    let e = verify_report(&r, &verdict, &world.run, &record).unwrap_err();
    assert!(matches!(e, ReportRejected::Record(RecordError::Limit { .. })), "{e}");
    let mut run = world.run.clone();
    run.released.push("x".into());
    let e = verify_report(&good, &world.verdict, &run, &world.model.record).unwrap_err();
    assert!(matches!(e, ReportRejected::OtherStatement), "{e}");
    let verdict = RunVerdict { run_digest: run.digest().unwrap(), ..world.verdict.clone() };
    let e = verify_report(&good, &verdict, &run, &world.model.record).unwrap_err();
    assert!(matches!(e, ReportRejected::OtherRun), "{e}");
}

#[test]
fn changed_bytes_and_cut_files_are_rejected() {
    let world = World::new(logistic());
    let bytes = file::encode(Kind::Report, &world.all(&[BOUND])).unwrap();
    let accepted =
        |bytes: &[u8]| file::decode::<ReportProof>(Kind::Report, bytes).is_ok_and(|r| world.verify(&r).is_ok());
    assert!(accepted(&bytes));
    let other = file::decode::<RunProof>(Kind::Run, &bytes).err();
    assert_eq!(other, Some(FileError::Kind { got: 7, expected: Kind::Run }));
    for at in (0..600).step_by(3).chain((600..bytes.len()).step_by(1709)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(!accepted(&changed), "byte {at} of {}", bytes.len());
        let cut = file::decode::<ReportProof>(Kind::Report, &bytes[..at]).err();
        assert!(matches!(cut, Some(FileError::Damaged | FileError::NotOurs)), "{cut:?}");
    }
}

#[test]
fn sums_of_errors_have_rules_of_their_own() {
    let world = World::new(config(vec![layer(5, 2, Activation::Identity)], Loss::Mse, ROWS));
    let good = world.all(&[Asked::SquaredError]);
    let with = |shown: Vec<Shown>| {
        let mut r = good.clone();
        r.statement.shown = shown;
        match world.verify(&r).unwrap_err() {
            ReportRejected::Invalid(i) => i,
            e => panic!("{e:?}"),
        }
    };
    let most = 90 * 2 * (1u64 << 32);
    let e = with(vec![Shown::SquaredError { sum: most + 1 }]);
    assert!(matches!(e, ReportInvalid::Sum { got, most: m } if got == most + 1 && m == most), "{e}");
    let e = with(vec![Shown::TargetMoments { sums: vec![0], squares: 0 }]);
    assert!(matches!(e, ReportInvalid::Length { field: "sums of targets", got: 1, .. }), "{e}");
    let e = with(vec![Shown::TargetMoments { sums: vec![0, i64::MIN], squares: 0 }]);
    assert!(matches!(e, ReportInvalid::Sum { .. }), "{e}");
    let e = with(vec![Shown::SquaredError { sum: 1 }, Shown::SquaredError { sum: 2 }]);
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "one sum twice" }), "{e}");
    let world = World::new(perceptron());
    let mut r = world.all(&[Asked::Counts]);
    r.statement.shown[0] = Shown::SquaredError { sum: 0 };
    let e = world.verify(&r).unwrap_err();
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::Labels)), "{e}");
    r.statement.input = Input::Public { features: vec![0; 5] };
    let e = world.verify(&r).unwrap_err();
    assert!(matches!(e, ReportRejected::Invalid(ReportInvalid::NotApplicable { .. })), "{e}");
}
