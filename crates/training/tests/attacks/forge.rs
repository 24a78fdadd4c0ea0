//! A dishonest prover: fills the trace of one execution, changes what it likes, derives the rest as favourably as it
//! can and sends the messages of the relation; and the verifier's chain of claims over it, each claim in the clear.
use crate::rules::Group;
use std::collections::BTreeSet;
use std::rc::Rc;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F, signed, to_signed};
use tacit_argument::form::Columns;
use tacit_argument::hiding::{Masker, PadLayout, Reduction, Schedule, Secrets};
use tacit_argument::lookup::{LookupError, multiplicities};
use tacit_argument::proof::{Relation, Witnessed};
use tacit_argument::transcript::Transcript;
use tacit_training::coefficients::Coefficients;
use tacit_training::config::{Activation, Part, RunConfig};
use tacit_training::order::RowOrder;
use tacit_training::relation::layout::{LossColumns, ModelLayout, Rounding, TraceLayout};
use tacit_training::relation::{ChunkRelation, ChunkWitness, StartWeights, Witness, model_payload};
use tacit_training::tables;
use tacit_training::trainer::{Data, ModelState, train_chunk};
use tacit_training::validity::data_payload;

use crate::common::data_record;
use p3_field::{PrimeCharacteristicRing, PrimeField64};

/// The public tables, computed once.
pub struct Tables {
    pub sigmoid: [Vec<i32>; 2],
    pub tanh: [Vec<i32>; 2],
    pub loss: Vec<i32>,
    pub exp: Vec<u32>,
}

impl Tables {
    fn new(config: &RunConfig) -> Self {
        let (fa, fg) = (config.scales.fa, config.scales.fg);
        Self {
            sigmoid: [tables::sigmoid_table(fa, fa), tables::sigmoid_derivative_table(fa)],
            tanh: [tables::tanh_table(fa), tables::tanh_derivative_table(fa)],
            loss: tables::sigmoid_table(fa, fg),
            exp: tables::exp_table(fa, config.exp_bits()),
        }
    }
}

/// One chunk, claimed under `config`, with everything that the prover commits.
#[derive(Clone)]
pub struct Forgery<'a> {
    pub config: &'a RunConfig,
    /// What the verifier checks.
    pub relation: ChunkRelation<'a>,
    /// What the prover proves: the same, unless a test sets another.
    pub proves: ChunkRelation<'a>,
    pub layout: TraceLayout,
    pub coefficients: Coefficients,
    /// The data row of every trace row.
    pub index: Vec<Option<u32>>,
    /// The trace, column by column.
    pub columns: Vec<F>,
    pub data: Vec<F>,
    /// W_in in the configuration's order.
    pub start: Vec<i64>,
    /// V_in; empty where the velocity starts at 0.
    pub velocity: Vec<i64>,
    pub chunk: u32,
    pub model_in: Option<Vec<F>>,
    pub model_out: Vec<F>,
    /// A_l with its bias column, and D_l, column by column.
    pub inputs: Vec<Vec<F>>,
    pub gradients: Vec<Vec<F>>,
    pub tables: Rc<Tables>,
    schedule: Schedule,
}

/// The data row of every row of a chunk.
fn row_index(config: &RunConfig, chunk: u32) -> Vec<Option<u32>> {
    let mut order = RowOrder::new(config);
    let (first, real) = (config.chunk_start(chunk), config.steps_in_chunk(chunk));
    let cells = (0..config.schedule.chunk_steps).flat_map(|t| (0..config.padded_batch()).map(move |b| (t, b)));
    cells.map(|(t, b)| if t < real { order.row_index(first + t, b) } else { None }).collect()
}

impl<'a> Forgery<'a> {
    /// Claims `config` for chunk `chunk`; executes `executed`, another configuration of the same shape, instead.
    pub fn of(
        config: &'a RunConfig,
        executed: &RunConfig,
        chunk: u32,
        start: StartWeights,
        (state, data): (&ModelState, &Data),
    ) -> Self {
        let trace = train_chunk(executed, chunk, state, data).expect("the execution stays in its windows");
        let other = ChunkRelation::new(executed, chunk, start.clone()).expect("a chunk of the run");
        let (_, columns) = ChunkWitness::new(other, &trace, state).expect("an honest trace");
        let bits = match start {
            StartWeights::Committed(bits) => bits,
            StartWeights::Public(_) => None,
        };
        let committed = matches!(start, StartWeights::Committed(_));
        let relation = ChunkRelation::new(config, chunk, start).expect("a chunk of the run");
        let mut forgery = Self {
            config,
            proves: relation.clone(),
            relation,
            layout: TraceLayout::new(config, chunk, bits),
            coefficients: Coefficients::new(config, chunk).expect("a chunk of the run"),
            index: row_index(config, chunk),
            columns,
            data: data_payload(&data_record(config), data),
            start: state.weights.clone(),
            velocity: state.velocity.clone().filter(|_| chunk > 0).unwrap_or_default(),
            chunk,
            model_in: committed.then(|| model_payload(config, &state.weights, state.velocity.as_deref())),
            model_out: model_payload(config, &trace.end.state.weights, trace.end.state.velocity.as_deref()),
            inputs: vec![],
            gradients: vec![],
            tables: Rc::new(Tables::new(config)),
            schedule: Schedule::default(),
        };
        forgery.schedule = forgery.dry_run();
        assert_eq!(forgery.columns.len(), forgery.relation.column_cells(), "both configurations have one layout");
        forgery.derive();
        forgery
    }

    /// The honest prover of a chunk with a hidden, range-checked start.
    pub fn honest(config: &'a RunConfig, state: &ModelState, data: &Data) -> Self {
        Self::of(config, config, 0, StartWeights::Committed(Some(crate::WINDOW)), (state, data))
    }

    pub fn rows(&self) -> usize {
        1 << self.layout.log_rows
    }

    /// The cell of a trace column.
    pub fn cell(&mut self, slot: usize, row: usize) -> &mut F {
        &mut self.columns[(slot << self.layout.log_rows) + row]
    }

    pub fn column(&self, slot: usize) -> &[F] {
        &self.columns[slot << self.layout.log_rows..(slot + 1) << self.layout.log_rows]
    }

    /// A_l and D_l from the committed columns, whatever they hold.
    pub fn derive(&mut self) {
        let layers = &self.config.architecture.layers;
        self.inputs = (0..layers.len()).map(|l| self.input(l)).collect();
        self.gradients = (0..layers.len()).map(|l| self.gradient(l)).collect();
    }

    fn gathered(&self, column: usize) -> impl Iterator<Item = F> + '_ {
        let stride = data_record(self.config).stride();
        self.index.iter().map(move |i| i.map_or(F::ZERO, |i| self.data[(column << stride) + i as usize]))
    }

    /// A_0 = data; A = (1 - s) Z, act or Z of the layer before; then the bias.
    fn input(&self, l: usize) -> Vec<F> {
        let layers = &self.config.architecture.layers;
        let n = layers[l].inputs as usize;
        let mut out: Vec<F> = match l.checked_sub(1) {
            None => (0..n).flat_map(|k| self.gathered(k)).collect(),
            Some(b) => {
                let c = &self.layout.layers[b];
                let column = |j: usize| match (layers[b].activation, c.activation) {
                    (Activation::Relu, Some(s)) => self.gated(s + j, c.z + j),
                    (Activation::Sigmoid | Activation::Tanh, Some(act)) => self.column(act + j).to_vec(),
                    _ => self.column(c.z + j).to_vec(),
                };
                (0..n).flat_map(column).collect()
            }
        };
        if layers[l].bias {
            out.resize(out.len() + self.rows(), F::from_u64(1 << self.config.scales.fa));
        }
        out
    }

    /// (1 - s) v.
    fn gated(&self, s: usize, v: usize) -> Vec<F> {
        self.column(s).iter().zip(self.column(v)).map(|(&s, &v)| v - s * v).collect()
    }

    /// D = (1 - s) Q, D or Q; the loss gradient, zero on masked rows, in the last layer.
    fn gradient(&self, l: usize) -> Vec<F> {
        let (c, layer) = (&self.layout.layers[l], &self.config.architecture.layers[l]);
        let n = layer.outputs as usize;
        if l + 1 == self.layout.layers.len() {
            return (0..n).flat_map(|j| self.loss_gradient(j)).collect();
        }
        let q = c.q.expect("hidden layers have Q");
        let column = |j: usize| match (c.d, c.activation) {
            (Some(d), _) => self.column(d + j).to_vec(),
            (None, Some(s)) => self.gated(s + j, q + j),
            (None, None) => self.column(q + j).to_vec(),
        };
        (0..n).flat_map(column).collect()
    }

    fn loss_gradient(&self, j: usize) -> Vec<F> {
        let s = &self.config.scales;
        let (one, slope) = (F::from_u64(1 << s.fg), F::from_u64(1 << (s.fg - s.fa)));
        let last = self.layout.layers.len() - 1;
        let (slot, scale, label) = match self.layout.loss {
            LossColumns::CrossEntropy { p, .. } => (p, F::ONE, one),
            LossColumns::BinaryCrossEntropy { sigmoid } => (sigmoid, F::ONE, one),
            LossColumns::SquaredError => (self.layout.layers[last].z, slope, slope),
        };
        let features = self.config.architecture.layers[0].inputs as usize;
        let labels = self.gathered(features + j);
        let rows = self.column(slot + j).iter().zip(labels).zip(&self.index);
        rows.map(|((&v, y), i)| if i.is_some() { v * scale - y * label } else { F::ZERO }).collect()
    }

    /// A_s^T D_s of layer l, in the order of the weights.
    fn gradient_at(&self, l: usize, s: usize) -> Vec<F> {
        let (k, n) = (self.config.k(l), self.config.outputs(l));
        let (r, batch) = (self.rows(), self.config.padded_batch() as usize);
        let rows = |columns: &[F], unit: usize| columns[unit * r + s * batch..unit * r + (s + 1) * batch].to_vec();
        let (a, d): (Vec<_>, Vec<_>) =
            ((0..k).map(|i| rows(&self.inputs[l], i)).collect(), (0..n).map(|j| rows(&self.gradients[l], j)).collect());
        let dot = |a: &[F], d: &[F]| a.iter().zip(d).map(|(&a, &d)| a * d).sum::<F>();
        (0..k * n).map(|i| dot(&a[i / n], &d[i % n])).collect()
    }

    /// c_w W_in + c_v V_in + sum_s c_s A_s^T D_s of layer l as residues.
    fn combination(&self, l: usize, [c_w, c_v]: [F; 2], c: impl Fn(usize) -> F) -> Vec<F> {
        let range = self.config.weight_offset(l)..self.config.weight_offset(l + 1);
        let mut out: Vec<F> = self.start[range.clone()].iter().map(|&v| signed(v) * c_w).collect();
        if !self.velocity.is_empty() {
            out.iter_mut().zip(&self.velocity[range]).for_each(|(w, &v)| *w += signed(v) * c_v);
        }
        for s in 0..self.coefficients.real_steps() {
            let c = c(s);
            if c != F::ZERO {
                out.iter_mut().zip(self.gradient_at(l, s)).for_each(|(w, g)| *w += c * g);
            }
        }
        out
    }

    /// W_t of layer l as residues, from the columns and the coefficients.
    pub fn weights(&self, l: usize, t: usize) -> Vec<F> {
        let c = &self.coefficients;
        let field = |v: u128| F::from_u64(u64::try_from(v).expect("a small coefficient"));
        let gradient = |s: usize| if s < t { -field(c.gradient(t, s)) } else { F::ZERO };
        self.combination(l, [F::from_u64(c.start()), -field(c.velocity(t))], gradient)
    }

    /// What a boundary rounds in layer l: W_T, or the sum of the averaged weights, times the decay's numerator; or V_T.
    pub fn exact_end(&self, l: usize, part: Part) -> Vec<F> {
        let c = &self.coefficients;
        match part {
            Part::Weights => {
                let decay = F::from_u64(self.config.decay(self.chunk).0);
                let averaged = (0..self.config.averaged(self.chunk) as usize).map(|i| c.real_steps() - i);
                let mut sum = F::zero_vec(self.config.k(l) * self.config.outputs(l));
                averaged.for_each(|t| sum.iter_mut().zip(self.weights(l, t)).for_each(|(s, w)| *s += w));
                sum.into_iter().map(|w| w * decay).collect()
            }
            Part::Velocity => {
                let field = |v: u128| F::from_u64(u64::try_from(v).expect("a small coefficient"));
                self.combination(l, [F::ZERO, F::from_u64(c.state_velocity())], |s| field(c.state_gradient(s)))
            }
        }
    }

    /// Weights and, with momentum, velocity: (part, its place in a model vector, its rounding).
    pub fn parts(&self) -> Vec<(Part, ModelLayout, Option<Rounding>)> {
        let layouts = ModelLayout::state(self.config, self.config.schedule.momentum());
        let parts = [Part::Weights, Part::Velocity].into_iter().zip(layouts);
        parts.zip(&self.layout.rounding).map(|((part, layout), r)| (part, layout, r.clone())).collect()
    }

    /// Commits the end that the columns lead to: rounded where it is a small integer, else divided mod p.
    pub fn derive_model_out(&mut self) {
        for (part, layout, rounding) in self.parts() {
            let (shift, bits) =
                (self.config.boundary_shift(part, self.chunk), self.config.boundary_bits(part, self.chunk));
            for l in 0..self.layout.layers.len() {
                let n = self.config.outputs(l);
                for (i, exact) in self.exact_end(l, part).into_iter().enumerate() {
                    let cell = |layout: &ModelLayout| layout.cell(l, i / n, i % n);
                    let small = to_signed(exact).filter(|v| v.unsigned_abs() < 1 << (shift + bits - 1).min(62));
                    let (Some(rounding), Some(exact)) = (&rounding, small) else {
                        self.model_out[cell(&layout)] = exact / F::from_u64(1 << shift);
                        continue;
                    };
                    let (out, rem) = tacit_training::rescale(exact.into(), shift);
                    let out = i64::try_from(out).expect("small");
                    self.model_out[cell(&layout)] = signed(out);
                    let window = (out + (1 << (bits - 1))) as u64;
                    for (limbs, value) in [(&rounding.remainder, rem as u64), (&rounding.quotient, window)] {
                        let mut at = 0;
                        for (width, _, place, _) in &limbs.limbs {
                            self.columns[cell(place)] = F::from_u64((value >> at) & ((1 << width) - 1));
                            at += width;
                        }
                    }
                }
            }
        }
    }

    /// Sums the squares of every hidden column again.
    pub fn derive_norms(&mut self) {
        let log = self.layout.log_rows;
        for norm in self.layout.norms.clone() {
            for j in 0..norm.units {
                let square: F = self.column(norm.column + j).iter().map(|&v| v * v).sum();
                let mut value = square.as_canonical_u64();
                for &(width, slot) in &norm.limbs.groups {
                    self.columns[(slot << log) + j] = F::from_u64(value & ((1 << width) - 1));
                    value >>= width;
                }
            }
        }
    }

    /// Counts the multiplicities again, if every value is still in its table.
    pub fn derive_multiplicities(&mut self) {
        let system = self.relation.lookups();
        let columns = Columns { log_rows: self.layout.log_rows, vectors: vec![&self.columns] };
        let Ok(counts) = multiplicities(system, &columns) else { return };
        for (&slot, count) in system.multiplicities.iter().zip(counts) {
            let first = slot << self.layout.log_rows;
            self.columns[first..first + count.len()].copy_from_slice(&count);
        }
    }

    /// Everything that follows from the columns, derived again: what a prover would do after changing some.
    pub fn derive_all(&mut self) {
        self.derive();
        self.derive_model_out();
        self.derive_norms();
        self.derive_multiplicities();
    }

    fn dry_run(&self) -> Schedule {
        let mut t = Transcript::new(b"tacit/test/dry", &[0; 32]);
        let mut dry = Reduction::dry(&mut t);
        self.relation.check(&mut dry).expect("a dry run reads nothing");
        dry.schedule()
    }

    /// The groups of checks that reject, each claim evaluated in the clear over the prover's real messages.
    pub fn rejected_by(&self) -> BTreeSet<Group> {
        let mut entropy = Entropy::fresh(&[1; 32], &[2; 32]).expect("random bytes");
        let secrets = Secrets::draw(&self.schedule, &mut entropy);
        let mut cells = self.columns.clone();
        cells.extend(secrets.cells());
        // The roots of a real proof bind the trace; here the challenges are fresh because the pads are.
        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut masker = Masker::new(&mut transcript, secrets);
        self.send(&mut masker, &cells).expect("no denominator is zero");
        let messages = masker.finish();

        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut reduction = Reduction::new(&mut transcript, &messages);
        self.relation.check(&mut reduction).expect("every message is there");
        let mut vectors: Vec<&[F]> = vec![&cells, &self.data, &self.model_out];
        vectors.extend(self.model_in.as_deref());
        let values = reduction.claims_in_clear(PadLayout { first: self.columns.len() }, &vectors);
        let names = self.claim_groups(values.len());
        names.into_iter().zip(values).filter(|(_, v)| *v != E::ZERO).map(|(name, _)| name).collect()
    }

    /// Which group each claim belongs to: the order of the verifier's chain.
    fn claim_groups(&self, claims: usize) -> Vec<Group> {
        let layers = &self.config.architecture.layers;
        let hidden = &layers[..layers.len() - 1];
        let gated = matches!(self.layout.loss, LossColumns::CrossEntropy { .. })
            || hidden.iter().any(|l| l.activation != Activation::Identity)
            || !self.layout.norms.is_empty();
        let mut names = vec![Group::Products, Group::Weights];
        names.resize(if gated { 5 } else { 3 }, Group::Gates);
        let rounded = self.parts().into_iter().filter(|p| p.2.is_some()).map(|p| p.0).collect::<Vec<_>>();
        for l in 0..layers.len() {
            names.extend(self.layout.weight_limbs.as_ref().map(|_| Group::Start(l)));
            names.extend(rounded.iter().map(|&part| Group::End(l, part == Part::Velocity)));
        }
        assert!(names.len() + 3 <= claims, "the chain ends with the lookups' claims");
        names.resize(claims, Group::Lookups);
        names
    }
}

impl<'a> Witnessed for Forgery<'a> {
    type Relation = ChunkRelation<'a>;
    fn relation(&self) -> &ChunkRelation<'a> {
        &self.relation
    }
    fn send(&self, masker: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        masker.go_on_dishonestly();
        let w = Witness {
            trace,
            inputs: &self.inputs,
            gradients: &self.gradients,
            start: &self.start,
            velocity: &self.velocity,
        };
        self.proves.prove(masker, &w)
    }
}
