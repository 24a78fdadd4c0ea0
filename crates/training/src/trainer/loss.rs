//! The losses: from Z and the labels to the gradient at Z, and the columns that prove it.
use crate::config::{Loss, RunConfig};
use crate::tables;
use alloc::vec;
use alloc::vec::Vec;

/// The loss layer's columns. In a [`super::ChunkTrace`] they are column-major; masked rows hold honest values too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LossTrace {
    /// Softmax cross-entropy.
    CrossEntropy {
        /// EXP[max - Z_j].
        e: Vec<u32>,
        /// floor(e_j 2^fg / S).
        p: Vec<u32>,
        /// e_j 2^fg - p_j S, in [0, S).
        rem: Vec<u32>,
        /// Per row, the first j with Z_j = max.
        argmax: Vec<u32>,
        /// Per row, max_j Z_j.
        max: Vec<i32>,
        /// Per row, S = sum_j e_j.
        sum: Vec<u32>,
    },
    /// Sigmoid cross-entropy.
    BceWithLogits {
        /// SIG_fg[Z].
        sig: Vec<i32>,
    },
    /// Squared error: the gradient is linear in Z.
    Mse,
}

/// A loss with its table.
#[derive(Clone, Debug)]
pub(super) enum LossFunction {
    CrossEntropy { exp: Vec<u32>, fg: u32 },
    BceWithLogits { sigmoid: Vec<i32>, fg: u32 },
    Mse { shift: u32 },
}

impl LossFunction {
    pub(super) fn new(config: &RunConfig) -> Self {
        let s = &config.scales;
        match config.architecture.loss {
            Loss::CrossEntropy => Self::CrossEntropy { exp: tables::exp_table(s.fa, config.exp_bits()), fg: s.fg },
            Loss::BceWithLogits => Self::BceWithLogits { sigmoid: tables::sigmoid_table(s.fa, s.fg), fg: s.fg },
            Loss::Mse => Self::Mse { shift: s.fg - s.fa },
        }
    }

    /// D on the rows with labels (row-major, zero on the rows after them) and the columns on all rows, row-major.
    pub(super) fn gradient(&self, z: &[i32], outputs: usize, labels: &[i32]) -> (Vec<i32>, LossTrace) {
        let mut d = vec![0; z.len()];
        let trace = match self {
            Self::CrossEntropy { exp, fg } => {
                let trace = softmax(z, outputs, exp, *fg);
                if let LossTrace::CrossEntropy { p, .. } = &trace {
                    for ((d, p), &y) in d.chunks_mut(outputs).zip(p.chunks(outputs)).zip(labels) {
                        for (j, (d, &p)) in d.iter_mut().zip(p).enumerate() {
                            *d = p as i32 - if j == y as usize { 1 << fg } else { 0 };
                        }
                    }
                }
                trace
            }
            Self::BceWithLogits { sigmoid, fg } => {
                let sig: Vec<i32> = z.iter().map(|&z| at(sigmoid, z)).collect();
                for ((d, &s), &y) in d.iter_mut().zip(&sig).zip(labels) {
                    *d = s - (y << fg);
                }
                LossTrace::BceWithLogits { sig }
            }
            Self::Mse { shift } => {
                for ((d, &z), &y) in d.iter_mut().zip(z).zip(labels) {
                    *d = (z - y) << shift;
                }
                LossTrace::Mse
            }
        };
        (d, trace)
    }
}

/// A signed table at z, which lies in its domain because every window does.
pub(super) fn at(table: &[i32], z: i32) -> i32 {
    table[(z + tables::ZERO as i32) as usize]
}

fn softmax(z: &[i32], outputs: usize, exp: &[u32], fg: u32) -> LossTrace {
    let (mut e, mut p, mut rem) = (Vec::new(), Vec::new(), Vec::new());
    let (mut argmax, mut maxima, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    for row in z.chunks(outputs) {
        let (mut first, mut max) = (0, row[0]);
        for (j, &v) in row.iter().enumerate() {
            if v > max {
                (first, max) = (j as u32, v);
            }
        }
        let start = e.len();
        e.extend(row.iter().map(|&v| exp[(max - v) as usize]));
        let sum: u32 = e[start..].iter().sum();
        for &e in &e[start..] {
            let scaled = u64::from(e) << fg;
            p.push((scaled / u64::from(sum)) as u32);
            rem.push((scaled % u64::from(sum)) as u32);
        }
        argmax.push(first);
        maxima.push(max);
        sums.push(sum);
    }
    LossTrace::CrossEntropy { e, p, rem, argmax, max: maxima, sum: sums }
}
