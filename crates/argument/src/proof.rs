//! Proves "these committed vectors satisfy this relation": the whole argument for any [`Relation`].
//!
//! Order of messages: statement digest, roots of the long-lived vectors, root of the trace (pads, triples, mask
//! inside), the relation's masked messages, sacrifices, the batching challenge, the opening. No root but WHIR's own
//! follows the first challenge. The number of messages, pads and triples is the relation's alone: it is counted by a
//! dry run of the verifier.
use crate::field::E;
use crate::hiding::{Claim, HidingError, MaskedMessages, PadLayout, Reduction, Schedule};
use crate::opening::{
    OpeningConfig, OpeningError, OpeningProof, Pin, VectorShape, choose_among, opening_check, opening_lengths,
};
use crate::soundness::{ErrorTerm, SCHWARTZ_ZIPPEL, TARGET_BITS, algebraic, list_bits, total};
use crate::transcript::{RootAfterChallenge, Transcript};
use alloc::vec::Vec;

#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
pub use prover::{ProveError, Witnessed, prove};
#[cfg(feature = "testing")]
mod simulator;
#[cfg(feature = "testing")]
pub use simulator::{Simulated, simulate, simulate_commitment};

/// A system of linear, bilinear and lookup relations over committed vectors.
pub trait Relation {
    /// log2 of the widest slot that a functional reads in the trace.
    fn max_stride(&self) -> usize;
    /// Payload cells of the trace's columns; pads and triples follow.
    fn column_cells(&self) -> usize;
    /// The verifier's chain of claims. Must draw and receive a number of messages that no message influences.
    ///
    /// # Errors
    /// [`HidingError`] if the proof carries too few messages.
    fn check(&self, reduction: &mut Reduction<'_>) -> Result<(), HidingError>;
    /// log2 of the inverse of its share of 2^-128: the proof's error must stay below 2^-(128 + this) ([`crate::share`]).
    fn log_proofs(&self) -> usize;
    /// Error terms of the relation's own sumchecks and lookups, each multiplied by the 2^list_bits candidates that the
    /// first oracle leaves before its out-of-domain sample.
    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm>;
}

/// A long-lived vector as the verifier knows it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its shape.
    pub shape: VectorShape,
    /// Its Merkle root.
    pub root: [u8; 32],
    /// Its pinned out-of-domain evaluation.
    pub pin: Pin,
}

/// What a proof of a relation carries.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct RelationProof {
    /// Root of the tree of trace and mask.
    pub trace_root: [u8; 32],
    /// Messages minus pads, and the sacrifices.
    pub masked: MaskedMessages,
    /// The opening.
    pub opening: OpeningProof,
}

/// Everything that follows from the relation and the shapes alone.
pub struct Plan {
    /// Pads and triples.
    pub schedule: Schedule,
    /// The opening's parameters, the trace's shape among them.
    pub opening: OpeningConfig,
}

/// A proof of a relation was rejected, or its statement cannot be proven.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentError {
    /// The masked messages have another shape than the statement's.
    #[error(transparent)]
    Hiding(#[from] HidingError),
    /// The opening was rejected.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// A root came after a challenge.
    #[error(transparent)]
    Order(#[from] RootAfterChallenge),
    /// The error terms sum to more than the target.
    #[error("the error terms sum to 2^{log2:.2}, above 2^-{TARGET_BITS}")]
    Soundness {
        /// log2 of the sum.
        log2: f64,
    },
}

impl Plan {
    /// Every error term of a proof of the relation under this plan.
    #[must_use]
    pub fn soundness(&self, relation: &impl Relation) -> Vec<ErrorTerm> {
        let list = list_bits(self.opening.h(), self.opening.log_inv_rate());
        let mut terms = relation.soundness(list);
        // Three more for every product: its sacrifice.
        let claims = self.schedule.claims + 3 * self.schedule.products.len();
        terms.push(algebraic("sacrifice of the triples", self.schedule.products.len(), list, SCHWARTZ_ZIPPEL));
        terms.push(algebraic("batching of the linear claims", claims, list, SCHWARTZ_ZIPPEL));
        terms.extend(self.opening.soundness());
        terms
    }
}

/// Counts messages and chooses the opening's parameters.
///
/// # Errors
/// [`ArgumentError::Opening`] if no parameters fit the shapes.
pub fn plan(relation: &impl Relation, log_inv_rate: usize, shapes: &[VectorShape]) -> Result<Plan, ArgumentError> {
    let mut transcript = Transcript::new(b"tacit/dry-run/v1", &[0; 32]);
    let mut dry = Reduction::dry(&mut transcript);
    relation.check(&mut dry)?;
    let schedule = dry.schedule();
    let cells = relation.column_cells() + schedule.cells();
    let opening = choose_among(log_inv_rate, cells, relation.max_stride(), shapes, relation.log_proofs())?;
    let plan = Plan { schedule, opening };
    let log2 = total(&plan.soundness(relation));
    let target = -f64::from(TARGET_BITS) - relation.log_proofs() as f64;
    // Written so that NaN is refused.
    if log2 <= target { Ok(plan) } else { Err(ArgumentError::Soundness { log2 }) }
}

/// Starts the transcript: protocol, statement, derived integers, roots.
fn start(label: &[u8], digest: &[u8; 32], plan: &Plan, roots: &[[u8; 32]]) -> Result<Transcript, RootAfterChallenge> {
    let mut transcript = Transcript::new(label, digest);
    for v in plan.opening.parameters() {
        transcript.absorb_message(E::from(<crate::field::F as p3_field::PrimeCharacteristicRing>::from_u64(v)));
    }
    for root in roots {
        transcript.absorb_root(root)?;
    }
    Ok(transcript)
}

/// The claim that the relation comes to, over messages of a proof.
fn claim(
    relation: &impl Relation,
    transcript: &mut Transcript,
    masked: &MaskedMessages,
    vectors: usize,
) -> Result<Claim, HidingError> {
    let mut reduction = Reduction::new(transcript, masked);
    relation.check(&mut reduction)?;
    reduction.finish(PadLayout { first: relation.column_cells() }, vectors)
}

impl Plan {
    /// Compares every length in a proof with the plan's: a proof of another shape is rejected before anything is
    /// computed by the row.
    ///
    /// # Errors
    /// [`ArgumentError::Hiding`] or [`ArgumentError::Opening`] naming the length.
    pub fn check_lengths(&self, proof: &RelationProof) -> Result<(), ArgumentError> {
        proof.masked.check_lengths(&self.schedule)?;
        Ok(opening_lengths(&self.opening, &proof.opening)?)
    }
}

/// Verifies a proof of a relation over the trace and the long-lived vectors given; returns the plan that it followed.
///
/// # Errors
/// [`ArgumentError`] naming the check that failed.
pub fn check(
    label: &[u8],
    digest: &[u8; 32],
    relation: &impl Relation,
    log_inv_rate: usize,
    others: &[Committed],
    proof: &RelationProof,
) -> Result<Plan, ArgumentError> {
    let shapes: Vec<VectorShape> = others.iter().map(|c| c.shape).collect();
    let plan = plan(relation, log_inv_rate, &shapes)?;
    plan.check_lengths(proof)?;
    check_planned(label, digest, relation, plan, others, proof)
}

/// [`check`] under the relation's own [`plan`], with which the proof's lengths were compared.
///
/// # Errors
/// [`ArgumentError`] naming the check that failed.
pub fn check_planned(
    label: &[u8],
    digest: &[u8; 32],
    relation: &impl Relation,
    plan: Plan,
    others: &[Committed],
    proof: &RelationProof,
) -> Result<Plan, ArgumentError> {
    let mut roots: Vec<[u8; 32]> = others.iter().map(|c| c.root).collect();
    roots.push(proof.trace_root);
    let mut transcript = start(label, digest, &plan, &roots)?;
    roots.rotate_right(1);
    let claim = claim(relation, &mut transcript, &proof.masked, roots.len())?;
    let pins: Vec<Pin> = others.iter().map(|c| c.pin.clone()).collect();
    opening_check(&plan.opening, &roots, claim, &pins, &mut transcript, &proof.opening)?;
    Ok(plan)
}
