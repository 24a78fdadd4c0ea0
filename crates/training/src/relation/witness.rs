//! Fills the trace of a chunk from its execution.
use super::ChunkRelation;
use super::layout::{LayerColumns, Limbs, LossColumns, ModelLayout, NormLimbs};
use super::prove::Witness;
use crate::config::RunConfig;
use crate::stage::Stage;
use crate::trainer::{ChunkTrace, LayerTrace, LossTrace, ModelState};
use alloc::vec::Vec;
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use p3_maybe_rayon::prelude::*;
use tacit_argument::field::{F, signed};
use tacit_argument::hiding::{Masker, wipe};
use tacit_argument::lookup::{LookupError, fill_multiplicities};
use tacit_argument::proof::{Relation as _, Witnessed};

/// A chunk with its witness; wiped when dropped.
pub struct ChunkWitness<'a> {
    relation: ChunkRelation<'a>,
    inputs: Vec<Vec<F>>,
    gradients: Vec<Vec<F>>,
    start: &'a ModelState,
    begins: &'a (dyn Fn(Stage) + 'a),
}

impl<'a> ChunkWitness<'a> {
    /// The same witness, whose stages are told as they begin.
    #[must_use]
    pub fn watched(mut self, begins: &'a (dyn Fn(Stage) + 'a)) -> Self {
        self.begins = begins;
        self
    }

    /// The witness and the trace's columns, multiplicities included. `start` is the state before the chunk.
    ///
    /// # Errors
    /// [`LookupError`] if a value lies outside its window.
    pub fn new(
        relation: ChunkRelation<'a>,
        trace: &ChunkTrace,
        start: &'a ModelState,
    ) -> Result<(Self, Vec<F>), LookupError> {
        let mut columns = F::zero_vec(relation.column_cells());
        relation.fill(trace, &start.weights, &mut columns);
        fill_multiplicities(&relation.lookups, &mut columns, &[])?;
        let layers = relation.layout.layers.len();
        let field = |v: &[i32]| v.par_iter().map(|&x| signed(x.into())).collect::<Vec<F>>();
        let inputs = (0..layers).map(|l| field(&trace.input(l))).collect();
        let gradients = (0..layers).map(|l| field(&trace.gradient(l))).collect();
        Ok((Self { relation, inputs, gradients, start, begins: &|_| {} }, columns))
    }
}

impl Drop for ChunkWitness<'_> {
    fn drop(&mut self) {
        self.inputs.iter_mut().chain(&mut self.gradients).for_each(|v| wipe(v));
    }
}

impl<'a> Witnessed for ChunkWitness<'a> {
    type Relation = ChunkRelation<'a>;
    fn relation(&self) -> &ChunkRelation<'a> {
        &self.relation
    }
    fn send(&self, masker: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        let velocity = self.start.velocity.as_deref().filter(|_| self.relation.velocity_in).unwrap_or_default();
        let (inputs, gradients) = (&self.inputs, &self.gradients);
        let w = Witness { trace, inputs, gradients, start: &self.start.weights, velocity };
        self.relation.prove_watched(masker, &w, self.begins)?;
        (self.begins)(Stage::Opening);
        Ok(())
    }
}

/// Writes groups of columns at their slots.
pub(crate) struct Writer<'a> {
    pub(crate) columns: &'a mut [F],
    pub(crate) log_rows: usize,
}

impl Writer<'_> {
    /// Z, its remainder and the activation; a trace without values of an activation has a ReLU, hence the bit s.
    pub(crate) fn forward(&mut self, c: &LayerColumns, t: &LayerTrace) {
        self.signed(Some(c.z), &t.z);
        self.limbs(&c.z_rem, &t.z_rem);
        match c.activation {
            Some(slot) if t.act.is_empty() => self.put(slot, &t.z, |z| F::from_bool(z <= 0)),
            slot => self.signed(slot, &t.act),
        }
    }
    pub(crate) fn put<T: Copy + Sync>(&mut self, slot: usize, values: &[T], f: impl Fn(T) -> F + Sync) {
        let first = slot << self.log_rows;
        self.columns[first..first + values.len()].par_iter_mut().zip(values).for_each(|(c, &v)| *c = f(v));
    }
    fn limbs<T: Copy + Sync + Into<u64>>(&mut self, limbs: &Limbs, values: &[T]) {
        let mut shift = 0;
        for &(width, slot) in &limbs.groups {
            self.put(slot, values, |v: T| F::from_u64((v.into() >> shift) & ((1 << width) - 1)));
            shift += width;
        }
    }
    /// Sums of squares of columns that are there already.
    fn norm(&mut self, norm: &NormLimbs) {
        let rows = 1usize << self.log_rows;
        let squares = |column: &[F]| column.iter().map(|&x| x * x).sum::<F>().as_canonical_u64();
        let first = norm.column * rows;
        let sums: Vec<u64> = self.columns[first..first + norm.units * rows].par_chunks(rows).map(squares).collect();
        self.limbs(&norm.limbs, &sums);
    }
    fn signed(&mut self, slot: Option<usize>, values: &[i32]) {
        if let Some(slot) = slot {
            self.put(slot, values, |v| signed(v.into()));
        }
    }
}

impl ChunkRelation<'_> {
    fn fill(&self, trace: &ChunkTrace, start: &[i64], columns: &mut [F]) {
        let mut w = Writer { columns, log_rows: self.layout.log_rows };
        for (c, t) in self.layout.layers.iter().zip(&trace.layers) {
            w.forward(c, t);
            w.limbs(&c.q_rem, &t.q_rem);
            w.limbs(&c.d_rem, &t.d_rem);
            w.signed(c.q, &t.q);
            w.signed(c.d, &t.d);
            w.signed(c.derivative, &t.deriv);
        }
        match (&self.layout.loss, &trace.loss) {
            (
                &LossColumns::CrossEntropy { e, p, rem, h, max, sum },
                LossTrace::CrossEntropy { e: te, p: tp, rem: tr, argmax, max: tm, sum: ts },
            ) => {
                for (slot, values) in [(e, te), (p, tp), (rem, tr), (sum, ts)] {
                    w.put(slot, values, F::from_u32);
                }
                w.signed(Some(max), tm);
                for j in 0..self.outputs() {
                    w.put(h + j, argmax, |a| F::from_bool(a as usize == j));
                }
            }
            (&LossColumns::BinaryCrossEntropy { sigmoid }, LossTrace::BceWithLogits { sig }) => {
                w.put(sigmoid, sig, |v| signed(v.into()))
            }
            _ => {}
        }
        for norm in &self.layout.norms {
            w.norm(norm);
        }
        let window =
            |v: &[i64], bits: u32| v.iter().map(|&v| v.wrapping_add(1 << (bits - 1)) as u64).collect::<Vec<_>>();
        if let Some(limbs) = &self.layout.weight_limbs {
            let values = window(start, limbs.bits);
            limbs.fill(self.config, |i| values[i], w.columns);
        }
        let end = &trace.end;
        let velocity = end.state.velocity.as_deref().unwrap_or_default();
        let ends = [(&end.weight_rem, end.state.weights.as_slice()), (&end.velocity_rem, velocity)];
        for (rounding, (remainder, out)) in self.layout.rounding.iter().zip(ends) {
            let Some(rounding) = rounding else { continue };
            rounding.remainder.fill(self.config, |i| remainder[i], w.columns);
            let values = window(out, rounding.quotient.bits);
            rounding.quotient.fill(self.config, |i| values[i], w.columns);
        }
    }
}

/// The payload of a model vector: weights and velocity at the places of [`ModelLayout::state`], zeros between.
#[must_use]
pub fn model_payload(config: &RunConfig, weights: &[i64], velocity: Option<&[i64]>) -> Vec<F> {
    let mut out = F::zero_vec(ModelLayout::state_cells(config, velocity.is_some()));
    let layouts = ModelLayout::state(config, velocity.is_some());
    for (layout, values) in layouts.iter().zip(core::iter::once(weights).chain(velocity)) {
        for l in 0..config.architecture.layers.len() {
            let (first, n) = (config.weight_offset(l), config.outputs(l));
            for (k, row) in values[first..first + config.k(l) * n].chunks(n).enumerate() {
                for (j, &v) in row.iter().enumerate() {
                    out[layout.cell(l, k, j)] = signed(v);
                }
            }
        }
    }
    out
}
