// SPDX-License-Identifier: GPL-2.0-only
//! Follows TLS records and handshakes in both directions of a TCP stream, from outside, with fixed memory.
//!
//! Plain `core` Rust with neither allocation nor panics: input comes from the network, and the kernel runs this in
//! packet context. A [`Connection`] is what the packet path touches for the life of the connection; a [`Handshake`] is
//! needed while the handshake lasts, and holds the identity for those who ask later.

mod compare;
mod connection;
mod content;
mod direction;
mod flight;
mod handshake;
mod headers;
mod hello;
mod identity;
mod message;
mod record;
mod records;
mod resent;
mod search;
mod sequence;
mod session;
mod sslv2;
mod types;

pub use connection::Connection;
pub use handshake::Handshake;
pub use identity::{Bytes, Identity, Resumption};
pub use types::{
    Config, Counters, PacketTypes, Payload, Reason, Segment, Side, State, Taken, Types,
};
