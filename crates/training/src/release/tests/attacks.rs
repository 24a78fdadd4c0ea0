//! Dishonest provers: everything honest but one lie that the statement gains from.
use super::prover::argue;
use super::*;
use crate::relation::layout::WeightLimbs;
use tacit_argument::field::{F, signed};
use tacit_argument::form::Columns;
use tacit_argument::hiding::Masker;
use tacit_argument::lookup::{LookupError, lookup_proof};
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::Witnessed;

const BITS: u32 = 12;
const S: u32 = FW - BITS;

fn statement(world: &World, weights: Vec<i64>) -> ReleaseStatement {
    ReleaseStatement {
        version: RELEASE_VERSION,
        run_digest: world.verdict.run_digest,
        model_digest: world.verdict.model_digest,
        bits: BITS,
        weights,
        names: world.names.clone(),
        exemption: Some(Override::PublicData),
    }
}

/// A prover that commits one trace and shows the lookups another one.
struct TwoTraces<'a> {
    relation: ReleaseRelation<'a>,
    shown: Vec<F>,
}

impl<'a> Witnessed for TwoTraces<'a> {
    type Relation = ReleaseRelation<'a>;
    fn relation(&self) -> &ReleaseRelation<'a> {
        &self.relation
    }
    fn send(&self, m: &mut Masker<'_>, _: &[F]) -> Result<(), LookupError> {
        m.begin(LABEL);
        for (k, n) in self.relation.dimensions() {
            m.point(log2_ceil(k));
            m.point(log2_ceil(n));
        }
        let lookups = &self.relation.lookups;
        lookup_proof(m, lookups, &Columns { log_rows: lookups.log_rows, vectors: vec![&self.shown] })
    }
}

/// Proves `weights` at `bits` over a trace that `change` was applied to; the lookups are shown the honest one.
fn lie(world: &World, bits: u32, weights: Vec<i64>, change: impl FnOnce(&WeightLimbs, &mut [F])) -> ReleaseProof {
    let statement = ReleaseStatement { bits, ..statement(world, weights) };
    let relation = ReleaseRelation::new(&world.statement.config, FW - bits, &statement.weights);
    let shown = relation.columns(&world.weights).unwrap();
    let mut columns = shown.clone();
    change(&relation.limbs, &mut columns);
    let two = TwoTraces { relation: relation.clone(), shown };
    let proof = argue(&world.input(), &statement, &two, columns, &SECRET).unwrap();
    ReleaseProof { statement, proof }
}

/// Adds `value` to the i-th limb of weight (0, 0, 0)'s remainder.
fn add(limbs: &WeightLimbs, columns: &mut [F], i: usize, value: i64) {
    columns[limbs.limbs[i].2.cell(0, 0, 0)] += signed(value);
}

fn honest(world: &World, bits: u32) -> Vec<i64> {
    rounded_weights(&world.statement.config, &world.weights, bits)
}

fn assert_claim_fails(world: &World, release: &ReleaseProof) {
    let e = world.verify(release).unwrap_err();
    assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e:?}");
}

#[test]
fn the_liar_without_a_lie_is_believed() {
    let world = World::new(logistic());
    world.verify(&lie(&world, BITS, honest(&world, BITS), |_, _| {})).unwrap();
}

#[test]
fn any_weight_of_any_layer_off_by_one() {
    let world = World::new(perceptron());
    // First and last weights and biases of both layers; the remainders stay in range, the equation fails.
    for index in [0, 34, 35, 41, 42, 62, 63, 65] {
        for step in [1, -1] {
            let mut weights = honest(&world, BITS);
            weights[index] += step;
            assert_claim_fails(&world, &lie(&world, BITS, weights, |_, _| {}));
        }
    }
}

#[test]
fn a_remainder_out_of_range_for_a_weight_off_by_one() {
    let world = World::new(logistic());
    for step in [1, -1] {
        let mut weights = honest(&world, BITS);
        weights[0] += step;
        // The equation holds, the remainder leaves [0, 2^s).
        assert_claim_fails(&world, &lie(&world, BITS, weights, |l, c| add(l, c, 0, -step << S)));
        // The same at the top limb of two.
        let mut weights = honest(&world, 4);
        weights[0] += step;
        assert_claim_fails(&world, &lie(&world, 4, weights, |l, c| add(l, c, 1, -step << l.limbs[1].0)));
    }
}

#[test]
fn limbs_are_as_wide_as_they_are_and_no_wider() {
    let world = World::new(logistic());
    // The same remainder, carried from the top limb into one bit more of the low limb: s = 23 is 11 and 12 bits.
    let carried = lie(&world, 4, honest(&world, 4), |l, c| {
        assert_eq!((l.limbs[0].0, l.limbs[1].0), (11, 12));
        add(l, c, 0, 1 << 11);
        add(l, c, 1, -1);
    });
    assert_claim_fails(&world, &carried);
}

#[test]
fn an_honest_lookup_refuses_a_remainder_out_of_range() {
    let world = World::new(logistic());
    let statement = statement(&world, honest(&world, BITS));
    let relation = ReleaseRelation::new(&world.statement.config, S, &statement.weights);
    let mut columns = relation.columns(&world.weights).unwrap();
    columns[relation.limbs.limbs[0].2.cell(0, 2, 0)] += signed(1 << S);
    let e = relation.count(&mut columns).unwrap_err();
    assert!(matches!(e, LookupError::OutsideTable { bits: 15, .. }), "{e}");
}

#[test]
fn rounded_down_instead_of_to_nearest() {
    let world = World::new(logistic());
    let weights: Vec<i64> = world.weights.iter().map(|w| w >> S).collect();
    assert_ne!(weights, honest(&world, BITS));
    let statement = statement(&world, weights);
    let relation = ReleaseRelation::new(&world.statement.config, S, &statement.weights);
    // Remainders of the floor: all in range.
    let floor: Vec<i64> = world.weights.iter().map(|w| w - (1 << (S - 1))).collect();
    let columns = relation.columns(&floor).unwrap();
    let proof = argue(&world.input(), &statement, &relation, columns, &SECRET).unwrap();
    assert_claim_fails(&world, &ReleaseProof { statement, proof });
}

#[test]
fn huge_weights_satisfy_the_relation_and_miss_the_window() {
    let world = World::new(logistic());
    let mut weights = honest(&world, BITS);
    // W_T + p has a quotient and a remainder of its own: the same residue, another integer.
    let wrapped = i128::from(world.weights[2]) + i128::from(P);
    let (quotient, remainder) = crate::rescale(wrapped, S);
    weights[2] = i64::try_from(quotient).unwrap();
    let statement = statement(&world, weights);
    let relation = ReleaseRelation::new(&world.statement.config, S, &statement.weights);
    let mut as_if = world.weights.clone();
    as_if[2] = i64::try_from(remainder).unwrap() - (1 << (S - 1));
    let columns = relation.columns(&as_if).unwrap();
    let proof = argue(&world.input(), &statement, &relation, columns, &SECRET).unwrap();
    let record = &world.model.record;
    let (digest, vectors) = (statement.digest().unwrap(), [record.committed().unwrap()]);
    check(LABEL, &digest, &relation, RATE.into(), &vectors, &proof).unwrap();
    let got = statement.weights[2];
    let e = world.verify(&ReleaseProof { statement, proof }).unwrap_err();
    assert!(matches!(e, ReleaseRejected::WeightRange { index: 2, got: g, .. } if g == got), "{e}");
}

#[test]
fn extreme_integers_are_out_of_the_window() {
    let world = World::new(logistic());
    let mut r = world.release(BITS);
    for got in [i64::MIN, i64::MAX] {
        r.statement.weights[0] = got;
        let e = world.verify(&r).unwrap_err();
        assert!(matches!(e, ReleaseRejected::WeightRange { index: 0, got: g, .. } if g == got), "{e}");
    }
}

#[test]
fn exact_weights_off_by_one() {
    let world = World::new(logistic());
    let mut statement = ReleaseStatement { bits: FW, ..statement(&world, world.weights.clone()) };
    statement.weights[3] += 1;
    let relation = ReleaseRelation::new(&world.statement.config, 0, &statement.weights);
    let proof = argue(&world.input(), &statement, &relation, vec![], &SECRET).unwrap();
    assert_claim_fails(&world, &ReleaseProof { statement, proof });
}

#[test]
fn the_owner_is_told_of_other_weights_and_of_another_runs_permit() {
    let (world, other) = (World::new(logistic()), World::new(perceptron()));
    let mut weights = world.weights.clone();
    weights[5] += 1 << S;
    let input = ReleaseInput { weights: &weights, ..world.input() };
    let permit = || release_rules(&world.statement, BITS, &private()).unwrap();
    let e = prove_release(&input, permit(), &SECRET).err().unwrap();
    assert!(matches!(e, ReleaseError::OtherWeights(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    let e = prove_release(&other.input(), permit(), &SECRET).err().unwrap();
    assert!(matches!(e, ReleaseError::OtherRun), "{e}");
    let input = ReleaseInput { weights: &weights[1..], ..world.input() };
    let e = prove_release(&input, permit(), &SECRET).err().unwrap();
    assert!(matches!(e, ReleaseError::Statement(ReleaseRejected::WeightCount { expected: 6, got: 5 })), "{e}");
}
