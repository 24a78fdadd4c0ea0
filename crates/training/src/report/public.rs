//! Reports on a public model: the verifier holds the weights and evaluates what a committed model's proof would open.
//!
//! The relation is a report's. The model is none of the vectors, so that nothing is opened of it and no budget is
//! charged: the claim `sum_v eq_v sum_j u_j W(v, j) = b` has a constant on its left, which the verifier computes from the
//! weights, at a cost linear in their number. The statement binds them by a digest, with the architecture, the scales and
//! the names of the tensors that a file holds them under. max |W|, which no run has to show, is the verifier's own count.
use super::relation::ReportRelation;
use super::statement::{Input, REPORT_VERSION, ReportStatement};
use super::{LABEL, ReportInvalid, ReportProof, ReportRejected, ReportVerdict};
use crate::canonical::digest;
use crate::config::{Architecture, ConfigError, Loss, MAX_WINDOW, Order, RunConfig, Scales, Schedule};
use crate::record::RecordError;
use crate::release::{LayerNames, NameError, ReleaseStatement, check_names};
use crate::statement::{MAX_CELLS, MAX_SLOTS, StatementError};
use crate::words::{Words, hex};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use tacit_argument::proof::{Committed, check};

#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
pub use prover::{PublicInput, PublicTrees, plan_public_report, prove_public_report};

/// log2 of the inverse rate of a proof in which no commitment says one.
pub const PUBLIC_RATE: u8 = 2;

/// A model whose weights everybody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicModel {
    /// Layers and loss; of these the windows of gradients mean nothing here.
    pub architecture: Architecture,
    /// Fractional bits of features and activations.
    pub fa: u32,
    /// Fractional bits of the weights.
    pub bits: u32,
    /// Public rows lie in [-2^(data_bits-1), 2^(data_bits-1)).
    pub data_bits: u32,
    /// What the tensors of each layer are called in a file of the model.
    pub names: Vec<LayerNames>,
    /// [`weights_digest`] of the weights.
    pub weights: [u8; 32],
}

/// The public model of a report is not the one that the verifier holds, or none at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicInvalid {
    /// A report on a public model names a run.
    #[error("the report is on a public model, yet names a run")]
    Run,
    /// Layers or scales that no model has.
    #[error("the public model: {0}")]
    Config(#[from] ConfigError),
    /// Names that no file could hold.
    #[error("the public model: {0}")]
    Names(#[from] NameError),
    /// The digest of the model is another.
    #[error("the digest of the model is not that of the public model which the report describes")]
    ModelDigest,
    /// Weights of another model.
    #[error("the public model has {expected} weights, the ones given are {got}")]
    WeightCount {
        /// By the architecture.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// Other weights than those of the report.
    #[error("the weights given are not those that the report is about")]
    OtherWeights,
    /// A second model, which a report on a public model has not.
    #[error("a report on a public model compares it with no other")]
    Comparison,
    /// The release is of a run with another architecture, or other scales.
    #[error("the {field} of the public model are not those of the run that the release is of")]
    OtherConfig {
        /// Which part.
        field: &'static str,
    },
    /// The release has other weights, names or bits.
    #[error("the release has other {field} than the public model")]
    OtherRelease {
        /// Which part.
        field: &'static str,
    },
}

/// The digest of weights, row-major layer by layer, the bias as the last row of its layer.
///
/// # Errors
/// [`StatementError::Encoding`], never for integers.
pub fn weights_digest(weights: &[i64]) -> Result<[u8; 32], StatementError> {
    Ok(digest("tacit/public-model/weights/v1", &weights)?)
}

impl PublicModel {
    /// What stands for the model in a report.
    ///
    /// # Errors
    /// [`StatementError::Encoding`], never for a decoded model.
    pub fn digest(&self) -> Result<[u8; 32], StatementError> {
        Ok(digest("tacit/public-model/v1", self)?)
    }

    /// The configuration that the forward pass is of: one step of one row that changes nothing. Refuses an invalid one.
    ///
    /// # Errors
    /// [`PublicInvalid`] naming the rule.
    pub fn config(&self) -> Result<RunConfig, PublicInvalid> {
        let config = RunConfig {
            architecture: self.architecture.clone(),
            scales: Scales { fa: self.fa, fg: self.fa, fw: self.bits, kappa: 0, omega: 0 },
            schedule: Schedule {
                rows: 1,
                batch: 1,
                drop_last: false,
                total_steps: 1,
                chunk_steps: 1,
                rates: Schedule::encode_rates(&[0]),
                filter: alloc::vec![1],
                nesterov: false,
                decay: None,
                average: None,
            },
            order: Order::Contiguous,
            data_bits: self.data_bits,
            target_bits: if self.architecture.loss == Loss::Mse { MAX_WINDOW } else { 0 },
            norms: None,
            carry_bits: None,
        };
        config.validate()?;
        check_names(&config, &self.names)?;
        Ok(config)
    }

    /// Whether these are the model's weights.
    pub(super) fn check_weights(&self, config: &RunConfig, weights: &[i64]) -> Result<(), ReportRejected> {
        let (expected, got) = (config.weight_count(), weights.len());
        if expected != got {
            return Err(PublicInvalid::WeightCount { expected, got }.into());
        }
        if weights_digest(weights)? != self.weights {
            return Err(PublicInvalid::OtherWeights.into());
        }
        Ok(())
    }

    /// Whether a verified release of a run with this configuration released this model.
    ///
    /// # Errors
    /// [`PublicInvalid`] naming what is another.
    pub fn check_released(&self, run: &RunConfig, release: &ReleaseStatement) -> Result<(), ReportRejected> {
        for (field, same) in [
            ("layers", self.architecture == run.architecture),
            ("fractional bits of activations", self.fa == run.scales.fa),
            ("bits of the features", self.data_bits == run.data_bits),
        ] {
            if !same {
                return Err(PublicInvalid::OtherConfig { field }.into());
            }
        }
        for (field, same) in [
            ("fractional bits", self.bits == release.bits),
            ("names", self.names == release.names),
            ("weights", self.weights == weights_digest(&release.weights)?),
        ] {
            if !same {
                return Err(PublicInvalid::OtherRelease { field }.into());
            }
        }
        Ok(())
    }
}

impl ReportStatement {
    /// log2 of the inverse rate of a proof about a public model: that of its data, of its outputs, or the usual one.
    fn public_rate(&self) -> u8 {
        match (&self.input, self.committed_outputs()) {
            (Input::Committed { data, .. }, _) => data.vector.log_inv_rate,
            (Input::Public { .. } | Input::Table { .. }, Some(outputs)) => outputs.vector.log_inv_rate,
            (Input::Public { .. } | Input::Table { .. }, None) => PUBLIC_RATE,
        }
    }

    /// The public model, if the statement says what one has to.
    pub(super) fn public_model(&self) -> Result<(&PublicModel, RunConfig), ReportRejected> {
        let Some(model) = &self.public else { return Err(ReportRejected::PublicModel { stated: false }) };
        if self.run_digest != [0; 32] {
            return Err(PublicInvalid::Run.into());
        }
        let config = model.config()?;
        if self.model_digest != model.digest()? {
            return Err(PublicInvalid::ModelDigest.into());
        }
        if self.against.is_some() {
            return Err(PublicInvalid::Comparison.into());
        }
        Ok((model, config))
    }
}

/// The relation of a statement about these public weights, all of whose rules hold, and log2 of the inverse rate.
///
/// # Errors
/// [`ReportRejected`] naming the rule.
pub fn public_relation<'a>(
    statement: &'a ReportStatement,
    weights: &'a [i64],
) -> Result<(ReportRelation<'a>, u8), ReportRejected> {
    let (model, config) = statement.public_model()?;
    model.check_weights(&config, weights)?;
    statement.check_comparisons()?;
    let largest = weights.iter().map(|w| w.unsigned_abs()).max().unwrap_or(0);
    let checked = statement.validate(&config, largest.into())?;
    let expected = statement.public_rate();
    if let Some(outputs) = statement.committed_outputs()
        && outputs.vector.log_inv_rate != expected
    {
        let got = outputs.vector.log_inv_rate;
        return Err(StatementError::Rate { which: "outputs", got, expected }.into());
    }
    let relation = ReportRelation::of_public(statement, checked, weights);
    let (slots, log_rows) = relation.size();
    if slots > MAX_SLOTS || (slots as u128) << log_rows > MAX_CELLS {
        return Err(ReportInvalid::TraceSize { rows: 1 << log_rows, slots }.into());
    }
    Ok((relation, expected))
}

/// The vectors of the proof: the data set if it is committed, then the outputs if they are.
pub(super) fn public_vectors(statement: &ReportStatement) -> Result<Vec<Committed>, RecordError> {
    let data = match &statement.input {
        Input::Committed { data, .. } => Some(data),
        Input::Public { .. } | Input::Table { .. } => None,
    };
    data.into_iter().chain(statement.committed_outputs()).map(|record| record.committed()).collect()
}

/// Verifies a report on a public model with these weights. The validity of the data record is verified apart, by
/// [`crate::validity`].
///
/// # Errors
/// [`ReportRejected`] naming the check.
pub fn verify_public_report(report: &ReportProof, weights: &[i64]) -> Result<ReportVerdict, ReportRejected> {
    let statement = &report.statement;
    if statement.version != REPORT_VERSION {
        return Err(ReportRejected::Version { got: statement.version });
    }
    let (relation, rate) = public_relation(statement, weights)?;
    let vectors = public_vectors(statement)?;
    let plan = check(LABEL, &statement.digest()?, &relation, rate.into(), &vectors, &report.proof)?;
    let data_digest = match &statement.input {
        Input::Committed { data, .. } => Some(data.digest()?),
        Input::Public { .. } | Input::Table { .. } => None,
    };
    let soundness = plan.soundness(&relation);
    let (model_digest, rows) = (statement.model_digest, relation.checked.rows);
    Ok(ReportVerdict { run_digest: statement.run_digest, model_digest, data_digest, rows, soundness })
}

/// What is said of a public model; `released` is whether a verified release and its run say where it comes from.
#[must_use]
pub fn public_words(model: &PublicModel, released: bool) -> Words {
    let layers = &model.architecture.layers;
    let widths = layers.iter().take(1).map(|l| l.inputs).chain(layers.iter().map(|l| l.outputs));
    let widths: Vec<_> = widths.map(|n| n.to_string()).collect();
    let mut shown = alloc::vec![format!(
        "The model is public: layers {}, weights of {} fractional bits whose digest is {}; a verifier holds them in a \
         file, and nothing of the model is opened.",
        widths.join("-"),
        model.bits,
        hex(&model.weights)
    )];
    let mut not_shown = Vec::new();
    if released {
        shown.push("These are the weights that the release is of.".to_string());
    } else {
        not_shown.push("that this model was trained by anybody: no release and run were given".to_string());
    }
    Words { shown, not_shown }
}
