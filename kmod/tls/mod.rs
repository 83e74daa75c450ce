// SPDX-License-Identifier: GPL-2.0-only
//! Follows TLS records and handshakes in both directions of a TCP stream, from outside, with fixed memory.
//!
//! Plain `core` Rust with neither allocation nor panics: input comes from the network, and the kernel runs this in
//! packet context. A [`Connection`] is what the packet path touches for the life of the connection; a [`Handshake`] is
//! needed while the handshake lasts, and holds the identity for those who ask later.

mod aside;
mod compare;
mod conditions;
mod connection;
mod content;
mod data;
mod decided;
mod direction;
mod evidence;
mod extensions;
mod flight;
mod handshake;
mod headers;
mod hello;
mod identity;
// The module has no use for it.
#[cfg(feature = "ja4")]
mod ja4;
mod kept;
mod message;
mod negotiation;
mod packed;
mod quick;
mod reader;
mod record;
mod records;
mod runs;
mod scratch;
mod search;
mod segment;
mod sequence;
mod session;
mod short;
mod sslv2;
mod told;
mod types;
pub mod wildcard;

pub use conditions::{Answer, Hellos};
pub use connection::Connection;
#[cfg(not(MODULE))]
pub use decided::{Decided, Decisions, Rule};
pub use handshake::Handshake;
pub use identity::{Bytes, Identity, IdentityRef, Resumption};
#[cfg(feature = "ja4")]
pub use ja4::{Ja4, Sha256};
pub use kept::Piece;
pub use packed::{pack, unpack, Sessions};
pub use scratch::Scratch;
#[cfg(feature = "ja4")]
pub use told::Listener;
pub use told::Told;
pub use types::{
    Config, Counters, PacketTypes, Payload, PerSide, Reason, Segment, Side, State, Taken, Types,
};
