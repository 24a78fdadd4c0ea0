//! The weights of a chunk are the stated linear function of its gradients, at every step.
use crate::naive::{self, flat};
use crate::{Random, data, small, start, with_momentum};
use p3_field::{Algebra, PrimeCharacteristicRing};
use tacit_argument::field::{E, F, basis};
use tacit_training::coefficients::Coefficients;
use tacit_training::config::{Activation, Loss, RunConfig};

fn identity(config: &RunConfig) {
    let mut random = Random::new(5);
    let data = data(config, &mut random);
    let mut state = start(config, &mut random);
    if let Some(v) = &mut state.velocity {
        v.iter_mut().for_each(|v| *v = random.range(-1 << 28, 1 << 28));
    }
    for chunk in 0..config.chunks() {
        let c = Coefficients::new(config, chunk).unwrap();
        let run = naive::chunk(config, chunk, &state, &data);
        // A_s^T D_s without the batch weight.
        let g: Vec<Vec<i128>> = run
            .steps
            .iter()
            .map(|s| {
                let of = |a: &naive::Matrix, d: &naive::Matrix| -> naive::Matrix {
                    let entry = |k: usize, j: usize| a.iter().zip(d).map(|(a, d)| a[k] * d[j]).sum();
                    (0..a[0].len()).map(|k| (0..d[0].len()).map(|j| entry(k, j)).collect()).collect()
                };
                flat(&s.a.iter().zip(&s.d).map(|(a, d)| of(a, d)).collect::<Vec<_>>())
            })
            .collect();
        let v_in = |i: usize| state.velocity.as_ref().map_or(0, |v| i128::from(v[i]));
        for (t, step) in run.steps.iter().enumerate() {
            for (i, &w) in flat(&step.w).iter().enumerate() {
                let sum: i128 = (0..t).map(|s| c.gradient(t, s) as i128 * g[s][i]).sum();
                let start = i128::from(c.start()) * i128::from(state.weights[i]);
                assert_eq!(w, start - sum - c.velocity(t) as i128 * v_in(i), "step {t}, weight {i}");
            }
        }
        for (i, &v) in run.v.iter().enumerate() {
            let sum: i128 = (0..c.real_steps()).map(|s| c.state_gradient(s) as i128 * g[s][i]).sum();
            assert_eq!(v, sum + i128::from(c.state_velocity()) * v_in(i), "velocity {i}");
        }
        state = run.out;
    }
}

#[test]
fn weights_are_linear_in_the_gradients() {
    for chunk_steps in [1, 2, 4, 8] {
        let mut config = small(Activation::Relu, Loss::CrossEntropy);
        config.schedule.chunk_steps = chunk_steps;
        identity(&config);
        identity(&with_momentum(config));
    }
}

/// alpha and the two other weights against their definitions, over any algebra.
fn sums<A: Algebra<F> + Copy + PartialEq>(config: &RunConfig, chunk: u32, e: &[A]) {
    let c = Coefficients::new(config, chunk).unwrap();
    let steps = config.schedule.chunk_steps as usize;
    let int = |v: u128| F::from_u64(u64::try_from(v).unwrap());
    let alpha = c.alpha(e, steps);
    assert_eq!(alpha.len(), steps);
    for (s, &got) in alpha.iter().enumerate() {
        let naive: A = (s + 1..e.len()).map(|t| e[t] * int(c.gradient(t, s))).sum();
        assert_eq!(got, naive, "alpha_{s}");
        assert!(s < c.real_steps() || got == A::ZERO);
    }
    let velocity: A = e.iter().enumerate().map(|(t, &e)| e * int(c.velocity(t))).sum();
    assert_eq!(c.velocity_weight(e), velocity);
    assert_eq!(c.start_weight(e), e.iter().copied().sum::<A>() * int(c.start().into()));
}

#[test]
fn alpha_is_the_weighted_sum_of_coefficients() {
    let mut random = Random::new(6);
    let config = small(Activation::Relu, Loss::CrossEntropy);
    for config in [config.clone(), with_momentum(config)] {
        for chunk in 0..config.chunks() {
            for len in [4, 5] {
                let base: Vec<F> = (0..len).map(|_| F::from_u64(random.word())).collect();
                let ext: Vec<E> =
                    (0..len).map(|_| (0..3).map(|i| basis(i) * F::from_u64(random.word())).sum()).collect();
                sums(&config, chunk, &base);
                sums(&config, chunk, &ext);
            }
        }
    }
}

#[test]
fn padding_steps_keep_the_last_coefficients() {
    let config = with_momentum(small(Activation::Relu, Loss::CrossEntropy));
    let c = Coefficients::new(&config, 1).unwrap();
    assert_eq!(c.real_steps(), 3);
    for s in 0..3 {
        assert_eq!(c.gradient(4, s), c.gradient(3, s));
    }
    assert_eq!((c.gradient(4, 3), c.gradient(2, 2)), (0, 0));
    assert_eq!(c.velocity(4), c.velocity(3));
    assert!(Coefficients::new(&config, 2).is_none());
}

#[test]
fn masses_bound_every_step() {
    let config = with_momentum(small(Activation::Relu, Loss::CrossEntropy));
    for chunk in 0..2 {
        let c = Coefficients::new(&config, chunk).unwrap();
        let rows = |s: usize| u128::from(config.schedule.batch_rows(config.chunk_start(chunk) + s as u32));
        let at = |t: usize| (0..t).map(|s| c.gradient(t, s) * rows(s)).sum::<u128>();
        assert_eq!(c.gradient_mass(), at(c.real_steps()));
        assert!((0..c.real_steps()).all(|t| at(t) <= c.gradient_mass()));
        assert_eq!(c.state_mass(), (0..c.real_steps()).map(|s| c.state_gradient(s) * rows(s)).sum::<u128>());
    }
}
