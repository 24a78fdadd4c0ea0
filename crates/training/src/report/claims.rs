//! What a report shows, as linear claims on the counts N(group, label, prediction) and, behind them, on the rows of every
//! group whose label is among the k largest outputs ([`super::ranks`]).
//!
//! An equality is `sum coefficient N = value`. A bound is `sum coefficient N - value = slack` with a committed slack in
//! [0, 2^60); as |sum - value| < 2^60 too, it is one of integers, and the sum is at least the value.
use super::ReportInvalid;
use super::rates::Rate;
use super::statement::{MAX_TERMS, ReportStatement, Shown};
use alloc::vec::Vec;

/// Bits of one limb of a slack.
pub(super) const LIMB_BITS: u32 = 15;
/// Limbs of a slack.
pub(super) const LIMBS: usize = 4;
/// A slack, and what it bounds, stays below 2^60: sum and slack cannot meet mod p otherwise.
pub(super) const SLACK_BITS: u32 = LIMB_BITS * LIMBS as u32;

/// `sum coefficient N = value + slack`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CountClaim {
    /// (index of the count, coefficient): groups times classes squared counts, then for every k a count per group.
    pub(super) terms: Vec<(usize, i64)>,
    /// What it is compared with.
    pub(super) value: i64,
    /// Whether a slack is added: at least, not equal.
    pub(super) bound: bool,
    /// Which of the things shown it is of.
    pub(super) shown: usize,
}

/// Indices of counts.
struct Table {
    groups: usize,
    classes: usize,
    rows: u64,
    /// k of the rates of ranks.
    tops: Vec<u32>,
}

impl Table {
    /// numerator factor * numerator + denominator factor * denominator of a rate in some groups.
    fn combination(&self, rate: Rate, parts: &[(usize, i128, i128)]) -> Vec<(usize, i128)> {
        let c = self.classes;
        let mut out = Vec::new();
        for &(group, n, d) in parts {
            for cell in 0..c * c {
                let (num, den) = rate.coefficients((cell / c) as u32, (cell % c) as u32);
                let k = n * i128::from(num) + d * i128::from(den);
                if k != 0 {
                    out.push((group * c * c + cell, k));
                }
            }
            let top = rate.top().and_then(|k| self.tops.iter().position(|&t| t == k));
            if let (Some(i), true) = (top, n != 0) {
                out.push((self.groups * c * c + i * self.groups + group, n));
            }
        }
        out
    }

    /// One group, or all of them.
    fn among(&self, group: Option<u32>, n: i128, d: i128) -> Vec<(usize, i128, i128)> {
        let range = group.map_or(0..self.groups, |g| g as usize..g as usize + 1);
        range.map(|g| (g, n, d)).collect()
    }

    /// `terms >= value`; fails where the numbers leave the window of a slack.
    fn at_least(&self, terms: Vec<(usize, i128)>, value: i128, denominator: u32) -> Result<CountClaim, ReportInvalid> {
        // The counts sum to the rows, so the sum lies between rows times the extreme coefficients.
        let largest = terms.iter().map(|t| t.1.unsigned_abs()).max().unwrap_or(0);
        let most = largest.saturating_mul(self.rows.into()).saturating_add(value.unsigned_abs());
        let too_fine = ReportInvalid::BoundTooFine { denominator, rows: self.rows };
        if most >= 1 << SLACK_BITS {
            return Err(too_fine);
        }
        let fits = |v: i128| i64::try_from(v).ok();
        let terms = terms.into_iter().map(|(i, k)| Some((i, fits(k)?))).collect::<Option<Vec<_>>>();
        match (terms, fits(value)) {
            (Some(terms), Some(value)) => Ok(CountClaim { terms, value, bound: true, shown: 0 }),
            _ => Err(too_fine),
        }
    }
}

fn equal(terms: Vec<(usize, i128)>, value: u32) -> CountClaim {
    // Coefficients of a rate are small.
    let terms = terms.into_iter().map(|(i, k)| (i, k as i64)).collect();
    CountClaim { terms, value: value.into(), bound: false, shown: 0 }
}

/// The claims of a statement whose shapes are checked.
pub(super) fn count_claims(
    statement: &ReportStatement,
    classes: usize,
    rows: u64,
) -> Result<Vec<CountClaim>, ReportInvalid> {
    let t = Table { groups: statement.group_count(), classes, rows, tops: statement.tops() };
    let mut out: Vec<CountClaim> = Vec::new();
    for (i, shown) in statement.shown.iter().enumerate() {
        let before = out.len();
        let terms: usize = out.iter().map(|c| c.terms.len()).sum();
        if terms > MAX_TERMS {
            return Err(ReportInvalid::Length { field: "terms of all claims", got: terms, min: 0, max: MAX_TERMS });
        }
        match shown {
            Shown::Outputs { .. }
            | Shown::Classes { .. }
            | Shown::Margins { .. }
            | Shown::Committed { .. }
            | Shown::SquaredError { .. }
            | Shown::AbsoluteError { .. }
            | Shown::TargetMoments { .. }
            | Shown::Backtest { .. }
            | Shown::Scores { .. }
            | Shown::BetterBy { .. }
            | Shown::Calendar { .. }
            | Shown::MeanErrorAtMost { .. }
            | Shown::ExplainedAtLeast { .. } => {}
            Shown::Counts { counts } => {
                out.extend(counts.iter().enumerate().map(|(i, &n)| equal([(i, 1)].into(), n)));
            }
            Shown::Exactly { rate, group, numerator, denominator } => {
                out.push(equal(t.combination(*rate, &t.among(*group, 1, 0)), *numerator));
                out.push(equal(t.combination(*rate, &t.among(*group, 0, 1)), *denominator));
            }
            Shown::AtLeast { rate, group, bound: (p, q) } => {
                let parts = t.among(*group, (*q).into(), -i128::from(*p));
                out.push(t.at_least(t.combination(*rate, &parts), 0, *q)?);
                if !(rate.of_all_rows() && group.is_none()) {
                    // 0 of 0 would pass.
                    out.push(t.at_least(t.combination(*rate, &t.among(*group, 0, 1)), 1, *q)?);
                }
            }
            Shown::GapAtMost { rate, denominators, bound: (p, q) } => {
                for (g, &d) in denominators.iter().enumerate() {
                    out.push(equal(t.combination(*rate, &[(g, 0, 1)]), d));
                }
                // r_g - r_h <= p/q, as p d_g d_h - q (n_g d_h - n_h d_g) >= 0.
                let q_ = i128::from(*q);
                for (g, &d) in denominators.iter().enumerate() {
                    for (h, &e) in denominators.iter().enumerate().filter(|(h, _)| *h != g) {
                        let (d, e) = (i128::from(d), i128::from(e));
                        let terms = t.combination(*rate, &[(g, -q_ * e, 0), (h, q_ * d, 0)]);
                        out.push(t.at_least(terms, -(i128::from(*p) * d * e), *q)?);
                    }
                }
            }
        }
        out.iter_mut().skip(before).for_each(|c| c.shown = i);
    }
    Ok(out)
}
