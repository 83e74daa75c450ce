// SPDX-License-Identifier: GPL-2.0-only
//! A connection: what its packets are and where it stands.

use super::cold::ColdState;
use super::direction::{Direction, Follow};
use super::fast_path::FastPath;
use super::handshake::Handshake;
use super::sequence::{before, History};
use super::types::{Counters, PacketTypes, PerSide, Reason, Side, State, Types};

/// What is kept of a connection for its life. In the order of how often packets touch it: an established connection's
/// data touches what comes before the cold states.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Connection {
    /// How far TLS is, if nothing below overrides it.
    pub(super) progress: State,
    pub(super) tls13: bool,
    pub(super) closed: bool,
    pub(super) lost: bool,
    pub(super) ended: bool,
    /// The identity needs no confirmation any longer.
    pub(super) confirmed: bool,
    pub(super) reason: Reason,
    pub(super) fast_path: FastPath,
    pub(super) sides: PerSide<Direction>,
    pub(super) cold: PerSide<ColdState>,
}

impl Connection {
    /// Bytes from its beginning on that packets of an established connection touch.
    pub const HOT: usize = core::mem::offset_of!(Connection, cold) - History::COLD;

    /// Set up by a SYN-ACK: the sequence numbers of each side's first payload byte are known.
    pub fn opened(src_first: u32, dst_first: u32) -> Self {
        Self::new(
            [Direction::new(src_first), Direction::new(dst_first)],
            [src_first, dst_first],
        )
    }

    /// Set up by a SYN-ACK that acknowledges data of a SYN, up to `src_first`, which is not kept any more: what was in it
    /// is not known, nor where records begin in either direction.
    pub fn opened_without_syn_data(src_first: u32, dst_first: u32) -> Self {
        let mut connection = Self::opened(src_first, dst_first);
        connection.stop_both(Reason::SynData);
        connection
    }

    /// Begun by a SYN that carries data (TCP Fast Open); the other side's first number comes with the SYN-ACK.
    pub fn opened_by_syn_data(src_first: u32) -> Self {
        let sides = [Direction::new(src_first), Direction::unset()];
        let mut connection = Self::new(sides, [src_first, 0]);
        connection.sides.of_mut(Side::Src).set_opening(true);
        connection
    }

    /// The same where another SYN has come before, which the other side may have taken in its place.
    pub fn opened_by_another_syn(src_first: u32) -> Self {
        let mut connection = Self::opened_by_syn_data(src_first);
        connection.stop(Side::Src, Reason::MidStream);
        connection
    }

    /// Followed from the middle of the stream.
    pub fn picked_up() -> Self {
        let mut connection = Self::new([Direction::unset(), Direction::unset()], [0; 2]);
        connection.lost = true;
        connection.reason = Reason::MidStream;
        connection
    }

    fn new([src, dst]: [Direction; 2], [src_first, dst_first]: [u32; 2]) -> Self {
        Connection {
            sides: PerSide::new(src, dst),
            progress: State::New,
            tls13: false,
            closed: false,
            lost: false,
            ended: false,
            confirmed: false,
            reason: Reason::None,
            fast_path: FastPath::Nothing,
            cold: PerSide::new(ColdState::new(src_first), ColdState::new(dst_first)),
        }
    }

    pub(super) fn begin(&mut self, side: Side, first: u32) {
        *self.sides.of_mut(side) = Direction::new(first);
        *self.cold.of_mut(side) = ColdState::new(first);
    }

    pub(super) fn lose(&mut self, side: Side) {
        self.sides.of_mut(side).lose(self.cold.of_mut(side));
    }

    /// Whether a SYN with data has begun it, and no SYN-ACK has come yet.
    fn is_opening(&self) -> bool {
        self.sides.of(Side::Src).is_opening()
    }

    /// A SYN that nobody has answered yet; whether it is the one that began this connection. After another one it is not
    /// known which of them the other side takes, nor where records begin then.
    pub fn syn(&mut self, src_first: u32) -> bool {
        let is_first = self.begins_at(Side::Src, src_first);
        if self.is_opening() && !is_first {
            self.stop(Side::Src, Reason::MidStream);
        }
        self.is_opening() && is_first
    }

    /// A SYN-ACK of this connection: if it answers a SYN with data, the responder's first number becomes known. It
    /// acknowledges that data, or does not (RFC 7413 4.2.2).
    pub fn answered(&mut self, src_first: u32, dst_first: u32) {
        if !self.is_opening() {
            return;
        }
        self.sides.of_mut(Side::Src).set_opening(false);
        self.begin(Side::Dst, dst_first);
        let end = self.sides.of(Side::Src).next();
        if !self.begins_at(Side::Src, src_first) && src_first != end {
            self.stop(Side::Src, Reason::MidStream);
        }
        if self.lost || self.is_over() {
            self.lose(Side::Dst);
        }
    }

    /// Whether a SYN-ACK with these numbers, its acknowledgement first, belongs to this connection: the one that opened
    /// it sent again, or the answer to the SYN with data that began it.
    pub fn starts_at(&self, src_first: u32, dst_first: u32) -> bool {
        self.is_opening()
            || self.cold.of(Side::Dst).first() == dst_first && self.has_sent(src_first)
    }

    /// Whether a side's first byte has that number.
    pub fn begins_at(&self, side: Side, first: u32) -> bool {
        !self.sides.of(side).is_unset() && self.cold.of(side).first() == first
    }

    /// Whether the initiator's bytes reach that far. A SYN-ACK acknowledges the data of a SYN, or does not.
    fn has_sent(&self, seq: u32) -> bool {
        let src = self.sides.of(Side::Src);
        let first = self.cold.of(Side::Src).first();
        !src.is_unset() && !before(seq, first) && !before(src.next(), seq)
    }

    /// Whether bytes before `seq` are missing, so that a segment from there on is kept. Not in a direction whose
    /// records are not known: its segments are taken in as they come, those that were kept in their order.
    pub fn is_behind_hole(&self, from: Side, seq: u32) -> bool {
        let direction = self.sides.of(from);
        direction.is_followed() && before(direction.next(), seq)
    }

    /// Whether where a side's records begin is known.
    pub fn follows(&self, side: Side) -> bool {
        self.sides.of(side).is_followed()
    }

    /// Where a side's stream has come to.
    pub fn next(&self, side: Side) -> u32 {
        self.sides.of(side).next()
    }

    /// Whether bytes of a side before `seq` have not been taken in yet.
    pub fn is_unseen(&self, side: Side, seq: u32) -> bool {
        before(self.sides.of(side).next(), seq)
    }

    /// Whether no record is followed any longer, in either direction.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress, State::NotTls | State::Tainted)
    }

    /// Whether nothing of the handshake is needed any longer but the identity: it is over, the other side has
    /// acknowledged the identity, and no byte that might have to come again as it was is outstanding.
    pub fn has_settled(&self, handshake: &Handshake) -> bool {
        let followed = |side| self.sides.of(side).follow == Follow::Records;
        let established = self.progress == State::Established && self.confirmed;
        let none = !followed(Side::Src) && !followed(Side::Dst);
        none || ((established || self.ended) && !handshake.has_outstanding(&self.sides))
    }

    /// The types of `len` bytes from `seq` on: a look-up in what is stored.
    #[inline]
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
    #[inline]
    pub fn state(&self) -> State {
        match self.progress {
            State::NotTls | State::Tainted => self.progress,
            _ if self.closed => State::Closed,
            _ if self.lost => State::Lost,
            progress => progress,
        }
    }

    /// Directions that have found their way back by a chain of record headers.
    pub fn resynchronised(&self) -> u8 {
        [Side::Src, Side::Dst].into_iter().fold(0, |found, side| {
            let back = self.sides.of(side).follow == Follow::Resynchronised;
            u8::from(back).saturating_add(found)
        })
    }

    /// Why it is lost, tainted or not TLS.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Conntrack is in CLOSE.
    pub fn close(&mut self) {
        self.closed = true;
        self.ended = true;
        self.take_slow_path();
    }

    /// Whether both FINs are acknowledged or conntrack is in CLOSE, whatever the state.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Whether it is followed from the middle of its stream.
    pub fn is_picked_up(&self) -> bool {
        self.sides.of(Side::Src).is_unset() && self.sides.of(Side::Dst).is_unset()
    }

    /// Whether a side has sent payload.
    pub fn has_payload(&self) -> bool {
        [Side::Src, Side::Dst]
            .into_iter()
            .any(|side| self.counters(side).bytes > 0)
    }

    /// What a side has sent.
    pub fn counters(&self, side: Side) -> Counters {
        self.sides.of(side).counters(self.cold.of(side))
    }
}
