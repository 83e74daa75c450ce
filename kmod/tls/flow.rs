// SPDX-License-Identifier: GPL-2.0-only
//! What is known of a connection, as data: both directions, how far TLS is, and why it stopped. The layers above take packets in
//! by functions over it; [`Connection`](super::Connection) is what the rest of the module sees.

use super::cold::ColdState;
use super::direction::Direction;
use super::handshake::Handshake;
use super::inner_types::Verdict;
use super::sequence::before;
use super::types::{PerSide, Reason, Side, State};

/// What is to be done with packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FastPath {
    /// They take the slow path.
    Nothing,
    /// Data may take the fast path: the handshake is over and the identity confirmed, records are followed in both
    /// directions, no FIN was seen.
    Data,
    /// What `Data` has without payload: somebody waits to see data.
    Acknowledgements,
    /// Nothing: no record is followed any longer, no FIN was seen.
    Over,
}

/// What is kept of a connection for its life. In the order of how often packets touch it: an established connection's
/// data touches what comes before the cold states.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Flow {
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

impl Flow {
    /// Bytes from its beginning on that packets of an established connection touch.
    pub(super) const HOT: usize = core::mem::offset_of!(Flow, cold) - Direction::COLD;

    /// No payload was seen; each side's direction, and the sequence number of its first byte.
    pub(super) fn new([src, dst]: [Direction; 2], [src_first, dst_first]: [u32; 2]) -> Self {
        Flow {
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

    /// A side's first sequence number has become known.
    pub(super) fn begin(&mut self, side: Side, first: u32) {
        *self.sides.of_mut(side) = Direction::new(first);
        *self.cold.of_mut(side) = ColdState::new(first);
    }

    /// Where a side's records begin is not known from here on.
    pub(super) fn lose(&mut self, side: Side) {
        self.sides.of_mut(side).lose(self.cold.of_mut(side));
    }

    /// Whether no record is followed any longer, in either direction.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress, State::NotTls | State::Tainted)
    }

    /// Where the connection stands.
    #[inline]
    pub(super) fn state(&self) -> State {
        match self.progress {
            State::NotTls | State::Tainted => self.progress,
            _ if self.closed => State::Closed,
            _ if self.lost => State::Lost,
            progress => progress,
        }
    }

    /// Conntrack is in CLOSE, or both FINs are acknowledged.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.ended = true;
        self.take_slow_path();
    }

    /// Has the next packet with payload take the slow path.
    pub(super) fn take_slow_path_with_payload(&mut self) {
        self.fast_path = match self.fast_path {
            FastPath::Data | FastPath::Acknowledgements => FastPath::Acknowledgements,
            FastPath::Over | FastPath::Nothing => FastPath::Nothing,
        };
    }

    /// Has the next packet take the slow path.
    pub(super) fn take_slow_path(&mut self) {
        self.fast_path = FastPath::Nothing;
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

    /// Whether bytes before `seq` are missing, so that a segment from there on is kept. Not in a direction whose
    /// records are not known: its segments are taken in as they come, those that were kept in their order.
    pub(super) fn is_after_hole(&self, from: Side, seq: u32) -> bool {
        let direction = self.sides.of(from);
        direction.is_followed() && before(direction.next(), seq)
    }

    /// Which sides have sent their Finished, so that they send nothing in plain text any longer.
    pub(super) fn note_finished(&mut self, from: Side, verdict: &Verdict) {
        if verdict.is_certain {
            self.sides.of_mut(from).seen.set_finished();
        }
        if verdict.is_answer {
            self.sides.of_mut(from.other()).seen.set_finished();
        }
    }

    /// Bytes were taken in, perhaps the last of a record: how far TLS is now.
    #[inline]
    pub(super) fn goes_on(&mut self, handshake: &Handshake, from: Side, complete: bool) {
        if self.progress == State::Hello && handshake.is_answered() {
            self.progress = State::Handshake;
            self.tls13 = handshake.is_tls13();
        }
        if complete && self.progress == State::Handshake && handshake.is_complete() {
            self.progress = State::Established;
            self.sides.of_mut(from.other()).decide_open();
        }
    }
}
