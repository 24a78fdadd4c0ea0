//! Equal inputs, different proofs: reports asked twice share no root, message or opened value.
use crate::statements::reported;
use std::collections::BTreeSet;
use tacit_training::report::ReportProof;

/// Guarantee: of two reports on equal inputs every root and every masked message differs, and their statements are equal.
#[test]
fn equal_reports_share_no_message() {
    for (name, proven, make) in reported() {
        let reports = [make(&proven), make(&proven)];
        assert_eq!(reports[0].statement, reports[1].statement, "{name}");
        let sent = |r: &ReportProof| {
            let (masked, opening) = (&r.proof.masked, &r.proof.opening);
            let mut out = vec![format!("{:?}", r.proof.trace_root), format!("{:?}", opening.mu)];
            out.extend(opening.conjugates.map(|x| format!("{x:?}")));
            out.extend(masked.messages.iter().chain(masked.sacrifices.iter().flatten()).map(|m| format!("{m:?}")));
            out.extend(opening.source_rounds.iter().chain(&opening.column_rounds).flatten().map(|m| format!("{m:?}")));
            out.extend(opening.whir.whir.rounds.iter().map(|r| format!("{:?}", r.commitment)));
            out
        };
        let [a, b] = [sent(&reports[0]), sent(&reports[1])];
        assert_eq!(a.len(), b.len(), "{name}");
        let all: BTreeSet<&String> = a.iter().chain(&b).collect();
        assert_eq!(all.len(), a.len() + b.len(), "{name}");
        reports.iter().for_each(|r| drop(proven.verify(r).unwrap()));
    }
}
