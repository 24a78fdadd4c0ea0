//! The library's commitment scheme for one proof: ordinary trees, and the virtual first oracle.
use super::error::OracleError;
use super::oracle::{FirstOracle, OracleData, OraclePaths, OracleRoots, PlainMmcs, SaltedTree, TreePaths, cap, plain};
use crate::field::F;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use p3_commit::{BatchOpening, BatchOpeningRef, Mmcs};
use p3_field::PrimeCharacteristicRing;
use p3_matrix::{Dimensions, Matrix};

/// The library's commitment scheme for one proof.
#[derive(Clone)]
pub struct OracleMmcs {
    plain: PlainMmcs,
    first: Rc<FirstOracle>,
    // The library drops the error of a commitment scheme; the check wants to name the tree.
    failure: Rc<Cell<Option<OracleError>>>,
    // The library keeps the query positions to itself; the prover checks what they leave uniform.
    #[cfg(feature = "prover")]
    opened: Rc<Cell<Vec<usize>>>,
}

impl OracleMmcs {
    pub(super) fn new(first: FirstOracle) -> Self {
        Self {
            plain: plain(),
            first: Rc::new(first),
            failure: Rc::default(),
            #[cfg(feature = "prover")]
            opened: Rc::default(),
        }
    }

    /// Takes the rows of the first oracle that were opened last.
    #[cfg(feature = "prover")]
    pub(super) fn take_opened(&self) -> Vec<usize> {
        self.opened.take()
    }

    /// Why the last verification failed.
    pub(super) fn failure(&self) -> Option<OracleError> {
        self.failure.get()
    }

    fn verify<R: AsRef<[F]> + PartialEq>(
        &self,
        roots: &OracleRoots,
        dims: &[Dimensions],
        indices: &[usize],
        values: &[Vec<R>],
        proof: &OraclePaths,
    ) -> Result<(), OracleError> {
        match (proof, roots.0.as_slice(), *roots == self.first.roots) {
            (OraclePaths::Plain(paths), &[root], false) => {
                self.plain.verify_multi_batch(&cap(root), dims, indices, values, paths).map_err(|_| OracleError::Later)
            }
            (OraclePaths::First { rows, trees }, _, true) => self.verify_first(dims, indices, values, rows, trees),
            _ => Err(OracleError::Kind),
        }
    }

    fn verify_first<R: AsRef<[F]> + PartialEq>(
        &self,
        dims: &[Dimensions],
        indices: &[usize],
        values: &[Vec<R>],
        rows: &[Vec<F>],
        trees: &[TreePaths],
    ) -> Result<(), OracleError> {
        let first = &*self.first;
        let (sources, n) = (first.sources(), indices.len());
        let expected = [Dimensions { width: first.width, height: 1 << (first.log_height() + first.log_inv_rate) }];
        let shape = dims == expected
            && values.len() == n
            && values.iter().all(|v| matches!(v.as_slice(), [r] if r.as_ref().len() == first.width))
            && rows.len() == n
            && rows.iter().all(|r| r.len() == sources)
            && first.width >= 3 * first.groups()
            && trees.len() == first.shapes.len()
            && trees.iter().all(|t| t.salts.len() == n);
        if !shape {
            return Err(OracleError::Shape);
        }
        let mut masks = Vec::with_capacity(n);
        for (value, row) in values.iter().zip(rows) {
            let (used, zero) = value.first().map_or(&[][..], AsRef::as_ref).split_at(3 * first.groups());
            if zero.iter().any(|x| *x != F::ZERO) {
                return Err(OracleError::ZeroColumn);
            }
            masks.push(first.combine(used, row, F::NEG_ONE));
        }
        let mut offset = 0;
        for (k, ((shape, tree), &root)) in first.shapes.iter().zip(trees).zip(&first.roots.0).enumerate() {
            let opened: Vec<Vec<&[F]>> = (masks.iter().zip(rows).zip(&tree.salts))
                .map(|((mask, row), salt)| {
                    let own = row.get(offset..offset + shape.columns).unwrap_or(&[]);
                    let mask = (k == 0).then_some(mask.as_slice());
                    mask.into_iter().chain([own, salt.as_slice()]).collect()
                })
                .collect();
            self.plain
                .verify_multi_batch(
                    &cap(root),
                    &first.dimensions(k, shape),
                    &first.indices(shape, indices),
                    &opened,
                    &tree.paths,
                )
                .map_err(|_| OracleError::Tree(k))?;
            offset += shape.columns;
        }
        Ok(())
    }

    fn open_first(&self, indices: &[usize], trees: &[Arc<SaltedTree>]) -> (Vec<Vec<Vec<F>>>, OraclePaths) {
        let first = &*self.first;
        #[cfg(feature = "prover")]
        self.opened.set(indices.to_vec());
        let mut masks: Vec<Vec<F>> = vec![];
        let mut rows: Vec<Vec<F>> = vec![vec![]; indices.len()];
        let mut out = Vec::with_capacity(trees.len());
        for (k, (tree, shape)) in trees.iter().zip(&first.shapes).enumerate() {
            let (opened, paths) = self.plain.open_multi_batch(&first.indices(shape, indices), &**tree);
            let mut salts = Vec::with_capacity(indices.len());
            for (row, mut matrices) in rows.iter_mut().zip(opened) {
                let salt = matrices.pop().unwrap_or_default();
                salts.push(core::array::from_fn(|i| salt.get(i).copied().unwrap_or_default()));
                row.extend(matrices.pop().unwrap_or_default());
                if k == 0 {
                    masks.push(matrices.pop().unwrap_or_default());
                }
            }
            out.push(TreePaths { salts, paths });
        }
        let h = masks
            .iter()
            .zip(&rows)
            .map(|(g, f)| {
                let mut h = first.combine(g, f, F::ONE);
                h.resize(first.width, F::ZERO);
                vec![h]
            })
            .collect();
        (h, OraclePaths::First { rows, trees: out })
    }
}

impl Mmcs<F> for OracleMmcs {
    type ProverData<M> = OracleData<M>;
    type Commitment = OracleRoots;
    type Proof = OraclePaths;
    type MultiProof = OraclePaths;
    type Error = OracleError;

    fn commit<M: Matrix<F>>(&self, inputs: Vec<M>) -> (OracleRoots, OracleData<M>) {
        let (cap, tree) = self.plain.commit(inputs);
        (OracleRoots(cap.roots().to_vec()), OracleData::Plain(tree))
    }

    fn get_matrices<'a, M: Matrix<F>>(&self, data: &'a OracleData<M>) -> Vec<&'a M> {
        match data {
            OracleData::Plain(tree) => self.plain.get_matrices(tree),
            OracleData::First(_) => vec![],
        }
    }

    fn open_batch<M: Matrix<F>>(&self, index: usize, data: &OracleData<M>) -> BatchOpening<F, Self> {
        let (mut rows, proof) = self.open_multi_batch(&[index], data);
        BatchOpening::new(rows.pop().unwrap_or_default(), proof)
    }

    fn verify_batch(
        &self,
        roots: &OracleRoots,
        dims: &[Dimensions],
        index: usize,
        opening: BatchOpeningRef<'_, F, Self>,
    ) -> Result<(), OracleError> {
        let (rows, proof) = opening.unpack();
        self.verify_multi_batch(roots, dims, &[index], &[rows.iter().map(Vec::as_slice).collect()], proof)
    }

    fn open_multi_batch<M: Matrix<F>>(
        &self,
        indices: &[usize],
        data: &OracleData<M>,
    ) -> (Vec<Vec<Vec<F>>>, OraclePaths) {
        match data {
            OracleData::Plain(tree) => {
                let (rows, paths) = self.plain.open_multi_batch(indices, tree);
                (rows, OraclePaths::Plain(paths))
            }
            OracleData::First(trees) => self.open_first(indices, trees),
        }
    }

    fn verify_multi_batch<R: AsRef<[F]> + PartialEq>(
        &self,
        roots: &OracleRoots,
        dims: &[Dimensions],
        indices: &[usize],
        values: &[Vec<R>],
        proof: &OraclePaths,
    ) -> Result<(), OracleError> {
        let result = self.verify(roots, dims, indices, values, proof);
        self.failure.set(result.err());
        result
    }
}
