//! The two fields: F = Goldilocks (p = 2^64 - 2^32 + 1) and E = F[x]/(x^3 - x - 1), 192 bits.
use p3_field::extension::CubicTrinomialExtensionField;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};

/// Goldilocks, the field of committed cells.
pub type F = p3_goldilocks::Goldilocks;
/// Its cubic extension, the field of challenges, messages and pads.
pub type E = CubicTrinomialExtensionField<F>;
/// The order of [`F`].
pub const P: u64 = 0xffff_ffff_0000_0001;
/// log2 of the order of [`E`], rounded down to an integer: every error term divides by it.
pub const LOG_E: u32 = 191;

/// A signed integer as a field element, `v mod p`.
pub fn signed(v: i64) -> F {
    if v < 0 { -F::from_u64(v.unsigned_abs()) } else { F::from_u64(v.unsigned_abs()) }
}

/// The representative of `v` in (-p/2, p/2]; `None` if it does not fit an `i64`.
#[must_use]
pub fn to_signed(v: F) -> Option<i64> {
    let x = v.as_canonical_u64();
    if x <= P / 2 { i64::try_from(x).ok() } else { i64::try_from(P - x).ok().map(|y| -y) }
}

/// The three coordinates of an extension element over F.
pub fn coordinates(v: E) -> [F; 3] {
    let c: &[F] = v.as_basis_coefficients_slice();
    [c[0], c[1], c[2]]
}

/// `X^i`, the i-th basis element of E over F, for i < 3.
pub fn basis(i: usize) -> E {
    let mut c = [F::ZERO; 3];
    if let Some(x) = c.get_mut(i) {
        *x = F::ONE;
    }
    E::new(c)
}
