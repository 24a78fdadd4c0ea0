//! Batches every equation with products of cells into the weights of one gate sumcheck.
use super::terms::{Equation, Term};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;

/// The row points at which equations hold: rho, (t*, rho_b) and x*.
pub(crate) const ROW_POINTS: usize = 3;

/// Unit weights of the gate sumcheck: per pair, (row point, coefficient).
pub(crate) fn pair_weights(equations: &[(usize, Equation)], pairs: usize, nu: E) -> Vec<Vec<(usize, E)>> {
    let mut table = vec![[E::ZERO; ROW_POINTS]; pairs];
    let mut power = E::ONE;
    for (row, equation) in equations {
        for (term, c) in equation {
            if let Term::Pair(p) = term {
                table[*p][*row] += *c * power;
            }
        }
        power *= nu;
    }
    table.into_iter().map(|w| w.into_iter().enumerate().filter(|(_, c)| *c != E::ZERO).collect()).collect()
}
