// SPDX-License-Identifier: GPL-2.0-only
//! SipHash-1-3 over the words of a name, one round for each. No name's words begin as all of another's do, so that their number
//! need not be hashed.

/// A hash that goes on.
#[derive(Clone, Copy)]
pub(super) struct Hash([u64; 4]);

impl Hash {
    /// Of nothing yet.
    #[inline]
    pub(super) fn new([k0, k1]: [u64; 2]) -> Self {
        Self([
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    /// Goes on with a word.
    #[inline]
    pub(super) fn add(&mut self, word: u32) {
        let word = u64::from(word);
        let [v0, v1, v2, v3] = self.0;
        self.0 = [v0, v1, v2, v3 ^ word];
        self.round();
        let [v0, v1, v2, v3] = self.0;
        self.0 = [v0 ^ word, v1, v2, v3];
    }

    /// What it comes to with the last word.
    #[inline]
    pub(super) fn end(mut self, last: u32) -> u64 {
        self.add(last);
        let [v0, v1, v2, v3] = self.0;
        self.0 = [v0, v1, v2 ^ 0xff, v3];
        for _ in 0..3 {
            self.round();
        }
        let [v0, v1, v2, v3] = self.0;
        v0 ^ v1 ^ v2 ^ v3
    }

    #[inline]
    fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.0;
        v0 = v0.wrapping_add(v1);
        v1 = v1.rotate_left(13) ^ v0;
        v0 = v0.rotate_left(32);
        v2 = v2.wrapping_add(v3);
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.wrapping_add(v3);
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v2 = v2.rotate_left(32);
        self.0 = [v0, v1, v2, v3];
    }
}

/// The bucket of a hash. `buckets` fits into 32 bits.
#[inline]
pub(super) fn bucket(hash: u64, buckets: usize) -> usize {
    ((hash >> 32).wrapping_mul(buckets as u64) >> 32) as usize
}
