//! The prover's side: folds the columns row variable by row variable, then the units.
use super::LABEL;
use crate::field::{E, F};
use crate::hiding::Masker;
use crate::multilinear::log2_ceil;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::{Add, Mul, Sub};
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;

/// One column of 2^n values.
pub enum Column<'a> {
    /// Values of F.
    Base(Cow<'a, [F]>),
    /// Values of E.
    Ext(Vec<E>),
}

/// One unit: its two columns and its coefficients in the row weights.
pub struct Pair<'a> {
    /// a(., v).
    pub a: Column<'a>,
    /// b(., v).
    pub b: Column<'a>,
    /// (q, unit_q(v)).
    pub weights: Vec<(usize, E)>,
}

/// Sends the messages of `sum_{x, v} w(x, v) a(x, v) b(x, v)`; returns the row and the unit point.
///
/// `rows[q]` is the table of row_q, 2^n entries each.
pub fn bilinear_proof(masker: &mut Masker<'_>, mut rows: Vec<Vec<E>>, pairs: Vec<Pair<'_>>) -> (Vec<E>, Vec<E>) {
    masker.begin(LABEL);
    let n = rows.first().map_or(0, |r| log2_ceil(r.len()));
    let mut point = Vec::with_capacity(n);
    let mut folded: Vec<(Vec<E>, Vec<E>)> = Vec::new();
    for round in 0..n {
        let weights = row_values(&rows);
        let sums = if round == 0 {
            sum(pairs.par_iter().map(|p| first_round(p, &weights)))
        } else {
            sum(pairs.par_iter().zip(&folded).map(|(p, (a, b))| column_round(a, b, &p.weights, &weights)))
        };
        let r = send(masker, sums, &mut point);
        rows.par_iter_mut().for_each(|t| fold(t, r));
        if round == 0 {
            folded = pairs.par_iter().map(|p| (p.a.fold(r), p.b.fold(r))).collect();
        } else {
            folded.par_iter_mut().for_each(|(a, b)| {
                fold(a, r);
                fold(b, r);
            });
        }
    }
    if n == 0 {
        folded = pairs.iter().map(|p| (p.a.to_ext(), p.b.to_ext())).collect();
    }
    let w: Vec<E> = pairs.iter().map(|p| p.weights.iter().map(|&(q, c)| c * rows[q][0]).sum()).collect();
    let a = folded.iter().map(|f| f.0[0]).collect();
    let b = folded.iter().map(|f| f.1[0]).collect();
    (point, unit_rounds(masker, [w, a, b]))
}

fn unit_rounds(masker: &mut Masker<'_>, mut tables: [Vec<E>; 3]) -> Vec<E> {
    let m = log2_ceil(tables[0].len());
    tables.iter_mut().for_each(|t| t.resize(1 << m, E::ZERO));
    let mut point = Vec::with_capacity(m);
    for _ in 0..m {
        let half = tables[0].len() / 2;
        let mut s = [E::ZERO; 3];
        for i in 0..half {
            let [w, a, b] = [0, 1, 2].map(|k| at(tables[k][i], tables[k][i + half]));
            for (k, s) in s.iter_mut().enumerate() {
                *s += w[k] * a[k] * b[k];
            }
        }
        let r = send(masker, s, &mut point);
        tables.iter_mut().for_each(|t| fold(t, r));
    }
    masker.send(tables[1][0]);
    masker.send(tables[2][0]);
    point
}

fn send(masker: &mut Masker<'_>, values: [E; 3], point: &mut Vec<E>) -> E {
    values.into_iter().for_each(|v| masker.send(v));
    let r = masker.challenge();
    point.push(r);
    r
}

/// Values at 0, 2 and 3 of the line through (0, lo), (1, hi).
fn at<T: Copy + Add<Output = T> + Sub<Output = T>>(lo: T, hi: T) -> [T; 3] {
    let d = hi - lo;
    [lo, hi + d, hi + d + d]
}

fn row_values(rows: &[Vec<E>]) -> Vec<Vec<[E; 3]>> {
    rows.iter()
        .map(|t| {
            let (lo, hi) = t.split_at(t.len() / 2);
            lo.iter().zip(hi).map(|(&l, &h)| at(l, h)).collect()
        })
        .collect()
}

fn fold(t: &mut Vec<E>, r: E) {
    let half = t.len() / 2;
    for i in 0..half {
        t[i] = t[i] + (t[i + half] - t[i]) * r;
    }
    t.truncate(half);
}

fn sum(parts: impl ParallelIterator<Item = [E; 3]>) -> [E; 3] {
    let add = |a: [E; 3], b: [E; 3]| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    parts.par_fold_reduce(|| [E::ZERO; 3], add, add)
}

fn first_round(p: &Pair<'_>, rows: &[Vec<[E; 3]>]) -> [E; 3] {
    match (&p.a, &p.b) {
        (Column::Base(a), Column::Base(b)) => column_round::<F, F, F>(a, b, &p.weights, rows),
        (Column::Base(a), Column::Ext(b)) => column_round::<E, F, E>(b, a, &p.weights, rows),
        (Column::Ext(a), Column::Base(b)) => column_round::<E, F, E>(a, b, &p.weights, rows),
        (Column::Ext(a), Column::Ext(b)) => column_round::<E, E, E>(a, b, &p.weights, rows),
    }
}

fn column_round<A, B, C>(a: &[A], b: &[B], weights: &[(usize, E)], rows: &[Vec<[E; 3]>]) -> [E; 3]
where
    A: Copy + Add<Output = A> + Sub<Output = A> + Mul<B, Output = C>,
    B: Copy + Add<Output = B> + Sub<Output = B>,
    C: Copy,
    E: Mul<C, Output = E>,
{
    let half = a.len() / 2;
    let mut sums = alloc::vec![[E::ZERO; 3]; weights.len()];
    for i in 0..half {
        let (x, y) = (at(a[i], a[i + half]), at(b[i], b[i + half]));
        let c = [x[0] * y[0], x[1] * y[1], x[2] * y[2]];
        for (s, &(q, _)) in sums.iter_mut().zip(weights) {
            let w = &rows[q][i];
            for k in 0..3 {
                s[k] += w[k] * c[k];
            }
        }
    }
    let mut total = [E::ZERO; 3];
    for (s, &(_, u)) in sums.iter().zip(weights) {
        for k in 0..3 {
            let mut term = s[k];
            term *= u;
            total[k] += term;
        }
    }
    total
}

impl Column<'_> {
    fn fold(&self, r: E) -> Vec<E> {
        match self {
            Self::Base(v) => {
                let (lo, hi) = v.split_at(v.len() / 2);
                lo.iter().zip(hi).map(|(&l, &h)| r * (h - l) + l).collect()
            }
            Self::Ext(v) => {
                let mut v = v.clone();
                fold(&mut v, r);
                v
            }
        }
    }
    fn to_ext(&self) -> Vec<E> {
        match self {
            Self::Base(v) => v.iter().map(|&x| E::from(x)).collect(),
            Self::Ext(v) => v.clone(),
        }
    }
}
