//! Where a long-lived commitment is pinned: a point hashed from its digest, all fields but the value itself.
use super::shape::VectorShape;
use crate::field::{E, F, P};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// Uniform in E^n, n the variables of the column-major table; by rejection, so no residue is favoured.
#[must_use]
pub fn pin_point(digest: &[u8; 32], shape: &VectorShape) -> Vec<E> {
    let mut hasher = blake3::Hasher::new_derive_key("tacit 2026 pin point v1");
    for x in [shape.log_height, shape.columns, shape.block] {
        hasher.update(&(x as u64).to_be_bytes());
    }
    hasher.update(digest);
    let mut stream = hasher.finalize_xof();
    let mut next = || {
        loop {
            let mut bytes = [0u8; 8];
            stream.fill(&mut bytes);
            let x = u64::from_be_bytes(bytes);
            if x < P {
                return F::from_u64(x);
            }
        }
    };
    (0..shape.variables()).map(|_| E::new([next(), next(), next()])).collect()
}
