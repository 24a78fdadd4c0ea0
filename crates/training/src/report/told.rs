//! What is told of every row instead of its outputs: the class predicted, that outputs reach a bound, or a commitment to
//! them. Each is one linear claim at rho.
//!
//! A margin d = Z_plus - Z_minus - bound is two limbs of 9 bits, 0 on rows that are not read. Outputs have 16 bits and
//! bounds 18, so |d| < 2^18: limbs in their range that equal d mod p show that d is not negative.
use super::ReportInvalid;
use super::relation::{ReportRelation, Row, weighted_rows};
use super::statement::{Input, MAX_VALUES, ReportStatement, Shown};
use super::validate::length;
use crate::config::RunConfig;
use crate::relation::{Builder, TRACE, cell};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;
use tacit_argument::form::Form;
use tacit_argument::functional::Low;
use tacit_argument::hiding::{Affine, Reduction};
use tacit_argument::multilinear::{eq_table, log2_ceil};

/// Bits of a limb of a margin.
pub(super) const MARGIN_LIMB: u32 = 9;
/// Limbs of a margin.
pub(super) const MARGIN_LIMBS: usize = 2;
/// The largest bound of a margin, in absolute value.
pub const MAX_MARGIN: u32 = 1 << 17;

/// The columns of all margins, [`MARGIN_LIMBS`] each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Margins {
    pub(super) first: usize,
    count: usize,
}

/// An output less another, and what every row's difference is at least.
pub(super) struct Margin<'a> {
    pub(super) plus: Option<u32>,
    pub(super) minus: Option<u32>,
    pub(super) bounds: &'a [i32],
}

impl ReportStatement {
    /// The margins, in the order of what is shown.
    pub(super) fn margins(&self) -> impl Iterator<Item = Margin<'_>> + '_ {
        self.shown.iter().filter_map(|s| match s {
            Shown::Margins { plus, minus, bounds } => Some(Margin { plus: *plus, minus: *minus, bounds }),
            _ => None,
        })
    }

    /// The commitment to the outputs, if they are committed.
    pub(super) fn committed_outputs(&self) -> Option<&crate::record::DataRecord> {
        self.shown.iter().find_map(|s| match s {
            Shown::Committed { outputs } => Some(&**outputs),
            _ => None,
        })
    }

    /// Whether the class of every row is shown.
    pub(super) fn tells_classes(&self) -> bool {
        self.shown.iter().any(|s| matches!(s, Shown::Classes { .. }))
    }

    /// Checks a thing that is told of every row; `classes` are those of the model.
    pub(super) fn check_told(
        &self,
        shown: &Shown,
        config: &RunConfig,
        classes: usize,
        rows: usize,
    ) -> Result<(), ReportInvalid> {
        let outputs = config.architecture.layers.last().map_or(0, |l| l.outputs);
        match shown {
            Shown::Classes { classes: told } => {
                if classes == 0 {
                    return Err(ReportInvalid::NotApplicable { what: "a class" });
                }
                length("classes of rows", told.len(), rows, rows.min(MAX_VALUES))?;
                match told.iter().find(|&&c| c as usize >= classes) {
                    Some(&got) => Err(ReportInvalid::NoSuchClass { got, classes }),
                    None => Ok(()),
                }
            }
            Shown::Margins { plus, minus, bounds } => {
                let exists = |i: &Option<u32>| i.is_none_or(|i| i < outputs);
                if plus == minus || !exists(plus) || !exists(minus) {
                    return Err(ReportInvalid::Margin { outputs });
                }
                length("bounds of rows", bounds.len(), rows, rows.min(MAX_VALUES))?;
                match bounds.iter().find(|b| b.unsigned_abs() > MAX_MARGIN) {
                    Some(&got) => Err(ReportInvalid::MarginBound { got }),
                    None => Ok(()),
                }
            }
            Shown::Committed { outputs: record } => {
                record.validate()?;
                for (field, expected, got) in [
                    ("rows of committed outputs", rows as u64, record.rows),
                    ("columns of committed outputs", outputs.into(), record.features),
                    ("fractional bits of committed outputs", config.scales.fa.into(), record.fa),
                ] {
                    if expected != u64::from(got) {
                        return Err(ReportInvalid::Mismatch { field, expected, got: got.into() });
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Margins {
    /// Takes their columns.
    pub(super) fn new(statement: &ReportStatement, next: &mut usize) -> Self {
        let (first, count) = (*next, statement.margins().count());
        *next += MARGIN_LIMBS * count;
        Self { first, count }
    }

    /// Every limb is in its range.
    pub(super) fn lookups(self, b: &mut Builder) {
        for slot in self.first..self.first + MARGIN_LIMBS * self.count {
            b.range(MARGIN_LIMB, Form::column(TRACE, slot));
        }
    }
}

impl ReportRelation<'_> {
    /// Whether a point for the outputs is drawn: they are shown, or committed.
    pub(super) fn reads_outputs(&self) -> bool {
        self.statement.outputs().is_some() || self.statement.committed_outputs().is_some()
    }

    /// The id of committed outputs among the vectors of the proof.
    fn output_vector(&self) -> usize {
        match self.statement.input {
            Input::Committed { .. } => self.data_id() + 1,
            Input::Public { .. } | Input::Table { .. } => self.data_id(),
        }
    }

    /// What is told of every row, at rho.
    pub(super) fn told_check(&self, r: &mut Reduction<'_>, rho: &[E], row: &Row, units: &[E]) {
        let z = self.layout.layers.last().map_or(0, |c| c.z);
        let mut margin = self.margins.first;
        for shown in &self.statement.shown {
            match shown {
                Shown::Classes { classes } => {
                    let Some(head) = &self.head else { continue };
                    let mut e = Affine::default();
                    for c in 1..head.classes {
                        head.class(c).add_to(&mut e, row.masked, row.real, E::from_usize(c));
                    }
                    let values = classes.iter().zip(eq_table(rho, E::ONE)).map(|(&c, w)| w * E::from_u32(c));
                    e.add_constant(-values.sum::<E>());
                    r.assert_zero(e);
                }
                Shown::Margins { plus, minus, bounds } => {
                    let mut e = Affine::default();
                    for (output, sign) in [(plus, E::ONE), (minus, -E::ONE)] {
                        output.iter().for_each(|&j| e.add_cell(cell(TRACE, row.masked, z + j as usize), sign));
                    }
                    e.add_constant(-weighted_rows(bounds, 1, rho).into_iter().sum::<E>());
                    for limb in 0..MARGIN_LIMBS {
                        let scale = E::from_u64(1 << (MARGIN_LIMB as usize * limb));
                        e.add_cell(cell(TRACE, row.column, margin + limb), -scale);
                    }
                    margin += MARGIN_LIMBS;
                    r.assert_zero(e);
                }
                Shown::Committed { .. } => {
                    let mut read: Vec<E> = if r.is_dry() { vec![] } else { eq_table(rho, E::ONE) };
                    read.resize(1 << log2_ceil(self.checked.rows), E::ZERO);
                    read.iter_mut().skip(self.checked.rows).for_each(|w| *w = E::ZERO);
                    let low = r.low(Low::Dense(read));
                    let mut e = Affine::default();
                    for (j, &u) in units.iter().enumerate() {
                        e.add_cell(cell(TRACE, row.masked, z + j), u);
                        e.add_cell(cell(self.output_vector(), low, j), -u);
                    }
                    r.assert_zero(e);
                }
                _ => {}
            }
        }
    }
}
