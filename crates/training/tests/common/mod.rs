//! Set-up that the end-to-end tests and the attacks share: configurations, data, commitments, an honest owner.
#![allow(dead_code)]
use tacit_argument::entropy::Entropy;
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};
use tacit_training::config::{Activation, Architecture, Layer, Loss, Order, RunConfig, Scales, Schedule};
use tacit_training::initial::initial_weights;
use tacit_training::record::{DataRecord, RECORD_VERSION, SUITE_BLAKE3, Vector, labels_for};
use tacit_training::run::{ChunkInput, ModelCommitment, RunProof, commit_model, prove_chunk};
use tacit_training::statement::{Origin, PROTOCOL_VERSION, RunStatement, SECURITY_BITS, Start};
use tacit_training::trainer::{Data, ModelState};
use tacit_training::validity::{DataCommitment, commit_data, data_payload};

/// Window of the range check of a hidden start.
pub const START_BITS: u32 = 30;
/// The public start's origin.
pub const ORIGIN: Origin = Origin::Prover { nonce: 5 };

pub fn layer(inputs: u32, outputs: u32, activation: Activation) -> Layer {
    Layer { inputs, outputs, bias: true, activation, z_bits: 14, q_bits: 14 }
}

/// 96 rows in batches of 16, 12 steps in chunks of 8: a full chunk and one with padding steps.
pub fn config(layers: Vec<Layer>, loss: Loss) -> RunConfig {
    let rates = vec![1i64; 12];
    RunConfig {
        architecture: Architecture { layers, loss },
        scales: Scales { fa: 8, fg: 12, fw: 27, kappa: 0, omega: 0 },
        schedule: Schedule {
            rows: 96,
            batch: 16,
            drop_last: false,
            total_steps: 12,
            chunk_steps: 8,
            rates: Schedule::encode_rates(&rates),
            filter: vec![1],
            nesterov: false,
            decay: None,
            average: None,
        },
        order: Order::Contiguous,
        data_bits: 12,
        target_bits: if loss == Loss::Mse { 12 } else { 0 },
        norms: None,
        carry_bits: None,
    }
}

/// A perceptron with softmax, the usual victim.
pub fn perceptron() -> RunConfig {
    config(vec![layer(5, 4, Activation::Relu), layer(4, 3, Activation::Identity)], Loss::CrossEntropy)
}

/// Logistic regression.
pub fn logistic() -> RunConfig {
    config(vec![layer(5, 1, Activation::Identity)], Loss::BceWithLogits)
}

pub fn data(config: &RunConfig) -> Data {
    let (n, d) = (config.schedule.rows as i32, config.architecture.layers[0].inputs as i32);
    let half = 1 << (config.data_bits - 2);
    let features = (0..n * d).map(|i| (i * 7919 + i * i * 31) % (2 * half) - half).collect();
    let width = config.label_width() as i32;
    let labels = (0..n * width)
        .map(|i| match config.architecture.loss {
            Loss::CrossEntropy => (i * 5 + 1) % config.architecture.layers.last().unwrap().outputs as i32,
            Loss::BceWithLogits => (i * 3) % 2,
            Loss::Mse => (i * 37) % (2 * half) - half,
        })
        .collect();
    Data { features, labels }
}

/// The record of a data set for a configuration, root and pin still missing.
pub fn data_record(config: &RunConfig) -> DataRecord {
    let labels = labels_for(config);
    let features = config.architecture.layers[0].inputs;
    let stride = tacit_argument::multilinear::log2_ceil(config.schedule.rows as usize);
    let cells = ((features + labels.columns()) as usize) << stride;
    let shape = long_lived_shape(cells, stride, 8, 2).unwrap();
    DataRecord {
        version: RECORD_VERSION,
        rows: config.schedule.rows,
        features,
        labels,
        fa: config.scales.fa,
        data_bits: config.data_bits,
        schema: [7; 32],
        names: None,
        released: vec![],
        vector: Vector {
            suite: SUITE_BLAKE3,
            log_inv_rate: 2,
            shape,
            row_budget: (shape.block - PIN_BLOCK) as u64,
            root: [0; 32],
        },
        pin: Default::default(),
    }
}

pub fn commit(config: &RunConfig, data: &Data) -> DataCommitment {
    let record = data_record(config);
    let payload = data_payload(&record, data);
    commit_data(record, &payload, &[3; 32], Entropy::fresh(&[1; 32], &[2; 32]).unwrap()).unwrap()
}

/// A commitment to outputs of a model, as the features of a data set.
#[allow(dead_code)]
pub fn commit_outputs(run: &RunStatement, values: &[i32]) -> DataCommitment {
    let mut config = run.config.clone();
    let last = config.architecture.layers.last().unwrap().clone();
    config.architecture.layers = vec![Layer { inputs: last.outputs, outputs: 1, ..last }];
    config.architecture.loss = Loss::BceWithLogits;
    config.schedule.rows = (values.len() / last.outputs as usize) as u32;
    config.data_bits = last.z_bits;
    commit(&config, &Data { features: values.to_vec(), labels: vec![0; config.schedule.rows as usize] })
}

pub fn start(config: &RunConfig) -> ModelState {
    let n = config.weight_count() as i64;
    let half = 1 << (config.scales.fw - 2);
    ModelState { weights: (0..n).map(|i| (i * 7_654_321) % (2 * half) - half).collect(), velocity: None }
}

/// Everything an owner holds before the first proof.
pub struct Owner {
    pub statement: RunStatement,
    pub data: DataCommitment,
    pub rows: Data,
    pub state: ModelState,
    /// The committed start; none if it is public.
    pub first: Option<ModelCommitment>,
}

impl Owner {
    pub fn new(config: RunConfig, hidden: bool) -> Self {
        let rows = data(&config);
        Self::with(config, rows, hidden)
    }

    pub fn with(config: RunConfig, rows: Data, hidden: bool) -> Self {
        let data = commit(&config, &rows);
        let mut state = start(&config);
        let first = hidden.then(|| commit_model(&config, &state.weights, 2, 4, &[9; 32]).unwrap());
        let start = match &first {
            Some(first) => Start::Hidden { record: first.record.clone(), bits: START_BITS },
            None => Start::Seed { origin: ORIGIN },
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
            state.weights = initial_weights(&statement.config, &statement.seed("initial", &ORIGIN).unwrap());
        }
        Self { statement, data, rows, state, first }
    }

    /// The run, its last state, and that state's commitment: every model is committed for so many proofs.
    pub fn proven(&self, proofs: usize) -> (RunProof, ModelState, ModelCommitment) {
        let (mut state, mut chunks, mut last) = (self.state.clone(), vec![], None::<ModelCommitment>);
        for chunk in 0..self.statement.config.chunks() {
            let input = ChunkInput {
                statement: &self.statement,
                chunk,
                data: &self.data.vector,
                rows: &self.rows,
                start: &state,
                model_in: last.as_ref().or(self.first.as_ref()),
                proofs,
                seed: &[chunk as u8; 32],
            };
            let out = prove_chunk(&input, &[1; 32]).unwrap();
            chunks.push(out.proof);
            (state, last) = (out.end, Some(out.model_out));
        }
        (RunProof { statement: self.statement.clone(), chunks }, state, last.unwrap())
    }

    pub fn prove(self) -> (DataCommitment, RunProof) {
        let run = self.proven(4).0;
        (self.data, run)
    }
}

/// An honest run.
pub fn prove(config: RunConfig, hidden: bool) -> (DataCommitment, RunProof) {
    Owner::new(config, hidden).prove()
}
