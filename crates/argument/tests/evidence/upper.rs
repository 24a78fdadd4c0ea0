//! Upper bounds of probabilities in integers: a second derivation of every error term, without floating point.

/// At most m 2^e, m below 2^90. Every operation rounds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Up {
    m: u128,
    e: i32,
}

const WIDTH: u32 = 90;

impl Up {
    pub const ZERO: Self = Self { m: 0, e: 0 };

    /// m 2^e.
    pub fn new(mut m: u128, mut e: i32) -> Self {
        while m >> WIDTH != 0 {
            m = m.div_ceil(2);
            e += 1;
        }
        Self { m, e }
    }

    /// Times an integer below 2^38.
    pub fn times(self, n: u128) -> Self {
        assert!(n >> 38 == 0, "{n}");
        Self::new(self.m * n, self.e)
    }

    /// Divided by an integer below 2^64.
    pub fn over(self, n: u128) -> Self {
        assert!(n > 0 && n >> 64 == 0, "{n}");
        let room = self.m.leading_zeros();
        Self::new((self.m << room).div_ceil(n), self.e - room as i32)
    }

    /// Times 2^e.
    pub fn shift(self, e: i32) -> Self {
        Self { m: self.m, e: self.e + e }
    }

    pub fn plus(self, other: Self) -> Self {
        let (high, low) = if self.e >= other.e { (self, other) } else { (other, self) };
        if high.m == 0 {
            return low;
        }
        let room = (high.m.leading_zeros() - 1).min((high.e - low.e) as u32);
        let (m, e) = (high.m << room, high.e - room as i32);
        let by = (e - low.e) as u32;
        let rounded = if by >= 127 { u128::from(low.m > 0) } else { low.m.div_ceil(1 << by) };
        Self::new(m + rounded, e)
    }

    /// Whether the bound is at most 2^e.
    pub fn at_most(self, e: i32) -> bool {
        let by = e - self.e;
        self.m == 0 || (by >= 0 && (by >= 128 || self.m <= 1 << by))
    }

    /// For comparisons with a report.
    pub fn log2(self) -> f64 {
        (self.m as f64).log2() + f64::from(self.e)
    }
}

#[test]
fn sums_products_and_quotients_round_up() {
    let third = Up::new(1, 0).over(3);
    assert!(third.times(3).log2() >= 0.0 && third.times(3).log2() < 1e-20 + f64::EPSILON);
    assert!(!third.times(3).at_most(0) && third.times(3).at_most(1));
    assert_eq!(Up::new(3, -2).plus(Up::new(1, -2)).log2(), 0.0);
    let tiny = Up::new(1, 0).plus(Up::new(1, -1000));
    assert!(!tiny.at_most(0), "what is lost is rounded up");
    assert!(Up::ZERO.at_most(-2000) && Up::new(5, -3).plus(Up::ZERO) == Up::new(5, -3));
    assert_eq!(Up::new(1 << 100, -100).log2(), 0.0);
}
