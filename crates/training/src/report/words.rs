//! A verified report in words.
use super::backtest::backtest_words;
use super::comparison;
use super::rates::Rate;
use super::scores::words as scores;
use super::statement::{Groups, Input, ReportStatement, Rows, Shown};
use crate::record::{DataRecord, Labels};
use crate::words::{Words, counted, hex};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Most outputs that stand in a sentence.
const MAX_PRINTED: usize = 64;

/// What a report shows; what its run shows is said by [`crate::words::run_words`]. `training` is the data set of the
/// run, where it is known.
#[must_use]
pub fn report_words(report: &ReportStatement, training: Option<&DataRecord>, data_checked: bool) -> Words {
    let of_model = match &report.public {
        Some(_) => format!("public model {}", hex(&report.model_digest)),
        None => {
            format!(
                "model behind commitment {}, the last of run {}",
                hex(&report.model_digest),
                hex(&report.run_digest)
            )
        }
    };
    let mut shown = alloc::vec![format!("The outputs of the {of_model}, on {}:", rows(report, training))];
    if let Some(other) = &report.against {
        shown.push(format!(
            "It is the first of two models that are compared on these rows; the second is the one behind commitment {}, \
             the last of run {}.",
            hex(&other.model_digest),
            hex(&other.run_digest)
        ));
    }
    shown.extend(report.shown.iter().filter_map(|s| sentence(report, training, s)));
    let mut not_shown = Vec::new();
    if let Some((strategy, figures)) = report.backtest() {
        let width = match &report.input {
            Input::Committed { data, .. } => data.features,
            // Public rows have as many as the model was trained on.
            Input::Public { .. } | Input::Table { .. } => training.map_or(0, |t| t.features),
        };
        let (more, open) = backtest_words(strategy, figures, width, count(report, training).unwrap_or(0));
        shown.extend(more);
        not_shown.extend(open);
    }
    if report.calendar().is_some() {
        not_shown.push("that the rows are of these dates: they are the owner's word".to_string());
    }
    if let Some(groups) = &report.groups {
        shown.push(group_words(groups, report, training));
        if report.input.is_committed() {
            not_shown.push("which row is in which group".to_string());
        }
    }
    let Input::Committed { data, .. } = &report.input else {
        not_shown.push("where the public rows come from".to_string());
        not_shown.push("that they have the columns, order and scales of the training data".to_string());
        if matches!(report.input, Input::Table { .. }) {
            not_shown.push("whether the public rows and their labels are true".to_string());
            not_shown.push("whether the rows were in the training data".to_string());
            not_shown.push("how good the model is on other rows".to_string());
        }
        return Words { shown, not_shown };
    };
    if report.input.hidden().is_some() {
        not_shown.push("which rows of the data set these are, and that no row is read twice".to_string());
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
                    "that columns, their order and scales are those of the training data: the public schema documents of the two data sets differ"
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

/// What the groups are.
fn group_words(groups: &Groups, report: &ReportStatement, training: Option<&DataRecord>) -> String {
    let all: Vec<String> = groups.values.iter().enumerate().map(|(g, v)| format!("{g}: {v:?}")).collect();
    let columns: Vec<String> = groups.columns.iter().map(ToString::to_string).collect();
    format!(
        "Groups are the rows with these values of {} {} (integers of {} fractional bits): {}. Every row is in one.",
        if columns.len() == 1 { "feature" } else { "features" },
        columns.join(", "),
        fractional_bits(report, training).unwrap_or(0),
        all.join("; ")
    )
}

/// How many rows a report is about. Of public ones that follows from the training data's width.
fn count(report: &ReportStatement, training: Option<&DataRecord>) -> Option<u64> {
    match &report.input {
        Input::Public { features } => {
            let of_model = report.public.as_ref().and_then(|m| m.architecture.layers.first()).map(|l| l.inputs);
            let width = u64::from(of_model.or(training.map(|t| t.features))?);
            (features.len() as u64).checked_div(width)
        }
        Input::Table { table } => {
            let per_row = match table.labels {
                Labels::Class { .. } => 1,
                Labels::Binary { outputs } | Labels::Real { outputs, .. } => u64::from(outputs),
            };
            (table.values.len() as u64).checked_div(per_row)
        }
        Input::Committed { data, rows: Rows::All } => Some(data.rows.into()),
        Input::Committed { rows: Rows::Range { count, .. }, .. } => Some((*count).into()),
        Input::Committed { rows: Rows::Listed(list), .. } => Some(list.len() as u64),
        Input::Committed { rows: Rows::Hidden { count }, .. } => Some((*count).into()),
    }
}

/// Fractional bits of features and outputs, where they are known.
fn fractional_bits(report: &ReportStatement, training: Option<&DataRecord>) -> Option<u32> {
    match &report.input {
        Input::Public { .. } => report.public.as_ref().map(|m| m.fa).or(training.map(|t| t.fa)),
        Input::Table { table } => Some(table.fa),
        Input::Committed { data, .. } => Some(data.fa),
    }
}

/// The outputs of row after row, as numbers.
fn outputs(report: &ReportStatement, training: Option<&DataRecord>, values: &[i32]) -> Option<String> {
    let (rows, fa) = (count(report, training)?, fractional_bits(report, training)?);
    let each = usize::try_from((values.len() as u64).checked_div(rows)?).ok().filter(|&n| n > 0)?;
    let number = |i: usize| match &report.input {
        Input::Public { .. } | Input::Table { .. } | Input::Committed { rows: Rows::All | Rows::Hidden { .. }, .. } => {
            Some(i as u64)
        }
        Input::Committed { rows: Rows::Range { first, .. }, .. } => u64::from(*first).checked_add(i as u64),
        Input::Committed { rows: Rows::Listed(list), .. } => list.get(i).map(|&r| r.into()),
    };
    let lines: Option<Vec<String>> = values
        .chunks(each)
        .enumerate()
        .map(|(i, row)| {
            let all: Vec<String> = row.iter().map(|&v| real(v, fa)).collect();
            Some(format!("row {}: {}", number(i)?, all.join(", ")))
        })
        .collect();
    Some(lines?.join("; "))
}

/// What is told of every row instead of its outputs.
fn told(shown: &Shown, unit: &str) -> String {
    let list = |values: &dyn core::fmt::Debug, n: usize| {
        if n <= MAX_PRINTED { format!("{values:?}") } else { format!("{n} numbers in the report") }
    };
    match shown {
        Shown::Classes { classes } => format!(
            "The class predicted, row by row: {}. Of the outputs behind it nothing else is shown.",
            list(classes, classes.len())
        ),
        Shown::Margins { plus, minus, bounds } => {
            let what = match (plus, minus) {
                (Some(j), None) => format!("output {j} is at least"),
                (None, Some(j)) => format!("minus output {j} is at least"),
                (Some(j), Some(k)) => format!("output {j} less output {k} is at least"),
                (None, None) => "0 is at least".to_string(),
            };
            format!(
                "On every row {what} its bound, and nothing more about it; the bounds, in units of 2^-{unit}: {}.",
                list(bounds, bounds.len())
            )
        }
        Shown::Committed { outputs } => format!(
            "The outputs, row by row, are the features behind the commitment {}, and stay hidden. That this commitment is \
             valid is shown by its own file; its labels mean nothing here.",
            outputs.digest().map_or_else(|_| String::new(), |d| hex(&d))
        ),
        _ => String::new(),
    }
}

/// v / 2^fa to four digits, rounded half away from 0.
fn real(v: i32, fa: u32) -> String {
    let scaled = u128::from(v.unsigned_abs()).saturating_mul(20_000);
    let digits = scaled.checked_shr(fa).unwrap_or(0).div_ceil(2);
    let sign = if v < 0 && digits > 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000)
}

/// A mean over rows and outputs of sums with `bits` fractional bits, where all of that is known.
fn mean(report: &ReportStatement, sum: u64, bits: u32) -> String {
    let Some(labels) = report.input.labels() else { return String::new() };
    let cells = count(report, None).unwrap_or(0).saturating_mul(labels.columns().into());
    let digits = u128::from(sum).saturating_mul(20_000).checked_shr(bits).and_then(|s| s.checked_div(cells.into()));
    digits.map_or_else(String::new, |d| {
        let d = d.div_ceil(2);
        format!(", their mean {}.{:04}", d / 10_000, d % 10_000)
    })
}

fn rows(report: &ReportStatement, training: Option<&DataRecord>) -> String {
    match &report.input {
        Input::Table { .. } => format!(
            "{} that {} in the report with their labels",
            counted(count(report, None).unwrap_or(0), "public row"),
            if count(report, None) == Some(1) { "stands" } else { "stand" }
        ),
        Input::Public { features } => match (count(report, training), fractional_bits(report, training)) {
            (Some(n), Some(fa)) => format!(
                "{} of {} that the report gives as integers of {fa} fractional bits",
                counted(n, "public row"),
                counted((features.len() as u64).checked_div(n).unwrap_or(0), "feature"),
            ),
            _ => format!("public rows ({} integers, in the report)", features.len()),
        },
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
                Rows::Hidden { count } => format!("{} of the {}", counted(u64::from(*count), "hidden row"), data.rows),
                Rows::Listed(list) => format!("{} of {}", counted(list.len() as u64, "listed row"), data.rows),
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
    let rows = i128::from(count(report, None).unwrap_or(0));
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

/// A thing shown; a backtest has sentences of its own.
fn sentence(report: &ReportStatement, training: Option<&DataRecord>, shown: &Shown) -> Option<String> {
    let fa = fractional_bits(report, training);
    let bits = |times: u32| match (fa, times) {
        (Some(fa), _) => times.saturating_mul(fa).to_string(),
        (None, 1) => "fa".to_string(),
        (None, _) => format!("({times} fa)"),
    };
    Some(match shown {
        Shown::Backtest { .. } => return None,
        Shown::Calendar { calendar } => calendar.sentence(),
        Shown::BetterBy { metric, group, bound } => comparison::sentence(*metric, &among(*group), *bound),
        Shown::Outputs { values } if values.len() <= MAX_PRINTED => {
            let integers = format!("as integers in units of 2^-{}: {values:?}", bits(1));
            match outputs(report, training, values) {
                Some(lines) => format!("The outputs, before any softmax or sigmoid: {lines}; {integers}."),
                None => format!("The outputs, row by row, {integers}."),
            }
        }
        Shown::Outputs { values } => {
            format!("The {} outputs in the report, exactly, in units of 2^-{}.", values.len(), bits(1))
        }
        Shown::Classes { .. } | Shown::Margins { .. } | Shown::Committed { .. } => told(shown, &bits(1)),
        Shown::SquaredError { sum } => format!(
            "The sum of the squared errors is {sum} / 2^{}{}{}.",
            bits(2),
            mean(report, *sum, fa.unwrap_or(0).saturating_mul(2)),
            explained(report, *sum)
        ),
        Shown::AbsoluteError { sum } => {
            format!("The sum of the absolute errors is {sum} / 2^{}{}.", bits(1), mean(report, *sum, fa.unwrap_or(0)))
        }
        Shown::TargetMoments { sums, squares } => {
            format!(
                "The targets sum to {sums:?} / 2^{} per output, their squares to {squares} / 2^{}.",
                bits(1),
                bits(2)
            )
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
        Shown::Scores { group, figure } => {
            scores::sentence(figure, &among(*group), &format!("in units of 2^-{}", bits(1)))
        }
        Shown::MeanErrorAtMost { error, group, bound: (p, q) } => format!(
            "The {}{} over rows and outputs is at most {p}/{q}, and nothing more about it.",
            error.name(),
            among(*group)
        ),
        Shown::ExplainedAtLeast { bound: (p, q) } => {
            format!("R^2 over all outputs is at least {p}/{q}, and nothing more about it.")
        }
        Shown::GapAtMost { rate, denominators, bound: (p, q) } => format!(
            "The {} differs by at most {p}/{q} between any two groups; its denominators are {denominators:?}.",
            rate.name()
        ),
    })
}
