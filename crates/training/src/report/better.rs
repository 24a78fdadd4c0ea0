//! The owner's side of comparisons: whether they hold.
use super::comparison::Compared;
use super::counting::{Asked, Evaluation};
use super::prover::ReportError;

impl Evaluation {
    /// What is compared, as a numerator and a denominator.
    fn compared(&self, metric: Compared, group: Option<u32>) -> Result<(u64, u64), ReportError> {
        match metric {
            Compared::Rate { rate } => {
                let (n, d) = self.rate(rate, group);
                if d == 0 { Err(ReportError::Undefined { rate: rate.name() }) } else { Ok((n.into(), d.into())) }
            }
            Compared::Auc => self.area(group),
            Compared::Loss { loss } => self.loss(loss, group),
        }
    }

    /// Refuses a comparison with another model on the same rows that does not hold.
    pub(super) fn require_better(&self, other: &Self, asked: &Asked) -> Result<(), ReportError> {
        let &Asked::BetterBy { metric, group, bound: (p, q) } = asked else { return Ok(()) };
        if self.classes == 0 || self.labels.is_empty() {
            return Err(super::ReportInvalid::NotApplicable { what: "a comparison of classifiers" }.into());
        }
        let ((ours, all), (theirs, _)) = (self.compared(metric, group)?, other.compared(metric, group)?);
        let (ours, theirs) = (i128::from(ours), i128::from(theirs));
        let by = if metric.is_loss() { theirs - ours } else { ours - theirs };
        if by * i128::from(q) >= i128::from(p) * i128::from(all) {
            return Ok(());
        }
        Err(ReportError::NotBetter { metric: metric.name() })
    }
}
