//! The stages of the proof of a chunk, for those who watch it.

/// What a prover is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Executes the chunk and fills the trace.
    Trace,
    /// Commits the model after the chunk, the trace and its mask.
    Commit,
    /// The sumcheck of the matrix products.
    Products,
    /// The sumcheck of the implicit weights.
    Weights,
    /// The sumcheck of the gates.
    Gates,
    /// The lookups.
    Lookups,
    /// The masked opening.
    Opening,
}

impl Stage {
    /// All of them, in the order in which they come.
    pub const ALL: [Self; 7] =
        [Self::Trace, Self::Commit, Self::Products, Self::Weights, Self::Gates, Self::Lookups, Self::Opening];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Commit => "commit",
            Self::Products => "products",
            Self::Weights => "weights",
            Self::Gates => "gates",
            Self::Lookups => "lookups",
            Self::Opening => "opening",
        }
    }
}
