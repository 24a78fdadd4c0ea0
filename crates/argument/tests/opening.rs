//! The opening through its public interface: commit, pin, prove, store, decode, verify.
#![allow(clippy::unwrap_used)]
use p3_field::PrimeCharacteristicRing;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F};
use tacit_argument::functional::{Low, TensorWeight, Weights};
use tacit_argument::hiding::Claim;
use tacit_argument::opening::{
    LongLived, OpeningConfig, OpeningError, OpeningProof, Pin, Trace, choose_trace_shape, long_lived_shape,
    opening_check, opening_proof, pin_point,
};
use tacit_argument::transcript::Transcript;

const SEED: [u8; 32] = [5; 32];
const STRIDE: usize = 6;

struct Run {
    config: OpeningConfig,
    data: Vec<F>,
    trace: Vec<F>,
    entropy: Entropy,
}

fn setup(rate: usize, data: usize, trace: usize) -> Run {
    let mut entropy = Entropy::fresh(&[0; 32], &[0; 32]).unwrap();
    let long = long_lived_shape(data, STRIDE, 16, rate).unwrap();
    let config = choose_trace_shape(rate, trace, STRIDE, &[long]).unwrap();
    let (data, trace) = (entropy.uniform("data", data), entropy.uniform("trace", trace));
    Run { config, data, trace, entropy }
}

/// Every slot of both vectors weighs its index; the low part is a challenge drawn after the roots.
fn claim(run: &Run, transcript: &mut Transcript) -> Claim {
    let point = transcript.point(STRIDE);
    let low = Low::Eq(point);
    let table = low.table();
    let mut value = E::ZERO;
    let weights = [&run.trace, &run.data].map(|cells| {
        let slots: Vec<(usize, E)> = (0..cells.len() >> STRIDE).map(|s| (s, E::from_usize(s + 1))).collect();
        for &(s, w) in &slots {
            let slot = &cells[s << STRIDE..(s + 1) << STRIDE];
            value += w * slot.iter().zip(&table).map(|(&v, &l)| l * v).sum::<E>();
        }
        Weights { tensors: vec![TensorWeight { low: low.clone(), slots }], runs: vec![], pin: E::ZERO }
    });
    Claim { weights: weights.to_vec(), value }
}

fn start(roots: &[[u8; 32]]) -> Transcript {
    let mut t = Transcript::new(b"public interface", &[3; 32]);
    roots.iter().for_each(|r| t.absorb_root(r).unwrap());
    t
}

#[test]
fn commit_prove_store_verify() {
    for (rate, data, trace) in [(2, 1 << 12, 1 << 15), (1, 700, 100_000), (2, 64, 64)] {
        let mut run = setup(rate, data, trace);
        let shape = run.config.shapes()[1];
        let long = LongLived::commit(shape, rate, &run.data, &SEED).unwrap();
        let pin = || {
            let point = pin_point(&[9; 32], &shape);
            Pin { value: long.pin(&point), point }
        };
        let committed = Trace::commit(&run.config, run.trace.clone(), &mut run.entropy).unwrap();
        let roots = [committed.root(), long.root()];
        let mut t = start(&roots);
        let c = claim(&run, &mut t);
        let proof = opening_proof(&run.config, committed, &[&long], c, &[pin()], &mut t).unwrap();
        let bytes = postcard::to_allocvec(&proof).unwrap();
        assert!(bytes.len() < 320_000, "{}", bytes.len());

        let (decoded, rest) = postcard::take_from_bytes::<OpeningProof>(&bytes).unwrap();
        assert!(rest.is_empty());
        let mut t = start(&roots);
        let c = claim(&run, &mut t);
        opening_check(&run.config, &roots, c, &[pin()], &mut t, &decoded).unwrap();

        // The same proof under other roots, hence other challenges.
        let other = [roots[1], roots[0]];
        let mut t = start(&other);
        let c = claim(&run, &mut t);
        let error = opening_check(&run.config, &other, c, &[pin()], &mut t, &decoded).unwrap_err();
        assert_eq!(error, OpeningError::SourceClaim);
    }
}

/// The vault keeps payload and seed alone: proofs on a rebuilt vector verify under the published root and pin.
#[test]
fn a_rebuilt_vector_opens_under_the_published_commitment() {
    let mut run = setup(2, 500, 3_000);
    let shape = run.config.shapes()[1];
    let (root, pin) = {
        let published = LongLived::commit(shape, 2, &run.data, &SEED).unwrap();
        let point = pin_point(&[1; 32], &shape);
        (published.root(), Pin { value: published.pin(&point), point })
    };
    let rebuilt = LongLived::commit(shape, 2, &run.data, &SEED).unwrap();
    let committed = Trace::commit(&run.config, run.trace.clone(), &mut run.entropy).unwrap();
    let roots = [committed.root(), root];
    let mut t = start(&roots);
    let c = claim(&run, &mut t);
    let proof = opening_proof(&run.config, committed, &[&rebuilt], c, std::slice::from_ref(&pin), &mut t).unwrap();
    let mut t = start(&roots);
    let c = claim(&run, &mut t);
    opening_check(&run.config, &roots, c, &[pin], &mut t, &proof).unwrap();
}
