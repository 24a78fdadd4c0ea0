//! Why a link's statement is refused, by prover and verifier alike: records that are invalid, or of different contents.
use super::{Linked, RowRelation};
use crate::config::{MAX_LAYERS, MAX_WEIGHTS, MAX_WIDTH};
use crate::record::{DataRecord, ModelRecord, RECORD_VERSION, RecordError, Vector};
use crate::relation::layout::ModelLayout;

/// A link that no honest owner makes, or that this version does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkInvalid {
    /// A record is invalid by itself.
    #[error("invalid {which} record: {error}")]
    Record {
        /// "first" or "second".
        which: &'static str,
        /// Why.
        error: RecordError,
    },
    /// One commitment twice: there is nothing to link.
    #[error("a link leads from a commitment to another one, here both are one")]
    SameCommitment,
    /// The trees have different rates.
    #[error("the first tree has rate 1/2^{first}, the second 1/2^{second}")]
    Rates {
        /// log2 of the first's inverse rate.
        first: u8,
        /// log2 of the second's.
        second: u8,
    },
    /// The records say that the contents differ.
    #[error("the first record has {field} = {first}, the second {second}")]
    Differs {
        /// Which field.
        field: &'static str,
        /// In the first record.
        first: u64,
        /// In the second.
        second: u64,
    },
    /// Labels of different kinds.
    #[error("the records have different labels")]
    Labels,
    /// Different schemas: equal integers would mean different things.
    #[error("the records name different schemas")]
    Schema,
    /// Models of different layers.
    #[error("the records have different layers")]
    Layers,
}

fn same(field: &'static str, first: impl Into<u64>, second: impl Into<u64>) -> Result<(), LinkInvalid> {
    let (first, second) = (first.into(), second.into());
    if first == second { Ok(()) } else { Err(LinkInvalid::Differs { field, first, second }) }
}

fn limit(field: &'static str, got: u64, min: u64, max: u64) -> Result<(), RecordError> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(RecordError::Limit { field, got, min, max }) }
}

/// What a model record says by itself; in a run it is compared with the configuration instead.
fn check_model(record: &ModelRecord) -> Result<(), RecordError> {
    if record.version != RECORD_VERSION {
        return Err(RecordError::Version { got: record.version });
    }
    limit("layers", record.layers.len() as u64, 1, MAX_LAYERS as u64)?;
    for &(inputs, outputs) in &record.layers {
        // The bias is a row of its own.
        limit("layer inputs", inputs.into(), 1, u64::from(MAX_WIDTH) + 1)?;
        limit("layer outputs", outputs.into(), 1, MAX_WIDTH.into())?;
    }
    let weights: u64 = record.layers.iter().map(|&(k, n)| u64::from(k) * u64::from(n)).sum();
    limit("weights", weights, 1, MAX_WEIGHTS)?;
    let state = ModelLayout::of_record(record);
    let cells = state.last().map_or(0, |l| l.cells);
    let stride = state.first().map_or(0, ModelLayout::max_stride);
    record.vector.validate(cells as u64, stride)
}

fn rates(first: &Vector, second: &Vector) -> Result<(), LinkInvalid> {
    let (first, second) = (first.log_inv_rate, second.log_inv_rate);
    if first == second { Ok(()) } else { Err(LinkInvalid::Rates { first, second }) }
}

/// Two tables of the same columns.
fn tables(first: &DataRecord, second: &DataRecord) -> Result<(), LinkInvalid> {
    for (which, record) in [("first", first), ("second", second)] {
        record.validate().map_err(|error| LinkInvalid::Record { which, error })?;
    }
    same("features", first.features, second.features)?;
    same("fa", first.fa, second.fa)?;
    same("data_bits", first.data_bits, second.data_bits)?;
    if first.labels != second.labels {
        return Err(LinkInvalid::Labels);
    }
    if first.schema != second.schema {
        return Err(LinkInvalid::Schema);
    }
    rates(&first.vector, &second.vector)?;
    if first == second { Err(LinkInvalid::SameCommitment) } else { Ok(()) }
}

fn data(first: &DataRecord, second: &DataRecord) -> Result<(), LinkInvalid> {
    tables(first, second)?;
    same("rows", first.rows, second.rows)
}

fn models(first: &ModelRecord, second: &ModelRecord) -> Result<(), LinkInvalid> {
    for (which, record) in [("first", first), ("second", second)] {
        check_model(record).map_err(|error| LinkInvalid::Record { which, error })?;
    }
    if first.layers != second.layers {
        return Err(LinkInvalid::Layers);
    }
    same("fw", first.fw, second.fw)?;
    same("velocity", first.velocity, second.velocity)?;
    rates(&first.vector, &second.vector)?;
    if first == second { Err(LinkInvalid::SameCommitment) } else { Ok(()) }
}

impl Linked {
    /// Checks both records, and that they may hold the same.
    ///
    /// # Errors
    /// The first [`LinkInvalid`].
    pub fn validate(&self) -> Result<(), LinkInvalid> {
        match self {
            Self::Data { first, second } | Self::Rows { relation: RowRelation::Same, first, second } => {
                data(first, second)
            }
            Self::Rows { first, second, .. } => tables(first, second),
            Self::Model { first, second } => models(first, second),
        }
    }
}
