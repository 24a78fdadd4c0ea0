//! Affine expressions in committed pads, committed triple products and functionals of committed vectors.
use crate::field::E;
use crate::functional::{LowId, VectorId};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// One slot of a committed vector read through a registered low part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The vector.
    pub vector: VectorId,
    /// The low part.
    pub low: LowId,
    /// The slot, in units of the low part's length.
    pub slot: usize,
}

/// `constant + sum of coefficient * (pad | triple product | slot functional)`.
#[derive(Clone, Debug, Default)]
pub struct Affine {
    pub(super) constant: E,
    pub(super) pads: Vec<(usize, E)>,
    pub(super) products: Vec<(usize, E)>,
    pub(super) cells: Vec<(Cell, E)>,
}

impl Affine {
    /// A public constant.
    #[must_use]
    pub fn constant(c: E) -> Self {
        Self { constant: c, ..Self::default() }
    }
    /// `coefficient * cell`.
    #[must_use]
    pub fn cell(cell: Cell, coefficient: E) -> Self {
        Self { cells: alloc::vec![(cell, coefficient)], ..Self::default() }
    }
    /// Adds a public constant.
    pub fn add_constant(&mut self, c: E) {
        self.constant += c;
    }
    /// Adds `coefficient * cell`.
    pub fn add_cell(&mut self, cell: Cell, coefficient: E) {
        self.cells.push((cell, coefficient));
    }
    /// Adds `k * other`.
    pub fn add_scaled(&mut self, other: &Self, k: E) {
        self.constant += other.constant * k;
        self.pads.extend(other.pads.iter().map(|&(i, c)| (i, c * k)));
        self.products.extend(other.products.iter().map(|&(i, c)| (i, c * k)));
        self.cells.extend(other.cells.iter().map(|&(i, c)| (i, c * k)));
    }
    /// Adds another expression.
    pub fn add(&mut self, other: &Self) {
        self.add_scaled(other, E::ONE);
    }
    /// Subtracts another expression.
    pub fn sub(&mut self, other: &Self) {
        self.add_scaled(other, -E::ONE);
    }
    /// Multiplies by a public value.
    pub fn scale(&mut self, k: E) {
        self.constant *= k;
        for c in self.pads.iter_mut().map(|p| &mut p.1) {
            *c *= k;
        }
        for c in self.products.iter_mut().map(|p| &mut p.1) {
            *c *= k;
        }
        for c in self.cells.iter_mut().map(|p| &mut p.1) {
            *c *= k;
        }
    }
}
