//! Classes, bounds and commitments of outputs: honest ones, and every way to tell another one.
use super::attacks::{Forgery, Group};
use super::hidden::outputs;
use super::*;
use crate::record::Labels;
use alloc::string::ToString;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{F, signed};
use tacit_argument::soundness::{TARGET_BITS, total};

/// These values as the features of a data set.
pub(super) fn commit_outputs(values: &[i32], width: u32) -> (DataCommitment, Data) {
    let rows = values.len() as u32 / width;
    let (labels, stride) = (Labels::Real { outputs: 1, bits: 2 }, log2_ceil(rows as usize));
    let shape = long_lived_shape(((width + 1) as usize) << stride, stride, 8, RATE.into()).unwrap();
    let vector = Vector {
        suite: SUITE_BLAKE3,
        log_inv_rate: RATE,
        shape,
        row_budget: (shape.block - PIN_BLOCK) as u64,
        root: [0; 32],
    };
    let record = DataRecord {
        version: RECORD_VERSION,
        rows,
        features: width,
        labels,
        fa: FA,
        data_bits: 11,
        schema: [8; 32],
        names: None,
        released: vec![],
        vector,
        pin: Default::default(),
    };
    let data = Data { features: values.to_vec(), labels: vec![0; rows as usize] };
    let payload = data_payload(&record, &data);
    let committed = commit_data(record, &payload, &[4; 32], Entropy::fresh(&SECRET, &[5; 32]).unwrap()).unwrap();
    (committed, data)
}

fn committed(to: &DataCommitment) -> Asked {
    Asked::Committed { outputs: alloc::boxed::Box::new(to.record.clone()) }
}

fn prove(
    world: &World,
    input: &Input,
    hidden: &[u32],
    to: Option<&DataCommitment>,
    asked: &[Asked],
) -> Result<ReportProof, ReportError> {
    let about = ReportInput { hidden, ..world.input(input, None) };
    let trees = ReportTrees { outputs: to.map(|c| &c.vector), ..world.trees(input) };
    prove_report(&about, trees, asked, &SECRET)
}

/// A bound that every row just reaches, of one output less another.
fn tight(z: &[i32], width: usize, plus: Option<u32>, minus: Option<u32>) -> Asked {
    let of = |row: &[i32], j: Option<u32>| j.map_or(0, |j| row[j as usize]);
    Asked::Margins { plus, minus, bounds: z.chunks(width).map(|row| of(row, plus) - of(row, minus)).collect() }
}

fn class(z: &[i32]) -> u32 {
    match z {
        [one] => (*one > 0).into(),
        _ => z.iter().position(|v| v == z.iter().max().unwrap()).unwrap() as u32,
    }
}

#[test]
fn every_input_of_every_loss() {
    let regression = config(vec![layer(5, 2, Activation::Identity)], Loss::Mse, ROWS);
    for config in [perceptron(), logistic(), regression] {
        let (width, world) = (config.architecture.layers.last().unwrap().outputs as usize, World::new(config));
        let d = world.run.config.architecture.layers[0].inputs as usize;
        let rows = [5u32, 11, 60, 61, 62];
        let z = outputs(&world, &rows);
        let features = rows.iter().flat_map(|&i| world.rows.features[i as usize * d..][..d].to_vec()).collect();
        let (to, _) = commit_outputs(&z, width as u32);
        let inputs: [(Input, &[u32]); 3] = [
            (Input::Public { features }, &[]),
            (world.committed(Rows::Listed(rows.to_vec())), &[]),
            (world.committed(Rows::Hidden { count: 5 }), &rows),
        ];
        for (input, hidden) in inputs {
            let last = width as u32 - 1;
            let mut asked = vec![committed(&to), tight(&z, width, Some(last), None), tight(&z, width, None, Some(0))];
            if width > 1 {
                asked.push(tight(&z, width, Some(0), Some(last)));
            }
            if world.run.config.architecture.loss != Loss::Mse {
                asked.insert(0, Asked::Classes);
            }
            let report = prove(&world, &input, hidden, Some(&to), &asked).unwrap();
            let verdict = world.verify(&report).unwrap();
            assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
            if let Shown::Classes { classes } = &report.statement.shown[0] {
                assert_eq!(*classes, z.chunks(width).map(class).collect::<Vec<_>>());
            }
            let words = report_words(&report.statement, None, true).shown.concat();
            assert!(
                words.contains("is at least its bound") && words.contains("are the features behind the commitment")
            );
            // One more than a row reaches.
            let Some(Asked::Margins { plus, minus, mut bounds }) = asked.pop() else { panic!() };
            bounds[3] += 1;
            let e = prove(&world, &input, hidden, None, &[Asked::Margins { plus, minus, bounds }]).map(|_| ());
            assert!(matches!(e, Err(ReportError::MarginFails { row: 3 })), "{e:?}");
        }
    }
}

#[test]
fn classes_beside_counts() {
    let world = World::new(perceptron());
    let report = world.prove(&world.committed(Rows::All), Some(&by_flag()), &[Asked::Counts, Asked::Classes, BOUND]);
    world.verify(&report).unwrap();
    let z = outputs(&world, &(0..ROWS).collect::<Vec<_>>());
    assert_eq!(report.statement.shown[1], Shown::Classes { classes: z.chunks(3).map(class).collect() });
}

#[test]
fn rules_of_what_is_told() {
    let world = World::new(perceptron());
    let z = outputs(&world, &[1, 2]);
    let (to, _) = commit_outputs(&z, 3);
    let input = world.committed(Rows::Listed(vec![1, 2]));
    let asked = [Asked::Classes, tight(&z, 3, Some(0), Some(1)), committed(&to)];
    let good = prove(&world, &input, &[], Some(&to), &asked).unwrap();
    world.verify(&good).unwrap();
    let with = |change: &dyn Fn(&mut Vec<Shown>)| {
        let mut r = good.clone();
        change(&mut r.statement.shown);
        match world.verify(&r).unwrap_err() {
            ReportRejected::Invalid(i) => i,
            e => panic!("{e:?}"),
        }
    };
    for i in [0, 2] {
        let e = with(&|s| s.push(s[i].clone()));
        assert!(matches!(e, ReportInvalid::NotApplicable { what: "one table or list of outputs twice" }), "{e}");
    }
    let e = with(&|s| s[0] = Shown::Classes { classes: vec![0] });
    assert!(matches!(e, ReportInvalid::Length { field: "classes of rows", got: 1, min: 2, max: 2 }), "{e}");
    let e = with(&|s| s[0] = Shown::Classes { classes: vec![0, 3] });
    assert!(matches!(e, ReportInvalid::NoSuchClass { got: 3, classes: 3 }), "{e}");
    for (plus, minus) in [(None, None), (Some(1), Some(1)), (Some(3), None), (Some(0), Some(u32::MAX))] {
        let e = with(&|s| s[1] = Shown::Margins { plus, minus, bounds: vec![0, 0] });
        assert!(matches!(e, ReportInvalid::Margin { outputs: 3 }), "{e}");
    }
    let margins =
        |bounds: Vec<i32>| with(&|s| s[1] = Shown::Margins { plus: Some(0), minus: None, bounds: bounds.clone() });
    let e = margins(vec![0; 3]);
    assert!(matches!(e, ReportInvalid::Length { field: "bounds of rows", got: 3, min: 2, max: 2 }), "{e}");
    for got in [MAX_MARGIN as i32 + 1, i32::MIN] {
        let e = margins(vec![0, got]);
        assert!(matches!(e, ReportInvalid::MarginBound { got: g } if g == got), "{e}");
    }
    let record = |change: &dyn Fn(&mut DataRecord)| {
        with(&|s| {
            let mut outputs = to.record.clone();
            change(&mut outputs);
            s[2] = Shown::Committed { outputs: outputs.into() };
        })
    };
    assert!(matches!(record(&|r| r.version = 2), ReportInvalid::Record(_)));
    for (field, e) in [
        ("rows of committed outputs", record(&|r| r.rows = 1)),
        ("fractional bits of committed outputs", record(&|r| r.fa += 1)),
    ] {
        assert!(matches!(&e, ReportInvalid::Mismatch { field: f, .. } if *f == field), "{e}");
    }
    let (narrow, _) = commit_outputs(&z[..4], 2);
    let e = record(&|r| *r = narrow.record.clone());
    assert!(matches!(e, ReportInvalid::Mismatch { field: "columns of committed outputs", expected: 3, got: 2 }), "{e}");
    let mut other = good.clone();
    let mut outputs = to.record.clone();
    outputs.vector.log_inv_rate = 1;
    other.statement.shown[2] = Shown::Committed { outputs: outputs.into() };
    let e = world.verify(&other).unwrap_err();
    assert!(matches!(e, ReportRejected::Statement(StatementError::Rate { .. })), "{e}");
    // A model of targets has no class.
    let world = World::new(config(vec![layer(5, 2, Activation::Identity)], Loss::Mse, ROWS));
    let e =
        world.try_prove(&world.input(&world.committed(Rows::All), None), &[Asked::Classes]).map(|_| ()).unwrap_err();
    let invalid = ReportInvalid::NotApplicable { what: "a class" };
    assert!(e.to_string().contains(&invalid.to_string()), "{e}");
}

/// Another class of one row, and another bound, with all columns as they were.
#[test]
fn another_class_or_bound_is_refused() {
    for config in [perceptron(), logistic()] {
        let world = World::new(config);
        let width = world.run.config.architecture.layers
            [1 - usize::from(world.run.config.architecture.layers.len() == 1)]
        .outputs;
        let rows: Vec<u32> = (3..80).collect();
        let z = outputs(&world, &rows);
        let asked = [Asked::Classes, tight(&z, width as usize, Some(0), None)];
        let fresh = || Forgery::new(&world, Rows::Range { first: 3, count: 77 }, None, &asked);
        assert!(fresh().rejected_by().is_empty());
        let mut f = fresh();
        let classes = f.evaluation.classes as u32;
        let Shown::Classes { classes: told } = &mut f.statement.shown[0] else { panic!() };
        told[40] = (told[40] + 1) % classes;
        f.assert_rejected(&[Group::Told]);
        for (row, by) in [(0, 1), (76, -1)] {
            let mut f = fresh();
            let Shown::Margins { bounds, .. } = &mut f.statement.shown[1] else { panic!() };
            bounds[row] += by;
            f.assert_rejected(&[Group::Told]);
        }
        // A bound that fails, with the margin that there is: below 0 it has no limbs.
        let mut f = fresh();
        let Shown::Margins { bounds, .. } = &mut f.statement.shown[1] else { panic!() };
        bounds[9] += 1;
        let first = f.relation().margins.first;
        *f.cell(first, 9) = -F::ONE;
        f.assert_rejected(&[Group::Lookups]);
        let mut f = fresh();
        let Shown::Margins { bounds, .. } = &mut f.statement.shown[1] else { panic!() };
        bounds[9] += 1;
        *f.cell(first, 9) = signed((1 << 9) - 1);
        *f.cell(first + 1, 9) = -F::ONE;
        f.assert_rejected(&[Group::Lookups]);
        // On rows that are not read a margin is 0.
        let mut f = fresh();
        *f.cell(first, 200) = F::ONE;
        f.assert_rejected(&[Group::Told]);
    }
}

/// Outputs that are not the model's, in any cell, and outputs that stand in another order.
#[test]
fn another_output_in_the_commitment_is_refused() {
    let world = World::new(perceptron());
    let rows: Vec<u32> = (0..70).collect();
    let z = outputs(&world, &rows);
    let input = world.committed(Rows::Range { first: 0, count: 70 });
    let refused = |values: &[i32]| {
        let (to, _) = commit_outputs(values, 3);
        let e = prove(&world, &input, &[], Some(&to), &[committed(&to)]).map(|_| ());
        assert!(matches!(e, Err(ReportError::OtherVectors(_))), "{e:?}");
    };
    for at in [0, 100, 209] {
        let mut values = z.clone();
        values[at] += 1;
        refused(&values);
    }
    let mut values = z.clone();
    values.swap(0, 3);
    assert_ne!(values, z);
    refused(&values);
    // The statement names the commitment: another one of the same outputs is another statement.
    let (to, _) = commit_outputs(&z, 3);
    let good = prove(&world, &input, &[], Some(&to), &[committed(&to)]).unwrap();
    world.verify(&good).unwrap();
    let mut other = good.clone();
    let mut record = to.record.clone();
    record.vector.root[0] ^= 1;
    other.statement.shown = vec![Shown::Committed { outputs: record.into() }];
    assert!(matches!(world.verify(&other).unwrap_err(), ReportRejected::Argument(_)));
}
