//! Reports on the run of `tests/fixtures`, an honest one and whole proofs of a dishonest prover: the second verifier
//! reads the same files. With `TACIT_FIXTURES=FOLDER` they are proven again and written there:
//!
//! `TACIT_FIXTURES=$PWD/tests/fixtures cargo test --release -p tacit-training report::tests::fixtures`
use super::attacks::{Forgery, Group};
use super::*;
use crate::file::{self, Kind};
use crate::initial::initial_weights;
use crate::report::head::Prediction;
use crate::run::{RunProof, verify_run};
use crate::trainer::train_chunk;
use crate::verify::DataFile;
use p3_field::PrimeCharacteristicRing;
use std::path::{Path, PathBuf};
use tacit_argument::field::F;
use tacit_argument::opening::OpeningError;

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// The owner's side of the run that `examples/fixture.rs` writes: its rows and seeds are fixed.
pub(super) fn seeded() -> World {
    owner("seeded.tacit")
}

/// The same of one of its runs on these data.
pub(super) fn owner(run: &str) -> World {
    let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
    let run: RunProof = file::decode(Kind::Run, &read(run)).unwrap();
    let body: DataFile = file::decode(Kind::Data, &read("seeded.commitment")).unwrap();
    let config = &run.statement.config;
    let half = 1 << (config.data_bits - 2);
    let features = (0..config.schedule.rows as i32 * 3).map(|i| (i * 7919 + i * i * 31) % (2 * half) - half).collect();
    let rows = Data { features, labels: (0..config.schedule.rows as i32).map(|i| i * 3 % 2).collect() };
    let mut record = body.record.clone();
    (record.vector.root, record.pin) = ([0; 32], Default::default());
    let payload = data_payload(&record, &rows);
    let data = commit_data(record, &payload, &[3; 32], Entropy::fresh(&SECRET, &[2; 32]).unwrap()).unwrap();
    assert_eq!(data.record, body.record);

    let Start::Seed { origin } = &run.statement.start else { panic!() };
    let weights = initial_weights(config, &run.statement.seed("initial", origin).unwrap());
    let start = ModelState { velocity: Some(vec![0; weights.len()]), weights };
    let end = train_chunk(config, 0, &start, &rows).unwrap().end.state;
    let model = commit_state(config, &end, run.statement.log_inv_rate, 4, &[0; 32]).unwrap();
    assert_eq!(model.record, run.chunks[0].model_out);
    let verdict = verify_run(&run).unwrap();
    World { run: run.statement, verdict, model, weights: end.weights, data, rows }
}

fn forgery(world: &World) -> Forgery<'_> {
    let bound = Asked::AtLeast { rate: Rate::Recall { class: 1 }, group: None, bound: (0, 1) };
    Forgery::new(world, Rows::All, None, &[Asked::Counts, Asked::Outputs, bound])
}

/// A row of this label and prediction counts as predicted otherwise.
fn move_count(f: &mut Forgery<'_>, label: usize, from: usize) {
    let counts = f.counts();
    counts[label * 2 + from] -= 1;
    counts[label * 2 + 1 - from] += 1;
}

#[test]
fn forged_reports_on_a_run_of_files() {
    let (world, mut other) = (seeded(), seeded());
    other.weights[0] += 1 << (world.run.config.scales.fw - 2);
    let honest = forgery(&world);
    assert!(honest.rejected_by().is_empty());
    let (label, class) = (honest.evaluation.labels[0], honest.evaluation.predicted[0]);
    // The counts alone.
    let mut count = forgery(&world);
    move_count(&mut count, label, class);
    assert_eq!(count.rejected_by(), [Group::Gates].into());
    // A prediction that its output does not give, and counts that follow it.
    let mut prediction = forgery(&world);
    let Prediction::Positive { step } = prediction.relation().head.clone().unwrap().prediction else { panic!() };
    *prediction.cell(step, 0) = F::from_bool(class == 1);
    move_count(&mut prediction, label, class);
    assert_eq!(prediction.rejected_by(), [Group::Lookups].into());
    // Another model, executed as it is: only the opening of this one tells.
    let model = forgery(&other);
    assert_ne!(model.evaluation.outputs(), honest.evaluation.outputs());

    let made = [
        ("report-seeded", honest.prove()),
        ("forged-report-count", count.prove()),
        ("forged-report-prediction", prediction.prove()),
        ("forged-report-model", model.prove()),
    ];
    compare(made, |report| world.verify(report));
}

/// An area that is larger by half a pair; a row of class 1 that is counted at the largest score, with the area that
/// follows.
#[test]
fn forged_scores_on_a_run_of_files() {
    let world = seeded();
    let forgery = || Forgery::new(&world, Rows::All, None, &[Asked::Scores { group: None, figure: AskedFigure::Auc }]);
    let raise = |f: &mut Forgery<'_>, by: u64| {
        let Shown::Scores { figure: ScoreFigure::Auc { twice, .. }, .. } = &mut f.statement.shown[0] else { panic!() };
        *twice += by;
    };
    let honest = forgery();
    assert!(honest.rejected_by().is_empty());
    let mut area = forgery();
    raise(&mut area, 1);
    assert_eq!(area.rejected_by(), [Group::Scores].into());
    let (scores, labels) = (honest.evaluation.outputs(), &honest.evaluation.labels);
    let gained = |row: usize| -> u64 {
        let others = scores.iter().zip(labels).filter(|(_, y)| **y == 0).map(|(z, _)| *z);
        others.map(|z| u64::from(z >= scores[row]) + u64::from(z > scores[row])).sum()
    };
    let row = (0..labels.len()).find(|&x| labels[x] == 1 && gained(x) > 0).unwrap();
    let mut score = forgery();
    let of = score.relation().scores.clone().unwrap();
    *score.cell(of.index, row) = F::from_u64((2 << of.shape.bits) - 1);
    raise(&mut score, gained(row));
    assert_eq!(score.rejected_by(), [Group::Gates].into());
    let made = [
        ("report-scores", honest.prove()),
        ("forged-report-area", area.prove()),
        ("forged-report-score", score.prove()),
    ];
    compare(made, |report| world.verify(report));
}

/// Public rows: a label told otherwise, with the trace of the true one; a feature, with the outputs of the true one.
#[test]
fn forged_public_rows_on_a_run_of_files() {
    let world = seeded();
    let input = || Input::Table { table: super::table::table(&world, 4, 60) };
    let forgery = || Forgery::about(&world, input(), None, &[Asked::Counts, Asked::Outputs], &[]);
    let honest = forgery();
    assert!(honest.rejected_by().is_empty());
    let table = |f: &mut Forgery<'_>, change: fn(&mut PublicTable)| {
        let Input::Table { table } = &mut f.statement.input else { panic!() };
        change(table);
    };
    let mut label = forgery();
    table(&mut label, |t| t.values[7] = 1 - t.values[7]);
    assert_eq!(label.rejected_by(), [Group::Gates].into());
    let mut feature = forgery();
    table(&mut feature, |t| t.features[22] += 1);
    let made = [
        ("report-rows", honest.prove()),
        ("forged-report-label", label.prove()),
        ("forged-report-row", feature.prove()),
    ];
    compare(made, |report| world.verify(report));
}

/// What is made now and what is stored: the same statement, and the same verdict, by name.
pub(super) fn compare<const N: usize>(
    made: [(&str, ReportProof); N],
    verify: impl Fn(&ReportProof) -> Result<ReportVerdict, ReportRejected>,
) {
    for (name, report) in made {
        let path = folder().join(name).with_extension("tacit");
        if std::env::var_os("TACIT_FIXTURES").is_some_and(|to| !to.is_empty()) {
            let to = PathBuf::from(std::env::var_os("TACIT_FIXTURES").unwrap()).join(path.file_name().unwrap());
            std::fs::write(to, file::encode(Kind::Report, &report).unwrap()).unwrap();
        }
        let stored: ReportProof = file::decode(Kind::Report, &std::fs::read(path).unwrap()).unwrap();
        assert_eq!(stored.statement, report.statement, "{name}");
        for report in [report, stored] {
            match verify(&report) {
                Ok(_) => assert!(name.starts_with("report-"), "{name}"),
                Err(ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))) => {
                    assert!(name.starts_with("forged-"), "{name}");
                }
                Err(e) => panic!("{name}: {e}"),
            }
        }
    }
}
