//! Releases: honest ones, one attack per check, one refusal per rule.
#![allow(clippy::unwrap_used, clippy::type_complexity)]
extern crate std;

mod attacks;
mod honest;
mod mutation;
mod names;
mod rules;

use super::*;
use crate::config::{Activation, Architecture, Layer, Loss, Order, Scales, Schedule};
use crate::record::{DataRecord, RECORD_VERSION, SUITE_BLAKE3, Vector, labels_for};
use crate::run::{ModelCommitment, commit_model};
use crate::statement::{Origin, PROTOCOL_VERSION, SECURITY_BITS, Start};
use alloc::{format, vec};
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};

/// fw of every test.
const FW: u32 = 27;
/// log2 of the inverse rate.
const RATE: u8 = 2;
const SECRET: [u8; 32] = [1; 32];

fn layer(inputs: u32, outputs: u32, activation: Activation) -> Layer {
    Layer { inputs, outputs, bias: true, activation, z_bits: 14, q_bits: 14 }
}

/// 96 rows, batches of 16, 112 steps in chunks of 64.
fn config(layers: Vec<Layer>, loss: Loss) -> RunConfig {
    RunConfig {
        architecture: Architecture { layers, loss },
        scales: Scales { fa: 8, fg: 12, fw: FW, kappa: 0, omega: 0 },
        schedule: Schedule {
            rows: 96,
            batch: 16,
            drop_last: false,
            total_steps: 112,
            chunk_steps: 64,
            rates: Schedule::encode_rates(&[1; 112]),
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

fn logistic() -> RunConfig {
    config(vec![layer(5, 1, Activation::Identity)], Loss::BceWithLogits)
}

fn perceptron() -> RunConfig {
    config(vec![layer(5, 7, Activation::Relu), layer(7, 3, Activation::Identity)], Loss::CrossEntropy)
}

/// A data record without a commitment behind it: a release opens the model alone.
fn data_record(config: &RunConfig) -> DataRecord {
    let (labels, features) = (labels_for(config), config.architecture.layers[0].inputs);
    let stride = tacit_argument::multilinear::log2_ceil(config.schedule.rows as usize);
    let shape = long_lived_shape(((features + labels.columns()) as usize) << stride, stride, 8, RATE.into()).unwrap();
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
            log_inv_rate: RATE,
            shape,
            row_budget: (shape.block - PIN_BLOCK) as u64,
            root: [0; 32],
        },
        pin: Default::default(),
    }
}

fn run_statement(config: RunConfig) -> RunStatement {
    RunStatement {
        version: PROTOCOL_VERSION,
        security_bits: SECURITY_BITS,
        log_inv_rate: RATE,
        order_origin: None,
        data: data_record(&config),
        start: Start::Seed { origin: Origin::Prover { nonce: 5 } },
        released: vec![],
        config,
    }
}

fn public() -> Circumstances<'static> {
    Circumstances { exemption: Some(Override::PublicData), ..private() }
}

fn private() -> Circumstances<'static> {
    Circumstances { known: &[], feature_bits: None, earlier: Earlier::Nothing, exemption: None }
}

/// A committed model and the verdict that a verified run ending in it would give.
struct World {
    statement: RunStatement,
    verdict: RunVerdict,
    model: ModelCommitment,
    weights: Vec<i64>,
    names: Vec<LayerNames>,
}

/// "0.weight" and "0.bias", as PyTorch would say.
fn names_for(config: &RunConfig) -> Vec<LayerNames> {
    let layers = config.architecture.layers.iter().enumerate();
    layers.map(|(i, l)| (format!("{i}.weight"), l.bias.then(|| format!("{i}.bias")))).collect()
}

impl World {
    fn new(config: RunConfig) -> Self {
        Self::salted(config, 1)
    }

    fn salted(config: RunConfig, salt: i64) -> Self {
        let n = config.weight_count() as i64;
        // Both signs, ties and values next to them among the weights.
        let edge = 1 << (FW - 13);
        let mut weights: Vec<i64> = (0..n).map(|i| (i * 7_654_321 + salt * 12_345) % (1 << 27) - (1 << 26)).collect();
        weights[..4].copy_from_slice(&[edge, -edge, -edge - 1, edge - 1]);
        let statement = run_statement(config);
        let model = commit_model(&statement.config, &weights, RATE, 4, &[9; 32]).unwrap();
        let verdict = RunVerdict {
            run_digest: statement.digest().unwrap(),
            data_digest: statement.data.digest().unwrap(),
            start_digest: None,
            model_digest: model.record.digest().unwrap(),
            w_out: statement.validate().unwrap().last().unwrap().w,
            v_out: 0,
            soundness: vec![],
            chunks: statement.config.chunks() as usize,
        };
        let names = names_for(&statement.config);
        Self { statement, verdict, model, weights, names }
    }

    fn input(&self) -> ReleaseInput<'_> {
        ReleaseInput { statement: &self.statement, model: &self.model, weights: &self.weights, names: &self.names }
    }

    fn release(&self, bits: u32) -> ReleaseProof {
        let permit = release_rules(&self.statement, bits, &public()).unwrap();
        prove_release(&self.input(), permit, &SECRET).unwrap()
    }

    fn verify(&self, release: &ReleaseProof) -> Result<ReleaseVerdict, ReleaseRejected> {
        verify_release(release, &self.verdict, &self.statement, &self.model.record)
    }
}
