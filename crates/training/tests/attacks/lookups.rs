//! Lookups: multiplicities, tables of the prover's own, cells that no relation reads.
use crate::common::{data, start};
use crate::forge::Forgery;
use crate::rules::{Group, Rule, broken};
use crate::{WINDOW, every_activation, tiny};
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeSet;
use tacit_argument::field::F;
use tacit_training::config::{Activation, Loss};
use tacit_training::relation::layout::ModelLayout;
use tacit_training::relation::{ChunkRelation, StartWeights};

const LOOKUPS: [Group; 1] = [Group::Lookups];

/// Every count of every table, off by one; cells behind a small table's counts are read by nothing.
#[test]
fn every_multiplicity_is_determined() {
    let config = every_activation(Loss::Mse);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let system = honest.relation.lookups().clone();
    for (table, &slot) in system.tables.iter().zip(&system.multiplicities) {
        let first = slot << honest.layout.log_rows;
        let used = 1usize << table.bits();
        for i in (0..used).step_by(1 + used / 9).chain([used - 1]) {
            let mut f = honest.clone();
            f.columns[first + i] += F::ONE;
            assert_eq!(broken(&f), BTreeSet::from([Rule::Multiplicity]));
            assert_eq!(f.rejected_by(), BTreeSet::from(LOOKUPS), "table of 2^{}, row {i}", table.bits());
        }
    }
}

#[test]
fn multiplicities_ignored_or_negated_or_of_another_table() {
    let config = tiny(&[(2, Activation::Relu), (2, Activation::Identity)], 2, Loss::BceWithLogits);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let system = honest.relation.lookups().clone();
    let cells: Vec<std::ops::Range<usize>> = system
        .tables
        .iter()
        .zip(&system.multiplicities)
        .map(|(t, &slot)| (slot << honest.layout.log_rows)..(slot << honest.layout.log_rows) + (1 << t.bits()))
        .collect();
    for range in &cells {
        for change in [|_| F::ZERO, |v: F| -v, |v: F| v.double()] {
            let mut f = honest.clone();
            f.columns[range.clone()].iter_mut().for_each(|v| *v = change(*v));
            assert_eq!(f.rejected_by(), BTreeSet::from(LOOKUPS));
        }
    }
    // The counts of two tables of one size exchanged.
    let pairs = (0..cells.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let same = pairs.filter(|&(i, j)| cells[i].len() == cells[j].len()).collect::<Vec<_>>();
    assert!(!same.is_empty());
    for (i, j) in same {
        let mut f = honest.clone();
        for (a, b) in cells[i].clone().zip(cells[j].clone()) {
            f.columns.swap(a, b);
        }
        assert_eq!(f.rejected_by(), BTreeSet::from(LOOKUPS));
    }
}

/// Tables are the verifier's: a prover that sums over a table of its own, and trains by it, is rejected.
#[test]
fn a_table_of_the_provers_own() {
    let config = tiny(&[(2, Activation::Sigmoid), (2, Activation::Identity)], 2, Loss::BceWithLogits);
    let mut other = config.clone();
    // Another activation has another table and the same columns.
    other.architecture.layers[0].activation = Activation::Tanh;
    let bits = StartWeights::Committed(Some(WINDOW));
    let mut f = Forgery::of(&config, &other, 0, bits.clone(), (&start(&config), &data(&config)));
    assert_eq!(broken(&f), BTreeSet::from([Rule::Activation(0)]));
    assert_eq!(f.rejected_by(), BTreeSet::from(LOOKUPS));
    f.proves = ChunkRelation::new(&other, 0, bits).expect("a chunk");
    assert_eq!(f.rejected_by(), BTreeSet::from(LOOKUPS), "the prover's sums vanish over its own table");
}

/// The cells that no relation reads are exactly these: behind a small table's counts, between the rows of a model
/// vector, between those of the limbs (there only inside the limb's width).
#[test]
fn cells_between_the_payload_are_free_and_mean_nothing() {
    let config = tiny(&[(3, Activation::Relu), (3, Activation::Identity)], 2, Loss::Mse);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let layout = ModelLayout::new(&config, 0);
    let gap = layout.cell(0, 0, 2) + 1;
    let mut f = honest.clone();
    f.model_out[gap] = F::from_u64(77);
    f.model_in.as_mut().expect("a hidden start")[gap] = -F::ONE;
    assert_eq!(f.rejected_by(), BTreeSet::new());

    let limbs = honest.layout.weight_limbs.clone().expect("a range check");
    for (width, _, place, _) in &limbs.limbs {
        let gap = place.cell(0, 0, 2) + 1;
        let mut f = honest.clone();
        f.columns[gap] = F::ONE;
        f.derive_multiplicities();
        assert_eq!(f.rejected_by(), BTreeSet::new());
        f.columns[gap] = F::from_u64(1 << width);
        assert_eq!(f.rejected_by(), BTreeSet::from(LOOKUPS));
    }
}
