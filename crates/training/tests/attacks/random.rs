//! Random architectures, schedules and optimisers: the honest trace is accepted, one changed cell is rejected, in exactly
//! the groups of claims that the relations written out cell by cell name; and hostile statements never panic.
use crate::common::{ORIGIN, data, prove, start};
use crate::forge::Forgery;
use crate::rules::{Group, broken, columns};
use crate::{WINDOW, one_chunk};
use p3_field::PrimeCharacteristicRing;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tacit_argument::field::F;
use tacit_training::config::{
    Activation, Architecture, Decay, Layer, Loss, NormBits, Order, RunConfig, Scales, Schedule,
};
use tacit_training::nowrap::check_run;
use tacit_training::record::{labels_for, model_dimensions};
use tacit_training::relation::StartWeights;
use tacit_training::run::{RunRejected, verify_run};
use tacit_training::statement::Start;
use tacit_training::trainer::train_chunk;

/// A generator whose seed is the test's.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.range(0, of.len() as u64 - 1) as usize]
    }
}

fn config(r: &mut Random) -> RunConfig {
    use Activation::{Identity, Relu, Sigmoid, Tanh};
    let loss = r.pick(&[Loss::BceWithLogits, Loss::Mse, Loss::Mse, Loss::CrossEntropy]);
    let depth = r.range(1, 4) as usize;
    let mut inputs = r.range(1, 5) as u32;
    let layers = (0..depth)
        .map(|l| {
            let last = l + 1 == depth;
            let outputs = r.range(if last && loss == Loss::CrossEntropy { 2 } else { 1 }, 5) as u32;
            let activation = if last { Identity } else { r.pick(&[Identity, Relu, Sigmoid, Tanh]) };
            let layer = Layer {
                inputs,
                outputs,
                bias: r.range(0, 1) == 1,
                activation,
                z_bits: r.range(9, 11) as u32,
                q_bits: r.range(9, 11) as u32,
            };
            inputs = outputs;
            layer
        })
        .collect();
    let (kappa, chunk_steps) = (r.pick(&[0, 0, 3]), r.pick(&[1, 2, 4]));
    let total = r.range(1, 2 * u64::from(chunk_steps)) as u32;
    let rows = r.range(1, 9) as u32;
    let batch = r.range(1, 5) as u32;
    let mut filter = vec![1i64 << kappa];
    (0..r.range(0, 2)).for_each(|_| filter.push(r.range(1, 1 << kappa) as i64));
    let bits = r.range(1, 3) as u32;
    let chunks = total.div_ceil(chunk_steps);
    let decay = Decay { bits, numerators: (0..chunks).map(|_| r.range(1, 1 << bits) as i64).collect() };
    let last = total - (chunks - 1) * chunk_steps;
    let average = (last > 1 && r.range(0, 2) == 0).then(|| 1 << r.range(1, u64::from(last.ilog2())));
    RunConfig {
        architecture: Architecture { layers, loss },
        scales: Scales {
            fa: r.range(3, 5) as u32,
            fg: r.range(5, 8) as u32,
            fw: r.range(16, 22) as u32,
            kappa,
            omega: r.pick(&[0, 3]),
        },
        schedule: Schedule {
            rows,
            batch,
            drop_last: rows >= batch && r.range(0, 1) == 1,
            total_steps: total,
            chunk_steps,
            rates: Schedule::encode_rates(&(0..total).map(|_| r.range(0, 9) as i64).collect::<Vec<_>>()),
            nesterov: filter.len() > 1 && r.range(0, 1) == 1,
            filter,
            decay: (r.range(0, 2) == 0).then_some(decay),
            average,
        },
        order: if r.range(0, 1) == 0 { Order::Contiguous } else { Order::Shuffled { seed: [r.next() as u8; 32] } },
        data_bits: 7,
        target_bits: if loss == Loss::Mse { 7 } else { 0 },
        norms: (r.range(0, 2) == 0).then(|| NormBits { z: r.range(16, 26) as u32, q: r.range(16, 26) as u32 }),
        carry_bits: (r.range(0, 2) == 0).then(|| r.range(20, 30) as u32),
    }
}

fn agrees(f: &Forgery<'_>, what: &str) -> BTreeSet<Group> {
    let rules = broken(f);
    let groups: BTreeSet<Group> = rules.iter().map(|r| r.group()).collect();
    assert_eq!(f.rejected_by(), groups, "{what}: {rules:?}");
    groups
}

#[test]
fn random_runs_and_random_changes() {
    let mut r = Random(11);
    let (mut ran, mut kinds) = (0, BTreeSet::new());
    for turn in 0..60 {
        let config = config(&mut r);
        if config.validate().is_err() || check_run(&config, 1 << (WINDOW - 1)).is_err() {
            continue;
        }
        let rows = data(&config);
        let mut state = start(&config);
        state.velocity = config.schedule.momentum().then(|| vec![0; state.weights.len()]);
        for chunk in 0..config.chunks() {
            let Ok(trace) = train_chunk(&config, chunk, &state, &rows) else { break };
            let weights = match (chunk, turn % 3) {
                (0, 0) => StartWeights::Public(state.weights.clone()),
                (0, _) => StartWeights::Committed(Some(WINDOW)),
                _ => StartWeights::Committed(None),
            };
            let honest = Forgery::of(&config, &config, chunk, weights, (&state, &rows));
            assert_eq!(agrees(&honest, "honest"), BTreeSet::new(), "{config:?}");
            ran += 1;
            let groups = columns(&honest);
            for _ in 0..4 {
                let (name, first, n, rules) = &groups[r.range(0, groups.len() as u64 - 1) as usize];
                let (slot, row) =
                    (first + r.range(0, *n as u64 - 1) as usize, r.range(0, honest.rows() as u64 - 1) as usize);
                let mut f = honest.clone();
                *f.cell(slot, row) += F::from_u64(r.pick(&[1, 2, 1 << 33]));
                f.derive_all();
                let found = agrees(&f, name);
                assert!(rules.iter().any(|x| found.contains(&x.group())), "{name}: {found:?}");
                kinds.insert(name.split('[').next().expect("a name").to_string());
            }
            state = trace.end.state;
        }
    }
    assert!(ran >= 40, "{ran} chunks ran");
    assert!(kinds.len() >= 10, "{kinds:?}");
}

/// Statements whose records agree with them, over a proof of something else: refused or rejected, never a panic.
#[test]
fn hostile_statements_do_not_panic() {
    let (_, run) = prove(one_chunk(crate::common::perceptron()), true);
    let mut r = Random(5);
    let (mut refused, mut read) = (0, 0);
    for _ in 0..400 {
        let mut config = config(&mut r);
        let extreme = |r: &mut Random, v: &mut u32| {
            if r.range(0, 9) == 0 {
                *v = r.pick(&[0, 1, 2, 13, 16, 17, 31, 33, 46, 62, 64, 255, u32::MAX]);
            }
        };
        let s = &mut config.scales;
        for v in [
            &mut s.fa,
            &mut s.fg,
            &mut s.fw,
            &mut s.kappa,
            &mut s.omega,
            &mut config.data_bits,
            &mut config.target_bits,
        ] {
            extreme(&mut r, v);
        }
        for layer in &mut config.architecture.layers {
            extreme(&mut r, &mut layer.z_bits);
            extreme(&mut r, &mut layer.q_bits);
        }
        let s = &mut config.schedule;
        for v in [&mut s.rows, &mut s.batch, &mut s.total_steps, &mut s.chunk_steps] {
            extreme(&mut r, v);
        }
        let mut run = run.clone();
        let chunks = config.chunks().min(40) as usize;
        run.chunks = vec![run.chunks[0].clone(); chunks];
        let data = &mut run.statement.data;
        (data.rows, data.fa, data.data_bits) = (config.schedule.rows, config.scales.fa, config.data_bits);
        (data.features, data.labels) = (config.architecture.layers[0].inputs, labels_for(&config));
        let dimensions = model_dimensions(&config);
        run.statement.start = match (run.statement.start.clone(), r.range(0, 1)) {
            (Start::Hidden { mut record, .. }, 1) => {
                (record.fw, record.layers) = (config.scales.fw, dimensions.clone());
                // Of slots as wide as any of these layers'.
                record.vector.shape.block = record.vector.shape.block.next_multiple_of(64);
                Start::Hidden { record, bits: r.pick(&[2, 20, 48]) }
            }
            _ => Start::Seed { origin: ORIGIN },
        };
        for chunk in &mut run.chunks {
            chunk.model_out.fw = config.scales.fw;
            chunk.model_out.vector.shape.block = chunk.model_out.vector.shape.block.next_multiple_of(64);
            chunk.model_out.layers.clone_from(&dimensions);
            chunk.model_out.velocity = config.schedule.momentum();
        }
        if matches!(config.order, Order::Shuffled { .. }) {
            run.statement.order_origin = Some(ORIGIN);
            if let Ok(seed) = run.statement.seed("order", &ORIGIN) {
                config.order = Order::Shuffled { seed };
            }
        }
        run.statement.config = config;
        let verdict = catch_unwind(AssertUnwindSafe(|| verify_run(&run).map(|_| ())));
        let verdict = verdict.unwrap_or_else(|_| panic!("panicked: {:?}", run.statement.config));
        let error = verdict.expect_err("another run's proof");
        refused += usize::from(matches!(error, RunRejected::Statement(_)));
        read += usize::from(matches!(error, RunRejected::Chunk { .. }));
    }
    assert!(refused > 50 && read > 50, "{refused} statements refused, {read} arguments read");
}
