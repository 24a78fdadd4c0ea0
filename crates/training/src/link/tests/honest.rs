//! Links that hold, over trees of every pair of shapes.
use super::*;
use tacit_argument::soundness::{TARGET_BITS, total};

fn verified(link: &LinkProof) {
    let v = verify_link(link).unwrap();
    assert_eq!([v.first, v.second], link.statement.linked.digests().unwrap());
    assert!(total(&v.soundness) <= -f64::from(TARGET_BITS), "{}", total(&v.soundness));
    assert_eq!(stated(&link.statement).unwrap().soundness, v.soundness);
}

#[test]
fn one_table_for_two_budgets() {
    let payload = table();
    let sides = [1, 8, 80].map(|proofs| data(&payload, proofs, proofs as u8));
    let heights = sides.each_ref().map(|s| s.record.vector.shape.log_height);
    assert!(heights[0] < heights[1] && heights[1] < heights[2], "{heights:?}");
    for (i, a) in sides.iter().enumerate() {
        for (j, b) in sides.iter().enumerate().filter(|(j, _)| *j != i) {
            let linked = same_data(a, b);
            let rows = plan_link(&linked).unwrap().rows_per_proof;
            assert!(rows as u64 <= a.record.vector.row_budget, "{i} {j}");
            verified(&prove_link(linked, [&a.tree, &b.tree], &SECRET).unwrap());
        }
    }
}

#[test]
fn names_and_released_texts_may_differ() {
    let (a, mut b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    b.record.names = Some(vec!["age".into(), "dose".into()]);
    b.record.released = vec!["scale".into()];
    // The record's pin is at a point of its own.
    b.record.pin = b.tree.pin(&b.record.committed().unwrap().pin.point);
    verified(&prove_link(same_data(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap());
}

#[test]
fn one_model_with_and_without_velocity() {
    for velocity in [false, true] {
        let payload = weights(velocity);
        let (a, b) = (model(&payload, velocity, 2, 1), model(&payload, velocity, 200, 2));
        assert_ne!(a.record.vector.shape, b.record.vector.shape);
        verified(&prove_link(same_model(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap());
    }
}

/// Cells between the outputs of a layer and its stride are no weights: no relation reads them.
#[test]
fn what_no_relation_reads_may_differ() {
    let payload = weights(false);
    let mut other = payload.clone();
    let unread = ModelLayout::of_record(&empty_model(false))[0].cell(0, 0, 3);
    assert_eq!(other[unread], F::ZERO);
    other[unread] = F::from_u64(9);
    let (a, b) = (model(&payload, false, 2, 1), model(&other, false, 2, 2));
    verified(&prove_link(same_model(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap());
}

/// Nothing of the content is sent, and equal links are different proofs.
#[test]
fn a_link_sends_no_message() {
    let (a, b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    let [x, y] = [(); 2].map(|()| prove_link(same_data(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap());
    assert!(x.proof.masked.messages.is_empty() && x.proof.masked.sacrifices.is_empty());
    assert_eq!(x.statement, y.statement);
    assert_ne!(x.proof.trace_root, y.proof.trace_root);
    assert_ne!(x.proof.opening.mu, y.proof.opening.mu);
    assert!(x.proof.opening.source_rounds.iter().zip(&y.proof.opening.source_rounds).all(|(a, b)| a != b));
}

#[test]
fn words_name_both_commitments() {
    let (a, b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    let statement = LinkStatement { version: LINK_VERSION, linked: same_data(&a, &b) };
    let words = link_words(&statement, [false, false]);
    let hex = |r: &DataRecord| crate::words::hex(&r.digest().unwrap());
    let expected = alloc::format!(
        "Commitments {} and {} are to the same table of 90 rows and 2 features: every feature and label of every row is \
         equal.",
        hex(&a.record),
        hex(&b.record)
    );
    assert_eq!(words.shown[0], expected);
    assert!(words.not_shown[0].starts_with("that either commitment is valid"));
    assert!(!link_words(&statement, [false, true]).not_shown[0].starts_with("that either"));
    let (a, b) = (model(&weights(true), true, 2, 1), model(&weights(true), true, 2, 2));
    let statement = LinkStatement { version: LINK_VERSION, linked: same_model(&a, &b) };
    let words = link_words(&statement, [false, false]);
    assert!(
        words.shown[0].ends_with("the same model of 2 layers: every weight and every entry of the velocity is equal.")
    );
    assert_eq!(words.not_shown[0], "where the model comes from: no run was given");
}
