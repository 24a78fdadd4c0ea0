//! The verifier's side of the masked argument: receives masked messages, draws challenges, collects claims.
use super::affine::{Affine, Cell};
use crate::field::E;
use crate::functional::{Low, LowId, VectorId, Weights};
use crate::transcript::Transcript;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

mod batch;
#[cfg(feature = "testing")]
mod clear;

use batch::Batch;

/// A value of the prover that the verifier knows as `sent + pad[index]`. Copyable: it may occur in many
/// expressions; its pad still serves one message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    index: usize,
    sent: E,
}

impl Message {
    /// The value as an affine expression.
    #[must_use]
    pub fn affine(self) -> Affine {
        Affine { constant: self.sent, pads: vec![(self.index, E::ONE)], ..Affine::default() }
    }
}

/// What a proof carries of the masked argument: messages minus pads, and the openings (d, e) of the sacrifice.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MaskedMessages {
    /// One element per message, in order.
    pub messages: Vec<E>,
    /// (d, e) per product, in order.
    pub sacrifices: Vec<[E; 2]>,
}

/// How many pads a statement needs, and which pairs of messages are multiplied: a function of the statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Number of messages, hence of pads.
    pub messages: usize,
    /// Message indices of each product's factors.
    pub products: Vec<(usize, usize)>,
    /// Linear claims, those of the sacrifices not among them.
    pub claims: usize,
}

impl Schedule {
    /// Cells that pads and triples take in the trace vector: 3 per pad; t, p', q', t' at 3 each per product.
    #[must_use]
    pub const fn cells(&self) -> usize {
        3 * self.messages + 12 * self.products.len()
    }
}

impl MaskedMessages {
    /// Compares the numbers of messages and sacrifices with a statement's, before anything is computed for them.
    ///
    /// # Errors
    /// What [`Reduction`] gives for them: [`HidingError::MessageMissing`], [`HidingError::MessageCount`] or
    /// [`HidingError::SacrificeCount`].
    pub fn check_lengths(&self, schedule: &Schedule) -> Result<(), HidingError> {
        let (expected, got) = (schedule.messages, self.messages.len());
        if got < expected {
            return Err(HidingError::MessageMissing { index: got, got });
        }
        if got > expected {
            return Err(HidingError::MessageCount { expected, got });
        }
        let (expected, got) = (schedule.products.len(), self.sacrifices.len());
        if expected == got { Ok(()) } else { Err(HidingError::SacrificeCount { expected, got }) }
    }
}

/// Where pads and triples stand in vector 0, in payload cells.
#[derive(Clone, Copy, Debug)]
pub struct PadLayout {
    /// First cell of the first pad; the triples follow the last pad.
    pub first: usize,
}

/// The argument's messages do not have the shape that the statement fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HidingError {
    /// The proof ended before the statement's last message.
    #[error("message {index} is missing: the proof carries {got}")]
    MessageMissing {
        /// Index of the missing message.
        index: usize,
        /// Messages in the proof.
        got: usize,
    },
    /// Message count differs from the statement's schedule.
    #[error("the statement fixes {expected} masked messages, the proof carries {got}")]
    MessageCount {
        /// From the statement.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Sacrifice count differs from the statement's schedule.
    #[error("the statement fixes {expected} products, the proof carries {got} sacrifices")]
    SacrificeCount {
        /// From the statement.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// A claim reads a vector that is not committed, or through a low part that is not registered.
    #[error("a claim reads slot {} of vector {} through low part {}, which does not exist", cell.slot, cell.vector, cell.low)]
    NoSuchCell {
        /// What it reads.
        cell: Cell,
    },
}

/// One linear functional over all committed vectors and the value it must have: the debt of the argument.
///
/// # Soundness
/// Paid by [`crate::opening`], which proves `sum_v <f_v, weights[v]> = value`.
#[must_use]
#[derive(Debug)]
pub struct Claim {
    /// One weight vector per committed vector.
    pub weights: Vec<Weights>,
    /// The value sigma.
    pub value: E,
}

enum Source<'a> {
    /// Counts only; every message reads as zero.
    Dry,
    Proof(&'a MaskedMessages),
}

/// The verifier's running state; see the module documentation.
pub struct Reduction<'a> {
    transcript: &'a mut Transcript,
    source: Source<'a>,
    received: Vec<E>,
    products: Vec<(usize, usize)>,
    lows: Vec<Low>,
    claims: Vec<Affine>,
}

impl<'a> Reduction<'a> {
    /// Reads the messages of a proof.
    pub fn new(transcript: &'a mut Transcript, messages: &'a MaskedMessages) -> Self {
        Self::from(transcript, Source::Proof(messages))
    }

    /// Counts messages and products of a statement; every message reads as zero.
    pub fn dry(transcript: &'a mut Transcript) -> Self {
        Self::from(transcript, Source::Dry)
    }

    fn from(transcript: &'a mut Transcript, source: Source<'a>) -> Self {
        Self { transcript, source, received: vec![], products: vec![], lows: vec![], claims: vec![] }
    }

    /// Whether this is a dry run, which only counts: the weights of low parts are never read.
    #[must_use]
    pub const fn is_dry(&self) -> bool {
        matches!(self.source, Source::Dry)
    }

    /// Opens a sub-protocol.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn begin(&mut self, label: &[u8]) {
        self.transcript.begin(label);
    }

    /// Receives the next masked message.
    ///
    /// # Errors
    /// [`HidingError::MessageMissing`] if the proof carries too few.
    #[cfg_attr(feature = "testing", track_caller)]
    pub fn receive(&mut self) -> Result<Message, HidingError> {
        let index = self.received.len();
        let sent = match self.source {
            Source::Dry => E::ZERO,
            Source::Proof(p) => {
                *p.messages.get(index).ok_or(HidingError::MessageMissing { index, got: p.messages.len() })?
            }
        };
        self.received.push(sent);
        self.transcript.absorb_message(sent);
        Ok(Message { index, sent })
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

    /// The product of two received messages, as an affine expression.
    pub fn product(&mut self, v: Message, w: Message) -> Affine {
        let k = self.products.len();
        self.products.push((v.index, w.index));
        Affine {
            constant: v.sent * w.sent,
            pads: vec![(w.index, v.sent), (v.index, w.sent)],
            products: vec![(k, E::ONE)],
            cells: vec![],
        }
    }

    /// Registers a low part that functionals of this reduction read through.
    pub fn low(&mut self, low: Low) -> LowId {
        self.lows.push(low);
        self.lows.len() - 1
    }

    /// A slot of a vector read through a registered low part.
    #[must_use]
    pub fn cell(&self, vector: VectorId, low: LowId, slot: usize) -> Cell {
        Cell { vector, low, slot }
    }

    /// Claims that an expression is zero.
    pub fn assert_zero(&mut self, expression: Affine) {
        self.claims.push(expression);
    }

    /// Ends a dry run: what the statement needs.
    #[must_use]
    pub fn schedule(self) -> Schedule {
        Schedule { messages: self.received.len(), products: self.products, claims: self.claims.len() }
    }

    /// Checks the sacrifice openings against the schedule and batches every claim into one.
    ///
    /// Draws z, absorbs all (d, e), draws the batching challenge: in that order, after every message.
    ///
    /// # Errors
    /// [`HidingError::MessageCount`] or [`HidingError::SacrificeCount`] if the proof has another shape;
    /// [`HidingError::NoSuchCell`] rather than a claim without one of its terms.
    pub fn finish(self, pads: PadLayout, vectors: usize) -> Result<Claim, HidingError> {
        let sacrifices: &[[E; 2]] = match self.source {
            Source::Dry => &[],
            Source::Proof(p) => {
                if p.messages.len() != self.received.len() {
                    return Err(HidingError::MessageCount { expected: self.received.len(), got: p.messages.len() });
                }
                &p.sacrifices
            }
        };
        if sacrifices.len() != self.products.len() {
            return Err(HidingError::SacrificeCount { expected: self.products.len(), got: sacrifices.len() });
        }
        let exists = |c: &Cell| c.vector < vectors && c.low < self.lows.len();
        if let Some(&(cell, _)) = self.claims.iter().flat_map(|e| &e.cells).find(|(c, _)| !exists(c)) {
            return Err(HidingError::NoSuchCell { cell });
        }
        self.transcript.begin(b"tacit/sacrifice/v1");
        let z = self.transcript.challenge();
        for [d, e] in sacrifices {
            self.transcript.absorb_message(*d);
            self.transcript.absorb_message(*e);
        }
        self.transcript.begin(b"tacit/batch/v1");
        let beta = self.transcript.challenge();
        let mut batch = Batch::new(&self, vectors);
        for claim in &self.claims {
            batch.add(claim, beta);
        }
        for (k, (&(i, j), &[d, e])) in self.products.iter().zip(sacrifices).enumerate() {
            batch.add_sacrifice(k, (i, j), z, [d, e], beta);
        }
        Ok(batch.finish(pads, self.lows))
    }
}
