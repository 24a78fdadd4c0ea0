//! Rows of a committed data set whose places stay hidden: one 0/1 selector per row read, over the rows of the data.
//!
//! With sigma_j the j-th selector: every cell of it is 0 or 1, and its first n cells sum to 1, so it is 1 at exactly one
//! row i_j < n and the j-th row read is row i_j. What the matrix products read of the data at the row point rho,
//! `sum_k c_k sum_j eq(rho, j) data_k(i_j)`, is `sum_{x < n} S(x) D(x)` with S = sum_j eq(rho, j) sigma_j and D = sum_k c_k
//! data_k: one bilinear sumcheck over the data set's rows for this and for sigma_j^2 = sigma_j.
use super::relation::ReportRelation;
use crate::relation::{Equation, TRACE, Term, cell};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::{self, bilinear_check};
use tacit_argument::field::E;
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Message, Reduction};
use tacit_argument::multilinear::{eq_eval, eq_prefix_sum, eq_table, log2_ceil};
use tacit_argument::soundness::{ErrorTerm, SCHWARTZ_ZIPPEL, SUMCHECK, algebraic};

#[cfg(feature = "prover")]
mod prove;

/// Transcript label.
pub(super) const LABEL: &[u8] = b"tacit/selection/v1";

/// Where the selectors stand, and what they select from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    /// Rows that are read.
    pub(super) count: usize,
    /// Rows of the data set.
    pub(super) rows: usize,
    /// log2 of a selector's cells.
    pub(super) stride: usize,
    /// log2 of a trace column's.
    log_rows: usize,
    /// First slot of the first selector.
    first: usize,
}

/// Low parts with factors that read a selector, part by part.
type Lows = Vec<(LowId, E)>;

impl Selection {
    /// Takes the selectors' columns.
    pub(super) fn new(count: usize, rows: usize, log_rows: usize, next: &mut usize) -> Self {
        let stride = log2_ceil(rows);
        let first = *next;
        *next += count << stride.saturating_sub(log_rows);
        Self { count, rows, stride, log_rows, first }
    }

    /// The first cell of selector j: each starts with a column.
    #[cfg(feature = "prover")]
    pub(super) const fn cell(&self, j: usize) -> usize {
        (self.first + (j << self.stride.saturating_sub(self.log_rows))) << self.log_rows
    }

    /// log2 of the cells that one slot of a reading has.
    fn part(&self) -> usize {
        self.stride.min(self.log_rows)
    }

    /// Adds k times selector j, read through low parts.
    fn add(&self, e: &mut Affine, j: usize, lows: &Lows, k: E) {
        let columns = self.stride.saturating_sub(self.log_rows);
        let first = (self.first + (j << columns)) << (self.log_rows - self.part());
        lows.iter().enumerate().for_each(|(i, &(low, w))| e.add_cell(cell(TRACE, low, first + i), k * w));
    }

    /// eq(point, .).
    fn at(&self, r: &mut Reduction<'_>, point: &[E]) -> Lows {
        let (top, low) = point.split_at_checked(self.stride - self.part()).unwrap_or((&[], point));
        let id = r.low(Low::Eq(low.to_vec()));
        eq_table(top, E::ONE).into_iter().map(|w| (id, w)).collect()
    }

    /// 1 on the data set's rows.
    fn total(&self, r: &mut Reduction<'_>) -> Lows {
        let length = 1 << self.part();
        let full = r.low(Low::Dense(vec![E::ONE; length]));
        let mut out = vec![(full, E::ONE); self.rows / length];
        if !self.rows.is_multiple_of(length) {
            let mut rest = vec![E::ZERO; length];
            rest.iter_mut().take(self.rows % length).for_each(|w| *w = E::ONE);
            out.push((r.low(Low::Dense(rest)), E::ONE));
        }
        out
    }

    /// mu, mu^2, ..: for every selector's squares.
    pub(super) fn powers(&self, mu: E) -> Vec<E> {
        mu.powers().skip(1).take(self.count).collect()
    }

    /// Error terms of the selectors.
    pub(super) fn soundness(&self, list_bits: f64) -> [ErrorTerm; 2] {
        let rounds = bilinear::error_numerator(self.stride, log2_ceil(1 + self.count));
        [
            algebraic("selectors", rounds as usize, list_bits, SUMCHECK),
            algebraic("point and powers of selectors", self.stride + self.count, list_bits, SCHWARTZ_ZIPPEL),
        ]
    }
}

/// What an equation reads of the data: (feature, coefficient).
pub(super) fn features(equation: &Equation) -> impl Iterator<Item = (usize, E)> + '_ {
    equation.iter().filter_map(|&(term, c)| if let Term::Data(slot) = term { Some((slot, c)) } else { None })
}

impl ReportRelation<'_> {
    /// What the matrix products read of hidden rows at rho, as a message that the selectors bind.
    pub(super) fn selection_check(
        &self,
        r: &mut Reduction<'_>,
        rho: &[E],
        product: &Equation,
    ) -> Result<Option<Message>, HidingError> {
        let Some(s) = self.selection else { return Ok(None) };
        r.begin(LABEL);
        let read = r.receive()?;
        let tau = r.point(s.stride);
        let mu = s.powers(r.challenge());
        let mut total = read.affine();
        let at_tau = s.at(r, &tau);
        mu.iter().enumerate().for_each(|(j, &power)| s.add(&mut total, j, &at_tau, power));
        let claim = bilinear_check(r, total, s.stride, log2_ceil(1 + s.count))?;
        let units = eq_table(&claim.units, E::ONE);
        let (first, squares) = units.split_first().map_or((E::ZERO, &[][..]), |(&v, rest)| (v, rest));
        let squared: E = squares.iter().zip(&mu).map(|(&v, &power)| v * power).sum();
        let weight = first * eq_prefix_sum(&claim.rows, s.rows) + squared * eq_eval(&tau, &claim.rows);
        let rows = claim.rows.clone();
        let (a, b) = claim.close(r, weight);
        let here = s.at(r, &rows);
        let data = r.low(Low::Eq(rows));
        let (mut left, mut right) = (Affine::default(), Affine::default());
        let at_rho = if r.is_dry() { vec![E::ZERO; s.count] } else { eq_table(rho, E::ONE) };
        for (j, (&v, &w)) in squares.iter().zip(&at_rho).enumerate().take(s.count) {
            s.add(&mut left, j, &here, first * w + v);
            s.add(&mut right, j, &here, v);
        }
        for (slot, c) in features(product) {
            right.add_cell(cell(self.data_id(), data, slot), first * c);
        }
        left.sub(&a.affine());
        right.sub(&b.affine());
        r.assert_zero(left);
        r.assert_zero(right);
        let every = s.total(r);
        for j in 0..s.count {
            let mut sum = Affine::constant(-E::ONE);
            s.add(&mut sum, j, &every, E::ONE);
            r.assert_zero(sum);
        }
        Ok(Some(read))
    }
}
