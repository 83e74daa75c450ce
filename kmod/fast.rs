// SPDX-License-Identifier: GPL-2.0-only

//! The fast path of the tracker, for packets of connections that are known already, with which nothing is to be done but
//! to follow the stream, or to count bytes. All others take the tracker's own way.
//!
//! A function that is not inlined saves registers and has a stack frame. So there is one for each kind of packet: the
//! cheapest kind, data of a connection that packets pass by, is taken in with neither.

use crate::{
    connections::Entry,
    known::Known,
    namespace::NetState,
    packet::{self, Packet, Tcp},
    sys::{conntrack::Conntrack, hooks::Verdict, rcu::Reader, skb::Skb},
    tls::{PacketTypes, Payload, State},
    tracker,
};

/// Takes a packet in. Softirq or process context, at PRE_ROUTING and LOCAL_OUT.
#[inline(always)]
pub fn track(net: &NetState, skb: Skb<'_>, rcu: &Reader) -> Verdict {
    let Some((entry, ct)) = net.table.first_of_packet(skb, rcu) else {
        return look_up(net, skb, rcu);
    };
    entry.unlocked.touch();
    match entry.unlocked.get() {
        None => follow(net, entry, ct, skb, rcu),
        Some(known) => match count_next(net, entry, skb, known) {
            Some(()) => Verdict::ACCEPT,
            None => count(net, entry, skb, known, rcu),
        },
    }
}

/// A packet whose connection is not where most are.
#[inline(never)]
fn look_up(net: &NetState, skb: Skb<'_>, rcu: &Reader) -> Verdict {
    let Some((entry, ct)) = net.table.of_packet(skb, rcu) else {
        return tracker::track(net, skb, rcu);
    };
    entry.unlocked.touch();
    match entry.unlocked.get() {
        None => follow(net, entry, ct, skb, rcu),
        Some(known) => count(net, entry, skb, known, rcu),
    }
}

/// The next data of a connection that is not TLS or tainted: its bytes are counted, without the entry's lock. None for
/// another packet of it.
#[inline(always)]
fn count_next(net: &NetState, entry: &Entry, skb: Skb<'_>, known: Known) -> Option<()> {
    let side = skb.established()?.into();
    let (seq, len) = packet::data_of_established(skb)?;
    if !entry.unlocked.pass_next(side, seq, len) {
        return None;
    }
    known.store(skb, seq);
    net.counters.packet(len);
    Some(())
}

/// Any packet of such a connection.
#[inline(never)]
fn count(net: &NetState, entry: &Entry, skb: Skb<'_>, known: Known, rcu: &Reader) -> Verdict {
    match count_any(net, entry, skb, known) {
        Some(()) => Verdict::ACCEPT,
        None => tracker::track(net, skb, rcu),
    }
}

#[inline(always)]
fn count_any(net: &NetState, entry: &Entry, skb: Skb<'_>, known: Known) -> Option<()> {
    let Packet { from, tcp, .. } = Packet::new(skb)?;
    let len = tcp.payload.len();
    if !tcp.is_plain() || (len > 0 && !entry.unlocked.pass(from, tcp.seq, len)) {
        return None;
    }
    let known = match len {
        0 => known.without_payload(),
        _ => known,
    };
    known.store(skb, tcp.seq);
    net.counters.packet(len);
    Some(())
}

/// A packet of a connection that is followed.
#[inline(never)]
fn follow(net: &NetState, entry: &Entry, ct: &Conntrack, skb: Skb<'_>, rcu: &Reader) -> Verdict {
    let from = skb.direction().into();
    let done = match Tcp::plain(skb) {
        Some(tcp) => follow_records(net, entry, &Packet { skb, ct, from, tcp }),
        None => follow_any(net, entry, ct, skb),
    };
    match done {
        Some(()) => Verdict::ACCEPT,
        None => tracker::track(net, skb, rcu),
    }
}

/// A packet of another form than that of most: with a copy of the code, so that the usual ones have none of its branches.
#[inline(never)]
fn follow_any(net: &NetState, entry: &Entry, ct: &Conntrack, skb: Skb<'_>) -> Option<()> {
    let (from, tcp) = (skb.direction().into(), Tcp::any(skb)?);
    follow_records(net, entry, &Packet { skb, ct, from, tcp })
}

/// A packet of an established connection. None where there is more to it than that records go on.
#[inline(always)]
fn follow_records(net: &NetState, entry: &Entry, packet: &Packet<'_>) -> Option<()> {
    if !packet.tcp.is_plain() {
        return None;
    }
    let mut locked = entry.lock();
    let tracked = locked.get_mut()?;
    let types = tracked
        .connection
        .fast_segment(&packet.segment(), &packet.tcp.payload)?;
    let known = Known::new(PacketTypes::both(types), State::Established);
    known.store(packet.skb, packet.tcp.seq);
    net.counters.packet(packet.tcp.payload.len());
    Some(())
}
