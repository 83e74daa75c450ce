// SPDX-License-Identifier: GPL-2.0-only
//! Whole records that lie side by side are taken in together: a packet may have very many, and one by one they take much
//! longer.

use super::cold::Cold;
use super::content_type::Kind;
use super::direction::Direction;
use super::headers::Headers;
use super::history::History;
use super::record_header::{Whole, CHANGE_CIPHER_SPEC};

/// Octets that begin with records, and what was taken of them.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    octets: &'a [u8],
    /// Those after the records that were taken.
    pub(super) rest: &'a [u8],
    /// Those from the last record on that was taken.
    last: &'a [u8],
    /// Records that may still begin in the packet.
    pub(super) left: u16,
    headers: Headers,
    runs: Runs,
    counts: PerWire,
}

impl<'a> Batch<'a> {
    /// Nothing taken yet of these octets, which come next in a direction.
    #[inline(always)]
    pub(super) fn new(direction: &Direction, octets: &'a [u8], left: u16) -> Self {
        Batch {
            octets,
            rest: octets,
            last: &[],
            left,
            headers: direction.headers,
            runs: Runs::default(),
            counts: PerWire::default(),
        }
    }

    /// The record that comes next; none if it is not whole, has not the usual form, or is one too many.
    #[inline(always)]
    pub(super) fn next(&self) -> Option<Whole<'a>> {
        match self.left {
            0 => None,
            _ => Whole::first(self.rest),
        }
    }

    /// Takes it in: what it is, and how many records it counts as.
    #[inline(always)]
    pub(super) fn take(&mut self, record: &Whole<'a>, kind: Kind, counts_as: u16) {
        self.runs.push(self.taken(), kind);
        self.counts.add(record.header.wire);
        self.headers.push(record.header);
        self.left = self.left.saturating_sub(counts_as);
        (self.last, self.rest) = (self.rest, record.after);
    }

    /// Octets that were taken.
    #[inline(always)]
    pub(super) fn taken(&self) -> usize {
        self.octets.len().wrapping_sub(self.rest.len())
    }

    /// Puts what was taken into the direction.
    #[inline(always)]
    pub(super) fn put(self, direction: &mut Direction, cold: &mut Cold) {
        for (wire, number) in self.counts.all() {
            direction.count_records(cold, wire, number);
        }
        direction.records_end(self.last);
        direction.headers = self.headers;
        self.runs.put(&mut direction.history, self.taken());
    }
}

/// Octets of a body from which on a record that is kept counts as one more: of as many as a packet may have, its bytes cost as
/// much as its header.
const KEPT: u16 = 20;

/// Whether a record counts as more than itself by its bytes.
#[inline(always)]
pub(super) fn is_more(kind: Kind, len: u16) -> bool {
    len >= KEPT && kind.is_compared()
}

/// How many records one of that kind and length counts as, if nothing else makes it more.
#[inline(always)]
pub(super) fn counts_as(kind: Kind, len: u16) -> u16 {
    u16::from(is_more(kind, len)).wrapping_add(1)
}

/// The last runs that are kept; the history keeps fewer.
const LAST: usize = 8;

/// Runs of octets without gaps, from the first of some octets on. They are put into the history as a whole: of very many
/// short runs it would forget most at once.
#[derive(Clone, Copy)]
struct Runs {
    /// Where the last ones start, each in the place of its number.
    starts: [u16; LAST],
    /// What they are, four bits each, newest lowest.
    kinds: u32,
    number: u32,
}

impl Default for Runs {
    fn default() -> Self {
        Runs {
            starts: [0; LAST],
            // No kind's.
            kinds: 0xf,
            number: 0,
        }
    }
}

impl Runs {
    /// The octets from `at` on, of no more than 64 KiB, are of that kind.
    #[inline(always)]
    fn push(&mut self, at: usize, kind: Kind) {
        if self.kinds & 0xf == kind as u32 {
            return;
        }
        if let Some(start) = self.starts.get_mut(self.number as usize % LAST) {
            *start = at as u16;
        }
        self.kinds = (self.kinds << 4) | kind as u32;
        self.number = self.number.wrapping_add(1);
    }

    /// Puts them into a history; `len`: octets of all.
    fn put(self, history: &mut History, len: usize) {
        let last = self.number.min(LAST as u32);
        let mut at = 0;
        for back in (0..last).rev() {
            let kind = Kind::of(self.kinds.wrapping_shr(back.wrapping_mul(4)));
            let end = match back {
                0 => len as u16,
                back => self.start(self.number.wrapping_sub(back)),
            };
            // Only the last runs are known one by one. What came before them counts to the first: the history keeps
            // fewer, so that it forgets that one at once.
            history.extend(end.wrapping_sub(at).into(), kind);
            at = end;
        }
    }

    fn start(&self, number: u32) -> u16 {
        let start = self.starts.get(number as usize % LAST);
        start.copied().unwrap_or_default()
    }
}

/// Numbers of records by wire type, eight bits each from 20 on: no more than 255 of each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct PerWire(u64);

impl PerWire {
    #[inline(always)]
    fn add(&mut self, wire: u8) {
        let place = u32::from(wire.wrapping_sub(CHANGE_CIPHER_SPEC)).wrapping_mul(8);
        self.0 = self.0.wrapping_add(1_u64.wrapping_shl(place));
    }

    /// The types that there are, and how many of each.
    fn all(self) -> impl Iterator<Item = (u8, u16)> {
        let numbers = self.0.to_le_bytes().map(u16::from);
        [20, 21, 22, 23, 24]
            .into_iter()
            .zip(numbers)
            .filter(|(_, number)| *number > 0)
    }
}
