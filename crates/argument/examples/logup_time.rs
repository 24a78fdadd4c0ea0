//! Prints the prover's time per fraction: `cargo run --release --features parallel --example logup_time [log_leaves ...]`.
use p3_field::{Field, PrimeCharacteristicRing};
use std::time::Instant;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F};
use tacit_argument::hiding::{MaskedMessages, Masker, Reduction, Secrets};
use tacit_argument::logup::{logup_check, logup_proof};
use tacit_argument::transcript::Transcript;

/// 7/8 lookups into a table of 1/8 of the leaves.
fn leaves(log_leaves: usize, alpha: E) -> (Vec<F>, Vec<E>) {
    let (n, table) = (1 << log_leaves, (1 << log_leaves) / 8);
    let lookups = n - table;
    let value = |i: usize| (i.wrapping_mul(0x9e37_79b9) >> 4) % table;
    let mut counts = vec![0u64; table];
    (0..lookups).for_each(|i| counts[value(i)] += 1);
    let numerators = (0..n).map(|i| if i < lookups { F::ONE } else { -F::from_u64(counts[i - lookups]) }).collect();
    let denominators =
        (0..n).map(|i| alpha - F::from_usize(if i < lookups { value(i) } else { i - lookups })).collect();
    (numerators, denominators)
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![20, 22] } else { sizes };
    println!("vector width {}", <<F as Field>::Packing as p3_field::PackedValue>::WIDTH);
    for k in sizes {
        let transcript = || Transcript::new(b"logup_time", &[0; 32]);
        let (mut t, mut dry) = (transcript(), transcript());
        let mut counter = Reduction::dry(&mut dry);
        let _ = logup_check(&mut counter, k).expect("a dry run has every message");
        let schedule = counter.schedule();
        let mut best = f64::MAX;
        for _ in 0..3 {
            let mut entropy = Entropy::fresh(&[0; 32], &[0; 32]).expect("random bytes");
            let secrets = Secrets::draw(&schedule, &mut entropy);
            let mut prover = transcript();
            let alpha = prover.challenge() + E::new([F::ZERO, F::ONE, F::ZERO]);
            let (n, d) = leaves(k, alpha);
            let mut masker = Masker::new(&mut prover, secrets);
            let start = Instant::now();
            logup_proof(&mut masker, n, d).expect("the sum is zero");
            best = best.min(start.elapsed().as_secs_f64());
            let messages: MaskedMessages = masker.finish();
            assert_eq!(messages.messages.len(), schedule.messages);
        }
        let empty = MaskedMessages { messages: vec![E::ZERO; schedule.messages], ..Default::default() };
        let start = Instant::now();
        let _ = logup_check(&mut Reduction::new(&mut t, &empty), k).expect("every message is there");
        let check = start.elapsed().as_secs_f64();
        println!(
            "2^{k}: {best:.3} s, {:.1} ns per fraction, {} messages, {} products, check {:.2} ms",
            best * 1e9 / (1u64 << k) as f64,
            schedule.messages,
            schedule.products.len(),
            check * 1e3
        );
    }
}
