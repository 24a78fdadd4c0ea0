//! The prover's dense weight tables: `W_s(j)` for every source column s and exponent j < 2^h, packed.
#![allow(clippy::modulo_one, reason = "the packing width is 1 where the target has no vector registers")]
use super::config::OpeningConfig;
use super::shape::VectorShape;
use super::weights::Pin;
use crate::field::{E, F, coordinates};
use crate::functional::Weights;
use crate::multilinear::{eq_table, eq_vertex};
use alloc::vec::Vec;
use p3_field::{BasedVectorSpace, ExtensionField, Field, PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;

/// Packed base elements.
pub(super) type PF = <F as Field>::Packing;
/// Packed extension elements.
pub(super) type PE = <E as ExtensionField<F>>::ExtensionPacking;
/// Lanes.
pub(super) const LANES: usize = PF::WIDTH;

/// The scalars of packed elements, in order.
pub(super) fn unpacked(packed: impl IntoIterator<Item = PE>) -> impl Iterator<Item = E> {
    <PE as PackedFieldExtension<F, E>>::to_ext_iter(packed)
}

/// Adds `v` to one scalar of a packed table.
fn add_scalar(table: &mut [PE], index: usize, v: E) {
    let (packed, lane) = (&mut table[index / LANES], index.wrapping_rem(LANES));
    let c = coordinates(v);
    let old = *packed;
    *packed = PE::from_basis_coefficients_fn(|i| {
        let mut x: PF = old.as_basis_coefficients_slice()[i];
        x.as_slice_mut()[lane] += c[i];
        x
    });
}

/// A weight table over part of a column, packed if it fills whole packed elements.
enum Part {
    Packed(Vec<PE>),
    Scalar(Vec<E>),
}

impl Part {
    fn new(table: Vec<E>) -> Self {
        if table.len().is_multiple_of(LANES) { Self::Packed(pack(&table)) } else { Self::Scalar(table) }
    }

    /// `out[start..] += scale * self`; `start` is a multiple of the part's length.
    fn add_to(&self, out: &mut [PE], start: usize, scale: E) {
        match self {
            Self::Packed(part) => {
                for (o, &w) in out[start / LANES..].iter_mut().zip(part) {
                    *o += w * scale;
                }
            }
            Self::Scalar(part) => {
                for (i, &w) in (start..).zip(part) {
                    add_scalar(out, i, w * scale);
                }
            }
        }
    }
}

fn pack(table: &[E]) -> Vec<PE> {
    table.par_chunks(LANES).map(PE::from_ext_slice).collect()
}

/// The parts of one vector's weights that all its columns share.
struct Shared<'a> {
    shape: VectorShape,
    weights: &'a Weights,
    lows: Vec<(usize, Part)>,
    pin: Option<(Part, &'a [E])>,
}

impl<'a> Shared<'a> {
    fn new(shape: VectorShape, weights: &'a Weights, pin: Option<&'a Pin>) -> Self {
        let lows = weights.tensors.iter().map(|t| (t.low.stride(), Part::new(t.low.table()))).collect();
        let pin = pin.map(|pin| {
            let (columns, z) = pin.point.split_at(pin.point.len() - shape.log_height);
            (Part::new(eq_table(z, weights.pin)), columns)
        });
        Self { shape, weights, lows, pin }
    }

    /// Adds one column's weights to a zeroed packed table of the column's own height.
    fn fill(&self, column: usize, out: &mut [PE]) {
        let per = self.shape.payload_per_column();
        let cells = column * per..(column + 1) * per;
        for (tensor, (stride, low)) in self.weights.tensors.iter().zip(&self.lows) {
            let from = tensor.slots.partition_point(|s| s.0 << stride < cells.start);
            let to = tensor.slots.partition_point(|s| s.0 << stride < cells.end);
            for &(slot, weight) in &tensor.slots[from..to] {
                low.add_to(out, (slot << stride) - cells.start, weight);
            }
        }
        for (first, run) in &self.weights.runs {
            let from = cells.start.saturating_sub(*first).min(run.len());
            let to = cells.end.saturating_sub(*first).min(run.len());
            for (i, &w) in run.iter().enumerate().take(to).skip(from) {
                add_scalar(out, first + i - cells.start, w);
            }
        }
        if let Some((eq, columns)) = &self.pin {
            eq.add_to(out, 0, eq_vertex(columns, column));
        }
    }
}

/// One packed table of 2^h entries per source column, side by side.
pub(super) fn weight_tables(config: &OpeningConfig, weights: &[Weights], pins: &[Pin]) -> Vec<PE> {
    let h = config.h();
    let stride = (1 << h) / LANES;
    let mut out = PE::zero_vec(config.sources() * stride);
    let mut rest = out.as_mut_slice();
    for (vector, (weights, &shape)) in weights.iter().zip(config.shapes()).enumerate() {
        let pin = vector.checked_sub(1).and_then(|k| pins.get(k));
        let shared = Shared::new(shape, weights, pin);
        let (own, tail) = rest.split_at_mut(shape.columns * stride);
        rest = tail;
        own.par_chunks_mut(stride).enumerate().for_each(|(column, out)| {
            if shape.log_height == h {
                shared.fill(column, out);
                return;
            }
            // A short column stands at exponents divisible by 2^(h - its height).
            let mut short = PE::zero_vec(shape.height().div_ceil(LANES));
            shared.fill(column, &mut short);
            let cells = unpacked(short);
            for (k, w) in cells.enumerate().take(shape.height()) {
                add_scalar(out, k << (h - shape.log_height), w);
            }
        });
    }
    out
}
