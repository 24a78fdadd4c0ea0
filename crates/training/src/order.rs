//! Which row of the data set is example b of step t.
//!
//! Step t belongs to epoch e = t / spe and reads positions (t mod spe) B + b of that epoch's permutation. A shuffled
//! epoch is a Fisher-Yates shuffle whose draws are the big-endian 64-bit words of
//! SHA-256("tacit/order/v1" || seed || be64(e) || be64(counter)), counter = 0, 1, ..., without modulo bias.
use crate::config::{Order, RunConfig, Schedule};
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// Domain of the shuffle's draws.
pub const LABEL: &[u8] = b"tacit/order/v1";

/// The word stream of one epoch.
struct Words<'a> {
    seed: &'a [u8; 32],
    epoch: u64,
    counter: u64,
    words: Vec<u64>,
}

impl Words<'_> {
    fn next(&mut self) -> u64 {
        if self.words.is_empty() {
            let mut hash = Sha256::new();
            hash.update(LABEL);
            hash.update(self.seed);
            hash.update(self.epoch.to_be_bytes());
            hash.update(self.counter.to_be_bytes());
            self.counter += 1;
            let digest = hash.finalize();
            // Reversed, so that popping yields the digest's words in order.
            self.words = digest.chunks(8).rev().map(|w| w.iter().fold(0, |x, &b| (x << 8) | u64::from(b))).collect();
        }
        self.words.pop().unwrap_or(0)
    }

    /// Uniform in [0, bound), bound >= 1.
    fn below(&mut self, bound: u64) -> u64 {
        let limit = ((1u128 << 64) / u128::from(bound)) * u128::from(bound);
        loop {
            let x = self.next();
            if u128::from(x) < limit {
                return x % bound;
            }
        }
    }
}

/// The permutation of `rows` rows in epoch `epoch`.
#[must_use]
pub fn permutation(order: &Order, rows: u32, epoch: u64) -> Vec<u32> {
    let mut perm: Vec<u32> = (0..rows).collect();
    if let Order::Shuffled { seed } = order {
        let mut words = Words { seed, epoch, counter: 0, words: Vec::new() };
        for i in (1..perm.len()).rev() {
            let j = words.below(i as u64 + 1) as usize;
            perm.swap(i, j);
        }
    }
    perm
}

/// Row indices by step, with the current epoch's permutation kept.
#[derive(Clone, Debug)]
pub struct RowOrder<'a> {
    schedule: &'a Schedule,
    order: &'a Order,
    epoch: Option<u32>,
    permutation: Vec<u32>,
}

impl<'a> RowOrder<'a> {
    /// The order of a run.
    #[must_use]
    pub const fn new(config: &'a RunConfig) -> Self {
        Self { schedule: &config.schedule, order: &config.order, epoch: None, permutation: Vec::new() }
    }

    /// The data row of example b of step t; `None` if it is masked.
    pub fn row_index(&mut self, t: u32, b: u32) -> Option<u32> {
        let s = self.schedule;
        let spe = s.steps_per_epoch();
        if spe == 0 || t >= s.total_steps || b >= s.batch {
            return None;
        }
        let position = u64::from(t % spe) * u64::from(s.batch) + u64::from(b);
        if position >= u64::from(s.rows) {
            return None;
        }
        if matches!(self.order, Order::Contiguous) {
            return u32::try_from(position).ok();
        }
        let epoch = t / spe;
        if self.epoch != Some(epoch) {
            self.permutation = permutation(self.order, s.rows, u64::from(epoch));
            self.epoch = Some(epoch);
        }
        self.permutation.get(usize::try_from(position).ok()?).copied()
    }

    /// The data rows of step t, without masked ones (which are always last).
    pub fn batch(&mut self, t: u32) -> Vec<u32> {
        (0..self.schedule.batch_rows(t)).map_while(|b| self.row_index(t, b)).collect()
    }
}
