//! Chooses shapes: the trace's column height and the long-lived vectors' blocks.
use super::config::{OpeningConfig, queries_for};
use super::error::OpeningError;
use super::shape::{MAX_SOURCES, MIN_LOG_HEIGHT, PIN_BLOCK, TRACE_LOG_HEIGHTS, VectorShape};

/// Tallest column that [`long_lived_shape`] chooses before it takes more columns: a trace is at least as tall.
const LONG_LIVED_LOG_HEIGHT: usize = 19;

/// Relative cost of a trace shape: prover microseconds, and the proof's bytes at one microsecond for four.
fn cost(rate: usize, h: usize, sources: usize, trees: usize, queries: usize) -> usize {
    let columns = (3 * sources).next_power_of_two();
    // Measured on two cores: encoding and hashing go with the first codeword's 4 S columns, sums and folds with P.
    let nanoseconds = ((4 * sources * 12) << rate) + 3 * columns * 6 + (12 << (rate + 3));
    let microseconds = (nanoseconds << h) / 1000;
    let bytes = queries * (4 * sources * 8 + trees * 32 * (h + rate).saturating_sub(6));
    microseconds + bytes / 4
}

/// The configuration of the cheapest trace that holds `payload_cells` cells in slots of at most 2^max_stride_log,
/// beside the given long-lived vectors.
///
/// # Errors
/// [`OpeningError::Capacity`] if no supported height holds the payload; a long-lived vector's own variant.
pub fn choose_trace_shape(
    log_inv_rate: usize,
    payload_cells: usize,
    max_stride_log: usize,
    others: &[VectorShape],
) -> Result<OpeningConfig, OpeningError> {
    let (min, max) = (*TRACE_LOG_HEIGHTS.start(), *TRACE_LOG_HEIGHTS.end());
    let tallest = others.iter().map(|s| s.log_height).max().unwrap_or(0);
    let long_lived: usize = others.iter().map(|s| s.columns.min(MAX_SOURCES)).sum();
    let mut best: Option<(usize, VectorShape)> = None;
    for log_height in min.max(tallest).max(max_stride_log)..=max {
        let queries = queries_for(log_inv_rate, log_height, 1 + long_lived)?;
        let block = queries.next_multiple_of(1 << max_stride_log);
        if block >= 1 << log_height {
            continue;
        }
        let columns = payload_cells.div_ceil((1 << log_height) - block).max(1);
        let sources = columns + long_lived;
        if sources > MAX_SOURCES {
            continue;
        }
        let cost = cost(log_inv_rate, log_height, sources, 1 + others.len(), queries);
        if best.is_none_or(|(b, _)| cost < b) {
            best = Some((cost, VectorShape { log_height, columns, block }));
        }
    }
    let (_, trace) = best.ok_or(OpeningError::Capacity { got: payload_cells, capacity: MAX_SOURCES << max })?;
    OpeningConfig::new(log_inv_rate, core::iter::once(trace).chain(others.iter().copied()).collect())
}

/// The shape of a long-lived vector that may be opened by `proofs` proofs: as few columns as possible, each a power
/// of two that holds its payload, the row budget and the pin's coefficients; nothing is ever clamped.
///
/// # Errors
/// [`OpeningError::BlockTooLong`] if the row budget alone fills the tallest column.
pub fn long_lived_shape(
    payload_cells: usize,
    max_stride_log: usize,
    proofs: usize,
    log_inv_rate: usize,
) -> Result<VectorShape, OpeningError> {
    let queries = queries_for(log_inv_rate, *TRACE_LOG_HEIGHTS.start(), 1)?;
    let rows = proofs.max(1).saturating_mul(queries).saturating_add(PIN_BLOCK);
    let max = *TRACE_LOG_HEIGHTS.end();
    let too_long = OpeningError::BlockTooLong { vector: 1, block: rows, height: 1 << max };
    if max_stride_log > max || rows >= 1 << max {
        return Err(too_long);
    }
    let block = rows.next_multiple_of(1 << max_stride_log);
    let mut log_height = MIN_LOG_HEIGHT;
    // One column up to the usual height; beyond it, taller only while the block would waste half of a column.
    while block + payload_cells > 1 << log_height
        && (log_height < LONG_LIVED_LOG_HEIGHT || 2 * block > 1 << log_height)
    {
        log_height += 1;
    }
    if log_height > max {
        return Err(too_long);
    }
    let columns = payload_cells.div_ceil((1 << log_height) - block).max(1);
    if columns > MAX_SOURCES {
        return Err(OpeningError::Columns { vector: 1, got: columns, max: MAX_SOURCES });
    }
    Ok(VectorShape { log_height, columns, block })
}
