//! Dishonest provers: both commitments are honest by themselves, and do not hold the same.
use super::*;
use crate::file::decode;

/// Everything about the second side is honest but the content: `change` of the first one's.
fn other_table(change: impl FnOnce(&mut [F])) -> LinkProof {
    let payload = table();
    let mut changed = payload.clone();
    change(&mut changed);
    let (a, b) = (data(&payload, 2, 1), data(&changed, 4, 2));
    let e = prove_link(same_data(&a, &b), [&a.tree, &b.tree], &SECRET).err().unwrap();
    assert!(matches!(e, LinkError::OtherContent(ArgumentError::Opening(OpeningError::SourceClaim))), "{e}");
    claimed(same_data(&a, &b), [&a.tree, &b.tree])
}

#[test]
fn any_cell_of_a_table_off_by_one() {
    // First and last rows of the first and last feature, labels, and rows beyond the last.
    for cell in [0, 89, 1 << 7, (1 << 7) + 89, 2 << 7, (4 << 7) + 88, 90, (5 << 7) - 1] {
        assert_claim_fails(&other_table(|c| c[cell] += F::ONE));
        assert_claim_fails(&other_table(|c| c[cell] -= F::ONE));
    }
}

#[test]
fn the_same_rows_or_columns_in_another_order() {
    assert_claim_fails(&other_table(|c| (0..COLUMNS).for_each(|k| c.swap(k << 7, (k << 7) + 1))));
    assert_claim_fails(&other_table(|c| (0..1 << 7).for_each(|i| c.swap(i, i + (1 << 7)))));
}

/// Two changes whose sum is 0 in every column and in every row.
#[test]
fn changes_that_cancel_in_sums() {
    assert_claim_fails(&other_table(|c| {
        c[0] += F::ONE;
        c[1] -= F::ONE;
        c[1 << 7] -= F::ONE;
        c[(1 << 7) + 1] += F::ONE;
    }));
}

#[test]
fn any_weight_or_velocity_off_by_one() {
    let payload = weights(true);
    let state = ModelLayout::of_record(&empty_model(true));
    for layout in &state {
        for (l, k, j) in [(0, 0, 0), (0, 4, 2), (0, 2, 1), (1, 0, 0), (1, 2, 1)] {
            let mut changed = payload.clone();
            changed[layout.cell(l, k, j)] -= F::ONE;
            let (a, b) = (model(&payload, true, 2, 1), model(&changed, true, 4, 2));
            assert_claim_fails(&claimed(same_model(&a, &b), [&a.tree, &b.tree]));
            assert_claim_fails(&claimed(same_model(&b, &a), [&b.tree, &a.tree]));
        }
    }
}

#[test]
fn weights_in_place_of_the_velocity() {
    let payload = weights(true);
    let half = payload.len() / 2;
    let mut changed = payload.clone();
    changed.rotate_left(half);
    let (a, b) = (model(&payload, true, 2, 1), model(&changed, true, 2, 2));
    assert_claim_fails(&claimed(same_model(&a, &b), [&a.tree, &b.tree]));
}

/// A record of the content that is wanted over the tree of another one.
#[test]
fn another_tree_behind_a_record() {
    let payload = table();
    let mut changed = payload.clone();
    changed[3] += F::ONE;
    let (a, b, c) = (data(&payload, 2, 1), data(&payload, 2, 2), data(&changed, 2, 3));
    // The root of c and the pin of b: the content agrees with the pin, not with the root, or the other way round.
    for trees in [[&a.tree, &c.tree], [&a.tree, &b.tree]] {
        let mut mixed = b.record.clone();
        mixed.vector.root = c.record.vector.root;
        mixed.pin = b.tree.pin(&mixed.committed().unwrap().pin.point);
        let linked = Linked::Data { first: a.record.clone(), second: mixed };
        let e = verify_link(&claimed(linked, trees)).unwrap_err();
        assert!(matches!(e, LinkRejected::Argument(ArgumentError::Opening(_))), "{e:?}");
    }
}

/// A link is about its two records, in their order.
#[test]
fn a_proof_of_other_records() {
    let payload = table();
    let [a, b, c] = [1, 2, 3].map(|seed| data(&payload, 2, seed));
    let link = prove_link(same_data(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap();
    for linked in [same_data(&b, &a), same_data(&a, &c), same_data(&c, &b)] {
        let statement = LinkStatement { version: LINK_VERSION, linked };
        assert_claim_fails(&LinkProof { statement, proof: link.proof.clone() });
    }
}

/// Names are no part of the content, and part of the statement.
#[test]
fn a_name_that_was_changed_afterwards() {
    let (a, b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    let mut link = prove_link(same_data(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap();
    let Linked::Data { second, .. } = &mut link.statement.linked else { panic!("data") };
    second.names = Some(vec!["age".into(), "dose".into()]);
    assert_claim_fails(&link);
}

#[test]
fn messages_where_there_are_none() {
    let (a, b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    let link = prove_link(same_data(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap();
    let mut longer = link.clone();
    longer.proof.masked.messages.push(Default::default());
    let e = verify_link(&longer).unwrap_err();
    let expected = tacit_argument::hiding::HidingError::MessageCount { expected: 0, got: 1 };
    assert!(matches!(e, LinkRejected::Argument(ArgumentError::Hiding(h)) if h == expected), "{e:?}");
    let bytes = encode(Kind::Link, &link).unwrap();
    verify_link(&decode(Kind::Link, &bytes).unwrap()).unwrap();
    assert!(decode::<LinkProof>(Kind::Report, &bytes).is_err());
}
