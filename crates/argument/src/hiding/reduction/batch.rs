//! Every claim times a power of one challenge: the weights of the one claim that is left.
use super::{Affine, Claim, PadLayout, Reduction};
use crate::field::{E, basis};
use crate::functional::{Low, LowId, TensorWeight, Weights};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// The running combination sum_i beta^i claim_i.
pub(super) struct Batch {
    power: E,
    value: E,
    pads: Vec<E>,
    triples: Vec<[E; 4]>,
    /// (low part, slot, weight) of every vector, in the order of the claims.
    cells: Vec<Vec<(LowId, usize, E)>>,
}

impl Batch {
    pub(super) fn new(r: &Reduction<'_>, vectors: usize) -> Self {
        let mut terms = vec![0; vectors];
        for (cell, _) in r.claims.iter().flat_map(|c| &c.cells) {
            terms.get_mut(cell.vector).into_iter().for_each(|n| *n += 1);
        }
        Self {
            power: E::ONE,
            value: E::ZERO,
            pads: vec![E::ZERO; r.received.len()],
            triples: vec![[E::ZERO; 4]; r.products.len()],
            cells: terms.into_iter().map(Vec::with_capacity).collect(),
        }
    }

    pub(super) fn add(&mut self, claim: &Affine, beta: E) {
        self.value -= claim.constant * self.power;
        for &(i, c) in &claim.pads {
            if let Some(p) = self.pads.get_mut(i) {
                *p += c * self.power;
            }
        }
        for &(k, c) in &claim.products {
            if let Some(t) = self.triples.get_mut(k) {
                t[0] += c * self.power;
            }
        }
        for &(cell, c) in &claim.cells {
            if let Some(m) = self.cells.get_mut(cell.vector) {
                m.push((cell.low, cell.slot, c * self.power));
            }
        }
        self.power *= beta;
    }

    /// z p - p' = d;  q - q' = e;  z t - t' - d q' - e p' = d e.
    pub(super) fn add_sacrifice(&mut self, k: usize, (i, j): (usize, usize), z: E, [d, e]: [E; 2], beta: E) {
        let b = [self.power, self.power * beta, self.power * beta.square()];
        self.pads[i] += z * b[0];
        self.pads[j] += b[1];
        let t = &mut self.triples[k];
        t[0] += z * b[2];
        t[1] -= b[0] + e * b[2];
        t[2] -= b[1] + d * b[2];
        t[3] -= b[2];
        self.value += d * b[0] + e * b[1] + d * e * b[2];
        self.power = b[2] * beta;
    }

    pub(super) fn finish(self, layout: PadLayout, lows: Vec<Low>) -> Claim {
        let cells: Vec<Vec<Slots>> = self.cells.into_iter().map(by_low).collect();
        let atoms = self.pads.into_iter().chain(self.triples.into_iter().flatten());
        let run: Vec<E> = atoms.flat_map(|c| (0..3).map(move |i| c * basis(i))).collect();
        // A low part can be long: the last of its readers gets it, the others a copy.
        let mut lows: Vec<Option<Low>> = lows.into_iter().map(Some).collect();
        let mut readers = vec![0usize; lows.len()];
        for (id, _) in cells.iter().flatten() {
            readers.get_mut(*id).into_iter().for_each(|n| *n += 1);
        }
        let mut read = |id: LowId| {
            let left = readers.get_mut(id)?;
            *left = left.saturating_sub(1);
            if *left == 0 { lows.get_mut(id)?.take() } else { lows.get(id)?.clone() }
        };
        let mut weights: Vec<Weights> = cells
            .into_iter()
            .map(|tensors| {
                let tensors = tensors.into_iter();
                let tensors = tensors.filter_map(|(id, slots)| Some(TensorWeight { low: read(id)?, slots })).collect();
                Weights { tensors, runs: vec![], pin: E::ZERO }
            })
            .collect();
        if let Some(trace) = weights.first_mut() {
            trace.runs.push((layout.first, run));
        }
        Claim { weights, value: self.value }
    }
}

/// A low part, and (slot, weight) of what is read through it, in order.
type Slots = (LowId, Vec<(usize, E)>);

/// Terms by low part and slot, those of one slot added up.
fn by_low(mut cells: Vec<(LowId, usize, E)>) -> Vec<Slots> {
    // Stable, for its speed: the terms are a few runs in order.
    cells.sort_by_key(|&(low, slot, _)| (low, slot));
    let mut out: Vec<Slots> = vec![];
    for (low, slot, c) in cells {
        match out.last_mut() {
            Some((id, slots)) if *id == low => match slots.last_mut() {
                Some((last, weight)) if *last == slot => *weight += c,
                _ => slots.push((slot, c)),
            },
            _ => out.push((low, vec![(slot, c)])),
        }
    }
    out
}
