// SPDX-License-Identifier: GPL-2.0-only

//! The commands of the netlink family, as docs/netlink/tlsconn.yaml describes them, and its events. Commands run in
//! process context, beside each other. Those that change pins or whether is tracked hold `NetState::commands`, so that
//! in a namespace they come one after the other; what they change packets and work change too, under the locks of that.
//! Those that only read, and dumps, hold nothing.

pub mod connection;
pub mod events;
mod family;
pub mod pin;
pub mod policy;
mod selector;
pub mod set;
mod set_fill;
mod set_names;
pub mod stats;
pub mod track;
