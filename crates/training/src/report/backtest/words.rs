//! A verified backtest in words.
use super::{Figure, Lag, Position, Strategy};
use crate::words::counted;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// n / d to four digits, rounded down in absolute value.
fn decimal(n: i128, d: u128) -> String {
    let digits = n.unsigned_abs().saturating_mul(10_000).checked_div(d).unwrap_or(0);
    let sign = if n < 0 && digits > 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000)
}

/// sqrt(n / d) to two digits, rounded down.
fn root(n: u128, d: u128) -> Option<String> {
    let digits = n.checked_mul(10_000)?.checked_div(d)?.isqrt();
    Some(format!("{}.{:02}", digits / 100, digits % 100))
}

fn position(p: &Position) -> String {
    let side = |long: bool| if long { "0" } else { "-1" };
    let whole = p.whole();
    let cap = |most: u32| match u64::from(most) < whole {
        true => format!(", at most {most}/{whole} of a whole one"),
        false => String::new(),
    };
    match *p {
        Position::Sign => "1 where the output is above 0, else -1".to_string(),
        Position::Long => "1 where the output is above 0, else 0".to_string(),
        Position::Linear { limit, bits, long, most } => format!(
            "the output divided by {limit} integers, cut to [{}, 1], in steps of 2^-{bits}{}",
            side(long),
            cap(most)
        ),
        Position::Tanh { shift, bits, long, most } => {
            let cut = if long { ", at least 0" } else { "" };
            format!("tanh of the output's integer times 2^-{shift}{cut}, in steps of 2^-{bits}{}", cap(most))
        }
    }
}

/// Columns by their lag, neighbours together.
fn lags(lags: &[Lag]) -> String {
    let mut runs: Vec<(Lag, Lag)> = Vec::new();
    for l in lags {
        match runs.last_mut() {
            Some((_, last)) if follows(last, l) => *last = *l,
            _ => runs.push((*l, *l)),
        }
    }
    let earlier = |l: &Lag| u64::from(l.back) + 1;
    let words = |(a, b): &(Lag, Lag)| {
        if a == b {
            return format!("feature {} is the target {} earlier", a.column, counted(earlier(a), "row"));
        }
        let (from, to) = (earlier(a), earlier(b));
        format!("features {} to {} are the targets {from} to {to} rows earlier", a.column, b.column)
    };
    let all: Vec<String> = runs.iter().map(words).collect();
    all.join(", ")
}

/// The next column, one row further back.
const fn follows(last: &Lag, l: &Lag) -> bool {
    last.column.wrapping_add(1) == l.column && last.back.wrapping_add(1) == l.back
}

/// What a backtest shows and what it leaves open; a target of 1 is a return of 100 %.
pub(in crate::report) fn backtest_words(
    strategy: &Strategy,
    figures: &[Figure],
    features: u32,
    rows: u64,
) -> (Vec<String>, Vec<String>) {
    let whole = u128::from(strategy.cost.1) * u128::from(strategy.position.whole()) * u128::from(strategy.unit);
    let cost = decimal(i128::from(strategy.cost.0) * 10_000, u128::from(strategy.cost.1) * u128::from(strategy.unit));
    let mut shown = alloc::vec![format!(
        "Backtest over {}, one after the other: the position of a row is {}; its profit is position times target, less \
         {cost} basis points of every change of the position. The position before the first row is 0, and the last one \
         is not closed. Profits add up; they are not compounded.",
        counted(rows, "row"),
        position(&strategy.position)
    )];
    shown.extend(figures.iter().map(|f| figure(f, figures, strategy, whole, rows)));
    let mut not_shown = Vec::new();
    if !strategy.lags.is_empty() {
        shown.push(format!("No look-ahead in these inputs, on every row: {}.", lags(&strategy.lags)));
    }
    let listed = |column: &u32| strategy.lags.iter().any(|l| l.column == *column);
    let open: Vec<String> = (0..features).filter(|c| !listed(c)).take(64).map(|c| c.to_string()).collect();
    if !open.is_empty() {
        not_shown
            .push(format!("that these inputs were known when the position was taken: features {}", open.join(", ")));
    }
    not_shown.push(
        "that the rows are days in their order, that the targets are the returns of a market, and that none is left out"
            .to_string(),
    );
    not_shown.push(format!(
        "that a target of {} integers is a return of 100 % and one of 0 is none: compare with offset and divisor of the \
         target in the schema document of the data",
        strategy.unit
    ));
    not_shown.push("that the model was not chosen because of these rows".to_string());
    (shown, not_shown)
}

fn figure(figure: &Figure, all: &[Figure], strategy: &Strategy, whole: u128, rows: u64) -> String {
    let (n, periods) = (u128::from(rows), u128::from(strategy.periods));
    let profit = all.iter().find_map(|f| if let Figure::Profit { sum } = f { Some(*sum) } else { None });
    let of_capital = |v: i128| decimal(v.saturating_mul(100), whole);
    let positions = |v: u64| decimal(v.into(), strategy.position.whole().into());
    // S^2, where S is known; the sign stands before the ratio.
    let square = profit.map(|s| u128::from(s.unsigned_abs()).saturating_mul(s.unsigned_abs().into()));
    let sign = if profit.is_some_and(|s| s < 0) { "-" } else { "" };
    match *figure {
        Figure::Profit { sum } => {
            let annual = i128::from(sum).saturating_mul(i128::from(strategy.periods)).saturating_mul(100);
            format!(
                "The sum of profits is {sum} / {whole}, {} % of a whole position, {} % a year of {} rows.",
                of_capital(sum.into()),
                decimal(annual, whole.saturating_mul(n)),
                strategy.periods
            )
        }
        Figure::Squares { sum } => {
            let spread = square.and_then(|s| n.checked_mul(sum.into())?.checked_sub(s)).filter(|v| *v > 0);
            let ratio = square
                .zip(spread)
                .and_then(|(s, v)| root(periods.checked_mul(n.checked_sub(1)?)?.checked_mul(s)?, n.checked_mul(v)?));
            let annual = ratio.map_or_else(String::new, |r| format!(", the annual Sharpe ratio {sign}{r}"));
            format!("The sum of squared profits is {sum} / {whole}^2{annual}.")
        }
        Figure::Downside { sum } => {
            let ratio = square.and_then(|s| root(periods.checked_mul(s)?, n.checked_mul(sum.into())?));
            let annual = ratio.map_or_else(String::new, |r| format!(", the annual Sortino ratio {sign}{r}"));
            format!("The sum of squared losses is {sum} / {whole}^2{annual}.")
        }
        Figure::Turnover { sum } => format!("The turnover is {} whole positions.", positions(sum)),
        Figure::Hits { profitable, invested } => format!(
            "Of {invested} rows with a position, {profitable} have a profit, {}.",
            decimal(profitable.into(), invested.into())
        ),
        Figure::Drawdown { value } => {
            format!("The maximum drawdown is {value} / {whole}, {} % of a whole position.", of_capital(value.into()))
        }
        Figure::ProfitAtLeast { bound } => format!(
            "The sum of profits is at least {bound} / {whole}, {} % of a whole position, and nothing more about it.",
            of_capital(bound.into())
        ),
        Figure::SquaresAtMost { bound } => {
            format!("The sum of squared profits is at most {bound} / {whole}^2, and nothing more about it.")
        }
        Figure::TurnoverAtMost { bound } => {
            format!("The turnover is at most {} whole positions, and nothing more about it.", positions(bound))
        }
        Figure::HitsAtLeast { bound: (p, q) } => {
            format!("Of the rows with a position at least {p}/{q} have a profit, and nothing more about it.")
        }
        Figure::DrawdownAtMost { bound } => format!(
            "No drawdown is larger than {bound} / {whole}, {} % of a whole position, and nothing more about it.",
            of_capital(bound.into())
        ),
        Figure::SharpeAtLeast { bound: (p, q) } => format!(
            "The annual Sharpe ratio, of {} rows a year, is at least {p}/{q}, and nothing more about it.",
            strategy.periods
        ),
        Figure::SortinoAtLeast { bound: (p, q) } => format!(
            "The annual Sortino ratio, of {} rows a year, is at least {p}/{q}, and nothing more about it.",
            strategy.periods
        ),
    }
}
