//! Frozen challenges inside WHIR: its own roots are bound by the transcript. The other roots, the statement and the
//! rounds are in `tests/evidence/frozen.rs`.
use super::*;
use crate::transcript::probe::{Answer, Mode, with};
use alloc::collections::{BTreeMap, BTreeSet};
use p3_dft::TwoAdicSubgroupDft;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;

/// Encodes as it should, but for one row of the oracle of 2^bits rows.
#[derive(Clone, Default)]
struct Other {
    inner: Dft,
    bits: usize,
    row: usize,
}

impl TwoAdicSubgroupDft<F> for Other {
    type Evaluations = <Dft as TwoAdicSubgroupDft<F>>::Evaluations;
    fn dft_batch(&self, mat: RowMajorMatrix<F>) -> Self::Evaluations {
        let mut out = self.inner.dft_batch(mat);
        if out.height() == 1 << self.bits {
            let width = out.width();
            out.values[self.row * width] += F::ONE;
        }
        out
    }
}

/// A later oracle with another value in a row that no query opens: another root, the same rows.
#[test]
fn every_root_of_whir() {
    let mut w = World::new(2, shapes(2, &[shape(10, 1, block(2))]));
    let (trace, sources) = (w.config.trace(), w.config.sources());
    let script: BTreeMap<&str, Vec<F>> = [
        ("block", trace.columns * trace.block),
        ("mask", (3 * sources) << trace.log_height),
        ("salts", SALT << (trace.log_height + 2)),
    ]
    .into_iter()
    .map(|(label, n)| (label, w.entropy.uniform(label, n)))
    .collect();
    w.entropy = Entropy::scripted(script.clone());
    let ((roots, honest), runs) = with(Mode::Live, || w.prove());
    let answers = runs[0].answers();
    let mut opened: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for a in &answers {
        if let Answer::Index(bits, j) = a {
            opened.entry(*bits).or_default().insert(*j);
        }
    }
    // The first oracle is the virtual one.
    opened.pop_last();
    let oracles = honest.whir.whir.rounds.len();
    assert!(oracles > 1 && opened.len() == oracles);
    for (k, (&bits, rows)) in opened.iter().rev().enumerate() {
        let row = (0..1 << bits).find(|j| !rows.contains(j)).unwrap();
        w.entropy = Entropy::scripted(script.clone());
        let tamper = Tamper { dft: Other { inner: Dft::default(), bits, row }, ..Tamper::default() };
        let claim = w.claim();
        let ((same, proof), _) = with(Mode::Frozen(answers.clone()), || w.prove_with(claim, tamper));
        assert_eq!(roots, same);
        for (i, (a, b)) in honest.whir.whir.rounds.iter().zip(&proof.whir.whir.rounds).enumerate() {
            assert_eq!(a.commitment != b.commitment, i == k, "root {i}");
            assert_eq!(a.ood_answers, b.ood_answers);
        }
        let (frozen, _) = with(Mode::Frozen(answers.clone()), || w.check(&roots, &proof));
        frozen.unwrap();
        assert_eq!(w.check(&roots, &proof), Err(OpeningError::Work { round: k }));
    }
}
