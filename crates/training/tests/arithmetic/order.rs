//! Row order: known answers, coverage of an epoch, masks.
use crate::small;
use sha2::{Digest, Sha256};
use tacit_training::config::{Activation, Loss, Order};
use tacit_training::order::{RowOrder, permutation};

fn seed() -> Order {
    Order::Shuffled { seed: core::array::from_fn(|i| i as u8) }
}

/// From a Python implementation of the definition.
#[test]
fn known_permutations() {
    assert_eq!(permutation(&seed(), 10, 0), [2, 9, 0, 7, 6, 4, 5, 8, 3, 1]);
    assert_eq!(permutation(&seed(), 10, 1), [0, 7, 1, 4, 8, 5, 6, 2, 3, 9]);
    let bytes: Vec<u8> = permutation(&seed(), 5000, 3).into_iter().flat_map(u32::to_be_bytes).collect();
    let hex: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "67c0b8fb2978783675b03b8e2795cf80216bf3851bc21741c9a6c49ad5e917bd");
    assert_eq!(permutation(&Order::Contiguous, 4, 9), [0, 1, 2, 3]);
    assert!(permutation(&seed(), 0, 0).is_empty());
}

#[test]
fn an_epoch_reads_every_row_once() {
    for order in [Order::Contiguous, seed()] {
        let mut config = small(Activation::Relu, Loss::CrossEntropy);
        config.order = order;
        config.schedule.total_steps = 9;
        let mut rows = RowOrder::new(&config);
        for epoch in 0..3 {
            let mut seen: Vec<u32> = (0..3).flat_map(|s| rows.batch(3 * epoch + s)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..10).collect::<Vec<_>>());
        }
    }
}

#[test]
fn masked_positions() {
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    config.order = seed();
    let mut rows = RowOrder::new(&config);
    // Ten rows in batches of four: step 2 has two.
    assert_eq!(rows.batch(2).len(), 2);
    assert!(rows.row_index(2, 1).is_some());
    assert_eq!(rows.row_index(2, 2), None);
    assert_eq!(rows.row_index(0, 4), None, "beyond the batch");
    assert_eq!(rows.row_index(7, 0), None, "beyond the run");
    assert_eq!(rows.row_index(0, 0), Some(2));
    assert_eq!(rows.row_index(3, 0), Some(0), "epoch 1 has its own permutation");
    config.schedule.drop_last = true;
    let mut rows = RowOrder::new(&config);
    assert_eq!(rows.row_index(2, 0), Some(0), "with two steps an epoch, step 2 starts epoch 1");
    assert!((0..7).all(|t| rows.batch(t).len() == 4));
    assert_eq!((0..7).map(|t| config.schedule.batch_rows(t)).collect::<Vec<_>>(), [4; 7]);
}
