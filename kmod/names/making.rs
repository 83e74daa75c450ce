// SPDX-License-Identifier: GPL-2.0-only
//! How a table is made.

use super::{
    encoding::Encoded,
    hash::bucket,
    table::{find_in, hash_of, Table, Word},
};
use core::ops::{Deref, DerefMut};

/// Names that a table is made of, some of them more than once perhaps.
pub trait Source {
    /// Hands over each of them, the same ones each time.
    fn each(&self, to: &mut dyn FnMut(&Encoded));
}

impl<S, W, A> Table<S, W>
where
    S: DerefMut<Target = [u32]>,
    W: DerefMut<Target = [A]>,
    A: Word,
{
    /// A table of these names, each once. `starts` has room for as many as there are and one more, `words` for each one's words
    /// and one more; all zeros. `key`: random. Goes through the names twice, and takes time in proportion to them; `pause` is
    /// called every now and then. None: the rooms are too small.
    pub fn build(
        key: [u64; 2],
        starts: S,
        words: W,
        names: &dyn Source,
        mut pause: impl FnMut(),
    ) -> Option<Self> {
        let mut table = Self {
            key,
            starts,
            words,
            len: 0,
        };
        let mut pauses = Pauses::new(&mut pause);
        let buckets = table.buckets();
        // How many words each bucket takes, then where it ends, then where it begins.
        let mut fits = true;
        names.each(&mut |name| {
            pauses.one_more();
            let bucket = bucket(hash_of(key, name.words()), buckets);
            match table.starts.get_mut(bucket) {
                Some(start) => *start = start.wrapping_add(taken(name)),
                None => fits = false,
            }
        });
        let mut end = 0_u32;
        for start in table.starts.iter_mut() {
            pauses.one_more();
            end = end.checked_add(*start)?;
            *start = end;
        }
        if !fits || end as usize > table.words.len() {
            return None;
        }
        names.each(&mut |name| {
            pauses.one_more();
            let bucket = bucket(hash_of(key, name.words()), buckets);
            fits = fits && table.put(bucket, name).is_some();
        });
        table.leave_each_once(&mut pauses);
        fits.then_some(table)
    }

    /// Puts a name before what is in its bucket.
    fn put(&mut self, bucket: usize, name: &Encoded) -> Option<()> {
        let start = self.starts.get_mut(bucket)?;
        *start = start.checked_sub(taken(name))?;
        let to = self.words.get_mut(*start as usize..)?.get_mut(1..)?;
        for (to, from) in to
            .get_mut(..name.words().len())?
            .iter_mut()
            .zip(name.words())
        {
            to.set(*from);
        }
        Some(())
    }

    /// Takes out what is there more than once, and moves the rest together.
    fn leave_each_once(&mut self, pauses: &mut Pauses<'_>) {
        let mut to = 0_usize;
        for bucket in 0..self.buckets() {
            pauses.one_more();
            let begin = to;
            let ends = [bucket, bucket.saturating_add(1)];
            let [Some(mut from), Some(end)] = ends.map(|at| self.starts.get(at).copied()) else {
                return;
            };
            while from < end {
                let Some(name) = self.name_before(from, end) else {
                    return;
                };
                let there = self.words.get(begin..to).unwrap_or(&[]);
                let word = |at: usize| name.words().get(at).copied().unwrap_or(0);
                if find_in(there, word).is_none() {
                    to = self.write(to, &name);
                    self.len = self.len.saturating_add(1);
                }
                from = from.saturating_add(taken(&name));
            }
            if let Some(start) = self.starts.get_mut(bucket) {
                *start = begin as u32;
            }
        }
        if let Some(end) = self.starts.last_mut() {
            *end = to as u32;
        }
    }

    /// A name that stands before an end.
    fn name_before(&self, place: u32, end: u32) -> Option<Encoded> {
        let words = self.words.get(place as usize..end as usize)?.get(1..)?;
        Encoded::first(words.iter().map(Word::get))
    }

    /// Writes a name with no hits, and gives the place after it.
    fn write(&mut self, at: usize, name: &Encoded) -> usize {
        let words = [0].into_iter().chain(name.words().iter().copied());
        let mut next = at;
        for (to, word) in self
            .words
            .get_mut(at..)
            .unwrap_or_default()
            .iter_mut()
            .zip(words)
        {
            to.set(word);
            next = next.wrapping_add(1);
        }
        next
    }
}

/// What was counted in another table goes on to be counted in this one, where it has the name: once nobody counts in the
/// other any longer.
impl<S, W, A> Table<S, W>
where
    S: Deref<Target = [u32]>,
    W: Deref<Target = [A]>,
    A: Word,
{
    /// Takes the other one's hits over.
    pub fn take_hits(&self, other: &Self, mut pause: impl FnMut()) {
        let mut pauses = Pauses::new(&mut pause);
        let mut at = 0;
        while let Some((place, name, next)) = other.at(at) {
            pauses.one_more();
            let hits = other.hits(place);
            if hits != 0 {
                if let Some(here) = self.place(&name) {
                    self.count(here, hits);
                }
            }
            at = next;
        }
    }
}

/// A table's names.
impl<S, W, A> Source for Table<S, W>
where
    S: Deref<Target = [u32]>,
    W: Deref<Target = [A]>,
    A: Word,
{
    fn each(&self, to: &mut dyn FnMut(&Encoded)) {
        let mut at = 0;
        while let Some((_, name, next)) = self.at(at) {
            to(&name);
            at = next;
        }
    }
}

/// Words that a name takes, with its hits.
fn taken(name: &Encoded) -> u32 {
    (name.words().len() as u32).saturating_add(1)
}

/// Calls for a pause once for many.
struct Pauses<'a> {
    pause: &'a mut dyn FnMut(),
    since: u32,
}

impl<'a> Pauses<'a> {
    fn new(pause: &'a mut dyn FnMut()) -> Self {
        Self { pause, since: 0 }
    }

    fn one_more(&mut self) {
        self.since = self.since.wrapping_add(1);
        if self.since % 1024 == 0 {
            (self.pause)();
        }
    }
}
