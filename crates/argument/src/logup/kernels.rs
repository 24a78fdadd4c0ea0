//! The prover's loops over one layer: build its parent, evaluate a round, fold.
//!
//! A layer is stored by node, `[n0, d0, n1, d1]`: the two fractions that the node adds. When its first variable is
//! bound, n1 is replaced by m = n1 + lambda d1. Variables are bound from the most significant one, so a loop over
//! packed lanes never crosses lanes and every stream is contiguous.
use super::lanes::{Lanes, add, dot, line, mul, sub};
use crate::field::E;
use crate::multilinear::eq_table;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;

/// log2 of the nodes that one pass over the low eq table covers: table and accumulators stay in the first cache.
const LOG_BLOCK: usize = 9;

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
    /// Sums `eq * value` over blocks, given each block's sums under the low table.
    pub(super) fn blocks<I, const N: usize>(
        &self,
        blocks: I,
        sums: impl Fn(&[T], I::Item) -> [T; N] + Sync + Send,
    ) -> [E; N]
    where
        I: IndexedParallelIterator,
    {
        let total = blocks.zip(self.hi.par_iter()).par_fold_reduce(
            || [T::ZERO; N],
            |acc, (block, &w)| {
                let s = sums(&self.lo, block);
                core::array::from_fn(|k| acc[k] + s[k] * w)
            },
            |a, b| core::array::from_fn(|k| a[k] + b[k]),
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
pub(super) fn fraction<T: Lanes>([n0, d0, n1, d1]: &Node<T>) -> [T; 2] {
    [dot(n0, d1, n1, d0), mul(d0, d1)]
}

/// The layer above: node x adds the nodes x and x + half.
pub(super) fn parents<T: Lanes>(nodes: &[Node<T>]) -> Vec<Node<T>> {
    let (lo, hi) = nodes.split_at(nodes.len() / 2);
    lo.par_iter()
        .zip(hi)
        .with_min_len(1 << 8)
        .map(|(lo, hi)| {
            let ([n0, d0], [n1, d1]) = (fraction(lo), fraction(hi));
            [n0, d0, n1, d1]
        })
        .collect()
}

/// q2 of a layer's first round, n1 not replaced yet: the leading coefficient needs differences only.
pub(super) fn first_round<T: Lanes>(nodes: &[Node<T>], eq: &Eq<T>, lambda: E) -> E {
    let (lo, hi) = nodes.split_at(nodes.len() / 2);
    let (block, lambda) = (eq.lo.len(), T::from(lambda));
    let [q2] = eq.blocks(lo.par_chunks(block).zip(hi.par_chunks(block)), |weights, (lo, hi)| {
        let mut acc = T::ZERO;
        for (w, (lo, hi)) in weights.iter().zip(lo.iter().zip(hi)) {
            let (d0, d1) = (sub(&hi[1], &lo[1]), sub(&hi[3], &lo[3]));
            let m = add(&sub(&hi[2], &lo[2]), &mul(&d1, &lambda));
            acc = add(&acc, &mul(&dot(&sub(&hi[0], &lo[0]), &d1, &d0, &m), w));
        }
        [acc]
    });
    q2
}

/// Adds weight * (q0, q2) of the line through two nodes.
#[inline(always)]
pub(super) fn accumulate<T: Lanes>(acc: &mut [T; 2], weight: &T, lo: &Node<T>, hi: &Node<T>) {
    acc[0] = add(&acc[0], &mul(&dot(&lo[0], &lo[3], &lo[1], &lo[2]), weight));
    let (n0, d0) = (sub(&hi[0], &lo[0]), sub(&hi[1], &lo[1]));
    let (m, d1) = (sub(&hi[2], &lo[2]), sub(&hi[3], &lo[3]));
    acc[1] = add(&acc[1], &mul(&dot(&n0, &d1, &d0, &m), weight));
}

/// q0 and q2 of a later round.
pub(super) fn round<T: Lanes>(nodes: &[Node<T>], eq: &Eq<T>) -> [E; 2] {
    let (lo, hi) = nodes.split_at(nodes.len() / 2);
    let block = eq.lo.len();
    eq.blocks(lo.par_chunks(block).zip(hi.par_chunks(block)), |weights, (lo, hi)| {
        let mut acc = [T::ZERO; 2];
        for (w, (lo, hi)) in weights.iter().zip(lo.iter().zip(hi)) {
            accumulate(&mut acc, w, lo, hi);
        }
        acc
    })
}

/// Binds the first variable of a layer: n1 becomes m.
#[inline(always)]
pub(super) fn bind_first<T: Lanes>(lo: &mut Node<T>, hi: &Node<T>, r: &T, lambda: &T) {
    bind(lo, hi, r);
    lo[2] = add(&lo[2], &mul(&lo[3], lambda));
}

/// Binds a variable to r. In place: a node of packed lanes is too large to be passed around.
#[inline(always)]
pub(super) fn bind<T: Lanes>(lo: &mut Node<T>, hi: &Node<T>, r: &T) {
    for (lo, hi) in lo.iter_mut().zip(hi) {
        *lo = line(lo, hi, r);
    }
}

/// Binds a variable in place and evaluates the next round in the same pass: q0 and q2.
pub(super) fn bind_round<T: Lanes>(
    nodes: &mut Vec<Node<T>>,
    eq: &Eq<T>,
    bind: impl Fn(&mut Node<T>, &Node<T>) + Sync + Send,
) -> [E; 2] {
    let (half, quarter) = (nodes.len() / 2, nodes.len() / 4);
    let (lo, hi) = nodes.split_at_mut(half);
    let (a, b) = lo.split_at_mut(quarter);
    let (c, d) = hi.split_at(quarter);
    let block = eq.lo.len();
    let bound = a.par_chunks_mut(block).zip(b.par_chunks_mut(block));
    let blocks = bound.zip(c.par_chunks(block).zip(d.par_chunks(block)));
    let sums = eq.blocks(blocks, |weights, ((a, b), (c, d))| {
        let mut acc = [T::ZERO; 2];
        for ((w, (a, b)), (c, d)) in weights.iter().zip(a.iter_mut().zip(b)).zip(c.iter().zip(d)) {
            bind(a, c);
            bind(b, d);
            accumulate(&mut acc, w, a, b);
        }
        acc
    });
    nodes.truncate(half);
    sums
}
