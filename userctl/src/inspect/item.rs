// SPDX-License-Identifier: GPL-2.0-only

//! What is told of while a capture is read: packets, and records that are explained.

use serde::Serialize;

use super::{describe, explained::Explained, flow::Flow, order, packet::Tcp, view::View};
use crate::model::{Side, State};

/// A TCP packet with payload.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    pub(crate) frame: u64,
    pub(crate) id: u64,
    pub(crate) from: Side,
    pub(crate) length: u32,
    pub(crate) types: Vec<&'static str>,
    pub(crate) wire: Vec<&'static str>,
    pub(crate) state: State,
}

/// What is told of while a capture is read.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Item {
    Packet(Seen),
    Record(Explained),
}

impl Item {
    /// The connection that it belongs to.
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Packet(seen) => seen.id,
            Self::Record(explained) => explained.id,
        }
    }
}

impl Seen {
    /// What there is to tell of a packet that was taken in.
    pub(super) fn of(flow: &Flow, tcp: &Tcp<'_>, frame: u64, id: u64) -> Self {
        let types = |octets| View(flow).types(tcp, octets);
        Self {
            frame,
            id,
            from: describe::side(flow.side(tcp)),
            length: tcp.len,
            types: order::names(tcp.len, |octets| types(octets).content),
            wire: order::names(tcp.len, |octets| types(octets).wire),
            state: describe::state(View(flow).state()),
        }
    }
}
