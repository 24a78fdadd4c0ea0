//! U and V with U A + V B = 1 for the monic polynomials of two lists of roots: Euclid's algorithm, quadratic in the
//! number of roots. Holds witness values: prover only.
use alloc::vec;
use alloc::vec::Vec;
use p3_field::{Field, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;
use tacit_argument::field::F;

/// Coefficients from the constant one on; the last one is not 0.
type Polynomial = Vec<F>;

/// Terms of a polynomial below which a task is not worth a thread.
const TASK: usize = 1 << 12;

fn trim(a: &mut Polynomial) {
    while a.last() == Some(&F::ZERO) {
        a.pop();
    }
}

/// a - c X^shift b.
fn subtract(a: &mut Polynomial, c: F, shift: usize, b: &[F]) {
    if a.len() < shift + b.len() {
        a.resize(shift + b.len(), F::ZERO);
    }
    a[shift..shift + b.len()]
        .par_iter_mut()
        .with_min_len(TASK)
        .zip(b.par_iter().with_min_len(TASK))
        .for_each(|(a, &b)| *a -= c * b);
}

/// The product of (X - root).
fn monic(roots: &[F]) -> Polynomial {
    let mut out = vec![F::ONE];
    for &root in roots {
        let shifted = out.clone();
        out.insert(0, F::ZERO);
        subtract(&mut out, root, 0, &shifted);
    }
    out
}

/// a / b for an exact multiple.
fn quotient(mut a: Polynomial, b: &[F]) -> Polynomial {
    let (Some(&lead), true) = (b.last(), a.len() >= b.len()) else { return vec![] };
    let inverse = lead.inverse();
    let mut out = F::zero_vec(a.len() + 1 - b.len());
    for shift in (0..out.len()).rev() {
        let c = a[shift + b.len() - 1] * inverse;
        out[shift] = c;
        subtract(&mut a, c, shift, b);
    }
    out
}

/// a b.
fn product(a: &[F], b: &[F]) -> Polynomial {
    let mut out = vec![];
    for (shift, &c) in a.iter().enumerate() {
        subtract(&mut out, -c, shift, b);
    }
    out
}

/// U and V, of fewer terms than B and A have roots; none if they have a root in common.
pub(super) fn cofactors(first: &[F], second: &[F]) -> Option<[Polynomial; 2]> {
    let (a, b) = (monic(first), monic(second));
    // r_i = u_i A + (something) B.
    let (mut r, mut u) = ([a.clone(), b.clone()], [vec![F::ONE], vec![]]);
    while r[1].len() > 1 {
        let inverse = r[1].last()?.inverse();
        while r[0].len() >= r[1].len() {
            let shift = r[0].len() - r[1].len();
            let c = *r[0].last()? * inverse;
            let ([r0, r1], [u0, u1]) = (&mut r, &mut u);
            subtract(r0, c, shift, r1);
            subtract(u0, c, shift, u1);
            trim(r0);
            trim(u0);
        }
        r.swap(0, 1);
        u.swap(0, 1);
    }
    let [_, constant] = r;
    let scale = constant.first()?.try_inverse()?;
    let [_, mut u] = u;
    u.iter_mut().for_each(|c| *c *= scale);
    // V B = 1 - U A.
    let mut rest = product(&u, &a);
    rest.iter_mut().for_each(|c| *c = -*c);
    if rest.is_empty() {
        rest.push(F::ZERO);
    }
    rest[0] += F::ONE;
    trim(&mut rest);
    Some([u, quotient(rest, &b)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(n: u64, from: u64) -> Vec<F> {
        (0..n).map(|i| F::from_u64((i + from) * 0x9e37_79b9_7f4a_7c15 % 0xffff_ffff_0000_0001)).collect()
    }

    #[test]
    fn cofactors_of_lists_without_a_common_root() {
        for (n, m) in [(1, 1), (1, 5), (5, 1), (3, 4), (64, 64), (70, 33)] {
            let (mut first, second) = (roots(n, 1), roots(m, 1000));
            // A row twice.
            first.push(first[0]);
            let [u, v] = cofactors(&first, &second).expect("no common root");
            assert!(u.len() <= second.len() && v.len() <= first.len(), "{n} {m}");
            let (mut sum, vb) = (product(&u, &monic(&first)), product(&v, &monic(&second)));
            subtract(&mut sum, -F::ONE, 0, &vb);
            trim(&mut sum);
            assert_eq!(sum, [F::ONE], "{n} {m}");
        }
    }

    #[test]
    fn none_for_a_common_root() {
        let (first, mut second) = (roots(9, 1), roots(7, 1000));
        for shared in [0, 4, 8] {
            second[3] = first[shared];
            assert!(cofactors(&first, &second).is_none());
        }
        assert!(cofactors(&first, &first).is_none());
    }
}
