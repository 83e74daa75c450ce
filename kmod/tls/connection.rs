// SPDX-License-Identifier: GPL-2.0-only
//! A connection: what its packets are and where it stands.

use super::direction::{Direction, Follow};
use super::handshake::Handshake;
use super::sequence::before;
use super::types::{
    Config, Counters, PacketTypes, Payload, PerSide, Reason, Segment, Side, State, Taken, Types,
};

/// What the packet path touches of a connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(super) sides: PerSide<Direction>,
    /// How far TLS is, if nothing below overrides it.
    pub(super) progress: State,
    pub(super) tls13: bool,
    pub(super) closed: bool,
    lost: bool,
    ended: bool,
    reason: Reason,
}

impl Connection {
    /// Set up by a SYN-ACK: the sequence numbers of each side's first payload octet are known.
    pub fn opened(src_first: u32, dst_first: u32) -> Self {
        Self::new(Direction::new(src_first), Direction::new(dst_first))
    }

    /// Begun by a SYN that carries data (TCP Fast Open); the other side's first number comes with the SYN-ACK.
    pub fn opened_by_syn_data(src_first: u32) -> Self {
        Self::new(Direction::new(src_first), Direction::unset())
    }

    /// Followed from the middle of the stream.
    pub fn picked_up() -> Self {
        let mut connection = Self::new(Direction::unset(), Direction::unset());
        connection.lost = true;
        connection.reason = Reason::MidStream;
        connection
    }

    fn new(src: Direction, dst: Direction) -> Self {
        Connection {
            sides: PerSide::new(src, dst),
            progress: State::New,
            tls13: false,
            closed: false,
            lost: false,
            ended: false,
            reason: Reason::None,
        }
    }

    /// A SYN-ACK of this connection: if it answers a SYN with data, the responder's first number becomes known.
    pub fn set_dst_first(&mut self, dst_first: u32) {
        if self.lost || !self.sides.of(Side::Dst).is_unset() {
            return;
        }
        let mut direction = Direction::new(dst_first);
        if self.is_over() {
            direction.lose();
        }
        *self.sides.of_mut(Side::Dst) = direction;
    }

    /// Whether a SYN-ACK with these numbers, its acknowledgement first, belongs to this connection: the one that opened
    /// it sent again, or the answer to the SYN with data that began it.
    pub fn starts_at(&self, src_first: u32, dst_first: u32) -> bool {
        let dst = self.sides.of(Side::Dst);
        let answers = dst.is_unset() && !self.lost;
        (answers || dst.first() == dst_first) && self.has_sent(src_first)
    }

    /// Whether the initiator's octets reach that far. A SYN-ACK acknowledges the data of a SYN, or does not.
    fn has_sent(&self, seq: u32) -> bool {
        let src = self.sides.of(Side::Src);
        !src.is_unset() && !before(seq, src.first()) && !before(src.next(), seq)
    }

    /// Takes in a packet. Every TCP packet of the connection comes here, those without payload too. The same packet
    /// once more changes nothing.
    pub fn segment<P: Payload>(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        payload: &P,
    ) -> Taken {
        let from = segment.from;
        if let Some(ack) = segment.ack {
            if !self.sides.of_mut(from.other()).acknowledge(ack) {
                self.stop(handshake, from.other(), Reason::Hole);
            }
        }
        if segment.urgent {
            self.stop(handshake, from, Reason::Urgent);
        }
        let taken = self.payload(handshake, config, segment, payload);
        if !handshake.identity.confirmed {
            if let Some(client) = handshake.client() {
                handshake.acknowledged(self.sides.of(client).acked());
            }
        }
        if self.sides.of(Side::Src).has_ended() && self.sides.of(Side::Dst).has_ended() {
            self.close();
        }
        taken
    }

    /// Whether octets in front of `seq` are missing, so that a segment from there on is kept. Not in a direction whose
    /// records are not known: its segments are taken in as they come, those that were kept in their order.
    pub fn is_behind_hole(&self, from: Side, seq: u32) -> bool {
        let direction = self.sides.of(from);
        direction.is_followed() && before(direction.next(), seq)
    }

    /// No longer waits for what is missing in a side's stream: its kept segments are too many or too old.
    pub fn give_up(&mut self, handshake: &mut Handshake, side: Side) {
        self.stop(handshake, side, Reason::Hole);
    }

    fn payload<P: Payload>(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        payload: &P,
    ) -> Taken {
        let Segment { from, seq, fin, .. } = *segment;
        let len = payload.len();
        if self.sides.of(from).is_unset() {
            // Without a SYN-ACK only the initiator of TCP Fast Open has its first number.
            let mut direction = Direction::new(seq);
            direction.lose();
            *self.sides.of_mut(from) = direction;
            self.stop(handshake, from, Reason::MidStream);
        }
        let end = seq.wrapping_add(len);
        let direction = self.sides.of_mut(from);
        if !direction.ends_at(end, fin, len > 0) {
            self.stop(handshake, from, Reason::BeyondFin);
        }
        let direction = self.sides.of_mut(from);
        let next = direction.next();
        let again = match before(next, end) {
            true => next,
            false => end,
        };
        if before(seq, again) {
            if let Err(reason) = self.compare(handshake, segment, payload, again) {
                self.stop(handshake, from, reason);
            }
        }
        if !before(next, end) {
            return Taken::Nothing;
        }
        if self.is_behind_hole(from, seq) {
            return Taken::BehindHole;
        }
        let before_it = self.before(segment);
        let direction = self.sides.of_mut(from);
        if before(next, seq) {
            direction.pass_hole(seq.wrapping_sub(next));
        }
        let offset = direction.next().wrapping_sub(seq);
        direction.add_bytes(len.wrapping_sub(offset));
        let taken = match self.sides.of(from).follow {
            _ if self.is_over() => Ok(()),
            Follow::Records => self
                .records(handshake, config, segment, payload, offset)
                .and_then(|()| self.remember(handshake, segment, payload, before_it)),
            _ => self.sides.of_mut(from).search(payload, offset),
        };
        if let Err(reason) = taken {
            self.stop(handshake, from, reason);
        }
        // What is left of a connection whose records are followed no longer.
        self.sides.of_mut(from).pass_over(end);
        Taken::New
    }

    /// Whether no record is followed any longer, in either direction.
    fn is_over(&self) -> bool {
        matches!(self.progress, State::NotTls | State::Tainted)
    }

    /// The connection, or one of its directions, cannot be followed from here on.
    fn stop(&mut self, handshake: &mut Handshake, from: Side, reason: Reason) {
        if self.is_over() {
            return;
        }
        handshake.give_up();
        match reason {
            Reason::MidStream | Reason::TableFull | Reason::Hole => {
                self.sides.of_mut(from).lose();
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
        self.sides.of_mut(from).lose();
        self.sides.of_mut(from.other()).lose();
    }

    /// Packets have passed unseen in both directions.
    pub fn missed(&mut self, handshake: &mut Handshake) {
        self.stop(handshake, Side::Src, Reason::Hole);
        self.stop(handshake, Side::Dst, Reason::Hole);
    }

    /// The types of `len` octets from `seq` on: a look-up in what is stored.
    pub fn types(&self, from: Side, seq: u32, len: u32) -> PacketTypes {
        if len == 0 {
            return PacketTypes::both(Types::NONE);
        }
        let direction = self.sides.of(from);
        if direction.is_unset() || self.is_over() {
            return PacketTypes::both(Types::UNKNOWN);
        }
        direction.types(seq, len)
    }

    /// Where the connection stands.
    pub fn state(&self) -> State {
        match self.progress {
            State::NotTls | State::Tainted => self.progress,
            _ if self.closed => State::Closed,
            _ if self.lost => State::Lost,
            progress => progress,
        }
    }

    /// Why it is lost, tainted or not TLS.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Conntrack is in CLOSE.
    pub fn close(&mut self) {
        self.closed = true;
        self.ended = true;
    }

    /// Whether both FINs are acknowledged or conntrack is in CLOSE, whatever the state.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What a side has sent.
    pub fn counters(&self, side: Side) -> Counters {
        self.sides.of(side).counters()
    }
}
