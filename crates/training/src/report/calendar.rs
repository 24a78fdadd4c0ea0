//! A public calendar: the days of the rows, in their order, as the owner declares them.
//!
//! The proof reads none of it. It stands in the statement, so that whoever holds a market's calendar can compare the
//! two, and no day goes missing unseen.
use super::ReportInvalid;
use super::statement::{MAX_VALUES, ReportStatement, Shown};
use super::validate::length;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// 0001-01-01 and 9999-12-31, in days since 1970-01-01.
const DAYS: core::ops::RangeInclusive<i32> = -719_162..=2_932_896;

/// What the rows are dated with, ascending, one a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Calendar {
    /// Days since 1970-01-01, of the years 1 to 9999.
    Days {
        /// Row by row.
        days: Vec<i32>,
    },
    /// Numbers that the owner explains.
    Numbers {
        /// Row by row.
        numbers: Vec<i64>,
    },
}

impl Calendar {
    /// Checks that there is one date a row and that they ascend.
    pub(super) fn validate(&self, rows: usize) -> Result<(), ReportInvalid> {
        let ascends = |after: Option<usize>| match after {
            Some(row) => Err(ReportInvalid::Calendar { row: row + 1 }),
            None => Ok(()),
        };
        let most = rows.min(MAX_VALUES);
        match self {
            Self::Days { days } => {
                length("dates", days.len(), rows, most)?;
                if let Some(&got) = days.iter().find(|d| !DAYS.contains(d)) {
                    return Err(ReportInvalid::CalendarDay { got });
                }
                ascends(days.windows(2).position(|w| matches!(w, [a, b] if a >= b)))
            }
            Self::Numbers { numbers } => {
                length("dates", numbers.len(), rows, most)?;
                ascends(numbers.windows(2).position(|w| matches!(w, [a, b] if a >= b)))
            }
        }
    }

    /// The first date, the last one, and how many there are.
    fn ends(&self) -> Option<(String, String, usize)> {
        match self {
            Self::Days { days } => Some((date(*days.first()?), date(*days.last()?), days.len())),
            Self::Numbers { numbers } => {
                Some((numbers.first()?.to_string(), numbers.last()?.to_string(), numbers.len()))
            }
        }
    }

    /// As a sentence.
    pub(super) fn sentence(&self) -> String {
        let Some((first, last, count)) = self.ends() else { return String::new() };
        format!(
            "The rows are dated, in their order, from {first} to {last}: {count} dates stand in the report, ascending."
        )
    }
}

impl ReportStatement {
    /// The calendar that is shown, if any.
    pub(super) fn calendar(&self) -> Option<&Calendar> {
        self.shown.iter().find_map(|s| match s {
            Shown::Calendar { calendar } => Some(calendar),
            _ => None,
        })
    }
}

/// Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01 (H. Hinnant, `civil_from_days`).
fn date(days: i32) -> String {
    // Since 0000-03-01; eras have 400 years.
    let z = i64::from(days) + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(all(test, feature = "prover"))]
mod tests {
    use super::date;

    #[test]
    fn days_are_dates() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (14_613, "2010-01-04"),
            (17_896, "2018-12-31"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
        ] {
            assert_eq!(date(days), text);
        }
    }
}
