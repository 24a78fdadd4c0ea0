//! The error of every sub-protocol, term by term: an upper bound on the chance that a false statement passes.
//!
//! A bound is log2 of a probability, hence negative. The configurations are chosen by calling these functions; the
//! documents and `inspect` call the same ones. Floats are for reports and for choosing integers only: none enters
//! a transcript. |E| counts as 2^191. Hash collisions (256-bit digests) are reported beside the sum, not in it.
use crate::field::LOG_E;
use crate::multilinear::log2_ceil;
use p3_whir::parameters::SecurityAssumption;

/// The sum of all error terms of a proof must not exceed 2^-TARGET_BITS. Only the fuzzer is ever compiled with
/// `--cfg tacit_few_queries`, which no feature of a package can switch on: its proofs open few rows, and a build without it
/// rejects them.
pub const TARGET_BITS: u32 = if cfg!(tacit_few_queries) { 24 } else { 128 };
/// Proximity regime: up to the Johnson bound, no capacity conjecture.
pub const REGIME: SecurityAssumption = SecurityAssumption::JohnsonBound;

const JOHNSON: &str =
    "RS codes are (1 - sqrt(rho) - eta, 1/(2 eta sqrt(rho)))-list decodable, eta = sqrt(rho)/20 (Johnson)";
const MCA: &str = "line mutual correlated agreement up to Johnson: Dao-Kominers-Thaler, eprint 2026/2056, Theorem 5.12";
/// One random point or power per candidate.
pub const SCHWARTZ_ZIPPEL: &str = "Schwartz-Zippel, for every candidate of the list";
/// Degree times rounds per sumcheck.
pub const SUMCHECK: &str = "Lund-Fortnow-Karloff-Nisan, degree times rounds, for every candidate of the list";
/// Logarithmic derivatives.
pub const LOGUP: &str = "Haboeck, eprint 2022/1530, Lemma 5, with a GKR of Papini-Haboeck, eprint 2023/1284";

/// One source of error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorTerm {
    /// What fails.
    pub name: &'static str,
    /// log2 of the probability.
    pub bits: f64,
    /// Why it is no larger.
    pub theorem: &'static str,
}

/// log2 of the sum of the terms' probabilities.
#[must_use]
pub fn total(terms: &[ErrorTerm]) -> f64 {
    libm::log2(terms.iter().map(|t| libm::exp2(t.bits)).sum())
}

/// log2 of the sum of `proofs` errors of at most 2^bits each.
#[must_use]
pub fn repeated(bits: f64, proofs: usize) -> f64 {
    bits + libm::log2(proofs.max(1) as f64)
}

/// log2 of the number of candidates that a first oracle of this rate leaves before WHIR's out-of-domain sample.
/// Every challenge that is drawn earlier is charged this factor.
#[must_use]
pub fn list_bits(log_height: usize, log_inv_rate: usize) -> f64 {
    REGIME.list_size_bits(log_height, log_inv_rate)
}

/// `list * numerator / |E|`: a challenge of E, for every candidate.
#[must_use]
pub fn algebraic(name: &'static str, numerator: usize, list_bits: f64, theorem: &'static str) -> ErrorTerm {
    ErrorTerm { name, bits: libm::log2(numerator.max(1) as f64) + list_bits - f64::from(LOG_E), theorem }
}

/// The powers of theta that batch one pin per long-lived vector with the claim.
#[must_use]
pub fn pin_batching(pins: usize, list_bits: f64) -> ErrorTerm {
    algebraic("batching of the pins", pins, list_bits, SCHWARTZ_ZIPPEL)
}

/// Two candidates of one root that agree at its pin's point: `(sum over heights of the list)^2 / 2 * variables / |E|`
/// per vector and root tried. Candidates depend on the height that a short column is read at, hence the sum.
#[must_use]
pub fn pin_collision(vectors: usize, variables: usize, heights: usize, list_bits: f64) -> ErrorTerm {
    let lists = libm::log2(heights.max(1) as f64) + list_bits;
    let mut term = algebraic(
        "two candidates of one long-lived root share its pin",
        variables * vectors,
        2.0 * lists - 1.0,
        JOHNSON,
    );
    if vectors == 0 {
        term.bits = f64::NEG_INFINITY;
    }
    term
}

/// The random factor of the claim on the trace's conjugate elements, and the powers of delta that batch the claims on the
/// conjugates.
#[must_use]
pub fn conjugates(list_bits: f64) -> ErrorTerm {
    algebraic("packing: kappa and the powers of delta", 3, list_bits, SCHWARTZ_ZIPPEL)
}

/// h = g + gamma F is close to the code although (g, F) are not jointly: the line over E at the trace's length.
#[must_use]
pub fn gamma_line(log_height: usize, log_inv_rate: usize) -> ErrorTerm {
    let bits = REGIME.prox_gaps_error(log_height, log_inv_rate, LOG_E as usize, 2);
    ErrorTerm { name: "the line g + gamma F", bits: -bits, theorem: MCA }
}

/// `mu + gamma tau` for false (mu, tau): one gamma per candidate.
#[must_use]
pub fn gamma_claim(list_bits: f64) -> ErrorTerm {
    algebraic("mu + gamma tau", 1, list_bits, SCHWARTZ_ZIPPEL)
}

/// The sumcheck over exponents and groups.
#[must_use]
pub fn source_sumcheck(log_height: usize, groups: usize, list_bits: f64) -> ErrorTerm {
    algebraic("sumcheck over the groups", 2 * (log_height + log2_ceil(groups)), list_bits, SUMCHECK)
}

/// The sumcheck over the columns of P.
#[must_use]
pub fn column_sumcheck(log_columns: usize, list_bits: f64) -> ErrorTerm {
    algebraic("sumcheck over the columns of P", 2 * log_columns, list_bits, SUMCHECK)
}

/// WHIR's own rounds, by the library's union bound, queries with their proof of work included.
#[must_use]
pub fn whir_rounds(bits: f64) -> ErrorTerm {
    ErrorTerm {
        name: "WHIR: out-of-domain samples, folds, queries, final sumcheck",
        bits: -bits,
        theorem: "WHIR (eprint 2024/1586), terms as in p3-whir 0.8.0, Johnson list sizes and the line bound above",
    }
}
