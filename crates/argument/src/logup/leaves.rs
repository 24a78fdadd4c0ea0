//! The widest layer, read from the caller's arrays: numerators stay in F until the first variable is bound.
use super::kernels::{Eq, Node, accumulate};
use super::lanes::{PE, PF, WIDTH, add, coordinates, line, mul, sub};
use crate::field::{E, F};
use alloc::vec::Vec;
use p3_field::{PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;

/// The fractions, in registers of `WIDTH` consecutive leaves.
pub(super) struct Leaves<'a> {
    n: &'a [PF],
    d: &'a [E],
}

/// n0, n1, d0, d1 of `WIDTH` consecutive nodes.
type LeafNode = (PF, PF, PE, PE);

/// a n + b c with one reduction per coordinate.
#[inline(always)]
fn dot_base(a: &PE, n: PF, b: &PE, c: &PE) -> PE {
    let (a, b, c) = (coordinates(a), coordinates(b), coordinates(c));
    let (c02, c12) = (c[0] + c[2], c[1] + c[2]);
    PE::new([
        PF::dot_product(&[a[0], b[0], b[1], b[2]], &[n, c[0], c[2], c[1]]),
        PF::dot_product(&[a[1], b[0], b[1], b[2]], &[n, c[1], c02, c12]),
        PF::dot_product(&[a[2], b[0], b[1], b[2]], &[n, c[2], c[1], c02]),
    ])
}

/// a n + b m with one reduction per coordinate.
#[inline(always)]
fn dot_bases(a: &PE, n: PF, b: &PE, m: PF) -> PE {
    let (a, b) = (coordinates(a), coordinates(b));
    let dot = |a, b| PF::dot_product(&[a, b], &[n, m]);
    PE::new([dot(a[0], b[0]), dot(a[1], b[1]), dot(a[2], b[2])])
}

/// r n.
#[inline(always)]
fn scale(r: &PE, n: PF) -> PE {
    let r = coordinates(r);
    PE::new([r[0] * n, r[1] * n, r[2] * n])
}

/// a + n.
#[inline(always)]
fn add_base(a: &PE, n: PF) -> PE {
    let a = coordinates(a);
    PE::new([a[0] + n, a[1], a[2]])
}

impl<'a> Leaves<'a> {
    /// `None` below eight registers, where the scalar loops do.
    pub(super) fn new(n: &'a [F], d: &'a [E]) -> Option<Self> {
        (n.len() >= 8 * WIDTH).then(|| Self { n: PF::pack_slice(n), d })
    }
    fn len(&self) -> usize {
        self.n.len()
    }
    #[inline(always)]
    fn node(&self, x: usize) -> LeafNode {
        let y = x + self.len() / 2;
        let d = |i: usize| PE::from_ext_slice(&self.d[i * WIDTH..][..WIDTH]);
        (self.n[x], self.n[y], d(x), d(y))
    }
    /// The layer above.
    pub(super) fn parents(&self) -> Vec<Node<PE>> {
        let quarter = self.len() / 4;
        let fraction = |(n0, n1, d0, d1): LeafNode| (dot_bases(&d1, n0, &d0, n1), mul(&d0, &d1));
        (0..quarter)
            .into_par_iter()
            .with_min_len(1 << 8)
            .map(|x| {
                let ((n0, d0), (n1, d1)) = (fraction(self.node(x)), fraction(self.node(x + quarter)));
                [n0, d0, n1, d1]
            })
            .collect()
    }
    /// q2 of the first round.
    pub(super) fn first_round(&self, eq: &Eq<PE>, lambda: E) -> E {
        let (quarter, block) = (self.len() / 4, eq.lo.len());
        let lambda = PE::from(lambda);
        let [q2] = eq.blocks((0..quarter / block).into_par_iter(), |weights, index| {
            let mut acc = PE::ZERO;
            for (w, x) in weights.iter().zip(index * block..) {
                let (lo, hi) = (self.node(x), self.node(x + quarter));
                let (d0, d1) = (sub(&hi.2, &lo.2), sub(&hi.3, &lo.3));
                let m = add_base(&mul(&d1, &lambda), hi.1 - lo.1);
                acc = add(&acc, &mul(&dot_base(&d1, hi.0 - lo.0, &d0, &m), w));
            }
            [acc]
        });
        q2
    }
    /// Binds the first variable to r into `out` and evaluates the second round in the same pass: q0 and q2.
    pub(super) fn bind_round(&self, out: &mut Vec<Node<PE>>, eq: &Eq<PE>, r: E, lambda: E) -> [E; 2] {
        let (quarter, eighth, block) = (self.len() / 4, self.len() / 8, eq.lo.len());
        let (r, lambda) = (PE::from(r), PE::from(lambda));
        let bind = |out: &mut Node<PE>, x: usize| {
            let (lo, hi) = (self.node(x), self.node(x + quarter));
            let (d0, d1) = (line(&lo.2, &hi.2, &r), line(&lo.3, &hi.3, &r));
            let m = add(&mul(&d1, &lambda), &scale(&r, hi.1 - lo.1));
            out[0] = add_base(&scale(&r, hi.0 - lo.0), lo.0);
            out[1] = d0;
            out[2] = add_base(&m, lo.1);
            out[3] = d1;
        };
        out.resize(quarter, [PE::ZERO; 4]);
        let (a, b) = out.split_at_mut(eighth);
        let blocks = a.par_chunks_mut(block).zip(b.par_chunks_mut(block)).enumerate();
        eq.blocks(blocks, |weights, (index, (a, b))| {
            let mut acc = [PE::ZERO; 2];
            for ((w, x), (a, b)) in weights.iter().zip(index * block..).zip(a.iter_mut().zip(b)) {
                bind(a, x);
                bind(b, x + eighth);
                accumulate(&mut acc, w, a, b);
            }
            acc
        })
    }
    /// The layer as scalar nodes, for small inputs.
    pub(super) fn scalar(n: &[F], d: &[E]) -> Vec<Node<E>> {
        let half = n.len() / 2;
        (0..half).map(|x| [n[x].into(), d[x], n[x + half].into(), d[x + half]]).collect()
    }
}
