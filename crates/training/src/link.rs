//! Links: "these two commitments hold the same content", for two data sets or two models, both hidden; or how the rows of
//! two data sets are related.
//!
//! A commitment may be opened by so many proofs and no more. A link leads from one that is used up to a fresh one, so
//! that what was proven of the first holds of the second: the content is the same. It opens both. Source: protocol.md,
//! sections 10.9 and 10.10.
use crate::canonical::digest;
use crate::record::{DataRecord, ModelRecord, RecordError};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use tacit_argument::proof::{ArgumentError, Committed, RelationProof, check, plan};
use tacit_argument::soundness::ErrorTerm;

#[cfg(feature = "prover")]
mod bezout;
mod chain;
mod invalid;
#[cfg(feature = "prover")]
mod prover;
mod relation;
mod rows;
#[cfg(feature = "prover")]
mod rows_prover;
#[cfg(all(test, feature = "prover"))]
mod tests;
mod words;

pub use chain::Links;
pub use invalid::LinkInvalid;
#[cfg(feature = "prover")]
pub use prover::{LinkError, LinkPlan, plan_link, prove_link, prove_rows};
pub use relation::{LABEL, LinkRelation};
#[cfg(feature = "prover")]
pub use rows_prover::RowsDiffer;
pub use words::{joined_words, link_words};

/// Version of the link statement.
pub const LINK_VERSION: u16 = 1;

/// How the rows of two tables are related. Two rows are equal if all of their features and labels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowRelation {
    /// Both have the same rows, each as often, in any order.
    Same,
    /// Every row of the first is one of the second.
    Subset,
    /// No row of the first is one of the second.
    Disjoint {
        /// The prover's: it picks public numbers, with any of which the statement is the same.
        nonce: u64,
    },
}

/// What is the same, or how rows are related. There is one in a link: its size is of no concern.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Linked {
    /// Two data sets with the same table.
    Data {
        /// The one before.
        first: DataRecord,
        /// The fresh one.
        second: DataRecord,
    },
    /// Two models with the same weights and, where they have one, the same velocity.
    Model {
        /// The one before.
        first: ModelRecord,
        /// The fresh one.
        second: ModelRecord,
    },
    /// Two data sets with related rows.
    Rows {
        /// How.
        relation: RowRelation,
        /// The first.
        first: DataRecord,
        /// The second.
        second: DataRecord,
    },
}

/// What a link states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatement {
    /// [`LINK_VERSION`].
    pub version: u16,
    /// The two commitments.
    pub linked: Linked,
}

/// A statement that two commitments hold the same content, and its proof.
#[derive(Clone, Serialize, Deserialize)]
pub struct LinkProof {
    /// What is proven.
    pub statement: LinkStatement,
    /// The argument.
    pub proof: RelationProof,
}

/// What a verified link establishes.
#[derive(Clone, Debug)]
pub struct LinkVerdict {
    /// C of the first commitment.
    pub first: [u8; 32],
    /// C of the second.
    pub second: [u8; 32],
    /// Error terms of this proof.
    pub soundness: Vec<ErrorTerm>,
}

/// A link was rejected.
#[derive(Debug, thiserror::Error)]
pub enum LinkRejected {
    /// Another version.
    #[error("the link has version {got}, this verifier reads {LINK_VERSION}")]
    Version {
        /// In the file.
        got: u16,
    },
    /// The statement breaks a rule.
    #[error(transparent)]
    Invalid(#[from] LinkInvalid),
    /// A digest cannot be computed, never for a decoded record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The argument does not verify.
    #[error("the link's proof is rejected: {0}")]
    Argument(#[from] ArgumentError),
}

impl Linked {
    /// C of both commitments.
    ///
    /// # Errors
    /// [`RecordError::Encoding`], never for decoded records.
    pub fn digests(&self) -> Result<[[u8; 32]; 2], RecordError> {
        Ok(match self {
            Self::Data { first, second } | Self::Rows { first, second, .. } => [first.digest()?, second.digest()?],
            Self::Model { first, second } => [first.digest()?, second.digest()?],
        })
    }

    /// The vectors of the proof, in the order of their ids.
    fn committed(&self) -> Result<[Committed; 2], RecordError> {
        Ok(match self {
            Self::Data { first, second } | Self::Rows { first, second, .. } => {
                [first.committed()?, second.committed()?]
            }
            Self::Model { first, second } => [first.committed()?, second.committed()?],
        })
    }

    /// log2 of the inverse rate that both trees have.
    fn rate(&self) -> usize {
        usize::from(match self {
            Self::Data { first, .. } | Self::Rows { first, .. } => first.vector.log_inv_rate,
            Self::Model { first, .. } => first.vector.log_inv_rate,
        })
    }
}

impl LinkStatement {
    /// The public input of the proof.
    ///
    /// # Errors
    /// [`RecordError::Encoding`], never for a decoded statement.
    pub fn digest(&self) -> Result<[u8; 32], RecordError> {
        Ok(digest("tacit/link/v1", self)?)
    }
}

/// Verifies a link. That a commitment to data is one of integers in their windows is verified apart, by
/// [`crate::validity`]: of one of the two it is enough.
///
/// # Errors
/// [`LinkRejected`] naming the check.
pub fn verify_link(link: &LinkProof) -> Result<LinkVerdict, LinkRejected> {
    examine(&link.statement, Some(&link.proof))
}

/// What a link states, with its argument left unchecked: for descriptions, never for a decision.
///
/// # Errors
/// [`LinkRejected`] if the statement contradicts itself.
pub fn stated(statement: &LinkStatement) -> Result<LinkVerdict, LinkRejected> {
    examine(statement, None)
}

fn examine(statement: &LinkStatement, proof: Option<&RelationProof>) -> Result<LinkVerdict, LinkRejected> {
    if statement.version != LINK_VERSION {
        return Err(LinkRejected::Version { got: statement.version });
    }
    statement.linked.validate()?;
    let relation = LinkRelation::new(&statement.linked)?;
    let (vectors, rate) = (statement.linked.committed()?, statement.linked.rate());
    let plan = match proof {
        Some(proof) => check(LABEL, &statement.digest()?, &relation, rate, &vectors, proof)?,
        None => plan(&relation, rate, &vectors.map(|v| v.shape))?,
    };
    let [first, second] = statement.linked.digests()?;
    Ok(LinkVerdict { first, second, soundness: plan.soundness(&relation) })
}
