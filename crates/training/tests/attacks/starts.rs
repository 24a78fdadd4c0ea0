//! Initial weights outside their window: residues that act like small weights on some inputs.
use crate::common::{data, start};
use crate::forge::Forgery;
use crate::rules::{Group, Rule, broken};
use crate::{WINDOW, tiny};
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeSet;
use tacit_argument::field::{F, P, signed};
use tacit_training::config::{Activation, Loss, RunConfig};
use tacit_training::relation::model_payload;

fn net() -> RunConfig {
    tiny(&[(2, Activation::Relu), (2, Activation::Identity)], 2, Loss::BceWithLogits)
}

/// Every cell of the committed start, by one unit and by a residue.
#[test]
fn every_initial_weight_is_bound_and_checked() {
    let config = net();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let used = (0..honest.layout.layers.len())
        .flat_map(|l| (0..config.k(l)).flat_map(move |k| (0..2).map(move |j| (l, k, j))));
    let layout = tacit_training::relation::layout::ModelLayout::new(&config, 0);
    for (l, k, j) in used {
        for change in [F::ONE, -F::from_u64(1 << 50)] {
            let mut f = honest.clone();
            f.model_in.as_mut().expect("a hidden start")[layout.cell(l, k, j)] += change;
            // W_0 enters the claims on the weights and the range check.
            assert_eq!(f.rejected_by(), BTreeSet::from([Group::Weights, Group::Start(l)]), "W_{l}({k}, {j})");
        }
    }
}

/// Every limb of the range check: another value breaks the sum, a value that does not fit breaks its table.
#[test]
fn every_limb_of_an_initial_weight_is_determined() {
    let config = net();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let limbs = honest.layout.weight_limbs.clone().expect("a range check");
    assert_eq!(limbs.limbs.iter().map(|l| l.0).sum::<u32>(), WINDOW);
    for (width, _, place, _) in &limbs.limbs {
        for l in 0..2 {
            for (k, j) in (0..config.k(l)).flat_map(|k| (0..2).map(move |j| (k, j))) {
                let mut f = honest.clone();
                let cell = &mut f.columns[place.cell(l, k, j)];
                *cell = if *cell == F::ZERO { F::ONE } else { *cell - F::ONE };
                f.derive_multiplicities();
                assert_eq!(f.rejected_by(), BTreeSet::from([Group::Start(l)]));
                f.columns[place.cell(l, k, j)] = F::from_u64(1 << width);
                let groups = f.rejected_by();
                assert!(groups.contains(&Group::Lookups) && groups.contains(&Group::Start(l)), "{groups:?}");
            }
        }
    }
}

/// Review of soundness, finding 2 (b): w + (j p + small) / 256 acts like w on every input that is a multiple of 256, up
/// to less than a rounding unit. Committed by a prover who keeps everything else true: the range check alone rejects.
#[test]
fn a_weight_shifted_by_p_over_256() {
    let mut config = net();
    // Features are multiples of 2^8, with 2^8 the unit.
    config.scales.fa = 9;
    config.scales.fg = 10;
    config.scales.fw = 30;
    config.data_bits = 16;
    for layer in &mut config.architecture.layers {
        (layer.z_bits, layer.q_bits) = (14, 14);
    }
    let mut rows = data(&config);
    rows.features.iter_mut().for_each(|v| *v = (*v >> 8) << 8);
    let mut state = start(&config);
    state.weights.iter_mut().for_each(|w| *w >>= 9);
    let honest = Forgery::honest(&config, &state, &rows);
    assert_eq!(honest.rejected_by(), BTreeSet::new());

    let j = 77u128;
    let p = u128::from(P);
    let shift = (j * p).div_ceil(256);
    assert!(256 * shift - j * p < 256);
    let mut huge = state.weights.clone();
    huge[0] += i64::try_from(shift).expect("below 2^63");
    let mut f = honest.clone();
    f.start.clone_from(&huge);
    f.model_in = Some(model_payload(&config, &huge, None));
    f.derive_model_out();
    // Z does not notice: the remainder takes the deviation, below 2^16 units.
    for x in 0..f.rows() {
        let Some(i) = f.index[x] else { continue };
        let feature = i64::from(rows.features[2 * i as usize] >> 8);
        let deviation = feature * i64::try_from(256 * shift - j * p).expect("small");
        let c = &f.layout.layers[0];
        let (low, high) = (c.z_rem.groups[0], c.z_rem.groups[1]);
        let value = |f: &Forgery<'_>| f.column(low.1)[x] + F::from_u64(1 << low.0) * f.column(high.1)[x];
        let moved = value(&f) + signed(deviation);
        let moved = tacit_argument::field::to_signed(moved).expect("small");
        let slots = (low.1, high.1, low.0);
        *f.cell(slots.0, x) = signed(moved & ((1 << slots.2) - 1));
        *f.cell(slots.1, x) = signed(moved >> slots.2);
    }
    f.derive_all();
    let rules = broken(&f);
    assert!(rules.contains(&Rule::Start(0)), "{rules:?}");
    assert!(!rules.contains(&Rule::Forward(0)), "the relations mod p do not notice: {rules:?}");
    let groups = f.rejected_by();
    assert!(groups.contains(&Group::Start(0)) && !groups.contains(&Group::Products), "{groups:?}");
    // Limbs that add up to it do not exist in their widths.
    let limbs = f.layout.weight_limbs.clone().expect("a range check");
    let (width, _, place, _) = &limbs.limbs[1];
    let half = 1i64 << (limbs.bits - 1);
    let cell = place.cell(0, 0, 0);
    let rest = f.columns[limbs.limbs[0].2.cell(0, 0, 0)];
    f.columns[cell] = (signed(huge[0]) + signed(half) - rest) / F::from_u64(1 << limbs.limbs[0].0);
    assert!(f.columns[cell] != F::ZERO && *width < 16);
    let rules = broken(&f);
    assert!(rules.contains(&Rule::StartLimb) && !rules.contains(&Rule::Start(0)), "{rules:?}");
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Lookups]));
}

/// A feature that is always zero leaves its row of W_0 free in every other relation.
#[test]
fn the_row_of_a_constant_feature() {
    let config = net();
    let mut rows = data(&config);
    rows.features.iter_mut().step_by(2).for_each(|v| *v = 0);
    let state = start(&config);
    let mut huge = state.weights.clone();
    huge[0] = 1 << 55;
    huge[1] = -(1 << 60);
    let mut f = Forgery::honest(&config, &state, &rows);
    f.start.clone_from(&huge);
    f.model_in = Some(model_payload(&config, &huge, None));
    f.derive_all();
    assert_eq!(broken(&f), BTreeSet::from([Rule::Start(0)]));
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Start(0)]));
}
