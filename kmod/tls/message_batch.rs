// SPDX-License-Identifier: GPL-2.0-only
//! Short plain-text handshake records: their messages are read as if they stood in one, side by side.

use super::counted::counts_as;
use super::flow::Flow;
use super::handshake::Handshake;
use super::places::Places;
use super::record_header::{header, Whole, HANDSHAKE};
use super::retransmitted_headers::Headers;
use super::runs::{PerWire, Runs};
use super::sequence::Kind;
use super::told::Told;
use super::types::{Reason, Side};

/// Bytes of messages that are read at once.
const MESSAGES: usize = 256;

/// Bytes that begin with records, and what was taken of them.
pub(super) struct Front<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) rest: &'a [u8],
    /// Those from the last record's on that was taken.
    pub(super) last: &'a [u8],
    /// Records that may still begin in the packet.
    pub(super) left: u16,
    /// The sequence number after the bytes.
    pub(super) end: u32,
    pub(super) headers: Headers,
    pub(super) runs: Runs,
    pub(super) counts: PerWire,
    /// Room for bodies side by side.
    pub(super) messages: Option<[u8; MESSAGES]>,
}

/// Plain-text handshake records: their messages as if they stood in one.
pub(super) fn short_messages(
    flow: &mut Flow,
    handshake: &mut Handshake,
    from: Side,
    front: &mut Front<'_>,
    told: Told<'_>,
) -> Result<(), (usize, Reason)> {
    let messages = front.messages.get_or_insert([0; MESSAGES]);
    let mut headers = front.headers;
    let (mut rest, mut left, mut end) = (front.rest, front.left, 0);
    // Those within a message of which nothing is read.
    let skippable = handshake.skippable(from);
    let (mut skipped, mut number) = (0_u32, 0_u16);
    let (mut first, mut last) = (rest, front.last);
    while left > 0 {
        let Some((&header!(HANDSHAKE, _minor, high, low), after)) = rest.split_first_chunk() else {
            break;
        };
        let len = u16::from_be_bytes([high, low]);
        let with_it = skipped.saturating_add(len.into());
        if end == 0 && with_it < skippable {
            let (Some(after), 1..) = (after.get(len.into()..), len) else {
                break;
            };
            headers.push_no_data(len);
            last = rest;
            (rest, skipped, first) = (after, with_it, after);
            left = left.saturating_sub(counts_as(Kind::Handshake, len));
            number = number.wrapping_add(1);
            continue;
        }
        let start = end;
        let to = usize::wrapping_add(start, len.into());
        let (Some((body, after)), Some(room), 1..) = (
            after.split_at_checked(len.into()),
            messages.get_mut(start..to),
            len,
        ) else {
            break;
        };
        room.copy_from_slice(body);
        headers.push_no_data(len);
        (last, rest, end) = (rest, after, to);
        left = left.saturating_sub(counts_as(Kind::Handshake, len));
        number = number.wrapping_add(1);
    }
    if skipped > 0 {
        handshake.skip(from, skipped);
    }
    let places = Places::of_records(front.end.wrapping_sub(first.len() as u32), first);
    front.left = left;
    let messages = messages.get(..end).unwrap_or_default();
    if handshake.awaits_hello(from) {
        told.client_hello(messages);
    }
    handshake
        .bytes(from, messages, &places)
        .map_err(|(number, why)| (number.saturating_add(skipped as usize), why))?;
    if number > 0 {
        let at = front.bytes.len().wrapping_sub(front.rest.len());
        front.runs.push(at, Kind::Handshake);
    }
    (front.headers, front.rest, front.last) = (headers, rest, last);
    front.counts.add_many(HANDSHAKE, number);
    flow.goes_on(handshake, from, number > 0);
    Ok(())
}

/// Takes those bytes of handshake records in that stand before the byte of that number of their bodies.
#[cold]
pub(super) fn take_before(flow: &mut Flow, from: Side, bytes: &[u8], number: usize) {
    let direction = flow.sides.of_mut(from);
    let mut left = number;
    let mut rest = bytes;
    while let Some(Whole {
        record,
        body,
        after,
    }) = Whole::first(rest)
    {
        direction.header(record, Kind::Handshake);
        let taken = left.min(body.len());
        direction.body(flow.cold.of_mut(from), taken as u32);
        if taken < body.len() {
            return;
        }
        left = left.saturating_sub(taken);
        rest = after;
    }
}
