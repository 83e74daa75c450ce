// SPDX-License-Identifier: GPL-2.0-only
//! Rules for records while the handshake lasts: each is taken in by its type and by what the handshake says.

use super::cold::Cold;
use super::content_type::Kind;
use super::deframer::Rules;
use super::direction::Direction;
use super::encrypted::Encrypted;
use super::handshake::Handshake;
use super::handshake_batch::SHORT;
use super::inner_type::Verdict;
use super::message::Places;
use super::packet::Payload;
use super::reader::Reader;
use super::record_header::{
    length_fits, RecordHeader, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE,
};
use super::side::Side;
use super::state::{Reason, State};
use super::status::Status;

/// A connection during the handshake, and the packet that is taken in.
pub(super) struct Handshaking<'a> {
    pub(super) status: &'a mut Status,
    /// The sender's direction, and the other.
    pub(super) mine: &'a mut Direction,
    pub(super) theirs: &'a mut Direction,
    pub(super) cold: &'a mut Cold,
    pub(super) handshake: &'a mut Handshake,
    /// The sender, and what its packet acknowledges.
    pub(super) from: Side,
    pub(super) ack: Option<u32>,
    /// Octets that may pass as a TLS 1.3 client's certificate flight.
    pub(super) budget: u32,
}

impl Rules for Handshaking<'_> {
    #[inline(always)]
    fn direction(&mut self) -> &mut Direction {
        self.mine
    }

    /// Short records.
    #[inline]
    fn together<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(u32, Option<RecordHeader>), Reason> {
        let mut taken = 0_u32;
        while !self.are_over() && self.mine.record.header_read() == 0 {
            let at = offset.saturating_add(taken);
            let header = reader.header(at)?;
            let is_short = header.is_some_and(|header| header.len <= SHORT);
            if !self.mine.seen.has_begun() || !is_short {
                return Ok((taken, header));
            }
            let short = self.short_records(reader, at)?;
            if short == 0 {
                return Ok((taken, header));
            }
            taken = taken.saturating_add(short);
        }
        Ok((taken, None))
    }

    #[inline]
    fn are_over(&self) -> bool {
        self.status.progress == State::Established
    }

    /// The first record is left to its octets, as is one that may not come.
    #[inline]
    fn kind_of(&mut self, wire: u8) -> Option<Kind> {
        match !self.mine.seen.has_begun() || self.status.progress == State::New {
            true => None,
            false => self.kind_at_once(wire).ok(),
        }
    }

    fn begins(&mut self, wire: u8) -> Result<(), Reason> {
        let kind = self.kind_at_once(wire)?;
        if self.status.progress == State::New {
            match kind {
                Kind::Handshake => self.status.progress = State::Hello,
                // A server may have nothing else to say.
                Kind::Alert => {}
                _ => return Err(Reason::NotTls),
            }
        }
        if kind != Kind::Unknown {
            self.mine.decide(kind);
        }
        Ok(())
    }

    fn header_ends(&mut self, len: u16) -> Result<(), Reason> {
        let encrypted = self.is_encrypted();
        let direction = &mut *self.mine;
        let record = &direction.record;
        let progress = self.status.progress;
        if !length_fits(record.wire, len, encrypted, self.status.tls13, progress) {
            return Err(Reason::BadHeader);
        }
        if direction.is_sslv2() {
            // Its third octet was the type of a ClientHello.
            self.handshake.sslv2_begins(self.from, record.minor)?;
            direction.decide(Kind::Handshake);
            self.status.progress = State::Hello;
            return Ok(());
        }
        if record.wire == APPLICATION_DATA && progress != State::Established {
            let record = Encrypted {
                from: self.from,
                len,
                end: direction.next().wrapping_add(u32::from(len)),
                ack: self.ack,
            };
            let verdict = self.handshake.inner_types().record(&record, self.budget);
            match (direction.kind(), verdict.kind) {
                (Kind::Unknown, kind) => direction.decide(kind),
                // What was said at the first octet holds for no more than what has come.
                (_, kind) => direction.kind = kind,
            }
            if verdict.kind == Kind::InDoubt {
                self.handshake.add_in_doubt(record.octets());
            }
            self.note_finished(&verdict);
        }
        if len == 0 {
            self.body_taken(0)?;
        }
        Ok(())
    }

    #[inline]
    fn body<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
        wanted: u32,
    ) -> Result<u32, Reason> {
        let from = self.from;
        let kind = self.mine.kind();
        let messages = matches!(kind, Kind::Handshake | Kind::Alert);
        let skippable = match kind {
            Kind::Handshake => self.handshake.skippable(from).min(wanted),
            _ => 0,
        };
        let taken = if !messages || self.is_encrypted() {
            wanted
        } else if skippable > 0 {
            self.handshake.skip(from, skippable);
            skippable
        } else {
            let octets = reader.octets(offset, wanted)?;
            let wanted = octets.len() as u32;
            let at = self.mine.next();
            let taken = match kind {
                Kind::Alert => {
                    self.status.closed |= self.handshake.alerts(from, octets);
                    Ok(())
                }
                _ if self.mine.is_sslv2() => self.handshake.sslv2_octets(octets),
                _ => self.handshake.octets(from, octets, &Places::from(at)),
            };
            if let Err((number, why)) = taken {
                // Those before it are taken in, as if they had come in a segment of their own.
                self.mine.body(self.cold, number as u32);
                self.goes_on(false);
                return Err(why);
            }
            wanted
        };
        self.body_taken(taken)?;
        Ok(taken)
    }
}

impl Handshaking<'_> {
    /// What a record is as far as its first octet tells.
    #[inline]
    fn kind_at_once(&mut self, wire: u8) -> Result<Kind, Reason> {
        match Kind::of_wire(wire).ok_or(Reason::BadHeader)? {
            Kind::ApplicationData if self.status.progress != State::Established => {
                Ok(self.handshake.inner_types().at_once(self.from))
            }
            // Everything after ServerHello is application_data on the wire (RFC 8446 5.2).
            Kind::Handshake if self.status.tls13 => Err(Reason::Malformed),
            // Nor an alert or a ChangeCipherSpec after a Finished (RFC 8446 5, 6).
            Kind::Alert | Kind::ChangeCipherSpec if self.mine.seen.has_finished() => {
                Err(Reason::Malformed)
            }
            kind => Ok(kind),
        }
    }

    /// Which sides have sent their Finished, so that they send nothing in plain text any longer.
    pub(super) fn note_finished(&mut self, verdict: &Verdict) {
        if verdict.is_certain {
            self.mine.seen.set_finished();
        }
        if verdict.is_answer {
            self.theirs.seen.set_finished();
        }
    }

    /// Whether what the sender sends now is encrypted, and messages cannot be read.
    fn is_encrypted(&self) -> bool {
        self.status.progress == State::Established || self.handshake.is_encrypted(self.from)
    }

    /// Octets of a body were taken in.
    fn body_taken(&mut self, octets: u32) -> Result<(), Reason> {
        let direction = &mut *self.mine;
        let complete = direction.body(self.cold, octets);
        if complete && self.status.progress != State::Established {
            let from = self.from;
            let encrypted = self.handshake.is_encrypted(from);
            match direction.record.wire {
                HANDSHAKE if direction.is_sslv2() => self.handshake.sslv2_ends(direction.next())?,
                HANDSHAKE if encrypted => self.handshake.finished(from),
                CHANGE_CIPHER_SPEC => self.handshake.change_cipher_spec(from),
                _ => {}
            }
        }
        self.goes_on(complete);
        Ok(())
    }

    /// Octets were taken in, perhaps the last of a record: how far TLS is now.
    #[inline]
    pub(super) fn goes_on(&mut self, complete: bool) {
        let status = &mut *self.status;
        if status.progress == State::Hello && self.handshake.is_answered() {
            status.progress = State::Handshake;
            status.tls13 = self.handshake.is_tls13();
        }
        if complete && status.progress == State::Handshake && self.handshake.is_complete() {
            status.progress = State::Established;
            self.theirs.decide_open();
        }
    }
}
