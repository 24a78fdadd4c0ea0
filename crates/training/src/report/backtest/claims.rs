//! What a backtest claims beyond single rows: shifts by a row, lags, sums over rows, and bounds on ratios.
use super::{Backtest, Figure, LIMB_BITS, LIMBS, ROOT_BITS};
use crate::relation::{TRACE, cell};
use crate::report::relation::{ReportRelation, Row};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F, signed};
use tacit_argument::form::Form;
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Reduction};
use tacit_argument::multilinear::eq_table;

/// A scalar by its place among those of the backtest.
pub(in crate::report) type Scalar = usize;

/// `sum over rows read of form = value + sum of coefficient scalar`.
#[derive(Clone, Debug)]
pub(in crate::report) struct LinearSum {
    pub(in crate::report) form: Form,
    pub(in crate::report) value: i64,
    /// (scalar, its limbs, coefficient).
    pub(in crate::report) scalars: Vec<(Scalar, usize, i64)>,
}

/// `sum over rows read of the product = value + sum of coefficient scalar`.
#[derive(Clone, Debug)]
pub(in crate::report) struct SquareSum {
    pub(in crate::report) pair: (Form, Form),
    pub(in crate::report) value: u64,
    pub(in crate::report) scalars: Vec<(Scalar, usize, i64)>,
}

/// Scalars of a bound on a ratio, behind the two of T.
const RATIO_SCALARS: usize = 3;
/// Limbs of U.
const U_LIMBS: usize = 3;
/// Limbs of T.
const T_LIMBS: usize = (ROOT_BITS / LIMB_BITS) as usize;

impl Backtest {
    /// T, which is the first scalar where a ratio is bounded, and how far S is above 2^k T + 1, the second.
    pub(in crate::report) fn has_root(&self) -> bool {
        !self.bounds.ratios.is_empty()
    }

    /// Scalars: those of ratios, then a slack of every other bound (two of a hit rate).
    pub(in crate::report) fn scalar_count(&self) -> usize {
        let ratios = if self.has_root() { 2 + RATIO_SCALARS * self.bounds.ratios.len() } else { 0 };
        ratios + self.figures.iter().map(slacks).sum::<usize>()
    }

    /// First scalar of the i-th ratio: U, how far 2^m U is above Q, how far T^2 is above c U.
    pub(in crate::report) const fn ratio_scalar(i: usize) -> Scalar {
        2 + RATIO_SCALARS * i
    }

    /// Every figure with its first slack.
    fn slacked(&self) -> impl Iterator<Item = (&Figure, Scalar)> {
        let mut next = if self.has_root() { Self::ratio_scalar(self.bounds.ratios.len()) } else { 0 };
        self.figures.iter().map(move |f| {
            next += slacks(f);
            (f, next - slacks(f))
        })
    }

    /// Sums that are linear in columns.
    pub(in crate::report) fn linear_sums(&self) -> Vec<LinearSum> {
        let column = |slot| Form::column(TRACE, slot);
        let scaled = |form: &Form, k: F| Form::default().plus_scaled(form, k);
        let mut out = vec![];
        let mut equal = |form: Form, value: i64| out.push(LinearSum { form, value, scalars: vec![] });
        for figure in &self.figures {
            match (*figure, &self.signs, &self.falls) {
                (Figure::Profit { sum }, ..) => equal(column(self.profit), sum),
                // Below 2^36, which the rules check.
                (Figure::Turnover { sum }, ..) => equal(column(self.change), i64::try_from(sum).unwrap_or(i64::MAX)),
                (Figure::Hits { profitable, invested }, Some(s), _) => {
                    equal(column(s.hit), profitable.into());
                    equal(self.invested(), invested.into());
                }
                (Figure::Drawdown { .. }, _, Some(d)) => {
                    if let Some(at) = d.at {
                        equal(column(at), 1);
                    }
                }
                _ => {}
            }
        }
        for (figure, slack) in self.slacked() {
            let mut bound = |form: Form, value: i64, scalar: Scalar, sign: i64| {
                out.push(LinearSum { form, value, scalars: vec![(scalar, LIMBS, sign)] });
            };
            match (*figure, &self.signs) {
                (Figure::ProfitAtLeast { bound: value }, _) => bound(column(self.profit), value, slack, 1),
                (Figure::TurnoverAtMost { bound: value }, _) => {
                    bound(column(self.change), i64::try_from(value).unwrap_or(i64::MAX), slack, -1);
                }
                (Figure::HitsAtLeast { bound: (p, q) }, Some(s)) => {
                    let rate = scaled(&column(s.hit), F::from_u32(q)).plus_scaled(&self.invested(), -F::from_u32(p));
                    bound(rate, 0, slack, 1);
                    // 0 of 0 is no rate.
                    bound(self.invested(), 1, slack + 1, 1);
                }
                _ => {}
            }
        }
        if self.has_root() {
            // S = 1 + 2^k T + rest.
            let root = (0, T_LIMBS, 1 << self.bounds.k);
            out.push(LinearSum { form: column(self.profit), value: 1, scalars: vec![root, (1, LIMBS, 1)] });
        }
        out
    }

    /// Sums of products: of squares, and the drawdown where it is attained.
    pub(in crate::report) fn square_sums(&self) -> Vec<SquareSum> {
        let square = |f: Form| (f.clone(), f);
        let profits = || square(Form::column(TRACE, self.profit));
        let losses = || self.signs.as_ref().map(|s| square(Self::loss(s)));
        let mut out = vec![];
        for (figure, slack) in self.slacked() {
            let slacked = if slacks(figure) > 0 { vec![(slack, LIMBS, -1)] } else { vec![] };
            let (pair, value) = match (*figure, &self.falls) {
                (Figure::Squares { sum } | Figure::SquaresAtMost { bound: sum }, _) => (Some(profits()), sum),
                (Figure::Downside { sum }, _) => (losses(), sum),
                (Figure::Drawdown { value }, Some(d)) => {
                    (d.at.map(|at| (Form::column(TRACE, at), Self::fall(d))), value)
                }
                _ => continue,
            };
            out.extend(pair.map(|pair| SquareSum { pair, value, scalars: slacked }));
        }
        for (i, ratio) in self.bounds.ratios.iter().enumerate() {
            let (u, m) = (Self::ratio_scalar(i), ratio.m);
            // Q = 2^m U - rest.
            let scalars = vec![(u, U_LIMBS, 1 << m), (u + 1, LIMBS, -1)];
            let pair = if ratio.downside { losses() } else { Some(profits()) };
            out.extend(pair.map(|pair| SquareSum { pair, value: 0, scalars }));
        }
        out
    }

    /// Coefficients that the claim at rho batches: the shifts, and one for every lag.
    pub(in crate::report) fn batched(&self) -> usize {
        self.shifted().len() + if self.public { 0 } else { self.strategy.lags.len() }
    }
}

/// Slacks of a figure.
const fn slacks(figure: &Figure) -> usize {
    match figure {
        Figure::ProfitAtLeast { .. } | Figure::SquaresAtMost { .. } | Figure::TurnoverAtMost { .. } => 1,
        Figure::HitsAtLeast { .. } => 2,
        _ => 0,
    }
}

/// The low parts of scalars, by their number of limbs.
struct Scalars {
    first: usize,
    lows: [LowId; LIMBS],
}

impl Scalars {
    fn new(r: &mut Reduction<'_>, slot: usize, log_rows: usize) -> Self {
        let low = |n: usize| {
            let limb = |i: usize| if i < n { E::from_u64(1 << (LIMB_BITS * i as u32)) } else { E::ZERO };
            Low::Dense((0..LIMBS).map(limb).collect())
        };
        Self { first: (slot << log_rows) / LIMBS, lows: [1, 2, 3, 4].map(|n| r.low(low(n))) }
    }

    fn add(&self, e: &mut Affine, scalars: &[(Scalar, usize, i64)], k: E) {
        for &(scalar, limbs, c) in scalars {
            let low = self.lows.get(limbs.saturating_sub(1)).copied().unwrap_or(0);
            e.add_cell(cell(TRACE, low, self.first + scalar), k * signed(c));
        }
    }
}

impl ReportRelation<'_> {
    /// Makes the backtest's claims at rho and over all rows; returns what its sums of products come to.
    pub(in crate::report) fn backtest_check(
        &self,
        r: &mut Reduction<'_>,
        rho: &[E],
        row: &Row,
    ) -> Result<Vec<Affine>, HidingError> {
        let Some(b) = &self.backtest else { return Ok(vec![]) };
        let mu = r.challenge();
        self.row_before_check(r, b, mu, rho, row);
        let scalars = b.scalars.map(|slot| Scalars::new(r, slot, self.layout.log_rows));
        let add = |e: &mut Affine, used: &[(Scalar, usize, i64)], k: E| {
            if let Some(s) = &scalars {
                s.add(e, used, k);
            }
        };
        let rows = self.checked.rows;
        let mut read = vec![E::ZERO; if r.is_dry() { 0 } else { 1 << self.layout.log_rows }];
        read.iter_mut().take(rows).for_each(|w| *w = E::ONE);
        let read = r.low(Low::Dense(read));
        for sum in b.linear_sums() {
            let mut e = Affine::constant(-E::from(signed(sum.value)));
            sum.form.add_to(&mut e, read, E::from_usize(rows), E::ONE);
            add(&mut e, &sum.scalars, -E::ONE);
            r.assert_zero(e);
        }
        if b.has_root() {
            let root = r.receive()?;
            let mut e = root.affine();
            add(&mut e, &[(0, T_LIMBS, 1)], -E::ONE);
            r.assert_zero(e);
            let square = r.product(root, root);
            for (i, ratio) in b.bounds.ratios.iter().enumerate() {
                // T^2 = c U + slack.
                let (mut e, u) = (square.clone(), Backtest::ratio_scalar(i));
                // Below 2^18.
                let c = i64::try_from(ratio.c).unwrap_or(i64::MAX);
                add(&mut e, &[(u, U_LIMBS, c), (u + 2, LIMBS, 1)], -E::ONE);
                r.assert_zero(e);
            }
        }
        let value = |sum: SquareSum| {
            let mut e = Affine::constant(E::from_u64(sum.value));
            add(&mut e, &sum.scalars, E::ONE);
            e
        };
        Ok(b.square_sums().into_iter().map(value).collect())
    }

    /// One claim at rho: columns that read the row before, and features that are earlier targets, by powers of mu.
    fn row_before_check(&self, r: &mut Reduction<'_>, b: &Backtest, mu: E, rho: &[E], row: &Row) {
        let mut powers = mu.powers();
        let eq = if r.is_dry() { vec![] } else { eq_table(rho, E::ONE) };
        // Row x + 1 reads row x; the first reads 0.
        let before: Vec<E> = eq.iter().skip(1).copied().chain(eq.first().map(|_| E::ZERO)).collect();
        let total = E::ONE - eq.first().copied().unwrap_or(E::ZERO);
        let before = r.low(Low::Dense(before));
        let mut e = Affine::default();
        for ((here, earlier), power) in b.shifted().iter().zip(powers.by_ref()) {
            here.add_to(&mut e, row.column, E::ONE, power);
            earlier.add_to(&mut e, before, total, -power);
        }
        // Those of public rows are compared by the rules.
        if !b.public && !b.strategy.lags.is_empty() {
            let mut targets = vec![E::ZERO; if r.is_dry() { 0 } else { 1 << self.data_stride }];
            for (lag, power) in b.strategy.lags.iter().zip(powers) {
                e.add_cell(cell(row.data.0, row.data.1, lag.column as usize), power);
                // Row x of those read is row first + x of the data: at least back + 1.
                let start = (b.bounds.first as usize).saturating_sub(lag.back as usize + 1);
                for (w, &x) in targets.iter_mut().skip(start).zip(eq.iter().take(self.checked.rows)) {
                    *w += power * x;
                }
            }
            let targets = r.low(Low::Dense(targets));
            e.add_cell(cell(self.data_id(), targets, b.target), -E::ONE);
        }
        r.assert_zero(e);
    }
}
