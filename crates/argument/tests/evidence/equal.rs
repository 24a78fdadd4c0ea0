//! Equal inputs, different proofs; and no trace of the machine in them.
use crate::toy::{Known, Others, fresh, opened};
use std::collections::BTreeSet;
use tacit_argument::proof::RelationProof;

fn proofs(n: usize) -> (Others, Vec<RelationProof>) {
    let known = Known::random();
    let others = Others::commit(&known, 1);
    let proofs = (0..n).map(|_| known.prove(&others, fresh())).collect();
    (others, proofs)
}

/// Guarantee: with equal inputs every root and every masked message differs.
#[test]
fn every_root_and_masked_message_differs() {
    let (others, proofs) = proofs(4);
    let all = |f: &dyn Fn(&RelationProof) -> Vec<String>| {
        let lists: Vec<Vec<String>> = proofs.iter().map(f).collect();
        let n = lists[0].len();
        assert!(n > 0 && lists.iter().all(|l| l.len() == n));
        assert_eq!(lists.concat().into_iter().collect::<BTreeSet<_>>().len(), n * proofs.len());
    };
    all(&|p| vec![format!("{:?}", p.trace_root)]);
    all(&|p| p.masked.messages.iter().map(|m| format!("{m:?}")).collect());
    all(&|p| p.masked.sacrifices.iter().flatten().map(|m| format!("{m:?}")).collect());
    all(&|p| {
        vec![format!("{:?}", p.opening.conjugates), format!("{:?}", p.opening.mu), format!("{:?}", p.opening.value)]
    });
    all(&|p| p.opening.source_rounds.iter().flatten().map(|m| format!("{m:?}")).collect());
    all(&|p| p.opening.column_rounds.iter().flatten().map(|m| format!("{m:?}")).collect());
    all(&|p| p.opening.whir.whir.rounds.iter().map(|r| format!("{:?}", r.commitment)).collect());
    for proof in &proofs {
        others.check(proof).unwrap();
    }
}

/// A long-lived vector is the same tree again for the same payload and seed, by intent; under another seed nothing is.
#[test]
fn another_seed_shares_no_row_and_no_digest() {
    let known = Known::random();
    let shown = |seed| {
        let mut proof = known.prove(&Others::commit(&known, seed), fresh());
        let (rows, trees) = opened(&mut proof.opening);
        let rows: BTreeSet<String> = rows.iter().flatten().map(|x| format!("{x:?}")).collect();
        let digests: BTreeSet<[u8; 32]> = trees.iter().flat_map(|t| t.paths.sibling_hashes.clone()).collect();
        (rows, digests)
    };
    let (a, b) = (shown(1), shown(40));
    assert!(a.0.is_disjoint(&b.0) && a.1.is_disjoint(&b.1));
}

/// Guarantee: proof bytes carry no time, path, host name, user name or seed.
#[test]
fn proofs_carry_nothing_of_the_machine() {
    let known = Known::random();
    let proof = known.prove(&Others::commit(&known, 7), fresh());
    let bytes = postcard::to_allocvec(&proof).unwrap();
    let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    // The vault's secret and the digests of `fresh`, the seeds of both vectors.
    for secret in [[1u8; 32], [2; 32], [7; 32], [8; 32]] {
        assert!(!contains(&secret[..8]), "a seed");
    }
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for t in seconds - 60..=seconds + 1 {
        assert!(!contains(&t.to_le_bytes()[..7]) && !contains(&t.to_be_bytes()[1..]), "a time");
    }
    let directory = std::env::current_dir().unwrap().to_string_lossy().to_string();
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let mut words: Vec<String> = [directory, host.trim().to_string()].to_vec();
    words.extend(["USER", "LOGNAME", "HOME", "HOSTNAME", "PWD"].into_iter().filter_map(|k| std::env::var(k).ok()));
    words.extend(["tacit/", "tacit-", "crates/", ".cargo"].map(String::from));
    // A shorter word is met by chance.
    for word in words.iter().filter(|w| w.len() > 5) {
        assert!(!contains(word.as_bytes()), "{word}");
    }
    // No printable text at all: random bytes have runs of about ten, and of forty once in 10^12 proofs.
    let longest = bytes.split(|b| !(32..127).contains(b)).map(<[u8]>::len).max().unwrap();
    assert!(longest < 40, "{longest} printable bytes in a row");
}
