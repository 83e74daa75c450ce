// SPDX-License-Identifier: GPL-2.0-only
//! Rules for records while the handshake lasts: each by its type, and by what the handshake says.

use super::deframer::Rules;
use super::encrypted::Encrypted;
use super::flow::Flow;
use super::handshake::Handshake;
use super::handshake_batch::{short_records, SHORT};
use super::places::Places;
use super::reader::Reader;
use super::record_header::{
    length_fits, Header, Record, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER,
};
use super::sequence::Kind;
use super::told::Told;
use super::types::{Config, Payload, Reason, Segment, Side, State};

/// A connection during its handshake, and what a packet says of it.
pub(super) struct HandshakeRecords<'a> {
    pub(super) flow: &'a mut Flow,
    pub(super) handshake: &'a mut Handshake,
    pub(super) config: &'a Config,
    pub(super) segment: &'a Segment,
    pub(super) told: Told<'a>,
}

impl<P: Payload> Rules<P> for HandshakeRecords<'_> {
    #[inline(always)]
    fn record(&self) -> &Record {
        &self.flow.sides.of(self.segment.from).record
    }

    #[inline(always)]
    fn are_over(&self) -> bool {
        self.flow.progress == State::Established
    }

    #[inline(always)]
    fn header(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
        left: u32,
    ) -> Result<u32, Reason> {
        let (flow, handshake, told) = (&mut *self.flow, &mut *self.handshake, self.told);
        let (config, segment) = (self.config, self.segment);
        let missing = flow.sides.of(segment.from).record.header_left();
        if missing == HEADER {
            let header = reader.header(offset)?;
            if may_be_short(flow, segment.from, header) {
                let taken = short_records(flow, handshake, config, segment, reader, offset, told)?;
                if taken > 0 {
                    return Ok(taken);
                }
            }
            reader.record_begins()?;
            if let Some(header) = header {
                if whole_header(flow, handshake, config, segment, header, told)? {
                    return Ok(HEADER.into());
                }
            }
        }
        let wanted = u32::from(missing).min(left);
        for &byte in reader.bytes(offset, wanted)? {
            header_byte(flow, handshake, config, segment, byte, told)?;
        }
        Ok(wanted)
    }

    #[inline(always)]
    fn body(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
        wanted: u32,
    ) -> Result<u32, Reason> {
        let from = self.segment.from;
        body(
            self.flow,
            self.handshake,
            from,
            reader,
            offset,
            wanted,
            self.told,
        )
    }
}

/// Whether a record with that header may be taken in together with those after it.
fn may_be_short(flow: &Flow, from: Side, header: Option<[u8; HEADER as usize]>) -> bool {
    let is_short =
        |[.., high, low]: [u8; HEADER as usize]| u16::from_be_bytes([high, low]) <= SHORT;
    flow.sides.of(from).seen.has_begun() && header.is_some_and(is_short)
}

/// Takes a header in that is not split, if nothing is against it before its length: what
/// [`header_byte`] does byte by byte.
fn whole_header(
    flow: &mut Flow,
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
    if !flow.sides.of(from).seen.has_begun() || flow.progress == State::New {
        return Ok(false);
    }
    let Ok(kind) = kind_of(flow, handshake, from, record.wire) else {
        return Ok(false);
    };
    let len = record.len();
    flow.sides.of_mut(from).header(record, kind);
    header_ends(flow, handshake, config, segment, len, told)?;
    Ok(true)
}

fn header_byte(
    flow: &mut Flow,
    handshake: &mut Handshake,
    config: &Config,
    segment: &Segment,
    byte: u8,
    told: Told<'_>,
) -> Result<(), Reason> {
    let direction = flow.sides.of_mut(segment.from);
    let first = !direction.seen.has_begun();
    let taken = match direction.header_byte(byte) {
        Header::Part => Ok(()),
        Header::Bad => Err(Reason::BadHeader),
        Header::Type(wire) => record_begins(flow, handshake, segment.from, wire),
        Header::Complete(len) => header_ends(flow, handshake, config, segment, len, told),
    };
    match taken {
        // The first bytes contradict nothing.
        Err(Reason::BadHeader) if first => Err(Reason::NotTls),
        taken => taken,
    }
}

/// What a record is as far as its first byte tells.
fn kind_of(flow: &Flow, handshake: &mut Handshake, from: Side, wire: u8) -> Result<Kind, Reason> {
    match Kind::of_wire(wire).ok_or(Reason::BadHeader)? {
        Kind::ApplicationData if flow.progress != State::Established => {
            Ok(handshake.inner_types().at_once(from))
        }
        // Everything after ServerHello is application_data on the wire (RFC 8446 5.2).
        Kind::Handshake if flow.tls13 => Err(Reason::Malformed),
        // Nor an alert or a ChangeCipherSpec after a Finished (RFC 8446 5, 6).
        Kind::Alert | Kind::ChangeCipherSpec if flow.sides.of(from).seen.has_finished() => {
            Err(Reason::Malformed)
        }
        kind => Ok(kind),
    }
}

/// A record's first byte is known.
fn record_begins(
    flow: &mut Flow,
    handshake: &mut Handshake,
    from: Side,
    wire: u8,
) -> Result<(), Reason> {
    let kind = kind_of(flow, handshake, from, wire)?;
    if flow.progress == State::New {
        match kind {
            Kind::Handshake => flow.progress = State::Hello,
            // A server may have nothing else to say.
            Kind::Alert => {}
            _ => return Err(Reason::NotTls),
        }
    }
    if kind != Kind::Unknown {
        flow.sides.of_mut(from).decide(kind);
    }
    Ok(())
}

/// A record header is complete.
fn header_ends(
    flow: &mut Flow,
    handshake: &mut Handshake,
    config: &Config,
    segment: &Segment,
    len: u16,
    told: Told<'_>,
) -> Result<(), Reason> {
    let from = segment.from;
    let encrypted = is_encrypted(flow, handshake, from);
    let direction = flow.sides.of_mut(from);
    let record = &direction.record;
    if !length_fits(record.wire, len, encrypted, flow.tls13, flow.progress) {
        return Err(Reason::BadHeader);
    }
    if direction.is_sslv2() {
        // Its third byte was the type of a ClientHello.
        handshake.sslv2_begins(from, record.minor)?;
        direction.decide(Kind::Handshake);
        flow.progress = State::Hello;
        return Ok(());
    }
    if record.wire == APPLICATION_DATA && flow.progress != State::Established {
        let record = Encrypted {
            from,
            len,
            end: direction.next().wrapping_add(u32::from(len)),
            ack: segment.ack,
        };
        #[cfg(feature = "explain")]
        handshake
            .inner_types
            .tell_data(told, &record, flow.progress);
        let verdict = handshake
            .inner_types()
            .record(&record, config.client_flight_budget, told);
        match (direction.kind, verdict.kind) {
            (Kind::Unknown, kind) => direction.decide(kind),
            // What was said at the first byte holds for no more than what has come.
            (_, kind) => direction.kind = kind,
        }
        if verdict.kind == Kind::InDoubt {
            handshake.add_in_doubt(record.bytes());
        }
        flow.note_finished(from, &verdict);
    }
    if len == 0 {
        body_taken(flow, handshake, from, 0)?;
    }
    Ok(())
}

/// Whether what a side sends now is encrypted, and messages cannot be read.
fn is_encrypted(flow: &Flow, handshake: &Handshake, from: Side) -> bool {
    flow.progress == State::Established || handshake.is_encrypted(from)
}

/// Takes up to `wanted` bytes of a record's body in, and says how many.
fn body<P: Payload>(
    flow: &mut Flow,
    handshake: &mut Handshake,
    from: Side,
    reader: &mut Reader<'_, P>,
    offset: u32,
    wanted: u32,
    told: Told<'_>,
) -> Result<u32, Reason> {
    let direction = flow.sides.of(from);
    let kind = direction.kind;
    let messages = matches!(kind, Kind::Handshake | Kind::Alert);
    let skippable = match kind {
        Kind::Handshake => handshake.skippable(from).min(wanted),
        _ => 0,
    };
    let taken = if !messages || is_encrypted(flow, handshake, from) {
        wanted
    } else if skippable > 0 {
        handshake.skip(from, skippable);
        skippable
    } else {
        let bytes = reader.bytes(offset, wanted)?;
        let wanted = bytes.len() as u32;
        let at = direction.next();
        let taken = match kind {
            Kind::Alert => {
                flow.closed |= handshake.alerts(from, bytes);
                Ok(())
            }
            _ if direction.is_sslv2() => handshake.sslv2_bytes(bytes),
            _ => {
                if handshake.awaits_hello(from) {
                    told.client_hello(bytes);
                }
                handshake.bytes(from, bytes, &Places::from(at))
            }
        };
        if let Err((number, why)) = taken {
            // Those before it are taken in, as if they had come in a segment of their own.
            let direction = flow.sides.of_mut(from);
            direction.body(flow.cold.of_mut(from), number as u32);
            flow.goes_on(handshake, from, false);
            return Err(why);
        }
        wanted
    };
    body_taken(flow, handshake, from, taken)?;
    Ok(taken)
}

/// Bytes of a body were taken in.
fn body_taken(
    flow: &mut Flow,
    handshake: &mut Handshake,
    from: Side,
    bytes: u32,
) -> Result<(), Reason> {
    let direction = flow.sides.of_mut(from);
    let complete = direction.body(flow.cold.of_mut(from), bytes);
    if complete && flow.progress != State::Established {
        let encrypted = handshake.is_encrypted(from);
        match direction.record.wire {
            HANDSHAKE if direction.is_sslv2() => handshake.sslv2_ends(direction.next())?,
            HANDSHAKE if encrypted => handshake.finished(from),
            CHANGE_CIPHER_SPEC => handshake.change_cipher_spec(from),
            _ => {}
        }
    }
    flow.goes_on(handshake, from, complete);
    Ok(())
}
