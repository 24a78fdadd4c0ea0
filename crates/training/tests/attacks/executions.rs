//! Another function executed than the statement's: honest in every cell, of something else.
use crate::common::{data, start};
use crate::forge::Forgery;
use crate::rules::{Group, Rule, broken};
use crate::{WINDOW, every_activation, tiny};
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeSet;
use tacit_argument::field::F;
use tacit_training::config::{Activation, Loss, Order, RunConfig, Schedule};
use tacit_training::relation::{StartWeights, model_payload};
use tacit_training::trainer::{Data, ModelState};

fn net() -> RunConfig {
    tiny(&[(3, Activation::Relu), (2, Activation::Identity)], 3, Loss::BceWithLogits)
}

const HIDDEN: StartWeights = StartWeights::Committed(Some(WINDOW));

/// Rejected in exactly the groups of the relations that the trace breaks, `expected` among them.
fn rejects(f: &Forgery<'_>, expected: &[Rule]) {
    let rules = broken(f);
    for rule in expected {
        assert!(rules.contains(rule), "{rule:?} holds; broken: {rules:?}");
    }
    let groups: BTreeSet<Group> = rules.iter().map(|r| r.group()).collect();
    assert_eq!(f.rejected_by(), groups, "{rules:?}");
}

/// `executed` instead of `claimed`, with everything that can be derived under the claim derived again.
fn other_execution(claimed: &RunConfig, executed: &RunConfig, expected: &[Rule]) {
    let rows = data(claimed);
    let mut f = Forgery::of(claimed, executed, 0, HIDDEN, (&start(claimed), &rows));
    rejects(&f, expected);
    f.derive_all();
    // With W_out made to fit, the steps themselves do not.
    rejects(&f, &[Rule::Forward(0)]);
}

#[test]
fn another_learning_rate() {
    let claimed = net();
    let mut executed = claimed.clone();
    executed.schedule.rates = Schedule::encode_rates(&[128, 96, 64]);
    other_execution(&claimed, &executed, &[Rule::Update(0), Rule::Update(1)]);
}

#[test]
fn a_step_skipped() {
    let claimed = net();
    let mut executed = claimed.clone();
    executed.schedule.rates = Schedule::encode_rates(&[128, 0, 64]);
    other_execution(&claimed, &executed, &[Rule::Update(0)]);
}

/// Only the last step's rate is another: no forward relation sees it, the update does.
#[test]
fn the_last_step_skipped() {
    let claimed = net();
    let mut executed = claimed.clone();
    executed.schedule.rates = Schedule::encode_rates(&[128, 64, 0]);
    let f = Forgery::of(&claimed, &executed, 0, HIDDEN, (&start(&claimed), &data(&claimed)));
    assert!(broken(&f).iter().all(|r| matches!(r, Rule::Update(_) | Rule::Forward(_) | Rule::Backward(_))));
    rejects(&f, &[Rule::Update(0), Rule::Update(1)]);
}

/// A padding step that trains: four steps executed, three claimed.
#[test]
fn a_padding_step_that_trains() {
    let claimed = net();
    let mut executed = claimed.clone();
    executed.schedule.total_steps = 4;
    executed.schedule.rates = Schedule::encode_rates(&[128, 64, 64, 64]);
    let f = Forgery::of(&claimed, &executed, 0, HIDDEN, (&start(&claimed), &data(&claimed)));
    rejects(&f, &[Rule::Update(0)]);
}

#[test]
fn another_order() {
    let claimed = net();
    let mut executed = claimed.clone();
    executed.order = Order::Shuffled { seed: [4; 32] };
    other_execution(&claimed, &executed, &[Rule::Forward(0)]);
    other_execution(&executed, &claimed, &[Rule::Forward(0)]);
    let mut reseeded = executed.clone();
    reseeded.order = Order::Shuffled { seed: [5; 32] };
    other_execution(&executed, &reseeded, &[Rule::Forward(0)]);
}

/// Four examples a batch under the mask of three: the padded batch is the same.
#[test]
fn an_example_behind_the_mask() {
    let claimed = net();
    let mut executed = claimed.clone();
    executed.schedule.batch = 4;
    other_execution(&claimed, &executed, &[Rule::Forward(0)]);
}

/// An unmasked example left out: three examples claimed, two executed.
#[test]
fn an_example_left_out() {
    let mut claimed = net();
    claimed.schedule.batch = 4;
    let mut executed = claimed.clone();
    executed.schedule.batch = 3;
    other_execution(&claimed, &executed, &[Rule::Forward(0)]);
}

/// The partial last batch left out of the epoch.
#[test]
fn the_partial_batch_dropped() {
    let claimed = net();
    let mut executed = claimed.clone();
    executed.schedule.drop_last = true;
    other_execution(&claimed, &executed, &[Rule::Forward(0)]);
}

fn with_other_data(config: &RunConfig, change: impl Fn(&mut Data)) -> Forgery<'_> {
    let committed = data(config);
    let mut trained = committed.clone();
    change(&mut trained);
    assert_ne!(trained, committed);
    let mut f = Forgery::of(config, config, 0, HIDDEN, (&start(config), &trained));
    f.data = tacit_training::validity::data_payload(&crate::common::data_record(config), &committed);
    f
}

#[test]
fn other_data_of_the_same_shape() {
    let config = every_activation(Loss::CrossEntropy);
    let mut f = with_other_data(&config, |d| d.features.iter_mut().for_each(|v| *v = -*v));
    // The prover's messages follow the data trained on: the columns it claims are not the committed ones.
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Gates]));
    f.derive_all();
    rejects(&f, &[Rule::Forward(0)]);
}

#[test]
fn one_example_swapped() {
    let config = net();
    let mut f = with_other_data(&config, |d| d.features.swap(0, 3));
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Gates]));
    f.derive();
    rejects(&f, &[Rule::Forward(0)]);
}

#[test]
fn a_label_flipped() {
    let config = net();
    let mut f = with_other_data(&config, |d| d.labels[5] ^= 1);
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Gates]));
    f.derive();
    rejects(&f, &[Rule::Backward(0), Rule::Update(1)]);
}

/// The start committed is not the start trained from.
#[test]
fn another_start() {
    let config = net();
    let state = start(&config);
    let mut other = state.clone();
    other.weights[1] += 1;
    let mut f = Forgery::honest(&config, &state, &data(&config));
    f.model_in = Some(model_payload(&config, &other.weights, None));
    // The prover's own weights are not the committed ones: the claim on W_0 and the range check see it.
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Weights, Group::Start(0)]));
    f.start = other.weights;
    f.derive();
    rejects(&f, &[Rule::Start(0), Rule::Update(0)]);
}

#[test]
fn another_public_start() {
    let config = net();
    let state = start(&config);
    let mut other: ModelState = state.clone();
    other.weights[0] -= 5;
    let public = StartWeights::Public(state.weights.clone());
    let f = Forgery::of(&config, &config, 0, public.clone(), (&state, &data(&config)));
    rejects(&f, &[]);
    assert!(f.rejected_by().is_empty());
    let mut f = Forgery::of(&config, &config, 0, public, (&other, &data(&config)));
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Weights]));
    f.derive_all();
    assert_eq!(f.rejected_by(), BTreeSet::from([Group::Weights]));
}

/// Any other W_out, by one unit of one weight.
#[test]
fn a_model_out_swapped_after() {
    let config = net();
    let f = Forgery::honest(&config, &start(&config), &data(&config));
    let trained: Vec<usize> = (0..f.model_out.len()).filter(|&i| f.model_out[i] != F::ZERO).collect();
    for i in trained {
        let mut f = f.clone();
        f.model_out[i] += F::ONE;
        let groups = f.rejected_by();
        assert_eq!(groups, BTreeSet::from([Group::Weights]), "cell {i}");
    }
}

/// D is zero on masked rows, whatever the loss layer's columns hold there: a gradient of its own for padding rows is not
/// the columns'.
#[test]
fn padding_rows_with_a_gradient() {
    for loss in [Loss::CrossEntropy, Loss::BceWithLogits, Loss::Mse] {
        let config = every_activation(loss);
        let mut f = Forgery::honest(&config, &start(&config), &data(&config));
        let masked = f.index.iter().position(Option::is_none).expect("every batch is padded");
        let last = f.layout.layers.len() - 1;
        assert_eq!(f.gradients[last][masked], F::ZERO);
        f.gradients[last][masked] = F::from_u64(9);
        f.derive_model_out();
        let groups = f.rejected_by();
        assert!(groups.contains(&Group::Gates), "{loss:?}: {groups:?}");
    }
}

/// Activations and gradients of the messages that are not the columns': every layer, inputs and gradients.
#[test]
fn virtual_quantities_that_are_not_the_columns() {
    let config = every_activation(Loss::CrossEntropy);
    let honest = Forgery::honest(&config, &start(&config), &data(&config));
    for l in 0..honest.layout.layers.len() {
        for gradient in [false, true] {
            let mut f = honest.clone();
            let columns = if gradient { &mut f.gradients[l] } else { &mut f.inputs[l] };
            columns[1] += F::ONE;
            f.derive_model_out();
            let groups = f.rejected_by();
            assert!(groups.contains(&Group::Gates), "layer {l}, gradient {gradient}: {groups:?}");
        }
    }
}
