// SPDX-License-Identifier: GPL-2.0-only
//! Names in words of 32 bits: six characters in each, from the name's end to its beginning.
//!
//! There are 39 characters that a name may have. With one that ends it they are 40, of which three fit into 16 bits.

/// What stands before a domain, and between labels.
pub(super) const DOT: u8 = 39;
/// How many symbols there are, the end among them.
const BASE: u32 = 40;
/// In a word.
pub(super) const IN_WORD: usize = 6;
/// What each place of a word counts.
const WEIGHTS: [u32; IN_WORD] = [
    BASE * BASE,
    BASE,
    1,
    (BASE * BASE) << 16,
    BASE << 16,
    1 << 16,
];

/// Bytes that a name may have; the dot before a domain is none of them.
pub(super) const MOST: usize = 255;
/// Labels that a domain of a set may have: a look-up looks for no deeper ones, which bounds what it takes.
pub(super) const DEEPEST: usize = 16;
/// Words that a name may take: with a dot and an end.
pub(super) const WORDS: usize = (MOST + 1) / IN_WORD + 1;

/// The characters by their symbols. The first one ends a name.
const OCTETS: &[u8; BASE as usize] = b"\0abcdefghijklmnopqrstuvwxyz0123456789-_.";

/// The symbols by characters; case makes no difference. 0: no name has it.
const SYMBOLS: [u8; 256] = {
    let mut symbols = [0; 256];
    let mut symbol = 1;
    while symbol < OCTETS.len() {
        let octet = OCTETS[symbol];
        symbols[octet as usize] = symbol as u8;
        symbols[octet.to_ascii_uppercase() as usize] = symbol as u8;
        symbol += 1;
    }
    symbols
};

/// The symbol of a character; None where no name has it.
#[inline]
pub(super) fn symbol(octet: u8) -> Option<u8> {
    SYMBOLS
        .get(usize::from(octet))
        .copied()
        .filter(|symbol| *symbol != 0)
}

/// What a symbol counts at a place of a name.
#[inline]
pub(super) fn weighed(symbol: u8, place: usize) -> u32 {
    let weight = WEIGHTS.get(place % IN_WORD).copied().unwrap_or(0);
    u32::from(symbol).wrapping_mul(weight)
}

/// Whether a name ends in a word: its last symbol does.
#[inline]
pub(super) fn is_last(word: u32) -> bool {
    (word >> 16) % BASE == 0
}

/// That a text is no name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAName;

/// A name in words.
#[derive(Clone, Copy)]
pub struct Encoded {
    words: [u32; WORDS],
    len: usize,
}

impl Encoded {
    const EMPTY: Self = Self {
        words: [0; WORDS],
        len: 0,
    };

    /// The name of a text: labels of lower-case letters, digits, hyphens and underscores with dots between, at most 255 bytes,
    /// not with a hyphen first; a dot before all that makes a domain of it, which has 16 labels at most.
    pub fn new(text: &[u8]) -> Result<Self, NotAName> {
        let labels = text.strip_prefix(b".").unwrap_or(text);
        let (mut after_dot, mut encoded) = (true, Self::EMPTY);
        // Those between labels, and the one of a domain.
        let mut dots = usize::from(text.len() != labels.len());
        if labels.len() > MOST || labels.last() == Some(&b'.') || labels.first() == Some(&b'-') {
            return Err(NotAName);
        }
        for octet in labels {
            if octet.is_ascii_uppercase() || after_dot && *octet == b'.' {
                return Err(NotAName);
            }
            after_dot = *octet == b'.';
            dots = dots.saturating_add(after_dot.into());
        }
        if after_dot || text.len() != labels.len() && dots > DEEPEST {
            return Err(NotAName);
        }
        let mut place = 0_usize;
        for octet in text.iter().rev() {
            let symbol = symbol(*octet).ok_or(NotAName)?;
            if let Some(word) = encoded.words.get_mut(place / IN_WORD) {
                *word = word.wrapping_add(weighed(symbol, place));
            }
            place = place.wrapping_add(1);
        }
        // The end takes a place too.
        encoded.len = (text.len() / IN_WORD).saturating_add(1);
        Ok(encoded)
    }

    /// The first name of several that stand in words one after the other; None where there is none whole.
    pub fn first(mut words: impl Iterator<Item = u32>) -> Option<Self> {
        let mut encoded = Self::EMPTY;
        for place in &mut encoded.words {
            *place = words.next()?;
            encoded.len = encoded.len.saturating_add(1);
            if is_last(*place) {
                return Some(encoded);
            }
        }
        None
    }

    /// Its words.
    pub fn words(&self) -> &[u32] {
        self.words.get(..self.len).unwrap_or(&[])
    }

    /// The text, in `room`.
    pub fn text<'a>(&self, room: &'a mut [u8; MOST + 1]) -> &'a [u8] {
        let mut begin = room.len();
        for place in 0..self.len.saturating_mul(IN_WORD) {
            let word = self.words.get(place / IN_WORD).copied().unwrap_or(0);
            let triple = match place % IN_WORD {
                0..3 => word & 0xffff,
                _ => word >> 16,
            };
            let symbol = match place % 3 {
                0 => triple / (BASE * BASE),
                1 => triple / BASE % BASE,
                _ => triple % BASE,
            };
            let Some(octet) = OCTETS.get(symbol as usize).filter(|_| symbol != 0) else {
                break;
            };
            let Some(before) = begin.checked_sub(1) else {
                break;
            };
            if let Some(to) = room.get_mut(before) {
                *to = *octet;
            }
            begin = before;
        }
        room.get(begin..).unwrap_or(&[])
    }
}
