// SPDX-License-Identifier: GPL-2.0-only
//! Bytes of a direction that have to come again as they came first, until they are acknowledged: records' headers, and the
//! bodies of every type but application_data. The receiver may have taken others than those that were read here.
//!
//! They are kept as they are, in pieces of memory that the caller gives, one after the other by their place in the stream.
//! What is no more than [`MOST`] before the last of them is there, or nothing is known to be: then `from` says so.

use super::sequence::before;
use super::types::Payload;
use crate::Held;

/// Bytes that a piece has room for. With what links it, it has 1 KiB.
const PIECE: u32 = 1024 - size_of::<Option<Held<Piece>>>() as u32;
/// Bytes of a direction that are kept at least, if there is memory.
const MOST: u32 = 64 * 1024;

/// Room for bytes that lie side by side.
#[cfg_attr(not(MODULE), derive(Clone))]
#[derive(Debug)]
pub struct Piece {
    /// The one after it. Whoever gives a piece has nothing in here.
    pub(crate) next: Option<Held<Piece>>,
    bytes: [u8; PIECE as usize],
}

#[cfg(not(MODULE))]
impl Piece {
    /// With room.
    pub const fn new() -> Self {
        Piece {
            next: None,
            bytes: [0; PIECE as usize],
        }
    }
}

#[cfg(not(MODULE))]
impl Default for Piece {
    fn default() -> Self {
        Self::new()
    }
}

/// Who has memory. Of one type for each caller: what keeps is compiled once for each.
pub(super) trait Memory {
    /// A piece; none where there is none.
    fn piece(&mut self) -> Option<Held<Piece>>;
}

/// What is kept of a direction.
#[cfg_attr(not(MODULE), derive(Clone))]
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    /// The first piece.
    first: Option<Held<Piece>>,
    /// Pieces that there are.
    pieces: u8,
    /// The place in the stream of the first piece's first byte.
    base: u32,
    /// From where on bytes that have to be compared are kept, up to `end`. The same where nothing is.
    from: u32,
    end: u32,
}

impl Outstanding {
    /// Pieces of memory that it holds.
    pub(super) fn pieces(&self) -> u32 {
        self.pieces.into()
    }

    /// Whether bytes are kept from `at` to `end`.
    pub(super) fn reaches(&self, at: u32, end: u32) -> bool {
        self.from != self.end && !before(at, self.from) && !before(self.end, end)
    }

    /// Whether something is kept that is not acknowledged.
    pub(super) fn has_outstanding(&self, acked: u32) -> bool {
        self.from != self.end && before(acked, self.end)
    }

    /// Bytes up to `acked` are not needed any longer. To be said as the stream goes on, so that none of them are taken for
    /// others when the numbers wrap.
    #[inline]
    pub(super) fn forget(&mut self, acked: u32) {
        if self.from != self.end && before(self.from, acked) {
            self.give_back(acked);
        }
    }

    #[cold]
    fn give_back(&mut self, acked: u32) {
        if !before(acked, self.end) {
            self.clear(acked);
            return;
        }
        self.from = acked;
        while acked.wrapping_sub(self.base) >= PIECE {
            let Some(mut gone) = self.first.take() else {
                self.base = acked;
                return;
            };
            self.first = gone.next.take();
            self.pieces = self.pieces.saturating_sub(1);
            self.base = self.base.wrapping_add(PIECE);
        }
    }

    /// Gives all memory back: nothing before `at` is known any longer.
    pub(super) fn clear(&mut self, at: u32) {
        let mut next = self.first.take();
        // One by one: dropping the first would drop the others within it.
        while let Some(mut piece) = next {
            next = piece.next.take();
        }
        self.pieces = 0;
        (self.base, self.from, self.end) = (at, at, at);
    }

    /// Keeps bytes of a payload that come after all others: those from `at` on, from its `offset` on. Where there is no
    /// memory for them, or no room, nothing before them is known.
    pub(super) fn keep<M: Memory, P: Payload>(
        &mut self,
        memory: &mut M,
        payload: &P,
        at: u32,
        offset: u32,
        len: u32,
    ) {
        let end = at.wrapping_add(len);
        let oldest = end.wrapping_sub(MOST);
        let skipped = len.saturating_sub(MOST);
        if self.from == self.end || skipped > 0 || !before(oldest, self.end) {
            self.clear(at.wrapping_add(skipped));
        } else if before(self.from, oldest) {
            self.give_back(oldest);
        }
        let mut kept = skipped;
        while kept < len {
            let place = at.wrapping_add(kept).wrapping_sub(self.base);
            let Some(room) = self.room(memory, place / PIECE) else {
                return self.clear(end);
            };
            let room = room.get_mut((place % PIECE) as usize..).unwrap_or_default();
            let count = len.wrapping_sub(kept).min(room.len() as u32);
            let Some(to) = room.get_mut(..count as usize).filter(|to| !to.is_empty()) else {
                return self.clear(end);
            };
            if !payload.read(offset.saturating_add(kept), to) {
                return self.clear(end);
            }
            kept = kept.saturating_add(count);
        }
        self.end = end;
    }

    /// How many bytes from `at` on can be kept with what is kept now.
    pub(super) fn room_after(&self, at: u32) -> u32 {
        match self.from == self.end {
            true => MOST,
            false => MOST.saturating_sub(at.wrapping_sub(self.from)),
        }
    }

    /// Of what was kept last, only bytes before `end` are needed.
    pub(super) fn cut(&mut self, end: u32) {
        if !before(self.from, end) {
            return self.clear(end);
        }
        if !before(end, self.end) {
            return;
        }
        self.end = end;
        let pieces = end.wrapping_sub(self.base).div_ceil(PIECE);
        let mut place = &mut self.first;
        for _ in 0..pieces {
            match place {
                Some(piece) => place = &mut piece.next,
                None => return,
            }
        }
        let mut gone = place.take();
        while let Some(mut piece) = gone {
            gone = piece.next.take();
            self.pieces = self.pieces.saturating_sub(1);
        }
    }

    /// Copies kept bytes from `at` on; false where not all of them are kept.
    pub(super) fn read(&self, mut at: u32, mut to: &mut [u8]) -> bool {
        let Ok(len) = u32::try_from(to.len()) else {
            return false;
        };
        if !self.reaches(at, at.wrapping_add(len)) {
            return false;
        }
        while !to.is_empty() {
            let from = self.bytes(at);
            let count = from.len().min(to.len());
            let Some((now, later)) = core::mem::take(&mut to).split_at_mut_checked(count) else {
                return false;
            };
            let Some(from) = from.get(..count).filter(|from| !from.is_empty()) else {
                return false;
            };
            now.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            (at, to) = (at.wrapping_add(count as u32), later);
        }
        true
    }

    /// A piece's bytes, by its number; made now if there is none.
    fn room<M: Memory>(&mut self, memory: &mut M, number: u32) -> Option<&mut [u8]> {
        let mut place = &mut self.first;
        let mut left = number;
        loop {
            if place.is_none() {
                *place = Some(memory.piece()?);
                self.pieces = self.pieces.saturating_add(1);
            }
            let piece = place.as_mut()?;
            if left == 0 {
                return Some(&mut piece.bytes);
            }
            left = left.saturating_sub(1);
            place = &mut piece.next;
        }
    }

    /// Bytes from `at` on that lie in one piece, none if they are not kept.
    pub(super) fn slice(&self, at: u32) -> &[u8] {
        if !self.reaches(at, at) {
            return &[];
        }
        let bytes = self.bytes(at);
        let left = self.end.wrapping_sub(at) as usize;
        bytes.get(..left).unwrap_or(bytes)
    }

    /// Outstanding bytes from `at` on, as many as lie in a piece.
    pub(super) fn bytes(&self, at: u32) -> &[u8] {
        let place = at.wrapping_sub(self.base);
        let mut piece = self.first.as_deref();
        for _ in 0..place / PIECE {
            piece = piece.and_then(|piece| piece.next.as_deref());
        }
        let bytes = piece.and_then(|piece| piece.bytes.get((place % PIECE) as usize..));
        bytes.unwrap_or_default()
    }
}
