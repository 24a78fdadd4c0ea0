//! Memory that is freed during a piece of work is used again in it, and given back when the work ends.
//!
//! The allocator gives pages back a second after they were freed, and the kernel clears every page that is taken
//! again: half the processor time of proofs that commit large vectors, before this.
#![allow(unsafe_code, reason = "two settings of the allocator that its crate does not wrap")]
use std::ffi::{c_int, c_long};
use std::sync::Once;

/// `mi_option_purge_delay` of mimalloc 3: milliseconds from a page's last use to its return.
const PURGE_DELAY: c_int = 15;
/// Longer than any pause between two uses of a buffer within a proof.
const KEPT_MS: c_long = 100_000;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
    fn mi_collect(force: bool);
}

/// While this lives, freed memory stays with the process.
pub struct Kept(());

impl Kept {
    /// Sets the delay, unless the environment chose one.
    pub fn new() -> Self {
        static SET: Once = Once::new();
        SET.call_once(|| {
            if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
                // SAFETY: the functions of the linked allocator with its documented types; they may be called at any time.
                unsafe { mi_option_set(PURGE_DELAY, KEPT_MS) }
            }
        });
        Self(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: as above; it frees nothing that is in use.
        unsafe { mi_collect(true) }
    }
}
