//! `tacit-fuzz [--target NAME] [--threads N] [--corpus FILE] [--replay FILE] SECONDS [SEED]`
//!
//! `--corpus` keeps the honest files, so that a seed gives the same changed files again; a file that must not be is
//! written to `fuzz-failure.bin`, and `--replay` verifies such a file against every target of its name.
use std::process::ExitCode;
use std::time::Duration;
use tacit_fuzz::fuzzer::{Options, fuzz};
use tacit_fuzz::honest::{Family, families};
use tacit_fuzz::targets::targets;

#[global_allocator]
static ALLOCATOR: tacit_fuzz::meter::Counting = tacit_fuzz::meter::Counting;

type Failure = Box<dyn std::error::Error>;

fn corpus(path: Option<&str>) -> Result<Vec<Family>, Failure> {
    let Some(path) = path else { return Ok(families()) };
    if let Ok(bytes) = std::fs::read(path) {
        return Ok(postcard::from_bytes(&bytes)?);
    }
    let made = families();
    std::fs::write(path, postcard::to_allocvec(&made)?)?;
    Ok(made)
}

fn run() -> Result<bool, Failure> {
    let mut options = Options { time: Duration::ZERO, seed: 0, threads: 0, only: String::new() };
    options.threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut kept, mut replay, mut plain) = (None, None, vec![]);
    let mut arguments = std::env::args().skip(1);
    while let Some(a) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{a} needs a value"));
        match a.as_str() {
            "--target" => options.only = value()?,
            "--threads" => options.threads = value()?.parse()?,
            "--corpus" => kept = Some(value()?),
            "--replay" => replay = Some(value()?),
            _ => plain.push(a),
        }
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    options.time = Duration::from_secs_f64(plain.first().map_or(Ok(60.0), |s| s.parse())?);
    options.seed = plain.get(1).map_or(Ok(now.as_nanos() as u64), |s| s.parse())?;
    let families = corpus(kept.as_deref())?;
    if let Some(path) = replay {
        let bytes = std::fs::read(path)?;
        for target in targets(&families).iter().filter(|t| t.name.contains(&options.only)) {
            println!("{}: {:?}", target.name, target.verifier.verify(&bytes));
        }
        return Ok(true);
    }
    // Panics are caught and are findings: their own words would drown the rest.
    std::panic::set_hook(Box::new(|info| eprintln!("{info}")));
    let (tally, finding) = fuzz(&families, &options);
    print!("{tally}");
    println!("seed {}, {} threads", options.seed, options.threads);
    let Some(finding) = finding else { return Ok(true) };
    std::fs::write("fuzz-failure.bin", &finding.file)?;
    std::fs::write("fuzz-failure.corpus", postcard::to_allocvec(&families)?)?;
    println!("{}: {}; the file is kept as fuzz-failure.bin", finding.target, finding.what);
    Ok(false)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}
