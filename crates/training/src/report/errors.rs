//! Bounds of errors of real targets: that a mean error is at most, or R^2 at least, so much, and nothing else.
//!
//! With d_j = Z_j - y_j on the rows that are read, and e_g the indicator of a group, all of it sums of products over rows:
//!
//! - mean squared error at most p/q: `sum_x e_g(x) (p N 4^fa - q E(x)) = slack`, E a column that equals `sum_j d_j^2`;
//! - mean absolute error: `sum_x e_g(x) (p N 2^fa - q sum_j |d_j|) = slack`;
//! - R^2 at least p/q, that is `n (q - p)^-1 q sum d^2 <= n sum y^2 - sum_j S_j^2` with S_j the sum of y_j, a hidden
//!   message: `sum d^2 = 2^a U - slack`, `n sum y^2 = sum_j S_j^2 + 2^b V + slack`, `2^m V = 1 + c U + slack`.
//!
//! Of R^2, U, V and c are rounded to the safe side: the bound that is shown is true, and one that is true by less than
//! about 2^-13 (1 - R^2) may not be provable. Every number is below 2^60, so that equality mod p is one of integers: [`rules`].
use super::ReportInvalid;
use super::claims::{LIMB_BITS, LIMBS};
use super::head::Head;
use super::relation::ReportRelation;
use super::residuals::{Pairs, Residuals};
use super::statement::{ReportStatement, Shown};
use crate::relation::{TRACE, cell};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use serde::{Deserialize, Serialize};
use tacit_argument::field::{E, F, signed};
use tacit_argument::form::Form;
use tacit_argument::functional::Low;
use tacit_argument::hiding::{Affine, HidingError, Reduction};

#[cfg(feature = "prover")]
mod owner;
pub(super) mod rules;

/// Most limbs of U and of V.
const RATIO_LIMBS: u32 = 3;
/// Scalars of R^2: U, V, and a slack of each of the three claims.
const EXPLAINED_SCALARS: usize = 5;

/// Which error of a row is averaged over rows and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetError {
    /// (Z - y)^2.
    Squared,
    /// |Z - y|.
    Absolute,
}

impl TargetError {
    /// What its mean is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Squared => "mean squared error",
            Self::Absolute => "mean absolute error",
        }
    }
}

/// `sum over rows of a group of (most - times error) = slack`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MeanClaim {
    pub(super) error: TargetError,
    pub(super) group: Option<u32>,
    pub(super) most: i64,
    pub(super) times: i64,
}

impl MeanClaim {
    /// A slack and, in a group, one of its rows.
    fn scalars(self) -> usize {
        1 + usize::from(self.group.is_some())
    }
}

/// `sum d^2 <= 2^a U`, `2^b V <= n sum y^2 - sum_j S_j^2`, `2^m V > c U`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExplainedClaim {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) m: u32,
    pub(super) c: i64,
    /// Of U and of V.
    pub(super) limbs: [u32; 2],
}

/// What all bounds of errors come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorClaims {
    pub(super) means: Vec<MeanClaim>,
    pub(super) explained: Option<ExplainedClaim>,
}

impl ErrorClaims {
    /// Hidden numbers of four limbs: slacks, and those of R^2 behind them.
    pub(super) fn scalars(&self) -> usize {
        let means: usize = self.means.iter().map(|m| m.scalars()).sum();
        means + if self.explained.is_some() { EXPLAINED_SCALARS } else { 0 }
    }
}

impl Shown {
    /// The error of a bound that reads one.
    pub(super) const fn bounded_error(&self) -> Option<TargetError> {
        match self {
            Self::MeanErrorAtMost { error, .. } => Some(*error),
            Self::ExplainedAtLeast { .. } => Some(TargetError::Squared),
            _ => None,
        }
    }
}

impl ReportStatement {
    /// Whether a bound reads this error.
    pub(super) fn bounds_error(&self, error: TargetError) -> bool {
        self.shown.iter().any(|s| s.bounded_error() == Some(error))
    }
}

fn constant(value: i64) -> Form {
    Form { constant: signed(value), terms: vec![] }
}

impl ReportRelation<'_> {
    /// The products of every sum over rows, in the order of the claims.
    pub(super) fn error_sums(
        residuals: &Residuals,
        head: Option<&Head>,
        claims: &ErrorClaims,
        rows: usize,
    ) -> Vec<Pairs> {
        let among = |group: Option<u32>| match (group, head) {
            (Some(g), Some(head)) => head.group.form(g as usize),
            _ => constant(1),
        };
        let mut out = vec![];
        for m in &claims.means {
            let scaled = constant(m.most).plus_scaled(&residuals.error(m.error), signed(-m.times));
            out.push(vec![(among(m.group), scaled)]);
            if m.group.is_some() {
                out.push(vec![(among(m.group), constant(1))]);
            }
        }
        if claims.explained.is_some() {
            out.push(vec![(constant(1), residuals.error(TargetError::Squared))]);
            let scaled = |f: &Form| Form::default().plus_scaled(f, F::from_usize(rows));
            out.push(residuals.targets().iter().map(|y| (scaled(y), y.clone())).collect());
        }
        out
    }

    /// What those sums come to, after the claims beside them.
    pub(super) fn error_check(&self, r: &mut Reduction<'_>) -> Result<Vec<Affine>, HidingError> {
        let (Some(claims), Some(residuals)) = (&self.checked.errors, &self.residuals) else { return Ok(vec![]) };
        let low = self.slack_low(r);
        let mut scalar = self.checked.bounds() - claims.scalars();
        let mut next = || {
            scalar += 1;
            cell(TRACE, low, self.slack_slot(scalar - 1))
        };
        let mut out = vec![];
        for m in &claims.means {
            let mut e = Affine::default();
            e.add_cell(next(), E::ONE);
            out.push(e);
            if m.group.is_some() {
                let mut e = Affine::constant(E::ONE);
                e.add_cell(next(), E::ONE);
                out.push(e);
            }
        }
        let Some(x) = claims.explained else { return Ok(out) };
        let limb = |i: u32, n: u32| if i < n { E::from_u64(1 << (LIMB_BITS * i)) } else { E::ZERO };
        let short = x.limbs.map(|n| r.low(Low::Dense((0..LIMBS as u32).map(|i| limb(i, n)).collect())));
        let [mut u, mut v] = [(); 2].map(|()| next());
        [u.low, v.low] = short;
        let [error, spread, ratio] = [(); 3].map(|()| next());
        let scaled = |bits: u32| E::from_u64(1 << bits);
        let mut e = Affine::default();
        e.add_cell(u, scaled(x.a));
        e.add_cell(error, -E::ONE);
        out.push(e);
        let mut e = self.squared_sums(r, residuals)?;
        e.add_cell(v, scaled(x.b));
        e.add_cell(spread, E::ONE);
        out.push(e);
        let mut e = Affine::constant(-E::ONE);
        e.add_cell(v, scaled(x.m));
        e.add_cell(u, -E::from(signed(x.c)));
        e.add_cell(ratio, -E::ONE);
        r.assert_zero(e);
        Ok(out)
    }

    /// Receives the sum of every target; returns the sum of their squares.
    fn squared_sums(&self, r: &mut Reduction<'_>, residuals: &Residuals) -> Result<Affine, HidingError> {
        let read = self.rows_read(r);
        let mut out = Affine::default();
        for target in residuals.targets() {
            let sum = r.receive()?;
            let mut e = Affine::default();
            self.add_form(&mut e, &target, &read, E::ONE);
            e.sub(&sum.affine());
            r.assert_zero(e);
            out.add(&r.product(sum, sum));
        }
        Ok(out)
    }
}

/// Sums of errors and bounds of them need real targets.
pub(super) const NO_LABELS: ReportInvalid = ReportInvalid::NotApplicable { what: "errors of rows without labels" };
