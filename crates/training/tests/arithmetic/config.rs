//! Every rule of a valid configuration, and the small functions around it.
use crate::{layers, small, with_momentum};
use tacit_training::config::{
    Activation, ConfigError, Loss, MAX_CHUNK_ROWS, MAX_RATE, RateSpan, RunConfig, Schedule, limb_widths, log2_ceil,
};

fn refused(change: impl Fn(&mut RunConfig)) -> ConfigError {
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    assert_eq!(config.validate(), Ok(()));
    change(&mut config);
    config.validate().unwrap_err()
}

fn range(name: &'static str, got: u64, least: u64, most: u64) -> ConfigError {
    ConfigError::Range { name, got, least, most }
}

#[test]
fn layer_rules() {
    assert_eq!(refused(|c| c.architecture.layers.clear()), ConfigError::LayerCount { got: 0, most: 64 });
    assert_eq!(
        refused(|c| c.architecture.layers = layers(&[3; 66], Activation::Relu, true)),
        ConfigError::LayerCount { got: 65, most: 64 }
    );
    let width = |layer, name, got| ConfigError::Width { layer, name, got, most: 1 << 16 };
    assert_eq!(refused(|c| c.architecture.layers[0].inputs = 0), width(0, "inputs", 0));
    assert_eq!(refused(|c| c.architecture.layers[1].outputs = 65_537), width(1, "outputs", 65_537));
    let chain = ConfigError::LayerChain { layer: 1, expected: 4, got: 6 };
    assert_eq!(refused(|c| c.architecture.layers[1].inputs = 6), chain);
    assert_eq!(chain.to_string(), "layer 2 has 6 inputs, but the layer before it has 4 outputs");
    assert_eq!(
        refused(|c| c.architecture.layers[1].activation = Activation::Tanh),
        ConfigError::LastActivation { got: Activation::Tanh }
    );
    assert_eq!(
        refused(|c| c.architecture.layers = layers(&[1 << 16, 1 << 12, 2], Activation::Relu, true)),
        ConfigError::WeightCount { got: (1 << 28) + (1 << 12) + 2 * ((1 << 12) + 1), most: 1 << 28 }
    );
    for got in [1, 65] {
        assert_eq!(refused(|c| c.architecture.layers[1].outputs = got), ConfigError::Classes { got });
    }
    assert_eq!(refused(|c| c.architecture.layers[0].z_bits = 17), range("z_bits", 17, 2, 16));
    assert_eq!(refused(|c| c.architecture.layers[1].q_bits = 1), range("q_bits", 1, 2, 16));
}

#[test]
fn scale_rules() {
    assert_eq!(refused(|c| c.scales.fa = 15), range("fa", 15, 1, 14));
    assert_eq!(refused(|c| c.scales.fg = 21), range("fg", 21, 1, 20));
    assert_eq!(refused(|c| c.scales.fg = 7), ConfigError::GradientScale { fa: 8, fg: 7 });
    let far = refused(|c| (c.scales.fa, c.scales.fg) = (5, 20));
    assert_eq!(far, ConfigError::GradientScale { fa: 5, fg: 20 });
    assert_eq!(refused(|c| c.scales.fw = 47), range("fw", 47, 1, 46));
    assert_eq!(refused(|c| c.scales.kappa = 17), range("kappa", 17, 0, 16));
    assert_eq!(refused(|c| c.scales.omega = 21), range("omega", 21, 0, 20));
    assert_eq!(refused(|c| c.data_bits = 0), range("data_bits", 0, 1, 16));
    assert_eq!(refused(|c| c.target_bits = 3), range("target_bits", 3, 0, 0));
    let mut mse = small(Activation::Relu, Loss::Mse);
    mse.target_bits = 0;
    assert_eq!(mse.validate(), Err(range("target_bits", 0, 1, 16)));
}

#[test]
fn schedule_rules() {
    assert_eq!(refused(|c| c.schedule.rows = 0), range("rows", 0, 1, 1 << 24));
    assert_eq!(refused(|c| c.schedule.batch = 0), range("batch", 0, 1, 1 << 20));
    assert_eq!(refused(|c| c.schedule.total_steps = u32::MAX), range("total_steps", u32::MAX.into(), 1, 1 << 24));
    assert_eq!(refused(|c| c.schedule.chunk_steps = 1 << 17), range("chunk_steps", 1 << 17, 1, 1 << 16));
    let long = refused(|c| (c.schedule.chunk_steps, c.schedule.total_steps) = (1, 1 << 21));
    assert_eq!(long, ConfigError::Work { what: "chunks", got: 1 << 21, most: 1 << 20 });
    let scanned = refused(|c| (c.schedule.total_steps, c.schedule.filter) = (1 << 17, vec![1; 4096]));
    assert_eq!(scanned, ConfigError::Work { what: "filter length times steps", got: 1 << 29, most: 1 << 28 });
    assert_eq!(refused(|c| c.schedule.chunk_steps = 6), ConfigError::ChunkSteps { got: 6 });
    assert_eq!(
        refused(|c| (c.schedule.chunk_steps, c.schedule.batch) = (1 << 16, 1025)),
        ConfigError::ChunkRows { got: 1 << 27, most: MAX_CHUNK_ROWS }
    );
    assert_eq!(
        refused(|c| (c.schedule.drop_last, c.schedule.batch) = (true, 11)),
        ConfigError::EmptyEpoch { rows: 10, batch: 11 }
    );
    assert_eq!(refused(|c| c.schedule.total_steps = 8), ConfigError::RateCount { expected: 8, got: 7 });
    assert_eq!(refused(|c| c.schedule.rates[1].steps = 0), ConfigError::RateSpan { span: 1 });
    assert_eq!(refused(|c| c.schedule.rates[1].rate = 3), ConfigError::RateSpan { span: 1 });
    for got in [-1, MAX_RATE + 1] {
        assert_eq!(refused(|c| c.schedule.rates[2].rate = got), ConfigError::Rate { span: 2, got, most: MAX_RATE });
    }
}

#[test]
fn filter_rules() {
    assert_eq!(refused(|c| c.schedule.filter.clear()), ConfigError::FilterLength { got: 0, most: 4096 });
    assert_eq!(refused(|c| c.schedule.filter = vec![1; 4097]), ConfigError::FilterLength { got: 4097, most: 4096 });
    assert_eq!(refused(|c| c.scales.kappa = 4), ConfigError::FilterStart { expected: 16, got: 1 });
    let momentum = |change: fn(&mut RunConfig)| {
        refused(|c| {
            *c = with_momentum(c.clone());
            change(c);
        })
    };
    assert_eq!(momentum(|c| c.schedule.filter[2] = 17), ConfigError::FilterEntry { index: 2, got: 17 });
    assert_eq!(momentum(|c| c.schedule.filter[3] = -1), ConfigError::FilterEntry { index: 3, got: -1 });
    assert_eq!(momentum(|c| c.schedule.filter[4] = 0), ConfigError::FilterEntry { index: 4, got: 0 });
}

#[test]
fn limbs_are_even_and_sum_to_the_width() {
    assert_eq!(limb_widths(29), [15, 14]);
    assert_eq!(limb_widths(34), [17, 17]);
    assert_eq!(limb_widths(33), [17, 16]);
    assert_eq!(limb_widths(40), [14, 13, 13]);
    assert_eq!(limb_widths(18), [18]);
    assert!(limb_widths(0).is_empty());
    for bits in 0..=62 {
        let w = limb_widths(bits);
        assert_eq!(w.iter().sum::<u32>(), bits);
        assert!(w.iter().all(|&b| (1..=18).contains(&b)) && w.is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn rates_are_run_length_encoded() {
    let rates = [3, 3, 2, 2, 0, 1, 1];
    let mut schedule = small(Activation::Relu, Loss::Mse).schedule;
    assert_eq!(schedule.rates.len(), 4);
    assert_eq!(schedule.rates[0], RateSpan { steps: 2, rate: 3 });
    for start in 0..8u32 {
        for count in 0..8u32 {
            let to = (start + count).min(7) as usize;
            assert_eq!(schedule.rates_in(start, count), rates.get(start as usize..to).unwrap_or(&[]));
        }
    }
    schedule.rates = vec![RateSpan { steps: u32::MAX, rate: 1 }, RateSpan { steps: u32::MAX, rate: 2 }];
    assert_eq!(schedule.rates_in(u32::MAX - 1, 2), [1, 2]);
    assert!(Schedule::encode_rates(&[]).is_empty());
}

#[test]
fn shapes_and_grid() {
    let config = small(Activation::Relu, Loss::CrossEntropy);
    assert_eq!((config.k(0), config.k(1), config.k(2)), (6, 5, 0));
    assert_eq!((config.weight_offset(1), config.weight_count()), (24, 39));
    assert_eq!((config.padded_batch(), config.rows_per_chunk()), (4, 16));
    assert_eq!(
        (config.chunks(), config.steps_in_chunk(0), config.steps_in_chunk(1), config.steps_in_chunk(2)),
        (2, 4, 3, 0)
    );
    assert_eq!(config.exp_bits(), 14);
    // Batch weights: 2^7 4 / 2 in the partial batch, 2^7 in a full one.
    assert_eq!((config.schedule.batch_weight(0, 7), config.schedule.batch_weight(2, 7)), (128, 256));
    // Half up: 2^0 4 / 3 = 1.33, 2^1 4 / 3 = 2.67.
    let mut three = config.schedule.clone();
    three.rows = 7;
    assert_eq!((three.batch_weight(1, 0), three.batch_weight(1, 1)), (1, 3));
    assert_eq!((log2_ceil(0), log2_ceil(1), log2_ceil(2), log2_ceil(3), log2_ceil(64)), (0, 0, 1, 2, 6));
}

/// Nothing around an unchecked configuration panics or allocates without limit.
#[test]
fn hostile_numbers_are_harmless() {
    let mut config = small(Activation::Relu, Loss::CrossEntropy);
    config.architecture.layers[0].inputs = u32::MAX;
    config.architecture.layers[0].outputs = u32::MAX;
    config.schedule.batch = u32::MAX;
    config.schedule.rows = u32::MAX;
    config.schedule.total_steps = u32::MAX;
    config.schedule.chunk_steps = u32::MAX;
    config.scales.fw = u32::MAX;
    config.scales.kappa = u32::MAX;
    config.scales.omega = u32::MAX;
    assert!(config.validate().is_err());
    assert_eq!(config.weight_bits(), u32::MAX);
    assert!(config.weight_count() > 0 && config.padded_batch() > 0 && config.rows_per_chunk() > 0);
    assert_eq!((config.chunks(), config.steps_in_chunk(7), config.schedule.batch_rows(u32::MAX)), (1, 0, 0));
    config.schedule.batch = 0;
    config.schedule.chunk_steps = 0;
    assert_eq!(
        (config.chunks(), config.schedule.steps_per_epoch(), config.schedule.batch_weight(0, u32::MAX)),
        (0, 0, 0)
    );
    config.architecture.layers.clear();
    assert_eq!((config.weight_count(), config.label_width(), config.exp_bits()), (0, 1, 16));
}
