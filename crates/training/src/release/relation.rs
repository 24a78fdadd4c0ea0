//! `W_T + 2^(s-1) = 2^s W_rel + R` for every weight, as one linear claim per layer and the lookups of R's limbs.
//!
//! The claim holds at a random (k, j) of the layer, drawn after W_rel, the model's root and the trace's root, which
//! holds R's limbs and the multiplicities. Limbs have exact widths that sum to s.
use super::LABEL;
use crate::config::{RunConfig, limb_widths};
use crate::relation::layout::{ModelLayout, WeightLimbs};
use crate::relation::{Builder, TRACE, unit_weights};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F, signed};
use tacit_argument::functional::Low;
use tacit_argument::hiding::{Affine, Cell, HidingError, Reduction};
use tacit_argument::lookup::{LookupSystem, lookup_check};
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::proof::Relation;
use tacit_argument::share::LOG_ABOUT_MODEL;
use tacit_argument::soundness::{ErrorTerm, LOGUP, SCHWARTZ_ZIPPEL, algebraic};

/// The model's id among the vectors of the proof.
const MODEL: usize = TRACE + 1;
/// log2 of the slots that a limb of the weights, or the multiplicities of its table, take at most up to
/// [`MAX_LOG_ROWS`]: fewer slots are cheaper to verify, shorter ones waste fewer cells.
const LOG_SLOTS: usize = 6;
/// log2 of the longest slot, unless a layer has more outputs.
const MAX_LOG_ROWS: usize = 12;

/// The relation of a release.
#[derive(Clone, Debug)]
pub struct ReleaseRelation<'a> {
    pub(super) config: &'a RunConfig,
    /// s.
    shift: u32,
    /// W_rel.
    weights: &'a [i64],
    model: ModelLayout,
    /// Limbs of R.
    pub(super) limbs: WeightLimbs,
    pub(super) lookups: LookupSystem,
    slots: usize,
}

impl<'a> ReleaseRelation<'a> {
    /// The relation of rounded weights that drop `shift` bits.
    #[must_use]
    pub fn new(config: &'a RunConfig, shift: u32, weights: &'a [i64]) -> Self {
        let model = ModelLayout::new(config, 0);
        let widest = limb_widths(shift).first().map_or(0, |&w| w as usize);
        let rows = log2_ceil(model.cells).max(widest).saturating_sub(LOG_SLOTS).min(MAX_LOG_ROWS);
        let log_rows = rows.max(model.max_stride());
        let mut next = 0;
        let limbs = WeightLimbs::new(config, shift, log_rows, &mut next);
        let mut builder = Builder::new();
        limbs.lookups(&mut builder);
        let (lookups, slots) = builder.build(log_rows, next);
        Self { config, shift, weights, model, limbs, lookups, slots }
    }

    /// 2^(s-1), or 0 where nothing is rounded.
    pub(super) const fn half(&self) -> u64 {
        (1 << self.shift) >> 1
    }

    /// W_T + 2^(s-1) - 2^s W_rel - R at (inputs, outputs) of layer l.
    fn claim(&self, r: &mut Reduction<'_>, l: usize, inputs: &[E], mut outputs: Vec<E>) -> Affine {
        let rows = self.weights.get(self.config.weight_offset(l)..).unwrap_or_default().chunks(outputs.len().max(1));
        let row = |w: &[i64]| w.iter().zip(&outputs).map(|(&v, &j)| j * signed(v)).sum::<E>();
        let released: E = rows.zip(inputs).map(|(w, &k)| k * row(w)).sum();
        let mass = inputs.iter().copied().sum::<E>() * outputs.iter().copied().sum::<E>();
        let mut e = Affine::constant(mass * F::from_u64(self.half()) - released * F::from_u64(1 << self.shift));
        outputs.resize(1 << self.model.stride.get(l).copied().unwrap_or(0), E::ZERO);
        let low = r.low(Low::Dense(outputs));
        let first = self.model.first.get(l).copied().unwrap_or(0);
        for (k, &w) in inputs.iter().enumerate() {
            e.add_cell(Cell { vector: MODEL, low, slot: first + k }, w);
        }
        self.limbs.add_to(&mut e, (l, low), inputs, -E::ONE);
        e
    }

    /// (inputs, outputs) of every layer.
    pub(super) fn dimensions(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.config.architecture.layers.len()).map(|l| (self.config.k(l), self.config.outputs(l)))
    }
}

impl Relation for ReleaseRelation<'_> {
    fn max_stride(&self) -> usize {
        self.lookups.log_rows
    }

    fn column_cells(&self) -> usize {
        self.slots << self.lookups.log_rows
    }

    fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        r.begin(LABEL);
        for (l, (k, n)) in self.dimensions().enumerate() {
            let inputs = unit_weights(&r.point(log2_ceil(k)), k);
            let outputs = unit_weights(&r.point(log2_ceil(n)), n);
            let e = self.claim(r, l, &inputs, outputs);
            r.assert_zero(e);
        }
        // Nothing is looked up where nothing is rounded.
        if self.lookups.lookups.is_empty() { Ok(()) } else { lookup_check(r, &self.lookups) }
    }

    fn log_proofs(&self) -> usize {
        LOG_ABOUT_MODEL
    }

    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        // Per layer: its point, and its claim's power in the batch.
        let points: usize = self.dimensions().map(|(k, n)| log2_ceil(k) + log2_ceil(n) + 1).sum();
        let lookups = if self.lookups.lookups.is_empty() { 0 } else { self.lookups.error_numerator() };
        let mut terms =
            alloc::vec![algebraic("random weights and batching of layers", points, list_bits, SCHWARTZ_ZIPPEL)];
        if lookups > 0 {
            terms.push(algebraic("lookups: fingerprints, zero denominators, GKR", lookups as usize, list_bits, LOGUP));
        }
        terms
    }
}
