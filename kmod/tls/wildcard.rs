// SPDX-License-Identifier: GPL-2.0-only
//! Patterns over server names: `*` stands for any bytes, `?` for one. Case and a trailing dot make no difference.
//!
//! What comes before the first `*` and after the last one is compared where it has to be. What is between them is looked
//! for in all places at once: a set of bits says where in the name the pattern can have come to. So a byte of the pattern
//! costs the same few instructions whatever the name is, and no order of stars makes it more.

/// Bytes that a name may have.
const MOST: usize = 255;

/// Where the first star of a pattern is, and the last one, if it has any: found out once, as a name is compared with many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stars(Option<(u8, u8)>);

impl Stars {
    /// Those of a pattern of at most 255 bytes.
    pub fn of(pattern: &[u8]) -> Self {
        let is_star = |byte: &u8| *byte == b'*';
        let first = pattern.iter().position(is_star);
        let last = pattern.iter().rposition(is_star);
        let place = |place: usize| u8::try_from(place).ok();
        Stars(first.and_then(place).zip(last.and_then(place)))
    }

    /// How much the pattern takes of what those of all pins together may take: bytes between its first star and its last.
    pub fn work(self) -> usize {
        self.0
            .map_or(0, |(first, last)| last.saturating_sub(first).into())
    }
}

/// A server name that many patterns are compared with.
pub struct Name {
    /// In lower case, without a dot at its end.
    bytes: [u8; MOST],
    /// None for a name that is longer, which fits no pattern.
    len: Option<u8>,
    /// Made for the first pattern that needs it.
    places: Option<Places>,
}

impl Name {
    /// A name of no more than 255 bytes. A longer one fits no pattern.
    pub fn new(name: &[u8]) -> Self {
        let name = name.strip_suffix(b".").unwrap_or(name);
        let mut bytes = [0; MOST];
        for (to, from) in bytes.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        Self {
            bytes,
            len: u8::try_from(name.len()).ok(),
            places: None,
        }
    }

    /// Whether it fits a pattern of at most 255 bytes with these stars. Takes time in proportion to the sum of their lengths.
    pub fn fits(&mut self, pattern: &[u8], stars: Stars) -> bool {
        let Some(name) = self.len.and_then(|len| self.bytes.get(..len.into())) else {
            return false;
        };
        match compare(pattern, stars, name) {
            Compared::Is(is) => is,
            Compared::Open { from, between, end } => {
                // In place: it is large for a kernel's stack.
                let places = self.places.get_or_insert(Places::NONE);
                places.is_found(name, from, between, end)
            }
        }
    }
}

/// Whether a name fits a pattern with these stars, as [`Name::fits`] says: for one that is asked about once.
pub fn fits_once(pattern: &[u8], stars: Stars, name: &[u8]) -> bool {
    /// Out of line: places are large, and few patterns need them.
    #[inline(never)]
    fn find(name: &[u8], from: usize, between: &[u8], end: usize) -> bool {
        let mut places = Places::NONE;
        places.is_found(name, from, between, end)
    }
    let name = name.strip_suffix(b".").unwrap_or(name);
    match compare(pattern, stars, name) {
        Compared::Is(is) => is,
        Compared::Open { from, between, end } => find(name, from, between, end),
    }
}

/// The same, for a pattern whose stars are not known yet.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    fits_once(pattern, Stars::of(pattern), name)
}

/// What the comparison outside of the stars says.
enum Compared<'a> {
    Is(bool),
    /// The ends fit. The part from the first star to the last has to be found in the name between `from` and `end`.
    Open {
        from: usize,
        between: &'a [u8],
        end: usize,
    },
}

/// Compares a name, without a dot at its end, with a pattern outside of its stars.
fn compare<'a>(pattern: &'a [u8], stars: Stars, name: &[u8]) -> Compared<'a> {
    let pattern = pattern.strip_suffix(b".").unwrap_or(pattern);
    if name.len() > MOST {
        return Compared::Is(false);
    }
    let Some((first, last)) = stars.0 else {
        return Compared::Is(are_same(pattern, name));
    };
    let (first, last) = (usize::from(first), usize::from(last));
    let (before, rest) = pattern.split_at_checked(first).unwrap_or_default();
    let after = pattern.get(last.saturating_add(1)..).unwrap_or_default();
    let between = rest.get(..=last.saturating_sub(first)).unwrap_or_default();
    let Some(end) = name.len().checked_sub(after.len()) else {
        return Compared::Is(false);
    };
    let (Some(head), Some(tail)) = (name.get(..first), name.get(end..)) else {
        return Compared::Is(false);
    };
    if first > end || !are_same(before, head) || !are_same(after, tail) {
        return Compared::Is(false);
    }
    match between {
        // One star, so nothing has to be found.
        [_] => Compared::Is(true),
        _ => Compared::Open {
            from: first,
            between,
            end,
        },
    }
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
    // Sets the highest bit of each byte that differs: no sum reaches the next byte.
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
    // The kernel's patterns are in lower case, and so is a name that is compared with many.
    pattern == bytes || {
        let bytes = lower(bytes);
        let left = differ(pattern, bytes) & differ(pattern, EACH * u64::from(b'?'));
        left == 0 || left & differ(lower(pattern), bytes) == 0
    }
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

    /// Whether `between`, which begins and ends with a star, is found in a name between two places.
    fn is_found(&mut self, name: &[u8], from: usize, between: &[u8], end: usize) -> bool {
        if name.len() != self.of {
            self.fill(name);
        }
        let mut at = Set::from(from);
        for byte in between {
            at = match byte {
                b'*' => at.and_all_after(),
                b'?' => at.and(&self.all).next(),
                byte => match self.each.get(class(*byte)) {
                    Some(places) => at.and(places).next(),
                    None => at.and(&Set::of(name, byte)).next(),
                },
            };
        }
        at.first().is_some_and(|at| at <= end)
    }

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
