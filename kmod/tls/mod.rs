// SPDX-License-Identifier: GPL-2.0-only
//! Follows TLS records and handshakes in both directions of a TCP stream, from outside, with fixed memory.
//!
//! Plain `core` Rust with neither allocation nor panics: input comes from the network, and the kernel runs this in
//! packet context. A [`Connection`] is what the packet path touches for the life of the connection; a [`Handshake`] is
//! needed while the handshake lasts, and holds the identity for those who ask later.

mod batch;
mod chain;
mod client_flight;
mod cold;
mod conditions;
mod config;
mod connection;
mod content_type;
mod deframer;
mod direction;
mod encrypted;
mod established;
mod extensions;
mod fast_path;
mod handshake;
mod handshake_batch;
mod handshake_records;
mod headers;
mod hello;
mod history;
mod identity;
mod inner_type;
mod intake;
mod kept;
mod message;
mod negotiation;
mod packed;
mod packet;
mod reader;
mod record;
mod record_header;
mod record_types;
mod resumption;
mod resync;
mod retransmit;
mod scratch;
mod seen;
mod segment;
mod sequence;
mod server_flight;
mod side;
mod sslv2;
mod state;
mod status;
pub mod wildcard;

pub use conditions::{Answer, Hellos};
pub use config::Config;
pub use connection::Connection;
pub use handshake::Handshake;
pub use identity::{Bytes, Identity, IdentityRef, Resumption};
pub use kept::Piece;
pub use packed::{pack, unpack};
pub use packet::{Payload, Segment, Taken};
pub use record_types::{Counters, PacketTypes, Types};
pub use resumption::Sessions;
pub use scratch::Scratch;
pub use side::{PerSide, Side};
pub use state::{Reason, State};
