//! Figures of scores in words.
use super::tables::BITS;
use super::{ScoreFigure, ScoreLoss};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl ScoreLoss {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log-loss",
            Self::Brier => "Brier score",
        }
    }
}

const AREA: &str = "area under the ROC curve";

/// n / d to six digits, rounded half up.
fn decimal(n: u128, d: u128) -> String {
    let digits = n.saturating_mul(2_000_000).saturating_add(d) / d.saturating_mul(2).max(1);
    format!("{}.{:06}", digits / 1_000_000, digits % 1_000_000)
}

/// What bins lie between, in units of 2^-fa.
fn between(edges: &[i32], bin: usize) -> String {
    match (bin.checked_sub(1).and_then(|i| edges.get(i)), edges.get(bin)) {
        (None, Some(to)) => format!("below {to}"),
        (Some(from), Some(to)) => format!("from {from} to below {to}"),
        (Some(from), None) => format!("from {from} on"),
        (None, None) => "all".into(),
    }
}

/// One figure, of the scores of rows `among`; `unit` is that of scores.
pub(in crate::report) fn sentence(figure: &ScoreFigure, among: &str, unit: &str) -> String {
    match figure {
        ScoreFigure::Auc { twice, positives, negatives } => {
            let pairs = 2 * u128::from(*positives) * u128::from(*negatives);
            format!(
                "The {AREA}{among} is {twice} of {pairs}, {}, ties counting half: {positives} rows of class 1 and \
                 {negatives} of class 0.",
                decimal((*twice).into(), pairs)
            )
        }
        ScoreFigure::AucAtLeast { bound: (p, q) } => {
            format!("The {AREA}{among} is at least {p}/{q}, and nothing more about it.")
        }
        ScoreFigure::AucGapAtMost { positives, negatives, bound: (p, q) } => format!(
            "The {AREA} differs by at most {p}/{q} between any two groups, whose rows of class 1 are {positives:?} and \
             of class 0 {negatives:?}."
        ),
        ScoreFigure::RateAtLeast { rate, edge, bound: (p, q) } => format!(
            "Where scores from {edge} on, {unit}, are predicted as class 1, the {}{among} is at least {p}/{q}, and \
             nothing more about it.",
            rate.name()
        ),
        ScoreFigure::RateAtMost { rate, edge, bound: (p, q) } => format!(
            "Where scores from {edge} on, {unit}, are predicted as class 1, the {}{among} is at most {p}/{q}, and \
             nothing more about it.",
            rate.name()
        ),
        ScoreFigure::BalancedAtLeast { edge, bound: (p, q) } => format!(
            "Where scores from {edge} on, {unit}, are predicted as class 1, the balanced accuracy{among} is at least \
             {p}/{q}, and nothing more about it."
        ),
        ScoreFigure::Loss { loss, sum, rows } => format!(
            "The {}{among} is {sum} / 2^{BITS} over {rows} rows, {} a row.",
            loss.name(),
            decimal((*sum).into(), u128::from(*rows) << BITS)
        ),
        ScoreFigure::LossAtMost { loss, bound: (p, q) } => {
            format!("The {}{among} is at most {p}/{q} a row, and nothing more about it.", loss.name())
        }
        ScoreFigure::Calibration { edges, bins } => {
            let lines: Vec<String> = bins
                .iter()
                .enumerate()
                .map(|(i, b)| {
                    let mean = decimal(b.probability.into(), u128::from(b.rows) << BITS);
                    let mean = if b.rows > 0 { format!(", mean probability {mean}") } else { String::new() };
                    let (rows, positives) = (b.rows, b.positives);
                    format!("{}: {rows} rows, {positives} of class 1{mean}", between(edges, i))
                })
                .collect();
            format!("Calibration{among}, by score {unit}: {}.", lines.join("; "))
        }
        ScoreFigure::Thresholds { edges, bins } => {
            let line = |(i, (rows, positives)): (usize, &(u32, u32))| {
                format!("{}: {rows} rows, {positives} of class 1", between(edges, i))
            };
            let lines: Vec<String> = bins.iter().enumerate().map(line).collect();
            format!("Rows{among} by score {unit}: {}.", lines.join("; "))
        }
    }
}
