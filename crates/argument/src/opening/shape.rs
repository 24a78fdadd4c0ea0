//! How a committed vector lies in columns: payload cell i is exponent `i mod payload_per_column` of column
//! `i / payload_per_column`; the last `block` exponents of every column are uniform and belong to no payload.
//!
//! The trace's last nine coefficients hide the claims on the conjugates (three of its first column are set by the others):
//! there the block is what stands before them. It is contiguous, so any `block` or fewer opened rows of a column are uniform: they are the block times
//! an invertible Vandermonde matrix, plus a constant. `block` is a multiple of the largest slot of the vector, so
//! no slot straddles two columns. Source: protocol.md, section 4, but column-major and with any number of columns.
use super::error::OpeningError;
use crate::multilinear::log2_ceil;

/// Column heights 2^h that a trace may have; a verifier accepts no other.
pub const TRACE_LOG_HEIGHTS: core::ops::RangeInclusive<usize> = 11..=26;
/// Shortest column of a long-lived vector.
pub const MIN_LOG_HEIGHT: usize = 8;
/// Uniform coefficients of a long-lived column beyond its row budget: they hide the pinned evaluation, three
/// coordinates over F, with two to spare (exactly three fail with probability 2^-55).
pub const PIN_BLOCK: usize = 5;
/// Coefficients at the end of the trace's block that hide the claims on the conjugates: three elements of E. The rest of
/// the block covers the opened rows.
pub const CONJUGATE_BLOCK: usize = 9;
/// Source columns of one proof, at most.
pub const MAX_SOURCES: usize = 1 << 12;

/// The public shape of one committed vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VectorShape {
    /// log2 of a column's number of coefficients.
    pub log_height: usize,
    /// Number of columns, not necessarily a power of two.
    pub columns: usize,
    /// Uniform coefficients at the end of every column.
    pub block: usize,
}

impl VectorShape {
    /// Groups of three columns, the last one perhaps of fewer.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.columns.div_ceil(3)
    }

    /// Coefficients of one column.
    #[must_use]
    pub const fn height(&self) -> usize {
        1 << self.log_height
    }

    /// Payload cells of one column.
    #[must_use]
    pub const fn payload_per_column(&self) -> usize {
        self.height().saturating_sub(self.block)
    }

    /// Payload cells of the vector.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.payload_per_column().saturating_mul(self.columns)
    }

    /// Column and exponent of a payload cell; `None` beyond the capacity.
    #[must_use]
    pub fn physical(&self, cell: usize) -> Option<(usize, usize)> {
        let per = self.payload_per_column();
        (cell < self.capacity()).then(|| (cell / per, cell % per))
    }

    /// Variables of the column-major table, columns padded to a power of two: column bits, then exponent bits.
    #[must_use]
    pub const fn variables(&self) -> usize {
        log2_ceil(self.columns) + self.log_height
    }

    /// Whether slots of 2^stride cells never straddle a column.
    #[must_use]
    pub const fn holds_stride(&self, stride: usize) -> bool {
        stride <= self.log_height && self.block.is_multiple_of(1 << stride)
    }

    /// Checks the shape by itself, and that its block covers `rows` opened rows.
    ///
    /// # Errors
    /// [`OpeningError::Height`], [`OpeningError::Columns`], [`OpeningError::BlockTooLong`] or
    /// [`OpeningError::BlockTooShort`].
    pub fn validate(&self, vector: usize, rows: usize) -> Result<(), OpeningError> {
        let (min, max) = match vector {
            0 => (*TRACE_LOG_HEIGHTS.start(), *TRACE_LOG_HEIGHTS.end()),
            _ => (MIN_LOG_HEIGHT, *TRACE_LOG_HEIGHTS.end()),
        };
        if self.log_height < min || self.log_height > max {
            return Err(OpeningError::Height { vector, got: self.log_height, min, max });
        }
        if self.columns == 0 || self.columns > MAX_SOURCES {
            return Err(OpeningError::Columns { vector, got: self.columns, max: MAX_SOURCES });
        }
        if self.block >= self.height() {
            return Err(OpeningError::BlockTooLong { vector, block: self.block, height: self.height() });
        }
        let needed = rows + if vector == 0 { CONJUGATE_BLOCK } else { PIN_BLOCK };
        if self.block < needed {
            return Err(OpeningError::BlockTooShort { vector, needed, got: self.block });
        }
        Ok(())
    }
}
