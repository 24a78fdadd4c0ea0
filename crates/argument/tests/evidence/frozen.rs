//! Frozen-challenge attacks. Each mutates a transcript that was recorded on a true statement, completes it again where
//! that is needed, and is accepted by a verifier whose challenges are the recorded ones; live it is rejected. So every
//! check but the hash of the transcript is satisfied, and the hash binds what was changed.
use crate::clear::inner;
use crate::equivocation::{Draws, World};
use crate::toy::{DIGEST, LABEL, LOG_ROWS, Others, RATE, Toy, challenges, random};
use p3_field::extension::HasFrobenius;
use p3_field::{Field, PrimeCharacteristicRing};
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F};
use tacit_argument::hiding::{Claim, MaskedMessages, PadLayout, Reduction, Secrets};
use tacit_argument::opening::{OpeningError, OpeningProof, Pin, SALT, Trace, opening_proof};
use tacit_argument::proof::{ArgumentError, Relation, RelationProof, check};
use tacit_argument::transcript::Transcript;
use tacit_argument::transcript::probe::{Mode, with};

/// What is verified, all of it open to change.
struct Claimed {
    label: &'static [u8],
    digest: [u8; 32],
    relation: Toy,
    others: Others,
    proof: RelationProof,
}

impl Claimed {
    fn of(world: &World) -> Self {
        let (others, proof) = (world.others(), world.proof.clone());
        Self { label: LABEL, digest: DIGEST, relation: Toy::default(), others, proof }
    }
    fn check(&self) -> Result<(), ArgumentError> {
        let committed = self.others.committed();
        check(self.label, &self.digest, &self.relation, RATE, &committed, &self.proof).map(|_| ())
    }
    /// Accepted with the recorded challenges, rejected live.
    fn is_bound(&self, world: &World, what: &str) {
        let (frozen, _) = with(Mode::Frozen(world.answers.clone()), || self.check());
        frozen.unwrap_or_else(|e| panic!("{what}, frozen: {e}"));
        match self.check() {
            Err(ArgumentError::Opening(OpeningError::SourceClaim)) => {}
            other => panic!("{what}, live: {other:?}"),
        }
    }
}

/// A change of the honest claim, bound by the transcript.
fn bound(world: &World, what: &str, change: impl FnOnce(&mut Claimed)) {
    let mut claimed = Claimed::of(world);
    change(&mut claimed);
    claimed.is_bound(world, what);
}

/// The challenges of the opening: theta, kappa, delta, gamma, those of the source rounds, those of the column rounds.
fn opening_challenges(world: &World) -> Vec<E> {
    challenges(&world.transcript).into_iter().filter(|c| c.0 == "tacit/opening/v1").map(|c| c.1).collect()
}

#[test]
fn statement_and_roots() {
    let world = World::new(LOG_ROWS);
    Claimed::of(&world).check().unwrap();
    bound(&world, "the statement's digest", |c| c.digest[31] ^= 1);
    bound(&world, "the protocol's label", |c| c.label = b"toy/v2");
    // Each root: another salt of a leaf that is not opened is another tree under the same opened rows.
    let rows = world.rows();
    let unopened = |log_domain: usize| {
        let mask = (1 << log_domain) - 1;
        (0..=mask).find(|&j| rows.iter().all(|r| r & mask != j)).unwrap()
    };
    let mut draws = world.draws.clone();
    draws.get_mut("salts").unwrap()[SALT * unopened(world.plan.opening.h() + RATE)] += F::ONE;
    let (proof, _) = world.replay(&world.known, draws, &world.vectors);
    assert_ne!(proof.trace_root, world.proof.trace_root);
    bound(&world, "the trace's root", |c| c.proof = proof);
    for k in [0, 1] {
        let mut vectors = world.vectors.clone();
        let s = crate::toy::shape();
        vectors[k].salts[SALT * unopened(s.log_height + RATE)] += F::ONE;
        let (proof, others) = world.replay(&world.known, world.draws.clone(), &vectors);
        assert_ne!(others.vectors[k].root(), world.vectors[k].commit().root());
        bound(&world, "a long-lived root", |c| (c.proof, c.others) = (proof, others));
    }
}

/// Other pads under the same challenges: every message differs, every claim holds.
#[test]
fn pads() {
    let world = World::new(LOG_ROWS);
    for label in ["pads", "triples"] {
        let mut draws = world.draws.clone();
        let n = draws[label].len();
        draws.insert(label, random(label, n));
        let (proof, _) = world.replay(&world.known, draws, &world.vectors);
        let same = |a: &[E], b: &[E]| a.iter().zip(b).filter(|(x, y)| x == y).count();
        assert_eq!(same(&proof.masked.messages, &world.proof.masked.messages) == 0, label == "pads");
        assert!(proof.masked.sacrifices.iter().zip(&world.proof.masked.sacrifices).all(|(a, b)| a != b));
        bound(&world, label, |c| c.proof = proof);
    }
}

/// The vectors behind the roots, pads and triples in the trace.
fn payloads(world: &World) -> [Vec<F>; 3] {
    let secrets = Secrets::draw(&world.plan.schedule, &mut Entropy::scripted(world.draws.clone()));
    let [data, model] = world.known.payloads();
    [[world.known.columns(), secrets.cells()].concat(), data, model]
}

fn pad_layout() -> PadLayout {
    PadLayout { first: Toy::default().column_cells() }
}

/// The value of each of the relation's claims, under the recorded challenges.
fn claims(world: &World, vectors: &[Vec<F>; 3], masked: &MaskedMessages) -> Vec<E> {
    let vectors: Vec<&[F]> = vectors.iter().map(Vec::as_slice).collect();
    let (values, _) = with(Mode::Frozen(world.answers.clone()), || {
        let mut t = Transcript::new(LABEL, &DIGEST);
        let mut r = Reduction::new(&mut t, masked);
        Toy::default().check(&mut r).unwrap();
        r.claims_in_clear(pad_layout(), &vectors)
    });
    values
}

fn batched(t: &mut Transcript, masked: &MaskedMessages) -> Claim {
    let mut r = Reduction::new(t, masked);
    Toy::default().check(&mut r).unwrap();
    r.finish(pad_layout(), 3).unwrap()
}

/// How far the batched claim is from true.
fn residual(world: &World, vectors: &[Vec<F>; 3], masked: &MaskedMessages) -> E {
    let (claim, _) =
        with(Mode::Frozen(world.answers.clone()), || batched(&mut Transcript::new(LABEL, &DIGEST), masked));
    vectors.iter().zip(&claim.weights).map(|(v, w)| inner(v, w)).sum::<E>() - claim.value
}

/// The same commitments, other messages: the opening of the claim that they come to, under the recorded challenges.
fn completed(world: &World, vectors: &[Vec<F>; 3], masked: MaskedMessages) -> RelationProof {
    let others = world.others();
    let refs: Vec<_> = others.vectors.iter().collect();
    let mut script: Draws = world.draws.clone();
    script.retain(|label, _| ["block", "mask", "salts"].contains(label));
    let config = &world.plan.opening;
    let trace = Trace::commit(config, vectors[0].clone(), &mut Entropy::scripted(script)).unwrap();
    let trace_root = trace.root();
    assert_eq!(trace_root, world.proof.trace_root);
    let (opening, _) = with(Mode::Frozen(world.answers.clone()), || {
        let mut t = Transcript::new(LABEL, &DIGEST);
        let claim = batched(&mut t, &masked);
        opening_proof(config, trace, &refs, claim, &others.pins, &mut t).unwrap()
    });
    RelationProof { trace_root, masked, opening }
}

/// Any solution of `sum_k columns_k x_k = target` over E.
fn solve(columns: &[Vec<E>], target: &[E]) -> Option<Vec<E>> {
    let n = columns.len();
    let mut rows: Vec<Vec<E>> =
        (0..target.len()).map(|r| columns.iter().map(|c| c[r]).chain([target[r]]).collect()).collect();
    let (mut pivots, mut done) = (vec![], 0);
    for c in 0..n {
        let Some(r) = (done..rows.len()).find(|&r| rows[r][c] != E::ZERO) else { continue };
        rows.swap(done, r);
        let inverse = rows[done][c].inverse();
        rows[done].iter_mut().for_each(|x| *x *= inverse);
        let pivot = rows[done].clone();
        for row in rows.iter_mut().enumerate().filter(|(k, _)| *k != done).map(|(_, row)| row) {
            let factor = row[c];
            if factor != E::ZERO {
                row.iter_mut().zip(&pivot).for_each(|(x, &p)| *x -= factor * p);
            }
        }
        pivots.push(c);
        done += 1;
    }
    if rows[done..].iter().any(|row| row[n] != E::ZERO) {
        return None;
    }
    let mut x = vec![E::ZERO; n];
    pivots.into_iter().zip(&rows).for_each(|(c, row)| x[c] = row[n]);
    Some(x)
}

/// Every message of the bilinear sumcheck and of every layer of the GKR: changed, and later messages with it so that
/// every claim of the relation still holds under the recorded challenges, with the same commitments. Messages that a
/// claim ties to a committed column cannot change like that; for them the batched claim is kept true, by one other
/// message.
#[test]
fn every_round_of_the_masked_sumchecks() {
    let world = World::new(LOG_ROWS);
    let vectors = payloads(&world);
    let honest = &world.proof.masked;
    let base = claims(&world, &vectors, honest);
    assert!(base.iter().all(|c| *c == E::ZERO) && residual(&world, &vectors, honest) == E::ZERO);
    let n = honest.messages.len();
    let plus = |changes: &[(usize, E)]| {
        let mut m = honest.clone();
        changes.iter().for_each(|&(i, d)| m.messages[i] += d);
        m
    };
    // With one factor of each product fixed the claims are affine in the messages.
    let mut movable = vec![true; n];
    for &(i, j) in &world.plan.schedule.products {
        movable[j] &= !movable[i];
    }
    let jacobian: Vec<Vec<E>> = (0..n).map(|i| claims(&world, &vectors, &plus(&[(i, E::ONE)]))).collect();
    let (mut by_claims, mut by_batch) = (0, 0);
    for i in 0..n {
        let later: Vec<usize> = (i + 1..n).filter(|&k| movable[k]).collect();
        let columns: Vec<Vec<E>> = later.iter().map(|&k| jacobian[k].clone()).collect();
        let target: Vec<E> = jacobian[i].iter().map(|&x| -x).collect();
        let solution = solve(&columns, &target).filter(|_| movable[i]);
        let changes: Vec<(usize, E)> = match solution {
            Some(x) => {
                by_claims += 1;
                later.into_iter().zip(x).chain([(i, E::ONE)]).collect()
            }
            None => {
                by_batch += 1;
                let k = if i == 0 { 1 } else { 0 };
                let at = |x| residual(&world, &vectors, &plus(&[(i, E::ONE), (k, x)]));
                let (zero, one) = (at(E::ZERO), at(E::ONE));
                vec![(i, E::ONE), (k, -zero * (one - zero).inverse())]
            }
        };
        let masked = plus(&changes);
        assert_eq!(residual(&world, &vectors, &masked), E::ZERO, "message {i}");
        let proof = completed(&world, &vectors, masked);
        bound(&world, &format!("message {i}"), |c| c.proof = proof);
    }
    // The three messages of each round of the bilinear sumcheck and those of the layers; the rest are factors at ends.
    assert_eq!(by_claims + by_batch, n);
    assert!(by_claims > 2 * n / 3, "{by_claims} of {n}");
}

/// d and e of every product, with the batched claim kept true by the other one.
#[test]
fn every_sacrifice() {
    let world = World::new(LOG_ROWS);
    let vectors = payloads(&world);
    for k in 0..world.plan.schedule.products.len() {
        let with = |x: E| {
            let mut m = world.proof.masked.clone();
            m.sacrifices[k][0] += E::ONE;
            m.sacrifices[k][1] += x;
            m
        };
        let at = |x| residual(&world, &vectors, &with(x));
        let (zero, one) = (at(E::ZERO), at(E::ONE));
        let masked = with(-zero * (one - zero).inverse());
        let proof = completed(&world, &vectors, masked);
        bound(&world, &format!("sacrifice {k}"), |c| c.proof = proof);
    }
}

/// Changes a round [p(0), leading] so that a claim that is `shift` more leads to the same next one.
fn absorb_shift(round: &mut [E; 2], shift: E, r: E) {
    // p(r) = p(0) + r (claim - 2 p(0) - leading + r leading).
    let by_zero = E::ONE - r.double();
    round[0] -= shift * r * by_zero.inverse();
}

/// The same next claim by another polynomial.
fn other_polynomial(round: &mut [E; 2], r: E) {
    round[1] += E::ONE;
    round[0] -= (r.square() - r) * (E::ONE - r.double()).inverse();
}

#[test]
fn every_round_of_the_opening() {
    let world = World::new(LOG_ROWS);
    let c = opening_challenges(&world);
    let (theta, delta, gamma, rounds) = (c[0], c[2], c[3], &c[4..]);
    let source = world.proof.opening.source_rounds.len();
    assert_eq!(rounds.len(), source + world.proof.opening.column_rounds.len());
    let opening = |what: &str, change: &dyn Fn(&mut OpeningProof)| {
        bound(&world, what, |c| change(&mut c.proof.opening));
    };
    opening("mu", &|p| {
        p.mu += E::ONE;
        absorb_shift(&mut p.source_rounds[0], E::ONE, rounds[0]);
    });
    for k in [0, 1] {
        opening(&format!("sigma_{}", k + 1), &|p| {
            let before = tau(E::ZERO, p.conjugates, delta);
            p.conjugates[k] += E::ONE;
            p.mu -= gamma * (tau(E::ZERO, p.conjugates, delta) - before);
        });
    }
    for (j, &r) in rounds[..source].iter().enumerate() {
        opening(&format!("source round {j}"), &|p| other_polynomial(&mut p.source_rounds[j], r));
    }
    // sigma of a false statement: what it is too much, mu is too little.
    let masked = &world.proof.masked;
    let sigma = |wrong: E| {
        let (claim, _) = with(Mode::Frozen(world.answers.clone()), || {
            let mut t = Transcript::new(LABEL, &DIGEST);
            let mut r = Reduction::new(&mut t, masked);
            Toy { wrong, ..Toy::default() }.check(&mut r).unwrap();
            r.finish(pad_layout(), 3).unwrap()
        });
        claim.value
    };
    let excess = sigma(E::ONE) - sigma(E::ZERO);
    assert_ne!(excess, E::ZERO);
    bound(&world, "sigma", |c| {
        c.relation.wrong = E::ONE;
        c.proof.opening.mu -= gamma * excess;
    });
    // Another y of either vector.
    for k in [0, 1] {
        bound(&world, "y", |c| {
            c.others.pins[k].value += E::ONE;
            c.proof.opening.mu -= gamma * theta.exp_u64(k as u64 + 1);
        });
    }
}

/// The value between the sumchecks, and every round of the second.
#[test]
fn every_round_over_the_columns() {
    let world = World::new(LOG_ROWS);
    let c = opening_challenges(&world);
    let source = world.proof.opening.source_rounds.len();
    let (last, columns) = (c[3 + source], &c[4 + source..]);
    // These rounds come after every check that another transcript fails, but for their own sum.
    let rejected = |what: &str, change: &dyn Fn(&mut OpeningProof), live: &OpeningError| {
        let mut claimed = Claimed::of(&world);
        change(&mut claimed.proof.opening);
        let (frozen, _) = with(Mode::Frozen(world.answers.clone()), || claimed.check());
        frozen.unwrap_or_else(|e| panic!("{what}, frozen: {e}"));
        match claimed.check() {
            Err(ArgumentError::Opening(e)) => assert_eq!(&e, live, "{what}"),
            other => panic!("{what}, live: {other:?}"),
        }
    };
    for (j, &r) in columns.iter().enumerate() {
        let change = |p: &mut OpeningProof| other_polynomial(&mut p.column_rounds[j], r);
        rejected(&format!("column round {j}"), &change, &OpeningError::ColumnClaim);
    }
    // value: the last source round leads to it, the first column round starts from it.
    let weight = weight_at_end(&world);
    rejected(
        "value",
        &|p| {
            p.value += E::ONE;
            // The end of the source rounds has to be value times weight.
            let k = p.source_rounds.len() - 1;
            p.source_rounds[k][1] += weight * (last.square() - last).inverse();
            absorb_shift(&mut p.column_rounds[0], E::ONE, columns[0]);
        },
        &OpeningError::SourceClaim,
    );
}

/// sigma_0 + delta sigma_1 + delta^2 sigma_2, sigma being the sum of their conjugates.
fn tau(sigma: E, [first, second]: [E; 2], delta: E) -> E {
    let rest = sigma - first.repeated_frobenius(1) - second.repeated_frobenius(2);
    rest + delta * (first + delta * second)
}

/// A(rho) of the recorded opening: the end of its source rounds, divided by the value.
fn weight_at_end(world: &World) -> E {
    let c = opening_challenges(world);
    let (theta, delta, gamma, rounds) = (c[0], c[2], c[3], &c[4..]);
    let (claim, _) = with(Mode::Frozen(world.answers.clone()), || {
        batched(&mut Transcript::new(LABEL, &DIGEST), &world.proof.masked)
    });
    let pins: E =
        world.pins.iter().enumerate().map(|(k, p): (usize, &Pin)| theta.exp_u64(k as u64 + 1) * p.value).sum();
    let opening = &world.proof.opening;
    let mut running = opening.mu + gamma * tau(claim.value + pins, opening.conjugates, delta);
    for (&[zero, leading], &r) in opening.source_rounds.iter().zip(rounds) {
        running = zero + r * (running - zero.double() - leading + r * leading);
    }
    running * opening.value.inverse()
}
