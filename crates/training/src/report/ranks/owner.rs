//! The owner's side of ranks: counts of rows, and the columns.
use super::Ranks;
use crate::relation::Writer;
use crate::report::counting::Evaluation;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::{F, signed};

impl Evaluation {
    /// For every k, and every group: its rows whose label is among the k largest outputs.
    pub(in crate::report) fn hits(&self, tops: &[u32]) -> Vec<u32> {
        let mut out = vec![0; tops.len() * self.groups];
        for (x, (&g, &label)) in self.group.iter().zip(&self.labels).enumerate() {
            let rank = (0..self.classes).filter(|&j| self.over_label(x, j, Some(label)) > 0).count();
            for (i, _) in tops.iter().enumerate().filter(|(_, k)| rank < **k as usize) {
                out[i * self.groups + g] += 1;
            }
        }
        out
    }

    /// What output j has over that of the label, and 1 more where it stands before it; of a row without label, the output.
    pub(in crate::report) fn over_label(&self, x: usize, j: usize, label: Option<usize>) -> i64 {
        let z = self.layers.last().map_or(&[][..], |l| &l.columns.z);
        let of = |j: usize| z.get(j * self.height + x).copied().map_or(0, i64::from);
        of(j) - label.map_or(0, |c| of(c) - i64::from(j < c))
    }
}

impl Ranks {
    /// Writes the columns.
    pub(in crate::report) fn fill(&self, evaluation: &Evaluation, w: &mut Writer<'_>) {
        let label = |x: usize| evaluation.labels.get(x).copied();
        let rows: Vec<usize> = (0..evaluation.height).collect();
        let over = |j: usize| rows.iter().map(|&x| evaluation.over_label(x, j, label(x))).collect();
        let gaps: Vec<Vec<i64>> = (0..self.classes).map(over).collect();
        let z = evaluation.layers.last().map_or(&[][..], |l| &l.columns.z);
        w.put(self.of_label, &rows, |x| signed(label(x).map_or(0, |c| z[c * evaluation.height + x]).into()));
        for (j, gaps) in gaps.iter().enumerate() {
            w.put(self.gap + j, gaps, signed);
            w.put(self.behind + j, gaps, |d| F::from_bool(d <= 0));
        }
        for (i, &k) in self.tops.iter().enumerate() {
            let rank = |x: usize| gaps.iter().filter(|d| d[x] > 0).count();
            w.put(self.hit + i, &rows, |x| F::from_bool(rank(x) < k as usize));
        }
    }
}
