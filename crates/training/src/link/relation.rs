//! A = B, cell by cell, at random points: linear claims over two committed vectors, and nothing else.
//!
//! The trace holds no column; no message is sent. Points are drawn after both roots are absorbed. Relations of rows are
//! in [`super::rows`].
use super::rows::RowPlaces;
use super::{Linked, RowRelation};
use crate::canonical::digest;
use crate::record::{DataRecord, ModelRecord, RecordError};
use crate::relation::layout::ModelLayout;
use crate::relation::unit_weights;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, Cell, HidingError, Reduction};
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::proof::Relation;
use tacit_argument::share::LOG_LINK;
use tacit_argument::soundness::{ErrorTerm, SCHWARTZ_ZIPPEL, algebraic};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/link/v1";
/// The first commitment's id among the vectors of the proof.
const FIRST: usize = 1;
/// The second's.
const SECOND: usize = 2;

/// Where the cells stand that are compared: in both vectors in the same slots, whatever the shapes of their columns.
#[derive(Clone, Debug)]
enum Places<'a> {
    /// Slots 0 .. columns of 2^stride cells, the rows beyond the last included.
    Data { stride: usize, columns: usize },
    /// Rows of weights, and of the velocity behind them.
    Model { layers: &'a [(u32, u32)], state: Vec<ModelLayout> },
    /// Rows, which are compared as wholes.
    Rows(RowPlaces),
}

/// The relation of two records that passed [`Linked::validate`].
#[derive(Clone, Debug)]
pub struct LinkRelation<'a>(Places<'a>);

/// scale (A(slot) - B(slot)) through a low part.
fn add_difference(e: &mut Affine, low: LowId, slot: usize, scale: E) {
    e.add_cell(Cell { vector: FIRST, low, slot }, scale);
    e.add_cell(Cell { vector: SECOND, low, slot }, -scale);
}

impl<'a> LinkRelation<'a> {
    /// The relation of two records that may be linked.
    ///
    /// # Errors
    /// [`RecordError::Encoding`], never for decoded records.
    pub fn new(linked: &'a Linked) -> Result<Self, RecordError> {
        Ok(Self(match linked {
            Linked::Data { first, .. } => Self::of_data(first),
            Linked::Model { first, .. } => Self::of_model(first),
            Linked::Rows { relation, first, second } => {
                let nonce = match relation {
                    RowRelation::Disjoint { nonce } => *nonce,
                    RowRelation::Same | RowRelation::Subset => 0,
                };
                let seed = digest("tacit/rows/coefficients/v1", &(first.digest()?, second.digest()?, nonce))?;
                Places::Rows(RowPlaces::new(*relation, [first, second], &seed))
            }
        }))
    }

    /// The relation of rows, if it is one.
    #[cfg(feature = "prover")]
    pub(super) const fn rows(&self) -> Option<&RowPlaces> {
        match &self.0 {
            Places::Rows(places) => Some(places),
            Places::Data { .. } | Places::Model { .. } => None,
        }
    }

    fn of_data(record: &DataRecord) -> Places<'a> {
        let columns = record.features as usize + record.labels.columns() as usize;
        Places::Data { stride: record.stride(), columns }
    }

    fn of_model(record: &'a ModelRecord) -> Places<'a> {
        Places::Model { layers: &record.layers, state: ModelLayout::of_record(record) }
    }

    /// Draws the points that [`Relation::check`] draws: what a prover has to hear, as it sends nothing.
    #[cfg(feature = "prover")]
    pub(super) fn hear(&self, m: &mut tacit_argument::hiding::Masker<'_>) {
        match &self.0 {
            Places::Data { stride, .. } => {
                m.point(*stride);
                let _batch = m.challenge();
            }
            Places::Model { layers, .. } => {
                for &(k, n) in *layers {
                    m.point(log2_ceil(k as usize));
                    m.point(log2_ceil(n as usize));
                }
            }
            // Rows are told: their prover sends messages.
            Places::Rows(_) => {}
        }
    }
}

impl Relation for LinkRelation<'_> {
    fn max_stride(&self) -> usize {
        if let Places::Rows(places) = &self.0 { places.max_stride() } else { 0 }
    }

    fn column_cells(&self) -> usize {
        if let Places::Rows(places) = &self.0 { places.column_cells() } else { 0 }
    }

    fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        r.begin(LABEL);
        if let Places::Rows(places) = &self.0 {
            return places.check(r);
        }
        // Nothing is sent: there are claims to count alone, and no table is built before the proof's lengths are known.
        if r.is_dry() {
            let claims = if let Places::Model { layers, state } = &self.0 { layers.len() * state.len() } else { 1 };
            (0..claims).for_each(|_| r.assert_zero(Affine::default()));
            return Ok(());
        }
        match &self.0 {
            Places::Data { stride, columns } => {
                let row = r.point(*stride);
                let batch = r.challenge();
                let low = r.low(Low::Eq(row));
                let mut e = Affine::default();
                for (slot, w) in batch.powers().take(*columns).enumerate() {
                    add_difference(&mut e, low, slot, w);
                }
                r.assert_zero(e);
            }
            Places::Model { layers, state } => {
                for (l, &(k, n)) in layers.iter().enumerate() {
                    let (k, n) = (k as usize, n as usize);
                    let inputs = unit_weights(&r.point(log2_ceil(k)), k);
                    let mut outputs = unit_weights(&r.point(log2_ceil(n)), n);
                    outputs.resize(1 << log2_ceil(n), E::ZERO);
                    let low = r.low(Low::Dense(outputs));
                    for layout in state {
                        let mut e = Affine::default();
                        let slots = layout.first.get(l).copied().unwrap_or(0)..;
                        slots.zip(&inputs).for_each(|(slot, &w)| add_difference(&mut e, low, slot, w));
                        r.assert_zero(e);
                    }
                }
            }
            Places::Rows(_) => {}
        }
        Ok(())
    }

    fn log_proofs(&self) -> usize {
        LOG_LINK
    }

    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        let (name, points) = match &self.0 {
            Places::Data { stride, columns } => ("random row and batching of columns", stride + columns),
            Places::Model { layers, state } => {
                // Per layer: its point, and the powers of its claims in the batch.
                let of = |&(k, n): &(u32, u32)| log2_ceil(k as usize) + log2_ceil(n as usize) + state.len();
                ("random weights and batching of layers", layers.iter().map(of).sum())
            }
            Places::Rows(places) => return places.soundness(list_bits),
        };
        alloc::vec![algebraic(name, points, list_bits, SCHWARTZ_ZIPPEL)]
    }
}
