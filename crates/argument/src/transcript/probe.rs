//! A challenger that tests listen to: it records what is absorbed and drawn, replays recorded answers whatever is
//! absorbed, or answers as a programmed oracle does at the points that a simulator chose.
//!
//! A test wraps what it runs in [`with`]; every [`super::Transcript`] that the same thread starts inside is probed, the
//! dry run of a statement excepted. Outside of it the challenger is the ordinary one.
#![allow(clippy::missing_panics_doc, clippy::expect_used, reason = "no build but a test's has this module")]
extern crate std;
use super::Blake3Challenger;
use crate::field::{E, F, coordinates};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::panic::Location;
use p3_challenger::{
    CanObserve, CanSample, CanSampleBits, CanSampleUniformBits, FieldChallenger, GrindingChallenger, ResamplingError,
};
use p3_field::{BasedVectorSpace, PrimeField64};
use p3_symmetric::MerkleCap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One thing that happened on a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A typed method was called; what follows up to the next site belongs to it.
    Site {
        /// Which method.
        kind: &'static str,
        /// The label that it binds, if it binds one.
        label: String,
        /// The source file that called it.
        file: &'static str,
    },
    /// An element was absorbed.
    Observe(F),
    /// A root was absorbed by the library.
    Root([u8; 32]),
    /// Something was drawn.
    Answer(Answer),
}

/// What an oracle answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An element of F.
    Field(F),
    /// An index of so many bits.
    Index(usize, usize),
    /// A proof of work of so many bits, found or accepted.
    Nonce(usize, F),
}

/// Answers at chosen points: the digest of everything before the answer, and the answer.
pub type Program = BTreeMap<[u8; 32], E>;

/// How probed transcripts answer.
#[derive(Clone, Debug, Default)]
pub enum Mode {
    /// As the hash does.
    #[default]
    Live,
    /// With these answers in order, whatever is absorbed; every proof of work is accepted.
    Frozen(Vec<Answer>),
    /// As the hash does, but at the points of a program.
    Programmed(Program),
}

/// One transcript from its first message on.
#[derive(Debug, Default)]
pub struct Run {
    /// Its protocol label.
    pub protocol: Vec<u8>,
    /// What happened.
    pub events: Vec<Event>,
    frozen: Option<VecDeque<Answer>>,
    program: Program,
    state: blake3::Hasher,
    pending: VecDeque<F>,
}

impl Run {
    /// The answers in order.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        let answer = |e: &Event| if let Event::Answer(a) = e { Some(*a) } else { None };
        self.events.iter().filter_map(answer).collect()
    }

    fn absorb(&mut self, event: Event, bytes: &[u8]) {
        self.state.update(bytes);
        self.pending.clear();
        self.events.push(event);
    }

    /// The answer to give, `drawn` unless frozen or programmed.
    fn field(&mut self, drawn: F) -> F {
        let answer = match &mut self.frozen {
            Some(frozen) => match frozen.pop_front() {
                Some(Answer::Field(x)) => x,
                other => panic!("the frozen transcript has {other:?}, an element is drawn"),
            },
            None => {
                if let Some(e) = self.program.get(self.state.finalize().as_bytes()) {
                    self.pending = coordinates(*e).into();
                }
                self.pending.pop_front().unwrap_or(drawn)
            }
        };
        self.state.update(b"drawn");
        self.events.push(Event::Answer(Answer::Field(answer)));
        answer
    }

    fn index(&mut self, bits: usize, drawn: usize) -> usize {
        let answer = match &mut self.frozen {
            Some(frozen) => match frozen.pop_front() {
                Some(Answer::Index(b, x)) if b == bits => x,
                other => panic!("the frozen transcript has {other:?}, an index of {bits} bits is drawn"),
            },
            None => drawn,
        };
        self.state.update(b"index");
        self.events.push(Event::Answer(Answer::Index(bits, answer)));
        answer
    }

    /// The recorded nonce, where frozen.
    fn nonce(&mut self, bits: usize) -> Option<F> {
        match self.frozen.as_mut()?.pop_front() {
            Some(Answer::Nonce(b, x)) if b == bits => Some(x),
            other => panic!("the frozen transcript has {other:?}, a proof of work of {bits} bits is due"),
        }
    }
}

struct Session {
    mode: Mode,
    runs: Vec<Arc<Mutex<Run>>>,
}

std::thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

fn lock(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Probes every transcript that `f` starts on this thread; returns them in order beside what `f` returned.
///
/// # Panics
/// If `f` keeps a transcript.
pub fn with<T>(mode: Mode, f: impl FnOnce() -> T) -> (T, Vec<Run>) {
    struct Restore(Option<Session>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SESSION.set(self.0.take());
        }
    }
    let restore = Restore(SESSION.replace(Some(Session { mode, runs: Vec::new() })));
    let out = f();
    let session = SESSION.take();
    drop(restore);
    let runs = session.into_iter().flat_map(|s| s.runs).map(|run| {
        let run = Arc::try_unwrap(run).unwrap_or_else(|_| panic!("a transcript outlives its probe"));
        run.into_inner().unwrap_or_else(PoisonError::into_inner)
    });
    (out, runs.collect())
}

/// The ordinary challenger, with a probe where a test asked for one.
#[derive(Clone, Debug)]
pub struct Probed {
    inner: Blake3Challenger,
    run: Option<Arc<Mutex<Run>>>,
}

impl Probed {
    pub(super) fn new(inner: Blake3Challenger, protocol: &[u8]) -> Self {
        let dry = protocol == b"tacit/dry-run/v1";
        let run = SESSION.with_borrow_mut(|session| {
            let session = session.as_mut().filter(|_| !dry)?;
            let mut run = Run { protocol: protocol.to_vec(), ..Run::default() };
            match &session.mode {
                Mode::Live => {}
                Mode::Frozen(answers) => run.frozen = Some(answers.iter().copied().collect()),
                Mode::Programmed(program) => run.program = program.clone(),
            }
            let run = Arc::new(Mutex::new(run));
            session.runs.push(Arc::clone(&run));
            Some(run)
        });
        Self { inner, run }
    }

    fn run(&self) -> Option<MutexGuard<'_, Run>> {
        self.run.as_deref().map(lock)
    }

    pub(super) fn site(&mut self, kind: &'static str, label: &[u8], at: &'static Location<'static>) {
        if let Some(mut run) = self.run() {
            let label = String::from_utf8_lossy(label).to_string();
            run.events.push(Event::Site { kind, label, file: at.file() });
        }
    }

    /// Programs the next challenge of this transcript, and gives the point, for the verifier's oracle.
    ///
    /// # Panics
    /// If the transcript is not probed.
    pub fn program(&mut self, answer: E) -> [u8; 32] {
        let mut run = self.run().expect("only a probed transcript can be programmed");
        let point = *run.state.finalize().as_bytes();
        run.program.insert(point, answer);
        point
    }
}

impl CanObserve<F> for Probed {
    fn observe(&mut self, value: F) {
        if let Some(mut run) = self.run() {
            run.absorb(Event::Observe(value), &value.as_canonical_u64().to_le_bytes());
        }
        self.inner.observe(value);
    }
}

impl CanObserve<MerkleCap<F, [u8; 32]>> for Probed {
    fn observe(&mut self, cap: MerkleCap<F, [u8; 32]>) {
        if let Some(mut run) = self.run() {
            cap.roots().iter().for_each(|&r| run.absorb(Event::Root(r), &r));
        }
        self.inner.observe(cap);
    }
}

impl<A: BasedVectorSpace<F>> CanSample<A> for Probed {
    fn sample(&mut self) -> A {
        A::from_basis_coefficients_fn(|_| {
            let drawn: F = self.inner.sample();
            self.run().map_or(drawn, |mut run| run.field(drawn))
        })
    }
}

impl CanSampleBits<usize> for Probed {
    fn sample_bits(&mut self, bits: usize) -> usize {
        let drawn = self.inner.sample_bits(bits);
        self.run().map_or(drawn, |mut run| run.index(bits, drawn))
    }
}

impl CanSampleUniformBits<F> for Probed {
    fn sample_uniform_bits<const RESAMPLE: bool>(&mut self, bits: usize) -> Result<usize, ResamplingError> {
        Ok(self.sample_bits(bits))
    }
}

impl GrindingChallenger for Probed {
    type Witness = F;

    fn grind(&mut self, bits: usize) -> F {
        if bits == 0 {
            return self.inner.grind(0);
        }
        let frozen = self.run().and_then(|mut run| run.nonce(bits));
        let nonce = frozen.unwrap_or_else(|| self.inner.grind(bits));
        if let Some(mut run) = self.run() {
            run.absorb(Event::Answer(Answer::Nonce(bits, nonce)), &nonce.as_canonical_u64().to_le_bytes());
        }
        nonce
    }

    fn check_witness(&mut self, bits: usize, witness: F) -> bool {
        if bits == 0 {
            return true;
        }
        let frozen = self.run().and_then(|mut run| run.nonce(bits)).is_some();
        let accepted = frozen || self.inner.check_witness(bits, witness);
        if let Some(mut run) = self.run() {
            run.absorb(Event::Answer(Answer::Nonce(bits, witness)), &witness.as_canonical_u64().to_le_bytes());
        }
        accepted
    }
}

impl FieldChallenger<F> for Probed {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{LABEL, Transcript};
    use p3_field::PrimeCharacteristicRing;

    /// Absorbs and draws of every kind, on a transcript and on the challenger of ordinary builds.
    fn both() -> (Transcript, Blake3Challenger) {
        let mut t = Transcript::new(b"p", &[1; 32]);
        let mut c = Blake3Challenger::from_hasher(LABEL.to_vec(), p3_blake3::Blake3 {});
        for word in [1, 112, 32].into_iter().chain([0x0101_0101; 8]) {
            c.observe(F::from_u32(word));
        }
        t.absorb_message(E::TWO);
        c.observe_algebra_element(E::TWO);
        (t, c)
    }

    #[test]
    fn a_probe_changes_no_answer() {
        for listening in [false, true] {
            let compare = || {
                let (mut t, mut c) = both();
                assert_eq!(t.challenge(), c.sample_algebra_element::<E>());
                t.challenger().observe(MerkleCap::new(alloc::vec![[7; 32]]));
                c.observe(MerkleCap::<F, [u8; 32]>::new(alloc::vec![[7; 32]]));
                assert_eq!(t.challenger().sample_bits(13), c.sample_bits(13));
                let nonce = t.challenger().grind(5);
                assert!(c.check_witness(5, nonce));
                let (a, b) = (t.challenger().sample_uniform_bits::<true>(20), c.sample_uniform_bits::<true>(20));
                assert_eq!(a.ok(), b.ok());
                assert_eq!(t.point(3), (0..3).map(|_| c.sample_algebra_element()).collect::<Vec<E>>());
            };
            if listening { with(Mode::Live, compare).0 } else { compare() }
        }
    }

    #[test]
    fn frozen_answers_ignore_what_is_absorbed_and_programmed_ones_do_not() {
        let draw = |message: E| {
            let (mut t, _) = both();
            t.absorb_message(message);
            (t.challenge(), t.challenge())
        };
        let ((a, b), runs) = with(Mode::Live, || draw(E::ONE));
        let answers = runs[0].answers();
        assert_eq!(with(Mode::Frozen(answers), || draw(E::TWO)).0, (a, b));
        assert_ne!(draw(E::TWO).0, a);
        let (point, _) = with(Mode::Live, || {
            let (mut t, _) = both();
            t.absorb_message(E::ONE);
            t.program(E::NEG_ONE)
        });
        let program = Mode::Programmed(Program::from([(point, E::NEG_ONE)]));
        assert_eq!(with(program.clone(), || draw(E::ONE)).0, (E::NEG_ONE, b));
        assert_eq!(with(program, || draw(E::TWO)).0, draw(E::TWO));
    }
}
