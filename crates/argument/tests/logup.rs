//! LogUp-GKR from the leaves to a claim on pads and triples, honest and attacked.
#![allow(clippy::unwrap_used)]
mod clear;
use clear::{FIRST, Run, Values, claim, mle, prove, sacrifice_challenge, schedule};
use p3_field::{Field, PrimeCharacteristicRing};
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F};
use tacit_argument::hiding::{Affine, HidingError, Masker, Reduction, Secrets};
use tacit_argument::logup::{LogupError, error_numerator, logup_check, logup_proof};

type Leaves = (Vec<F>, Vec<E>);

/// Fractions that sum to zero: lookups into a table with multiplicities, cancelling pairs, padding 0/1 and 0/d.
fn leaves(k: usize, values: &mut Values) -> Leaves {
    let alpha = values.ext();
    let total = 1usize << k;
    let rows = total / 8;
    let mut counts = vec![0usize; rows];
    let mut out: Vec<(F, E)> = Vec::new();
    if rows > 0 {
        for _ in 0..total / 2 {
            let v = values.below(rows);
            counts[v] += 1;
            out.push((F::ONE, alpha - F::from_usize(v)));
        }
    }
    for (v, &c) in counts.iter().enumerate() {
        out.push((-F::from_usize(c), alpha - F::from_usize(v)));
    }
    while out.len() + 4 <= total {
        let (n, d) = (values.base(), values.ext());
        out.extend([(n, d), (-n, d), (F::ZERO, d)]);
    }
    out.resize(total, (F::ZERO, E::ONE));
    for i in (1..total).rev() {
        let j = values.below(i + 1);
        out.swap(i, j);
    }
    out.into_iter().unzip()
}

fn check(reduction: &mut Reduction<'_>, (n, d): &Leaves) -> Result<(), HidingError> {
    let k = n.len().ilog2() as usize;
    let mut leaf = logup_check(reduction, k)?;
    assert_eq!(leaf.point.len(), k);
    leaf.numerator.add_constant(-mle(n.iter().map(|&v| v.into()), &leaf.point));
    leaf.denominator.add_constant(-mle(d.iter().copied(), &leaf.point));
    reduction.assert_zero(leaf.numerator);
    reduction.assert_zero(leaf.denominator);
    Ok(())
}

fn run(leaves: &Leaves) -> (Run, Vec<E>) {
    let (run, point) = prove(schedule(|r| check(r, leaves)), |m| logup_proof(m, leaves.0.clone(), leaves.1.clone()));
    (run, point.expect("the fractions sum to zero"))
}

fn accepted(run: &Run, leaves: &Leaves) -> bool {
    run.pays(&claim(&run.messages, 1, |r| check(r, leaves)).expect("the shape is right"))
}

#[test]
fn honest_proofs_pay_for_every_size() {
    for k in 0..=14 {
        let leaves = leaves(k, &mut Values::new(k as u8));
        let (run, point) = run(&leaves);
        let mut t = clear::transcript();
        let leaf = logup_check(&mut Reduction::new(&mut t, &run.messages), k).expect("every message is there");
        assert_eq!(leaf.point, point, "both sides end at one point, k = {k}");
        assert!(accepted(&run, &leaves), "k = {k}");
    }
}

#[test]
fn the_schedule_is_a_closed_formula_and_equals_the_proof() {
    for k in 0..=12 {
        let leaves = leaves(k, &mut Values::new(k as u8));
        let (run, _) = run(&leaves);
        assert_eq!(run.schedule.messages, if k == 0 { 2 } else { k * k + 2 * k + 3 });
        assert_eq!(run.schedule.products.len(), 2 * k + 1);
        assert_eq!(run.messages.messages.len(), run.schedule.messages);
        assert_eq!(run.messages.sacrifices.len(), run.schedule.products.len());
        let layers: u64 = (0..k as u64).map(|i| 2 * i + 1).sum();
        assert_eq!(error_numerator(k), layers + u64::from(k > 0));
    }
}

#[test]
fn a_prover_without_a_proof_is_told_why() {
    let refused = |leaves: Leaves| {
        let k = leaves.0.len().max(1).ilog2() as usize;
        let mut t = clear::transcript();
        let mut entropy = Entropy::fresh(&[0; 32], &[0; 32]).expect("random bytes");
        let secrets = Secrets::draw(&schedule(|r| logup_check(r, k).map(|_| ())), &mut entropy);
        let error = logup_proof(&mut Masker::new(&mut t, secrets), leaves.0, leaves.1).expect_err("no such proof");
        // Nothing was sent: the transcript stands where it started.
        let mut fresh = clear::transcript();
        assert_eq!(t.challenge(), fresh.challenge());
        error
    };
    for k in [0, 1, 2, 3, 7] {
        let mut values = Values::new(k);
        let (mut n, d) = leaves(k as usize, &mut values);
        n[0] += F::ONE;
        assert_eq!(refused((n, d)), LogupError::SumNotZero);
        let (n, mut d) = leaves(k as usize, &mut values);
        let index = d.len() / 2;
        d[index] = E::ZERO;
        assert_eq!(refused((n, d)), LogupError::ZeroDenominator { index });
    }
    let uneven = (vec![F::ZERO; 3], vec![E::ONE; 3]);
    assert_eq!(refused(uneven), LogupError::LeafCount { numerators: 3, denominators: 3 });
    let ragged = (vec![F::ZERO; 4], vec![E::ONE; 2]);
    assert_eq!(refused(ragged), LogupError::LeafCount { numerators: 4, denominators: 2 });
    let none = (vec![], vec![]);
    assert_eq!(refused(none), LogupError::LeafCount { numerators: 0, denominators: 0 });
}

#[test]
fn every_changed_message_fails() {
    for k in [0, 1, 2, 5] {
        let leaves = leaves(k, &mut Values::new(40 + k as u8));
        let (mut run, _) = run(&leaves);
        for i in 0..run.messages.messages.len() {
            let honest = run.messages.messages[i];
            run.messages.messages[i] += E::ONE;
            assert!(!accepted(&run, &leaves), "k = {k}, message {i}");
            run.messages.messages[i] = honest;
        }
        for i in 0..run.messages.sacrifices.len() {
            for side in 0..2 {
                let honest = run.messages.sacrifices[i][side];
                run.messages.sacrifices[i][side] += E::ONE;
                assert!(!accepted(&run, &leaves), "k = {k}, sacrifice {i}.{side}");
                run.messages.sacrifices[i][side] = honest;
            }
        }
        assert!(accepted(&run, &leaves));
    }
}

/// The challenges stay as they were, pads, triples and openings agree: exactly one hidden value is another one.
#[test]
fn every_other_hidden_value_fails_under_the_same_challenges() {
    for k in [0, 1, 2, 5] {
        let leaves = leaves(k, &mut Values::new(60 + k as u8));
        let (run, _) = run(&leaves);
        let z = sacrifice_challenge(&run.messages, |r| check(r, &leaves).expect("the shape is right"));
        assert!(accepted(&run.meant_otherwise(0, E::ZERO, z), &leaves), "the attack itself is sound");
        for i in 0..run.schedule.messages {
            assert!(!accepted(&run.meant_otherwise(i, E::ONE, z), &leaves), "k = {k}, message {i}");
        }
    }
}

#[test]
fn every_changed_leaf_fails() {
    let mut leaves = leaves(4, &mut Values::new(80));
    let (run, _) = run(&leaves);
    for i in 0..16 {
        leaves.0[i] += F::ONE;
        assert!(!accepted(&run, &leaves), "numerator {i}");
        leaves.0[i] -= F::ONE;
        leaves.1[i] += E::ONE;
        assert!(!accepted(&run, &leaves), "denominator {i}");
        leaves.1[i] -= E::ONE;
    }
    assert!(accepted(&run, &leaves));
}

/// A slow prover without checks that does all it is told: sends `root` and `inverse`, then the tree as it is.
fn reckless(masker: &mut Masker<'_>, (n, d): &Leaves, root: E, inverse: E) {
    let mut layers: Vec<Vec<[E; 2]>> = vec![n.iter().zip(d).map(|(&n, &d)| [n.into(), d]).collect()];
    while layers[layers.len() - 1].len() > 1 {
        let (lo, hi) = layers[layers.len() - 1].split_at(layers[layers.len() - 1].len() / 2);
        let add = |(&[n0, d0], &[n1, d1]): (&[E; 2], &[E; 2])| [n0 * d1 + n1 * d0, d0 * d1];
        layers.push(lo.iter().zip(hi).map(add).collect());
    }
    layers.pop();
    masker.begin(tacit_argument::logup::LABEL);
    masker.send(root);
    masker.send(inverse);
    let mut point: Vec<E> = vec![];
    while let Some(children) = layers.pop() {
        let lambda = masker.challenge();
        let (lo, hi) = children.split_at(children.len() / 2);
        let mut nodes: Vec<[E; 4]> = lo.iter().zip(hi).map(|(a, b)| [a[0], a[1], b[0] + lambda * b[1], b[1]]).collect();
        let mut bound = vec![];
        while nodes.len() > 1 {
            let half = nodes.len() / 2;
            let weights = tacit_argument::multilinear::eq_table(&point[bound.len()..], E::ONE);
            let at = |x: E| -> E {
                let line = |i: usize, c: usize| nodes[i][c] + x * (nodes[i + half][c] - nodes[i][c]);
                (0..half).map(|i| weights[i] * (line(i, 0) * line(i, 3) + line(i, 1) * line(i, 2))).sum()
            };
            let (q0, p1, p2) = (at(E::ZERO), at(E::ONE), at(E::TWO));
            let q2 = (p2 - p1.double() + q0).halve();
            if !bound.is_empty() {
                masker.send(p1 - q0 - q2);
            }
            masker.send(q2);
            let r = masker.challenge();
            nodes = (0..half)
                .map(|i| core::array::from_fn(|c| nodes[i][c] + r * (nodes[i + half][c] - nodes[i][c])))
                .collect();
            bound.push(r);
        }
        nodes[0].into_iter().for_each(|v| masker.send(v));
        point = bound;
    }
    // What joins the halves of the leaves.
    let _ = masker.challenge();
}

fn reckless_accepted(leaves: &Leaves, root: E, inverse: E) -> bool {
    let (run, ()) = prove(schedule(|r| check(r, leaves)), |m| reckless(m, leaves, root, inverse));
    accepted(&run, leaves)
}

#[test]
fn the_slow_prover_is_accepted_on_true_statements() {
    for k in 1..=5 {
        let leaves = leaves(k, &mut Values::new(90 + k as u8));
        let root: E = leaves.1.iter().copied().product();
        assert!(reckless_accepted(&leaves, root, root.inverse()), "k = {k}");
    }
}

#[test]
fn a_zero_denominator_cannot_pass() {
    for k in 1..=4 {
        // 1/0 - 1/0, and zeros: every layer's arithmetic is right, the root is 0/0.
        let mut leaves = (vec![F::ZERO; 1 << k], vec![E::ONE; 1 << k]);
        leaves.0[0] = F::ONE;
        leaves.1[0] = E::ZERO;
        for (root, inverse) in [(E::ZERO, E::ZERO), (E::ZERO, E::ONE), (E::ONE, E::ONE), (E::TWO, E::TWO.inverse())] {
            assert!(!reckless_accepted(&leaves, root, inverse), "k = {k}");
        }
        leaves.1[1 << (k - 1)] = E::ZERO;
        assert!(!reckless_accepted(&leaves, E::ZERO, E::ONE), "k = {k}, a root numerator of 0");
    }
}

#[test]
fn a_sum_that_is_not_zero_cannot_pass() {
    for k in 1..=4 {
        let mut leaves = leaves(k, &mut Values::new(100 + k as u8));
        leaves.0[1] += F::ONE;
        let root: E = leaves.1.iter().copied().product();
        assert!(!reckless_accepted(&leaves, root, root.inverse()), "k = {k}");
    }
}

#[test]
fn a_forged_triple_fails() {
    let leaves = leaves(3, &mut Values::new(110));
    let (mut run, _) = run(&leaves);
    let triples = FIRST + 3 * run.schedule.messages;
    for atom in 0..4 * run.schedule.products.len() {
        run.cells[triples + 3 * atom] += F::ONE;
        assert!(!accepted(&run, &leaves), "atom {atom}");
        run.cells[triples + 3 * atom] -= F::ONE;
    }
    assert!(accepted(&run, &leaves));
}

/// Guarantee: what is sent is the hidden value minus a pad of its own.
#[test]
fn every_message_is_masked_by_a_pad_of_its_own() {
    let leaves = leaves(6, &mut Values::new(120));
    let (a, b) = (run(&leaves).0, run(&leaves).0);
    for (i, (x, y)) in a.messages.messages.iter().zip(&b.messages.messages).enumerate() {
        assert_ne!(x, y, "message {i}");
    }
    for (i, (x, y)) in a.messages.sacrifices.iter().zip(&b.messages.sacrifices).enumerate() {
        assert!(x[0] != y[0] && x[1] != y[1], "sacrifice {i}");
    }
    // The root and its inverse do not depend on a challenge: hidden, they are the same in both runs.
    let root: E = leaves.1.iter().copied().product();
    for run in [&a, &b] {
        assert_eq!((run.hidden(0), run.hidden(1)), (root, root.inverse()));
        assert!(!run.messages.messages.contains(&root));
        let mut pads: Vec<E> = (0..run.schedule.messages).map(|i| run.cell(3 * i)).collect();
        pads.sort();
        pads.dedup();
        assert_eq!(pads.len(), run.schedule.messages);
    }
}

#[test]
fn a_truncated_proof_is_refused_by_name() {
    let leaves = leaves(3, &mut Values::new(130));
    let (run, _) = run(&leaves);
    for got in 0..run.messages.messages.len() {
        let mut cut = run.messages.clone();
        cut.messages.truncate(got);
        let error = claim(&cut, 1, |r| check(r, &leaves)).expect_err("too short");
        assert_eq!(error, HidingError::MessageMissing { index: got, got });
    }
    // A claim that a caller forgets stays owed: the leaf claim alone does not pay.
    let forgotten = claim(&run.messages, 1, |r| {
        let leaf = logup_check(r, 3)?;
        let mut wrong: Affine = leaf.numerator;
        wrong.add_constant(E::ONE);
        r.assert_zero(wrong);
        Ok(())
    });
    assert!(!run.pays(&forgotten.expect("the shape is right")));
}
