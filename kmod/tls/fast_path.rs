// SPDX-License-Identifier: GPL-2.0-only
//! The fast path through the engine, for most of the packets of a connection's life: data after the handshake, in order.
//! It does what the slow path does, and leaves to that what it does not know. What a connection carries that is not
//! followed any longer needs no way through the engine at all.
//!
//! It is the one loop over records besides the deframer's: without a [`Reader`](super::reader::Reader), as it takes in
//! nothing of which the reader need know.

use super::content_type::Kind;
use super::direction::{Direction, Follow};
use super::packet::Payload;
use super::record::Record;
use super::record_header::{length_fits, usual, HeaderWord, APPLICATION_DATA, HEADER};
use super::sequence::before;
use super::state::State;
use super::status::{Path, Status};

/// Records of a packet that the fast path takes in. The slow path goes on with the rest, and bounds how many there may be.
const RECORDS: u8 = 64;

/// Which way packets may go, as a connection stands with its two directions; to be asked anew whenever one has gone the slow
/// path.
pub(super) fn path(status: &Status, src: &Direction, dst: &Direction) -> Path {
    let course = |direction: &Direction| {
        let is_held = direction.seen.has_fin() || direction.is_untyped();
        (direction.follow, is_held)
    };
    match (status.state(), course(src), course(dst)) {
        (State::Established, (Follow::Records, false), (Follow::Records, false))
            if status.confirmed =>
        {
            Path::Fast
        }
        (State::NotTls | State::Tainted, (src, false), (dst, false))
            if src != Follow::Unset && dst != Follow::Unset =>
        {
            Path::Bypass
        }
        _ => Path::Slow,
    }
}

/// The other side's acknowledgement of a direction's octets; false if it is for some that were not seen here.
#[inline(always)]
pub(super) fn acknowledge(direction: &mut Direction, ack: u32) -> bool {
    if before(direction.history.end(), ack) {
        return false;
    }
    if before(direction.acked, ack) {
        direction.acked = ack;
    }
    true
}

/// Takes in a record that is the payload, as most short ones are. Records of less than three octets are none that matter.
#[inline(always)]
fn one_record<P: Payload>(direction: &mut Direction, payload: &P) -> bool {
    let len = payload.len();
    if direction.record.header_read() != 0 {
        return false;
    }
    let Some(header) = payload.octets(0).map(u64::from_le_bytes).map(HeaderWord) else {
        return false;
    };
    let body = header.len();
    if !header.is_data() || u32::from(body).wrapping_add(HEADER.into()) != len {
        return false;
    }
    direction.count_data_record(header.minor(), body);
    direction.history.extend(len, Kind::ApplicationData);
    direction.add_bytes(len);
    true
}

/// Takes application_data records in whose headers are not split, up to the first octet that is none of theirs, or too
/// many. Where something is left it says how many records they were.
#[inline(always)]
pub(super) fn data<P: Payload>(
    direction: &mut Direction,
    tls13: bool,
    payload: &P,
) -> Result<(), u8> {
    let len = payload.len();
    if one_record(direction, payload) {
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
            let Some(usual!(APPLICATION_DATA, minor, high, low)) = payload.octets(taken) else {
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
        } else if direction.record.header_left() != 0 || direction.kind() != Kind::ApplicationData {
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
    direction.history.extend(taken, Kind::ApplicationData);
    direction.add_bytes(taken);
    match taken == len {
        true => Ok(()),
        false => Err(RECORDS.saturating_sub(records)),
    }
}
