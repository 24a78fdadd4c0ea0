//! The relations of a chunk written out cell by cell, by the protocol's text: which one determines each column, and
//! which ones a trace breaks. Shares the layout with the prover, and nothing else.
use crate::forge::Forgery;
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use std::collections::BTreeSet;
use tacit_argument::field::{F, signed, to_signed};
use tacit_argument::form::Columns;
use tacit_argument::lookup::multiplicities;
use tacit_training::config::{Activation, Part, limb_widths};
use tacit_training::relation::layout::{Limbs, LossColumns, ModelLayout, WeightLimbs};
use tacit_training::tables;

/// A group of the verifier's claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Products,
    Weights,
    Gates,
    /// The range check of layer l's initial weights.
    Start(usize),
    /// The range check of layer l's final weights or (true) velocity.
    End(usize, bool),
    Lookups,
}

/// One relation of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Z_l = rescale(A_l W_l).
    Forward(usize),
    /// Q_l = rescale(D_{l+1} W_{l+1}^T).
    Backward(usize),
    /// D_l = rescale(Q_l A'_l).
    Derivative(usize),
    /// W_T and V_T of layer l, rounded: exact = 2^s out + remainder - 2^(s-1).
    Update(usize),
    /// Limbs of the rounded weights or (true) velocity of layer l.
    End(usize, bool),
    /// Limbs of W_in in layer l.
    Start(usize),
    /// Limbs of the i-th norm: sum over rows of V_j^2 = S_j.
    Norm(usize),
    /// sum_j h_j (max - Z_j) = 0.
    Maximum,
    /// e 2^fg = p S + rem.
    Division,
    /// h^2 = h.
    Boolean,
    /// sum h = 1.
    OneHot,
    /// S = sum e.
    ExpSum,
    /// Z_l in its window, with the bit or the table's values beside it.
    Activation(usize),
    /// Remainder limbs of Z_l, Q_l, D_l of their exact widths.
    ZLimb(usize),
    QLimb(usize),
    DLimb(usize),
    /// Q_l and D_l in their window.
    QWindow(usize),
    DWindow(usize),
    /// (max - Z, e) in the table.
    Exp,
    /// p in [0, 2^(fg+1)).
    Quotient,
    /// rem and S - 1 - rem in [0, 2^16).
    Remainder,
    /// Limbs of W_in of their exact widths.
    StartLimb,
    /// Limbs of a boundary's remainder and quotient of their exact widths.
    RemainderLimb,
    EndLimb,
    /// Limbs of norms of their exact widths.
    NormLimb,
    /// Each table's counts.
    Multiplicity,
}

impl Rule {
    pub const fn group(self) -> Group {
        match self {
            Self::Forward(_) | Self::Backward(_) => Group::Products,
            Self::Update(_) => Group::Weights,
            Self::Derivative(_)
            | Self::Maximum
            | Self::Division
            | Self::Boolean
            | Self::OneHot
            | Self::ExpSum
            | Self::Norm(_) => Group::Gates,
            Self::Start(l) => Group::Start(l),
            Self::End(l, velocity) => Group::End(l, velocity),
            _ => Group::Lookups,
        }
    }
}

/// Every group of trace columns: (name, first slot, columns, the relations that determine it).
pub fn columns(f: &Forgery<'_>) -> Vec<(String, usize, usize, Vec<Rule>)> {
    let mut out = vec![];
    for (l, c) in f.layout.layers.iter().enumerate() {
        let n = f.config.outputs(l);
        let mut put = |name: &str, slot: Option<usize>, rules: &[Rule]| {
            out.extend(slot.map(|s| (format!("{name}[{l}]"), s, n, rules.to_vec())));
        };
        put("z", Some(c.z), &[Rule::Forward(l)]);
        put("act", c.activation, &[Rule::Activation(l)]);
        put("deriv", c.derivative, &[Rule::Activation(l)]);
        put("q", c.q, &[Rule::Backward(l)]);
        put("d", c.d, &[Rule::Derivative(l)]);
        for (name, limbs, rule) in [
            ("z_rem", &c.z_rem, Rule::Forward(l)),
            ("q_rem", &c.q_rem, Rule::Backward(l)),
            ("d_rem", &c.d_rem, Rule::Derivative(l)),
        ] {
            limbs.groups.iter().for_each(|&(_, slot)| put(name, Some(slot), &[rule]));
        }
    }
    let n = f.config.outputs(f.layout.layers.len() - 1);
    let mut put = |name: &str, slot, n, rules: &[Rule]| out.push((name.to_string(), slot, n, rules.to_vec()));
    match f.layout.loss {
        LossColumns::CrossEntropy { e, p, rem, h, max, sum } => {
            put("e", e, n, &[Rule::Exp]);
            put("p", p, n, &[Rule::Division]);
            put("rem", rem, n, &[Rule::Division]);
            put("h", h, n, &[Rule::Boolean, Rule::OneHot]);
            put("max", max, 1, &[Rule::Maximum]);
            put("sum", sum, 1, &[Rule::ExpSum]);
        }
        LossColumns::BinaryCrossEntropy { sigmoid } => {
            put("sigmoid", sigmoid, n, &[Rule::Activation(f.layout.layers.len() - 1)]);
        }
        LossColumns::SquaredError => {}
    }
    out
}

/// Collects broken relations.
struct Broken<'f, 'a> {
    f: &'f Forgery<'a>,
    out: BTreeSet<Rule>,
}

/// Every relation that the forgery's trace breaks.
pub fn broken(f: &Forgery<'_>) -> BTreeSet<Rule> {
    let mut b = Broken { f, out: BTreeSet::new() };
    b.products();
    b.update();
    b.windows();
    b.derivatives();
    b.softmax();
    b.start();
    b.norms();
    if b.out.iter().all(|r| r.group() != Group::Lookups) {
        b.multiplicities();
    }
    b.out
}

fn within(v: F, bits: u32) -> bool {
    v.as_canonical_u64() < 1 << bits
}

fn in_window(v: F, bits: u32) -> bool {
    within(v + F::from_u64(1 << (bits - 1)), bits)
}

impl Broken<'_, '_> {
    fn require(&mut self, rule: Rule, holds: bool) {
        if !holds {
            self.out.insert(rule);
        }
    }

    fn at(&self, slot: usize, row: usize) -> F {
        self.f.column(slot)[row]
    }

    /// 2^bits value + remainder - 2^(bits-1).
    fn scaled(&self, value: usize, rem: &Limbs, bits: u32, row: usize) -> F {
        let limbs: F = rem.weighted().map(|(w, slot)| F::from_u64(w) * self.at(slot, row)).sum();
        // The first slot of every group moves with the unit: the caller passes limbs of unit 0.
        F::from_u64(1 << bits) * self.at(value, row) + limbs - F::from_u64(1 << (bits - 1))
    }

    fn unit(limbs: &Limbs, j: usize) -> Limbs {
        Limbs { groups: limbs.groups.iter().map(|&(w, s)| (w, s + j)).collect() }
    }

    fn products(&mut self) {
        let f = self.f;
        let (r, batch, bits) = (f.rows(), f.config.padded_batch() as usize, f.config.weight_bits());
        for (l, c) in f.layout.layers.iter().enumerate() {
            let (k, n) = (f.config.k(l), f.config.outputs(l));
            for x in 0..r {
                let w = f.weights(l, x / batch);
                for j in 0..n {
                    let raw: F = (0..k).map(|i| f.inputs[l][i * r + x] * w[i * n + j]).sum();
                    let limbs = Self::unit(&c.z_rem, j);
                    self.require(Rule::Forward(l), raw == self.scaled(c.z + j, &limbs, bits, x));
                }
                let Some(before) = l.checked_sub(1) else { continue };
                let b = &f.layout.layers[before];
                let q = b.q.expect("hidden layers have Q");
                for i in 0..f.config.outputs(before) {
                    let raw: F = (0..n).map(|j| f.gradients[l][j * r + x] * w[i * n + j]).sum();
                    let limbs = Self::unit(&b.q_rem, i);
                    self.require(Rule::Backward(before), raw == self.scaled(q + i, &limbs, bits, x));
                }
            }
        }
    }

    /// sum_i 2^(shift of limb i) limb_i of one weight.
    fn recomposed(&self, limbs: &WeightLimbs, (l, k, j): (usize, usize, usize)) -> F {
        let (mut shift, mut value) = (0, F::ZERO);
        for (width, _, place, _) in &limbs.limbs {
            value += F::from_u64(1 << shift) * self.f.columns[place.cell(l, k, j)];
            shift += width;
        }
        value
    }

    /// Limbs of their exact widths, in every cell of their slots.
    fn weight_limbs(&mut self, rule: Rule, limbs: &WeightLimbs) {
        assert_eq!(limbs.limbs.iter().map(|l| l.0).sum::<u32>(), limbs.bits);
        for &(width, first, _, slots) in &limbs.limbs {
            let log = self.f.layout.log_rows;
            let all = self.f.columns[first << log..(first + slots) << log].iter().all(|&v| within(v, width));
            self.require(rule, all);
        }
    }

    fn update(&mut self) {
        let f = self.f;
        for (part, layout, rounding) in f.parts() {
            let (shift, bits, velocity) =
                (f.config.boundary_shift(part, f.chunk), f.config.boundary_bits(part, f.chunk), part == Part::Velocity);
            let scale = F::from_u64(1 << shift);
            for l in 0..f.layout.layers.len() {
                let n = f.config.outputs(l);
                for (i, exact) in f.exact_end(l, part).into_iter().enumerate() {
                    let at = (l, i / n, i % n);
                    let out = f.model_out[layout.cell(l, i / n, i % n)];
                    let Some(r) = &rounding else {
                        self.require(Rule::Update(l), out == exact);
                        continue;
                    };
                    let rem = self.recomposed(&r.remainder, at);
                    self.require(Rule::Update(l), exact + F::from_u64((1 << shift) >> 1) == scale * out + rem);
                    let window = out + F::from_u64(1 << (bits - 1));
                    self.require(Rule::End(l, velocity), window == self.recomposed(&r.quotient, at));
                }
            }
            if let Some(r) = &rounding {
                self.weight_limbs(Rule::RemainderLimb, &r.remainder);
                self.weight_limbs(Rule::EndLimb, &r.quotient);
            }
        }
    }

    fn limbs(&mut self, rule: Rule, limbs: &Limbs, total: u32, n: usize) {
        if limbs.groups.is_empty() {
            return;
        }
        let widths: Vec<u32> = limbs.groups.iter().map(|g| g.0).rev().collect();
        assert_eq!(widths, limb_widths(total), "the limbs split the remainder exactly");
        for &(w, slot) in &limbs.groups {
            for j in 0..n {
                let all = self.f.column(slot + j).iter().all(|&v| within(v, w));
                self.require(rule, all);
            }
        }
    }

    fn windows(&mut self) {
        let f = self.f;
        for (l, c) in f.layout.layers.iter().enumerate() {
            let layer = &f.config.architecture.layers[l];
            let n = layer.outputs as usize;
            let last = l + 1 == f.layout.layers.len();
            self.limbs(Rule::ZLimb(l), &c.z_rem, f.config.weight_bits(), n);
            self.limbs(Rule::QLimb(l), &c.q_rem, f.config.weight_bits(), n);
            self.limbs(Rule::DLimb(l), &c.d_rem, 12, n);
            let smooth = match layer.activation {
                Activation::Sigmoid => Some(&f.tables.sigmoid),
                Activation::Tanh => Some(&f.tables.tanh),
                _ => None,
            };
            for (x, j) in (0..f.rows()).flat_map(|x| (0..n).map(move |j| (x, j))) {
                let z = self.at(c.z + j, x);
                let mut holds = in_window(z, layer.z_bits);
                if holds {
                    let z = to_signed(z).expect("in the window");
                    let row = (z + tables::ZERO as i64) as usize;
                    let is = |slot: usize, v: i64| self.at(slot + j, x) == signed(v);
                    holds = match (layer.activation, smooth, c.activation, c.derivative) {
                        (Activation::Relu, _, Some(s), None) => is(s, i64::from(z <= 0)),
                        (_, Some([value, slope]), Some(a), Some(d)) => {
                            is(a, value[row].into()) && is(d, slope[row].into())
                        }
                        _ => true,
                    };
                    if let (true, LossColumns::BinaryCrossEntropy { sigmoid }) = (last, &f.layout.loss) {
                        holds = is(*sigmoid, f.tables.loss[row].into());
                    }
                }
                self.require(Rule::Activation(l), holds);
                for (slot, rule) in [(c.q, Rule::QWindow(l)), (c.d, Rule::DWindow(l))] {
                    self.require(rule, slot.is_none_or(|s| in_window(self.at(s + j, x), layer.q_bits)));
                }
            }
        }
    }

    fn derivatives(&mut self) {
        let f = self.f;
        for (l, c) in f.layout.layers.iter().enumerate() {
            let (Some(q), Some(d), Some(slope)) = (c.q, c.d, c.derivative) else { continue };
            for (x, j) in (0..f.rows()).flat_map(|x| (0..f.config.outputs(l)).map(move |j| (x, j))) {
                let raw = self.at(q + j, x) * self.at(slope + j, x);
                let limbs = Self::unit(&c.d_rem, j);
                self.require(Rule::Derivative(l), raw == self.scaled(d + j, &limbs, 12, x));
            }
        }
    }

    fn softmax(&mut self) {
        let LossColumns::CrossEntropy { e, p, rem, h, max, sum } = self.f.layout.loss else { return };
        let f = self.f;
        let last = f.layout.layers.len() - 1;
        let (z, n, fg) = (f.layout.layers[last].z, f.config.outputs(last), f.config.scales.fg);
        for x in 0..f.rows() {
            let (m, s) = (self.at(max, x), self.at(sum, x));
            let total = |first: usize| (0..n).map(|j| self.at(first + j, x)).sum::<F>();
            let selected: F = (0..n).map(|j| self.at(h + j, x) * (m - self.at(z + j, x))).sum();
            let (ones, mass) = (total(h), total(e));
            self.require(Rule::Maximum, selected == F::ZERO);
            self.require(Rule::OneHot, ones == F::ONE);
            self.require(Rule::ExpSum, mass == s);
            for j in 0..n {
                let [e, p, rem, h, z] = [e, p, rem, h, z].map(|slot| self.at(slot + j, x));
                self.require(Rule::Boolean, h * h == h);
                self.require(Rule::Division, e * F::from_u64(1 << fg) == p * s + rem);
                self.require(Rule::Quotient, within(p, fg + 1));
                self.require(Rule::Remainder, within(rem, 16) && within(s - F::ONE - rem, 16));
                let diff = (m - z).as_canonical_u64() as usize;
                self.require(Rule::Exp, f.tables.exp.get(diff).is_some_and(|&v| F::from_u32(v) == e));
            }
        }
    }

    fn start(&mut self) {
        let f = self.f;
        let (Some(limbs), Some(model)) = (&f.layout.weight_limbs, &f.model_in) else { return };
        let layout = ModelLayout::new(f.config, 0);
        for l in 0..f.layout.layers.len() {
            for (k, j) in (0..f.config.k(l)).flat_map(|k| (0..f.config.outputs(l)).map(move |j| (k, j))) {
                let half = F::from_u64(1 << (limbs.bits - 1));
                let holds = model[layout.cell(l, k, j)] + half == self.recomposed(limbs, (l, k, j));
                self.require(Rule::Start(l), holds);
            }
        }
        self.weight_limbs(Rule::StartLimb, limbs);
    }

    fn norms(&mut self) {
        let f = self.f;
        for (i, norm) in f.layout.norms.iter().enumerate() {
            for j in 0..norm.units {
                let sum: F = f.column(norm.column + j).iter().map(|&v| v * v).sum();
                let log = f.layout.log_rows;
                let limbs: F =
                    norm.limbs.weighted().map(|(w, slot)| F::from_u64(w) * f.columns[(slot << log) + j]).sum();
                self.require(Rule::Norm(i), sum == limbs);
            }
            let slots = norm.units.div_ceil(f.rows());
            for &(width, first) in &norm.limbs.groups {
                for slot in first..first + slots {
                    let all = f.column(slot).iter().all(|&v| within(v, width));
                    self.require(Rule::NormLimb, all);
                }
            }
        }
    }

    fn multiplicities(&mut self) {
        let f = self.f;
        let system = f.relation.lookups();
        let read = Columns { log_rows: f.layout.log_rows, vectors: vec![&f.columns] };
        let counts = multiplicities(system, &read).expect("every value is in its table");
        for (&slot, count) in system.multiplicities.iter().zip(counts) {
            let first = slot << f.layout.log_rows;
            self.require(Rule::Multiplicity, f.columns[first..first + count.len()] == count);
        }
    }
}
