//! Every field of a proof changed, and any byte of it: the exact error of each.
use super::*;
use p3_whir::pcs::proof::{QueryOpenings, SharedProofOpening, SumcheckData};

pub(super) fn world() -> World {
    World::new(2, shapes(2, &[shape(10, 1, block(2)), shape(11, 2, block(2))]))
}

/// Rows of h and what authenticates them.
pub(super) fn first(p: &mut OpeningProof) -> &mut SharedProofOpening<F, OraclePaths> {
    match &mut p.whir.whir.rounds[0].openings {
        QueryOpenings::Base(o) => o,
        QueryOpenings::Extension(_) => unreachable!("round 0 is over F"),
    }
}

pub(super) fn sources(p: &mut OpeningProof) -> (&mut Vec<Vec<F>>, &mut Vec<TreePaths>) {
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

pub(super) fn last(p: &mut OpeningProof) -> &mut SharedProofOpening<E, OraclePaths> {
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
    assert_eq!((rounds, w.config.sources(), w.config.groups()), (2, 5, 3));
    let q1 = w.config.whir().round_parameters()[1].num_queries;
    let q2 = w.config.whir().terminal().num_queries;
    let fold = 1usize << w.config.whir().folding_schedule().last().unwrap();
    let finals = 1usize << w.config.whir().final_sumcheck_rounds();
    let exact: Vec<(&str, Change, Er)> = vec![
        ("sigma_1", |p| p.conjugates[0] += E::ONE, Er::SourceClaim),
        ("sigma_2", |p| p.conjugates[1] += E::ONE, Er::SourceClaim),
        ("mu", |p| p.mu += E::ONE, Er::SourceClaim),
        ("first source round", |p| p.source_rounds[0][0] += E::ONE, Er::SourceClaim),
        ("last source round", |p| p.source_rounds.last_mut().unwrap()[1] += E::ONE, Er::SourceClaim),
        ("source rounds", |p| p.source_rounds.truncate(5), Er::SourceRounds { expected: 13, got: 5 }),
        ("more source rounds", |p| p.source_rounds.push([E::ONE; 2]), Er::SourceRounds { expected: 13, got: 14 }),
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
        ("h row, long-lived column", |p| first(p).rows[5][8] += F::ONE, OracleError::Tree(0).into()),
        ("h row short", |p| first(p).rows[5].truncate(8), Er::RowWidth { round: 0, expected: 9, got: 8 }),
        (
            "h row with a zero column",
            |p| first(p).rows[5].push(F::ZERO),
            Er::RowWidth { round: 0, expected: 9, got: 10 },
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
