//! The owner's side of figures of scores: their values from the scores of the rows, and the slacks of bounds.
use super::claims::{LinearClaim, Over, PairClaim, ScoreClaims};
use super::tables::{Value, Values};
use super::{ScoreBin, ScoreFigure, ScoreLoss, ScoreShape};
use crate::report::counting::Evaluation;
use crate::report::prover::ReportError;
use crate::report::rates::Rate;
use crate::report::scores::tables::BITS;
use crate::report::statement::Shown;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A figure of scores that is asked for; the values are computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedFigure {
    /// The area under the ROC curve.
    Auc,
    /// That it is at least numerator / denominator.
    AucAtLeast {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// That it differs by at most numerator / denominator between groups.
    AucGapAtMost {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// The sum of a loss.
    Loss {
        /// Which.
        loss: ScoreLoss,
    },
    /// That the mean of a loss is at most numerator / denominator.
    LossAtMost {
        /// Which.
        loss: ScoreLoss,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// Rows, rows of class 1 and probabilities by score.
    Calibration {
        /// First scores of all bins but the first.
        edges: Vec<i32>,
    },
    /// Rows and rows of class 1 by score.
    Thresholds {
        /// First scores of all bins but the first.
        edges: Vec<i32>,
    },
    /// That a rate is at least numerator / denominator.
    RateAtLeast {
        /// Which.
        rate: Rate,
        /// The first score that is predicted as class 1.
        edge: i32,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// That a rate is at most numerator / denominator.
    RateAtMost {
        /// Which.
        rate: Rate,
        /// The first score that is predicted as class 1.
        edge: i32,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// That the mean of both classes' recalls is at least numerator / denominator.
    BalancedAtLeast {
        /// The first score that is predicted as class 1.
        edge: i32,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
}

/// One row that is read.
#[derive(Clone, Copy)]
struct Scored {
    group: usize,
    label: usize,
    score: i64,
}

/// U, P and N of rows.
#[derive(Clone, Copy, Default)]
struct Pairs {
    twice: u64,
    positives: u32,
    negatives: u32,
}

/// Counts pairs in order by walking the scores from the smallest on, ties together.
fn pairs(rows: &[Scored]) -> Pairs {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|r| r.score);
    let mut out = Pairs::default();
    for tied in sorted.chunk_by(|a, b| a.score == b.score) {
        let positives = tied.iter().filter(|r| r.label == 1).count() as u32;
        let negatives = tied.len() as u32 - positives;
        out.twice += u64::from(positives) * (2 * u64::from(out.negatives) + u64::from(negatives));
        out.positives += positives;
        out.negatives += negatives;
    }
    out
}

/// TP N + TN P where scores from an edge on are predicted as class 1.
fn split(rows: &[Scored], edge: i64) -> u64 {
    let of = |label: usize, above: Option<bool>| {
        let among = |r: &&Scored| r.label == label && above.is_none_or(|a| (r.score >= edge) == a);
        rows.iter().filter(among).count() as u64
    };
    of(1, Some(true)) * of(0, None) + of(0, Some(false)) * of(1, None)
}

fn undefined(what: &str, group: Option<u32>) -> ReportError {
    ReportError::Undefined { rate: named(what, group) }
}

fn fails(what: &str, group: Option<u32>) -> ReportError {
    ReportError::BoundFails { rate: named(what, group) }
}

fn named(what: &str, group: Option<u32>) -> String {
    group.map_or_else(|| what.into(), |g| format!("{what} in group {g}"))
}

impl Evaluation {
    /// The score of every row that is read.
    fn scores(&self, group: Option<u32>) -> Vec<Scored> {
        let z = self.layers.last().map_or(&[][..], |l| &l.columns.z);
        let at = |x: usize, j: usize| z.get(j * self.height + x).copied().map_or(0, i64::from);
        let two = z.len() > self.height;
        let of = |x: usize| if two { at(x, 1) - at(x, 0) } else { at(x, 0) };
        let rows = self.group.iter().zip(&self.labels).enumerate();
        rows.filter(|(_, (g, _))| group.is_none_or(|wanted| wanted as usize == **g))
            .map(|(x, (&group, &label))| Scored { group, label, score: of(x) })
            .collect()
    }

    /// The index of every row in the histogram, padding included.
    pub(in crate::report) fn score_indices(&self, shape: &ScoreShape) -> Vec<usize> {
        let half = 1i64 << (shape.bits - 1);
        let index = |r: Scored| ((2 * r.group + r.label) << shape.bits) + (r.score + half).unsigned_abs() as usize;
        let mut out: Vec<usize> = self.scores(None).into_iter().map(index).collect();
        out.resize(self.height, 0);
        out
    }

    /// The value of a figure.
    pub(in crate::report) fn figure(&self, group: Option<u32>, asked: &AskedFigure) -> Result<Shown, ReportError> {
        let shape = ScoreShape::new(&self.config, self.groups, self.rows)?;
        let rows = self.scores(group);
        let figure = match asked {
            AskedFigure::Auc => {
                let Pairs { twice, positives, negatives } = area(&rows, group)?;
                ScoreFigure::Auc { twice, positives, negatives }
            }
            AskedFigure::AucAtLeast { bound } => {
                let Pairs { twice, positives, negatives } = area(&rows, group)?;
                let pairs = 2 * u128::from(positives) * u128::from(negatives);
                if u128::from(twice) * u128::from(bound.1) < pairs * u128::from(bound.0) {
                    return Err(fails("area under the ROC curve", group));
                }
                ScoreFigure::AucAtLeast { bound: *bound }
            }
            AskedFigure::AucGapAtMost { bound } => self.gap(*bound)?,
            AskedFigure::RateAtLeast { rate, edge, bound } => {
                self.at_threshold(&rows, *rate, *edge, |n, d| n * u64::from(bound.1) >= u64::from(bound.0) * d)?;
                ScoreFigure::RateAtLeast { rate: *rate, edge: *edge, bound: *bound }
            }
            AskedFigure::RateAtMost { rate, edge, bound } => {
                self.at_threshold(&rows, *rate, *edge, |n, d| n * u64::from(bound.1) <= u64::from(bound.0) * d)?;
                ScoreFigure::RateAtMost { rate: *rate, edge: *edge, bound: *bound }
            }
            AskedFigure::BalancedAtLeast { edge, bound } => {
                let Pairs { positives, negatives, .. } = area(&rows, group)?;
                let pairs = 2 * u128::from(positives) * u128::from(negatives);
                if u128::from(split(&rows, (*edge).into())) * u128::from(bound.1) < pairs * u128::from(bound.0) {
                    return Err(fails("balanced accuracy", group));
                }
                ScoreFigure::BalancedAtLeast { edge: *edge, bound: *bound }
            }
            AskedFigure::Loss { loss } => {
                let sum = total(&rows, &shape, *loss, group)?;
                ScoreFigure::Loss { loss: *loss, sum, rows: rows.len() as u32 }
            }
            AskedFigure::LossAtMost { loss, bound } => {
                let sum = total(&rows, &shape, *loss, group)?;
                let most = (u128::from(bound.0) << BITS) * rows.len() as u128;
                if u128::from(sum) * u128::from(bound.1) > most {
                    return Err(fails(loss.name(), group));
                }
                ScoreFigure::LossAtMost { loss: *loss, bound: *bound }
            }
            AskedFigure::Calibration { edges } => {
                let values = Values::new(shape.bits, shape.fa);
                let probability = |r: &Scored| values.at(Value::Probability, r.label, r.score).unsigned_abs();
                ScoreFigure::Calibration { edges: edges.clone(), bins: binned(&rows, edges, probability) }
            }
            AskedFigure::Thresholds { edges } => {
                let bins = binned(&rows, edges, |_| 0).into_iter().map(|b| (b.rows, b.positives)).collect();
                ScoreFigure::Thresholds { edges: edges.clone(), bins }
            }
        };
        Ok(Shown::Scores { group, figure })
    }

    /// Refuses a rate where scores from an edge on are predicted as class 1, and its bound does not hold.
    fn at_threshold(
        &self,
        rows: &[Scored],
        rate: Rate,
        edge: i32,
        holds: impl Fn(u64, u64) -> bool,
    ) -> Result<(), ReportError> {
        rate.check(self.classes)?;
        let of = |r: &Scored| rate.coefficients(r.label as u32, u32::from(r.score >= edge.into()));
        let (n, d) = rows.iter().map(of).fold((0, 0), |a, b| (a.0 + b.0.unsigned_abs(), a.1 + b.1.unsigned_abs()));
        if d == 0 {
            return Err(ReportError::Undefined { rate: rate.name() });
        }
        if holds(n, d) { Ok(()) } else { Err(ReportError::BoundFails { rate: rate.name() }) }
    }

    fn gap(&self, bound: (u32, u32)) -> Result<ScoreFigure, ReportError> {
        let of = |g: usize| area(&self.scores(Some(g as u32)), Some(g as u32));
        let all: Vec<Pairs> = (0..self.groups).map(of).collect::<Result<_, _>>()?;
        let d = |p: &Pairs| i128::from(p.positives) * i128::from(p.negatives);
        let within = |a: &Pairs, b: &Pairs| {
            let cross = i128::from(a.twice) * d(b) - i128::from(b.twice) * d(a);
            cross.saturating_mul(bound.1.into()) <= 2 * i128::from(bound.0) * d(a) * d(b)
        };
        if all.iter().any(|a| all.iter().any(|b| !within(a, b))) {
            return Err(fails("area under the ROC curve between groups", None));
        }
        let positives = all.iter().map(|p| p.positives).collect();
        let negatives = all.iter().map(|p| p.negatives).collect();
        Ok(ScoreFigure::AucGapAtMost { positives, negatives, bound })
    }

    /// The slacks of the bounds, linear ones first.
    pub(in crate::report) fn score_slacks(&self, claims: &ScoreClaims) -> Vec<u64> {
        let rows = self.scores(None);
        let of_set = |set: Option<u32>| -> Vec<Scored> {
            rows.iter().copied().filter(|r| set.is_none_or(|g| g as usize == r.group)).collect()
        };
        let shape = claims.shape;
        let (values, half) = (Values::new(shape.bits, shape.fa), 1i64 << (shape.bits - 1));
        let linear = claims.linear.iter().filter(|c| c.bound).map(|LinearClaim { parts, value, .. }| {
            let of_row = |r: &Scored| -> i128 {
                let t = (r.score + half).unsigned_abs() as usize;
                let read = parts.iter().filter(|p| {
                    let among = p.group.is_none_or(|g| g as usize == r.group);
                    among && p.label == r.label && (p.range.0..p.range.1).contains(&t)
                });
                read.map(|p| i128::from(p.k) * i128::from(values.at(p.value, r.label, r.score))).sum()
            };
            rows.iter().map(of_row).sum::<i128>() - i128::from(*value)
        });
        let ordered = claims.pairs.iter().filter(|c| c.bound).map(|PairClaim { terms, value, .. }| {
            let of_term = |&((set, place), k, l): &(Over, i64, i64)| {
                let rows = of_set(set);
                let p = pairs(&rows);
                let all = i128::from(p.positives) * i128::from(p.negatives);
                let sum = place.map_or(p.twice, |e| split(&rows, e as i64 - half));
                i128::from(k) * i128::from(sum) + i128::from(l) * all
            };
            terms.iter().map(of_term).sum::<i128>() - i128::from(*value)
        });
        linear.chain(ordered).map(|slack| slack as u64).collect()
    }
}

impl Evaluation {
    /// An area as (twice the pairs in order, twice all pairs).
    pub(in crate::report) fn area(&self, group: Option<u32>) -> Result<(u64, u64), ReportError> {
        ScoreShape::new(&self.config, self.groups, self.rows)?;
        let p = area(&self.scores(group), group)?;
        Ok((p.twice, 2 * u64::from(p.positives) * u64::from(p.negatives)))
    }

    /// The sum of a loss, and 2^20 for every row that it is over.
    pub(in crate::report) fn loss(&self, loss: ScoreLoss, group: Option<u32>) -> Result<(u64, u64), ReportError> {
        let (shape, rows) = (ScoreShape::new(&self.config, self.groups, self.rows)?, self.scores(group));
        Ok((total(&rows, &shape, loss, group)?, (rows.len() as u64) << BITS))
    }
}

fn area(rows: &[Scored], group: Option<u32>) -> Result<Pairs, ReportError> {
    let p = pairs(rows);
    if p.positives == 0 || p.negatives == 0 {
        return Err(undefined("area under the ROC curve", group));
    }
    Ok(p)
}

fn total(rows: &[Scored], shape: &ScoreShape, loss: ScoreLoss, group: Option<u32>) -> Result<u64, ReportError> {
    if rows.is_empty() {
        return Err(undefined(loss.name(), group));
    }
    let values = Values::new(shape.bits, shape.fa);
    Ok(rows.iter().map(|r| values.at(Value::Loss(loss), r.label, r.score).unsigned_abs()).sum())
}

fn binned(rows: &[Scored], edges: &[i32], probability: impl Fn(&Scored) -> u64) -> Vec<ScoreBin> {
    let mut bins = vec![ScoreBin::default(); edges.len() + 1];
    for row in rows {
        let bin = &mut bins[edges.partition_point(|&e| i64::from(e) <= row.score)];
        bin.rows += 1;
        bin.positives += u32::from(row.label == 1);
        bin.probability += probability(row);
    }
    bins
}
