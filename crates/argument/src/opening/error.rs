//! One variant per check of the opening, with the numbers.
use alloc::string::String;

/// Why a first or later oracle's rows do not match their commitments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OracleError {
    /// Rows of the first oracle under a later root, or a later tree's under the statement's roots.
    #[error("an oracle was opened as the wrong kind")]
    Kind,
    /// The library asked for another oracle shape than the configuration's.
    #[error("the first oracle has another shape than configured")]
    Shape,
    /// A column beyond the sources is not zero.
    #[error("an unused column of the first oracle is not zero")]
    ZeroColumn,
    /// Rows, salts and paths do not hash to the root of this committed vector (0: trace and mask).
    #[error("rows, salts and paths do not hash to the root of vector {0}")]
    Tree(usize),
    /// Rows and paths do not hash to the root of a later oracle.
    #[error("rows and paths do not hash to the root of a later oracle")]
    Later,
}

/// Why an opening was refused, or could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    // The configuration.
    /// No vector at all.
    #[error("an opening needs a trace")]
    NoVector,
    /// Unsupported rate.
    #[error("rate 2^-{got} is not supported")]
    Rate {
        /// log2 of the inverse rate.
        got: usize,
    },
    /// Column height out of range.
    #[error("vector {vector}: columns of 2^{got}, supported 2^{min} to 2^{max}")]
    Height {
        /// The vector.
        vector: usize,
        /// Its log height.
        got: usize,
        /// Smallest supported.
        min: usize,
        /// Largest supported.
        max: usize,
    },
    /// A long-lived column is taller than the trace's.
    #[error("vector {vector}: columns of 2^{got} are taller than the trace's 2^{trace}")]
    Taller {
        /// The vector.
        vector: usize,
        /// Its log height.
        got: usize,
        /// The trace's.
        trace: usize,
    },
    /// Column count out of range.
    #[error("vector {vector}: {got} columns, supported 1 to {max}")]
    Columns {
        /// The vector.
        vector: usize,
        /// Its columns.
        got: usize,
        /// Largest supported.
        max: usize,
    },
    /// All vectors together have too many columns.
    #[error("{got} source columns, supported at most {max}")]
    Sources {
        /// Source columns.
        got: usize,
        /// Largest supported.
        max: usize,
    },
    /// The uniform block does not cover the rows that are opened.
    #[error("vector {vector}: {needed} uniform coefficients a column are needed, the block has {got}")]
    BlockTooShort {
        /// The vector.
        vector: usize,
        /// Rows opened, and the pin's coefficients.
        needed: usize,
        /// The block.
        got: usize,
    },
    /// The uniform block leaves no room.
    #[error("vector {vector}: a block of {block} leaves nothing of a column of {height}")]
    BlockTooLong {
        /// The vector.
        vector: usize,
        /// The block.
        block: usize,
        /// The column.
        height: usize,
    },
    /// The payload does not fit the shape.
    #[error("payload of {got} cells, capacity {capacity}")]
    Capacity {
        /// Cells.
        got: usize,
        /// Room.
        capacity: usize,
    },
    /// The library refuses the parameters.
    #[error("the library refuses the parameters: {0}")]
    Parameters(String),
    /// The sum of all error terms misses the target.
    #[error("soundness of 2^-{bits} misses 2^-{target}")]
    Soundness {
        /// Whole bits reached.
        bits: u32,
        /// Whole bits wanted.
        target: u32,
    },

    // What the caller passes.
    /// One root per vector.
    #[error("{expected} vectors, {got} roots")]
    RootCount {
        /// Vectors.
        expected: usize,
        /// Roots.
        got: usize,
    },
    /// One weight vector per vector.
    #[error("{expected} vectors, {got} weight vectors")]
    WeightCount {
        /// Vectors.
        expected: usize,
        /// Weight vectors.
        got: usize,
    },
    /// One pin per long-lived vector.
    #[error("{expected} long-lived vectors, {got} pins")]
    PinCount {
        /// Long-lived vectors.
        expected: usize,
        /// Pins.
        got: usize,
    },
    /// A pin's point has the wrong number of coordinates.
    #[error("vector {vector}: a pin of {expected} coordinates, got {got}")]
    PinPoint {
        /// The vector.
        vector: usize,
        /// Variables of its table.
        expected: usize,
        /// Coordinates.
        got: usize,
    },
    /// The trace has no pin.
    #[error("the trace has no pin, but a weight for one")]
    TracePin,
    /// A low part's length is no power of two.
    #[error("vector {vector}: a low part of {len} cells is no power of two")]
    LowLength {
        /// The vector.
        vector: usize,
        /// Its cells.
        len: usize,
    },
    /// Slots of this length would straddle columns.
    #[error("vector {vector}: slots of 2^{stride} cells do not divide a block of {block}")]
    Stride {
        /// The vector.
        vector: usize,
        /// log2 of the slot.
        stride: usize,
        /// The block.
        block: usize,
    },
    /// A slot lies beyond the payload.
    #[error("vector {vector}: slot {slot} of 2^{stride} cells lies beyond {capacity} cells")]
    Slot {
        /// The vector.
        vector: usize,
        /// The slot.
        slot: usize,
        /// log2 of its length.
        stride: usize,
        /// Payload cells.
        capacity: usize,
    },
    /// Slots are not strictly increasing.
    #[error("vector {vector}: slot {slot} is out of order")]
    SlotOrder {
        /// The vector.
        vector: usize,
        /// The slot.
        slot: usize,
    },
    /// A run of cells ends beyond the payload.
    #[error("vector {vector}: {len} cells from {first} lie beyond {capacity} cells")]
    Run {
        /// The vector.
        vector: usize,
        /// First cell.
        first: usize,
        /// Cells.
        len: usize,
        /// Payload cells.
        capacity: usize,
    },
    /// A long-lived vector was committed with another shape or rate (prover).
    #[error("vector {vector} was committed with another shape or rate")]
    Committed {
        /// The vector.
        vector: usize,
    },

    /// The pinned evaluation is a function of the opened rows and the payload (prover; about 2^-190): a proof would
    /// tell three linear equations of the payload.
    #[error("vector {vector}: the pinned evaluation and the opened rows are not uniform together")]
    PinRank {
        /// The vector.
        vector: usize,
    },

    /// kappa is 0 (prover; 2^-191): sigma_1 and sigma_2 would tell two linear functionals of the committed vectors. Another
    /// attempt draws another.
    #[error("the challenge that hides the claims on the conjugates is 0: nothing was sent, try again")]
    Unhidden,

    // The proof's shape.
    /// Rounds of the sumcheck over exponents and source columns.
    #[error("{expected} source rounds, the proof carries {got}")]
    SourceRounds {
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Rounds of the sumcheck over the columns of P.
    #[error("{expected} column rounds, the proof carries {got}")]
    ColumnRounds {
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// WHIR rounds.
    #[error("{expected} WHIR rounds, the proof carries {got}")]
    WhirRounds {
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Exactly one evaluation of P.
    #[error("the proof does not carry exactly one evaluation")]
    EvaluationShape,
    /// A later oracle without exactly one root.
    #[error("WHIR round {round} carries {got} roots")]
    RoundRoot {
        /// The round.
        round: usize,
        /// Roots.
        got: usize,
    },
    /// Rows over the wrong field for their round.
    #[error("WHIR round {round}: rows over the wrong field")]
    RowField {
        /// The round; the last is the terminal one.
        round: usize,
    },
    /// Opened rows.
    #[error("WHIR round {round}: {expected} rows, the proof carries {got}")]
    RowCount {
        /// The round; the last is the terminal one.
        round: usize,
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Width of an opened row.
    #[error("WHIR round {round}: rows of {expected}, the proof has one of {got}")]
    RowWidth {
        /// The round; the last is the terminal one.
        round: usize,
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Rows of the committed vectors beside those of h.
    #[error("{expected} source rows, the proof carries {got}")]
    SourceRows {
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Width of a source row.
    #[error("source rows of {expected}, the proof has one of {got}")]
    SourceWidth {
        /// Source columns.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Trees of the first oracle.
    #[error("{expected} trees, the proof carries {got}")]
    TreeCount {
        /// Committed vectors.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Salts of one tree.
    #[error("vector {vector}: {expected} salts, the proof carries {got}")]
    SaltCount {
        /// The vector.
        vector: usize,
        /// Rows.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Out-of-domain answers.
    #[error("WHIR round {round}: {expected} out-of-domain answers, the proof carries {got}")]
    OutOfDomain {
        /// 0 is the first oracle, k + 1 that of round k.
        round: usize,
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// Final polynomial.
    #[error("a final polynomial of {expected} values, the proof carries {got}")]
    FinalLength {
        /// From the configuration.
        expected: usize,
        /// In the proof.
        got: usize,
    },

    // The argument itself.
    /// The sumcheck over exponents and source columns does not end in h(rho) W(rho).
    #[error("the sumcheck over the sources does not end in the weight times the value")]
    SourceClaim,
    /// The sumcheck over the columns of P does not end in its selector times P(rho).
    #[error("the sumcheck over the columns does not end in the selector times the value")]
    ColumnClaim,
    /// Rows do not match a commitment.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// A proof of work is missing or not in its canonical form.
    #[error("WHIR round {round}: proof of work rejected")]
    Work {
        /// The round; the last is the terminal one.
        round: usize,
    },
    /// A folding sumcheck of WHIR has the wrong shape.
    #[error("WHIR: a folding sumcheck is malformed: {0}")]
    FoldShape(String),
    /// Opened rows do not fold to the final polynomial.
    #[error("WHIR: opened rows do not fold to the final polynomial")]
    FinalQueries,
    /// WHIR's last identity does not hold.
    #[error("WHIR: the final identity does not hold")]
    FinalClaim,
    /// Anything else that the library rejects.
    #[error("WHIR: {0}")]
    Whir(String),
}
