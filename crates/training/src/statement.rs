//! The public statement of a run: everything that the proof is about, as one canonical struct.
//!
//! "The model behind the last record is what this configuration gives on the data behind this record, from this
//! start, in this order." The run digest is H(all of it); a chunk's digest adds chunk index, C_in, C_out, w_in and v_in.
use crate::canonical::{NoEncoding, digest};
use crate::config::{ConfigError, Order, RunConfig};
use crate::initial::initial_bound;
use crate::nowrap::{self, NoWrapError};
use crate::record::{DataRecord, MAX_TEXTS, ModelRecord, RecordError, check_texts, labels_for};
use crate::relation::layout::TraceLayout;
pub use crate::seed::Origin;
use crate::seed::{Declaration, DeclaredStart, seed};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Version of statement and protocol; another one is another language.
pub const PROTOCOL_VERSION: u16 = 1;
/// Proven statistical soundness, in bits, of everything that this version accepts.
pub const SECURITY_BITS: u32 = 128;

/// Widest window of hidden initial weights.
pub const MAX_START_BITS: u32 = 48;
/// Most columns of a chunk's trace.
pub const MAX_SLOTS: usize = 1 << 20;
/// Most cells of a chunk's trace.
pub const MAX_CELLS: u128 = 1 << 32;

/// The model before the first step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// Hidden weights; the first chunk proves |W| <= 2^(bits-1).
    Hidden {
        /// Their commitment.
        record: ModelRecord,
        /// Window of the range check.
        bits: u32,
    },
    /// Public weights from a seed, see [`crate::initial`].
    Seed {
        /// Who chose the seed.
        origin: Origin,
    },
}

impl Start {
    /// Who chose the seed of a public start.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Seed { origin } => Some(origin),
            Self::Hidden { .. } => None,
        }
    }
}

/// Bounds of the state at a chunk boundary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateBounds {
    /// Of |W|, at fw fractional bits.
    pub w: u128,
    /// Of |V|; 0 without momentum and at step 0, where V is the constant 0.
    pub v: u128,
}

/// The statement of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStatement {
    /// [`PROTOCOL_VERSION`].
    pub version: u16,
    /// [`SECURITY_BITS`].
    pub security_bits: u32,
    /// log2 of the inverse rate that all trees of the run share.
    pub log_inv_rate: u8,
    /// The integer function.
    pub config: RunConfig,
    /// Who chose the seed of a shuffled order.
    pub order_origin: Option<Origin>,
    /// The data set.
    pub data: DataRecord,
    /// The start.
    pub start: Start,
    /// Which public parameters were derived from the data.
    pub released: Vec<String>,
}

/// A statement that no honest run has, or that this version does not accept.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// Another protocol version.
    #[error("the proof speaks protocol version {got}, this verifier speaks {PROTOCOL_VERSION}")]
    Version {
        /// In the file.
        got: u16,
    },
    /// Another security level.
    #[error("the statement asks for {got} bits of soundness, this verifier for {SECURITY_BITS}")]
    Security {
        /// In the file.
        got: u32,
    },
    /// Trees of different rates.
    #[error("the {which} tree has rate 1/2^{got}, the run 1/2^{expected}")]
    Rate {
        /// Which commitment.
        which: &'static str,
        /// Its rate.
        got: u8,
        /// The run's.
        expected: u8,
    },
    /// The configuration breaks a rule.
    #[error("invalid configuration: {0}")]
    Config(#[from] ConfigError),
    /// The data record breaks a rule.
    #[error("invalid {which} record: {error}")]
    Record {
        /// Which commitment.
        which: &'static str,
        /// What is wrong.
        error: RecordError,
    },
    /// Data record and configuration disagree.
    #[error("the configuration has {field} = {expected}, the data commitment {got}")]
    DataMismatch {
        /// Which field.
        field: &'static str,
        /// In the configuration.
        expected: u64,
        /// In the record.
        got: u64,
    },
    /// Labels of another kind than the loss needs.
    #[error("the loss needs other labels than the data commitment has")]
    LabelMismatch,
    /// A shuffled order without an origin, or with a seed that is not the origin's.
    #[error("the order's seed does not follow from its stated origin")]
    OrderSeed,
    /// Rows in the order of the commitment have no seed whose origin could be stated.
    #[error("the order is that of the rows, and an origin of its seed is stated")]
    OrderOrigin,
    /// The initial window is outside its limits.
    #[error("the initial weights' window of {got} bits is outside 2..=48")]
    StartBits {
        /// In the statement.
        got: u32,
    },
    /// The trace would have more columns or cells than any honest one.
    #[error(
        "a chunk's trace has {slots} columns of 2^{log_rows} rows, more than a verifier reads; use longer chunks or a smaller model"
    )]
    TraceSize {
        /// Columns.
        slots: usize,
        /// log2 of their rows.
        log_rows: usize,
    },
    /// Equality mod p would not be equality of integers.
    #[error(transparent)]
    NoWrap(#[from] NoWrapError),
    /// No canonical encoding.
    #[error(transparent)]
    Encoding(#[from] NoEncoding),
}

impl RunStatement {
    /// Checks the statement by itself; returns the bounds before every chunk and of the final model.
    ///
    /// # Errors
    /// A [`StatementError`] naming the rule.
    pub fn validate(&self) -> Result<Vec<StateBounds>, StatementError> {
        if self.version != PROTOCOL_VERSION {
            return Err(StatementError::Version { got: self.version });
        }
        if self.security_bits != SECURITY_BITS {
            return Err(StatementError::Security { got: self.security_bits });
        }
        self.config.validate()?;
        self.check_trace()?;
        self.data.validate().map_err(|error| StatementError::Record { which: "data", error })?;
        check_texts("released", &self.released, MAX_TEXTS)
            .map_err(|error| StatementError::Record { which: "run", error })?;
        self.check_data()?;
        self.check_rate("data", self.data.vector.log_inv_rate)?;
        self.check_origins()?;
        if let Order::Shuffled { seed } = &self.config.order
            && self.order_origin.as_ref().map(|o| self.seed("order", o)).transpose()? != Some(*seed)
        {
            return Err(StatementError::OrderSeed);
        }
        if self.config.order == Order::Contiguous && self.order_origin.is_some() {
            return Err(StatementError::OrderOrigin);
        }
        self.bounds(StateBounds { w: self.start_bound()?, v: 0 })
    }

    /// The bounds before every chunk and of the final model; those inside chunks, of every layer, are not kept.
    fn bounds(&self, mut last: StateBounds) -> Result<Vec<StateBounds>, StatementError> {
        let mut out = Vec::from([last]);
        for chunk in 0..self.config.chunks() {
            let bounds = nowrap::check(&self.config, chunk, last.w, last.v)?;
            last = StateBounds { w: bounds.w_out, v: bounds.v_out };
            out.push(last);
        }
        Ok(out)
    }

    /// Columns and cells of a chunk's trace are bounded before anything is built for them.
    fn check_trace(&self) -> Result<(), StatementError> {
        let bits = match &self.start {
            Start::Hidden { bits, .. } => Some((*bits).min(MAX_START_BITS)),
            Start::Seed { .. } => None,
        };
        for chunk in [0, self.config.chunks().saturating_sub(1)] {
            let layout = TraceLayout::new(&self.config, chunk, bits.filter(|_| chunk == 0));
            let (slots, log_rows) = (layout.slots, layout.log_rows);
            if slots > MAX_SLOTS || (slots as u128) << log_rows > MAX_CELLS {
                return Err(StatementError::TraceSize { slots, log_rows });
            }
        }
        Ok(())
    }

    fn check_data(&self) -> Result<(), StatementError> {
        let (c, d) = (&self.config, &self.data);
        let inputs = c.architecture.layers.first().map_or(0, |l| l.inputs);
        let fields = [
            ("rows", c.schedule.rows, d.rows),
            ("features", inputs, d.features),
            ("fa", c.scales.fa, d.fa),
            ("data_bits", c.data_bits, d.data_bits),
        ];
        for (field, expected, got) in fields {
            if expected != got {
                return Err(StatementError::DataMismatch { field, expected: expected.into(), got: got.into() });
            }
        }
        if labels_for(c) == d.labels { Ok(()) } else { Err(StatementError::LabelMismatch) }
    }

    /// Every tree of a run has the run's rate.
    pub(crate) fn check_rate(&self, which: &'static str, got: u8) -> Result<(), StatementError> {
        let expected = self.log_inv_rate;
        if got == expected { Ok(()) } else { Err(StatementError::Rate { which, got, expected }) }
    }

    /// w_in of the first chunk.
    fn start_bound(&self) -> Result<u128, StatementError> {
        match &self.start {
            Start::Hidden { record, bits } => {
                if !(2..=MAX_START_BITS).contains(bits) {
                    return Err(StatementError::StartBits { got: *bits });
                }
                record.validate(&self.config).map_err(|error| StatementError::Record { which: "start", error })?;
                self.check_rate("start", record.vector.log_inv_rate)?;
                Ok(1 << (bits - 1))
            }
            Start::Seed { .. } => {
                let layers = &self.config.architecture.layers;
                Ok(layers.iter().map(|l| initial_bound(self.config.scales.fw, l.inputs)).max().unwrap_or(0).into())
            }
        }
    }

    /// Names of beacons are texts that a verdict can show.
    fn check_origins(&self) -> Result<(), StatementError> {
        let all = self.order_origin.iter().chain(self.start.origin());
        all.into_iter().try_for_each(Origin::check).map_err(|error| StatementError::Record { which: "run", error })
    }

    fn data_digest(&self) -> Result<[u8; 32], StatementError> {
        self.data.digest().map_err(|error| StatementError::Record { which: "data", error })
    }

    /// The digest of everything that was fixed before a verifier's nonce or a beacon's output.
    ///
    /// # Errors
    /// [`StatementError::Encoding`], never for a decoded statement.
    pub fn declaration(&self) -> Result<[u8; 32], StatementError> {
        let start = match &self.start {
            Start::Hidden { record, bits } => DeclaredStart::Hidden {
                digest: record.digest().map_err(|error| StatementError::Record { which: "start", error })?,
                bits: *bits,
            },
            Start::Seed { origin } => DeclaredStart::Seed { origin: origin.announced() },
        };
        let order = self.order_origin.as_ref().map(Origin::announced);
        Ok(Declaration::new(self.data_digest()?, start, order, &self.config).digest()?)
    }

    /// Whether a nonce of the run was given by somebody else, after the declaration.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.origins().any(Origin::is_later)
    }

    /// The origins of the run's seeds: of the order, then of the start.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let order = match self.config.order {
            Order::Shuffled { .. } => self.order_origin.as_ref(),
            Order::Contiguous => None,
        };
        order.into_iter().chain(self.start.origin())
    }

    /// The seed of a purpose, see [`crate::seed`].
    ///
    /// # Errors
    /// [`StatementError::Encoding`], never for a decoded statement.
    pub fn seed(&self, purpose: &str, origin: &Origin) -> Result<[u8; 32], StatementError> {
        seed(purpose, origin, (&self.data_digest()?, &self.config), || self.declaration())
    }

    /// The run digest.
    ///
    /// # Errors
    /// [`StatementError::Encoding`], never for a decoded statement.
    pub fn digest(&self) -> Result<[u8; 32], StatementError> {
        Ok(digest("tacit/run/v1", self)?)
    }

    /// The public input of one chunk's proof.
    ///
    /// # Errors
    /// [`StatementError::Encoding`], never for a decoded statement.
    pub fn chunk_digest(
        &self,
        chunk: u32,
        c_in: &[u8; 32],
        c_out: &[u8; 32],
        bounds: StateBounds,
    ) -> Result<[u8; 32], StatementError> {
        // Every bound of a valid statement is below p.
        let [w, v] = [bounds.w, bounds.v].map(|b| u64::try_from(b).unwrap_or(u64::MAX));
        Ok(digest("tacit/chunk/v1", &(self.digest()?, chunk, c_in, c_out, w, v))?)
    }
}
