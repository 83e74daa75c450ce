// SPDX-License-Identifier: GPL-2.0-only

//! What the tracker found out about the packet that this CPU is busy with, for the rules that the packet meets next.
//!
//! The packet on its way through the rules is nearly always the one that this CPU's tracker saw last; where it is not
//! (it was queued to user space, another came in between), the rules look in the table.

use super::skb::Skb;
use crate::{
    bindings,
    tls::{PacketTypes, State, Types},
};

/// What a packet is.
#[derive(Clone, Copy)]
pub struct Known {
    /// The types of its payload.
    pub types: PacketTypes,
    /// A bit for its connection's state when it was taken in: those of a rule's `states`. Never zero.
    pub state: u8,
}

impl Known {
    /// A packet of such types, in a connection of that state.
    #[inline]
    pub fn new(types: PacketTypes, state: State) -> Self {
        Self {
            types,
            state: 1 << state as u8,
        }
    }
}

/// Notes what a packet is whose header has that sequence number. Softirqs are off.
#[inline]
pub fn note(skb: &Skb<'_>, seq: u32, known: Known) {
    let Known {
        types: PacketTypes { content, wire },
        state,
    } = known;
    let known = u32::from_ne_bytes([content.0, wire.0, state, 0]);
    // SAFETY: The packet is valid, and the caller keeps softirqs off.
    unsafe { bindings::tlsconn_memo_note(skb.as_raw(), seq.to_be(), known) }
}

/// What was noted of a packet whose TCP header is at `tcp`, if it was the last on this CPU: the same packet by its
/// address, its conntrack entry and direction, its size and its sequence number. An address may be used again, but not
/// for the same octets with no look of ours in between, unless they come again, and then they are the same. Any context.
#[inline]
pub fn look(skb: &Skb<'_>, tcp: u32) -> Option<Known> {
    // SAFETY: The packet is valid.
    let known = unsafe { bindings::tlsconn_memo_look(skb.as_raw(), tcp) };
    let [content, wire, state, ..] = known.to_ne_bytes();
    (known != 0).then_some(Known {
        types: PacketTypes {
            content: Types(content),
            wire: Types(wire),
        },
        state,
    })
}
