// SPDX-License-Identifier: GPL-2.0-only
//! The table: buckets of names that stand one after the other, each with its hits before it.

use super::{
    encoding::{is_last, symbol, weighed, Encoded, DEEPEST, DOT, IN_WORD, MOST, WORDS},
    hash::{bucket, Hash},
};
use core::ops::Deref;

/// A word of the table, which one processor may count in while others read it.
pub trait Word {
    /// Its value.
    fn get(&self) -> u32;
    /// Gives it another, while nobody else has it.
    fn set(&mut self, value: u32);
    /// Adds to it, at once.
    fn add(&self, number: u32);
}

/// Where a name stands in a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(pub(super) u32);

/// Hits are not counted beyond this. Each processor may add one more, and none reaches 0 again.
const HITS: u32 = 0xffff_0000;

/// Names that are looked up, in memory of the caller's: `starts` has the place of each bucket's first name, and one after the
/// last; `words` the names, bucket by bucket.
pub struct Table<S, W> {
    pub(super) key: [u64; 2],
    pub(super) starts: S,
    pub(super) words: W,
    pub(super) len: u32,
}

/// A name that is read from its end to its beginning.
struct Reading {
    hash: Hash,
    /// The words that are full.
    words: [u32; WORDS],
    /// What has been read of the next one.
    part: u32,
    read: usize,
}

impl Reading {
    fn new(key: [u64; 2]) -> Self {
        Self {
            hash: Hash::new(key),
            words: [0; WORDS],
            part: 0,
            read: 0,
        }
    }

    #[inline]
    fn push(&mut self, symbol: u8) {
        self.part = self.part.wrapping_add(weighed(symbol, self.read));
        let at = self.read / IN_WORD;
        self.read = self.read.wrapping_add(1);
        if self.read % IN_WORD == 0 {
            if let Some(word) = self.words.get_mut(at) {
                *word = self.part;
            }
            self.hash.add(self.part);
            self.part = 0;
        }
    }

    /// The word at a place of what has been read with an end after it.
    #[inline]
    fn word(&self, at: usize) -> u32 {
        match at == self.read / IN_WORD {
            true => self.part,
            false => self.words.get(at).copied().unwrap_or(0),
        }
    }
}

impl<S, W, A> Table<S, W>
where
    S: Deref<Target = [u32]>,
    W: Deref<Target = [A]>,
    A: Word,
{
    /// How many names it has.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of its memory.
    pub fn octets(&self) -> u64 {
        let words = self.starts.len().saturating_add(self.words.len());
        (words as u64).saturating_mul(size_of::<u32>() as u64)
    }

    /// What a table of its own tells it apart from others by.
    pub fn key(&self) -> u64 {
        let [first, _] = self.key;
        first
    }

    /// The name that a host is in the set by: itself, else the smallest of its domains. Case and a dot at the end make no
    /// difference. Takes time in proportion to its bytes, and looks into one bucket for each of its last 16 labels, and two more.
    pub fn find(&self, host: &[u8]) -> Option<Place> {
        let host = host.strip_suffix(b".").unwrap_or(host);
        if host.is_empty() || host.len() > MOST {
            return None;
        }
        let mut reading = Reading::new(self.key);
        let (mut domain, mut labels) = (None, 0_usize);
        for octet in host.iter().rev() {
            // Names have no such character, but a host in a domain may.
            let Some(symbol) = symbol(*octet) else {
                return domain;
            };
            reading.push(symbol);
            if symbol == DOT && labels < DEEPEST {
                labels = labels.wrapping_add(1);
                domain = self.place_of(&reading).or(domain);
            }
        }
        let itself = self.place_of(&reading);
        reading.push(DOT);
        itself.or_else(|| self.place_of(&reading)).or(domain)
    }

    /// Where a name of the set itself stands.
    pub fn place(&self, name: &Encoded) -> Option<Place> {
        let bucket = bucket(hash_of(self.key, name.words()), self.buckets());
        self.in_bucket(bucket, |at| name.words().get(at).copied().unwrap_or(0))
    }

    /// How often it was counted.
    pub fn hits(&self, place: Place) -> u32 {
        self.words.get(place.0 as usize).map_or(0, Word::get)
    }

    /// Counts it so many times.
    pub fn count(&self, place: Place, hits: u32) {
        if let Some(word) = self.words.get(place.0 as usize) {
            let room = HITS.saturating_sub(word.get());
            word.add(hits.min(room));
        }
    }

    /// The name at a place of the set.
    pub fn name(&self, place: Place) -> Option<Encoded> {
        self.at(place.0).map(|(_, name, _)| name)
    }

    /// The name at a place, or at the first for 0, and the place after it. None: that is the end.
    pub fn at(&self, place: u32) -> Option<(Place, Encoded, u32)> {
        if place >= self.starts.last().copied().unwrap_or(0) {
            return None;
        }
        let words = self.words.get(place as usize..)?.get(1..)?;
        let name = Encoded::first(words.iter().map(Word::get))?;
        let next = place
            .saturating_add(1)
            .saturating_add(name.words().len() as u32);
        Some((Place(place), name, next))
    }

    pub(super) fn buckets(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Where what has been read stands.
    fn place_of(&self, reading: &Reading) -> Option<Place> {
        let bucket = bucket(reading.hash.end(reading.part), self.buckets());
        self.in_bucket(bucket, |at| reading.word(at))
    }

    /// The name in a bucket that has these words.
    #[inline]
    fn in_bucket(&self, bucket: usize, wanted: impl Fn(usize) -> u32) -> Option<Place> {
        let begin = *self.starts.get(bucket)?;
        let end = *self.starts.get(bucket.checked_add(1)?)?;
        let words = self.words.get(begin as usize..end as usize)?;
        find_in(words, wanted).map(|at| Place(begin.saturating_add(at as u32)))
    }
}

/// Where a name stands among names with their hits. Most that are passed over differ in their first word: of those only the
/// end is looked for.
#[inline]
pub(super) fn find_in<A: Word>(words: &[A], wanted: impl Fn(usize) -> u32) -> Option<usize> {
    let mut words = words.iter();
    let mut begin = 0_usize;
    loop {
        words.next()?;
        let (mut at, mut is_same) = (0_usize, true);
        loop {
            let word = words.next()?.get();
            is_same = is_same && word == wanted(at);
            at = at.wrapping_add(1);
            if is_last(word) {
                break;
            }
        }
        if is_same {
            return Some(begin);
        }
        begin = begin.wrapping_add(at).wrapping_add(1);
    }
}

/// The hash of a whole name.
pub(super) fn hash_of(key: [u64; 2], words: &[u32]) -> u64 {
    let mut hash = Hash::new(key);
    let (last, before) = words.split_last().unwrap_or((&0, &[]));
    before.iter().for_each(|word| hash.add(*word));
    hash.end(*last)
}
