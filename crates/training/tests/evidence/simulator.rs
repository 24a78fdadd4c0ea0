//! A whole run without a witness: data record with its validity proof, hidden start, every chunk, all simulated, and
//! accepted by the verifier of runs under the programmed oracle; without it, rejected. The same for a report, and for links
//! of every kind.
use crate::common::{ORIGIN, START_BITS, data_record, perceptron};
use tacit_argument::entropy::Entropy;
use tacit_argument::opening::{LongLived, OpeningError, PIN_BLOCK, long_lived_shape};
use tacit_argument::proof::{ArgumentError, RelationProof, simulate, simulate_commitment};
use tacit_argument::transcript::probe::{Mode, Program, with};
use tacit_training::config::RunConfig;
use tacit_training::link::{
    self, LINK_VERSION, LinkProof, LinkRejected, LinkRelation, LinkStatement, Linked, RowRelation, verify_link,
};
use tacit_training::record::{DataRecord, ModelRecord, RECORD_VERSION, SUITE_BLAKE3, Vector, model_dimensions};
use tacit_training::relation::layout::ModelLayout;
use tacit_training::relation::{ChunkRelation, StartWeights};
use tacit_training::report::{
    self, Input, REPORT_VERSION, Rate, ReportProof, ReportRejected, ReportStatement, Rows, Shown,
};
use tacit_training::run::{ChunkProof, LABEL, RunProof, RunRejected, RunVerdict, verify_run};
use tacit_training::statement::{PROTOCOL_VERSION, RunStatement, SECURITY_BITS, Start};
use tacit_training::validity::{self, ValidityRelation, verify_data};

pub(crate) fn fresh() -> Entropy {
    Entropy::fresh(&[1; 32], &[2; 32]).unwrap()
}

pub(crate) fn data(config: &RunConfig) -> (DataRecord, LongLived) {
    let mut record = data_record(config);
    let vector = simulate_commitment(record.vector.shape, 2, &mut fresh()).unwrap();
    record.vector.root = vector.root();
    record.pin = vector.pin(&record.committed().unwrap().pin.point);
    (record, vector)
}

pub(crate) fn model(config: &RunConfig) -> (ModelRecord, LongLived) {
    let cells = ModelLayout::state_cells(config, false);
    let shape = long_lived_shape(cells, ModelLayout::new(config, 0).max_stride(), 4, 2).unwrap();
    let vector = simulate_commitment(shape, 2, &mut fresh()).unwrap();
    let row_budget = (shape.block - PIN_BLOCK) as u64;
    let mut record = ModelRecord {
        version: RECORD_VERSION,
        layers: model_dimensions(config),
        fw: config.scales.fw,
        velocity: false,
        vector: Vector { suite: SUITE_BLAKE3, log_inv_rate: 2, shape, row_budget, root: vector.root() },
        pin: Default::default(),
    };
    record.pin = vector.pin(&record.committed().unwrap().pin.point);
    (record, vector)
}

#[test]
fn a_run_without_a_witness_verifies_under_the_programmed_oracle() {
    let config = perceptron();
    let (record, data) = data(&config);
    let digest = record.digest().unwrap();
    let committed = [(&data, record.committed().unwrap())];
    let valid = simulate(validity::LABEL, &digest, &ValidityRelation::new(&record), 2, &committed, fresh()).unwrap();
    let validity_proof: RelationProof = valid.proof;
    let mut program: Program = valid.program;

    let first = model(&config);
    let statement = RunStatement {
        version: PROTOCOL_VERSION,
        security_bits: SECURITY_BITS,
        log_inv_rate: 2,
        config: config.clone(),
        order_origin: None,
        data: record.clone(),
        start: Start::Hidden { record: first.0.clone(), bits: START_BITS },
        released: vec![],
    };
    let (mut before, mut chunks) = (first, vec![]);
    for (chunk, &bounds) in (0..config.chunks()).zip(&statement.validate().unwrap()) {
        let after = model(&config);
        let start = StartWeights::Committed((chunk == 0).then_some(START_BITS));
        let relation = ChunkRelation::new(&config, chunk, start).unwrap();
        let (c_in, c_out) = (before.0.digest().unwrap(), after.0.digest().unwrap());
        let digest = statement.chunk_digest(chunk, &c_in, &c_out, bounds).unwrap();
        let vectors = [
            (&data, record.committed().unwrap()),
            (&after.1, after.0.committed().unwrap()),
            (&before.1, before.0.committed().unwrap()),
        ];
        let simulated = simulate(LABEL, &digest, &relation, 2, &vectors, fresh()).unwrap();
        program.extend(simulated.program);
        chunks.push(ChunkProof { model_out: after.0.clone(), proof: simulated.proof });
        before = after;
    }
    let run = RunProof { statement, chunks };
    assert_eq!(program.len(), 1 + run.chunks.len(), "one answer a proof");
    let verify = |program: Program| {
        let (verdicts, _) =
            with(Mode::Programmed(program), || (verify_data(&record, &validity_proof), verify_run(&run)));
        verdicts
    };
    let (valid, verdict) = verify(program.clone());
    valid.unwrap();
    assert_eq!(verdict.unwrap().chunks, 2);
    // The real oracle rejects each of them.
    let (valid, verdict) = verify(Program::new());
    let no_sum = |e: &ArgumentError| matches!(e, ArgumentError::Opening(OpeningError::SourceClaim));
    assert!(matches!(valid, Err(validity::ValidityError::Argument(e)) if no_sum(&e)));
    assert!(matches!(verdict, Err(RunRejected::Chunk { chunk: 0, error }) if no_sum(&error)));
    let last = program.keys().next_back().copied().unwrap();
    let (valid, verdict) = verify(program.into_iter().filter(|(point, _)| *point != last).collect());
    assert_eq!(usize::from(valid.is_err()) + usize::from(verdict.is_err()), 1);
}

/// A report that nobody could make: accuracy 1 of a simulated model on simulated rows.
#[test]
fn a_report_without_a_witness_verifies_under_the_programmed_oracle() {
    simulated_report(
        Rows::All,
        Shown::Exactly { rate: Rate::Accuracy, group: None, numerator: 96, denominator: 96 },
        96,
    );
}

/// The same of hidden rows: nothing that is sent needs to know which they are, or that there are any.
#[test]
fn hidden_rows_need_no_witness() {
    simulated_report(Rows::Hidden { count: 2 }, Shown::Classes { classes: vec![0, 2] }, 2);
}

fn simulated_report(rows_read: Rows, shown: Shown, count: usize) {
    let config = perceptron();
    let (record, rows) = data(&config);
    let (model_record, weights) = model(&config);
    let run = RunStatement {
        version: PROTOCOL_VERSION,
        security_bits: SECURITY_BITS,
        log_inv_rate: 2,
        config: config.clone(),
        order_origin: None,
        data: record.clone(),
        start: Start::Seed { origin: ORIGIN },
        released: vec![],
    };
    // A report rests on the verdict on a run: this one is taken as given.
    let verdict = RunVerdict {
        run_digest: run.digest().unwrap(),
        data_digest: record.digest().unwrap(),
        start_digest: None,
        model_digest: model_record.digest().unwrap(),
        w_out: run.validate().unwrap().last().unwrap().w,
        v_out: 0,
        soundness: vec![],
        chunks: 2,
    };
    let statement = ReportStatement {
        version: REPORT_VERSION,
        run_digest: verdict.run_digest,
        model_digest: verdict.model_digest,
        input: Input::Committed { data: record.clone(), rows: rows_read },
        groups: None,
        shown: vec![shown],
        against: None,
        public: None,
    };
    let relation = report::relation(&statement, &run, verdict.w_out).unwrap();
    let vectors = [(&weights, model_record.committed().unwrap()), (&rows, record.committed().unwrap())];
    let simulated = simulate(report::LABEL, &statement.digest().unwrap(), &relation, 2, &vectors, fresh()).unwrap();
    assert_eq!(simulated.program.len(), 1, "one answer");
    let proof = ReportProof { statement: statement.clone(), proof: simulated.proof };
    let verify = |program: Program| {
        with(Mode::Programmed(program), || report::verify_report(&proof, &verdict, &run, &model_record)).0
    };
    assert_eq!(verify(simulated.program).unwrap().rows, count);
    match verify(Program::new()) {
        Err(ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))) => {}
        other => panic!("{:?}", other.map(|v| v.rows)),
    }
}

/// Links that nobody could make: commitments whose contents are uniform and have nothing to do with each other.
#[test]
fn links_without_a_witness_verify_under_the_programmed_oracle() {
    let config = perceptron();
    let [(first, a), (second, b)] = [data(&config), data(&config)];
    let [(start, u), (end, v)] = [model(&config), model(&config)];
    let of_rows = |relation| {
        let linked = Linked::Rows { relation, first: first.clone(), second: second.clone() };
        (linked, [&a, &b])
    };
    let cases = [
        (Linked::Data { first: first.clone(), second: second.clone() }, [&a, &b]),
        (Linked::Model { first: start, second: end }, [&u, &v]),
        of_rows(RowRelation::Same),
        of_rows(RowRelation::Subset),
        of_rows(RowRelation::Disjoint { nonce: 3 }),
    ];
    for (linked, trees) in cases {
        let committed = match &linked {
            Linked::Data { first, second } | Linked::Rows { first, second, .. } => {
                [first.committed(), second.committed()]
            }
            Linked::Model { first, second } => [first.committed(), second.committed()],
        };
        let vectors: Vec<_> = trees.into_iter().zip(committed.map(Result::unwrap)).collect();
        let statement = LinkStatement { version: LINK_VERSION, linked };
        let relation = LinkRelation::new(&statement.linked).unwrap();
        let digest = statement.digest().unwrap();
        let simulated = simulate(link::LABEL, &digest, &relation, 2, &vectors, fresh()).unwrap();
        drop(relation);
        assert_eq!(simulated.program.len(), 1, "one answer");
        let proof = LinkProof { statement, proof: simulated.proof };
        let verify = |program: Program| with(Mode::Programmed(program), || verify_link(&proof)).0;
        verify(simulated.program).unwrap();
        match verify(Program::new()) {
            Err(LinkRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))) => {}
            other => panic!("{:?}", other.map(|v| v.first)),
        }
    }
}
