//! Pads, triples, sacrifices and the batch: each check fails by its own name, or leaves a claim that does not pay.
#![allow(clippy::unwrap_used)]
mod clear;
use clear::{FIRST, Run, Values, claim, paid, prove, sacrifice_challenge, schedule, transcript};
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{E, F};
use tacit_argument::functional::Low;
use tacit_argument::hiding::{Affine, Cell, HidingError, Masker, Reduction};
use tacit_argument::multilinear::{eq_table, eq_vertex, evaluate_base, evaluate_ext};
use tacit_argument::transcript::RootAfterChallenge;

/// v, w and u = v w hidden; also v^2 = s, a product of a message with itself.
fn product_check(reduction: &mut Reduction<'_>) -> Result<(), HidingError> {
    reduction.begin(b"test/products/v1");
    let (v, w) = (reduction.receive()?, reduction.receive()?);
    let (u, s) = (reduction.receive()?, reduction.receive()?);
    let mut e = reduction.product(v, w);
    e.sub(&u.affine());
    reduction.assert_zero(e);
    let mut e = reduction.product(v, v);
    e.sub(&s.affine());
    reduction.assert_zero(e);
    Ok(())
}

fn product_proof(masker: &mut Masker<'_>, values: [E; 4]) {
    masker.begin(b"test/products/v1");
    values.into_iter().for_each(|v| masker.send(v));
}

fn products(error: [E; 2]) -> Run {
    let mut values = Values::new(1);
    let (v, w) = (values.ext(), values.ext());
    prove(schedule(product_check), |m| product_proof(m, [v, w, v * w + error[0], v.square() + error[1]])).0
}

fn accepted(run: &Run) -> bool {
    run.pays(&claim(&run.messages, 1, product_check).expect("the shape is right"))
}

#[test]
fn true_products_pay() {
    let run = products([E::ZERO; 2]);
    assert_eq!((run.schedule.messages, run.schedule.products.clone()), (4, vec![(0, 1), (0, 0)]));
    assert_eq!(run.cells.len(), FIRST + run.schedule.cells());
    assert!(accepted(&run));
}

#[test]
fn false_products_fail_also_when_their_errors_cancel() {
    for error in [[E::ONE, E::ZERO], [E::ZERO, E::ONE], [E::ONE, -E::ONE], [E::ONE, E::ONE]] {
        assert!(!accepted(&products(error)), "{error:?}");
    }
}

/// A triple t = p q + 1 makes a product that is off by one look right; only the sacrifice sees it, and only
/// because z comes after the commitment.
#[test]
fn a_forged_triple_fails_unless_it_is_forged_after_z() {
    let mut run = products([E::ONE, E::ZERO]);
    let t = FIRST + 3 * run.schedule.messages;
    run.cells[t] += F::ONE;
    assert!(!accepted(&run));
    let z = sacrifice_challenge(&run.messages, |r| product_check(r).expect("the shape is right"));
    for (cell, z) in run.cells[t + 9..t + 12].iter_mut().zip(tacit_argument::field::coordinates(z)) {
        *cell += z;
    }
    assert!(accepted(&run), "t' = p' q' + z: the forgery that the order of messages excludes");
}

#[test]
fn every_cell_of_pads_and_triples_is_bound() {
    let mut run = products([E::ZERO; 2]);
    for i in FIRST..run.cells.len() {
        run.cells[i] += F::ONE;
        assert!(!accepted(&run), "cell {i}");
        run.cells[i] -= F::ONE;
    }
    for i in 0..FIRST {
        run.cells[i] += F::ONE;
        assert!(accepted(&run), "cell {i} is not the argument's");
    }
}

#[test]
fn every_opening_of_a_sacrifice_is_bound() {
    let mut run = products([E::ZERO; 2]);
    for k in 0..2 {
        for side in 0..2 {
            run.messages.sacrifices[k][side] += E::ONE;
            assert!(!accepted(&run), "sacrifice {k}.{side}");
            run.messages.sacrifices[k][side] -= E::ONE;
        }
    }
    run.messages.sacrifices.swap(0, 1);
    assert!(!accepted(&run));
}

#[test]
fn a_fresh_triple_serves_a_square() {
    let run = products([E::ZERO; 2]);
    let triple = |k: usize| [0, 3, 6, 9].map(|o| run.cell(3 * run.schedule.messages + 12 * k + o));
    for (k, &(i, j)) in run.schedule.products.iter().enumerate() {
        let [t, p, q, pq] = triple(k);
        assert_eq!(t, run.cell(3 * i) * run.cell(3 * j));
        assert_eq!(pq, p * q);
        assert_ne!(p, q);
    }
    let (a, b) = (triple(0), triple(1));
    assert!(a[1] != b[1] && a[2] != b[2]);
}

#[test]
fn the_wrong_shape_is_refused_by_name() {
    let run = products([E::ZERO; 2]);
    let refused = |change: &dyn Fn(&mut tacit_argument::hiding::MaskedMessages)| {
        let mut messages = run.messages.clone();
        change(&mut messages);
        claim(&messages, 1, product_check).expect_err("the shape is wrong")
    };
    for got in 0..4 {
        let cut = refused(&|m| m.messages.truncate(got));
        assert_eq!(cut, HidingError::MessageMissing { index: got, got });
    }
    assert_eq!(refused(&|m| m.messages.push(E::ZERO)), HidingError::MessageCount { expected: 4, got: 5 });
    for got in 0..2 {
        let cut = refused(&|m| m.sacrifices.truncate(got));
        assert_eq!(cut, HidingError::SacrificeCount { expected: 2, got });
    }
    let long = refused(&|m| m.sacrifices.push([E::ZERO; 2]));
    assert_eq!(long, HidingError::SacrificeCount { expected: 2, got: 3 });
    // A dry run ends in a schedule, never in a claim.
    let mut t = transcript();
    let mut dry = Reduction::dry(&mut t);
    product_check(&mut dry).expect("a dry run has every message");
    let error = dry.finish(tacit_argument::hiding::PadLayout { first: FIRST }, 1).expect_err("no sacrifices");
    assert_eq!(error, HidingError::SacrificeCount { expected: 2, got: 0 });
}

#[test]
fn a_root_after_the_first_challenge_is_refused() {
    let mut t = transcript();
    assert_eq!(t.absorb_root(&[1; 32]), Ok(()));
    t.absorb_message(E::ONE);
    assert_eq!(t.absorb_root(&[2; 32]), Ok(()));
    let _ = t.challenge();
    assert_eq!(t.absorb_root(&[3; 32]), Err(RootAfterChallenge));
    let mut t = transcript();
    let _ = t.point(1);
    assert_eq!(t.absorb_root(&[1; 32]), Err(RootAfterChallenge));
    let mut t = transcript();
    let _ = t.challenger();
    assert_eq!(t.absorb_root(&[1; 32]), Err(RootAfterChallenge));
}

#[test]
fn every_absorbed_value_moves_the_next_challenge() {
    let base = transcript().challenge();
    let after = |f: &dyn Fn(&mut tacit_argument::transcript::Transcript)| {
        let mut t = transcript();
        f(&mut t);
        t.challenge()
    };
    let all = [
        base,
        after(&|t| t.begin(b"a")),
        after(&|t| t.begin(b"a\0")),
        after(&|t| t.begin(b"")),
        after(&|t| t.absorb_message(E::ZERO)),
        after(&|t| t.absorb_message(E::ONE)),
        after(&|t| t.absorb_root(&[0; 32]).expect("no challenge yet")),
        after(&|t| t.absorb_root(&[0; 31]).expect("no challenge yet")),
        tacit_argument::transcript::Transcript::new(b"tacit/test", &[8; 32]).challenge(),
        tacit_argument::transcript::Transcript::new(b"tacit/tesu", &[7; 32]).challenge(),
    ];
    for i in 0..all.len() {
        for j in 0..i {
            assert_ne!(all[i], all[j], "{i} and {j}");
        }
    }
}

/// Functionals of several vectors through two low parts: sum of everything claimed, everything bound.
#[test]
fn slots_of_several_vectors_are_read_through_their_low_parts() {
    let mut values = Values::new(2);
    let (point, dense) = (values.exts(3), values.exts(4));
    let other: Vec<F> = values.bases(32);
    let hidden = values.ext();
    let inner = |w: &[E], v: &[F]| w.iter().zip(v).map(|(&w, &v)| w * v).sum::<E>();
    let total = evaluate_base(&other[8..16], &point) * E::TWO - inner(&dense, &other[28..32]) + hidden;
    let check = |sum: E| {
        let (point, dense) = (point.clone(), dense.clone());
        move |reduction: &mut Reduction<'_>| {
            let message = reduction.receive()?;
            let (eq, table) = (reduction.low(Low::Eq(point)), reduction.low(Low::Dense(dense)));
            let mut e = Affine::cell(reduction.cell(1, eq, 1), E::ONE);
            e.add_cell(reduction.cell(1, eq, 1), E::ONE);
            e.add_cell(reduction.cell(1, table, 7), -E::ONE);
            e.add(&message.affine());
            e.add_constant(-sum);
            reduction.assert_zero(e);
            Ok(())
        }
    };
    let (run, ()) = prove(schedule(check(total)), |m| m.send(hidden));
    let good = claim(&run.messages, 2, check(total)).expect("the shape is right");
    assert!(paid(&[&run.cells, &other], &good));
    let bad = claim(&run.messages, 2, check(total + E::ONE)).expect("the shape is right");
    assert!(!paid(&[&run.cells, &other], &bad));
    for i in 0..32 {
        let mut changed = other.clone();
        changed[i] += F::ONE;
        let read = (8..16).contains(&i) || (28..32).contains(&i);
        assert_eq!(paid(&[&run.cells, &changed], &good), !read, "cell {i}");
    }
    assert_eq!(eq_table(&point, E::ONE).len(), 8);
}

/// A claim on a vector that the proof does not have is refused; it never loses the term.
#[test]
fn a_claim_on_a_vector_that_is_not_there_is_refused() {
    let check = |vector: usize, low: usize| {
        move |reduction: &mut Reduction<'_>| {
            let message = reduction.receive()?;
            reduction.low(Low::Eq(vec![E::TWO; 2]));
            let mut e = message.affine();
            e.add_cell(reduction.cell(vector, low, 3), E::ONE);
            reduction.assert_zero(e);
            Ok(())
        }
    };
    let (run, ()) = prove(schedule(check(1, 0)), |m| m.send(E::ONE));
    assert!(claim(&run.messages, 2, check(1, 0)).is_ok());
    for (vector, low) in [(2, 0), (1, 1)] {
        let error = claim(&run.messages, 2, check(vector, low)).expect_err("no such cell");
        assert_eq!(error, HidingError::NoSuchCell { cell: Cell { vector, low, slot: 3 } });
    }
}

/// Lengths are compared before a message is read, by the names that reading gives them.
#[test]
fn lengths_are_named_before_anything_is_computed() {
    let (run, wanted) = (products([E::ZERO; 2]), schedule(product_check));
    assert_eq!(run.messages.check_lengths(&wanted), Ok(()));
    let error = |change: &dyn Fn(&mut tacit_argument::hiding::MaskedMessages)| {
        let mut messages = run.messages.clone();
        change(&mut messages);
        let error = messages.check_lengths(&wanted).expect_err("another length");
        assert_eq!(claim(&messages, 1, product_check).expect_err("another length"), error);
        error
    };
    let n = wanted.messages;
    assert_eq!(error(&|m| m.messages.truncate(n - 1)), HidingError::MessageMissing { index: n - 1, got: n - 1 });
    assert_eq!(error(&|m| m.messages.push(E::ONE)), HidingError::MessageCount { expected: n, got: n + 1 });
    assert_eq!(error(&|m| m.sacrifices.truncate(1)), HidingError::SacrificeCount { expected: 2, got: 1 });
}

/// Tables of eq are made in place, and long tables evaluated in parts: the same values as entry by entry.
#[test]
fn tables_in_place_have_every_entry() {
    let point: Vec<E> = (0..7).map(|i| E::new([F::from_u64(i + 3), F::from_u64(5 * i), F::ONE])).collect();
    for n in 0..=7 {
        let (x, table) = (&point[..n], eq_table(&point[..n], E::TWO));
        assert_eq!(table.len(), 1 << n);
        assert!((0..1 << n).all(|i| table[i] == eq_vertex(x, i).double()));
        // Shorter tables are zero beyond their ends.
        for len in [0, 1, (1 << n) - 1, 1 << n] {
            let values: Vec<E> = (0..len).map(|i| E::from(F::from_u64(i as u64 * i as u64 + 1))).collect();
            let naive: E = values.iter().enumerate().map(|(i, &v)| v * eq_vertex(x, i)).sum();
            assert_eq!(evaluate_ext(&values, x), naive, "{n}, {len}");
        }
    }
}

/// Guarantee: two attempts with equal inputs share no pad.
#[test]
fn two_attempts_share_no_pad() {
    let (a, b) = (products([E::ZERO; 2]), products([E::ZERO; 2]));
    for i in 0..a.schedule.messages {
        assert_eq!(a.hidden(i), b.hidden(i));
        assert_ne!(a.messages.messages[i], b.messages.messages[i]);
    }
    assert!(a.cells[FIRST..].iter().zip(&b.cells[FIRST..]).all(|(x, y)| x != y));
}

#[test]
#[should_panic(expected = "every pad serves exactly one message")]
fn a_pad_left_over_stops_the_prover() {
    let _ = prove(schedule(product_check), |m| m.send(E::ONE));
}

#[test]
#[should_panic(expected = "index out of bounds")]
fn a_message_without_a_pad_is_not_sent() {
    let _ = prove(schedule(product_check), |m| (0..5).for_each(|_| m.send(E::ONE)));
}
