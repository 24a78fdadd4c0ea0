//! Which rows, rates and weights each step of a run has.
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// `steps` consecutive steps with one integer learning rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateSpan {
    /// How many steps, at least 1.
    pub steps: u32,
    /// rho_u, in [0, [`MAX_RATE`]].
    pub rate: i64,
}

/// Weight decay at chunk boundaries: the weights that chunk i ends with are multiplied by numerators[i] / 2^bits, as
/// part of their rounding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decay {
    /// log2 of the common denominator.
    pub bits: u32,
    /// One per chunk, in [1, 2^bits].
    pub numerators: Vec<i64>,
}

/// Steps, batches and learning rates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Rows n of the data set.
    pub rows: u32,
    /// Batch size B.
    pub batch: u32,
    /// Whether an epoch leaves out a last batch that is not full.
    pub drop_last: bool,
    /// Steps S of the run.
    pub total_steps: u32,
    /// Steps T of a chunk, a power of two.
    pub chunk_steps: u32,
    /// rho_u for every step, run-length encoded; neighbours differ.
    pub rates: Vec<RateSpan>,
    /// The momentum filter d; `[2^kappa]` without momentum.
    pub filter: Vec<i64>,
    /// Whether a step descends along its gradient plus the next velocity's share, as Nesterov's method does.
    #[serde(default)]
    pub nesterov: bool,
    /// Weight decay.
    #[serde(default)]
    pub decay: Option<Decay>,
    /// The run ends with the mean of the weights after each of its last so many steps, a power of two; without it
    /// with the weights after its last step.
    #[serde(default)]
    pub average: Option<u32>,
}

impl Schedule {
    /// The same rates, run-length encoded.
    #[must_use]
    pub fn encode_rates(rates: &[i64]) -> Vec<RateSpan> {
        let mut spans: Vec<RateSpan> = Vec::new();
        for &rate in rates {
            match spans.last_mut() {
                Some(span) if span.rate == rate && span.steps < u32::MAX => span.steps += 1,
                _ => spans.push(RateSpan { steps: 1, rate }),
            }
        }
        spans
    }

    /// rho_u for u in `[start, start + count)`, as far as the schedule goes.
    #[must_use]
    pub fn rates_in(&self, start: u32, count: u32) -> Vec<i64> {
        let (from, to) = (u64::from(start), u64::from(start) + u64::from(count));
        let (mut out, mut at) = (Vec::new(), 0u64);
        for span in &self.rates {
            let end = at + u64::from(span.steps);
            let overlap = end.min(to).saturating_sub(at.max(from));
            out.extend((0..overlap).map(|_| span.rate));
            at = end;
            if at >= to {
                break;
            }
        }
        out
    }

    /// Steps of an epoch; 0 if no batch is ever full and the last one is dropped.
    #[must_use]
    pub const fn steps_per_epoch(&self) -> u32 {
        if self.batch == 0 {
            0
        } else if self.drop_last {
            self.rows / self.batch
        } else {
            self.rows.div_ceil(self.batch)
        }
    }

    /// Rows of step t's batch that are not masked.
    #[must_use]
    pub fn batch_rows(&self, t: u32) -> u32 {
        let spe = self.steps_per_epoch();
        if spe == 0 || t >= self.total_steps {
            return 0;
        }
        let start = u64::from(t % spe) * u64::from(self.batch);
        u64::from(self.rows).saturating_sub(start).min(u64::from(self.batch)) as u32
    }

    /// w_t = 2^omega B / B_t, rounded half up: makes a partial batch PyTorch's mean.
    #[must_use]
    pub fn batch_weight(&self, t: u32, omega: u32) -> u64 {
        let rows = u128::from(self.batch_rows(t));
        if rows == 0 {
            return 0;
        }
        let numerator = u128::from(self.batch) << (omega.min(64) + 1);
        u64::try_from((numerator + rows) / (2 * rows)).unwrap_or(u64::MAX)
    }

    /// The filter h by which gradients enter an update: d, or with Nesterov h_i = d_{i+1} + 2^kappa [i = 0], the
    /// coefficients of g + mu v.
    #[must_use]
    pub fn update_filter(&self) -> Vec<i64> {
        if !self.nesterov {
            return self.filter.clone();
        }
        let first = self.filter.iter().take(2).fold(0i64, |sum, &d| sum.saturating_add(d));
        core::iter::once(first).chain(self.filter.iter().skip(2).copied()).collect()
    }

    /// Whether a momentum state is carried from chunk to chunk.
    #[must_use]
    pub fn momentum(&self) -> bool {
        self.filter.len() > 1
    }
}
