//! Frozen challenges inside WHIR: its roots, out-of-domain answers, evaluation, every fold round of every phase and the
//! final polynomial are bound by the transcript. The other roots, the statement and the rounds before WHIR are in
//! `tests/evidence/frozen.rs`.
use super::*;
use crate::transcript::probe::{Answer, Mode, with};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use p3_dft::TwoAdicSubgroupDft;
use p3_field::{BasedVectorSpace, Field, TwoAdicField};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_multilinear_util::point::Point;
use p3_multilinear_util::poly::Poly;
use p3_sumcheck::OpeningBatch;

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
    let (trace, groups) = (w.config.trace(), w.config.groups());
    let script: BTreeMap<&str, Vec<F>> = [
        ("block", trace.columns * trace.block),
        ("mask", (3 * groups) << trace.log_height),
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

/// An honest opening with the verifier's challenges, those of E apart.
struct Frozen {
    world: World,
    roots: Vec<[u8; 32]>,
    honest: OpeningProof,
    answers: Vec<Answer>,
    challenges: Vec<E>,
}

impl Frozen {
    fn new(shapes: Vec<VectorShape>) -> Self {
        let mut world = World::new(2, shapes);
        let (roots, honest) = world.prove();
        let (verdict, runs) = with(Mode::Live, || world.check(&roots, &honest));
        verdict.unwrap();
        let answers = runs[0].answers();
        let fields: Vec<F> =
            answers.iter().filter_map(|a| if let Answer::Field(x) = a { Some(*x) } else { None }).collect();
        let challenges = fields.chunks_exact(3).map(|c| E::from_basis_coefficients_fn(|i| c[i])).collect();
        Self { world, roots, honest, answers, challenges }
    }

    /// Accepted with the recorded challenges, rejected live by this check.
    fn is_bound(&self, what: &str, live: &OpeningError, change: impl FnOnce(&mut OpeningProof)) {
        let mut proof = self.honest.clone();
        change(&mut proof);
        let (frozen, _) = with(Mode::Frozen(self.answers.clone()), || self.world.check(&self.roots, &proof));
        frozen.unwrap_or_else(|e| panic!("{what}, frozen: {e}"));
        assert_eq!(self.world.check(&self.roots, &proof).as_ref(), Err(live), "{what}, live");
    }

    /// Where the challenges of each part of WHIR start: (samples, batching, folds) per phase, the last without the
    /// first two.
    fn phases(&self) -> Vec<Phase> {
        let (whir, opening) = (self.world.config.whir(), &self.honest);
        let pins = usize::from(!self.world.pins.is_empty());
        let mut at = pins + 3 + opening.source_rounds.len() + opening.column_rounds.len();
        let samples = whir.round_parameters().iter().map(|r| r.ood_samples);
        let mut phases: Vec<Phase> = core::iter::once(whir.commitment_ood_samples())
            .chain(samples)
            .zip(whir.folding_schedule())
            .map(|(samples, &folds)| {
                let phase = Phase { samples, batching: self.challenges[at + samples], folds: at + samples + 1 };
                at += samples + 1 + folds;
                phase
            })
            .collect();
        phases.push(Phase { samples: 0, batching: E::ONE, folds: at });
        assert_eq!(self.challenges.len(), at + whir.final_sumcheck_rounds(), "every challenge has its place");
        phases
    }
}

struct Phase {
    samples: usize,
    batching: E,
    folds: usize,
}

/// The fold rounds of a phase.
fn folds(proof: &mut OpeningProof, phase: usize) -> &mut [[E; 2]] {
    let whir = &mut proof.whir.whir;
    let rounds = whir.rounds.len();
    let data = match phase {
        0 => &mut whir.initial_sumcheck,
        k if k <= rounds => &mut whir.rounds[k - 1].sumcheck,
        _ => whir.final_sumcheck.as_mut().unwrap(),
    };
    &mut data.polynomial_evaluations
}

/// The same next claim from one that is `shift` more: p(r) = p(0) + r (claim - 2 p(0) - leading + r leading).
fn absorb_shift(round: &mut [E; 2], shift: E, r: E) {
    round[0] -= shift * r * (E::ONE - r.double()).inverse();
}

/// Another polynomial with the same next claim.
fn other_polynomial(round: &mut [E; 2], r: E) {
    round[1] += E::ONE;
    round[0] -= (r.square() - r) * (E::ONE - r.double()).inverse();
}

/// Every fold round of every phase, the samples of every oracle, and the evaluation.
#[test]
fn every_fold_round_of_whir() {
    let f = Frozen::new(shapes(2, &[shape(10, 1, block(2))]));
    let phases = f.phases();
    let last = phases.len() - 1;
    // What a phase changes is heard by the next phase's work; behind the last one there is the closing claim alone.
    let live = |phase: usize| match phase {
        k if k == last => OpeningError::FinalClaim,
        k => OpeningError::Work { round: k },
    };
    let (mut rounds, mut samples) = (0, 0);
    for (k, phase) in phases.iter().enumerate() {
        for j in 0..folds(&mut f.honest.clone(), k).len() {
            let r = f.challenges[phase.folds + j];
            f.is_bound(&format!("phase {k}, fold {j}"), &live(k), |p| other_polynomial(&mut folds(p, k)[j], r));
            rounds += 1;
        }
        for i in 0..phase.samples {
            // The claims so far have power 0, the samples come next.
            let shift = phase.batching.exp_u64(i as u64 + 1);
            // Those of a later oracle are sent before the work that precedes its predecessor's queries.
            let live = OpeningError::Work { round: k.saturating_sub(1) };
            f.is_bound(&format!("phase {k}, sample {i}"), &live, |p| {
                match k {
                    0 => p.whir.whir.initial_ood_answers[i] += E::ONE,
                    k => p.whir.whir.rounds[k - 1].ood_answers[i] += E::ONE,
                }
                absorb_shift(&mut folds(p, k)[0], shift, f.challenges[phase.folds]);
            });
            samples += 1;
        }
    }
    let schedule = f.world.config.whir().folding_schedule().iter().sum::<usize>();
    assert_eq!(rounds, schedule + f.world.config.whir().final_sumcheck_rounds());
    assert_eq!(rounds, f.world.config.whir().num_variables(), "every variable of P is folded");
    assert!(samples >= last);
    // The evaluation: the column rounds end in it, the first fold starts from it.
    let at = phases[0].folds - 1 - phases[0].samples - 1;
    let selector = {
        let (source, columns) = (f.honest.source_rounds.len(), f.honest.column_rounds.len());
        let rho_s = &f.challenges[at + 1 - columns - source + f.world.config.h()..=at - columns];
        weights::selector(f.world.config.groups(), rho_s, &f.challenges[at + 1 - columns..=at])
    };
    f.is_bound("the evaluation", &OpeningError::ColumnClaim, |p| {
        let value = p.whir.evals[0].current()[0];
        p.whir.evals = vec![OpeningBatch::new(vec![value + E::ONE], vec![])];
        let r = f.challenges[at];
        p.column_rounds.last_mut().unwrap()[1] += selector * (r.square() - r).inverse();
        absorb_shift(&mut folds(p, 0)[0], E::ONE, f.challenges[phases[0].folds]);
    });
}

/// The claims on the conjugates and mu: another sigma_1 or sigma_2, and what makes up for it in mu.
#[test]
fn the_claims_on_the_conjugates() {
    let f = Frozen::new(shapes(2, &[shape(10, 1, block(2))]));
    let (delta, gamma) = (f.challenges[2], f.challenges[3]);
    for j in [1, 2] {
        f.is_bound(&format!("sigma_{j}"), &OpeningError::SourceClaim, |p| {
            let change = crate::field::basis(1);
            p.conjugates[j - 1] += change;
            // sigma_0 follows: it loses phi^j of the change.
            let tau = delta.exp_u64(j as u64) * change - crate::opening::packing::conjugate(change, j);
            p.mu -= gamma * tau;
        });
    }
}

/// The final polynomial, where it has more coefficients than the last queries fix: another one that agrees at every
/// queried point, its closing sumcheck completed.
#[test]
fn the_final_polynomial_of_whir() {
    let trace = VectorShape { log_height: 14, ..shapes(2, &[])[0] };
    let f = Frozen::new(vec![trace]);
    let whir = f.world.config.whir();
    let queries = whir.terminal().num_queries;
    let mut last: Vec<(usize, usize)> = vec![];
    for a in f.answers.iter().rev() {
        match a {
            Answer::Index(bits, j) => last.push((*bits, *j)),
            _ if !last.is_empty() => break,
            _ => {}
        }
    }
    assert_eq!(last.len(), queries);
    // prod (X - z) over the queried points: coefficient by coefficient what is added.
    let mut delta = vec![F::ONE];
    for &(bits, j) in &last.iter().copied().collect::<BTreeSet<_>>() {
        let z = F::two_adic_generator(bits).exp_u64(j as u64);
        let mut next = vec![F::ZERO; delta.len() + 1];
        for (i, &c) in delta.iter().enumerate() {
            next[i + 1] += c;
            next[i] -= c * z;
        }
        delta = next;
    }
    let final_poly = f.honest.whir.whir.final_poly.clone().unwrap();
    let n = final_poly.as_slice().len();
    assert!(delta.len() <= n, "{} of {n} coefficients are fixed by the queries", delta.len() - 1);
    delta.resize(n, F::ZERO);
    let added = Poly::new(delta.iter().map(|&d| E::from(d)).collect());
    let point = &f.challenges[f.challenges.len() - whir.final_sumcheck_rounds()..];
    let at = |poly: &Poly<E>, end: E| {
        let mut point = point.to_vec();
        *point.last_mut().unwrap() = end;
        poly.eval_ext::<F>(&Point::new(point))
    };
    // The last round is that of a product f w of lines: w from p(0) = f(0) w(0) and the leading coefficient.
    let r = *point.last().unwrap();
    let [zero, leading] = *folds(&mut f.honest.clone(), f.phases().len() - 1).last().unwrap();
    let (f0, f1) = (at(&final_poly, E::ZERO), at(&final_poly, E::ONE));
    let weight = zero * f0.inverse() + r * leading * (f1 - f0).inverse();
    let shift = weight * at(&added, r);
    assert_ne!(shift, E::ZERO);
    f.is_bound("the final polynomial", &OpeningError::Work { round: whir.round_parameters().len() }, |p| {
        let sum = final_poly.as_slice().iter().zip(added.as_slice()).map(|(&a, &b)| a + b).collect();
        p.whir.whir.final_poly = Some(Poly::new(sum));
        let phases = p.whir.whir.rounds.len() + 1;
        folds(p, phases).last_mut().unwrap()[1] += shift * (r.square() - r).inverse();
    });
}
