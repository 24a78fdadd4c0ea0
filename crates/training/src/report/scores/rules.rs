//! The rules of figures of scores: shapes, ranges, and what no rows can have.
use super::claims::{ScoreClaims, score_claims};
use super::tables::Value;
use super::{MAX_EDGES, ScoreFigure, ScoreShape};
use crate::config::RunConfig;
use crate::report::ReportInvalid;
use crate::report::statement::{ReportStatement, Shown};
use crate::report::validate::{fraction, length};

impl ReportStatement {
    /// Checks one figure.
    pub(in crate::report) fn check_figure(
        &self,
        group: Option<u32>,
        figure: &ScoreFigure,
        config: &RunConfig,
        rows: usize,
    ) -> Result<(), ReportInvalid> {
        self.check_group(group)?;
        let shape = ScoreShape::new(config, self.group_count(), rows)?;
        // All rows, or some of them.
        let among = |got: u64| {
            let expected = shape.rows;
            let good = if group.is_none() { got == expected } else { got <= expected };
            if good { Ok(()) } else { Err(ReportInvalid::CountSum { expected, got }) }
        };
        let sum = |got: u64, value: Value, rows: u64| {
            let most = rows.saturating_mul(value.most(shape.bits, shape.fa));
            if got <= most { Ok(()) } else { Err(ReportInvalid::Sum { got, most }) }
        };
        match figure {
            ScoreFigure::Auc { twice, positives, negatives } => {
                both(*positives, *negatives)?;
                among(u64::from(*positives) + u64::from(*negatives))?;
                sum(*twice, Value::One, 2 * u64::from(*positives) * u64::from(*negatives))
            }
            ScoreFigure::AucAtLeast { bound } => fraction(*bound),
            ScoreFigure::AucGapAtMost { positives, negatives, bound } => {
                if self.groups.is_none() || group.is_some() {
                    return Err(ReportInvalid::NotApplicable { what: "a gap of areas but between groups" });
                }
                fraction(*bound)?;
                length("rows of a class", positives.len(), shape.groups, shape.groups)?;
                length("rows of a class", negatives.len(), shape.groups, shape.groups)?;
                positives.iter().zip(negatives).try_for_each(|(&p, &n)| both(p, n))?;
                among(positives.iter().chain(negatives).map(|&n| u64::from(n)).sum())
            }
            ScoreFigure::RateAtLeast { rate, edge, bound } | ScoreFigure::RateAtMost { rate, edge, bound } => {
                if rate.top().is_some() {
                    return Err(ReportInvalid::NotApplicable { what: "a rank at a threshold" });
                }
                rate.check(2)?;
                check_edges(&[*edge], shape.bits)?;
                fraction(*bound)
            }
            ScoreFigure::BalancedAtLeast { edge, bound } => {
                check_edges(&[*edge], shape.bits)?;
                fraction(*bound)
            }
            ScoreFigure::Loss { loss, sum: got, rows } => {
                length("rows of a loss", *rows as usize, 1, usize::MAX)?;
                among((*rows).into())?;
                sum(*got, Value::Loss(*loss), (*rows).into())
            }
            ScoreFigure::LossAtMost { bound, .. } => {
                if bound.1 > 0 {
                    Ok(())
                } else {
                    Err(ReportInvalid::Fraction { got: *bound })
                }
            }
            ScoreFigure::Calibration { edges, bins } => {
                check_edges(edges, shape.bits)?;
                length("bins", bins.len(), edges.len() + 1, edges.len() + 1)?;
                for bin in bins {
                    of_bin(bin.rows, bin.positives)?;
                    sum(bin.probability, Value::Probability, bin.rows.into())?;
                }
                among(bins.iter().map(|b| u64::from(b.rows)).sum())
            }
            ScoreFigure::Thresholds { edges, bins } => {
                check_edges(edges, shape.bits)?;
                length("bins", bins.len(), edges.len() + 1, edges.len() + 1)?;
                bins.iter().try_for_each(|&(rows, positives)| of_bin(rows, positives))?;
                among(bins.iter().map(|b| u64::from(b.0)).sum())
            }
        }
    }

    /// The claims on scores, if there are figures of them.
    pub(in crate::report) fn score_claims(
        &self,
        config: &RunConfig,
        rows: usize,
    ) -> Result<Option<ScoreClaims>, ReportInvalid> {
        if !self.shown.iter().any(|s| matches!(s, Shown::Scores { .. })) {
            return Ok(None);
        }
        Ok(Some(score_claims(self, ScoreShape::new(config, self.group_count(), rows)?)?))
    }
}

/// There is no area without rows of both classes.
fn both(positives: u32, negatives: u32) -> Result<(), ReportInvalid> {
    if positives > 0 && negatives > 0 { Ok(()) } else { Err(ReportInvalid::OneClass { positives, negatives }) }
}

fn of_bin(rows: u32, positives: u32) -> Result<(), ReportInvalid> {
    if positives <= rows {
        return Ok(());
    }
    Err(ReportInvalid::Sum { got: positives.into(), most: rows.into() })
}

fn check_edges(edges: &[i32], bits: u32) -> Result<(), ReportInvalid> {
    length("edges", edges.len(), 1, MAX_EDGES)?;
    let half = 1i32 << (bits - 1);
    let ascending = edges.windows(2).all(|w| matches!(w, [a, b] if a < b));
    let inside = edges.iter().all(|e| (-half..half).contains(e));
    if ascending && inside { Ok(()) } else { Err(ReportInvalid::Edges { bits }) }
}
