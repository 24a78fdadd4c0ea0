//! The simulator of zero knowledge: a proof of any relation that the verifier accepts under a programmed oracle, made
//! from the statement alone.
//!
//! Uniform columns with real salts, y computed from them; uniform messages, d and e; gamma chosen first, mu what the
//! claim leaves, the oracle programmed at gamma only; honest WHIR on h. No type here holds a witness: the relation is a
//! [`Relation`], which the verifier has too. Source: protocol.md, section 5.7.
use super::{ArgumentError, Committed, Plan, Relation, RelationProof, claim, plan, start};
use crate::entropy::Entropy;
use crate::hiding::MaskedMessages;
use crate::opening::{LongLived, OpeningError, Pin, Trace, VectorShape, opening_simulated};
use crate::transcript::probe::{self, Mode, Program};
use alloc::vec::Vec;

/// A simulated proof, and the one answer of the oracle under which it verifies.
pub struct Simulated {
    /// The proof.
    pub proof: RelationProof,
    /// The point and its answer.
    pub program: Program,
}

/// A simulated long-lived commitment: uniform columns, real salts.
///
/// # Errors
/// The shape's variant.
pub fn simulate_commitment(
    shape: VectorShape,
    log_inv_rate: usize,
    entropy: &mut Entropy,
) -> Result<LongLived, OpeningError> {
    let payload = entropy.uniform("simulated payload", shape.capacity());
    let blocks = entropy.uniform("simulated blocks", shape.columns * shape.block);
    let salts = entropy.uniform("simulated salts", crate::opening::SALT << (shape.log_height + log_inv_rate));
    LongLived::with_randomness(shape, log_inv_rate, &payload, &blocks, salts)
}

/// Simulates a proof of a relation over simulated commitments.
///
/// # Errors
/// [`ArgumentError`] if no parameters fit.
pub fn simulate(
    label: &[u8],
    digest: &[u8; 32],
    relation: &impl Relation,
    log_inv_rate: usize,
    others: &[(&LongLived, Committed)],
    mut entropy: Entropy,
) -> Result<Simulated, ArgumentError> {
    let shapes: Vec<VectorShape> = others.iter().map(|(_, c)| c.shape).collect();
    let plan: Plan = plan(relation, log_inv_rate, &shapes)?;
    let columns = entropy.uniform("simulated trace", plan.opening.trace().capacity());
    let trace = Trace::commit(&plan.opening, columns, &mut entropy)?;
    let sacrifices = entropy.uniform_ext("simulated sacrifices", 2 * plan.schedule.products.len());
    let masked = MaskedMessages {
        messages: entropy.uniform_ext("simulated messages", plan.schedule.messages),
        sacrifices: sacrifices.chunks_exact(2).map(|c| [c[0], c[1]]).collect(),
    };
    let gamma = entropy.uniform_ext("simulated gamma", 1)[0];
    let conjugates = entropy.uniform_ext("simulated conjugates", 2);
    let mut roots: Vec<[u8; 32]> = others.iter().map(|(_, c)| c.root).collect();
    roots.push(trace.root());
    let trace_root = trace.root();
    let committed: Vec<&LongLived> = others.iter().map(|(v, _)| *v).collect();
    let pins: Vec<Pin> = others.iter().map(|(_, c)| c.pin.clone()).collect();
    let (simulated, _) = probe::with(Mode::Live, || {
        let mut transcript = start(label, digest, &plan, &roots)?;
        // sigma is whatever the verifier's own code makes of the messages.
        let claim = claim(relation, &mut transcript, &masked, roots.len())?;
        let opened = opening_simulated(
            &plan.opening,
            trace,
            &committed,
            claim,
            &pins,
            ([conjugates[0], conjugates[1]], gamma),
            &mut transcript,
        )?;
        Ok::<_, ArgumentError>(opened)
    });
    let (opening, point) = simulated?;
    Ok(Simulated { proof: RelationProof { trace_root, masked, opening }, program: Program::from([(point, gamma)]) })
}
