//! Runs work of the core without the GIL, on a thread of its own, while this one answers signals and shows progress.
use crate::errors::Failed;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Steps that a progress bar has, whatever the work.
const STEPS: usize = 1000;

/// What a job is expected to take, stage by stage, and in which stage it is.
struct Course {
    seconds: Vec<f64>,
    stage: AtomicUsize,
}

impl Course {
    /// The share of the work that is done, `elapsed` seconds into a stage. A stage that takes longer than expected
    /// approaches its end without reaching it.
    fn done(&self, stage: usize, elapsed: f64) -> f64 {
        let length = self.seconds.get(stage).copied().unwrap_or(0.0).max(1e-3);
        let share = elapsed / length;
        let share = if share < 0.9 { share } else { 1.0 - 0.1 / (1.0 + (share - 0.9) * 10.0) };
        let before: f64 = self.seconds.iter().take(stage).sum();
        let total: f64 = self.seconds.iter().sum();
        ((before + share * length) / total.max(1e-3)).min(1.0)
    }
}

/// Runs `job`, which says as it begins each stage; calls `progress(done, total)` several times a second. `seconds` is
/// what each stage is expected to take. Ctrl-C returns at once: the job's result is then dropped unseen.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    seconds: Vec<f64>,
    job: impl FnOnce(&dyn Fn(usize)) -> Result<T, Failed> + Send + 'static,
) -> PyResult<T> {
    let (send, receive) = channel();
    let course = Arc::new(Course { seconds, stage: AtomicUsize::new(0) });
    let shared = Arc::clone(&course);
    std::thread::spawn(move || {
        let begins = |stage| shared.stage.store(stage, Ordering::Relaxed);
        let result = catch_unwind(AssertUnwindSafe(|| job(&begins)));
        let _ = send
            .send(result.unwrap_or_else(|_| Err(Failed::usage("internal error: the core panicked; please report it"))));
    });
    let (mut stage, mut since) = (0, Instant::now());
    let result = wait(py, receive, |py| {
        let now = course.stage.load(Ordering::Relaxed);
        if now != stage {
            (stage, since) = (now, Instant::now());
        }
        let done = course.done(stage, since.elapsed().as_secs_f64());
        report(py, progress.as_ref(), (done * STEPS as f64) as usize)
    })?;
    report(py, progress.as_ref(), STEPS)?;
    Ok(result)
}

/// Reads a public file without the GIL, on a thread of its own, so that Ctrl-C returns at once. Verifiers do not panic;
/// should one do so nevertheless, the file is rejected.
pub fn fenced<T: Send + 'static>(
    py: Python<'_>,
    job: impl FnOnce() -> Result<T, Failed> + Send + 'static,
) -> PyResult<T> {
    let (send, receive) = channel();
    let panicked = |_| {
        Err(Failed::rejected("proof", "Panic", "internal error: the verifier panicked on this file; please report it"))
    };
    std::thread::spawn(move || {
        let _ = send.send(catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(panicked));
    });
    wait(py, receive, |_| Ok(()))
}

/// Waits for a result without the GIL, answers signals several times a second, and calls `tick` as often.
fn wait<T: Send>(
    py: Python<'_>,
    receive: Receiver<Result<T, Failed>>,
    mut tick: impl FnMut(Python<'_>) -> PyResult<()>,
) -> PyResult<T> {
    let receive = Mutex::new(receive);
    loop {
        let got = py.detach(|| match receive.lock() {
            Ok(channel) => channel.recv_timeout(Duration::from_millis(100)),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        });
        match got {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals()?;
                tick(py)?;
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failed::usage("internal error: the work was lost").into());
            }
        }
    }
}

fn report(py: Python<'_>, progress: Option<&Py<PyAny>>, done: usize) -> PyResult<()> {
    progress.map_or(Ok(()), |p| p.call1(py, (done, STEPS)).map(|_| ()))
}
