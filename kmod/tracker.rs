// SPDX-License-Identifier: GPL-2.0-only

//! The tracker: sees every packet of a namespace once, just after conntrack, and lets all of them pass.

use crate::{
    packet::Packet,
    parameters,
    sys::{
        conntrack::{self, Conntrack},
        pernet::NetState,
        table::Entry,
    },
    tls::{Connection, Payload, Side},
    tracked::Tracked,
};
use kernel::sync::rcu;

/// Takes a packet in. Softirq or process context, at PRE_ROUTING and LOCAL_OUT.
pub fn track(net: &NetState, packet: &Packet<'_>) {
    let rcu = rcu::read_lock();
    let Some(entry) = entry_of(net, packet, &rcu) else {
        return;
    };
    let mut locked = entry.lock();
    let Some(tracked) = &mut *locked else {
        return;
    };
    tracked.connection.segment(
        &mut tracked.handshake,
        &parameters::engine(),
        &packet.segment(),
        &packet.tcp.payload,
    );
    if packet.ct.tcp_state() == conntrack::CLOSE {
        tracked.connection.close();
    }
    if tracked.pinned && tracked.connection.ended() {
        tracked.pinned = false;
        net.pins.lock().connection_ended(entry.id);
    }
}

/// The packet's connection, made now where the packet begins one.
fn entry_of<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a rcu::Guard) -> Option<&'a Entry> {
    let found = net.table.find(packet.ct, rcu);
    let tcp = &packet.tcp;
    if tcp.is_syn_ack() && packet.from == Side::Dst {
        return syn_ack(net, packet, found, rcu);
    }
    if found.is_some() {
        return found;
    }
    if tcp.payload.len() == 0 {
        return None;
    }
    let connection = if tcp.is_syn() && packet.from == Side::Src {
        Connection::opened_by_syn_data(tcp.first_octet())
    } else {
        Connection::picked_up()
    };
    start(net, packet.ct, connection, rcu)
}

/// A SYN-ACK that puts conntrack's entry into SYN_RECV starts a connection, also on an entry that has one: conntrack
/// lets a SYN that it had ignored take its entry over once the SYN is answered (nf_conntrack_proto_tcp.c, the IGNORE
/// branch). Any other changes nothing.
fn syn_ack<'a>(
    net: &'a NetState,
    packet: &Packet<'_>,
    found: Option<&'a Entry>,
    rcu: &'a rcu::Guard,
) -> Option<&'a Entry> {
    let (Some(src_first), conntrack::SYN_RECV) = (packet.tcp.ack(), packet.ct.tcp_state()) else {
        return found;
    };
    let dst_first = packet.tcp.first_octet();
    if let Some(entry) = found {
        if is_same(entry, src_first, dst_first) {
            return found;
        }
        net.end(entry);
    }
    start(
        net,
        packet.ct,
        Connection::opened(src_first, dst_first),
        rcu,
    )
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
        tracked.connection.set_dst_first(dst_first);
    }
    same
}

fn start<'a>(
    net: &'a NetState,
    ct: &Conntrack,
    connection: Connection,
    rcu: &'a rcu::Guard,
) -> Option<&'a Entry> {
    let entry = net.table.insert(
        ct,
        Tracked::new(connection)?,
        parameters::max_connections(),
        rcu,
    )?;
    net.schedule_collection();
    Some(entry)
}

/// Takes out what conntrack has let go of, and says whether anything is left to look after. Process context.
pub fn collect(net: &NetState) -> bool {
    let mut next = 0;
    loop {
        // A short RCU section for each, however many there are.
        let rcu = rcu::read_lock();
        let Some(entry) = net.table.at_or_after(next, &rcu) else {
            return !net.table.is_empty();
        };
        next = entry.id.wrapping_add(1);
        if is_let_go(entry) {
            net.end(entry);
        }
    }
}

/// An entry that was never confirmed, as its first packet was dropped, is never marked dying: then ours are the last
/// references, the table's and perhaps a pin's.
fn is_let_go(entry: &Entry) -> bool {
    let locked = entry.lock();
    let Some(tracked) = &*locked else {
        return false;
    };
    let ct = entry.conntrack(tracked);
    ct.is_dying() || !ct.is_confirmed() && ct.references() <= 1 + u32::from(tracked.pinned)
}
