// SPDX-License-Identifier: GPL-2.0-only

//! What there is to tell of a connection.

use tlsconn_tls::{Decided, PacketTypes, Side, State, Types};

use super::{
    flow::{Flow, Missing},
    packet::Tcp,
    reorder::InOrder,
};
use crate::model;

/// A connection, for those who tell of it.
pub(super) struct View<'a>(pub(super) &'a Flow);

impl<'a> View<'a> {
    /// The types of the first `len` octets of a packet's payload. A SYN's are of this connection only if it opens it.
    pub(crate) fn types(&self, tcp: &Tcp<'_>, len: u32) -> PacketTypes {
        let (from, first) = (self.0.side(tcp), tcp.first_octet());
        match &self.0.tracked {
            Some(tracked) if !tcp.syn || tracked.connection.begins_at(from, first) => {
                tracked.connection.types(from, first, len)
            }
            _ => PacketTypes::both(Types::UNKNOWN),
        }
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> State {
        match &self.0.tracked {
            Some(tracked) => tracked.connection.state(),
            None if self.0.reset => State::Closed,
            None => State::New,
        }
    }

    /// Whether a ClientHello opened it, and nothing of TCP's own; none where that is not looked for.
    pub(crate) fn loose(&self) -> Option<bool> {
        self.0.options.loose.then_some(self.0.loose.is_some())
    }

    /// Octets of payload that a side sent, without those sent again.
    pub(crate) fn bytes(&self, side: Side) -> u64 {
        let before = self.0.before.get(side as usize).copied().unwrap_or(0);
        let tracked = self.0.tracked.as_deref();
        tracked.map_or(0, |tracked| {
            tracked.connection.counters(side).bytes + before
        })
    }

    /// What stood before a ClientHello on a connection that is not TLS.
    pub(crate) fn preface(&self) -> Option<model::Reason> {
        self.0.preface.found()
    }

    /// Why the octets are missing that made it lost, where that is known.
    pub(crate) fn missing(&self) -> Option<Missing> {
        let is_one_sided = self.0.heard.iter().filter(|heard| **heard).count() == 1;
        if self.0.options.loose && is_one_sided {
            return Some(Missing::Direction);
        }
        let (side, _) = self.0.lost_at?;
        match self.0.is_out_of_order {
            true => Some(Missing::CapturedLate),
            false => (self.0.is_cut.get(side as usize) == Some(&true)).then_some(Missing::CutOff),
        }
    }

    /// What was decided of its records since that was asked last.
    pub(crate) fn decided(&self) -> Vec<Decided> {
        let tracked = self.0.tracked.as_deref();
        tracked.map(InOrder::decided).unwrap_or_default()
    }

    /// What the engine knows of it, if anything was there to know.
    pub(crate) fn tracked(&self) -> Option<&'a InOrder> {
        self.0.tracked.as_deref()
    }
}
