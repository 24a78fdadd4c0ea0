//! Everything that one verdict checks errs with at most 2^-128: for configurations, data sets, reports, releases and links
//! drawn at random, and the most that a verdict may rest on, from the parameters that the verifier derives.
use crate::common::{data_record, layer, logistic, perceptron};
use tacit_argument::opening::{OpeningError, VectorShape, long_lived_shape};
use tacit_argument::proof::{ArgumentError, Relation, plan};
use tacit_argument::share::{
    LOG_ABOUT_MODEL, LOG_LINK, LOG_RUN, LOG_VALIDITY, MAX_LINKS, MAX_RUNS, MAX_VALIDITY, of_chunk,
};
use tacit_argument::soundness::{ErrorTerm, repeated, total};
use tacit_training::config::{Activation, RunConfig, Schedule};
use tacit_training::link::{LinkRelation, Linked, RowRelation};
use tacit_training::record::DataRecord;
use tacit_training::relation::layout::ModelLayout;
use tacit_training::relation::{ChunkRelation, StartWeights};
use tacit_training::release::ReleaseRelation;
use tacit_training::run::RunVerdict;
use tacit_training::tally::Tally;
use tacit_training::validity::ValidityRelation;

const TARGET: f64 = -128.0;

/// Numbers below a bound, the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// The terms of a proof, which are at most its share; none where the shapes have no parameters.
fn terms(relation: &impl Relation, shapes: &[VectorShape]) -> Option<Vec<ErrorTerm>> {
    match plan(relation, 2, shapes) {
        Ok(plan) => {
            let terms = plan.soundness(relation);
            assert!(total(&terms) <= TARGET - relation.log_proofs() as f64);
            Some(terms)
        }
        Err(ArgumentError::Opening(
            OpeningError::Soundness { .. } | OpeningError::Capacity { .. } | OpeningError::Parameters(_),
        )) => None,
        Err(e) => panic!("{e}"),
    }
}

/// A configuration of up to 2^18 chunks.
fn drawn(draw: &mut Draw) -> RunConfig {
    let mut config = if draw.below(2) == 0 { logistic() } else { perceptron() };
    if draw.below(3) == 0 {
        let width = 1 + draw.below(40) as u32;
        config.architecture.layers = vec![layer(5, width, Activation::Relu), layer(width, 3, Activation::Identity)];
        config.architecture.loss = perceptron().architecture.loss;
    }
    let chunks = 1 << draw.below(19);
    config.schedule.chunk_steps = 1 << draw.below(7);
    config.schedule.total_steps = chunks * config.schedule.chunk_steps;
    config.schedule.rates = Schedule::encode_rates(&[1]);
    config.schedule.rates[0].steps = config.schedule.total_steps;
    config.schedule.rows = 97 << draw.below(10);
    config
}

/// A data set for so many proofs.
fn data(config: &RunConfig, proofs: usize) -> Option<DataRecord> {
    let mut record = data_record(config);
    let (stride, columns) = (record.stride(), record.columns() as usize);
    record.vector.shape = long_lived_shape(columns << stride, stride, proofs, 2).ok()?;
    Some(record)
}

#[test]
fn everything_that_one_verdict_checked_errs_with_at_most_2_to_the_minus_128() {
    let mut draw = Draw(0x5eed_0004);
    let (mut checked, mut worst) = (0, f64::NEG_INFINITY);
    for _ in 0..400 {
        let config = drawn(&mut draw);
        let chunks = config.chunks() as usize;
        let Some(record) = data(&config, (chunks + draw.below(50)).min(1 << 12)) else { continue };
        let Some(other) = data(&config, 1 + draw.below(90)) else { continue };
        let state = ModelLayout::new(&config, 0);
        let model = long_lived_shape(state.cells, state.max_stride(), 1 + draw.below(60), 2).unwrap();
        let shape = record.vector.shape;

        let start = StartWeights::Committed((draw.below(2) == 0).then_some(30));
        let chunk = ChunkRelation::outline(&config, 0, start).unwrap();
        assert_eq!(chunk.log_proofs(), of_chunk(chunks));
        let Some(of_chunk) = terms(&chunk, &[shape, model, model]) else { continue };
        let run = RunVerdict {
            run_digest: [0; 32],
            data_digest: [0; 32],
            start_digest: None,
            model_digest: [0; 32],
            w_out: 0,
            v_out: 0,
            soundness: of_chunk,
            chunks,
        };
        let mut tally = Tally::of_run(&run);
        assert!(tally.together() <= TARGET - LOG_RUN as f64, "a run has its quarter");

        let weights = vec![1; config.weight_count()];
        let release = ReleaseRelation::new(&config, config.scales.fw - 12, &weights);
        assert_eq!(release.log_proofs(), LOG_ABOUT_MODEL);
        tally.add("release", &terms(&release, &[model]).unwrap());
        for record in [&record, &other].into_iter().cycle().take(MAX_VALIDITY) {
            let validity = ValidityRelation::new(record);
            assert_eq!(validity.log_proofs(), LOG_VALIDITY);
            tally.add("data", &terms(&validity, &[record.vector.shape]).unwrap());
        }
        for i in 0..MAX_LINKS {
            let (first, second) = (record.clone(), other.clone());
            let linked = match i % 4 {
                0 => Linked::Data { first, second },
                1 => Linked::Rows { relation: RowRelation::Same, first, second },
                2 => Linked::Rows { relation: RowRelation::Subset, first, second },
                _ => Linked::Rows { relation: RowRelation::Disjoint { nonce: 0 }, first, second },
            };
            let link = LinkRelation::new(&linked).unwrap();
            assert_eq!(link.log_proofs(), LOG_LINK);
            tally.add("link", &terms(&link, &[shape, other.vector.shape]).unwrap());
        }
        let together = tally.together();
        assert!(together <= TARGET, "{together}");
        assert!(tally.words().contains(&format!("at most 2^{together:.1}")), "{}", tally.words());
        let (name, bits) = tally.lines().pop().unwrap();
        assert_eq!((name.as_str(), bits), ("all proofs of this verdict together", together));
        worst = worst.max(together);
        checked += 1;
    }
    println!("{checked} verdicts, the worst at 2^{worst:.2}");
    assert!(checked > 150, "{checked}");
}

/// By the shares alone: each argument at its bound, as many as one verdict may rest on.
#[test]
fn the_shares_are_one_whole() {
    let at = |log: usize| ErrorTerm { name: "", bits: TARGET - log as f64, theorem: "" };
    for chunks in [1, 2, 3, 1000, 1 << 20] {
        let run = repeated(TARGET - of_chunk(chunks) as f64, chunks);
        assert!(run <= TARGET - LOG_RUN as f64);
        let mut all = vec![at(LOG_ABOUT_MODEL)];
        all.extend((0..MAX_RUNS).map(|_| ErrorTerm { bits: run, ..at(0) }));
        all.extend((0..MAX_VALIDITY).map(|_| at(LOG_VALIDITY)));
        all.extend((0..MAX_LINKS).map(|_| at(LOG_LINK)));
        assert!(total(&all) <= TARGET, "{}", total(&all));
        // One link more would not be.
        all.push(at(LOG_LINK));
        assert!(total(&all) > TARGET || !chunks.is_power_of_two());
    }
}
