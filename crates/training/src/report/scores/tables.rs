//! Functions of a score s with fa fractional bits, as integers of [`BITS`] fractional bits, by an exact algorithm.
//!
//! With e = expq(|s|), P = 2^60 (`crate::tables`): sigmoid is 1 / (1 + e/P) or e/P of it, softplus is max(s, 0) +
//! ln(1 + e/P), the logarithm from the series of 2 artanh(w), w = e / (2P + e). Every value is within 2^-21 + 2^-50
//! of the real one.
use super::ScoreLoss;
use crate::tables::{LOG_P, P, SIZE, expq, hdiv};
use alloc::vec::Vec;

/// Fractional bits of probabilities and losses.
pub(in crate::report) const BITS: u32 = 20;

/// What a row adds to a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Value {
    /// 1.
    One,
    /// The predicted probability of class 1.
    Probability,
    /// The loss of the row.
    Loss(ScoreLoss),
}

impl Value {
    /// The largest value at any score of `bits` bits, of which `fa` are fractional.
    pub(in crate::report) const fn most(self, bits: u32, fa: u32) -> u64 {
        match self {
            Self::One => 1,
            Self::Probability | Self::Loss(ScoreLoss::Brier) => 1 << BITS,
            // max(s, 0) + ln 2 at |s| = 2^(bits-1), rounded.
            Self::Loss(ScoreLoss::Log) => ((1 << (bits - 1 + BITS)) >> fa) + (1 << BITS),
        }
    }
}

/// The values at all scores of a window.
pub(in crate::report) struct Values {
    fa: u32,
    half: i64,
    /// expq(|s|).
    exp: Vec<u64>,
}

impl Values {
    /// For scores of at most 17 bits.
    pub(in crate::report) fn new(bits: u32, fa: u32) -> Self {
        Self { fa, half: 1 << (bits - 1), exp: expq(fa, 2 * SIZE) }
    }

    /// The value at every score, of rows with this label, from -2^(bits-1) on.
    pub(in crate::report) fn table(&self, value: Value, label: usize) -> Vec<i64> {
        (-self.half..self.half).map(|s| self.at(value, label, s)).collect()
    }

    /// The value of one row.
    pub(in crate::report) fn at(&self, value: Value, label: usize, s: i64) -> i64 {
        // What class 1 is on the other side of.
        let against = if label == 1 { -s } else { s };
        match value {
            Value::One => 1,
            Value::Probability => hdiv(self.sigmoid(s) << BITS, self.whole(s)) as i64,
            Value::Loss(ScoreLoss::Log) => {
                let linear = i128::from(against.max(0)) << (LOG_P - self.fa);
                hdiv(linear + log_of_one_plus(self.exp(s)), 1 << (LOG_P - BITS)) as i64
            }
            Value::Loss(ScoreLoss::Brier) => {
                let error = (self.sigmoid(against) << LOG_P) / self.whole(s);
                hdiv(error * error, 1 << (2 * LOG_P - BITS)) as i64
            }
        }
    }

    fn exp(&self, s: i64) -> i128 {
        self.exp.get(s.unsigned_abs() as usize).copied().map_or(0, i128::from)
    }

    /// The numerator of sigmoid(s) over `whole`.
    fn sigmoid(&self, s: i64) -> i128 {
        if s < 0 { self.exp(s) } else { P as i128 }
    }

    fn whole(&self, s: i64) -> i128 {
        P as i128 + self.exp(s)
    }
}

/// P ln(1 + e/P) for e in [0, P], rounded down term by term.
fn log_of_one_plus(e: i128) -> i128 {
    let w = (e << LOG_P) / (2 * P as i128 + e);
    let square = (w * w) >> LOG_P;
    let (mut term, mut sum, mut k) = (w, 0, 1);
    while term > 0 {
        sum += term / k;
        term = (term * square) >> LOG_P;
        k += 2;
    }
    2 * sum
}
