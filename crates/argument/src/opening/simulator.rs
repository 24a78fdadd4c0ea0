//! The opening without a witness: the claims on the conjugates are uniform, gamma is chosen first, mu is what the verifier's equation leaves, the oracle is
//! programmed to answer gamma after mu, and everything later is the honest prover's code on h.
//!
//! Source: protocol.md, section 5.7.
use super::commit::{LongLived, Trace};
use super::config::{Dft, OpeningConfig};
use super::error::OpeningError;
use super::packing::Packing;
use super::prover::{Claimed, Masked, Tamper, check_inputs, open};
use super::sumcheck::inner;
use super::tables::{packed_tables, weight_tables};
use super::weights::{self, Pin};
use super::{OpeningProof, begin};
use crate::field::E;
use crate::hiding::Claim;
use crate::transcript::Transcript;

/// Simulates an opening of uniform columns for any claim; returns it with the point where the oracle answers `gamma`.
///
/// # Errors
/// The variant that names what does not fit the configuration.
///
/// # Panics
/// If the transcript is not probed.
pub fn opening_simulated(
    config: &OpeningConfig,
    uniform: Trace,
    others: &[&LongLived],
    claim: Claim,
    pins: &[Pin],
    (conjugates, gamma): ([E; 2], E),
    transcript: &mut Transcript,
) -> Result<(OpeningProof, [u8; 32]), OpeningError> {
    check_inputs(config, &uniform, others)?;
    weights::validate(config, &claim, pins)?;
    begin(config, transcript);
    let Claim { weights, value: sigma } = weights::add_pins(claim, pins, transcript);
    let h = config.h();
    let kappa = transcript.challenge();
    let (packing, tau) = Packing::drawn(kappa, sigma, &conjugates, transcript);
    let tables = packed_tables(config, &weight_tables(config, &weights, pins), &packing);
    let masked = Masked::new(config, uniform, others, gamma);
    let mu = inner(&masked.p, &tables, h) - gamma * tau;
    transcript.absorb_message(mu);
    let point = transcript.program(gamma);
    assert_eq!(transcript.challenge(), gamma, "the oracle is programmed");
    let (proof, _) =
        open(config, masked, tables, &Claimed { conjugates, mu, gamma, tau }, transcript, Tamper::<Dft>::default())?;
    Ok((proof, point))
}
