// SPDX-License-Identifier: GPL-2.0-only

//! Packets that are followed through the rules: what is known of them, and what is not.

use super::network::Network;

/// What a packet carries; it is of a connection without a pin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Carries {
    /// Application data of a TLS connection that is established.
    Data,
    /// Data behind the end of a handshake, or before an alert, in one packet.
    Mixed,
    /// Text that is not TLS: its type is unknown.
    Text,
    Heartbeat,
    /// Bytes of which nothing is known, of a connection in any state.
    Unknown,
    /// A part of a handshake, which is to pass.
    Handshake,
    /// No payload: what sets a connection up.
    Nothing,
    /// QUIC's first datagram.
    Quic,
}

/// TCP's flags as they stand in a header.
pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;
pub(super) const URG: u8 = 0x20;

/// What conntrack says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    New,
    Established,
    /// Another connection has announced it.
    Related,
    Invalid,
    /// A rule has left it out.
    Untracked,
}

/// The server's port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Port {
    Is(u16),
    /// One that no rule names.
    Unnamed,
    Any,
}

/// A packet that is forwarded.
#[derive(Clone, Debug)]
pub(super) struct Packet<'a> {
    pub(super) is_ipv6: bool,
    pub(super) carries: Carries,
    pub(super) state: State,
    pub(super) to_server: bool,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// The network in which its sender is, and that of the receiver; None: anywhere.
    pub(super) source: Option<Network>,
    pub(super) destination: Option<Network>,
    pub(super) port: Port,
}

impl Packet<'_> {
    pub(super) fn is_udp(&self) -> bool {
        self.carries == Carries::Quic
    }

    /// Whether it is the first of a connection: chains of type nat see no other.
    pub(super) fn is_first(&self) -> bool {
        self.state == State::New && matches!(self.carries, Carries::Nothing | Carries::Quic)
    }

    /// Which of TCP's flags are known, and their values. What conntrack does not know as part of a connection may be a SYN with
    /// data.
    pub(super) fn flags(&self) -> (u8, u8) {
        const ENDS: u8 = FIN | RST;
        match (self.carries, self.state) {
            (Carries::Nothing, State::New) => (ENDS | SYN | ACK, SYN),
            (Carries::Nothing, _) if self.to_server => (ENDS | SYN | ACK, ACK),
            (Carries::Nothing, _) => (ENDS | SYN | ACK, SYN | ACK),
            (_, State::Established) => (RST | SYN | ACK, ACK),
            _ => (RST, 0),
        }
    }
}
