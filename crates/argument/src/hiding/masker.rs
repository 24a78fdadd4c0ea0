//! The prover's side of the masked argument: pads, triples, and the only way out for a hidden value.
use super::reduction::{MaskedMessages, Schedule};
use crate::entropy::Entropy;
use crate::field::{E, F, coordinates};
use crate::transcript::Transcript;
use alloc::vec::Vec;

/// The pads and triples of one attempt. Not `Clone`, not `Serialize`, wiped when dropped, used by one proof.
pub struct Secrets {
    pads: Vec<E>,
    triples: Vec<[E; 4]>,
    products: Vec<(usize, usize)>,
}

impl Secrets {
    /// Draws a pad per message and a triple (t = p q; p', q', t' = p' q' fresh) per product.
    #[must_use]
    pub fn draw(schedule: &Schedule, entropy: &mut Entropy) -> Self {
        let pads = entropy.uniform_ext("pads", schedule.messages);
        let fresh = entropy.uniform_ext("triples", 2 * schedule.products.len());
        let triples = schedule
            .products
            .iter()
            .zip(fresh.chunks_exact(2))
            .map(|(&(i, j), f)| [pads[i] * pads[j], f[0], f[1], f[0] * f[1]])
            .collect();
        Self { pads, triples, products: schedule.products.clone() }
    }

    /// The committed cells, in the order that [`super::PadLayout`] fixes.
    #[must_use]
    pub fn cells(&self) -> Vec<F> {
        let atoms = self.pads.iter().chain(self.triples.iter().flatten());
        atoms.flat_map(|&v| coordinates(v)).collect()
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        wipe(&mut self.pads);
        wipe(self.triples.as_flattened_mut());
    }
}

/// Overwrites witness values with zeros, in a way that the compiler keeps.
pub fn wipe<T: Default>(values: &mut [T]) {
    for v in values.iter_mut() {
        *v = T::default();
    }
    core::hint::black_box(values);
}

/// Sends hidden values minus their pads over a transcript.
pub struct Masker<'a> {
    transcript: &'a mut Transcript,
    secrets: Secrets,
    sent: Vec<E>,
    #[cfg(feature = "testing")]
    dishonest: bool,
}

impl<'a> Masker<'a> {
    /// Starts the prover's interactive part; the secrets are committed already and serve this proof alone.
    pub fn new(transcript: &'a mut Transcript, secrets: Secrets) -> Self {
        Self {
            transcript,
            secrets,
            sent: Vec::new(),
            #[cfg(feature = "testing")]
            dishonest: false,
        }
    }

    /// For tests of the verifier: a prover that goes on where its own sums show that the relation is false.
    #[cfg(feature = "testing")]
    pub const fn go_on_dishonestly(&mut self) {
        self.dishonest = true;
    }

    /// Always false in an ordinary build.
    #[cfg_attr(not(feature = "testing"), allow(clippy::unused_self))]
    pub(crate) const fn is_dishonest(&self) -> bool {
        #[cfg(feature = "testing")]
        return self.dishonest;
        #[cfg(not(feature = "testing"))]
        return false;
    }

    /// Opens a sub-protocol.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn begin(&mut self, label: &[u8]) {
        self.transcript.begin(label);
    }

    /// Sends one hidden value, minus the next pad.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn send(&mut self, value: E) {
        let masked = value - self.secrets.pads[self.sent.len()];
        self.sent.push(masked);
        self.transcript.absorb_message(masked);
    }

    /// Draws a challenge.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn challenge(&mut self) -> E {
        self.transcript.challenge()
    }

    /// Draws a point.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn point(&mut self, n: usize) -> Vec<E> {
        self.transcript.point(n)
    }

    /// Opens the sacrifices and returns what the proof carries.
    ///
    /// # Panics
    /// If a pad was left over: the prover's messages differ from the statement's schedule.
    #[must_use]
    pub fn finish(self) -> MaskedMessages {
        assert_eq!(self.sent.len(), self.secrets.pads.len(), "every pad serves exactly one message");
        self.transcript.begin(b"tacit/sacrifice/v1");
        let z = self.transcript.challenge();
        let s = &self.secrets;
        let sacrifices: Vec<[E; 2]> =
            s.products.iter().zip(&s.triples).map(|(&(i, j), t)| [z * s.pads[i] - t[1], s.pads[j] - t[2]]).collect();
        MaskedMessages { messages: self.sent, sacrifices }
    }
}
