// SPDX-License-Identifier: GPL-2.0-only

//! Pins that wait for a connection by the addresses and ports of both its ends: they take it in the middle of its stream,
//! after conntrack has forgotten it.
//!
//! A packet of such a connection has an entry of its own, which nothing but its passing confirms: the pin lends it its
//! mark, so that the rules let it pass. The first packet of the entry that is confirmed then binds the pin.

use super::{Bound, Pin, Pins, Suit};
use crate::{
    connections::Entry, namespace::NetState, pins::pin::Phase, sys::conntrack::Conntrack,
    tracked::Flags,
};
use kernel::sync::aref::ARef;

impl Pin {
    /// Whether it waits for a connection by both its ends.
    pub(super) fn waits_by_ends(&self) -> bool {
        let by_ends = self
            .selector
            .as_ref()
            .is_some_and(|selector| selector.is_of_both_ends());
        matches!(self.phase, Phase::Armed { .. }) && by_ends
    }

    fn waits_for_ends_of(&self, ct: &Conntrack) -> bool {
        let fits = |selector: &super::Selector| selector.fits_ends_either_way(ct);
        self.waits_by_ends() && self.selector.as_deref().is_some_and(fits)
    }
}

impl Pins {
    /// Writes the mark of the pins that wait for such a connection to an entry that is not confirmed, for its own packet.
    /// Any context.
    pub fn lend(&self, ct: &Conntrack) {
        for pin in self.0.iter().filter(|pin| pin.waits_for_ends_of(ct)) {
            ct.set_mark(pin.mark.value, pin.mark.mask);
        }
    }

    /// Binds the pins that wait for such a connection; whether there are any.
    fn pick_up(&mut self, net: &NetState, id: u64, ct: &Conntrack) -> bool {
        let mut any = false;
        for place in 0..self.0.len() {
            let Some(pin) = self.0.get(place) else {
                break;
            };
            let taken = self.uses_bits(id, pin.mark.mask);
            if taken || !pin.waits_for_ends_of(ct) {
                continue;
            }
            if let Some(pin) = self.0.get_mut(place) {
                let to = Bound {
                    id,
                    ct: ARef::from(ct),
                };
                pin.hold(net, to);
                // Other packets may have carried the mark to other entries.
                pin.sweep = true;
                any = true;
            }
        }
        if any {
            self.changed(net);
        }
        any
    }
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
        tracked.suit = Suit::Over;
        net.schedule_expiry(0);
    }
}

/// Ends the connections that pins are on and whose entries conntrack has let go of. Process context; no lock is held.
pub fn end_dying(net: &NetState) {
    for _ in 0..super::MAX_PINS {
        let Some(id) = net.pins.lock().dying() else {
            return;
        };
        let rcu = crate::sys::rcu::Reader::begin();
        if let Some(entry) = net.table.by_id(id, &rcu) {
            net.end(entry);
        }
    }
}
