// SPDX-License-Identifier: GPL-2.0-only
//! A connection takes packets in: what they acknowledge, what of them is new, and what makes it stop.

use super::fast_path;
use super::flow::Flow;
use super::follow::Follow;
use super::intake::records;
use super::reader::Reader;
use super::resync::search;
use super::retransmit::compare;
use super::sequence::before;
use super::slot::HandshakeSlot;
use super::types::{Config, Payload, Reason, Segment, SegmentOutcome, Side};

/// Takes in a packet, for [`Connection::segment`](super::Connection::segment).
pub(super) fn take_in<S: HandshakeSlot, P: Payload>(
    flow: &mut Flow,
    slot: &mut S,
    config: &Config,
    segment: &Segment,
    payload: &P,
) -> SegmentOutcome {
    let from = segment.from;
    let asks = slot.told().asks_for_data(from);
    if !asks && fast_path::take_in(flow, segment, payload).is_some() {
        if payload.is_empty() {
            return SegmentOutcome::Nothing;
        }
        if let Some(handshake) = slot.get() {
            handshake.forget(from, flow.sides.of(from).acked);
        }
        return SegmentOutcome::New;
    }
    if let Some(ack) = segment.ack {
        let other = from.other();
        let cold = flow.cold.of(other);
        if !flow.sides.of_mut(other).acknowledge(cold, ack) {
            flow.stop(other, Reason::Hole);
        }
    }
    if segment.urgent {
        flow.stop(from, Reason::Urgent);
    }
    let taken = take_payload(flow, slot, config, segment, payload);
    if !flow.confirmed {
        confirm(flow, slot);
    }
    if flow.sides.of(Side::Src).seen.has_fin() && flow.sides.of(Side::Dst).seen.has_fin() {
        let has_ended = |side| flow.sides.of(side).has_ended(flow.cold.of(side));
        if has_ended(Side::Src) && has_ended(Side::Dst) {
            flow.close();
        }
    }
    flow.fast_path = fast_path::next(flow);
    taken
}

fn take_payload<S: HandshakeSlot, P: Payload>(
    flow: &mut Flow,
    slot: &mut S,
    config: &Config,
    segment: &Segment,
    payload: &P,
) -> SegmentOutcome {
    let Segment { from, seq, fin, .. } = *segment;
    let len = payload.len();
    if flow.sides.of(from).is_unset() {
        // Without a SYN-ACK only the initiator of TCP Fast Open has its first number.
        flow.begin(from, seq);
        flow.lose(from);
        flow.stop(from, Reason::MidStream);
    }
    let end = seq.wrapping_add(len);
    let direction = flow.sides.of_mut(from);
    let fin = fin && !direction.is_old(end);
    if fin || direction.seen.has_fin() {
        let cold = flow.cold.of_mut(from);
        if !direction.ends_at(cold, end, fin, len > 0) {
            flow.stop(from, Reason::BeyondFin);
        }
    }
    if len == 0 {
        return SegmentOutcome::Nothing;
    }
    let next = flow.sides.of(from).next();
    if seq != next {
        let again = match before(next, end) {
            true => next,
            false => end,
        };
        if before(seq, again) {
            if let Err(reason) = compare(flow, slot, segment, payload, again) {
                flow.stop(from, reason);
            }
        }
        if !before(next, end) {
            return SegmentOutcome::Nothing;
        }
        if flow.is_after_hole(from, seq) {
            return SegmentOutcome::AfterHole;
        }
        if before(next, seq) {
            let direction = flow.sides.of_mut(from);
            direction.pass_hole(flow.cold.of_mut(from), seq.wrapping_sub(next));
        }
    }
    let direction = flow.sides.of_mut(from);
    let offset = direction.next().wrapping_sub(seq);
    direction.add_bytes(len.wrapping_sub(offset));
    if flow.is_over() {
        flow.sides.of_mut(from).pass_over(end);
        return SegmentOutcome::New;
    }
    let taken = core::mem::take(&mut flow.cold.of_mut(from).chain.taken);
    let mut reader = Reader::new(payload, taken);
    let direction = flow.sides.of_mut(from);
    let taken = match direction.follow {
        Follow::Records => records(flow, slot, config, segment, payload, &mut reader, offset),
        _ => search(direction, flow.cold.of_mut(from), &mut reader, offset),
    };
    if let Err(reason) = taken {
        flow.stop(from, reason);
        // What is left is taken as if it came in a segment of its own.
        let is_over = flow.is_over();
        let direction = flow.sides.of_mut(from);
        let cold = flow.cold.of_mut(from);
        let left = direction.next().wrapping_sub(seq);
        if is_over {
            direction.pass_over(end);
        } else if reason == Reason::TooManyRecords
            || search(direction, cold, &mut reader, left).is_err()
        {
            // Nothing more of this packet is looked at.
            direction.lose(cold);
            direction.pass_hole(cold, end.wrapping_sub(direction.next()));
        }
    }
    SegmentOutcome::New
}

fn confirm<S: HandshakeSlot>(flow: &mut Flow, slot: &mut S) {
    let Some(handshake) = slot.get() else {
        return;
    };
    if let Some(client) = handshake.client() {
        handshake.acknowledged(flow.sides.of(client).acked);
        flow.confirmed = handshake.identity.confirmed;
    }
}
