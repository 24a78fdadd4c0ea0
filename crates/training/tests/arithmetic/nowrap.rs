//! The no-wrap inequalities: what they accept, each of them failing, and the numbers that made them necessary.
use crate::{Random, data, layers, small, start, with_momentum};
use tacit_training::config::{Activation, Loss, RunConfig, Schedule};
use tacit_training::nowrap::{Inequality, NoWrapError, check, check_run, largest_chunk};
use tacit_training::trainer::train_chunk;

/// 784-128-10 on 5,000 rows in batches of 64, learning rate 1/8: rho = 1 at 8, 12, 29.
fn mnist() -> RunConfig {
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    config.architecture.layers = layers(&[784, 128, 10], Activation::Relu, true);
    config.scales.fw = 29;
    config.scales.omega = 0;
    config.data_bits = 9;
    config.schedule.rows = 5000;
    config.schedule.batch = 64;
    config.schedule.drop_last = true;
    config.schedule.total_steps = 78;
    config.schedule.chunk_steps = 128;
    config.schedule.rates = Schedule::encode_rates(&[1; 78]);
    config
}

fn fails(config: &RunConfig, w_in: u128, v_in: u128) -> (usize, Inequality, u32) {
    let error = check(config, 0, w_in, v_in).unwrap_err();
    assert!(!error.to_string().is_empty());
    match error {
        NoWrapError::Inequality { layer, inequality, left_log2 } => (layer, inequality, left_log2),
        NoWrapError::NoSuchChunk { .. } => panic!("{error}"),
    }
}

#[test]
fn mnist_fits_with_the_expected_bounds() {
    let bounds = check(&mnist(), 0, 1 << 31, 0).unwrap();
    let [hidden, output] = bounds.layers.as_slice() else { panic!("two layers") };
    assert_eq!((hidden.a, hidden.d), (1 << 8, 1 << 15));
    assert_eq!((output.a, output.d), (1 << 15, 1 << 12));
    assert_eq!(hidden.w_max, (1 << 31) + 78 * 64 * (1 << 23));
    assert_eq!(output.w_max, (1 << 31) + 78 * 64 * (1 << 27));
    assert_eq!((bounds.w_out, bounds.v_out, hidden.v_max), (output.w_max + 1, 0, 0));
}

/// The setting 11, 16, 36 with a 22-bit window and |A| = 2^20 reaches raw = 2^64: an accepted Z of 0 for a true Z of
/// 2^28. With |A| < 32 and |W| < 8 the product alone is beyond p.
#[test]
fn the_wrapping_run_of_the_review_is_refused() {
    let mut config = mnist();
    config.scales.fa = 11;
    config.scales.fg = 16;
    config.scales.fw = 36;
    config.architecture.layers = layers(&[784, 10], Activation::Identity, false);
    config.schedule.rates = Schedule::encode_rates(&[0; 78]);
    config.data_bits = 21;
    config.architecture.layers[0].z_bits = 22;
    // K = 784, a = 2^20, w = 0.327 in 36 bits.
    let w = 22_472_107_163;
    assert_eq!(fails(&config, w, 0), (0, Inequality::Forward, 64));
    config.data_bits = 17;
    assert_eq!(fails(&config, 8 << 36, 0), (0, Inequality::Forward, 64));
    config.data_bits = 12;
    assert!(check(&config, 0, w, 0).is_ok());
}

#[test]
fn every_inequality_can_fail() {
    let config = mnist();
    let mut c = config.clone();
    c.architecture.layers[1].z_bits = 34;
    assert_eq!(fails(&c, 1, 0), (1, Inequality::ForwardUnique, 63));
    let mut c = config.clone();
    c.architecture.layers[0].q_bits = 34;
    c.schedule.rates = Schedule::encode_rates(&[0; 78]);
    assert_eq!(fails(&c, 1, 0), (1, Inequality::BackwardUnique, 63));
    assert_eq!(fails(&config, 1 << 63, 0), (0, Inequality::Weights, 64));
    assert_eq!(fails(&config, 1 << 50, 0), (0, Inequality::Forward, 67));
    // A bottleneck: K = 2 inputs, 1,000 outputs.
    let mut c = config.clone();
    c.architecture.layers = layers(&[4, 1, 1000], Activation::Sigmoid, true);
    c.architecture.loss = Loss::BceWithLogits;
    c.scales.fg = 20;
    c.schedule.rates = Schedule::encode_rates(&[0; 78]);
    assert_eq!(fails(&c, 1 << 36, 0), (1, Inequality::Backward, 65));
    let momentum = with_momentum(small(Activation::Relu, Loss::CrossEntropy));
    let mut c = momentum.clone();
    c.schedule.rates = Schedule::encode_rates(&[0; 7]);
    assert_eq!(fails(&c, 1, 1 << 60), (0, Inequality::Velocity, 64));
    assert_eq!(fails(&c, 1, 1 << 58), (0, Inequality::VelocityBoundary, 57));
    assert!(check(&c, 0, 1, 1 << 46).is_ok());
    assert_eq!(fails(&c, 1 << 48, 0), (0, Inequality::WeightBoundary, 48));
    assert_eq!(fails(&momentum, 1, 1 << 58).1, Inequality::Weights);
    let mut c = small(Activation::Tanh, Loss::CrossEntropy);
    c.architecture.layers[0].q_bits = 51;
    c.schedule.rates = Schedule::encode_rates(&[0; 7]);
    assert_eq!(fails(&c, 1, 0), (0, Inequality::DerivativeUnique, 63));
    let mut c = small(Activation::Relu, Loss::CrossEntropy);
    c.scales.fg = 48;
    c.schedule.rates = Schedule::encode_rates(&[0; 7]);
    assert_eq!(fails(&c, 1, 0), (1, Inequality::Softmax, 64));
    c.scales.fg = 47;
    assert!(check(&c, 0, 1, 0).is_ok());
}

#[test]
fn errors_name_the_remedy() {
    let error = check(&mnist(), 0, 1 << 50, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer 1: K a w_max + 2^(z_bits+F-1) + 2^(F-1) < p fails (left side about 2^67); \
         use a smaller chunk_steps, smaller z_bits or q_bits, smaller norms, or a lower learning rate"
    );
    assert_eq!(check(&mnist(), 1, 1, 0), Err(NoWrapError::NoSuchChunk { chunk: 1, chunks: 1 }));
}

#[test]
fn squared_error_and_smooth_bounds() {
    let bounds = check(&small(Activation::Tanh, Loss::Mse), 0, 1 << 34, 0).unwrap();
    assert_eq!((bounds.layers[0].a, bounds.layers[0].d), (1 << 9, 1 << 15));
    assert_eq!((bounds.layers[1].a, bounds.layers[1].d), (1 << 8, ((1 << 15) + (1 << 9)) << 4));
}

#[test]
fn a_run_carries_its_bounds() {
    let config = with_momentum(small(Activation::Relu, Loss::CrossEntropy));
    let run = check_run(&config, 1 << 35).unwrap();
    assert_eq!(run.len(), 2);
    assert_eq!(check(&config, 1, run[0].w_out, run[0].v_out).as_ref(), Ok(&run[1]));
    assert!(run[0].w_out > 1 << 35 && run[0].v_out > 0);
}

#[test]
fn the_largest_chunk_is_the_largest_that_fits() {
    let mut config = mnist();
    config.schedule.total_steps = 1 << 12;
    config.schedule.rates = Schedule::encode_rates(&[1; 1 << 12]);
    let most = largest_chunk(&config, 1 << 31, 1 << 16).unwrap();
    assert!(most < 1 << 12);
    config.schedule.chunk_steps = most;
    assert!(check(&config, 0, 1 << 31, 0).is_ok());
    config.schedule.chunk_steps = 2 * most;
    assert!(check(&config, 0, 1 << 31, 0).is_err());
    assert_eq!(largest_chunk(&config, 1 << 31, 100), Some(most.min(64)));
    assert_eq!(largest_chunk(&config, 1 << 60, 1 << 16), None);
    assert_eq!(largest_chunk(&config, 1, 0), None);
}

/// What the bounds promise holds on real traces.
#[test]
fn bounds_hold_for_the_trainer() {
    let mut narrow = small(Activation::Relu, Loss::Mse);
    narrow.architecture.layers.iter_mut().for_each(|x| x.z_bits = 13);
    for config in [narrow, with_momentum(small(Activation::Sigmoid, Loss::CrossEntropy))] {
        let mut random = Random::new(2);
        let data = data(&config, &mut random);
        let mut state = start(&config, &mut random);
        for (chunk, bounds) in check_run(&config, 1 << 35).unwrap().into_iter().enumerate() {
            let trace = train_chunk(&config, chunk as u32, &state, &data).unwrap();
            for (l, bound) in bounds.layers.iter().enumerate() {
                let range = config.weight_offset(l)..config.weight_offset(l + 1);
                let most = |v: &[i64]| v.iter().map(|v| u128::from(v.unsigned_abs())).max().unwrap_or(0);
                assert!(most(&trace.end.weights[range.clone()]) <= bound.w_max);
                assert!(trace.end.velocity.is_empty() || most(&trace.end.velocity[range]) <= bound.v_max);
                assert!(trace.input(l).iter().all(|a| u128::from(a.unsigned_abs()) <= bound.a));
                assert!(trace.gradient(l).iter().all(|d| u128::from(d.unsigned_abs()) <= bound.d));
            }
            assert!(trace.end.state.weights.iter().all(|w| u128::from(w.unsigned_abs()) <= bounds.w_out));
            state = trace.end.state;
        }
    }
}

/// No configuration makes the check overflow.
#[test]
fn hostile_configurations_are_refused_quietly() {
    let mut config = with_momentum(small(Activation::Tanh, Loss::Mse));
    for bits in [0, 1, 63, 64, 127, 128, u32::MAX] {
        config.scales.fw = bits;
        config.scales.fg = bits;
        config.target_bits = bits;
        config.data_bits = bits;
        config.architecture.layers[0].z_bits = bits;
        config.architecture.layers[0].q_bits = bits;
        config.schedule.filter = vec![i64::MIN; 3];
        config.schedule.rates = vec![tacit_training::config::RateSpan { steps: 7, rate: i64::MIN }];
        assert!(check(&config, 0, u128::MAX, u128::MAX).is_err());
    }
}
