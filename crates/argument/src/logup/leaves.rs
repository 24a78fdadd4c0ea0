//! The widest layer, read from the caller's arrays: numerators stay in F until the first variable is bound.
use super::kernels::{Eq, Node, PE, PF, WIDTH, accumulate};
use crate::field::{E, F};
use alloc::vec::Vec;
use p3_field::{BasedVectorSpace, PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
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
fn dot_base(a: PE, n: PF, b: PE, c: PE) -> PE {
    let [a, b, c] = [a, b, c].map(|v| {
        let v = v.as_basis_coefficients_slice();
        [v[0], v[1], v[2]]
    });
    let (c02, c12) = (c[0] + c[2], c[1] + c[2]);
    let rows = [
        PF::dot_product(&[a[0], b[0], b[1], b[2]], &[n, c[0], c[2], c[1]]),
        PF::dot_product(&[a[1], b[0], b[1], b[2]], &[n, c[1], c02, c12]),
        PF::dot_product(&[a[2], b[0], b[1], b[2]], &[n, c[2], c[1], c02]),
    ];
    PE::from_basis_coefficients_fn(|i| rows[i])
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
        let add = |(n0, n1, d0, d1): LeafNode| (d1 * n0 + d0 * n1, d0 * d1);
        (0..quarter)
            .into_par_iter()
            .with_min_len(1 << 8)
            .map(|x| {
                let ((n0, d0), (n1, d1)) = (add(self.node(x)), add(self.node(x + quarter)));
                [n0, d0, n1, d1]
            })
            .collect()
    }
    /// (q(0), q(infinity)) of the first round.
    pub(super) fn first_round(&self, eq: &Eq<PE>, lambda: E) -> [E; 2] {
        let (quarter, block) = (self.len() / 4, eq.lo.len());
        let lambda = PE::from(lambda);
        eq.blocks((0..quarter / block).into_par_iter(), |weights, index| {
            let mut acc = [PE::ZERO; 2];
            for (&w, x) in weights.iter().zip(index * block..) {
                let (lo, hi) = (self.node(x), self.node(x + quarter));
                let (n0, n1, d0, d1) = (hi.0 - lo.0, hi.1 - lo.1, hi.2 - lo.2, hi.3 - lo.3);
                acc[0] += w * dot_base(lo.3, lo.0, lo.2, lo.3 * lambda + lo.1);
                acc[1] += w * dot_base(d1, n0, d0, d1 * lambda + n1);
            }
            acc
        })
    }
    /// Binds the first variable to r into `out` and evaluates the second round in the same pass.
    pub(super) fn fold_round(&self, out: &mut Vec<Node<PE>>, eq: &Eq<PE>, r: E, lambda: E) -> [E; 2] {
        let (quarter, eighth, block) = (self.len() / 4, self.len() / 8, eq.lo.len());
        let (r, lambda) = (PE::from(r), PE::from(lambda));
        let bind = |x: usize| {
            let (lo, hi) = (self.node(x), self.node(x + quarter));
            let (n0, n1) = (r * (hi.0 - lo.0) + lo.0, r * (hi.1 - lo.1) + lo.1);
            let (d0, d1) = (lo.2 + (hi.2 - lo.2) * r, lo.3 + (hi.3 - lo.3) * r);
            [n0, d0, d1 * lambda + n1, d1]
        };
        out.resize(quarter, [PE::ZERO; 4]);
        let (a, b) = out.split_at_mut(eighth);
        let blocks = a.par_chunks_mut(block).zip(b.par_chunks_mut(block)).enumerate();
        eq.blocks(blocks, |weights, (index, (a, b))| {
            let mut acc = [PE::ZERO; 2];
            for ((&w, x), (a, b)) in weights.iter().zip(index * block..).zip(a.iter_mut().zip(b)) {
                *a = bind(x);
                *b = bind(x + eighth);
                accumulate(&mut acc, w, *a, *b);
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
