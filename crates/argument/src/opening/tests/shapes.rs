//! What the configuration, the chooser and the input checks accept and refuse; the soundness of every choice.
use super::*;
use crate::soundness::{self, TARGET_BITS, total};

#[test]
fn every_configuration_has_128_bits() {
    // The terms depend on rate, height, source columns and long-lived vectors; columns of P double at 3 S = 2^k.
    let columns = (0..=12).flat_map(|k| [(1 << k) / 3, (1 << k) / 3 + 1]).chain(1..=6).chain([MAX_SOURCES - 3]);
    for columns in columns.filter(|c| (1..=MAX_SOURCES - 3).contains(c)) {
        for (rate, h) in LOG_INV_RATES.flat_map(|r| TRACE_LOG_HEIGHTS.map(move |h| (r, h))) {
            let q = queries_for(rate, h, columns).unwrap();
            assert_eq!(q, queries_for(rate, 11, 1).unwrap(), "a row budget must not depend on the trace it meets");
            let long = shape(h, 1, q + PIN_BLOCK);
            let c = OpeningConfig::new(rate, vec![shape(h, columns, q + CONJUGATE_BLOCK), long, long, long]).unwrap();
            let bits = total(&c.soundness());
            assert!(bits <= -f64::from(TARGET_BITS), "rate {rate} h {h} columns {columns}: {bits}");
            assert_eq!(c.queries(), q);
        }
    }
}

#[test]
fn the_chooser_fits_payloads_strides_and_budgets() {
    for rate in LOG_INV_RATES {
        for payload in [1, 300, 5_000, 1 << 16, 1_000_000, 1 << 23, 60_000_000, 1 << 29] {
            for (stride, others) in [0, 6, 10, 13].into_iter().flat_map(|s| [(s, 0), (s, 1), (s, 3)]) {
                let cells = payload / 4 + 1;
                let long: Vec<VectorShape> =
                    (0..others).map(|k| long_lived_shape(cells, k, 16, rate).unwrap()).collect();
                let c = choose_trace_shape(rate, payload, stride, &long).unwrap();
                assert!(c.trace().holds_stride(stride) && c.trace().capacity() >= payload);
                assert!(c.trace().block >= c.queries() + CONJUGATE_BLOCK);
                assert!(long.iter().all(|s| s.block >= 16 * c.queries() + PIN_BLOCK && s.capacity() >= cells));
            }
        }
    }
}

#[test]
fn all_terms_but_the_queries_are_far_below() {
    let c = choose_trace_shape(2, 1 << 22, 10, &[long_lived_shape(1 << 18, 10, 64, 2).unwrap()]).unwrap();
    let terms = c.soundness();
    assert_eq!(terms.len(), 8);
    assert!(terms[..7].iter().all(|t| t.bits < -145.0), "{terms:?}");
    assert!(terms.iter().all(|t| !t.name.is_empty() && !t.theorem.is_empty()));
}

#[test]
fn small_models_keep_room_for_their_openings() {
    let q = queries_for(2, 11, 1).unwrap();
    let s = long_lived_shape(32, 3, 16, 2).unwrap();
    assert_eq!((s.columns, s.log_height), (1, 12));
    assert!(s.block >= 16 * q + PIN_BLOCK && s.block.is_multiple_of(8));
    let big = long_lived_shape(10_000_000, 10, 64, 2).unwrap();
    assert_eq!(big.log_height, 20);
    assert!(big.capacity() >= 10_000_000);
    // A budget that eats most of the usual column takes a taller one; one that eats the tallest is refused.
    let many = long_lived_shape(1000, 3, 5_000, 2).unwrap();
    assert!(many.log_height > 19 && many.columns == 1 && many.payload_per_column() >= 1000);
    assert!(matches!(long_lived_shape(1000, 3, 1 << 30, 2), Err(OpeningError::BlockTooLong { .. })));
}

#[test]
fn shapes_are_checked() {
    let (q, b) = (queries_for(2, 11, 3).unwrap(), block(2));
    let new = |shapes: Vec<VectorShape>| OpeningConfig::new(2, shapes).map(|_| ()).unwrap_err();
    let with = |other| new(shapes(2, &[other]));
    assert_eq!(new(vec![]), OpeningError::NoVector);
    assert_eq!(queries_for(2, 27, 1), Err(OpeningError::Height { vector: 0, got: 27, min: 11, max: 26 }));
    assert_eq!(queries_for(2, 11, 0), Err(OpeningError::Sources { got: 0, max: MAX_SOURCES }));
    assert_eq!(queries_for(0, 11, 1), Err(OpeningError::Rate { got: 0 }));
    assert_eq!(OpeningConfig::new(3, shapes(2, &[])).map(|_| ()).unwrap_err(), OpeningError::Rate { got: 3 });
    assert_eq!(new(vec![shape(10, 1, b)]), OpeningError::Height { vector: 0, got: 10, min: 11, max: 26 });
    assert_eq!(new(vec![shape(11, 0, b)]), OpeningError::Columns { vector: 0, got: 0, max: MAX_SOURCES });
    assert_eq!(
        new(vec![shape(11, 1, q - 1)]),
        OpeningError::BlockTooShort { vector: 0, needed: q + CONJUGATE_BLOCK, got: q - 1 }
    );
    assert_eq!(new(vec![shape(11, 1, 2048)]), OpeningError::BlockTooLong { vector: 0, block: 2048, height: 2048 });
    assert_eq!(with(shape(12, 1, b)), OpeningError::Taller { vector: 1, got: 12, trace: 11 });
    assert_eq!(with(shape(7, 1, 9)), OpeningError::Height { vector: 1, got: 7, min: 8, max: 26 });
    // A proof's rows alone are not enough: the pin is an evaluation, three more coordinates.
    assert_eq!(with(shape(10, 1, q)), OpeningError::BlockTooShort { vector: 1, needed: q + PIN_BLOCK, got: q });
    assert_eq!(with(shape(10, MAX_SOURCES, b)), OpeningError::Sources { got: MAX_SOURCES + 2, max: MAX_SOURCES });
}

#[test]
fn commitments_are_checked() {
    let s = shape(10, 1, block(2));
    let payload = vec![F::ONE; s.capacity() + 1];
    let too_long = OpeningError::Capacity { got: s.capacity() + 1, capacity: s.capacity() };
    assert_eq!(LongLived::commit(s, 2, &payload, &[0; 32]).unwrap_err(), too_long);
    assert_eq!(LongLived::commit(s, 0, &[], &[0; 32]).unwrap_err(), OpeningError::Rate { got: 0 });
    let mut w = World::new(2, shapes(2, &[s]));
    let capacity = w.config.trace().capacity();
    let long = vec![F::ONE; capacity + 1];
    let error = Trace::commit(&w.config, long, &mut w.entropy).map(|_| ()).unwrap_err();
    assert_eq!(error, OpeningError::Capacity { got: capacity + 1, capacity });
    // A vector of another shape than the configuration's.
    let other = LongLived::commit(shape(9, 2, block(2)), 2, &[], &[0; 32]).unwrap();
    let trace = w.trace();
    let error = opening_proof(&w.config, trace, &[&other], w.claim(), &w.pins, &mut transcript()).map(|_| ());
    assert_eq!(error.unwrap_err(), OpeningError::Committed { vector: 1 });
    let trace = w.trace();
    let error = opening_proof(&w.config, trace, &[], w.claim(), &w.pins, &mut transcript()).map(|_| ());
    assert_eq!(error.unwrap_err(), OpeningError::RootCount { expected: 2, got: 1 });
}

#[test]
fn claims_are_checked_by_both_sides() {
    let mut w = World::new(2, shapes(2, &[shape(10, 3, block(2))]));
    let (roots, proof) = w.prove();
    let s = w.config.shapes()[1];
    let odd = s.block.trailing_zeros() as usize + 1;
    let eq = |n, slot| TensorWeight { low: Low::Eq(vec![E::ONE; n]), slots: vec![(slot, E::ONE)] };
    type Change = fn(&mut Claim, &mut Vec<Pin>);
    let cases: Vec<(Change, OpeningError)> = vec![
        (|c, _| c.weights.truncate(1), OpeningError::WeightCount { expected: 2, got: 1 }),
        (|_, p| p.clear(), OpeningError::PinCount { expected: 1, got: 0 }),
        (|_, p| p[0].point.truncate(11), OpeningError::PinPoint { vector: 1, expected: 12, got: 11 }),
        (|c, _| c.weights[0].pin = E::ONE, OpeningError::TracePin),
    ];
    let mut tensors = vec![
        (eq(odd, 0), OpeningError::Stride { vector: 1, stride: odd, block: s.block }),
        (eq(11, 0), OpeningError::Stride { vector: 1, stride: 11, block: s.block }),
        (
            eq(2, s.capacity() / 4),
            OpeningError::Slot { vector: 1, slot: s.capacity() / 4, stride: 2, capacity: s.capacity() },
        ),
        (
            TensorWeight { low: Low::Dense(vec![E::ONE; 3]), slots: vec![] },
            OpeningError::LowLength { vector: 1, len: 3 },
        ),
    ];
    let twice = TensorWeight { low: Low::Eq(vec![]), slots: vec![(4, E::ONE), (4, E::ONE)] };
    tensors.push((twice, OpeningError::SlotOrder { vector: 1, slot: 4 }));
    let mut both = |claim: &dyn Fn() -> Claim, pins: &[Pin], expected: OpeningError| {
        let checked = opening_check(&w.config, &roots, claim(), pins, &mut transcript(), &proof);
        assert_eq!(checked.unwrap_err(), expected);
        let trace = Trace::commit(&w.config, vec![], &mut w.entropy).unwrap();
        let others: Vec<&LongLived> = w.others.iter().collect();
        let proved = opening_proof(&w.config, trace, &others, claim(), pins, &mut transcript());
        assert_eq!(proved.map(|_| ()).unwrap_err(), expected);
    };
    let (weights, sigma, pins) = (w.weights.clone(), w.sigma, w.pins.clone());
    for (change, expected) in cases {
        let mut changed = pins.clone();
        change(&mut Claim { weights: weights.clone(), value: sigma }, &mut changed);
        let claim = || {
            let mut c = Claim { weights: weights.clone(), value: sigma };
            change(&mut c, &mut pins.clone());
            c
        };
        both(&claim, &changed, expected);
    }
    for (tensor, expected) in tensors {
        let claim = || {
            let mut c = Claim { weights: weights.clone(), value: sigma };
            c.weights[1].tensors.push(tensor.clone());
            c
        };
        both(&claim, &pins, expected);
    }
    for (first, len) in [(s.capacity() - 2, 3), (usize::MAX, 1)] {
        let claim = || {
            let mut c = Claim { weights: weights.clone(), value: sigma };
            c.weights[1].runs.push((first, vec![E::ONE; len]));
            c
        };
        both(&claim, &pins, OpeningError::Run { vector: 1, first, len, capacity: s.capacity() });
    }
}

#[test]
fn parameters_separate_configurations() {
    let b = block(2);
    let all = [
        OpeningConfig::new(2, shapes(2, &[])).unwrap(),
        OpeningConfig::new(1, shapes(1, &[])).unwrap(),
        OpeningConfig::new(2, shapes(2, &[shape(10, 1, b)])).unwrap(),
        OpeningConfig::new(2, shapes(2, &[shape(10, 1, b + 1)])).unwrap(),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(all.iter().skip(i + 1).all(|b| a.parameters() != b.parameters()));
    }
}

#[test]
fn pin_points_follow_digest_and_shape() {
    let s = shape(10, 3, block(2));
    let z = pin_point(&[1; 32], &s);
    assert_eq!(z.len(), 12);
    assert_eq!(z, pin_point(&[1; 32], &s));
    assert_ne!(z, pin_point(&[2; 32], &s));
    assert_ne!(z, pin_point(&[1; 32], &shape(10, 4, block(2))));
}

#[test]
fn the_sum_of_terms_is_what_it_says() {
    let term = |bits| soundness::ErrorTerm { name: "", bits, theorem: "" };
    assert!((soundness::total(&[term(-10.0), term(-10.0)]) + 9.0).abs() < 1e-9);
    assert_eq!(soundness::total(&[]), f64::NEG_INFINITY);
}

#[test]
fn what_crosses_threads_may() {
    const fn sent<T: Send>() {}
    sent::<OpeningProof>();
    sent::<Trace>();
    sent::<LongLived>();
    sent::<OpeningConfig>();
}

/// Beside a short trace, large vectors lie in more and shorter columns; small ones, and ones with room for many proofs,
/// as ever. Every cell and every row that will be opened has its place in both.
#[test]
fn shapes_beside_little() {
    use super::super::{long_lived_shape, shape_beside_little};
    let of = |cells, proofs| {
        let shapes = [long_lived_shape, shape_beside_little].map(|shape| shape(cells, 11, proofs, 2).unwrap());
        for shape in shapes {
            let rows = proofs * super::super::queries_for(2, shape.log_height.max(11), 1).unwrap();
            assert!(
                shape.capacity() >= cells && shape.block >= rows + super::super::PIN_BLOCK && shape.holds_stride(11)
            );
        }
        shapes.map(|s| (s.log_height, s.columns))
    };
    assert_eq!(of(4_000_000, 64), [(20, 4), (18, 16)]);
    for cells in [100, 10_000, 100_000] {
        let [usual, beside_little] = of(cells, 4);
        assert_eq!(usual, beside_little, "{cells}");
    }
}
