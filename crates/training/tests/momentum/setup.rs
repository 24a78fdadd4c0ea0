//! A small run with momentum, its honest proof, and provers that prove something else than the statement says.
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{F, signed};
use tacit_argument::lookup::LookupError;
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};
use tacit_argument::proof::{Committed, ProveError, RelationProof, check, prove};
use tacit_training::config::{Activation, Architecture, Layer, Loss, Order, RunConfig, Scales, Schedule};
use tacit_training::record::{DataRecord, RECORD_VERSION, SUITE_BLAKE3, Vector, labels_for};
use tacit_training::relation::{ChunkRelation, ChunkWitness, StartWeights};
use tacit_training::run::{
    ChunkInput, ChunkProof, LABEL, ModelCommitment, RunProof, commit_model, commit_state, prove_chunk,
};
use tacit_training::statement::{Origin, PROTOCOL_VERSION, RunStatement, SECURITY_BITS, Start};
use tacit_training::trainer::{ChunkTrace, Data, ModelState};
use tacit_training::validity::{DataCommitment, commit_data, data_payload};

/// Window of the hidden initial weights.
pub const BITS: u32 = 33;

fn layer(inputs: u32, outputs: u32, activation: Activation) -> Layer {
    Layer { inputs, outputs, bias: true, activation, z_bits: 13, q_bits: 13 }
}

/// A 4-3-2 perceptron on 30 rows in batches of 8 (the last one of 6), 10 steps in chunks of 4: two full chunks, and
/// one with padding.
pub fn config() -> RunConfig {
    let layers = vec![layer(4, 3, Activation::Relu), layer(3, 2, Activation::Identity)];
    RunConfig {
        architecture: Architecture { layers, loss: Loss::CrossEntropy },
        scales: Scales { fa: 8, fg: 12, fw: 33, kappa: 4, omega: 7 },
        schedule: Schedule {
            rows: 30,
            batch: 8,
            drop_last: false,
            total_steps: 10,
            chunk_steps: 4,
            rates: Schedule::encode_rates(&[3, 3, 2, 2, 2, 0, 1, 1, 1, 2]),
            filter: vec![16, 14, 13, 12, 10, 9],
            nesterov: false,
            decay: None,
            average: None,
        },
        order: Order::Contiguous,
        data_bits: 11,
        target_bits: 0,
        norms: None,
        carry_bits: None,
    }
}

/// Random-looking rows.
pub fn rows(config: &RunConfig) -> Data {
    let (n, d) = (config.schedule.rows as i32, config.architecture.layers[0].inputs as i32);
    Data {
        features: (0..n * d).map(|i| (i * 7919 + i * i * 31) % 512).collect(),
        labels: (0..n).map(|i| (i * 5 + i / 7) % 2).collect(),
    }
}

/// A data set, a start and the statement of a run.
pub struct Run {
    pub rows: Data,
    pub data: DataCommitment,
    pub first: Option<ModelCommitment>,
    pub state: ModelState,
    pub statement: RunStatement,
}

fn commit(config: &RunConfig, rows: &Data) -> DataCommitment {
    let (labels, features) = (labels_for(config), config.architecture.layers[0].inputs);
    let stride = tacit_argument::multilinear::log2_ceil(config.schedule.rows as usize);
    let shape = long_lived_shape(((features + labels.columns()) as usize) << stride, stride, 8, 2).unwrap();
    let row_budget = (shape.block - PIN_BLOCK) as u64;
    let record = DataRecord {
        version: RECORD_VERSION,
        rows: config.schedule.rows,
        features,
        labels,
        fa: 8,
        data_bits: config.data_bits,
        schema: [7; 32],
        names: None,
        released: vec![],
        vector: Vector { suite: SUITE_BLAKE3, log_inv_rate: 2, shape, row_budget, root: [0; 32] },
        pin: Default::default(),
    };
    let payload = data_payload(&record, rows);
    commit_data(record, &payload, &[3; 32], Entropy::fresh(&[1; 32], &[2; 32]).unwrap()).unwrap()
}

impl Run {
    /// A run from hidden weights, committed with the velocity given, or from a public seed.
    pub fn new(config: RunConfig, hidden: bool, velocity: Option<Vec<i64>>) -> Self {
        let rows = rows(&config);
        let data = commit(&config, &rows);
        let weights = (0..config.weight_count() as i64).map(|i| (i * 7_654_321_987) % (1 << 32) - (1 << 31)).collect();
        let mut state = ModelState { weights, velocity };
        let first = match &state.velocity {
            None => commit_model(&config, &state.weights, 2, 4, &[9; 32]).unwrap(),
            Some(_) => commit_state(&config, &state, 2, 4, &[9; 32]).unwrap(),
        };
        let origin = Origin::Prover { nonce: 5 };
        let start = match hidden {
            true => Start::Hidden { record: first.record.clone(), bits: BITS },
            false => Start::Seed { origin: origin.clone() },
        };
        let statement = RunStatement {
            version: PROTOCOL_VERSION,
            security_bits: SECURITY_BITS,
            log_inv_rate: 2,
            config,
            order_origin: None,
            data: data.record.clone(),
            start,
            released: vec![],
        };
        if !hidden {
            let seed = statement.seed("initial", &origin).unwrap();
            state.weights = tacit_training::initial::initial_weights(&statement.config, &seed);
        }
        Self { rows, data, first: hidden.then_some(first), state, statement }
    }

    /// The honest proof, with the state after every chunk.
    pub fn prove(&self) -> (RunProof, Vec<(ModelState, ModelCommitment)>) {
        let mut ends: Vec<(ModelState, ModelCommitment)> = vec![];
        let mut chunks = vec![];
        for chunk in 0..self.statement.config.chunks() {
            let before = ends.last();
            let input = ChunkInput {
                statement: &self.statement,
                chunk,
                data: &self.data.vector,
                rows: &self.rows,
                start: before.map_or(&self.state, |e| &e.0),
                model_in: before.map(|e| &e.1).or(self.first.as_ref()),
                proofs: 4,
                seed: &[chunk as u8; 32],
            };
            let out = prove_chunk(&input, &[1; 32]).unwrap();
            chunks.push(out.proof);
            ends.push((out.end, out.model_out));
        }
        (RunProof { statement: self.statement.clone(), chunks }, ends)
    }
}

/// A chunk that claims to be `chunk` of a run from a hidden start, proven by a relation and trace of the prover's choice.
pub struct Forgery<'a> {
    pub run: &'a Run,
    pub chunk: u32,
    /// The configuration and chunk that the prover's relation is made of.
    pub relation: (&'a RunConfig, u32),
    pub start: &'a ModelState,
    pub model_in: &'a ModelCommitment,
    pub trace: &'a ChunkTrace,
}

impl Forgery<'_> {
    fn vectors(&self, out: &ModelCommitment) -> Vec<Committed> {
        let records = [&out.record, &self.model_in.record].map(|r| r.committed().unwrap());
        core::iter::once(self.run.data.record.committed().unwrap()).chain(records).collect()
    }

    fn start(&self) -> StartWeights {
        StartWeights::Committed((self.chunk == 0).then_some(BITS))
    }

    fn digest(&self, out: &ModelCommitment) -> [u8; 32] {
        let statement = &self.run.statement;
        let bounds = statement.validate().unwrap()[self.chunk as usize];
        let [c_in, c_out] = [&self.model_in.record, &out.record].map(|r| r.digest().unwrap());
        statement.chunk_digest(self.chunk, &c_in, &c_out, bounds).unwrap()
    }

    /// Proves it, ending in what the trace ends with.
    pub fn prove(&self) -> Result<(ChunkProof, ModelCommitment), LookupError> {
        self.prove_with(|_| {})
    }

    /// Proves it with the trace's committed columns changed.
    pub fn prove_with(&self, change: impl Fn(&mut [F])) -> Result<(ChunkProof, ModelCommitment), LookupError> {
        let out = commit_state(&self.run.statement.config, &self.trace.end.state, 2, 4, &[77; 32]).unwrap();
        let relation = ChunkRelation::new(self.relation.0, self.relation.1, self.start()).unwrap();
        let (witness, mut columns) = ChunkWitness::new(relation, self.trace, self.start)?;
        change(&mut columns);
        let digest = self.digest(&out);
        let trees = [&self.run.data.vector, &out.vector, &self.model_in.vector];
        let others: Vec<_> = trees.into_iter().zip(self.vectors(&out)).collect();
        let entropy = Entropy::fresh(&[1; 32], &digest).unwrap();
        match prove(LABEL, &digest, &witness, 2, columns, &others, entropy) {
            Ok(proof) => Ok((ChunkProof { model_out: out.record.clone(), proof }, out)),
            Err(ProveError::Witness(e)) => Err(e),
            Err(e) => panic!("{e}"),
        }
    }

    /// Whether a proof holds for the relation that the forger chose: it lies about nothing but what the statement says.
    pub fn holds_by_itself(&self, out: &ModelCommitment, proof: &RelationProof) -> bool {
        let relation = ChunkRelation::new(self.relation.0, self.relation.1, self.start()).unwrap();
        check(LABEL, &self.digest(out), &relation, 2, &self.vectors(out), proof).is_ok()
    }
}

/// (v - 1/2^kappa) mod p, by its representative next to 0.
pub fn minus_one_over(v: i64, kappa: u32) -> i64 {
    use p3_field::{Field, PrimeCharacteristicRing};
    tacit_argument::field::to_signed(signed(v) - F::from_u64(1 << kappa).inverse()).unwrap()
}
