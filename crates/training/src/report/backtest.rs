//! A backtest: positions from the model's output, profits from positions and targets, and sums over the rows.
//!
//! Per row, with y the target, p the position, q the one of the row before (0 at the first), and d the fall of the
//! running sum of profits below its largest value so far:
//! `a = |p - q|`, `l = D p y - C a` on rows that are read and 0 elsewhere, `d = max(0, d_before - l)`.
//! Every cell is determined: p by a table of Z, q by a shift, a by its square and sign, l by its equation, the parts of
//! l by the bit of its sign, and d by `d = d_before + rise - l`, `rise d = 0`, both at least 0.
use super::head::HeadEquation;
use super::relation::DATA;
use super::statement::{ReportStatement, Shown};
use super::validate::Checked;
use crate::relation::layout::TraceLayout;
use crate::relation::{Builder, TRACE, Term};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F, signed};
use tacit_argument::form::Form;
use tacit_argument::lookup::Table;

mod claims;
#[cfg(feature = "prover")]
mod ledger;
mod rules;
mod strategy;
mod words;

#[cfg(feature = "prover")]
pub(super) use ledger::Ledger;
pub use rules::{BacktestInvalid, MAX_FIGURES};
pub(super) use rules::{Bounds, ROOT_BITS, RatioBound};
pub use strategy::{Figure, Lag, Position, Strategy};
pub(super) use words::backtest_words;

/// Bits of one limb.
pub(super) const LIMB_BITS: u32 = 15;
/// Cells of one scalar.
pub(super) const LIMBS: usize = 4;
/// Limbs of a part of a profit, below 2^30.
const PROFIT_LIMBS: usize = 2;
/// Limbs of a drawdown, below 2^45.
const FALL_LIMBS: usize = 3;

/// Columns that tell profits from losses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    /// [l > 0].
    pub(super) hit: usize,
    /// l - 1 where l > 0, else 0: two limbs.
    pub(super) gain: usize,
    /// -l where l <= 0, else 0: two limbs.
    pub(super) loss: usize,
}

/// Columns of drawdowns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Falls {
    /// d: three limbs.
    pub(super) fall: usize,
    /// How much the running sum rises above its largest value so far: two limbs.
    pub(super) rise: usize,
    /// What d is below the value shown, or the bound: three limbs.
    pub(super) gap: usize,
    /// 1 on one row on which d has the value shown; none for a bound.
    pub(super) at: Option<usize>,
    /// The value, or the bound.
    pub(super) value: u64,
}

/// The columns of a backtest and what it states.
#[derive(Clone, Debug)]
pub(super) struct Backtest {
    pub(super) strategy: Strategy,
    pub(super) figures: Vec<Figure>,
    pub(super) bounds: Bounds,
    /// Whether the rows are public: then earlier targets are compared in the clear.
    pub(super) public: bool,
    /// Z of the last layer, and its window.
    z: usize,
    z_bits: u32,
    /// The target's slot in the data set.
    pub(super) target: usize,
    /// s = [Z <= 0], or the position and, behind it, whether there is one.
    pub(super) position_slot: usize,
    /// p of the row before.
    pub(super) before: usize,
    /// |p - q|.
    pub(super) change: usize,
    /// l.
    pub(super) profit: usize,
    pub(super) signs: Option<Signs>,
    pub(super) falls: Option<Falls>,
    /// One slot of scalars of four limbs each, if there are bounds.
    pub(super) scalars: Option<usize>,
}

/// `sum of 2^(15 i) column_i`.
fn limbs(first: usize, n: usize) -> Form {
    let terms = (0..n).map(|i| (TRACE, first + i, F::from_u64(1 << (LIMB_BITS * i as u32)))).collect();
    Form { constant: F::ZERO, terms }
}

fn column(slot: usize) -> Form {
    Form::column(TRACE, slot)
}

impl ReportStatement {
    /// The backtest that is shown, if any.
    pub(super) fn backtest(&self) -> Option<(&Strategy, &[Figure])> {
        self.shown.iter().find_map(|s| match s {
            Shown::Backtest { strategy, figures } => Some((strategy, figures.as_slice())),
            _ => None,
        })
    }
}

impl Backtest {
    pub(super) fn new(
        statement: &ReportStatement,
        checked: &Checked,
        layout: &TraceLayout,
        next: &mut usize,
    ) -> Option<Self> {
        let (strategy, figures) = statement.backtest()?;
        let bounds = checked.backtest.clone()?;
        let layers = &checked.config.architecture.layers;
        let (z, z_bits) = (layout.layers.last()?.z, layers.last()?.z_bits);
        let mut take = |n: usize| {
            *next += n;
            *next - n
        };
        let table = !matches!(strategy.position, Position::Sign | Position::Long);
        let position_slot = take(if table { 2 } else { 1 });
        let [before, change, profit] = [(); 3].map(|()| take(1));
        let signs = figures.iter().any(Figure::needs_signs).then(|| Signs {
            hit: take(1),
            gain: take(PROFIT_LIMBS),
            loss: take(PROFIT_LIMBS),
        });
        let drawn = figures.iter().find_map(|f| Some((f.drawdown()?, matches!(f, Figure::Drawdown { .. }))));
        let falls = drawn.map(|(value, shown)| Falls {
            fall: take(FALL_LIMBS),
            rise: take(PROFIT_LIMBS),
            gap: take(FALL_LIMBS),
            at: shown.then(|| take(1)),
            value,
        });
        let mut out = Self {
            strategy: strategy.clone(),
            figures: figures.to_vec(),
            bounds,
            public: !statement.input.is_committed(),
            z,
            z_bits,
            target: layers.first()?.inputs as usize,
            position_slot,
            before,
            change,
            profit,
            signs,
            falls,
            scalars: None,
        };
        out.scalars = (out.scalar_count() > 0).then(|| take(1));
        Some(out)
    }

    /// p.
    pub(super) fn position(&self) -> Form {
        let slot = self.position_slot;
        match self.strategy.position {
            Position::Sign => Form { constant: F::ONE, terms: vec![(TRACE, slot, -F::TWO)] },
            Position::Long => Form { constant: F::ONE, terms: vec![(TRACE, slot, -F::ONE)] },
            Position::Linear { .. } | Position::Tanh { .. } => column(slot),
        }
    }

    /// [p is not 0].
    pub(super) fn invested(&self) -> Form {
        match self.strategy.position {
            Position::Sign => Form { constant: F::ONE, terms: vec![] },
            Position::Long => self.position(),
            Position::Linear { .. } | Position::Tanh { .. } => column(self.position_slot + 1),
        }
    }

    /// d.
    pub(super) fn fall(falls: &Falls) -> Form {
        limbs(falls.fall, FALL_LIMBS)
    }

    /// The part of a profit that is below 0, as what it is below 0.
    pub(super) fn loss(signs: &Signs) -> Form {
        limbs(signs.loss, PROFIT_LIMBS)
    }

    pub(super) fn lookups(&self, b: &mut Builder) {
        let index = column(self.z).plus(F::from_u64(1 << (self.z_bits - 1)));
        match self.strategy.position.table(self.z_bits) {
            None => {
                let table = Table::Step { bits: self.z_bits as usize, bound: (1 << (self.z_bits - 1)) + 1 };
                b.tuple(table, vec![index, column(self.position_slot)]);
            }
            Some(values) => {
                let positions = values.iter().map(|&v| signed(v.into())).collect();
                let invested = values.iter().map(|&v| F::from_bool(v != 0)).collect();
                let table = Table::Function { bits: self.z_bits as usize, columns: vec![positions, invested] };
                b.tuple(table, vec![index, self.position(), self.invested()]);
            }
        }
        b.range(LIMB_BITS, column(self.change));
        let mut ranges = vec![];
        if let Some(s) = &self.signs {
            ranges.extend(s.gain..s.gain + PROFIT_LIMBS);
            ranges.extend(s.loss..s.loss + PROFIT_LIMBS);
        }
        if let Some(d) = &self.falls {
            ranges.extend(d.fall..d.fall + FALL_LIMBS);
            ranges.extend(d.rise..d.rise + PROFIT_LIMBS);
            ranges.extend(d.gap..d.gap + FALL_LIMBS);
        }
        ranges.extend(self.scalars);
        ranges.into_iter().for_each(|slot| b.range(LIMB_BITS, column(slot)));
    }

    /// The equations of every row that read no other row.
    pub(super) fn equations(&self) -> Vec<HeadEquation> {
        let of = |form: &Form, k: E| -> Vec<(Term, E)> {
            let constant = (form.constant != F::ZERO).then(|| (Term::One, k * form.constant));
            let columns = form.terms.iter().map(|&(_, slot, c)| (Term::Column(slot), k * c));
            columns.chain(constant).collect()
        };
        let equation = |linear, pairs| HeadEquation { real: E::ZERO, linear, pairs };
        let scaled = |form: &Form, k: F| Form::default().plus_scaled(form, k);
        let difference = self.position().plus_scaled(&column(self.before), -F::ONE);
        let (cost, scale) = (F::from_u32(self.strategy.cost.0), F::from_u32(self.strategy.cost.1));
        let mut out = vec![
            // a^2 = (p - q)^2.
            equation(
                vec![],
                vec![(column(self.change), column(self.change)), (difference.clone(), scaled(&difference, -F::ONE))],
            ),
            // D p y - C a [read] - l = 0; y is 0 on rows that are not read.
            equation(
                vec![(Term::Masked(self.change), (-cost).into()), (Term::Column(self.profit), -E::ONE)],
                vec![(scaled(&self.position(), scale), Form::column(DATA, self.target))],
            ),
        ];
        if let Some(s) = &self.signs {
            let (hit, gain, loss) = (column(s.hit), limbs(s.gain, PROFIT_LIMBS), Self::loss(s));
            // l = hit + gain - loss; hit^2 = hit; gain where there is a hit, loss where there is none.
            let parts = [of(&column(self.profit), E::ONE), of(&hit, -E::ONE), of(&gain, -E::ONE), of(&loss, E::ONE)];
            out.push(equation(parts.concat(), vec![]));
            out.push(equation(of(&hit, -E::ONE), vec![(hit.clone(), hit.clone())]));
            out.push(equation(of(&gain, -E::ONE), vec![(hit.clone(), gain)]));
            out.push(equation(vec![], vec![(hit, loss)]));
        }
        if let Some(d) = &self.falls {
            let (fall, rise) = (Self::fall(d), limbs(d.rise, PROFIT_LIMBS));
            // rise d = 0; value - d = gap.
            out.push(equation(vec![], vec![(rise, fall.clone())]));
            let mut gap = of(&fall, -E::ONE);
            gap.extend(of(&limbs(d.gap, FALL_LIMBS), -E::ONE));
            gap.push((Term::One, E::from_u64(d.value)));
            out.push(equation(gap, vec![]));
            if let Some(at) = d.at {
                out.push(equation(of(&column(at), -E::ONE), vec![(column(at), column(at))]));
            }
        }
        out
    }

    /// `d - d_before - rise + l = 0`, as what is read on a row and what on the row before.
    pub(super) fn shifted(&self) -> Vec<(Form, Form)> {
        let mut out = vec![(column(self.before), self.position())];
        if let Some(d) = &self.falls {
            let fall = Self::fall(d);
            let here = fall.clone().plus_scaled(&limbs(d.rise, PROFIT_LIMBS), -F::ONE);
            out.push((here.plus_scaled(&column(self.profit), F::ONE), fall));
        }
        out
    }
}
