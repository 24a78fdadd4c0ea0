//! Batches every equation with products of cells into the weights of one gate sumcheck.
use super::ChunkRelation;
use super::terms::{Equation, Term};
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;

/// The row points at which equations hold: rho, (t*, rho_b) and x*.
pub(crate) const ROW_POINTS: usize = 3;
/// Row weight of the equations that hold for the sum over all rows.
pub(crate) const SUM: usize = ROW_POINTS;

/// Unit weights of the gate sumcheck: per pair, (row point, coefficient).
pub(crate) fn pair_weights(equations: &[(usize, Equation)], pairs: usize, nu: E) -> Vec<Vec<(usize, E)>> {
    let mut table = vec![[E::ZERO; ROW_POINTS + 1]; pairs];
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

impl ChunkRelation<'_> {
    /// Per norm, its unit weights u and the equation `sum over rows of sum_j u_j V_j^2 = sum_j u_j S_j`, V = Z or Q.
    /// `weights(n)` draws unit weights for n units.
    pub(crate) fn norm_equations(&self, mut weights: impl FnMut(usize) -> Vec<E>) -> Vec<(Vec<E>, Equation)> {
        let norms = self.layout.norms.iter().zip(&self.pairs_at.norms);
        norms
            .map(|(norm, &pair)| {
                let u = weights(norm.units);
                let squares = u.iter().enumerate().map(|(j, &w)| (Term::Pair(pair + j), w)).collect();
                (u, squares)
            })
            .collect()
    }
}
