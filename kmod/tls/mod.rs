// SPDX-License-Identifier: GPL-2.0-only
//! Follows TLS records and handshakes in both directions of a TCP stream, from outside, with fixed memory.
//!
//! Plain `core` Rust with neither allocation nor panics: input comes from the network, and the kernel runs this in
//! packet context. A [`Connection`] is what the packet path touches for the life of the connection; a [`Handshake`] is
//! needed while the handshake lasts, and holds the identity for those who ask later.
//!
//! Every function may be called in any context, softirqs too, and none sleeps or takes a lock: whoever calls holds that of the
//! connection. Memory comes from the caller alone ([`HandshakeSlot`]). Nothing fails: what cannot be known reads `unknown`, and
//! the connection's [`Reason`] says why. Sequence numbers wrap (RFC 9293 3.4); lengths are bytes, of the stream unless something
//! else is said. Those that take time in proportion to their input say so; the others take the same however they are called.

mod client_flight;
mod cold;
mod conditions;
mod connection;
mod counted;
mod decided;
mod deframer;
mod direction;
mod encrypted;
mod established;
mod extensions;
mod fast_path;
mod flow;
mod follow;
mod handshake;
mod handshake_batch;
mod handshake_records;
mod hello;
mod identity;
mod inner_types;
mod intake;
mod ja4;
mod message;
mod message_batch;
mod negotiation;
mod outstanding;
mod packed;
mod places;
mod reader;
mod record_header;
mod resumption;
mod resync;
mod retransmit;
mod retransmitted_headers;
mod runs;
mod segment;
mod sequence;
mod server_flight;
mod slot;
mod sslv2;
mod told;
mod types;
pub mod wildcard;

pub use conditions::{begins, Answer, Hellos};
pub use connection::Connection;
#[cfg(not(MODULE))]
pub use decided::{Decided, Decisions, Rule};
pub use handshake::Handshake;
pub use identity::{Bytes, Identity, IdentityRef, Resumption};
pub use ja4::{Ja4, Sha256};
pub use outstanding::Piece;
pub use packed::{pack, unpack, Sessions};
pub use slot::HandshakeSlot;
pub use told::{Listener, Told};
pub use types::{
    Config, Counters, PacketTypes, Payload, PerSide, Reason, Segment, SegmentOutcome, Side, State,
    Types,
};
