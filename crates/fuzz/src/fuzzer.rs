//! Changes and verifies, thread by thread, until the time is over or something is wrong.
use crate::honest::Family;
use crate::meter::most_bytes;
use crate::random::Random;
use crate::tally::{Outcomes, Tally};
use crate::targets::{Change, Target, targets};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long, how, and on what.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long.
    pub time: Duration,
    /// Of the changes.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// Only targets whose names hold this.
    pub only: String,
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What.
    pub what: String,
    /// The target's name.
    pub target: String,
    /// The changed file.
    pub file: Vec<u8>,
}

/// The most that a verifier may spend on a file that it rejects: bytes, the file left out, and seconds.
const fn most(change: Change, length: usize) -> (usize, f64) {
    match change {
        Change::Anywhere => ((64 << 20) + 32 * length, 2.0),
        // Statements of up to 2^20 columns: what their layout and their lookups take.
        Change::Sizes => (2 << 30, 30.0),
    }
}

/// One target's turn: every target has the same time, so that where a file takes less, more are verified.
const TURN: Duration = Duration::from_millis(25);

/// How long this thread has been on a processor; where the system does not say so, how long ago the first call was. The
/// clock alone runs on while others work.
#[allow(unsafe_code, reason = "the thread's own clock has no safe form")]
fn on_cpu() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let mut told = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of this frame.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut told) } != 0;
    match (u64::try_from(told.tv_sec), u32::try_from(told.tv_nsec)) {
        (Ok(seconds), Ok(nanos)) if !failed => Duration::new(seconds, nanos),
        _ => START.elapsed(),
    }
}

/// Verifies one changed file.
fn one(target: &Target, bytes: &[u8], out: &mut Outcomes) -> Result<(), String> {
    let since = on_cpu();
    let (verdict, held) = most_bytes(|| catch_unwind(AssertUnwindSafe(|| target.verifier.verify(bytes))));
    let time = on_cpu().saturating_sub(since);
    out.files += 1;
    out.most_bytes = out.most_bytes.max((held, bytes.len()));
    out.slowest = out.slowest.max((time, bytes.len()));
    match verdict {
        Err(_) => return Err("the verifier panicked".into()),
        Ok(Ok(())) if target.honest(bytes) => out.honest += 1,
        Ok(Ok(())) => return Err("a changed file was accepted".into()),
        Ok(Err(check)) => {
            let of = out.rejected.entry(check).or_default();
            *of = (of.0 + 1, of.1 + time);
        }
    }
    let (most_held, longest) = most(target.change, bytes.len());
    if held > most_held {
        return Err(format!("the verifier held {held} bytes for a file of {}", bytes.len()));
    }
    if time.as_secs_f64() > longest {
        return Err(format!("a file of {} bytes took {time:?}", bytes.len()));
    }
    Ok(())
}

/// One thread's work.
fn work(targets: &[Target], options: &Options, thread: u64, stop: &AtomicBool) -> (Tally, Option<Finding>) {
    let mut r = Random(options.seed.wrapping_add(thread << 32));
    let (mut tally, end) = (Tally::default(), Instant::now() + options.time);
    let mut outcomes = vec![Outcomes::default(); targets.len()];
    let mut finding = None;
    while finding.is_none() && Instant::now() < end && !stop.load(Ordering::Relaxed) {
        // Inflated statements cost a second and a small number of them says much.
        let i = r.below(targets.len());
        let Some((target, out)) = targets.get(i).zip(outcomes.get_mut(i)) else { continue };
        let since = on_cpu();
        loop {
            let bytes = target.changed(&mut r);
            if bytes != target.file.bytes
                && let Err(what) = one(target, &bytes, out)
            {
                finding = Some(Finding { what, target: target.name.clone(), file: bytes });
                stop.store(true, Ordering::Relaxed);
                break;
            }
            if target.change == Change::Sizes || on_cpu().saturating_sub(since) > TURN {
                break;
            }
        }
        out.time += on_cpu().saturating_sub(since);
    }
    for (target, out) in targets.iter().zip(outcomes) {
        tally.targets.insert(target.name.clone(), out);
    }
    (tally, finding)
}

/// Fuzzes; returns what came out and the first thing that is wrong.
#[must_use]
pub fn fuzz(families: &[Family], options: &Options) -> (Tally, Option<Finding>) {
    let mut targets = targets(families);
    targets.retain(|t| t.name.contains(&options.only));
    let stop = AtomicBool::new(false);
    let results = std::thread::scope(|scope| {
        let (targets, stop) = (&targets, &stop);
        let threads: Vec<_> =
            (0..options.threads.max(1)).map(|i| scope.spawn(move || work(targets, options, i as u64, stop))).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let (mut tally, mut finding) = (Tally::default(), None);
    for result in results {
        // A panic outside of a verifier is the fuzzer's own.
        let (part, found) = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        tally.add(&part);
        finding = finding.or(found);
    }
    (tally, finding)
}
