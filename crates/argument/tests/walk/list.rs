//! The closed list of clear values (protocol.md, section 5.6), field by field.

/// The classes of a proof's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clear {
    /// The root of trace and mask.
    TraceRoot,
    /// Messages minus pads.
    Messages,
    /// d and e of the sacrifices.
    Sacrifices,
    /// sigma_1 and sigma_2, each hidden by a uniform element of the trace.
    Conjugates,
    /// <g, A>.
    Mu,
    /// The sumchecks that reduce the claim to one evaluation of P, and that evaluation: functions of h.
    Reduction,
    /// WHIR on h but for the first oracle's rows: answers, sumchecks, roots, later rows and paths, final polynomial.
    Whir,
    /// Nonces of the proofs of work.
    Work,
    /// Opened rows of h.
    RowsOfH,
    /// Opened rows of f.
    RowsOfF,
    /// Salts of opened leaves.
    Salts,
    /// Paths of opened leaves.
    Paths,
    /// Lengths and tags: functions of the statement, but for the number of digests in pruned paths, which is one of the
    /// challenges.
    Form,
}

/// Every field of a proof; a new one has no row.
pub const PROOF: &[(&str, Clear)] = &[
    ("trace_root", Clear::TraceRoot),
    ("masked.messages.len", Clear::Form),
    ("masked.messages.*", Clear::Messages),
    ("masked.sacrifices.len", Clear::Form),
    ("masked.sacrifices.*", Clear::Sacrifices),
    ("opening.conjugates.*", Clear::Conjugates),
    ("opening.mu", Clear::Mu),
    ("opening.source_rounds.len", Clear::Form),
    ("opening.source_rounds.*", Clear::Reduction),
    ("opening.value", Clear::Reduction),
    ("opening.column_rounds.len", Clear::Form),
    ("opening.column_rounds.*", Clear::Reduction),
    ("opening.whir.evals.len", Clear::Form),
    ("opening.whir.evals.*.current.len", Clear::Form),
    ("opening.whir.evals.*.current.*", Clear::Reduction),
    ("opening.whir.evals.*.next.len", Clear::Form),
    ("opening.whir.whir.initial_ood_answers.len", Clear::Form),
    ("opening.whir.whir.initial_ood_answers.*", Clear::Whir),
    ("opening.whir.whir.initial_sumcheck.polynomial_evaluations.len", Clear::Form),
    ("opening.whir.whir.initial_sumcheck.polynomial_evaluations.*", Clear::Whir),
    ("opening.whir.whir.initial_sumcheck.pow_witnesses.len", Clear::Form),
    ("opening.whir.whir.rounds.len", Clear::Form),
    ("opening.whir.whir.rounds.*.commitment.some", Clear::Form),
    ("opening.whir.whir.rounds.*.commitment.len", Clear::Form),
    ("opening.whir.whir.rounds.*.commitment.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.ood_answers.len", Clear::Form),
    ("opening.whir.whir.rounds.*.ood_answers.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.pow_witness", Clear::Work),
    ("opening.whir.whir.rounds.*.openings.variant", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.rows.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.rows.*.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.rows.*.*", Clear::RowsOfH),
    ("opening.whir.whir.rounds.*.openings.Base.proof.variant", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.rows.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.rows.*.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.rows.*.*", Clear::RowsOfF),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.salts.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.salts.*", Clear::Salts),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.paths.sibling_hashes.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Base.proof.First.trees.*.paths.sibling_hashes.*", Clear::Paths),
    ("opening.whir.whir.rounds.*.openings.Extension.rows.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.rows.*.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.rows.*.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.openings.Extension.proof.variant", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.proof.Plain.sibling_hashes.len", Clear::Form),
    ("opening.whir.whir.rounds.*.openings.Extension.proof.Plain.sibling_hashes.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.sumcheck.polynomial_evaluations.len", Clear::Form),
    ("opening.whir.whir.rounds.*.sumcheck.polynomial_evaluations.*", Clear::Whir),
    ("opening.whir.whir.rounds.*.sumcheck.pow_witnesses.len", Clear::Form),
    ("opening.whir.whir.final_poly.some", Clear::Form),
    ("opening.whir.whir.final_poly.*.len", Clear::Form),
    ("opening.whir.whir.final_poly.*.*", Clear::Whir),
    ("opening.whir.whir.final_pow_witness", Clear::Work),
    ("opening.whir.whir.final_openings.variant", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.rows.len", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.rows.*.len", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.rows.*.*", Clear::Whir),
    ("opening.whir.whir.final_openings.Extension.proof.variant", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.proof.Plain.sibling_hashes.len", Clear::Form),
    ("opening.whir.whir.final_openings.Extension.proof.Plain.sibling_hashes.*", Clear::Whir),
    ("opening.whir.whir.final_sumcheck.some", Clear::Form),
    ("opening.whir.whir.final_sumcheck.polynomial_evaluations.len", Clear::Form),
    ("opening.whir.whir.final_sumcheck.polynomial_evaluations.*", Clear::Whir),
    ("opening.whir.whir.final_sumcheck.pow_witnesses.len", Clear::Form),
];
