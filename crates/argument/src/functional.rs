//! Linear functionals `<f, W>` of committed vectors, kept succinct.
//!
//! A committed vector is a payload of consecutive *cells*. A functional reads it in *slots* of 2^stride cells
//! (slot s = cells s 2^stride .. (s+1) 2^stride): W[s 2^stride + y] = slot weight(s) * low(y). Relation columns
//! of R = T B rows are slots of 2^log R cells; pads are slots of one cell.
use crate::field::E;
use crate::multilinear::{eq_eval, eq_table, evaluate_ext};
use alloc::vec::Vec;

/// Which committed vector a functional reads; 0 is the proof's own trace, then the long-lived ones in order.
pub type VectorId = usize;
/// A low part registered with a [`crate::hiding::Reduction`].
pub type LowId = usize;

/// The weights within one slot of 2^stride cells.
#[derive(Clone, Debug)]
pub enum Low {
    /// eq(point, y); the stride is the number of coordinates.
    Eq(Vec<E>),
    /// One public weight per cell of a slot; a power of two of them.
    Dense(Vec<E>),
}

impl Low {
    /// log2 of the slot's length in cells.
    #[must_use]
    pub fn stride(&self) -> usize {
        match self {
            Self::Eq(p) => p.len(),
            Self::Dense(w) => crate::multilinear::log2_ceil(w.len()),
        }
    }
    /// The full table of 2^stride weights.
    #[must_use]
    pub fn table(&self) -> Vec<E> {
        match self {
            Self::Eq(p) => eq_table(p, <E as p3_field::PrimeCharacteristicRing>::ONE),
            Self::Dense(w) => w.clone(),
        }
    }
    /// The multilinear extension at a point of `stride` coordinates.
    pub fn evaluate(&self, x: &[E]) -> E {
        match self {
            Self::Eq(p) => eq_eval(p, x),
            Self::Dense(w) => evaluate_ext(w, x),
        }
    }
}

/// W[s 2^stride + y] = slots[s] * low(y), for the slots listed; zero elsewhere.
#[derive(Clone, Debug)]
pub struct TensorWeight {
    /// The common low part.
    pub low: Low,
    /// (slot index in units of 2^stride payload cells, weight), slot indices strictly increasing.
    pub slots: Vec<(usize, E)>,
}

/// A full weight vector over one committed vector.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// Tensor parts.
    pub tensors: Vec<TensorWeight>,
    /// (first payload cell, one weight per consecutive cell): pads and triples.
    pub runs: Vec<(usize, Vec<E>)>,
    /// Coefficient of the vector's pinned out-of-domain evaluation; ZERO where the vector has no pin.
    pub pin: E,
}
