//! Dishonest provers: every cell, every relation, every field of a proof; each attack asserts which check rejects it.
#![allow(clippy::unwrap_used)]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/reports.rs"]
mod reports;

mod bounds;
mod cells;
mod chains;
mod data;
mod ends;
mod executions;
mod forge;
mod links;
mod lookups;
mod manifest;
mod mutations;
mod proofs;
mod random;
mod roundings;
mod rules;
mod seeds;
mod stages;
mod starts;

use tacit_training::config::{Activation, Architecture, Layer, Loss, Order, RunConfig, Scales, Schedule};

/// Bits of the range check of a tiny run's hidden start.
pub const WINDOW: u32 = 22;

/// Small tables, masked rows in every batch, a partial batch, a padding step: 7 rows in batches of 3 (padded to 4),
/// 3 steps in a chunk of 4.
pub fn tiny(layers: &[(u32, Activation)], inputs: u32, loss: Loss) -> RunConfig {
    let mut before = inputs;
    let layers = layers
        .iter()
        .enumerate()
        .map(|(l, &(outputs, activation))| {
            let layer = Layer { inputs: before, outputs, bias: l % 3 != 2, activation, z_bits: 9, q_bits: 10 };
            before = outputs;
            layer
        })
        .collect();
    RunConfig {
        architecture: Architecture { layers, loss },
        scales: Scales { fa: 4, fg: 6, fw: 20, kappa: 0, omega: 0 },
        schedule: Schedule {
            rows: 7,
            batch: 3,
            drop_last: false,
            total_steps: 3,
            chunk_steps: 4,
            rates: Schedule::encode_rates(&[128, 64, 64]),
            filter: vec![1],
            nesterov: false,
            decay: None,
            average: None,
        },
        order: Order::Contiguous,
        data_bits: 7,
        target_bits: if loss == Loss::Mse { 7 } else { 0 },
        norms: None,
        carry_bits: None,
    }
}

/// Every activation at once, then the loss.
pub fn every_activation(loss: Loss) -> RunConfig {
    use Activation::{Identity, Relu, Sigmoid, Tanh};
    tiny(&[(3, Relu), (2, Sigmoid), (2, Tanh), (2, Identity), (2, Identity)], 2, loss)
}

/// The same in one chunk of four steps, the last one padding.
pub fn one_chunk(mut config: RunConfig) -> RunConfig {
    config.schedule.total_steps = 3;
    config.schedule.chunk_steps = 4;
    config.schedule.rates = Schedule::encode_rates(&[1, 1, 1]);
    config
}
