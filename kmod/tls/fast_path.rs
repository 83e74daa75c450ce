// SPDX-License-Identifier: GPL-2.0-only
//! The fast path through the engine, for most of the packets of a connection's life: data after the handshake, in order.
//! It does what the slow path does, and leaves to that what it does not know. What a connection carries that is not
//! followed any longer needs no way through the engine at all.

use super::direction::Direction;
use super::flow::{FastPath, Flow};
use super::follow::Follow;
use super::record_header::{
    header, length_fits, Record, APPLICATION_DATA, HEADER, MAJOR, MINOR_MAX, TLS13_MAX,
};
use super::sequence::{before, Kind};
use super::types::{Payload, Segment, Side, State, Types};

/// Records of a packet that the fast path takes in. The slow path goes on with the rest, and bounds how many there may be.
const RECORDS: u8 = 64;

/// Which packets may take it, as the connection stands; to be asked anew whenever a packet has taken the slow path.
pub(super) fn next(flow: &Flow) -> FastPath {
    let course = |side| {
        let direction: &Direction = flow.sides.of(side);
        let is_held = direction.seen.has_fin() || direction.is_untyped();
        (direction.follow, is_held)
    };
    match (flow.state(), course(Side::Src), course(Side::Dst)) {
        (State::Established, (Follow::Records, false), (Follow::Records, false))
            if flow.confirmed =>
        {
            FastPath::Data
        }
        (State::NotTls | State::Tainted, (src, false), (dst, false))
            if src != Follow::Unset && dst != Follow::Unset =>
        {
            FastPath::Over
        }
        _ => FastPath::Nothing,
    }
}

/// Takes a packet of an established connection in, and says of what type its payload is, by content and on the wire.
/// None if that is left to the [slow path](super::segment::take_in), which begins with what is left then.
#[inline(always)]
pub(super) fn take_in<P: Payload>(
    flow: &mut Flow,
    segment: &Segment,
    payload: &P,
) -> Option<Types> {
    let is_data = flow.fast_path == FastPath::Data;
    if !(is_data || is_acknowledgement(flow.fast_path, payload.len())) {
        return None;
    }
    if segment.fin || segment.urgent {
        return None;
    }
    let (mine, theirs) = flow.sides.both_mut(segment.from);
    if let Some(ack) = segment.ack {
        if !acknowledge(theirs, ack) {
            return None;
        }
    }
    let len = payload.len();
    let types = if len == 0 {
        Types::NONE
    } else if segment.seq != mine.history.end() {
        return None;
    } else {
        match records(mine, flow.tls13, payload) {
            Ok(()) => Types::APPLICATION_DATA,
            Err(records) => {
                flow.cold.of_mut(segment.from).chain.taken = records;
                return None;
            }
        }
    };
    Some(types)
}

/// Whether it may be taken in though data may not. Not inlined: for data there is one comparison, as without it.
#[cold]
#[inline(never)]
fn is_acknowledgement(fast_path: FastPath, len: u32) -> bool {
    fast_path == FastPath::Acknowledgements && len == 0
}

/// The other side's acknowledgement; false if it is for bytes that were not seen here.
#[inline(always)]
fn acknowledge(direction: &mut Direction, ack: u32) -> bool {
    if before(direction.history.end(), ack) {
        return false;
    }
    if before(direction.acked, ack) {
        direction.acked = ack;
    }
    true
}

/// Takes in a record that is the payload, as most short ones are.
#[inline(always)]
fn record<P: Payload>(direction: &mut Direction, payload: &P) -> bool {
    let len = payload.len();
    if direction.record.header_read() != 0 {
        return false;
    }
    // A word, which is read and taken apart at once. Shorter records are none that matter.
    let Some(header) = payload.bytes(0).map(u64::from_le_bytes) else {
        return false;
    };
    let minor = (header >> 16) as u8;
    let body = ((header >> 24) as u16).swap_bytes();
    // Not empty, and with a length that fits in every version.
    let fits = body.wrapping_sub(1) < TLS13_MAX;
    if header as u16 != u16::from_le_bytes([APPLICATION_DATA, MAJOR])
        || minor > MINOR_MAX
        || !fits
        || u32::from(body).wrapping_add(HEADER.into()) != len
    {
        return false;
    }
    direction.count_data_record(minor, body);
    direction.extend(len, Kind::ApplicationData);
    direction.add_bytes(len);
    true
}

/// Takes application_data records in whose headers are not split, up to the first byte that is none of theirs, or
/// too many. Where something is left it says how many records they were.
#[inline(always)]
fn records<P: Payload>(direction: &mut Direction, tls13: bool, payload: &P) -> Result<(), u8> {
    let len = payload.len();
    if record(direction, payload) {
        return Ok(());
    }
    let mut records = RECORDS;
    // Never more than `len`: a header is taken in whole, and of a body what there is.
    let mut taken = 0_u32;
    while taken < len {
        if direction.record.header_read() == 0 {
            let Some(left) = records.checked_sub(1) else {
                break;
            };
            let header: Option<[u8; HEADER as usize]> = payload.bytes(taken);
            let Some(header!(APPLICATION_DATA, minor, high, low)) = header else {
                break;
            };
            let body = u16::from_be_bytes([high, low]);
            let state = State::Established;
            if body == 0 || !length_fits(APPLICATION_DATA, body, true, tls13, state) {
                break;
            }
            records = left;
            direction.record = Record::in_body(APPLICATION_DATA, minor, body);
            taken = taken.wrapping_add(HEADER.into());
        } else if direction.record.header_left() != 0 || direction.kind != Kind::ApplicationData {
            // The rest of an encrypted handshake record has to be remembered.
            break;
        }
        let there = len.wrapping_sub(taken);
        taken = match direction.record.body_left() {
            left if left > there => {
                direction.data_record_goes_on(there);
                len
            }
            left => {
                direction.data_record_ends();
                taken.wrapping_add(left)
            }
        };
    }
    direction.extend(taken, Kind::ApplicationData);
    direction.add_bytes(taken);
    match taken == len {
        true => Ok(()),
        false => Err(RECORDS.saturating_sub(records)),
    }
}
