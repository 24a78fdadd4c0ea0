//! The owner's side of a backtest: positions, profits and drawdowns as integers, the figures, and their columns.
use super::{Backtest, FALL_LIMBS, Figure, LIMB_BITS, LIMBS, PROFIT_LIMBS, Position, ROOT_BITS, RatioBound, Strategy};
use crate::relation::Writer;
use crate::report::counting::Evaluation;
use crate::report::prover::ReportError;
use alloc::string::ToString;
use alloc::vec::Vec;
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use tacit_argument::field::{F, signed};

/// Every row of a backtest; positions of the padding too, where no target is.
pub(in crate::report) struct Ledger {
    rows: usize,
    /// p.
    pub(in crate::report) positions: Vec<i64>,
    /// p of the row before.
    pub(in crate::report) before: Vec<i64>,
    /// l; 0 on rows that are not read.
    pub(in crate::report) profits: Vec<i64>,
    /// d.
    pub(in crate::report) falls: Vec<i64>,
    /// How far the running sum rises above its largest value.
    pub(in crate::report) rises: Vec<i64>,
}

impl Ledger {
    pub(in crate::report) fn new(strategy: &Strategy, z_bits: u32, evaluation: &Evaluation) -> Self {
        let z = evaluation.layers.last().map_or(&[][..], |l| &l.columns.z);
        let table = strategy.position.table(z_bits);
        let positions: Vec<i64> = z.iter().map(|&z| strategy.position.of(table.as_deref(), z)).collect();
        let before: Vec<i64> = core::iter::once(0).chain(positions.iter().copied()).take(positions.len()).collect();
        let (cost, scale) = (i64::from(strategy.cost.0), i64::from(strategy.cost.1));
        let mut profits: Vec<i64> = evaluation
            .targets
            .iter()
            .zip(positions.iter().zip(&before))
            .map(|(&y, (p, q))| scale * p * i64::from(y) - cost * (p - q).abs())
            .collect();
        profits.resize(positions.len(), 0);
        let mut out = Self { rows: evaluation.rows, positions, before, profits, falls: Vec::new(), rises: Vec::new() };
        out.fall();
        out
    }

    /// Drawdowns of the profits.
    pub(in crate::report) fn fall(&mut self) {
        let mut fall = 0;
        (self.falls, self.rises) = self
            .profits
            .iter()
            .map(|l| {
                let rise = (l - fall).max(0);
                fall = (fall - l).max(0);
                (fall, rise)
            })
            .unzip();
    }

    fn read(&self) -> &[i64] {
        &self.profits[..self.rows]
    }

    fn profit(&self) -> i64 {
        self.read().iter().sum()
    }

    fn squares(&self, downside: bool) -> u64 {
        let of = |l: &&i64| !downside || **l < 0;
        self.read().iter().filter(of).map(|l| l.unsigned_abs().pow(2)).sum()
    }

    fn changes(&self) -> impl Iterator<Item = u64> + '_ {
        self.positions.iter().zip(&self.before).map(|(p, q)| p.abs_diff(*q))
    }

    fn turnover(&self) -> u64 {
        self.changes().take(self.rows).sum()
    }

    fn hits(&self) -> (u32, u32) {
        let profitable = self.read().iter().filter(|l| **l > 0).count();
        let invested = self.positions[..self.rows].iter().filter(|p| **p != 0).count();
        (profitable as u32, invested as u32)
    }

    fn drawdown(&self) -> u64 {
        self.falls[..self.rows].iter().copied().max().unwrap_or(0).unsigned_abs()
    }

    /// The figures asked for with their values; those of bounds stay. Bounds that do not hold are refused.
    pub(in crate::report) fn figures(&self, asked: &[Figure]) -> Result<Vec<Figure>, ReportError> {
        asked.iter().map(|f| self.figure(f)).collect()
    }

    fn figure(&self, asked: &Figure) -> Result<Figure, ReportError> {
        let (profitable, invested) = self.hits();
        let holds = match *asked {
            Figure::Profit { .. } => return Ok(Figure::Profit { sum: self.profit() }),
            Figure::Squares { .. } => return Ok(Figure::Squares { sum: self.squares(false) }),
            Figure::Downside { .. } => return Ok(Figure::Downside { sum: self.squares(true) }),
            Figure::Turnover { .. } => return Ok(Figure::Turnover { sum: self.turnover() }),
            Figure::Hits { .. } if invested == 0 => return Err(undefined(asked)),
            Figure::Hits { .. } => return Ok(Figure::Hits { profitable, invested }),
            Figure::Drawdown { .. } => return Ok(Figure::Drawdown { value: self.drawdown() }),
            Figure::ProfitAtLeast { bound } => self.profit() >= bound,
            Figure::SquaresAtMost { bound } => self.squares(false) <= bound,
            Figure::TurnoverAtMost { bound } => self.turnover() <= bound,
            Figure::DrawdownAtMost { bound } => self.drawdown() <= bound,
            Figure::HitsAtLeast { .. } if invested == 0 => return Err(undefined(asked)),
            Figure::HitsAtLeast { bound: (p, q) } => {
                u64::from(q) * u64::from(profitable) >= u64::from(p) * u64::from(invested)
            }
            // Compared with the other ratios, once k, c and m are known.
            Figure::SharpeAtLeast { .. } | Figure::SortinoAtLeast { .. } => self.profit() > 0,
        };
        if holds { Ok(*asked) } else { Err(fails(asked)) }
    }

    /// T: what S - 1 is in steps of 2^k, as far as it is compared.
    fn root(&self, k: u32) -> u64 {
        ((self.profit() - 1).max(0).unsigned_abs() >> k).min((1 << ROOT_BITS) - 1)
    }

    /// U, how far 2^m U is above Q, how far T^2 is above c U; none if the bound does not hold.
    fn ratio(&self, ratio: &RatioBound, k: u32) -> Option<[u64; 3]> {
        let q = self.squares(ratio.downside);
        let u = q.div_ceil(1 << ratio.m);
        let slack = self.root(k).pow(2).checked_sub(ratio.c.checked_mul(u)?)?;
        (self.profit() > 0 && u < 1 << 45).then_some([u, (u << ratio.m) - q, slack])
    }

    /// Refuses a bound on a ratio that does not hold, or is closer than the comparison resolves.
    pub(in crate::report) fn check_ratios(&self, b: &Backtest) -> Result<(), ReportError> {
        let bounded = |f: &&Figure| matches!(f, Figure::SharpeAtLeast { .. } | Figure::SortinoAtLeast { .. });
        for (figure, ratio) in b.figures.iter().filter(bounded).zip(&b.bounds.ratios) {
            if self.ratio(ratio, b.bounds.k).is_none() {
                return Err(fails(figure));
            }
        }
        Ok(())
    }
}

fn fails(figure: &Figure) -> ReportError {
    ReportError::BoundFails { rate: figure.name().to_string() }
}

fn undefined(figure: &Figure) -> ReportError {
    ReportError::Undefined { rate: figure.name().to_string() }
}

const LIMB: u64 = (1 << LIMB_BITS) - 1;

impl Backtest {
    /// Writes the columns; scalars of bounds included.
    pub(in crate::report) fn fill(&self, ledger: &Ledger, w: &mut Writer<'_>) {
        let limbs = |w: &mut Writer<'_>, first: usize, n: usize, values: &[i64]| {
            for i in 0..n {
                let shift = LIMB_BITS * i as u32;
                w.put(first + i, values, |v| F::from_u64((v.unsigned_abs() >> shift) & LIMB));
            }
        };
        let (positions, slot) = (&ledger.positions, self.position_slot);
        match self.strategy.position {
            Position::Sign | Position::Long => w.put(slot, positions, |p| F::from_bool(p <= 0)),
            Position::Linear { .. } | Position::Tanh { .. } => {
                w.put(slot, positions, signed);
                w.put(slot + 1, positions, |p| F::from_bool(p != 0));
            }
        }
        w.put(self.before, &ledger.before, signed);
        w.put(self.change, &ledger.changes().collect::<Vec<_>>(), F::from_u64);
        w.put(self.profit, &ledger.profits, signed);
        if let Some(s) = &self.signs {
            w.put(s.hit, &ledger.profits, |l| F::from_bool(l > 0));
            let gain: Vec<i64> = ledger.profits.iter().map(|l| (l - 1).max(0)).collect();
            let loss: Vec<i64> = ledger.profits.iter().map(|l| (-l).max(0)).collect();
            limbs(w, s.gain, PROFIT_LIMBS, &gain);
            limbs(w, s.loss, PROFIT_LIMBS, &loss);
        }
        if let Some(d) = &self.falls {
            let value = d.value as i64;
            // A lie about the value leaves a gap below 0, which no limbs have.
            let gap: Vec<i64> = ledger.falls.iter().map(|f| (value - f).max(0)).collect();
            limbs(w, d.fall, FALL_LIMBS, &ledger.falls);
            limbs(w, d.rise, PROFIT_LIMBS, &ledger.rises);
            limbs(w, d.gap, FALL_LIMBS, &gap);
            if let Some(at) = d.at {
                let row = ledger.falls[..ledger.rows].iter().position(|f| *f == value);
                w.put(at, &(0..ledger.falls.len()).map(|x| Some(x) == row).collect::<Vec<_>>(), F::from_bool);
            }
        }
        if let Some(slot) = self.scalars {
            let mut cells = alloc::vec![0; ledger.positions.len()];
            for (i, v) in self.scalar_values(ledger).into_iter().enumerate() {
                (0..LIMBS).for_each(|k| cells[LIMBS * i + k] = (v >> (LIMB_BITS * k as u32)) & LIMB);
            }
            w.put(slot, &cells, F::from_u64);
        }
    }

    /// All scalars, in their order.
    fn scalar_values(&self, ledger: &Ledger) -> Vec<u64> {
        let (k, mut out) = (self.bounds.k, Vec::new());
        if self.has_root() {
            let root = ledger.root(k);
            out.extend([root, (ledger.profit() - 1).max(0).unsigned_abs() - (root << k)]);
        }
        self.bounds.ratios.iter().for_each(|ratio| out.extend(ledger.ratio(ratio, k).unwrap_or_default()));
        let (profitable, invested) = ledger.hits();
        for figure in &self.figures {
            match *figure {
                Figure::ProfitAtLeast { bound } => out.push((ledger.profit() - bound).unsigned_abs()),
                Figure::SquaresAtMost { bound } => out.push(bound.saturating_sub(ledger.squares(false))),
                Figure::TurnoverAtMost { bound } => out.push(bound.saturating_sub(ledger.turnover())),
                Figure::HitsAtLeast { bound: (p, q) } => {
                    let rate = u64::from(q) * u64::from(profitable);
                    let of = u64::from(p) * u64::from(invested);
                    out.extend([rate.saturating_sub(of), u64::from(invested).saturating_sub(1)]);
                }
                _ => {}
            }
        }
        out
    }

    /// T, as the trace has it.
    pub(in crate::report) fn root(&self, trace: &[F], log_rows: usize) -> Option<F> {
        let first = self.scalars.filter(|_| self.has_root())? << log_rows;
        let low = trace[first].as_canonical_u64();
        Some(F::from_u64(low) + trace[first + 1] * F::from_u64(1 << LIMB_BITS))
    }
}
