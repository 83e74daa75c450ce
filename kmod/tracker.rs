// SPDX-License-Identifier: GPL-2.0-only

//! The tracker: sees every packet of a namespace once, just after conntrack, and lets all of them pass.

use crate::{
    binding, changes, collect,
    connections::Entry,
    counters::Counter,
    known::Known,
    marks,
    namespace::NetState,
    opening,
    packet::Packet,
    pins::{Progress, Release},
    sessions,
    sys::{conntrack, hooks::Verdict, packet_cache, rcu::Reader, skb::Skb},
    tls::{Connection, Payload, Side},
    tracked::Flags,
};

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
    entry.unlocked.touch();
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
    let had_ended = tracked.connection.ended();
    tracked.handshake.touch();
    if entry.unlocked.get().is_some() {
        let next = [Side::Src, Side::Dst].map(|side| entry.unlocked.next(side));
        tracked.connection.take_up(next);
    }
    let next = tracked.connection.next(packet.from);
    let is_sent_again = next.wrapping_sub(packet.tcp.seq) as i32 > 0;
    // The receiver reads nothing of a reset, and conntrack may have let it through without accepting it.
    if packet.tcp.is_rst() {
        if packet.ct.tcp_state() == conntrack::CLOSE {
            tracked.connection.close();
        }
    } else {
        tracked.take_in(packet, &net.limits());
    }
    if tracked.progress != Progress::Over {
        binding::consider(net, entry, tracked, packet);
    }
    if let Some(handshake) = tracked.handshake.get_mut() {
        let bytes = handshake.take_in_doubt();
        net.counters.add(Counter::InDoubt, bytes.into());
        if bytes > 0 && !net.pass_mark.status().1 {
            tracked.connection.pass_in_doubt(packet.from, bytes);
        }
        sessions::look(net, entry, tracked, rcu);
        tracked.settle(&net.handshakes);
    }
    if tracked.flags.has(Flags::PINNED) && tracked.connection.ended() && !had_ended {
        let has_session = tracked.rare.links().is_some();
        let mut pins = net.pins.lock();
        // A denial stays until conntrack's entry goes.
        if !pins.connection_ended(net, entry.id, has_session, Release::Closed) {
            tracked.flags.clear(Flags::PINNED);
        }
    }
    tracked.handshake.count(&net.handshakes);
    changes::notify(net, entry, tracked);
    if packet.tcp.payload.len() > 0 && tracked.has_waiting() {
        if is_sent_again {
            if let Some(rare) = tracked.rare.make() {
                rare.tries.sent(packet.from, packet.tcp.seq);
            }
        }
        changes::notify_waiting(net, entry, tracked);
    }
    marks::remark(net, entry, tracked);
    tracked.choose_path();
    let bypassed = tracked.connection.is_bypassed();
    entry
        .unlocked
        .set(bypassed.then(|| tracked.connection.state()), |side| {
            tracked.connection.next(side)
        });
    let Packet { from, tcp, .. } = packet;
    let types = tracked
        .connection
        .types(*from, tcp.first_byte(), tcp.payload.len());
    Known::new(types, tracked.connection.state()).store(skb, tcp.seq);
}

/// The packet's connection, made now where the packet begins one. None where there is none, and for packets that
/// conntrack lets pass without having accepted them (sIG in its table): what they carry is no part of the stream.
/// Softirq or process context; no entry's lock is held.
#[inline]
fn entry_of<'a>(net: &'a NetState, packet: &Packet<'_>, rcu: &'a Reader) -> Option<&'a Entry> {
    let Packet { ct, tcp, .. } = packet;
    if tcp.is_syn_ack() {
        return opening::syn_ack(net, packet, rcu);
    }
    if tcp.is_syn() {
        opening::syn(net, packet);
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
    let entry = opening::start(net, ct, Connection::picked_up(), None, rcu)?;
    if net.has_pins_by_ends() {
        binding::pick_up(net, entry);
    }
    Some(entry)
}

/// Packets will be looked at again, after a while in which they were not: where the streams have come to is not known.
/// Process context.
pub fn lose_all(net: &NetState) {
    net.table.for_each(|entry| {
        if let Some(tracked) = entry.lock().get_mut() {
            tracked.connection.missed();
            changes::notify(net, entry, tracked);
        }
    });
}
