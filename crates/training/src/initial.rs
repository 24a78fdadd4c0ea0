//! Initial weights from a public seed: integers, uniform in [-b, b], b = floor(2^fw / sqrt(inputs)).
//!
//! The law of PyTorch's own default for linear layers (Kaiming uniform with a = sqrt(5), weights and biases alike),
//! never PyTorch's generator. Draws are 64-bit words of SHA-256(label || seed || layer || counter), rejected above the
//! largest multiple of 2b + 1.
use crate::config::RunConfig;
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// floor(2^fw / sqrt(inputs)): the largest initial weight of a layer.
#[must_use]
pub fn initial_bound(fw: u32, inputs: u32) -> u64 {
    let square = (1u128 << (2 * fw.min(62))) / u128::from(inputs.max(1));
    square.isqrt() as u64
}

/// All initial weights, in the order of the configuration.
#[must_use]
pub fn initial_weights(config: &RunConfig, seed: &[u8; 32]) -> Vec<i64> {
    let mut out = Vec::new();
    for (l, layer) in config.architecture.layers.iter().enumerate() {
        let bound = initial_bound(config.scales.fw, layer.inputs);
        let span = 2 * bound + 1;
        let limit = u64::MAX - (u64::MAX % span + 1) % span;
        let mut words = Words { seed, layer: l as u64, counter: 0, queue: Vec::new() };
        for _ in 0..layer.k() * layer.outputs as usize {
            let word = loop {
                let w = words.next_word();
                if w <= limit {
                    break w;
                }
            };
            out.push((word % span) as i64 - bound as i64);
        }
    }
    out
}

struct Words<'a> {
    seed: &'a [u8; 32],
    layer: u64,
    counter: u64,
    queue: Vec<u64>,
}

impl Words<'_> {
    fn next_word(&mut self) -> u64 {
        if let Some(w) = self.queue.pop() {
            return w;
        }
        let mut h = Sha256::new();
        h.update(b"tacit/initial/v1");
        h.update(self.seed);
        h.update(self.layer.to_be_bytes());
        h.update(self.counter.to_be_bytes());
        self.counter += 1;
        let words = h.finalize();
        self.queue =
            words.chunks_exact(8).rev().map(|c| c.iter().fold(0u64, |a, &b| (a << 8) | u64::from(b))).collect();
        self.next_word()
    }
}
