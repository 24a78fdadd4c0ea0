//! Writes what the second verifier is compared with. A run that the Python package does not make: rate 1/2, public
//! weights from a verifier's seed, an order from a beacon's, momentum beside a decay, an average, norms and a carried
//! window, a chunk with a padding step; the same run proven twice by a dishonest prover; and one from other weights on the
//! same data, for comparisons. And the parameters that the chooser derives for payloads of every size, a line each: rate, log2 of the inverse of the proof's share of the error,
//! stride and cells of the trace, shapes of the other vectors; the integers, or what refuses; the opening's
//! bits.
//!
//! `cargo run --release -p tacit-training --example fixture -- tests/fixtures`
#[allow(clippy::unwrap_used)]
#[path = "../tests/common/mod.rs"]
mod common;

use common::{Owner, config, data, data_record, layer};
use p3_field::PrimeCharacteristicRing;
use std::fmt::Write as _;
use std::path::Path;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::F;
use tacit_argument::form::Columns;
use tacit_argument::hiding::Masker;
use tacit_argument::lookup::{LookupError, multiplicities};
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::opening::{PIN_BLOCK, choose_among, long_lived_shape};
use tacit_argument::proof::{Witnessed, prove};
use tacit_argument::soundness::total;
use tacit_training::config::{Activation, Decay, Loss, NormBits, Order, RunConfig, Schedule};
use tacit_training::file::{Kind, encode};
use tacit_training::initial::initial_weights;
use tacit_training::relation::layout::TraceLayout;
use tacit_training::relation::{ChunkRelation, ChunkWitness, StartWeights};
use tacit_training::run::{ChunkProof, LABEL, RunProof, commit_state};
use tacit_training::statement::{Origin, Start};
use tacit_training::trainer::{Data, ModelState, train_chunk};
use tacit_training::validity::{DataCommitment, commit_data, data_payload};
use tacit_training::verify::{DataFile, schema_id};

const RATE: usize = 1;
const SCHEMA: &str = "{}";

fn commit(config: &RunConfig, rows: &Data) -> DataCommitment {
    let mut record = data_record(config);
    let stride = log2_ceil(record.rows as usize);
    let cells = (record.columns() as usize) << stride;
    record.vector.shape = long_lived_shape(cells, stride, 2, RATE).expect("a small payload");
    record.vector.row_budget = (record.vector.shape.block - PIN_BLOCK) as u64;
    record.vector.log_inv_rate = RATE as u8;
    record.schema = schema_id(SCHEMA);
    let payload = data_payload(&record, rows);
    commit_data(record, &payload, &[3; 32], Entropy::fresh(&[1; 32], &[2; 32]).expect("entropy")).expect("a proof")
}

/// A prover that goes on where its own sums show that the trace is no execution.
struct Dishonest<'a>(ChunkWitness<'a>);

impl<'a> Witnessed for Dishonest<'a> {
    type Relation = ChunkRelation<'a>;
    fn relation(&self) -> &ChunkRelation<'a> {
        self.0.relation()
    }
    fn send(&self, masker: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        masker.go_on_dishonestly();
        self.0.send(masker, trace)
    }
}

/// The run's only chunk, with the first cell that is not 0 of one of its columns lowered by 1 and every lookup intact.
fn forged(owner: &Owner, column: impl Fn(&TraceLayout) -> usize) -> RunProof {
    let statement = &owner.statement;
    let config = &statement.config;
    let start = ModelState { velocity: Some(vec![0; config.weight_count()]), ..owner.state.clone() };
    let trace = train_chunk(config, 0, &start, &owner.rows).expect("a run");
    let relation = ChunkRelation::new(config, 0, StartWeights::Public(start.weights.clone())).expect("a chunk");
    let (witness, mut columns) = ChunkWitness::new(relation, &trace, &start).expect("an honest trace");

    let layout = TraceLayout::new(config, 0, None);
    let rows = 1 << layout.log_rows;
    let cells = columns.iter_mut().skip(column(&layout) * rows).take(rows);
    *cells.into_iter().find(|v| **v != F::ZERO).expect("a cell that is not 0") -= F::ONE;
    let system = witness.relation().lookups();
    let counts = multiplicities(system, &Columns { log_rows: layout.log_rows, vectors: vec![&columns] });
    for (slot, count) in system.multiplicities.iter().zip(counts.expect("a value of its table")) {
        columns[slot * rows..slot * rows + count.len()].copy_from_slice(&count);
    }

    let model = commit_state(config, &trace.end.state, RATE as u8, 2, &[4; 32]).expect("a model");
    let c_out = model.record.digest().expect("a record");
    let bounds = statement.validate().expect("a statement");
    let digest = statement.chunk_digest(0, &[0; 32], &c_out, bounds[0]).expect("a statement");
    let committed = |record: Result<_, _>| record.expect("a record");
    let others = [
        (&owner.data.vector, committed(owner.data.record.committed())),
        (&model.vector, committed(model.record.committed())),
    ];
    let entropy = Entropy::fresh(&[1; 32], &digest).expect("entropy");
    let proof = prove(LABEL, &digest, &Dishonest(witness), RATE, columns, &others, entropy).expect("a proof");
    RunProof { statement: statement.clone(), chunks: vec![ChunkProof { model_out: model.record, proof }] }
}

fn parameters() -> String {
    let mut out = String::new();
    for (i, rate) in (0..200).zip([1, 2, 2].into_iter().cycle()) {
        let log_proofs = [1, 3, 7, 14, 21][i % 5];
        let stride = [4, 7, 11, 14, 17, 20][i % 6];
        let cells = 3usize.pow(5 + (i as u32 * 7) % 17) + 1000 * i;
        let others: Vec<_> = (0..i % 4)
            .filter_map(|k| long_lived_shape(cells >> (3 + k), 6 + k, 1 + 9 * i * (k + 1), rate).ok())
            .collect();
        let shapes = others.iter().map(|s| format!("{} {} {}", s.log_height, s.columns, s.block));
        let shapes = shapes.collect::<Vec<_>>().join(" ");
        let made = match choose_among(rate, cells, stride, &others, log_proofs) {
            Ok(c) => {
                let integers = c.parameters().iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
                format!("{integers}; {:.9}", -total(&c.soundness()))
            }
            Err(e) => format!("{e:?}").split([' ', '(']).next().unwrap_or_default().to_string(),
        };
        writeln!(out, "{rate} {log_proofs} {stride} {cells}; {shapes}; {made}").expect("a string");
    }
    out
}

/// The owner of the run, from public weights of this nonce.
fn owner(nonce: [u8; 32]) -> Owner {
    let layers = vec![layer(3, 2, Activation::Relu), layer(2, 1, Activation::Identity)];
    let mut config = config(layers, Loss::BceWithLogits);
    (config.scales.kappa, config.schedule.filter) = (4, vec![16, 8, 4, 2, 1]);
    (config.schedule.rows, config.schedule.batch) = (100, 64);
    (config.schedule.total_steps, config.schedule.chunk_steps) = (3, 4);
    config.schedule.rates = Schedule::encode_rates(&[1, 2, 2]);
    config.schedule.decay = Some(Decay { bits: 12, numerators: vec![4000] });
    config.schedule.average = Some(2);
    (config.norms, config.carry_bits) = (Some(NormBits { z: 33, q: 30 }), Some(32));
    let rows = data(&config);

    let mut owner = Owner::with(config, rows, false);
    owner.data = commit(&owner.statement.config, &owner.rows);
    let (first, order) =
        (Origin::Verifier { nonce }, Origin::Beacon { name: "a beacon".into(), round: 7, output: [8; 32] });
    let s = &mut owner.statement;
    s.data = owner.data.record.clone();
    (s.log_inv_rate, s.order_origin) = (RATE as u8, Some(order.clone()));
    s.start = Start::Seed { origin: first.clone() };
    // A declaration does not have the order's seed, whatever it is.
    s.config.order = Order::Shuffled { seed: [0; 32] };
    s.config.order = Order::Shuffled { seed: s.seed("order", &order).expect("a statement") };
    owner.state.weights = initial_weights(&s.config, &s.seed("initial", &first).expect("a statement"));
    owner
}

fn main() {
    let folder = std::env::args().nth(1).expect("a folder to write to");
    let write = |name: &str, content: Vec<u8>| std::fs::write(Path::new(&folder).join(name), content).expect(name);
    // Another model of the same data, for comparisons.
    let (_, second) = owner([7; 32]).prove();
    write("second.tacit", encode(Kind::Run, &second).expect("a file"));
    let owner = owner([6; 32]);
    let norm = forged(&owner, |layout| layout.norms[0].limbs.groups[0].1);
    let rounding = forged(&owner, |layout| layout.layers[0].z_rem.groups[0].1);
    let (data, run) = owner.prove();
    let file = DataFile { record: data.record, schema: SCHEMA.into(), proof: data.proof };
    write("seeded.commitment", encode(Kind::Data, &file).expect("a file"));
    write("seeded.tacit", encode(Kind::Run, &run).expect("a file"));
    write("forged-norm.tacit", encode(Kind::Run, &norm).expect("a file"));
    write("forged-rounding.tacit", encode(Kind::Run, &rounding).expect("a file"));
    write("parameters.txt", parameters().into_bytes());
}
