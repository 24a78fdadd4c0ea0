//! Chunk boundaries: rounding of weights and velocity, decay, the state that goes in and comes out.
use crate::common::{data, start};
use crate::forge::Forgery;
use crate::rules::{Group, Rule, broken};
use crate::tiny;
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeSet;
use tacit_argument::field::{F, signed};
use tacit_training::config::{Activation, Decay, Loss, RunConfig, Schedule};
use tacit_training::relation::{StartWeights, model_payload};
use tacit_training::trainer::{ModelState, train_chunk};

/// Two chunks of two steps, heavy ball with four extra bits, weights decayed by 15/16 at the boundary and not at the end.
fn heavy_ball() -> RunConfig {
    let mut config = tiny(&[(2, Activation::Relu), (2, Activation::Identity)], 2, Loss::BceWithLogits);
    config.scales.kappa = 4;
    config.schedule.total_steps = 4;
    config.schedule.chunk_steps = 2;
    config.schedule.rates = Schedule::encode_rates(&[8, 8, 4, 4]);
    config.schedule.filter = vec![16, 14, 12, 11];
    config.schedule.decay = Some(Decay { bits: 4, numerators: vec![15, 16] });
    config
}

/// The state after the first chunk.
fn boundary(config: &RunConfig) -> ModelState {
    let mut state = start(config);
    state.velocity = config.schedule.momentum().then(|| vec![0; state.weights.len()]);
    train_chunk(config, 0, &state, &data(config)).expect("a run").end.state
}

/// The second chunk, from a committed boundary.
fn second(config: &RunConfig) -> Forgery<'_> {
    Forgery::of(config, config, 1, StartWeights::Committed(None), (&boundary(config), &data(config)))
}

fn rejected(f: &Forgery<'_>) -> BTreeSet<Rule> {
    let rules = broken(f);
    let groups: BTreeSet<Group> = rules.iter().map(|r| r.group()).collect();
    assert_eq!(f.rejected_by(), groups, "{rules:?}");
    rules
}

/// Weights of every layer, by their place.
fn places(config: &RunConfig) -> Vec<(usize, usize, usize)> {
    let layers = 0..config.architecture.layers.len();
    let of = |l: usize| (0..config.k(l)).flat_map(move |k| (0..2).map(move |j| (l, k, j)));
    layers.flat_map(of).collect()
}

#[test]
fn an_honest_boundary_is_accepted_and_derived_alike() {
    let config = heavy_ball();
    let mut f = second(&config);
    assert_eq!(rejected(&f), BTreeSet::new());
    let (columns, out) = (f.columns.clone(), f.model_out.clone());
    f.derive_all();
    assert!(columns == f.columns && out == f.model_out, "the derivation of the tests is the trainer's");
}

/// Every cell of what goes out, and every limb of its rounding.
#[test]
fn every_cell_of_a_boundary_is_determined() {
    let config = heavy_ball();
    let honest = second(&config);
    for (part, layout, rounding) in honest.parts() {
        let velocity = part == tacit_training::config::Part::Velocity;
        let rounding = rounding.expect("kappa rounds both");
        for &(l, k, j) in &places(&config) {
            let mut f = honest.clone();
            f.model_out[layout.cell(l, k, j)] += F::ONE;
            assert_eq!(rejected(&f), BTreeSet::from([Rule::Update(l), Rule::End(l, velocity)]));
            for (limbs, rule, outside) in [
                (&rounding.remainder, Rule::Update(l), Rule::RemainderLimb),
                (&rounding.quotient, Rule::End(l, velocity), Rule::EndLimb),
            ] {
                for (width, _, place, _) in &limbs.limbs {
                    let mut f = honest.clone();
                    let cell = &mut f.columns[place.cell(l, k, j)];
                    *cell = if *cell == F::ZERO { F::ONE } else { *cell - F::ONE };
                    f.derive_multiplicities();
                    assert_eq!(rejected(&f), BTreeSet::from([rule]));
                    f.columns[place.cell(l, k, j)] += F::from_u64(1 << width);
                    assert!(rejected(&f).contains(&outside));
                }
            }
        }
    }
}

/// Another remainder has a quotient mod p: (exact + 2^(s-1) - rem) / 2^s, a residue of about 64 bits. With the remainder
/// checked alone it would be a model.
#[test]
fn a_quotient_mod_p() {
    let config = heavy_ball();
    let honest = second(&config);
    for (part, layout, rounding) in honest.parts() {
        let velocity = part == tacit_training::config::Part::Velocity;
        let (rounding, shift) = (rounding.expect("kappa rounds both"), config.boundary_shift(part, 1));
        let (l, k, j) = (1, 0, 1);
        let low = rounding.remainder.limbs[0].2.cell(l, k, j);
        let mut f = honest.clone();
        let delta = if f.columns[low] == F::ZERO { F::ONE } else { -F::ONE };
        f.columns[low] += delta;
        f.model_out[layout.cell(l, k, j)] -= delta / F::from_u64(1 << shift);
        f.derive_multiplicities();
        assert_eq!(rejected(&f), BTreeSet::from([Rule::End(l, velocity)]), "{part:?}");
        // Its limbs made to add up: the top one takes all of it.
        let top = rounding.quotient.limbs.last().expect("limbs");
        let below: u32 = rounding.quotient.limbs.iter().rev().skip(1).map(|l| l.0).sum();
        f.columns[top.2.cell(l, k, j)] -= delta / F::from_u64(1 << shift) / F::from_u64(1 << below);
        assert_eq!(rejected(&f), BTreeSet::from([Rule::EndLimb]), "{part:?}");
    }
}

/// kappa without momentum: the end is rounded as well.
#[test]
fn extra_bits_without_momentum_are_rounded() {
    let mut config = heavy_ball();
    config.schedule.filter = vec![16];
    config.schedule.decay = None;
    let honest = second(&config);
    assert_eq!(rejected(&honest), BTreeSet::new());
    // W_T is a multiple of 2^kappa here; (W_T - 1) / 2^kappa mod p, with a remainder one more, is no integer.
    let (_, layout, rounding) = honest.parts().remove(0);
    let rounding = rounding.expect("kappa rounds");
    let mut f = honest.clone();
    for l in 0..2 {
        for (i, exact) in f.exact_end(l, tacit_training::config::Part::Weights).into_iter().enumerate() {
            f.model_out[layout.cell(l, i / 2, i % 2)] = (exact - F::ONE) / F::from_u64(16);
            f.columns[rounding.remainder.limbs[0].2.cell(l, i / 2, i % 2)] = F::from_u64(9);
        }
    }
    f.derive_multiplicities();
    assert_eq!(rejected(&f), BTreeSet::from([Rule::End(0, false), Rule::End(1, false)]));
}

/// The velocity dropped, doubled, or of another chunk, going in and coming out.
#[test]
fn another_velocity() {
    let config = heavy_ball();
    let state = boundary(&config);
    let velocity = state.velocity.clone().expect("momentum");
    assert!(velocity.iter().any(|&v| v != 0));
    for change in [|_| 0i64, |v: i64| 2 * v, |v: i64| -v, |v: i64| v + 1] {
        let other = ModelState { velocity: Some(velocity.iter().map(|&v| change(v)).collect()), ..state.clone() };
        // Trained from another velocity than the one committed.
        let mut f = Forgery::of(&config, &config, 1, StartWeights::Committed(None), (&other, &data(&config)));
        f.model_in = Some(model_payload(&config, &state.weights, Some(&velocity)));
        assert_eq!(f.rejected_by(), BTreeSet::from([Group::Weights]));
        f.velocity.clone_from(&velocity);
        assert!(rejected(&f).contains(&Rule::Update(0)));
        // The honest chunk, with another velocity going out.
        let mut f = second(&config);
        let (_, layout, _) = f.parts().remove(1);
        for (l, k, j) in places(&config) {
            let cell = &mut f.model_out[layout.cell(l, k, j)];
            let v = tacit_argument::field::to_signed(*cell).expect("an integer");
            *cell = signed(change(v));
        }
        let rules = rejected(&f);
        assert!(rules.contains(&Rule::Update(1)) && rules.contains(&Rule::End(1, true)), "{rules:?}");
    }
}

/// Another filter, Nesterov's or not, another decay, none: the executions are honest, the statement is another.
#[test]
fn another_optimiser() {
    type Change = fn(&mut RunConfig);
    let changes: [(&str, Change); 5] = [
        ("filter", |c| c.schedule.filter = vec![16, 14, 13, 11]),
        ("longer filter", |c| c.schedule.filter.push(1)),
        ("nesterov", |c| c.schedule.nesterov = true),
        ("decay", |c| c.schedule.decay = Some(Decay { bits: 4, numerators: vec![15, 15] })),
        ("no decay", |c| c.schedule.decay = Some(Decay { bits: 4, numerators: vec![16, 16] })),
    ];
    let claimed = heavy_ball();
    let state = boundary(&claimed);
    for (name, change) in changes {
        let mut executed = claimed.clone();
        change(&mut executed);
        let chunk = u32::from(name != "no decay");
        let state = if chunk == 0 {
            ModelState { velocity: Some(vec![0; state.weights.len()]), ..start(&claimed) }
        } else {
            state.clone()
        };
        let f = Forgery::of(&claimed, &executed, chunk, StartWeights::Committed(None), (&state, &data(&claimed)));
        if name == "longer filter" {
            assert_eq!(rejected(&f), BTreeSet::new(), "its fifth entry is read by no step of a chunk of two");
            continue;
        }
        let rules = rejected(&f);
        assert!(rules.iter().any(|r| matches!(r, Rule::Update(_))), "{name}: {rules:?}");
    }
}

/// At chunk 0 the velocity is the constant 0: what the start's vector holds there is read by nothing.
#[test]
fn a_free_velocity_at_the_start_is_not_read() {
    let config = heavy_ball();
    let state = ModelState { velocity: Some(vec![0; start(&config).weights.len()]), ..start(&config) };
    let mut f = Forgery::of(&config, &config, 0, StartWeights::Committed(None), (&state, &data(&config)));
    let weights = f.model_in.as_ref().expect("committed").len() / 2;
    f.model_in.as_mut().expect("committed")[weights..].fill(F::from_u64(1 << 40));
    assert_eq!(rejected(&f), BTreeSet::new());
    // And a chunk trained from one is rejected.
    let free = ModelState { velocity: Some(vec![1 << 10; state.weights.len()]), ..state };
    let f = Forgery::of(&config, &config, 0, StartWeights::Committed(None), (&free, &data(&config)));
    assert!(rejected(&f).contains(&Rule::Update(0)));
}

/// The second chunk executed from the first one's start: its W_0 is not what the first chunk ended with.
#[test]
fn a_chunk_started_again_from_the_start() {
    let mut config = heavy_ball();
    config.schedule.filter = vec![16];
    let (first, end) = (start(&config), boundary(&config));
    assert_ne!(first, end);
    let mut f = Forgery::of(&config, &config, 1, StartWeights::Committed(None), (&first, &data(&config)));
    f.model_in = Some(model_payload(&config, &end.weights, None));
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Weights]));
    f.start = end.weights;
    assert!(rejected(&f).contains(&Rule::Update(0)));
}
