//! Runs work of the core without the GIL, on a thread of its own, while this one answers signals and shows progress.
use crate::errors::Failed;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Steps that a progress bar has, whatever the work.
const STEPS: usize = 1000;

/// Runs `job`; calls `progress(done, total)` several times a second, by the clock against `expected` seconds. Ctrl-C
/// returns at once: the job's result is then dropped unseen.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    expected: f64,
    job: impl FnOnce() -> Result<T, Failed> + Send + 'static,
) -> PyResult<T> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(job));
        let _ = send
            .send(result.unwrap_or_else(|_| Err(Failed::usage("internal error: the core panicked; please report it"))));
    });
    let receive = Mutex::new(receive);
    let start = Instant::now();
    loop {
        let got = py.detach(|| match receive.lock() {
            Ok(channel) => channel.recv_timeout(Duration::from_millis(100)),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        });
        match got {
            Ok(result) => {
                report(py, progress.as_ref(), STEPS)?;
                return Ok(result?);
            }
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals()?;
                let share = start.elapsed().as_secs_f64() / expected.max(0.1);
                // Approaches the end without reaching it, however wrong the estimate.
                let done = if share < 0.9 { share } else { 1.0 - 0.1 / (1.0 + (share - 0.9) * 10.0) };
                report(py, progress.as_ref(), (done * STEPS as f64) as usize)?;
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failed::usage("internal error: the work was lost").into());
            }
        }
    }
}

/// Reads a public file without the GIL. Verifiers do not panic; should one do so nevertheless, the file is rejected.
pub fn fenced<T: Send>(py: Python<'_>, job: impl FnOnce() -> Result<T, Failed> + Send) -> PyResult<T> {
    let panicked = |_| {
        Err(Failed::rejected("proof", "Panic", "internal error: the verifier panicked on this file; please report it"))
    };
    Ok(py.detach(|| catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(panicked))?)
}

fn report(py: Python<'_>, progress: Option<&Py<PyAny>>, done: usize) -> PyResult<()> {
    progress.map_or(Ok(()), |p| p.call1(py, (done, STEPS)).map(|_| ()))
}
