// SPDX-License-Identifier: GPL-2.0-only

//! Armed pins and the connections that come: a pin reserves at the ClientHello and binds at the ServerHello that
//! acknowledges it.

use super::{
    clear_strays, follow,
    pin::{Phase, Pin, Reservation},
    selector::Candidate,
    Bound, Mark, Marks, Pins,
};
use crate::{
    connections::Entry,
    namespace::NetState,
    netlink::events::{self, Release},
    packet::Packet,
    sys::{conntrack::Conntrack, time::uptime},
    tls::{IdentityRef, State},
    tracked::{Flags, Tracked},
};
use kernel::sync::aref::ARef;

/// How long a connection whose ClientHello nobody answers keeps others from a pin: it may have been sent for that.
const RESERVED_NS: u64 = 10_000_000_000;

/// How far a connection has come with armed pins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Suit {
    /// Its ClientHello is not complete.
    Early,
    /// It fits a pin, and waits for its ServerHello.
    Waits,
    /// It resumes a session, and waits for the server to show that the client has its keys.
    Resumes,
    /// It was bound, or will not be.
    Over,
}

/// Looks whether an armed pin is meant for a connection, after each of its packets until it is [`Suit::Over`]. Any
/// context; the entry is locked.
#[cold]
pub fn consider(net: &NetState, entry: &Entry, tracked: &mut Tracked, packet: &Packet<'_>) {
    if tracked.suit == Suit::Resumes {
        tracked.suit = follow::look(net, entry, tracked, packet);
        return;
    }
    let (suit, is_meant) = next(net, entry, tracked);
    tracked.suit = match suit {
        Suit::Over if tracked.resumes().is_some() => Suit::Resumes,
        suit => suit,
    };
    // Whoever ends it gives back what is reserved.
    if is_meant {
        tracked.flags.set(Flags::PINNED);
    }
}

/// How far it has come now, and whether a pin has been meant for it.
fn next(net: &NetState, entry: &Entry, tracked: &Tracked) -> (Suit, bool) {
    let identity = tracked.identity();
    let ct = &*tracked.ct;
    let is_lost = !matches!(
        tracked.connection.state(),
        State::New | State::Hello | State::Handshake | State::Established
    );
    if tracked.suit == Suit::Early {
        if !is_lost && identity.client_random.is_none() {
            return (Suit::Early, false);
        }
        // One load for all connections while no pin waits.
        if is_lost || !net.has_armed_pins() || !net.pins.lock().reserve(entry.id, &identity, ct) {
            return (Suit::Over, false);
        }
    }
    if is_lost {
        net.pins.lock().abandon(entry.id);
    } else if identity.confirmed {
        net.pins.lock().claim(net, entry.id, &identity, ct);
    } else {
        return (Suit::Waits, true);
    }
    (Suit::Over, true)
}

impl Pins {
    /// Reserves every pin that waits for a connection like this; false where there is none. Its ClientHello has just
    /// been read.
    fn reserve(&mut self, id: u64, identity: &IdentityRef<'_>, ct: &Conntrack) -> bool {
        let now = uptime();
        let mut found = false;
        let mut candidate = Candidate::new(*identity, ct);
        for pin in &mut self.0 {
            let Phase::Armed { reserved } = &mut pin.phase else {
                continue;
            };
            let selector = pin.selector.as_deref();
            if !selector.is_none_or(|selector| selector.fits_client(&mut candidate)) {
                continue;
            }
            if selector.is_some_and(|selector| selector.needs_server()) {
                // Who is meant shows at the ServerHello.
                found = true;
            } else if reserved.as_ref().is_none_or(|other| other.until <= now) {
                *reserved = Some(Reservation {
                    id,
                    until: now.saturating_add(RESERVED_NS),
                });
                found = true;
            }
        }
        found
    }

    /// Gives back what is reserved for a connection.
    pub(super) fn abandon(&mut self, id: u64) {
        for pin in &mut self.0 {
            if let Phase::Armed { reserved } = &mut pin.phase {
                if reserved.as_ref().is_some_and(|other| other.id == id) {
                    *reserved = None;
                }
            }
        }
    }

    /// Binds the pins that are reserved for a connection, whose ServerHello has acknowledged its ClientHello, and those
    /// that have waited for what that says.
    fn claim(&mut self, net: &NetState, id: u64, identity: &IdentityRef<'_>, ct: &Conntrack) {
        let mut candidate = Candidate::new(*identity, ct);
        for place in 0..self.0.len() {
            let Some(pin) = self.0.get(place) else {
                break;
            };
            let Phase::Armed { reserved } = &pin.phase else {
                continue;
            };
            let selector = pin.selector.as_deref();
            let is_meant = match reserved {
                Some(reserved) => reserved.id == id,
                None => selector.is_some_and(|selector| selector.needs_server()),
            };
            let mut fits = || selector.is_none_or(|selector| selector.fits(&mut candidate));
            if is_meant && !self.uses_bits(id, pin.mark.mask) && fits() {
                let to = Bound {
                    id,
                    ct: ARef::from(ct),
                };
                if let Some(pin) = self.0.get_mut(place) {
                    pin.hold(net, to);
                }
            }
        }
        self.abandon(id);
        self.changed(net);
    }

    /// Whether a pin that is bound to the connection uses some of these bits.
    pub(super) fn uses_bits(&self, id: u64, mask: u32) -> bool {
        self.0.iter().any(|pin| {
            pin.bound()
                .is_some_and(|bound| bound.id == id && pin.mark.mask & mask != 0)
        })
    }

    /// Releases one pin whose time is over, and gives its mark and the connection that it was on.
    pub(super) fn expire(&mut self, net: &NetState, now: u64) -> Option<(Mark, Option<Bound>)> {
        let is_over = |pin: &&mut Pin| pin.until().is_some_and(|until| until <= now);
        let pin = self.0.iter_mut().find(is_over)?;
        let released = (pin.mark, pin.release(net, Release::Expired));
        self.changed(net);
        Some(released)
    }

    /// Marks that are to be looked for on other entries, once.
    fn take_sweeps(&mut self) -> Option<Marks> {
        let mut marks = None;
        for pin in self.0.iter_mut().filter(|pin| pin.sweep) {
            pin.sweep = false;
            marks.get_or_insert_with(Marks::none).push(pin.mark);
        }
        marks
    }

    /// When the next pin's time is over.
    pub(super) fn next_expiry(&self) -> Option<u64> {
        self.0.iter().filter_map(Pin::until).min()
    }

    /// Arms a pin.
    pub(super) fn wait(&mut self, net: &NetState, place: usize) {
        if let Some(pin) = self.0.get_mut(place) {
            pin.phase = Phase::Armed { reserved: None };
            events::pin_armed(net, pin);
        }
    }
}

/// Releases the pins whose time is over, and says in how many nanoseconds the next one's is. Process context.
pub fn expire(net: &NetState) -> Option<u64> {
    let mut marks = None;
    loop {
        let now = uptime();
        let expired = net.pins.lock().expire(net, now);
        if let Some((mark, bound)) = expired {
            marks.get_or_insert_with(Marks::none).push(mark);
            if let Some(bound) = bound {
                bound.ct.deliver_events();
            }
            continue;
        }
        // Behind all of them: it takes its time.
        let sweeps = || net.pins.lock().take_sweeps();
        if let Some(marks) = marks.take().or_else(sweeps) {
            // Where that cannot be done, `pins` tells of those that carry a mark still.
            let _ = clear_strays(net, &marks);
            continue;
        }
        let next = net.pins.lock().next_expiry()?;
        return Some(next.saturating_sub(now));
    }
}
