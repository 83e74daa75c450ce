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

/// Records that may be made between two collections on entries that conntrack has not confirmed. As we hold such an
/// entry until then though its packet may be dropped at once, a flood could fill conntrack otherwise.
const UNCONFIRMED_MAX: u32 = 1024;

/// Takes a packet in. Softirq or process context, at PRE_ROUTING and LOCAL_OUT.
pub fn track(net: &NetState, packet: &Packet<'_>) {
    if packet.ct.is_expected() && !packet.ct.is_confirmed() {
        net.pins.lock().clear_inherited(packet.ct);
    }
    let rcu = rcu::read_lock();
    let Some(entry) = entry_of(net, packet, &rcu) else {
        return;
    };
    let mut locked = entry.lock();
    let Some(tracked) = &mut *locked else {
        return;
    };
    // The receiver reads nothing of a reset, and conntrack may have let it through without accepting it.
    if !packet.tcp.is_rst() {
        tracked.connection.segment(
            &mut tracked.handshake,
            &parameters::engine(),
            &packet.segment(),
            &packet.tcp.payload,
        );
    }
    if packet.ct.tcp_state() == conntrack::CLOSE {
        tracked.connection.close();
    }
    if tracked.pinned && tracked.connection.ended() {
        tracked.pinned = false;
        net.pins.lock().connection_ended(entry.id);
    }
}

/// The packet's connection, made now where the packet begins one. None where there is none, and for packets that
/// conntrack lets pass without having accepted them (sIG in its table): what they carry is no part of the stream.
fn entry_of<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a rcu::Guard) -> Option<&'a Entry> {
    let tcp = &packet.tcp;
    if tcp.is_syn_ack() {
        return syn_ack(net, packet, rcu);
    }
    if tcp.is_syn() && (!is_opening(packet.ct) || packet.from == Side::Dst) {
        return None;
    }
    let found = net.table.find(packet.ct, rcu);
    if found.is_some() || tcp.payload.len() == 0 || tcp.is_rst() {
        return found;
    }
    let connection = if tcp.is_syn() {
        Connection::opened_by_syn_data(tcp.first_octet())
    } else {
        Connection::picked_up()
    };
    if !packet.ct.is_confirmed() && !net.may_hold_unconfirmed(UNCONFIRMED_MAX) {
        return None;
    }
    start(net, packet.ct, connection, rcu)
}

/// Whether no SYN was answered yet.
pub fn is_opening(ct: &Conntrack) -> bool {
    matches!(ct.tcp_state(), conntrack::SYN_SENT | conntrack::SYN_SENT2)
}

/// A SYN-ACK that puts conntrack's entry into SYN_RECV starts a connection, also on an entry that has one: conntrack
/// lets a SYN that it had ignored take its entry over once the SYN is answered (nf_conntrack_proto_tcp.c, the IGNORE
/// branch). Any other changes nothing. One that conntrack has ignored has left its idea of the sender's end alone.
fn syn_ack<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a rcu::Guard) -> Option<&'a Entry> {
    let Packet { ct, from, tcp } = packet;
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
    net.table.for_each(|entry| {
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
            tracked.connection.missed(&mut tracked.handshake);
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
