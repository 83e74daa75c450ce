// SPDX-License-Identifier: GPL-2.0-only
//! A connection: what its packets are and where it stands.

use super::direction::Direction;
use super::fast_path;
use super::flow::{FastPath, Flow};
use super::follow::Follow;
use super::handshake::Handshake;
use super::segment;
use super::sequence::before;
use super::slot::HandshakeSlot;
use super::types::{
    Config, Counters, PacketTypes, Payload, Reason, Segment, SegmentOutcome, Side, State, Types,
};

/// A connection, for its life: what its packets are, and where it stands.
#[derive(Clone, Debug)]
#[repr(transparent)]
pub struct Connection {
    flow: Flow,
}

impl Connection {
    /// Bytes from its beginning on that packets of an established connection touch.
    pub const HOT: usize = Flow::HOT;

    /// Set up by a SYN-ACK: the sequence numbers of each side's first payload byte are known, one after those of the SYNs
    /// (RFC 9293 3.5).
    pub fn opened(src_first: u32, dst_first: u32) -> Self {
        Self::of(
            [Direction::new(src_first), Direction::new(dst_first)],
            [src_first, dst_first],
        )
    }

    /// Set up by a SYN-ACK that acknowledges data of a SYN, up to `src_first`, which is not kept any more: what was in it
    /// is not known, nor where records begin in either direction.
    pub fn opened_without_syn_data(src_first: u32, dst_first: u32) -> Self {
        let mut connection = Self::opened(src_first, dst_first);
        connection.flow.stop_both(Reason::SynData);
        connection
    }

    /// Begun by a SYN that carries data (TCP Fast Open, RFC 7413); the other side's first number comes with the SYN-ACK.
    pub fn opened_by_syn_data(src_first: u32) -> Self {
        let sides = [Direction::new(src_first), Direction::unset()];
        let mut connection = Self::of(sides, [src_first, 0]);
        connection
            .flow
            .sides
            .of_mut(Side::Src)
            .seen
            .set_opening(true);
        connection
    }

    /// The same where another SYN has come before, which the other side may have taken in its place.
    pub fn opened_by_another_syn(src_first: u32) -> Self {
        let mut connection = Self::opened_by_syn_data(src_first);
        connection.flow.stop(Side::Src, Reason::MidStream);
        connection
    }

    /// Followed from the middle of the stream: `lost` until a chain of record headers shows where records begin.
    pub fn picked_up() -> Self {
        let mut connection = Self::of([Direction::unset(), Direction::unset()], [0; 2]);
        connection.flow.lost = true;
        connection.flow.reason = Reason::MidStream;
        connection
    }

    fn of(sides: [Direction; 2], firsts: [u32; 2]) -> Self {
        Connection {
            flow: Flow::new(sides, firsts),
        }
    }

    /// Whether a SYN with data has begun it, and no SYN-ACK has come yet.
    fn is_opening(&self) -> bool {
        self.flow.sides.of(Side::Src).seen.is_opening()
    }

    /// A SYN that nobody has answered yet; whether it is the one that began this connection. After another one it is not
    /// known which of them the other side takes, nor where records begin then.
    pub fn syn(&mut self, src_first: u32) -> bool {
        let is_first = self.begins_at(Side::Src, src_first);
        if self.is_opening() && !is_first {
            self.flow.stop(Side::Src, Reason::MidStream);
        }
        self.is_opening() && is_first
    }

    /// A SYN-ACK of this connection: if it answers a SYN with data, the responder's first number becomes known. It
    /// acknowledges that data, or does not (RFC 7413 4.2.2).
    pub fn answered(&mut self, src_first: u32, dst_first: u32) {
        if !self.is_opening() {
            return;
        }
        self.flow.sides.of_mut(Side::Src).seen.set_opening(false);
        self.flow.begin(Side::Dst, dst_first);
        let end = self.flow.sides.of(Side::Src).next();
        if !self.begins_at(Side::Src, src_first) && src_first != end {
            self.flow.stop(Side::Src, Reason::MidStream);
        }
        if self.flow.lost || self.flow.is_over() {
            self.flow.lose(Side::Dst);
        }
    }

    /// Whether a SYN-ACK with these numbers, its acknowledgement first, belongs to this connection: the one that opened
    /// it sent again, or the answer to the SYN with data that began it.
    pub fn starts_at(&self, src_first: u32, dst_first: u32) -> bool {
        self.is_opening()
            || self.flow.cold.of(Side::Dst).first() == dst_first && self.has_sent(src_first)
    }

    /// Whether a side's first byte has that number.
    pub fn begins_at(&self, side: Side, first: u32) -> bool {
        !self.flow.sides.of(side).is_unset() && self.flow.cold.of(side).first() == first
    }

    /// Whether the initiator's bytes reach that far. A SYN-ACK acknowledges the data of a SYN, or does not.
    fn has_sent(&self, seq: u32) -> bool {
        let src = self.flow.sides.of(Side::Src);
        let first = self.flow.cold.of(Side::Src).first();
        !src.is_unset() && !before(seq, first) && !before(src.next(), seq)
    }

    /// Whether bytes before `seq` are missing, so that a segment from there on is kept. Not in a direction whose
    /// records are not known: its segments are taken in as they come, those that were kept in their order.
    pub fn is_after_hole(&self, from: Side, seq: u32) -> bool {
        self.flow.is_after_hole(from, seq)
    }

    /// Whether where a side's records begin is known.
    pub fn follows(&self, side: Side) -> bool {
        self.flow.sides.of(side).is_followed()
    }

    /// Where a side's stream has come to: the sequence number after the last byte that was taken in.
    pub fn next(&self, side: Side) -> u32 {
        self.flow.sides.of(side).next()
    }

    /// Whether bytes of a side before `seq` have not been taken in yet.
    pub fn is_unseen(&self, side: Side, seq: u32) -> bool {
        before(self.flow.sides.of(side).next(), seq)
    }

    /// Whether nothing of the handshake is needed any longer but the identity: it is over, the other side has
    /// acknowledged the identity, and no byte that might have to come again as it was is outstanding.
    pub fn has_settled(&self, handshake: &Handshake) -> bool {
        let followed = |side| self.flow.sides.of(side).follow == Follow::Records;
        let established = self.flow.progress == State::Established && self.flow.confirmed;
        let none = !followed(Side::Src) && !followed(Side::Dst);
        none || ((established || self.flow.ended) && !handshake.has_outstanding(&self.flow.sides))
    }

    /// The types of `len` bytes from `seq` on, by content and on the wire: a look-up in what is stored. `NONE` for no bytes;
    /// bytes that have not come, or came too long ago to be known, are `UNKNOWN`.
    #[inline]
    pub fn types(&self, from: Side, seq: u32, len: u32) -> PacketTypes {
        if len == 0 {
            return PacketTypes::both(Types::NONE);
        }
        let direction = self.flow.sides.of(from);
        if direction.is_unset() || self.flow.is_over() {
            return PacketTypes::both(Types::UNKNOWN);
        }
        direction.types(seq, len)
    }

    /// Where the connection stands.
    #[inline]
    pub fn state(&self) -> State {
        self.flow.state()
    }

    /// How many directions have found their way back by a chain of record headers: 0 to 2.
    pub fn resynchronised(&self) -> u8 {
        [Side::Src, Side::Dst].into_iter().fold(0, |found, side| {
            let back = self.flow.sides.of(side).follow == Follow::Resynchronised;
            u8::from(back).saturating_add(found)
        })
    }

    /// Why it is lost, tainted or not TLS; `None` as long as it is none of these.
    pub fn reason(&self) -> Reason {
        self.flow.reason
    }

    /// Conntrack is in CLOSE. Types stay known; the state is `closed`, unless it is `not-tls` or `tainted`.
    pub fn close(&mut self) {
        self.flow.close();
    }

    /// Whether both FINs are acknowledged or conntrack is in CLOSE, whatever the state.
    pub fn ended(&self) -> bool {
        self.flow.ended
    }

    /// Whether it is followed from the middle of its stream.
    pub fn is_picked_up(&self) -> bool {
        self.flow.sides.of(Side::Src).is_unset() && self.flow.sides.of(Side::Dst).is_unset()
    }

    /// Whether a side has sent payload.
    pub fn has_payload(&self) -> bool {
        [Side::Src, Side::Dst]
            .into_iter()
            .any(|side| self.counters(side).bytes > 0)
    }

    /// What a side has sent: bytes of payload without those that came again, and complete records by wire type.
    pub fn counters(&self, side: Side) -> Counters {
        self.flow.sides.of(side).counters(self.flow.cold.of(side))
    }

    /// Stream bytes of a side of types that are held, each counted once, since it was begun or [waits](Self::waits_from_here)
    /// from a place on.
    pub fn waiting(&self, side: Side) -> u64 {
        self.flow.sides.of(side).waiting()
    }

    /// Bytes of a side that the other has not acknowledged.
    pub fn outstanding(&self, side: Side) -> u32 {
        self.flow.sides.of(side).outstanding()
    }

    /// Bytes of a side in doubt pass.
    pub fn pass_in_doubt(&mut self, side: Side, octets: u32) {
        self.flow.sides.of_mut(side).add_passed(octets);
    }

    /// From here on what both sides send waits to be let through.
    pub fn waits_from_here(&mut self) {
        for side in [Side::Src, Side::Dst] {
            self.flow.sides.of_mut(side).waits_from_here();
        }
    }

    /// Takes in a packet. Every TCP packet of the connection comes here, those without payload too. The same packet
    /// once more changes nothing. Takes time in proportion to the payload, and no more than 2,048 records of it are looked at:
    /// with more, the direction is lost. A payload that is shorter than it says has a hole.
    pub fn segment<S: HandshakeSlot, P: Payload>(
        &mut self,
        slot: &mut S,
        config: &Config,
        segment: &Segment,
        payload: &P,
    ) -> SegmentOutcome {
        segment::take_in(&mut self.flow, slot, config, segment, payload)
    }

    /// Takes a packet of an established connection in, and says of what type its payload is, by content and on the wire.
    /// None if that is left to [`segment`](Self::segment), which begins with what is left then: so too after 64 records.
    #[inline(always)]
    pub fn fast_segment<P: Payload>(&mut self, segment: &Segment, payload: &P) -> Option<Types> {
        fast_path::take_in(&mut self.flow, segment, payload)
    }

    /// Whether it is of no consequence what its packets are until one opens, ends or resets a connection, so that they need
    /// not be taken in: no record is followed any longer, no FIN was seen.
    pub fn is_bypassed(&self) -> bool {
        self.flow.fast_path == FastPath::Over
    }

    /// Takes it up again after packets have not been taken in, if it [is bypassed](Self::is_bypassed): where the initiator's
    /// stream and the responder's have come to.
    pub fn take_up(&mut self, [src, dst]: [u32; 2]) {
        if self.flow.fast_path == FastPath::Over {
            self.flow.sides.of_mut(Side::Src).take_up(src);
            self.flow.sides.of_mut(Side::Dst).take_up(dst);
        }
    }

    /// Has the next packet take the slow path: there is more to it than the engine knows.
    pub fn take_slow_path(&mut self) {
        self.flow.take_slow_path();
    }

    /// The same for the next packet with payload: others go on as before.
    pub fn take_slow_path_with_payload(&mut self) {
        self.flow.take_slow_path_with_payload();
    }

    /// No longer waits for what is missing in a side's stream: its kept segments are too many or too old.
    pub fn give_up(&mut self, side: Side) {
        self.flow.stop(side, Reason::Hole);
    }

    /// Bytes of a side came again as others before the connection was followed.
    pub fn contradict(&mut self, side: Side) {
        self.flow.stop(side, Reason::ResentDifferently);
    }

    /// Nothing is kept any longer of what is outstanding: what comes again of it reads `unknown`.
    pub fn forget_outstanding(&mut self) {
        for side in [Side::Src, Side::Dst] {
            self.flow.sides.of_mut(side).hold_outstanding();
        }
    }

    /// Packets have passed unseen in both directions.
    pub fn missed(&mut self) {
        self.flow.stop_both(Reason::Hole);
    }

    /// A handshake that is not complete did not go on for too long, or its memory is needed for others. It
    /// [has settled](Self::has_settled) then.
    pub fn time_out(&mut self) {
        self.flow.stop_both(Reason::HandshakeTimeout);
    }
}
