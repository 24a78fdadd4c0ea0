//! Figures of scores, from claims on the histogram to linear claims on the multiplicities of its table.
//!
//! Linear claims are one, batched by powers of xi. Claims on pairs are one bilinear sumcheck over scores t, a unit
//! per set S of rows and kernel K: `sum_t H(S, 1, t) sum_u (alpha K(t, u) + beta) H(S, 0, u)`. At its point (t*, v*)
//! both sides are linear: K~(t*, u) = 2 sum_{t > u} eq(t*, t) + eq(t*, u) for pairs in order, sum_{t >= e} eq(t*, t) +
//! [u < e] for those on both sides of e, takes the verifier time linear in the scores.
use super::claims::{LinearClaim, Over, PairClaim};
use super::tables::{Value, Values};
use crate::relation::{TRACE, cell};
use crate::report::relation::ReportRelation;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::bilinear_check;
use tacit_argument::field::{E, signed};
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Reduction};
use tacit_argument::multilinear::{eq_table, log2_ceil};

/// Transcript label.
pub(in crate::report) const LABEL: &[u8] = b"tacit/scores/v1";

/// Where the histogram stands: the multiplicities of its table.
#[derive(Clone, Copy)]
pub(super) struct Histogram {
    /// First slot.
    first: usize,
    log_rows: usize,
    bits: usize,
    groups: usize,
    /// Rows that are not read: they are counted at index 0, a row of group 0, class 0 and the smallest score.
    unread: usize,
}

/// One set of rows in the sumcheck.
pub(super) struct Unit {
    pub(super) over: Over,
    /// What U is multiplied by.
    pub(super) alpha: E,
    /// What P N is multiplied by.
    pub(super) beta: E,
}

/// A weight per score, by set of rows and label.
type ByScore = BTreeMap<(Option<u32>, usize), Vec<E>>;

impl Histogram {
    /// First cell of a group and label.
    #[cfg(feature = "prover")]
    pub(super) const fn cell(&self, group: usize, label: usize) -> usize {
        (self.first << self.log_rows) + ((2 * group + label) << self.bits)
    }

    pub(super) fn groups(&self, set: Option<u32>) -> core::ops::Range<usize> {
        set.map_or(0..self.groups, |g| g as usize..g as usize + 1)
    }

    /// Rows of a set that are counted at index 0 and not read.
    pub(super) fn unread(&self, set: Option<u32>) -> E {
        E::from_usize(if self.groups(set).contains(&0) { self.unread } else { 0 })
    }

    /// Scores that one slot holds, as log2: of columns shorter than the scores a group and label take several.
    fn stride(&self) -> usize {
        self.bits.min(self.log_rows)
    }

    /// Adds k times the histogram of one group and label, read through low parts with factors.
    fn add(&self, e: &mut Affine, group: usize, label: usize, lows: &[(LowId, E)], k: E) {
        let per = self.bits - self.stride();
        let first = (self.first << (self.log_rows - self.stride())) + ((2 * group + label) << per);
        for (i, &(low, w)) in lows.iter().enumerate().filter(|(_, (_, w))| *w != E::ZERO) {
            e.add_cell(cell(TRACE, low, first + i), k * w);
        }
    }

    /// A weight per score. Slots of one weight share a low part.
    fn dense(&self, r: &mut Reduction<'_>, weights: &[E]) -> Vec<(LowId, E)> {
        let mut ones = None;
        let mut low = |part: &[E]| {
            let same = part.first().copied().filter(|w| part.iter().all(|x| x == w));
            let Some(w) = same else { return (r.low(Low::Dense(part.to_vec())), E::ONE) };
            let id = *ones.get_or_insert_with(|| r.low(Low::Dense(vec![E::ONE; part.len()])));
            (id, w)
        };
        weights.chunks(1 << self.stride()).map(&mut low).collect()
    }

    /// eq(point, .).
    fn at(&self, r: &mut Reduction<'_>, point: &[E]) -> Vec<(LowId, E)> {
        let (top, low) = point.split_at(point.len() - self.stride());
        let id = r.low(Low::Eq(low.to_vec()));
        eq_table(top, E::ONE).into_iter().map(|w| (id, w)).collect()
    }
}

/// K~(t*, u) for every u, from eq(t*, .).
fn ordered(eq: &[E]) -> Vec<E> {
    let mut above = E::ZERO;
    let mut out: Vec<E> = eq
        .iter()
        .rev()
        .map(|&w| {
            let k = above.double() + w;
            above += w;
            k
        })
        .collect();
    out.reverse();
    out
}

/// [t >= e] + [u < e] at t* for every u.
fn split(eq: &[E], e: usize) -> Vec<E> {
    let above: E = eq.iter().skip(e).copied().sum();
    (0..eq.len()).map(|u| above + E::from_bool(u < e)).collect()
}

impl ReportRelation<'_> {
    pub(super) fn histogram(&self) -> Option<Histogram> {
        let scores = self.scores.as_ref()?;
        Some(Histogram {
            first: *self.lookups.multiplicities.get(scores.table)?,
            log_rows: self.layout.log_rows,
            bits: scores.shape.bits as usize,
            groups: scores.shape.groups,
            unread: (1usize << self.layout.log_rows) - self.checked.rows,
        })
    }

    /// 1, xi, xi^2, ... of the linear claims, then of those on pairs.
    pub(super) fn score_powers(&self, xi: E) -> (Vec<E>, Vec<E>) {
        let (linear, pairs) = self.checked.scores.as_ref().map_or((0, 0), |s| (s.linear.len(), s.pairs.len()));
        let mut powers: Vec<E> = xi.powers().take(linear + pairs).collect();
        let of_pairs = powers.split_off(linear);
        (powers, of_pairs)
    }

    /// The units of the sumcheck.
    pub(super) fn score_units(&self, powers: &[E]) -> Vec<Unit> {
        let Some(scores) = &self.checked.scores else { return vec![] };
        let mut units: Vec<Unit> =
            scores.sets().into_iter().map(|over| Unit { over, alpha: E::ZERO, beta: E::ZERO }).collect();
        for (claim, &power) in scores.pairs.iter().zip(powers) {
            for &(over, k, l) in &claim.terms {
                for unit in units.iter_mut().filter(|u| u.over == over) {
                    unit.alpha += power * signed(k);
                    unit.beta += power * signed(l);
                }
            }
        }
        units
    }

    /// Figures of scores.
    pub(in crate::report) fn score_check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        let (Some(histogram), Some(scores)) = (self.histogram(), &self.checked.scores) else { return Ok(()) };
        r.begin(LABEL);
        let xi = r.challenge();
        let (linear, pairs) = self.score_powers(xi);
        // Slacks follow those of the counts.
        let mut slack = self.checked.count_bounds();
        let (mut of_linear, mut of_pairs) = (Affine::default(), Affine::default());
        let low = self.slack_low(r);
        let mut values = |e: &mut Affine, value: i64, bound: bool, power: E| {
            e.add_constant(power * signed(value));
            if bound {
                e.add_cell(cell(TRACE, low, self.slack_slot(slack)), power);
                slack += 1;
            }
        };
        for (LinearClaim { value, bound, .. }, &power) in scores.linear.iter().zip(&linear) {
            values(&mut of_linear, *value, *bound, -power);
        }
        for (PairClaim { value, bound, .. }, &power) in scores.pairs.iter().zip(&pairs) {
            values(&mut of_pairs, *value, *bound, power);
        }
        if !r.is_dry() {
            for ((set, label), weights) in self.by_score(&linear) {
                let lows = histogram.dense(r, &weights);
                histogram.groups(set).for_each(|g| histogram.add(&mut of_linear, g, label, &lows, E::ONE));
                if let (0, Some(&w)) = (label, weights.first()) {
                    of_linear.add_constant(-w * histogram.unread(set));
                }
            }
        }
        r.assert_zero(of_linear);
        if scores.pairs.is_empty() {
            return Ok(());
        }
        self.pair_check(r, &histogram, of_pairs, &self.score_units(&pairs))
    }

    /// The weight of every score in the linear claims.
    fn by_score(&self, powers: &[E]) -> ByScore {
        let Some(scores) = &self.checked.scores else { return ByScore::new() };
        let (bits, fa) = (scores.shape.bits, scores.shape.fa);
        let values = Values::new(bits, fa);
        let mut tables = BTreeMap::new();
        let mut out = ByScore::new();
        for (claim, &power) in scores.linear.iter().zip(powers) {
            for part in &claim.parts {
                let weights = out.entry((part.group, part.label)).or_insert_with(|| vec![E::ZERO; 1 << bits]);
                let (k, (from, to)) = (power * signed(part.k), part.range);
                let read = weights.iter_mut().take(to).skip(from);
                if part.value == Value::One {
                    read.for_each(|w| *w += k);
                    continue;
                }
                // A probability is that of class 1, whatever the label is.
                let label = if part.value == Value::Probability { 0 } else { part.label };
                let table = tables.entry((part.value, label)).or_insert_with(|| values.table(part.value, label));
                for (w, &v) in read.zip(table.iter().skip(from)) {
                    *w += k * signed(v);
                }
            }
        }
        out
    }

    /// sum over units of alpha U + beta P N = claim.
    fn pair_check(
        &self,
        r: &mut Reduction<'_>,
        histogram: &Histogram,
        claim: Affine,
        units: &[Unit],
    ) -> Result<(), HidingError> {
        let claim = bilinear_check(r, claim, histogram.bits, log2_ceil(units.len()))?;
        let eq_v = eq_table(&claim.units, E::ONE);
        let point = claim.rows.clone();
        let (a, b) = claim.close(r, eq_v.iter().take(units.len()).copied().sum());
        let (mut ea, mut eb) = (Affine::default(), Affine::default());
        if !r.is_dry() {
            let eq = eq_table(&point, E::ONE);
            let at = histogram.at(r, &point);
            let all = histogram.dense(r, &vec![E::ONE; eq.len()]);
            let mut kernels = BTreeMap::new();
            for (unit, &v) in units.iter().zip(&eq_v) {
                let (set, place) = unit.over;
                let (paired, first) = kernels.entry(place).or_insert_with(|| {
                    let k = place.map_or_else(|| ordered(&eq), |e| split(&eq, e));
                    (histogram.dense(r, &k), k.first().copied().unwrap_or_default())
                });
                for g in histogram.groups(set) {
                    histogram.add(&mut ea, g, 1, &at, v);
                    histogram.add(&mut eb, g, 0, paired, v * unit.alpha);
                    histogram.add(&mut eb, g, 0, &all, v * unit.beta);
                }
                eb.add_constant(-v * (unit.alpha * *first + unit.beta) * histogram.unread(set));
            }
        }
        ea.sub(&a.affine());
        eb.sub(&b.affine());
        r.assert_zero(ea);
        r.assert_zero(eb);
        Ok(())
    }
}
