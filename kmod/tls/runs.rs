// SPDX-License-Identifier: GPL-2.0-only
//! What bytes that come one after the other belong to, before it is put into the history as a whole: of very many short
//! runs the history would forget most at once.

use super::record_header::CHANGE_CIPHER_SPEC;
use super::sequence::{History, Kind};

/// The last runs that are kept; the history keeps fewer.
const LAST: usize = 8;

/// Runs of bytes without gaps, from the first of some bytes on.
pub(super) struct Runs {
    /// Where the last ones start, each in the place of its number.
    starts: [u16; LAST],
    /// What they are, four bits each, newest lowest.
    kinds: u32,
    number: u32,
    /// Bytes of those that have ended which [pass](Kind::passes).
    passed: u32,
}

impl Default for Runs {
    fn default() -> Self {
        Runs {
            starts: [0; LAST],
            passed: 0,
            // No kind's.
            kinds: 0xf,
            number: 0,
        }
    }
}

impl Runs {
    /// The bytes from `at` on, of no more than 64 KiB, are of that kind.
    #[inline(always)]
    pub(super) fn push(&mut self, at: usize, kind: Kind) {
        if self.kinds & 0xf == kind as u32 {
            return;
        }
        self.end(at as u16);
        if let Some(start) = self.starts.get_mut(self.number as usize % LAST) {
            *start = at as u16;
        }
        self.kinds = (self.kinds << 4) | kind as u32;
        self.number = self.number.wrapping_add(1);
    }

    /// The last run ends there.
    fn end(&mut self, at: u16) {
        if Kind::of(self.kinds).passes() {
            let len = at.wrapping_sub(self.start(self.number.wrapping_sub(1)));
            self.passed = self.passed.saturating_add(len.into());
        }
    }

    /// Puts them into a history; `len`: bytes of all. Gives how many of them [pass](Kind::passes).
    pub(super) fn put(mut self, history: &mut History, len: usize) -> u32 {
        self.end(len as u16);
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
        self.passed
    }

    fn start(&self, number: u32) -> u16 {
        let start = self.starts.get(number as usize % LAST);
        start.copied().unwrap_or_default()
    }
}

/// Numbers of records by wire type, eight bits each from 20 on: no more than 255 of each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PerWire(u64);

impl PerWire {
    /// Adds a record.
    #[inline(always)]
    pub(super) fn add(&mut self, wire: u8) {
        self.add_many(wire, 1);
    }

    /// Adds so many records of a type, of which there are then no more than 255.
    #[inline(always)]
    pub(super) fn add_many(&mut self, wire: u8, number: u16) {
        let place = u32::from(wire.wrapping_sub(CHANGE_CIPHER_SPEC)).wrapping_mul(8);
        self.0 = self.0.wrapping_add(u64::from(number).wrapping_shl(place));
    }

    /// The types that there are, and how many of each.
    pub(super) fn all(self) -> impl Iterator<Item = (u8, u16)> {
        let numbers = self.0.to_le_bytes().map(u16::from);
        [20, 21, 22, 23, 24]
            .into_iter()
            .zip(numbers)
            .filter(|(_, number)| *number > 0)
    }
}
