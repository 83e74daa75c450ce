// SPDX-License-Identifier: GPL-2.0-only
//! A packet's payload as records are read from it: forward, with a bound on how many may begin in it.

use super::outstanding::Outstanding;
use super::record_header::HEADER;
use super::types::{Payload, Reason};

/// Records of one packet that are looked at. With more its direction is lost: one packet must not cost what its sender
/// likes.
pub(super) const RECORDS: u16 = 2048;

/// Bytes that are fetched at a time where records are small: a payload may lie in many pieces, and finding the right one
/// takes longer than copying.
const WINDOW: usize = 258;

/// Bytes that are looked at together at most, where they lie in one piece.
const TOGETHER: u32 = 1024;

/// What has been fetched of a payload, and how many records may still begin in it.
pub(super) struct Reader<'a, P> {
    payload: &'a P,
    /// A copy of it, or of the end of it, and the place in the stream of the payload's first byte.
    copy: Option<(&'a Outstanding, u32)>,
    records: u16,
    /// Where the bytes begin that are at hand, and how many there are: some of the copy, or else those in the window.
    at: u32,
    len: u32,
    of_copy: Option<&'a [u8]>,
    /// Made when it is needed.
    window: Option<[u8; WINDOW]>,
}

impl<'a, P: Payload> Reader<'a, P> {
    /// The most that [`bytes`](Self::bytes) gives at a time.
    pub(super) const MOST: u32 = WINDOW as u32;

    /// Nothing read yet but so many records.
    pub(super) fn new(payload: &'a P, records: u8) -> Self {
        Reader {
            payload,
            copy: None,
            records: RECORDS.saturating_sub(records.into()),
            at: 0,
            len: 0,
            of_copy: None,
            window: None,
        }
    }

    /// One that reads bytes from a copy, as far as it goes, in place of this one. The payload begins at `seq`.
    pub(super) fn of_copy<'b>(&self, copy: &'b Outstanding, seq: u32) -> Reader<'b, P>
    where
        'a: 'b,
    {
        Reader {
            payload: self.payload,
            copy: Some((copy, seq)),
            records: self.records,
            at: 0,
            len: 0,
            of_copy: None,
            window: None,
        }
    }

    /// So many records may still begin, as another one of the payload has come to that.
    pub(super) fn set_records_left(&mut self, records: u16) {
        self.records = records;
    }

    /// Bytes of the payload from `offset` on.
    #[inline]
    pub(super) fn left(&self, offset: u32) -> u32 {
        self.payload.len().saturating_sub(offset)
    }

    /// A header begins, or what may be one.
    #[inline]
    pub(super) fn record_begins(&mut self) -> Result<(), Reason> {
        self.records_begin(1)
    }

    /// How many may still begin.
    #[inline]
    pub(super) fn records_left(&self) -> u16 {
        self.records
    }

    /// So many begin, or what takes as long.
    #[inline]
    pub(super) fn records_begin(&mut self, number: u16) -> Result<(), Reason> {
        self.records = self
            .records
            .checked_sub(number)
            .ok_or(Reason::TooManyRecords)?;
        Ok(())
    }

    /// Bytes from `offset` on, no more than are left: so many, if they lie in one piece, else [`MOST`](Self::MOST) at most.
    #[inline]
    pub(super) fn bytes(&mut self, offset: u32, wanted: u32) -> Result<&[u8], Reason> {
        if let Some(bytes) = self.payload.slice(offset, wanted) {
            return Ok(bytes);
        }
        let least = wanted.min(Self::MOST);
        if !self.has(offset, least) {
            self.fetch(offset, least)?;
        }
        self.at_hand(offset, wanted.min(self.len_at_hand(offset)))
    }

    /// Some bytes from `offset` on: enough for many headers, or all that are left.
    #[inline]
    pub(super) fn some(&mut self, offset: u32) -> Result<&[u8], Reason> {
        let left = self.left(offset);
        for most in [TOGETHER, Self::MOST] {
            if let Some(bytes) = self.payload.slice(offset, left.min(most)) {
                return Ok(bytes);
            }
        }
        let least = left.min(Self::MOST / 2);
        if !self.has(offset, least) {
            self.fetch(offset, least)?;
        }
        self.at_hand(offset, self.len_at_hand(offset))
    }

    /// A whole header at `offset`, if so many bytes are left.
    #[inline]
    pub(super) fn header(&mut self, offset: u32) -> Result<Option<[u8; HEADER as usize]>, Reason> {
        const LEN: u32 = HEADER as u32;
        if self.left(offset) < LEN {
            return Ok(None);
        }
        if self.payload.slice(offset, LEN).is_some() {
            return self.payload.bytes(offset).map(Some).ok_or(Reason::Hole);
        }
        if !self.has(offset, LEN) {
            let is_near = offset.wrapping_sub(self.at) < Self::MOST / 2;
            if !is_near && self.copy.is_none() {
                // The next one will hardly be near either.
                self.at = offset;
                self.len = 0;
                return self.payload.bytes(offset).map(Some).ok_or(Reason::Hole);
            }
            self.fetch(offset, LEN)?;
        }
        let bytes = self.at_hand(offset, LEN)?.first_chunk();
        bytes.copied().map(Some).ok_or(Reason::Hole)
    }

    fn at_hand(&self, offset: u32, len: u32) -> Result<&[u8], Reason> {
        let from = offset.wrapping_sub(self.at) as usize;
        let bytes = match self.of_copy {
            None => self.window.as_ref().map(<[u8; WINDOW]>::as_slice),
            of_copy => of_copy,
        };
        let bytes = bytes.and_then(|bytes| bytes.get(from..)?.get(..len as usize));
        bytes.ok_or(Reason::Hole)
    }

    /// How many bytes from `offset` on are at hand.
    #[inline]
    fn len_at_hand(&self, offset: u32) -> u32 {
        self.len.saturating_sub(offset.wrapping_sub(self.at))
    }

    #[inline]
    fn has(&self, offset: u32, wanted: u32) -> bool {
        let gone = offset.wrapping_sub(self.at);
        gone <= self.len && wanted <= self.len.wrapping_sub(gone)
    }

    /// Has bytes from `offset` on at hand, `least` of them or more.
    fn fetch(&mut self, offset: u32, least: u32) -> Result<(), Reason> {
        let of_copy = self
            .copy
            .map(|(copy, seq)| copy.slice(seq.wrapping_add(offset)))
            .filter(|bytes| bytes.len() >= least as usize);
        self.of_copy = of_copy;
        if let Some(bytes) = of_copy {
            self.at = offset;
            self.len = bytes.len() as u32;
            return Ok(());
        }
        let len = self.left(offset).min(Self::MOST);
        // A payload that is shorter than it said has a hole.
        let window = self.window.get_or_insert([0; WINDOW]);
        let to = window.get_mut(..len as usize).ok_or(Reason::Hole)?;
        let copied = self
            .copy
            .is_some_and(|(copy, seq)| copy.read(seq.wrapping_add(offset), to));
        if !copied && !self.payload.read(offset, to) {
            self.len = 0;
            return Err(Reason::Hole);
        }
        self.at = offset;
        self.len = len;
        Ok(())
    }
}
