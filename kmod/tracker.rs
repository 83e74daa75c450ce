// SPDX-License-Identifier: GPL-2.0-only

//! The tracker: sees every packet of a namespace once, just after conntrack, and lets all of them pass.

use crate::{
    changes,
    counters::Counter,
    netlink::events::{self, ConnectionEvent, Release},
    packet::Packet,
    parameters,
    pins::{self, Suit},
    sessions,
    sys::{
        conntrack::{self, Conntrack},
        memo,
        pernet::NetState,
        rcu::Reader,
        skb::Skb,
        table::Entry,
    },
    tls::{Connection, PacketTypes, Payload, Scratch as _, Side, Taken},
    tracked::{Flags, Tracked},
};

/// Records that may be made between two collections on entries that conntrack has not confirmed. As we hold such an
/// entry until then though its packet may be dropped at once, a flood could fill conntrack otherwise.
const UNCONFIRMED_MAX: u32 = 1024;

/// Takes a packet in. Softirq or process context, at PRE_ROUTING and LOCAL_OUT.
#[inline(always)]
pub fn track(net: &NetState, skb: Skb<'_>, rcu: &Reader) {
    if let Some(packet) = Packet::new(skb) {
        if quick(net, &packet, rcu).is_none() {
            // By what it was made from: it need not be put together for the short way.
            any(net, skb, rcu);
        }
    }
}

/// Takes in a packet of a connection with which nothing is to be done but to follow its stream. None where there is more
/// to it.
#[inline(always)]
fn quick(net: &NetState, packet: &Packet<'_>, rcu: &Reader) -> Option<()> {
    let tcp = &packet.tcp;
    if !tcp.is_plain() {
        return None;
    }
    let entry = net.table.find(packet.ct, rcu)?;
    let mut locked = entry.lock();
    let Some(tracked) = &mut *locked else {
        return None;
    };
    let (types, state) = tracked
        .connection
        .quick_segment(&packet.segment(), &tcp.payload)?;
    let known = memo::Known::new(PacketTypes::both(types), state);
    memo::note(packet.skb, tcp.seq, known);
    net.counters.packet(tcp.payload.len());
    Some(())
}

/// Takes in any packet.
#[inline(never)]
fn any(net: &NetState, skb: Skb<'_>, rcu: &Reader) {
    let Some(packet) = &Packet::new(skb) else {
        return;
    };
    if packet.ct.is_expected() && !packet.ct.is_confirmed() {
        net.pins.lock().clear_inherited(packet.ct);
    }
    net.counters.packet(packet.tcp.payload.len());
    // It may be where one was of which something else was known.
    memo::forget();
    let Some(entry) = entry_of(net, packet, rcu) else {
        return;
    };
    let mut locked = entry.lock();
    let Some(tracked) = &mut *locked else {
        return;
    };
    // The receiver reads nothing of a reset, and conntrack may have let it through without accepting it.
    if packet.tcp.is_rst() {
        if packet.ct.tcp_state() == conntrack::CLOSE {
            tracked.connection.close();
        }
    } else {
        let taken = tracked.connection.segment(
            &mut tracked.handshake,
            &net.engine,
            &packet.segment(),
            &packet.tcp.payload,
        );
        match taken {
            Taken::BehindHole => tracked.behind_hole(packet, &net.limits()),
            Taken::New if tracked.holes.is_some() => tracked.fill(&net.limits()),
            Taken::New | Taken::Nothing => {}
        }
    }
    if tracked.suit != Suit::Over {
        pins::consider(net, entry, tracked, packet);
    }
    if let Some(handshake) = tracked.handshake.get() {
        let octets = handshake.take_in_doubt();
        net.counters.add(Counter::InDoubt, octets.into());
        sessions::look(net, entry, tracked, rcu);
        tracked.settle();
    }
    if tracked.flags.has(Flags::PINNED) && tracked.connection.ended() {
        tracked.flags.clear(Flags::PINNED);
        let has_session = tracked.links.is_some();
        net.pins
            .lock()
            .connection_ended(net, entry.id, has_session, Release::Closed);
    }
    changes::look(net, entry, tracked);
    if !tracked.is_quiet() {
        tracked.connection.take_long_way();
    }
    let Packet { from, tcp, .. } = packet;
    let types = tracked
        .connection
        .types(*from, tcp.first_octet(), tcp.payload.len());
    memo::note(
        skb,
        tcp.seq,
        memo::Known::new(types, tracked.connection.state()),
    );
}

/// The packet's connection, made now where the packet begins one. None where there is none, and for packets that
/// conntrack lets pass without having accepted them (sIG in its table): what they carry is no part of the stream.
/// Softirq or process context; no entry's lock is held.
#[inline]
fn entry_of<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a Reader) -> Option<&'a Entry> {
    let tcp = &packet.tcp;
    if tcp.is_syn_ack() {
        return syn_ack(net, packet, rcu);
    }
    if tcp.is_syn() {
        return syn(net, packet, rcu);
    }
    let found = net.table.find(packet.ct, rcu);
    if found.is_some() || tcp.payload.len() == 0 || tcp.is_rst() {
        return found;
    }
    begin(net, packet.ct, Connection::picked_up(), rcu)
}

/// A SYN with data starts a connection, which other SYNs make a lost one until it is answered. Where an entry without one
/// is confirmed, another SYN has come before.
fn syn<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a Reader) -> Option<&'a Entry> {
    let Packet { ct, from, tcp, .. } = packet;
    if !is_opening(ct) || *from == Side::Dst {
        return None;
    }
    let first = tcp.first_octet();
    let entry = match net.table.find(ct, rcu) {
        Some(entry) => entry,
        None if tcp.payload.len() == 0 => return None,
        None if ct.is_confirmed() => begin(net, ct, Connection::opened_by_another_syn(first), rcu)?,
        None => begin(net, ct, Connection::opened_by_syn_data(first), rcu)?,
    };
    let mut locked = entry.lock();
    let Some(tracked) = &mut *locked else {
        return None;
    };
    if tracked.connection.syn(first) {
        return Some(entry);
    }
    changes::look(net, entry, tracked);
    None
}

/// Whether no SYN was answered yet.
pub fn is_opening(ct: &Conntrack) -> bool {
    matches!(ct.tcp_state(), conntrack::SYN_SENT | conntrack::SYN_SENT2)
}

/// A SYN-ACK that puts conntrack's entry into SYN_RECV starts a connection, also on an entry that has one: conntrack
/// lets a SYN that it had ignored take its entry over once the SYN is answered (nf_conntrack_proto_tcp.c, the IGNORE
/// branch). Any other changes nothing. One that conntrack has ignored has left its idea of the sender's end alone.
fn syn_ack<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a Reader) -> Option<&'a Entry> {
    let Packet { ct, from, tcp, .. } = packet;
    let src_first = tcp.ack()?;
    let dst_first = tcp.first_octet();
    let accepted = ct.tcp_state() == conntrack::SYN_RECV && ct.tcp_end(Side::Dst) == tcp.end();
    if *from != Side::Dst || !accepted {
        return None;
    }
    let found = net.table.find(ct, rcu);
    if let Some(entry) = found {
        if is_same(entry, src_first, dst_first) {
            return found;
        }
    }
    if ct.tcp_end(Side::Src) != src_first {
        return None;
    }
    if let Some(entry) = found {
        net.end(entry);
    }
    start(net, ct, Connection::opened(src_first, dst_first), rcu)
}

/// Whether a SYN-ACK belongs to the connection that is there: sent again, or the answer to a SYN with data, which tells
/// the responder's first number.
fn is_same(entry: &Entry, src_first: u32, dst_first: u32) -> bool {
    let mut locked = entry.lock();
    let Some(tracked) = &mut *locked else {
        return false;
    };
    let same = tracked.connection.starts_at(src_first, dst_first);
    if same {
        tracked.connection.answered(src_first, dst_first);
    }
    same
}

/// Starts a connection in another way than by a SYN-ACK.
fn begin<'a>(
    net: &'a NetState,
    ct: &Conntrack,
    connection: Connection,
    rcu: &'a Reader,
) -> Option<&'a Entry> {
    if !ct.is_confirmed() && !net.may_hold_unconfirmed(UNCONFIRMED_MAX) {
        net.counters.count(Counter::Full);
        return None;
    }
    start(net, ct, connection, rcu)
}

fn start<'a>(
    net: &'a NetState,
    ct: &Conntrack,
    connection: Connection,
    rcu: &'a Reader,
) -> Option<&'a Entry> {
    let max = parameters::max_connections();
    let Some(entry) = net.table.insert(ct, Tracked::new(connection), max, rcu) else {
        net.counters.count(match net.table.len() >= max {
            true => Counter::Full,
            false => Counter::AllocationFailures,
        });
        return None;
    };
    net.counters.count(Counter::Made);
    net.note_made();
    if let Some(tracked) = &*entry.lock() {
        events::connection(net, ConnectionEvent::New, entry, tracked);
    }
    Some(entry)
}

/// Takes out what conntrack has let go of, and says whether anything is left to look after. Process context.
pub fn collect(net: &NetState) -> bool {
    // Seldom is there anything behind a hole.
    if net.kept.octets() > 0 {
        net.table.for_each(|entry| {
            if let Some(tracked) = &mut *entry.lock() {
                tracked.age(&net.limits());
                changes::look(net, entry, tracked);
            }
        });
    }
    net.table.for_each_suspect(|entry| {
        if is_let_go(net, entry) {
            net.end(entry);
        }
    });
    !net.table.is_empty()
}

/// Packets will be looked at again, after a while in which they were not: where the streams have come to is not known.
/// Process context.
pub fn lose_all(net: &NetState) {
    net.table.for_each(|entry| {
        if let Some(tracked) = &mut *entry.lock() {
            tracked.connection.missed();
            changes::look(net, entry, tracked);
        }
    });
}

/// An entry that was never confirmed, as its first packet was dropped, is never marked dying: then ours are the last
/// references, the table's and the pins'.
fn is_let_go(net: &NetState, entry: &Entry) -> bool {
    let locked = entry.lock();
    let Some(tracked) = &*locked else {
        return false;
    };
    let ct = entry.conntrack(tracked);
    let ours = || net.pins.lock().count_of(entry.id).saturating_add(1);
    ct.is_dying() || !ct.is_confirmed() && ct.references() <= ours()
}
