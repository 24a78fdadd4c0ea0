//! The owner's side of a report: runs the model on the rows, counts, and computes what is to be shown.
use super::ReportInvalid;
use super::backtest::{Figure, Ledger, Strategy};
use super::calendar::Calendar;
use super::comparison::Compared;
use super::errors::TargetError;
use super::prover::ReportError;
use super::rates::Rate;
use super::relation::log_rows;
use super::scores::owner::AskedFigure;
use super::statement::{Groups, Input, ReportStatement, Shown};
use super::told::Margin;
use super::validate::forward_config;
use crate::config::{Loss, RunConfig};
use crate::record::{DataRecord, Labels};
use crate::trainer::{Data, ForwardLayer, TrainError, forward_pass};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What an owner asks a report to show; the values are computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// The outputs of the last layer.
    Outputs,
    /// The class predicted of every row.
    Classes,
    /// On every row an output, less another one, is at least so much.
    Margins {
        /// The output; 0 if none.
        plus: Option<u32>,
        /// The output that is subtracted; 0 if none.
        minus: Option<u32>,
        /// Row by row.
        bounds: Vec<i32>,
    },
    /// The outputs are the features of this committed data set.
    Committed {
        /// Its record.
        outputs: Box<DataRecord>,
    },
    /// The sum of squared errors.
    SquaredError,
    /// The sum of absolute errors.
    AbsoluteError,
    /// Sums of targets and of their squares.
    TargetMoments,
    /// Rows by group, label and prediction.
    Counts,
    /// A rate, exactly.
    Exactly {
        /// Which rate.
        rate: Rate,
        /// In which group; in all rows if none.
        group: Option<u32>,
    },
    /// That a rate is at least numerator / denominator.
    AtLeast {
        /// Which rate.
        rate: Rate,
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// That a rate differs by at most numerator / denominator between groups.
    GapAtMost {
        /// Which rate.
        rate: Rate,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// What the rows are dated with.
    Calendar {
        /// The dates.
        calendar: Calendar,
    },
    /// A backtest. Values of figures that are shown exactly are computed, whatever they are here.
    Backtest {
        /// How outputs become positions, and positions profits.
        strategy: Strategy,
        /// What is shown.
        figures: Vec<Figure>,
    },
    /// A figure of scores.
    Scores {
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Which.
        figure: AskedFigure,
    },
    /// That the model is better than the one it is compared with by at least numerator / denominator.
    BetterBy {
        /// In what.
        metric: Compared,
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// That a mean error is at most numerator / denominator.
    MeanErrorAtMost {
        /// Which error.
        error: TargetError,
        /// In which group; in all rows if none.
        group: Option<u32>,
        /// Numerator and denominator.
        bound: (u32, u32),
    },
    /// That R^2 of all outputs together is at least numerator / denominator.
    ExplainedAtLeast {
        /// Numerator and denominator.
        bound: (u32, u32),
    },
}

/// A model executed on the rows of a report.
pub(super) struct Evaluation {
    /// The configuration of the forward pass.
    pub(super) config: RunConfig,
    pub(super) layers: Vec<ForwardLayer>,
    /// Rows, without the padding.
    pub(super) rows: usize,
    /// Rows with the padding.
    pub(super) height: usize,
    pub(super) classes: usize,
    /// Predicted class per row, padding included; empty without classes.
    pub(super) predicted: Vec<usize>,
    /// Labelled class per row; empty for public rows and without classes.
    pub(super) labels: Vec<usize>,
    /// Real targets, row-major; empty for other losses.
    pub(super) targets: Vec<i32>,
    /// Group per row.
    pub(super) group: Vec<usize>,
    pub(super) groups: usize,
    /// Window of the last layer's outputs.
    pub(super) z_bits: u32,
    /// The places of hidden rows in the data set; else empty.
    pub(super) selected: Vec<u32>,
}

impl Evaluation {
    /// Runs the model with these weights on the rows of `input`, whose integers are `data` if it is committed.
    pub(super) fn new(
        run: &RunConfig,
        weights: &[i64],
        input: &Input,
        data: Option<&Data>,
        groups: Option<&Groups>,
        hidden: &[u32],
    ) -> Result<Self, ReportError> {
        let (bits, index) = match input {
            Input::Committed { data, .. } => {
                let index = match input.hidden() {
                    Some(count) => Some(selected(hidden, count, data.rows)?),
                    None => input.index()?,
                };
                (data.data_bits, index)
            }
            Input::Public { .. } => (run.data_bits, None),
            Input::Table { table } => (table.data_bits, None),
        };
        let config = forward_config(run, bits);
        let width = config.architecture.layers.first().map_or(1, |l| l.inputs as usize);
        let (mut labels, mut targets) = (vec![], vec![]);
        let selected = if input.hidden().is_some() { hidden.to_vec() } else { vec![] };
        let features = match (input, index, data) {
            (Input::Public { features }, ..) => features.clone(),
            (Input::Table { table }, ..) => {
                targets = table.values.clone();
                labels = targets.iter().map(|y| y.unsigned_abs() as usize).collect();
                table.features.clone()
            }
            (_, Some(index), Some(data)) => {
                let per_row = config.label_width();
                let read = |&i: &u32| data.labels.get(i as usize * per_row..).unwrap_or_default().iter().take(per_row);
                targets = index.iter().flat_map(read).copied().collect();
                labels = targets.iter().map(|y| y.unsigned_abs() as usize).collect();
                index
                    .iter()
                    .flat_map(|&i| data.features.get(i as usize * width..).unwrap_or_default().iter().take(width))
                    .copied()
                    .collect()
            }
            _ => return Err(ReportError::NoRows),
        };
        let rows = features.len() / width;
        let height = 1 << log_rows(rows);
        let layers = forward_pass(&config, weights, &features, height).map_err(outside)?;
        let outputs = config.outputs(layers.len() - 1);
        let classes = match config.architecture.loss {
            Loss::CrossEntropy => outputs,
            Loss::BceWithLogits if outputs == 1 => 2,
            _ => 0,
        };
        let real = matches!(input.labels(), Some(Labels::Real { .. }));
        if classes == 0 || real {
            labels.clear();
        }
        if let Some(&label) = labels.iter().find(|&&y| y >= classes) {
            return Err(ReportError::Label { label, classes });
        }
        if !real {
            targets.clear();
        }
        let z = layers.last().map_or(&[][..], |l| &l.columns.z);
        let predicted = if classes == 0 { vec![] } else { (0..height).map(|x| predicted(z, x, height)).collect() };
        let group = match groups {
            None => vec![0; rows],
            Some(groups) => features
                .chunks_exact(width)
                .enumerate()
                .map(|(x, row)| group(groups, x, row))
                .collect::<Result<_, _>>()?,
        };
        let groups = groups.map_or(1, |g| g.values.len());
        let z_bits = config.architecture.layers.last().map_or(0, |l| l.z_bits);
        Ok(Self { config, layers, rows, height, classes, predicted, labels, targets, group, groups, z_bits, selected })
    }

    /// Outputs of the last layer, row-major, without the padding.
    pub(super) fn outputs(&self) -> Vec<i32> {
        let z = self.layers.last().map_or(&[][..], |l| &l.columns.z);
        (0..self.rows).flat_map(|x| z.iter().skip(x).step_by(self.height).copied()).collect()
    }

    /// Z - y, row-major, without the padding.
    pub(super) fn errors(&self) -> impl Iterator<Item = i64> + '_ {
        self.outputs().into_iter().zip(&self.targets).map(|(z, &y)| i64::from(z) - i64::from(y))
    }

    /// |Z - y| column by column, padding included, where y is 0.
    pub(super) fn absolute_errors(&self) -> Vec<u32> {
        let z = self.layers.last().map_or(&[][..], |l| &l.columns.z);
        let outputs = (z.len() / self.height).max(1);
        let target = |x: usize, j: usize| self.targets.get(x * outputs + j).filter(|_| x < self.rows).map_or(0, |&y| y);
        z.iter().enumerate().map(|(i, &z)| z.abs_diff(target(i % self.height, i / self.height))).collect()
    }

    /// The sum of (Z - y)^2 row by row, padding included, where y is 0.
    pub(super) fn squared_errors(&self) -> Vec<u64> {
        let all = self.absolute_errors();
        let at = |x: usize| all.iter().skip(x).step_by(self.height).map(|&d| u64::from(d).pow(2)).sum();
        (0..self.height).map(at).collect()
    }

    /// A sum over the rows.
    fn sum(&self, asked: &Asked) -> Shown {
        match asked {
            Asked::SquaredError => Shown::SquaredError { sum: self.errors().map(|d| d.unsigned_abs().pow(2)).sum() },
            Asked::AbsoluteError => Shown::AbsoluteError { sum: self.errors().map(i64::unsigned_abs).sum() },
            _ => {
                let outputs = (self.targets.len() / self.rows).max(1);
                let of = |j: usize| self.targets.iter().skip(j).step_by(outputs).map(|&y| i64::from(y)).sum();
                let squares = self.targets.iter().map(|&y| i64::from(y).unsigned_abs().pow(2)).sum();
                Shown::TargetMoments { sums: (0..outputs).map(of).collect(), squares }
            }
        }
    }

    /// What is told of every row without its label.
    fn told(&self, asked: &Asked) -> Result<Option<Shown>, ReportError> {
        Ok(match asked {
            Asked::Classes if self.classes == 0 => return Err(ReportInvalid::NotApplicable { what: "a class" }.into()),
            Asked::Classes => {
                let classes = self.predicted.iter().take(self.rows).map(|&c| c as u32).collect();
                Some(Shown::Classes { classes })
            }
            Asked::Margins { plus, minus, bounds } => {
                let outputs = self.config.outputs(self.layers.len() - 1) as u32;
                if [plus, minus].into_iter().flatten().any(|&j| j >= outputs) {
                    return Err(ReportInvalid::Margin { outputs }.into());
                }
                let differences = self.differences(&Margin { plus: *plus, minus: *minus, bounds });
                if let Some(row) = differences.iter().position(|&d| d < 0) {
                    return Err(ReportError::MarginFails { row });
                }
                Some(Shown::Margins { plus: *plus, minus: *minus, bounds: bounds.clone() })
            }
            Asked::Committed { outputs } => Some(Shown::Committed { outputs: outputs.clone() }),
            Asked::Calendar { calendar } => Some(Shown::Calendar { calendar: calendar.clone() }),
            _ => None,
        })
    }

    /// What an output less another has over its bound, on the rows that are read.
    fn differences(&self, margin: &Margin<'_>) -> Vec<i64> {
        let z = self.layers.last().map_or(&[][..], |l| &l.columns.z);
        let of = |j: Option<u32>, x: usize| j.map_or(0, |j| i64::from(z[j as usize * self.height + x]));
        let bounds = margin.bounds.iter().take(self.rows).enumerate();
        bounds.map(|(x, &b)| of(margin.plus, x) - of(margin.minus, x) - i64::from(b)).collect()
    }

    /// The same, where the bounds hold.
    pub(super) fn margins(&self, margin: &Margin<'_>) -> Vec<u32> {
        self.differences(margin).into_iter().map(|d| d as u32).collect()
    }

    /// Rows by group, label and prediction.
    pub(super) fn counts(&self) -> Vec<u32> {
        let c = self.classes;
        let mut out = vec![0; self.groups * c * c];
        for ((&g, &label), &p) in self.group.iter().zip(&self.labels).zip(&self.predicted) {
            out[(g * c + label) * c + p] += 1;
        }
        out
    }

    /// Numerator and denominator of a rate in one group, or all rows.
    pub(super) fn rate(&self, rate: Rate, group: Option<u32>) -> (u32, u32) {
        let c = self.classes;
        let (mut n, mut d) = (0, 0);
        if let Some(k) = rate.top() {
            let hits = self.hits(&[k]).into_iter().enumerate();
            n = hits.filter(|(g, _)| group.is_none_or(|x| x as usize == *g)).map(|(_, h)| i64::from(h)).sum();
        }
        for (i, &count) in self.counts().iter().enumerate() {
            let (g, label, p) = (i / (c * c), i / c % c, i % c);
            if group.is_none_or(|x| x as usize == g) {
                let (a, b) = rate.coefficients(label as u32, p as u32);
                n += a * i64::from(count);
                d += b * i64::from(count);
            }
        }
        // At most twice the rows.
        (n as u32, d as u32)
    }

    /// The values of what is asked.
    pub(super) fn shown(&self, asked: &[Asked]) -> Result<Vec<Shown>, ReportError> {
        asked.iter().map(|a| self.show(a)).collect()
    }

    fn show(&self, asked: &Asked) -> Result<Shown, ReportError> {
        let within = |rate: Rate, (n, d): (u32, u32), bound: (u32, u32)| {
            if d == 0 {
                return Err(ReportError::Undefined { rate: rate.name() });
            }
            Ok(u64::from(n) * u64::from(bound.1) >= u64::from(bound.0) * u64::from(d))
        };
        let sum = matches!(asked, Asked::SquaredError | Asked::AbsoluteError | Asked::TargetMoments);
        let bound = matches!(asked, Asked::MeanErrorAtMost { .. } | Asked::ExplainedAtLeast { .. });
        if (sum || bound) && self.targets.is_empty() {
            return Err(ReportInvalid::NotApplicable { what: "an error of real targets" }.into());
        }
        if let Asked::Backtest { strategy, figures } = asked {
            let shown = Ledger::new(strategy, self.z_bits, self).figures(figures)?;
            return Ok(Shown::Backtest { strategy: strategy.clone(), figures: shown });
        }
        if let Some(shown) = self.told(asked)?.or(self.bounded_error(asked)?) {
            return Ok(shown);
        }
        if !(sum || matches!(asked, Asked::Outputs)) && (self.classes == 0 || self.labels.is_empty()) {
            return Err(ReportInvalid::NotApplicable { what: "a rate or count" }.into());
        }
        Ok(match asked {
            Asked::Outputs => Shown::Outputs { values: self.outputs() },
            Asked::SquaredError
            | Asked::AbsoluteError
            | Asked::TargetMoments
            | Asked::Backtest { .. }
            | Asked::MeanErrorAtMost { .. }
            | Asked::ExplainedAtLeast { .. }
            | Asked::Classes
            | Asked::Margins { .. }
            | Asked::Committed { .. }
            | Asked::Calendar { .. } => self.sum(asked),
            Asked::Counts => Shown::Counts { counts: self.counts() },
            Asked::Scores { group, figure } => self.figure(*group, figure)?,
            &Asked::BetterBy { metric, group, bound } => Shown::BetterBy { metric, group, bound },
            &Asked::Exactly { rate, group } => {
                let (numerator, denominator) = self.rate(rate, group);
                if denominator == 0 {
                    return Err(ReportError::Undefined { rate: rate.name() });
                }
                Shown::Exactly { rate, group, numerator, denominator }
            }
            &Asked::AtLeast { rate, group, bound } => {
                if !within(rate, self.rate(rate, group), bound)? {
                    return Err(ReportError::BoundFails { rate: rate.name() });
                }
                Shown::AtLeast { rate, group, bound }
            }
            &Asked::GapAtMost { rate, bound } => {
                let rates: Vec<(u32, u32)> = (0..self.groups as u32).map(|g| self.rate(rate, Some(g))).collect();
                let denominators: Vec<u32> = rates.iter().map(|r| r.1).collect();
                if denominators.contains(&0) {
                    return Err(ReportError::Undefined { rate: rate.name() });
                }
                let cross = |a: (u32, u32), b: (u32, u32)| {
                    i128::from(a.0) * i128::from(b.1) - i128::from(b.0) * i128::from(a.1)
                };
                let fits = |a: (u32, u32), b: (u32, u32)| {
                    cross(a, b) * i128::from(bound.1) <= i128::from(bound.0) * i128::from(a.1) * i128::from(b.1)
                };
                if rates.iter().any(|&a| rates.iter().any(|&b| !fits(a, b))) {
                    return Err(ReportError::BoundFails { rate: rate.name() });
                }
                Shown::GapAtMost { rate, denominators, bound }
            }
        })
    }
}

/// Completes a statement by the values of what is asked.
pub(super) fn completed(
    mut statement: ReportStatement,
    evaluation: &Evaluation,
    asked: &[Asked],
) -> Result<ReportStatement, ReportError> {
    statement.shown = evaluation.shown(asked)?;
    Ok(statement)
}

/// The places of hidden rows: as many as are stated, each a row of the data set.
fn selected(hidden: &[u32], count: u32, rows: u32) -> Result<Vec<u32>, ReportInvalid> {
    if hidden.len() != count as usize || hidden.iter().any(|&i| i >= rows) {
        return Err(ReportInvalid::Rows { rows });
    }
    Ok(hidden.to_vec())
}

/// The first largest output of row x, or whether the only one is above 0.
fn predicted(z: &[i32], x: usize, height: usize) -> usize {
    let mut row = z.iter().skip(x).step_by(height).copied().enumerate();
    let Some(first) = row.next() else { return 0 };
    if z.len() == height {
        return usize::from(first.1 > 0);
    }
    row.fold(first, |best, next| if next.1 > best.1 { next } else { best }).0
}

fn group(groups: &Groups, row: usize, features: &[i32]) -> Result<usize, ReportError> {
    let of_row = |&k: &u32| features.get(k as usize).copied().unwrap_or_default();
    let values: Vec<i32> = groups.columns.iter().map(of_row).collect();
    groups.values.iter().position(|v| *v == values).ok_or(ReportError::NoGroup { row })
}

fn outside(e: TrainError) -> ReportError {
    match e {
        TrainError::WindowOverflow { layer, value, window, .. } => {
            ReportError::Window { layer: layer + 1, value, window }
        }
        e => ReportError::Forward(e),
    }
}
