//! The verifier of the masked opening.
use super::config::{Dft, OpeningConfig};
use super::error::OpeningError;
use super::mmcs::OracleMmcs;
use super::oracle::{FirstOracle, OraclePaths, OracleRoots};
use super::packing::Packing;
use super::weights::{self, Pin};
use super::{OpeningProof, begin, round};
use crate::field::{E, F};
use crate::hiding::Claim;
use crate::transcript::{Challenger, Transcript};
use alloc::string::ToString;
use p3_field::PrimeCharacteristicRing;
use p3_multilinear_util::point::Point;
use p3_sumcheck::PrescribedPointPcs;
use p3_sumcheck::layout::PrefixProver;
use p3_whir::WhirDomain;
use p3_whir::pcs::proof::{PcsProof, QueryOpenings};
use p3_whir::pcs::prover::WhirProver;
use p3_whir::pcs::verifier::errors::VerifierError;

/// The library's prover and verifier of one opening.
pub(super) type Pcs<D> = WhirProver<E, F, D, OracleMmcs, Challenger, PrefixProver<F, E>>;

pub(super) fn pcs<D: WhirDomain<F, E>>(
    config: &OpeningConfig,
    dft: D,
    gamma: E,
    roots: &[[u8; 32]],
) -> (Pcs<D>, OracleMmcs, OracleRoots) {
    let roots = OracleRoots(roots.to_vec());
    let mmcs = OracleMmcs::new(FirstOracle {
        shapes: config.shapes().to_vec(),
        log_inv_rate: config.log_inv_rate(),
        width: 1 << config.log_columns(),
        gamma,
        roots: roots.clone(),
    });
    (Pcs::new(config.whir().clone(), dft, mmcs.clone()), mmcs, roots)
}

/// Checks `sum_v <f_v, claim.weights[v]> = claim.value` and every pin, for the vectors behind `roots`.
///
/// `roots` is the trace's, then the long-lived vectors'; `pins` has one entry per long-lived vector. The caller has
/// bound the roots, the pins and everything that the claim was derived from to the transcript.
///
/// # Errors
/// The variant of the first check that fails.
pub fn opening_check(
    config: &OpeningConfig,
    roots: &[[u8; 32]],
    claim: Claim,
    pins: &[Pin],
    transcript: &mut Transcript,
    proof: &OpeningProof,
) -> Result<(), OpeningError> {
    if roots.len() != config.shapes().len() {
        return Err(OpeningError::RootCount { expected: config.shapes().len(), got: roots.len() });
    }
    weights::validate(config, &claim, pins)?;
    opening_lengths(config, proof)?;
    begin(config, transcript);
    let Claim { weights, value: sigma } = weights::add_pins(claim, pins, transcript);
    let kappa = transcript.challenge();
    let (packing, tau) = Packing::drawn(kappa, sigma, &proof.conjugates, transcript);
    transcript.absorb_message(proof.mu);
    let gamma = transcript.challenge();

    let mut claim = proof.mu + gamma * tau;
    let mut rho_j = alloc::vec![];
    for &message in &proof.source_rounds {
        claim = round(message, claim, &mut rho_j, transcript);
    }
    let rho_s = rho_j.split_off(config.h().min(rho_j.len()));
    transcript.absorb_message(proof.value);
    if claim != proof.value * weights::evaluate(config, &weights, pins, &packing, &rho_s, &rho_j) {
        return Err(OpeningError::SourceClaim);
    }

    claim = proof.value;
    let mut rho = alloc::vec![];
    for &message in &proof.column_rounds {
        claim = round(message, claim, &mut rho, transcript);
    }
    let selector = weights::selector(config.groups(), &rho_s, &rho);
    let value = proof.whir.evals.first().and_then(|e| e.current().first()).copied();
    if value.is_none_or(|v| claim != selector * v) {
        return Err(OpeningError::ColumnClaim);
    }
    rho.extend(rho_j);
    whir_check(config, roots, gamma, Point::new(rho), transcript, widen(config, &proof.whir))
}

fn whir_check(
    config: &OpeningConfig,
    roots: &[[u8; 32]],
    gamma: E,
    point: Point<E>,
    transcript: &mut Transcript,
    proof: PcsProof<F, E, OracleMmcs>,
) -> Result<(), OpeningError> {
    let (pcs, mmcs, roots) = pcs(config, Dft::default(), gamma, roots);
    let checked = pcs.verify_at(&roots, &proof, &config.protocol(), &[point], transcript.challenger());
    checked.map(|_| ()).map_err(|e| match e {
        VerifierError::MerkleProofInvalid { .. } => match mmcs.failure() {
            Some(e) => OpeningError::Oracle(e),
            None => OpeningError::Whir(e.to_string()),
        },
        VerifierError::InvalidPowWitness { round, .. } | VerifierError::NonCanonicalPowWitness { round } => {
            OpeningError::Work { round }
        }
        VerifierError::Sumcheck(e) => OpeningError::FoldShape(e.to_string()),
        VerifierError::StirChallengeFailed { .. } => OpeningError::FinalQueries,
        VerifierError::SumcheckFailed { .. } => OpeningError::FinalClaim,
        e => OpeningError::Whir(e.to_string()),
    })
}

/// Puts the always-zero columns back into the rows of h.
fn widen(config: &OpeningConfig, proof: &PcsProof<F, E, OracleMmcs>) -> PcsProof<F, E, OracleMmcs> {
    let mut proof = proof.clone();
    for round in &mut proof.whir.rounds {
        if let QueryOpenings::Base(opening) = &mut round.openings {
            opening.rows.iter_mut().for_each(|row| row.resize(1 << config.log_columns(), F::ZERO));
        }
    }
    proof
}

/// Checks every length that the proof controls, before anything is computed.
///
/// # Errors
/// The variant of the first length that is not the configuration's.
pub fn opening_lengths(config: &OpeningConfig, proof: &OpeningProof) -> Result<(), OpeningError> {
    let expected = config.h() + crate::multilinear::log2_ceil(config.groups());
    if proof.source_rounds.len() != expected {
        return Err(OpeningError::SourceRounds { expected, got: proof.source_rounds.len() });
    }
    if proof.column_rounds.len() != config.log_columns() {
        let got = proof.column_rounds.len();
        return Err(OpeningError::ColumnRounds { expected: config.log_columns(), got });
    }
    match proof.whir.evals.as_slice() {
        [e] if e.current().len() == 1 && e.next().is_empty() => {}
        _ => return Err(OpeningError::EvaluationShape),
    }
    let (whir, p) = (config.whir(), &proof.whir.whir);
    let rounds = whir.round_parameters();
    if p.rounds.len() != rounds.len() {
        return Err(OpeningError::WhirRounds { expected: rounds.len(), got: p.rounds.len() });
    }
    let expected = whir.commitment_ood_samples();
    if p.initial_ood_answers.len() != expected {
        return Err(OpeningError::OutOfDomain { round: 0, expected, got: p.initial_ood_answers.len() });
    }
    for (round, (parameters, r)) in rounds.iter().zip(&p.rounds).enumerate() {
        let got = r.commitment.as_ref().map_or(0, |c| c.0.len());
        if got != 1 {
            return Err(OpeningError::RoundRoot { round, got });
        }
        let (expected, got) = (parameters.ood_samples, r.ood_answers.len());
        if got != expected {
            return Err(OpeningError::OutOfDomain { round: round + 1, expected, got });
        }
        check_rows(config, round, parameters.num_queries, parameters.folding_factor, &r.openings)?;
    }
    let fold = whir.folding_schedule().last().copied().unwrap_or(0);
    check_rows(config, rounds.len(), whir.terminal().num_queries, fold, &p.final_openings)?;
    let (expected, got) = (1 << whir.final_sumcheck_rounds(), p.final_poly.as_ref().map_or(0, |f| f.as_slice().len()));
    if got != expected {
        return Err(OpeningError::FinalLength { expected, got });
    }
    Ok(())
}

fn check_rows(
    config: &OpeningConfig,
    round: usize,
    queries: usize,
    fold: usize,
    openings: &QueryOpenings<F, E, OraclePaths>,
) -> Result<(), OpeningError> {
    let width = |expected: usize, got: Option<usize>| match got {
        Some(got) => Err(OpeningError::RowWidth { round, expected, got }),
        None => Ok(()),
    };
    let count = |got: usize| match got == queries {
        false => Err(OpeningError::RowCount { round, expected: queries, got }),
        true => Ok(()),
    };
    match openings {
        QueryOpenings::Base(o) if round == 0 => {
            count(o.rows.len())?;
            let expected = 3 * config.groups();
            width(expected, o.rows.iter().map(alloc::vec::Vec::len).find(|&l| l != expected))?;
            check_source_rows(config, queries, &o.proof)
        }
        QueryOpenings::Extension(o) if round != 0 => {
            count(o.rows.len())?;
            width(1 << fold, o.rows.iter().map(alloc::vec::Vec::len).find(|&l| l != 1 << fold))
        }
        _ => Err(OpeningError::RowField { round }),
    }
}

/// Lengths of what the first oracle carries beside the rows of h; another kind of paths is left to the oracle.
fn check_source_rows(config: &OpeningConfig, queries: usize, paths: &OraclePaths) -> Result<(), OpeningError> {
    let OraclePaths::First { rows, trees } = paths else { return Ok(()) };
    if rows.len() != queries {
        return Err(OpeningError::SourceRows { expected: queries, got: rows.len() });
    }
    let expected = config.sources();
    if let Some(row) = rows.iter().find(|r| r.len() != expected) {
        return Err(OpeningError::SourceWidth { expected, got: row.len() });
    }
    if trees.len() != config.shapes().len() {
        return Err(OpeningError::TreeCount { expected: config.shapes().len(), got: trees.len() });
    }
    match trees.iter().position(|t| t.salts.len() != queries) {
        Some(vector) => Err(OpeningError::SaltCount {
            vector,
            expected: queries,
            got: trees.get(vector).map_or(0, |t| t.salts.len()),
        }),
        None => Ok(()),
    }
}
