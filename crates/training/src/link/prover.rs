//! Proves a link over two trees, and checks the proof before it leaves.
use super::relation::LABEL;
use super::rows_prover::{RowsDiffer, RowsWitness};
use super::{LINK_VERSION, LinkProof, LinkRejected, LinkRelation, LinkStatement, Linked, RowRelation};
use crate::record::RecordError;
use alloc::vec::Vec;
use tacit_argument::entropy::{Entropy, EntropyFailed};
use tacit_argument::field::F;
use tacit_argument::hiding::Masker;
use tacit_argument::lookup::LookupError;
use tacit_argument::opening::LongLived;
use tacit_argument::proof::{ArgumentError, ProveError, RelationProof, Witnessed, check, plan, prove};

/// No link; details stay with the owner.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No verifier would accept the statement.
    #[error(transparent)]
    Rejected(#[from] LinkRejected),
    /// The trees given are not those of the records, or hold different contents.
    #[error("the two trees are not those of the commitments, or hold different contents: {0}")]
    OtherContent(ArgumentError),
    /// The rows are not related as claimed.
    #[error(transparent)]
    Rows(#[from] RowsDiffer),
    /// Rows without the payloads, or payloads for what is compared cell by cell.
    #[error("a relation of rows is proven with the payloads, a link without")]
    NoPayload,
    /// The argument refused.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
}

impl From<RecordError> for LinkError {
    fn from(e: RecordError) -> Self {
        Self::Rejected(e.into())
    }
}

/// What a link costs.
#[derive(Clone, Copy, Debug)]
pub struct LinkPlan {
    /// Rows that the proof opens of each of its trees.
    pub rows_per_proof: usize,
}

impl Witnessed for LinkRelation<'_> {
    type Relation = Self;
    fn relation(&self) -> &Self {
        self
    }
    fn send(&self, m: &mut Masker<'_>, _: &[F]) -> Result<(), LookupError> {
        m.begin(LABEL);
        self.hear(m);
        Ok(())
    }
}

/// Proves the relation of a statement, which may be false, by a witness over two trees and a trace without pads.
pub(super) fn argue(
    statement: &LinkStatement,
    witness: &impl Witnessed,
    columns: Vec<F>,
    trees: [&LongLived; 2],
    vault_secret: &[u8; 32],
) -> Result<RelationProof, LinkError> {
    let digest = statement.digest()?;
    let entropy = Entropy::fresh(vault_secret, &digest)?;
    let others: Vec<_> = trees.into_iter().zip(statement.linked.committed()?).collect();
    Ok(prove(LABEL, &digest, witness, statement.linked.rate(), columns, &others, entropy)?)
}

/// How many rows of both trees the proof will open.
///
/// # Errors
/// [`LinkError::Rejected`] for records that cannot be linked; no parameters fit.
pub fn plan_link(linked: &Linked) -> Result<LinkPlan, LinkError> {
    linked.validate().map_err(LinkRejected::from)?;
    let relation = LinkRelation::new(linked)?;
    let shapes = linked.committed()?.map(|c| c.shape);
    let plan = plan(&relation, linked.rate(), &shapes).map_err(ProveError::from)?;
    Ok(LinkPlan { rows_per_proof: plan.opening.queries() })
}

/// Proves that two commitments hold the same content; `trees` are those of its records, in their order.
///
/// Guarantees: a proof that is returned verifies.
///
/// # Errors
/// [`LinkError`]: records that cannot be linked, other trees, other contents.
pub fn prove_link(linked: Linked, trees: [&LongLived; 2], vault_secret: &[u8; 32]) -> Result<LinkProof, LinkError> {
    if matches!(linked, Linked::Rows { .. }) {
        return Err(LinkError::NoPayload);
    }
    let statement = stated(linked)?;
    let proof = argue(&statement, &LinkRelation::new(&statement.linked)?, Vec::new(), trees, vault_secret)?;
    checked(statement, proof)
}

/// Proves how the rows of two data sets are related; `payloads` are those behind the trees. Of disjoint data sets the
/// nonce is the first from the one given on under which no different rows meet.
///
/// Guarantees: a proof that is returned verifies.
///
/// # Errors
/// [`LinkError`]: records that cannot be related, rows that are not, other trees or payloads.
pub fn prove_rows(
    mut linked: Linked,
    trees: [&LongLived; 2],
    payloads: [&[F]; 2],
    vault_secret: &[u8; 32],
) -> Result<LinkProof, LinkError> {
    linked.validate().map_err(LinkRejected::from)?;
    let columns = loop {
        let relation = LinkRelation::new(&linked)?;
        let Some(places) = relation.rows() else { return Err(LinkError::NoPayload) };
        match places.columns(payloads) {
            Ok(columns) => break columns,
            Err(RowsDiffer::Collision) => {}
            Err(e) => return Err(e.into()),
        }
        if let Linked::Rows { relation: RowRelation::Disjoint { nonce }, .. } = &mut linked {
            *nonce = nonce.wrapping_add(1);
        }
    };
    let statement = stated(linked)?;
    let relation = LinkRelation::new(&statement.linked)?;
    let proof = argue(&statement, &RowsWitness { relation, payloads }, columns, trees, vault_secret)?;
    checked(statement, proof)
}

fn stated(linked: Linked) -> Result<LinkStatement, LinkError> {
    linked.validate().map_err(LinkRejected::from)?;
    Ok(LinkStatement { version: LINK_VERSION, linked })
}

/// A proof that verifies: other trees than the records' are found here.
fn checked(statement: LinkStatement, proof: RelationProof) -> Result<LinkProof, LinkError> {
    let relation = LinkRelation::new(&statement.linked)?;
    let (vectors, rate) = (statement.linked.committed()?, statement.linked.rate());
    check(LABEL, &statement.digest()?, &relation, rate, &vectors, &proof).map_err(LinkError::OtherContent)?;
    drop(relation);
    Ok(LinkProof { statement, proof })
}
