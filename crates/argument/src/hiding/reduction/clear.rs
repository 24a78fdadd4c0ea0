//! Every claim of a reduction evaluated in the clear, for tests that ask which check rejects a dishonest prover.
use super::{PadLayout, Reduction};
use crate::field::{E, F};
use crate::functional::Low;
use crate::hiding::{Affine, Cell};
use alloc::vec::Vec;

impl Reduction<'_> {
    /// The public weights that are kept for functionals so far, eq points left out.
    #[doc(hidden)]
    #[must_use]
    pub fn kept_weights(&self) -> usize {
        self.lows.iter().map(|low| if let Low::Dense(w) = low { w.len() } else { 0 }).sum()
    }

    /// The value of every claim made so far, in order; a claim holds where it is zero.
    ///
    /// `vectors` are the payloads of all committed vectors, pads and triples included at `pads` in vector 0. The
    /// triples are taken to be products: sacrifices are not looked at.
    ///
    /// # Panics
    /// If the vectors are shorter than the statement's layout.
    #[must_use]
    pub fn claims_in_clear(&self, pads: PadLayout, vectors: &[&[F]]) -> Vec<E> {
        let lows: Vec<Vec<E>> = self.lows.iter().map(Low::table).collect();
        let atom = |i: usize| {
            let c = &vectors[0][pads.first + i..];
            E::new([c[0], c[1], c[2]])
        };
        let first_triple = 3 * self.received.len();
        let cell = |c: &Cell| {
            let (low, vector) = (&lows[c.low], vectors[c.vector]);
            low.iter().zip(&vector[c.slot * low.len()..]).map(|(&w, &f)| w * f).sum::<E>()
        };
        let value = |e: &Affine| {
            e.constant
                + e.pads.iter().map(|&(i, c)| c * atom(3 * i)).sum::<E>()
                + e.products.iter().map(|&(k, c)| c * atom(first_triple + 12 * k)).sum::<E>()
                + e.cells.iter().map(|(x, c)| cell(x) * *c).sum::<E>()
        };
        self.claims.iter().map(value).collect()
    }
}
