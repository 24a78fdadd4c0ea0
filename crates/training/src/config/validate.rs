//! The rules of a valid configuration, one error variant each.
use super::{
    Activation, Loss, MAX_BATCH, MAX_CHUNK_ROWS, MAX_CHUNK_STEPS, MAX_CHUNKS, MAX_DECAY_BITS, MAX_FILTER, MAX_LAYERS,
    MAX_NORM, MAX_RATE, MAX_ROWS, MAX_SCANNED, MAX_STEPS, MAX_WEIGHTS, MAX_WIDTH, MAX_WINDOW, RunConfig,
};
use core::ops::RangeInclusive;
use thiserror::Error;

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A verifier would work too long on it.
    #[error("{what}: {got}; at most {most} are possible")]
    Work {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        got: u64,
        /// Most of it.
        most: u64,
    },
    /// No layer, or too many.
    #[error("the model has {got} layers; between 1 and {most} are possible")]
    LayerCount {
        /// Layers given.
        got: usize,
        /// Most layers.
        most: usize,
    },
    /// A width of 0 or beyond the cap.
    #[error("layer {} has {name} = {got}; it must lie in 1..={most}", layer + 1)]
    Width {
        /// Layer, from 0.
        layer: usize,
        /// `inputs` or `outputs`.
        name: &'static str,
        /// Width given.
        got: u32,
        /// Largest width.
        most: u32,
    },
    /// A layer does not read what the one before it writes.
    #[error("layer {} has {got} inputs, but the layer before it has {expected} outputs", layer + 1)]
    LayerChain {
        /// Layer, from 0.
        layer: usize,
        /// Outputs of the layer before.
        expected: u32,
        /// Inputs given.
        got: u32,
    },
    /// The last layer must be linear.
    #[error("the last layer's activation must be Identity, not {got:?}: its non-linearity is in the loss")]
    LastActivation {
        /// Activation given.
        got: Activation,
    },
    /// Too many weights.
    #[error("the model has {got} weights; at most {most} are possible")]
    WeightCount {
        /// Weights of all layers.
        got: u64,
        /// Most weights.
        most: u64,
    },
    /// A softmax needs at least two classes, and at most 64 for its exponentials to keep 10 bits.
    #[error("cross-entropy over {got} outputs; between 2 and 64 are possible")]
    Classes {
        /// Outputs of the last layer.
        got: u32,
    },
    /// A window, scale or other small number is out of its range.
    #[error("{name} = {got} must lie in {least}..={most}")]
    Range {
        /// Field name.
        name: &'static str,
        /// Value given.
        got: u64,
        /// Smallest value.
        least: u64,
        /// Largest value.
        most: u64,
    },
    /// The gradient's scale must hold the activations', and squared-error gradients 31 bits.
    #[error("fg = {fg} must lie between fa = {fa} and fa + 14")]
    GradientScale {
        /// Fractional bits of activations.
        fa: u32,
        /// Fractional bits of gradients.
        fg: u32,
    },
    /// Chunks are powers of two.
    #[error("chunk_steps = {got} is not a power of two")]
    ChunkSteps {
        /// Steps given.
        got: u32,
    },
    /// A chunk's trace is too tall.
    #[error("a chunk has {got} rows (steps times padded batch); at most {most} are possible: lower chunk_steps")]
    ChunkRows {
        /// Rows.
        got: u64,
        /// Most rows.
        most: u64,
    },
    /// `drop_last` with fewer rows than a batch.
    #[error("an epoch of {rows} rows has no batch of {batch}, and drop_last leaves out the partial one")]
    EmptyEpoch {
        /// Rows of the data set.
        rows: u32,
        /// Batch size.
        batch: u32,
    },
    /// The rates do not cover the steps.
    #[error("the schedule has {got} learning rates for {expected} steps")]
    RateCount {
        /// Steps.
        expected: u32,
        /// Rates.
        got: u64,
    },
    /// Two neighbouring spans have one rate, or a span is empty: one schedule has one encoding.
    #[error("learning-rate span {span} is empty or repeats the rate of the span before it")]
    RateSpan {
        /// Which span.
        span: usize,
    },
    /// A rate out of range.
    #[error("integer learning rate {got} of span {span} must lie in 0..={most}")]
    Rate {
        /// Which span.
        span: usize,
        /// Rate given.
        got: i64,
        /// Largest rate.
        most: i64,
    },
    /// The filter's length.
    #[error("the momentum filter has {got} entries; between 1 and {most} are possible")]
    FilterLength {
        /// Entries.
        got: usize,
        /// Most entries.
        most: usize,
    },
    /// The newest gradient has weight 1.
    #[error("the momentum filter starts with {got}, not with 2^kappa = {expected}")]
    FilterStart {
        /// 2^kappa.
        expected: i64,
        /// First entry.
        got: i64,
    },
    /// A filter entry is negative or above 2^kappa, or the last one is 0.
    #[error("entry {index} of the momentum filter is {got}; entries lie in 0..=2^kappa and the last one is not 0")]
    FilterEntry {
        /// Which entry.
        index: usize,
        /// Its value.
        got: i64,
    },
    /// A decay without one numerator per chunk.
    #[error("weight decay needs one numerator per chunk, {expected}, and has {got}")]
    DecayCount {
        /// Chunks.
        expected: u32,
        /// Numerators.
        got: usize,
    },
    /// A numerator out of range.
    #[error("numerator {got} of the weight decay after chunk {chunk} must lie in 1..={most}")]
    Decay {
        /// Which chunk.
        chunk: usize,
        /// Numerator given.
        got: i64,
        /// 2^bits.
        most: i64,
    },
    /// The averaged steps are a power of two of at least 2, and all in the last chunk.
    #[error(
        "the mean of the last {got} steps: a power of two from 2 to the {most} steps of the last chunk is possible"
    )]
    Average {
        /// Steps given.
        got: u32,
        /// Steps of the last chunk.
        most: u32,
    },
    /// Nesterov's method reads the momentum filter.
    #[error("nesterov needs a momentum filter of at least 2 entries, this one has 1")]
    NesterovWithoutMomentum,
}

/// One [`ConfigError::Range`] check.
fn range(name: &'static str, got: u32, allowed: RangeInclusive<u32>) -> Result<(), ConfigError> {
    if allowed.contains(&got) {
        return Ok(());
    }
    let (least, most) = (u64::from(*allowed.start()), u64::from(*allowed.end()));
    Err(ConfigError::Range { name, got: u64::from(got), least, most })
}

impl RunConfig {
    /// Refuses a configuration that breaks a rule of `docs/arithmetic.md`.
    ///
    /// # Errors
    /// The first rule broken, with its numbers.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_layers()?;
        let s = &self.scales;
        range("fa", s.fa, 1..=14)?;
        range("fg", s.fg, 1..=20)?;
        if s.fg < s.fa || s.fg > s.fa + 14 {
            return Err(ConfigError::GradientScale { fa: s.fa, fg: s.fg });
        }
        range("fw", s.fw, 1..=46)?;
        range("kappa", s.kappa, 0..=16)?;
        range("omega", s.omega, 0..=20)?;
        range("data_bits", self.data_bits, 1..=MAX_WINDOW)?;
        let target = if self.architecture.loss == Loss::Mse { 1..=MAX_WINDOW } else { 0..=0 };
        range("target_bits", self.target_bits, target)?;
        self.validate_schedule()?;
        self.validate_rates()?;
        self.validate_filter()?;
        self.validate_decay()?;
        self.validate_average()?;
        if let Some(norms) = self.norms {
            range("norm bits of Z", norms.z, 1..=MAX_NORM)?;
            range("norm bits of Q", norms.q, 1..=MAX_NORM)?;
        }
        self.carry_bits.map_or(Ok(()), |bits| range("carry_bits", bits, 2..=48))
    }

    fn validate_average(&self) -> Result<(), ConfigError> {
        let Some(got) = self.schedule.average else { return Ok(()) };
        let most = self.chunks().checked_sub(1).map_or(0, |last| self.steps_in_chunk(last));
        if got < 2 || !got.is_power_of_two() || got > most {
            return Err(ConfigError::Average { got, most });
        }
        Ok(())
    }

    fn validate_layers(&self) -> Result<(), ConfigError> {
        let layers = &self.architecture.layers;
        if layers.is_empty() || layers.len() > MAX_LAYERS {
            return Err(ConfigError::LayerCount { got: layers.len(), most: MAX_LAYERS });
        }
        let (mut expected, mut weights) = (None, 0u64);
        for (l, layer) in layers.iter().enumerate() {
            for (name, got) in [("inputs", layer.inputs), ("outputs", layer.outputs)] {
                if got == 0 || got > MAX_WIDTH {
                    return Err(ConfigError::Width { layer: l, name, got, most: MAX_WIDTH });
                }
            }
            if let Some(outputs) = expected
                && outputs != layer.inputs
            {
                return Err(ConfigError::LayerChain { layer: l, expected: outputs, got: layer.inputs });
            }
            expected = Some(layer.outputs);
            range("z_bits", layer.z_bits, 2..=MAX_WINDOW)?;
            range("q_bits", layer.q_bits, 2..=MAX_WINDOW)?;
            weights += layer.k() as u64 * u64::from(layer.outputs);
        }
        if weights > MAX_WEIGHTS {
            return Err(ConfigError::WeightCount { got: weights, most: MAX_WEIGHTS });
        }
        if let Some(last) = layers.last() {
            if last.activation != Activation::Identity {
                return Err(ConfigError::LastActivation { got: last.activation });
            }
            if self.architecture.loss == Loss::CrossEntropy && !(2..=64).contains(&last.outputs) {
                return Err(ConfigError::Classes { got: last.outputs });
            }
        }
        Ok(())
    }

    fn validate_schedule(&self) -> Result<(), ConfigError> {
        let s = &self.schedule;
        range("rows", s.rows, 1..=MAX_ROWS)?;
        range("batch", s.batch, 1..=MAX_BATCH)?;
        range("total_steps", s.total_steps, 1..=MAX_STEPS)?;
        range("chunk_steps", s.chunk_steps, 1..=MAX_CHUNK_STEPS)?;
        if !s.chunk_steps.is_power_of_two() {
            return Err(ConfigError::ChunkSteps { got: s.chunk_steps });
        }
        let rows = u64::from(s.chunk_steps) * u64::from(self.padded_batch());
        if rows > MAX_CHUNK_ROWS {
            return Err(ConfigError::ChunkRows { got: rows, most: MAX_CHUNK_ROWS });
        }
        if self.chunks() > MAX_CHUNKS {
            return Err(ConfigError::Work { what: "chunks", got: self.chunks().into(), most: MAX_CHUNKS.into() });
        }
        let chunks = u64::from(self.chunks());
        let scanned = [
            ("rate spans times chunks", (s.rates.len() as u64).saturating_mul(chunks)),
            ("filter length times steps", (s.filter.len() as u64).saturating_mul(s.total_steps.into())),
        ];
        for (what, got) in scanned {
            if got > MAX_SCANNED {
                return Err(ConfigError::Work { what, got, most: MAX_SCANNED });
            }
        }
        if s.steps_per_epoch() == 0 {
            return Err(ConfigError::EmptyEpoch { rows: s.rows, batch: s.batch });
        }
        Ok(())
    }

    fn validate_rates(&self) -> Result<(), ConfigError> {
        let s = &self.schedule;
        let (mut count, mut before) = (0u64, None);
        for (span, x) in s.rates.iter().enumerate() {
            if x.steps == 0 || before == Some(x.rate) {
                return Err(ConfigError::RateSpan { span });
            }
            if !(0..=MAX_RATE).contains(&x.rate) {
                return Err(ConfigError::Rate { span, got: x.rate, most: MAX_RATE });
            }
            before = Some(x.rate);
            count = count.saturating_add(u64::from(x.steps));
        }
        if count != u64::from(s.total_steps) {
            return Err(ConfigError::RateCount { expected: s.total_steps, got: count });
        }
        Ok(())
    }

    fn validate_decay(&self) -> Result<(), ConfigError> {
        let Some(decay) = &self.schedule.decay else { return Ok(()) };
        range("decay bits", decay.bits, 1..=MAX_DECAY_BITS)?;
        let (expected, got) = (self.chunks(), decay.numerators.len());
        if usize::try_from(expected) != Ok(got) {
            return Err(ConfigError::DecayCount { expected, got });
        }
        let most = 1i64 << decay.bits;
        match decay.numerators.iter().enumerate().find(|(_, n)| !(1..=most).contains(*n)) {
            Some((chunk, &got)) => Err(ConfigError::Decay { chunk, got, most }),
            None => Ok(()),
        }
    }

    fn validate_filter(&self) -> Result<(), ConfigError> {
        let filter = &self.schedule.filter;
        let (Some(&first), Some(&last)) = (filter.first(), filter.last()) else {
            return Err(ConfigError::FilterLength { got: 0, most: MAX_FILTER });
        };
        if filter.len() > MAX_FILTER {
            return Err(ConfigError::FilterLength { got: filter.len(), most: MAX_FILTER });
        }
        let one = 1i64 << self.scales.kappa;
        if first != one {
            return Err(ConfigError::FilterStart { expected: one, got: first });
        }
        if let Some(index) = filter.iter().position(|d| !(0..=one).contains(d)) {
            return Err(ConfigError::FilterEntry { index, got: filter.get(index).copied().unwrap_or(0) });
        }
        if last == 0 {
            return Err(ConfigError::FilterEntry { index: filter.len() - 1, got: last });
        }
        if self.schedule.nesterov && !self.schedule.momentum() {
            return Err(ConfigError::NesterovWithoutMomentum);
        }
        Ok(())
    }
}
