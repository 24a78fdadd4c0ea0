//! The closed list of clear values (protocol.md, section 5.6): every byte of a proof is of one class of it, and what is
//! not on the list has no way out.
use crate::toy::{Known, Others, fresh, opened, toy_plan};
use crate::walk::{classify, leaves};
use tacit_argument::entropy::Entropy;
use tacit_argument::hiding::{Masker, Secrets};
use tacit_argument::opening::{LongLived, SALT, Trace};
use tacit_argument::proof::RelationProof;
use tacit_argument::transcript::Transcript;

/// The classes of a proof's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clear {
    /// The root of trace and mask.
    TraceRoot,
    /// Messages minus pads.
    Messages,
    /// d and e of the sacrifices.
    Sacrifices,
    /// <g, W>.
    Mu,
    /// The sumchecks that reduce the claim to one evaluation of P, and that evaluation: functions of h.
    Reduction,
    /// WHIR on h but for the first oracle's rows: answers, sumchecks, roots, later rows and paths, final polynomial.
    Whir,
    /// Nonces of the proofs of work.
    Work,
    /// Opened rows of h.
    RowsOfH,
    /// Opened rows of f.
    RowsOfF,
    /// Salts of opened leaves.
    Salts,
    /// Paths of opened leaves.
    Paths,
    /// Lengths and tags: functions of the statement, but for the number of digests in pruned paths, which is one of the
    /// challenges.
    Form,
}

/// Every field of a proof; a new one has no row.
pub const PROOF: &[(&str, Clear)] = &[
    ("trace_root", Clear::TraceRoot),
    ("masked.messages.len", Clear::Form),
    ("masked.messages.*", Clear::Messages),
    ("masked.sacrifices.len", Clear::Form),
    ("masked.sacrifices.*", Clear::Sacrifices),
    ("opening.mu", Clear::Mu),
    ("opening.source_rounds.len", Clear::Form),
    ("opening.source_rounds.*", Clear::Reduction),
    ("opening.value", Clear::Reduction),
    ("opening.column_rounds.len", Clear::Form),
    ("opening.column_rounds.*", Clear::Reduction),
    ("opening.whir.evals.len", Clear::Form),
    ("opening.whir.evals.*.current.len", Clear::Form),
    ("opening.whir.evals.*.current.*", Clear::Reduction),
    ("opening.whir.evals.*.next.len", Clear::Form),
    ("opening.whir.whir.initial_ood_answers.len", Clear::Form),
    ("opening.whir.whir.initial_ood_answers.*", Clear::Whir),
    ("opening.whir.whir.initial_sumcheck.polynomial_evaluations.len", Clear::Form),
    ("opening.whir.whir.initial_sumcheck.polynomial_evaluations.*", Clear::Whir),
    ("opening.whir.whir.initial_sumcheck.pow_witnesses.len", Clear::Form),
    ("opening.whir.whir.rounds.len", Clear::Form),
    ("opening.whir.whir.rounds.*.commitment.some", Clear::Form),
    ("opening.whir.whir.rounds.*.commitment.len", Clear::Form),
    ("opening.whir.whir.rounds.*.commitment.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.ood_answers.len", Clear::Form),
    ("opening.whir.whir.rounds.*.ood_answers.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.pow_witness", Clear::Work),
    ("opening.whir.whir.rounds.*.openings.variant", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.rows.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.rows.*.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.rows.*.*", Clear::RowsOfH),
    ("opening.whir.whir.rounds.*.openings.Base.proof.variant", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.rows.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.rows.*.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.rows.*.*", Clear::RowsOfF),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.salts.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.salts.*", Clear::Salts),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.paths.sibling_hashes.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.paths.sibling_hashes.*", Clear::Paths),
    ("opening.whir.whir.rounds.*.openings.Extension.rows.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.rows.*.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.rows.*.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.openings.Extension.proof.variant", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.proof.Plain.sibling_hashes.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.proof.Plain.sibling_hashes.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.sumcheck.polynomial_evaluations.len", Clear::Form),
    ("opening.whir.whir.rounds.*.sumcheck.polynomial_evaluations.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.sumcheck.pow_witnesses.len", Clear::Form),
    ("opening.whir.whir.final_poly.some", Clear::Form),
    ("opening.whir.whir.final_poly.*.len", Clear::Form),
    ("opening.whir.whir.final_poly.*.*", Clear::Whir),
    ("opening.whir.whir.final_pow_witness", Clear::Work),
    ("opening.whir.whir.final_openings.variant", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.rows.len", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.rows.*.len", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.rows.*.*", Clear::Whir),
    ("opening.whir.whir.final_openings.Extension.proof.variant", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.proof.Plain.sibling_hashes.len", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.proof.Plain.sibling_hashes.*", Clear::Whir),
    ("opening.whir.whir.final_sumcheck.some", Clear::Form),
    ("opening.whir.whir.final_sumcheck.polynomial_evaluations.len", Clear::Form),
    ("opening.whir.whir.final_sumcheck.polynomial_evaluations.*", Clear::Whir),
    ("opening.whir.whir.final_sumcheck.pow_witnesses.len", Clear::Form),
];

#[test]
fn every_byte_of_a_proof_is_on_the_closed_list() {
    let (plan, known) = (toy_plan(), Known::random());
    let others = Others::commit(&known, 1);
    let mut proof: RelationProof = known.prove(&others, fresh());
    let classes = classify(&leaves(&proof), PROOF).unwrap();
    let bytes = postcard::to_allocvec(&proof).unwrap().len();
    assert_eq!(classes.values().map(Vec::len).sum::<usize>(), bytes);
    // How much of each there is follows from the statement.
    let (q, s, trees) = (plan.opening.queries(), plan.opening.sources(), plan.opening.shapes().len());
    let expected = [
        (Clear::TraceRoot, 32),
        (Clear::Messages, 24 * plan.schedule.messages),
        (Clear::Sacrifices, 48 * plan.schedule.products.len()),
        (Clear::Mu, 24),
        (Clear::RowsOfH, 8 * 3 * s * q),
        (Clear::RowsOfF, 8 * s * q),
        (Clear::Salts, 8 * SALT * q * trees),
    ];
    for (class, n) in expected {
        assert_eq!(classes[&class].len(), n, "{class:?}");
    }
    let (_, paths) = opened(&mut proof.opening);
    assert_eq!(classes[&Clear::Paths].len(), paths.iter().map(|t| 32 * t.paths.sibling_hashes.len()).sum::<usize>());
}

#[test]
fn a_field_without_a_class_fails() {
    let unknown = vec![("trace_root".to_string(), vec![0; 32]), ("masked.count".to_string(), vec![7])];
    assert_eq!(classify(&unknown, &PROOF[..3]).unwrap_err(), "masked.count is in no class");
    let idle = vec![("trace_root".to_string(), vec![0; 32])];
    assert_eq!(classify(&idle, &PROOF[..2]).unwrap_err(), "no field needs the row masked.messages.len");
}

/// Fails to compile if the type has the trait.
macro_rules! never {
    ($($type:ty: $trait:path),* $(,)?) => {
        $(const _: fn() = || {
            trait Ambiguous<A> {
                fn item() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Has;
            impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
            let _ = <$type as Ambiguous<_>>::item;
        };)*
    };
}

// What is secret cannot be copied, and has no encoding; a transcript cannot be forked.
never!(
    Secrets: Clone, Secrets: serde::Serialize, Secrets: std::fmt::Debug,
    Entropy: Clone, Entropy: serde::Serialize, Entropy: std::fmt::Debug,
    Trace: Clone, Trace: serde::Serialize, Trace: std::fmt::Debug,
    LongLived: Clone, LongLived: serde::Serialize,
    Masker<'static>: Clone, Masker<'static>: serde::Serialize,
    Transcript: Clone,
);

/// One pad for one message: a prover that sends fewer messages than the statement has does not finish.
#[test]
#[should_panic(expected = "every pad serves exactly one message")]
fn a_pad_that_is_left_over_is_an_error() {
    let secrets = Secrets::draw(&toy_plan().schedule, &mut fresh());
    let mut t = Transcript::new(b"short", &[0; 32]);
    let _ = Masker::new(&mut t, secrets).finish();
}
