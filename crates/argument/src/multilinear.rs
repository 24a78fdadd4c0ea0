//! Multilinear basics. Points are big-endian: the first coordinate is the most significant index bit.
use crate::field::{E, F};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// The table of eq(point, i) for all i < 2^n, scaled by `scale`.
#[must_use]
pub fn eq_table(point: &[E], scale: E) -> Vec<E> {
    let mut out = vec![E::ZERO; 1 << point.len()];
    out[0] = scale;
    // In place, from the end: a table of many rows is not held twice.
    for (k, &r) in point.iter().enumerate() {
        for i in (0..1 << k).rev() {
            let v = out[i];
            let hi = v * r;
            (out[2 * i], out[2 * i + 1]) = (v - hi, hi);
        }
    }
    out
}

/// eq(a, b) = prod_i (a_i b_i + (1 - a_i)(1 - b_i)) over the common length.
pub fn eq_eval(a: &[E], b: &[E]) -> E {
    a.iter().zip(b).map(|(&x, &y)| E::ONE - x - y + (x * y).double()).product()
}

/// eq(point, index) for one vertex of the hypercube.
pub fn eq_vertex(point: &[E], index: usize) -> E {
    let n = point.len();
    point.iter().enumerate().map(|(i, &r)| if (index >> (n - 1 - i)) & 1 == 1 { r } else { E::ONE - r }).product()
}

/// eq(point, index) for many indices: two tables of the square root's size.
pub(crate) struct SplitEq {
    high: Vec<E>,
    low: Vec<E>,
}

impl SplitEq {
    pub(crate) fn new(point: &[E]) -> Self {
        let (high, low) = point.split_at(point.len() / 2);
        Self { high: eq_table(high, E::ONE), low: eq_table(low, E::ONE) }
    }

    /// The multilinear extension of a base-field table, zero beyond its end, at the point: one product of E per row of
    /// the square root's many.
    pub(crate) fn evaluate(&self, table: &[F]) -> E {
        let rows = table.chunks(self.low.len()).zip(&self.high);
        rows.map(|(row, &h)| h * row.iter().zip(&self.low).map(|(&v, &l)| l * v).sum::<E>()).sum()
    }

    /// `sum_i run[i] eq(point, first + i)`, likewise.
    pub(crate) fn run(&self, first: usize, run: &[E]) -> E {
        let (mut sum, mut next, mut rest) = (E::ZERO, first, run);
        while !rest.is_empty() {
            let (high, at) = (next / self.low.len(), next % self.low.len());
            let (own, more) = rest.split_at(rest.len().min(self.low.len() - at));
            let inner: E = own.iter().zip(self.low.iter().skip(at)).map(|(&w, &l)| w * l).sum();
            sum += self.high.get(high).copied().unwrap_or_default() * inner;
            (next, rest) = (next + own.len(), more);
        }
        sum
    }

    /// Zero beyond the last vertex.
    pub(crate) fn at(&self, index: usize) -> E {
        let bits = self.low.len().trailing_zeros();
        let high = self.high.get(index >> bits).copied().unwrap_or_default();
        high * self.low.get(index & (self.low.len() - 1)).copied().unwrap_or_default()
    }
}

/// sum_{i < bound} eq(point, i), in O(n): the MLE of a prefix indicator.
pub fn eq_prefix_sum(point: &[E], bound: usize) -> E {
    let n = point.len();
    if bound >= 1 << n {
        return E::ONE;
    }
    let (mut sum, mut prefix) = (E::ZERO, E::ONE);
    for (i, &r) in point.iter().enumerate() {
        if (bound >> (n - 1 - i)) & 1 == 1 {
            sum += prefix * (E::ONE - r);
            prefix *= r;
        } else {
            prefix *= E::ONE - r;
        }
    }
    sum
}

/// Evaluates the multilinear extension of a base-field table (zero beyond its end) at `point`.
pub fn evaluate_base(table: &[F], point: &[E]) -> E {
    SplitEq::new(point).evaluate(table)
}

/// Evaluates the multilinear extension of an extension-field table (zero beyond its end) at `point`.
pub fn evaluate_ext(table: &[E], point: &[E]) -> E {
    // Two tables of the square root's size.
    let (high, low) = point.split_at(point.len() / 2);
    let low = eq_table(low, E::ONE);
    let part = |values: &[E]| values.iter().zip(&low).map(|(&v, &w)| w * v).sum::<E>();
    table.chunks(low.len()).zip(eq_table(high, E::ONE)).map(|(values, w)| w * part(values)).sum()
}

/// The value at `r` of the polynomial of degree < k given by its values at 0, 1, ..., k-1.
///
/// Returns the Lagrange weights, so that a value hidden behind a pad can be combined linearly.
#[must_use]
pub fn lagrange_weights(k: usize, r: E) -> Vec<E> {
    (0..k)
        .map(|i| {
            let (mut num, mut den) = (E::ONE, F::ONE);
            for j in (0..k).filter(|&j| j != i) {
                num *= r - F::from_usize(j);
                den *= F::from_usize(i) - F::from_usize(j);
            }
            num * p3_field::Field::inverse(&den)
        })
        .collect()
}

/// Smallest n with 2^n >= v; 0 for v <= 1.
#[must_use]
pub const fn log2_ceil(v: usize) -> usize {
    if v <= 1 { 0 } else { (usize::BITS - (v - 1).leading_zeros()) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p3_field::PrimeCharacteristicRing;

    #[test]
    fn runs_and_tables_are_sums_over_vertices() {
        let number = |i: usize| F::from_usize(i * i + 7 * i + 3);
        let element = |i: usize| E::from(number(i)) + crate::field::basis(1) * number(i + 50);
        for n in 0..6 {
            let point: Vec<E> = (0..n).map(|i| element(i + 100)).collect();
            let eq = SplitEq::new(&point);
            for first in 0..1 << n {
                for len in [0, 1, 3, 1 << n, (1 << n) + 2] {
                    let run: Vec<E> = (0..len).map(element).collect();
                    let vertices = (first..(1usize << n).min(first + len)).map(|i| eq_vertex(&point, i));
                    let expected: E = vertices.zip(&run).map(|(e, &w)| e * w).sum();
                    assert_eq!(eq.run(first, &run), expected, "{n} {first} {len}");
                }
            }
            let table: Vec<F> = (0..1 << n).map(number).collect();
            let expected: E = table.iter().enumerate().map(|(i, &v)| eq_vertex(&point, i) * v).sum();
            assert_eq!((eq.evaluate(&table), evaluate_base(&table, &point)), (expected, expected));
        }
    }
}
