//! Names of the released tensors: one for every weight matrix, one for every bias, no two alike.
//!
//! They are part of the statement. Weights alone would leave open which layer is which: a file in which two layers of
//! one shape change places holds the same numbers and is another model.
use crate::config::RunConfig;
use crate::text::hidden_char;
use alloc::collections::BTreeSet;
use alloc::string::String;

/// Longest name, in bytes.
pub const MAX_NAME: usize = 256;
/// Where a safetensors file keeps its metadata: no tensor can be stored under it.
const RESERVED: &str = "__metadata__";

/// What the weight matrix of a layer is called, and its bias if it has one.
pub type LayerNames = (String, Option<String>);

/// The names do not fit the architecture, or no file could hold them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not one entry per layer.
    #[error("{got} entries for {expected} layers")]
    Count {
        /// Layers.
        expected: usize,
        /// Entries.
        got: usize,
    },
    /// A bias without a name, or a name without a bias.
    #[error("layer {layer} {}", if *bias { "has a bias without a name" } else { "has no bias, yet a name for one" })]
    Bias {
        /// Which layer.
        layer: usize,
        /// Whether it has a bias.
        bias: bool,
    },
    /// Empty or too long.
    #[error("a name of layer {layer} has {got} bytes, outside 1..={MAX_NAME}")]
    Length {
        /// Which layer.
        layer: usize,
        /// Bytes.
        got: usize,
    },
    /// A character that a terminal obeys or nobody sees: two names could look alike.
    #[error("a name of layer {layer} holds the control or invisible character U+{code:04X}")]
    Control {
        /// Which layer.
        layer: usize,
        /// The character.
        code: u32,
    },
    /// The key of a file's metadata.
    #[error("layer {layer} uses the name {RESERVED}, which no tensor can have")]
    Reserved {
        /// Which layer.
        layer: usize,
    },
    /// Two tensors of one name.
    #[error("the name {name:?} is used twice")]
    Duplicate {
        /// The name.
        name: String,
    },
}

/// Checks the names against the architecture.
pub(crate) fn check_names(config: &RunConfig, names: &[LayerNames]) -> Result<(), NameError> {
    let layers = &config.architecture.layers;
    if names.len() != layers.len() {
        return Err(NameError::Count { expected: layers.len(), got: names.len() });
    }
    let mut seen = BTreeSet::new();
    for (layer, (shape, (weight, bias))) in layers.iter().zip(names).enumerate() {
        if shape.bias != bias.is_some() {
            return Err(NameError::Bias { layer, bias: shape.bias });
        }
        for name in core::iter::once(weight).chain(bias) {
            if !(1..=MAX_NAME).contains(&name.len()) {
                return Err(NameError::Length { layer, got: name.len() });
            }
            if let Some(c) = hidden_char(name) {
                return Err(NameError::Control { layer, code: c.into() });
            }
            if name == RESERVED {
                return Err(NameError::Reserved { layer });
            }
            if !seen.insert(name) {
                return Err(NameError::Duplicate { name: name.clone() });
            }
        }
    }
    Ok(())
}
