//! A run from end to end: committed, trained, proven, verified; and statements that are not its own.
use tacit_argument::entropy::Entropy;
use tacit_argument::opening::{PIN_BLOCK, long_lived_shape};
use tacit_training::config::{Activation, Architecture, Layer, Loss, Order, RunConfig, Scales, Schedule};
use tacit_training::record::{DataRecord, RECORD_VERSION, SUITE_BLAKE3, Vector, labels_for};
use tacit_training::run::{ChunkInput, RunProof, commit_model, prove_chunk, verify_run};
use tacit_training::statement::{Origin, PROTOCOL_VERSION, RunStatement, SECURITY_BITS, Start};
use tacit_training::trainer::{Data, ModelState};
use tacit_training::validity::{DataCommitment, commit_data, data_payload, verify_data};

fn layer(inputs: u32, outputs: u32, activation: Activation) -> Layer {
    Layer { inputs, outputs, bias: true, activation, z_bits: 14, q_bits: 14 }
}

fn config(layers: Vec<Layer>, loss: Loss) -> RunConfig {
    let rates = vec![1i64; 12];
    RunConfig {
        architecture: Architecture { layers, loss },
        scales: Scales { fa: 8, fg: 12, fw: 27, kappa: 0, omega: 0 },
        schedule: Schedule {
            rows: 96,
            batch: 16,
            drop_last: false,
            total_steps: 12,
            chunk_steps: 8,
            rates: Schedule::encode_rates(&rates),
            filter: vec![1],
            nesterov: false,
            decay: None,
        },
        order: Order::Contiguous,
        data_bits: 12,
        target_bits: if loss == Loss::Mse { 12 } else { 0 },
    }
}

fn data(config: &RunConfig) -> Data {
    let (n, d) = (config.schedule.rows as i32, config.architecture.layers[0].inputs as i32);
    let features = (0..n * d).map(|i| (i * 7919 + i * i * 31) % 1024 - 512).collect();
    let width = config.label_width() as i32;
    let labels = (0..n * width)
        .map(|i| match config.architecture.loss {
            Loss::CrossEntropy => (i * 5 + 1) % config.architecture.layers.last().unwrap().outputs as i32,
            Loss::BceWithLogits => (i * 3) % 2,
            Loss::Mse => (i * 37) % 512 - 256,
        })
        .collect();
    Data { features, labels }
}

fn commit(config: &RunConfig, data: &Data) -> DataCommitment {
    let labels = labels_for(config);
    let features = config.architecture.layers[0].inputs;
    let stride = tacit_argument::multilinear::log2_ceil(config.schedule.rows as usize);
    let cells = ((features + labels.columns()) as usize) << stride;
    let shape = long_lived_shape(cells, stride, 8, 2).unwrap();
    let record = DataRecord {
        version: RECORD_VERSION,
        rows: config.schedule.rows,
        features,
        labels,
        fa: 8,
        data_bits: config.data_bits,
        schema: [7; 32],
        names: None,
        released: vec![],
        vector: Vector { suite: SUITE_BLAKE3, log_inv_rate: 2, shape, row_budget: (shape.block - PIN_BLOCK) as u64, root: [0; 32] },
        pin: Default::default(),
    };
    let payload = data_payload(&record, data);
    commit_data(record, &payload, &[3; 32], Entropy::fresh(&[1; 32], &[2; 32]).unwrap()).unwrap()
}

fn start(config: &RunConfig) -> ModelState {
    let n = config.weight_count() as i64;
    ModelState { weights: (0..n).map(|i| (i * 7_654_321) % (1 << 26) - (1 << 25)).collect(), velocity: None }
}

fn prove(config: RunConfig, hidden: bool) -> (DataCommitment, RunProof) {
    let rows = data(&config);
    let data = commit(&config, &rows);
    verify_data(&data.record, &data.proof).unwrap();
    let state = start(&config);
    let first = commit_model(&config, &state.weights, 2, 4, &[9; 32]).unwrap();
    let origin = Origin::Prover { nonce: 5 };
    let start = if hidden { Start::Hidden { record: first.record.clone(), bits: 30 } } else { Start::Seed { origin: origin.clone() } };
    let statement = RunStatement {
        version: PROTOCOL_VERSION,
        security_bits: SECURITY_BITS,
        log_inv_rate: 2,
        config,
        order_origin: None,
        data: data.record.clone(),
        start,
        released: vec![],
    };
    let mut state = if hidden {
        state
    } else {
        let seed = statement.seed("initial", &origin).unwrap();
        ModelState { weights: tacit_training::initial::initial_weights(&statement.config, &seed), velocity: None }
    };
    let mut before = hidden.then_some(first);
    let mut chunks = vec![];
    for chunk in 0..statement.config.chunks() {
        let input = ChunkInput {
            statement: &statement,
            chunk,
            data: &data.vector,
            rows: &rows,
            start: &state,
            model_in: before.as_ref(),
            proofs: 4,
            seed: &[chunk as u8; 32],
        };
        let out = prove_chunk(&input, &[1; 32]).unwrap();
        chunks.push(out.proof);
        state = out.end;
        before = Some(out.model_out);
    }
    (data, RunProof { statement, chunks })
}

fn accepts(config: RunConfig, hidden: bool) {
    let (_, run) = prove(config, hidden);
    let t = std::time::Instant::now();
    let verdict = verify_run(&run).unwrap();
    println!("verify {:?}, {} bytes", t.elapsed(), postcard::to_allocvec(&run).unwrap().len());
    for term in &verdict.soundness {
        println!("  2^{:8.2}  {}", term.bits, term.name);
    }
}

#[test]
fn logistic_regression() {
    accepts(config(vec![layer(5, 1, Activation::Identity)], Loss::BceWithLogits), true);
}

#[test]
fn perceptron_with_softmax() {
    accepts(config(vec![layer(5, 4, Activation::Relu), layer(4, 3, Activation::Identity)], Loss::CrossEntropy), true);
}

#[test]
fn public_start() {
    accepts(config(vec![layer(5, 4, Activation::Relu), layer(4, 3, Activation::Identity)], Loss::CrossEntropy), false);
}

#[test]
fn deep_perceptron_with_every_activation() {
    let layers = vec![
        layer(5, 6, Activation::Relu),
        layer(6, 7, Activation::Sigmoid),
        layer(7, 4, Activation::Tanh),
        layer(4, 3, Activation::Identity),
        layer(3, 2, Activation::Identity),
    ];
    accepts(config(layers, Loss::Mse), true);
}

