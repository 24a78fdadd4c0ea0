//! Reports that nobody could make, without a witness: on a public model that has every row right, and of a model that is
//! better than another one. Accepted under the programmed oracle; without it, rejected.
use crate::common::{START_BITS, perceptron, start};
use crate::simulator::{data, fresh, model};
use tacit_argument::opening::{LongLived, OpeningError};
use tacit_argument::proof::{ArgumentError, Committed, simulate};
use tacit_argument::transcript::probe::{Mode, Program, with};
use tacit_training::config::RunConfig;
use tacit_training::record::{DataRecord, ModelRecord};
use tacit_training::report::{
    self, Compared, Input, ModelOf, OtherModel, PublicModel, REPORT_VERSION, Rate, ReportProof, ReportRejected,
    ReportRelation, ReportStatement, ReportVerdict, Rows, Shown, public_relation, relation_beside, verify_comparison,
    verify_public_report, weights_digest,
};
use tacit_training::run::RunVerdict;
use tacit_training::statement::{PROTOCOL_VERSION, RunStatement, SECURITY_BITS, Start};

const EVERY_ROW: Shown = Shown::Exactly { rate: Rate::Accuracy, group: None, numerator: 96, denominator: 96 };

fn statement(record: &DataRecord, shown: Shown) -> ReportStatement {
    ReportStatement {
        version: REPORT_VERSION,
        run_digest: [0; 32],
        model_digest: [0; 32],
        input: Input::Committed { data: record.clone(), rows: Rows::All },
        groups: None,
        shown: vec![shown],
        against: None,
        public: None,
    }
}

/// Simulates the proof of a statement: accepted with the one answer that was programmed, rejected without it.
fn check(
    statement: &ReportStatement,
    relation: &ReportRelation<'_>,
    vectors: &[(&LongLived, Committed)],
    verify: impl Fn(&ReportProof) -> Result<ReportVerdict, ReportRejected>,
) {
    let digest = statement.digest().unwrap();
    let simulated = simulate(report::LABEL, &digest, relation, 2, vectors, fresh()).unwrap();
    assert_eq!(simulated.program.len(), 1, "one answer");
    let proof = ReportProof { statement: statement.clone(), proof: simulated.proof };
    let under = |program: Program| with(Mode::Programmed(program), || verify(&proof)).0;
    assert_eq!(under(simulated.program).unwrap().rows, 96);
    match under(Program::new()) {
        Err(ReportRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))) => {}
        other => panic!("{:?}", other.map(|v| v.rows)),
    }
}

#[test]
fn a_report_on_a_public_model_without_a_witness() {
    let config = perceptron();
    let (record, rows) = data(&config);
    let weights: Vec<i64> = start(&config).weights.iter().map(|w| w >> (config.scales.fw - 12)).collect();
    let layers = config.architecture.layers.iter().enumerate();
    let model = PublicModel {
        architecture: config.architecture.clone(),
        fa: config.scales.fa,
        bits: 12,
        data_bits: config.data_bits,
        names: layers.map(|(l, x)| (format!("{l}.weight"), x.bias.then(|| format!("{l}.bias")))).collect(),
        weights: weights_digest(&weights).unwrap(),
    };
    let mut statement = statement(&record, EVERY_ROW);
    (statement.model_digest, statement.public) = (model.digest().unwrap(), Some(model));
    let (relation, _) = public_relation(&statement, &weights).unwrap();
    let vectors = [(&rows, record.committed().unwrap())];
    check(&statement, &relation, &vectors, |report| verify_public_report(report, &weights));
}

/// A run with its last model, both taken as given.
struct Given {
    run: RunStatement,
    verdict: RunVerdict,
    record: ModelRecord,
    weights: LongLived,
}

impl Given {
    fn new(config: &RunConfig, data: &DataRecord) -> Self {
        let (record, weights) = model(config);
        let run = RunStatement {
            version: PROTOCOL_VERSION,
            security_bits: SECURITY_BITS,
            log_inv_rate: 2,
            config: config.clone(),
            order_origin: None,
            data: data.clone(),
            start: Start::Hidden { record: model(config).0, bits: START_BITS },
            released: vec![],
        };
        let verdict = RunVerdict {
            run_digest: run.digest().unwrap(),
            data_digest: data.digest().unwrap(),
            start_digest: None,
            model_digest: record.digest().unwrap(),
            w_out: run.validate().unwrap().last().unwrap().w,
            v_out: 0,
            soundness: vec![],
            chunks: 2,
        };
        Self { run, verdict, record, weights }
    }

    const fn of(&self) -> ModelOf<'_> {
        ModelOf { run: &self.verdict, statement: &self.run, record: &self.record }
    }
}

#[test]
fn a_comparison_without_a_witness() {
    let config = perceptron();
    let (record, rows) = data(&config);
    let (one, two) = (Given::new(&config, &record), Given::new(&config, &record));
    let metric = Compared::Rate { rate: Rate::Accuracy };
    let mut statement = statement(&record, Shown::BetterBy { metric, group: None, bound: (1, 1) });
    (statement.run_digest, statement.model_digest) = (one.verdict.run_digest, one.verdict.model_digest);
    statement.against = Some(OtherModel { run_digest: two.verdict.run_digest, model_digest: two.verdict.model_digest });
    let other = Some((&two.run, two.verdict.w_out));
    let relation = relation_beside(&statement, &one.run, one.verdict.w_out, other).unwrap();
    let vectors = [
        (&one.weights, one.record.committed().unwrap()),
        (&rows, record.committed().unwrap()),
        (&two.weights, two.record.committed().unwrap()),
    ];
    check(&statement, &relation, &vectors, |report| verify_comparison(report, one.of(), two.of()));
}
