// SPDX-License-Identifier: GPL-2.0-only
//! Rules for records after the handshake: they are taken in by their headers alone, as nothing of a body can be read. This
//! is the path that a connection's packets take for most of its life, where the fast path leaves them.

use super::cold::Cold;
use super::content_type::Kind;
use super::deframer::{run, Rules};
use super::direction::Direction;
use super::packet::Payload;
use super::reader::Reader;
use super::record_header::{
    length_fits, RecordHeader, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE,
};
use super::state::{Reason, State};

/// A direction after the handshake.
pub(super) struct Established<'a> {
    direction: &'a mut Direction,
    cold: &'a mut Cold,
    tls13: bool,
    /// Whether there were octets that have to come again as they are.
    pub(super) compared: bool,
}

impl<'a> Established<'a> {
    /// Nothing of a payload taken in yet.
    #[inline]
    pub(super) fn new(direction: &'a mut Direction, cold: &'a mut Cold, tls13: bool) -> Self {
        Established {
            compared: direction.kind().is_compared(),
            direction,
            cold,
            tls13,
        }
    }
}

/// Whether a record may have that length when all are encrypted.
#[inline]
fn fits(wire: u8, len: u16, tls13: bool) -> bool {
    length_fits(wire, len, true, tls13, State::Established)
}

/// Whether a record of that type may come: in TLS 1.3 no handshake record after ServerHello (RFC 8446 5.2), no alert or
/// ChangeCipherSpec after the sender's Finished (RFC 8446 5, 6).
#[inline]
fn may_come(wire: u8, tls13: bool, finished: bool) -> bool {
    match wire {
        HANDSHAKE => !tls13,
        ALERT | CHANGE_CIPHER_SPEC => !finished,
        _ => true,
    }
}

impl Rules for Established<'_> {
    #[inline(always)]
    fn direction(&mut self) -> &mut Direction {
        self.direction
    }

    #[inline]
    fn together<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(u32, Option<RecordHeader>), Reason> {
        let tls13 = self.tls13;
        let finished = self.direction.seen.has_finished();
        let kind_of = |wire, len| match fits(wire, len, tls13) && may_come(wire, tls13, finished) {
            true => Kind::of_wire(wire),
            false => None,
        };
        let run = run(self.direction, self.cold, reader, offset, kind_of)?;
        self.compared |= run.compared;
        Ok((run.octets, None))
    }

    /// Those that may come have been taken in together.
    fn kind_of(&mut self, _wire: u8) -> Option<Kind> {
        None
    }

    #[cold]
    fn begins(&mut self, wire: u8) -> Result<(), Reason> {
        let kind = Kind::of_wire(wire).ok_or(Reason::BadHeader)?;
        if !may_come(wire, self.tls13, self.direction.seen.has_finished()) {
            return Err(Reason::Malformed);
        }
        self.direction.decide(kind);
        self.compared |= wire != APPLICATION_DATA;
        Ok(())
    }

    #[cold]
    fn header_ends(&mut self, len: u16) -> Result<(), Reason> {
        if !fits(self.direction.record.wire, len, self.tls13) {
            return Err(Reason::BadHeader);
        }
        if len == 0 {
            self.direction.body(self.cold, 0);
        }
        Ok(())
    }

    #[inline]
    fn body<P: Payload>(
        &mut self,
        _reader: &mut Reader<'_, P>,
        _offset: u32,
        wanted: u32,
    ) -> Result<u32, Reason> {
        self.direction.body(self.cold, wanted);
        Ok(wanted)
    }
}
