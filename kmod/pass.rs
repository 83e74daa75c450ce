// SPDX-License-Identifier: GPL-2.0-only

//! Whether a packet carries nothing to be held, for the pass mark.
//!
//! It looks up what the tracker has stored, as the match does, and parses no payload.

use crate::{
    known::Known,
    namespace::NetState,
    packet::{self, Tcp},
    rule,
    sys::skb::Skb,
    tls::Types,
};

/// What is held of a connection without a pin.
const HELD: u8 = Types::APPLICATION_DATA.0 | Types::HEARTBEAT.0 | Types::UNKNOWN.0;

/// Whether it does; `strict`: what is in doubt is held too. A packet without conntrack's entry, or of another protocol, may not
/// pass. Softirq or process context.
#[inline(always)]
pub fn may_pass(net: &NetState, skb: Skb<'_>, strict: bool) -> bool {
    let held = match strict {
        true => HELD | Types::IN_DOUBT.0,
        false => HELD,
    };
    let Some(tcp) = packet::tcp_offset(skb) else {
        return false;
    };
    match Known::lookup(skb, tcp) {
        Some(known) => known.content().0 & held == 0,
        None => looked_up(net, skb, held),
    }
}

/// The same by the table: for a packet that was queued, or that another has met on its way.
#[cold]
fn looked_up(net: &NetState, skb: Skb<'_>, held: u8) -> bool {
    match (skb.conntrack(), Tcp::new(skb)) {
        (Some(found), Some(tcp)) => {
            let (types, _) = rule::stored(net, Some(found), &tcp);
            types.content.0 & held == 0
        }
        _ => false,
    }
}
