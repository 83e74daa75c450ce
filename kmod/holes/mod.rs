// SPDX-License-Identifier: GPL-2.0-only

//! Segments after a hole in their stream, kept until it has filled.
//!
//! All of it is bounded: what is kept by segments, bytes and memory, and what a packet takes in of it by segments and
//! bytes. The rest waits for its turn: later packets take it in, or the periodic work. Until then what comes after it is
//! after a hole still.

use crate::{
    counters::Counters,
    fingerprint::Asked,
    handshakes::{Budget, Slot},
    packet::Packet,
    tls::{Connection, Payload, PerSide, Segment, SegmentOutcome, Side, State},
};
use kernel::prelude::*;
use queue::{Cost, Queue, Room};

mod memory_budget;
mod queue;
mod same;

pub use memory_budget::MemoryBudget;

/// Segments that a connection keeps at most.
const SEGMENTS_MAX: u32 = 1024;

/// Bytes of memory that it may take for each byte that it may keep: packets' memory is a multiple of what they carry.
const MEMORY_FOR_A_BYTE: u32 = 16;

/// How far after what comes next a segment may be: no receive window is larger (RFC 7323 2.3), and numbers that are
/// further apart could not be put in order.
const REACH: u32 = 1 << 30;

/// How a connection's segments are kept.
pub struct Limits<'a> {
    /// How the engine follows it.
    pub engine: &'a crate::tls::Config,
    /// Memory for what its namespace keeps after holes.
    pub memory: &'a MemoryBudget,
    /// What its namespace counts.
    pub counters: &'a Counters,
    /// Its namespace's handshakes.
    pub handshakes: &'a Budget,
    /// Who asks for JA4 there.
    pub ja4: &'a Asked,
}

impl Limits<'_> {
    /// Has the engine take a segment in.
    #[inline]
    pub fn take_in<P: Payload>(
        &self,
        connection: &mut Connection,
        slot: &mut Slot,
        segment: &Segment,
        payload: &P,
    ) -> SegmentOutcome {
        // Its ClientHello may begin here.
        let wants_ja4 =
            payload.len() > 0 && connection.state() == State::New && self.ja4.by_anybody();
        slot.with(self.handshakes, wants_ja4, |place| {
            connection.segment(place, self.engine, segment, payload)
        })
    }
}

/// What may still be taken in with one packet.
pub struct Portion {
    segments: u32,
    bytes: u32,
}

impl Portion {
    /// All that one packet may take in.
    pub fn of_a_packet() -> Self {
        Self {
            segments: 64,
            bytes: 16384,
        }
    }
}

/// The payload of a segment that only acknowledges.
struct Nothing;

impl Payload for Nothing {
    fn len(&self) -> u32 {
        0
    }

    fn read(&self, _offset: u32, to: &mut [u8]) -> bool {
        to.is_empty()
    }
}

/// What a connection keeps. Under its entry's lock; whoever ends the connection while its namespace lives discards it, so
/// that the budget is right.
pub struct Holes {
    queues: PerSide<Option<KBox<Queue>>>,
    /// Acknowledgements of a side's segments that came before these were taken in.
    acks: PerSide<Option<Segment>>,
}

impl Holes {
    /// Nothing kept. No memory is taken.
    pub const fn none() -> Self {
        Self {
            queues: PerSide::new(None, None),
            acks: PerSide::new(None, None),
        }
    }

    /// Whether nothing is kept.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.queues.of(Side::Src).is_none() && self.queues.of(Side::Dst).is_none()
    }

    fn cost(&self) -> Cost {
        let of = |side| {
            let queue = self.queues.of(side).as_ref();
            queue.map_or_else(Cost::default, |queue| queue.cost())
        };
        of(Side::Src).plus(of(Side::Dst))
    }

    /// The segment of a side that is to be taken in next: there is no hole before it any longer.
    fn due(&self, connection: &Connection, side: Side) -> Option<Segment> {
        let lowest = self.queues.of(side).as_ref()?.lowest()?;
        (!connection.is_after_hole(side, lowest.seq)).then_some(lowest)
    }

    /// Whether a segment waits for its turn.
    pub fn has_due(&self, connection: &Connection) -> bool {
        let has = |side| self.due(connection, side).is_some();
        has(Side::Src) || has(Side::Dst)
    }

    /// Whether a segment acknowledges what the other side has sent and what waits for its turn here. It was sent after
    /// that: what it is can be told once that is taken in.
    pub fn is_first_to_come(&self, connection: &Connection, segment: &Segment) -> bool {
        let other = segment.from.other();
        let unseen = |ack| connection.is_unseen(other, ack);
        segment.ack.is_some_and(unseen) && self.due(connection, other).is_some()
    }

    /// Has what a segment acknowledges of the other side known when that is taken in.
    pub fn acknowledge_later(&mut self, segment: &Segment) {
        let last = self.acks.of_mut(segment.from.other());
        let newer = |last: &Segment| match (last.ack, segment.ack) {
            (Some(last), Some(ack)) => (ack.wrapping_sub(last) as i32) > 0,
            _ => true,
        };
        if last.as_ref().is_none_or(newer) {
            *last = Some(Segment {
                fin: false,
                urgent: false,
                ..*segment
            });
        }
    }

    /// Keeps a packet; false where there is no room for it. Any context.
    pub fn keep(
        &mut self,
        connection: &Connection,
        packet: &Packet<'_>,
        limits: &Limits<'_>,
    ) -> bool {
        let before = self.cost();
        let seq = packet.segment().seq;
        if connection.is_after_hole(packet.from, seq.wrapping_sub(REACH)) {
            return false;
        }
        let place = self.queues.of_mut(packet.from);
        if place.is_none() {
            *place = Queue::new();
        }
        let Some(queue) = place else {
            return false;
        };
        let at = match queue.room_for(packet) {
            Room::IsKept => return true,
            Room::None => return false,
            Room::At(at) => at,
        };
        let bytes = limits.engine.hole_octets;
        let fits = |cost| {
            let cost = before.plus(cost);
            cost.segments <= SEGMENTS_MAX
                && cost.bytes <= bytes
                && cost.memory <= bytes.saturating_mul(MEMORY_FOR_A_BYTE)
        };
        let kept = queue.keep(
            at,
            packet,
            |cost| fits(cost) && limits.memory.add(cost.memory),
            |cost| limits.memory.sub(cost.memory),
        );
        if queue.is_empty() {
            *place = None;
        }
        kept
    }

    /// Takes in what has no hole before it any longer, the lowest number first, as far as the portion goes.
    pub fn fill(
        &mut self,
        connection: &mut Connection,
        slot: &mut Slot,
        limits: &Limits<'_>,
        portion: &mut Portion,
    ) {
        while let Some(side) = self.next(connection) {
            if portion.segments == 0 || portion.bytes == 0 {
                break;
            }
            let place = self.queues.of_mut(side);
            let Some(queue) = place else {
                break;
            };
            let taken = queue.take(portion.bytes, |segment, payload| {
                limits.take_in(connection, slot, segment, payload);
            });
            let Some((bytes, cost)) = taken else {
                break;
            };
            portion.segments = portion.segments.saturating_sub(1);
            portion.bytes = portion.bytes.saturating_sub(bytes);
            limits.memory.sub(cost.memory);
            if queue.is_empty() {
                *place = None;
            }
        }
        for side in [Side::Src, Side::Dst] {
            self.settle(side, connection, slot, limits);
        }
    }

    /// The side whose segment is to be taken in next. One that acknowledges what the other side's has to bring comes after
    /// that; if both do, what they acknowledge has not been seen.
    fn next(&self, connection: &Connection) -> Option<Side> {
        let due = |side| self.due(connection, side);
        let Some(src) = due(Side::Src) else {
            return due(Side::Dst).map(|_| Side::Dst);
        };
        Some(match self.is_first_to_come(connection, &src) {
            true => Side::Dst,
            false => Side::Src,
        })
    }

    /// Once nothing of a side waits for its turn any longer, what was acknowledged of it counts. A direction whose records
    /// are not known keeps nothing.
    fn settle(
        &mut self,
        side: Side,
        connection: &mut Connection,
        slot: &mut Slot,
        limits: &Limits<'_>,
    ) {
        if self.due(connection, side).is_none() {
            if let Some(ack) = self.acks.of_mut(side).take() {
                limits.take_in(connection, slot, &ack, &Nothing);
            }
        }
        if !connection.follows(side) {
            self.discard(side, limits.memory);
        }
    }

    fn discard(&mut self, side: Side, memory: &MemoryBudget) {
        *self.acks.of_mut(side) = None;
        if let Some(queue) = self.queues.of_mut(side).take() {
            memory.discard(queue);
        }
    }

    /// A side whose hole has been there for `seconds`.
    pub fn aged(&self, connection: &Connection, seconds: u32) -> Option<Side> {
        [Side::Src, Side::Dst].into_iter().find(|&side| {
            let queue = self.queues.of(side).as_ref();
            let old = queue.is_some_and(|queue| queue.is_aged(seconds));
            old && self.due(connection, side).is_none()
        })
    }

    /// Lets go of all. Any context.
    pub fn clear(&mut self, memory: &MemoryBudget) {
        self.discard(Side::Src, memory);
        self.discard(Side::Dst, memory);
    }
}
