//! Links: honest ones, one attack per cell that could differ, one refusal per rule, chains of several.
#![allow(clippy::unwrap_used)]
extern crate std;

mod attacks;
mod chain;
mod fixtures;
mod honest;
mod rows;
mod rules;

use super::prover::argue;
use super::*;
use crate::file::{Kind, encode};
use crate::record::{Labels, RECORD_VERSION, SUITE_BLAKE3, Vector};
use crate::relation::layout::ModelLayout;
use crate::verify::Rejected;
use alloc::vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::F;
use tacit_argument::opening::{LongLived, OpeningError, PIN_BLOCK, VectorShape, long_lived_shape};

const SECRET: [u8; 32] = [1; 32];
/// Rows of every data set: no power of two.
const ROWS: u32 = 90;
/// Two features and three classes.
const COLUMNS: usize = 5;
const LAYERS: [(u32, u32); 2] = [(5, 3), (3, 2)];

/// A data set or a model, committed, with the tree behind it.
struct Side<R> {
    record: R,
    tree: LongLived,
}

fn vector(shape: VectorShape) -> Vector {
    let row_budget = (shape.block - PIN_BLOCK) as u64;
    Vector { suite: SUITE_BLAKE3, log_inv_rate: 2, shape, row_budget, root: [0; 32] }
}

/// One-hot classes, features of both signs, zero from the last row on.
fn table() -> Vec<F> {
    let mut out = F::zero_vec(COLUMNS << 7);
    for row in 0..ROWS as usize {
        out[row] = F::from_u64(row as u64 + 3);
        out[(1 << 7) + row] = -F::from_u64(row as u64 * 7 % 31);
        out[((2 + row % 3) << 7) + row] = F::ONE;
    }
    out
}

/// A commitment of a table for so many proofs.
fn data(payload: &[F], proofs: usize, seed: u8) -> Side<DataRecord> {
    let shape = long_lived_shape(COLUMNS << 7, 7, proofs, 2).unwrap();
    let mut record = DataRecord {
        version: RECORD_VERSION,
        rows: ROWS,
        features: 2,
        labels: Labels::Class { classes: 3 },
        fa: 8,
        data_bits: 12,
        schema: [7; 32],
        names: None,
        released: vec![],
        vector: vector(shape),
        pin: Default::default(),
    };
    let tree = LongLived::commit(shape, 2, payload, &[seed; 32]).unwrap();
    record.vector.root = tree.root();
    record.pin = tree.pin(&record.committed().unwrap().pin.point);
    record.validate().unwrap();
    Side { record, tree }
}

fn empty_model(velocity: bool) -> ModelRecord {
    ModelRecord {
        version: RECORD_VERSION,
        layers: LAYERS.to_vec(),
        fw: 20,
        velocity,
        vector: vector(long_lived_shape(1, 2, 1, 2).unwrap()),
        pin: Default::default(),
    }
}

/// Weights, and behind them the velocity, each its own number; what no relation reads is 0.
fn weights(velocity: bool) -> Vec<F> {
    let state = ModelLayout::of_record(&empty_model(velocity));
    let mut out = F::zero_vec(state.last().unwrap().cells);
    for layout in &state {
        for (l, &(k, n)) in LAYERS.iter().enumerate() {
            for (k, n) in (0..k as usize).flat_map(|k| (0..n as usize).map(move |n| (k, n))) {
                let cell = layout.cell(l, k, n);
                out[cell] = F::from_u64(cell as u64 * 1000 + 1);
            }
        }
    }
    out
}

/// A commitment of a model for so many proofs.
fn model(payload: &[F], velocity: bool, proofs: usize, seed: u8) -> Side<ModelRecord> {
    let shape = long_lived_shape(payload.len(), 2, proofs, 2).unwrap();
    let mut record = ModelRecord { vector: vector(shape), ..empty_model(velocity) };
    let tree = LongLived::commit(shape, 2, payload, &[seed; 32]).unwrap();
    record.vector.root = tree.root();
    record.pin = tree.pin(&record.committed().unwrap().pin.point);
    Side { record, tree }
}

fn same_data(a: &Side<DataRecord>, b: &Side<DataRecord>) -> Linked {
    Linked::Data { first: a.record.clone(), second: b.record.clone() }
}

fn same_model(a: &Side<ModelRecord>, b: &Side<ModelRecord>) -> Linked {
    Linked::Model { first: a.record.clone(), second: b.record.clone() }
}

/// A proof of whoever does not ask whether the statement is true.
fn claimed(linked: Linked, trees: [&LongLived; 2]) -> LinkProof {
    let statement = LinkStatement { version: LINK_VERSION, linked };
    let relation = LinkRelation::new(&statement.linked).unwrap();
    let proof = argue(&statement, &relation, vec![], trees, &SECRET).unwrap();
    drop(relation);
    LinkProof { statement, proof }
}

fn assert_claim_fails(link: &LinkProof) {
    let e = verify_link(link).unwrap_err();
    assert!(matches!(e, LinkRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e:?}");
}
