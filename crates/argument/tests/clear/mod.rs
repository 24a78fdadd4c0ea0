//! Pays a `Claim` in the clear: the committed vectors are held by the test, and the opening is an inner product.
#![allow(dead_code)]
use p3_field::PrimeCharacteristicRing;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F};
use tacit_argument::functional::Weights;
use tacit_argument::hiding::{Claim, HidingError, MaskedMessages, Masker, PadLayout, Reduction, Schedule, Secrets};
use tacit_argument::multilinear::{eq_table, lagrange_weights};
use tacit_argument::transcript::Transcript;

/// The pads follow this many payload cells.
pub const FIRST: usize = 5;

pub fn transcript() -> Transcript {
    Transcript::new(b"tacit/test", &[7; 32])
}

/// Values that depend on the seed alone.
pub struct Values(Transcript);

impl Values {
    pub fn new(seed: u8) -> Self {
        Self(Transcript::new(b"tacit/test/values", &[seed; 32]))
    }
    pub fn ext(&mut self) -> E {
        self.0.challenge()
    }
    pub fn base(&mut self) -> F {
        tacit_argument::field::coordinates(self.ext())[0]
    }
    pub fn exts(&mut self, n: usize) -> Vec<E> {
        (0..n).map(|_| self.ext()).collect()
    }
    pub fn bases(&mut self, n: usize) -> Vec<F> {
        (0..n).map(|_| self.base()).collect()
    }
    pub fn below(&mut self, n: usize) -> usize {
        use p3_field::PrimeField64;
        (self.base().as_canonical_u64() % n as u64) as usize
    }
}

/// A prover's run: what it committed and what it sent.
pub struct Run {
    /// Vector 0: `FIRST` cells, pads, triples.
    pub cells: Vec<F>,
    pub messages: MaskedMessages,
    pub schedule: Schedule,
}

pub fn schedule<T>(check: impl FnOnce(&mut Reduction<'_>) -> T) -> Schedule {
    let mut t = transcript();
    let mut dry = Reduction::dry(&mut t);
    let _ = check(&mut dry);
    dry.schedule()
}

pub fn prove<T>(schedule: Schedule, proof: impl FnOnce(&mut Masker<'_>) -> T) -> (Run, T) {
    let mut entropy = Entropy::fresh(&[1; 32], &[2; 32]).expect("random bytes");
    let secrets = Secrets::draw(&schedule, &mut entropy);
    let mut cells = vec![F::from_u8(9); FIRST];
    cells.extend(secrets.cells());
    let mut t = transcript();
    let mut masker = Masker::new(&mut t, secrets);
    let out = proof(&mut masker);
    (Run { cells, messages: masker.finish(), schedule }, out)
}

/// The claim that the verifier ends with, over `vectors` committed vectors.
pub fn claim(
    messages: &MaskedMessages,
    vectors: usize,
    check: impl FnOnce(&mut Reduction<'_>) -> Result<(), HidingError>,
) -> Result<Claim, HidingError> {
    let mut t = transcript();
    let mut reduction = Reduction::new(&mut t, messages);
    check(&mut reduction)?;
    reduction.finish(PadLayout { first: FIRST }, vectors)
}

/// The sacrifice challenge z that the messages lead to.
pub fn sacrifice_challenge(messages: &MaskedMessages, check: impl FnOnce(&mut Reduction<'_>)) -> E {
    let mut t = transcript();
    check(&mut Reduction::new(&mut t, messages));
    t.begin(b"tacit/sacrifice/v1");
    t.challenge()
}

/// Whether `sum_v <vectors[v], weights[v]> = value`.
pub fn paid(vectors: &[&[F]], claim: &Claim) -> bool {
    assert_eq!(vectors.len(), claim.weights.len());
    let total: E = vectors.iter().zip(&claim.weights).map(|(v, w)| inner(v, w)).sum();
    total == claim.value
}

/// `<vector, weights>`, without a pin.
pub fn inner(vector: &[F], weights: &Weights) -> E {
    assert_eq!(weights.pin, E::ZERO);
    let mut sum = E::ZERO;
    for (first, run) in &weights.runs {
        sum += run.iter().zip(&vector[*first..]).map(|(&w, &f)| w * f).sum::<E>();
    }
    for tensor in &weights.tensors {
        let table = tensor.low.table();
        for &(slot, c) in &tensor.slots {
            sum += table.iter().zip(&vector[slot << tensor.low.stride()..]).map(|(&w, &f)| c * w * f).sum::<E>();
        }
    }
    sum
}

impl Run {
    pub fn pays(&self, claim: &Claim) -> bool {
        paid(&[&self.cells], claim)
    }
    /// What the prover meant by message i.
    pub fn hidden(&self, i: usize) -> E {
        self.messages.messages[i] + self.cell(3 * i)
    }
    /// The committed element of E whose first cell is `at` (counted from the first pad).
    pub fn cell(&self, at: usize) -> E {
        let c = &self.cells[FIRST + at..];
        E::new([c[0], c[1], c[2]])
    }
    fn set(&mut self, at: usize, v: E) {
        let c = tacit_argument::field::coordinates(v);
        self.cells[FIRST + at..][..3].copy_from_slice(&c);
    }
    /// The run of a prover who meant message i to be `delta` more and did everything else right: the same messages,
    /// hence challenges, another pad, and triples and openings that agree with it.
    pub fn meant_otherwise(&self, i: usize, delta: E, z: E) -> Self {
        let mut run =
            Self { cells: self.cells.clone(), messages: self.messages.clone(), schedule: self.schedule.clone() };
        run.set(3 * i, run.cell(3 * i) + delta);
        for (k, &(a, b)) in self.schedule.products.iter().enumerate() {
            let (p, q) = (run.cell(3 * a), run.cell(3 * b));
            let t = 3 * self.schedule.messages + 12 * k;
            run.set(t, p * q);
            run.messages.sacrifices[k] = [z * p - run.cell(t + 3), q - run.cell(t + 6)];
        }
        run
    }
}

/// Multilinear extension at a big-endian point, by definition.
pub fn mle(table: impl IntoIterator<Item = E>, point: &[E]) -> E {
    table.into_iter().zip(eq_table(point, E::ONE)).map(|(v, w)| v * w).sum()
}

/// The value at r of the polynomial with the given values at 0, 1, 2, ...
pub fn interpolate(values: &[E], r: E) -> E {
    lagrange_weights(values.len(), r).into_iter().zip(values).map(|(l, &v)| l * v).sum()
}
