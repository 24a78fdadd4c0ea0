//! The rules of backtests, and the bounds under which their equations mod p are equations of integers.
//!
//! B bounds every profit. B < 2^30, n B < 2^45 and n B^2 < 2^60: then sums, running sums and sums of squares of n rows,
//! with slacks below 2^60, cannot meet mod p.
use super::strategy::{Figure, Position, Strategy};
use crate::config::RunConfig;
use crate::record::Labels;
use crate::report::statement::{Input, Rows};

/// Most figures of one backtest.
pub const MAX_FIGURES: usize = 16;
/// Most rows times earlier targets: the verifier adds up a weight for each.
const MAX_LAGGED: u64 = 1 << 26;
/// Numerator and denominator of a bound on a ratio stay below 2^16.
const RATIO_BITS: u32 = 16;
/// log2 of the most rows of a year.
const PERIOD_BITS: u32 = 14;
/// Most fractional bits of a position.
const MAX_POSITION_BITS: u32 = 12;
/// The root of a sum of squares is compared through an integer below 2^30, the sum through one below 2^45.
const SUM_BITS: u32 = 30;
/// Bits of S beyond 2^36 are dropped: a mean profit is taken to be below B / 64.
const KEPT_BITS: u32 = 36;

/// A backtest that no honest owner makes, or that this version does not accept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BacktestInvalid {
    /// The rows are days in a row: all, or a range.
    #[error("a backtest reads all rows of a committed data set, a range of them, or public rows with their targets")]
    BacktestRows,
    /// A year has no deviation.
    #[error("a backtest is of at least 2 rows, these are {got}")]
    TooFewRows {
        /// Rows.
        got: usize,
    },
    /// The rows have another kind of target.
    #[error("a backtest needs one real target a row, the return of the period that follows")]
    Labels,
    /// The model has more than one output.
    #[error("a position follows from one output, this model has {got}")]
    Outputs {
        /// Outputs.
        got: usize,
    },
    /// A number of the strategy is outside its range.
    #[error("{field} is {got}, expected {min} to {max}")]
    Field {
        /// Which one.
        field: &'static str,
        /// In the statement.
        got: u64,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A column that does not exist, or a list out of order.
    #[error("the features that are earlier targets are not ascending columns below {inputs}")]
    Lags {
        /// Features.
        inputs: u32,
    },
    /// A lag reaches back before the data.
    #[error(
        "feature {column} is the target {reach} rows earlier, and the first row read is {first}: start at row {reach}"
    )]
    BeforeFirst {
        /// The feature.
        column: u32,
        /// How many rows earlier.
        reach: u64,
        /// First row.
        first: u32,
    },
    /// On a public row a feature is another number than the earlier target.
    #[error("on row {row} feature {column} is not the target {reach} rows earlier")]
    LookAhead {
        /// The feature.
        column: u32,
        /// How many rows earlier.
        reach: u64,
        /// Of those read.
        row: usize,
    },
    /// A figure twice.
    #[error("a figure of the backtest is asked for twice")]
    Twice,
    /// Profits are too large for the proof.
    #[error(
        "{rows} rows with profits of up to {most} leave the range of the proof: use fewer fractional bits of positions, \
         a cost with a smaller denominator, or fewer rows"
    )]
    TooLarge {
        /// Rows.
        rows: usize,
        /// B.
        most: u128,
    },
    /// A figure that no rows have.
    #[error("a {name} of {got} is beyond {most}, the most that the rows can have")]
    Figure {
        /// Which one.
        name: &'static str,
        /// In the statement.
        got: u64,
        /// The most.
        most: u64,
    },
    /// A bound that is no positive ratio of small numbers.
    #[error("{}/{} is no bound on a ratio: both are below 2^16, the denominator is above 0", got.0, got.1)]
    Ratio {
        /// Numerator and denominator.
        got: (u32, u32),
    },
    /// A hit rate beyond 1.
    #[error("{}/{} is no fraction between 0 and 1", got.0, got.1)]
    Fraction {
        /// Numerator and denominator.
        got: (u32, u32),
    },
    /// A ratio that no profits of so many rows have, or that is too large to be compared.
    #[error("a {name} of {}/{} cannot be compared over {rows} rows: show it instead", bound.0, bound.1)]
    RatioTooHigh {
        /// Which one.
        name: &'static str,
        /// Numerator and denominator.
        bound: (u32, u32),
        /// Rows.
        rows: usize,
    },
}

/// `S^2 >= kappa^2 Q` from integers T, U with `S > 2^k T`, `Q <= 2^m U`, `T^2 >= c U` and `c >= 2^(m - 2 k) kappa^2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct RatioBound {
    /// Whether Q is the sum over losses alone.
    pub(in crate::report) downside: bool,
    /// c.
    pub(in crate::report) c: u64,
    /// m.
    pub(in crate::report) m: u32,
}

/// What a valid backtest comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Bounds {
    /// k.
    pub(in crate::report) k: u32,
    /// Of the figures that bound a ratio, in their order.
    pub(in crate::report) ratios: alloc::vec::Vec<RatioBound>,
    /// First row that is read.
    pub(in crate::report) first: u32,
}

fn within(field: &'static str, got: u64, min: u64, max: u64) -> Result<(), BacktestInvalid> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(BacktestInvalid::Field { field, got, min, max }) }
}

impl Strategy {
    /// Checks a backtest of a model on `rows` rows.
    pub(in crate::report) fn validate(
        &self,
        figures: &[Figure],
        config: &RunConfig,
        input: &Input,
        rows: usize,
    ) -> Result<Bounds, BacktestInvalid> {
        // Rows before the first one that is read: of a public table their targets stand beside it.
        let first = match input {
            Input::Committed { rows: Rows::All, .. } => 0,
            Input::Committed { rows: Rows::Range { first, .. }, .. } => *first,
            Input::Table { table } => u32::try_from(table.earlier.len()).unwrap_or(u32::MAX),
            Input::Committed { .. } | Input::Public { .. } => return Err(BacktestInvalid::BacktestRows),
        };
        if rows < 2 {
            return Err(BacktestInvalid::TooFewRows { got: rows });
        }
        let Some(Labels::Real { outputs: 1, bits }) = input.labels() else { return Err(BacktestInvalid::Labels) };
        let outputs = config.architecture.layers.last().map_or(0, |l| l.outputs as usize);
        if outputs != 1 {
            return Err(BacktestInvalid::Outputs { got: outputs });
        }
        self.check_fields()?;
        let features = config.architecture.layers.first().map_or(0, |l| l.inputs);
        self.check_lags(features, first)?;
        within("rows times earlier targets", rows as u64 * self.lags.len() as u64, 0, MAX_LAGGED)?;
        if let Input::Table { table } = input {
            table.check_lags(features as usize, &self.lags)?;
        }
        let whole = u128::from(self.position.whole());
        let (cost, scale) = (u128::from(self.cost.0), u128::from(self.cost.1));
        // |p| and |p - p'| are at most whole and 2 whole, |y| at most 2^(bits-1).
        let most = whole * ((scale << bits.saturating_sub(1).min(16)) + 2 * cost);
        let n = rows as u128;
        if most >= 1 << 30 || n * most >= 1 << 45 || n * most * most >= 1 << 60 {
            return Err(BacktestInvalid::TooLarge { rows, most });
        }
        let k = (u128::BITS - (n * most).leading_zeros()).saturating_sub(KEPT_BITS);
        within("figures of a backtest", figures.len() as u64, 1, MAX_FIGURES as u64)?;
        let mut ratios = alloc::vec::Vec::new();
        for (i, figure) in figures.iter().enumerate() {
            let same = |f: &Figure| core::mem::discriminant(f) == core::mem::discriminant(figure);
            // One drawdown, shown or bounded: rows are compared with one number.
            let falls = |f: &Figure| f.drawdown().is_some() && figure.drawdown().is_some();
            if figures.iter().take(i).any(|f| same(f) || falls(f)) {
                return Err(BacktestInvalid::Twice);
            }
            check_figure(figure, rows as u64, most as u64, whole as u64)?;
            ratios.extend(self.ratio(figure, rows, k)?);
        }
        Ok(Bounds { k, ratios, first })
    }

    fn check_fields(&self) -> Result<(), BacktestInvalid> {
        match self.position {
            Position::Sign | Position::Long => {}
            Position::Linear { limit, bits, most, .. } => {
                within("the limit of positions", limit.into(), 1, 1 << 16)?;
                within("the fractional bits of positions", bits.into(), 0, MAX_POSITION_BITS.into())?;
                within("the largest position", most.into(), 1, self.position.whole())?;
            }
            Position::Tanh { shift, bits, most, .. } => {
                within("the shift of tanh", shift.into(), 1, 14)?;
                within("the fractional bits of positions", bits.into(), 0, MAX_POSITION_BITS.into())?;
                within("the largest position", most.into(), 1, self.position.whole())?;
            }
        }
        within("the denominator of the cost", self.cost.1.into(), 1, 1 << 16)?;
        within("the unit of returns", self.unit.into(), 1, u32::MAX.into())?;
        within("the rows of a year", self.periods.into(), 1, 1 << PERIOD_BITS)
    }

    fn check_lags(&self, inputs: u32, first: u32) -> Result<(), BacktestInvalid> {
        let ascending = self.lags.windows(2).all(|w| matches!(w, [a, b] if a.column < b.column));
        if !ascending || self.lags.last().is_some_and(|l| l.column >= inputs) {
            return Err(BacktestInvalid::Lags { inputs });
        }
        let early = self.lags.iter().find(|l| u64::from(l.back) + 1 > u64::from(first));
        early.map_or(Ok(()), |l| {
            Err(BacktestInvalid::BeforeFirst { column: l.column, reach: u64::from(l.back) + 1, first })
        })
    }

    /// kappa^2 = p^2 n^2 / (periods (n - 1) q^2 + p^2 n) for Sharpe, p^2 n / (periods q^2) for Sortino, and c, m of it.
    fn ratio(&self, figure: &Figure, rows: usize, k: u32) -> Result<Option<RatioBound>, BacktestInvalid> {
        let (downside, bound) = match *figure {
            Figure::SharpeAtLeast { bound } => (false, bound),
            Figure::SortinoAtLeast { bound } => (true, bound),
            _ => return Ok(None),
        };
        // Below 2^16, 2^22 and 2^14: no product leaves 2^128.
        let (p, q, n, periods) = (u128::from(bound.0), u128::from(bound.1), rows as u128, u128::from(self.periods));
        let (numerator, denominator) = if downside {
            (p * p * n, periods * q * q)
        } else {
            (p * p * n * n, periods * (n - 1) * q * q + p * p * n)
        };
        // The largest m up to 18 with c < 2^18: 2^m U < 2^63 and c U < 2^63 for U < 2^45.
        let c = |m: u32| (numerator << m).div_ceil(denominator << (2 * k));
        let m = (0..=18).rev().find(|&m| c(m) < 1 << 18);
        match m {
            Some(m) => Ok(Some(RatioBound { downside, c: c(m) as u64, m })),
            None => Err(BacktestInvalid::RatioTooHigh { name: figure.name(), bound, rows }),
        }
    }
}

/// Figures are those that n rows can have; bounds are fractions of small numbers.
fn check_figure(figure: &Figure, rows: u64, most: u64, whole: u64) -> Result<(), BacktestInvalid> {
    let at_most = |got: u64, most: u64| {
        if got <= most { Ok(()) } else { Err(BacktestInvalid::Figure { name: figure.name(), got, most }) }
    };
    let ratio = |got: (u32, u32)| {
        let small = got.0 >> RATIO_BITS == 0 && got.1 >> RATIO_BITS == 0;
        if small && got.1 > 0 { Ok(()) } else { Err(BacktestInvalid::Ratio { got }) }
    };
    match *figure {
        Figure::Profit { sum: v } | Figure::ProfitAtLeast { bound: v } => at_most(v.unsigned_abs(), rows * most),
        Figure::Squares { sum: v } | Figure::Downside { sum: v } | Figure::SquaresAtMost { bound: v } => {
            at_most(v, rows * most * most)
        }
        Figure::Turnover { sum: v } | Figure::TurnoverAtMost { bound: v } => at_most(v, 2 * rows * whole),
        Figure::Drawdown { value: v } | Figure::DrawdownAtMost { bound: v } => at_most(v, rows * most),
        Figure::Hits { profitable, invested } => {
            at_most(invested.into(), rows)?;
            at_most(profitable.into(), invested.into())
        }
        Figure::HitsAtLeast { bound } => {
            let fraction = bound.1 > 0 && bound.0 <= bound.1;
            if fraction { Ok(()) } else { Err(BacktestInvalid::Fraction { got: bound }) }
        }
        Figure::SharpeAtLeast { bound } | Figure::SortinoAtLeast { bound } => ratio(bound),
    }
}

/// Bits of T.
pub(in crate::report) const ROOT_BITS: u32 = SUM_BITS;
