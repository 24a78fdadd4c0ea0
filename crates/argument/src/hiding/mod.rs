//! Reduces an interactive argument over hidden values to linear claims on committed cells.
//!
//! Every hidden value v of the prover is sent as `m = v - pad` with a pad of its own that is uniform in E and
//! committed before the first challenge. The verifier knows v only as the *affine expression* `m + pad`; all its
//! checks are linear in such expressions. A product v w of two hidden values uses a committed triple
//! t = p q: v w = (v-p)(w-q) + (v-p) q + (w-q) p + t, and t = p q is checked by sacrifice against a fresh triple
//! (p', q', t'). Source: draft-google-cfrg-libzk, section 6; protocol.md, section 5.1.
//!
//! [`Reduction`] is the verifier's side and the only place where claims are formed. It runs three times per
//! proof: dry, to count pads and triples; in the prover, over the prover's own messages; in the verifier.
mod affine;
#[cfg(feature = "prover")]
mod masker;
mod reduction;

pub use affine::{Affine, Cell};
#[cfg(feature = "prover")]
pub use masker::{Masker, Secrets, wipe};
pub use reduction::{Claim, HidingError, MaskedMessages, Message, PadLayout, Reduction, Schedule};
