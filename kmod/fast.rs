// SPDX-License-Identifier: GPL-2.0-only

//! The fast path of the tracker, for packets of connections that are known already, with which nothing is to be done but
//! to follow the stream, or to count octets. All others take the tracker's own way.

use crate::{
    packet::{Packet, Tcp},
    sys::{conntrack::Conntrack, memo, pernet::NetState, rcu::Reader, skb::Skb, table::Entry},
    tls::{PacketTypes, Payload, Side, State, Types},
    tracker,
};

/// Takes a packet in. Softirq or process context, at PRE_ROUTING and LOCAL_OUT.
#[inline(always)]
pub fn track(net: &NetState, skb: Skb<'_>, rcu: &Reader) {
    // First of all, so that a processor that looks ahead fetches headers while it waits for the table's memory.
    if let Some((entry, ct, from)) = net.table.of_packet(skb, rcu) {
        let done = match Tcp::plain(skb) {
            Some(tcp) => known(net, entry, &Packet { skb, ct, from, tcp }),
            None => other(net, entry, skb, ct, from),
        };
        if done.is_some() {
            return;
        }
    }
    // By what it was made from: it need not be put together for the fast path.
    tracker::track(net, skb, rcu);
}

/// A packet of another form than that of most: with a copy of the code, so that the usual ones have none of its branches.
#[inline(never)]
fn other(net: &NetState, entry: &Entry, skb: Skb<'_>, ct: &Conntrack, from: Side) -> Option<()> {
    let tcp = Tcp::any(skb)?;
    known(net, entry, &Packet { skb, ct, from, tcp })
}

/// A packet of a known connection; None where it is left to the tracker.
#[inline(always)]
fn known(net: &NetState, entry: &Entry, packet: &Packet<'_>) -> Option<()> {
    if !packet.tcp.is_plain() {
        return None;
    }
    match entry.bypass.get() {
        Some(state) => bypass(entry, packet, state)?,
        None => follow(entry, packet)?,
    }
    net.counters.packet(packet.tcp.payload.len());
    Some(())
}

/// A packet of a connection that is not TLS or tainted: its octets are counted, without the entry's lock.
#[inline(always)]
fn bypass(entry: &Entry, packet: &Packet<'_>, state: State) -> Option<()> {
    let octets = packet.tcp.payload.len();
    let types = match octets {
        0 => Types::NONE,
        _ => Types::UNKNOWN,
    };
    let tcp = &packet.tcp;
    if octets > 0 && !entry.passes_by(packet.from, tcp.first_octet(), tcp.end()) {
        return None;
    }
    let known = memo::Known::new(PacketTypes::both(types), state);
    memo::note(packet.skb, packet.tcp.seq, known);
    Some(())
}

/// A packet of an established connection. None where there is more to it than that records go on.
#[inline(always)]
fn follow(entry: &Entry, packet: &Packet<'_>) -> Option<()> {
    let mut locked = entry.lock();
    let tracked = locked.get_mut()?;
    let types = tracked
        .connection
        .quick_segment(&packet.segment(), &packet.tcp.payload)?;
    let known = memo::Known::new(PacketTypes::both(types), State::Established);
    memo::note(packet.skb, packet.tcp.seq, known);
    Some(())
}
