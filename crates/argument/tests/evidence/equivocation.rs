//! The equivocation test: from a real proof on X, and any other X' of the same shape, solve for the randomness with
//! which the honest prover says the same about X'.
//!
//! Given the transcript on X, its challenges and X', the equations are linear and have a solution:
//! pads' = what is hidden in X' minus the messages; (p', q') of a triple from d and e; the uniform block of each column
//! from the opened rows (Vandermonde) and, for a long-lived vector, its y; r_1 and r_2 from sigma_1 and sigma_2; g' = h - gamma F'. The map from randomness
//! to (messages, d, e, sigma_1, sigma_2, rows, y, h) is then affine and onto for X as for X', so that its output has the same
//! distribution for both: perfect zero knowledge of all that is compared.
//!
//! **What is compared**: every byte of the proof but the digests of subtrees with unopened leaves, which are the
//! trace's root and the sibling digests of the first oracle's paths. Those hide their leaves only as a hash with 256
//! bits of salt does, and differ. For the same reason the hash of the transcript differs, so the challenges of X are
//! replayed.
use crate::toy::{DIGEST, Known, LABEL, LOG_ROWS, Others, RATE, challenges, fresh, opened, plan_of, random, shape_of};
use p3_field::extension::HasFrobenius;
use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F, basis, coordinates};
use tacit_argument::hiding::{Masker, Secrets};
use tacit_argument::multilinear::eq_table;
use tacit_argument::opening::{CONJUGATE_BLOCK, LongLived, OpeningError, Pin, SALT, VectorShape};
use tacit_argument::proof::{ArgumentError, Plan, ProveError, RelationProof, Witnessed, prove};
use tacit_argument::transcript::Transcript;
use tacit_argument::transcript::probe::{Answer, Mode, Run, with};

/// The randomness of one proof: what the prover draws, by label.
pub type Draws = BTreeMap<&'static str, Vec<F>>;

fn draws(plan: &Plan) -> Draws {
    let (s, trace) = (&plan.schedule, plan.opening.trace());
    let sizes = [
        ("pads", 3 * s.messages),
        ("triples", 6 * s.products.len()),
        ("block", trace.columns * trace.block),
        ("mask", (3 * plan.opening.groups()) << trace.log_height),
        ("salts", SALT << (trace.log_height + RATE)),
    ];
    sizes.into_iter().map(|(label, n)| (label, random(label, n))).collect()
}

/// A long-lived vector with its randomness in the test's hands.
#[derive(Clone)]
pub struct Vector {
    pub shape: VectorShape,
    pub payload: Vec<F>,
    pub blocks: Vec<F>,
    pub salts: Vec<F>,
}

impl Vector {
    fn random(shape: VectorShape, payload: Vec<F>) -> Self {
        let s = shape;
        Self {
            shape,
            payload,
            blocks: random("blocks", s.columns * s.block),
            salts: random("salts", SALT << (s.log_height + RATE)),
        }
    }
    pub fn commit(&self) -> LongLived {
        LongLived::with_randomness(self.shape, RATE, &self.payload, &self.blocks, self.salts.clone()).unwrap()
    }
}

/// The full table of a vector, column after column.
fn table(shape: &VectorShape, payload: &[F], blocks: &[F]) -> Vec<F> {
    let mut out = vec![];
    for c in 0..shape.columns {
        let per = shape.payload_per_column();
        let mut column: Vec<F> = payload.iter().skip(c * per).take(per).copied().collect();
        column.resize(per, F::ZERO);
        column.extend(&blocks[c * shape.block..(c + 1) * shape.block]);
        out.extend(column);
    }
    out
}

/// Any solution of `rows x = values`, its free unknowns uniform.
fn solve(mut rows: Vec<Vec<F>>, mut values: Vec<F>) -> Vec<F> {
    let n = rows[0].len();
    let mut pivots = vec![];
    for r in 0..rows.len() {
        let column = (0..n).find(|&c| rows[r][c] != F::ZERO).expect("the equations are independent");
        let inverse = rows[r][column].inverse();
        let pivot: Vec<F> = rows[r].iter().map(|&x| x * inverse).collect();
        let value = values[r] * inverse;
        for k in (0..rows.len()).filter(|&k| k != r) {
            let factor = rows[k][column];
            if factor != F::ZERO {
                rows[k].iter_mut().zip(&pivot).for_each(|(x, &p)| *x -= factor * p);
                values[k] -= factor * value;
            }
        }
        (rows[r], values[r]) = (pivot, value);
        pivots.push(column);
    }
    let mut x = random("free", n);
    pivots.iter().for_each(|&c| x[c] = F::ZERO);
    let found: Vec<F> =
        rows.iter().zip(&values).map(|(row, &v)| v - row.iter().zip(&x).map(|(&a, &b)| a * b).sum::<F>()).collect();
    pivots.into_iter().zip(found).for_each(|(c, v)| x[c] = v);
    x
}

/// One equation per opened row: the column at w^j.
fn powers(shape: &VectorShape, rows: &BTreeSet<usize>) -> Vec<Vec<F>> {
    let w = F::two_adic_generator(shape.log_height + RATE);
    rows.iter().map(|&j| w.exp_u64(j as u64).powers().take(shape.height()).collect()).collect()
}

/// The element `j` of a trace's conjugates: 0 is what 1 and 2 make it.
fn element(shape: &VectorShape, trace: &[F], j: usize) -> E {
    let first = shape.height() - CONJUGATE_BLOCK + 3 * j;
    let cell = |c: usize, x: usize| trace.get(c * shape.height() + x).copied().unwrap_or_default();
    (0..3).map(|i| basis(i) * E::new(std::array::from_fn(|c| cell(c, first + i)))).sum()
}

/// Adds to an element of a trace's conjugates, by its cells in the first column.
fn add_element(shape: &VectorShape, trace: &mut [F], j: usize, x: E) {
    let first = shape.height() - CONJUGATE_BLOCK + 3 * j;
    coordinates(x).into_iter().enumerate().for_each(|(i, x)| trace[first + i] += x);
}

/// Makes element 0 what the prover makes it.
fn tie(shape: &VectorShape, trace: &mut [F]) {
    let sum = element(shape, trace, 1).repeated_frobenius(1) + element(shape, trace, 2).repeated_frobenius(2);
    let missing = sum - element(shape, trace, 0);
    add_element(shape, trace, 0, missing);
}

/// Fills `free` exponents of a new table's columns, which are zero, so that it has the same opened rows and, with a pin,
/// the same y as the old one; returns its blocks.
fn equivocate(
    shape: &VectorShape,
    old: &[F],
    mut new: Vec<F>,
    free: Range<usize>,
    rows: &BTreeSet<usize>,
    pin: Option<&Pin>,
) -> Vec<F> {
    let per = shape.payload_per_column();
    let eq = pin.map(|p| eq_table(&p.point, E::ONE));
    for c in 0..shape.columns {
        let own = c * shape.height()..(c + 1) * shape.height();
        let mut equations = powers(shape, rows);
        let dot = |w: &[F], v: &[F]| w.iter().zip(v).map(|(&a, &b)| a * b).sum::<F>();
        let mut values: Vec<F> =
            equations.iter().map(|w| dot(w, &old[own.clone()]) - dot(w, &new[own.clone()])).collect();
        // The last column also brings y back: three coordinates over all columns.
        if let Some(eq) = eq.as_ref().filter(|_| c + 1 == shape.columns) {
            for i in 0..3 {
                let w: Vec<F> = eq.iter().map(|&x| coordinates(x)[i]).collect();
                values.push(dot(&w, old) - dot(&w, &new));
                equations.push(w[own.clone()].to_vec());
            }
        }
        let equations = equations.into_iter().map(|w| w[free.clone()].to_vec()).collect();
        let block = solve(equations, values);
        new[own.start + free.start..own.start + free.end].copy_from_slice(&block);
    }
    new.chunks(shape.height()).flat_map(|column| column[per..].to_vec()).collect()
}

/// What the honest prover would hide, under these answers: its messages with pads of zero; and the challenge z.
fn hidden(known: &Known, plan: &Plan, answers: &[Answer]) -> (Vec<E>, E) {
    let zero = Draws::from([("pads", vec![F::ZERO; 3 * plan.schedule.messages])]);
    let secrets = Secrets::draw(&plan.schedule, &mut Entropy::scripted(zero));
    let (messages, runs) = with(Mode::Frozen(answers.to_vec()), || {
        let mut t = Transcript::new(LABEL, &[0; 32]);
        let mut m = Masker::new(&mut t, secrets);
        known.send(&mut m, &known.columns()).unwrap();
        m.finish().messages
    });
    (messages, challenges(&runs[0]).last().unwrap().1)
}

fn flat(values: impl IntoIterator<Item = E>) -> Vec<F> {
    values.into_iter().flat_map(coordinates).collect()
}

/// A proof on X with all that made it.
pub struct World {
    pub plan: Plan,
    pub draws: Draws,
    pub vectors: [Vector; 2],
    pub pins: [Pin; 2],
    pub known: Known,
    pub proof: RelationProof,
    pub answers: Vec<Answer>,
    pub transcript: Run,
}

impl World {
    pub fn new(log_rows: usize) -> Self {
        let (plan, known) = (plan_of(log_rows), Known::of(log_rows));
        let draws = draws(&plan);
        let vectors = known.payloads().map(|p| Vector::random(shape_of(log_rows), p));
        let others = Others::pinned([vectors[0].commit(), vectors[1].commit()]);
        let script = draws.clone();
        let (proof, mut runs) = with(Mode::Live, || known.prove(&others, Entropy::scripted(script)));
        others.check_of(&known.relation, &proof).unwrap();
        let transcript = runs.pop().unwrap();
        let answers = transcript.answers();
        Self { plan, draws, vectors, pins: others.pins, known, proof, answers, transcript }
    }

    /// The trace's table for a witness and its draws.
    pub fn trace(&self, known: &Known, draws: &Draws) -> Vec<F> {
        let secrets = Secrets::draw(&self.plan.schedule, &mut Entropy::scripted(draws.clone()));
        let payload = [known.columns(), secrets.cells()].concat();
        let shape = self.plan.opening.trace();
        let mut out = table(&shape, &payload, &draws["block"]);
        tie(&shape, &mut out);
        out
    }

    /// The commitments of the proof.
    pub fn others(&self) -> Others {
        Others { vectors: [self.vectors[0].commit(), self.vectors[1].commit()], pins: self.pins.clone() }
    }

    /// The rows of the first oracle that the proof opens.
    pub fn rows(&self) -> Vec<usize> {
        let bits = self.plan.opening.h() + RATE;
        let index = |a: &Answer| match a {
            Answer::Index(b, j) if *b == bits => Some(*j),
            _ => None,
        };
        self.answers.iter().filter_map(index).take(self.plan.opening.queries()).collect()
    }

    /// Randomness with which the prover says the same about another witness.
    fn solve(&self, other: &Known) -> (Draws, [Vector; 2]) {
        let (schedule, config) = (&self.plan.schedule, &self.plan.opening);
        let (values, z) = hidden(other, &self.plan, &self.answers);
        let sent = &self.proof.masked;
        let pads: Vec<E> = values.iter().zip(&sent.messages).map(|(&v, &m)| v - m).collect();
        let triples = schedule.products.iter().zip(&sent.sacrifices);
        let triples: Vec<E> = triples.flat_map(|(&(i, j), &[d, e])| [z * pads[i] - d, pads[j] - e]).collect();
        let mut draws = self.draws.clone();
        draws.insert("pads", flat(pads));
        draws.insert("triples", flat(triples));

        let at = |s: &VectorShape| -> BTreeSet<usize> {
            let mask = (1 << (s.log_height + RATE)) - 1;
            self.rows().into_iter().map(|j| j & mask).collect()
        };
        let mut k = 0;
        let vectors = other.payloads().map(|payload| {
            let (mine, pin) = (&self.vectors[k], &self.pins[k]);
            let s = mine.shape;
            let old = table(&s, &mine.payload, &mine.blocks);
            let new = table(&s, &payload, &vec![F::ZERO; s.columns * s.block]);
            let blocks = equivocate(&s, &old, new, s.payload_per_column()..s.height(), &at(&s), Some(pin));
            k += 1;
            Vector { shape: s, payload, blocks, salts: mine.salts.clone() }
        });

        // What hides sigma_1 and sigma_2: as much more as they would be less.
        let drawn = challenges(&self.transcript);
        let drawn: Vec<E> = drawn.iter().filter(|c| c.0 == "tacit/opening/v1").map(|c| c.1).collect();
        let (kappa, gamma) = (drawn[1], drawn[3]);
        let trace = config.trace();
        let free = trace.payload_per_column()..trace.height() - CONJUGATE_BLOCK;
        let mut new = self.trace(other, &draws);
        let (draft, _) = self.replay(other, draws.clone(), &vectors);
        for (k, (sent, other)) in self.proof.opening.conjugates.into_iter().zip(draft.opening.conjugates).enumerate() {
            let scale = kappa.repeated_frobenius(2 - k);
            add_element(&trace, &mut new, k + 1, (sent - other) * scale.inverse());
        }
        tie(&trace, &mut new);
        new.chunks_mut(trace.height()).for_each(|column| column[free.clone()].fill(F::ZERO));
        let old = self.trace(&self.known, &self.draws);
        draws.insert("block", equivocate(&trace, &old, new, free, &at(&trace), None));

        // g' = g + gamma (F - F'), group by group, short ones at multiples of their step.
        let mut tables = vec![(old, self.trace(other, &draws))];
        for (mine, new) in self.vectors.iter().zip(&vectors) {
            tables
                .push((table(&mine.shape, &mine.payload, &mine.blocks), table(&new.shape, &new.payload, &new.blocks)));
        }
        let mut mask = self.draws["mask"].clone();
        let mut columns = mask.chunks_mut(1 << config.h());
        for ((old, new), s) in tables.iter().zip(config.shapes()) {
            let step = 1 << (config.h() - s.log_height);
            for first in (0..s.columns).step_by(3) {
                let difference = |c: usize, j: usize| {
                    let cell = (first + c) * s.height() + j;
                    if first + c < s.columns { old[cell] - new[cell] } else { F::ZERO }
                };
                let mut g: [&mut [F]; 3] = std::array::from_fn(|_| columns.next().unwrap());
                for j in 0..s.height() {
                    let added = coordinates(gamma * E::new(std::array::from_fn(|c| difference(c, j))));
                    g.iter_mut().zip(added).for_each(|(g, x)| g[j * step] += x);
                }
            }
        }
        draws.insert("mask", mask);
        (draws, vectors)
    }

    /// The honest prover on another witness, with this randomness and the recorded challenges.
    pub fn replay(&self, known: &Known, draws: Draws, vectors: &[Vector; 2]) -> (RelationProof, Others) {
        let others = Others { vectors: [vectors[0].commit(), vectors[1].commit()], pins: self.pins.clone() };
        let (proof, _) = with(Mode::Frozen(self.answers.clone()), || known.prove(&others, Entropy::scripted(draws)));
        (proof, others)
    }
}

/// The bytes of a proof without the digests of subtrees that hold unopened leaves, and those digests.
fn parts(proof: &RelationProof) -> (Vec<u8>, Vec<[u8; 32]>) {
    let mut proof = proof.clone();
    let mut digests = vec![std::mem::take(&mut proof.trace_root)];
    let (_, trees) = opened(&mut proof.opening);
    for tree in trees {
        digests.extend(tree.paths.sibling_hashes.iter_mut().map(std::mem::take));
    }
    (postcard::to_allocvec(&proof).unwrap(), digests)
}

/// The proof of a world, and the same bytes on other witnesses.
fn the_same_bytes_on_any_witness(world: &World) {
    let (bytes, digests) = parts(&world.proof);
    let bits = world.plan.opening.h() + RATE;
    let rows: BTreeSet<usize> = world.rows().into_iter().collect();
    assert!(rows.len() > world.plan.opening.queries() / 2 && rows.iter().all(|&j| j < 1 << bits));
    // A random witness, all zeros, and all the same.
    let rows = world.known.a.len();
    let constant = |v: u64| Known::new(vec![F::from_u64(v); rows], vec![F::from_u64(v); rows]);
    for other in [Known::of(rows.ilog2() as usize), constant(0), constant(255)] {
        let (draws, vectors) = world.solve(&other);
        let (proof, others) = world.replay(&other, draws, &vectors);
        let (again, new) = parts(&proof);
        assert_eq!(bytes.len(), again.len());
        assert!(bytes == again, "a byte differs");
        // The digests are those of other leaves, and as many.
        assert_eq!(digests.len(), new.len());
        assert!(digests.iter().zip(&new).all(|(a, b)| a != b), "no unopened subtree is the same");
        // y is the published one; and the proof is a proof: the verifier accepts it under the same challenges.
        for (vector, pin) in others.vectors.iter().zip(&others.pins) {
            assert_eq!(vector.pin(&pin.point), pin.value);
        }
        let (verdict, _) = with(Mode::Frozen(world.answers.clone()), || others.check_of(&other.relation, &proof));
        verdict.unwrap();
        // Live it has other challenges, because the roots are others.
        assert!(others.check_of(&other.relation, &proof).is_err());
    }
}

#[test]
fn another_witness_gives_the_same_bytes() {
    the_same_bytes_on_any_witness(&World::new(LOG_ROWS));
}

/// The tight trace: one column, in one group with two columns that are not there, and a block of the opened rows and the
/// nine coefficients of the conjugates exactly, which all stand in that column.
#[test]
fn another_witness_gives_the_same_bytes_in_one_tight_column() {
    let world = World::new(0);
    let config = &world.plan.opening;
    let trace = config.trace();
    assert_eq!((trace.columns, trace.groups()), (1, 1));
    assert_eq!(trace.block, config.queries() + CONJUGATE_BLOCK);
    the_same_bytes_on_any_witness(&world);
}

/// A challenge that hides nothing: with kappa = 0 sigma_1 and sigma_2 would be functions of the witness alone, and the prover
/// sends no proof.
#[test]
fn no_proof_leaves_with_a_kappa_of_zero() {
    let world = World::new(LOG_ROWS);
    let mut answers = world.answers.clone();
    // theta is drawn first, of the pins, then kappa.
    let drawn: Vec<E> =
        challenges(&world.transcript).into_iter().filter(|c| c.0 == "tacit/opening/v1").map(|c| c.1).collect();
    let of = |e: E| coordinates(e).map(Answer::Field);
    let at = answers.windows(3).position(|w| w == of(drawn[1])).unwrap();
    answers[at..at + 3].copy_from_slice(&of(E::ZERO));
    let others = world.others();
    let script = world.draws.clone();
    let (refused, _) = with(Mode::Frozen(answers), || {
        let known = &world.known;
        prove(LABEL, &DIGEST, known, RATE, known.columns(), &others.refs(), Entropy::scripted(script)).map(|_| ())
    });
    let refused = refused.unwrap_err();
    assert!(matches!(refused, ProveError::Argument(ArgumentError::Opening(OpeningError::Unhidden))), "{refused}");
}

/// The control: without solving, another witness shows.
#[test]
fn the_same_randomness_gives_other_bytes() {
    let world = World::new(LOG_ROWS);
    let (same, _) = world.replay(&world.known, world.draws.clone(), &world.vectors);
    assert_eq!(parts(&same), parts(&world.proof), "the prover is a function of witness and randomness");
    let other = Known::random();
    let (mut draws, vectors) = world.solve(&other);
    let (solved, _) = world.replay(&other, draws.clone(), &vectors);
    for label in ["pads", "triples", "block", "mask"] {
        let kept = draws.insert(label, world.draws[label].clone()).unwrap();
        let (proof, _) = world.replay(&other, draws.clone(), &vectors);
        assert_ne!(parts(&proof).0, parts(&solved).0, "{label}");
        draws.insert(label, kept);
    }
    // Fresh randomness, fresh bytes: nearly all of them differ.
    let others = Others { vectors: [vectors[0].commit(), vectors[1].commit()], pins: world.pins.clone() };
    let (fresh, _) = with(Mode::Frozen(world.answers.clone()), || other.prove(&others, fresh()));
    let messages = |p: &RelationProof| p.masked.messages.clone();
    assert!(messages(&fresh).iter().zip(messages(&solved)).all(|(&a, b)| a != b));
}
