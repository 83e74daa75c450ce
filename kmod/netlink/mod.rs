// SPDX-License-Identifier: GPL-2.0-only

//! The commands of the netlink family, as docs/netlink/tlsconn.yaml describes them, and its events. Commands run in
//! process context, one at a time.

pub mod connection;
pub mod events;
pub mod pin;
mod selector;
pub mod stats;
pub mod track;
