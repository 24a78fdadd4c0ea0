//! Statements of any size that the limits allow, on small proofs: what a verifier spends before it has seen that the
//! proof is of another statement.
//!
//! Every number that depends on a changed one is changed with it, so that the statement passes its own checks.
use crate::random::Random;
use crate::targets::file;
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};
use tacit_training::config::{
    Activation, Loss, MAX_BATCH, MAX_CHUNK_ROWS, MAX_FILTER, MAX_LAYERS, MAX_ROWS, MAX_WIDTH, NormBits, RunConfig,
    Schedule,
};
use tacit_training::file::{Kind, decode};
use tacit_training::link::{LinkProof, Linked};
use tacit_training::record::{DataRecord, Labels, ModelRecord, Vector, labels_for, model_dimensions};
use tacit_training::relation::layout::ModelLayout;
use tacit_training::report::{Input, ReportProof, Rows};
use tacit_training::run::RunProof;
use tacit_training::statement::Start;
use tacit_training::verify::DataFile;

/// Most chunks of an inflated run: each takes a proof of 100 KB.
const CHUNKS: u32 = 3;

fn fitted(vector: &mut Vector, cells: usize, stride: usize) {
    if let Ok(shape) = long_lived_shape(cells, stride, 8, vector.log_inv_rate.into()) {
        vector.shape = shape;
        vector.row_budget = (shape.block - PIN_BLOCK) as u64;
    }
}

fn fitted_data(record: &mut DataRecord) {
    let stride = record.stride();
    let cells = (record.columns() as usize) << stride;
    fitted(&mut record.vector, cells, stride);
    if let Some(names) = &mut record.names {
        names.resize(record.features as usize, "x".into());
    }
}

fn fitted_model(record: &mut ModelRecord, config: &RunConfig) {
    (record.layers, record.fw) = (model_dimensions(config), config.scales.fw);
    let cells = ModelLayout::state_cells(config, record.velocity);
    fitted(&mut record.vector, cells, ModelLayout::new(config, 0).max_stride());
}

fn rows(r: &mut Random) -> u32 {
    if r.one_in(4) { MAX_ROWS } else { r.scaled(1, MAX_ROWS) }
}

/// A commitment of as many rows and columns as there may be.
#[must_use]
pub fn data(r: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut body) = decode::<DataFile>(Kind::Data, bytes) else { return vec![] };
    let record = &mut body.record;
    record.rows = rows(r);
    if r.one_in(2) {
        record.features = r.scaled(1, MAX_WIDTH);
    }
    record.data_bits = 2 + r.below(15) as u32;
    match &mut record.labels {
        Labels::Class { classes } => *classes = r.scaled(2, 64),
        Labels::Binary { outputs } | Labels::Real { outputs, .. } if r.one_in(2) => *outputs = r.scaled(1, MAX_WIDTH),
        _ => {}
    }
    fitted_data(record);
    file(Kind::Data, &body)
}

fn layers(r: &mut Random, config: &mut RunConfig) {
    let like = config.architecture.layers[0].clone();
    let activations = [Activation::Relu, Activation::Sigmoid, Activation::Tanh, Activation::Identity];
    let n = if r.one_in(3) { r.scaled(1, MAX_LAYERS as u32) as usize } else { 1 + r.below(3) };
    let mut inputs = r.scaled(1, MAX_WIDTH);
    config.architecture.layers = (0..n)
        .map(|l| {
            let last = l + 1 == n;
            let most = if last && config.architecture.loss == Loss::CrossEntropy { 64 } else { MAX_WIDTH };
            let outputs = r.scaled(1 + u32::from(most == 64), if n > 8 { most.min(1 << 10) } else { most });
            let activation = if last { Activation::Identity } else { activations[r.below(4)] };
            let mut layer = like.clone();
            (layer.inputs, layer.outputs, layer.activation, layer.bias) = (inputs, outputs, activation, r.one_in(2));
            (layer.z_bits, layer.q_bits) = (9 + r.below(8) as u32, 9 + r.below(8) as u32);
            inputs = outputs;
            layer
        })
        .collect();
}

fn schedule(r: &mut Random, config: &mut RunConfig) {
    let s = &mut config.schedule;
    s.rows = rows(r);
    s.batch = r.scaled(1, MAX_BATCH.min(s.rows));
    let steps = (MAX_CHUNK_ROWS / u64::from(s.batch.next_power_of_two())).clamp(1, 1 << 16) as u32;
    s.chunk_steps = r.scaled(1, steps).next_power_of_two();
    s.total_steps = r.scaled(1, s.chunk_steps.saturating_mul(CHUNKS));
    s.rates = Schedule::encode_rates(&vec![1; s.total_steps as usize]);
    if s.momentum() {
        let one = s.filter[0];
        s.filter = vec![one; r.scaled(2, MAX_FILTER as u32) as usize];
    }
    (s.decay, s.average) = (None, r.one_in(4).then(|| 1 << r.below(6)));
    config.norms = r.one_in(2).then(|| NormBits { z: 24 + r.below(31) as u32, q: 24 + r.below(31) as u32 });
}

/// A run of as many rows, steps, layers and units as there may be.
#[must_use]
pub fn run(r: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut run) = decode::<RunProof>(Kind::Run, bytes) else { return vec![] };
    let config = &mut run.statement.config;
    match r.below(3) {
        0 => layers(r, config),
        1 => schedule(r, config),
        _ => {
            layers(r, config);
            schedule(r, config);
        }
    }
    let data = &mut run.statement.data;
    (data.rows, data.features) = (config.schedule.rows, config.architecture.layers[0].inputs);
    (data.labels, data.data_bits) = (labels_for(config), config.data_bits);
    fitted_data(data);
    let statement = &run.statement;
    if let Some(origin) = statement.order_origin.clone()
        && let Ok(seed) = statement.seed("order", &origin)
    {
        run.statement.config.order = tacit_training::config::Order::Shuffled { seed };
    }
    let config = &run.statement.config;
    if let Start::Hidden { record, .. } = &mut run.statement.start {
        fitted_model(record, config);
    }
    run.chunks.truncate(config.chunks() as usize);
    if let Some(last) = run.chunks.last().cloned() {
        run.chunks.resize(config.chunks().min(CHUNKS) as usize, last);
    }
    run.chunks.iter_mut().for_each(|c| fitted_model(&mut c.model_out, config));
    file(Kind::Run, &run)
}

/// A report on as many rows as there may be.
#[must_use]
pub fn report(r: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut report) = decode::<ReportProof>(Kind::Report, bytes) else { return vec![] };
    let Input::Committed { data, rows: which } = &mut report.statement.input else { return vec![] };
    data.rows = rows(r);
    fitted_data(data);
    let count = r.scaled(1, data.rows.min(MAX_CHUNK_ROWS as u32));
    *which = match r.below(3) {
        0 => Rows::All,
        1 => Rows::Range { first: r.below((data.rows - count + 1) as usize) as u32, count },
        _ => Rows::Listed((0..r.scaled(1, 2000).min(data.rows)).map(|i| data.rows - 1 - i).rev().collect()),
    };
    debug_assert!(log2_ceil(data.rows as usize) <= 24);
    file(Kind::Report, &report)
}

/// A link of as many rows and columns, or as many layers and weights, as there may be.
#[must_use]
pub fn link(r: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut link) = decode::<LinkProof>(Kind::Link, bytes) else { return vec![] };
    match &mut link.statement.linked {
        Linked::Data { first, second } => {
            let (rows, features) = (rows(r), r.scaled(1, MAX_WIDTH));
            for record in [first, second] {
                (record.rows, record.features) = (rows, features);
                fitted_data(record);
            }
        }
        Linked::Rows { first, second, .. } => {
            let features = r.scaled(1, MAX_WIDTH);
            for record in [first, second] {
                (record.rows, record.features) = (rows(r), features);
                fitted_data(record);
            }
        }
        Linked::Model { first, second } => {
            let n = if r.one_in(3) { MAX_LAYERS } else { 1 + r.below(3) };
            let most = if n > 8 { 1 << 11 } else { MAX_WIDTH };
            let layers: Vec<(u32, u32)> = (0..n).map(|_| (r.scaled(1, most), r.scaled(1, most))).collect();
            for record in [first, second] {
                record.layers = layers.clone();
                let state = ModelLayout::of_record(record);
                let cells = state.last().map_or(0, |l| l.cells);
                fitted(&mut record.vector, cells, state[0].max_stride());
            }
        }
    }
    file(Kind::Link, &link)
}
