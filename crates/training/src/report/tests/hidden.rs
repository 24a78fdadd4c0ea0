//! Rows whose places stay hidden: honest ones, and every way to read what is no row of the data.
use super::attacks::{Forgery, Group};
use super::honest::naive;
use super::*;
use crate::report::counting::Evaluation;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{F, signed};
use tacit_argument::soundness::{TARGET_BITS, total};

fn prove(world: &World, hidden: &[u32]) -> Result<ReportProof, ReportError> {
    let input = world.committed(Rows::Hidden { count: hidden.len() as u32 });
    let about = ReportInput { hidden, ..world.input(&input, None) };
    prove_report(&about, world.trees(&input), &[Asked::Outputs], &SECRET)
}

pub(super) fn outputs(world: &World, rows: &[u32]) -> Vec<i32> {
    let d = world.run.config.architecture.layers[0].inputs as usize;
    let row = |&i: &u32| naive(&world.run.config, &world.weights, &world.rows.features[i as usize * d..][..d]);
    rows.iter().flat_map(row).collect()
}

/// In data sets shorter and longer than a column of the trace, and of exactly its length.
#[test]
fn outputs_of_hidden_rows() {
    for (rows, hidden) in [(ROWS, vec![17]), (ROWS, vec![89, 0, 0, 4]), (256, vec![255]), (600, vec![599, 3, 512])] {
        let mut config = perceptron();
        config.schedule.rows = rows;
        let world = World::new(config);
        let report = prove(&world, &hidden).unwrap();
        let verdict = world.verify(&report).unwrap();
        assert_eq!((verdict.rows, verdict.data_digest), (hidden.len(), Some(world.verdict.data_digest)));
        assert!(total(&verdict.soundness) <= -f64::from(TARGET_BITS));
        assert_eq!(report.statement.shown, [Shown::Outputs { values: outputs(&world, &hidden) }]);
        let words = report_words(&report.statement, Some(&world.data.record), true);
        let said = |lines: &[alloc::string::String], what: &str| lines.iter().any(|l| l.contains(what));
        assert!(said(&words.shown, "hidden row") && said(&words.not_shown, "which rows of the data set these are"));
    }
}

#[test]
fn nothing_tells_which_row_it_is() {
    // Two equal rows: the statements are the same, and so are the lengths of the proofs.
    let mut world = World::new(perceptron());
    let d = world.run.config.architecture.layers[0].inputs as usize;
    let row = world.rows.features[..d].to_vec();
    world.rows.features[40 * d..41 * d].copy_from_slice(&row);
    world.data = commit(&world.run.config, &world.rows);
    let [first, other] = [[0], [40]].map(|hidden| prove(&world, &hidden).unwrap());
    assert_eq!(first.statement, other.statement);
    let [a, b] = [&first, &other].map(|r| crate::file::encode(crate::file::Kind::Report, r).unwrap());
    // Merkle paths that share a node are shorter; nothing else differs in length.
    assert!(a.len().abs_diff(b.len()) < a.len() / 10);
    assert_eq!(first.proof.masked.messages.len(), other.proof.masked.messages.len());
}

#[test]
fn rules_of_hidden_rows() {
    let world = World::new(perceptron());
    for hidden in [&[90][..], &[0, u32::MAX]] {
        let e = prove(&world, hidden).map(|_| ()).unwrap_err();
        assert!(matches!(&e, ReportError::Rejected(ReportRejected::Invalid(ReportInvalid::Rows { rows: 90 }))), "{e}");
    }
    let good = prove(&world, &[5]).unwrap();
    let with = |change: &dyn Fn(&mut ReportStatement)| {
        let mut r = good.clone();
        change(&mut r.statement);
        match world.verify(&r).unwrap_err() {
            ReportRejected::Invalid(i) => i,
            e => panic!("{e:?}"),
        }
    };
    for count in [0, 1 + (1 << 17), u32::MAX] {
        let e = with(&|s| s.input = world.committed(Rows::Hidden { count }));
        assert!(matches!(e, ReportInvalid::Selected { count: got, rows: 90 } if got == count), "{e}");
    }
    let e = with(&|s| s.groups = Some(by_flag()));
    assert!(matches!(e, ReportInvalid::NotApplicable { what: "groups of hidden rows" }), "{e}");
    let e = with(&|s| s.shown = vec![Shown::Counts { counts: vec![1, 0, 0, 0, 0, 0, 0, 0, 0] }]);
    let what = "what reads labels or all rows in their order";
    assert!(matches!(e, ReportInvalid::NotApplicable { what: w } if w == what), "{e}");
    // Another number of hidden rows, or rows that are named, are other statements.
    let e = with(&|s| s.input = world.committed(Rows::Hidden { count: 2 }));
    assert!(matches!(e, ReportInvalid::Length { field: "outputs", .. }), "{e}");
    let mut named = good.clone();
    named.statement.input = world.committed(Rows::Listed(vec![5]));
    assert!(matches!(world.verify(&named).unwrap_err(), ReportRejected::Argument(_)));
}

/// A forged report: the model is executed on `row`, whatever that is, and the selectors are these cells.
fn forged<'w>(world: &'w World, row: Vec<i32>, cells: &[(usize, F)]) -> Forgery<'w> {
    let mut f = Forgery::hidden(world, Rows::Hidden { count: 1 }, None, &[Asked::Outputs], &[0]);
    let input = Input::Public { features: row };
    f.evaluation = Evaluation::new(&world.run.config, &world.weights, &input, None, None, &[]).unwrap();
    f.statement.shown = f.evaluation.shown(&[Asked::Outputs]).unwrap();
    f.columns = f.relation().columns(&f.evaluation).unwrap();
    let first = f.relation().selection.unwrap().cell(0);
    cells.iter().for_each(|&(x, v)| f.columns[first + x] = v);
    f
}

#[test]
fn what_is_no_row_is_not_read() {
    let mut config = perceptron();
    config.schedule.rows = 300;
    let world = World::new(config);
    let d = world.run.config.architecture.layers[0].inputs as usize;
    let row = |i: usize| world.rows.features[i * d..][..d].to_vec();
    let one = F::ONE;
    forged(&world, row(270), &[(270, one)]).verdict().unwrap();
    // A row of the prover's own making.
    let mut made = row(3);
    made[0] += 1;
    forged(&world, made, &[(3, one)]).assert_rejected(&[Group::Gates]);
    // Another row than the one whose outputs are shown.
    forged(&world, row(4), &[(3, one)]).assert_rejected(&[Group::Gates]);
    // A combination of two rows whose coefficients sum to 1.
    let mixed = row(1).iter().zip(row(2)).map(|(a, b)| 2 * a - b).collect::<Vec<_>>();
    let mixed = forged(&world, mixed, &[(1, F::TWO), (2, -one)]);
    mixed.assert_rejected(&[Group::Selected]);
    // The sum of two rows.
    let sum = row(1).iter().zip(row(2)).map(|(a, b)| a + b).collect::<Vec<_>>();
    forged(&world, sum, &[(1, one), (2, one)]).assert_rejected(&[Group::One]);
    // No row: zeros.
    forged(&world, vec![0; d], &[]).assert_rejected(&[Group::One]);
    // A row beyond the last one.
    forged(&world, vec![0; d], &[(300, one)]).assert_rejected(&[Group::One]);
    // Beyond the last one a cell is read by nothing but its own square, and cannot bring anything in.
    let beyond = forged(&world, row(3), &[(3, one), (301, one)]);
    beyond.verdict().unwrap();
    forged(&world, row(3), &[(3, one), (301, F::TWO)]).assert_rejected(&[Group::Selected]);
}

/// Of several hidden rows each is bound by itself.
#[test]
fn rows_do_not_change_places() {
    let world = World::new(perceptron());
    let honest = |hidden: &[u32]| {
        let rows = Rows::Hidden { count: 3 };
        Forgery::hidden(&world, rows, None, &[Asked::Outputs], hidden)
    };
    let mut f = honest(&[7, 30, 80]);
    assert!(f.rejected_by().is_empty());
    let s = f.relation().selection.unwrap();
    let swapped = honest(&[30, 7, 80]).columns;
    for j in 0..3 {
        let at = s.cell(j);
        f.columns[at..at + 90].copy_from_slice(&swapped[at..at + 90]);
    }
    f.assert_rejected(&[Group::Gates]);
    // One selector gives to another what it lacks.
    let mut f = honest(&[7, 30, 80]);
    f.columns[s.cell(0) + 7] = signed(2);
    f.columns[s.cell(1) + 30] = F::ZERO;
    assert_eq!(f.rejected_by(), [Group::Selected, Group::One, Group::Gates].into());
    assert!(f.verdict().is_err());
}

/// Every cell of a selector over the rows of the data.
#[test]
fn every_cell_of_a_selector_is_determined() {
    let world = World::new(logistic());
    let mut f = Forgery::hidden(&world, Rows::Hidden { count: 2 }, None, &[Asked::Outputs], &[11, 60]);
    let s = f.relation().selection.unwrap();
    for cell in (0..2).flat_map(|j| (0..90).map(move |x| s.cell(j) + x)) {
        f.columns[cell] += F::ONE;
        let rejected = f.rejected_by();
        assert!(rejected.contains(&Group::One), "cell {cell}: {rejected:?}");
        f.columns[cell] -= F::ONE;
    }
    assert!(f.rejected_by().is_empty());
}
