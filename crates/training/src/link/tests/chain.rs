//! Several links together.
use super::*;
use crate::file::FileError;

fn file(link: &LinkProof) -> Vec<u8> {
    encode(Kind::Link, link).unwrap()
}

fn link(a: &Side<DataRecord>, b: &Side<DataRecord>) -> Vec<u8> {
    file(&prove_link(same_data(a, b), [&a.tree, &b.tree], &SECRET).unwrap())
}

fn digests(sides: &[Side<DataRecord>]) -> Vec<[u8; 32]> {
    sides.iter().map(|s| s.record.digest().unwrap()).collect()
}

#[test]
fn links_join_in_both_directions_and_over_several() {
    let payload = table();
    let sides: Vec<_> = (1..=4).map(|seed| data(&payload, 2, seed)).collect();
    let d = digests(&sides);
    let files = [link(&sides[0], &sides[1]), link(&sides[2], &sides[1])];
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let mut links = Links::verify(&files, 0).unwrap();
    assert!(matches!(links.all_used(), Err(Rejected::IdleLink { index: 0 })));
    assert!(links.join(&d[0], &d[1]));
    assert!(matches!(links.all_used(), Err(Rejected::IdleLink { index: 1 })));
    assert!(links.join(&d[2], &d[0]) && links.join(&d[0], &d[2]));
    links.all_used().unwrap();
    // A commitment that no link names is joined to itself alone, without a link.
    let mut links = Links::verify(&files, 0).unwrap();
    assert!(links.join(&d[3], &d[3]) && !links.join(&d[0], &d[3]) && !links.join(&d[3], &d[0]));
    assert!(matches!(links.all_used(), Err(Rejected::IdleLink { index: 0 })));
    assert!(links.model(&d[0]).is_none());
}

#[test]
fn a_link_twice_is_idle_once() {
    let sides: Vec<_> = (1..=2).map(|seed| data(&table(), 2, seed)).collect();
    let (d, bytes) = (digests(&sides), link(&sides[0], &sides[1]));
    let mut links = Links::verify(&[&bytes, &bytes], 0).unwrap();
    assert!(links.join(&d[0], &d[1]));
    assert!(matches!(links.all_used(), Err(Rejected::IdleLink { index: 1 })));
}

#[test]
fn models_are_found_by_their_digest() {
    let payload = weights(false);
    let (a, b) = (model(&payload, false, 2, 1), model(&payload, false, 2, 2));
    let bytes = file(&prove_link(same_model(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap());
    let links = Links::verify(&[&bytes], 0).unwrap();
    assert_eq!(links.model(&a.record.digest().unwrap()), Some(&a.record));
    assert_eq!(links.model(&b.record.digest().unwrap()), Some(&b.record));
    assert_eq!(links.model(&[0; 32]), None);
}

#[test]
fn every_link_is_verified() {
    let payload = table();
    let mut changed = payload.clone();
    changed[0] += F::ONE;
    let (a, b, c) = (data(&payload, 2, 1), data(&payload, 2, 2), data(&changed, 2, 3));
    let honest = link(&a, &b);
    let forged = file(&claimed(same_data(&b, &c), [&b.tree, &c.tree]));
    let e = Links::verify(&[&honest, &forged], 0).err().unwrap();
    assert!(matches!(e, Rejected::Link { index: 1, error: LinkRejected::Argument(_) }), "{e}");
    // For words alone nothing is checked but the statement.
    assert_eq!(Links::stated(&[&honest, &forged]).unwrap().statements().count(), 2);
    let e = Links::verify(&[b"tacit\0"], 0).err().unwrap();
    assert!(matches!(e, Rejected::File(FileError::NotOurs)), "{e}");
}

/// More links than one verdict may rest on are refused before any of them is read.
#[test]
fn a_verdict_rests_on_so_many_links_and_no_more() {
    let none: &[u8] = b"tacit\0";
    for (files, others) in [(17, 0), (16, 1), (1, 16), (1000, 0)] {
        let e = Links::verify(&vec![none; files], others).err().unwrap();
        assert!(matches!(e, Rejected::TooManyLinks { got, most: 16 } if got == files + others), "{e}");
    }
    for (files, others) in [(16, 0), (15, 1)] {
        assert!(matches!(Links::verify(&vec![none; files], others), Err(Rejected::File(_))));
    }
}
