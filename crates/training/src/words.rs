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

/// A number of things, the noun in the singular or with an s.
pub(crate) fn counted(n: impl Into<u64>, noun: &str) -> String {
    let n = n.into();
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A verified data commitment.
#[must_use]
pub fn data_words(record: &DataRecord, digest: &[u8; 32]) -> Words {
    let labels = match record.labels {
        Labels::Class { classes } => format!("one of {classes} classes"),
        Labels::Binary { outputs } => counted(outputs, "binary label"),
        Labels::Real { outputs, bits } => format!("{} of {bits} bits", counted(outputs, "real target")),
    };
    let mut shown = alloc::vec![
        format!(
            "Commitment {} is to a table of {} and {}.",
            hex(digest),
            counted(record.rows, "row"),
            counted(record.features, "feature")
        ),
        format!(
            "Every feature is an integer of {} bits ({} of them fractional); every row has {labels}.",
            record.data_bits, record.fa
        ),
    ];
    shown.extend(names(record));
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
        "The model behind commitment {} is exactly what {} of SGD on the data behind commitment {} lead to.",
        hex(&verdict.model_digest),
        counted(c.schedule.total_steps, "step"),
        hex(&verdict.data_digest)
    )];
    if let Some(average) = c.schedule.average {
        let order = match c.schedule.decay {
            Some(_) => "; the last factor of the weight decay multiplies that mean",
            None => "",
        };
        shown.push(format!("It is the mean of the weights after each of the last {average} steps{order}."));
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
    shown.extend(names(&statement.data));
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
    let spans = s.rates.iter().map(|r| format!("{} for {}", r.rate, counted(r.steps, "step")));
    let unit = i64::from(c.scales.fa) + i64::from(c.scales.fg) + i64::from(c.scales.omega) - i64::from(c.scales.fw);
    let mut out = alloc::vec![format!(
        "Integer learning rates, in units of 2^{unit} per unit of summed gradient: {}.",
        listed(spans)
    )];
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
            let were = if what.ends_with('s') { "were" } else { "was" };
            out.push(format!("that the {what} {were} not chosen to please: the prover picked the seed"))
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

/// Names that the owner published, quoted in the same way.
fn names(record: &DataRecord) -> Option<String> {
    let names = record.names.as_ref()?;
    let all = listed(names.iter().map(|n| format!("{n:?}")));
    Some(format!("The features are called, by the owner's word: {all}."))
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
    let rates: Vec<String> = s.rates.iter().take(4).map(|r| rate(c, r.rate, r.steps)).collect();
    let partial = match (s.drop_last, s.steps_per_epoch() as u64 * u64::from(s.batch) != u64::from(s.rows)) {
        (true, true) => ", partial batches dropped",
        (false, true) => ", the gradient of a partial batch scaled up to a full one's",
        (_, false) => "",
    };
    let more = match s.rates.len().saturating_sub(4) {
        0 => String::new(),
        spans => format!(" and {} more", counted(spans as u64, "span")),
    };
    format!(
        "Batches of {} of {}{partial}; learning rates {}{more}{}{}.",
        counted(s.batch, "row"),
        s.rows,
        rates.join(", "),
        momentum(c),
        decay(c)
    )
}

/// The rate of PyTorch's mean loss that an integer rate stands for: rho B 2^(fa+fg+omega-fw) / norm, where norm is 1,
/// 1/N or 2/N.
fn rate(c: &RunConfig, integer: i64, steps: u32) -> String {
    let outputs = c.architecture.layers.last().map_or(1, |l| u128::from(l.outputs.max(1)));
    let (times, halved) = match c.architecture.loss {
        Loss::CrossEntropy => (1, 0),
        Loss::BceWithLogits => (outputs, 0),
        Loss::Mse => (outputs, 1),
    };
    let numerator =
        u128::from(integer.unsigned_abs()).saturating_mul(u128::from(c.schedule.batch)).saturating_mul(times);
    let up = u64::from(c.scales.fa) + u64::from(c.scales.fg) + u64::from(c.scales.omega);
    let down = u64::from(c.scales.fw) + halved;
    format!("{} for {}", binary_fraction(numerator, up, down), counted(steps, "step"))
}

/// numerator 2^(up - down), as a decimal and, in brackets, as the exact fraction.
fn binary_fraction(numerator: u128, up: u64, down: u64) -> String {
    if numerator == 0 {
        return "0".to_string();
    }
    let zeros = u64::from(numerator.trailing_zeros());
    let (odd, up) = (numerator >> zeros, up + zeros);
    if let Some(power) = up.checked_sub(down) {
        let unit = u32::try_from(power).ok().and_then(|p| 1u128.checked_shl(p));
        let whole = unit.and_then(|unit| odd.checked_mul(unit));
        return whole.map_or_else(|| format!("{odd} * 2^{power}"), |whole| whole.to_string());
    }
    let power = down - up;
    match significant(odd, power) {
        Some(decimal) if power < 64 => format!("{decimal} ({odd}/{})", 1u64 << power),
        Some(decimal) => format!("{decimal} ({odd}/2^{power})"),
        None => format!("{odd}/2^{power}"),
    }
}

/// odd / 2^power to six significant digits, halves up; none where that takes wider integers.
fn significant(odd: u128, power: u64) -> Option<String> {
    let power = u32::try_from(power).ok().filter(|&p| p < 100)?;
    // The fewest decimals that leave six digits.
    for decimals in 0..40u32 {
        let scaled = odd.checked_mul(10u128.checked_pow(decimals)?)?;
        let exact = scaled.trailing_zeros() >= power;
        let rounded = (scaled >> power) + ((scaled >> (power - 1)) & 1);
        if exact || rounded >= 100_000 {
            let (unit, digits) = (10u128.checked_pow(decimals)?, decimals as usize);
            let text = format!("{}.{:0digits$}", rounded / unit, rounded % unit);
            return Some(text.trim_end_matches('0').trim_end_matches('.').to_string());
        }
    }
    None
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
        "; at the end of every {} and of the run the weights are multiplied by public factors from {} to {}, in \
         units of 2^-{}",
        counted(c.schedule.chunk_steps, "step"),
        least.copied().unwrap_or(0),
        most.copied().unwrap_or(0),
        decay.bits
    )
}
