//! Links of `tests/fixtures`, honest ones and whole proofs of a dishonest prover: the second verifier reads the same
//! files. With `TACIT_FIXTURES=FOLDER` they are proven again and written there:
//!
//! `TACIT_FIXTURES=$PWD/tests/fixtures cargo test --release -p tacit-training link::tests::fixtures`
use super::rows::{DISJOINT, lie, many, proven, table_of};
use super::*;
use crate::file::decode;
use std::path::{Path, PathBuf};

/// What is made now and what is stored: the same verdict, by name.
fn compare<const N: usize>(made: [(&str, LinkProof); N]) {
    for (name, link) in made {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name).with_extension("tacit");
        if let Some(to) = std::env::var_os("TACIT_FIXTURES").filter(|to| !to.is_empty()) {
            let to = PathBuf::from(to).join(path.file_name().unwrap());
            std::fs::write(to, encode(Kind::Link, &link).unwrap()).unwrap();
        }
        let stored: LinkProof = decode(Kind::Link, &std::fs::read(path).unwrap()).unwrap();
        assert_eq!(stored.statement, link.statement, "{name}");
        for link in [link, stored] {
            if name.starts_with("forged-") {
                assert_claim_fails(&link);
            } else {
                verify_link(&link).unwrap();
            }
        }
    }
}

/// Another content at one cell, in the same shape and in another; another model; the two records in the other order.
#[test]
fn forged_links_of_contents() {
    let payload = table();
    let mut changed = payload.clone();
    changed[(1 << 7) + 5] += F::ONE;
    let (a, b, taller) = (data(&payload, 2, 1), data(&changed, 2, 2), data(&changed, 40, 3));
    assert_ne!(a.record.vector.shape, taller.record.vector.shape);
    let again = data(&payload, 40, 4);
    let honest = prove_link(same_data(&a, &again), [&a.tree, &again.tree], &SECRET).unwrap();
    let statement = LinkStatement { version: LINK_VERSION, linked: same_data(&again, &a) };
    let swapped = LinkProof { statement, proof: honest.proof.clone() };

    let weights = weights(true);
    let mut other = weights.clone();
    other[ModelLayout::of_record(&empty_model(true))[1].cell(0, 2, 1)] -= F::ONE;
    let (m, n, wrong) = (model(&weights, true, 2, 1), model(&weights, true, 4, 2), model(&other, true, 2, 3));
    compare([
        ("link-data", honest),
        ("forged-link-cell", claimed(same_data(&a, &b), [&a.tree, &b.tree])),
        ("forged-link-shape", claimed(same_data(&a, &taller), [&a.tree, &taller.tree])),
        ("forged-link-swapped", swapped),
        ("link-model", prove_link(same_model(&m, &n), [&m.tree, &n.tree], &SECRET).unwrap()),
        ("forged-link-model", claimed(same_model(&m, &wrong), [&m.tree, &wrong.tree])),
    ]);
}

/// Rows that are said to be the same, a part, or none in common, where one row is not as said.
#[test]
fn forged_relations_of_rows() {
    let all = many(0, 90);
    let (whole, part, rest) = (table_of(&all, 1), table_of(&all[..40], 2), table_of(&all[40..], 3));
    let mut strange = all[..40].to_vec();
    strange[7] = [45, 9, 2];
    let stranger = table_of(&strange, 4);
    let mut shared = all[40..].to_vec();
    shared[49] = all[0];
    let overlap = table_of(&shared, 5);
    let mut turned: Vec<_> = all.iter().rev().copied().collect();
    let again = table_of(&turned, 6);
    turned[3] = turned[4];
    let uneven = table_of(&turned, 7);
    compare([
        ("link-same", proven(RowRelation::Same, &whole, &again).unwrap()),
        ("forged-link-same", lie(RowRelation::Same, [&whole, &uneven], [&whole, &again], |_| {})),
        ("link-subset", proven(RowRelation::Subset, &part, &whole).unwrap()),
        ("forged-link-subset", lie(RowRelation::Subset, [&stranger, &whole], [&part, &whole], |_| {})),
        ("link-disjoint", proven(DISJOINT, &part, &rest).unwrap()),
        ("forged-link-disjoint", lie(DISJOINT, [&part, &overlap], [&part, &rest], |_| {})),
    ]);
}
