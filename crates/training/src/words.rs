//! A verdict in words: what a proof shows, and beside it what it does not.
use crate::config::{Activation, Loss, Order, RunConfig};
use crate::record::{DataRecord, Labels};
use crate::release::{Override, ReleaseStatement};
use crate::run::RunVerdict;
use crate::statement::{Origin, RunStatement, Start};
use crate::verify::Held;
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

/// A verified run, and what the verifier held beside it.
#[must_use]
pub fn run_words(statement: &RunStatement, verdict: &RunVerdict, held: &Held<'_>) -> Words {
    let c = &statement.config;
    let mut shown = alloc::vec![format!(
        "The model behind commitment {} is exactly what {} steps of SGD give on the data behind commitment {}.",
        hex(&verdict.model_digest),
        c.schedule.total_steps,
        hex(&verdict.data_digest)
    )];
    if let Some(average) = c.schedule.average {
        shown.push(format!("It is the mean of the weights after each of the last {average} steps."));
    }
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
            shown.push(format!(
                "It starts from public weights, which the verifier drew itself from a seed ({}).",
                origin_words(origin, held)
            ));
            chosen(origin, "initial weights", held, &mut not_shown);
        }
    }
    match (&c.order, &statement.order_origin) {
        (Order::Contiguous, _) => {
            shown.push("Rows are read in the order of the commitment, in every epoch.".to_string())
        }
        (Order::Shuffled { seed }, origin) => {
            let words = origin.as_ref().map_or_else(String::new, |o| origin_words(o, held));
            shown.push(format!("Rows are shuffled in every epoch by the public seed {} ({words}).", hex(seed)));
            if let Some(o) = origin {
                chosen(o, "order", held, &mut not_shown);
            }
        }
    }
    declaration(statement, held, &mut shown, &mut not_shown);
    let mut released = statement.data.released.clone();
    released.extend(statement.released.iter().filter(|t| !statement.data.released.contains(t)).cloned());
    if !released.is_empty() {
        shown.push(quoted(&released));
    }
    if held.data.is_none() {
        not_shown.push("that the data commitment is valid: no commitment file was given".to_string());
    }
    not_shown.push("who collected the data, and whether it is true".to_string());
    not_shown.push("how good the model is".to_string());
    Words { shown, not_shown }
}

/// Every rate, filter entry and decay factor of a run: more than a verdict needs, for those who inspect it.
#[must_use]
pub fn schedule_words(c: &RunConfig) -> Vec<String> {
    let s = &c.schedule;
    let spans = s.rates.iter().map(|r| format!("{} for {} steps", r.rate, r.steps));
    let mut out = alloc::vec![format!("Integer learning rates: {}.", listed(spans))];
    if s.momentum() {
        let taps = listed(s.filter.iter().map(ToString::to_string));
        out.push(format!("Momentum filter, in units of 2^-{}: {taps}.", c.scales.kappa));
    }
    if let Some(d) = &s.decay {
        let factors = listed(d.numerators.iter().map(ToString::to_string));
        out.push(format!("Factors on the weights at the end of each chunk, in units of 2^-{}: {factors}.", d.bits));
    }
    if let Some(n) = &c.norms {
        out.push(format!(
            "Over the rows of a chunk, squares of a hidden unit's value sum to less than 2^{}, of its gradient to less \
             than 2^{}.",
            i64::from(n.z) - 2 * i64::from(c.scales.fa),
            i64::from(n.q) - 2 * i64::from(c.scales.fg)
        ));
    }
    if let Some(bits) = c.carry_bits {
        let power = i64::from(bits) - 1 - i64::from(c.scales.fw);
        out.push(format!("At the end of a chunk no weight is beyond 2^{power} in absolute value."));
    }
    out
}

/// Most entries of a list that are printed.
const LISTED: usize = 1000;

fn listed(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(LISTED);
    let mut out = all.take(LISTED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        out.push_str(&format!(" and {more} more"));
    }
    out
}

/// What was fixed before a nonce that came from outside, or what the verifier held of it in any case.
fn declaration(statement: &RunStatement, held: &Held<'_>, shown: &mut Vec<String>, not_shown: &mut Vec<String>) {
    if held.declaration.is_none() && !statement.is_declared() {
        return;
    }
    let digest = statement.declaration().map_or_else(|_| String::new(), |d| hex(&d));
    if held.declaration.is_some() {
        shown.push(format!(
            "Data, start, configuration and origins of the seeds are those of declaration {digest}, which you held."
        ));
    } else {
        shown.push(format!(
            "The seeds bind declaration {digest} of data, start, configuration and origins, besides their nonces."
        ));
    }
    if statement.is_declared() && held.declaration.is_none() {
        not_shown.push(format!(
            "that declaration {digest} was fixed before the nonces were known: compare it with what you held"
        ));
    }
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
fn chosen(origin: &Origin, what: &str, held: &Held<'_>, out: &mut Vec<String>) {
    match origin {
        Origin::Prover { .. } => {
            out.push(format!("that the {what} was not chosen to please: the prover picked the seed"))
        }
        Origin::Verifier { .. } if held.nonce.is_some() => {}
        Origin::Verifier { .. } => {
            out.push(format!("that a verifier issued the nonce of the {what}: it is as declared and unchecked"));
        }
        Origin::Beacon { .. } => {
            out.push(format!("that the beacon of the {what} gave this output in this round: compare it"))
        }
    }
}

fn origin_words(origin: &Origin, held: &Held<'_>) -> String {
    match origin {
        Origin::Prover { nonce } => format!("nonce {nonce}, chosen by the prover"),
        Origin::Verifier { nonce } if held.nonce.is_some() => format!("nonce {}, the one that you issued", hex(nonce)),
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
    let partial = match (s.drop_last, s.steps_per_epoch() as u64 * u64::from(s.batch) != u64::from(s.rows)) {
        (true, true) => ", partial batches dropped",
        (false, true) => ", the gradient of a partial batch scaled up to a full one's",
        (_, false) => "",
    };
    let more = if s.rates.len() > 4 { format!(" and {} more spans", s.rates.len() - 4) } else { String::new() };
    format!(
        "Batches of {} rows of {}{partial}; integer learning rates {}{more}, in units of 2^{} per unit of summed gradient{}{}.",
        s.batch,
        s.rows,
        rates.join(", "),
        i64::from(c.scales.fa) + i64::from(c.scales.fg) + i64::from(c.scales.omega) - i64::from(c.scales.fw),
        momentum(c),
        decay(c)
    )
}

/// The whole filter is for those who inspect; its sum is what a lasting gradient comes to.
fn momentum(c: &RunConfig) -> String {
    let filter = &c.schedule.filter;
    if !c.schedule.momentum() {
        return String::new();
    }
    let sum = filter.iter().fold(0i64, |sum, &d| sum.saturating_add(d));
    format!(
        "; {} by a public filter of {} entries that sum to {sum}, in units of 2^-{}, from 0",
        if c.schedule.nesterov { "Nesterov momentum" } else { "momentum" },
        filter.len(),
        c.scales.kappa
    )
}

/// The range of the factors: a small one undoes what the chunks before it did.
fn decay(c: &RunConfig) -> String {
    let Some(decay) = &c.schedule.decay else { return String::new() };
    let (least, most) = (decay.numerators.iter().min(), decay.numerators.iter().max());
    format!(
        "; at the end of every {} steps and of the run the weights are multiplied by public factors from {} to {}, in \
         units of 2^-{}",
        c.schedule.chunk_steps,
        least.copied().unwrap_or(0),
        most.copied().unwrap_or(0),
        decay.bits
    )
}
