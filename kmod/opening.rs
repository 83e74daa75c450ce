// SPDX-License-Identifier: GPL-2.0-only

//! Connections begin: SYNs and their answers, and entries of the table are made.

use crate::{
    collect,
    connections::{Entry, EntryMark},
    counters::Counter,
    known::Known,
    marks::mark,
    namespace::NetState,
    netlink::events::{self, ConnectionEvent},
    packet::Packet,
    parameters,
    syns::{Answered, SynData},
    sys::{
        conntrack::{self, Conntrack},
        rcu::Reader,
        table::Inserted,
    },
    tls::{Connection, Payload, Side},
    tracked::{Flags, Tracked},
};
use kernel::sync::aref::ARef;

/// A SYN of the initiator: its data is kept apart until it is answered.
pub fn syn(net: &NetState, packet: &Packet<'_>) {
    if packet.ct.is_opening() && packet.from == Side::Src {
        let (types, state) = net.syns.take_in(&net.limits(), packet);
        if !packet.tcp.payload.is_empty() {
            // There may be no connection yet that has it looked after.
            net.schedule_collection();
        }
        Known::new(types, state).store(packet.skb, packet.tcp.seq);
    }
}

/// A SYN-ACK that puts conntrack's entry into SYN_RECV starts a connection, also on an entry that has one: conntrack
/// lets a SYN that it had ignored take its entry over once the SYN is answered (nf_conntrack_proto_tcp.c, the IGNORE
/// branch). Any other changes nothing. One that conntrack has ignored has left its idea of the sender's end alone.
///
/// The initiator may answer a SYN of the responder (a split handshake), where there is no connection yet.
pub fn syn_ack<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a Reader) -> Option<&'a Entry> {
    let Packet { ct, from, tcp, .. } = packet;
    let (own, other) = (tcp.first_byte(), tcp.ack()?);
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
    let answered = match net.syns.keeps_any() || net.syns.has_let_go() {
        true => net.syns.with(|syns| syns.answered(ct, src_first)),
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
        collect::free_handshakes(net, rcu);
    }
    let started = start(net, ct, connection, data, rcu);
    if data.is_some() {
        net.syns.with(|syns| syns.forget(ct));
    }
    started
}

/// Whether a SYN-ACK with these numbers belongs to the connection that is there: the one that opened it, sent again.
fn is_same(entry: &Entry, src_first: u32, dst_first: u32) -> bool {
    let is_it = |tracked: &Tracked| tracked.connection.starts_at(src_first, dst_first);
    entry.lock().get().is_some_and(is_it)
}

/// Makes a connection of a confirmed entry, which begins with the data of a SYN if there was any.
pub fn start<'a>(
    net: &'a NetState,
    ct: &Conntrack,
    connection: Connection,
    data: Option<(&SynData, u32, u32)>,
    rcu: &'a Reader,
) -> Option<&'a Entry> {
    let max = parameters::max_connections();
    let opened = !connection.is_picked_up();
    // Of one in the middle of its stream too little is known to have another go for it.
    let make_room = || {
        if opened {
            collect::make_room(net, rcu);
        }
    };
    let tracked = Tracked::new(connection, ARef::from(ct));
    let (entry, mut locked) = match net.table.insert(tracked, &max, make_room, rcu) {
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
    entry.unlocked.touch();
    if let Some(tracked) = locked.get_mut() {
        if let Some((data, dst_first, src_first)) = data {
            data.begin(tracked, &net.limits(), src_first, dst_first);
        }
        if opened {
            mark(net, entry, tracked, Flags::YOUNG, EntryMark::YOUNG, true);
        }
        net.counters.count(Counter::Made);
        events::connection(net, ConnectionEvent::New, entry, tracked);
    }
    drop(locked);
    net.note_made();
    Some(entry)
}
