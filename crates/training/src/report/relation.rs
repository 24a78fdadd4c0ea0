//! The relation of a report: forward pass of a committed model, prediction, group, counts.
//!
//! At one random row rho: every `Z_l = rescale(A_l W_l, fw)` by one bilinear sumcheck over all layers' inputs, whose
//! ends are a claim on the model vector and one on the columns. Products of cells and sums over rows: [`super::gates`].
use super::backtest::Backtest;
use super::claims::{LIMB_BITS, LIMBS};
use super::comparison;
use super::head::Head;
use super::ranks::Ranks;
use super::residuals::Residuals;
use super::scores::Scores;
use super::selection::Selection;
use super::statement::{Input, ReportStatement};
use super::table::weighted_columns;
use super::told::Margins;
use super::validate::Checked;
use crate::relation::layout::{ModelLayout, TraceLayout};
use crate::relation::{
    Builder, Equation, PairIndex, TRACE, Term, add_lookups, add_rescaled, cell, input_terms, pairs, unit_weights,
};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::bilinear::bilinear_check;
use tacit_argument::field::{E, signed};
use tacit_argument::form::Form;
use tacit_argument::functional::{Low, LowId};
use tacit_argument::hiding::{Affine, HidingError, Reduction};
use tacit_argument::lookup::{LookupSystem, lookup_check};
use tacit_argument::multilinear::{eq_table, log2_ceil};
use tacit_argument::proof::Relation;
use tacit_argument::share::LOG_ABOUT_MODEL;
use tacit_argument::soundness::{ErrorTerm, LOGUP, algebraic};

/// Transcript label.
pub const LABEL: &[u8] = b"tacit/report/v1";
/// The model's id among the vectors of the proof.
pub(super) const MODEL: usize = 1;
/// The data set's in forms of columns; of a public model its id is one less.
pub(super) const DATA: usize = 2;
/// log2 of the fewest rows: shorter columns would spread a table's multiplicities over many slots.
const MIN_LOG_ROWS: usize = 8;

/// The relation of a report.
#[derive(Clone, Debug)]
pub struct ReportRelation<'a> {
    pub(super) statement: Cow<'a, ReportStatement>,
    pub(super) checked: Checked,
    pub(super) layout: TraceLayout,
    /// Products of cells: those of ReLUs, of the head, of equal squares (two and two), those of sums over rows, and those
    /// of groups and ranks.
    pub(super) pairs: Vec<(Form, Form)>,
    pairs_at: PairIndex,
    /// First pair of the equations of the head and of a backtest, and behind them.
    pub(super) head_pairs: (usize, usize),
    pub(super) head: Option<Head>,
    pub(super) ranks: Option<Ranks>,
    pub(super) residuals: Option<Residuals>,
    pub(super) backtest: Option<Backtest>,
    pub(super) scores: Option<Scores>,
    pub(super) margins: Margins,
    pub(super) selection: Option<Selection>,
    /// First slot of the slacks, [`LIMBS`] cells each.
    pub(super) slacks: usize,
    model: ModelLayout,
    pub(super) lookups: LookupSystem,
    slots: usize,
    /// log2 of the data set's stride.
    pub(super) data_stride: usize,
    /// The model's id among the vectors.
    id: usize,
    /// The weights, if the model is public: then it is none of the vectors.
    public: Option<&'a [i64]>,
    /// The model that this one is compared with.
    pub(super) other: Option<Box<Self>>,
    /// Of every comparison the slacks of its bounds on both models.
    pub(super) ties: Vec<(usize, usize)>,
}

/// The data set's id among the vectors of the proof, and the low part that reads it.
pub(super) type DataRows = (usize, LowId);

/// The low parts that read columns, masked columns and the data set at a row point.
pub(super) struct Row {
    pub(super) column: LowId,
    pub(super) masked: LowId,
    pub(super) data: DataRows,
    /// sum of eq over the rows that are read.
    pub(super) real: E,
    /// Public columns there, by slot; none of a committed data set.
    pub(super) public: Vec<E>,
}

/// The sumcheck of the matrix products at rho.
pub(super) struct Products {
    /// Per layer, weights of its outputs.
    pub(super) units: Vec<Vec<E>>,
    /// Per layer, its power in the batch.
    pub(super) lambda: Vec<E>,
}

impl<'a> ReportRelation<'a> {
    /// The relation of a checked statement, and of what it says of the model that its own is compared with.
    pub(super) fn new(
        statement: Cow<'a, ReportStatement>,
        checked: Checked,
        other: Option<(Cow<'a, ReportStatement>, Checked)>,
        ties: Vec<(usize, usize)>,
    ) -> Self {
        let log_rows = log_rows(checked.rows);
        let (mut builder, mut next) = (Builder::new(), 0);
        let second = comparison::other_vector(&statement.input);
        let out = Self::part(statement, checked, (MODEL, ties.len()), &mut next, &mut builder);
        let mut other = other.map(|(s, c)| Self::part(s, c, (second, 0), &mut next, &mut builder));
        let (lookups, slots) = builder.build(log_rows, next);
        if let Some(other) = &mut other {
            (other.lookups, other.slots) = (lookups.clone(), slots);
        }
        Self { lookups, slots, ties, other: other.map(Box::new), ..out }
    }

    /// The relation of a checked statement about public weights.
    pub(super) fn of_public(statement: &'a ReportStatement, checked: Checked, weights: &'a [i64]) -> Self {
        Self { public: Some(weights), ..Self::new(Cow::Borrowed(statement), checked, None, vec![]) }
    }

    /// The id of the data set among the vectors of the proof.
    pub(super) const fn data_id(&self) -> usize {
        DATA - self.public.is_some() as usize
    }

    /// Columns and lookups of one model, from the next slot on, with so many slacks more; multiplicities are not placed.
    fn part(
        statement: Cow<'a, ReportStatement>,
        checked: Checked,
        (id, more): (usize, usize),
        next: &mut usize,
        builder: &mut Builder,
    ) -> Self {
        let log_rows = log_rows(checked.rows);
        let config = &checked.config;
        let layout = TraceLayout::forward(config, log_rows, *next);
        let (mut all, pairs_at) = pairs(config, &layout);
        *next = layout.slots;
        add_lookups(config, &layout, builder);
        let first = all.len();
        let head = (checked.predicted > 0 || statement.groups.is_some())
            .then(|| Head::new(&checked, statement.group_count(), next));
        if let Some(head) = &head {
            let z_bits = config.architecture.layers.last().map_or(0, |l| l.z_bits);
            head.lookups(&layout, z_bits, builder);
            all.extend(head.equations(&layout, &statement).into_iter().flat_map(|e| e.pairs));
        }
        let ranks = head.as_ref().and_then(|_| Ranks::new(&statement, &checked, &layout, next));
        if let Some(ranks) = &ranks {
            ranks.lookups(builder);
            all.extend(ranks.equations().into_iter().flat_map(|e| e.pairs));
        }
        let residuals = Residuals::new(&statement, &checked, &layout, next);
        let backtest = Backtest::new(&statement, &checked, &layout, next);
        if let Some(b) = &backtest {
            all.extend(b.equations().into_iter().flat_map(|e| e.pairs));
        }
        all.extend(residuals.iter().flat_map(Residuals::equations).flat_map(|e| e.pairs));
        let head_pairs = (first, all.len());
        if let Some(x) = &residuals {
            x.lookups(builder);
            all.extend(x.equal().into_iter().flatten());
            all.extend(x.sums(&statement).into_iter().flat_map(|s| s.0));
        }
        if let Some(b) = &backtest {
            b.lookups(builder);
            all.extend(b.square_sums().into_iter().map(|s| s.pair));
        }
        if let (Some(x), Some(claims)) = (&residuals, &checked.errors) {
            all.extend(Self::error_sums(x, head.as_ref(), claims, checked.rows).into_iter().flatten());
        }
        if let (Some(ranks), Some(head)) = (&ranks, &head) {
            all.extend(ranks.hits(head));
        }
        let mut scores = head.as_ref().and_then(|head| Scores::new(&checked, head, &layout, next));
        if let Some(scores) = &mut scores {
            scores.lookup(builder);
        }
        let margins = Margins::new(&statement, next);
        margins.lookups(builder);
        let selection = match &statement.input {
            Input::Committed { data, .. } if statement.input.hidden().is_some() => {
                Some(Selection::new(checked.rows, data.rows as usize, log_rows, next))
            }
            _ => None,
        };
        let slacks = *next;
        *next += slack_slots(checked.bounds() + more, log_rows);
        (slacks..*next).for_each(|slot| builder.range(LIMB_BITS, Form::column(TRACE, slot)));
        let lookups = LookupSystem { log_rows, tables: vec![], multiplicities: vec![], lookups: vec![] };
        let data_stride = match &statement.input {
            Input::Committed { data, .. } => data.stride(),
            Input::Public { .. } | Input::Table { .. } => 0,
        };
        let model = ModelLayout::new(config, 0);
        Self {
            statement,
            checked,
            layout,
            pairs: all,
            pairs_at,
            head_pairs,
            head,
            ranks,
            residuals,
            backtest,
            scores,
            margins,
            selection,
            slacks,
            model,
            lookups,
            slots: *next,
            data_stride,
            id,
            public: None,
            other: None,
            ties: vec![],
        }
    }

    /// Slots of the trace, multiplicities included, and log2 of their rows.
    pub(super) const fn size(&self) -> (usize, usize) {
        (self.slots, self.layout.log_rows)
    }

    pub(super) fn layers(&self) -> core::ops::Range<usize> {
        0..self.layout.layers.len()
    }

    /// Whether data rows stand where trace rows do.
    fn aligned(&self) -> bool {
        let in_place = |index: &Vec<u32>| index.iter().zip(0u32..).all(|(&a, b)| a == b);
        let whole = match &self.statement.input {
            Input::Committed { data, .. } => data.rows as usize == self.checked.rows,
            Input::Public { .. } | Input::Table { .. } => false,
        };
        whole && self.data_stride == self.layout.log_rows && self.checked.index.as_ref().is_some_and(in_place)
    }

    pub(super) fn row(&self, r: &mut Reduction<'_>, point: &[E]) -> Row {
        let column = r.low(Low::Eq(point.to_vec()));
        if r.is_dry() {
            let [masked, data] = [(); 2].map(|()| r.low(Low::Eq(vec![])));
            return Row { column, masked, data: (self.data_id(), data), real: E::ZERO, public: vec![] };
        }
        let mut masked = eq_table(point, E::ONE);
        let data = match &self.checked.index {
            Some(_) if self.aligned() => column,
            Some(index) => {
                let mut data = vec![E::ZERO; 1 << self.data_stride];
                for (&i, &w) in index.iter().zip(&masked) {
                    if let Some(d) = data.get_mut(i as usize) {
                        *d += w;
                    }
                }
                r.low(Low::Dense(data))
            }
            None => column,
        };
        masked.iter_mut().skip(self.checked.rows).for_each(|w| *w = E::ZERO);
        let real = masked.iter().copied().sum();
        let public = self.statement.input.public_columns(self.inputs(), &masked);
        Row { column, masked: r.low(Low::Dense(masked)), data: (self.data_id(), data), real, public }
    }

    /// Draws unit weights per layer and the batching of the layers.
    pub(super) fn products(&self, mut point: impl FnMut(usize) -> Vec<E>) -> Products {
        let n = |l| self.checked.config.outputs(l);
        let units = self.layers().map(|l| unit_weights(&point(log2_ceil(n(l))), n(l))).collect();
        let lambda = point(1).first().map_or(E::ZERO, |&x| x);
        Products { units, lambda: lambda.powers().take(self.layout.layers.len()).collect() }
    }

    /// Inputs of all layers.
    pub(super) fn summed(&self) -> usize {
        self.layers().map(|l| self.checked.config.k(l)).sum()
    }

    /// (layer, its part of a table over the inputs of all layers).
    fn parts<'t>(&self, table: &'t [E]) -> Vec<(usize, &'t [E])> {
        let mut rest = table;
        self.layers()
            .map(|l| {
                let (part, after) = rest.split_at_checked(self.checked.config.k(l)).unwrap_or((rest, &[]));
                rest = after;
                (l, part)
            })
            .collect()
    }

    /// sum_v eq_v A(rho, v).
    pub(super) fn input_equation(&self, eq: &[E]) -> Equation {
        let c = &self.checked.config;
        self.parts(eq).into_iter().flat_map(|(l, part)| input_terms(c, &self.layout, &self.pairs_at, l, part)).collect()
    }

    /// sum_v eq_v sum_j u_j W(v, j).
    fn weight_claim(&self, r: &mut Reduction<'_>, products: &Products, eq: &[E]) -> Affine {
        let mut e = Affine::default();
        if let Some(weights) = self.public {
            // No message: the verifier holds the weights, and computes what it would have opened.
            e.add_constant(self.public_weights(weights, products, eq));
            return e;
        }
        for ((l, part), units) in self.parts(eq).into_iter().zip(&products.units) {
            let (stride, first) = (self.model.stride.get(l), self.model.first.get(l));
            let (Some(&stride), Some(&first)) = (stride, first) else { continue };
            let mut low = units.clone();
            low.resize(1 << stride, E::ZERO);
            let low = r.low(Low::Dense(low));
            part.iter().enumerate().for_each(|(k, &w)| e.add_cell(cell(self.id, low, first + k), w));
        }
        e
    }

    /// sum_v eq_v sum_j u_j W(v, j) of public weights, row after row of layer after layer.
    fn public_weights(&self, weights: &[i64], products: &Products, eq: &[E]) -> E {
        let (mut rest, mut sum) = (weights, E::ZERO);
        for ((l, part), units) in self.parts(eq).into_iter().zip(&products.units) {
            let n = self.checked.config.outputs(l).max(1);
            let (matrix, after) = rest.split_at_checked(part.len() * n).unwrap_or((rest, &[]));
            let row = |w: &[i64]| w.iter().zip(units).map(|(&w, &u)| u * signed(w)).sum::<E>();
            sum += matrix.chunks(n).zip(part).map(|(w, &k)| k * row(w)).sum::<E>();
            rest = after;
        }
        sum
    }

    /// The linear part of an equation at a row point; what is read of hidden rows is a message of its own.
    pub(super) fn linear_part(&self, row: &Row, equation: &Equation) -> Affine {
        let mut e = Affine::default();
        for &(term, c) in equation {
            match term {
                Term::One => e.add_constant(c),
                Term::Column(slot) => e.add_cell(cell(TRACE, row.column, slot), c),
                Term::Masked(slot) => e.add_cell(cell(TRACE, row.masked, slot), c),
                Term::Data(_) if self.selection.is_some() => {}
                Term::Data(slot) => self.add_data(&mut e, row, slot, c),
                Term::Pair(_) => {}
            }
        }
        e
    }

    /// Features of a row.
    pub(super) fn inputs(&self) -> usize {
        self.checked.config.architecture.layers.first().map_or(0, |l| l.inputs as usize)
    }

    /// k times a data column, committed or public, as a row point reads it.
    pub(super) fn add_data(&self, e: &mut Affine, row: &Row, slot: usize, k: E) {
        if self.statement.input.is_committed() {
            e.add_cell(cell(row.data.0, row.data.1, slot), k);
        } else {
            e.add_constant(k * row.public.get(slot).copied().unwrap_or(E::ZERO));
        }
    }

    /// k times a form of trace and data columns, the constant as on every row.
    pub(super) fn add_form(&self, e: &mut Affine, form: &Form, row: &Row, k: E) {
        e.add_constant(k * form.constant);
        for &(vector, slot, c) in &form.terms {
            if vector == DATA {
                self.add_data(e, row, slot, k * c);
            } else {
                e.add_cell(cell(vector, row.column, slot), k * c);
            }
        }
    }
}

/// sum_x eq(rho, x) of every column of a row-major table.
pub(super) fn weighted_rows(values: &[i32], width: usize, rho: &[E]) -> Vec<E> {
    weighted_columns(values, width, &eq_table(rho, E::ONE))
}

/// log2 of the rows of a column, padding included.
pub(super) fn log_rows(rows: usize) -> usize {
    log2_ceil(rows).max(MIN_LOG_ROWS)
}

/// Slots of all slacks.
const fn slack_slots(bounds: usize, log_rows: usize) -> usize {
    (bounds * LIMBS).div_ceil(1 << log_rows)
}

impl Relation for ReportRelation<'_> {
    fn max_stride(&self) -> usize {
        self.layout.log_rows
    }

    fn column_cells(&self) -> usize {
        self.slots << self.layout.log_rows
    }

    fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        r.begin(LABEL);
        self.model_check(r)?;
        if let Some(other) = &self.other {
            r.begin(comparison::LABEL);
            other.model_check(r)?;
            self.tie_check(r);
        }
        lookup_check(r, &self.lookups)
    }

    fn log_proofs(&self) -> usize {
        LOG_ABOUT_MODEL
    }

    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        let mut terms = self.model_terms(list_bits);
        terms.extend(self.other.iter().flat_map(|other| other.model_terms(list_bits)));
        let lookups = self.lookups.error_numerator() as usize;
        terms.push(algebraic("lookups: fingerprints, zero denominators, GKR", lookups, list_bits, LOGUP));
        terms
    }
}

impl ReportRelation<'_> {
    /// The claims on one model but for the lookups.
    fn model_check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        let rho = r.point(self.layout.log_rows);
        let products = self.products(|n| r.point(n));
        let row = self.row(r, &rho);
        let mut raw = Affine::default();
        for ((c, units), &lambda) in self.layout.layers.iter().zip(&products.units).zip(&products.lambda) {
            let f = self.checked.config.weight_bits();
            add_rescaled(&mut raw, row.column, f, (c.z, &c.z_rem), units.iter().map(|&u| lambda * u));
        }
        let claim = bilinear_check(r, raw, 0, log2_ceil(self.summed()))?;
        let eq_v = eq_table(&claim.units, E::ONE);
        let parts = self.parts(&eq_v);
        let weight = parts.iter().zip(&products.lambda).map(|((_, p), &x)| x * p.iter().copied().sum::<E>()).sum();
        let (a, b) = claim.close(r, weight);
        let mut weights = self.weight_claim(r, &products, &eq_v);
        weights.sub(&b.affine());
        r.assert_zero(weights);
        let product = self.input_equation(&eq_v);
        let mut a = a.affine();
        if let Some(read) = self.selection_check(r, &rho, &product)? {
            a.sub(&read.affine());
        }
        self.gate_check(r, &rho, &row, product, a)?;
        self.score_check(r)
    }
}
