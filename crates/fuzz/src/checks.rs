//! Every check of the verifier by name, read from its sources: which of them were seen to reject, and which never.
use std::collections::BTreeSet;

macro_rules! sources {
    ($($file:literal),*) => { [$(include_str!(concat!("../../", $file))),*] };
}

/// The sources of the errors that a verifier gives.
const SOURCES: [&str; 17] = sources!(
    "argument/src/hiding/reduction.rs",
    "argument/src/opening/error.rs",
    "argument/src/proof.rs",
    "training/src/config/validate.rs",
    "training/src/file.rs",
    "training/src/link.rs",
    "training/src/link/invalid.rs",
    "training/src/nowrap.rs",
    "training/src/record.rs",
    "training/src/release.rs",
    "training/src/release/names.rs",
    "training/src/report.rs",
    "training/src/report/invalid.rs",
    "training/src/run.rs",
    "training/src/statement.rs",
    "training/src/validity.rs",
    "training/src/verify.rs"
);

/// Variants that no file can reach: they name a caller's mistake, or what a decoded value always has.
const CALLERS: [&str; 2] = ["Encoding", "OtherStatement"];

/// (enum, variant) of every error that rejects a file.
#[must_use]
pub fn all() -> Vec<(&'static str, &'static str)> {
    let mut out = vec![];
    for source in SOURCES {
        let mut name = None;
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub enum ") {
                let found = rest.trim_end_matches(" {");
                let error = ["Error", "Rejected", "Invalid"].iter().any(|end| found.ends_with(end));
                name = error.then_some(found);
            } else if line == "}" {
                name = None;
            } else if let (Some(name), Some(rest)) = (name, line.strip_prefix("    "))
                && rest.starts_with(|c: char| c.is_ascii_uppercase())
            {
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                out.push((name, &rest[..end]));
            }
        }
    }
    out.retain(|(_, variant)| !CALLERS.contains(variant));
    out
}

/// The names of an error's variants from the outside in: the capitalised words of its debug text outside of texts.
#[must_use]
pub fn name(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let outside = text.split('"').step_by(2);
    let words = outside.flat_map(|t| t.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let names = words.filter(|w| w.starts_with(|c: char| c.is_ascii_uppercase()));
    names.filter(|w| !["None", "Some"].contains(w)).collect::<Vec<_>>().join("::")
}

/// Those of [`all`] whose variant's name is in none of the outcomes.
#[must_use]
pub fn never<'a>(outcomes: impl Iterator<Item = &'a str>) -> Vec<String> {
    let seen: BTreeSet<&str> = outcomes.flat_map(|o| o.split("::")).collect();
    let missing = all().into_iter().filter(|(_, variant)| !seen.contains(variant));
    missing.map(|(name, variant)| format!("{name}::{variant}")).collect()
}
