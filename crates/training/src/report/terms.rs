//! The error terms of a report: docs/soundness.md, section 3.
use super::relation::ReportRelation;
use alloc::vec;
use alloc::vec::Vec;
use tacit_argument::bilinear;
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::soundness::{ErrorTerm, SCHWARTZ_ZIPPEL, SUMCHECK, algebraic};

impl ReportRelation<'_> {
    /// Error terms of one model but for the lookups.
    pub(super) fn model_terms(&self, list_bits: f64) -> Vec<ErrorTerm> {
        let outputs: usize = self.layers().map(|l| log2_ceil(self.checked.config.outputs(l))).sum();
        let (equal, sums) = self.sums();
        let equations = 1 + self.head_equations().len() + equal + sums.len() + self.checked.claims.len();
        // rho, a point per layer and its power, the outputs' point, and the powers that batch equations and claims.
        let points = self.layout.log_rows + 2 * outputs + self.layout.layers.len() + equations;
        // A backtest has a claim of its own at rho, which batches by powers of mu.
        let points = points + self.backtest.as_ref().map_or(0, |b| self.layout.log_rows + b.batched());
        let labels = self.checked.classes;
        let term = |name, numerator: u64, theorem| algebraic(name, numerator as usize, list_bits, theorem);
        let mut terms = vec![
            term("matrix products", bilinear::error_numerator(0, log2_ceil(self.summed())), SUMCHECK),
            term(
                "gates and counts",
                bilinear::error_numerator(self.layout.log_rows, log2_ceil(self.pairs.len() + labels)),
                SUMCHECK,
            ),
            term("random points and batching powers", points as u64, SCHWARTZ_ZIPPEL),
        ];
        if let Some(scores) = &self.checked.scores {
            let powers = scores.linear.len() + scores.pairs.len();
            terms.push(term("powers that batch figures of scores", powers as u64, SCHWARTZ_ZIPPEL));
            if !scores.pairs.is_empty() {
                let units = log2_ceil(scores.sets().len());
                let rounds = bilinear::error_numerator(scores.shape.bits as usize, units);
                terms.push(term("pairs of scores", rounds, SUMCHECK));
            }
        }
        terms.extend(self.selection.iter().flat_map(|s| s.soundness(list_bits)));
        terms
    }
}
