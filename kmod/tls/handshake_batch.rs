// SPDX-License-Identifier: GPL-2.0-only
//! Short records of a handshake are taken in together: a packet may have very many, and one by one they take much longer.

use super::counted::{flight_besides, is_more, SINGLE, TURN};
use super::encrypted::Encrypted;
use super::flow::Flow;
use super::handshake::Handshake;
use super::message_batch::{short_messages, take_before, Front};
use super::reader::Reader;
use super::record_header::{
    header, ALERT, ALERT_MAX, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT,
};
use super::runs::{PerWire, Runs};
use super::sequence::Kind;
use super::told::Told;
use super::types::{Config, Payload, Reason, Segment, State};

/// Bytes that a short record's body has at most. With its header it mostly fits into what [`Reader::some`] gives.
pub(super) const SHORT: u16 = 508;

/// Takes short records in, up to the first that has something against it or is not whole: those are for
/// [the record loop](super::deframer::deframe) to take in. Says how many bytes they have.
pub(super) fn short_records<P: Payload>(
    flow: &mut Flow,
    handshake: &mut Handshake,
    config: &Config,
    segment: &Segment,
    reader: &mut Reader<'_, P>,
    offset: u32,
    told: Told<'_>,
) -> Result<u32, Reason> {
    let from = segment.from;
    let most = reader.records_left();
    let bytes = reader.some(offset)?;
    let direction = flow.sides.of(from);
    let mut front = Front {
        bytes,
        rest: bytes,
        last: &[],
        left: most,
        end: direction.next().wrapping_add(bytes.len() as u32),
        headers: direction.headers,
        runs: Runs::default(),
        counts: PerWire::default(),
        messages: None,
    };
    let wrong = short_ones(flow, handshake, config, segment, &mut front, told);
    let taken = bytes.len().saturating_sub(front.rest.len());
    let direction = flow.sides.of_mut(from);
    direction.extend_by_runs(front.runs, taken);
    direction.headers = front.headers;
    direction.records_end(front.last);
    for (wire, number) in front.counts.all() {
        direction.count_records(flow.cold.of_mut(from), wire, number);
    }
    if let Err((number, _)) = wrong {
        take_before(flow, from, front.rest, number);
        flow.goes_on(handshake, from, false);
    }
    let records = most.saturating_sub(front.left);
    reader.records_begin(records)?;
    match wrong {
        Ok(()) => Ok(taken as u32),
        Err((_, why)) => Err(why),
    }
}

/// Run by run. Where a message is not what an endpoint would take, it says which byte of those in front is wrong.
fn short_ones(
    flow: &mut Flow,
    handshake: &mut Handshake,
    config: &Config,
    segment: &Segment,
    front: &mut Front<'_>,
    told: Told<'_>,
) -> Result<(), (usize, Reason)> {
    let from = segment.from;
    let mut has_others = false;
    loop {
        let before = front.rest.len();
        let is_open = flow.progress != State::New;
        let encrypted = handshake.is_encrypted(from);
        let is_message =
            front.rest.first() == Some(&HANDSHAKE) && is_open && !encrypted && !flow.tls13;
        match is_message {
            true => {
                if has_others {
                    front.left = front.left.saturating_sub(TURN);
                }
                short_messages(flow, handshake, from, front, told)?;
            }
            _ if handshake.inner_types.flights().is_some() => {
                short_run::<true>(flow, handshake, config, segment, front, told);
            }
            _ => short_run::<false>(flow, handshake, config, segment, front, told),
        }
        if front.rest.len() == before || flow.progress == State::Established {
            return Ok(());
        }
        has_others = !is_message;
    }
}

/// All but plain-text handshake records. `FLIGHTS`: between ServerHello of TLS 1.3 and the client's Finished, where data
/// need not be data.
fn short_run<const FLIGHTS: bool>(
    flow: &mut Flow,
    handshake: &mut Handshake,
    config: &Config,
    segment: &Segment,
    front: &mut Front<'_>,
    told: Told<'_>,
) {
    let from = segment.from;
    let encrypted = handshake.is_encrypted(from);
    let plain = !encrypted || flow.tls13;
    // The first message is looked at by itself.
    let is_open = flow.progress != State::New;
    let (mut headers, mut left, mut rest) = (front.headers, front.left, front.rest);
    let mut counts = front.counts;
    let mut record = Encrypted {
        from,
        len: 0,
        end: front.end,
        ack: segment.ack,
    };
    let mut in_doubt = 0_u32;
    let mut has_changed = encrypted;
    let finished = flow.sides.of(from).seen.has_finished();
    let mut last = front.last;
    let mut before_it = front.rest.first().copied().unwrap_or_default();
    let mut is_done = false;
    while left > 0 && !is_done {
        let Some((&header!(wire @ CHANGE_CIPHER_SPEC..=HEARTBEAT, minor, high, low), after)) =
            rest.split_first_chunk()
        else {
            break;
        };
        let len = u16::from_be_bytes([high, low]);
        let Some((body, after)) = after.split_at_checked(len.into()) else {
            break;
        };
        let kind = match wire {
            APPLICATION_DATA if FLIGHTS => {
                record.len = len;
                record.end = front.end.wrapping_sub(after.len() as u32);
                let Some(flights) = handshake.inner_types.flights() else {
                    break;
                };
                let verdict = flights.whole(&record, config.client_flight_budget, told);
                if verdict.kind == Kind::InDoubt {
                    in_doubt = in_doubt.wrapping_add(record.bytes());
                }
                flow.note_finished(from, &verdict);
                is_done = verdict.is_over;
                verdict.kind
            }
            APPLICATION_DATA if is_open => {
                #[cfg(feature = "explain")]
                {
                    let end = front.end.wrapping_sub(after.len() as u32);
                    let record = Encrypted { len, end, ..record };
                    handshake
                        .inner_types
                        .tell_data(told, &record, flow.progress);
                }
                Kind::ApplicationData
            }
            ALERT | CHANGE_CIPHER_SPEC if finished => break,
            ALERT if !plain && len <= ALERT_MAX => Kind::Alert,
            ALERT if plain && len == 2 => {
                flow.closed |= !encrypted && handshake.alerts(from, body);
                Kind::Alert
            }
            CHANGE_CIPHER_SPEC if is_open && (len == 1 || !plain) => {
                // What one has not changed the next does not either.
                if !has_changed {
                    has_changed = true;
                    handshake.change_cipher_spec(from);
                    is_done = handshake.is_encrypted(from);
                }
                Kind::ChangeCipherSpec
            }
            HANDSHAKE if !plain => {
                handshake.finished(from);
                is_done = flow.progress == State::Handshake && handshake.is_complete();
                Kind::Handshake
            }
            HEARTBEAT if is_open => Kind::Heartbeat,
            _ => break,
        };
        let at = front.bytes.len().wrapping_sub(rest.len());
        front.runs.push(at, kind);
        match wire {
            APPLICATION_DATA => headers.push_data(minor, len),
            _ => headers.push_no_data(len),
        }
        counts.add(wire);
        let is_flight = FLIGHTS && wire == APPLICATION_DATA;
        let besides = match wire {
            _ if is_flight => flight_besides(len),
            ALERT if plain => SINGLE,
            _ if wire != before_it || is_more(kind, len) => SINGLE,
            _ => 0,
        };
        before_it = wire;
        left = left.saturating_sub(besides.wrapping_add(1));
        (last, rest) = (rest, after);
    }
    let is_any = front.left > left;
    (front.headers, front.left, front.rest) = (headers, left, rest);
    (front.counts, front.last) = (counts, last);
    if FLIGHTS {
        handshake.add_in_doubt(in_doubt);
        if is_done {
            handshake.inner_types.end();
        }
    }
    flow.goes_on(handshake, from, is_any);
}
