//! What came out, and what it cost.
use crate::checks::never;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What came out of one target.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    /// Files verified.
    pub files: u64,
    /// Time that they took on a processor, changing them included.
    pub time: Duration,
    /// Per name of a check, how many it rejected, and the time that the verifier took for them.
    pub rejected: BTreeMap<String, (u64, Duration)>,
    /// Changed files that are honest after all: parts of two proofs of one statement.
    pub honest: u64,
    /// Most bytes that the verifier held, and the length of that file.
    pub most_bytes: (usize, usize),
    /// Longest time, and the length of that file.
    pub slowest: (Duration, usize),
}

impl Outcomes {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.time += other.time;
        self.honest += other.honest;
        self.most_bytes = self.most_bytes.max(other.most_bytes);
        self.slowest = self.slowest.max(other.slowest);
        for (check, &(n, time)) in &other.rejected {
            let own = self.rejected.entry(check.clone()).or_default();
            *own = (own.0 + n, own.1 + time);
        }
    }
}

/// What came out of all targets.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By the target's name.
    pub targets: BTreeMap<String, Outcomes>,
}

impl Tally {
    /// Adds what another thread found.
    pub fn add(&mut self, other: &Self) {
        other.targets.iter().for_each(|(k, o)| self.targets.entry(k.clone()).or_default().add(o));
    }

    /// Everything together.
    #[must_use]
    pub fn total(&self) -> Outcomes {
        let mut out = Outcomes::default();
        self.targets.values().for_each(|o| out.add(o));
        out
    }

    /// Checks that rejected nothing.
    #[must_use]
    pub fn never(&self) -> Vec<String> {
        never(self.targets.values().flat_map(|o| o.rejected.keys().map(String::as_str)))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        writeln!(f, "{:>12}  {:>9}  {:>9}  {:>10}  target", "files", "a core s", "most MB", "slowest ms")?;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, o: &Outcomes| {
            let rate = o.files as f64 / o.time.as_secs_f64().max(1e-9);
            let (mb, ms) = (o.most_bytes.0 as f64 / 1e6, o.slowest.0.as_secs_f64() * 1e3);
            writeln!(f, "{:>12}  {rate:>9.0}  {mb:>9.1}  {ms:>10.1}  {name}", o.files)
        };
        self.targets.iter().try_for_each(|(name, o)| line(f, name, o))?;
        line(f, "all, on one core", &total)?;
        writeln!(f, "\n{:>12}  {:>11}  {:>7}  rejected by", "files", "per million", "us each")?;
        let mut checks: Vec<_> = total.rejected.iter().collect();
        checks.sort_by_key(|c| core::cmp::Reverse(c.1));
        for (check, &(n, time)) in checks {
            let share = n as f64 * 1e6 / (total.files.max(1) as f64);
            writeln!(f, "{n:>12}  {share:>11.0}  {:>7.0}  {check}", time.as_secs_f64() * 1e6 / n.max(1) as f64)?;
        }
        writeln!(f, "{:>12}  none: the file is made of honest proofs of one statement", total.honest)?;
        let never = self.never();
        writeln!(f, "\n{} checks rejected nothing: {}", never.len(), never.join(", "))
    }
}
