// SPDX-License-Identifier: GPL-2.0-only
//! The lists of numbers that a JA4 is made of: kept without GREASE, sorted, hashed.

use super::Sha256;

/// Characters of a hash.
const HASH: usize = 12;

/// Whether a number is there only so that nobody relies on its not being there (RFC 8701).
pub(super) fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// Numbers in a list.
#[derive(Clone, Debug)]
pub(super) struct List<const N: usize> {
    len: u16,
    numbers: [u16; N],
}

impl<const N: usize> List<N> {
    /// An empty list.
    pub(super) const fn new() -> Self {
        List {
            len: 0,
            numbers: [0; N],
        }
    }

    /// Adds a number, unless it is GREASE. None where there is no room.
    pub(super) fn push(&mut self, number: u16) -> Option<()> {
        if is_grease(number) {
            return Some(());
        }
        *self.numbers.get_mut(usize::from(self.len))? = number;
        self.len = self.len.saturating_add(1);
        Some(())
    }

    /// The numbers, in their order so far.
    pub(super) fn as_slice(&self) -> &[u16] {
        self.numbers.get(..self.len.into()).unwrap_or_default()
    }

    /// Sorts them, as a heap: in no more steps than that takes, whatever their order, and without a way to panic.
    pub(super) fn sort(&mut self) {
        let all = self.numbers.get_mut(..self.len.into());
        let all = all.unwrap_or_default();
        for parent in (0..all.len() / 2).rev() {
            sift(all, parent);
        }
        for last in (1..all.len()).rev() {
            swap(all, 0, last);
            sift(all.get_mut(..last).unwrap_or_default(), 0);
        }
    }
}

/// Lets a number of a heap sink to where none below it is larger.
fn sift(heap: &mut [u16], mut parent: usize) {
    loop {
        let left = parent.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        let child = match heap.get(right) > heap.get(left) {
            true => right,
            false => left,
        };
        if heap.get(child) <= heap.get(parent) {
            return;
        }
        swap(heap, parent, child);
        parent = child;
    }
}

fn swap(numbers: &mut [u16], one: usize, other: usize) {
    let (Some(&a), Some(&b)) = (numbers.get(one), numbers.get(other)) else {
        return;
    };
    for (place, number) in [(one, b), (other, a)] {
        if let Some(place) = numbers.get_mut(place) {
            *place = number;
        }
    }
}

/// The digit for the lower half of a byte.
pub(super) fn hex(byte: u8) -> u8 {
    match byte & 0x0f {
        digit @ 0..=9 => b'0'.wrapping_add(digit),
        digit => b'a'.wrapping_sub(10).wrapping_add(digit),
    }
}

/// A text that is hashed by blocks: a call for each few bytes of it would take longer than the hash.
struct Text<H> {
    hash: H,
    block: [u8; BLOCK],
    len: usize,
}

/// Bytes of a block of SHA-256 (FIPS 180-4 5.2.1).
const BLOCK: usize = 64;

impl<H: Sha256> Default for Text<H> {
    fn default() -> Self {
        Self {
            hash: H::default(),
            block: [0; BLOCK],
            len: 0,
        }
    }
}

impl<H: Sha256> Text<H> {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.block.get_mut(self.len) {
            *place = byte;
        }
        self.len = self.len.saturating_add(1);
        if self.len >= BLOCK {
            self.hash.update(&self.block);
            self.len = 0;
        }
    }

    fn finish(mut self) -> [u8; 32] {
        let rest = self.block.get(..self.len).unwrap_or_default();
        self.hash.update(rest);
        self.hash.finish()
    }
}

/// The hash of a list, and of another after it if that is not empty.
pub(super) fn hash<H: Sha256>(numbers: &[u16], after: &[u16]) -> [u8; HASH] {
    if numbers.is_empty() {
        return [b'0'; HASH];
    }
    let mut text = Text::<H>::default();
    for (list, mut before) in [(numbers, None), (after, Some(b'_'))] {
        for number in list {
            let [high, low] = number.to_be_bytes();
            before.into_iter().for_each(|byte| text.push(byte));
            for byte in [high >> 4, high, low >> 4, low] {
                text.push(hex(byte));
            }
            before = Some(b',');
        }
    }
    let [a, b, c, d, e, f, ..] = text.finish();
    let mut text = [0; HASH];
    for (pair, byte) in text.chunks_exact_mut(2).zip([a, b, c, d, e, f]) {
        if let [one, other] = pair {
            (*one, *other) = (hex(byte >> 4), hex(byte));
        }
    }
    text
}
