// SPDX-License-Identifier: GPL-2.0-only

//! Packets that are followed through the rules: what is known of them, and what is not.

use super::network::Network;

/// What a packet carries; it is of a connection without a pin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Carries {
    /// Application data of a TLS connection that is established.
    Data,
    /// Text that is not TLS: its type is unknown.
    Text,
    Heartbeat,
    /// Bytes of which nothing is known, of a connection in any state.
    Unknown,
    /// A part of a handshake, which is to pass.
    Handshake,
    /// QUIC's first datagram.
    Quic,
}

/// What conntrack says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    New,
    Established,
    Invalid,
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
}
