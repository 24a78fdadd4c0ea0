//! How the arguments of one verdict share an error of 2^-128.
//!
//! A verdict is wrong only if one of its arguments is, so that their errors sum. It rests on at most [`MAX_RUNS`] runs, one
//! argument about their models (a release or a report; of a run whose released weights a report is about, both), the validity of [`MAX_VALIDITY`] data sets, and [`MAX_LINKS`] links. Each argument has at
//! most 2^-(128 + its number here); the chunks of a run divide the run's share once more. Whatever is checked together
//! then sums to at most 2^-128. Source: `docs/soundness.md`, section 3.
use crate::multilinear::log2_ceil;

/// A run, all its chunks together: a quarter.
pub const LOG_RUN: usize = 2;
/// A release or a report: an eighth.
pub const LOG_ABOUT_MODEL: usize = 3;
/// The validity of a data set: a sixteenth.
pub const LOG_VALIDITY: usize = 4;
/// A link: a 128th.
pub const LOG_LINK: usize = 7;
/// Runs behind one verdict, at most: of a model, and of one that it is compared with.
pub const MAX_RUNS: usize = 2;
/// Validity proofs behind one verdict, at most: of two models' training data and of the rows evaluated, or of a link's two
/// sides; one is to spare.
pub const MAX_VALIDITY: usize = 4;
/// Links behind one verdict, at most; more are refused.
pub const MAX_LINKS: usize = 16;

/// The shares of the largest verdict are one whole.
const _: () = {
    let whole = 1 << LOG_LINK;
    let about = whole >> LOG_ABOUT_MODEL;
    assert!(MAX_RUNS * (whole >> LOG_RUN) + about + MAX_VALIDITY * (whole >> LOG_VALIDITY) + MAX_LINKS <= whole);
    // A report on a public model, its release and their one run.
    assert!((whole >> LOG_RUN) + 2 * about + MAX_VALIDITY * (whole >> LOG_VALIDITY) + MAX_LINKS <= whole);
};

/// log2 of the shares that one chunk of a run of so many chunks is one of.
#[must_use]
pub const fn of_chunk(chunks: usize) -> usize {
    LOG_RUN + log2_ceil(chunks)
}

/// The smallest share that any of `proofs` proofs over one vector may have: one of them in a run of all of them, or a
/// link.
pub(crate) const fn smallest(proofs: usize) -> usize {
    let chunk = of_chunk(proofs);
    if chunk > LOG_LINK { chunk } else { LOG_LINK }
}
