//! The inequalities under which equality mod p is equality of integers.
//!
//! A relation raw = 2^F Z + R - 2^(F-1) over the field fixes Z only as a residue; it is the integer relation if both
//! sides stay below p in absolute value. From public bounds on the initial weights and on every activation a and
//! gradient d, each weight of a chunk stays below
//! `w_max = 2^kappa w_in + c_v v_in + a d sum_s c_{T*,s} B_s` (only unmasked rows have a gradient, and every
//! coefficient grows with t), hence every product below `K a w_max` or `N d w_max`. The verifier evaluates this from
//! the statement and refuses what does not fit. Row counts are those of [`Coefficients`].
//!
//! **Column norms.** By Cauchy and Schwarz sum_s c_{t,s} sum_b |A(k) D(j)| <= C sqrt(S_A(k) S_D(j)), C the largest
//! coefficient and S the sums of squares over the chunk's unmasked rows. S_A is at most rows a^2, S_D at most rows d^2;
//! where the configuration has norms, the proof shows that sum Z^2 < 2^z and sum Q^2 < 2^q for every hidden unit, and
//! |A| <= |Z| behind ReLU and identity, |D| <= |Q| in every hidden layer. The smaller bound counts.
use crate::coefficients::Coefficients;
use crate::config::{DERIVATIVE_BITS, Loss, Part, RunConfig};
use alloc::vec::Vec;
use tacit_argument::field::P;
use thiserror::Error;

/// Window plus weight bits may not exceed this, so that quotient and remainder are unique mod p.
pub const UNIQUE_BITS: u32 = 62;

/// Bounds of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerBounds {
    /// |A| <= a for the layer's inputs, bias included.
    pub a: u128,
    /// |D| <= d for the gradient at the layer's Z.
    pub d: u128,
    /// |W_t| <= w_max at F fractional bits, for every t of the chunk.
    pub w_max: u128,
    /// |V_{T*}| <= v_max at the state's scale plus kappa bits; 0 without momentum.
    pub v_max: u128,
}

/// What [`check`] established about a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Per layer.
    pub layers: Vec<LayerBounds>,
    /// |W_out| <= w_out at fw fractional bits: the next chunk's w_in.
    pub w_out: u128,
    /// |V_out| <= v_out: the next chunk's v_in.
    pub v_out: u128,
}

/// Which inequality failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Inequality {
    /// z_bits + F <= 62.
    #[error("z_bits + fw + kappa <= 62")]
    ForwardUnique,
    /// q_bits + F <= 62.
    #[error("q_bits + fw + kappa <= 62")]
    BackwardUnique,
    /// K a w_max + 2^(m+F-1) + 2^(F-1) < p.
    #[error("K a w_max + 2^(z_bits+F-1) + 2^(F-1) < p")]
    Forward,
    /// N d w_max + 2^(k+F-1) + 2^(F-1) < p.
    #[error("N d w_max + 2^(q_bits+F-1) + 2^(F-1) < p")]
    Backward,
    /// 2 w_max < p.
    #[error("2 w_max < p")]
    Weights,
    /// 2 v_max < p.
    #[error("2 v_max < p")]
    Velocity,
    /// w_out < 2^(boundary bits - 1), where a boundary rounds weights.
    #[error("the weights fit the window of a chunk boundary")]
    WeightBoundary,
    /// n sum |W| <= 2^62, where weights are carried in a window: both sides of the boundary's relation stay below p/2.
    #[error("the weights stay below 2^62 at a range-checked chunk boundary")]
    Carry,
    /// v_out < 2^(boundary bits - 1), where a boundary rounds velocities.
    #[error("the velocity fits the window of a chunk boundary")]
    VelocityBoundary,
    /// k + f' <= 62. As |act'| <= 2^f', it implies 2^(k-1) max|act'| + 2^(k+f'-1) + 2^(f'-1) < p as well.
    #[error("q_bits + 12 <= 62")]
    DerivativeUnique,
    /// 2^(fg+1) C exp(0) < p.
    #[error("2^(fg+1) C exp(0) < p")]
    Softmax,
}

impl Inequality {
    /// What to change.
    const fn remedy(self) -> &'static str {
        match self {
            Self::ForwardUnique | Self::BackwardUnique => "use fewer weight bits, or smaller z_bits or q_bits",
            Self::Forward
            | Self::Backward
            | Self::Weights
            | Self::Velocity
            | Self::WeightBoundary
            | Self::Carry
            | Self::VelocityBoundary => {
                "use a smaller chunk_steps, smaller z_bits or q_bits, smaller norms, or a lower learning rate"
            }
            Self::DerivativeUnique => "use smaller q_bits",
            Self::Softmax => "use a smaller fg",
        }
    }
}

/// Why a chunk's arithmetic could wrap around p.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoWrapError {
    /// An inequality fails.
    #[error("layer {}: {inequality} fails (left side about 2^{left_log2}); {}", layer + 1, inequality.remedy())]
    Inequality {
        /// Layer, from 0.
        layer: usize,
        /// Which one.
        inequality: Inequality,
        /// log2 of the left side, rounded down; the left side itself for sums of bits.
        left_log2: u32,
    },
    /// The run has no such chunk.
    #[error("the run has {chunks} chunks, there is no chunk {chunk}")]
    NoSuchChunk {
        /// Chunk asked for.
        chunk: u32,
        /// Chunks of the run.
        chunks: u32,
    },
}

/// 2^bits, or the largest u128.
fn pow2(bits: u32) -> u128 {
    1u128.checked_shl(bits).unwrap_or(u128::MAX)
}

/// Bound of what a layer reads: of the data, or of the activation of the layer before, and the bias.
fn input_bound(config: &RunConfig, l: usize) -> u128 {
    let one = pow2(config.scales.fa);
    let before = l.checked_sub(1).and_then(|i| config.architecture.layers.get(i));
    let values = before.map_or_else(
        || pow2(config.data_bits.saturating_sub(1)),
        |x| if x.activation.is_smooth() { one } else { pow2(x.z_bits.saturating_sub(1)) },
    );
    values.max(one)
}

/// Bound of the gradient at a layer's Z.
fn gradient_bound(config: &RunConfig, l: usize) -> u128 {
    let Some(layer) = config.architecture.layers.get(l) else { return 0 };
    if l + 1 < config.architecture.layers.len() {
        return pow2(layer.q_bits.saturating_sub(1));
    }
    let s = &config.scales;
    match config.architecture.loss {
        Loss::CrossEntropy | Loss::BceWithLogits => pow2(s.fg),
        Loss::Mse => {
            let difference =
                pow2(layer.z_bits.saturating_sub(1)).saturating_add(pow2(config.target_bits.saturating_sub(1)));
            pow2(s.fg.saturating_sub(s.fa)).saturating_mul(difference)
        }
    }
}

/// Fails unless `left < p`.
fn below_p(layer: usize, inequality: Inequality, left: u128) -> Result<(), NoWrapError> {
    if left < u128::from(P) {
        return Ok(());
    }
    Err(NoWrapError::Inequality { layer, inequality, left_log2: left.ilog2() })
}

/// Fails unless `a + b <= 62`.
fn unique(layer: usize, inequality: Inequality, a: u32, b: u32) -> Result<(), NoWrapError> {
    let left_log2 = a.saturating_add(b);
    if left_log2 <= UNIQUE_BITS { Ok(()) } else { Err(NoWrapError::Inequality { layer, inequality, left_log2 }) }
}

/// Bound of what the end of a chunk leaves of |v| <= `bound`.
///
/// Where the end is looked up in its window, quotient and remainder have at most 63 bits together, so that their
/// relation mod p is one of integers if |v| <= 2^62. Without a window of its own the bound itself has to fit; a carried
/// window is a bound by itself, as an end beyond it has no proof.
fn boundary(
    config: &RunConfig,
    (part, chunk): (Part, u32),
    (layer, inequality): (usize, Inequality),
    bound: u128,
) -> Result<u128, NoWrapError> {
    let out = (bound >> config.boundary_shift(part, chunk).min(127)).saturating_add(1);
    if !config.boundary_checked(part, chunk) {
        return Ok(out);
    }
    let window = pow2(config.boundary_bits(part, chunk).saturating_sub(1));
    if part == Part::Weights && config.carry_bits.is_some() {
        if bound > pow2(UNIQUE_BITS) {
            return Err(NoWrapError::Inequality { layer, inequality: Inequality::Carry, left_log2: bound.ilog2() });
        }
        return Ok(out.min(window));
    }
    if out < window { Ok(out) } else { Err(NoWrapError::Inequality { layer, inequality, left_log2: out.ilog2() }) }
}

/// sqrt(a b) rounded up; the largest u128 if a b is beyond it.
fn root_of_product(a: u128, b: u128) -> u128 {
    a.checked_mul(b).map_or(u128::MAX, |square| {
        let root = square.isqrt();
        root.saturating_add(u128::from(root.saturating_mul(root) < square))
    })
}

/// Bound of sum |A(k) D(j)| over the unmasked rows of a chunk, for every k and j of layer l, by column norms.
fn norm_bound(config: &RunConfig, l: usize, rows: u128) -> u128 {
    let layers = &config.architecture.layers;
    let squares = |bound: u128| rows.saturating_mul(bound.saturating_mul(bound));
    let (mut inputs, mut gradients) = (squares(input_bound(config, l)), squares(gradient_bound(config, l)));
    if let Some(norms) = config.norms {
        let before = l.checked_sub(1).and_then(|i| layers.get(i));
        if before.is_some_and(|x| !x.activation.is_smooth()) {
            inputs = inputs.min(pow2(norms.z).max(squares(pow2(config.scales.fa))));
        }
        if l + 1 < layers.len() {
            gradients = gradients.min(pow2(norms.q));
        }
    }
    root_of_product(inputs, gradients)
}

/// `factors x y + 2^(bits+shift-1) + 2^(shift-1)`, saturating: bound of both sides of a rescaling relation.
fn rescaled(product: u128, bits: u32, shift: u32) -> u128 {
    product
        .saturating_add(pow2(bits.saturating_add(shift).saturating_sub(1)))
        .saturating_add(pow2(shift.saturating_sub(1)))
}

/// Checks chunk `chunk` started from |W_in| <= w_in and |V_in| <= v_in. Never overflows, whatever the configuration.
///
/// # Errors
/// The first inequality that fails, with its layer and remedy.
pub fn check(config: &RunConfig, chunk: u32, w_in: u128, v_in: u128) -> Result<Bounds, NoWrapError> {
    let coefficients =
        Coefficients::new(config, chunk).ok_or(NoWrapError::NoSuchChunk { chunk, chunks: config.chunks() })?;
    let (f, momentum) = (config.weight_bits(), config.schedule.momentum());
    let start = pow2(config.scales.kappa)
        .saturating_mul(w_in)
        .saturating_add(coefficients.velocity(coefficients.real_steps()).saturating_mul(v_in));
    let (mass, state_mass) = (coefficients.gradient_mass(), coefficients.state_mass());
    let (largest, state_largest) = (coefficients.largest_gradient(), coefficients.largest_state_gradient());
    let rows = coefficients.row_count();
    let state_start = u128::from(coefficients.state_velocity()).saturating_mul(v_in);
    let mut layers: Vec<LayerBounds> = Vec::new();
    let (mut w_out, mut v_out) = (0, 0);
    for (l, layer) in config.architecture.layers.iter().enumerate() {
        let (a, d) = (input_bound(config, l), gradient_bound(config, l));
        let norm = norm_bound(config, l, rows);
        let moved = |mass: u128, c: u128| mass.saturating_mul(a).saturating_mul(d).min(c.saturating_mul(norm));
        let w_max = start.saturating_add(moved(mass, largest));
        let v_max = if momentum { state_start.saturating_add(moved(state_mass, state_largest)) } else { 0 };
        unique(l, Inequality::ForwardUnique, layer.z_bits, f)?;
        below_p(l, Inequality::Weights, w_max.saturating_mul(2))?;
        below_p(l, Inequality::Velocity, v_max.saturating_mul(2))?;
        let summed = w_max.saturating_mul(config.averaged(chunk).into());
        let end = summed.saturating_mul(config.decay(chunk).0.into());
        let w = boundary(config, (Part::Weights, chunk), (l, Inequality::WeightBoundary), end)?;
        let v = boundary(config, (Part::Velocity, chunk), (l, Inequality::VelocityBoundary), v_max)?;
        w_out = w_out.max(w);
        v_out = v_out.max(if momentum { v } else { 0 });
        let forward = (layer.k() as u128).saturating_mul(a).saturating_mul(w_max);
        below_p(l, Inequality::Forward, rescaled(forward, layer.z_bits, f))?;
        if let Some(before) = l.checked_sub(1).and_then(|i| config.architecture.layers.get(i)) {
            unique(l, Inequality::BackwardUnique, before.q_bits, f)?;
            let backward = u128::from(layer.outputs).saturating_mul(d).saturating_mul(w_max);
            below_p(l, Inequality::Backward, rescaled(backward, before.q_bits, f))?;
        }
        if layer.activation.is_smooth() && l + 1 < config.architecture.layers.len() {
            unique(l, Inequality::DerivativeUnique, layer.q_bits, DERIVATIVE_BITS)?;
        }
        layers.push(LayerBounds { a, d, w_max, v_max });
    }
    if let (Loss::CrossEntropy, Some(last)) = (config.architecture.loss, config.architecture.layers.last()) {
        let left = pow2(config.scales.fg.saturating_add(1))
            .saturating_mul(last.outputs.into())
            .saturating_mul(pow2(config.exp_bits()));
        below_p(layers.len().saturating_sub(1), Inequality::Softmax, left)?;
    }
    Ok(Bounds { layers, w_out, v_out })
}

/// Checks a whole run, each chunk started from the bounds that the one before it computed (the state starts at 0).
///
/// # Errors
/// The first inequality that fails in the first chunk that fails.
pub fn check_run(config: &RunConfig, w_in: u128) -> Result<Vec<Bounds>, NoWrapError> {
    let (mut w, mut v, mut out) = (w_in, 0, Vec::new());
    for chunk in 0..config.chunks() {
        let bounds = check(config, chunk, w, v)?;
        (w, v) = (bounds.w_out, bounds.v_out);
        out.push(bounds);
    }
    Ok(out)
}

/// Checks the forward pass alone of a model with |W| <= w at fw fractional bits (kappa = 0 in `config`).
///
/// # Errors
/// The first inequality that fails, with its layer and remedy.
pub fn check_forward(config: &RunConfig, w: u128) -> Result<(), NoWrapError> {
    let f = config.weight_bits();
    for (l, layer) in config.architecture.layers.iter().enumerate() {
        unique(l, Inequality::ForwardUnique, layer.z_bits, f)?;
        below_p(l, Inequality::Weights, w.saturating_mul(2))?;
        let product = (layer.k() as u128).saturating_mul(input_bound(config, l)).saturating_mul(w);
        below_p(l, Inequality::Forward, rescaled(product, layer.z_bits, f))?;
    }
    Ok(())
}

/// The largest power of two T, at most `cap`, for which every chunk of T steps fits when it starts from weights
/// known to lie within w_in (range-checked at each boundary); `None` if not even one step does.
#[must_use]
pub fn largest_chunk(config: &RunConfig, w_in: u128, cap: u32) -> Option<u32> {
    let mut steps = if cap == 0 { return None } else { 1u32 << cap.ilog2() };
    let mut config = config.clone();
    while steps > 0 {
        config.schedule.chunk_steps = steps;
        let mut v = 0;
        let fits = (0..config.chunks()).all(|chunk| {
            check(&config, chunk, w_in, v).is_ok_and(|bounds| {
                v = bounds.v_out;
                true
            })
        });
        if fits && config.chunks() > 0 {
            return Some(steps);
        }
        steps /= 2;
    }
    None
}
