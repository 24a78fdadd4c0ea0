//! The prover of the masked opening.
use super::check::{Pcs, pcs};
use super::commit::{LongLived, Trace};
use super::config::{Dft, OpeningConfig};
use super::error::OpeningError;
use super::oracle::{OracleData, SaltedTree};
use super::packing::{Conjugates, DEGREE, Packing, groups};
use super::rank::pin_is_hidden;
use super::shape::{CONJUGATE_BLOCK, VectorShape};
use super::sumcheck::{Small, column_values, inner, source_rounds};
use super::tables::{PE, PF, conjugate_claims, packed_tables, parts, weight_tables};
use super::weights::{self, Pin};
use super::{OpeningProof, begin};
use crate::field::{E, F, coordinates};
use crate::hiding::Claim;
use crate::transcript::Transcript;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::{BasedVectorSpace, PackedValue, PrimeCharacteristicRing};
use p3_matrix::dense::RowMajorMatrix;
use p3_maybe_rayon::prelude::*;
use p3_multilinear_util::point::Point;
use p3_sumcheck::layout::{Layout as _, PrefixProver, Table};
use p3_whir::WhirDomain;
use p3_whir::pcs::proof::{PcsProof, QueryOpenings};

/// Deviations of a dishonest prover, for the tests; the default has none.
#[derive(Clone, Copy, Default)]
pub(super) struct Tamper<D> {
    /// Added to the sigma_1 that is sent.
    pub conjugates: E,
    /// Added to the mu that is sent.
    pub mu: E,
    /// Added to the challenge that was drawn.
    pub gamma: E,
    /// Added to the last coefficient of P's first column that no weight reads.
    pub p: F,
    /// Encodes the later oracles.
    pub dft: D,
}

/// Proves `sum_v <f_v, claim.weights[v]> = claim.value` and every pin. Consumes the trace: its mask serves once.
///
/// # Errors
/// The variant that names what does not fit the configuration; [`OpeningError::Unhidden`] and [`OpeningError::PinRank`]
/// for an attempt whose challenges would tell something. A false claim is not detected here.
pub fn opening_proof(
    config: &OpeningConfig,
    trace: Trace,
    others: &[&LongLived],
    claim: Claim,
    pins: &[Pin],
    transcript: &mut Transcript,
) -> Result<OpeningProof, OpeningError> {
    prove(config, trace, others, claim, pins, transcript, Tamper::<Dft>::default())
}

pub(super) fn check_inputs(config: &OpeningConfig, trace: &Trace, others: &[&LongLived]) -> Result<(), OpeningError> {
    let shapes = config.shapes();
    if others.len() + 1 != shapes.len() {
        return Err(OpeningError::RootCount { expected: shapes.len(), got: others.len() + 1 });
    }
    let rate = config.log_inv_rate();
    let fits = |(o, s): (&&LongLived, &VectorShape)| o.shape == *s && o.log_inv_rate == rate;
    if trace.shape != config.trace() || trace.mask.len() != (3 * config.groups()) << config.h() {
        return Err(OpeningError::Committed { vector: 0 });
    }
    match others.iter().zip(shapes.iter().skip(1)).position(|p| !fits(p)) {
        Some(k) => Err(OpeningError::Committed { vector: k + 1 }),
        None => Ok(()),
    }
}

#[allow(clippy::too_many_arguments)]
pub(super) fn prove<D: WhirDomain<F, E>>(
    config: &OpeningConfig,
    trace: Trace,
    others: &[&LongLived],
    claim: Claim,
    pins: &[Pin],
    transcript: &mut Transcript,
    tamper: Tamper<D>,
) -> Result<OpeningProof, OpeningError> {
    check_inputs(config, &trace, others)?;
    weights::validate(config, &claim, pins)?;
    begin(config, transcript);
    let Claim { weights, value: sigma } = weights::add_pins(claim, pins, transcript);
    let kappa = transcript.challenge();
    // sigma_1 and sigma_2 are hidden by multiples of kappa.
    if kappa == E::ZERO {
        return Err(OpeningError::Unhidden);
    }
    let tables = weight_tables(config, &weights, pins);
    let mut conjugates = conjugate_claims(config, &tables, &sources(&trace, others), kappa);
    conjugates[0] += tamper.conjugates;
    let (packing, tau) = Packing::drawn(kappa, sigma, &conjugates, transcript);
    let tables = packed_tables(config, &tables, &packing);
    let mu = inner(&trace.mask, &tables, config.h()) + tamper.mu;
    transcript.absorb_message(mu);
    let gamma = transcript.challenge() + tamper.gamma;

    let masked = Masked::new(config, trace, others, gamma);
    let (proof, rows) = open(config, masked, tables, &Claimed { conjugates, mu, gamma, tau }, transcript, tamper)?;
    // Before anything leaves: y and the rows must be uniform together.
    for (k, (pin, shape)) in pins.iter().zip(config.shapes().iter().skip(1)).enumerate() {
        if !pin_is_hidden(shape, config.log_inv_rate(), &rows, &pin.point) {
            return Err(OpeningError::PinRank { vector: k + 1 });
        }
    }
    Ok(proof)
}

/// The columns of all vectors.
fn sources<'a>(trace: &'a Trace, others: &[&'a LongLived]) -> Vec<&'a [F]> {
    let own = trace.values.chunks(trace.shape.height());
    own.chain(others.iter().flat_map(|o| o.values.chunks(o.shape.height()))).collect()
}

/// What the sumchecks start from: <h, A> = mu + gamma tau.
pub(super) struct Claimed {
    pub conjugates: Conjugates,
    pub mu: E,
    pub gamma: E,
    pub tau: E,
}

/// h = g + gamma F as the columns of P, and the trees behind it. Nothing of f is left but the trees.
pub(super) struct Masked {
    /// 3 S columns of 2^h.
    pub p: Vec<F>,
    roots: Vec<[u8; 32]>,
    trees: Vec<Arc<SaltedTree>>,
}

impl Masked {
    /// Consumes the trace: its mask serves once.
    pub(super) fn new(config: &OpeningConfig, mut trace: Trace, others: &[&LongLived], gamma: E) -> Self {
        let mut p = core::mem::take(&mut trace.mask);
        add_sources(config, &mut p, &sources(&trace, others), gamma);
        let roots = core::iter::once(trace.root).chain(others.iter().map(|o| o.root)).collect();
        let trees = core::iter::once(Arc::clone(&trace.tree)).chain(others.iter().map(|o| Arc::clone(&o.tree)));
        Self { p, roots, trees: trees.collect() }
    }
}

/// Everything after gamma: a function of h, but for the rows of f that the trees open. Returns their positions too.
pub(super) fn open<D: WhirDomain<F, E>>(
    config: &OpeningConfig,
    masked: Masked,
    tables: Vec<PE>,
    &Claimed { conjugates, mu, gamma, tau }: &Claimed,
    transcript: &mut Transcript,
    tamper: Tamper<D>,
) -> Result<(OpeningProof, Vec<usize>), OpeningError> {
    let Masked { mut p, roots, trees } = masked;
    let h = config.h();
    p[(1 << h) - 1 - CONJUGATE_BLOCK] += tamper.p;
    let rounds = source_rounds(&p, tables, h, mu + gamma * tau, transcript);
    let (rho_j, rho_s) = rounds.point.split_at(h);
    transcript.absorb_message(rounds.value);

    let columns = 1 << config.log_columns();
    let mut small =
        Small { h: column_values(&p, rho_j), w: weights::column_weights(config.groups(), rho_s), len: columns };
    small.h.resize(columns, E::ZERO);
    small.w.resize(columns, E::ZERO);
    let (mut claim, mut rho) = (rounds.value, vec![]);
    let column_rounds = small.rounds(&mut claim, &mut rho, transcript);
    rho.extend_from_slice(rho_j);

    p.resize(columns << h, F::ZERO);
    let (pcs, mmcs, _) = pcs(config, tamper.dft, gamma, &roots);
    let whir = whir_proof(config, &pcs, p, OracleData::First(trees), Point::new(rho), transcript)?;
    let proof =
        OpeningProof { conjugates, mu, source_rounds: rounds.messages, value: rounds.value, column_rounds, whir };
    Ok((proof, mmcs.take_opened()))
}

/// P = g + gamma F in place: coordinate i of group s of g gains that of gamma F_s, a short F_s at multiples of its step.
fn add_sources(config: &OpeningConfig, mask: &mut [F], sources: &[&[F]], gamma: E) {
    const TASK: usize = 1 << 14;
    let height = 1 << config.h();
    for ((first, n), group) in groups(config.shapes()).zip(mask.chunks_mut(DEGREE * height)) {
        let own = &sources[first..first + n];
        let (a, rest) = group.split_at_mut(height);
        let (b, c) = rest.split_at_mut(height);
        let step = height / own[0].len();
        let tasks = a.par_chunks_mut(TASK).zip(b.par_chunks_mut(TASK)).zip(c.par_chunks_mut(TASK)).enumerate();
        tasks.for_each(|(t, ((a, b), c))| {
            let start = t * TASK;
            if step == 1 {
                let packed: Vec<&[PF]> = own.iter().map(|f| PF::pack_slice(&f[start..start + a.len()])).collect();
                let [a, b, c] = [a, b, c].map(PF::pack_slice_mut);
                for j in 0..a.len() {
                    let f = PE::from_basis_coefficients_fn(|i| packed.get(i).map_or(PF::ZERO, |f| f[j])) * gamma;
                    let [x, y, z] = [0, 1, 2].map(|i| parts(&f)[i]);
                    a[j] += x;
                    b[j] += y;
                    c[j] += z;
                }
                return;
            }
            for j in (0..a.len()).filter(|j| (start + j).is_multiple_of(step)) {
                let cell = |i: usize| own.get(i).map_or(F::ZERO, |f| f[(start + j) / step]);
                let [x, y, z] = coordinates(gamma * E::new([cell(0), cell(1), cell(2)]));
                a[j] += x;
                b[j] += y;
                c[j] += z;
            }
        });
    }
}

fn whir_proof<D: WhirDomain<F, E>>(
    config: &OpeningConfig,
    pcs: &Pcs<D>,
    p: Vec<F>,
    data: OracleData<RowMajorMatrix<F>>,
    point: Point<E>,
    transcript: &mut Transcript,
) -> Result<PcsProof<F, E, super::OracleMmcs>, OpeningError> {
    let protocol = config.protocol();
    let challenger = transcript.challenger();
    let width = p.len();
    let witness =
        PrefixProver::<F, E>::new_witness(vec![Table::new(RowMajorMatrix::new(p, width))], config.log_columns());
    let mut layout = PrefixProver::<F, E>::from_witness(witness);
    let ood: Vec<E> = (0..pcs.commitment_ood_samples()).map(|_| layout.add_virtual_eval(challenger)).collect();
    let evals = protocol.iter_openings().map(|(t, batch)| layout.eval_at(t, batch, &point, challenger)).collect();
    let mut whir = pcs
        .prove(ood, challenger, layout, data, protocol.num_openings())
        .map_err(|e| OpeningError::Parameters(e.to_string()))?;
    for round in &mut whir.rounds {
        if let QueryOpenings::Base(opening) = &mut round.openings {
            opening.rows.iter_mut().for_each(|row| row.truncate(3 * config.groups()));
        }
    }
    Ok(PcsProof { whir, evals })
}
