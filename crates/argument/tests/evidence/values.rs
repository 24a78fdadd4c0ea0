//! The closed list of clear values (protocol.md, section 5.6): every byte of a proof is of one class of it, and what is
//! not on the list has no way out.
use crate::toy::{Known, Others, fresh, opened, toy_plan};
use crate::walk::list::{Clear, PROOF};
use crate::walk::{classify, leaves};
use tacit_argument::entropy::Entropy;
use tacit_argument::hiding::{Masker, Secrets};
use tacit_argument::opening::{LongLived, SALT, Trace};
use tacit_argument::proof::RelationProof;
use tacit_argument::transcript::Transcript;

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
    let groups = plan.opening.groups();
    let expected = [
        (Clear::TraceRoot, 32),
        (Clear::Messages, 24 * plan.schedule.messages),
        (Clear::Sacrifices, 48 * plan.schedule.products.len()),
        (Clear::Conjugates, 48),
        (Clear::Mu, 24),
        (Clear::RowsOfH, 8 * 3 * groups * q),
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
