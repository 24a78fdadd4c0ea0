//! The first oracle of WHIR, virtual: its rows are h = g + gamma F, its commitment the real trees of g and f.
//!
//! The proof carries the rows of h (the library's own) and of f; the verifier computes g = h - gamma F and hashes
//! (g, f, salt) against the trace's tree, (f, salt) against the others. Later oracles are ordinary trees: they are
//! functions of the uniform h. Which kind a commitment is follows from the statement's roots, never from the
//! proof. A column of height 2^(h-e) is read as q(X^(2^e)): row j of the big domain is its row j mod 2^(h-e+rate).
use super::packing::groups;
use super::shape::VectorShape;
use crate::field::{E, F, coordinates};
use crate::transcript::Challenger;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use p3_blake3::Blake3;
use p3_challenger::CanObserve;
use p3_matrix::Dimensions;
use p3_matrix::dense::RowMajorMatrix;
use p3_merkle_tree::{MerkleCap, MerkleTree, MerkleTreeMmcs, PrunedMerklePaths};
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};
use serde::{Deserialize, Serialize};

type LeafHash = SerializingHasher<Blake3>;
type NodeHash = CompressionFunctionFromHasher<Blake3, 2, 32>;
/// An ordinary BLAKE3 tree.
pub(super) type PlainMmcs = MerkleTreeMmcs<F, u8, LeafHash, NodeHash, 2, 32>;
/// A salted tree: its last matrix is the salt.
pub(super) type SaltedTree = MerkleTree<F, u8, RowMajorMatrix<F>, 2, 32>;
/// Boundary digests of a multi-opening.
pub type Paths = PrunedMerklePaths<u8, 32>;

/// Salt elements of a leaf: 256 bits, so that many equal rows in one tree leave 128 against all of them.
pub const SALT: usize = 4;

pub(super) fn plain() -> PlainMmcs {
    PlainMmcs::new(LeafHash::new(Blake3 {}), NodeHash::new(Blake3 {}), 0)
}

/// The roots that commit to one oracle: the statement's for the first, a single one for a later one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OracleRoots(pub Vec<[u8; 32]>);

impl CanObserve<OracleRoots> for Challenger {
    fn observe(&mut self, roots: OracleRoots) {
        for root in roots.0 {
            self.observe(cap(root));
        }
    }
}

pub(super) fn cap(root: [u8; 32]) -> MerkleCap<F, [u8; 32]> {
    MerkleCap::new(vec![root])
}

/// Salts and paths of one tree of the first oracle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TreePaths {
    /// One salt per opened row.
    pub salts: Vec<[F; SALT]>,
    /// The boundary digests.
    pub paths: Paths,
}

/// What authenticates the opened rows of one oracle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum OraclePaths {
    /// A later oracle.
    Plain(Paths),
    /// The first oracle.
    First {
        /// The opened rows of all committed vectors, side by side, one per query.
        rows: Vec<Vec<F>>,
        /// One per committed vector.
        trees: Vec<TreePaths>,
    },
}

/// What one proof's first oracle is made of.
pub(super) struct FirstOracle {
    pub shapes: Vec<VectorShape>,
    pub log_inv_rate: usize,
    /// Columns of P, a power of two.
    pub width: usize,
    pub gamma: E,
    pub roots: OracleRoots,
}

impl FirstOracle {
    pub(super) fn log_height(&self) -> usize {
        self.shapes.first().map_or(0, |s| s.log_height)
    }

    pub(super) fn sources(&self) -> usize {
        self.shapes.iter().map(|s| s.columns).sum()
    }

    /// Groups of the columns: three base columns of h and g each.
    pub(super) fn groups(&self) -> usize {
        self.shapes.iter().map(VectorShape::groups).sum()
    }

    /// `g + gamma F` (or, with `gamma` negated, its inverse) on one row.
    pub(super) fn combine(&self, g: &[F], f: &[F], sign: F) -> Vec<F> {
        let gamma = self.gamma * sign;
        let masked = groups(&self.shapes).zip(g.chunks_exact(3)).flat_map(|((first, n), g)| {
            let own = f.get(first..first + n).unwrap_or(&[]);
            let packed = E::new(core::array::from_fn(|i| own.get(i).copied().unwrap_or_default()));
            let [a, b, c] = coordinates(gamma * packed);
            [a, b, c].into_iter().zip(g).map(|(x, &g)| x + g)
        });
        masked.collect()
    }

    /// Dimensions of the matrices of one tree, the salt last.
    pub(super) fn dimensions(&self, vector: usize, shape: &VectorShape) -> Vec<Dimensions> {
        let height = 1 << (shape.log_height + self.log_inv_rate);
        let mask = (vector == 0).then(|| 3 * self.groups());
        let widths = mask.into_iter().chain([shape.columns, SALT]);
        widths.map(|width| Dimensions { width, height }).collect()
    }

    pub(super) fn indices(&self, shape: &VectorShape, rows: &[usize]) -> Vec<usize> {
        let mask = (1 << (shape.log_height + self.log_inv_rate)) - 1;
        rows.iter().map(|j| j & mask).collect()
    }
}

/// Prover's data behind an oracle.
pub enum OracleData<M> {
    /// A later oracle.
    Plain(MerkleTree<F, u8, M, 2, 32>),
    /// The first oracle: the trees in the order of the roots.
    First(Vec<Arc<SaltedTree>>),
}
