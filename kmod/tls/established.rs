// SPDX-License-Identifier: GPL-2.0-only
//! A direction takes records in after the handshake: by their headers alone, as nothing of a body can be read. This is
//! the path that a connection's packets take for most of its life.

use super::cold::ColdState;
use super::counted::counts_as;
use super::direction::Direction;
use super::flow::Flow;
#[cfg(feature = "explain")]
use super::inner_types::tell_next;
use super::reader::Reader;
use super::record_header::{
    length_fits, Header, Record, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER,
};
use super::runs::{PerWire, Runs};
use super::sequence::Kind;
use super::told::Told;
use super::types::{Payload, Reason, Segment, State};

/// Takes a payload in from `offset` on in which the handshake has ended.
pub(super) fn data_behind_handshake<P: Payload>(
    flow: &mut Flow,
    segment: &Segment,
    reader: &mut Reader<'_, P>,
    offset: u32,
    told: Told<'_>,
) -> Result<(), Reason> {
    let from = segment.from;
    #[cfg(feature = "explain")]
    if flow.tls13 {
        let record = flow.sides.of(from).record;
        tell_next(told, record, segment, reader, offset);
    }
    #[cfg(not(feature = "explain"))]
    let _ = told;
    let direction = flow.sides.of_mut(from);
    data(
        direction,
        flow.cold.of_mut(from),
        flow.tls13,
        reader,
        offset,
    )?;
    Ok(())
}

/// Bytes that a short record's body has at most: with its header it fits into what [`Reader::some`] gives.
const SHORT: u16 = 124;

/// Records that were taken in together.
#[derive(Default)]
pub(super) struct Run {
    pub(super) octets: u32,
    /// Whether some have to come again as they came.
    compared: bool,
}

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

/// Takes a payload in from `offset` on; whether there were bytes in it that have to come again as they are.
#[inline]
pub(super) fn data<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    tls13: bool,
    reader: &mut Reader<'_, P>,
    mut offset: u32,
) -> Result<bool, Reason> {
    let mut compared = direction.kind().is_compared();
    loop {
        let finished = direction.seen.has_finished();
        let kind_of = |wire, len| match fits(wire, len, tls13) && may_stand(wire, tls13, finished) {
            true => Kind::of_wire(wire),
            false => None,
        };
        let run = run(direction, cold, reader, offset, kind_of)?;
        compared |= run.compared;
        offset = offset.saturating_add(run.octets);
        let left = reader.left(offset);
        if left == 0 {
            return Ok(compared);
        }
        let missing = u32::from(direction.record.header_left());
        let taken = if missing == 0 {
            let taken = direction.record.body_left().min(left);
            direction.body(cold, taken);
            taken
        } else {
            let taken = missing.min(left);
            if missing == u32::from(HEADER) {
                reader.record_begins()?;
            }
            for &octet in reader.octets(offset, taken)? {
                octet_of_header(direction, cold, tls13, octet)?;
            }
            compared |= direction.record.wire != APPLICATION_DATA;
            taken
        };
        offset = offset.saturating_add(taken);
    }
}

/// Takes records in whose headers are not split, up to the first byte that is none of theirs. `kind_of`: what a record
/// of that type and length is, if there may be one.
#[inline]
pub(super) fn run<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    reader: &mut Reader<'_, P>,
    offset: u32,
    kind_of: impl Fn(u8, u16) -> Option<Kind>,
) -> Result<Run, Reason> {
    let mut run = Run::default();
    loop {
        let at = offset.saturating_add(run.octets);
        if direction.record.header_read() == 0 {
            let Some(record) = reader.header(at)?.and_then(Record::of_header) else {
                return Ok(run);
            };
            let Some(kind) = kind_of(record.wire, record.len()) else {
                return Ok(run);
            };
            if record.len() <= SHORT {
                let short = run_of_short(direction, cold, reader, at, &kind_of)?;
                run.octets = run.octets.saturating_add(short.octets);
                run.compared |= short.compared;
                if short.octets > 0 {
                    continue;
                }
            }
            reader.record_begins()?;
            direction.record = record;
            direction.kind = kind;
            direction.history.extend(HEADER.into(), kind);
            run.octets = run.octets.saturating_add(HEADER.into());
            run.compared |= kind.is_compared();
        } else if direction.record.header_left() != 0 || direction.kind != Kind::ApplicationData {
            return Ok(run);
        }
        let left = reader.left(offset.saturating_add(run.octets));
        let body = direction.record.body_left();
        let taken = body.min(left);
        run.octets = run.octets.saturating_add(taken);
        if direction.kind != Kind::ApplicationData {
            match direction.body(cold, taken) {
                true => continue,
                false => return Ok(run),
            }
        }
        direction.history.extend(taken, Kind::ApplicationData);
        if body > left {
            direction.data_record_goes_on(left);
            return Ok(run);
        }
        direction.data_record_ends();
    }
}

/// As [`run`], of records whose bodies are there too: many short ones take much less time so.
fn run_of_short<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    reader: &mut Reader<'_, P>,
    offset: u32,
    kind_of: &impl Fn(u8, u16) -> Option<Kind>,
) -> Result<Run, Reason> {
    let most = reader.records_left();
    let octets = reader.some(offset)?;
    let (mut rest, mut last) = (octets, [].as_slice());
    let mut records = 0_u16;
    let mut headers = direction.headers;
    let mut compared = false;
    let mut runs = Runs::default();
    let mut counts = PerWire::default();
    while records < most {
        let Some(([wire @ 20..=24, 3, minor @ 0..=4, high, low], after)) =
            rest.split_first_chunk::<{ HEADER as usize }>()
        else {
            break;
        };
        let len = u16::from_be_bytes([*high, *low]);
        let Some(after) = after.get(usize::from(len)..) else {
            break;
        };
        let Some(kind) = kind_of(*wire, len) else {
            break;
        };
        runs.push(octets.len().wrapping_sub(rest.len()), kind);
        counts.add(*wire);
        match *wire {
            APPLICATION_DATA => headers.push_data(*minor, len),
            _ => {
                headers.push_no_data(len);
                compared = true;
            }
        }
        records = records.saturating_add(counts_as(kind, len));
        (last, rest) = (rest, after);
    }
    for (wire, number) in counts.all() {
        direction.count_records(cold, wire, number);
    }
    direction.records_end(last);
    direction.headers = headers;
    let taken = octets.len().saturating_sub(rest.len());
    runs.put(&mut direction.history, taken);
    reader.records_begin(records.min(most))?;
    let octets = taken as u32;
    Ok(Run { octets, compared })
}

#[cold]
fn octet_of_header(
    direction: &mut Direction,
    cold: &mut ColdState,
    tls13: bool,
    octet: u8,
) -> Result<(), Reason> {
    match direction.header_octet(octet) {
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
