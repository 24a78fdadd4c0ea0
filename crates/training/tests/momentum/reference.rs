//! The update rule and its coefficients against their definitions, in exact integers.
use crate::setup::{config, rows};
use tacit_training::coefficients::Coefficients;
use tacit_training::config::{Decay, Part, RunConfig, Schedule};
use tacit_training::nowrap::{Inequality, NoWrapError, check, check_run};
use tacit_training::trainer::{ChunkTrace, ModelState, train_chunk};

/// G_s = w_s A_s^T D_s of every step, from the columns of a trace.
fn gradients(config: &RunConfig, chunk: u32, trace: &ChunkTrace) -> Vec<Vec<i128>> {
    let batch = config.padded_batch() as usize;
    let first = config.chunk_start(chunk);
    let step = |s: usize| {
        let weight = i128::from(config.schedule.batch_weight(first + s as u32, config.scales.omega));
        let mut out = vec![];
        for l in 0..trace.layers.len() {
            let (a, d) = (trace.input(l), trace.gradient(l));
            for column in a.chunks(trace.height) {
                for unit in d.chunks(trace.height) {
                    let rows = s * batch..(s + 1) * batch;
                    let sum: i128 = rows.map(|x| i128::from(column[x]) * i128::from(unit[x])).sum();
                    out.push(weight * sum);
                }
            }
        }
        out
    };
    (0..trace.real_steps).map(step).collect()
}

/// Every chunk of a run with its start state.
fn chunks(config: &RunConfig) -> Vec<(ModelState, ChunkTrace)> {
    config.validate().unwrap();
    let data = rows(config);
    let n = config.weight_count();
    let weights = (0..n as i64).map(|i| (i * 7_654_321_987) % (1 << 32) - (1 << 31)).collect();
    let mut state = ModelState { weights, velocity: Some(vec![0; n]) };
    let mut out = vec![];
    for chunk in 0..config.chunks() {
        let trace = train_chunk(config, chunk, &state, &data).unwrap();
        let end = trace.end.state.clone();
        out.push((core::mem::replace(&mut state, end), trace));
    }
    out
}

fn nesterov(mut config: RunConfig) -> RunConfig {
    config.schedule.nesterov = true;
    config
}

#[test]
fn coefficients_give_the_end_of_every_chunk() {
    let mut long = config();
    long.schedule.filter = vec![16, 8];
    for config in [config(), nesterov(config()), long.clone(), nesterov(long)] {
        for (chunk, (start, trace)) in (0u32..).zip(chunks(&config)) {
            let (c, g) = (Coefficients::new(&config, chunk).unwrap(), gradients(&config, chunk, &trace));
            let (t, v) = (trace.real_steps, start.velocity.unwrap());
            // c_{t,s} and the state's coefficients have w_s inside, G_s too.
            let of = |coefficient: u128, s: usize| coefficient as i128 / i128::from(c.batch_weights()[s]);
            for i in 0..config.weight_count() {
                let moved: i128 = (0..t).map(|s| of(c.gradient(t, s), s) * g[s][i]).sum();
                let from = i128::from(start.weights[i]) << 4;
                let w = from - moved - c.velocity(t) as i128 * i128::from(v[i]);
                assert_eq!(i128::from(trace.end.weights[i]), w);
                let kept: i128 = (0..t).map(|s| of(c.state_gradient(s), s) * g[s][i]).sum();
                assert_eq!(i128::from(trace.end.velocity[i]), kept + i128::from(c.state_velocity()) * i128::from(v[i]));
            }
        }
    }
}

/// With mu = 1/2 and kappa = 5 a filter of 6 entries is exact for chunks of 4 steps, so the recurrence of PyTorch's SGD
/// gives the same weights: v = mu v + g; w -= lr v, or with Nesterov w -= lr (g + mu v).
#[test]
fn an_exact_filter_is_the_recurrence_of_pytorch() {
    for flag in [false, true] {
        let mut config = config();
        config.scales.kappa = 5;
        config.schedule.filter = vec![32, 16, 8, 4, 2, 1];
        config.schedule.nesterov = flag;
        for (chunk, (start, trace)) in (0u32..).zip(chunks(&config)) {
            let g = gradients(&config, chunk, &trace);
            let rates = config.schedule.rates_in(config.chunk_start(chunk), 4);
            let velocity = start.velocity.unwrap();
            for i in 0..config.weight_count() {
                // Everything times 2^10: kappa, and up to five halvings.
                let (mut w, mut v) = (i128::from(start.weights[i]) << 10, i128::from(velocity[i]) << 10);
                for (g, &rate) in g.iter().zip(&rates) {
                    v = v / 2 + (g[i] << 10);
                    w -= i128::from(rate) * if flag { (g[i] << 10) + v / 2 } else { v };
                }
                assert_eq!((v % 32, w % 32), (0, 0));
                assert_eq!(i128::from(trace.end.velocity[i]), v >> 5);
                assert_eq!(i128::from(trace.end.weights[i]), w >> 5);
            }
        }
    }
}

/// sum_t e_t c_{t,.} for arbitrary e, and what only the relation reads.
#[test]
fn combined_coefficients_are_sums_over_steps() {
    use p3_field::PrimeCharacteristicRing;
    use tacit_argument::field::F;
    for config in [config(), nesterov(config())] {
        for chunk in 0..3 {
            let c = Coefficients::new(&config, chunk).unwrap();
            let e: Vec<F> = (0..5).map(|i| F::from_u64(i * i * 77 + 3)).collect();
            let big = |x: u128| F::from_u64(u64::try_from(x).unwrap());
            let over_steps = |f: &dyn Fn(usize) -> u128| (0..5).map(|t| e[t] * big(f(t))).sum::<F>();
            let alpha: Vec<F> = (0..4).map(|s| over_steps(&|t| if t > s { c.gradient(t, s) } else { 0 })).collect();
            assert_eq!(c.alpha(&e, 4), alpha);
            assert_eq!(c.velocity_weight(&e), over_steps(&|t| c.velocity(t)));
            assert_eq!(c.state_weights(4), (0..4).map(|s| big(c.state_gradient(s))).collect::<Vec<_>>());
        }
    }
}

#[test]
fn nesterov_reads_the_filter_one_step_ahead() {
    let mut schedule = config().schedule;
    assert_eq!(schedule.update_filter(), schedule.filter);
    schedule.nesterov = true;
    assert_eq!(schedule.update_filter(), [30, 13, 12, 10, 9]);
    schedule.filter = vec![16, 3];
    assert_eq!(schedule.update_filter(), [19]);
}

/// Bounds of W and V hold, grow with Nesterov, and are refused where a boundary's window is too small.
#[test]
fn bounds_follow_weights_and_velocity() {
    let plain = config();
    let of = |config: &RunConfig| check_run(config, 1 << 32).unwrap();
    for (a, b) in of(&plain).iter().zip(of(&nesterov(plain.clone()))) {
        assert!(a.w_out < b.w_out);
        assert_eq!(a.v_out, b.v_out);
    }
    for config in [plain.clone(), nesterov(plain.clone())] {
        for ((_, trace), bounds) in chunks(&config).iter().zip(of(&config)) {
            let within = |v: &[i64], bound: u128| v.iter().all(|v| u128::from(v.unsigned_abs()) <= bound);
            for (l, b) in bounds.layers.iter().enumerate() {
                let range = config.weight_offset(l)..config.weight_offset(l + 1);
                assert!(within(&trace.end.weights[range.clone()], b.w_max));
                assert!(within(&trace.end.velocity[range], b.v_max));
            }
        }
    }
    let refused = |config: &RunConfig, w_in: u128| match check(config, 0, w_in, 0) {
        Err(NoWrapError::Inequality { layer: 0, inequality, .. }) => inequality,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&plain, 1 << 47), Inequality::WeightBoundary);
    let mut heavy = plain.clone();
    heavy.scales.omega = 20;
    heavy.architecture.layers[0].q_bits = 16;
    heavy.schedule.rates = Schedule::encode_rates(&[0; 10]);
    assert_eq!(refused(&heavy, 1 << 32), Inequality::VelocityBoundary);
    // Without kappa nothing is rounded, and no window applies.
    let mut exact = plain;
    exact.scales.kappa = 0;
    exact.schedule.filter = vec![1, 1];
    assert!(!matches!(
        check(&exact, 0, 1 << 47, 0),
        Err(NoWrapError::Inequality { inequality: Inequality::WeightBoundary, .. })
    ));
}

#[test]
fn quotient_and_remainder_of_a_boundary_stay_below_p() {
    let mut config = config();
    for (kappa, bits) in [(0, 48), (4, 48), (15, 48), (16, 47)] {
        config.scales.kappa = kappa;
        config.schedule.decay = None;
        assert_eq!([Part::Weights, Part::Velocity].map(|p| config.boundary_bits(p, 0)), [bits; 2]);
        config.schedule.decay = Some(Decay { bits: 16, numerators: vec![1 << 16; 3] });
        assert_eq!(config.boundary_bits(Part::Weights, 0), 63 - 16 - kappa);
        assert_eq!(config.boundary_bits(Part::Velocity, 0), bits);
    }
}

/// n W_T + 2^(s-1) = 2^s W_out + rem with rem in [0, 2^s): the nearest integer to n / 2^bits W_T 2^-kappa.
#[test]
fn decay_multiplies_the_weights_at_a_boundary() {
    let mut decayed = config();
    decayed.schedule.decay = Some(Decay { bits: 10, numerators: vec![1000, 1, 1024] });
    for ((_, trace), n) in chunks(&decayed).iter().zip([1000, 1, 1024]) {
        let end = &trace.end;
        for ((&exact, &out), &rem) in end.weights.iter().zip(&end.state.weights).zip(&end.weight_rem) {
            assert_eq!(i128::from(exact) * n + (1 << 13), (i128::from(out) << 14) + i128::from(rem));
            assert!(rem < 1 << 14);
        }
        let velocity = end.state.velocity.as_ref().unwrap();
        for ((&exact, &out), &rem) in end.velocity.iter().zip(velocity).zip(&end.velocity_rem) {
            assert_eq!(i128::from(exact) + 8, (i128::from(out) << 4) + i128::from(rem));
        }
    }
    let (plain, bounds) = (check_run(&config(), 1 << 32).unwrap(), check_run(&decayed, 1 << 32).unwrap());
    assert_eq!(bounds[0].layers, plain[0].layers);
    let most = plain[0].layers.iter().map(|l| l.w_max).max().unwrap();
    assert_eq!(bounds[0].w_out, ((most * 1000) >> 14) + 1);
    assert_eq!(bounds[0].v_out, plain[0].v_out);
    assert!(bounds[1].w_out < plain[1].w_out >> 9);
}
