// SPDX-License-Identifier: GPL-2.0-only

//! The tracker: sees every packet of a namespace once, just after conntrack, and lets all of them pass.

use crate::{
    changes, collect,
    connections::{Entry, EntryMark},
    counters::Counter,
    known::Known,
    namespace::NetState,
    netlink::events::{self, ConnectionEvent, Release},
    packet::Packet,
    parameters,
    pins::{self, Suit},
    sessions,
    syns::{self, Answered, SynData},
    sys::{
        conntrack::{self, Conntrack},
        hooks::Verdict,
        packet_cache,
        rcu::Reader,
        skb::Skb,
        table::Inserted,
    },
    tls::{Connection, Payload, Side},
    tracked::{Flags, Tracked},
};
use kernel::sync::aref::ARef;

/// Takes in any packet. Softirq or process context, at PRE_ROUTING and LOCAL_OUT; no lock is held.
#[inline(never)]
pub fn track(net: &NetState, skb: Skb<'_>, rcu: &Reader) -> Verdict {
    take_in(net, skb, rcu);
    Verdict::accept()
}

fn take_in(net: &NetState, skb: Skb<'_>, rcu: &Reader) {
    let Some(packet) = &Packet::new(skb) else {
        return;
    };
    let _charge = net.payer.charge();
    if packet.ct.is_expected() && !packet.ct.is_confirmed() {
        net.pins.lock().clear_inherited(packet.ct);
    }
    net.counters.packet(packet.tcp.payload.len());
    // Another packet may have had this one's address.
    packet_cache::invalidate();
    let Some(entry) = entry_of(net, packet, rcu) else {
        return;
    };
    if net.handshakes.is_full() {
        collect::make_room_for_handshake(net, entry, rcu);
    }
    if net.handshakes.is_full_of_pieces() {
        collect::free_pieces(net, rcu);
    }
    let mut locked = entry.lock();
    let Some(tracked) = locked.get_mut() else {
        return;
    };
    tracked.handshake.touch();
    if entry.open.get().is_some() {
        let next = [Side::Src, Side::Dst].map(|side| entry.open.next(side));
        tracked.connection.take_up(next);
    }
    // The receiver reads nothing of a reset, and conntrack may have let it through without accepting it.
    if packet.tcp.is_rst() {
        if packet.ct.tcp_state() == conntrack::CLOSE {
            tracked.connection.close();
        }
    } else {
        tracked.take_in(packet, &net.limits());
    }
    if tracked.suit != Suit::Over {
        pins::consider(net, entry, tracked, packet);
    }
    if let Some(handshake) = tracked.handshake.get_mut() {
        let octets = handshake.take_in_doubt();
        net.counters.add(Counter::InDoubt, octets.into());
        sessions::look(net, entry, tracked, rcu);
        tracked.settle(&net.handshakes);
    }
    if tracked.flags.has(Flags::PINNED) && tracked.connection.ended() {
        tracked.flags.clear(Flags::PINNED);
        let has_session = tracked.links.is_some();
        net.pins
            .lock()
            .connection_ended(net, entry.id, has_session, Release::Closed);
    }
    tracked.handshake.count(&net.handshakes);
    changes::look(net, entry, tracked);
    collect::remark(net, entry, tracked);
    if !tracked.is_quiet() {
        tracked.connection.take_long_way();
    }
    let bypassed = tracked.connection.is_bypassed();
    entry
        .open
        .set(bypassed.then(|| tracked.connection.state()), |side| {
            tracked.connection.next(side)
        });
    let Packet { from, tcp, .. } = packet;
    let types = tracked
        .connection
        .types(*from, tcp.first_octet(), tcp.payload.len());
    Known::new(types, tracked.connection.state()).store(skb, tcp.seq);
}

/// The packet's connection, made now where the packet begins one. None where there is none, and for packets that
/// conntrack lets pass without having accepted them (sIG in its table): what they carry is no part of the stream.
/// Softirq or process context; no entry's lock is held.
#[inline]
fn entry_of<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a Reader) -> Option<&'a Entry> {
    let Packet { ct, tcp, .. } = packet;
    if tcp.is_syn_ack() {
        return syn_ack(net, packet, rcu);
    }
    if tcp.is_syn() {
        syn(net, packet);
        return None;
    }
    let found = net.table.find(ct, rcu);
    if found.is_some() || tcp.payload.len() == 0 || tcp.is_rst() {
        return found;
    }
    if !ct.is_confirmed() {
        // It belongs to its packet: nothing is kept of it.
        if net.has_pins_by_ends() {
            net.pins.lock().lend(ct);
        }
        return None;
    }
    let entry = start(net, ct, Connection::picked_up(), None, rcu)?;
    if net.has_pins_by_ends() {
        pins::pick_up(net, entry);
    }
    Some(entry)
}

/// A SYN of the initiator: its data is kept apart until it is answered.
fn syn(net: &NetState, packet: &Packet<'_>) {
    if is_opening(packet.ct) && packet.from == Side::Src {
        let (types, state) = syns::take_in(net, packet);
        Known::new(types, state).store(packet.skb, packet.tcp.seq);
    }
}

/// Whether no SYN was answered yet.
pub fn is_opening(ct: &Conntrack) -> bool {
    matches!(ct.tcp_state(), conntrack::SYN_SENT | conntrack::SYN_SENT2)
}

/// A SYN-ACK that puts conntrack's entry into SYN_RECV starts a connection, also on an entry that has one: conntrack
/// lets a SYN that it had ignored take its entry over once the SYN is answered (nf_conntrack_proto_tcp.c, the IGNORE
/// branch). Any other changes nothing. One that conntrack has ignored has left its idea of the sender's end alone.
///
/// The initiator may answer a SYN of the responder (a split handshake), where there is no connection yet.
fn syn_ack<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a Reader) -> Option<&'a Entry> {
    let Packet { ct, from, tcp, .. } = packet;
    let (own, other) = (tcp.first_octet(), tcp.ack()?);
    let (src_first, dst_first) = match from {
        Side::Src => (own, other),
        Side::Dst => (other, own),
    };
    let accepted = ct.tcp_state() == conntrack::SYN_RECV && ct.tcp_end((*from).into()) == tcp.end();
    if !accepted || !ct.is_confirmed() {
        return None;
    }
    let found = net.table.find(ct, rcu);
    if let Some(entry) = found {
        if *from == Side::Src || is_same(entry, src_first, dst_first) {
            return found.filter(|_| *from == Side::Dst);
        }
    }
    let answered = match net.keeps_syns() || net.has_let_go_of_syns() {
        true => net.with_syns(|syns| syns.answered(ct, src_first)),
        false => Answered::Plain,
    };
    let connection = match &answered {
        Answered::Gone => Connection::opened_without_syn_data(src_first, dst_first),
        // With data it is known that the answer belongs to this SYN; else by conntrack, which remembers its end.
        Answered::Plain if ct.tcp_end(from.other().into()) != other => return None,
        _ => Connection::opened(src_first, dst_first),
    };
    if let Some(entry) = found {
        net.end(entry);
    }
    let data = match &answered {
        Answered::Data(data) => Some((data, dst_first, src_first)),
        _ => None,
    };
    if data.is_some() && net.handshakes.is_full() {
        collect::free_handshake(net, rcu);
    }
    let started = start(net, ct, connection, data, rcu);
    if data.is_some() {
        net.with_syns(|syns| syns.forget(ct));
    }
    started
}

/// Whether a SYN-ACK with these numbers belongs to the connection that is there: the one that opened it, sent again.
fn is_same(entry: &Entry, src_first: u32, dst_first: u32) -> bool {
    let is_it = |tracked: &Tracked| tracked.connection.starts_at(src_first, dst_first);
    entry.lock().get().is_some_and(is_it)
}

/// Makes a connection of a confirmed entry, which begins with the data of a SYN if there was any.
fn start<'a>(
    net: &'a NetState,
    ct: &Conntrack,
    connection: Connection,
    data: Option<(&SynData, u32, u32)>,
    rcu: &'a Reader,
) -> Option<&'a Entry> {
    let max = parameters::max_connections();
    let opened = !connection.is_picked_up();
    // Of one in the middle of its stream too little is known to have another go for it.
    if opened && net.table.is_full(&max) {
        collect::make_room(net, rcu);
    }
    let tracked = Tracked::new(connection, ARef::from(ct));
    let (entry, mut locked) = match net.table.insert(tracked, &max, rcu) {
        Some(Inserted::Made(entry, locked)) => (entry, locked),
        Some(Inserted::Found(entry)) => return Some(entry),
        None => {
            net.counters.count(match net.table.is_full(&max) {
                true => Counter::Full,
                false => Counter::AllocationFailures,
            });
            return None;
        }
    };
    if let Some(tracked) = locked.get_mut() {
        if let Some((data, dst_first, src_first)) = data {
            data.begin(tracked, &net.limits(), src_first, dst_first);
        }
        if opened {
            collect::mark(net, entry, tracked, Flags::YOUNG, EntryMark::YOUNG, true);
        }
        net.counters.count(Counter::Made);
        events::connection(net, ConnectionEvent::New, entry, tracked);
    }
    drop(locked);
    net.note_made();
    Some(entry)
}

/// Packets will be looked at again, after a while in which they were not: where the streams have come to is not known.
/// Process context.
pub fn lose_all(net: &NetState) {
    net.table.for_each(|entry| {
        if let Some(tracked) = entry.lock().get_mut() {
            tracked.connection.missed();
            changes::look(net, entry, tracked);
        }
    });
}
