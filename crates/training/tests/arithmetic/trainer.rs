//! Trainer and trace against the reference, bit for bit; and every way in which training stops.
use crate::naive::{self, Matrix};
use crate::{Random, data, layers, small, start, with_momentum};
use tacit_training::config::{Activation, ConfigError, Loss, Order, RunConfig, Scales, Schedule};
use tacit_training::trainer::{ChunkTrace, Data, LossTrace, ModelState, TrainError, Trainer, train_chunk};

/// Compares a column-major trace matrix with one matrix per step.
fn same<T: Copy + Into<i128>>(what: &str, got: &[T], steps: impl Iterator<Item = Matrix>, height: usize) {
    let rows: Vec<Vec<i128>> = steps.flatten().collect();
    assert_eq!(rows.len(), height, "{what}: height");
    assert_eq!(got.len(), height * rows[0].len(), "{what}: columns");
    for (x, row) in rows.iter().enumerate() {
        for (j, &v) in row.iter().enumerate() {
            assert_eq!(got[j * height + x].into(), v, "{what}: row {x}, column {j}");
        }
    }
}

fn remainders(raw: &Matrix, quotient: &Matrix, shift: u32) -> Matrix {
    let rem = |v: &i128, q: &i128| if shift == 0 { 0 } else { v + (1 << (shift - 1)) - (q << shift) };
    raw.iter().zip(quotient).map(|(r, q)| r.iter().zip(q).map(|(v, q)| rem(v, q)).collect()).collect()
}

fn compare(config: &RunConfig, trace: &ChunkTrace, reference: &naive::NaiveChunk) {
    let (f, height) = (config.weight_bits(), config.rows_per_chunk());
    let steps = || reference.steps.iter();
    assert_eq!(trace.height, height);
    let rows: Vec<Option<u32>> = steps().flat_map(|s| s.rows.iter().map(|r| r.map(|i| i as u32))).collect();
    assert_eq!(trace.rows, rows);
    let last = config.architecture.layers.len() - 1;
    for (l, x) in trace.layers.iter().enumerate() {
        same("z", &x.z, steps().map(|s| s.z[l].clone()), height);
        same("z_rem", &x.z_rem, steps().map(|s| remainders(&s.raw[l], &s.z[l], f)), height);
        same("A", &trace.input(l), steps().map(|s| s.a[l].clone()), height);
        same("D", &trace.gradient(l), steps().map(|s| s.d[l].clone()), height);
        if l == last {
            assert!(x.q.is_empty() && x.q_rem.is_empty());
        } else {
            same("q", &x.q, steps().map(|s| s.q[l].clone()), height);
            same("q_rem", &x.q_rem, steps().map(|s| remainders(&s.q_raw[l], &s.q[l], f)), height);
        }
        if config.architecture.layers[l].activation.is_smooth() {
            for (i, &rem) in x.d_rem.iter().enumerate() {
                assert_eq!(x.q[i] * x.deriv[i] + (1 << 11), (x.d[i] << 12) + rem as i32);
                assert!(rem < 1 << 12);
            }
        } else {
            assert!(x.act.is_empty() && x.deriv.is_empty() && x.d.is_empty() && x.d_rem.is_empty());
        }
    }
    assert_eq!(trace.end.state, reference.out);
    let wide = |v: &[i64]| v.iter().map(|&v| i128::from(v)).collect::<Vec<_>>();
    assert_eq!(wide(&trace.end.weights), reference.w);
    let kappa = config.scales.kappa;
    let check = |exact: &[i64], rounded: &[i64], rem: &[u64]| {
        assert_eq!(rem.len(), if kappa == 0 { 0 } else { exact.len() });
        for ((&v, &q), &r) in exact.iter().zip(rounded).zip(rem) {
            assert_eq!(v + (1 << (kappa - 1)), (q << kappa) + i64::try_from(r).unwrap());
            assert!(r < 1 << kappa);
        }
    };
    check(&trace.end.weights, &trace.end.state.weights, &trace.end.weight_rem);
    if let Some(v) = &trace.end.state.velocity {
        assert_eq!(wide(&trace.end.velocity), reference.v);
        check(&trace.end.velocity, v, &trace.end.velocity_rem);
    } else {
        assert!(trace.end.velocity.is_empty());
    }
    compare_loss(config, trace, reference);
}

fn compare_loss(config: &RunConfig, trace: &ChunkTrace, reference: &naive::NaiveChunk) {
    let height = trace.height;
    match &trace.loss {
        LossTrace::CrossEntropy { e, p, rem, argmax, max, sum } => {
            let softmax: Vec<_> = reference.steps.iter().flat_map(|s| &s.softmax).collect();
            same("e", e, [softmax.iter().map(|s| s.1.clone()).collect()].into_iter(), height);
            same("p", p, [softmax.iter().map(|s| s.2.clone()).collect()].into_iter(), height);
            same("rem", rem, [softmax.iter().map(|s| s.3.clone()).collect()].into_iter(), height);
            same("max", max, [softmax.iter().map(|s| vec![s.0]).collect()].into_iter(), height);
            same("sum", sum, [softmax.iter().map(|s| vec![s.1.iter().sum()]).collect()].into_iter(), height);
            same("argmax", argmax, [softmax.iter().map(|s| vec![s.4 as i128]).collect()].into_iter(), height);
        }
        LossTrace::BceWithLogits { sig } => {
            let table = |z: &i128| naive::sigmoid(config.scales.fa, config.scales.fg, *z);
            let of = |z: &Matrix| z.iter().map(|r| r.iter().map(table).collect()).collect();
            same("sig", sig, reference.steps.iter().map(|s| of(s.z.last().unwrap())), height);
        }
        LossTrace::Mse => assert_eq!(config.architecture.loss, Loss::Mse),
    }
}

/// Every chunk of a run, traced, and the run without a trace, against the reference.
fn agrees(config: &RunConfig, seed: u64) {
    config.validate().unwrap();
    let mut random = Random::new(seed);
    let data = data(config, &mut random);
    let begin = start(config, &mut random);
    let mut state = begin.clone();
    for chunk in 0..config.chunks() {
        let trace = train_chunk(config, chunk, &state, &data).unwrap();
        let reference = naive::chunk(config, chunk, &state, &data);
        compare(config, &trace, &reference);
        assert_eq!(trace.real_steps as u32, config.steps_in_chunk(chunk));
        state = trace.end.state;
    }
    assert_ne!(state.weights, begin.weights, "the run trained nothing");
    assert_eq!(Trainer::new(config, &begin, &data).unwrap().finish().unwrap(), state);
}

#[test]
fn every_activation_and_loss_with_and_without_momentum() {
    let activations = [Activation::Identity, Activation::Relu, Activation::Sigmoid, Activation::Tanh];
    for (i, activation) in activations.into_iter().enumerate() {
        for (j, loss) in [Loss::CrossEntropy, Loss::BceWithLogits, Loss::Mse].into_iter().enumerate() {
            let config = small(activation, loss);
            agrees(&config, (10 * i + j) as u64);
            agrees(&with_momentum(config), (100 + 10 * i + j) as u64);
        }
    }
}

#[test]
fn shapes_orders_and_batches() {
    let shuffled = Order::Shuffled { seed: [7; 32] };
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    config.order = shuffled.clone();
    agrees(&config, 1);
    config.schedule.drop_last = true;
    agrees(&config, 2);
    config.schedule.batch = 3;
    agrees(&config, 3);
    config.schedule.batch = 16;
    config.schedule.drop_last = false;
    agrees(&config, 4);
    config.architecture.layers = layers(&[5, 6, 4, 5, 2], Activation::Tanh, false);
    agrees(&with_momentum(config.clone()), 5);
    config.architecture.layers = layers(&[5, 2], Activation::Identity, true);
    agrees(&config, 6);
    config.schedule.chunk_steps = 8;
    agrees(&config, 7);
    config.schedule.chunk_steps = 1;
    agrees(&with_momentum(config), 8);
}

#[test]
fn mixed_activations_and_a_layer_without_bias() {
    let mut config = small(Activation::Relu, Loss::Mse);
    config.architecture.layers = layers(&[5, 4, 6, 3, 3], Activation::Relu, true);
    config.architecture.layers[1].activation = Activation::Sigmoid;
    config.architecture.layers[1].bias = false;
    config.architecture.layers[2].activation = Activation::Identity;
    agrees(&config, 9);
}

/// Products beyond 2^53 and 2^62 go through the wider paths and give the same integers.
#[test]
fn wide_products_are_exact() {
    for fw in [40, 46] {
        let mut config = small(Activation::Relu, Loss::Mse);
        config.scales = Scales { fa: 12, fg: 12, fw, kappa: 0, omega: 10 };
        config.data_bits = 16;
        config.target_bits = 16;
        config.architecture.layers = layers(&[60, 4, 1], Activation::Relu, true);
        config.schedule.rates = Schedule::encode_rates(&[0, 1, 0, 0, 0, 0, 0]);
        let mut random = Random::new(11);
        let data = data(&config, &mut random);
        let bound = 1 << (fw - 4);
        let weights = (0..config.weight_count()).map(|_| random.range(-bound, bound)).collect();
        let begin = ModelState { weights, velocity: None };
        let trace = train_chunk(&config, 0, &begin, &data).unwrap();
        compare(&config, &trace, &naive::chunk(&config, 0, &begin, &data));
    }
}

fn attempt(config: &RunConfig, change: impl Fn(&mut Data, &mut ModelState)) -> TrainError {
    let mut random = Random::new(3);
    let mut data = data(config, &mut random);
    let mut state = start(config, &mut random);
    change(&mut data, &mut state);
    let traced = train_chunk(config, 0, &state, &data).unwrap_err();
    let plain = Trainer::new(config, &state, &data).and_then(Trainer::finish).unwrap_err();
    assert_eq!(traced, plain);
    traced
}

#[test]
fn a_forward_overflow_names_layer_step_value_and_remedy() {
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    config.architecture.layers[1].z_bits = 16;
    let error = attempt(&config, |data, state| {
        data.features.fill(0);
        state.weights.fill(0);
        // Output 2 sees only its bias: 41,233 / 2^8 in real numbers.
        let last = state.weights.len() - 1;
        state.weights[last] = 41_233 << (36 - 8);
    });
    assert_eq!(
        error.to_string(),
        "layer 2 (Linear 4->3) overflowed its 16-bit window at step 0: |z| = 41,233 > 32,767; \
         lower the learning rate or set a smaller scale (fewer fractional bits)"
    );
    assert!(matches!(
        error,
        TrainError::WindowOverflow { layer: 1, name: "z", step: 0, value: 41_233, window: 16, .. }
    ));
}

#[test]
fn a_negative_overflow_of_a_smaller_window() {
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    config.architecture.layers[0].z_bits = 10;
    let bias = |value: i64| {
        move |data: &mut Data, state: &mut ModelState| {
            data.features.fill(0);
            state.weights.fill(0);
            state.weights[5 * 4] = value << (36 - 8);
        }
    };
    let error = attempt(&config, bias(-513));
    assert_eq!(
        error.to_string(),
        "layer 1 (Linear 5->4) overflowed its 10-bit window at step 0: |z| = 513 > 512; \
         lower the learning rate or set window_bits=16"
    );
    // Both ends of the window are inside it, the next integers are not.
    assert!(matches!(attempt(&config, bias(512)), TrainError::WindowOverflow { value: 512, .. }));
    let mut random = Random::new(3);
    let mut data = data(&config, &mut random);
    let mut state = start(&config, &mut random);
    for value in [-512, 511] {
        bias(value)(&mut data, &mut state);
        let trace = train_chunk(&config, 0, &state, &data).unwrap();
        assert_eq!(i64::from(trace.layers[0].z[0]), value);
    }
}

#[test]
fn a_backward_overflow_is_named_q() {
    let mut config = small(Activation::Identity, Loss::CrossEntropy);
    config.architecture.layers[0].q_bits = 4;
    let error = attempt(&config, |_, _| {});
    assert!(matches!(error, TrainError::WindowOverflow { layer: 0, name: "q", window: 4, inputs: 5, outputs: 4, .. }));
}

/// The masked rows of a partial batch and of padding are in the proof, so their Z must fit as well.
#[test]
fn masked_rows_overflow_too() {
    let mut config = small(Activation::Identity, Loss::Mse);
    config.architecture.layers = layers(&[1, 1], Activation::Identity, true);
    config.schedule.rows = 3;
    config.schedule.total_steps = 1;
    config.schedule.rates = Schedule::encode_rates(&[0]);
    config.architecture.layers[0].z_bits = 10;
    let error = attempt(&config, |data, state| {
        // x = -1 and w = b: Z is 0 on every row but the masked one.
        data.features.fill(-256);
        state.weights.fill(600 << (36 - 8));
    });
    assert!(matches!(error, TrainError::WindowOverflow { value: 600, .. }));
    config.schedule.rows = 4;
    config.schedule.chunk_steps = 1;
    let data = Data { features: vec![-256; 4], labels: vec![0; 4] };
    let state = ModelState { weights: vec![600 << (36 - 8); 2], velocity: None };
    assert!(train_chunk(&config, 0, &state, &data).is_ok());
}

#[test]
fn weights_that_leave_64_bits() {
    let mut config = small(Activation::Identity, Loss::Mse);
    config.architecture.layers = layers(&[5, 1], Activation::Identity, true);
    config.schedule.rates = Schedule::encode_rates(&[1 << 40; 7]);
    let error = attempt(&config, |data, state| {
        data.features.fill(511);
        data.labels.fill(500);
        state.weights.fill(0);
    });
    assert_eq!(error, TrainError::WeightOverflow { layer: 0, name: "weight", step: 0 });
    assert_eq!(error.to_string(), "a weight of layer 1 left 64 bits at step 0; lower the learning rate");
    let error = attempt(&with_momentum(small(Activation::Relu, Loss::Mse)), |_, state| {
        state.velocity.as_mut().unwrap()[30] = i64::MAX / 2;
    });
    assert_eq!(error, TrainError::WeightOverflow { layer: 1, name: "velocity", step: 0 });
}

/// The largest D and A with the largest batch weight: 2^(30 + 15 + 2 + 20).
#[test]
fn a_gradient_that_leaves_64_bits() {
    let mut config = small(Activation::Identity, Loss::Mse);
    config.scales = Scales { fa: 1, fg: 15, fw: 36, kappa: 0, omega: 20 };
    (config.data_bits, config.target_bits) = (16, 16);
    config.architecture.layers = layers(&[5, 1], Activation::Identity, true);
    let error = attempt(&config, |data, state| {
        data.features.fill(i16::MAX.into());
        data.labels.fill(i16::MIN.into());
        state.weights.fill(0);
    });
    assert_eq!(error, TrainError::WeightOverflow { layer: 0, name: "gradient", step: 0 });
}

/// W_T = 2^63 - 1 fits 64 bits; rounded to 2^62 and scaled up again it does not.
#[test]
fn a_boundary_that_leaves_64_bits() {
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    config.scales.kappa = 1;
    config.schedule.filter = vec![2, 1];
    config.schedule.chunk_steps = 1;
    config.schedule.rates = Schedule::encode_rates(&[1, 0, 0, 0, 0, 0, 0]);
    let error = attempt(&config, |data, state| {
        data.features.fill(0);
        state.weights.fill(0);
        state.weights[0] = (1 << 62) - 1;
        state.velocity.as_mut().unwrap()[0] = -1;
    });
    assert_eq!(error, TrainError::WeightOverflow { layer: 0, name: "weight", step: 0 });
}

#[test]
fn bad_data_and_states_are_refused() {
    let config = small(Activation::Relu, Loss::CrossEntropy);
    let refuse =
        |change: fn(&mut Data, &mut ModelState), expected: TrainError| assert_eq!(attempt(&config, change), expected);
    refuse(|d, _| d.features.truncate(49), TrainError::DataLength { name: "features", expected: 50, got: 49 });
    refuse(|d, _| d.labels.push(0), TrainError::DataLength { name: "labels", expected: 10, got: 11 });
    refuse(|d, _| d.features[13] = 512, TrainError::FeatureRange { row: 2, column: 3, value: 512, bits: 10 });
    refuse(|d, _| d.labels[4] = 3, TrainError::LabelRange { row: 4, value: 3, least: 0, most: 2 });
    refuse(|_, s| s.weights.truncate(1), TrainError::StateLength { name: "weights", expected: 39, got: 1 });
    refuse(|_, s| s.velocity = Some(vec![0; 39]), TrainError::StateLength { name: "velocities", expected: 0, got: 39 });
    let bce = small(Activation::Relu, Loss::BceWithLogits);
    let error = attempt(&bce, |d, _| d.labels[7] = 2);
    assert_eq!(error, TrainError::LabelRange { row: 2, value: 2, least: 0, most: 1 });
    let mse = small(Activation::Relu, Loss::Mse);
    let error = attempt(&mse, |d, _| d.labels[0] = -1025);
    assert_eq!(error, TrainError::LabelRange { row: 0, value: -1025, least: -512, most: 511 });
    let mut broken = config.clone();
    broken.scales.fa = 0;
    let expected = ConfigError::Range { name: "fa", got: 0, least: 1, most: 14 };
    assert_eq!(attempt(&broken, |_, _| {}), TrainError::Config(expected));
    let (mut random, chunks) = (Random::new(1), config.chunks());
    let (data, state) = (data(&config, &mut random), start(&config, &mut random));
    let error = train_chunk(&config, chunks, &state, &data).unwrap_err();
    assert_eq!(error, TrainError::NoSuchChunk { chunk: 2, chunks: 2 });
}

#[test]
fn a_model_has_no_state_inside_a_chunk() {
    let config = small(Activation::Relu, Loss::CrossEntropy);
    let mut random = Random::new(1);
    let (data, state) = (data(&config, &mut random), start(&config, &mut random));
    let mut trainer = Trainer::new(&config, &state, &data).unwrap();
    assert_eq!(trainer.state(), Some(&state));
    for t in 1..=7 {
        assert!(trainer.step().unwrap());
        assert_eq!((trainer.steps(), trainer.state().is_some()), (t, t == 4 || t == 7));
    }
    assert!(!trainer.step().unwrap());
}
