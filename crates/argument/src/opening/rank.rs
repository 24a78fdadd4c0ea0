//! Whether y and the opened rows of a long-lived vector are uniform together, as the block makes them.
//!
//! The opened points z_j of a column are n distinct powers of a root of unity. A block that changes none of the rows is
//! a polynomial b = A q with A = prod (X - z_j), deg q < block - n. y hides behind the rows iff those b still reach
//! every value of E: iff `<eq, X^k A>` for k < 5 span E over F, eq being the pin's weights on the block. (Another
//! column only scales them.) Linear algebra of size n^2, not n^3.
use super::shape::{PIN_BLOCK, VectorShape};
use crate::field::{E, F, coordinates};
use crate::multilinear::eq_vertex;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};

/// Coefficients of the monic polynomial that vanishes at the points, constant first.
pub(super) fn vanishing(points: impl IntoIterator<Item = F>) -> Vec<F> {
    let mut a = vec![F::ONE];
    for z in points {
        a.push(F::ZERO);
        for k in (0..a.len()).rev() {
            let below = k.checked_sub(1).and_then(|k| a.get(k)).copied().unwrap_or(F::ZERO);
            a[k] = below - z * a[k];
        }
    }
    a
}

/// The dimension over F of the span of elements of E.
pub(super) fn dimension(elements: impl IntoIterator<Item = E>) -> usize {
    let mut basis: Vec<[F; 3]> = vec![];
    for e in elements {
        let mut c = coordinates(e);
        for b in &basis {
            let lead = b.iter().position(|&x| x != F::ZERO).unwrap_or(0);
            let k = c[lead] * b[lead].inverse();
            c.iter_mut().zip(b).for_each(|(x, &y)| *x -= k * y);
        }
        if c != [F::ZERO; 3] {
            basis.push(c);
        }
    }
    basis.len()
}

/// Whether the pinned evaluation stays uniform, given the rows of the first oracle that a proof opens.
pub(super) fn pin_is_hidden(shape: &VectorShape, log_inv_rate: usize, rows: &[usize], pin: &[E]) -> bool {
    let log_domain = shape.log_height + log_inv_rate;
    let w = F::two_adic_generator(log_domain);
    let distinct: BTreeSet<usize> = rows.iter().map(|j| j & ((1 << log_domain) - 1)).collect();
    let spare = shape.block.saturating_sub(distinct.len()).min(PIN_BLOCK);
    let (columns, z) = pin.split_at(pin.len() - shape.log_height);
    let a = vanishing(distinct.iter().map(|&j| w.exp_u64(j as u64)));
    let first = shape.payload_per_column();
    let eq: Vec<E> = (0..distinct.len() + spare).map(|k| eq_vertex(z, first + k)).collect();
    let reached = (0..spare).map(|k| eq[k..].iter().zip(&a).map(|(&e, &a)| e * a).sum::<E>());
    dimension(reached) == 3 && (0..shape.columns).any(|c| eq_vertex(columns, c) != E::ZERO)
}
