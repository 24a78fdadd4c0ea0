//! The prover's dense weight tables, packed: `W_c(j)` for every source column c and exponent j < 2^h, and what the groups
//! make of them, `A_s(j)`.
#![allow(clippy::modulo_one, reason = "the packing width is 1 where the target has no vector registers")]
use super::config::OpeningConfig;
use super::packing::{Conjugates, DEGREE, Packing, dual_basis, groups, inverse_conjugate, pad};
use super::shape::VectorShape;
use super::weights::Pin;
use crate::field::{E, F, basis, coordinates};
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

/// The packed coordinates of a packed element.
pub(super) fn parts(x: &PE) -> &[PF] {
    x.as_basis_coefficients_slice()
}

/// Adds `v` to one scalar of a packed table.
fn add_scalar(table: &mut [PE], index: usize, v: E) {
    let (packed, lane) = (&mut table[index / LANES], index.wrapping_rem(LANES));
    let c = coordinates(v);
    let old = *packed;
    *packed = PE::from_basis_coefficients_fn(|i| {
        let mut x = parts(&old)[i];
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

/// One scalar of a packed table.
fn scalar(table: &[PE], index: usize) -> E {
    let c = table[index / LANES];
    let lane = index.wrapping_rem(LANES);
    E::new(core::array::from_fn(|i| parts(&c)[i].as_slice()[lane]))
}

/// `[k][l]`: sum over groups and exponents of W_k f_l, the k-th weights of a group times its l-th column.
type Products = [[PE; DEGREE]; DEGREE];

fn add(mut a: Products, b: Products) -> Products {
    a.as_flattened_mut().iter_mut().zip(b.as_flattened()).for_each(|(x, &y)| *x += y);
    a
}

/// Products of one group; a short column stands at multiples of its step.
fn products(weights: &[&[PE]], columns: &[&[F]], step: usize) -> Products {
    const TASK: usize = 1 << 10;
    let zero = || [[PE::ZERO; DEGREE]; DEGREE];
    if step > 1 {
        let mut out = [[E::ZERO; DEGREE]; DEGREE];
        for (w, out) in weights.iter().zip(&mut out) {
            for (f, out) in columns.iter().zip(out) {
                *out = f.iter().enumerate().map(|(j, &f)| scalar(w, j * step) * f).sum();
            }
        }
        // One lane holds the sum.
        return out.map(|row| {
            row.map(|x| PE::from_ext_slice(&core::array::from_fn::<E, LANES, _>(|i| if i == 0 { x } else { E::ZERO })))
        });
    }
    let columns: Vec<&[PF]> = columns.iter().map(|f| PF::pack_slice(f)).collect();
    (0..weights[0].len().div_ceil(TASK)).into_par_iter().par_fold_reduce(
        zero,
        |mut acc, t| {
            for j in t * TASK..((t + 1) * TASK).min(weights[0].len()) {
                for (w, acc) in weights.iter().zip(&mut acc) {
                    for (f, acc) in columns.iter().zip(acc) {
                        *acc += w[j] * f[j];
                    }
                }
            }
            acc
        },
        add,
    )
}

/// sigma_1 and sigma_2 for the weights of the source columns, and what hides them.
pub(super) fn conjugate_claims(config: &OpeningConfig, tables: &[PE], sources: &[&[F]], kappa: E) -> Conjugates {
    let stride = (1 << config.h()) / LANES;
    let weights: Vec<&[PE]> = tables.chunks(stride).collect();
    let of_group = |(first, n): (usize, usize)| {
        let own = &sources[first..first + n];
        products(&weights[first..first + n], own, (1 << config.h()) / own[0].len())
    };
    let zero = [[PE::ZERO; DEGREE]; DEGREE];
    let sums = groups(config.shapes()).map(of_group).fold(zero, add).map(|row| row.map(|x| unpacked([x]).sum::<E>()));
    let (dual, trace) = (dual_basis(), config.trace());
    let own = &sources[..trace.columns.min(DEGREE)];
    let packed = |exponent: usize| E::new(core::array::from_fn(|i| own.get(i).map_or(F::ZERO, |f| f[exponent])));
    [1, 2].map(|j| {
        let hidden: E = (0..DEGREE).map(|i| basis(i) * packed(pad(&trace, j) + i)).sum();
        let claim = sums.iter().zip(dual).flat_map(|(row, b)| row.iter().enumerate().map(move |(l, &x)| (l, b, x)));
        claim.map(|(l, b, x)| basis(l) * b * inverse_conjugate(x, j)).sum::<E>() + inverse_conjugate(kappa, j) * hidden
    })
}

/// `A_s(j)`, one packed table of 2^h entries per group, of the source columns' weights.
pub(super) fn packed_tables(config: &OpeningConfig, tables: &[PE], packing: &Packing) -> Vec<PE> {
    let stride = (1 << config.h()) / LANES;
    // w -> b_k sum_j delta^j phi^-j(w) is linear over F: its matrix, by columns.
    let matrices = dual_basis()
        .map(|b| core::array::from_fn::<_, DEGREE, _>(|i| coordinates(b * packing.combine(basis(i))).map(PF::from)));
    let mut out = PE::zero_vec(config.groups() * stride);
    for ((first, n), out) in groups(config.shapes()).zip(out.chunks_mut(stride)) {
        let own: Vec<&[PE]> = tables[first * stride..(first + n) * stride].chunks(stride).collect();
        out.par_iter_mut().enumerate().for_each(|(j, out)| {
            *out = PE::from_basis_coefficients_fn(|c| {
                let terms = own.iter().zip(&matrices).flat_map(|(w, m)| {
                    let w = parts(&w[j]);
                    (0..DEGREE).map(move |i| m[i][c] * w[i])
                });
                terms.sum::<PF>()
            });
        });
    }
    for (exponent, weight) in packing.pads(&config.trace()) {
        add_scalar(&mut out[..stride], exponent, weight);
    }
    out
}
