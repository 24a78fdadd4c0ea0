//! The weight vector W of the claim: its checks, its pins and its succinct evaluation.
//!
//! W_c(rho_j) for a source column c; what the groups make of it: module `packing`. A slot of 2^k cells lies within one column
//! at an aligned exponent, so its part of W_s is eq(top coordinates, position) times the low part at the last k
//! coordinates. A column of 2^(h-e) is read at exponents divisible by 2^e: factor prod (1 - x) over the e trailing
//! coordinates. Every W vanishes on the uniform blocks, the pin excepted.
use super::config::OpeningConfig;
use super::error::OpeningError;
use super::packing::{Packing, conjugate, dual_basis, groups, inverse_conjugate};
use super::shape::VectorShape;
use crate::field::E;
use crate::functional::{Low, TensorWeight, Weights};
use crate::hiding::Claim;
use crate::multilinear::{SplitEq, eq_eval, eq_table, eq_vertex};
use crate::transcript::Transcript;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// The out-of-domain evaluation that a long-lived commitment publishes beside its root.
///
/// In the Johnson regime a root binds to a list of vectors; the pin selects one of them for all proofs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Column bits, then exponent bits, of the column-major table.
    pub point: Vec<E>,
    /// The evaluation of the full table, uniform blocks included.
    pub value: E,
}

/// Checks that weights and pins fit the configuration's shapes.
pub(super) fn validate(config: &OpeningConfig, claim: &Claim, pins: &[Pin]) -> Result<(), OpeningError> {
    let shapes = config.shapes();
    if claim.weights.len() != shapes.len() {
        return Err(OpeningError::WeightCount { expected: shapes.len(), got: claim.weights.len() });
    }
    if pins.len() + 1 != shapes.len() {
        return Err(OpeningError::PinCount { expected: shapes.len() - 1, got: pins.len() });
    }
    for (k, (pin, shape)) in pins.iter().zip(shapes.iter().skip(1)).enumerate() {
        if pin.point.len() != shape.variables() {
            return Err(OpeningError::PinPoint { vector: k + 1, expected: shape.variables(), got: pin.point.len() });
        }
    }
    if claim.weights.first().is_some_and(|w| w.pin != E::ZERO) {
        return Err(OpeningError::TracePin);
    }
    for (vector, (weights, shape)) in claim.weights.iter().zip(shapes).enumerate() {
        weights.tensors.iter().try_for_each(|t| validate_tensor(vector, shape, t))?;
        for (first, run) in &weights.runs {
            let (first, len, capacity) = (*first, run.len(), shape.capacity());
            if first.checked_add(len).is_none_or(|end| end > capacity) {
                return Err(OpeningError::Run { vector, first, len, capacity });
            }
        }
    }
    Ok(())
}

fn validate_tensor(vector: usize, shape: &VectorShape, tensor: &TensorWeight) -> Result<(), OpeningError> {
    if let Low::Dense(w) = &tensor.low
        && !w.len().is_power_of_two()
    {
        return Err(OpeningError::LowLength { vector, len: w.len() });
    }
    let stride = tensor.low.stride();
    if !shape.holds_stride(stride) {
        return Err(OpeningError::Stride { vector, stride, block: shape.block });
    }
    let slots = shape.capacity() >> stride;
    let mut next = 0;
    for &(slot, _) in &tensor.slots {
        if slot >= slots {
            return Err(OpeningError::Slot { vector, slot, stride, capacity: shape.capacity() });
        }
        if slot < next {
            return Err(OpeningError::SlotOrder { vector, slot });
        }
        next = slot + 1;
    }
    Ok(())
}

/// Binds the claim's value and the pins, draws theta and adds `theta^i (pin i)` to the claim.
pub(super) fn add_pins(claim: Claim, pins: &[Pin], transcript: &mut Transcript) -> Claim {
    let Claim { mut weights, mut value } = claim;
    transcript.absorb_message(value);
    for pin in pins {
        pin.point.iter().for_each(|&z| transcript.absorb_message(z));
        transcript.absorb_message(pin.value);
    }
    if !pins.is_empty() {
        let theta = transcript.challenge();
        let mut power = E::ONE;
        for (pin, w) in pins.iter().zip(weights.iter_mut().skip(1)) {
            power *= theta;
            w.pin += power;
            value += power * pin.value;
        }
    }
    Claim { weights, value }
}

/// A(rho_s, rho_j) for validated weights and pins: `sum_j delta^j phi^-j(W at the conjugate phi^j of the point)`.
pub(super) fn evaluate(
    config: &OpeningConfig,
    weights: &[Weights],
    pins: &[Pin],
    packing: &Packing,
    rho_s: &[E],
    rho_j: &[E],
) -> E {
    let (eq, dual) = (eq_table(rho_s, E::ONE), dual_basis());
    let own = groups(config.shapes()).zip(&eq).flat_map(|((_, n), &w)| dual.into_iter().take(n).map(move |b| w * b));
    let own: Vec<E> = own.collect();
    let at = |j: usize| {
        let of = |values: &[E]| values.iter().map(|&x| conjugate(x, j)).collect::<Vec<E>>();
        inverse_conjugate(sources(config, weights, pins, &of(&own), &of(rho_j)), j)
    };
    let pads = eq.first().map_or(E::ZERO, |&w| w * packing.pads_at(config, rho_j));
    at(0) + packing.delta * (at(1) + packing.delta * at(2)) + pads
}

/// The sum over the source columns of `columns[c] W_c(rho_j)`.
pub(super) fn sources(config: &OpeningConfig, weights: &[Weights], pins: &[Pin], columns: &[E], rho_j: &[E]) -> E {
    let mut first = 0;
    let mut sum = E::ZERO;
    for (vector, (weights, shape)) in weights.iter().zip(config.shapes()).enumerate() {
        let own = columns.get(first..first + shape.columns).unwrap_or(&[]);
        let (x, trailing) = rho_j.split_at(shape.log_height.min(rho_j.len()));
        let lift: E = trailing.iter().map(|&t| E::ONE - t).product();
        let mut part: E = weights.tensors.iter().map(|t| tensor(shape, t, own, x)).sum();
        if !weights.runs.is_empty() {
            let eq = SplitEq::new(x);
            part += weights.runs.iter().map(|(cell, run)| consecutive(shape, *cell, run, own, &eq)).sum::<E>();
        }
        if let Some(pin) = vector.checked_sub(1).and_then(|k| pins.get(k)) {
            let (z_column, z) = pin.point.split_at(pin.point.len() - shape.log_height.min(pin.point.len()));
            let selector: E = own.iter().enumerate().map(|(c, &w)| w * eq_vertex(z_column, c)).sum();
            part += weights.pin * selector * eq_eval(z, x);
        }
        sum += lift * part;
        first += shape.columns;
    }
    sum
}

fn tensor(shape: &VectorShape, tensor: &TensorWeight, columns: &[E], x: &[E]) -> E {
    let stride = tensor.low.stride();
    let (top, low) = x.split_at(x.len() - stride.min(x.len()));
    let eq = SplitEq::new(top);
    let (mut sum, mut own, mut of) = (E::ZERO, E::ZERO, E::ZERO);
    // Slots are in order: what a column has in common is multiplied once.
    let mut last = None;
    for &(slot, w) in &tensor.slots {
        let Some((column, exponent)) = shape.physical(slot << stride) else { continue };
        if last != Some(column) {
            sum += own * of;
            (own, of, last) = (E::ZERO, columns.get(column).copied().unwrap_or_default(), Some(column));
        }
        own += w * eq.at(exponent >> stride);
    }
    (sum + own * of) * tensor.low.evaluate(low)
}

fn consecutive(shape: &VectorShape, first: usize, run: &[E], columns: &[E], eq: &SplitEq) -> E {
    let (mut sum, mut next, mut rest) = (E::ZERO, first, run);
    // Column by column: what its cells have in common is multiplied once.
    while let Some((column, exponent)) = shape.physical(next).filter(|_| !rest.is_empty()) {
        let (own, more) = rest.split_at(rest.len().min(shape.payload_per_column() - exponent));
        sum += columns.get(column).copied().unwrap_or_default() * eq.run(exponent, own);
        (next, rest) = (next + own.len(), more);
    }
    sum
}

/// w(rho_c) of the column sumcheck, S groups: `sum_{c < 3 S} eq(rho_c, c) eq(rho_s, c / 3) X^(c mod 3)`.
pub(super) fn selector(groups: usize, rho_s: &[E], rho_c: &[E]) -> E {
    let columns = eq_table(rho_c, E::ONE);
    let weights = column_weights(groups, rho_s);
    columns.iter().zip(weights).map(|(&c, w)| c * w).sum()
}

/// eq(rho_s, c / 3) X^(c mod 3) for c < 3 S: how the columns of P make up h(rho_s, .).
pub(super) fn column_weights(groups: usize, rho_s: &[E]) -> Vec<E> {
    let eq = eq_table(rho_s, E::ONE);
    eq.iter().take(groups).flat_map(|&e| (0..3).map(move |i| e * crate::field::basis(i))).collect()
}
