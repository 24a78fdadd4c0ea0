//! What the figures say about the histogram H, as linear claims and as claims on ordered pairs.
//!
//! Linear: `sum over parts of k * value(label, t) H(group, label, t) = value + slack`. Of pairs, per set S of rows
//! (one group, or all): U = sum_{t,u} H(S, 1, t) K(t, u) H(S, 0, u) and P N; `sum over sets of (k U + l P N) = value +
//! slack`. K is 2 [u < t] + [u = t] for areas, [t >= e] + [u < e] for recalls at the edge e. With slacks as in
//! [`crate::report::claims`].
use super::tables::{BITS, Value};
use super::{MAX_SCORE_VALUES, ScoreFigure, ScoreShape};
use crate::report::ReportInvalid;
use crate::report::claims::SLACK_BITS;
use crate::report::rates::Rate;
use crate::report::statement::{ReportStatement, Shown};
use alloc::vec;
use alloc::vec::Vec;

/// `k value(label, t)` for t in a range, in one group or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Part {
    pub(in crate::report) group: Option<u32>,
    pub(in crate::report) label: usize,
    pub(in crate::report) value: Value,
    /// From this t on, up to that.
    pub(in crate::report) range: (usize, usize),
    pub(in crate::report) k: i64,
}

/// A linear claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct LinearClaim {
    pub(in crate::report) parts: Vec<Part>,
    pub(in crate::report) value: i64,
    /// Whether a slack is added: at least, not equal.
    pub(in crate::report) bound: bool,
    /// Which of the things shown it is of.
    pub(in crate::report) shown: usize,
}

/// What pairs are summed over: the rows of a group, or all; and how: in order, or on both sides of a place.
pub(in crate::report) type Over = (Option<u32>, Option<usize>);

/// A claim on pairs: (set and kernel, k, l).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct PairClaim {
    pub(in crate::report) terms: Vec<(Over, i64, i64)>,
    pub(in crate::report) value: i64,
    pub(in crate::report) bound: bool,
    pub(in crate::report) shown: usize,
}

/// All claims of a statement.
#[derive(Clone, Debug)]
pub(in crate::report) struct ScoreClaims {
    pub(in crate::report) shape: ScoreShape,
    pub(in crate::report) linear: Vec<LinearClaim>,
    pub(in crate::report) pairs: Vec<PairClaim>,
}

impl ScoreClaims {
    /// How many have a slack.
    pub(in crate::report) fn bounds(&self) -> usize {
        let linear = self.linear.iter().filter(|c| c.bound).count();
        linear + self.pairs.iter().filter(|c| c.bound).count()
    }

    /// What the claims on pairs sum over, in order of first use.
    pub(in crate::report) fn sets(&self) -> Vec<Over> {
        let mut out = vec![];
        for (over, ..) in self.pairs.iter().flat_map(|c| &c.terms) {
            if !out.contains(over) {
                out.push(*over);
            }
        }
        out
    }
}

/// Turns figures into claims.
struct Maker {
    shape: ScoreShape,
    /// Which of the things shown is turned.
    shown: usize,
    linear: Vec<LinearClaim>,
    pairs: Vec<PairClaim>,
}

fn fits(v: i128) -> Option<i64> {
    i64::try_from(v).ok()
}

impl Maker {
    fn whole(&self) -> (usize, usize) {
        (0, 1 << self.shape.bits)
    }

    /// The sum of a value over the rows of one label in a range.
    fn part(group: Option<u32>, label: usize, value: Value, range: (usize, usize), k: i64) -> Part {
        Part { group, label, value, range, k }
    }

    /// The same of both labels.
    fn both(group: Option<u32>, value: Value, range: (usize, usize), k: i64) -> Vec<Part> {
        (0..2).map(|label| Self::part(group, label, value, range, k)).collect()
    }

    /// Sums that stay below 2^60, as their statement's rules check.
    fn equal(&mut self, parts: Vec<Part>, value: u64) {
        self.linear.push(LinearClaim { parts, value: value as i64, bound: false, shown: self.shown });
    }

    fn too_fine(&self, denominator: u32) -> ReportInvalid {
        ReportInvalid::BoundTooFine { denominator, rows: self.shape.rows }
    }

    /// `parts >= value`; fails where the numbers leave the window of a slack.
    fn at_least(&mut self, parts: Vec<Part>, value: i64, denominator: u32) -> Result<(), ReportInvalid> {
        let most = |label: usize| -> u128 {
            let of = parts.iter().filter(|p| p.label == label);
            of.map(|p| u128::from(p.k.unsigned_abs()) * u128::from(p.value.most(self.shape.bits, self.shape.fa))).sum()
        };
        // Every row is in one entry of the histogram.
        let largest = most(0).max(most(1)).saturating_mul(self.shape.rows.into());
        if largest.saturating_add(value.unsigned_abs().into()) >= 1 << SLACK_BITS {
            return Err(self.too_fine(denominator));
        }
        self.linear.push(LinearClaim { parts, value, bound: true, shown: self.shown });
        Ok(())
    }

    /// Rows of a class, or of both, above 0.
    fn some(&mut self, group: Option<u32>, labels: &[usize]) -> Result<(), ReportInvalid> {
        let whole = self.whole();
        let parts = labels.iter().map(|&label| Self::part(group, label, Value::One, whole, 1)).collect();
        self.at_least(parts, 1, 1)
    }

    fn of_class(&mut self, group: Option<u32>, label: usize, rows: u32) {
        let part = Self::part(group, label, Value::One, self.whole(), 1);
        self.equal(vec![part], rows.into());
    }

    fn pairs_at_least(
        &mut self,
        terms: &[(Over, i128, i128)],
        value: i128,
        most: u128,
        denominator: u32,
    ) -> Result<(), ReportInvalid> {
        let terms = terms.iter().map(|&(over, k, l)| Some((over, fits(k)?, fits(l)?))).collect::<Option<_>>();
        match (terms, fits(value)) {
            (Some(terms), Some(value)) if most < 1 << SLACK_BITS => {
                self.pairs.push(PairClaim { terms, value, bound: true, shown: self.shown });
                Ok(())
            }
            _ => Err(self.too_fine(denominator)),
        }
    }

    /// Areas of any two groups differ by at most p/q: with d = P N and U of each, q (U_g d_h - U_h d_g) <= 2 p d_g d_h.
    fn gap(&mut self, positives: &[u32], negatives: &[u32], (p, q): (u32, u32)) -> Result<(), ReportInvalid> {
        let d: Vec<i128> = positives.iter().zip(negatives).map(|(&a, &b)| i128::from(a) * i128::from(b)).collect();
        for (g, (&a, &b)) in (0u32..).zip(positives.iter().zip(negatives)) {
            self.of_class(Some(g), 1, a);
            self.of_class(Some(g), 0, b);
        }
        let q_ = i128::from(q);
        for (g, &dg) in (0u32..).zip(&d) {
            for (h, &dh) in (0u32..).zip(&d).filter(|(h, _)| *h != g) {
                let both = dg.saturating_mul(dh);
                // U <= 2 P N: the sum and the value are at most 2 (p + q) d_g d_h.
                let most = both.unsigned_abs().saturating_mul(2 * (u128::from(p) + u128::from(q)));
                let value = both.saturating_mul(-2 * i128::from(p));
                let terms = [((Some(g), None), q_.saturating_mul(-dh), 0), ((Some(h), None), q_.saturating_mul(dg), 0)];
                self.pairs_at_least(&terms, value, most, q)?;
            }
        }
        Ok(())
    }

    /// U is at least p/q of 2 P N, and P and N are above 0.
    fn part_of_pairs(&mut self, over: Over, (p, q): (u32, u32)) -> Result<(), ReportInvalid> {
        self.some(over.0, &[1])?;
        self.some(over.0, &[0])?;
        // P N is at most a quarter of the square of the rows, U at most 2 P N, and p at most q.
        let most = (u128::from(self.shape.rows).pow(2) * u128::from(q)).div_ceil(2);
        self.pairs_at_least(&[(over, q.into(), -2 * i128::from(p))], 0, most, q)
    }

    /// n numerator + d denominator of a rate is at least 0, and the denominator is not 0.
    fn rate(&mut self, group: Option<u32>, rate: Rate, place: usize, (n, d): (i64, i64)) -> Result<(), ReportInvalid> {
        let sides = [(0, (0, place)), (1, (place, 1 << self.shape.bits))];
        let parts = |n: i64, d: i64| -> Vec<Part> {
            let each = (0..2).flat_map(|label| sides.map(|(side, range)| (label, side, range)));
            let part = |(label, side, range): (usize, u32, (usize, usize))| {
                let (num, den) = rate.coefficients(label as u32, side);
                Self::part(group, label, Value::One, range, n * num + d * den)
            };
            each.map(part).filter(|p| p.k != 0).collect()
        };
        self.at_least(parts(n, d), 0, n.unsigned_abs() as u32)?;
        if !(rate.of_all_rows() && group.is_none()) {
            // 0 of 0 would pass.
            self.at_least(parts(0, 1), 1, 1)?;
        }
        Ok(())
    }

    /// Where a score stands in the histogram; it is in the window.
    fn place(&self, edge: i32) -> usize {
        (i64::from(edge) + (1i64 << (self.shape.bits - 1))).unsigned_abs() as usize
    }

    fn figure(&mut self, group: Option<u32>, figure: &ScoreFigure) -> Result<(), ReportInvalid> {
        match figure {
            ScoreFigure::Auc { twice, positives, negatives } => {
                self.of_class(group, 1, *positives);
                self.of_class(group, 0, *negatives);
                let terms = vec![((group, None), 1, 0)];
                let claim = PairClaim { terms, value: *twice as i64, bound: false, shown: self.shown };
                self.pairs.push(claim);
            }
            ScoreFigure::AucAtLeast { bound } => self.part_of_pairs((group, None), *bound)?,
            ScoreFigure::BalancedAtLeast { edge, bound } => {
                self.part_of_pairs((group, Some(self.place(*edge))), *bound)?
            }
            ScoreFigure::RateAtLeast { rate, edge, bound: (p, q) } => {
                self.rate(group, *rate, self.place(*edge), (i64::from(*q), -i64::from(*p)))?;
            }
            ScoreFigure::RateAtMost { rate, edge, bound: (p, q) } => {
                self.rate(group, *rate, self.place(*edge), (-i64::from(*q), i64::from(*p)))?;
            }
            ScoreFigure::AucGapAtMost { positives, negatives, bound } => self.gap(positives, negatives, *bound)?,
            ScoreFigure::Loss { loss, sum, rows } => {
                let whole = self.whole();
                self.equal(Self::both(group, Value::Loss(*loss), whole, 1), *sum);
                self.equal(Self::both(group, Value::One, whole, 1), u64::from(*rows));
            }
            ScoreFigure::LossAtMost { loss, bound: (p, q) } => {
                let whole = self.whole();
                let mut parts = Self::both(group, Value::Loss(*loss), whole, -i64::from(*q));
                parts.extend(Self::both(group, Value::One, whole, i64::from(*p) << BITS));
                self.at_least(parts, 0, *q)?;
                self.some(group, &[0, 1])?;
            }
            ScoreFigure::Calibration { edges, bins } => {
                for (range, bin) in self.ranges(edges).into_iter().zip(bins) {
                    self.equal(Self::both(group, Value::One, range, 1), bin.rows.into());
                    self.equal(vec![Self::part(group, 1, Value::One, range, 1)], bin.positives.into());
                    self.equal(Self::both(group, Value::Probability, range, 1), bin.probability);
                }
            }
            ScoreFigure::Thresholds { edges, bins } => {
                for (range, &(rows, positives)) in self.ranges(edges).into_iter().zip(bins) {
                    self.equal(Self::both(group, Value::One, range, 1), rows.into());
                    self.equal(vec![Self::part(group, 1, Value::One, range, 1)], positives.into());
                }
            }
        }
        Ok(())
    }

    /// What lies between edges, which are ascending and in the window.
    fn ranges(&self, edges: &[i32]) -> Vec<(usize, usize)> {
        let places = edges.iter().map(|&e| self.place(e));
        let first: Vec<usize> = core::iter::once(0).chain(places).collect();
        let last = first.iter().skip(1).copied().chain([1 << self.shape.bits]);
        first.iter().copied().zip(last).collect()
    }
}

/// The claims of a statement whose shapes are checked.
pub(in crate::report) fn score_claims(
    statement: &ReportStatement,
    shape: ScoreShape,
) -> Result<ScoreClaims, ReportInvalid> {
    let mut maker = Maker { shape, shown: 0, linear: vec![], pairs: vec![] };
    for (i, shown) in statement.shown.iter().enumerate() {
        if let Shown::Scores { group, figure } = shown {
            maker.shown = i;
            maker.figure(*group, figure)?;
        }
    }
    let Maker { linear, pairs, .. } = maker;
    let got = linear.iter().flat_map(|c| &c.parts).map(|p| p.range.1.saturating_sub(p.range.0)).sum();
    if got > MAX_SCORE_VALUES {
        return Err(ReportInvalid::Length { field: "values of scores", got, min: 0, max: MAX_SCORE_VALUES });
    }
    Ok(ScoreClaims { shape, linear, pairs })
}
