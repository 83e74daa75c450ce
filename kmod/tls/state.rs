// SPDX-License-Identifier: GPL-2.0-only
//! Where a connection stands, and why. Numbers are those of the user-space interface.

/// Where a connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Set up, no payload classified yet.
    New = 0,
    /// A ClientHello has begun.
    Hello,
    /// ServerHello was seen.
    Handshake,
    /// The handshake is complete in both directions.
    Established,
    /// FIN acknowledged in both directions, conntrack in CLOSE, or a visible closing alert.
    Closed,
    /// The first bytes are not TLS.
    NotTls,
    /// Where records begin is not known.
    Lost,
    /// Bytes contradict what was seen.
    Tainted,
}

/// Why a connection is lost, tainted or not TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Reason {
    /// It is none of these.
    None = 0,
    /// The first bytes are not TLS.
    NotTls,
    /// Followed from the middle of the stream only.
    MidStream,
    /// No room to follow it.
    TableFull,
    /// Octets that passed unseen.
    Hole,
    /// A bad record header after good ones.
    BadHeader,
    /// Octets sent again were not the same.
    ResentDifferently,
    /// Urgent data: the receiver takes that octet out of the stream.
    Urgent,
    /// A second ClientHello that is neither the answer to a HelloRetryRequest nor a renegotiation.
    SecondHello,
    /// Payload beyond a direction's FIN.
    BeyondFin,
    /// A handshake message that no endpoint would take.
    Malformed,
    /// More records in one packet than are looked at.
    TooManyRecords,
    /// Data of a SYN that was acknowledged and is not kept any more.
    SynData,
    /// A handshake that did not go on for too long.
    HandshakeTimeout,
}
