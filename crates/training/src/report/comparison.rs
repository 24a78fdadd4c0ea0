//! Comparisons: a second committed model on the same committed rows, and that the first is better by at least so much.
//!
//! The report holds the forward relations of both models over one trace, the second one's columns behind the first
//! one's. A figure that is the better the larger it is, n of d with a d that labels settle, is compared by two bounds
//! and what is between them: `q n_1 - p d = s_1`, `q n_2 = s_2` and `s_1 - s_2 = s`, each s a committed number in
//! [0, 2^60). The first two hold of whatever is better by p/q, as n_2 is not negative, so that s >= 0 alone is told.
//! Of a loss, at most M a row: `M q n 2^20 - q L_1 = s_1`, `(M q + p) n 2^20 - q L_2 = s_2`.
use super::ReportInvalid;
use super::rates::Rate;
use super::relation::ReportRelation;
use super::scores::{ScoreFigure, ScoreLoss};
use super::statement::{Input, ReportStatement, Shown};
use super::validate::Checked;
use crate::relation::{TRACE, cell};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use p3_field::PrimeCharacteristicRing;
use serde::{Deserialize, Serialize};
use tacit_argument::field::E;
use tacit_argument::hiding::{Affine, Reduction};

/// Transcript label of the second model's relation.
pub(super) const LABEL: &[u8] = b"tacit/compared/v1";
/// The second model's id among the vectors of the proof, where there is one of the data; else it is one less.
const OTHER: usize = 3;

/// The second model's id among the vectors of a proof about these rows.
pub(super) const fn other_vector(input: &Input) -> usize {
    if input.is_committed() { OTHER } else { OTHER - 1 }
}

/// The model that the report's is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherModel {
    /// The run that it comes from.
    pub run_digest: [u8; 32],
    /// C of the model behind that run's last chunk.
    pub model_digest: [u8; 32],
}

/// What two models are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compared {
    /// A rate whose denominator the labels settle, accuracy or recall: better is larger.
    Rate {
        /// Which rate.
        rate: Rate,
    },
    /// The area under the ROC curve: better is larger.
    Auc,
    /// A mean loss: better is smaller.
    Loss {
        /// Which loss.
        loss: ScoreLoss,
    },
}

impl Compared {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Rate { rate } => rate.name(),
            Self::Auc => "area under the ROC curve".into(),
            Self::Loss { loss } => loss.name().into(),
        }
    }

    /// Whether better is smaller.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Loss { .. })
    }

    fn check(self) -> Result<(), ReportInvalid> {
        match self {
            Self::Rate { rate: Rate::Accuracy | Rate::Recall { .. } } | Self::Auc | Self::Loss { .. } => Ok(()),
            Self::Rate { .. } => Err(ReportInvalid::NotComparable { rate: self.name() }),
        }
    }

    /// The bounds on the first and the second model, whose slacks differ by what the comparison says is not negative.
    fn sides(self, group: Option<u32>, bound: (u32, u32), fa: u32) -> Result<[Shown; 2], ReportInvalid> {
        let (p, q) = bound;
        Ok(match self {
            Self::Rate { rate } => [bound, (0, q)].map(|bound| Shown::AtLeast { rate, group, bound }),
            Self::Auc => {
                [bound, (0, q)].map(|bound| Shown::Scores { group, figure: ScoreFigure::AucAtLeast { bound } })
            }
            Self::Loss { loss } => {
                let most = q.checked_mul(loss.most(fa));
                let (Some(most), Some(more)) = (most, most.and_then(|most| most.checked_add(p))) else {
                    return Err(ReportInvalid::BoundTooFine { denominator: q, rows: 0 });
                };
                [(most, q), (more, q)]
                    .map(|bound| Shown::Scores { group, figure: ScoreFigure::LossAtMost { loss, bound } })
            }
        })
    }
}

impl ScoreLoss {
    /// A number that no row's loss is above, whatever the windows of a model with this scale.
    fn most(self, fa: u32) -> u32 {
        match self {
            // max(s, 0) + ln 2, |s| at most 2^16.
            Self::Log => (1u32 << 16).checked_shr(fa).unwrap_or(0) + 2,
            Self::Brier => 1,
        }
    }
}

impl ReportStatement {
    /// The comparisons, and where they stand among the things shown.
    fn comparisons(&self) -> impl Iterator<Item = (usize, Compared)> + '_ {
        self.shown.iter().enumerate().filter_map(|(i, s)| match s {
            Shown::BetterBy { metric, .. } => Some((i, *metric)),
            _ => None,
        })
    }

    /// Whether there are comparisons exactly if there is a model to compare with, another one.
    pub(super) fn check_comparisons(&self) -> Result<(), ReportInvalid> {
        let some = self.comparisons().next().is_some();
        match &self.against {
            None if some => return Err(ReportInvalid::NotApplicable { what: "a comparison with no other model" }),
            Some(_) if !some => return Err(ReportInvalid::NotApplicable { what: "another model without comparison" }),
            Some(other) if other.model_digest == self.model_digest => return Err(ReportInvalid::SameModel),
            // The second model has the place that committed outputs have among the vectors.
            Some(_) if self.committed_outputs().is_some() => {
                return Err(ReportInvalid::NotApplicable { what: "committed outputs beside a comparison" });
            }
            _ => {}
        }
        self.comparisons().try_for_each(|(_, metric)| metric.check())
    }

    /// What the statement says of one model: of the first (`side` 0) everything, comparisons as bounds; of the second
    /// the bounds alone.
    pub(super) fn of_side(&self, side: usize) -> Result<Cow<'_, Self>, ReportInvalid> {
        let fa = match &self.input {
            Input::Committed { data, .. } => data.fa,
            Input::Table { table } => table.fa,
            Input::Public { .. } => 0,
        };
        let Some(other) = &self.against else { return Ok(Cow::Borrowed(self)) };
        let mut out = self.clone();
        if side > 0 {
            out.shown.retain(|s| matches!(s, Shown::BetterBy { .. }));
            (out.run_digest, out.model_digest) = (other.run_digest, other.model_digest);
        }
        for shown in &mut out.shown {
            if let Shown::BetterBy { metric, group, bound } = shown {
                let [first, second] = metric.sides(*group, *bound, fa)?;
                *shown = if side > 0 { second } else { first };
            }
        }
        Ok(Cow::Owned(out))
    }

    /// Of every comparison the slack of its bound on either model, among those of the model's relation.
    pub(super) fn ties(&self, first: &Checked, second: &Checked) -> alloc::vec::Vec<(usize, usize)> {
        let both = self.comparisons().enumerate();
        both.filter_map(|(i, (at, metric))| Some((first.slack_of(metric, at)?, second.slack_of(metric, i)?))).collect()
    }
}

impl Checked {
    /// The slack of the bound that the thing shown at this place is, where it is one of this kind.
    fn slack_of(&self, metric: Compared, shown: usize) -> Option<usize> {
        let counts = self.count_bounds();
        let linear = || self.scores.iter().flat_map(|s| &s.linear).filter(|c| c.bound);
        let mut pairs = self.scores.iter().flat_map(|s| &s.pairs).filter(|c| c.bound);
        match metric {
            Compared::Rate { .. } => self.claims.iter().filter(|c| c.bound).position(|c| c.shown == shown),
            Compared::Loss { .. } => linear().position(|c| c.shown == shown).map(|i| counts + i),
            Compared::Auc => pairs.position(|c| c.shown == shown).map(|i| counts + linear().count() + i),
        }
    }
}

impl ReportRelation<'_> {
    /// The first model's slack is the second one's and what is between them.
    pub(super) fn tie_check(&self, r: &mut Reduction<'_>) {
        let Some(other) = &self.other else { return };
        let low = self.slack_low(r);
        for (i, &(first, second)) in self.ties.iter().enumerate() {
            let mut e = Affine::default();
            e.add_cell(cell(TRACE, low, self.slack_slot(first)), E::ONE);
            e.add_cell(cell(TRACE, low, other.slack_slot(second)), -E::ONE);
            e.add_cell(cell(TRACE, low, self.slack_slot(self.checked.bounds() + i)), -E::ONE);
            r.assert_zero(e);
        }
    }
}

/// A comparison as a sentence, of rows `among`.
pub(super) fn sentence(metric: Compared, among: &str, (p, q): (u32, u32)) -> String {
    let name = metric.name();
    let (which, than) = if metric.is_loss() { ("smaller", "mean ") } else { ("larger", "") };
    format!(
        "The {than}{name}{among} of the first model is {which} than that of the second by at least {p}/{q}; the rows \
         that it counts among are not none, and nothing more is shown about either."
    )
}
