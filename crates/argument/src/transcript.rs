//! The Fiat-Shamir transcript: one typed method per kind of message, every one under a versioned label.
//!
//! Prover, verifier and the shape-counting dry run drive the same methods in the same order.
use crate::field::{E, F};
use alloc::vec::Vec;
use p3_challenger::{CanObserve, FieldChallenger, HashChallenger, SerializingChallenger64};
use p3_field::PrimeCharacteristicRing;

#[cfg(feature = "testing")]
pub mod probe;

/// BLAKE3 over serialised field elements (hash suite 1).
pub type Blake3Challenger = SerializingChallenger64<F, HashChallenger<u8, p3_blake3::Blake3, 32>>;
/// The concrete challenger.
#[cfg(not(feature = "testing"))]
pub type Challenger = Blake3Challenger;
/// The concrete challenger, which tests may listen to.
#[cfg(feature = "testing")]
pub type Challenger = probe::Probed;

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
        let challenger = Blake3Challenger::from_hasher(LABEL.to_vec(), p3_blake3::Blake3 {});
        #[cfg(feature = "testing")]
        let challenger = probe::Probed::new(challenger, protocol);
        let mut t = Self { challenger, challenged: false };
        t.site("protocol", protocol);
        t.bytes(protocol);
        t.site("statement", &[]);
        t.bytes(statement);
        t
    }

    /// Names what is absorbed or drawn next, for tests that listen; nothing in an ordinary build.
    #[cfg_attr(feature = "testing", track_caller)]
    #[cfg_attr(not(feature = "testing"), allow(clippy::unused_self, clippy::missing_const_for_fn))]
    fn site(&mut self, kind: &'static str, label: &[u8]) {
        #[cfg(feature = "testing")]
        self.challenger.site(kind, label, core::panic::Location::caller());
        #[cfg(not(feature = "testing"))]
        let _ = (kind, label);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.challenger.observe(F::from_usize(bytes.len()));
        for chunk in bytes.chunks(4) {
            let word = chunk.iter().fold(0u32, |a, &b| (a << 8) | u32::from(b));
            self.challenger.observe(F::from_u32(word));
        }
    }

    /// Opens a sub-protocol: binds its versioned label.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn begin(&mut self, label: &[u8]) {
        self.site("begin", label);
        self.bytes(label);
    }

    /// Absorbs a commitment digest or Merkle root. Refused once a challenge was drawn: only WHIR's own roots
    /// come later, and those go through [`Transcript::challenger`].
    ///
    /// # Errors
    /// [`RootAfterChallenge`].
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn absorb_root(&mut self, digest: &[u8]) -> Result<(), RootAfterChallenge> {
        if self.challenged {
            return Err(RootAfterChallenge);
        }
        self.site("root", &[]);
        self.bytes(digest);
        Ok(())
    }

    /// Absorbs one message of the prover, in the clear or masked.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn absorb_message(&mut self, message: E) {
        self.site("message", &[]);
        self.challenger.observe_algebra_element(message);
    }

    /// Draws one challenge from E.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn challenge(&mut self) -> E {
        self.site("challenge", &[]);
        self.challenged = true;
        self.challenger.sample_algebra_element()
    }

    /// Draws a point of E^n.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn point(&mut self, n: usize) -> Vec<E> {
        // A loop, not an iterator: a closure has a place of its own, and tests record the caller's.
        let mut out = Vec::with_capacity(n);
        for _ in 0..n {
            out.push(self.challenge());
        }
        out
    }

    /// For tests: the next challenge of a probed transcript is `answer`; returns the point that this programs.
    #[cfg(feature = "testing")]
    pub fn program(&mut self, answer: E) -> [u8; 32] {
        self.challenger.program(answer)
    }

    /// The underlying challenger, for the opening's library calls alone.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn challenger(&mut self) -> &mut Challenger {
        self.site("library", &[]);
        self.challenged = true;
        &mut self.challenger
    }
}
