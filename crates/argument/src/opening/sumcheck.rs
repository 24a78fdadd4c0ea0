//! The prover of the sumcheck `sum_{j, s} h_s(j) W_s(j)`, exponents first (most significant bit first), then sources.
//!
//! The first round reads h from the columns of P, whose three base columns per source are the packed coordinates of
//! h_s already. Every later round folds and computes the next message in one pass over memory.
use super::round;
use super::tables::{LANES, PE, PF, unpacked};
use crate::field::{E, F};
use crate::transcript::Transcript;
use alloc::vec::Vec;
use p3_field::{BasedVectorSpace, PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;

/// Packed elements per task.
const TASK: usize = 1 << 10;

/// `(sum h(0, .) w(0, .), sum of the leading coefficients)` of a round.
type Message = [PE; 2];

fn add(a: Message, b: Message) -> Message {
    [a[0] + b[0], a[1] + b[1]]
}

fn term(acc: Message, h: [PE; 2], w: [PE; 2]) -> Message {
    [acc[0] + h[0] * w[0], acc[1] + (h[1] - h[0]) * (w[1] - w[0])]
}

fn finish(m: Message) -> [E; 2] {
    m.map(|x| unpacked([x]).sum())
}

/// The packed coordinates of h_s (or g_s): three base columns.
struct Source<'a>([&'a [PF]; 3]);

impl<'a> Source<'a> {
    fn new(columns: &'a [F], h: usize) -> Self {
        let packed = PF::pack_slice(columns);
        let n = (1 << h) / LANES;
        Self([&packed[..n], &packed[n..2 * n], &packed[2 * n..3 * n]])
    }

    fn at(&self, j: usize) -> PE {
        PE::from_basis_coefficients_fn(|i| self.0[i][j])
    }
}

/// `sum_{s, j} g_s(j) W_s(j)` for base columns of 2^h, three a source.
pub(super) fn inner(columns: &[F], weights: &[PE], h: usize) -> E {
    let n = (1 << h) / LANES;
    let sources = columns.par_chunks(3 << h).zip(weights.par_chunks(n));
    let sum = sources.par_fold_reduce(
        || PE::ZERO,
        |acc, (g, w)| {
            let g = Source::new(g, h);
            let tasks = w.par_chunks(TASK).enumerate();
            acc + tasks.par_fold_reduce(
                || PE::ZERO,
                |acc, (t, w)| w.iter().enumerate().fold(acc, |acc, (k, &w)| acc + g.at(t * TASK + k) * w),
                |a, b| a + b,
            )
        },
        |a, b| a + b,
    );
    unpacked([sum]).sum()
}

fn first_message(p: &[F], weights: &[PE], h: usize) -> [E; 2] {
    let n = (1 << h) / LANES;
    let sources = p.par_chunks(3 << h).zip(weights.par_chunks(n));
    finish(sources.par_fold_reduce(
        || [PE::ZERO; 2],
        |acc, (p, w)| {
            let p = Source::new(p, h);
            let (low, high) = w.split_at(n / 2);
            let tasks = low.par_chunks(TASK).zip(high.par_chunks(TASK)).enumerate();
            let sum = tasks.par_fold_reduce(
                || [PE::ZERO; 2],
                |acc, (t, (low, high))| {
                    low.iter().zip(high).enumerate().fold(acc, |acc, (k, (&w0, &w1))| {
                        let j = t * TASK + k;
                        term(acc, [p.at(j), p.at(j + n / 2)], [w0, w1])
                    })
                },
                add,
            );
            add(acc, sum)
        },
        add,
    ))
}

/// Folds the two halves at r.
fn line(r: E, low: PE, high: PE) -> PE {
    low + (high - low) * r
}

/// Binds the first variable of h, read from P, and of W in place; returns h at half its length and the next message.
fn first_fold(p: &[F], weights: &mut [PE], h: usize, r: E) -> (Vec<PE>, [E; 2]) {
    let n = (1 << h) / LANES;
    let quarter = n / 4;
    let mut folded = PE::zero_vec(weights.len() / 2);
    let sources = p.par_chunks(3 << h).zip(weights.par_chunks_mut(n)).zip(folded.par_chunks_mut(n / 2));
    let message = sources.par_fold_reduce(
        || [PE::ZERO; 2],
        |acc, ((p, w), out)| {
            let p = Source::new(p, h);
            let (w01, w23) = w.split_at_mut(n / 2);
            let (w0, w1) = w01.split_at_mut(quarter);
            let (w2, w3) = w23.split_at(quarter);
            let (h0, h1) = out.split_at_mut(quarter);
            let tasks = (w0.par_chunks_mut(TASK).zip(w1.par_chunks_mut(TASK)))
                .zip(w2.par_chunks(TASK).zip(w3.par_chunks(TASK)))
                .zip(h0.par_chunks_mut(TASK).zip(h1.par_chunks_mut(TASK)))
                .enumerate();
            let sum = tasks.par_fold_reduce(
                || [PE::ZERO; 2],
                |mut acc, (t, (((w0, w1), (w2, w3)), (h0, h1)))| {
                    for k in 0..w0.len() {
                        let j = t * TASK + k;
                        w0[k] = line(r, w0[k], w2[k]);
                        w1[k] = line(r, w1[k], w3[k]);
                        h0[k] = line(r, p.at(j), p.at(j + n / 2));
                        h1[k] = line(r, p.at(j + quarter), p.at(j + quarter + n / 2));
                        acc = term(acc, [h0[k], h1[k]], [w0[k], w1[k]]);
                    }
                    acc
                },
                add,
            );
            add(acc, sum)
        },
        add,
    );
    (folded, finish(message))
}

/// Binds the next variable of both in place (`n` live elements a source) and returns the next message.
fn fold(h: &mut [PE], h_stride: usize, w: &mut [PE], w_stride: usize, n: usize, r: E) -> [E; 2] {
    let quarter = n / 4;
    let sources = h.par_chunks_mut(h_stride).zip(w.par_chunks_mut(w_stride));
    finish(sources.par_fold_reduce(
        || [PE::ZERO; 2],
        |acc, (h, w)| {
            let ((h01, h23), (w01, w23)) = (h[..n].split_at_mut(n / 2), w[..n].split_at_mut(n / 2));
            let ((h0, h1), (w0, w1)) = (h01.split_at_mut(quarter), w01.split_at_mut(quarter));
            let ((h2, h3), (w2, w3)) = (h23.split_at(quarter), w23.split_at(quarter));
            let tasks = (h0.par_chunks_mut(TASK).zip(h1.par_chunks_mut(TASK)))
                .zip(h2.par_chunks(TASK).zip(h3.par_chunks(TASK)))
                .zip(w0.par_chunks_mut(TASK).zip(w1.par_chunks_mut(TASK)))
                .zip(w2.par_chunks(TASK).zip(w3.par_chunks(TASK)));
            let sum = tasks.par_fold_reduce(
                || [PE::ZERO; 2],
                |mut acc, ((((h0, h1), (h2, h3)), (w0, w1)), (w2, w3))| {
                    for k in 0..h0.len() {
                        h0[k] = line(r, h0[k], h2[k]);
                        h1[k] = line(r, h1[k], h3[k]);
                        w0[k] = line(r, w0[k], w2[k]);
                        w1[k] = line(r, w1[k], w3[k]);
                        acc = term(acc, [h0[k], h1[k]], [w0[k], w1[k]]);
                    }
                    acc
                },
                add,
            );
            add(acc, sum)
        },
        add,
    ))
}

/// The live elements of every source, unpacked.
fn unpack(table: &[PE], stride: usize, n: usize) -> Vec<E> {
    table.chunks(stride).flat_map(|s| unpacked(s[..n].iter().copied())).collect()
}

/// Two tables of `len` live scalars per column, small enough for one thread.
pub(super) struct Small {
    pub h: Vec<E>,
    pub w: Vec<E>,
    pub len: usize,
}

impl Small {
    fn message(&self) -> [E; 2] {
        let half = self.len / 2;
        let mut out = [E::ZERO; 2];
        for (h, w) in self.h.chunks_exact(self.len).zip(self.w.chunks_exact(self.len)) {
            for j in 0..half {
                out[0] += h[j] * w[j];
                out[1] += (h[j + half] - h[j]) * (w[j + half] - w[j]);
            }
        }
        out
    }

    fn fold(&mut self, r: E) {
        let half = self.len / 2;
        for t in [&mut self.h, &mut self.w] {
            *t = t.chunks_exact(self.len).flat_map(|c| (0..half).map(|j| c[j] + (c[j + half] - c[j]) * r)).collect();
        }
        self.len = half;
    }

    /// All rounds over the live variable bits; returns the messages.
    pub(super) fn rounds(&mut self, claim: &mut E, point: &mut Vec<E>, transcript: &mut Transcript) -> Vec<[E; 2]> {
        let mut messages = Vec::new();
        while self.len > 1 {
            let message = self.message();
            *claim = round(message, *claim, point, transcript);
            self.fold(point[point.len() - 1]);
            messages.push(message);
        }
        messages
    }
}

/// What the source sumcheck leaves.
pub(super) struct SourceRounds {
    /// Messages of all rounds.
    pub messages: Vec<[E; 2]>,
    /// rho_j, then rho_s.
    pub point: Vec<E>,
    /// h at the point.
    pub value: E,
}

/// Runs all rounds; `p` holds 3 S base columns of 2^h, `weights` is consumed.
pub(super) fn source_rounds(
    p: &[F],
    mut weights: Vec<PE>,
    h: usize,
    mut claim: E,
    transcript: &mut Transcript,
) -> SourceRounds {
    let stride = (1 << h) / LANES;
    let (mut messages, mut point) = (Vec::new(), Vec::new());
    let mut message = first_message(p, &weights, h);
    claim = round(message, claim, &mut point, transcript);
    messages.push(message);
    let (mut folded, next) = first_fold(p, &mut weights, h, point[0]);
    message = next;
    let mut n = stride / 2;
    loop {
        claim = round(message, claim, &mut point, transcript);
        messages.push(message);
        if n < 4 {
            break;
        }
        message = fold(&mut folded, stride / 2, &mut weights, stride, n, point[point.len() - 1]);
        n /= 2;
    }
    let mut small = Small { h: unpack(&folded, stride / 2, n), w: unpack(&weights, stride, n), len: n * LANES };
    drop((folded, weights));
    small.fold(point[point.len() - 1]);
    messages.extend(small.rounds(&mut claim, &mut point, transcript));
    // One entry per source is left: pad the sources and go on.
    small.len = small.h.len().next_power_of_two();
    small.h.resize(small.len, E::ZERO);
    small.w.resize(small.len, E::ZERO);
    messages.extend(small.rounds(&mut claim, &mut point, transcript));
    SourceRounds { messages, point, value: small.h[0] }
}

/// P(c, x) for every column c of 2^h base coefficients.
pub(super) fn column_values(p: &[F], x: &[E]) -> Vec<E> {
    let low_bits = x.len().min(12);
    let (high, low) = x.split_at(x.len() - low_bits);
    let high = crate::multilinear::eq_table(high, E::ONE);
    let low: Vec<PE> = crate::multilinear::eq_table(low, E::ONE).chunks(LANES).map(PE::from_ext_slice).collect();
    let columns = p.par_chunks(1 << x.len());
    let value = |column: &[F]| -> E {
        let parts = column.chunks(1 << low_bits).zip(&high).map(|(part, &scale)| {
            let sum = PF::pack_slice(part).iter().zip(&low).fold(PE::ZERO, |acc, (&v, &w)| acc + w * v);
            unpacked([sum]).sum::<E>() * scale
        });
        parts.sum()
    };
    columns.map(value).collect()
}
