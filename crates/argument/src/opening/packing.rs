//! Three columns over F as one over E, and a linear claim on the columns as one that is linear over E.
//!
//! A *group* is three neighbouring source columns of one vector, F = f_0 + f_1 X + f_2 X^2 (a column that a vector does not
//! have is zero). With phi the Frobenius map x -> x^p, Tr = 1 + phi + phi^2 and b_k the basis with Tr(b_k X^l) = [k = l],
//! f_k = Tr(b_k F), so a claim with weights over E is a sum over the conjugates of F:
//!
//! `sum_k <f_k, W_k> = sum_j phi^j(sigma_j)`, `sigma_j = <F, A_j>`, `A_j = sum_k b_k phi^-j(W_k)`, j = 0, 1, 2.
//!
//! Every sigma_j is linear over E in F, so a mask of one element of E hides three cells: h = g + gamma F. The prover sends
//! sigma_1 and sigma_2, the verifier computes sigma_0, and a power of delta batches the three: `<F, A> = tau` with
//! `A = sum_j delta^j A_j`. sigma_1 and sigma_2 alone would tell of f. They are hidden by two uniform elements of E in the
//! trace's block, r_1 and r_2, and a third one that is phi(r_1) + phi^2(r_2): the claim that it is, with a random factor
//! kappa, joins the claim and adds phi^-j(kappa) r_j to sigma_j.
use super::config::OpeningConfig;
use super::shape::{CONJUGATE_BLOCK, VectorShape};
use crate::field::{E, basis};
use crate::multilinear::eq_vertex;
use crate::transcript::Transcript;
use alloc::vec::Vec;
use p3_field::extension::HasFrobenius;
use p3_field::{Field, PrimeCharacteristicRing};

/// Columns of a group: the degree of E over F.
pub(super) const DEGREE: usize = 3;

/// phi^j.
pub(super) fn conjugate(x: E, j: usize) -> E {
    x.repeated_frobenius(j)
}

/// phi^-j, for j <= 3.
pub(super) fn inverse_conjugate(x: E, j: usize) -> E {
    x.repeated_frobenius(DEGREE - j)
}

/// b_0, b_1, b_2: the coefficients of (T^3 - T - 1) / (T - X) over the derivative at X.
pub(super) fn dual_basis() -> [E; DEGREE] {
    let x = basis(1);
    let scale = (E::from_u64(3) * x.square() - E::ONE).inverse();
    [(x.square() - E::ONE) * scale, x * scale, scale]
}

/// The challenges that make one claim of three.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    pub(super) kappa: E,
    pub(super) delta: E,
}

/// What the prover sends for the conjugates: sigma_1 and sigma_2.
pub(super) type Conjugates = [E; DEGREE - 1];

impl Packing {
    /// Absorbs the conjugates' claims, draws delta; returns tau too.
    pub(super) fn drawn(kappa: E, sigma: E, sent: &Conjugates, transcript: &mut Transcript) -> (Self, E) {
        sent.iter().for_each(|&x| transcript.absorb_message(x));
        let delta = transcript.challenge();
        let [first, second] = *sent;
        let rest = sigma - conjugate(first, 1) - conjugate(second, 2);
        (Self { kappa, delta }, rest + delta * (first + delta * second))
    }

    /// sum_j delta^j phi^-j(w).
    #[cfg(feature = "prover")]
    pub(super) fn combine(&self, w: E) -> E {
        w + self.delta * (inverse_conjugate(w, 1) + self.delta * inverse_conjugate(w, 2))
    }

    /// (exponent, weight) in the first group of the trace: what hides sigma_1 and sigma_2.
    pub(super) fn pads(&self, trace: &VectorShape) -> Vec<(usize, E)> {
        let scale = [
            -self.kappa,
            self.delta * inverse_conjugate(self.kappa, 1),
            self.delta.square() * inverse_conjugate(self.kappa, 2),
        ];
        let first = pad(trace, 0);
        scale
            .iter()
            .flat_map(|&s| (0..DEGREE).map(move |i| s * basis(i)))
            .enumerate()
            .map(|(k, w)| (first + k, w))
            .collect()
    }

    /// The weight of the first group's pads at a point of the exponents.
    pub(super) fn pads_at(&self, config: &OpeningConfig, point: &[E]) -> E {
        self.pads(&config.trace()).into_iter().map(|(exponent, w)| w * eq_vertex(point, exponent)).sum()
    }
}

/// First exponent of the element `j` of the trace's block: 0 is the sum of conjugates, 1 and 2 are r_1 and r_2. The
/// element is sum_i X^i F(exponent + i).
pub(super) const fn pad(trace: &VectorShape, j: usize) -> usize {
    trace.height() - CONJUGATE_BLOCK + DEGREE * j
}

/// (first source column, columns) of every group, vector by vector.
pub(super) fn groups(shapes: &[VectorShape]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut first = 0;
    shapes.iter().flat_map(move |s| {
        let start = first;
        first += s.columns;
        (0..s.columns).step_by(DEGREE).map(move |c| (start + c, (s.columns - c).min(DEGREE)))
    })
}
