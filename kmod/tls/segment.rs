// SPDX-License-Identifier: GPL-2.0-only
//! A connection takes packets in: what they acknowledge, what of them is new, and what makes it stop.

use super::connection::Connection;
use super::direction::Follow;
use super::reader::Reader;
use super::sequence::before;
use super::slot::HandshakeSlot;
use super::types::{Config, Payload, Reason, Segment, SegmentOutcome, Side, State};

impl Connection {
    /// Takes in a packet. Every TCP packet of the connection comes here, those without payload too. The same packet
    /// once more changes nothing.
    pub fn segment<S: HandshakeSlot, P: Payload>(
        &mut self,
        slot: &mut S,
        config: &Config,
        segment: &Segment,
        payload: &P,
    ) -> SegmentOutcome {
        let from = segment.from;
        let asks = slot.told().asks_for_data(from);
        if !asks && self.fast_segment(segment, payload).is_some() {
            if payload.is_empty() {
                return SegmentOutcome::Nothing;
            }
            if let Some(handshake) = slot.get() {
                handshake.forget(from, self.sides.of(from).acked());
            }
            return SegmentOutcome::New;
        }
        if let Some(ack) = segment.ack {
            let other = from.other();
            let cold = self.cold.of(other);
            if !self.sides.of_mut(other).acknowledge(cold, ack) {
                self.stop(other, Reason::Hole);
            }
        }
        if segment.urgent {
            self.stop(from, Reason::Urgent);
        }
        let taken = self.payload(slot, config, segment, payload);
        if !self.confirmed {
            self.confirm(slot);
        }
        if self.sides.of(Side::Src).has_fin() && self.sides.of(Side::Dst).has_fin() {
            let has_ended = |side| self.sides.of(side).has_ended(self.cold.of(side));
            if has_ended(Side::Src) && has_ended(Side::Dst) {
                self.close();
            }
        }
        self.fast_path = self.fast_path();
        taken
    }

    fn payload<S: HandshakeSlot, P: Payload>(
        &mut self,
        slot: &mut S,
        config: &Config,
        segment: &Segment,
        payload: &P,
    ) -> SegmentOutcome {
        let Segment { from, seq, fin, .. } = *segment;
        let len = payload.len();
        if self.sides.of(from).is_unset() {
            // Without a SYN-ACK only the initiator of TCP Fast Open has its first number.
            self.begin(from, seq);
            self.lose(from);
            self.stop(from, Reason::MidStream);
        }
        let end = seq.wrapping_add(len);
        let direction = self.sides.of_mut(from);
        let fin = fin && !direction.is_old(end);
        if fin || direction.has_fin() {
            let cold = self.cold.of_mut(from);
            if !direction.ends_at(cold, end, fin, len > 0) {
                self.stop(from, Reason::BeyondFin);
            }
        }
        if len == 0 {
            return SegmentOutcome::Nothing;
        }
        let next = self.sides.of(from).next();
        if seq != next {
            let again = match before(next, end) {
                true => next,
                false => end,
            };
            if before(seq, again) {
                if let Err(reason) = self.compare(slot, segment, payload, again) {
                    self.stop(from, reason);
                }
            }
            if !before(next, end) {
                return SegmentOutcome::Nothing;
            }
            if self.is_behind_hole(from, seq) {
                return SegmentOutcome::BehindHole;
            }
            if before(next, seq) {
                let direction = self.sides.of_mut(from);
                direction.pass_hole(self.cold.of_mut(from), seq.wrapping_sub(next));
            }
        }
        let direction = self.sides.of_mut(from);
        let offset = direction.next().wrapping_sub(seq);
        direction.add_bytes(len.wrapping_sub(offset));
        if self.is_over() {
            self.sides.of_mut(from).pass_over(end);
            return SegmentOutcome::New;
        }
        let taken = core::mem::take(&mut self.cold.of_mut(from).chain.taken);
        let mut reader = Reader::new(payload, taken);
        let direction = self.sides.of_mut(from);
        let taken = match direction.follow {
            Follow::Records => self.records(slot, config, segment, payload, &mut reader, offset),
            _ => direction.search(self.cold.of_mut(from), &mut reader, offset),
        };
        if let Err(reason) = taken {
            self.stop(from, reason);
            // What is left is taken as if it came in a segment of its own.
            let is_over = self.is_over();
            let direction = self.sides.of_mut(from);
            let cold = self.cold.of_mut(from);
            let left = direction.next().wrapping_sub(seq);
            if is_over {
                direction.pass_over(end);
            } else if reason == Reason::TooManyRecords
                || direction.search(cold, &mut reader, left).is_err()
            {
                // Nothing more of this packet is looked at.
                direction.lose(cold);
                direction.pass_hole(cold, end.wrapping_sub(direction.next()));
            }
        }
        SegmentOutcome::New
    }

    fn confirm<S: HandshakeSlot>(&mut self, slot: &mut S) {
        let Some(handshake) = slot.get() else {
            return;
        };
        if let Some(client) = handshake.client() {
            handshake.acknowledged(self.sides.of(client).acked());
            self.confirmed = handshake.identity.confirmed;
        }
    }

    /// No longer waits for what is missing in a side's stream: its kept segments are too many or too old.
    pub fn give_up(&mut self, side: Side) {
        self.stop(side, Reason::Hole);
    }

    /// Bytes of a side came again as others before the connection was followed.
    pub fn contradict(&mut self, side: Side) {
        self.stop(side, Reason::ResentDifferently);
    }

    /// Nothing is kept any longer of what is outstanding: what comes again of it reads `unknown`.
    pub fn forget_outstanding(&mut self) {
        for side in [Side::Src, Side::Dst] {
            let direction = self.sides.of_mut(side);
            direction.history.unknown_from(direction.acked());
        }
    }

    /// Packets have passed unseen in both directions.
    pub fn missed(&mut self) {
        self.stop_both(Reason::Hole);
    }

    /// A handshake that is not complete did not go on for too long, or its memory is needed for others. It
    /// [has settled](Self::has_settled) then.
    pub fn time_out(&mut self) {
        self.stop_both(Reason::HandshakeTimeout);
    }

    /// Neither direction can be followed from here on.
    pub(super) fn stop_both(&mut self, reason: Reason) {
        self.stop(Side::Src, reason);
        self.stop(Side::Dst, reason);
    }

    /// The connection, or one of its directions, cannot be followed from here on.
    pub(super) fn stop(&mut self, from: Side, reason: Reason) {
        if self.is_over() {
            return;
        }
        self.take_slow_path();
        match reason {
            Reason::MidStream
            | Reason::TableFull
            | Reason::Hole
            | Reason::TooManyRecords
            | Reason::SynData
            | Reason::HandshakeTimeout => {
                self.lose(from);
                if !self.lost {
                    self.lost = true;
                    self.reason = reason;
                }
                return;
            }
            Reason::NotTls => self.progress = State::NotTls,
            _ => self.progress = State::Tainted,
        }
        self.reason = reason;
        self.lose(from);
        self.lose(from.other());
    }
}
