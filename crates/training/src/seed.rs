//! A public seed is H(purpose, origin, what was fixed before the origin's nonce could be known).
//!
//! A prover's own nonce can be tried at will, so that binding more than data and architecture would say nothing. A
//! verifier's nonce and a beacon's output come later than the *declaration*: data, start, configuration and announced
//! origins. Whoever held its digest before the nonce knows that none of them was chosen by what the seed gave.
use crate::canonical::{NoEncoding, digest};
use crate::config::{Order, RunConfig};
use crate::record::{RecordError, check_texts};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Where a public seed comes from, hence what it proves about who chose it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The prover chose it: "for some order".
    Prover {
        /// The prover's number.
        nonce: u64,
    },
    /// The verifier issued the nonce after it held the declaration.
    Verifier {
        /// The verifier's nonce.
        nonce: [u8; 32],
    },
    /// A public beacon's round, later than dated evidence of the declaration.
    Beacon {
        /// Name of the beacon.
        name: String,
        /// Round number.
        round: u64,
        /// The round's output.
        output: [u8; 32],
    },
}

/// What is known of an origin before its nonce is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Announced {
    /// The prover's nonce, known from the beginning.
    Prover {
        /// The prover's number.
        nonce: u64,
    },
    /// A nonce that a verifier will issue.
    Verifier,
    /// The output of a beacon's round to come: which one is fixed.
    Beacon {
        /// Name of the beacon.
        name: String,
        /// Round number.
        round: u64,
    },
}

impl Origin {
    /// The origin without what comes later.
    #[must_use]
    pub fn announced(&self) -> Announced {
        match self {
            Self::Prover { nonce } => Announced::Prover { nonce: *nonce },
            Self::Verifier { .. } => Announced::Verifier,
            Self::Beacon { name, round, .. } => Announced::Beacon { name: name.clone(), round: *round },
        }
    }

    /// Whether somebody else than the prover gives the nonce, after the declaration.
    #[must_use]
    pub const fn is_later(&self) -> bool {
        !matches!(self, Self::Prover { .. })
    }

    /// A beacon's name is shown to readers.
    pub(crate) fn check(&self) -> Result<(), RecordError> {
        match self {
            Self::Beacon { name, .. } => check_texts("beacon", core::slice::from_ref(name), 1),
            Self::Prover { .. } | Self::Verifier { .. } => Ok(()),
        }
    }
}

/// The start of a declared run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeclaredStart {
    /// Hidden weights, committed before the nonce.
    Hidden {
        /// C of their record.
        digest: [u8; 32],
        /// Window of their range check.
        bits: u32,
    },
    /// Public weights from a seed.
    Seed {
        /// Its origin.
        origin: Announced,
    },
}

/// Everything about a run that is fixed before a nonce is issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// C of the data.
    pub data: [u8; 32],
    /// The start.
    pub start: DeclaredStart,
    /// Origin of the order, if it is shuffled by one.
    pub order: Option<Announced>,
    /// The configuration; the seed of a shuffled order is zero.
    pub config: RunConfig,
}

impl Declaration {
    /// The declaration of a run, whatever seed its configuration has.
    #[must_use]
    pub fn new(data: [u8; 32], start: DeclaredStart, order: Option<Announced>, config: &RunConfig) -> Self {
        let mut config = config.clone();
        if let Order::Shuffled { seed } = &mut config.order {
            *seed = [0; 32];
        }
        Self { data, start, order, config }
    }

    /// What a verifier holds before it issues a nonce.
    ///
    /// # Errors
    /// [`NoEncoding`], never for a configuration.
    pub fn digest(&self) -> Result<[u8; 32], NoEncoding> {
        digest("tacit/declaration/v1", self)
    }
}

/// The seed of a purpose. `declaration` is asked for where the origin binds it.
///
/// # Errors
/// What `declaration` returns, or [`NoEncoding`], never for a configuration.
pub fn seed<E: From<NoEncoding>>(
    purpose: &str,
    origin: &Origin,
    (data, config): (&[u8; 32], &RunConfig),
    declaration: impl FnOnce() -> Result<[u8; 32], E>,
) -> Result<[u8; 32], E> {
    let bound =
        if origin.is_later() { declaration()? } else { digest("tacit/setting/v1", &(data, &config.architecture))? };
    Ok(digest("tacit/seed/v2", &(purpose, origin, bound))?)
}
