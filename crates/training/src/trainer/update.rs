//! The weight update: V_{t+1} = sum_i d_i G_{t-i} + d_{t+1} V_in, W_{t+1} = W_t - rho_t V_{t+1}, exactly.
//!
//! A finite filter has no integer recurrence, but V changes from step to step by
//! sum_i (d_i - d_{i-1}) G_{t-i}, and d takes few values: only the gradients at its steps are read again.
use crate::rescale;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The weights inside a chunk, with what the momentum filter still needs.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// W_t, all layers, F fractional bits.
    pub weights: Vec<i64>,
    momentum: Option<Momentum>,
    kappa: u32,
}

#[derive(Clone, Debug)]
struct Momentum {
    /// V_in.
    start: Vec<i64>,
    /// V_t; 2^kappa V_in at the start of a chunk.
    velocity: Vec<i64>,
    /// The newest gradients, newest first, as many as the filter is long.
    gradients: VecDeque<Vec<i64>>,
    filter: Vec<i64>,
    /// t, within the chunk.
    steps: usize,
}

/// Rounded weights with the remainders of the rounding, empty if kappa = 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rounded {
    pub values: Vec<i64>,
    pub remainders: Vec<u32>,
}

/// An entry left 64 bits.
#[derive(Debug)]
pub(super) struct Overflow {
    pub name: &'static str,
    pub index: usize,
}

fn fits(name: &'static str, index: usize, value: i128) -> Result<i64, Overflow> {
    i64::try_from(value).map_err(|_| Overflow { name, index })
}

fn scale_up(values: &[i64], kappa: u32, name: &'static str) -> Result<Vec<i64>, Overflow> {
    values.iter().enumerate().map(|(i, &v)| fits(name, i, i128::from(v) << kappa)).collect()
}

impl Weights {
    /// Starts a chunk from W_in and V_in.
    pub(super) fn new(weights: &[i64], velocity: Option<&[i64]>, kappa: u32, filter: &[i64]) -> Result<Self, Overflow> {
        let momentum = match velocity {
            None => None,
            Some(start) => Some(Momentum {
                start: start.to_vec(),
                velocity: scale_up(start, kappa, "velocity")?,
                gradients: VecDeque::new(),
                filter: filter.to_vec(),
                steps: 0,
            }),
        };
        Ok(Self { weights: scale_up(weights, kappa, "weight")?, momentum, kappa })
    }

    /// Takes one step with the batch gradient G_t (w_t inside) and rho_t.
    pub(super) fn step(&mut self, gradient: Vec<i64>, rate: i64) -> Result<(), Overflow> {
        let scale = 1i128 << self.kappa;
        if let Some(m) = &mut self.momentum {
            m.push(gradient)?;
            return descend(&mut self.weights, &m.velocity, i128::from(rate));
        }
        descend(&mut self.weights, &gradient, i128::from(rate) * scale)
    }

    /// V_{T*} if there is momentum.
    pub(super) fn velocity(&self) -> Option<&[i64]> {
        self.momentum.as_ref().map(|m| m.velocity.as_slice())
    }

    /// rescale(W_T, kappa) and rescale(V_T, kappa).
    pub(super) fn round(&self) -> (Rounded, Option<Rounded>) {
        (round(&self.weights, self.kappa), self.velocity().map(|v| round(v, self.kappa)))
    }
}

impl Momentum {
    fn push(&mut self, gradient: Vec<i64>) -> Result<(), Overflow> {
        self.gradients.push_front(gradient);
        let d = |i: usize| self.filter.get(i).copied().unwrap_or(0);
        let changes: Vec<(i64, &[i64])> = self
            .gradients
            .iter()
            .enumerate()
            .map(|(i, g)| (d(i) - if i == 0 { 0 } else { d(i - 1) }, g.as_slice()))
            .chain([(d(self.steps + 1) - d(self.steps), self.start.as_slice())])
            .filter(|(change, _)| *change != 0)
            .collect();
        for (index, v) in self.velocity.iter_mut().enumerate() {
            let mut sum = i128::from(*v);
            for &(change, g) in &changes {
                sum += i128::from(change) * i128::from(g[index]);
            }
            *v = fits("velocity", index, sum)?;
        }
        self.steps += 1;
        self.gradients.truncate(self.filter.len());
        Ok(())
    }
}

/// w -= rate v.
fn descend(weights: &mut [i64], v: &[i64], rate: i128) -> Result<(), Overflow> {
    for (index, (w, &v)) in weights.iter_mut().zip(v).enumerate() {
        *w = fits("weight", index, i128::from(*w) - rate * i128::from(v))?;
    }
    Ok(())
}

fn round(values: &[i64], kappa: u32) -> Rounded {
    if kappa == 0 {
        return Rounded { values: values.to_vec(), remainders: Vec::new() };
    }
    let (values, remainders) = values
        .iter()
        .map(|&v| {
            let (q, r) = rescale(v.into(), kappa);
            (q as i64, r as u32)
        })
        .unzip();
    Rounded { values, remainders }
}
