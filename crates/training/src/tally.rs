//! The error terms of every proof that a verdict rests on, the total of each proof, and the sum of all.
//!
//! A verdict is wrong only if one of its arguments is, so that their errors sum. Each has its share of 2^-128 (a run with
//! all its chunks is one): the sum over everything that one verdict checked is at most 2^-128 ([`tacit_argument::share`]).
//! Source: `docs/soundness.md`, section 3.
use crate::run::RunVerdict;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use tacit_argument::soundness::{ErrorTerm, repeated, total};

/// Error terms of the arguments behind a verdict, as log2 of probabilities.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    lines: Vec<(String, f64)>,
    totals: Vec<ErrorTerm>,
}

impl Tally {
    /// The arguments of a run: the terms of its worst chunk, and the total over all chunks.
    #[must_use]
    pub fn of_run(v: &RunVerdict) -> Self {
        let mut out = Self::default();
        out.add_run(v);
        out
    }

    /// The same behind other arguments.
    pub fn add_run(&mut self, v: &RunVerdict) {
        self.lines.extend(v.soundness.iter().map(|t| (t.name.to_string(), t.bits)));
        let bits = repeated(total(&v.soundness), v.chunks);
        self.close(format!("total over {} chunk(s)", v.chunks), bits);
    }

    /// The arguments of a further run, whose terms stand under a name.
    pub fn add_other_run(&mut self, what: &str, v: &RunVerdict) {
        self.lines.extend(v.soundness.iter().map(|t| (format!("{what}: {}", t.name), t.bits)));
        let bits = repeated(total(&v.soundness), v.chunks);
        self.close(format!("total over {} chunk(s), {what}", v.chunks), bits);
    }

    /// One more argument: its terms under its name, and its total.
    pub fn add(&mut self, what: &str, terms: &[ErrorTerm]) {
        self.lines.extend(terms.iter().map(|t| (format!("{what}: {}", t.name), t.bits)));
        self.close(format!("total, {what}"), total(terms));
    }

    fn close(&mut self, line: String, bits: f64) {
        self.lines.push((line, bits));
        self.totals.push(ErrorTerm { name: "", bits, theorem: "union bound" });
    }

    /// log2 of the sum over all arguments.
    #[must_use]
    pub fn together(&self) -> f64 {
        total(&self.totals)
    }

    /// Name and log2 of every term and total; behind them, of several arguments, the sum.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, f64)> {
        let mut out = self.lines.clone();
        if self.totals.len() > 1 {
            out.push(("all proofs of this verdict together".to_string(), self.together()));
        }
        out
    }

    /// How likely a false verdict is, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let together = self.together();
        match self.totals.len() {
            0 | 1 => format!("The chance that a false statement passes is at most 2^{together:.1}."),
            n => format!(
                "This rests on {n} arguments; the chance that any of them is false and passes is at most 2^{together:.1}."
            ),
        }
    }
}
