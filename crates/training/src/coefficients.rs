//! The public integers that make a chunk's weights a linear function of its gradients.
//!
//! W_t = c_{t,0} W_in - sum_{s<t} c_{t,s} A_s^T D_s - c_{t,v} V_in, at F = fw + kappa fractional bits, with
//! c_{t,0} = 2^kappa, c_{t,s} = w_s sum_{u=s}^{t-1} rho_u h_{u-s} and c_{t,v} = sum_{u<t} rho_u h_{u+1}; h is the
//! momentum filter d, or Nesterov's h_i = d_{i+1} + 2^kappa [i = 0]. The state is
//! V_t = d_t V_in + sum_{s<t} w_s d_{t-1-s} A_s^T D_s in both cases. Steps count within the chunk. Beyond the last real step T*, c_{t,.} = c_{T*,.} and
//! V_t = V_{T*}: padding changes nothing.
use crate::config::RunConfig;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::{Algebra, PrimeCharacteristicRing};
use tacit_argument::field::F;

/// Rates, batch weights and filter of one chunk of a valid configuration.
#[derive(Clone, Debug)]
pub struct Coefficients {
    kappa: u32,
    /// How many of the last W_t the chunk's end adds up.
    averaged: usize,
    /// rho_u of the chunk's real steps.
    rates: Vec<u64>,
    /// w_s of the chunk's real steps.
    weights: Vec<u64>,
    /// Unmasked rows of the chunk's real steps.
    rows: Vec<u32>,
    /// d_i.
    filter: Vec<u64>,
    /// h_i.
    update: Vec<u64>,
}

impl Coefficients {
    /// The coefficients of chunk `chunk`; none if there is no such chunk.
    #[must_use]
    pub fn new(config: &RunConfig, chunk: u32) -> Option<Self> {
        let (start, real) = (config.chunk_start(chunk), config.steps_in_chunk(chunk));
        let s = &config.schedule;
        let rates: Vec<u64> = s.rates_in(start, real).iter().map(|r| r.unsigned_abs()).collect();
        if real == 0 || rates.len() != real as usize {
            return None;
        }
        Some(Self {
            kappa: config.scales.kappa,
            averaged: config.averaged(chunk) as usize,
            rates,
            weights: (start..start + real).map(|t| s.batch_weight(t, config.scales.omega)).collect(),
            rows: (start..start + real).map(|t| s.batch_rows(t)).collect(),
            filter: s.filter.iter().map(|d| d.unsigned_abs()).collect(),
            update: s.update_filter().iter().map(|d| d.unsigned_abs()).collect(),
        })
    }

    /// T*, the real steps of the chunk.
    #[must_use]
    pub const fn real_steps(&self) -> usize {
        self.rates.len()
    }

    /// rho_u of the real steps.
    #[must_use]
    pub fn rates(&self) -> &[u64] {
        &self.rates
    }

    /// w_s of the real steps.
    #[must_use]
    pub fn batch_weights(&self) -> &[u64] {
        &self.weights
    }

    /// d_i, by which gradients enter the state.
    #[must_use]
    pub fn filter(&self) -> &[u64] {
        &self.filter
    }

    /// h_i, by which gradients enter an update.
    #[must_use]
    pub fn update(&self) -> &[u64] {
        &self.update
    }

    /// c_{t,0} = 2^kappa, for every t.
    #[must_use]
    pub fn start(&self) -> u64 {
        1u64.checked_shl(self.kappa).unwrap_or(u64::MAX)
    }

    /// c_{t,s}; saturates at the largest u128.
    #[must_use]
    pub fn gradient(&self, t: usize, s: usize) -> u128 {
        let t = t.min(self.real_steps());
        let rates = self.rates.get(s..t).unwrap_or(&[]);
        let sum = dot(rates, &self.update);
        sum.saturating_mul(self.weights.get(s).copied().unwrap_or(0).into())
    }

    /// c_{t,v}; saturates at the largest u128.
    #[must_use]
    pub fn velocity(&self, t: usize) -> u128 {
        let rates = self.rates.get(..t.min(self.real_steps())).unwrap_or(&[]);
        dot(rates, self.update.get(1..).unwrap_or(&[]))
    }

    /// The coefficient of A_s^T D_s in V_{T*}: w_s d_{T*-1-s}; saturates.
    #[must_use]
    pub fn state_gradient(&self, s: usize) -> u128 {
        let age = self.real_steps().checked_sub(s + 1);
        let d = age.and_then(|i| self.filter.get(i)).copied().unwrap_or(0);
        u128::from(d).saturating_mul(self.weights.get(s).copied().unwrap_or(0).into())
    }

    /// The coefficient of V_in in V_{T*}: d_{T*}.
    #[must_use]
    pub fn state_velocity(&self) -> u64 {
        self.filter.get(self.real_steps()).copied().unwrap_or(0)
    }

    /// sum_s c_{T*,s} B_s, which bounds |sum_s c_{t,s} A_s^T D_s| / (a d) at every t: c only grows with t.
    #[must_use]
    pub fn gradient_mass(&self) -> u128 {
        (0..self.real_steps()).fold(0u128, |sum, s| {
            let c = self.gradient(self.real_steps(), s);
            sum.saturating_add(c.saturating_mul(self.rows.get(s).copied().unwrap_or(0).into()))
        })
    }

    /// How many of the last W_t the chunk's end adds up.
    #[must_use]
    pub const fn averaged(&self) -> usize {
        self.averaged
    }

    /// The largest c_{t,s}; they grow with t.
    #[must_use]
    pub fn largest_gradient(&self) -> u128 {
        (0..self.real_steps()).map(|s| self.gradient(self.real_steps(), s)).max().unwrap_or(0)
    }

    /// The largest w_s d_{T*-1-s}.
    #[must_use]
    pub fn largest_state_gradient(&self) -> u128 {
        (0..self.real_steps()).map(|s| self.state_gradient(s)).max().unwrap_or(0)
    }

    /// Rows of the chunk that are not masked.
    #[must_use]
    pub fn row_count(&self) -> u128 {
        self.rows.iter().map(|&n| u128::from(n)).sum()
    }

    /// e_t for which sum_t e_t W_t is the chunk's end: 1 for W_{T*}, or for each weight of the average. T + 1 entries
    /// for the padded T; the last one stands for W_{T*}.
    #[must_use]
    pub fn end<A: Algebra<F> + Copy>(&self, steps: usize) -> Vec<A> {
        let mut e = vec![A::ZERO; steps + 1];
        let real = self.real_steps().min(steps);
        e[(real + 1).saturating_sub(self.averaged)..real].fill(A::ONE);
        e[steps] = A::ONE;
        e
    }

    /// sum_s w_s d_{T*-1-s} B_s, which bounds V_{T*} likewise.
    #[must_use]
    pub fn state_mass(&self) -> u128 {
        let from = self.real_steps().saturating_sub(self.filter.len());
        (from..self.real_steps()).fold(0u128, |sum, s| {
            sum.saturating_add(self.state_gradient(s).saturating_mul(self.rows.get(s).copied().unwrap_or(0).into()))
        })
    }

    /// alpha_s = sum_{t>s} e_t c_{t,s} for s < `steps`, given e_t for t = 0, 1, ... (`steps` is the padded T; e may
    /// have T + 1 entries, the last one for W_T).
    ///
    /// With X_u = sum_{t>u} e_t, alpha_s = w_s sum_i h_i rho_{s+i} X_{s+i}: O(T) times the filter's length.
    #[must_use]
    pub fn alpha<A: Algebra<F> + Copy>(&self, e: &[A], steps: usize) -> Vec<A> {
        let scaled = self.scaled_tails(e);
        let filter: Vec<F> = self.update.iter().map(|&d| F::from_u64(d)).collect();
        let mut out: Vec<A> = self
            .weights
            .iter()
            .enumerate()
            .map(|(s, &w)| {
                let tail = scaled.get(s..).unwrap_or(&[]);
                tail.iter().zip(&filter).map(|(&x, &d)| x * d).sum::<A>() * F::from_u64(w)
            })
            .collect();
        out.resize(steps, A::ZERO);
        out
    }

    /// sum_t e_t c_{t,0}: the coefficient of W_in.
    #[must_use]
    pub fn start_weight<A: Algebra<F> + Copy>(&self, e: &[A]) -> A {
        e.iter().copied().sum::<A>() * F::from_u64(self.start())
    }

    /// sum_t e_t c_{t,v}: minus the coefficient of V_in.
    #[must_use]
    pub fn velocity_weight<A: Algebra<F> + Copy>(&self, e: &[A]) -> A {
        let filter = self.update.get(1..).unwrap_or(&[]);
        self.scaled_tails(e).iter().zip(filter).map(|(&x, &d)| x * F::from_u64(d)).sum()
    }

    /// The coefficients w_s d_{T*-1-s} of A_s^T D_s in V_{T*}, for s < `steps`.
    #[must_use]
    pub fn state_weights(&self, steps: usize) -> Vec<F> {
        let mut out: Vec<F> = (0..self.real_steps())
            .map(|s| {
                let d = self.filter.get(self.real_steps() - 1 - s).copied().unwrap_or(0);
                F::from_u64(d) * F::from_u64(self.weights.get(s).copied().unwrap_or(0))
            })
            .collect();
        out.resize(steps, F::ZERO);
        out
    }

    /// rho_u sum_{t>u} e_t for the real steps u.
    fn scaled_tails<A: Algebra<F> + Copy>(&self, e: &[A]) -> Vec<A> {
        let real = self.real_steps();
        let mut out = vec![A::ZERO; real];
        let mut tail: A = e.get(real + 1..).unwrap_or(&[]).iter().copied().sum();
        for (u, (slot, &rate)) in out.iter_mut().zip(&self.rates).enumerate().rev() {
            tail += e.get(u + 1).copied().unwrap_or(A::ZERO);
            *slot = tail * F::from_u64(rate);
        }
        out
    }
}

/// sum_i a_i b_i over the common length, saturating.
fn dot(a: &[u64], b: &[u64]) -> u128 {
    a.iter().zip(b).fold(0u128, |sum, (&x, &y)| sum.saturating_add(u128::from(x) * u128::from(y)))
}
