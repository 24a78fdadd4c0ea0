//! Lookup tables, each defined by an exact integer algorithm: exponentials, sigmoid, tanh and their derivatives.
//!
//! All start from expq(d), about 2^60 exp(-d 2^-fa), built from integer Taylor series and integer squarings only. A
//! table's value is the real function rounded half up wherever the real value is not within about 2^-40 of a tie;
//! at a tie the algorithm, not the real value, is the definition. Arguments are those of a valid configuration:
//! 1 <= fa <= 14 and at most 20 output bits.
use alloc::vec::Vec;

/// Domain of every table: d in [0, 2^16) or z in [-2^15, 2^15), at index z + 2^15.
pub const SIZE: usize = 1 << WIDTH;
/// log2 of it.
const WIDTH: u32 = 16;
/// Index of z = 0 in a signed table.
pub const ZERO: usize = SIZE / 2;
/// log2 of the scale of expq.
pub(crate) const LOG_P: u32 = 60;
/// The scale of expq.
pub(crate) const P: u128 = 1 << LOG_P;
/// Fractional bits of derivatives.
const DERIVATIVE: u32 = crate::config::DERIVATIVE_BITS;

/// a / b rounded half up, floor for negative a too; b > 0.
pub(crate) const fn hdiv(a: i128, b: i128) -> i128 {
    (2 * a + b).div_euclid(2 * b)
}

/// expq(d) for d in [0, size), size a power of two at most 2^17, at `fa` fractional bits of d.
pub(crate) fn expq(fa: u32, size: usize) -> Vec<u64> {
    // exp(-2^-fa) by the alternating Taylor series.
    let (mut x, mut term, mut k) = (0i128, P as i128, 0i128);
    while term > 0 {
        x += if k % 2 == 0 { term } else { -term };
        k += 1;
        term /= k << fa;
    }
    let mut factor = x.unsigned_abs();
    let mut out = Vec::with_capacity(size);
    out.push(1u64 << LOG_P);
    // The highest set bit is multiplied last, so a block of twice the length is the block times one factor.
    while out.len() < size {
        for i in 0..out.len() {
            let low = out.get(i).copied().map_or(0, u128::from);
            out.push(((low * factor + P / 2) >> LOG_P) as u64);
        }
        factor = (factor * factor + P / 2) >> LOG_P;
    }
    out
}

/// The rows of a table that a window of `bits` bits reads, z in [-2^(bits-1), 2^(bits-1)), from a function of (sign of z,
/// expq(scale |z|)), scale a power of two: a verifier with small windows need not compute the others.
fn signed(fa: u32, scale: usize, bits: u32, value: impl Fn(bool, i128) -> i128) -> Vec<i32> {
    let size = 1usize << bits.clamp(1, WIDTH);
    // A shorter expq is the beginning of a longer one.
    let (e, zero) = (expq(fa, scale * size), size / 2);
    (0..size)
        .map(|i| {
            let at = e.get(scale * i.abs_diff(zero)).copied().map_or(0, i128::from);
            value(i < zero, at) as i32
        })
        .collect()
}

/// EXP[d] = exp(-d 2^-fa) with `fe` fractional bits, for d in [0, 2^16).
#[must_use]
pub fn exp_table(fa: u32, fe: u32) -> Vec<u32> {
    expq(fa, SIZE).into_iter().map(|e| (((u128::from(e) << (fe + 1)) + P) >> (LOG_P + 1)) as u32).collect()
}

/// SIG[z + 2^15] = sigmoid(z 2^-fa) with `bits` fractional bits.
#[must_use]
pub fn sigmoid_table(fa: u32, bits: u32) -> Vec<i32> {
    sigmoid_window(fa, bits, WIDTH)
}

/// The middle 2^m rows of [`sigmoid_table`].
pub(crate) fn sigmoid_window(fa: u32, bits: u32, m: u32) -> Vec<i32> {
    let p = P as i128;
    signed(fa, 1, m, |negative, e| hdiv((if negative { e } else { p }) << bits, p + e))
}

/// DSIG[z + 2^15] = sigmoid'(z 2^-fa) with 12 fractional bits.
#[must_use]
pub fn sigmoid_derivative_table(fa: u32) -> Vec<i32> {
    sigmoid_derivative_window(fa, WIDTH)
}

/// The middle 2^m rows of [`sigmoid_derivative_table`].
pub(crate) fn sigmoid_derivative_window(fa: u32, m: u32) -> Vec<i32> {
    let p = P as i128;
    signed(fa, 1, m, |_, e| {
        let s = p * p / (p + e);
        hdiv(s * (p - s) / p, 1 << (LOG_P - DERIVATIVE))
    })
}

/// TANH[z + 2^15] = tanh(z 2^-fa) with `fa` fractional bits.
#[must_use]
pub fn tanh_table(fa: u32) -> Vec<i32> {
    tanh_values(fa, fa)
}

/// tanh(z 2^-shift) with `bits` fractional bits, at z + 2^15.
#[must_use]
pub fn tanh_values(shift: u32, bits: u32) -> Vec<i32> {
    tanh_window(shift, bits, WIDTH)
}

/// The middle 2^m rows of [`tanh_values`].
pub(crate) fn tanh_window(shift: u32, bits: u32, m: u32) -> Vec<i32> {
    let p = P as i128;
    signed(shift, 2, m, |negative, e| hdiv((if negative { e - p } else { p - e }) << bits, p + e))
}

/// DTANH[z + 2^15] = tanh'(z 2^-fa) with 12 fractional bits.
#[must_use]
pub fn tanh_derivative_table(fa: u32) -> Vec<i32> {
    tanh_derivative_window(fa, WIDTH)
}

/// The middle 2^m rows of [`tanh_derivative_table`].
pub(crate) fn tanh_derivative_window(fa: u32, m: u32) -> Vec<i32> {
    let p = P as i128;
    signed(fa, 2, m, |_, e| {
        let th = (p - e) * p / (p + e);
        hdiv(p - th * th / p, 1 << (LOG_P - DERIVATIVE))
    })
}

/// Largest value of SIG_f and TANH at `bits` fractional bits, in absolute value.
#[must_use]
pub const fn activation_max(bits: u32) -> u64 {
    1 << bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_middle_of_its_table() {
        for fa in [1, 4, 8, 14] {
            for m in [1, 2, 9, 15, 16] {
                let middle = |table: Vec<i32>| table[ZERO - (1 << (m - 1))..ZERO + (1 << (m - 1))].to_vec();
                assert_eq!(sigmoid_window(fa, 12, m), middle(sigmoid_table(fa, 12)));
                assert_eq!(sigmoid_derivative_window(fa, m), middle(sigmoid_derivative_table(fa)));
                assert_eq!(tanh_window(fa, fa, m), middle(tanh_table(fa)));
                assert_eq!(tanh_derivative_window(fa, m), middle(tanh_derivative_table(fa)));
            }
        }
    }
}
