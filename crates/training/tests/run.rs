//! A run from end to end: committed, trained, proven, verified; and statements that are not its own.
#![allow(clippy::unwrap_used)]
mod common;
use common::{config, layer, logistic, perceptron, prove};
use tacit_training::config::{Activation, Loss, RunConfig};
use tacit_training::run::verify_run;
use tacit_training::validity::verify_data;

fn accepts(config: RunConfig, hidden: bool) {
    let (data, run) = prove(config, hidden);
    verify_data(&data.record, &data.proof).unwrap();
    let t = std::time::Instant::now();
    let verdict = verify_run(&run).unwrap();
    println!("verify {:?}, {} bytes", t.elapsed(), postcard::to_allocvec(&run).unwrap().len());
    for term in &verdict.soundness {
        println!("  2^{:8.2}  {}", term.bits, term.name);
    }
}

#[test]
fn logistic_regression() {
    accepts(logistic(), true);
}

#[test]
fn perceptron_with_softmax() {
    accepts(perceptron(), true);
}

#[test]
fn public_start() {
    accepts(perceptron(), false);
}

#[test]
fn deep_perceptron_with_every_activation() {
    let layers = vec![
        layer(5, 6, Activation::Relu),
        layer(6, 7, Activation::Sigmoid),
        layer(7, 4, Activation::Tanh),
        layer(4, 3, Activation::Identity),
        layer(3, 2, Activation::Identity),
    ];
    accepts(config(layers, Loss::Mse), true);
}
