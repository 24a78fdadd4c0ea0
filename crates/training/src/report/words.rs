//! A verified report in words.
use super::rates::Rate;
use super::statement::{Input, ReportStatement, Rows, Shown};
use crate::record::DataRecord;
use crate::words::{Words, hex};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Most outputs that stand in a sentence.
const MAX_PRINTED: usize = 64;

/// What a report shows; what its run shows is said by [`crate::words::run_words`]. `training` is the data set of the
/// run, where it is known.
#[must_use]
pub fn report_words(report: &ReportStatement, training: Option<&DataRecord>, data_checked: bool) -> Words {
    let mut shown = alloc::vec![format!(
        "The outputs of the model behind commitment {}, the last of run {}, on {}:",
        hex(&report.model_digest),
        hex(&report.run_digest),
        rows(report)
    )];
    shown.extend(report.shown.iter().map(|s| sentence(report, s)));
    let mut not_shown = Vec::new();
    let Input::Committed { data, .. } = &report.input else {
        not_shown.push("where the public rows come from".to_string());
        not_shown.push("that they have the columns, order and scales of the training data".to_string());
        return Words { shown, not_shown };
    };
    if let Some(groups) = &report.groups {
        let all: Vec<String> = groups.values.iter().enumerate().map(|(g, v)| format!("{g}: {v:?}")).collect();
        let columns: Vec<String> = groups.columns.iter().map(ToString::to_string).collect();
        shown.push(format!(
            "Groups are the rows with these values of feature {} (integers of {} fractional bits): {}. Every row is in \
             one.",
            columns.join(", "),
            data.fa,
            all.join("; ")
        ));
        not_shown.push("which row is in which group".to_string());
    }
    match training {
        Some(training) if data == training => {
            shown.push("The rows are of the data set that the model was trained on.".to_string());
        }
        Some(training) => {
            not_shown.push("that none of the rows was in the training data".to_string());
            if data.schema == training.schema {
                shown.push(
                    "The records of both data sets declare one schema: columns, their order and scales.".to_string(),
                );
                not_shown.push("that the rows were encoded by that schema".to_string());
            } else {
                not_shown.push(
                    "that columns, their order and scales are those of the training data: the public schema documents differ, if only in what was derived from the data"
                        .to_string(),
                );
            }
        }
        None => not_shown.push("whether the rows were in the training data".to_string()),
    }
    if !data_checked {
        not_shown.push("that the evaluated data commitment is valid: no commitment file was given".to_string());
    }
    not_shown.push("how good the model is on other rows".to_string());
    not_shown.push("who collected the rows, and whether they are true".to_string());
    Words { shown, not_shown }
}

fn rows(report: &ReportStatement) -> String {
    match &report.input {
        Input::Public { features } => format!("public rows ({} integers, in the report)", features.len()),
        Input::Committed { data, rows } => {
            let which = match rows {
                Rows::All => format!("all {} rows", data.rows),
                Rows::Range { first, count } => {
                    format!(
                        "rows {first} to {} ({count} of {})",
                        first.saturating_add(count.saturating_sub(1)),
                        data.rows
                    )
                }
                Rows::Listed(list) => format!("{} listed rows of {}", list.len(), data.rows),
            };
            let digest = data.digest().map_or_else(|_| String::new(), |d| hex(&d));
            format!("{which} of the data behind commitment {digest}")
        }
    }
}

fn among(group: Option<u32>) -> String {
    group.map_or_else(String::new, |g| format!(" in group {g}"))
}

/// n / d to four digits, rounded half up.
fn decimal(n: u64, d: u64) -> String {
    let ten_thousandths = (20_000 * n + d) / (2 * d).max(1);
    format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000)
}

fn exactly(rate: Rate, group: Option<u32>, n: u32, d: u32) -> String {
    format!("The {}{} is {n} of {d}, {}.", rate.name(), among(group), decimal(n.into(), d.into()))
}

/// R^2 of all outputs together, where the targets' moments are shown too.
fn explained(report: &ReportStatement, error: u64) -> String {
    let moments = report.shown.iter().find_map(|s| match s {
        Shown::TargetMoments { sums, squares } => Some((sums, *squares)),
        _ => None,
    });
    let rows = match &report.input {
        Input::Committed { data, rows: Rows::All } => i128::from(data.rows),
        Input::Committed { rows: Rows::Range { count, .. }, .. } => i128::from(*count),
        Input::Committed { rows: Rows::Listed(list), .. } => list.len() as i128,
        Input::Public { .. } => 0,
    };
    let Some((sums, squares)) = moments else { return String::new() };
    // n times the spread of the targets, and n times the error.
    let means: i128 = sums.iter().map(|&s| i128::from(s).saturating_mul(s.into())).fold(0, i128::saturating_add);
    let spread = rows.saturating_mul(squares.into()).saturating_sub(means);
    let error = rows.saturating_mul(error.into());
    if spread <= 0 {
        return String::new();
    }
    // Rounded down to four digits.
    let digits = spread.saturating_sub(error).saturating_mul(10_000).div_euclid(spread);
    let (sign, digits) = (if digits < 0 { "-" } else { "" }, digits.unsigned_abs());
    format!(", R^2 over all outputs is {sign}{}.{:04}", digits / 10_000, digits % 10_000)
}

fn sentence(report: &ReportStatement, shown: &Shown) -> String {
    match shown {
        Shown::Outputs { values } if values.len() <= MAX_PRINTED => {
            format!("The outputs, row by row, as integers with the fractional bits of the model's data: {values:?}.")
        }
        Shown::Outputs { values } => format!("The {} outputs in the report, exactly.", values.len()),
        Shown::SquaredError { sum } => {
            format!("The sum of the squared errors is {sum} / 2^(2 fa){}.", explained(report, *sum))
        }
        Shown::AbsoluteError { sum } => format!("The sum of the absolute errors is {sum} / 2^fa."),
        Shown::TargetMoments { sums, squares } => {
            format!("The targets sum to {sums:?} / 2^fa per output, their squares to {squares} / 2^(2 fa).")
        }
        Shown::Counts { counts } => {
            let groups = report.groups.as_ref().map_or(1, |g| g.values.len());
            let cells = counts.len() / groups.max(1);
            let tables = counts.chunks(cells.max(1)).enumerate().map(|(g, table)| {
                let classes = table.len().isqrt().max(1);
                let lines: Vec<String> = table.chunks(classes).map(|l| format!("{l:?}")).collect();
                let which = if groups > 1 { format!("group {g}: ") } else { String::new() };
                format!("{which}[{}]", lines.join(", "))
            });
            let tables: Vec<String> = tables.collect();
            format!("Rows by label (line) and prediction (column): {}.", tables.join("; "))
        }
        Shown::Exactly { rate, group, numerator, denominator } => exactly(*rate, *group, *numerator, *denominator),
        Shown::AtLeast { rate, group, bound: (p, q) } => {
            format!("The {}{} is at least {p}/{q}, and nothing more about it.", rate.name(), among(*group))
        }
        Shown::GapAtMost { rate, denominators, bound: (p, q) } => format!(
            "The {} differs by at most {p}/{q} between any two groups; its denominators are {denominators:?}.",
            rate.name()
        ),
    }
}
