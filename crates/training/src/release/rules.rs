//! The owner's safety rules: when rounded weights would still tell training rows or labels.
//!
//! Zero knowledge is relative to what is released, and the weights of a small or short run determine its rows: plain
//! lattice reduction recovered rows and labels in seconds (review of privacy, finding 3). The rules refuse the cases in
//! which that was seen to work. They limit damage; only training with differential privacy bounds it.
use super::{MIN_BITS, Override};
use crate::record::Labels;
use crate::statement::{RunStatement, StatementError};

/// Fewest steps with a learning rate above 0.
pub const MIN_STEPS: u32 = 100;
/// Rows per output of the first layer that a data set must exceed.
const ROWS_PER_OUTPUT: u64 = 4;

/// What was released about a data set before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing.
    Nothing,
    /// Weights trained on the same data set.
    SameData,
    /// Weights trained on a data set with some rows added, removed or changed.
    NeighbouringData,
}

/// What only the owner can say about a release.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Columns that the recipients know: features from 0, label columns behind them. One known column of one-hot
    /// labels counts as all of them.
    pub known: &'a [u32],
    /// Bits of one value per feature, where the schema knows fewer than the data window (1 for a 0/1 column).
    pub feature_bits: Option<&'a [u32]>,
    /// What was released before.
    pub earlier: Earlier,
    /// Sets the rules aside; recorded in the release.
    pub exemption: Option<Override>,
}

/// Leave to release one run at one width, once. Only [`release_rules`] gives it.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    pub(super) run_digest: [u8; 32],
    pub(super) bits: u32,
    pub(super) w_out: u128,
    pub(super) exemption: Option<Override>,
}

/// The rule that refuses a release.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseRefused {
    /// The run has no valid statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Too few or too many fractional bits.
    #[error("a release of {got} fractional bits is outside {MIN_BITS}..={fw}")]
    Bits {
        /// Asked for.
        got: u32,
        /// Fractional bits of the weights.
        fw: u32,
    },
    /// A column that the data set does not have.
    #[error("column {got} is listed as known, the data set has {columns} columns")]
    UnknownColumn {
        /// Listed.
        got: u32,
        /// Columns of the data set.
        columns: u64,
    },
    /// Not one width per feature.
    #[error("{got} feature widths for {expected} features")]
    FeatureBits {
        /// Features.
        expected: usize,
        /// Widths.
        got: usize,
    },
    /// Exact weights.
    #[error("rule: exact weights are never released ({fw} fractional bits are all there are)")]
    ExactWeights {
        /// Fractional bits of the weights.
        fw: u32,
    },
    /// n <= 4 x outputs of the first layer.
    #[error(
        "rule: {rows} rows are not more than 4 times the first layer's {outputs} outputs; its weights span the rows"
    )]
    FewRows {
        /// n.
        rows: u32,
        /// Outputs of the first layer.
        outputs: u32,
    },
    /// Every batch is one row.
    #[error("rule: batches of one row release rows")]
    SingleRowBatches,
    /// Too few steps.
    #[error("rule: {steps} steps with a learning rate above 0 are fewer than {MIN_STEPS}")]
    FewSteps {
        /// Such steps.
        steps: u32,
    },
    /// The weights tell more bits than the recipient lacks.
    #[error("rule: the release tells up to {released} bits, the columns that the recipient does not know hold {data}")]
    DataBits {
        /// Bits of the unknown columns.
        data: u64,
        /// Bits of the released weights.
        released: u64,
    },
    /// A second release.
    #[error("rule: {}", match earlier {
        Earlier::NeighbouringData => "weights trained on a neighbouring data set were released; the two differ by the changed rows",
        _ => "weights trained on this data set were released before",
    })]
    EarlierRelease {
        /// What was released.
        earlier: Earlier,
    },
}

/// Bits of the columns that the recipient does not know.
fn data_bits(run: &RunStatement, c: &Circumstances<'_>) -> Result<u64, ReleaseRefused> {
    let data = &run.data;
    let (columns, features) = (data.columns(), data.features);
    if let Some(&got) = c.known.iter().find(|&&k| u64::from(k) >= columns) {
        return Err(ReleaseRefused::UnknownColumn { got, columns });
    }
    if let Some(bits) = c.feature_bits
        && bits.len() != features as usize
    {
        return Err(ReleaseRefused::FeatureBits { expected: features as usize, got: bits.len() });
    }
    let width =
        |k: u32| c.feature_bits.and_then(|b| b.get(k as usize)).map_or(data.data_bits, |&b| b.min(data.data_bits));
    let unknown: u64 = (0..features).filter(|k| !c.known.contains(k)).map(|k| u64::from(width(k))).sum();
    let rows = u64::from(data.rows);
    let labels = u64::from(data.labels.columns());
    let known_labels = (features..).take(labels as usize).filter(|k| c.known.contains(k)).count() as u64;
    let label_bits = match data.labels {
        Labels::Class { .. } if known_labels > 0 => 0,
        // n log2 C, rounded down at an eighth of a bit per row.
        Labels::Class { classes } => rows * u64::from(u64::from(classes).saturating_pow(8).max(1).ilog2()) / 8,
        Labels::Binary { .. } => rows * (labels - known_labels),
        Labels::Real { bits, .. } => rows * (labels - known_labels) * u64::from(bits),
    };
    Ok((rows * unknown).saturating_add(label_bits))
}

/// Whether weights of this run may be released at `bits` fractional bits.
///
/// Guarantees: without an exemption, a permit is given only if no rule refuses; with one, the release says so.
/// Columns, widths and earlier releases are taken from the owner's word.
///
/// # Errors
/// [`ReleaseRefused`] naming the first rule that refuses, or what is wrong with the arguments.
pub fn release_rules(run: &RunStatement, bits: u32, c: &Circumstances<'_>) -> Result<Permit, ReleaseRefused> {
    let w_out = run.validate()?.last().map_or(0, |b| b.w);
    let (config, fw) = (&run.config, run.config.scales.fw);
    if !(MIN_BITS..=fw).contains(&bits) {
        return Err(ReleaseRefused::Bits { got: bits, fw });
    }
    let data = data_bits(run, c)?;
    let permit = Permit { run_digest: run.digest()?, bits, w_out, exemption: c.exemption };
    if c.exemption.is_some() {
        return Ok(permit);
    }
    let rows = config.schedule.rows;
    let outputs = config.architecture.layers.first().map_or(0, |l| l.outputs);
    // A sign and `bits` fractional bits per weight; weights beyond 1 tell a few more.
    let released = (config.weight_count() as u64).saturating_mul(u64::from(bits) + 1);
    let steps = config.schedule.rates.iter().filter(|s| s.rate > 0).fold(0u32, |n, s| n.saturating_add(s.steps));
    if bits == fw {
        Err(ReleaseRefused::ExactWeights { fw })
    } else if u64::from(rows) <= ROWS_PER_OUTPUT * u64::from(outputs) {
        Err(ReleaseRefused::FewRows { rows, outputs })
    } else if config.schedule.batch == 1 {
        Err(ReleaseRefused::SingleRowBatches)
    } else if steps < MIN_STEPS {
        Err(ReleaseRefused::FewSteps { steps })
    } else if data < released {
        Err(ReleaseRefused::DataBits { data, released })
    } else if c.earlier != Earlier::Nothing {
        Err(ReleaseRefused::EarlierRelease { earlier: c.earlier })
    } else {
        Ok(permit)
    }
}
