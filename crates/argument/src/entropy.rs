//! Randomness of one proving attempt: XOF(fresh OS bytes || vault secret || digest of what is proven).
//!
//! Guarantees: two attempts never share a stream, even with equal inputs; a broken OS generator alone, or a
//! stolen vault secret alone, does not determine the streams. There is no seed parameter.
//! Source: protocol.md, section 5.5.
use crate::field::{E, F};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random generator failed")]
pub struct EntropyFailed;

/// The root of one attempt's randomness. Neither `Clone` nor `Serialize`; wiped when dropped.
pub struct Entropy {
    key: Zeroizing<[u8; 32]>,
    drawn: u64,
    #[cfg(feature = "testing")]
    script: alloc::collections::BTreeMap<&'static str, Vec<F>>,
}

#[cfg(feature = "testing")]
static PREDICTABLE: core::sync::atomic::AtomicBool = core::sync::atomic::AtomicBool::new(false);

impl Entropy {
    /// Reads 32 fresh bytes from the operating system and binds the vault's secret and the witness digest.
    ///
    /// # Errors
    /// [`EntropyFailed`] if the operating system gives no bytes.
    pub fn fresh(vault_secret: &[u8; 32], digest: &[u8; 32]) -> Result<Self, EntropyFailed> {
        let mut os = Zeroizing::new([0u8; 32]);
        getrandom::fill(os.as_mut_slice()).map_err(|_| EntropyFailed)?;
        #[cfg(feature = "testing")]
        if PREDICTABLE.load(core::sync::atomic::Ordering::Relaxed) {
            os.fill(0);
        }
        let mut hasher = blake3::Hasher::new_derive_key("tacit 2026 entropy v1");
        hasher.update(os.as_slice());
        hasher.update(vault_secret);
        hasher.update(digest);
        let mut key = Zeroizing::new([0u8; 32]);
        hasher.finalize_xof().fill(key.as_mut_slice());
        Ok(Self {
            key,
            drawn: 0,
            #[cfg(feature = "testing")]
            script: alloc::collections::BTreeMap::new(),
        })
    }

    /// For tests: from now on, in this process, the operating system's bytes are zeros.
    #[cfg(feature = "testing")]
    pub fn make_predictable() {
        PREDICTABLE.store(true, core::sync::atomic::Ordering::Relaxed);
    }

    /// For tests: the draws of these labels are the ones given, each once; the others stay fresh.
    ///
    /// # Panics
    /// If the operating system gives no bytes.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn scripted(script: alloc::collections::BTreeMap<&'static str, Vec<F>>) -> Self {
        let fresh = Self::fresh(&[0; 32], &[0; 32]);
        #[allow(clippy::expect_used, reason = "no build but a test's has this function")]
        Self { script, ..fresh.expect("random bytes") }
    }

    /// A generator of its own for one use; every call gives an independent stream.
    pub fn stream(&mut self, label: &str) -> ChaCha20Rng {
        self.drawn += 1;
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&self.drawn.to_be_bytes());
        hasher.update(label.as_bytes());
        ChaCha20Rng::from_seed(*hasher.finalize().as_bytes())
    }

    /// `n` uniform elements of F, drawn in parallel from independent streams.
    pub fn uniform(&mut self, label: &str, n: usize) -> Vec<F> {
        const CHUNK: usize = 1 << 14;
        #[cfg(feature = "testing")]
        if let Some(given) = self.script.remove(label) {
            assert_eq!(given.len(), n, "the script's {label}");
            return given;
        }
        let mut root = self.stream(label);
        let seeds: Vec<[u8; 32]> = (0..n.div_ceil(CHUNK))
            .map(|_| {
                let mut s = [0u8; 32];
                root.fill_bytes(&mut s);
                s
            })
            .collect();
        let mut out = F::zero_vec(n);
        out.par_chunks_mut(CHUNK).zip(seeds).for_each(|(chunk, seed)| {
            let mut rng = ChaCha20Rng::from_seed(seed);
            chunk.iter_mut().for_each(|x| *x = uniform_base(&mut rng));
        });
        out
    }

    /// `n` uniform elements of E.
    pub fn uniform_ext(&mut self, label: &str, n: usize) -> Vec<E> {
        let mut base = self.uniform(label, 3 * n);
        let out = base.chunks_exact(3).map(|c| E::new([c[0], c[1], c[2]])).collect();
        crate::hiding::wipe(&mut base);
        out
    }
}

/// One uniform element of F by rejection (a rejection has probability 2^-32).
pub fn uniform_base(rng: &mut ChaCha20Rng) -> F {
    loop {
        let x = rng.next_u64();
        if x < crate::field::P {
            return F::from_u64(x);
        }
    }
}
