// SPDX-License-Identifier: GPL-2.0-only
//! A connection: what its packets are and where it stands.

use super::identity::Identity;
use super::types::{
    Config, Counters, PacketTypes, Payload, PerSide, Reason, Segment, Side, State, Types,
};

/// What is needed while the handshake lasts, and the identity.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    /// What the hellos said.
    pub identity: Identity,
}

impl Handshake {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What the packet path touches of a connection.
#[derive(Clone, Debug)]
pub struct Connection {
    first: PerSide<u32>,
    state: State,
    reason: Reason,
}

impl Connection {
    /// Set up by a SYN-ACK: the sequence numbers of each side's first payload octet are known.
    pub fn opened(src_first: u32, dst_first: u32) -> Self {
        Connection {
            first: PerSide::new(src_first, dst_first),
            state: State::New,
            reason: Reason::None,
        }
    }

    /// Begun by a SYN that carries data (TCP Fast Open); the other side's first number comes with the SYN-ACK.
    pub fn opened_by_syn_data(src_first: u32) -> Self {
        Self::opened(src_first, 0)
    }

    /// The SYN-ACK that answers a SYN with data.
    pub fn set_dst_first(&mut self, dst_first: u32) {
        *self.first.of_mut(Side::Dst) = dst_first;
    }

    /// Followed from the middle of the stream.
    pub fn picked_up() -> Self {
        Connection {
            first: PerSide::new(0, 0),
            state: State::Lost,
            reason: Reason::MidStream,
        }
    }

    /// Takes in a packet. Every TCP packet of the connection comes here, those without payload too.
    pub fn segment<P: Payload>(
        &mut self,
        _handshake: &mut Handshake,
        _config: &Config,
        _segment: &Segment,
        _payload: &P,
    ) {
    }

    /// The types of `len` octets from `seq` on.
    pub fn types(&self, _from: Side, _seq: u32, len: u32) -> PacketTypes {
        PacketTypes::both(if len == 0 {
            Types::NONE
        } else {
            Types::UNKNOWN
        })
    }

    /// Where the connection stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Why it is lost, tainted or not TLS.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether these are the first sequence numbers it was opened with: a SYN-ACK sent again.
    pub fn starts_at(&self, src_first: u32, dst_first: u32) -> bool {
        self.first == PerSide::new(src_first, dst_first)
    }

    /// Both FINs are acknowledged, or `close` was called: whatever the state says.
    pub fn ended(&self) -> bool {
        self.state == State::Closed
    }

    /// Conntrack is in CLOSE.
    pub fn close(&mut self) {
        if !matches!(self.state, State::NotTls | State::Tainted) {
            self.state = State::Closed;
        }
    }

    /// What a side has sent.
    pub fn counters(&self, _side: Side) -> Counters {
        Counters::default()
    }
}
