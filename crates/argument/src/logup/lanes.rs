//! Arithmetic of E in one lane or in a vector register.
//!
//! Products are spelled out here: the library's are not inlined, and sums of products share a reduction.
use crate::field::{E, F};
use alloc::vec::Vec;
use p3_field::extension::PackedCubicTrinomialExtensionField;
use p3_field::{Algebra, BasedVectorSpace, Field, PackedFieldExtension, PackedValue, PrimeCharacteristicRing};

/// As many elements of F as a vector register holds.
pub(super) type PF = <F as Field>::Packing;
/// As many elements of E, coordinate by coordinate.
pub(super) type PE = PackedCubicTrinomialExtensionField<F, PF>;
/// Lanes in [`PF`] and [`PE`].
pub(super) const WIDTH: usize = <PF as PackedValue>::WIDTH;
/// [`E`] or [`PE`].
pub(super) trait Lanes: Copy + Send + Sync + Algebra<E> + BasedVectorSpace<Self::Base> {
    /// The coordinates' type.
    type Base: PrimeCharacteristicRing + Copy;
    /// log2 of the number of lanes.
    const LOG_LANES: usize;
    /// From coordinates.
    fn of(coordinates: [Self::Base; 3]) -> Self;
    /// The lane values of a table, in order.
    fn gather(table: &[E]) -> Vec<Self>;
    /// The sum over the lanes.
    fn total(self) -> E;
}

impl Lanes for E {
    type Base = F;
    const LOG_LANES: usize = 0;
    #[inline(always)]
    fn of(coordinates: [F; 3]) -> Self {
        Self::new(coordinates)
    }
    fn gather(table: &[E]) -> Vec<Self> {
        table.to_vec()
    }
    fn total(self) -> E {
        self
    }
}

impl Lanes for PE {
    type Base = PF;
    const LOG_LANES: usize = WIDTH.ilog2() as usize;
    #[inline(always)]
    fn of(coordinates: [PF; 3]) -> Self {
        Self::new(coordinates)
    }
    fn gather(table: &[E]) -> Vec<Self> {
        table.chunks_exact(WIDTH).map(Self::from_ext_slice).collect()
    }
    fn total(self) -> E {
        <Self as PackedFieldExtension<F, E>>::to_ext_iter([self]).sum()
    }
}

/// The coordinates.
#[inline(always)]
pub(super) fn coordinates<T: Lanes>(v: &T) -> [T::Base; 3] {
    let v = v.as_basis_coefficients_slice();
    [v[0], v[1], v[2]]
}

/// a b.
#[inline(always)]
pub(super) fn mul<T: Lanes>(a: &T, b: &T) -> T {
    let (a, b) = (coordinates(a), coordinates(b));
    let (b02, b12) = (b[0] + b[2], b[1] + b[2]);
    T::of([
        T::Base::dot_product(&a, &[b[0], b[2], b[1]]),
        T::Base::dot_product(&a, &[b[1], b02, b12]),
        T::Base::dot_product(&a, &[b[2], b[1], b02]),
    ])
}

/// a b + c d with one reduction per coordinate.
#[inline(always)]
pub(super) fn dot<T: Lanes>(a: &T, b: &T, c: &T, d: &T) -> T {
    let (a, b, c, d) = (coordinates(a), coordinates(b), coordinates(c), coordinates(d));
    let (b02, b12) = (b[0] + b[2], b[1] + b[2]);
    let (d02, d12) = (d[0] + d[2], d[1] + d[2]);
    let left = [a[0], a[1], a[2], c[0], c[1], c[2]];
    T::of([
        T::Base::dot_product(&left, &[b[0], b[2], b[1], d[0], d[2], d[1]]),
        T::Base::dot_product(&left, &[b[1], b02, b12, d[1], d02, d12]),
        T::Base::dot_product(&left, &[b[2], b[1], b02, d[2], d[1], d02]),
    ])
}

/// a + b.
#[inline(always)]
pub(super) fn add<T: Lanes>(a: &T, b: &T) -> T {
    let (a, b) = (coordinates(a), coordinates(b));
    T::of([a[0] + b[0], a[1] + b[1], a[2] + b[2]])
}

/// a - b.
#[inline(always)]
pub(super) fn sub<T: Lanes>(a: &T, b: &T) -> T {
    let (a, b) = (coordinates(a), coordinates(b));
    T::of([a[0] - b[0], a[1] - b[1], a[2] - b[2]])
}

/// (1 - r) lo + r hi.
#[inline(always)]
pub(super) fn line<T: Lanes>(lo: &T, hi: &T, r: &T) -> T {
    add(lo, &mul(&sub(hi, lo), r))
}
