//! The owner's side of bounds of errors: whether they hold, and the hidden numbers of their claims.
use super::{ErrorClaims, ExplainedClaim, TargetError};
use crate::report::counting::{Asked, Evaluation};
use crate::report::prover::ReportError;
use crate::report::statement::Shown;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

impl Evaluation {
    /// The sum of an error over the rows of a group, and how many these are.
    fn total_error(&self, error: TargetError, group: Option<u32>) -> (u128, u128) {
        let width = (self.targets.len() / self.rows).max(1);
        let (mut sum, mut rows) = (0, 0);
        let all: Vec<u64> = self.errors().map(i64::unsigned_abs).collect();
        let among = |g: usize| group.is_none_or(|x| x as usize == g);
        for (row, _) in all.chunks(width).zip(&self.group).filter(|(_, g)| among(**g)) {
            rows += 1;
            sum += row
                .iter()
                .map(|&d| match error {
                    TargetError::Squared => u128::from(d) * u128::from(d),
                    TargetError::Absolute => d.into(),
                })
                .sum::<u128>();
        }
        (sum, rows)
    }

    /// A bound that holds.
    pub(in crate::report) fn bounded_error(&self, asked: &Asked) -> Result<Option<Shown>, ReportError> {
        Ok(match *asked {
            Asked::MeanErrorAtMost { error, group, bound: (p, q) } => {
                let (sum, rows) = self.total_error(error, group);
                let rate = error.name().to_string();
                if rows == 0 {
                    return Err(ReportError::Undefined { rate });
                }
                let fa = self.config.scales.fa;
                let bits = if error == TargetError::Squared { 2 * fa } else { fa };
                let most = (u128::from(p) * (self.targets.len() / self.rows) as u128 * rows) << bits;
                if sum * u128::from(q) > most {
                    return Err(ReportError::BoundFails { rate });
                }
                Some(Shown::MeanErrorAtMost { error, group, bound: (p, q) })
            }
            Asked::ExplainedAtLeast { bound } => Some(Shown::ExplainedAtLeast { bound }),
            _ => None,
        })
    }

    /// The sum of every target.
    pub(in crate::report) fn target_sums(&self) -> Vec<i64> {
        let width = (self.targets.len() / self.rows).max(1);
        (0..width).map(|j| self.targets.iter().skip(j).step_by(width).map(|&y| i64::from(y)).sum()).collect()
    }

    /// U, V, and the slacks of R^2; the last one is negative where the bound cannot be shown.
    fn explained(&self, x: &ExplainedClaim) -> [i128; 5] {
        let (error, rows) = self.total_error(TargetError::Squared, None);
        let squares: i128 = self.targets.iter().map(|&y| i128::from(y).pow(2)).sum();
        let means: i128 = self.target_sums().iter().map(|&s| i128::from(s).pow(2)).sum();
        let (error, spread) = (error as i128, rows as i128 * squares - means);
        let (u, v) = ((error as u128).div_ceil(1 << x.a) as i128, spread >> x.b);
        [u, v, (u << x.a) - error, spread - (v << x.b), (v << x.m) - 1 - i128::from(x.c) * u]
    }

    /// Refuses a bound of R^2 that does not hold, or not clearly enough.
    pub(in crate::report) fn check_explained(&self, claims: Option<&ErrorClaims>) -> Result<(), ReportError> {
        match claims.and_then(|c| c.explained.as_ref()) {
            Some(x) if self.explained(x)[4] < 0 => Err(ReportError::BoundFails { rate: "R^2".to_string() }),
            _ => Ok(()),
        }
    }

    /// The hidden numbers of the claims, in their order.
    pub(in crate::report) fn error_scalars(&self, claims: &ErrorClaims) -> Vec<u64> {
        let mut out = vec![];
        for m in &claims.means {
            let (sum, rows) = self.total_error(m.error, m.group);
            let slack = i128::from(m.most) * rows as i128 - i128::from(m.times) * sum as i128;
            out.push(slack as u64);
            if m.group.is_some() {
                out.push((rows as u64).wrapping_sub(1));
            }
        }
        out.extend(claims.explained.iter().flat_map(|x| self.explained(x)).map(|v| v as u64));
        out
    }
}
