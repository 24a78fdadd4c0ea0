//! The prover's side: draws pads, commits the trace, sends the relation's messages, opens.
use super::{ArgumentError, Committed, Plan, Relation as _, RelationProof, claim, plan, start};
use crate::entropy::Entropy;
use crate::field::F;
use crate::hiding::{HidingError, Masker, Secrets, wipe};
use crate::lookup::LookupError;
use crate::opening::{LongLived, OpeningError, Pin, Trace, VectorShape, opening_proof};
use crate::transcript::RootAfterChallenge;
use alloc::vec::Vec;

/// A witness of a relation.
pub trait Witnessed {
    /// The relation, as the verifier has it too.
    type Relation: super::Relation;
    /// What is proven.
    fn relation(&self) -> &Self::Relation;
    /// Sends the relation's messages, given the trace's payload.
    ///
    /// # Errors
    /// [`LookupError`] if the witness does not satisfy the relation.
    fn send(&self, masker: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError>;
}

/// No proof: the witness does not satisfy the relation, or the parameters do not fit.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The witness violates a lookup.
    #[error(transparent)]
    Witness(#[from] LookupError),
    /// Parameters or shapes do not fit.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
}

impl From<OpeningError> for ProveError {
    fn from(e: OpeningError) -> Self {
        Self::Argument(e.into())
    }
}

impl From<HidingError> for ProveError {
    fn from(e: HidingError) -> Self {
        Self::Argument(e.into())
    }
}

impl From<RootAfterChallenge> for ProveError {
    fn from(e: RootAfterChallenge) -> Self {
        Self::Argument(e.into())
    }
}

/// Proves the relation of a witness. `columns` is the trace's payload without pads; `others` are the long-lived vectors as committed
/// and as the verifier knows them, in the order of their ids.
///
/// The randomness of this attempt is consumed: a retry needs fresh [`Entropy`].
///
/// # Errors
/// [`ProveError`] if the witness does not satisfy the relation or no parameters fit.
pub fn prove(
    label: &[u8],
    digest: &[u8; 32],
    witness: &impl Witnessed,
    log_inv_rate: usize,
    columns: Vec<F>,
    others: &[(&LongLived, Committed)],
    mut entropy: Entropy,
) -> Result<RelationProof, ProveError> {
    let relation = witness.relation();
    let shapes: Vec<VectorShape> = others.iter().map(|(_, c)| c.shape).collect();
    let plan: Plan = plan(relation, log_inv_rate, &shapes)?;
    let secrets = Secrets::draw(&plan.schedule, &mut entropy);
    let columns = payload(columns, relation.column_cells(), &secrets);
    let trace = Trace::commit(&plan.opening, columns.0.clone(), &mut entropy)?;
    let mut roots: Vec<[u8; 32]> = others.iter().map(|(_, c)| c.root).collect();
    roots.push(trace.root());
    let mut transcript = start(label, digest, &plan, &roots)?;
    let mut masker = Masker::new(&mut transcript, secrets);
    witness.send(&mut masker, &columns.0)?;
    let masked = masker.finish();
    drop(columns);

    // The claims are formed by the verifier's own code, over the messages just sent.
    let mut replay = start(label, digest, &plan, &roots)?;
    let claim = claim(relation, &mut replay, &masked, roots.len())?;
    let committed: Vec<&LongLived> = others.iter().map(|(v, _)| *v).collect();
    let pins: Vec<Pin> = others.iter().map(|(_, c)| c.pin.clone()).collect();
    let trace_root = trace.root();
    let opening = opening_proof(&plan.opening, trace, &committed, claim, &pins, &mut replay)?;
    Ok(RelationProof { trace_root, masked, opening })
}

/// Witness values, wiped whenever they are dropped: also where a witness turns out to be none.
struct Wiped(Vec<F>);

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The first `cells` cells of the columns, pads and triples; what held the columns is wiped.
fn payload(columns: Vec<F>, cells: usize, secrets: &Secrets) -> Wiped {
    let (columns, pads) = (Wiped(columns), Wiped(secrets.cells()));
    let mut out = Vec::with_capacity(cells + pads.0.len());
    out.extend(columns.0.iter().take(cells));
    out.extend(&pads.0);
    Wiped(out)
}
