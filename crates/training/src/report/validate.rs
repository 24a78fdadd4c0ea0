//! The rules of statements: what a model, rows, groups and the things shown must be to go together.
use super::ReportInvalid;
use super::backtest::Bounds;
use super::claims::{CountClaim, count_claims};
use super::errors::ErrorClaims;
use super::scores::claims::ScoreClaims;
use super::statement::{Input, MAX_COUNTS, MAX_GROUPS, MAX_SELECTED, MAX_SHOWN, MAX_VALUES, ReportStatement, Shown};
use super::table::public_rows;
use crate::config::{Loss, MAX_CHUNK_ROWS, RunConfig};
use crate::nowrap;
use crate::record::{DataRecord, Labels};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

/// A fraction between 0 and 1.
pub(super) fn fraction(got: (u32, u32)) -> Result<(), ReportInvalid> {
    if got.1 > 0 && got.0 <= got.1 { Ok(()) } else { Err(ReportInvalid::Fraction { got }) }
}

pub(super) fn length(field: &'static str, got: usize, min: usize, max: usize) -> Result<(), ReportInvalid> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(ReportInvalid::Length { field, got, min, max }) }
}

/// What a valid statement comes to.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// The model's configuration, reduced to its forward pass.
    pub(super) config: RunConfig,
    /// Evaluated rows.
    pub(super) rows: usize,
    /// Their places in the committed data set.
    pub(super) index: Option<Vec<u32>>,
    /// Classes that the claims count; 0 if nothing is counted.
    pub(super) classes: usize,
    /// Classes that are predicted: those counted, or those told of every row; 0 if there are none.
    pub(super) predicted: usize,
    /// What the claims say about the counts.
    pub(super) claims: Vec<CountClaim>,
    /// What a backtest comes to.
    pub(super) backtest: Option<Bounds>,
    /// What they say about the scores, if anything.
    pub(super) scores: Option<ScoreClaims>,
    /// What bounds of errors come to.
    pub(super) errors: Option<ErrorClaims>,
}

impl Checked {
    /// Bounds of counts.
    pub(super) fn count_bounds(&self) -> usize {
        self.claims.iter().filter(|c| c.bound).count()
    }

    /// All bounds: each has a slack. Those of errors are last, with their other hidden numbers.
    pub(super) fn bounds(&self) -> usize {
        let errors = self.errors.as_ref().map_or(0, ErrorClaims::scalars);
        self.count_bounds() + self.scores.as_ref().map_or(0, ScoreClaims::bounds) + errors
    }
}

/// Hidden rows are few enough for their selectors.
fn check_selected(count: u32, data: &DataRecord) -> Result<usize, ReportInvalid> {
    let cells = u64::from(count).checked_shl(data.stride() as u32).unwrap_or(u64::MAX);
    if count == 0 || cells > MAX_SELECTED {
        return Err(ReportInvalid::Selected { count, rows: data.rows });
    }
    Ok(count as usize)
}

impl ReportStatement {
    /// Checks that the rows are rows for this model; returns their places in the data set, their number and window.
    pub(super) fn fits(&self, run: &RunConfig) -> Result<(Option<Vec<u32>>, usize, u32), ReportInvalid> {
        let inputs = run.architecture.layers.first().map_or(0, |l| l.inputs);
        let index = match &self.input {
            Input::Committed { data, .. } => {
                data.validate()?;
                self.input.index()?
            }
            Input::Public { .. } | Input::Table { .. } => None,
        };
        let (rows, data_bits) = match &self.input {
            Input::Committed { data, .. } => {
                for (field, expected, got) in
                    [("features", inputs, data.features), ("fractional bits", run.scales.fa, data.fa)]
                {
                    if expected != got {
                        return Err(ReportInvalid::Mismatch { field, expected: expected.into(), got: got.into() });
                    }
                }
                let rows = match self.input.hidden() {
                    Some(count) => check_selected(count, data)?,
                    None => index.as_ref().map_or(0, Vec::len),
                };
                (rows, data.data_bits)
            }
            Input::Public { features } => (public_rows(features, inputs, run.data_bits)?, run.data_bits),
            Input::Table { table } => (table.validate(inputs, run.scales.fa)?, table.data_bits),
        };
        length("rows", rows, 1, MAX_CHUNK_ROWS as usize)?;
        self.validate_groups(inputs)?;
        Ok((index, rows, data_bits))
    }

    /// Checks the statement against the model's configuration and the bound on its weights.
    pub(super) fn validate(&self, run: &RunConfig, w: u128) -> Result<Checked, ReportInvalid> {
        let (index, rows, data_bits) = self.fits(run)?;
        let config = forward_config(run, data_bits);
        nowrap::check_forward(&config, w)?;
        length("shown", self.shown.len(), 1, MAX_SHOWN)?;
        if self.input.hidden().is_some() && !self.shown.iter().all(Shown::of_hidden_rows) {
            return Err(ReportInvalid::NotApplicable { what: "what reads labels or all rows in their order" });
        }
        let (classes, predicted) = self.validate_shown(&config, rows)?;
        self.check_tops(&config)?;
        let claims = count_claims(self, classes, rows as u64)?;
        let backtest = self.backtest();
        let backtest = backtest.map(|(s, figures)| s.validate(figures, &config, &self.input, rows)).transpose()?;
        let scores = self.score_claims(&config, rows)?;
        let errors = self.error_claims(&config, rows)?;
        Ok(Checked { config, rows, index, classes, predicted, claims, backtest, scores, errors })
    }

    fn validate_groups(&self, inputs: u32) -> Result<(), ReportInvalid> {
        let Some(groups) = &self.groups else { return Ok(()) };
        if matches!(self.input, Input::Public { .. }) {
            return Err(ReportInvalid::NotApplicable { what: "groups of public rows" });
        }
        if self.input.hidden().is_some() {
            return Err(ReportInvalid::NotApplicable { what: "groups of hidden rows" });
        }
        length("groups", groups.values.len(), 2, MAX_GROUPS)?;
        let ascending = groups.columns.windows(2).all(|w| matches!(w, [a, b] if a < b));
        let exist = groups.columns.last().is_some_and(|&k| k < inputs);
        let widths = groups.values.iter().all(|v| v.len() == groups.columns.len());
        let distinct = groups.values.iter().collect::<BTreeSet<_>>().len() == groups.values.len();
        if ascending && exist && widths && distinct { Ok(()) } else { Err(ReportInvalid::Groups) }
    }

    /// Checks everything shown; returns the number of classes that are counted, and of those predicted, or 0.
    fn validate_shown(&self, config: &RunConfig, rows: usize) -> Result<(usize, usize), ReportInvalid> {
        let outputs = config.architecture.layers.last().map_or(0, |l| l.outputs as usize);
        let (mut tables, mut released, mut backtests, mut counted) = (0, 0, 0, false);
        let (mut told, mut committed, mut calendars, mut grouped) = (0, 0, 0, false);
        let classes = match config.architecture.loss {
            Loss::CrossEntropy => outputs,
            Loss::BceWithLogits if outputs == 1 => 2,
            _ => 0,
        };
        let groups = self.group_count();
        for shown in &self.shown {
            match shown {
                Shown::Outputs { values } => {
                    released += 1;
                    length("outputs", values.len(), rows * outputs, (rows * outputs).min(MAX_VALUES))?;
                    continue;
                }
                Shown::Classes { .. } | Shown::Margins { .. } | Shown::Committed { .. } => {
                    told += usize::from(matches!(shown, Shown::Classes { .. }));
                    committed += usize::from(matches!(shown, Shown::Committed { .. }));
                    self.check_told(shown, config, classes, rows)?;
                    continue;
                }
                Shown::SquaredError { .. } | Shown::AbsoluteError { .. } | Shown::TargetMoments { .. } => {
                    self.validate_sum(shown, config, rows)?;
                    continue;
                }
                Shown::MeanErrorAtMost { .. } | Shown::ExplainedAtLeast { .. } => {
                    grouped |= matches!(shown, Shown::MeanErrorAtMost { .. });
                    self.check_error_bound(shown, config)?;
                    continue;
                }
                Shown::Backtest { .. } => {
                    backtests += 1;
                    continue;
                }
                Shown::Calendar { calendar } => {
                    calendars += 1;
                    calendar.validate(rows)?;
                    continue;
                }
                Shown::Counts { counts } => {
                    tables += 1;
                    let expected = groups.saturating_mul(classes * classes);
                    length("counts", counts.len(), expected, expected)?;
                    let got = counts.iter().map(|&c| u64::from(c)).sum();
                    if classes > 0 && got != rows as u64 {
                        return Err(ReportInvalid::CountSum { expected: rows as u64, got });
                    }
                }
                Shown::Exactly { rate, group, numerator, denominator } => {
                    self.check_group(*group)?;
                    rate.check(classes)?;
                    fraction((*numerator, *denominator))?;
                }
                Shown::AtLeast { rate, group, bound } => {
                    self.check_group(*group)?;
                    rate.check(classes)?;
                    fraction(*bound)?;
                }
                // Of one model there are bounds in its place.
                Shown::BetterBy { .. } => {
                    return Err(ReportInvalid::NotApplicable { what: "a comparison with no other model" });
                }
                Shown::Scores { group, figure } => self.check_figure(*group, figure, config, rows)?,
                Shown::GapAtMost { rate, denominators, bound } => {
                    if self.groups.is_none() {
                        return Err(ReportInvalid::NotApplicable { what: "a gap between groups without groups" });
                    }
                    rate.check(classes)?;
                    fraction(*bound)?;
                    length("denominators", denominators.len(), groups, groups)?;
                    if denominators.contains(&0) {
                        return Err(ReportInvalid::Fraction { got: (0, 0) });
                    }
                }
            }
            counted = true;
        }
        if tables > 1 || released > 1 || told > 1 || committed > 1 || calendars > 1 {
            return Err(ReportInvalid::NotApplicable { what: "one table or list of outputs twice" });
        }
        if backtests > 1 {
            return Err(ReportInvalid::NotApplicable { what: "a second backtest" });
        }
        if self.groups.is_some() && !counted && !grouped {
            return Err(ReportInvalid::NotApplicable { what: "groups of which nothing is shown" });
        }
        let predicted = if self.tells_classes() { classes } else { 0 };
        if !counted {
            return Ok((0, predicted));
        }
        length("groups times classes squared", groups * classes * classes, 0, MAX_COUNTS)?;
        match (self.input.labels(), config.architecture.loss) {
            _ if classes == 0 => Err(ReportInvalid::NotApplicable { what: "a rate of classes" }),
            (None, _) => Err(ReportInvalid::NotApplicable { what: "a rate of rows without labels" }),
            (Some(Labels::Class { classes: c }), Loss::CrossEntropy) if c as usize == outputs => Ok((classes, classes)),
            (Some(Labels::Binary { outputs: 1 }), Loss::BceWithLogits) => Ok((classes, classes)),
            _ => Err(ReportInvalid::Labels),
        }
    }

    /// Sums of errors are of the losses with real targets, and small enough to be integers mod p.
    fn validate_sum(&self, shown: &Shown, config: &RunConfig, rows: usize) -> Result<(), ReportInvalid> {
        let (outputs, _) = self.real_targets(config)?;
        if self.shown.iter().filter(|s| core::mem::discriminant(*s) == core::mem::discriminant(shown)).count() > 1 {
            return Err(ReportInvalid::NotApplicable { what: "one sum twice" });
        }
        // |Z - y| <= 2^16.
        let most = (rows as u64).saturating_mul(outputs.into()).saturating_mul(1 << 32);
        if most >= 1 << 62 {
            return Err(ReportInvalid::BoundTooFine { denominator: 1, rows: rows as u64 });
        }
        let (sums, unsigned): (&[i64], u64) = match shown {
            Shown::SquaredError { sum } | Shown::AbsoluteError { sum } => (&[], *sum),
            Shown::TargetMoments { sums, squares } => {
                length("sums of targets", sums.len(), outputs as usize, outputs as usize)?;
                (sums, *squares)
            }
            _ => (&[], 0),
        };
        match sums.iter().map(|s| s.unsigned_abs()).chain([unsigned]).find(|&s| s > most) {
            Some(got) => Err(ReportInvalid::Sum { got, most }),
            None => Ok(()),
        }
    }

    pub(super) fn check_group(&self, group: Option<u32>) -> Result<(), ReportInvalid> {
        let groups = self.groups.as_ref().map_or(0, |g| g.values.len());
        match group {
            Some(got) if got as usize >= groups => Err(ReportInvalid::NoSuchGroup { got, groups }),
            _ => Ok(()),
        }
    }
}

/// The configuration of the forward pass: weights at fw bits, no optimiser, features in the window of the rows read.
pub(super) fn forward_config(run: &RunConfig, data_bits: u32) -> RunConfig {
    let mut config = run.clone();
    config.scales.kappa = 0;
    config.scales.omega = 0;
    config.schedule.filter = vec![1];
    config.schedule.nesterov = false;
    config.schedule.decay = None;
    config.schedule.average = None;
    config.norms = None;
    config.carry_bits = None;
    config.data_bits = data_bits;
    config
}
