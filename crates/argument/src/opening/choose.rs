//! Chooses shapes: the trace's column height and the long-lived vectors' blocks.
use super::config::{MAX_LOG_PROOFS, OpeningConfig, queries_among};
use super::error::OpeningError;
use super::shape::{CONJUGATE_BLOCK, MAX_SOURCES, MIN_LOG_HEIGHT, PIN_BLOCK, TRACE_LOG_HEIGHTS, VectorShape};
use crate::multilinear::log2_ceil;
use crate::share::smallest;
use alloc::vec::Vec;

/// A trace's usual column height: a lower long-lived column is read at it all the same.
const USUAL_LOG_HEIGHT: usize = 17;
/// Tallest long-lived column, unless the row budget takes half of it: every trace beside it is at least as tall.
const TALL_LOG_HEIGHT: usize = 20;
/// Bytes of a proof that no shape changes: later oracles, sums, final polynomial.
const FIXED_BYTES: usize = 100_000;

/// Bytes that one tree adds to a proof, without its rows: a salt and a pruned path for each of `queries` leaves.
fn path_bytes(queries: usize, log_leaves: usize) -> usize {
    32 * queries * (1 + log_leaves.saturating_sub(log2_ceil(queries)))
}

/// Prover time times proof size: a shape is better if it saves a larger fraction of one than it costs of the other.
fn cost(rate: usize, shapes: &[VectorShape], queries: usize) -> u128 {
    let h = shapes.first().map_or(0, |s| s.log_height);
    let sources: usize = shapes.iter().map(|s| s.columns).sum();
    let groups: usize = shapes.iter().map(VectorShape::groups).sum();
    let columns = (3 * groups).next_power_of_two();
    // Nanoseconds per exponent on two cores, measured at 2^22 cells: encoding and hashing the columns of the first oracle;
    // the same for the 3 base columns of the later ones; weights and sums per source; passes over P.
    let later = 3 << (rate + super::config::first_rate_step(sources, groups));
    let per_row = 20 * ((sources + 3 * groups) << rate) + 27 * later + 70 * sources + 8 * columns;
    let time = 20_000_000 + ((per_row as u128) << h);
    let paths: usize = shapes.iter().map(|s| path_bytes(queries, s.log_height + rate)).sum();
    time * (FIXED_BYTES + 8 * queries * (sources + 3 * groups) + paths) as u128
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
    choose_among(log_inv_rate, payload_cells, max_stride_log, others, 0)
}

/// [`choose_trace_shape`] for a proof with one of 2^log_proofs equal shares of the error of 2^-128 ([`crate::share`]).
///
/// # Errors
/// As [`choose_trace_shape`].
pub fn choose_among(
    log_inv_rate: usize,
    payload_cells: usize,
    max_stride_log: usize,
    others: &[VectorShape],
    log_proofs: usize,
) -> Result<OpeningConfig, OpeningError> {
    let (min, max) = (*TRACE_LOG_HEIGHTS.start(), *TRACE_LOG_HEIGHTS.end());
    let tallest = others.iter().map(|s| s.log_height).max().unwrap_or(0);
    let long_lived: usize = others.iter().map(|s| s.columns.min(MAX_SOURCES)).sum();
    // The number of queries follows from rate and level alone; the configuration checks that the block holds them.
    let queries = queries_among(log_inv_rate, max, 1, log_proofs)?;
    let block = (queries + CONJUGATE_BLOCK).next_multiple_of(1 << max_stride_log);
    let mut best: Option<(u128, VectorShape)> = None;
    for log_height in min.max(tallest).max(max_stride_log)..=max {
        if block >= 1 << log_height {
            continue;
        }
        let columns = payload_cells.div_ceil((1 << log_height) - block).max(1);
        if columns + long_lived > MAX_SOURCES {
            continue;
        }
        let trace = VectorShape { log_height, columns, block };
        let shapes: Vec<VectorShape> = core::iter::once(trace).chain(others.iter().copied()).collect();
        let cost = cost(log_inv_rate, &shapes, queries);
        if best.is_none_or(|(b, _)| cost < b) {
            best = Some((cost, trace));
        }
    }
    let (_, trace) = best.ok_or(OpeningError::Capacity { got: payload_cells, capacity: MAX_SOURCES << max })?;
    OpeningConfig::among(log_inv_rate, core::iter::once(trace).chain(others.iter().copied()).collect(), log_proofs)
}

/// The shape of a long-lived vector that may be opened by `proofs` proofs: few tall columns, each a power of two
/// that holds its payload, the row budget and the pin's coefficients; nothing is ever clamped.
///
/// # Errors
/// [`OpeningError::BlockTooLong`] if the row budget alone fills the tallest column.
pub fn long_lived_shape(
    payload_cells: usize,
    max_stride_log: usize,
    proofs: usize,
    log_inv_rate: usize,
) -> Result<VectorShape, OpeningError> {
    cheapest(payload_cells, max_stride_log, proofs, log_inv_rate, |shape, queries| {
        let cells = (shape.columns as u128) << shape.log_height.max(USUAL_LOG_HEIGHT);
        let bytes = FIXED_BYTES + 16 * queries * shape.columns + path_bytes(queries, shape.log_height + log_inv_rate);
        cells * bytes as u128
    })
}

/// The same for a vector whose proofs have little to prove beside it: every trace is as tall as the tallest vector, so
/// that more and shorter columns are less work than [`long_lived_shape`]'s, which counts on a trace that is tall anyway.
///
/// # Errors
/// As [`long_lived_shape`].
pub fn shape_beside_little(
    payload_cells: usize,
    max_stride_log: usize,
    proofs: usize,
    log_inv_rate: usize,
) -> Result<VectorShape, OpeningError> {
    cheapest(payload_cells, max_stride_log, proofs, log_inv_rate, |shape, queries| {
        let log_height = shape.log_height.max(USUAL_LOG_HEIGHT);
        let trace = VectorShape { log_height, columns: 1, block: shape.block };
        cost(log_inv_rate, &[trace, *shape], queries)
    })
}

fn cheapest(
    payload_cells: usize,
    max_stride_log: usize,
    proofs: usize,
    log_inv_rate: usize,
    cost: impl Fn(&VectorShape, usize) -> u128,
) -> Result<VectorShape, OpeningError> {
    let max = *TRACE_LOG_HEIGHTS.end();
    // A proof with a smaller share of the error asks a few rows more.
    let queries = queries_among(log_inv_rate, max, 1, smallest(proofs).min(MAX_LOG_PROOFS))?;
    let rows = proofs.max(1).saturating_mul(queries).saturating_add(PIN_BLOCK);
    let too_long = OpeningError::BlockTooLong { vector: 1, block: rows, height: 1 << max };
    if max_stride_log > max || rows >= 1 << max {
        return Err(too_long);
    }
    let block = rows.next_multiple_of(1 << max_stride_log);
    let tallest = if 2 * block > 1 << TALL_LOG_HEIGHT { max } else { TALL_LOG_HEIGHT };
    let candidates = (MIN_LOG_HEIGHT..=tallest).filter(|&h| block < 1 << h).filter_map(|log_height| {
        let columns = payload_cells.div_ceil((1 << log_height) - block).max(1);
        let shape = VectorShape { log_height, columns, block };
        // Half of the columns at most: a proof has others.
        (columns <= MAX_SOURCES / 2).then(|| (cost(&shape, queries), shape))
    });
    candidates.min_by_key(|c| c.0).map(|c| c.1).ok_or(too_long)
}
