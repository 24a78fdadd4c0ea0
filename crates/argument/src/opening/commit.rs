//! Commitments: the fresh trace with its mask, and the long-lived vectors with their secret seed.
use super::config::{Dft, OpeningConfig};
use super::error::OpeningError;
use super::oracle::{SALT, SaltedTree, plain};
use super::packing::{DEGREE, conjugate, pad};
use super::shape::VectorShape;
use crate::entropy::{Entropy, uniform_base};
use crate::field::{E, F, basis, coordinates};
use crate::hiding::wipe;
use crate::multilinear::eq_table;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use p3_commit::{Encoder, Mmcs};
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use p3_matrix::dense::{RowMajorMatrix, RowMajorMatrixView, RowMajorMatrixViewMut};
use p3_maybe_rayon::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

/// Codewords of column-major coefficients: row j of the result is every column at w^j.
fn encode(values: &[F], log_height: usize, log_inv_rate: usize) -> RowMajorMatrix<F> {
    let width = values.len() >> log_height;
    let mut out = F::zero_vec(values.len() << log_inv_rate);
    let (message, _) = out.split_at_mut(values.len());
    RowMajorMatrixView::new(values, 1 << log_height).transpose_into(&mut RowMajorMatrixViewMut::new(message, width));
    Encoder::<F>::encode_batch_padded(&Dft::default(), RowMajorMatrix::new(out, width), log_inv_rate)
}

/// The physical table: payload, then the block, column after column.
fn table(shape: &VectorShape, payload: &[F], blocks: &[F]) -> Result<Vec<F>, OpeningError> {
    if payload.len() > shape.capacity() {
        return Err(OpeningError::Capacity { got: payload.len(), capacity: shape.capacity() });
    }
    let mut out = F::zero_vec(shape.columns << shape.log_height);
    let per = shape.payload_per_column();
    for (column, cells) in out.chunks_exact_mut(shape.height()).zip(payload.chunks(per)) {
        column[..cells.len()].copy_from_slice(cells);
    }
    for (column, block) in out.chunks_exact_mut(shape.height()).zip(blocks.chunks_exact(shape.block)) {
        column[per..].copy_from_slice(block);
    }
    Ok(out)
}

/// Sets the first element of the trace's conjugates to what the other two make it: module `packing`.
fn tie(shape: &VectorShape, values: &mut [F]) {
    let element = |values: &[F], j: usize| -> E {
        let at = |i: usize| packed_cell(shape, values, 0, pad(shape, j) + i) * basis(i);
        (0..DEGREE).map(at).sum()
    };
    let missing = conjugate(element(values, 1), 1) + conjugate(element(values, 2), 2) - element(values, 0);
    for (i, x) in coordinates(missing).into_iter().enumerate() {
        values[pad(shape, 0) + i] += x;
    }
}

/// F of one group at an exponent.
fn packed_cell(shape: &VectorShape, values: &[F], group: usize, exponent: usize) -> E {
    let cell = |i| values.get(((DEGREE * group + i) << shape.log_height) + exponent).copied().unwrap_or_default();
    E::new([cell(0), cell(1), cell(2)])
}

fn commit(matrices: Vec<RowMajorMatrix<F>>) -> ([u8; 32], Arc<SaltedTree>) {
    let (cap, tree) = plain().commit(matrices);
    (cap.roots()[0], Arc::new(tree))
}

/// The trace of one attempt with its mask: committed, secret, good for one opening.
///
/// Guarantees: not `Clone`, not `Serialize`, consumed by [`super::opening_proof`]; mask, block and salts are fresh
/// draws of the attempt's entropy and have no seed parameter.
pub struct Trace {
    pub(super) shape: VectorShape,
    pub(super) values: Vec<F>,
    /// g: 3 base columns of 2^h for every group, those of long-lived vectors included.
    pub(super) mask: Vec<F>,
    pub(super) root: [u8; 32],
    pub(super) tree: Arc<SaltedTree>,
}

impl Trace {
    /// Draws block, mask and salts, and commits.
    ///
    /// # Errors
    /// [`OpeningError::Capacity`] if the payload does not fit the configuration's trace.
    pub fn commit(config: &OpeningConfig, mut payload: Vec<F>, entropy: &mut Entropy) -> Result<Self, OpeningError> {
        let shape = config.trace();
        let mut blocks = entropy.uniform("block", shape.columns * shape.block);
        let values = table(&shape, &payload, &blocks);
        wipe(&mut payload);
        wipe(&mut blocks);
        drop((payload, blocks));
        let mut values = values?;
        tie(&shape, &mut values);
        let mask = entropy.uniform("mask", (3 * config.groups()) << shape.log_height);
        let rate = config.log_inv_rate();
        let salts = entropy.uniform("salts", SALT << (shape.log_height + rate));
        let (root, tree) = commit(vec![
            encode(&mask, shape.log_height, rate),
            encode(&values, shape.log_height, rate),
            RowMajorMatrix::new(salts, SALT),
        ]);
        Ok(Self { shape, values, mask, root, tree })
    }

    /// The root of trace and mask.
    #[must_use]
    pub const fn root(&self) -> [u8; 32] {
        self.root
    }
}

/// The trees keep codewords and salts until they are freed: the library gives no way to overwrite them.
impl Drop for Trace {
    fn drop(&mut self) {
        wipe(&mut self.values);
        wipe(&mut self.mask);
    }
}

/// A long-lived committed vector, with its secrets. Its row budget is the caller's to keep.
pub struct LongLived {
    pub(super) shape: VectorShape,
    pub(super) log_inv_rate: usize,
    pub(super) values: Vec<F>,
    pub(super) root: [u8; 32],
    pub(super) tree: Arc<SaltedTree>,
}

impl Drop for LongLived {
    fn drop(&mut self) {
        wipe(&mut self.values);
    }
}

impl core::fmt::Debug for LongLived {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("LongLived")
    }
}

impl LongLived {
    /// Commits; the same payload, shape, rate and seed give the same tree. Blocks and salts come from streams of the
    /// seed that also bind shape, rate and payload, so a seed used twice by mistake does not repeat a block.
    ///
    /// # Errors
    /// The shape's variant, or [`OpeningError::Capacity`].
    pub fn commit(
        shape: VectorShape,
        log_inv_rate: usize,
        payload: &[F],
        seed: &[u8; 32],
    ) -> Result<Self, OpeningError> {
        if !super::LOG_INV_RATES.contains(&log_inv_rate) {
            return Err(OpeningError::Rate { got: log_inv_rate });
        }
        shape.validate(1, 0)?;
        let key = secret_key(&shape, log_inv_rate, payload, seed);
        let mut blocks = secret_stream(&key, b"block", shape.columns * shape.block);
        let salts = secret_stream(&key, b"salts", SALT << (shape.log_height + log_inv_rate));
        let committed = Self::salted(shape, log_inv_rate, payload, &blocks, salts);
        wipe(&mut blocks);
        committed
    }

    fn salted(
        shape: VectorShape,
        log_inv_rate: usize,
        payload: &[F],
        blocks: &[F],
        salts: Vec<F>,
    ) -> Result<Self, OpeningError> {
        let values = table(&shape, payload, blocks)?;
        let (root, tree) =
            commit(vec![encode(&values, shape.log_height, log_inv_rate), RowMajorMatrix::new(salts, SALT)]);
        Ok(Self { shape, log_inv_rate, values, root, tree })
    }

    /// For tests: commits with these blocks (column after column) and salts.
    ///
    /// # Errors
    /// [`OpeningError::Capacity`].
    #[cfg(feature = "testing")]
    pub fn with_randomness(
        shape: VectorShape,
        log_inv_rate: usize,
        payload: &[F],
        blocks: &[F],
        salts: Vec<F>,
    ) -> Result<Self, OpeningError> {
        Self::salted(shape, log_inv_rate, payload, blocks, salts)
    }

    /// The root.
    #[must_use]
    pub const fn root(&self) -> [u8; 32] {
        self.root
    }

    /// The shape.
    #[must_use]
    pub const fn shape(&self) -> VectorShape {
        self.shape
    }

    /// The multilinear evaluation of the full table at a point of [`VectorShape::variables`] coordinates: published
    /// once, beside the root, at [`super::pin_point`].
    pub fn pin(&self, point: &[E]) -> E {
        let (columns, x) = point.split_at(point.len() - self.shape.log_height);
        let low_bits = x.len().min(10);
        let (high, low) = x.split_at(x.len() - low_bits);
        let (columns, high, low) = (eq_table(columns, E::ONE), eq_table(high, E::ONE), eq_table(low, E::ONE));
        let parts = self.values.par_chunks(low.len()).enumerate();
        parts.par_fold_reduce(
            || E::ZERO,
            |sum, (k, chunk)| {
                let scale = columns[k / high.len()] * high[k % high.len()];
                sum + scale * chunk.iter().zip(&low).map(|(&v, &w)| w * v).sum::<E>()
            },
            |a, b| a + b,
        )
    }
}

fn secret_key(shape: &VectorShape, log_inv_rate: usize, payload: &[F], seed: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut hasher = blake3::Hasher::new_keyed(seed);
    hasher.update(b"tacit/long-lived/v1");
    for x in [shape.log_height, shape.columns, shape.block, log_inv_rate, payload.len()] {
        hasher.update(&(x as u64).to_be_bytes());
    }
    for chunk in payload.chunks(512) {
        let mut bytes = Zeroizing::new([0u8; 8 * 512]);
        for (b, v) in bytes.chunks_exact_mut(8).zip(chunk) {
            b.copy_from_slice(&v.as_canonical_u64().to_be_bytes());
        }
        hasher.update(&bytes[..8 * chunk.len()]);
    }
    Zeroizing::new(*hasher.finalize().as_bytes())
}

/// `n` uniform elements in parallel, from one ChaCha20 stream per 2^14 of them.
fn secret_stream(key: &[u8; 32], label: &[u8], n: usize) -> Vec<F> {
    const CHUNK: usize = 1 << 14;
    let mut out = F::zero_vec(n);
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(k, chunk)| {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(label);
        hasher.update(&(k as u64).to_be_bytes());
        let mut rng = ChaCha20Rng::from_seed(*hasher.finalize().as_bytes());
        chunk.iter_mut().for_each(|x| *x = uniform_base(&mut rng));
    });
    out
}
