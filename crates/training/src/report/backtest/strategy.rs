//! What a backtest states: how positions follow from the output, what they cost, and what is shown of the result.
use crate::tables;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How the position of a day follows from that day's output Z. A whole position is [`Position::whole`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// 1 where Z > 0, else -1.
    Sign,
    /// 1 where Z > 0, else 0.
    Long,
    /// Z / limit, cut to [-1, 1], or to [0, 1] if it is long only, rounded half up.
    Linear {
        /// The Z of a whole position.
        limit: u32,
        /// Fractional bits of a position.
        bits: u32,
        /// No position below 0.
        long: bool,
        /// The largest position, as an integer: a larger one is cut to it, on both sides.
        most: u32,
    },
    /// tanh(Z 2^-shift), at least 0 if it is long only, rounded half up.
    Tanh {
        /// Fractional bits of tanh's argument.
        shift: u32,
        /// Fractional bits of a position.
        bits: u32,
        /// No position below 0.
        long: bool,
        /// The largest position, as an integer: a larger one is cut to it, on both sides.
        most: u32,
    },
}

impl Position {
    /// Fractional bits of a position.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        match self {
            Self::Sign | Self::Long => 0,
            Self::Linear { bits, .. } | Self::Tanh { bits, .. } => *bits,
        }
    }

    /// The integer of a whole position.
    #[must_use]
    pub const fn whole(&self) -> u64 {
        match 1u64.checked_shl(self.bits()) {
            Some(whole) => whole,
            None => 0,
        }
    }

    /// The positions of all Z of a window of `z_bits` bits, ascending; none of those that are signs of Z.
    #[must_use]
    pub fn table(&self, z_bits: u32) -> Option<Vec<i32>> {
        let half = 1i64 << z_bits.clamp(1, 16).saturating_sub(1);
        let cut = |long: bool, most: u32, v: i32| {
            let most = i32::try_from(most).unwrap_or(i32::MAX);
            v.clamp(if long { 0 } else { -most }, most)
        };
        match *self {
            Self::Sign | Self::Long => None,
            Self::Linear { limit, bits, long, most } => {
                let limit = i64::from(limit).max(1);
                let value = |z: i64| {
                    let scaled = z.clamp(-limit, limit) << bits.min(16);
                    cut(long, most, (2 * scaled + limit).div_euclid(2 * limit) as i32)
                };
                Some((-half..half).map(value).collect())
            }
            Self::Tanh { shift, bits, long, most } => {
                let all = tables::tanh_values(shift, bits);
                let skipped = all.len().saturating_sub(2 * half as usize) / 2;
                Some(all.into_iter().skip(skipped).take(2 * half as usize).map(|v| cut(long, most, v)).collect())
            }
        }
    }

    /// The position of one output.
    #[cfg(feature = "prover")]
    pub(in crate::report) fn of(&self, table: Option<&[i32]>, z: i32) -> i64 {
        match (self, table) {
            (Self::Sign, _) => {
                if z > 0 {
                    1
                } else {
                    -1
                }
            }
            (_, Some(table)) => table[(i64::from(z) + table.len() as i64 / 2) as usize].into(),
            _ => i64::from(z > 0),
        }
    }
}

/// A feature that is stated to be an earlier target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// The feature column.
    pub column: u32,
    /// On row x it is the target of row x - 1 - back.
    pub back: u32,
}

/// How outputs become positions, and positions profits.
///
/// With D = `cost.1`, C = `cost.0`, y the target and p the position of a row, p' that of the row before (0 before the
/// first): `profit = D p y - C |p - p'|`. A profit of one whole unit of capital is D `whole` `unit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// Positions.
    pub position: Position,
    /// C and D: changing a position by a whole one costs C / D of the integers of targets.
    pub cost: (u32, u32),
    /// The integer of a target of 1, a return of 100 %. Declared: the record has only the schema's digest.
    pub unit: u32,
    /// Rows of a year, for annual figures.
    pub periods: u32,
    /// The features that are earlier targets, by ascending column.
    pub lags: Vec<Lag>,
}

/// One thing shown of a backtest. n is the number of rows, S the sum of profits, Q that of their squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Figure {
    /// S.
    Profit {
        /// The sum.
        sum: i64,
    },
    /// Q.
    Squares {
        /// The sum.
        sum: u64,
    },
    /// The sum of the squares of the profits below 0.
    Downside {
        /// The sum.
        sum: u64,
    },
    /// The sum of |p - p'|.
    Turnover {
        /// The sum.
        sum: u64,
    },
    /// Rows with a profit above 0, and rows with a position.
    Hits {
        /// Rows with a profit.
        profitable: u32,
        /// Rows with a position.
        invested: u32,
    },
    /// The largest fall of the running sum of profits below its largest value so far, which starts from 0.
    Drawdown {
        /// The fall.
        value: u64,
    },
    /// S is at least this.
    ProfitAtLeast {
        /// The bound.
        bound: i64,
    },
    /// Q is at most this.
    SquaresAtMost {
        /// The bound.
        bound: u64,
    },
    /// The turnover is at most this.
    TurnoverAtMost {
        /// The bound.
        bound: u64,
    },
    /// Rows with a profit are at least this fraction of the rows with a position, of which there are some.
    HitsAtLeast {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// No drawdown is larger than this.
    DrawdownAtMost {
        /// The bound.
        bound: u64,
    },
    /// S > 0, and the annual Sharpe ratio sqrt(periods) mean / deviation (with n - 1) is at least this fraction.
    SharpeAtLeast {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// S > 0, and the annual Sortino ratio sqrt(periods) mean / sqrt(downside / n) is at least this fraction.
    SortinoAtLeast {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
}

impl Figure {
    /// Whether rows are told apart by the sign of their profit.
    pub(super) const fn needs_signs(&self) -> bool {
        matches!(
            self,
            Self::Downside { .. } | Self::Hits { .. } | Self::HitsAtLeast { .. } | Self::SortinoAtLeast { .. }
        )
    }

    /// The drawdown that every row's is compared with.
    pub(super) const fn drawdown(&self) -> Option<u64> {
        match self {
            Self::Drawdown { value } => Some(*value),
            Self::DrawdownAtMost { bound } => Some(*bound),
            _ => None,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Profit { .. } | Self::ProfitAtLeast { .. } => "profit",
            Self::Squares { .. } | Self::SquaresAtMost { .. } => "sum of squared profits",
            Self::Downside { .. } => "sum of squared losses",
            Self::Turnover { .. } | Self::TurnoverAtMost { .. } => "turnover",
            Self::Hits { .. } | Self::HitsAtLeast { .. } => "hit rate",
            Self::Drawdown { .. } | Self::DrawdownAtMost { .. } => "maximum drawdown",
            Self::SharpeAtLeast { .. } => "Sharpe ratio",
            Self::SortinoAtLeast { .. } => "Sortino ratio",
        }
    }
}
