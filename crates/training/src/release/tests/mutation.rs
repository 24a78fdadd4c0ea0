//! Every field of a release, and everything it is verified against, changed.
use super::*;
use crate::file::{self, FileError, Kind};
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;
use tacit_argument::hiding::HidingError;
use tacit_argument::opening::OpeningError;

fn rejected(world: &World, release: &ReleaseProof) -> ReleaseRejected {
    world.verify(release).unwrap_err()
}

#[test]
fn every_field_of_the_statement() {
    let world = World::new(perceptron());
    let good = world.release(12);
    let with = |change: &dyn Fn(&mut ReleaseStatement)| {
        let mut r = good.clone();
        change(&mut r.statement);
        rejected(&world, &r)
    };
    let e = with(&|s| s.version = 2);
    assert!(matches!(e, ReleaseRejected::Version { got: 2 }), "{e}");
    let e = with(&|s| s.run_digest[31] ^= 1);
    assert!(matches!(e, ReleaseRejected::OtherRun), "{e}");
    let e = with(&|s| s.model_digest[0] ^= 1);
    assert!(matches!(e, ReleaseRejected::NotFinalModel), "{e}");
    for bits in [0, 3, FW + 1, u32::MAX] {
        let e = with(&|s| s.bits = bits);
        assert!(matches!(e, ReleaseRejected::Bits { got, fw: FW } if got == bits), "{e}");
    }
    for bits in [11, 13] {
        let e = with(&|s| s.bits = bits);
        assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Hiding(_))), "{e:?}");
    }
    let e = with(&|s| s.exemption = None);
    assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    for i in 0..good.statement.weights.len() {
        let e = with(&|s| s.weights[i] += 1);
        assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    }
}

#[test]
fn missing_and_surplus_weights() {
    let world = World::new(perceptron());
    let mut r = world.release(12);
    let n = r.statement.weights.len();
    let e = |r: &ReleaseProof| rejected(&world, r);
    r.statement.weights.push(0);
    assert!(matches!(e(&r), ReleaseRejected::WeightCount { expected, got } if expected == n && got == n + 1));
    // The last layer left out.
    r.statement.weights.truncate(6 * 7);
    assert!(matches!(e(&r), ReleaseRejected::WeightCount { expected, got: 42 } if expected == n));
    r.statement.weights.clear();
    assert!(matches!(e(&r), ReleaseRejected::WeightCount { got: 0, .. }));
}

#[test]
fn every_field_of_the_proof() {
    let world = World::new(logistic());
    let good = world.release(12);
    let with = |change: &dyn Fn(&mut RelationProof)| {
        let mut r = good.clone();
        change(&mut r.proof);
        rejected(&world, &r)
    };
    let e = with(&|p| p.trace_root[0] ^= 1);
    assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    let messages = good.proof.masked.messages.len();
    for i in 0..messages {
        let e = with(&|p| p.masked.messages[i] += E::ONE);
        assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    }
    for (i, k) in (0..good.proof.masked.sacrifices.len()).flat_map(|i| [(i, 0), (i, 1)]) {
        let e = with(&|p| p.masked.sacrifices[i][k] += E::ONE);
        assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    }
    let e = with(&|p| p.masked.messages.truncate(messages - 1));
    let missing = HidingError::MessageMissing { index: messages - 1, got: messages - 1 };
    assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Hiding(h)) if h == missing));
    let e = with(&|p| p.masked.messages.push(E::ONE));
    assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Hiding(HidingError::MessageCount { .. }))), "{e}");
    let e = with(&|p| p.masked.sacrifices.truncate(1));
    assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Hiding(HidingError::SacrificeCount { .. }))), "{e}");
}

#[test]
fn every_record_and_verdict_it_is_verified_against() {
    let mut world = World::new(logistic());
    let good = world.release(12);
    let other = World::salted(logistic(), 2);
    let verify =
        |w: &World, m: &ModelCommitment| verify_release(&good, &w.verdict, &w.statement, &m.record).unwrap_err();
    // Another run's final model, as record and as verdict.
    assert!(matches!(verify(&world, &other.model), ReleaseRejected::OtherRecord));
    assert!(matches!(verify(&other, &other.model), ReleaseRejected::NotFinalModel));
    // A record whose root, pin or shape was exchanged.
    let mut record = world.model.record.clone();
    record.vector.root[0] ^= 1;
    let e = verify_release(&good, &world.verdict, &world.statement, &record).unwrap_err();
    assert!(matches!(e, ReleaseRejected::OtherRecord), "{e}");
    // A verdict that names a record which does not fit the architecture.
    record.layers[0].1 += 1;
    let mut verdict = RunVerdict { model_digest: record.digest().unwrap(), ..world.verdict.clone() };
    let mut r = good.clone();
    r.statement.model_digest = verdict.model_digest;
    let e = verify_release(&r, &verdict, &world.statement, &record).unwrap_err();
    assert!(matches!(e, ReleaseRejected::Record(RecordError::Limit { .. })), "{e}");
    // Another run's statement beside this run's verdict.
    let mut statement = world.statement.clone();
    statement.config.schedule.rates = Schedule::encode_rates(&[2; 112]);
    let e = verify_release(&good, &world.verdict, &statement, &world.model.record).unwrap_err();
    assert!(matches!(e, ReleaseRejected::OtherStatement), "{e}");
    verdict = RunVerdict { run_digest: statement.digest().unwrap(), ..world.verdict.clone() };
    let e = verify_release(&good, &verdict, &statement, &world.model.record).unwrap_err();
    assert!(matches!(e, ReleaseRejected::OtherRun), "{e}");
    // A tree of another rate than the run's.
    statement.log_inv_rate = 1;
    verdict.run_digest = statement.digest().unwrap();
    r = good.clone();
    r.statement.run_digest = verdict.run_digest;
    let e = verify_release(&r, &verdict, &statement, &world.model.record).unwrap_err();
    assert!(matches!(e, ReleaseRejected::Statement(StatementError::Rate { got: 2, expected: 1, .. })), "{e}");
    // Bounds: no room for the remainder; a weight beyond the run's window.
    world.verdict.w_out = u128::from(P / 2) - (1 << 15) + 1;
    assert!(matches!(rejected(&world, &good), ReleaseRejected::NoWrap { log2: 62 }));
    world.verdict.w_out -= 1;
    assert!(world.verify(&good).is_ok());
    world.verdict.w_out = 1 << 20;
    let e = rejected(&world, &good);
    assert!(matches!(e, ReleaseRejected::WeightRange { index: 4, bound: 33, .. }), "{e}");
}

#[test]
fn another_vector_under_the_final_models_digest() {
    // The statement names the run's model, the proof opens another one.
    let (world, other) = (World::new(logistic()), World::salted(logistic(), 2));
    let mut r = other.release(12);
    r.statement.model_digest = world.verdict.model_digest;
    let e = rejected(&world, &r);
    assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
}

#[test]
fn changed_bytes_and_cut_files_are_rejected() {
    let world = World::new(logistic());
    let bytes = file::encode(Kind::Release, &world.release(12)).unwrap();
    let accepted =
        |bytes: &[u8]| file::decode::<ReleaseProof>(Kind::Release, bytes).is_ok_and(|r| world.verify(&r).is_ok());
    assert!(accepted(&bytes));
    for at in (0..400).chain((400..bytes.len()).step_by(401)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(!accepted(&changed), "byte {at} of {}", bytes.len());
        let cut = file::decode::<ReleaseProof>(Kind::Release, &bytes[..at]).err();
        assert!(matches!(cut, Some(FileError::Damaged | FileError::NotOurs)), "{cut:?}");
    }
}
