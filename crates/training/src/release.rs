//! Release of a run's final weights, rounded to a few fractional bits: "these integers are the rounding of the model
//! that the run ends with".
//!
//! With s = fw - bits, for every weight: `W_T + 2^(s-1) = 2^s W_rel + R` with R in [0, 2^s), so
//! `W_rel = rescale(W_T, s)` and the released weight is `W_rel / 2^bits`. Mod p the equation alone has other solutions
//! of size p / 2^s; the windows of [`verify_release`] leave one. A release is verified against the verdict on its
//! run: without a verified run nothing bounds W_T. Source: protocol.md, section 6.
//!
//! What released weights tell about the training rows is not this proof's affair: see [`release_rules`].
use crate::canonical::digest;
use crate::config::RunConfig;
use crate::record::{ModelRecord, RecordError};
use crate::run::RunVerdict;
use crate::statement::{RunStatement, StatementError};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use tacit_argument::field::P;
use tacit_argument::proof::{ArgumentError, RelationProof, check, plan};
use tacit_argument::soundness::ErrorTerm;

mod names;
#[cfg(feature = "prover")]
mod prover;
mod relation;
mod rules;
#[cfg(all(test, feature = "prover"))]
mod tests;

pub(crate) use names::check_names;
pub use names::{LayerNames, MAX_NAME, NameError};
#[cfg(feature = "prover")]
pub use prover::{ReleaseError, ReleaseInput, prove_release};
pub use relation::ReleaseRelation;
pub use rules::{Circumstances, Earlier, MIN_STEPS, Permit, ReleaseRefused, release_rules};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/release/v1";
/// Version of the release statement.
pub const RELEASE_VERSION: u16 = 1;
/// Fewest fractional bits of a release.
pub const MIN_BITS: u32 = 4;

/// Why the owner set the safety rules aside; the statement says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Override {
    /// The training data is public anyway.
    PublicData,
}

/// What a release is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStatement {
    /// [`RELEASE_VERSION`].
    pub version: u16,
    /// The run.
    pub run_digest: [u8; 32],
    /// C of the model behind the run's last chunk.
    pub model_digest: [u8; 32],
    /// Fractional bits of the released weights.
    pub bits: u32,
    /// W_rel of all weights and biases, layer by layer, row-major (the bias is the last row).
    pub weights: Vec<i64>,
    /// What the weights are called, layer by layer: without them, layers of one shape could change places in a file.
    pub names: Vec<LayerNames>,
    /// Whether, and why, the owner set the safety rules aside.
    pub exemption: Option<Override>,
}

impl ReleaseStatement {
    /// The public input of the proof.
    ///
    /// # Errors
    /// [`StatementError::Encoding`], never for a decoded statement.
    pub fn digest(&self) -> Result<[u8; 32], StatementError> {
        Ok(digest("tacit/release/v1", self)?)
    }
}

/// Rounded weights and their proof.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReleaseProof {
    /// What is proven, the weights among it.
    pub statement: ReleaseStatement,
    /// The argument.
    pub proof: RelationProof,
}

/// What a verified release establishes, given the verdict on its run.
#[derive(Clone, Debug)]
pub struct ReleaseVerdict {
    /// The run.
    pub run_digest: [u8; 32],
    /// C of the final model.
    pub model_digest: [u8; 32],
    /// Fractional bits of the released weights.
    pub bits: u32,
    /// Number of released weights and biases.
    pub weights: usize,
    /// Whether, and why, the owner set the safety rules aside.
    pub exemption: Option<Override>,
    /// Error terms of this proof; those of the run come on top.
    pub soundness: Vec<ErrorTerm>,
}

/// A release was rejected.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseRejected {
    /// Another version.
    #[error("the release has version {got}, this verifier reads {RELEASE_VERSION}")]
    Version {
        /// In the file.
        got: u16,
    },
    /// The run's statement and the run's verdict do not belong together.
    #[error("the statement given is not the one of the verified run")]
    OtherStatement,
    /// The release names another run.
    #[error("the release belongs to another run than the one verified")]
    OtherRun,
    /// The release names another model than the run's last: another run's, or that of a chunk inside the run.
    #[error("the release names a model that is not the one this run ends with")]
    NotFinalModel,
    /// The model record is not the one that the release names.
    #[error("the model record given is not the one that the run ends with")]
    OtherRecord,
    /// The model record is invalid.
    #[error("invalid model record: {0}")]
    Record(#[from] RecordError),
    /// The run's statement has no digest.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Too few or too many fractional bits.
    #[error("a release of {got} fractional bits is outside {MIN_BITS}..={fw}")]
    Bits {
        /// In the statement.
        got: u32,
        /// Fractional bits of the weights.
        fw: u32,
    },
    /// Not one integer per weight and bias.
    #[error("the model has {expected} weights and biases, the release {got}")]
    WeightCount {
        /// By the architecture.
        expected: usize,
        /// In the release.
        got: usize,
    },
    /// The final weights' bound leaves no room for the remainder.
    #[error("w_out + 2^s is about 2^{log2}, not below p/2: the rounding is not unique")]
    NoWrap {
        /// log2 of w_out + 2^s, rounded down.
        log2: u32,
    },
    /// A released weight that no weight of the run rounds to.
    #[error("released weight {index} is {got}, beyond {bound}")]
    WeightRange {
        /// Which weight.
        index: usize,
        /// Its value.
        got: i64,
        /// floor(w_out / 2^s) + 1.
        bound: u64,
    },
    /// The weights' names break a rule.
    #[error("invalid names: {0}")]
    Names(#[from] NameError),
    /// The argument does not verify.
    #[error("the release proof is rejected: {0}")]
    Argument(#[from] ArgumentError),
}

/// The weights at `bits` fractional bits, rounded half up; `W_rel / 2^bits` are the released weights.
#[must_use]
pub fn rounded_weights(config: &RunConfig, weights: &[i64], bits: u32) -> Vec<i64> {
    let s = config.scales.fw.saturating_sub(bits);
    weights.iter().map(|&w| i64::try_from(crate::rescale(w.into(), s).0).unwrap_or(i64::MAX)).collect()
}

/// Bits that the release drops, once width and windows of the released weights are checked.
fn check_weights(config: &RunConfig, w_out: u128, bits: u32, weights: &[i64]) -> Result<u32, ReleaseRejected> {
    let fw = config.scales.fw;
    if !(MIN_BITS..=fw).contains(&bits) {
        return Err(ReleaseRejected::Bits { got: bits, fw });
    }
    let expected = config.weight_count();
    if weights.len() != expected {
        return Err(ReleaseRejected::WeightCount { expected, got: weights.len() });
    }
    let s = fw - bits;
    let room = w_out.saturating_add(1 << s);
    if room.saturating_mul(2) >= u128::from(P) {
        return Err(ReleaseRejected::NoWrap { log2: room.ilog2() });
    }
    let bound = u64::try_from((w_out >> s) + 1).unwrap_or(u64::MAX);
    match weights.iter().enumerate().find(|(_, w)| w.unsigned_abs() > bound) {
        Some((index, &got)) => Err(ReleaseRejected::WeightRange { index, got, bound }),
        None => Ok(s),
    }
}

/// Verifies a release against the verdict on its run, the run's statement and the record of its last model.
///
/// # Soundness
/// `run` must come from [`crate::run::verify_run`]: its digests and its w_out are taken as facts. Then 2^s W_rel + R and
/// W_T + 2^(s-1) are equal mod p and differ by less than p, hence equal: W_rel is the rounding of the run's last model.
///
/// # Errors
/// [`ReleaseRejected`] naming the check.
pub fn verify_release(
    release: &ReleaseProof,
    run: &RunVerdict,
    run_statement: &RunStatement,
    model: &ModelRecord,
) -> Result<ReleaseVerdict, ReleaseRejected> {
    examine(release, run, run_statement, model, true)
}

/// What a release states about a run, with its argument left unchecked: for descriptions, never for a decision.
///
/// # Errors
/// [`ReleaseRejected`] if the release and what is stated of its run contradict each other.
pub fn stated(
    release: &ReleaseProof,
    run: &RunVerdict,
    run_statement: &RunStatement,
    model: &ModelRecord,
) -> Result<ReleaseVerdict, ReleaseRejected> {
    examine(release, run, run_statement, model, false)
}

fn examine(
    release: &ReleaseProof,
    run: &RunVerdict,
    run_statement: &RunStatement,
    model: &ModelRecord,
    argument: bool,
) -> Result<ReleaseVerdict, ReleaseRejected> {
    let statement = &release.statement;
    if statement.version != RELEASE_VERSION {
        return Err(ReleaseRejected::Version { got: statement.version });
    }
    if run_statement.digest()? != run.run_digest {
        return Err(ReleaseRejected::OtherStatement);
    }
    if statement.run_digest != run.run_digest {
        return Err(ReleaseRejected::OtherRun);
    }
    if statement.model_digest != run.model_digest {
        return Err(ReleaseRejected::NotFinalModel);
    }
    if model.digest()? != run.model_digest {
        return Err(ReleaseRejected::OtherRecord);
    }
    let config = &run_statement.config;
    model.validate(config)?;
    run_statement.check_rate("model", model.vector.log_inv_rate)?;
    let s = check_weights(config, run.w_out, statement.bits, &statement.weights)?;
    check_names(config, &statement.names)?;
    let relation = ReleaseRelation::new(config, s, &statement.weights);
    let rate = usize::from(run_statement.log_inv_rate);
    let vectors = [model.committed()?];
    let plan = if argument {
        check(LABEL, &statement.digest()?, &relation, rate, &vectors, &release.proof)?
    } else {
        plan(&relation, rate, &vectors.map(|v| v.shape))?
    };
    let soundness = plan.soundness(&relation);
    Ok(ReleaseVerdict {
        run_digest: run.run_digest,
        model_digest: run.model_digest,
        bits: statement.bits,
        weights: statement.weights.len(),
        exemption: statement.exemption,
        soundness,
    })
}
