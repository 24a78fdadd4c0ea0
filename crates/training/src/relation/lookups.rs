//! Every range and every table function of a chunk, as one lookup system.
use super::layout::{LossColumns, TraceLayout};
use crate::config::{Activation, RunConfig};
use crate::tables;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{F, signed};
use tacit_argument::form::Form;
use tacit_argument::lookup::{Lookup, LookupSystem, Table};

/// Collects tables (each once) and lookups.
pub(crate) struct Builder {
    tables: Vec<Table>,
    lookups: Vec<Lookup>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { tables: vec![], lookups: vec![] }
    }
    /// The index of a table, which is new or in use already.
    fn table(&mut self, t: Table) -> usize {
        self.tables.iter().position(|x| *x == t).unwrap_or_else(|| {
            self.tables.push(t);
            self.tables.len() - 1
        })
    }
    pub(crate) fn range(&mut self, bits: u32, value: Form) {
        let table = self.table(Table::Range { bits: bits as usize });
        self.lookups.push(Lookup { table, values: vec![value] });
    }
    pub(crate) fn tuple(&mut self, table: Table, values: Vec<Form>) {
        let table = self.table(table);
        self.tuple_of(table, values);
    }
    /// Looks up in a table that nothing else is looked up in, even if there is one like it; returns its index.
    pub(crate) fn alone(&mut self, table: Table, values: Vec<Form>) -> usize {
        self.tables.push(table);
        let table = self.tables.len() - 1;
        self.tuple_of(table, values);
        table
    }
    /// Looks up in a table by its index: a long one is built and compared once, not for every unit.
    fn tuple_of(&mut self, table: usize, values: Vec<Form>) {
        self.lookups.push(Lookup { table, values });
    }
    /// Places the multiplicities from slot `first` of vector 0 on; returns the system and the next free slot.
    pub(crate) fn build(self, log_rows: usize, first: usize) -> (LookupSystem, usize) {
        let mut next = first;
        let multiplicities = self
            .tables
            .iter()
            .map(|t| {
                let slot = next;
                next += LookupSystem::multiplicity_slots(t.bits(), log_rows);
                slot
            })
            .collect();
        (LookupSystem { log_rows, tables: self.tables, multiplicities, lookups: self.lookups }, next)
    }
}

fn column(slot: usize) -> Form {
    Form::column(0, slot)
}

/// A signed value in a window of `bits` bits, as the index of its table row.
fn offset(slot: usize, bits: u32) -> Form {
    column(slot).plus(F::from_u64(1 << (bits - 1)))
}

/// The lookups of a chunk.
pub(crate) fn chunk_lookups(config: &RunConfig, layout: &TraceLayout) -> Builder {
    let mut b = Builder::new();
    add_lookups(config, layout, &mut b);
    b
}

/// Adds the lookups of a chunk, or of its forward pass.
pub(crate) fn add_lookups(config: &RunConfig, layout: &TraceLayout, b: &mut Builder) {
    for (l, layer) in config.architecture.layers.iter().enumerate() {
        let c = &layout.layers[l];
        let last = l + 1 == layout.layers.len();
        let further: Vec<usize> = [c.activation, c.derivative].into_iter().flatten().collect();
        let table = match (&layout.loss, last) {
            (LossColumns::BinaryCrossEntropy { .. }, true) => Some(loss_sigmoid(config, layer.z_bits)),
            _ => activation_table(config, l, further.len() > 1),
        };
        let table = table.map(|t| b.table(t));
        for j in 0..layer.outputs as usize {
            let z = offset(c.z + j, layer.z_bits);
            match (table, &layout.loss, last) {
                (Some(table), LossColumns::BinaryCrossEntropy { sigmoid }, true) => {
                    b.tuple_of(table, vec![z, column(sigmoid + j)]);
                }
                (Some(table), ..) => {
                    let further = further.iter().map(|s| column(s + j));
                    b.tuple_of(table, core::iter::once(z).chain(further).collect());
                }
                _ => b.range(layer.z_bits, z),
            }
            for limbs in [&c.z_rem, &c.q_rem, &c.d_rem] {
                limbs.groups.iter().for_each(|&(w, slot)| b.range(w, column(slot + j)));
            }
            for s in [c.q, c.d].into_iter().flatten() {
                b.range(layer.q_bits, offset(s + j, layer.q_bits));
            }
        }
    }
    softmax_lookups(config, layout, b);
    for w in layout.per_weight() {
        w.lookups(b);
    }
    for norm in &layout.norms {
        norm.lookups(layout.log_rows, b);
    }
}

fn softmax_lookups(config: &RunConfig, layout: &TraceLayout, b: &mut Builder) {
    let LossColumns::CrossEntropy { e, p, rem, max, sum, .. } = layout.loss else { return };
    let Some((layer, c)) = config.architecture.layers.last().zip(layout.layers.last()) else { return };
    let values = tables::exp_table(config.scales.fa, config.exp_bits());
    let exp = b.table(Table::Function { bits: 16, columns: vec![values.into_iter().map(F::from_u32).collect()] });
    for j in 0..layer.outputs as usize {
        let diff = column(max).plus_scaled(&column(c.z + j), -F::ONE);
        b.tuple_of(exp, vec![diff, column(e + j)]);
        b.range(config.scales.fg + 1, column(p + j));
        b.range(16, column(rem + j));
        b.range(16, column(sum).plus(-F::ONE).plus_scaled(&column(rem + j), -F::ONE));
    }
}

/// Entries of a table's rows, as field elements.
fn entries(table: Vec<i32>) -> Vec<F> {
    table.into_iter().map(|v| signed(i64::from(v))).collect()
}

/// The table of an activation, with its derivative if the layout reads it.
fn activation_table(config: &RunConfig, l: usize, derivative: bool) -> Option<Table> {
    let layer = &config.architecture.layers[l];
    let (fa, m) = (config.scales.fa, layer.z_bits);
    let function = |value, of: fn(u32, u32) -> Vec<i32>| {
        let columns = core::iter::once(value).chain(derivative.then(|| of(fa, m))).map(entries).collect();
        Table::Function { bits: m as usize, columns }
    };
    match layer.activation {
        Activation::Identity => None,
        Activation::Relu => Some(Table::Step { bits: m as usize, bound: (1 << (m - 1)) + 1 }),
        Activation::Sigmoid => Some(function(tables::sigmoid_window(fa, fa, m), tables::sigmoid_derivative_window)),
        Activation::Tanh => Some(function(tables::tanh_window(fa, fa, m), tables::tanh_derivative_window)),
    }
}

fn loss_sigmoid(config: &RunConfig, m: u32) -> Table {
    let values = tables::sigmoid_window(config.scales.fa, config.scales.fg, m);
    Table::Function { bits: m as usize, columns: vec![entries(values)] }
}
