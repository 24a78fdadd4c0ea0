//! Bytes that a thread holds, and the most that it held since the last reset.
//!
//! The verifier has no threads, so that what its thread holds is what it holds.
#![allow(unsafe_code, reason = "an allocator that counts has no safe form")]
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// An allocator that keeps its pages, counting: the system's gives them back after every file, and half of a verification's
/// time went to getting them again.
pub struct Counting;

fn count(change: isize) {
    // A thread that ends frees after its cell is gone.
    let _ = HELD.try_with(|h| {
        let (now, most) = h.get();
        let now = now + change;
        h.set((now, most.max(now)));
    });
}

// SAFETY: every call goes to that allocator with the arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { MiMalloc.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { MiMalloc.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both exist for a moment where the block moves.
        count(size as isize);
        count(-(layout.size() as isize));
        unsafe { MiMalloc.realloc(at, layout, size) }
    }
}

/// Runs `work`; returns the most bytes that its thread held beyond what it held before. 0 where [`Counting`] is not the
/// allocator.
pub fn most_bytes<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.with(|h| {
        let now = h.get().0;
        h.set((now, now));
        now
    });
    let out = work();
    (out, HELD.with(|h| h.get().1 - before).unsigned_abs())
}
