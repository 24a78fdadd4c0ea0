//! Commitment records: what a long-lived commitment tells about itself, and its digest C.
//!
//! C = SHA-256 of the canonical record, the record ending in (root, y): the Merkle root and one out-of-domain
//! evaluation y at z = H(record without y). In the Johnson regime a root binds only to a short list of vectors; y
//! pins one of them, and every opening proves it again (protocol.md, section 5.4).
use crate::canonical::{NoEncoding, digest};
use crate::config::{Loss, RunConfig};
use crate::relation::layout::ModelLayout;
use crate::text::hidden_char;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use tacit_argument::field::E;
use tacit_argument::opening::{LOG_INV_RATES, OpeningError, PIN_BLOCK, Pin, VectorShape, pin_point};
use tacit_argument::proof::Committed;

/// Version of the records.
pub const RECORD_VERSION: u16 = 1;
/// Hash suite 1: BLAKE3.
pub const SUITE_BLAKE3: u8 = 1;
/// Longest text of the owner, in bytes.
pub const MAX_TEXT: usize = 256;
/// Most texts of a list that the owner publishes.
pub const MAX_TEXTS: usize = 1 << 12;
/// Most columns of a data set, labels included.
pub const MAX_COLUMNS: u32 = 1 << 17;

/// The part that every record shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    /// Hash suite of the tree.
    pub suite: u8,
    /// log2 of the inverse rate of the code.
    pub log_inv_rate: u8,
    /// Columns, their height and their uniform blocks.
    pub shape: VectorShape,
    /// Rows of the tree that may ever be opened; every column's block covers them.
    pub row_budget: u64,
    /// Merkle root.
    pub root: [u8; 32],
}

/// What the labels of a data set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Labels {
    /// One class out of C, committed one-hot.
    Class {
        /// C.
        classes: u32,
    },
    /// 0 or 1 per output.
    Binary {
        /// Number of outputs.
        outputs: u32,
    },
    /// Fixed-point targets per output.
    Real {
        /// Number of outputs.
        outputs: u32,
        /// Targets lie in [-2^(bits-1), 2^(bits-1)).
        bits: u32,
    },
}

impl Labels {
    /// Committed label columns.
    #[must_use]
    pub const fn columns(&self) -> u32 {
        match *self {
            Self::Class { classes } => classes,
            Self::Binary { outputs } | Self::Real { outputs, .. } => outputs,
        }
    }

    /// Checks counts and windows.
    pub(crate) fn validate(&self) -> Result<(), RecordError> {
        match *self {
            Self::Class { classes } => limit("classes", classes.into(), 2, 64),
            Self::Binary { outputs } => limit("label outputs", outputs.into(), 1, crate::config::MAX_WIDTH.into()),
            Self::Real { outputs, bits } => {
                limit("label outputs", outputs.into(), 1, crate::config::MAX_WIDTH.into())?;
                limit("target bits", bits.into(), 2, 16)
            }
        }
    }
}

/// A committed data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// [`RECORD_VERSION`].
    pub version: u16,
    /// Rows n.
    pub rows: u32,
    /// Features per row.
    pub features: u32,
    /// Labels.
    pub labels: Labels,
    /// Fractional bits of features and real targets.
    pub fa: u32,
    /// Features lie in [-2^(data_bits-1), 2^(data_bits-1)).
    pub data_bits: u32,
    /// Identifies the schema (scales, encodings, clipping) without telling it.
    pub schema: [u8; 32],
    /// Names of the features, on the owner's wish only.
    pub names: Option<Vec<String>>,
    /// Which public parameters were derived from the data.
    pub released: Vec<String>,
    /// The commitment.
    pub vector: Vector,
    /// y.
    pub pin: E,
}

/// A committed model: the weights of all layers, and with momentum the velocity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// [`RECORD_VERSION`].
    pub version: u16,
    /// (rows of W with the bias, outputs) per layer.
    pub layers: Vec<(u32, u32)>,
    /// Fractional bits.
    pub fw: u32,
    /// Whether the momentum state stands behind the weights.
    pub velocity: bool,
    /// The commitment.
    pub vector: Vector,
    /// y.
    pub pin: E,
}

/// A record contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Another version.
    #[error("the record has version {got}, this verifier reads {RECORD_VERSION}")]
    Version {
        /// In the record.
        got: u16,
    },
    /// An unknown hash suite.
    #[error("hash suite {got} is unknown")]
    Suite {
        /// In the record.
        got: u8,
    },
    /// An unsupported rate.
    #[error("rate 1/2^{got} is not supported")]
    Rate {
        /// In the record.
        got: u8,
    },
    /// A count or width is outside its limits.
    #[error("{field} is {got}, outside {min}..={max}")]
    Limit {
        /// Which field.
        field: &'static str,
        /// In the record.
        got: u64,
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// A model without the state of its run's optimiser, or with one that the run does not have.
    #[error("the record {} a velocity, the run's optimiser {} one", if *got { "holds" } else { "lacks" }, if *expected { "has" } else { "lacks" })]
    Velocity {
        /// Whether the run has momentum.
        expected: bool,
        /// Whether the record has a velocity.
        got: bool,
    },
    /// The vector's shape is invalid.
    #[error("the record's shape is invalid: {0}")]
    Shape(OpeningError),
    /// The uniform blocks are shorter than the row budget.
    #[error("the row budget of {budget} rows needs a block of {needed}, the record has {got}")]
    Budget {
        /// Rows.
        budget: u64,
        /// Needed block.
        needed: u64,
        /// Block in the record.
        got: u64,
    },
    /// The payload does not fit the shape.
    #[error("{needed} cells do not fit the record's capacity of {got}")]
    Capacity {
        /// Cells of the payload.
        needed: u64,
        /// Capacity.
        got: u64,
    },
    /// Slots would straddle columns.
    #[error("slots of 2^{stride} cells straddle the record's columns")]
    Stride {
        /// log2 of the widest slot.
        stride: u32,
    },
    /// A text of the owner is empty, too long, or has characters that a terminal obeys or nobody sees.
    #[error("{field}: a text is empty, longer than {MAX_TEXT} bytes, or has characters that nobody sees as they are")]
    Text {
        /// Which field.
        field: &'static str,
    },
    /// No canonical encoding.
    #[error(transparent)]
    Encoding(#[from] NoEncoding),
}

/// Checks texts that a verdict prints: their number, their lengths, and that they hold nothing that a terminal obeys.
///
/// # Errors
/// [`RecordError::Limit`] for too many, [`RecordError::Text`] for one that cannot be shown.
pub fn check_texts(field: &'static str, texts: &[String], most: usize) -> Result<(), RecordError> {
    limit(field, texts.len() as u64, 0, most as u64)?;
    let shown = |t: &String| (1..=MAX_TEXT).contains(&t.len()) && hidden_char(t).is_none();
    if texts.iter().all(shown) { Ok(()) } else { Err(RecordError::Text { field }) }
}

impl Vector {
    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// A [`RecordError`] naming the field.
    pub fn validate(&self, cells: u64, max_stride: usize) -> Result<(), RecordError> {
        if self.suite != SUITE_BLAKE3 {
            return Err(RecordError::Suite { got: self.suite });
        }
        if !LOG_INV_RATES.contains(&usize::from(self.log_inv_rate)) {
            return Err(RecordError::Rate { got: self.log_inv_rate });
        }
        let rows = usize::try_from(self.row_budget).unwrap_or(usize::MAX / 2);
        self.shape.validate(1, 0).map_err(RecordError::Shape)?;
        let needed = rows.saturating_add(PIN_BLOCK);
        if self.shape.block < needed {
            return Err(RecordError::Budget {
                budget: self.row_budget,
                needed: needed as u64,
                got: self.shape.block as u64,
            });
        }
        if !self.shape.holds_stride(max_stride) {
            return Err(RecordError::Stride { stride: max_stride as u32 });
        }
        let got = self.shape.capacity() as u64;
        if cells > got { Err(RecordError::Capacity { needed: cells, got }) } else { Ok(()) }
    }
}

pub(crate) fn limit(field: &'static str, got: u64, min: u64, max: u64) -> Result<(), RecordError> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(RecordError::Limit { field, got, min, max }) }
}

impl DataRecord {
    /// log2 of the stride of a column.
    #[must_use]
    pub fn stride(&self) -> usize {
        tacit_argument::multilinear::log2_ceil(self.rows as usize)
    }
    /// Columns: features, then labels.
    #[must_use]
    pub const fn columns(&self) -> u64 {
        self.features as u64 + self.labels.columns() as u64
    }
    /// Checks the record by itself.
    ///
    /// # Errors
    /// A [`RecordError`] naming the field.
    pub fn validate(&self) -> Result<(), RecordError> {
        if self.version != RECORD_VERSION {
            return Err(RecordError::Version { got: self.version });
        }
        limit("rows", self.rows.into(), 1, crate::config::MAX_ROWS.into())?;
        limit("features", self.features.into(), 1, crate::config::MAX_WIDTH.into())?;
        limit("columns", self.columns(), 2, MAX_COLUMNS.into())?;
        limit("fa", self.fa.into(), 1, 14)?;
        limit("data_bits", self.data_bits.into(), 2, 16)?;
        self.labels.validate()?;
        check_texts("released", &self.released, MAX_TEXTS)?;
        if let Some(names) = &self.names {
            limit("names", names.len() as u64, self.features.into(), self.features.into())?;
            check_texts("names", names, MAX_COLUMNS as usize)?;
        }
        self.vector.validate(self.columns() << self.stride(), self.stride())
    }
    /// C.
    ///
    /// # Errors
    /// [`RecordError::Encoding`], never for a decoded record.
    pub fn digest(&self) -> Result<[u8; 32], RecordError> {
        Ok(digest("tacit/record/data/v1", self)?)
    }
    /// The commitment as the argument knows it.
    ///
    /// # Errors
    /// [`RecordError::Encoding`], never for a decoded record.
    pub fn committed(&self) -> Result<Committed, RecordError> {
        let unpinned = Self { pin: E::default(), ..self.clone() };
        committed(&self.vector, digest("tacit/record/data/unpinned/v1", &unpinned)?, self.pin)
    }
}

impl ModelRecord {
    /// Checks the record against a configuration.
    ///
    /// # Errors
    /// A [`RecordError`] naming the field.
    pub fn validate(&self, config: &RunConfig) -> Result<(), RecordError> {
        if self.version != RECORD_VERSION {
            return Err(RecordError::Version { got: self.version });
        }
        limit("fw", self.fw.into(), config.scales.fw.into(), config.scales.fw.into())?;
        let expected = model_dimensions(config);
        limit("layers", self.layers.len() as u64, expected.len() as u64, expected.len() as u64)?;
        for (got, want) in self.layers.iter().zip(&expected) {
            limit("layer inputs", got.0.into(), want.0.into(), want.0.into())?;
            limit("layer outputs", got.1.into(), want.1.into(), want.1.into())?;
        }
        let cells = ModelLayout::state_cells(config, self.velocity);
        self.vector.validate(cells as u64, ModelLayout::new(config, 0).max_stride())
    }
    /// Checks a model that a chunk of the run ends with: it carries the velocity iff the run has momentum. A start may
    /// have one or not: it is not read.
    ///
    /// # Errors
    /// [`RecordError::Velocity`], or what [`Self::validate`] finds.
    pub fn validate_end(&self, config: &RunConfig) -> Result<(), RecordError> {
        let (expected, got) = (config.schedule.momentum(), self.velocity);
        if expected == got { self.validate(config) } else { Err(RecordError::Velocity { expected, got }) }
    }
    /// C.
    ///
    /// # Errors
    /// [`RecordError::Encoding`], never for a decoded record.
    pub fn digest(&self) -> Result<[u8; 32], RecordError> {
        Ok(digest("tacit/record/model/v1", self)?)
    }
    /// The commitment as the argument knows it.
    ///
    /// # Errors
    /// [`RecordError::Encoding`], never for a decoded record.
    pub fn committed(&self) -> Result<Committed, RecordError> {
        let unpinned = Self { pin: E::default(), ..self.clone() };
        committed(&self.vector, digest("tacit/record/model/unpinned/v1", &unpinned)?, self.pin)
    }
}

/// (rows of W, outputs) per layer.
#[must_use]
pub fn model_dimensions(config: &RunConfig) -> Vec<(u32, u32)> {
    config.architecture.layers.iter().map(|l| (l.k() as u32, l.outputs)).collect()
}

/// The labels that a loss trains on.
#[must_use]
pub fn labels_for(config: &RunConfig) -> Labels {
    let outputs = config.architecture.layers.last().map_or(0, |l| l.outputs);
    match config.architecture.loss {
        Loss::CrossEntropy => Labels::Class { classes: outputs },
        Loss::BceWithLogits => Labels::Binary { outputs },
        Loss::Mse => Labels::Real { outputs, bits: config.target_bits },
    }
}

fn committed(vector: &Vector, unpinned: [u8; 32], value: E) -> Result<Committed, RecordError> {
    let pin = Pin { point: pin_point(&unpinned, &vector.shape), value };
    Ok(Committed { shape: vector.shape, root: vector.root, pin })
}
