//! Rows of two tables: the same in any order, all of one among the other's, or none in common.
//!
//! - **Same, subset.** With random beta a row is `f = beta [x < n] + beta^2 v_1 + beta^3 v_2 + ...`, over features and
//!   labels; with random alpha the sum of 1 / (alpha - f) over the first table's rows equals that of m / (alpha - f) over
//!   the second's: m = 1 for the same rows, committed for a subset. A row beyond the last has another f than any row, as
//!   its first entry is 0.
//! - **Disjoint.** With *fixed* c (`coefficients`) a row is g = c_1 v_1 + c_2 v_2 + ... in F: equal rows have equal g, for
//!   any c. P = product of (X - g) over a table's rows. Committed U and V with U P_first + V P_second = 1 exist only
//!   without a common root; the equation is checked at a random alpha. P(alpha) is the root of a tree of fractions 0 / (alpha -
//!   g). Different rows with equal g cost completeness alone: the prover takes another nonce.
use super::RowRelation;
use crate::record::DataRecord;
use alloc::vec::Vec;
use p3_field::{Field, PrimeCharacteristicRing};
use sha2::{Digest, Sha256};
use tacit_argument::field::{E, F};
use tacit_argument::functional::Low;
use tacit_argument::hiding::{Affine, Cell, HidingError, Reduction};
use tacit_argument::logup::{self, LeafClaim, logup_check};
use tacit_argument::multilinear::{eq_prefix_sum, eq_vertex, log2_ceil};
use tacit_argument::soundness::{ErrorTerm, LOGUP, SCHWARTZ_ZIPPEL, algebraic};

/// Transcript label.
pub(super) const ROWS: &[u8] = b"tacit/rows/v1";
/// p.
const P: u64 = 0xffff_ffff_0000_0001;

/// One table of a relation of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    /// Rows n.
    pub(super) rows: usize,
    /// lg n.
    pub(super) log: usize,
}

/// What a relation of rows is about.
#[derive(Clone, Debug)]
pub(super) struct RowPlaces {
    pub(super) relation: RowRelation,
    /// Features and label columns.
    pub(super) columns: usize,
    pub(super) sides: [Side; 2],
    /// c, of a disjoint pair.
    pub(super) coefficients: Vec<F>,
}

/// Public numbers for the columns of a disjoint pair: words of SHA-256("tacit/rows/v1" || seed || be64(counter)), those
/// not below p skipped.
fn coefficients(seed: &[u8; 32], columns: usize) -> Vec<F> {
    let words = (0u64..).flat_map(|counter| {
        let block = Sha256::new().chain_update(ROWS).chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        let (words, _) = block.as_chunks::<8>();
        words.iter().map(|w| u64::from_be_bytes(*w)).collect::<Vec<_>>()
    });
    words.filter(|w| *w < P).map(F::from_u64).take(columns).collect()
}

impl RowPlaces {
    /// Of two records that passed their rules; `seed` binds both commitments and the nonce.
    pub(super) fn new(relation: RowRelation, sides: [&DataRecord; 2], seed: &[u8; 32]) -> Self {
        let columns = sides[0].features as usize + sides[0].labels.columns() as usize;
        let coefficients = match relation {
            RowRelation::Disjoint { .. } => coefficients(seed, columns),
            RowRelation::Same | RowRelation::Subset => Vec::new(),
        };
        let sides = sides.map(|r| Side { rows: r.rows as usize, log: r.stride() });
        Self { relation, columns, sides, coefficients }
    }

    /// log2 of the widest slot of the trace.
    pub(super) fn max_stride(&self) -> usize {
        match self.relation {
            RowRelation::Same => 0,
            RowRelation::Subset => self.sides[1].log,
            RowRelation::Disjoint { .. } => self.sides[0].log.max(self.sides[1].log),
        }
    }

    /// Cells of the trace: multiplicities of the second table's rows, or U and V.
    pub(super) fn column_cells(&self) -> usize {
        match self.relation {
            RowRelation::Same => 0,
            RowRelation::Subset => 1 << self.sides[1].log,
            RowRelation::Disjoint { .. } => self.sides.iter().map(|s| 1 << s.log).sum(),
        }
    }

    /// First cells of U and V: U has as many cells as the second table rows, V as the first; the longer one stands first.
    pub(super) fn cofactors(&self) -> [usize; 2] {
        let [a, b] = self.sides.map(|s| s.log);
        if b >= a { [0, 1 << b] } else { [1 << a, 0] }
    }

    /// log2 of the leaves of the one sum.
    pub(super) fn log_leaves(&self) -> usize {
        log2_ceil(self.sides.iter().map(|s| 1 << s.log).sum())
    }

    /// First leaves of the two tables: the longer one stands first.
    pub(super) fn first_leaves(&self) -> [usize; 2] {
        let [a, b] = self.sides.map(|s| s.log);
        if a >= b { [0, 1 << a] } else { [1 << b, 0] }
    }

    pub(super) fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        r.begin(ROWS);
        match self.relation {
            RowRelation::Same | RowRelation::Subset => self.check_sum(r),
            RowRelation::Disjoint { .. } => self.check_roots(r),
        }
    }

    fn check_sum(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        let (alpha, beta) = (r.challenge(), r.challenge());
        let claim = logup_check(r, self.log_leaves())?;
        let (mut numerator, mut denominator) = (Affine::default(), Affine::default());
        let mut covered = E::ZERO;
        for (i, (side, first)) in self.sides.iter().zip(self.first_leaves()).enumerate() {
            let (top, low) = claim.point.split_at(claim.point.len() - side.log);
            let weight = eq_vertex(top, first >> side.log);
            covered += weight;
            let real = eq_prefix_sum(low, side.rows);
            let id = r.low(Low::Eq(low.to_vec()));
            match (i, self.relation) {
                (0, _) => numerator.add_constant(weight * real),
                (_, RowRelation::Subset) => numerator.add_cell(Cell { vector: 0, low: id, slot: 0 }, -weight),
                _ => numerator.add_constant(-(weight * real)),
            }
            denominator.add_constant(weight * (alpha - beta * real));
            let mut power = beta.square();
            for slot in 0..self.columns {
                denominator.add_cell(Cell { vector: 1 + i, low: id, slot }, -(weight * power));
                power *= beta;
            }
        }
        denominator.add_constant(E::ONE - covered);
        settle(r, claim, numerator, denominator);
        Ok(())
    }

    fn check_roots(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        let alpha = r.challenge();
        let mut roots = Vec::new();
        for (i, side) in self.sides.iter().enumerate() {
            let claim = logup_check(r, side.log)?;
            let real = eq_prefix_sum(&claim.point, side.rows);
            let low = r.low(Low::Eq(claim.point.clone()));
            // Rows beyond the last are 0, as both tables are valid: their leaves are 1.
            let mut denominator = Affine::constant(alpha * real + E::ONE - real);
            for (slot, &c) in self.coefficients.iter().enumerate() {
                denominator.add_cell(Cell { vector: 1 + i, low, slot }, -E::from(c));
            }
            roots.push(claim.root);
            settle(r, claim, Affine::default(), denominator);
        }
        let mut identity = Affine::constant(-E::ONE);
        let logs = [self.sides[1].log, self.sides[0].log];
        for ((root, log), first) in roots.into_iter().zip(logs).zip(self.cofactors()) {
            let value = r.receive()?;
            identity.add(&r.product(root, value));
            let (point, scale) = powers(alpha, log);
            let low = r.low(Low::Eq(point));
            let mut e = value.affine();
            e.add_cell(Cell { vector: 0, low, slot: first >> log }, -scale);
            r.assert_zero(e);
        }
        r.assert_zero(identity);
        Ok(())
    }

    pub(super) fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        let leaves: usize = self.sides.iter().map(|s| 1 << s.log).sum();
        let trees = |logs: &[usize]| logs.iter().map(|&k| logup::error_numerator(k) as usize).sum::<usize>();
        match self.relation {
            RowRelation::Same | RowRelation::Subset => {
                // Fingerprints of degree columns + 1 in beta, the sum and its zero denominators in alpha.
                let k = self.log_leaves();
                let numerator = (1 << k) * (self.columns + 3) + trees(&[k]);
                alloc::vec![algebraic("rows: fingerprints, zero denominators, GKR", numerator, list_bits, LOGUP)]
            }
            RowRelation::Disjoint { .. } => {
                // The degree of U P + V P - 1, and alphas at which a power of X is -1.
                let numerator = 2 * leaves + trees(&self.sides.map(|s| s.log));
                alloc::vec![algebraic("rows: common roots, products by GKR", numerator, list_bits, SCHWARTZ_ZIPPEL)]
            }
        }
    }
}

/// Claims that a tree's leaves are these.
fn settle(r: &mut Reduction<'_>, claim: LeafClaim, mut numerator: Affine, mut denominator: Affine) {
    numerator.sub(&claim.numerator);
    denominator.sub(&claim.denominator);
    r.assert_zero(numerator);
    r.assert_zero(denominator);
}

/// 1, x, x^2, ... as scale eq(point, .): x^i is the product of x^(2^t) over the bits t of i.
fn powers(x: E, log: usize) -> (Vec<E>, E) {
    let (mut point, mut scale, mut square) = (Vec::with_capacity(log), E::ONE, x);
    for _ in 0..log {
        let sum = E::ONE + square;
        // -1 has no such point: one of 2^191 alphas, counted as an error.
        point.push(square * sum.try_inverse().unwrap_or_default());
        scale *= sum;
        square = square.square();
    }
    point.reverse();
    (point, scale)
}
