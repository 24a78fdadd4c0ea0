//! The Fiat-Shamir transcript: one typed method per kind of message, every one under a versioned label.
//!
//! Prover, verifier and the shape-counting dry run drive the same methods in the same order.
use crate::field::{E, F};
use alloc::vec::Vec;
use p3_challenger::{CanObserve, FieldChallenger, HashChallenger, SerializingChallenger64};
use p3_field::PrimeCharacteristicRing;

/// The concrete challenger: BLAKE3 over serialised field elements (hash suite 1).
pub type Challenger = SerializingChallenger64<F, HashChallenger<u8, p3_blake3::Blake3, 32>>;

/// Version of the transcript; bound as its first message.
pub const LABEL: &[u8] = b"tacit/transcript/v1";

/// A running transcript. Not `Clone`: a fork would let one pad serve two messages.
pub struct Transcript {
    challenger: Challenger,
    challenged: bool,
}

/// What went wrong in the order of transcript calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commitment was absorbed after the first challenge")]
pub struct RootAfterChallenge;

impl Transcript {
    /// Starts a transcript for one protocol and one 32-byte statement digest.
    #[must_use]
    pub fn new(protocol: &[u8], statement: &[u8; 32]) -> Self {
        let challenger = Challenger::from_hasher(LABEL.to_vec(), p3_blake3::Blake3 {});
        let mut t = Self { challenger, challenged: false };
        t.bytes(protocol);
        t.bytes(statement);
        t
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.challenger.observe(F::from_usize(bytes.len()));
        for chunk in bytes.chunks(4) {
            let word = chunk.iter().fold(0u32, |a, &b| (a << 8) | u32::from(b));
            self.challenger.observe(F::from_u32(word));
        }
    }

    /// Opens a sub-protocol: binds its versioned label.
    pub fn begin(&mut self, label: &[u8]) {
        self.bytes(label);
    }

    /// Absorbs a commitment digest or Merkle root. Refused once a challenge was drawn: only WHIR's own roots
    /// come later, and those go through [`Transcript::challenger`].
    pub fn absorb_root(&mut self, digest: &[u8]) -> Result<(), RootAfterChallenge> {
        if self.challenged {
            return Err(RootAfterChallenge);
        }
        self.bytes(digest);
        Ok(())
    }

    /// Absorbs one message of the prover, in the clear or masked.
    pub fn absorb_message(&mut self, message: E) {
        self.challenger.observe_algebra_element(message);
    }

    /// Draws one challenge from E.
    pub fn challenge(&mut self) -> E {
        self.challenged = true;
        self.challenger.sample_algebra_element()
    }

    /// Draws a point of E^n.
    pub fn point(&mut self, n: usize) -> Vec<E> {
        (0..n).map(|_| self.challenge()).collect()
    }

    /// The underlying challenger, for the opening's library calls alone.
    pub fn challenger(&mut self) -> &mut Challenger {
        self.challenged = true;
        &mut self.challenger
    }
}
