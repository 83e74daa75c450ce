// SPDX-License-Identifier: GPL-2.0-only

//! Pins and the packets of connections: a pin reserves at the ClientHello and binds at the ServerHello that acknowledges it;
//! one that follows a session binds when the server has shown that it is resumed; one that waits by both ends binds when
//! conntrack has confirmed the entry.

use crate::{
    connections::Entry,
    links::Answer,
    namespace::NetState,
    packet::Packet,
    pins::Progress,
    tls::{Side, State},
    tracked::{Flags, Tracked},
};

/// Looks whether an armed pin is meant for a connection, after each of its packets until it is [`Progress::Over`]. Any
/// context; the entry is locked.
#[cold]
pub fn consider(net: &NetState, entry: &Entry, tracked: &mut Tracked, packet: &Packet<'_>) {
    if tracked.progress == Progress::Resumes {
        tracked.progress = resumes(net, entry, tracked, packet);
        return;
    }
    let (progress, is_meant) = next(net, entry, tracked);
    tracked.progress = match progress {
        Progress::Over if tracked.resumes().is_some() => Progress::Resumes,
        progress => progress,
    };
    // Whoever ends it gives back what is reserved.
    if is_meant {
        tracked.flags.set(Flags::PINNED);
    }
}

/// How far it has come now, and whether a pin has been meant for it.
fn next(net: &NetState, entry: &Entry, tracked: &Tracked) -> (Progress, bool) {
    let identity = tracked.identity();
    let ct = &*tracked.ct;
    let is_lost = !matches!(
        tracked.connection.state(),
        State::New | State::Hello | State::Handshake | State::Established
    );
    if tracked.progress == Progress::Early {
        if !is_lost && identity.client_random.is_none() {
            return (Progress::Early, false);
        }
        // One load for all connections while no pin waits.
        if is_lost || !net.has_armed_pins() || !net.pins.lock().reserve(entry.id, &identity, ct) {
            return (Progress::Over, false);
        }
    }
    if is_lost {
        net.pins.lock().abandon(entry.id);
    } else if identity.confirmed {
        net.pins.lock().claim(net, entry.id, &identity, ct);
    } else {
        return (Progress::Waits, true);
    }
    (Progress::Over, true)
}

/// The server's complete records, without alerts.
fn records(tracked: &Tracked, server: Side) -> u64 {
    let [change_cipher_spec, _, others @ ..] = tracked.connection.counters(server).records;
    others
        .into_iter()
        .fold(change_cipher_spec, u64::saturating_add)
}

/// Looks at a connection that resumes another one's session, after each of its packets. Any context; the entry is locked.
fn resumes(net: &NetState, entry: &Entry, tracked: &mut Tracked, packet: &Packet<'_>) -> Progress {
    let (Some(client), Some(issuer)) = (tracked.identity().client, tracked.resumes()) else {
        return Progress::Over;
    };
    match tracked.connection.state() {
        State::Established => {}
        State::New | State::Hello | State::Handshake => return Progress::Resumes,
        _ => return Progress::Over,
    }
    let now = records(tracked, client.other());
    let Some(links) = tracked.rare.links_mut() else {
        return Progress::Over;
    };
    let Some(before) = links.answer() else {
        links.set_answer(Answer {
            // Not before the Finished, whatever came in between.
            after: packet.ct.tcp_end(client.into()),
            records: now,
        });
        return Progress::Resumes;
    };
    let reaches = |ack: u32| ack.wrapping_sub(before.after) as i32 >= 0;
    let answers = packet.from != client && packet.tcp.ack().is_some_and(reaches);
    if now <= before.records || !answers {
        links.set_answer(Answer {
            records: now,
            ..before
        });
        return Progress::Resumes;
    }
    let followed = net.pins.lock().follow(net, entry.id, issuer, &tracked.ct);
    if followed {
        tracked.flags.set(Flags::PINNED);
    }
    Progress::Over
}

/// Binds pins that wait by both ends to a connection that has just been picked up. Any context; no entry is locked.
#[cold]
pub fn pick_up(net: &NetState, entry: &Entry) {
    let mut locked = entry.lock();
    let Some(tracked) = locked.get_mut() else {
        return;
    };
    if net.pins.lock().pick_up(net, entry.id, &tracked.ct) {
        tracked.flags.set(Flags::PINNED);
        tracked.progress = Progress::Over;
        net.schedule_pins(0);
    }
}
