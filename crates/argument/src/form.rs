//! Affine forms of committed columns: what lookups, gates and linear relations read.
//!
//! A *column* is one slot of 2^n cells of a committed vector. A [`Form`] is `constant + sum_i c_i column_i`, row by row.
use crate::field::{E, F};
use crate::functional::{LowId, VectorId};
use crate::hiding::{Affine, Cell};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// `constant + sum of coefficient * column`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The same on every row.
    pub constant: F,
    /// (vector, slot, coefficient).
    pub terms: Vec<(VectorId, usize, F)>,
}

impl Form {
    /// One column.
    #[must_use]
    pub fn column(vector: VectorId, slot: usize) -> Self {
        Self { constant: F::ZERO, terms: vec![(vector, slot, F::ONE)] }
    }
    /// Adds a constant.
    #[must_use]
    pub fn plus(mut self, constant: F) -> Self {
        self.constant += constant;
        self
    }
    /// Adds `k * other`.
    #[must_use]
    pub fn plus_scaled(mut self, other: &Self, k: F) -> Self {
        self.constant += other.constant * k;
        self.terms.extend(other.terms.iter().map(|&(v, s, c)| (v, s, c * k)));
        self
    }
    /// Adds `k * form`, read through the low part `low` whose weights sum to `total`, to an expression.
    pub fn add_to(&self, e: &mut Affine, low: LowId, total: E, k: E) {
        e.add_constant(k * total * self.constant);
        for &(vector, slot, c) in &self.terms {
            e.add_cell(Cell { vector, low, slot }, k * c);
        }
    }
}

/// The payloads of the committed vectors, read column by column. Holds witness values: prover only.
#[cfg(feature = "prover")]
pub struct Columns<'a> {
    /// log2 of a column's length.
    pub log_rows: usize,
    /// One payload per vector, in the order of their ids.
    pub vectors: Vec<&'a [F]>,
}

#[cfg(feature = "prover")]
impl<'a> Columns<'a> {
    /// One column.
    ///
    /// # Panics
    /// If the slot is not part of the vector: the prover's own layout is wrong.
    pub fn slot(&self, vector: VectorId, slot: usize) -> &'a [F] {
        &self.vectors[vector][slot << self.log_rows..(slot + 1) << self.log_rows]
    }
    /// A form, row by row; borrowed where it is one column as it stands.
    pub fn values(&self, form: &Form) -> alloc::borrow::Cow<'a, [F]> {
        if let (&[(v, s, c)], true) = (form.terms.as_slice(), form.constant == F::ZERO)
            && c == F::ONE
        {
            return self.slot(v, s).into();
        }
        let mut out = vec![form.constant; 1 << self.log_rows];
        for &(v, s, c) in &form.terms {
            let col = self.slot(v, s);
            if c == F::ONE {
                out.iter_mut().zip(col).for_each(|(o, &x)| *o += x);
            } else {
                out.iter_mut().zip(col).for_each(|(o, &x)| *o += c * x);
            }
        }
        out.into()
    }
}
