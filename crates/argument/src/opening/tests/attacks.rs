//! Dishonest provers, other statements, the wrong kind of oracle: the exact error of each.
use super::fields::{first, last, sources, world};
use super::*;

/// f and h changed together so that g stays: the trace's own row still hashes, the vector's does not.
#[test]
fn a_long_lived_row_is_held_by_its_own_tree() {
    let mut w = world();
    let (roots, proof) = w.prove();
    let gamma = {
        let mut t = transcript();
        begin(&w.config, &mut t);
        let Claim { value, .. } = weights::add_pins(w.claim(), &w.pins, &mut t);
        let kappa = t.challenge();
        let _ = crate::opening::packing::Packing::drawn(kappa, value, &proof.conjugates, &mut t);
        t.absorb_message(proof.mu);
        t.challenge()
    };
    // The trace's two columns are a group, then the vectors' one and two.
    let change = |p: &mut OpeningProof, column: usize, (group, k): (usize, usize)| {
        sources(p).0[5][column] += F::ONE;
        for (i, g) in crate::field::coordinates(gamma * crate::field::basis(k)).into_iter().enumerate() {
            first(p).rows[5][3 * group + i] += g;
        }
    };
    for (column, place, vector) in [(2, (1, 0), 1), (3, (2, 0), 2), (4, (2, 1), 2)] {
        let mut p = proof.clone();
        change(&mut p, column, place);
        assert_eq!(w.check(&roots, &p), Err(OracleError::Tree(vector).into()));
    }
    // In the trace's column the same change breaks the joint leaf.
    let mut p = proof.clone();
    change(&mut p, 1, (0, 1));
    assert_eq!(w.check(&roots, &p), Err(OracleError::Tree(0).into()));
}

#[test]
fn statements_other_than_the_proven_one_fail() {
    let mut w = world();
    let (roots, proof) = w.prove();
    let check = |roots: &[[u8; 32]], claim: Claim, pins: &[Pin]| {
        opening_check(&w.config, roots, claim, pins, &mut transcript(), &proof).unwrap_err()
    };
    let mut claim = w.claim();
    claim.value += E::ONE;
    assert_eq!(check(&roots, claim, &w.pins), OpeningError::SourceClaim);
    let mut claim = w.claim();
    claim.weights[1].tensors[0].slots[2].1 += E::ONE;
    assert_eq!(check(&roots, claim, &w.pins), OpeningError::SourceClaim);
    let mut claim = w.claim();
    claim.weights[2].runs[0].0 += 1;
    assert_eq!(check(&roots, claim, &w.pins), OpeningError::SourceClaim);
    for change in [0usize, 1] {
        let mut pins = w.pins.clone();
        if change == 0 {
            pins[1].value += E::ONE;
        } else {
            pins[0].point[3] += E::ONE;
        }
        assert_eq!(check(&roots, w.claim(), &pins), OpeningError::SourceClaim);
    }
    // Two long-lived roots swapped; the trace's root replaced.
    let mut swapped = roots.clone();
    swapped.swap(1, 2);
    assert_eq!(check(&swapped, w.claim(), &w.pins), OracleError::Tree(1).into());
    let mut other = roots.clone();
    other[0][0] ^= 1;
    assert_eq!(check(&other, w.claim(), &w.pins), OracleError::Tree(0).into());
    assert_eq!(check(&roots[..2], w.claim(), &w.pins), OpeningError::RootCount { expected: 3, got: 2 });
    // Another transcript before it.
    let mut t = transcript();
    t.begin(b"something else");
    assert_eq!(
        opening_check(&w.config, &roots, w.claim(), &w.pins, &mut t, &proof).unwrap_err(),
        OpeningError::SourceClaim
    );
}

/// Provers who deviate before the transcript is fixed, so that every challenge fits their lie: the sums are false.
#[test]
fn consistent_liars_fail_in_the_sums() {
    let mut w = world();
    let honest = w.sigma;
    w.sigma += E::ONE;
    let (roots, proof) = w.prove();
    assert_eq!(w.check(&roots, &proof), Err(OpeningError::SourceClaim), "sigma");
    w.sigma = honest;
    for tamper in [
        Tamper::<Dft> { conjugates: E::ONE, ..Tamper::default() },
        Tamper::<Dft> { mu: E::ONE, ..Tamper::default() },
        Tamper::<Dft> { gamma: E::ONE, ..Tamper::default() },
    ] {
        let (roots, proof) = w.prove_with(w.claim(), tamper);
        assert_eq!(w.check(&roots, &proof), Err(OpeningError::SourceClaim));
    }
    w.weights[1].tensors[0].slots[2].1 += E::ONE;
    let (roots, proof) = w.prove();
    assert_eq!(w.check(&roots, &proof), Err(OpeningError::SourceClaim), "weight");
    w.weights[1].tensors[0].slots[2].1 -= E::ONE;
    w.pins[0].value += E::ONE;
    let (roots, proof) = w.prove();
    assert_eq!(w.check(&roots, &proof), Err(OpeningError::SourceClaim), "pin");
}

/// P changed where W vanishes: every sum of ours holds, the opened rows belong to another polynomial.
/// (With debug assertions the library's own prover refuses to go on.)
#[cfg(not(debug_assertions))]
#[test]
fn another_p_than_the_committed_one_fails_in_whir() {
    let mut w = world();
    let (roots, proof) = w.prove_with(w.claim(), Tamper::<Dft> { p: F::ONE, ..Tamper::default() });
    assert_eq!(w.check(&roots, &proof), Err(OpeningError::FinalClaim));
}

/// A last oracle that is no codeword of the folded polynomial.
#[test]
fn the_last_oracle_must_fold_to_the_final_polynomial() {
    #[derive(Clone, Default)]
    struct Lying(Dft);
    impl p3_dft::TwoAdicSubgroupDft<F> for Lying {
        type Evaluations = <Dft as p3_dft::TwoAdicSubgroupDft<F>>::Evaluations;
        fn dft_batch(&self, mut mat: p3_matrix::dense::RowMajorMatrix<F>) -> Self::Evaluations {
            // The last of two later oracles is the lower one.
            if p3_matrix::Matrix::height(&mat) == 1 << 9 {
                mat.values[0] += F::ONE;
            }
            self.0.dft_batch(mat)
        }
    }
    let mut w = world();
    let (roots, proof) = w.prove_with(w.claim(), Tamper::<Lying>::default());
    assert_eq!(w.check(&roots, &proof), Err(OpeningError::FinalQueries));
}

/// With tau zero (no claim, nothing that hides it) any gamma satisfies the sums: only the recomputed rows of g notice.
#[test]
fn another_gamma_is_caught_by_the_rows_of_g() {
    let mut w = World::new(2, shapes(2, &[]));
    w.weights = vec![Weights::default()];
    w.sigma = E::ZERO;
    let trace = w.config.trace();
    let drawn = [
        ("block", trace.columns * trace.block),
        ("mask", (3 * w.config.groups()) << trace.log_height),
        ("salts", SALT << (trace.log_height + 2)),
    ];
    let mut script = drawn.map(|(label, n)| (label, w.entropy.uniform(label, n)));
    for column in script[0].1.chunks_mut(trace.block) {
        column[trace.block - CONJUGATE_BLOCK..].fill(F::ZERO);
    }
    w.entropy = Entropy::scripted(script.clone().into());
    let (roots, proof) = w.prove();
    w.check(&roots, &proof).expect("honest");
    assert_eq!(proof.conjugates, [E::ZERO; 2]);
    w.entropy = Entropy::scripted(script.into());
    let (roots, proof) = w.prove_with(w.claim(), Tamper::<Dft> { gamma: E::ONE, ..Tamper::default() });
    assert_eq!(w.check(&roots, &proof), Err(OracleError::Tree(0).into()));
}

/// The kind of an oracle is decided by the statement's roots: with one vector both kinds have a single root.
#[test]
fn the_statements_root_is_no_later_oracle() {
    let mut w = World::new(2, shapes(2, &[]));
    let (roots, mut proof) = w.prove();
    proof.whir.whir.rounds[0].commitment = Some(OracleRoots(roots.clone()));
    assert_eq!(w.check(&roots, &proof), Err(OpeningError::Work { round: 0 }));
}

/// The oracle itself, asked directly: the statement's roots under a later opening, and the reverse.
#[test]
fn the_oracle_refuses_the_wrong_kind() {
    use p3_commit::Mmcs;
    let mut w = World::new(2, shapes(2, &[]));
    let (roots, mut proof) = w.prove();
    let (_, mmcs, first_roots) = check::pcs(&w.config, Dft::default(), E::ONE, &roots);
    let opened = last(&mut proof).clone();
    let flat: Vec<Vec<Vec<F>>> = opened.rows.iter().map(|_| vec![vec![F::ZERO; 4]]).collect();
    let dims = [p3_matrix::Dimensions { width: 4, height: 1 << 13 }];
    let indices: Vec<usize> = (0..flat.len()).collect();
    let kind = mmcs.verify_multi_batch(&first_roots, &dims, &indices, &flat, &opened.proof);
    assert_eq!((kind, mmcs.failure()), (Err(OracleError::Kind), Some(OracleError::Kind)));
    let first_paths = first(&mut proof).proof.clone();
    let later = OracleRoots(vec![[3; 32]]);
    assert_eq!(mmcs.verify_multi_batch(&later, &dims, &indices, &flat, &first_paths), Err(OracleError::Kind));
    let shape = mmcs.verify_multi_batch(&first_roots, &dims, &indices, &flat, &first_paths);
    assert_eq!(shape, Err(OracleError::Shape));
    let rows: Vec<Vec<Vec<F>>> =
        first(&mut proof).rows.iter().map(|r| vec![[r.as_slice(), &[F::ONE]].concat()]).collect();
    let indices: Vec<usize> = (0..rows.len()).collect();
    let zero = mmcs.verify_multi_batch(&first_roots, &dims, &indices, &rows, &first_paths);
    assert_eq!(zero, Err(OracleError::ZeroColumn));
}
