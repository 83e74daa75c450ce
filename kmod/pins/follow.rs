// SPDX-License-Identifier: GPL-2.0-only

//! Pins that follow a session up to TLS 1.2 from one connection to the next.
//!
//! Such a pin waits, after its connection has ended, for one that resumes the session. Whoever has seen a ticket can offer
//! it: only a server's record, other than an alert, that acknowledges the client's Finished shows that the client has the
//! session's keys.

use super::{Bound, Pin, Pins, Suit};
use crate::{
    connections::Entry,
    namespace::NetState,
    packet::Packet,
    pins::pin::Phase,
    sessions::Links,
    sys::{conntrack::Conntrack, memory::charged, time::uptime},
    tls::{Side, State},
    tracked::{Flags, Tracked},
};
use kernel::sync::{aref::ARef, Arc};

/// A connection that may have issued what a pin follows.
#[derive(Clone)]
pub(super) struct Followed {
    /// Its id.
    pub(super) id: u64,
    /// What it issued, once it is not tracked any longer: found as long as the pin follows.
    links: Option<Arc<Links>>,
}

impl Followed {
    pub(super) fn new(id: u64) -> Self {
        Self { id, links: None }
    }
}

/// How far a server's answer to the client's Finished has come.
#[derive(Clone, Copy)]
pub struct Answer {
    /// The sequence number that it has to acknowledge.
    behind: u32,
    /// The server's records so far, without alerts.
    records: u64,
}

/// The server's complete records, without alerts.
fn records(tracked: &Tracked, server: Side) -> u64 {
    let [change_cipher_spec, _, others @ ..] = tracked.connection.counters(server).records;
    others
        .into_iter()
        .fold(change_cipher_spec, u64::saturating_add)
}

/// Looks at a connection that resumes another one's session, after each of its packets. Any context; the entry is locked.
pub(super) fn look(
    net: &NetState,
    entry: &Entry,
    tracked: &mut Tracked,
    packet: &Packet<'_>,
) -> Suit {
    let (Some(client), Some(issuer)) = (tracked.identity().client, tracked.resumes()) else {
        return Suit::Over;
    };
    match tracked.connection.state() {
        State::Established => {}
        State::New | State::Hello | State::Handshake => return Suit::Resumes,
        _ => return Suit::Over,
    }
    let now = records(tracked, client.other());
    let Some(links) = &mut tracked.links else {
        return Suit::Over;
    };
    let Some(before) = links.answer() else {
        links.set_answer(Answer {
            // Not before the Finished, whatever came in between.
            behind: packet.ct.tcp_end(client.into()),
            records: now,
        });
        return Suit::Resumes;
    };
    let reaches = |ack: u32| ack.wrapping_sub(before.behind) as i32 >= 0;
    let answers = packet.from != client && packet.tcp.ack().is_some_and(reaches);
    if now <= before.records || !answers {
        links.set_answer(Answer {
            records: now,
            ..before
        });
        return Suit::Resumes;
    }
    let followed = net.pins.lock().follow(net, entry.id, issuer, &tracked.ct);
    if followed {
        tracked.flags.set(Flags::PINNED);
    }
    Suit::Over
}

impl Pin {
    /// Whether it waits for a resumption of that connection's session, and until when.
    fn waits_for(&self, issuer: u64) -> Option<u64> {
        let is_it = |followed: &&Followed| followed.id == issuer;
        self.followed.iter().flatten().find(is_it)?;
        match self.phase {
            Phase::Follows { until } if until > uptime() => Some(until),
            _ => None,
        }
    }
}

impl Pins {
    /// Binds the pins that wait for such a resumption; whether there are any.
    fn follow(&mut self, net: &NetState, id: u64, issuer: u64, ct: &Conntrack) -> bool {
        let mut any = false;
        for place in 0..self.0.len() {
            let Some(pin) = self.0.get(place) else {
                break;
            };
            let taken = self.uses_bits(id, pin.mark.mask);
            let Some(until) = pin.waits_for(issuer).filter(|_| !taken) else {
                continue;
            };
            if let Some(pin) = self.0.get_mut(place) {
                let is_it = |followed: &&Followed| followed.id == issuer;
                let from = pin.followed.iter().flatten().find(is_it).cloned();
                pin.followed = [from, Some(Followed::new(id))];
                let to = Bound {
                    id,
                    ct: ARef::from(ct),
                };
                pin.hold_until(net, to, Some(until));
                any = true;
            }
        }
        if any {
            self.changed(net);
        }
        any
    }

    /// Keeps what a connection issued that goes, where pins follow it. Any context.
    pub fn keep(&mut self, id: u64, links: Links) {
        let followed = self.0.iter_mut().filter(|pin| pin.follow);
        let followed = followed.flat_map(|pin| pin.followed.iter_mut().flatten());
        let mut links = Some(links);
        let mut kept: Option<Arc<Links>> = None;
        for followed in followed.filter(|followed| followed.id == id) {
            if let Some(links) = links.take() {
                kept = Arc::new(links, charged()).ok();
            }
            followed.links.clone_from(&kept);
        }
    }
}
