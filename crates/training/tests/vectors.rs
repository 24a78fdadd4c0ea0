//! The trainer repeats the runs of `tests/fixtures/arithmetic.txt`, written by the plain-integer reference in `spec`,
//! and the no-wrap check computes the bounds of `tests/fixtures/bounds.txt`, written by the planner.
#![allow(clippy::unwrap_used)]

use tacit_training::config::{
    Activation, Architecture, Decay, Layer, Loss, NormBits, Order, RunConfig, Scales, Schedule,
};
use tacit_training::nowrap::check_run;
use tacit_training::trainer::{Data, ModelState, Trainer, train_chunk};

const VECTORS: &str = include_str!("../../../tests/fixtures/arithmetic.txt");
const BOUNDS: &str = include_str!("../../../tests/fixtures/bounds.txt");

/// One run: its lines in order.
struct Case(Vec<(&'static str, Vec<i64>)>);

impl Case {
    fn all(&self, key: &str) -> Vec<&[i64]> {
        self.0.iter().filter(|(k, _)| *k == key).map(|(_, v)| v.as_slice()).collect()
    }

    fn one(&self, key: &str) -> &[i64] {
        let lines = self.all(key);
        assert_eq!(lines.len(), 1, "{key}");
        lines[0]
    }

    fn states(&self) -> Vec<ModelState> {
        let velocities = self.all("velocity");
        let weights = self.all("weights");
        let velocity = |i: usize| velocities.get(i).map(|v| v.to_vec());
        weights.iter().enumerate().map(|(i, w)| ModelState { weights: w.to_vec(), velocity: velocity(i) }).collect()
    }

    fn config(&self) -> RunConfig {
        let small = |v: i64| u32::try_from(v).unwrap();
        let layers = self.one("layers").chunks(6).map(|l| Layer {
            inputs: small(l[0]),
            outputs: small(l[1]),
            bias: l[2] == 1,
            activation: [Activation::Identity, Activation::Relu, Activation::Sigmoid, Activation::Tanh][l[3] as usize],
            z_bits: small(l[4]),
            q_bits: small(l[5]),
        });
        let (scales, schedule, bits) = (self.one("scales"), self.one("schedule"), self.one("bits"));
        let ends: Vec<Option<u32>> = self.one("ends").iter().map(|&v| (v > 0).then(|| small(v))).collect();
        let seed: Vec<u8> = self.one("seed").iter().map(|&b| u8::try_from(b).unwrap()).collect();
        RunConfig {
            architecture: Architecture {
                layers: layers.collect(),
                loss: [Loss::CrossEntropy, Loss::BceWithLogits, Loss::Mse][self.one("loss")[0] as usize],
            },
            scales: Scales {
                fa: small(scales[0]),
                fg: small(scales[1]),
                fw: small(scales[2]),
                kappa: small(scales[3]),
                omega: small(scales[4]),
            },
            schedule: Schedule {
                rows: small(schedule[0]),
                batch: small(schedule[1]),
                drop_last: schedule[2] == 1,
                total_steps: small(schedule[3]),
                chunk_steps: small(schedule[4]),
                rates: Schedule::encode_rates(self.one("rates")),
                filter: self.one("filter").to_vec(),
                nesterov: schedule[5] == 1,
                decay: self.decay(),
                average: ends[3],
            },
            order: seed.try_into().map_or(Order::Contiguous, |seed| Order::Shuffled { seed }),
            data_bits: small(bits[0]),
            target_bits: small(bits[1]),
            norms: ends[0].zip(ends[1]).map(|(z, q)| NormBits { z, q }),
            carry_bits: ends[2],
        }
    }

    fn decay(&self) -> Option<Decay> {
        let (bits, numerators) = self.one("decay").split_first()?;
        Some(Decay { bits: u32::try_from(*bits).unwrap(), numerators: numerators.to_vec() })
    }

    fn data(&self) -> Data {
        let narrow = |key| self.one(key).iter().map(|&v| i32::try_from(v).unwrap()).collect();
        Data { features: narrow("features"), labels: narrow("labels") }
    }
}

fn cases(text: &'static str) -> Vec<Case> {
    let mut out: Vec<Case> = Vec::new();
    for line in text.lines() {
        let (key, values) = line.split_once(':').unwrap();
        if key == "case" {
            out.push(Case(Vec::new()));
        }
        let values = values.split_whitespace().map(|v| v.parse().unwrap()).collect();
        out.last_mut().unwrap().0.push((key, values));
    }
    out
}

#[test]
fn trainer_repeats_the_reference() {
    let cases = cases(VECTORS);
    assert_eq!(cases.len(), 16);
    for (index, case) in cases.iter().enumerate() {
        let (config, data, states) = (case.config(), case.data(), case.states());
        let mut trainer = Trainer::new(&config, &states[0], &data).unwrap();
        let mut reached = vec![states[0].clone()];
        while trainer.step().unwrap() {
            reached.extend(trainer.state().cloned());
        }
        assert_eq!(reached, states, "case {index}");
    }
}

#[test]
fn chunks_repeat_the_reference() {
    for (index, case) in cases(VECTORS).iter().enumerate() {
        let (config, data, states) = (case.config(), case.data(), case.states());
        for (chunk, pair) in states.windows(2).enumerate() {
            let trace = train_chunk(&config, u32::try_from(chunk).unwrap(), &pair[0], &data).unwrap();
            assert_eq!(trace.end.state, pair[1], "case {index}, chunk {chunk}");
        }
    }
}

#[test]
fn planner_and_verifier_compute_the_same_bounds() {
    let cases = cases(BOUNDS);
    assert_eq!(cases.len(), 14);
    for (index, case) in cases.iter().enumerate() {
        let config = case.config();
        config.validate().unwrap();
        let got = check_run(&config, u128::try_from(case.one("start")[0]).unwrap()).unwrap();
        let got: Vec<i64> = got.iter().flat_map(|b| [b.w_out, b.v_out]).map(|b| i64::try_from(b).unwrap()).collect();
        assert_eq!(got, case.one("bounds"), "case {index}");
    }
}
