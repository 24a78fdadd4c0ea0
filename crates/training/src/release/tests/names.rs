//! Names of released tensors: every rule, for the prover and the verifier, and that the proof binds them.
use super::*;
use alloc::string::{String, ToString};
use tacit_argument::opening::OpeningError;

/// What the prover and the verifier say to changed names: the same.
fn refused(world: &mut World, change: impl FnOnce(&mut Vec<LayerNames>)) -> NameError {
    let mut release = world.release(12);
    let honest = world.names.clone();
    change(&mut world.names);
    release.statement.names = world.names.clone();
    let permit = release_rules(&world.statement, 12, &public()).unwrap();
    let proving = prove_release(&world.input(), permit, &SECRET).err().unwrap();
    world.names = honest;
    let ReleaseRejected::Names(by_verifier) = world.verify(&release).unwrap_err() else { panic!("another check") };
    let ReleaseError::Statement(ReleaseRejected::Names(by_prover)) = proving else { panic!("{proving}") };
    assert_eq!(by_prover, by_verifier);
    by_verifier
}

#[test]
fn every_rule() {
    let mut world = World::new(perceptron());
    let cases: [(&dyn Fn(&mut Vec<LayerNames>), NameError); 15] = [
        (&|n| n.truncate(1), NameError::Count { expected: 2, got: 1 }),
        (&|n| n.push(("2.weight".into(), None)), NameError::Count { expected: 2, got: 3 }),
        (&|n| n[1].1 = None, NameError::Bias { layer: 1, bias: true }),
        (&|n| n[0].0 = String::new(), NameError::Length { layer: 0, got: 0 }),
        (&|n| n[1].1 = Some("b".repeat(MAX_NAME + 1)), NameError::Length { layer: 1, got: MAX_NAME + 1 }),
        (&|n| n[0].0 = "red\u{1b}[31m".into(), NameError::Control { layer: 0, code: 0x1b }),
        (&|n| n[0].0 = "0.weight\u{200b}".into(), NameError::Control { layer: 0, code: 0x200b }),
        (&|n| n[1].0 = "\u{202e}thgiew".into(), NameError::Control { layer: 1, code: 0x202e }),
        (&|n| n[0].0 = "0\u{2028}w".into(), NameError::Control { layer: 0, code: 0x2028 }),
        (&|n| n[0].0 = "0.\u{e000}".into(), NameError::Control { layer: 0, code: 0xe000 }),
        (&|n| n[0].0 = "0.\u{e0041}".into(), NameError::Control { layer: 0, code: 0xe0041 }),
        (&|n| n[1].0 = "__metadata__".into(), NameError::Reserved { layer: 1 }),
        (&|n| n[1].0 = "0.weight".into(), NameError::Duplicate { name: "0.weight".to_string() }),
        (&|n| n[0].1 = Some("0.weight".into()), NameError::Duplicate { name: "0.weight".to_string() }),
        (&|n| n[1].1 = Some("0.bias".into()), NameError::Duplicate { name: "0.bias".to_string() }),
    ];
    for (change, expected) in cases {
        assert_eq!(refused(&mut world, change), expected);
    }
    let mut config = perceptron();
    config.architecture.layers[0].bias = false;
    let got = refused(&mut World::new(config), |n| n[0].1 = Some("0.bias".into()));
    assert_eq!(got, NameError::Bias { layer: 0, bias: false });
}

#[test]
fn names_at_the_limit_verify() {
    let mut world = World::new(perceptron());
    world.names[0].0 = "w".repeat(MAX_NAME);
    world.names[1].1 = Some("é".into());
    let release = world.release(12);
    world.verify(&release).unwrap();
    assert_eq!(release.statement.names, world.names);
}

#[test]
fn the_proof_binds_the_names() {
    let world = World::new(config(
        vec![layer(5, 5, Activation::Relu), layer(5, 5, Activation::Relu), layer(5, 2, Activation::Identity)],
        Loss::CrossEntropy,
    ));
    let good = world.release(12);
    let changes: [&dyn Fn(&mut Vec<LayerNames>); 3] =
        [&|n| n[2].0 = "head.weight".into(), &|n| n.swap(0, 1), &|n| n[0].1 = Some("0.biases".into())];
    for change in changes {
        let mut release = good.clone();
        change(&mut release.statement.names);
        let e = world.verify(&release).unwrap_err();
        assert!(matches!(e, ReleaseRejected::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    }
}
