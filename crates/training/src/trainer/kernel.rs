//! Exact integer matrix products, in the fastest arithmetic that is exact for the operands at hand.
//!
//! For every product the largest row 1-norm of one operand times the largest entry of the other bounds every partial
//! sum in any order. Below 2^53 float64 is exact and vectorises; below 2^62 i64 is; else i128. The result is the same
//! integers whichever is taken.
use crate::rescale;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::{AddAssign, Mul};
use p3_maybe_rayon::prelude::*;

/// Rows of the output that share one pass over the right operand.
const ROW_BLOCK: usize = 16;
/// Columns of the output handled at a time, so that a row block stays in the cache.
const COLUMN_PANEL: usize = 512;

/// An exact product.
#[derive(Debug)]
pub(super) enum Product {
    /// Every entry below 2^62 in absolute value.
    Small(Vec<i64>),
    /// Anything.
    Large(Vec<i128>),
}

/// An arithmetic in which a product may be computed.
trait Number: Copy + Default + Send + Sync + PartialEq + AddAssign + Mul<Output = Self> {
    fn from_i64(v: i64) -> Self;
}
impl Number for f64 {
    fn from_i64(v: i64) -> Self {
        v as Self
    }
}
impl Number for i64 {
    fn from_i64(v: i64) -> Self {
        v
    }
}
impl Number for i128 {
    fn from_i64(v: i64) -> Self {
        v.into()
    }
}

/// Shape of a product: `rows x inner` times `inner x columns`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
}

/// A (row-major) times W (row-major).
pub(super) fn product(a: &[i32], w: &[i64], shape: Shape) -> Product {
    let norm = a.chunks(shape.inner).map(|r| r.iter().map(|v| u128::from(v.unsigned_abs())).sum::<u128>()).max();
    let largest = w.iter().map(|v| v.unsigned_abs()).max();
    let bound = norm.unwrap_or(0).saturating_mul(largest.unwrap_or(0).into());
    if bound < 1 << 53 {
        let out = multiply::<f64>(a, w, shape);
        Product::Small(out.into_iter().map(|v| v as i64).collect())
    } else if bound < 1 << 62 {
        Product::Small(multiply::<i64>(a, w, shape))
    } else {
        Product::Large(multiply::<i128>(a, w, shape))
    }
}

fn multiply<T: Number>(a: &[i32], w: &[i64], shape: Shape) -> Vec<T> {
    let w: Vec<T> = w.iter().map(|&v| T::from_i64(v)).collect();
    let (n, k) = (shape.columns, shape.inner);
    let mut out = vec![T::default(); shape.rows * n];
    out.par_chunks_mut(ROW_BLOCK * n).zip(a.par_chunks(ROW_BLOCK * k)).for_each(|(block, a)| {
        for from in (0..n).step_by(COLUMN_PANEL) {
            let to = (from + COLUMN_PANEL).min(n);
            for (i, w) in w.chunks(n).enumerate() {
                let w = &w[from..to];
                for (out, a) in block.chunks_mut(n).zip(a.chunks(k)) {
                    axpy(&mut out[from..to], T::from_i64(a[i].into()), w);
                }
            }
        }
    });
    out
}

/// A^T D for A of `rows x inner` and D of `rows x columns`, both row-major: the `inner x columns` gradient sum.
pub(super) fn outer(a: &[i32], d: &[i32], shape: Shape) -> Product {
    let largest = |v: &[i32]| v.iter().map(|x| u128::from(x.unsigned_abs())).max().unwrap_or(0);
    // At most 2^21 rows times 2^31 times 2^31 fits i128 with room, and real data float64.
    let bound = (shape.rows as u128) * largest(a) * largest(d);
    if bound < 1 << 53 {
        Product::Small(outer_in::<f64>(a, d, shape).into_iter().map(|v| v as i64).collect())
    } else if bound < 1 << 62 {
        Product::Small(outer_in::<i64>(a, d, shape))
    } else {
        Product::Large(outer_in::<i128>(a, d, shape))
    }
}

fn outer_in<T: Number>(a: &[i32], d: &[i32], shape: Shape) -> Vec<T> {
    let (n, k) = (shape.columns, shape.inner);
    let d: Vec<T> = d.iter().map(|&v| T::from_i64(v.into())).collect();
    let mut out = vec![T::default(); k * n];
    let per_task = k.div_ceil(8).max(1);
    out.par_chunks_mut(per_task * n).enumerate().for_each(|(task, block)| {
        let first = task * per_task;
        for (a, d) in a.chunks(k).zip(d.chunks(n)) {
            for (out, &a) in block.chunks_mut(n).zip(&a[first..]) {
                axpy(out, T::from_i64(a.into()), d);
            }
        }
    });
    out
}

/// out += a x.
#[inline]
fn axpy<T: Number>(out: &mut [T], a: T, x: &[T]) {
    // Half of the activations after a ReLU and most pixels are 0.
    if a == T::default() {
        return;
    }
    for (o, &x) in out.iter_mut().zip(x) {
        *o += a * x;
    }
}

/// The transpose of a row-major `rows x columns` matrix.
pub(super) fn transpose(w: &[i64], rows: usize, columns: usize) -> Vec<i64> {
    let mut out = vec![0; rows * columns];
    for (i, row) in w.chunks(columns).enumerate() {
        for (j, &v) in row.iter().enumerate() {
            out[j * rows + i] = v;
        }
    }
    out
}

/// Quotients and remainders of a rescaled product, or the quotient that left its window, first in row order.
pub(super) struct Rescaled {
    pub quotient: Vec<i32>,
    pub remainder: Vec<u64>,
}

impl Product {
    /// `rescale(v, shift)` of every entry into a `window`-bit window.
    pub(super) fn rescale(self, shift: u32, window: u32) -> Result<Rescaled, i128> {
        let half = 1i64 << (window - 1);
        match self {
            Self::Small(v) => {
                let (mut quotient, mut remainder) = (Vec::with_capacity(v.len()), Vec::with_capacity(v.len()));
                let add = if shift == 0 { 0 } else { 1i64 << (shift - 1) };
                for v in v {
                    let shifted = v + add;
                    let q = shifted >> shift;
                    if !(-half..half).contains(&q) {
                        return Err(q.into());
                    }
                    quotient.push(q as i32);
                    remainder.push((shifted - (q << shift)) as u64);
                }
                Ok(Rescaled { quotient, remainder })
            }
            Self::Large(v) => {
                let (mut quotient, mut remainder) = (Vec::with_capacity(v.len()), Vec::with_capacity(v.len()));
                for v in v {
                    let (q, r) = rescale(v, shift);
                    if !(-i128::from(half)..i128::from(half)).contains(&q) {
                        return Err(q);
                    }
                    quotient.push(q as i32);
                    remainder.push(r as u64);
                }
                Ok(Rescaled { quotient, remainder })
            }
        }
    }

    /// The entries as i64, if they all fit.
    pub(super) fn into_i64(self) -> Option<Vec<i64>> {
        match self {
            Self::Small(v) => Some(v),
            Self::Large(v) => v.into_iter().map(|v| i64::try_from(v).ok()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Product, Shape, multiply, outer, outer_in, product, transpose};
    use alloc::vec::Vec;

    fn wide(p: Product) -> Vec<i128> {
        match p {
            Product::Small(v) => v.into_iter().map(i128::from).collect(),
            Product::Large(v) => v,
        }
    }

    /// Both sides of each limit take different paths to the same integers, blocks and panels included.
    #[test]
    fn every_path_computes_the_same_product() {
        let shape = Shape { rows: 37, inner: 5, columns: 1030 };
        for bits in [20, 36, 37, 44, 45, 46, 62] {
            let a: Vec<i32> = (0..shape.rows * shape.inner).map(|i| (i as i32 * 7919) % 32768 - 16384).collect();
            let w: Vec<i64> = (0..shape.inner * shape.columns).map(|i| (1 << bits) - i as i64).collect();
            assert_eq!(wide(product(&a, &w, shape)), multiply::<i128>(&a, &w, shape), "{bits} bits");
        }
    }

    #[test]
    fn every_path_computes_the_same_gradient() {
        let shape = Shape { rows: 5, inner: 19, columns: 7 };
        for (bits_a, bits_d) in [(15, 20), (15, 30), (30, 30), (31, 31)] {
            let entries = |bits: u32, n: usize, sign: i64| -> Vec<i32> {
                (0..n).map(|i| (sign * ((1i64 << bits) - 1 - i as i64)) as i32).collect()
            };
            let a = entries(bits_a, shape.rows * shape.inner, 1);
            let d = entries(bits_d, shape.rows * shape.columns, -1);
            assert_eq!(wide(outer(&a, &d, shape)), outer_in::<i128>(&a, &d, shape), "{bits_a} and {bits_d} bits");
        }
    }

    #[test]
    fn rescaling_is_exact_on_both_paths_and_at_both_ends() {
        for shift in [0, 1, 20, 62] {
            for q in [-8i128, -1, 0, 7] {
                let v = if shift == 0 { q } else { (q << shift) - (1 << (shift - 1)) };
                let large = Product::Large([v].into()).rescale(shift, 4).map(|r| (r.quotient, r.remainder));
                assert_eq!(large, Ok(([q as i32].into(), [0].into())));
                if let Ok(v) = i64::try_from(v) {
                    let small = Product::Small([v].into()).rescale(shift, 4).map(|r| (r.quotient, r.remainder));
                    assert_eq!(small, large);
                }
            }
            for q in [-9i128, 8] {
                let v = q << shift;
                assert_eq!(Product::Large([v].into()).rescale(shift, 4).map(|_| ()), Err(q));
            }
        }
        assert_eq!(Product::Small([9 << 3].into()).rescale(3, 4).map(|_| ()), Err(9));
    }

    #[test]
    fn transposes() {
        assert_eq!(transpose(&[1, 2, 3, 4, 5, 6], 2, 3), [1, 4, 2, 5, 3, 6]);
    }
}
