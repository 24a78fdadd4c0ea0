//! A small generator (splitmix64): the same seed gives the same changes.

/// The generator.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Below n; 0 for n = 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % (n.max(1) as u64)) as usize
    }
    /// True once in n times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    /// One of some things.
    pub fn of<'t, T>(&mut self, things: &'t [T]) -> Option<&'t T> {
        things.get(self.below(things.len()))
    }
    /// Between `least` and `most`, small values as likely as large ones.
    pub fn scaled(&mut self, least: u32, most: u32) -> u32 {
        let span = most.saturating_sub(least);
        let bits = self.below(33 - span.leading_zeros() as usize) as u32;
        let v = (self.bits() as u32) & ((1u64 << bits) - 1) as u32;
        least + v.min(span)
    }
}
