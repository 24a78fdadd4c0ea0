//! The weight update: V_{t+1} = sum_i d_i G_{t-i} + d_{t+1} V_in, W_{t+1} = W_t - rho_t V_{t+1}, exactly; with
//! Nesterov W_{t+1} = W_t - rho_t (sum_i h_i G_{t-i} + h_{t+1} V_in), h the schedule's update filter.
//!
//! A finite filter has no integer recurrence, but its output changes from step to step by
//! sum_i (d_i - d_{i-1}) G_{t-i}, and d takes few values: only the gradients at its steps are read again.
use crate::config::Schedule;
use crate::rescale;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The weights inside a chunk, with what the momentum filter still needs.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// W_t, all layers, F fractional bits.
    pub weights: Vec<i64>,
    /// Sum of the weights to be averaged, once there are some.
    sum: Option<Vec<i64>>,
    momentum: Option<Momentum>,
    kappa: u32,
}

#[derive(Clone, Debug)]
struct Momentum {
    /// V_in.
    start: Vec<i64>,
    /// V_t, by the filter d.
    velocity: Filtered,
    /// What Nesterov descends along, by the filter h.
    direction: Option<Filtered>,
    /// The newest gradients, newest first, as many as d is long.
    gradients: VecDeque<Vec<i64>>,
    /// t, within the chunk.
    steps: usize,
}

/// sum_i f_i G_{t-1-i} + f_t V_in for a filter f; f_0 V_in at the start of a chunk.
#[derive(Clone, Debug)]
struct Filtered {
    filter: Vec<i64>,
    value: Vec<i64>,
}

/// Rounded weights with the remainders of the rounding, empty if nothing is rounded away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rounded {
    pub values: Vec<i64>,
    pub remainders: Vec<u64>,
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
    pub(super) fn new(
        weights: &[i64],
        velocity: Option<&[i64]>,
        kappa: u32,
        schedule: &Schedule,
    ) -> Result<Self, Overflow> {
        let momentum = match velocity {
            None => None,
            Some(start) => Some(Momentum {
                start: start.to_vec(),
                velocity: Filtered::new(start, &schedule.filter)?,
                direction: match schedule.nesterov {
                    true => Some(Filtered::new(start, &schedule.update_filter())?),
                    false => None,
                },
                gradients: VecDeque::new(),
                steps: 0,
            }),
        };
        Ok(Self { weights: scale_up(weights, kappa, "weight")?, sum: None, momentum, kappa })
    }

    /// Takes one step with the batch gradient G_t (w_t inside) and rho_t.
    pub(super) fn step(&mut self, gradient: Vec<i64>, rate: i64) -> Result<(), Overflow> {
        let scale = 1i128 << self.kappa;
        if let Some(m) = &mut self.momentum {
            m.push(gradient)?;
            let along = m.direction.as_ref().unwrap_or(&m.velocity);
            return descend(&mut self.weights, &along.value, i128::from(rate));
        }
        descend(&mut self.weights, &gradient, i128::from(rate) * scale)
    }

    /// Adds the weights of now to the average.
    pub(super) fn add_to_average(&mut self) -> Result<(), Overflow> {
        match &mut self.sum {
            None => self.sum = Some(self.weights.clone()),
            Some(sum) => {
                for (index, (s, &w)) in sum.iter_mut().zip(&self.weights).enumerate() {
                    *s = fits("sum of weights", index, i128::from(*s) + i128::from(w))?;
                }
            }
        }
        Ok(())
    }

    /// W_{T*}, or the sum of the weights that the chunk's end averages.
    pub(super) fn end(&self) -> &[i64] {
        self.sum.as_deref().unwrap_or(&self.weights)
    }

    /// V_{T*} if there is momentum.
    pub(super) fn velocity(&self) -> Option<&[i64]> {
        self.momentum.as_ref().map(|m| m.velocity.value.as_slice())
    }

    /// rescale(n end, shift) for a decay with numerator n, and rescale(V_T, kappa).
    pub(super) fn round(&self, numerator: u64, shift: u32) -> (Rounded, Option<Rounded>) {
        let velocity = self.velocity().map(|v| round(v, 1, self.kappa));
        (round(self.end(), numerator, shift), velocity)
    }
}

impl Momentum {
    fn push(&mut self, gradient: Vec<i64>) -> Result<(), Overflow> {
        self.gradients.push_front(gradient);
        for filtered in core::iter::once(&mut self.velocity).chain(&mut self.direction) {
            filtered.advance(&self.gradients, &self.start, self.steps)?;
        }
        self.steps += 1;
        self.gradients.truncate(self.velocity.filter.len());
        Ok(())
    }
}

impl Filtered {
    fn new(start: &[i64], filter: &[i64]) -> Result<Self, Overflow> {
        let first = i128::from(filter.first().copied().unwrap_or(0));
        let value = start.iter().enumerate().map(|(i, &v)| fits("velocity", i, first * i128::from(v)));
        Ok(Self { filter: filter.to_vec(), value: value.collect::<Result<_, _>>()? })
    }

    /// From t = `steps` to t + 1; `gradients` has the newest one in front.
    fn advance(&mut self, gradients: &VecDeque<Vec<i64>>, start: &[i64], steps: usize) -> Result<(), Overflow> {
        let d = |i: usize| self.filter.get(i).copied().unwrap_or(0);
        let changes: Vec<(i64, &[i64])> = gradients
            .iter()
            .enumerate()
            .map(|(i, g)| (d(i) - if i == 0 { 0 } else { d(i - 1) }, g.as_slice()))
            .chain([(d(steps + 1) - d(steps), start)])
            .filter(|(change, _)| *change != 0)
            .collect();
        for (index, v) in self.value.iter_mut().enumerate() {
            let mut sum = i128::from(*v);
            for &(change, g) in &changes {
                sum += i128::from(change) * i128::from(g[index]);
            }
            *v = fits("velocity", index, sum)?;
        }
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

/// Quotients fit: |n v| / 2^shift <= |v|.
fn round(values: &[i64], factor: u64, shift: u32) -> Rounded {
    if shift == 0 {
        return Rounded { values: values.to_vec(), remainders: Vec::new() };
    }
    let (values, remainders) = values
        .iter()
        .map(|&v| {
            let (q, r) = rescale(i128::from(v) * i128::from(factor), shift);
            (q as i64, r as u64)
        })
        .unzip();
    Rounded { values, remainders }
}
