// SPDX-License-Identifier: GPL-2.0-only
//! Patterns over server names: `*` stands for any bytes, `?` for one. Case and a trailing dot make no difference.
//!
//! What comes before the first `*` and after the last one is compared where it has to be. What is between them is looked
//! for in all places at once: a set of bits says where in the name the pattern can have come to. So a byte of the pattern
//! costs the same few instructions whatever the name is, and no order of stars makes it more.

/// Bytes that a name may have.
const MOST: usize = 255;

/// A server name that patterns are compared with.
pub struct Name<'a> {
    name: &'a [u8],
    /// Made for the first pattern that needs it.
    places: Option<Places>,
}

impl<'a> Name<'a> {
    /// A name of no more than 255 bytes. A longer one fits no pattern.
    pub fn new(name: &'a [u8]) -> Self {
        Self {
            name: name.strip_suffix(b".").unwrap_or(name),
            places: None,
        }
    }

    /// Whether it fits a pattern. Takes time in proportion to the sum of their lengths.
    pub fn fits(&mut self, pattern: &[u8]) -> bool {
        let pattern = pattern.strip_suffix(b".").unwrap_or(pattern);
        let is_star = |byte: &u8| *byte == b'*';
        let Some(first) = pattern.iter().position(is_star) else {
            return are_same(pattern, self.name);
        };
        let last = pattern.iter().rposition(is_star).unwrap_or(first);
        let (before, rest) = pattern.split_at_checked(first).unwrap_or_default();
        let after = pattern.get(last.saturating_add(1)..).unwrap_or_default();
        // From the first star to the last.
        let between = rest.get(..=last.saturating_sub(first)).unwrap_or_default();
        let Some(end) = self.name.len().checked_sub(after.len()) else {
            return false;
        };
        let (Some(head), Some(tail)) = (self.name.get(..first), self.name.get(end..)) else {
            return false;
        };
        if self.name.len() > MOST
            || first > end
            || !are_same(before, head)
            || !are_same(after, tail)
        {
            return false;
        }
        // One star, so nothing has to be looked for.
        between.len() == 1 || self.first_end(first, between).is_some_and(|at| at <= end)
    }

    /// Where what begins with a star and ends with one is over first, if it begins at `from`.
    fn first_end(&mut self, from: usize, pattern: &[u8]) -> Option<usize> {
        let name = self.name;
        // In place: it is large for a kernel's stack.
        let places = self.places.get_or_insert(Places::NONE);
        if name.len() != places.of {
            places.fill(name);
        }
        let mut at = Set::from(from);
        for byte in pattern {
            at = match byte {
                b'*' => at.and_all_after(),
                b'?' => at.and(&places.all).next(),
                byte => match places.each.get(class(*byte)) {
                    Some(places) => at.and(places).next(),
                    None => at.and(&Set::of(name, byte)).next(),
                },
            };
        }
        at.first()
    }
}

/// Whether a name fits a pattern: for one that is asked about once. Takes time in proportion to the sum of their lengths.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    Name::new(name).fits(pattern)
}

/// Whether a pattern without stars is this.
fn are_same(pattern: &[u8], bytes: &[u8]) -> bool {
    if pattern.len() != bytes.len() {
        return false;
    }
    let (mut left, mut right) = (pattern.chunks_exact(8), bytes.chunks_exact(8));
    left.by_ref()
        .zip(right.by_ref())
        .all(|(a, b)| is_same_word(a, b))
        && is_same_word(left.remainder(), right.remainder())
}

/// Eight bytes at most, all at once.
#[inline]
fn is_same_word(pattern: &[u8], bytes: &[u8]) -> bool {
    const EACH: u64 = u64::MAX / 0xff;
    const LOW: u64 = EACH * 0x7f;
    let word = |bytes: &[u8]| match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes
            .iter()
            .fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    };
    // Sets the highest bit of each byte that is not 0: no sum reaches the next byte.
    let differ = |a: u64, b: u64| {
        let differs = a ^ b;
        ((differs & LOW).wrapping_add(LOW) | differs) & !LOW
    };
    let lower = |word: u64| {
        let from_a = (word & LOW).wrapping_add(EACH * (0x80 - u64::from(b'A')));
        let after_z = (word & LOW).wrapping_add(EACH * (0x7f - u64::from(b'Z')));
        word | ((from_a & !after_z & !word & !LOW) >> 2)
    };
    let (pattern, bytes) = (word(pattern), word(bytes));
    differ(lower(pattern), lower(bytes)) & differ(pattern, EACH * u64::from(b'?')) == 0
}

/// How much a pattern takes of what those of all pins together may take: bytes between its first star and its last.
pub fn work(pattern: &[u8]) -> usize {
    let is_star = |byte: &u8| *byte == b'*';
    let (first, last) = (
        pattern.iter().position(is_star),
        pattern.iter().rposition(is_star),
    );
    last.zip(first)
        .map_or(0, |(last, first)| last.saturating_sub(first))
}

/// Characters that host names are made of.
const CLASSES: usize = 39;

/// Which of them it is; another number for all others.
fn class(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => byte.wrapping_sub(b'a').into(),
        b'A'..=b'Z' => byte.wrapping_sub(b'A').into(),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(26).into(),
        b'-' => 36,
        b'.' => 37,
        b'_' => 38,
        _ => CLASSES,
    }
}

/// Where the characters of a name stand.
struct Places {
    /// Bytes of the name.
    of: usize,
    all: Set,
    each: [Set; CLASSES],
}

impl Places {
    /// Of a name without bytes.
    const NONE: Places = Places {
        of: 0,
        all: Set::EMPTY,
        each: [Set::EMPTY; CLASSES],
    };

    fn fill(&mut self, name: &[u8]) {
        for (place, byte) in name.iter().enumerate() {
            self.all.insert(place);
            if let Some(of) = self.each.get_mut(class(*byte)) {
                of.insert(place);
            }
        }
        self.of = name.len();
    }
}

/// Places in a name, from before its first byte to after its last.
#[derive(Clone, Copy)]
struct Set([u64; 4]);

impl Set {
    const EMPTY: Set = Set([0; 4]);

    /// All places from one on.
    fn from(place: usize) -> Self {
        Set([0, 64, 128, 192].map(|first: usize| {
            let gone = place.saturating_sub(first);
            u64::MAX.checked_shl(gone as u32).unwrap_or(0)
        }))
    }

    /// Where a byte stands that no host name has.
    #[cold]
    fn of(name: &[u8], wanted: &u8) -> Self {
        let mut set = Self::EMPTY;
        let all = name.iter().enumerate();
        let places = all.filter(|(_, byte)| *byte == wanted);
        places.for_each(|(place, _)| set.insert(place));
        set
    }

    /// With all places after the first one.
    #[inline]
    fn and_all_after(self) -> Set {
        let mut has = false;
        Set(self.0.map(|word| {
            let all = if has {
                u64::MAX
            } else {
                word | word.wrapping_neg()
            };
            has |= word != 0;
            all
        }))
    }

    fn insert(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1_u64 << (place % 64);
        }
    }

    /// The first one.
    fn first(&self) -> Option<usize> {
        let (at, word) = self.0.iter().enumerate().find(|(_, word)| **word != 0)?;
        Some(
            at.saturating_mul(64)
                .saturating_add(word.trailing_zeros() as usize),
        )
    }

    #[inline]
    fn and(self, other: &Set) -> Set {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Set([a & e, b & f, c & g, d & h])
    }

    /// Each place one further. The last one has none after it.
    #[inline]
    fn next(self) -> Set {
        let [a, b, c, d] = self.0;
        Set([
            a << 1,
            (b << 1) | (a >> 63),
            (c << 1) | (b >> 63),
            (d << 1) | (c >> 63),
        ])
    }
}
