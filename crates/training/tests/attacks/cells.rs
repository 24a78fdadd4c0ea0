//! Every cell is determined: a trace with one cell changed, and everything after it derived again as favourably as
//! possible, breaks the relation that determines the cell, and the verifier rejects in exactly the groups of claims
//! that the broken relations belong to.
use crate::common::{data, start};
use crate::forge::Forgery;
use crate::rules::{Group, Rule, broken, columns};
use crate::{every_activation, tiny};
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeSet;
use tacit_argument::field::F;
use tacit_training::config::{Activation, Loss, RunConfig};

/// The changes that cells go through in turn.
fn change(cell: &mut F, turn: usize) {
    *cell += [F::ONE, -F::ONE, F::from_u64(1 << 12), -F::from_u64(0x1234_5678_9abc_def1)][turn % 4];
}

fn groups(rules: &BTreeSet<Rule>) -> BTreeSet<Group> {
    rules.iter().map(|r| r.group()).collect()
}

/// Rejected in exactly the groups of the relations broken; which relations those are.
fn rejected(f: &Forgery<'_>, what: &str) -> BTreeSet<Rule> {
    let rules = broken(f);
    assert_eq!(f.rejected_by(), groups(&rules), "{what}: {rules:?}");
    rules
}

fn every_column_cell(config: &RunConfig, stride: usize) {
    let honest = Forgery::honest(config, &start(config), &data(config));
    assert_eq!(rejected(&honest, "honest"), BTreeSet::new());
    let mut turn = 0;
    for (name, first, n, determined_by) in columns(&honest) {
        for (slot, row) in (first..first + n).flat_map(|s| (0..honest.rows()).map(move |x| (s, x))) {
            turn += 1;
            if turn % stride != 0 {
                continue;
            }
            let mut f = honest.clone();
            change(f.cell(slot, row), turn / stride);
            f.derive_all();
            let what = format!("{name}, slot {slot}, row {row}");
            let rules = rejected(&f, &what);
            assert!(
                determined_by.iter().any(|r| rules.contains(r)),
                "{what} is determined by {determined_by:?}: {rules:?}"
            );
        }
    }
}

#[test]
fn every_cell_of_every_activation_is_determined() {
    every_column_cell(&every_activation(Loss::Mse), 1);
}

#[test]
fn every_cell_of_sigmoid_cross_entropy_is_determined() {
    every_column_cell(&tiny(&[(2, Activation::Relu), (2, Activation::Identity)], 2, Loss::BceWithLogits), 1);
}

#[test]
fn every_cell_of_softmax_is_determined() {
    every_column_cell(&tiny(&[(3, Activation::Identity)], 2, Loss::CrossEntropy), 3);
}

/// Every cell of the data set that the chunk reads: the features enter Z and W, the labels D.
#[test]
fn every_cell_of_the_data_enters_the_chunk() {
    for loss in [Loss::CrossEntropy, Loss::BceWithLogits, Loss::Mse] {
        let config = tiny(&[(2, Activation::Tanh), (2, Activation::Identity)], 2, loss);
        let honest = Forgery::honest(&config, &start(&config), &data(&config));
        let stride = honest.data.len() / 4;
        for i in 0..honest.data.len() {
            let (column, row) = (i / stride, i % stride);
            let mut f = honest.clone();
            f.data[i] += F::ONE;
            f.derive();
            let rules = rejected(&f, "data");
            let expected: &[Rule] = match (column, row) {
                // Rows beyond n are the validity proof's affair: no chunk reads them.
                (_, 7..) => &[],
                (0 | 1, _) => &[Rule::Forward(0), Rule::Update(0)],
                _ => &[Rule::Backward(0), Rule::Update(1)],
            };
            assert_eq!(expected.is_empty(), rules.is_empty(), "{loss:?}, column {column}, row {row}: {rules:?}");
            assert!(expected.is_empty() || expected.iter().any(|r| rules.contains(r)), "{rules:?}");
        }
    }
}
