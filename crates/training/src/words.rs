//! A verdict in words: what a proof shows, and beside it what it does not.
use crate::config::{Activation, Loss, Order, RunConfig};
use crate::record::{DataRecord, Labels};
use crate::release::{Override, ReleaseStatement};
use crate::run::RunVerdict;
use crate::statement::{Origin, RunStatement, Start};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What is shown and what is not, a sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// What the proof establishes.
    pub shown: Vec<String>,
    /// What it leaves open.
    pub not_shown: Vec<String>,
}

impl Words {
    /// These words and then others; a sentence that both have stands once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.shown.extend(other.shown);
        let new = |s: &String| !self.not_shown.contains(s);
        let not_shown: Vec<String> = other.not_shown.into_iter().filter(new).collect();
        self.not_shown.extend(not_shown);
        self
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A verified data commitment.
#[must_use]
pub fn data_words(record: &DataRecord, digest: &[u8; 32]) -> Words {
    let labels = match record.labels {
        Labels::Class { classes } => format!("one of {classes} classes"),
        Labels::Binary { outputs } => format!("{outputs} binary label(s)"),
        Labels::Real { outputs, bits } => format!("{outputs} real target(s) of {bits} bits"),
    };
    let mut shown = alloc::vec![
        format!("Commitment {} is to a table of {} rows and {} features.", hex(digest), record.rows, record.features),
        format!(
            "Every feature is an integer of {} bits ({} of them fractional); every row has {labels}.",
            record.data_bits, record.fa
        ),
    ];
    if !record.released.is_empty() {
        shown.push(quoted(&record.released));
    }
    let not_shown = alloc::vec![
        "who collected the data, and whether it is true".to_string(),
        "that two commitments hold different data".to_string(),
    ];
    Words { shown, not_shown }
}

/// A verified run.
#[must_use]
pub fn run_words(statement: &RunStatement, verdict: &RunVerdict, data_checked: bool) -> Words {
    let c = &statement.config;
    let mut shown = alloc::vec![format!(
        "The model behind commitment {} is exactly what {} steps of SGD give on the data behind commitment {}.",
        hex(&verdict.model_digest),
        c.schedule.total_steps,
        hex(&verdict.data_digest)
    )];
    shown.push(architecture(c));
    shown.push(schedule(c));
    let mut not_shown = Vec::new();
    match &statement.start {
        Start::Hidden { record: _, bits } => {
            shown.push(format!(
                "It starts from the hidden weights behind commitment {}, each below 2^{} in absolute value.",
                verdict.start_digest.map_or_else(String::new, |d| hex(&d)),
                i64::from(*bits) - 1 - i64::from(c.scales.fw)
            ));
            not_shown.push("how the hidden initial weights were chosen: they may hold a model already".to_string());
        }
        Start::Seed { origin } => {
            shown.push(format!("It starts from public weights, drawn from a seed ({}).", origin_words(origin)));
            chosen(origin, "initial weights", &mut not_shown);
        }
    }
    match (&c.order, &statement.order_origin) {
        (Order::Contiguous, _) => {
            shown.push("Rows are read in the order of the commitment, in every epoch.".to_string())
        }
        (Order::Shuffled { seed }, origin) => {
            let words = origin.as_ref().map_or_else(String::new, origin_words);
            shown.push(format!("Rows are shuffled in every epoch by the public seed {} ({words}).", hex(seed)));
            if let Some(o) = origin {
                chosen(o, "order", &mut not_shown);
            }
        }
    }
    if !statement.released.is_empty() {
        shown.push(quoted(&statement.released));
    }
    if !data_checked {
        not_shown.push("that the data commitment is valid: no commitment file was given".to_string());
    }
    not_shown.push("who collected the data, and whether it is true".to_string());
    not_shown.push("how good the model is".to_string());
    Words { shown, not_shown }
}

/// A verified release; what its run shows is said by [`run_words`].
#[must_use]
pub fn release_words(release: &ReleaseStatement) -> Words {
    let mut shown = alloc::vec![format!(
        "The {} released weights and biases are the final weights of run {}, those behind model commitment {}, each \
         rounded to the nearest multiple of 2^-{} (halves up).",
        release.weights.len(),
        hex(&release.run_digest),
        hex(&release.model_digest),
        release.bits
    )];
    let mut not_shown = alloc::vec![
        "how much the weights tell about rows and labels: rounding limits it and does not bound it".to_string(),
    ];
    match release.exemption {
        Some(Override::PublicData) => {
            shown.push(
                "The owner set the safety rules of releases aside, declaring the training data public.".to_string(),
            );
        }
        None => not_shown.push("that the owner kept the safety rules of releases: no proof covers them".to_string()),
    }
    Words { shown, not_shown }
}

/// A safetensors file that was compared with a verified release.
#[must_use]
pub fn model_file_words(release: &ReleaseStatement, metadata: bool) -> Words {
    let tensors: usize = release.names.iter().map(|(_, bias)| 1 + usize::from(bias.is_some())).sum();
    let shown = alloc::vec![format!(
        "The model file holds exactly these weights: {tensors} float32 tensors under the names that the release gives \
         them, and no others."
    )];
    let not_shown = if metadata {
        alloc::vec!["the metadata of the model file: it is no part of the model".to_string()]
    } else {
        Vec::new()
    };
    Words { shown, not_shown }
}

/// Whose choice a seed was is nobody's proof: each origin leaves something for the reader to compare.
fn chosen(origin: &Origin, what: &str, out: &mut Vec<String>) {
    out.push(match origin {
        Origin::Prover { .. } => format!("that the {what} was not chosen to please: the prover picked the seed"),
        Origin::Verifier { .. } => {
            format!("that you issued the nonce of the {what}, and after you held the digests: compare it")
        }
        Origin::Beacon { .. } => {
            format!("that the beacon of the {what} gave this output in this round, after the digests: compare it")
        }
    });
}

fn origin_words(origin: &Origin) -> String {
    match origin {
        Origin::Prover { nonce } => format!("nonce {nonce}, chosen by the prover"),
        Origin::Verifier { nonce } => format!("nonce {}, which the prover says a verifier gave", hex(nonce)),
        Origin::Beacon { name, round, output } => {
            format!("output {}, which the prover says is round {round} of {name:?}", hex(output))
        }
    }
}

/// Words of the owner, quoted: control characters are escaped.
fn quoted(words: &[String]) -> String {
    let all: Vec<String> = words.iter().map(|w| format!("{w:?}")).collect();
    format!("Derived from the data and public, by the owner's word: {}.", all.join(", "))
}

fn architecture(c: &RunConfig) -> String {
    let widths: Vec<String> = c
        .architecture
        .layers
        .iter()
        .map(|l| {
            let activation = match l.activation {
                Activation::Identity => "",
                Activation::Relu => ", ReLU",
                Activation::Sigmoid => ", sigmoid",
                Activation::Tanh => ", tanh",
            };
            format!("Linear {}->{}{}{activation}", l.inputs, l.outputs, if l.bias { "" } else { " without bias" })
        })
        .collect();
    let loss = match c.architecture.loss {
        Loss::CrossEntropy => "cross-entropy",
        Loss::BceWithLogits => "binary cross-entropy with logits",
        Loss::Mse => "mean squared error",
    };
    format!("Architecture: {}; loss: {loss}; {} weights and biases.", widths.join("; "), c.weight_count())
}

fn schedule(c: &RunConfig) -> String {
    let s = &c.schedule;
    let rates: Vec<String> = s.rates.iter().take(4).map(|r| format!("{} for {} steps", r.rate, r.steps)).collect();
    let more = if s.rates.len() > 4 { format!(" and {} more spans", s.rates.len() - 4) } else { String::new() };
    format!(
        "Batches of {} rows of {}{}; integer learning rates {}{more}, in units of 2^{} per unit of summed gradient{}{}.",
        s.batch,
        s.rows,
        if s.drop_last { ", partial batches dropped" } else { "" },
        rates.join(", "),
        i64::from(c.scales.fa) + i64::from(c.scales.fg) + i64::from(c.scales.omega) - i64::from(c.scales.fw),
        match (s.momentum(), s.nesterov) {
            (true, false) => "; momentum by a public filter, from 0",
            (true, true) => "; Nesterov momentum by a public filter, from 0",
            (false, _) => "",
        },
        if s.decay.is_some() { "; the weights shrink by a public factor at the end of every chunk" } else { "" }
    )
}
