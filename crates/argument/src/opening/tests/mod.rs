//! Tests of the opening: honest runs for every kind of shape, dishonest provers, changed proofs, the rank of blocks.
#![allow(clippy::unwrap_used)]
use super::config::Dft;
use super::prover::{Tamper, prove};
use super::*;
use crate::entropy::Entropy;
use crate::functional::{Low, TensorWeight, Weights};
use crate::hiding::Claim;
use alloc::vec;
use p3_whir::WhirDomain;

mod attacks;
mod blocks;
mod fields;
mod frozen;
mod honest;
mod packing;
mod rank;
mod shapes;

/// A statement with everything behind it.
pub(super) struct World {
    pub config: OpeningConfig,
    pub payloads: Vec<Vec<F>>,
    pub others: Vec<LongLived>,
    pub weights: Vec<Weights>,
    pub pins: Vec<Pin>,
    pub sigma: E,
    pub entropy: Entropy,
}

pub(super) fn entropy() -> Entropy {
    Entropy::fresh(&[1; 32], &[2; 32]).unwrap()
}

pub(super) fn transcript() -> Transcript {
    Transcript::new(b"opening tests", &[7; 32])
}

fn shape(log_height: usize, columns: usize, block: usize) -> VectorShape {
    VectorShape { log_height, columns, block }
}

/// A trace of 2^11 x 2 columns with these long-lived vectors.
pub(super) fn shapes(rate: usize, others: &[VectorShape]) -> Vec<VectorShape> {
    let block = (queries_for(rate, 11, 3).unwrap() + CONJUGATE_BLOCK).next_multiple_of(64);
    core::iter::once(shape(11, 2, block)).chain(others.iter().copied()).collect()
}

/// Blocks of one opening at this rate.
pub(super) fn block(rate: usize) -> usize {
    (queries_for(rate, 11, 3).unwrap() + PIN_BLOCK).next_multiple_of(64)
}

/// Tensors of several strides, a dense low part and a run that crosses a column, as far as the shape has room.
fn weights(shape: &VectorShape, entropy: &mut Entropy) -> Weights {
    let mut e = |n| entropy.uniform_ext("weights", n);
    let mut tensors = vec![];
    for stride in [0usize, 2, 5, 6] {
        let slots = shape.capacity() >> stride;
        let every = (slots / 7).max(1);
        let low = if stride == 5 { Low::Dense(e(32)) } else { Low::Eq(e(stride)) };
        let slots = (0..slots).step_by(every).map(|s| (s, e(1)[0])).collect();
        tensors.push(TensorWeight { low, slots });
    }
    let first = if shape.columns > 1 { shape.payload_per_column() - 17 } else { 3 };
    Weights { tensors, runs: vec![(first, e(40)), (0, e(2))], pin: E::ZERO }
}

/// The weight of every payload cell, straight from the definition.
pub(super) fn cell_weights(w: &Weights, capacity: usize) -> Vec<E> {
    let mut out = vec![E::ZERO; capacity];
    for t in &w.tensors {
        let low = t.low.table();
        for &(slot, c) in &t.slots {
            for (y, &l) in low.iter().enumerate() {
                out[slot * low.len() + y] += c * l;
            }
        }
    }
    for (first, run) in &w.runs {
        run.iter().enumerate().for_each(|(i, &c)| out[first + i] += c);
    }
    out
}

impl World {
    pub fn new(rate: usize, shapes: Vec<VectorShape>) -> Self {
        let config = OpeningConfig::new(rate, shapes).unwrap();
        let mut entropy = entropy();
        let mut payloads = vec![];
        let (mut all, mut sigma) = (vec![], E::ZERO);
        for s in config.shapes() {
            let payload = entropy.uniform("payload", s.capacity());
            let w = weights(s, &mut entropy);
            sigma += cell_weights(&w, s.capacity()).iter().zip(&payload).map(|(&w, &v)| w * v).sum::<E>();
            all.push(w);
            payloads.push(payload);
        }
        let others: Vec<LongLived> = (config.shapes().iter().zip(&payloads).skip(1).enumerate())
            .map(|(k, (s, p))| LongLived::commit(*s, rate, p, &[k as u8; 32]).unwrap())
            .collect();
        let pins = others
            .iter()
            .map(|o| {
                let point = pin_point(&o.root(), &o.shape());
                Pin { value: o.pin(&point), point }
            })
            .collect();
        Self { config, payloads, others, weights: all, pins, sigma, entropy }
    }

    pub fn claim(&self) -> Claim {
        Claim { weights: self.weights.clone(), value: self.sigma }
    }

    pub fn trace(&mut self) -> Trace {
        Trace::commit(&self.config, self.payloads[0].clone(), &mut self.entropy).unwrap()
    }

    pub fn roots(&self, trace: [u8; 32]) -> Vec<[u8; 32]> {
        core::iter::once(trace).chain(self.others.iter().map(LongLived::root)).collect()
    }

    pub fn prove_with<D: WhirDomain<F, E>>(
        &mut self,
        claim: Claim,
        tamper: Tamper<D>,
    ) -> (Vec<[u8; 32]>, OpeningProof) {
        let trace = self.trace();
        let roots = self.roots(trace.root());
        let others: Vec<&LongLived> = self.others.iter().collect();
        let proof = prove(&self.config, trace, &others, claim, &self.pins, &mut transcript(), tamper).unwrap();
        (roots, proof)
    }

    pub fn prove(&mut self) -> (Vec<[u8; 32]>, OpeningProof) {
        self.prove_with(self.claim(), Tamper::<Dft>::default())
    }

    pub fn check(&self, roots: &[[u8; 32]], proof: &OpeningProof) -> Result<(), OpeningError> {
        opening_check(&self.config, roots, self.claim(), &self.pins, &mut transcript(), proof)
    }
}
