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
        self.counts.add(record.wire, 1);
        self.headers.push(record.wire, record.minor, record.len);
        self.left = self.left.saturating_sub(counts_as);
        (self.last, self.rest) = (self.rest, record.after);
    }

    /// The first half of that for several records of one type, which begin at an octet.
    #[inline(always)]
    pub(super) fn note(&mut self, at: usize, kind: Kind, wire: u8, number: u16) {
        self.runs.push(at, kind);
        self.counts.add(wire, number);
    }

    /// And the second half for each of them.
    #[inline(always)]
    pub(super) fn pass(&mut self, record: &Whole<'a>, counts_as: u16) {
        self.headers.push(record.wire, record.minor, record.len);
        self.left = self.left.saturating_sub(counts_as);
        (self.last, self.rest) = (self.rest, record.after);
    }

    /// Octets that were taken.
    #[inline(always)]
    pub(super) fn taken(&self) -> usize {
        self.octets.len().wrapping_sub(self.rest.len())
    }

    /// Whether not all that were taken are of data.
    #[inline]
    pub(super) fn has_others(&self) -> bool {
        self.counts.has_others()
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
const LAST: u32 = 8;

/// Runs of octets without gaps, from the first of some octets on. They are put into the history as a whole: of very many
/// short runs it would forget most at once. Numbers without an index, so that all of a batch may stay in registers.
#[derive(Clone, Copy)]
struct Runs {
    /// Where the last ones start, 16 bits each, newest lowest.
    starts: u128,
    /// What they are, four bits each, newest lowest.
    kinds: u32,
    number: u32,
}

impl Default for Runs {
    fn default() -> Self {
        Runs {
            starts: 0,
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
        self.starts = (self.starts << 16) | u128::from(at as u16);
        self.kinds = (self.kinds << 4) | kind as u32;
        self.number = self.number.wrapping_add(1);
    }

    /// Puts them into a history; `len`: octets of all.
    fn put(self, history: &mut History, len: usize) {
        let last = self.number.min(LAST);
        let mut at = 0;
        for back in (0..last).rev() {
            let kind = Kind::of(self.kinds.wrapping_shr(back.wrapping_mul(4)));
            let end = match back.checked_sub(1) {
                None => len as u16,
                Some(after) => self.starts.wrapping_shr(after.wrapping_mul(16)) as u16,
            };
            // Only the last runs are known one by one. What came before them counts to the first: the history keeps
            // fewer, so that it forgets that one at once.
            history.extend(end.wrapping_sub(at).into(), kind);
            at = end;
        }
    }
}

/// Numbers of records by wire type, eight bits each from 20 on: no more than 255 of each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct PerWire(u64);

impl PerWire {
    #[inline(always)]
    fn add(&mut self, wire: u8, number: u16) {
        let place = u32::from(wire.wrapping_sub(CHANGE_CIPHER_SPEC)).wrapping_mul(8);
        self.0 = self.0.wrapping_add(u64::from(number).wrapping_shl(place));
    }

    /// Whether there are others than of data.
    fn has_others(self) -> bool {
        let [ccs, alert, handshake, _data, heartbeat, ..] = self.0.to_le_bytes();
        ccs | alert | handshake | heartbeat != 0
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
