//! The rules of bounds of errors, and the numbers of their claims: none leaves 2^60.
use super::{ErrorClaims, ExplainedClaim, LIMB_BITS, MeanClaim, NO_LABELS, RATIO_LIMBS, TargetError};
use crate::config::{Loss, RunConfig};
use crate::record::Labels;
use crate::report::ReportInvalid;
use crate::report::claims::SLACK_BITS;
use crate::report::statement::{ReportStatement, Shown};
use crate::report::validate::fraction;

/// Most bits of U and of V.
const RATIO_BITS: u32 = LIMB_BITS * RATIO_LIMBS;

/// Rows, outputs, fractional bits, and the largest |Z - y| and |y|.
struct Sizes {
    rows: u128,
    outputs: u128,
    fa: u32,
    error: u128,
    target: u128,
}

impl ReportStatement {
    /// Checks that the model and the rows have real targets; returns how many a row has, and their bits.
    pub(in crate::report) fn real_targets(&self, config: &RunConfig) -> Result<(u32, u32), ReportInvalid> {
        let outputs = config.architecture.layers.last().map_or(0, |l| l.outputs);
        match self.input.labels().ok_or(NO_LABELS)? {
            Labels::Real { outputs: n, bits } if n == outputs && config.architecture.loss == Loss::Mse => Ok((n, bits)),
            _ => Err(ReportInvalid::Labels),
        }
    }

    /// Checks one bound of an error.
    pub(in crate::report) fn check_error_bound(&self, shown: &Shown, config: &RunConfig) -> Result<(), ReportInvalid> {
        self.real_targets(config)?;
        match shown {
            Shown::MeanErrorAtMost { group, bound, .. } => {
                self.check_group(*group)?;
                if bound.1 > 0 { Ok(()) } else { Err(ReportInvalid::Fraction { got: *bound }) }
            }
            Shown::ExplainedAtLeast { bound } => {
                let same = |s: &&Shown| matches!(s, Shown::ExplainedAtLeast { .. });
                if self.shown.iter().filter(same).count() > 1 {
                    return Err(ReportInvalid::NotApplicable { what: "two bounds of R^2" });
                }
                fraction(*bound)
            }
            _ => Ok(()),
        }
    }

    /// The claims of all bounds of errors, if there are any; their shapes are checked.
    pub(in crate::report) fn error_claims(
        &self,
        config: &RunConfig,
        rows: usize,
    ) -> Result<Option<ErrorClaims>, ReportInvalid> {
        if !self.shown.iter().any(|s| s.bounded_error().is_some()) {
            return Ok(None);
        }
        let (outputs, bits) = self.real_targets(config)?;
        let z_bits = config.architecture.layers.last().map_or(1, |l| l.z_bits);
        let half = |bits: u32| 1u128 << bits.saturating_sub(1);
        let sizes = Sizes {
            rows: rows as u128,
            outputs: outputs.into(),
            fa: config.scales.fa,
            error: half(z_bits) + half(bits),
            target: half(bits),
        };
        let mut out = ErrorClaims::default();
        for shown in &self.shown {
            match shown {
                Shown::MeanErrorAtMost { error, group, bound } => out.means.push(sizes.mean(*error, *group, *bound)?),
                Shown::ExplainedAtLeast { bound } => out.explained = Some(sizes.explained(*bound)?),
                _ => {}
            }
        }
        Ok(Some(out))
    }
}

impl Sizes {
    fn too_fine(&self, denominator: u32) -> ReportInvalid {
        ReportInvalid::BoundTooFine { denominator, rows: self.rows as u64 }
    }

    fn mean(&self, error: TargetError, group: Option<u32>, (p, q): (u32, u32)) -> Result<MeanClaim, ReportInvalid> {
        let (unit, largest) = match error {
            TargetError::Squared => (1u128 << (2 * self.fa), self.error * self.error),
            TargetError::Absolute => (1 << self.fa, self.error),
        };
        let (times, most) = (u128::from(q), u128::from(p) * self.outputs * unit);
        // A row adds between most - q N largest and most.
        let sum = self.rows.saturating_mul(most.max(times.saturating_mul(self.outputs * largest)));
        match (i64::try_from(most), i64::try_from(times)) {
            (Ok(most), Ok(times)) if sum < 1 << SLACK_BITS => Ok(MeanClaim { error, group, most, times }),
            _ => Err(self.too_fine(q)),
        }
    }

    /// c / 2^m is at least q n 2^a / ((q - p) 2^b); c times U and 2^m times V are below 2^60, whatever their limbs hold.
    fn explained(&self, (p, q): (u32, u32)) -> Result<ExplainedClaim, ReportInvalid> {
        let errors = self.rows * self.outputs * self.error * self.error;
        let spread = self.rows * self.rows * self.outputs * self.target * self.target;
        if errors >= 1 << SLACK_BITS || spread >= 1 << SLACK_BITS || p == q {
            return Err(self.too_fine(q));
        }
        // a and b are at most 15, as both are below 2^60.
        let bits = |most: u128| u128::BITS - most.leading_zeros();
        let shift = |most: u128| bits(most).saturating_sub(RATIO_BITS);
        let limbs = |most: u128| bits(most).min(RATIO_BITS).div_ceil(LIMB_BITS);
        let (a, b, u, v) = (shift(errors), shift(spread), limbs(errors), limbs(spread));
        let (numerator, denominator) = ((u128::from(q) * self.rows) << a, u128::from(q - p) << b);
        let c = |m: u32| (numerator << m).div_ceil(denominator);
        let fits = |m: &u32| c(*m) < 1 << (SLACK_BITS - LIMB_BITS * u);
        let m = (0..=SLACK_BITS - LIMB_BITS * v).rev().find(fits).ok_or_else(|| self.too_fine(q))?;
        Ok(ExplainedClaim { a, b, m, c: c(m) as i64, limbs: [u, v] })
    }
}
