// SPDX-License-Identifier: GPL-2.0-only
//! Rules for records after the handshake: they are taken in by their headers alone, as nothing of a body can be read. This is
//! the path that a connection's packets take for most of its life, where the fast path leaves them.

use super::cold::ColdState;
use super::deframer::{run, Rules};
use super::direction::Direction;
use super::reader::Reader;
use super::record_header::{
    length_fits, Header, Record, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER,
};
use super::sequence::Kind;
use super::types::{Payload, Reason, State};

/// Whether a record may have that length after the handshake, when all are encrypted.
#[inline]
fn fits(wire: u8, len: u16, tls13: bool) -> bool {
    length_fits(wire, len, true, tls13, State::Established)
}

/// Whether a record of that type may stand after the handshake: in TLS 1.3 no handshake record after ServerHello (RFC 8446
/// 5.2), no alert or ChangeCipherSpec after the sender's Finished (RFC 8446 5, 6).
#[inline]
fn may_stand(wire: u8, tls13: bool, finished: bool) -> bool {
    match wire {
        HANDSHAKE => !tls13,
        ALERT | CHANGE_CIPHER_SPEC => !finished,
        _ => true,
    }
}

/// A direction after the handshake.
pub(super) struct Established<'a> {
    direction: &'a mut Direction,
    cold: &'a mut ColdState,
    tls13: bool,
    /// Whether there were bytes that have to come again as they are.
    pub(super) compared: bool,
}

impl<'a> Established<'a> {
    /// Nothing of a payload was taken in yet.
    #[inline(always)]
    pub(super) fn new(direction: &'a mut Direction, cold: &'a mut ColdState, tls13: bool) -> Self {
        Established {
            compared: direction.kind.is_compared(),
            direction,
            cold,
            tls13,
        }
    }
}

impl<P: Payload> Rules<P> for Established<'_> {
    #[inline(always)]
    fn record(&self) -> &Record {
        &self.direction.record
    }

    #[inline(always)]
    fn together(&mut self, reader: &mut Reader<'_, P>, offset: u32) -> Result<u32, Reason> {
        let tls13 = self.tls13;
        let finished = self.direction.seen.has_finished();
        let kind_of = |wire, len| match fits(wire, len, tls13) && may_stand(wire, tls13, finished) {
            true => Kind::of_wire(wire),
            false => None,
        };
        let run = run(self.direction, self.cold, reader, offset, kind_of)?;
        self.compared |= run.compared;
        Ok(run.bytes)
    }

    #[inline(always)]
    fn header(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
        left: u32,
    ) -> Result<u32, Reason> {
        let missing = self.direction.record.header_left();
        if missing == HEADER {
            reader.record_begins()?;
        }
        let taken = u32::from(missing).min(left);
        for &byte in reader.bytes(offset, taken)? {
            byte_of_header(self.direction, self.cold, self.tls13, byte)?;
        }
        self.compared |= self.direction.record.wire != APPLICATION_DATA;
        Ok(taken)
    }

    #[inline(always)]
    fn body(
        &mut self,
        _reader: &mut Reader<'_, P>,
        _offset: u32,
        wanted: u32,
    ) -> Result<u32, Reason> {
        self.direction.body(self.cold, wanted);
        Ok(wanted)
    }
}

#[cold]
fn byte_of_header(
    direction: &mut Direction,
    cold: &mut ColdState,
    tls13: bool,
    byte: u8,
) -> Result<(), Reason> {
    match direction.header_byte(byte) {
        Header::Part => {}
        Header::Bad => return Err(Reason::BadHeader),
        Header::Type(wire) => {
            let kind = Kind::of_wire(wire).ok_or(Reason::BadHeader)?;
            if !may_stand(wire, tls13, direction.seen.has_finished()) {
                return Err(Reason::Malformed);
            }
            direction.decide(kind);
        }
        Header::Complete(len) => {
            if !fits(direction.record.wire, len, tls13) {
                return Err(Reason::BadHeader);
            }
            if len == 0 {
                direction.body(cold, 0);
            }
        }
    }
    Ok(())
}
