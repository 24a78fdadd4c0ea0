//! What bounds the weights beside the windows: norms of hidden units, and weights carried in a window of their own; and
//! the mean of the last weights.
use crate::common::{data, start};
use crate::forge::Forgery;
use crate::rules::{Group, Rule, broken};
use crate::tiny;
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use std::collections::BTreeSet;
use tacit_argument::field::F;
use tacit_argument::hiding::Reduction;
use tacit_argument::transcript::Transcript;
use tacit_training::config::{Activation, Decay, Loss, NormBits, RunConfig, Schedule};
use tacit_training::nowrap::{Inequality, NoWrapError, check, check_run};
use tacit_training::relation::{ChunkRelation, StartWeights};
use tacit_training::trainer::{TrainError, Trainer, train_chunk};

/// One hidden layer of each kind; three steps and a padding step, masked rows in every batch.
fn bounded() -> RunConfig {
    use Activation::{Identity, Relu, Tanh};
    let mut config = tiny(&[(3, Relu), (2, Tanh), (2, Identity), (2, Identity)], 2, Loss::BceWithLogits);
    config.norms = Some(NormBits { z: 21, q: 20 });
    config.carry_bits = Some(24);
    config
}

/// The mean of the last two weights, decayed, with momentum: two chunks of four steps.
fn averaged() -> RunConfig {
    let mut config = tiny(&[(2, Activation::Relu), (2, Activation::Identity)], 2, Loss::BceWithLogits);
    config.scales.kappa = 2;
    config.schedule.total_steps = 7;
    config.schedule.rates = Schedule::encode_rates(&[8, 8, 4, 4, 2, 2, 1]);
    config.schedule.filter = vec![4, 3, 2];
    config.schedule.decay = Some(Decay { bits: 3, numerators: vec![8, 7] });
    config.schedule.average = Some(2);
    config
}

fn rejected(f: &Forgery<'_>) -> BTreeSet<Rule> {
    let rules = broken(f);
    let groups: BTreeSet<Group> = rules.iter().map(|r| r.group()).collect();
    assert_eq!(f.rejected_by(), groups, "{rules:?}");
    rules
}

#[test]
fn an_honest_chunk_is_accepted_and_derived_alike() {
    let config = bounded();
    let mut f = Forgery::honest(&config, &start(&config), &data(&config));
    assert_eq!(rejected(&f), BTreeSet::new());
    // ReLU: Z and Q; tanh: Q; identity: Z and Q.
    assert_eq!(f.layout.norms.iter().map(|n| n.units).collect::<Vec<_>>(), [3, 3, 2, 2, 2]);
    let (columns, out) = (f.columns.clone(), f.model_out.clone());
    f.derive_all();
    assert!(columns == f.columns && out == f.model_out, "the derivation of the tests is the trainer's");
}

/// Every limb of every norm, smaller, larger and outside its width.
#[test]
fn every_cell_of_a_norm_is_determined() {
    let config = bounded();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let log = honest.layout.log_rows;
    for (i, norm) in honest.layout.norms.iter().enumerate() {
        for j in 0..norm.units {
            for &(width, slot) in &norm.limbs.groups {
                let mut f = honest.clone();
                let cell = &mut f.columns[(slot << log) + j];
                *cell = if *cell == F::ZERO { F::ONE } else { *cell - F::ONE };
                f.derive_multiplicities();
                assert_eq!(rejected(&f), BTreeSet::from([Rule::Norm(i)]));
                f.columns[(slot << log) + j] += F::from_u64(1 << width);
                assert!(rejected(&f).contains(&Rule::NormLimb));
            }
        }
    }
}

/// Fewer rows than units: a limb takes several slots.
#[test]
fn norms_of_more_units_than_rows() {
    let mut config = bounded();
    (config.schedule.total_steps, config.schedule.chunk_steps, config.schedule.batch) = (1, 1, 2);
    config.schedule.rates = Schedule::encode_rates(&[64]);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    assert_eq!(rejected(&honest), BTreeSet::new());
    let (log, norm) = (honest.layout.log_rows, &honest.layout.norms[0]);
    assert!(norm.units == 3 && log == 1);
    for cell in 0..4 {
        let mut f = honest.clone();
        let at = (norm.limbs.groups[0].1 << log) + cell;
        f.columns[at] = if f.columns[at] == F::ZERO { F::ONE } else { f.columns[at] - F::ONE };
        f.derive_multiplicities();
        // The fourth cell is of no unit.
        let expected = if cell < 3 { BTreeSet::from([Rule::Norm(0)]) } else { BTreeSet::new() };
        assert_eq!(rejected(&f), expected, "{cell}");
    }
}

/// What a verifier keeps for norms follows the units: a statement of a few hundred bytes can have 2^22 rows.
#[test]
fn norms_cost_a_verifier_no_memory_by_the_row() {
    let mut config = bounded();
    config.schedule.batch = 1 << 12;
    let kept = |config: &RunConfig| {
        let relation = ChunkRelation::new(config, 0, StartWeights::Committed(None)).expect("a chunk");
        let mut transcript = Transcript::new(b"tacit/test/kept", &[0; 32]);
        let mut dry = Reduction::dry(&mut transcript);
        relation.check(&mut dry).expect("a dry run");
        dry.kept_weights()
    };
    let with = kept(&config);
    config.norms = None;
    // Of 3, 3, 2, 2 and 2 units.
    assert_eq!(with - kept(&config), 4 + 4 + 2 + 2 + 2);
}

/// A unit whose squares exceed the bound: honest limbs leave their width, limbs cut to it do not add up.
#[test]
fn a_norm_beyond_its_bound() {
    let config = bounded();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let log = honest.layout.log_rows;
    let value = |norm: usize, j: usize| -> u64 {
        let limbs = &honest.layout.norms[norm].limbs;
        limbs.weighted().map(|(w, slot)| w * honest.columns[(slot << log) + j].as_canonical_u64()).sum()
    };
    let (norm, unit) = (0..honest.layout.norms.len())
        .flat_map(|i| (0..honest.layout.norms[i].units).map(move |j| (i, j)))
        .max_by_key(|&(i, j)| value(i, j))
        .expect("units");
    let bits = value(norm, unit).ilog2();
    let mut narrow = config.clone();
    narrow.norms = Some(NormBits { z: bits + 1, q: bits });
    match train_chunk(&narrow, 0, &start(&narrow), &data(&narrow)) {
        Err(TrainError::NormOverflow { step, value: v, bits: b, .. }) => {
            assert_eq!((step, b), (2, bits));
            assert!(v >> b > 0);
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
    // Executed with a bound one bit wider for Q, claimed with the narrow one; both have the same tables.
    let mut wide = config.clone();
    wide.norms = Some(NormBits { z: bits, q: bits + 1 });
    let from = StartWeights::Committed(Some(crate::WINDOW));
    let mut f = Forgery::of(&narrow, &wide, 0, from, (&start(&config), &data(&config)));
    f.derive_norms();
    f.derive_multiplicities();
    assert_eq!(rejected(&f), BTreeSet::from([Rule::Norm(norm)]), "the limbs cannot hold it");
    let limbs = &f.layout.norms[norm].limbs.groups;
    let top = limbs.last().expect("limbs").1;
    let below: u32 = limbs.iter().rev().skip(1).map(|g| g.0).sum();
    for unit in (0..f.layout.norms[norm].units).filter(|&unit| value(norm, unit) >> bits > 0) {
        f.columns[(top << log) + unit] += F::from_u64(1 << (bits - below));
    }
    assert_eq!(rejected(&f), BTreeSet::from([Rule::NormLimb]), "the top limb takes all of it");
}

#[test]
fn carried_weights_stay_in_their_window() {
    let config = bounded();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let (_, layout, rounding) = honest.parts().remove(0);
    let rounding = rounding.expect("carried weights are looked up");
    assert!(rounding.remainder.limbs.is_empty() && rounding.quotient.bits == 24);
    let mut f = honest.clone();
    f.model_out[layout.cell(1, 0, 0)] += F::ONE;
    assert_eq!(rejected(&f), BTreeSet::from([Rule::Update(1), Rule::End(1, false)]));
    for (width, _, place, _) in &rounding.quotient.limbs {
        let mut f = honest.clone();
        f.columns[place.cell(1, 0, 0)] += F::from_u64(1 << width);
        assert_eq!(rejected(&f), BTreeSet::from([Rule::End(1, false), Rule::EndLimb]));
    }
    let mut narrow = config.clone();
    narrow.carry_bits = Some(18);
    assert!(matches!(
        train_chunk(&narrow, 0, &start(&narrow), &data(&narrow)),
        Err(TrainError::CarryOverflow { step: 2, bits: 18, .. })
    ));
}

#[test]
fn bounds_that_norms_and_windows_give() {
    let mut config = bounded();
    config.norms = Some(NormBits { z: 17, q: 18 });
    let with = check_run(&config, 1 << 21).expect("fits");
    config.norms = None;
    let without = check_run(&config, 1 << 21).expect("fits");
    assert!(with[0].layers[1].w_max < without[0].layers[1].w_max, "norms are tighter here");
    assert_eq!(with[0].w_out, 1 << 23, "the carried window");
    config.carry_bits = None;
    assert!(check_run(&config, 1 << 21).expect("fits")[0].w_out > 1 << 23);
    // A wide norm bounds nothing: the windows do.
    config.norms = Some(NormBits { z: 54, q: 54 });
    assert_eq!(check_run(&config, 1 << 21).expect("fits")[0].layers, without[0].layers);
    config.carry_bits = Some(24);
    match check(&config, 0, (1 << 62) + 1, 0) {
        Err(NoWrapError::Inequality { inequality, .. }) => assert_eq!(inequality, Inequality::Carry),
        other => panic!("{other:?}"),
    }
}

/// The root of a bound beyond 128 bits is no bound; Cauchy and Schwarz is rounded up.
#[test]
fn no_bound_is_lost_to_rounding() {
    let mut config = bounded();
    config.norms = Some(NormBits { z: 17, q: 18 });
    let bounds = check(&config, 0, 1, 0).expect("fits");
    // Layer 2 reads the ReLU layer: rows = 7 in three steps, S_A = max(2^17, rows 2^8), S_D = 2^18 (tanh: |D| <= |Q|).
    // c_s = w_s rho_s: 128, 64 and, for the batch of one row of three, 3 times 64.
    let c = 3 * 64;
    let root = (1u128 << 35).isqrt() + 1;
    assert_eq!(bounds.layers[1].w_max, 1 + c * root);
    // A pair that meets the bound with equality for all k, j shows that it is not loose: A = D = 1 on one row.
    assert!(root * root >= 1 << 35 && (root - 1) * (root - 1) < 1 << 35);
}

#[test]
fn the_mean_of_the_last_weights() {
    let config = averaged();
    config.validate().expect("valid");
    let mut state = start(&config);
    state.velocity = Some(vec![0; state.weights.len()]);
    let first = train_chunk(&config, 0, &state, &data(&config)).expect("a run").end;
    let mut plain = config.clone();
    plain.schedule.average = None;
    assert_eq!(train_chunk(&plain, 0, &state, &data(&plain)).expect("a run").end, first, "only the end is averaged");
    let honest = Forgery::of(&config, &config, 1, StartWeights::Committed(None), (&first.state, &data(&config)));
    assert_eq!(rejected(&honest), BTreeSet::new());
    let end = train_chunk(&config, 1, &first.state, &data(&config)).expect("a run").end;
    // n (W_6 + W_7), shifted by kappa, the decay's bits and one for the mean.
    let mut shorter = plain.clone();
    shorter.schedule.total_steps = 6;
    shorter.schedule.rates = Schedule::encode_rates(&[8, 8, 4, 4, 2, 2]);
    let (w6, w7) = (
        train_chunk(&shorter, 1, &first.state, &data(&config)).expect("a run").end,
        train_chunk(&plain, 1, &first.state, &data(&config)).expect("a run").end,
    );
    for (i, &w) in end.state.weights.iter().enumerate() {
        let sum = w6.weights[i] + w7.weights[i];
        assert_eq!(end.weights[i], sum);
        assert_eq!(w, (7 * sum + 32) >> 6);
    }
    assert_eq!(end.state.velocity, w7.state.velocity);
    assert_eq!(Trainer::new(&config, &state, &data(&config)).expect("valid").finish().expect("a run"), end.state);
    // The last weights instead of the mean, and the other way round.
    for (claimed, executed) in [(&config, &plain), (&plain, &config)] {
        let mut f = Forgery::of(claimed, claimed, 1, StartWeights::Committed(None), (&first.state, &data(claimed)));
        let other = Forgery::of(executed, executed, 1, StartWeights::Committed(None), (&first.state, &data(executed)));
        f.model_out = other.model_out;
        assert!(rejected(&f).contains(&Rule::Update(1)));
    }
    // A mean over four steps of the chunk's three does not exist.
    let mut long = config.clone();
    long.schedule.average = Some(4);
    assert_eq!(
        long.validate().expect_err("too long").to_string(),
        "the mean of the last 4 steps: a power of two from 2 to the 3 steps of the last chunk is possible"
    );
    for bad in [0, 1, 3] {
        long.schedule.average = Some(bad);
        assert!(long.validate().is_err(), "{bad}");
    }
}
