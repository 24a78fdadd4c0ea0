//! Tables against the real functions, the definition and known digests.
use crate::naive;
use sha2::{Digest, Sha256};
use tacit_training::tables::{
    SIZE, ZERO, exp_table, sigmoid_derivative_table, sigmoid_table, tanh_derivative_table, tanh_table,
};

/// Every entry is the real value rounded half up, unless that is within 2^-20 of a tie.
fn rounds(table: &[i32], first: i64, bits: u32, value: impl Fn(f64) -> f64) {
    assert_eq!(table.len(), SIZE);
    for (i, &got) in table.iter().enumerate() {
        let real = value((first + i as i64) as f64) * f64::from(1u32 << bits);
        let tie = (real - real.floor() - 0.5).abs();
        if tie > (-20f64).exp2() {
            assert_eq!(f64::from(got), (real + 0.5).floor(), "entry {i}");
        } else {
            assert!((f64::from(got) - real).abs() < 0.500_001, "entry {i}");
        }
    }
}

fn digest(table: &[i32]) -> String {
    let bytes: Vec<u8> = table.iter().flat_map(|v| v.to_be_bytes()).collect();
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn signed(table: Vec<u32>) -> Vec<i32> {
    table.into_iter().map(|v| v as i32).collect()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[test]
fn tables_round_the_real_functions() {
    let half = -(ZERO as i64);
    for fa in [4, 8, 11, 14] {
        let x = |z: f64| z / f64::from(1u32 << fa);
        for fe in [10, 13, 15] {
            rounds(&signed(exp_table(fa, fe)), 0, fe, |d| (-x(d)).exp());
        }
        for bits in [fa, 12, 20] {
            rounds(&sigmoid_table(fa, bits), half, bits, |z| logistic(x(z)));
        }
        rounds(&sigmoid_derivative_table(fa), half, 12, |z| logistic(x(z)) * logistic(-x(z)));
        rounds(&tanh_table(fa), half, fa, |z| x(z).tanh());
        rounds(&tanh_derivative_table(fa), half, 12, |z| x(z).cosh().powi(-2));
    }
}

#[test]
fn tables_follow_the_definition() {
    for fa in [1, 8, 14] {
        let (exp, sig, dsig) = (exp_table(fa, 12), sigmoid_table(fa, 12), sigmoid_derivative_table(fa));
        let (tanh, dtanh) = (tanh_table(fa), tanh_derivative_table(fa));
        for i in (0..SIZE).step_by(97).chain([ZERO, SIZE - 1]) {
            let z = i as i128 - ZERO as i128;
            assert_eq!(i128::from(exp[i]), naive::exp(fa, 12, i as i128));
            assert_eq!(i128::from(sig[i]), naive::sigmoid(fa, 12, z));
            assert_eq!(i128::from(dsig[i]), naive::sigmoid_derivative(fa, z));
            assert_eq!(i128::from(tanh[i]), naive::tanh(fa, z));
            assert_eq!(i128::from(dtanh[i]), naive::tanh_derivative(fa, z));
        }
    }
}

/// SHA-256 of the entries as big-endian i32, from a Python implementation of the definition.
#[test]
fn known_digests() {
    let cases = [
        (signed(exp_table(8, 13)), "1b3662ad73e9c248a71d4f9b623a64fd745235d28933472ba0143eabd6ee89c6"),
        (sigmoid_table(8, 8), "c5930f1b97fd6d2f08fe6da3ac9165fb607d4f3c7f4fdfc4821fd70dc8824568"),
        (sigmoid_table(8, 12), "729c9937af9e79f4c9c32d39e53344e350ac576872630cab0ab2e1aa5d9befc4"),
        (sigmoid_derivative_table(8), "30f14345e115027fb87adf06374fa9b832fe4c7c5ebd33a9a401c5407f900b1a"),
        (tanh_table(8), "3f6b452febbc9b3af379367c4b0cb2ef345174f94d0bd64e45c557172b532e92"),
        (tanh_derivative_table(8), "fffd50c463b73764208424bbe1a79ca180e360a71e67d7c4e2ec5216802eca0b"),
        (signed(exp_table(11, 13)), "cab3b57a52c6c4c0a9681565158ae78338a4a766881f992f6580651a8c65b98c"),
        (sigmoid_table(11, 11), "18cb8d8620fe1983eef3fb46ffe67618b121fabbf014cd366f277805306e1cd1"),
        (sigmoid_table(11, 12), "8bb0f35d138ffb35c98463e7a5b0df262fe7e0ef41c303ff0f69343c194a7ebd"),
        (sigmoid_derivative_table(11), "13053b5842fef7198a9598c1075fc963eedd43f1baef2dcb3d6fb5ca97e48078"),
        (tanh_table(11), "61e34cc44664d681be6d22b8caaa20cb7820fa810481db3c1016e5917246a2e7"),
        (tanh_derivative_table(11), "b1d21826313571711ef009f444c60ed1ce78fe73a0a4c97f6c5bd4b32c7774ce"),
    ];
    for (table, expected) in cases {
        assert_eq!(digest(&table), expected);
    }
}

#[test]
fn ends_symmetry_and_monotony() {
    for fa in [6, 8, 12] {
        let exp = exp_table(fa, 13);
        assert_eq!(exp[0], 1 << 13);
        assert!(exp.windows(2).all(|w| w[0] >= w[1]));
        let (sig, tanh) = (sigmoid_table(fa, fa), tanh_table(fa));
        let (dsig, dtanh) = (sigmoid_derivative_table(fa), tanh_derivative_table(fa));
        assert_eq!((sig[ZERO], tanh[ZERO], dsig[ZERO], dtanh[ZERO]), (1 << (fa - 1), 0, 1 << 10, 1 << 12));
        for t in [&sig, &tanh] {
            assert!(t.windows(2).all(|w| w[0] <= w[1]));
        }
        for z in 1..ZERO {
            assert_eq!(dsig[ZERO + z], dsig[ZERO - z]);
            assert_eq!(dtanh[ZERO + z], dtanh[ZERO - z]);
            assert!(dsig[ZERO + z] <= dsig[ZERO + z - 1] && dtanh[ZERO + z] <= dtanh[ZERO + z - 1]);
            // Half up at ties is not symmetric, by one unit at most.
            assert!((0..=1).contains(&(sig[ZERO + z] + sig[ZERO - z] - (1 << fa))));
            assert!((0..=1).contains(&(tanh[ZERO + z] + tanh[ZERO - z])));
        }
        assert!(sig.iter().all(|&v| (0..=1 << fa).contains(&v)));
        assert!(tanh.iter().all(|&v| (-(1 << fa)..=1 << fa).contains(&v)));
    }
}
