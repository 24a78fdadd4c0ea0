//! Digests of proofs that are made without any randomness: builds for different instruction sets must print the same.
//!
//! Built without the feature `parallel`, whose grinding takes whichever nonce comes first. `make simd`
#[allow(clippy::unwrap_used)]
#[path = "../tests/common/mod.rs"]
mod common;

use common::{config, layer, logistic, perceptron, prove};
use tacit_argument::entropy::Entropy;
use tacit_training::config::{Activation, Loss, NormBits, RunConfig, Schedule};
use tacit_training::file::{Kind, encode};

fn smooth() -> RunConfig {
    let layers = vec![layer(5, 3, Activation::Sigmoid), layer(3, 3, Activation::Tanh), layer(3, 2, Activation::Relu)];
    config(layers, Loss::Mse)
}

fn momentum() -> RunConfig {
    let mut config = perceptron();
    (config.scales.kappa, config.schedule.filter) = (4, vec![16, 14, 13]);
    (config.schedule.total_steps, config.schedule.chunk_steps) = (6, 4);
    config.schedule.rates = Schedule::encode_rates(&[1; 6]);
    config
}

fn bounded() -> RunConfig {
    let mut config = perceptron();
    (config.norms, config.carry_bits) = (Some(NormBits { z: 34, q: 32 }), Some(33));
    config.schedule.average = Some(2);
    config
}

fn main() {
    Entropy::make_predictable();
    let cases =
        [("logistic", logistic()), ("perceptron", perceptron()), ("smooth", smooth()), ("momentum", momentum())];
    for (name, config) in cases.into_iter().chain([("bounded", bounded())]) {
        let (data, run) = prove(config, true);
        let bytes =
            [encode(Kind::Data, &(data.record, data.proof)), encode(Kind::Run, &run)].map(|b| b.expect("a file"));
        println!("{name} {} {}", bytes[0].len() + bytes[1].len(), blake3::hash(&bytes.concat()));
    }
}
