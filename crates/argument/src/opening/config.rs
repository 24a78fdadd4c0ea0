//! Every number of one opening, derived once from the rate and the shapes.
//!
//! P has C = 2^log_columns >= 3 S columns of 2^h, S the groups of all vectors' source columns. WHIR folds all column
//! variables first, then 4 at a time. The first fold turns base elements into E, so the library's default rates
//! (one less than the fold) would make the second codeword larger than the first; the rates here are explicit.
use super::error::OpeningError;
use super::oracle::{PlainMmcs, plain};
use super::shape::{MAX_SOURCES, TRACE_LOG_HEIGHTS, VectorShape};
use crate::field::{E, F};
use crate::multilinear::log2_ceil;
use crate::soundness::{self, ErrorTerm, TARGET_BITS};
use crate::transcript::Challenger;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use p3_dft::Radix2DFTSmallBatch;
use p3_sumcheck::layout::PrefixProver;
use p3_sumcheck::{OpeningBatch, OpeningProtocol, PrescribedPointPcs, TableShape, TableSpec};
use p3_whir::parameters::{FoldingFactor, ProtocolParameters, WhirConfig};
use p3_whir::pcs::prover::WhirProver;

/// What the library is asked for, per error term; their sum then stays below 2^-128 (checked for every config).
const BITS_PER_TERM: usize = 131;
/// Proof of work per query phase: counts towards the 128 bits, costs some tens of milliseconds. The most that the
/// design allows.
const WORK_BITS: usize = 20;
/// The smallest share of 2^-128 that a proof may have, log2 of its inverse: beyond, a challenge's own error nears the
/// target. A chunk of the longest run.
pub(super) const MAX_LOG_PROOFS: usize = 22;
/// Variables folded per WHIR round after the first.
const FOLD: usize = 4;
/// Rates that a proof may have, log2 of the inverse.
pub const LOG_INV_RATES: core::ops::RangeInclusive<usize> = 1..=2;

pub(super) type Dft = Radix2DFTSmallBatch<F>;
pub(super) type Whir = WhirConfig<E, F, Challenger>;

/// The derived configuration of one opening; the same for prover and verifier.
#[derive(Clone, Debug)]
pub struct OpeningConfig {
    log_inv_rate: usize,
    shapes: Vec<VectorShape>,
    sources: usize,
    groups: usize,
    log_columns: usize,
    queries: usize,
    whir: Whir,
}

/// Rows that a proof opens of the first oracle: what every uniform block must cover per opening.
///
/// # Errors
/// [`OpeningError::Rate`], [`OpeningError::Height`] or [`OpeningError::Sources`] for unsupported numbers.
pub fn queries_for(log_inv_rate: usize, h: usize, source_columns: usize) -> Result<usize, OpeningError> {
    queries_among(log_inv_rate, h, source_columns, 0)
}

/// [`queries_for`] a proof with one of 2^log_proofs equal shares of the error of 2^-128 ([`crate::share`]).
///
/// # Errors
/// As [`queries_for`], and [`OpeningError::Parameters`] for more proofs than the field leaves room for.
pub fn queries_among(
    log_inv_rate: usize,
    h: usize,
    source_columns: usize,
    log_proofs: usize,
) -> Result<usize, OpeningError> {
    let (min, max) = (*TRACE_LOG_HEIGHTS.start(), *TRACE_LOG_HEIGHTS.end());
    if h < min || h > max {
        return Err(OpeningError::Height { vector: 0, got: h, min, max });
    }
    if source_columns == 0 || source_columns > MAX_SOURCES {
        return Err(OpeningError::Sources { got: source_columns, max: MAX_SOURCES });
    }
    first_queries(&whir_config(log_inv_rate, h, (source_columns, source_columns.div_ceil(3)), log_proofs)?)
}

fn first_queries(whir: &Whir) -> Result<usize, OpeningError> {
    let first = whir.round_parameters().first().map(|r| r.num_queries);
    first.ok_or_else(|| OpeningError::Parameters("no round before the terminal queries".to_string()))
}

/// log2 by which the second codeword's rate lies below the first's. The second holds 3 2^(h + rate + step) base
/// elements, the first 2^(h + rate) for each of its columns, those of the mask included: a step more costs time where the
/// second is not small beside the first, and saves about 5 % of the proof.
pub(super) const fn first_rate_step(sources: usize, groups: usize) -> usize {
    match sources + 3 * groups {
        0..=47 => 1,
        48..=95 => 2,
        _ => 3,
    }
}

fn whir_config(
    log_inv_rate: usize,
    h: usize,
    (sources, groups): (usize, usize),
    log_proofs: usize,
) -> Result<Whir, OpeningError> {
    if log_proofs > MAX_LOG_PROOFS {
        return Err(OpeningError::Parameters(alloc::format!("2^{log_proofs} proofs cannot share 128 bits")));
    }
    if !LOG_INV_RATES.contains(&log_inv_rate) {
        return Err(OpeningError::Rate { got: log_inv_rate });
    }
    let log_columns = log2_ceil(3 * groups);
    let variables = h + log_columns;
    let folding = FoldingFactor::ConstantFromSecondRound(log_columns, FOLD);
    let phases = folding.compute_folding_schedule(variables).map_err(|e| OpeningError::Parameters(e.to_string()))?;
    let first = log_inv_rate + first_rate_step(sources, groups);
    let rates = (0..phases.len().saturating_sub(1)).map(|r| first + (FOLD - 1) * r).collect();
    let parameters = ProtocolParameters {
        security_level: BITS_PER_TERM + log_proofs,
        pow_bits: WORK_BITS,
        folding_factor: folding,
        soundness_type: soundness::REGIME,
        starting_log_inv_rate: log_inv_rate,
        round_log_inv_rates: rates,
    };
    Whir::new_with_initial_claims(variables, parameters, 1).map_err(|e| OpeningError::Parameters(e.to_string()))
}

impl OpeningConfig {
    /// Derives and checks everything; `shapes` is the trace's, then the long-lived vectors' in order.
    ///
    /// # Errors
    /// The shape's or the rate's variant; [`OpeningError::Soundness`] if the sum of all terms misses 2^-128.
    pub fn new(log_inv_rate: usize, shapes: Vec<VectorShape>) -> Result<Self, OpeningError> {
        Self::among(log_inv_rate, shapes, 0)
    }

    /// The configuration of a proof with one of 2^log_proofs equal shares of the error of 2^-128 ([`crate::share`]).
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn among(log_inv_rate: usize, shapes: Vec<VectorShape>, log_proofs: usize) -> Result<Self, OpeningError> {
        let trace = *shapes.first().ok_or(OpeningError::NoVector)?;
        // Shapes alone first: the sums below must not overflow.
        for (vector, shape) in shapes.iter().enumerate() {
            shape.validate(vector, 0)?;
            if shape.log_height > trace.log_height {
                return Err(OpeningError::Taller { vector, got: shape.log_height, trace: trace.log_height });
            }
        }
        let sources = shapes.iter().map(|s| s.columns).sum();
        if sources > MAX_SOURCES {
            return Err(OpeningError::Sources { got: sources, max: MAX_SOURCES });
        }
        let groups = shapes.iter().map(VectorShape::groups).sum();
        let log_columns = log2_ceil(3 * groups);
        let whir = whir_config(log_inv_rate, trace.log_height, (sources, groups), log_proofs)?;
        let queries = first_queries(&whir)?;
        for (vector, shape) in shapes.iter().enumerate() {
            shape.validate(vector, queries)?;
        }
        let config = Self { log_inv_rate, shapes, sources, groups, log_columns, queries, whir };
        let bits = -soundness::total(&config.soundness());
        let target = TARGET_BITS + log_proofs as u32;
        if bits.is_nan() || bits < f64::from(target) {
            return Err(OpeningError::Soundness { bits: bits as u32, target });
        }
        Ok(config)
    }

    /// log2 of the inverse rate of every first-oracle tree.
    #[must_use]
    pub const fn log_inv_rate(&self) -> usize {
        self.log_inv_rate
    }

    /// log2 of the trace's column height.
    #[must_use]
    pub const fn h(&self) -> usize {
        self.whir.num_variables() - self.log_columns
    }

    /// The shapes, trace first.
    #[must_use]
    pub fn shapes(&self) -> &[VectorShape] {
        &self.shapes
    }

    /// The trace's shape.
    #[must_use]
    pub fn trace(&self) -> VectorShape {
        self.shapes[0]
    }

    /// Source columns of all vectors.
    #[must_use]
    pub const fn sources(&self) -> usize {
        self.sources
    }

    /// Groups of all vectors: columns over E.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.groups
    }

    /// log2 of the columns of P.
    #[must_use]
    pub const fn log_columns(&self) -> usize {
        self.log_columns
    }

    /// Rows opened of the first oracle: what one proof is charged on every long-lived vector.
    #[must_use]
    pub const fn queries(&self) -> usize {
        self.queries
    }

    /// All derived integers, for the statement: rate, h, source columns, S, C, salt, work, then per WHIR phase fold, next rate,
    /// queries, work and out-of-domain samples.
    #[must_use]
    pub fn parameters(&self) -> Vec<u64> {
        let w = &self.whir;
        let mut out = vec![self.log_inv_rate, self.h(), self.sources, self.groups, 1 << self.log_columns, super::SALT];
        out.extend([w.commitment_ood_samples(), w.starting_folding_pow_bits(), w.final_folding_pow_bits()]);
        for r in w.round_parameters() {
            out.extend([
                r.folding_factor,
                r.log_inv_rate,
                r.num_queries,
                r.pow_bits,
                r.folding_pow_bits,
                r.ood_samples,
            ]);
        }
        let t = w.terminal();
        out.extend([w.folding_schedule().last().copied().unwrap_or(0), t.num_queries, t.pow_bits]);
        out.push(w.final_sumcheck_rounds());
        out.extend(self.shapes.iter().flat_map(|s| [s.log_height, s.columns, s.block]));
        out.into_iter().map(|x| x as u64).collect()
    }

    /// The error of the opening, term by term.
    #[must_use]
    pub fn soundness(&self) -> Vec<ErrorTerm> {
        let (h, rate) = (self.h(), self.log_inv_rate);
        let list = soundness::list_bits(h, rate);
        let others = self.shapes.len() - 1;
        let variables = self.shapes.iter().skip(1).map(VectorShape::variables).max().unwrap_or(0);
        let of_pins = [
            soundness::pin_batching(others, list),
            soundness::pin_collision(others, variables, TRACE_LOG_HEIGHTS.count(), list),
        ];
        // Over the trace alone there are none.
        let mut terms: Vec<ErrorTerm> = of_pins.into_iter().filter(|_| others > 0).collect();
        terms.extend([
            soundness::conjugates(list),
            soundness::gamma_line(h, rate),
            soundness::gamma_claim(list),
            soundness::source_sumcheck(h, self.groups, list),
            soundness::column_sumcheck(self.log_columns, list),
            soundness::whir_rounds(self.whir_bits()),
        ]);
        terms
    }

    fn whir_bits(&self) -> f64 {
        type Pcs = WhirProver<E, F, Dft, PlainMmcs, Challenger, PrefixProver<F, E>>;
        let pcs = Pcs::new(self.whir.clone(), Dft::default(), plain());
        pcs.prescribed_security(&self.protocol()).map_or(0.0, |s| s.error().bits())
    }

    pub(super) const fn whir(&self) -> &Whir {
        &self.whir
    }

    /// One evaluation of one table of one column: P itself.
    pub(super) fn protocol(&self) -> OpeningProtocol {
        let shape = TableShape::new(self.whir.num_variables(), 1);
        OpeningProtocol::new(vec![TableSpec::new(shape, vec![OpeningBatch::new(vec![0], vec![])])])
    }
}
