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

    /// Sorts them, by one digit after the other: in the same few steps for each, whatever their order.
    pub(super) fn sort(&mut self) {
        let mut other = [0; N];
        let len = usize::from(self.len);
        let (numbers, other) = (self.numbers.get_mut(..len), other.get_mut(..len));
        if let (Some(numbers), Some(other)) = (numbers, other) {
            for digit in [0, 8] {
                sort_by_digit(numbers, other, digit);
                sort_by_digit(other, numbers, digit.wrapping_add(4));
            }
        }
    }

    /// The numbers, in their order.
    pub(super) fn as_slice(&self) -> &[u16] {
        self.numbers.get(..self.len.into()).unwrap_or_default()
    }
}

/// Puts numbers in the order of four of their bits, and otherwise as they were.
fn sort_by_digit(from: &[u16], to: &mut [u16], bit: u32) {
    let digit = |number: u16| usize::from((number >> (bit & 15)) & 15);
    let mut places = [0_u16; 16];
    for number in from {
        if let Some(count) = places.get_mut(digit(*number)) {
            *count = count.wrapping_add(1);
        }
    }
    let mut next = 0_u16;
    for place in &mut places {
        let count = core::mem::replace(place, next);
        next = next.wrapping_add(count);
    }
    for number in from {
        if let Some(place) = places.get_mut(digit(*number)) {
            if let Some(to) = to.get_mut(usize::from(*place)) {
                *to = *number;
            }
            *place = place.wrapping_add(1);
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

/// The four digits of a number, all at once.
fn hex_of(number: u16) -> [u8; 4] {
    const EACH: u32 = 0x0101_0101;
    let number = u32::from(number);
    let halves = ((number & 0xff00) << 8) | (number & 0x00ff);
    let digits = ((halves & 0x00f0_00f0) << 4) | (halves & 0x000f_000f);
    // Digits of ten and more carry into the upper half of their byte.
    let letters = (digits.wrapping_add(EACH * 6) >> 4) & EACH;
    let text = digits
        .wrapping_add(EACH * u32::from(b'0'))
        .wrapping_add(letters.wrapping_mul(u32::from(b'a' - b'0' - 10)));
    text.to_be_bytes()
}

/// Numbers whose text is hashed at once: a call for each would take longer than the hash.
const AT_ONCE: usize = 64;

/// Characters of a number, with the comma after it.
const CHARACTERS: usize = 5;

/// Hashes numbers in hex, with commas between them.
fn take_in<H: Sha256>(hash: &mut H, numbers: &[u16]) {
    let mut text = [b','; AT_ONCE * CHARACTERS];
    let mut before: &[u8] = b"";
    for numbers in numbers.chunks(AT_ONCE) {
        for (place, number) in text.chunks_exact_mut(CHARACTERS).zip(numbers) {
            if let Some(digits) = place.first_chunk_mut() {
                *digits = hex_of(*number);
            }
        }
        hash.update(before);
        let len = numbers.len().saturating_mul(CHARACTERS).saturating_sub(1);
        hash.update(text.get(..len).unwrap_or_default());
        before = b",";
    }
}

/// The hash of a list, and of another after it if that is not empty.
pub(super) fn hash<H: Sha256>(numbers: &[u16], after: &[u16]) -> [u8; HASH] {
    if numbers.is_empty() {
        return [b'0'; HASH];
    }
    let mut hash = H::default();
    take_in(&mut hash, numbers);
    if !after.is_empty() {
        hash.update(b"_");
        take_in(&mut hash, after);
    }
    let [a, b, c, d, e, f, ..] = hash.finish();
    let mut text = [0; HASH];
    for (pair, byte) in text.chunks_exact_mut(2).zip([a, b, c, d, e, f]) {
        if let [one, other] = pair {
            (*one, *other) = (hex(byte >> 4), hex(byte));
        }
    }
    text
}
