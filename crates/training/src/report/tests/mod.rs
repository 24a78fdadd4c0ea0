//! Reports: honest ones against a naive forward pass, one attack per relation, every field of the statement.
#![allow(clippy::unwrap_used, clippy::type_complexity)]
extern crate std;

mod attacks;
mod backtest;
mod backtest_attacks;
mod comparison;
mod errors;
mod fixtures;
mod hidden;
mod honest;
mod mutation;
mod public;
mod ranks;
mod rates;
mod scores;
mod scores_bounds;
mod scores_forged;
mod scores_rules;
mod table;
mod told;

use super::*;
use crate::config::{Activation, Architecture, Layer, Loss, Order, RunConfig, Scales, Schedule};
use crate::record::{DataRecord, RECORD_VERSION, SUITE_BLAKE3, Vector, labels_for};
use crate::run::{ModelCommitment, commit_state};
use crate::statement::{Origin, PROTOCOL_VERSION, SECURITY_BITS, Start};
use crate::trainer::{Data, ModelState};
use crate::validity::{DataCommitment, commit_data, data_payload};
use alloc::vec;
use tacit_argument::entropy::Entropy;
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};

/// log2 of the inverse rate.
const RATE: u8 = 2;
const SECRET: [u8; 32] = [1; 32];
/// Rows of every data set, unless said otherwise.
const ROWS: u32 = 90;
/// Fractional bits.
const FA: u32 = 6;

fn layer(inputs: u32, outputs: u32, activation: Activation) -> Layer {
    Layer { inputs, outputs, bias: true, activation, z_bits: 11, q_bits: 12 }
}

fn config(layers: Vec<Layer>, loss: Loss, rows: u32) -> RunConfig {
    RunConfig {
        architecture: Architecture { layers, loss },
        scales: Scales { fa: FA, fg: 10, fw: 22, kappa: 0, omega: 0 },
        schedule: Schedule {
            rows,
            batch: 16,
            drop_last: true,
            total_steps: 8,
            chunk_steps: 8,
            rates: Schedule::encode_rates(&[1; 8]),
            filter: vec![1],
            nesterov: false,
            decay: None,
            average: None,
        },
        order: Order::Contiguous,
        data_bits: 9,
        target_bits: if loss == Loss::Mse { 9 } else { 0 },
        norms: None,
        carry_bits: None,
    }
}

/// Three classes; features 3 and 4 are group columns of 0 and 1.
fn perceptron() -> RunConfig {
    config(vec![layer(5, 4, Activation::Relu), layer(4, 3, Activation::Identity)], Loss::CrossEntropy, ROWS)
}

fn logistic() -> RunConfig {
    config(vec![layer(5, 1, Activation::Identity)], Loss::BceWithLogits, ROWS)
}

/// Features 3 and 4 are 0 or 1: a flag, and one that depends on it, so that one of four pairs does not occur.
fn data(config: &RunConfig, salt: i32) -> Data {
    let (n, d) = (config.schedule.rows as i32, config.architecture.layers[0].inputs as i32);
    let one = 1 << config.scales.fa;
    let feature = |i: i32| {
        let (row, k) = (i / d, i % d);
        match k {
            3 => {
                if (row * 7 + salt) % 3 == 0 {
                    one
                } else {
                    0
                }
            }
            4 => {
                if (row * 7 + salt) % 3 == 0 && row % 2 == 0 {
                    one
                } else {
                    0
                }
            }
            _ => (i * 7919 + i * i * 31 + salt * 17) % 200 - 100,
        }
    };
    let outputs = config.architecture.layers.last().unwrap().outputs as i32;
    let labels = (0..n * config.label_width() as i32).map(|i| match config.architecture.loss {
        Loss::CrossEntropy => (i * 5 + i / 7 + salt) % outputs,
        Loss::BceWithLogits => (i * 3 + i / 5 + salt) % 2,
        Loss::Mse => (i * 37 + salt) % 200 - 100,
    });
    Data { features: (0..n * d).map(feature).collect(), labels: labels.collect() }
}

fn commit(config: &RunConfig, data: &Data) -> DataCommitment {
    let (labels, features) = (labels_for(config), config.architecture.layers[0].inputs);
    let stride = log2_ceil(config.schedule.rows as usize);
    let shape = long_lived_shape(((features + labels.columns()) as usize) << stride, stride, 8, RATE.into()).unwrap();
    let record = DataRecord {
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
            log_inv_rate: RATE,
            shape,
            row_budget: (shape.block - PIN_BLOCK) as u64,
            root: [0; 32],
        },
        pin: Default::default(),
    };
    let payload = data_payload(&record, data);
    commit_data(record, &payload, &[3; 32], Entropy::fresh(&SECRET, &[2; 32]).unwrap()).unwrap()
}

/// A committed model, a committed data set that it is evaluated on, and the verdict that a verified run would give.
struct World {
    run: RunStatement,
    verdict: RunVerdict,
    model: ModelCommitment,
    weights: Vec<i64>,
    data: DataCommitment,
    rows: Data,
}

impl World {
    fn new(config: RunConfig) -> Self {
        Self::salted(config, 1)
    }

    fn salted(config: RunConfig, salt: i64) -> Self {
        let half = 1u64 << (config.scales.fw - 1);
        // A generator of Knuth's: every class is predicted for some rows.
        let mut state = salt.unsigned_abs();
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % (2 * half)) as i64 - half as i64
        };
        let weights: Vec<i64> = (0..config.weight_count()).map(|_| draw()).collect();
        Self::with(config, weights, 1)
    }

    fn with(config: RunConfig, weights: Vec<i64>, salt: i32) -> Self {
        let rows = data(&config, salt);
        let data = commit(&config, &rows);
        let run = RunStatement {
            version: PROTOCOL_VERSION,
            security_bits: SECURITY_BITS,
            log_inv_rate: RATE,
            order_origin: None,
            data: data.record.clone(),
            start: Start::Seed { origin: Origin::Prover { nonce: 5 } },
            released: vec![],
            config,
        };
        let velocity = run.config.schedule.momentum().then(|| weights.iter().map(|w| w / 3).collect());
        let state = ModelState { weights: weights.clone(), velocity };
        let model = commit_state(&run.config, &state, RATE, 8, &[9; 32]).unwrap();
        let verdict = RunVerdict {
            run_digest: run.digest().unwrap(),
            data_digest: data.record.digest().unwrap(),
            start_digest: None,
            model_digest: model.record.digest().unwrap(),
            w_out: run.validate().unwrap().last().unwrap().w,
            v_out: 0,
            soundness: vec![],
            chunks: 1,
        };
        Self { run, verdict, model, weights, data, rows }
    }

    fn committed(&self, rows: Rows) -> Input {
        Input::Committed { data: self.data.record.clone(), rows }
    }

    fn input<'a>(&'a self, input: &'a Input, groups: Option<&'a Groups>) -> ReportInput<'a> {
        let data = matches!(input, Input::Committed { .. }).then_some(&self.rows);
        ReportInput {
            run: &self.run,
            model: &self.model.record,
            weights: &self.weights,
            input,
            data,
            groups,
            hidden: &[],
        }
    }

    fn trees(&self, input: &Input) -> ReportTrees<'_> {
        let data = matches!(input, Input::Committed { .. }).then_some(&self.data.vector);
        ReportTrees { model: &self.model.vector, data, outputs: None }
    }

    fn try_prove(&self, input: &ReportInput<'_>, asked: &[Asked]) -> Result<ReportProof, ReportError> {
        prove_report(input, self.trees(input.input), asked, &SECRET)
    }

    fn prove(&self, input: &Input, groups: Option<&Groups>, asked: &[Asked]) -> ReportProof {
        self.try_prove(&self.input(input, groups), asked).unwrap()
    }

    fn all(&self, asked: &[Asked]) -> ReportProof {
        self.prove(&self.committed(Rows::All), None, asked)
    }

    fn verify(&self, report: &ReportProof) -> Result<ReportVerdict, ReportRejected> {
        verify_report(report, &self.verdict, &self.run, &self.model.record)
    }
}

/// By the flag in feature 3.
fn by_flag() -> Groups {
    Groups { columns: vec![3], values: vec![vec![0], vec![1 << FA]] }
}

/// By features 3 and 4 together: three of the four pairs occur.
fn by_both() -> Groups {
    let one = 1 << FA;
    Groups { columns: vec![3, 4], values: vec![vec![0, 0], vec![one, 0], vec![one, one]] }
}

const BOUND: Asked = Asked::AtLeast { rate: Rate::Accuracy, group: None, bound: (1, 10) };
