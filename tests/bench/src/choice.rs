// SPDX-License-Identifier: GPL-2.0-only
//! Numbers without a pattern, the same at every run.

/// Marsaglia's xorshift with 64 bits of state.
pub(crate) struct Choice(u64);

impl Default for Choice {
    fn default() -> Self {
        Choice(0x9e37_79b9_7f4a_7c15)
    }
}

impl Choice {
    /// The next 32 bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    /// A number below `limit`, which must not be 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.bits() as usize % limit
    }
}
