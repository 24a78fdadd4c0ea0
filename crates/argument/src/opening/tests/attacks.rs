//! Dishonest provers, and every field of a proof changed: the exact error of each.
use super::*;
use crate::soundness;
use p3_whir::pcs::proof::{QueryOpenings, SharedProofOpening, SumcheckData};

fn world() -> World {
    World::new(2, shapes(2, &[shape(10, 1, block(2)), shape(11, 2, block(2))]))
}

/// Rows of h and what authenticates them.
fn first(p: &mut OpeningProof) -> &mut SharedProofOpening<F, OraclePaths> {
    match &mut p.whir.whir.rounds[0].openings {
        QueryOpenings::Base(o) => o,
        QueryOpenings::Extension(_) => unreachable!("round 0 is over F"),
    }
}

fn sources(p: &mut OpeningProof) -> (&mut Vec<Vec<F>>, &mut Vec<TreePaths>) {
    match &mut first(p).proof {
        OraclePaths::First { rows, trees } => (rows, trees),
        OraclePaths::Plain(_) => unreachable!("the first oracle is virtual"),
    }
}

fn later(p: &mut OpeningProof) -> &mut SharedProofOpening<E, OraclePaths> {
    match &mut p.whir.whir.rounds[1].openings {
        QueryOpenings::Extension(o) => o,
        QueryOpenings::Base(_) => unreachable!("round 1 is over E"),
    }
}

fn last(p: &mut OpeningProof) -> &mut SharedProofOpening<E, OraclePaths> {
    match &mut p.whir.whir.final_openings {
        QueryOpenings::Extension(o) => o,
        QueryOpenings::Base(_) => unreachable!("the last rows are over E"),
    }
}

fn plain(o: &mut SharedProofOpening<E, OraclePaths>) -> &mut Paths {
    match &mut o.proof {
        OraclePaths::Plain(p) => p,
        OraclePaths::First { .. } => unreachable!("later oracles are plain"),
    }
}

fn roots_of(p: &mut OpeningProof) -> &mut Vec<[u8; 32]> {
    &mut p.whir.whir.rounds[0].commitment.as_mut().unwrap().0
}

type Change = fn(&mut OpeningProof);

/// One row per field of the proof: what is changed, and the error that must name it.
#[test]
fn every_changed_field_is_named() {
    use OpeningError as Er;
    let mut w = world();
    let (roots, proof) = w.prove();
    w.check(&roots, &proof).expect("honest");
    let q = w.config.queries();
    let rounds = w.config.whir().round_parameters().len();
    assert_eq!((rounds, w.config.sources()), (2, 5));
    let q1 = w.config.whir().round_parameters()[1].num_queries;
    let q2 = w.config.whir().terminal().num_queries;
    let fold = 1usize << w.config.whir().folding_schedule().last().unwrap();
    let finals = 1usize << w.config.whir().final_sumcheck_rounds();
    let exact: Vec<(&str, Change, Er)> = vec![
        ("mu", |p| p.mu += E::ONE, Er::SourceClaim),
        ("first source round", |p| p.source_rounds[0][0] += E::ONE, Er::SourceClaim),
        ("last source round", |p| p.source_rounds.last_mut().unwrap()[1] += E::ONE, Er::SourceClaim),
        ("source rounds", |p| p.source_rounds.truncate(5), Er::SourceRounds { expected: 14, got: 5 }),
        ("more source rounds", |p| p.source_rounds.push([E::ONE; 2]), Er::SourceRounds { expected: 14, got: 15 }),
        ("value", |p| p.value += E::ONE, Er::SourceClaim),
        ("column round", |p| p.column_rounds[0][0] += E::ONE, Er::ColumnClaim),
        ("last column round", |p| p.column_rounds[3][1] += E::ONE, Er::ColumnClaim),
        ("column rounds", |p| p.column_rounds.truncate(3), Er::ColumnRounds { expected: 4, got: 3 }),
        ("evaluation", |p| p.whir.evals[0] = p3_sumcheck::OpeningBatch::new(vec![E::ONE], vec![]), Er::ColumnClaim),
        (
            "evaluation of the successor",
            |p| p.whir.evals[0] = p3_sumcheck::OpeningBatch::new(vec![], vec![E::ONE]),
            Er::EvaluationShape,
        ),
        ("no evaluation", |p| p.whir.evals.clear(), Er::EvaluationShape),
        ("two evaluations", |p| p.whir.evals.push(p.whir.evals[0].clone()), Er::EvaluationShape),
        (
            "no out-of-domain answer",
            |p| p.whir.whir.initial_ood_answers.clear(),
            Er::OutOfDomain { round: 0, expected: 1, got: 0 },
        ),
        (
            "no later out-of-domain answer",
            |p| p.whir.whir.rounds[1].ood_answers.clear(),
            Er::OutOfDomain { round: 2, expected: 1, got: 0 },
        ),
        ("a WHIR round less", |p| p.whir.whir.rounds.truncate(1), Er::WhirRounds { expected: 2, got: 1 }),
        ("no later root", |p| p.whir.whir.rounds[0].commitment = None, Er::RoundRoot { round: 0, got: 0 }),
        (
            "two later roots",
            |p| p.whir.whir.rounds[1].commitment = Some(OracleRoots(vec![[1; 32]; 2])),
            Er::RoundRoot { round: 1, got: 2 },
        ),
        ("h row", |p| first(p).rows[5][8] += F::ONE, OracleError::Tree(0).into()),
        ("h row, long-lived column", |p| first(p).rows[5][14] += F::ONE, OracleError::Tree(0).into()),
        ("h row short", |p| first(p).rows[5].truncate(14), Er::RowWidth { round: 0, expected: 15, got: 14 }),
        (
            "h row with a zero column",
            |p| first(p).rows[5].push(F::ZERO),
            Er::RowWidth { round: 0, expected: 15, got: 16 },
        ),
        ("h row missing", |p| first(p).rows.truncate(3), Er::RowCount { round: 0, expected: q, got: 3 }),
        ("f row, trace", |p| sources(p).0[5][0] += F::ONE, OracleError::Tree(0).into()),
        ("f row, vector 1", |p| sources(p).0[5][2] += F::ONE, OracleError::Tree(0).into()),
        ("f row, vector 2", |p| sources(p).0[5][3] += F::ONE, OracleError::Tree(0).into()),
        ("f row short", |p| sources(p).0[5].truncate(4), Er::SourceWidth { expected: 5, got: 4 }),
        ("f row missing", |p| sources(p).0.truncate(7), Er::SourceRows { expected: q, got: 7 }),
        ("tree missing", |p| sources(p).1.truncate(2), Er::TreeCount { expected: 3, got: 2 }),
        ("salt missing", |p| sources(p).1[1].salts.truncate(9), Er::SaltCount { vector: 1, expected: q, got: 9 }),
        ("salt, trace", |p| sources(p).1[0].salts[5][0] += F::ONE, OracleError::Tree(0).into()),
        ("salt, vector 1", |p| sources(p).1[1].salts[5][3] += F::ONE, OracleError::Tree(1).into()),
        ("salt, vector 2", |p| sources(p).1[2].salts[5][2] += F::ONE, OracleError::Tree(2).into()),
        ("path, trace", |p| sources(p).1[0].paths.sibling_hashes[3][0] ^= 1, OracleError::Tree(0).into()),
        ("path, vector 2", |p| sources(p).1[2].paths.sibling_hashes[3][31] ^= 1, OracleError::Tree(2).into()),
        ("path too short", |p| sources(p).1[1].paths.sibling_hashes.truncate(20), OracleError::Tree(1).into()),
        ("path too long", |p| sources(p).1[1].paths.sibling_hashes.push([0; 32]), OracleError::Tree(1).into()),
        ("trees swapped", |p| sources(p).1.swap(1, 2), OracleError::Tree(1).into()),
        (
            "plain opening of the virtual oracle",
            |p| first(p).proof = OraclePaths::Plain(plain(last(&mut p.clone())).clone()),
            OracleError::Kind.into(),
        ),
        (
            "virtual opening of a later oracle",
            |p| later(p).proof = first(&mut p.clone()).proof.clone(),
            OracleError::Kind.into(),
        ),
        ("later row", |p| later(p).rows[2][1] += E::ONE, OracleError::Later.into()),
        ("later row short", |p| later(p).rows[2].truncate(15), Er::RowWidth { round: 1, expected: 16, got: 15 }),
        ("later row missing", |p| later(p).rows.truncate(2), Er::RowCount { round: 1, expected: q1, got: 2 }),
        ("later path", |p| plain(later(p)).sibling_hashes[0][0] ^= 1, OracleError::Later.into()),
        ("last row", |p| last(p).rows[2][1] += E::ONE, OracleError::Later.into()),
        ("last row short", |p| last(p).rows[2].truncate(1), Er::RowWidth { round: 2, expected: fold, got: 1 }),
        ("last row missing", |p| last(p).rows.truncate(2), Er::RowCount { round: 2, expected: q2, got: 2 }),
        ("last path", |p| plain(last(p)).sibling_hashes[0][0] ^= 1, OracleError::Later.into()),
        (
            "rows over the wrong field",
            |p| p.whir.whir.rounds[0].openings = p.whir.whir.rounds[1].openings.clone(),
            Er::RowField { round: 0 },
        ),
        ("no final polynomial", |p| p.whir.whir.final_poly = None, Er::FinalLength { expected: finals, got: 0 }),
        (
            "short final polynomial",
            |p| p.whir.whir.final_poly = Some(p3_multilinear_util::poly::Poly::new(vec![E::ONE])),
            Er::FinalLength { expected: finals, got: 1 },
        ),
    ];
    for (what, change, expected) in exact {
        let mut p = proof.clone();
        change(&mut p);
        assert_eq!(w.check(&roots, &p).expect_err(what), expected, "{what}");
    }
    // What WHIR absorbs before a proof of work is met by that check, but for one change in 2^16: try two.
    let absorbed: Vec<(&str, Change, usize)> = vec![
        ("proof of work", |p| p.whir.whir.rounds[0].pow_witness += F::ONE, 0),
        ("later proof of work", |p| p.whir.whir.rounds[1].pow_witness += F::ONE, 1),
        ("last proof of work", |p| p.whir.whir.final_pow_witness += F::ONE, 2),
        ("out-of-domain answer", |p| p.whir.whir.initial_ood_answers[0] += E::ONE, 0),
        ("initial fold", |p| p.whir.whir.initial_sumcheck.polynomial_evaluations[0][0] += E::ONE, 0),
        ("later root", |p| roots_of(p)[0][0] = roots_of(p)[0][0].wrapping_add(1), 0),
        ("later out-of-domain answer", |p| p.whir.whir.rounds[0].ood_answers[0] += E::ONE, 0),
        ("fold of round 0", |p| p.whir.whir.rounds[0].sumcheck.polynomial_evaluations[3][1] += E::ONE, 1),
        ("fold of round 1", |p| p.whir.whir.rounds[1].sumcheck.polynomial_evaluations[0][1] += E::ONE, 2),
        ("final polynomial", |p| p.whir.whir.final_poly.as_mut().unwrap().as_mut_slice()[1] += E::ONE, 2),
    ];
    for (what, change, round) in absorbed {
        let mut p = proof.clone();
        let errors = [0, 1].map(|_| {
            change(&mut p);
            w.check(&roots, &p).expect_err(what)
        });
        assert!(errors.contains(&Er::Work { round }), "{what}: {errors:?}");
    }
    let mut p = proof.clone();
    p.whir.whir.initial_sumcheck.polynomial_evaluations.pop();
    assert!(matches!(w.check(&roots, &p), Err(Er::FoldShape(_))));
    let mut p = proof.clone();
    p.whir.whir.rounds[1].sumcheck.pow_witnesses.push(F::ONE);
    assert!(matches!(w.check(&roots, &p), Err(Er::FoldShape(_))));
    let mut p = proof.clone();
    let rounds = w.config.whir().final_sumcheck_rounds();
    assert!(rounds > 0);
    p.whir.whir.final_sumcheck = None;
    assert!(matches!(w.check(&roots, &p), Err(Er::FoldShape(_))));
    let mut p = proof.clone();
    let f: &mut SumcheckData<F, E> = p.whir.whir.final_sumcheck.as_mut().unwrap();
    f.polynomial_evaluations[0][0] += E::ONE;
    assert_eq!(w.check(&roots, &p), Err(Er::FinalClaim));
}

/// f and h changed together so that g stays: the trace's own row still hashes, the vector's does not.
#[test]
fn a_long_lived_row_is_held_by_its_own_tree() {
    let mut w = world();
    let (roots, proof) = w.prove();
    let gamma = {
        let mut t = transcript();
        begin(&w.config, &mut t);
        let _ = weights::add_pins(w.claim(), &w.pins, &mut t);
        t.absorb_message(proof.mu);
        crate::field::coordinates(t.challenge())
    };
    for (column, vector) in [(2, 1), (4, 2)] {
        let mut p = proof.clone();
        sources(&mut p).0[5][column] += F::ONE;
        for (i, g) in gamma.into_iter().enumerate() {
            first(&mut p).rows[5][3 * column + i] += g;
        }
        assert_eq!(w.check(&roots, &p), Err(OracleError::Tree(vector).into()));
    }
    // In the trace's column the same change breaks the joint leaf.
    let mut p = proof.clone();
    sources(&mut p).0[5][1] += F::ONE;
    for (i, g) in gamma.into_iter().enumerate() {
        first(&mut p).rows[5][3 + i] += g;
    }
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
    for tamper in
        [Tamper::<Dft> { mu: E::ONE, ..Tamper::default() }, Tamper::<Dft> { gamma: E::ONE, ..Tamper::default() }]
    {
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

/// With sigma and mu zero any gamma satisfies the sums: only the recomputed rows of g notice.
#[test]
fn another_gamma_is_caught_by_the_rows_of_g() {
    let mut w = World::new(2, shapes(2, &[]));
    w.weights = vec![Weights::default()];
    w.sigma = E::ZERO;
    let (roots, proof) = w.prove();
    w.check(&roots, &proof).expect("honest");
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
    let flat: Vec<Vec<Vec<F>>> = opened.rows.iter().map(|_| vec![vec![F::ZERO; 8]]).collect();
    let dims = [p3_matrix::Dimensions { width: 8, height: 1 << 13 }];
    let indices: Vec<usize> = (0..flat.len()).collect();
    let kind = mmcs.verify_multi_batch(&first_roots, &dims, &indices, &flat, &opened.proof);
    assert_eq!((kind, mmcs.failure()), (Err(OracleError::Kind), Some(OracleError::Kind)));
    let first_paths = first(&mut proof).proof.clone();
    let later = OracleRoots(vec![[3; 32]]);
    assert_eq!(mmcs.verify_multi_batch(&later, &dims, &indices, &flat, &first_paths), Err(OracleError::Kind));
    let shape = mmcs.verify_multi_batch(&first_roots, &dims, &indices, &flat, &first_paths);
    assert_eq!(shape, Err(OracleError::Shape));
    let rows: Vec<Vec<Vec<F>>> =
        first(&mut proof).rows.iter().map(|r| vec![[r.as_slice(), &[F::ZERO, F::ONE]].concat()]).collect();
    let indices: Vec<usize> = (0..rows.len()).collect();
    let zero = mmcs.verify_multi_batch(&first_roots, &dims, &indices, &rows, &first_paths);
    assert_eq!(zero, Err(OracleError::ZeroColumn));
}

#[test]
fn changed_bytes_are_rejected_without_a_panic() {
    let mut w = World::new(2, shapes(2, &[shape(9, 1, block(2))]));
    let (roots, proof) = w.prove();
    let bytes = postcard::to_allocvec(&proof).unwrap();
    let mut rng = w.entropy.stream("fuzz");
    let mut next = |n: usize| (rand_core::Rng::next_u64(&mut rng) % n as u64) as usize;
    let (mut decoded, mut rejected) = (0, 0);
    for k in 0..4_000 {
        let mut b = bytes.clone();
        match k % 4 {
            0 => b.truncate(next(bytes.len())),
            1 => b[next(bytes.len())] = next(256) as u8,
            // Lengths and tags are sparse: aim at the ends of the big arrays by small steps from the front.
            2 => b[next(600)] ^= 1 << next(8),
            _ => b[next(bytes.len())] ^= 1 << next(8),
        }
        if b == bytes {
            continue;
        }
        let Ok((p, rest)) = postcard::take_from_bytes::<OpeningProof>(&b) else { continue };
        decoded += 1;
        if rest.is_empty() {
            assert!(w.check(&roots, &p).is_err(), "mutation {k} was accepted");
            rejected += 1;
        }
    }
    assert!(decoded > 1_000 && rejected > 1_000, "{decoded} {rejected}");
}

#[test]
fn the_sum_of_terms_is_what_it_says() {
    let term = |bits| soundness::ErrorTerm { name: "", bits, theorem: "" };
    assert!((soundness::total(&[term(-10.0), term(-10.0)]) + 9.0).abs() < 1e-9);
    assert_eq!(soundness::total(&[]), f64::NEG_INFINITY);
}
