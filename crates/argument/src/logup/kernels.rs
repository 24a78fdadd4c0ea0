//! The prover's loops over one layer: build its parent, evaluate a round, fold.
//!
//! A layer is stored by node, `[n0, d0, n1, d1]`: the two fractions that the node adds. Once lambda is drawn, n1 is
//! replaced by m = n1 + lambda d1. Every variable is bound from the most significant one, so a loop over packed lanes
//! never crosses lanes and every stream is contiguous.
use crate::field::{E, F};
use crate::multilinear::eq_table;
use alloc::vec::Vec;
use p3_field::extension::PackedCubicTrinomialExtensionField;
use p3_field::{Algebra, BasedVectorSpace, Field, PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;

/// As many elements of F as a vector register holds.
pub(super) type PF = <F as Field>::Packing;
/// As many elements of E, coordinate by coordinate.
pub(super) type PE = PackedCubicTrinomialExtensionField<F, PF>;
/// Lanes in [`PF`] and [`PE`].
pub(super) const WIDTH: usize = <PF as PackedValue>::WIDTH;
/// log2 of the nodes that one pass over the low eq table covers: table and accumulators stay in the first cache.
const LOG_BLOCK: usize = 9;

/// [`E`] or [`PE`].
pub(super) trait Lanes: Copy + Send + Sync + Algebra<E> + BasedVectorSpace<Self::Base> {
    /// The coordinates' type.
    type Base: PrimeCharacteristicRing + Copy;
    /// log2 of the number of lanes.
    const LOG_LANES: usize;
    /// The lane values of a table, in order.
    fn gather(table: &[E]) -> Vec<Self>;
    /// The sum over the lanes.
    fn total(self) -> E;
}

impl Lanes for E {
    type Base = F;
    const LOG_LANES: usize = 0;
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
    fn gather(table: &[E]) -> Vec<Self> {
        table.chunks_exact(WIDTH).map(Self::from_ext_slice).collect()
    }
    fn total(self) -> E {
        <Self as PackedFieldExtension<F, E>>::to_ext_iter([self]).sum()
    }
}

/// a b + c d with one reduction per coordinate.
#[inline(always)]
pub(super) fn dot<T: Lanes>(a: T, b: T, c: T, d: T) -> T {
    let [a, b, c, d] = [a, b, c, d].map(|v| {
        let v = v.as_basis_coefficients_slice();
        [v[0], v[1], v[2]]
    });
    let (b02, b12) = (b[0] + b[2], b[1] + b[2]);
    let (d02, d12) = (d[0] + d[2], d[1] + d[2]);
    let left = [a[0], a[1], a[2], c[0], c[1], c[2]];
    let rows = [
        T::Base::dot_product(&left, &[b[0], b[2], b[1], d[0], d[2], d[1]]),
        T::Base::dot_product(&left, &[b[1], b02, b12, d[1], d02, d12]),
        T::Base::dot_product(&left, &[b[2], b[1], b02, d[2], d[1], d02]),
    ];
    T::from_basis_coefficients_fn(|i| rows[i])
}

/// eq(s, .) over the variables still unbound, as a product of a high and a low table.
pub(super) struct Eq<T> {
    pub(super) hi: Vec<E>,
    pub(super) lo: Vec<T>,
}

impl<T: Lanes> Eq<T> {
    /// Needs at least `T::LOG_LANES` variables.
    pub(super) fn new(rest: &[E]) -> Self {
        let low = rest.len().min(LOG_BLOCK.max(T::LOG_LANES));
        let (hi, lo) = rest.split_at(rest.len() - low);
        Self { hi: eq_table(hi, E::ONE), lo: T::gather(&eq_table(lo, E::ONE)) }
    }
    /// Drops the most significant variable, by eq(0, y) + eq(1, y) = 1.
    pub(super) fn drop_variable(&mut self) {
        if self.hi.len() > 1 { halve(&mut self.hi) } else { halve(&mut self.lo) }
    }
    /// Sums `eq(block, .) * (q(0), q(infinity))` over blocks, given each block's sums under the low table.
    pub(super) fn blocks<I>(&self, blocks: I, sums: impl Fn(&[T], I::Item) -> [T; 2] + Sync + Send) -> [E; 2]
    where
        I: IndexedParallelIterator,
    {
        let total = blocks.zip(self.hi.par_iter()).par_fold_reduce(
            || [T::ZERO; 2],
            |acc, (block, &w)| {
                let s = sums(&self.lo, block);
                [acc[0] + s[0] * w, acc[1] + s[1] * w]
            },
            |a, b| [a[0] + b[0], a[1] + b[1]],
        );
        total.map(T::total)
    }
}

fn halve<V: Copy + core::ops::Add<Output = V>>(t: &mut Vec<V>) {
    let half = t.len() / 2;
    for i in 0..half {
        t[i] = t[i] + t[i + half];
    }
    t.truncate(half);
}

/// A node `[n0, d0, m or n1, d1]`.
pub(super) type Node<T> = [T; 4];

/// The fraction of a node of which n1 was not replaced yet.
#[inline(always)]
pub(super) fn fraction<T: Lanes>([n0, d0, n1, d1]: Node<T>) -> [T; 2] {
    [dot(n0, d1, n1, d0), d0 * d1]
}

/// The layer above: node x adds the nodes x and x + half.
pub(super) fn parents<T: Lanes>(nodes: &[Node<T>]) -> Vec<Node<T>> {
    let half = nodes.len() / 2;
    (0..half)
        .into_par_iter()
        .with_min_len(1 << 8)
        .map(|x| {
            let ([n0, d0], [n1, d1]) = (fraction(nodes[x]), fraction(nodes[x + half]));
            [n0, d0, n1, d1]
        })
        .collect()
}

/// Adds weight * (q(0), q(infinity)) of the line through two nodes.
#[inline(always)]
pub(super) fn accumulate<T: Lanes>(acc: &mut [T; 2], weight: T, lo: Node<T>, hi: Node<T>) {
    let [n0, d0, m, d1] = [0, 1, 2, 3].map(|k| hi[k] - lo[k]);
    acc[0] += weight * dot(lo[0], lo[3], lo[1], lo[2]);
    acc[1] += weight * dot(n0, d1, d0, m);
}

/// Replaces n1 by m = n1 + lambda d1 and evaluates the first round; zeros if there is no round.
pub(super) fn first_round<T: Lanes>(nodes: &mut [Node<T>], eq: &Eq<T>, lambda: E) -> [E; 2] {
    if let [node] = nodes {
        node[2] += node[3] * lambda;
        return [E::ZERO; 2];
    }
    let (lo, hi) = nodes.split_at_mut(nodes.len() / 2);
    let block = eq.lo.len();
    eq.blocks(lo.par_chunks_mut(block).zip(hi.par_chunks_mut(block)), |weights, (lo, hi)| {
        let mut acc = [T::ZERO; 2];
        for ((&w, lo), hi) in weights.iter().zip(lo).zip(hi) {
            lo[2] += lo[3] * lambda;
            hi[2] += hi[3] * lambda;
            accumulate(&mut acc, w, *lo, *hi);
        }
        acc
    })
}

/// (1 - r) lo + r hi.
#[inline(always)]
pub(super) fn fold<T: Lanes>(lo: &Node<T>, hi: &Node<T>, r: T) -> Node<T> {
    [0, 1, 2, 3].map(|k| lo[k] + (hi[k] - lo[k]) * r)
}

/// Binds a variable to r in place and evaluates the next round in the same pass.
pub(super) fn fold_round<T: Lanes>(nodes: &mut Vec<Node<T>>, eq: &Eq<T>, r: E) -> [E; 2] {
    let (half, quarter) = (nodes.len() / 2, nodes.len() / 4);
    let r = T::from(r);
    let (lo, hi) = nodes.split_at_mut(half);
    let (a, b) = lo.split_at_mut(quarter);
    let (c, d) = hi.split_at(quarter);
    let block = eq.lo.len();
    let bound = a.par_chunks_mut(block).zip(b.par_chunks_mut(block));
    let blocks = bound.zip(c.par_chunks(block).zip(d.par_chunks(block)));
    let sums = eq.blocks(blocks, |weights, ((a, b), (c, d))| {
        let mut acc = [T::ZERO; 2];
        for ((&w, (a, b)), (c, d)) in weights.iter().zip(a.iter_mut().zip(b)).zip(c.iter().zip(d)) {
            *a = fold(a, c, r);
            *b = fold(b, d, r);
            accumulate(&mut acc, w, *a, *b);
        }
        acc
    });
    nodes.truncate(half);
    sums
}
