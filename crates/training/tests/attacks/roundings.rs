//! The wrong value beside an honest rest: roundings, remainders, activation bits, softmax.
use crate::common::{data, start};
use crate::forge::Forgery;
use crate::rules::{Group, Rule, broken};
use crate::{every_activation, tiny};
use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use std::collections::BTreeSet;
use tacit_argument::field::{F, signed, to_signed};
use tacit_training::config::{Activation, Loss, RunConfig};
use tacit_training::relation::layout::{Limbs, LossColumns};
use tacit_training::trainer::ModelState;

/// The relations that the forgery breaks, after everything that follows was derived again; checked against the verifier.
fn rejected(mut f: Forgery<'_>) -> BTreeSet<Rule> {
    f.derive_all();
    let rules = broken(&f);
    let groups: BTreeSet<Group> = rules.iter().map(|r| r.group()).collect();
    assert_eq!(f.rejected_by(), groups, "{rules:?}");
    rules
}

/// Value column, limbs and shift of one rescaling.
type Rescaling = (usize, Limbs, u32, [Rule; 2]);

/// Every rescaling of every unit.
fn rescalings(f: &Forgery<'_>) -> Vec<Rescaling> {
    let bits = f.config.weight_bits();
    let mut out = vec![];
    for (l, c) in f.layout.layers.iter().enumerate() {
        for j in 0..f.config.outputs(l) {
            let unit = |x: &Limbs| Limbs { groups: x.groups.iter().map(|&(w, s)| (w, s + j)).collect() };
            out.push((c.z + j, unit(&c.z_rem), bits, [Rule::Forward(l), Rule::ZLimb(l)]));
            out.extend(c.q.map(|q| (q + j, unit(&c.q_rem), bits, [Rule::Backward(l), Rule::QLimb(l)])));
            out.extend(c.d.map(|d| (d + j, unit(&c.d_rem), 12, [Rule::Derivative(l), Rule::DLimb(l)])));
        }
    }
    out
}

fn remainder(f: &Forgery<'_>, limbs: &Limbs, row: usize) -> u64 {
    limbs.weighted().map(|(w, slot)| w * f.column(slot)[row].as_canonical_u64()).sum()
}

/// floor instead of half up: where the two differ, the remainder leaves its range or the relation breaks.
#[test]
fn floor_instead_of_half_up() {
    let config = every_activation(Loss::Mse);
    let (mut seen, mut state) = (BTreeSet::new(), start(&config));
    for _ in 0..2 {
        let honest = Forgery::honest(&config, &state, &data(&config));
        for (value, limbs, bits, [relation, limb]) in rescalings(&honest) {
            // rem < 2^(bits-1): half up rounded up.
            let rounded_up = (0..honest.rows()).find(|&x| remainder(&honest, &limbs, x) < 1 << (bits - 1));
            let ((weight, top), Some(row)) = (limbs.weighted().last().expect("there are limbs"), rounded_up) else {
                continue;
            };
            seen.insert(relation);
            let mut f = honest.clone();
            *f.cell(value, row) -= F::ONE;
            assert!(rejected(f.clone()).contains(&relation), "{relation:?}: the remainder as it was");
            *f.cell(top, row) += F::from_u64((1 << bits) / weight);
            assert!(rejected(f).contains(&limb), "{relation:?}: the remainder moved");
        }
        state.weights.iter_mut().for_each(|w| *w = -*w);
    }
    let honest = Forgery::honest(&config, &state, &data(&config));
    let relations: BTreeSet<Rule> = rescalings(&honest).iter().map(|r| r.3[0]).collect();
    assert_eq!(seen, relations, "every kind of rescaling rounded up somewhere");
}

/// Another quotient with the remainder that makes the relation true mod p: it has a limb outside its width.
#[test]
fn another_quotient_with_the_remainder_that_fits() {
    let config = every_activation(Loss::Mse);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    for (turn, (value, limbs, bits, [relation, limb])) in rescalings(&honest).into_iter().enumerate() {
        for delta in [1i64, -1, 7, -(1 << 40)] {
            // A padding step: what the value changes reaches no weight.
            let (row, shift) = (12 + turn % 4, signed(delta) * F::from_u64(1 << bits));
            for (i, (weight, slot)) in limbs.weighted().enumerate() {
                let mut f = honest.clone();
                *f.cell(value, row) += signed(delta);
                // The whole difference in limb i, divided mod p.
                *f.cell(slot, row) -= shift / F::from_u64(weight);
                let rules = rejected(f);
                assert!(rules.contains(&limb), "{limb:?}, {delta}, limb {i}: {rules:?}");
                assert!(!rules.contains(&relation), "{relation:?} was made to hold");
            }
        }
    }
}

/// A limb of the wrong width: the same remainder, carried into a limb that cannot hold it.
#[test]
fn a_limb_of_the_wrong_width() {
    let config = every_activation(Loss::Mse);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    for (_, limbs, _, [relation, limb]) in rescalings(&honest) {
        let [(width, low), (_, high)] = limbs.groups[..] else { continue };
        let row = honest.column(high).iter().position(|v| *v != F::ZERO).expect("a remainder with a high limb");
        let mut f = honest.clone();
        *f.cell(low, row) += F::from_u64(1 << width);
        *f.cell(high, row) -= F::ONE;
        let rules = rejected(f);
        assert!(rules.contains(&limb) && !rules.contains(&relation), "{rules:?}");
    }
}

/// A net whose hidden Z is zero wherever its features are.
fn at_zero() -> (RunConfig, ModelState) {
    let mut config = tiny(&[(2, Activation::Relu), (2, Activation::Identity)], 2, Loss::BceWithLogits);
    config.architecture.layers[0].bias = false;
    let mut state = start(&config);
    state.weights[..4].fill(0);
    (config, state)
}

/// relu'(0) = 1 instead of 0: A is the same, D is not.
#[test]
fn relu_derivative_one_at_zero() {
    let (config, state) = at_zero();
    let honest = Forgery::honest(&config, &state, &data(&config));
    let (z, s) = (honest.layout.layers[0].z, honest.layout.layers[0].activation.expect("a ReLU bit"));
    assert_eq!((honest.column(z)[0], honest.column(s)[0]), (F::ZERO, F::ONE));
    let mut f = honest.clone();
    *f.cell(s, 0) = F::ZERO;
    assert!(rejected(f).contains(&Rule::Activation(0)));
}

/// A bit that is not the sign's, or no bit at all.
#[test]
fn relu_bits_of_the_other_sign() {
    let config = tiny(&[(3, Activation::Relu), (2, Activation::Identity)], 2, Loss::Mse);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let s = honest.layout.layers[0].activation.expect("a ReLU bit");
    for row in 0..honest.rows() {
        let mut f = honest.clone();
        *f.cell(s, row) = F::ONE - *f.cell(s, row);
        assert!(rejected(f).contains(&Rule::Activation(0)), "row {row}");
        let mut f = honest.clone();
        *f.cell(s, row) = F::from_u64(2).inverse();
        assert!(rejected(f).contains(&Rule::Activation(0)), "row {row}");
    }
}

/// Z outside its window, in the window of another column: counted in the wider table.
#[test]
fn a_value_of_another_table() {
    let config = tiny(&[(2, Activation::Identity), (2, Activation::Identity)], 2, Loss::Mse);
    let mut f = Forgery::honest(&config, &start(&config), &data(&config));
    // Z has 9 bits, Q and the limbs 10: 700 is in [0, 2^10) only.
    let z = f.layout.layers[0].z;
    let before = *f.cell(z, 0);
    *f.cell(z, 0) = F::from_u64(700) - F::from_u64(1 << 8);
    f.derive();
    f.derive_model_out();
    let system = f.relation.lookups().clone();
    let table = |bits: usize| system.tables.iter().position(|t| t.bits() == bits && t.arity() == 1).expect("a range");
    let (narrow, wide) = (system.multiplicities[table(9)], system.multiplicities[table(10)]);
    let rows = f.rows();
    let entry = |first: usize, value: u64| (first + value as usize / rows, value as usize % rows);
    let index = (before + F::from_u64(1 << 8)).as_canonical_u64();
    let ((slot, row), (wide_slot, wide_row)) = (entry(narrow, index), entry(wide, 700));
    *f.cell(slot, row) -= F::ONE;
    *f.cell(wide_slot, wide_row) += F::ONE;
    let groups = f.rejected_by();
    assert!(groups.contains(&Group::Lookups), "{groups:?}");
    assert!(broken(&f).contains(&Rule::Activation(0)));
}

fn softmax() -> RunConfig {
    tiny(&[(4, Activation::Identity)], 2, Loss::CrossEntropy)
}

struct Softmax {
    z: usize,
    e: usize,
    p: usize,
    rem: usize,
    h: usize,
    max: usize,
    sum: usize,
}

fn softmax_columns(f: &Forgery<'_>) -> Softmax {
    let z = f.layout.layers.last().expect("a layer").z;
    let LossColumns::CrossEntropy { e, p, rem, h, max, sum } = f.layout.loss else { panic!("softmax has columns") };
    Softmax { z, e, p, rem, h, max, sum }
}

/// max, e, S, p, rem of one row derived from a maximum of the prover's choice, as far as tables have values.
fn derive_softmax(f: &mut Forgery<'_>, row: usize, max: F) {
    let (c, fg) = (softmax_columns(f), f.config.scales.fg);
    let n = f.config.outputs(f.layout.layers.len() - 1);
    *f.cell(c.max, row) = max;
    let mut sum = 0;
    for j in 0..n {
        let diff = (max - f.column(c.z + j)[row]).as_canonical_u64();
        let e = f.tables.exp.get(diff as usize).copied().unwrap_or(f.tables.exp[0]);
        *f.cell(c.e + j, row) = F::from_u32(e);
        sum += u64::from(e);
    }
    *f.cell(c.sum, row) = F::from_u64(sum);
    for j in 0..n {
        let scaled = f.column(c.e + j)[row].as_canonical_u64() << fg;
        *f.cell(c.p + j, row) = F::from_u64(scaled / sum);
        *f.cell(c.rem + j, row) = F::from_u64(scaled % sum);
    }
}

/// Unit of the row's largest and smallest Z.
fn extremes(f: &Forgery<'_>, row: usize) -> (usize, usize) {
    let c = softmax_columns(f);
    let z = |j: &usize| to_signed(f.column(c.z + j)[row]).expect("in its window");
    ((0..4).max_by_key(z).expect("units"), (0..4).min_by_key(z).expect("units"))
}

#[test]
fn a_softmax_maximum_that_is_not_the_maximum() {
    let config = softmax();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let c = softmax_columns(&honest);
    let (most, least) = extremes(&honest, 0);
    assert_ne!(honest.column(c.z + most)[0], honest.column(c.z + least)[0]);
    // Another unit's Z, selected by h: the true maximum's difference is negative.
    let mut f = honest.clone();
    let max = f.column(c.z + least)[0];
    derive_softmax(&mut f, 0, max);
    (0..4).for_each(|j| *f.cell(c.h + j, 0) = F::from_bool(j == least));
    let rules = rejected(f);
    assert!(rules.contains(&Rule::Exp) && !rules.contains(&Rule::Maximum), "{rules:?}");
    // More than every Z: nothing that h may select.
    let mut f = honest.clone();
    let max = f.column(c.z + most)[0] + F::ONE;
    derive_softmax(&mut f, 0, max);
    assert!(rejected(f.clone()).contains(&Rule::Maximum));
    // h over the field: sum h = 1 and sum h (max - Z) = 0 with two entries that are no bits.
    let (a, b) = (max - f.column(c.z + most)[0], max - f.column(c.z + least)[0]);
    let x = b / (b - a);
    (0..4).for_each(|j| *f.cell(c.h + j, 0) = F::ZERO);
    *f.cell(c.h + most, 0) = x;
    *f.cell(c.h + least, 0) = F::ONE - x;
    let rules = rejected(f);
    assert!(rules.contains(&Rule::Boolean) && !rules.contains(&Rule::Maximum), "{rules:?}");
}

#[test]
fn a_selector_with_two_ones_or_none() {
    let config = softmax();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let (h, (most, least)) = (softmax_columns(&honest).h, extremes(&honest, 0));
    let mut f = honest.clone();
    *f.cell(h + least, 0) = F::ONE;
    assert!(rejected(f).contains(&Rule::OneHot));
    let mut f = honest.clone();
    *f.cell(h + most, 0) = F::ZERO;
    assert!(rejected(f).contains(&Rule::OneHot));
    let mut f = honest;
    *f.cell(h + least, 0) = -F::ONE;
    assert!(rejected(f).contains(&Rule::Boolean));
}

/// On ties every maximum may be selected: Z, D and W do not depend on it.
#[test]
fn a_tie_may_be_broken_either_way() {
    let config = softmax();
    let state = ModelState { weights: vec![0; config.weight_count()], velocity: None };
    let mut f = Forgery::honest(&config, &state, &data(&config));
    let h = softmax_columns(&f).h;
    assert_eq!(f.column(h)[0], F::ONE);
    *f.cell(h, 0) = F::ZERO;
    *f.cell(h + 2, 0) = F::ONE;
    assert_eq!(rejected(f), BTreeSet::new());
}

/// S by one unit more, with the divisions made to fit.
#[test]
fn a_wrong_sum() {
    let config = softmax();
    let mut f = Forgery::honest(&config, &start(&config), &data(&config));
    let (c, fg) = (softmax_columns(&f), config.scales.fg);
    *f.cell(c.sum, 0) += F::ONE;
    let sum = f.column(c.sum)[0].as_canonical_u64();
    for j in 0..4 {
        let scaled = f.column(c.e + j)[0].as_canonical_u64() << fg;
        *f.cell(c.p + j, 0) = F::from_u64(scaled / sum);
        *f.cell(c.rem + j, 0) = F::from_u64(scaled % sum);
    }
    let rules = rejected(f);
    assert!(rules.contains(&Rule::ExpSum) && !rules.contains(&Rule::Division), "{rules:?}");
}

/// The division has S solutions (p, rem) mod p with rem in [0, S); all but one have a huge p.
#[test]
fn another_quotient_of_the_division() {
    let config = softmax();
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    let (c, fg) = (softmax_columns(&honest), config.scales.fg);
    let sum = honest.column(c.sum)[0];
    for rem in [0u64, 1, 77, sum.as_canonical_u64() - 1] {
        let mut f = honest.clone();
        if f.column(c.rem)[0] == F::from_u64(rem) {
            continue;
        }
        *f.cell(c.rem, 0) = F::from_u64(rem);
        *f.cell(c.p, 0) = (f.column(c.e)[0] * F::from_u64(1 << fg) - F::from_u64(rem)) / sum;
        let rules = rejected(f);
        assert!(rules.contains(&Rule::Quotient), "rem {rem}: {rules:?}");
        assert!(!rules.contains(&Rule::Division) && !rules.contains(&Rule::Remainder), "rem {rem}: {rules:?}");
    }
    // A quotient one less, with a remainder that is S too large; one more, with a negative one.
    for delta in [F::ONE, -F::ONE] {
        let mut f = honest.clone();
        *f.cell(c.p, 0) += delta;
        *f.cell(c.rem, 0) -= delta * sum;
        let rules = rejected(f);
        assert!(rules.contains(&Rule::Remainder) && !rules.contains(&Rule::Division), "{rules:?}");
    }
}
