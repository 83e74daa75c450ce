// SPDX-License-Identifier: GPL-2.0-only
//! A connection takes bytes in: record by record, each by its type and by what the handshake says.

use super::connection::Connection;
use super::encrypted::Encrypted;
use super::handshake::Handshake;
use super::inner_types::Verdict;
use super::reader::Reader;
use super::record_header::{
    length_fits, Header, Record, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER,
};
use super::sequence::Kind;
use super::short::{Places, SHORT};
use super::slot::HandshakeSlot;
use super::told::Told;
use super::types::{Config, Payload, Reason, Segment, Side, State};

impl Connection {
    /// Takes a payload in from `offset` on, which is where the direction has come to.
    pub(super) fn records<S: HandshakeSlot, P: Payload>(
        &mut self,
        slot: &mut S,
        config: &Config,
        segment: &Segment,
        payload: &P,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(), Reason> {
        if self.progress == State::Established {
            return self.records_behind_handshake(slot, segment, payload, reader, offset);
        }
        let from = segment.from;
        let at = self.sides.of(from).next();
        let told = slot.told();
        let handshake = match self.progress {
            State::New => slot.make(),
            _ => slot.get(),
        };
        let Some(handshake) = handshake else {
            if !self.ended() {
                return Err(Reason::TableFull);
            }
            // It was given back at the end of the connection. What was on its way then is of no interest.
            self.lose(from);
            let direction = self.sides.of_mut(from);
            return direction.search(self.cold.of_mut(from), reader, offset);
        };
        if self.lost {
            handshake.give_up();
        }
        if payload.slice(offset, reader.left(offset)).is_some() {
            self.records_of_handshake(handshake, config, segment, reader, offset, told)?;
            return self.remember(slot, segment, payload, at);
        }
        self.records_of_copy(slot, config, segment, payload, reader, offset)
    }

    /// The same of a payload that is not in one piece: what is read and what is kept is the same copy.
    fn records_of_copy<S: HandshakeSlot, P: Payload>(
        &mut self,
        slot: &mut S,
        config: &Config,
        segment: &Segment,
        payload: &P,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(), Reason> {
        let from = segment.from;
        let at = self.sides.of(from).next();
        let told = slot.told();
        let mut kept = match slot.get() {
            Some(handshake) => core::mem::take(handshake.kept.of_mut(from)),
            None => return Ok(()),
        };
        kept.forget(self.sides.of(from).acked());
        // What else is kept stays. The rest is looked at twice.
        let count = reader.left(offset).min(kept.room_after(at));
        kept.keep(|| slot.piece(), payload, at, offset, count);
        // Without memory for all of it, what has to be kept is kept afterwards.
        let end = at.wrapping_add(count);
        let next = match kept.reaches(at, end) {
            true => end,
            false => at,
        };
        let mut copy = reader.of_copy(&kept, segment.seq);
        let taken = match slot.get() {
            Some(handshake) => {
                self.records_of_handshake(handshake, config, segment, &mut copy, offset, told)
            }
            None => Ok(()),
        };
        reader.set_records_left(copy.records_left());
        kept.cut(self.sides.of(from).end_of_compared(at));
        if let Some(handshake) = slot.get() {
            *handshake.kept.of_mut(from) = kept;
        }
        taken?;
        self.remember(slot, segment, payload, next)
    }

    fn records_of_handshake<P: Payload>(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        reader: &mut Reader<'_, P>,
        mut offset: u32,
        told: Told<'_>,
    ) -> Result<(), Reason> {
        let from = segment.from;
        loop {
            let left = reader.left(offset);
            if left == 0 {
                return Ok(());
            }
            if self.progress == State::Established {
                return self.data_behind_handshake(segment, reader, offset, told);
            }
            let record = &self.sides.of(from).record;
            let missing = u32::from(record.header_left());
            let taken = if missing == 0 {
                let wanted = record.body_left().min(left);
                self.body(handshake, from, reader, offset, wanted, told)?
            } else {
                if record.header_read() == 0 {
                    let header = reader.header(offset)?;
                    if self.may_be_short(from, header) {
                        let taken =
                            self.short_records(handshake, config, segment, reader, offset, told)?;
                        if taken > 0 {
                            offset = offset.saturating_add(taken);
                            continue;
                        }
                    }
                    reader.record_begins()?;
                    if let Some(header) = header {
                        if self.whole_header(handshake, config, segment, header, told)? {
                            offset = offset.saturating_add(HEADER.into());
                            continue;
                        }
                    }
                }
                let wanted = missing.min(left);
                for &octet in reader.octets(offset, wanted)? {
                    self.header_octet(handshake, config, segment, octet, told)?;
                }
                wanted
            };
            offset = offset.saturating_add(taken);
        }
    }

    /// Whether a record with that header may be taken in together with those after it.
    fn may_be_short(&self, from: Side, header: Option<[u8; HEADER as usize]>) -> bool {
        let is_short =
            |[.., high, low]: [u8; HEADER as usize]| u16::from_be_bytes([high, low]) <= SHORT;
        self.sides.of(from).has_begun() && header.is_some_and(is_short)
    }

    /// Takes a header in that is not split, if nothing is against it before its length: what
    /// [`header_octet`](Self::header_octet) does byte by byte.
    fn whole_header(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        header: [u8; HEADER as usize],
        told: Told<'_>,
    ) -> Result<bool, Reason> {
        let from = segment.from;
        let Some(record) = Record::of_header(header) else {
            return Ok(false);
        };
        if !self.sides.of(from).has_begun() || self.progress == State::New {
            return Ok(false);
        }
        let Ok(kind) = self.kind_of(handshake, from, record.wire) else {
            return Ok(false);
        };
        let len = record.len();
        self.sides.of_mut(from).header(record, kind);
        self.header_ends(handshake, config, segment, len, told)?;
        Ok(true)
    }

    fn header_octet(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        octet: u8,
        told: Told<'_>,
    ) -> Result<(), Reason> {
        let direction = self.sides.of_mut(segment.from);
        let first = !direction.has_begun();
        let taken = match direction.header_octet(octet) {
            Header::Part => Ok(()),
            Header::Bad => Err(Reason::BadHeader),
            Header::Type(wire) => self.record_begins(handshake, segment.from, wire),
            Header::Complete(len) => self.header_ends(handshake, config, segment, len, told),
        };
        match taken {
            // The first bytes contradict nothing.
            Err(Reason::BadHeader) if first => Err(Reason::NotTls),
            taken => taken,
        }
    }

    /// What a record is as far as its first byte tells.
    fn kind_of(&self, handshake: &mut Handshake, from: Side, wire: u8) -> Result<Kind, Reason> {
        match Kind::of_wire(wire).ok_or(Reason::BadHeader)? {
            Kind::ApplicationData if self.progress != State::Established => {
                Ok(handshake.content().at_once(from))
            }
            // Everything after ServerHello is application_data on the wire (RFC 8446 5.2).
            Kind::Handshake if self.tls13 => Err(Reason::Malformed),
            // Nor an alert or a ChangeCipherSpec after a Finished (RFC 8446 5, 6).
            Kind::Alert | Kind::ChangeCipherSpec if self.sides.of(from).has_finished() => {
                Err(Reason::Malformed)
            }
            kind => Ok(kind),
        }
    }

    /// A record's first byte is known.
    fn record_begins(
        &mut self,
        handshake: &mut Handshake,
        from: Side,
        wire: u8,
    ) -> Result<(), Reason> {
        let kind = self.kind_of(handshake, from, wire)?;
        if self.progress == State::New {
            match kind {
                Kind::Handshake => self.progress = State::Hello,
                // A server may have nothing else to say.
                Kind::Alert => {}
                _ => return Err(Reason::NotTls),
            }
        }
        if kind != Kind::Unknown {
            self.sides.of_mut(from).decide(kind);
        }
        Ok(())
    }

    /// A record header is complete.
    fn header_ends(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        len: u16,
        told: Told<'_>,
    ) -> Result<(), Reason> {
        let from = segment.from;
        let encrypted = self.is_encrypted(handshake, from);
        let direction = self.sides.of_mut(from);
        let record = &direction.record;
        if !length_fits(record.wire, len, encrypted, self.tls13, self.progress) {
            return Err(Reason::BadHeader);
        }
        if direction.is_sslv2() {
            // Its third byte was the type of a ClientHello.
            handshake.sslv2_begins(from, record.minor)?;
            direction.decide(Kind::Handshake);
            self.progress = State::Hello;
            return Ok(());
        }
        if record.wire == APPLICATION_DATA && self.progress != State::Established {
            let record = Encrypted {
                from,
                len,
                end: direction.next().wrapping_add(u32::from(len)),
                ack: segment.ack,
            };
            #[cfg(feature = "explain")]
            handshake.content.tell_data(told, &record, self.progress);
            let verdict = handshake
                .content()
                .record(&record, config.client_flight_budget, told);
            match (direction.kind(), verdict.kind) {
                (Kind::Unknown, kind) => direction.decide(kind),
                // What was said at the first byte holds for no more than what has come.
                (_, kind) => direction.kind = kind,
            }
            if verdict.kind == Kind::InDoubt {
                handshake.add_in_doubt(record.octets());
            }
            self.note_finished(from, &verdict);
        }
        if len == 0 {
            self.body_taken(handshake, from, 0)?;
        }
        Ok(())
    }

    /// Which sides have sent their Finished, so that they send nothing in plain text any longer.
    pub(super) fn note_finished(&mut self, from: Side, verdict: &Verdict) {
        if verdict.is_certain {
            self.sides.of_mut(from).set_finished();
        }
        if verdict.is_answer {
            self.sides.of_mut(from.other()).set_finished();
        }
    }

    /// Whether what a side sends now is encrypted, and messages cannot be read.
    fn is_encrypted(&self, handshake: &Handshake, from: Side) -> bool {
        self.progress == State::Established || handshake.is_encrypted(from)
    }

    /// Takes up to `wanted` bytes of a record's body in, and says how many.
    fn body<P: Payload>(
        &mut self,
        handshake: &mut Handshake,
        from: Side,
        reader: &mut Reader<'_, P>,
        offset: u32,
        wanted: u32,
        told: Told<'_>,
    ) -> Result<u32, Reason> {
        let direction = self.sides.of(from);
        let kind = direction.kind();
        let messages = matches!(kind, Kind::Handshake | Kind::Alert);
        let skippable = match kind {
            Kind::Handshake => handshake.skippable(from).min(wanted),
            _ => 0,
        };
        let taken = if !messages || self.is_encrypted(handshake, from) {
            wanted
        } else if skippable > 0 {
            handshake.skip(from, skippable);
            skippable
        } else {
            let octets = reader.octets(offset, wanted)?;
            let wanted = octets.len() as u32;
            let at = direction.next();
            let taken = match kind {
                Kind::Alert => {
                    self.closed |= handshake.alerts(from, octets);
                    Ok(())
                }
                _ if direction.is_sslv2() => handshake.sslv2_octets(octets),
                _ => {
                    if handshake.awaits_hello() {
                        told.client_hello(octets);
                    }
                    handshake.octets(from, octets, &Places::from(at))
                }
            };
            if let Err((number, why)) = taken {
                // Those before it are taken in, as if they had come in a segment of their own.
                let direction = self.sides.of_mut(from);
                direction.body(self.cold.of_mut(from), number as u32);
                self.goes_on(handshake, from, false);
                return Err(why);
            }
            wanted
        };
        self.body_taken(handshake, from, taken)?;
        Ok(taken)
    }

    /// Bytes of a body were taken in.
    fn body_taken(
        &mut self,
        handshake: &mut Handshake,
        from: Side,
        octets: u32,
    ) -> Result<(), Reason> {
        let direction = self.sides.of_mut(from);
        let complete = direction.body(self.cold.of_mut(from), octets);
        if complete && self.progress != State::Established {
            let encrypted = handshake.is_encrypted(from);
            match direction.record.wire {
                HANDSHAKE if direction.is_sslv2() => handshake.sslv2_ends(direction.next())?,
                HANDSHAKE if encrypted => handshake.finished(from),
                CHANGE_CIPHER_SPEC => handshake.change_cipher_spec(from),
                _ => {}
            }
        }
        self.goes_on(handshake, from, complete);
        Ok(())
    }

    /// Bytes were taken in, perhaps the last of a record: how far TLS is now.
    #[inline]
    pub(super) fn goes_on(&mut self, handshake: &Handshake, from: Side, complete: bool) {
        if self.progress == State::Hello && handshake.is_answered() {
            self.progress = State::Handshake;
            self.tls13 = handshake.is_tls13();
        }
        if complete && self.progress == State::Handshake && handshake.is_complete() {
            self.progress = State::Established;
            self.sides.of_mut(from.other()).decide_open();
        }
    }
}
