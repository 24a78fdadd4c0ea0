//! Frozen-challenge attacks on what a statement only says: fields that no relation reads. Those of the run's statement
//! are bound by the digest alone: with recorded challenges the changed file passes, live it fails. Those of a record
//! are bound twice: by the digest, and because y is read at a point hashed from the record, so that the changed file
//! fails under recorded challenges as well. Roots, rounds, pads and opening are attacked in `tacit-argument`,
//! `tests/evidence/frozen.rs`.
use crate::statements::files;
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::ArgumentError;
use tacit_argument::transcript::probe::{Mode, with};
use tacit_training::run::{RunProof, RunRejected, verify_run};

type Change = fn(&mut RunProof);

#[test]
fn fields_that_only_the_digest_binds() {
    let (_, run) = files();
    let (verdict, runs) = with(Mode::Live, || verify_run(&run));
    verdict.unwrap();
    assert_eq!(runs.len(), 1, "one chunk");
    let answers = runs[0].answers();
    let changes: [(&str, Change); 6] = [
        ("what was derived from data", |r| r.statement.released.push("epochs".into())),
        ("the data's schema", |r| r.statement.data.schema[0] ^= 1),
        ("the data's names", |r| r.statement.data.names = Some(vec!["age".into(); 5])),
        ("what the data's record released", |r| r.statement.data.released.push("scale".into())),
        ("the data's row budget", |r| r.statement.data.vector.row_budget -= 1),
        ("the model's row budget", |r| r.chunks[0].model_out.vector.row_budget -= 1),
    ];
    for (what, change) in changes {
        let mut changed = run.clone();
        change(&mut changed);
        let (frozen, _) = with(Mode::Frozen(answers.clone()), || verify_run(&changed));
        let record = what != "what was derived from data";
        match (record, frozen) {
            (false, Ok(_)) => {}
            (true, Err(RunRejected::Chunk { chunk: 0, error: ArgumentError::Opening(OpeningError::SourceClaim) })) => {}
            (_, other) => panic!("{what}, frozen: {:?}", other.map(|v| v.chunks)),
        }
        match verify_run(&changed) {
            Err(RunRejected::Chunk { chunk: 0, error: ArgumentError::Opening(OpeningError::SourceClaim) }) => {}
            other => panic!("{what}, live: {:?}", other.map(|v| v.chunks)),
        }
    }
}
