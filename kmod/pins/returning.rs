// SPDX-License-Identifier: GPL-2.0-only

//! Pins and connections that come back.
//!
//! A pin that follows a session up to TLS 1.2 waits, after its connection has ended, for one that resumes it. Whoever has
//! seen a ticket can offer it: only a server's record, other than an alert, that acknowledges the client's Finished shows
//! that the client has the session's keys.
//!
//! A pin that names the addresses and ports of both ends takes a connection in the middle of its stream, after conntrack
//! has forgotten it. A packet of such a connection has an entry of its own, which nothing but its passing confirms: the pin
//! lends it its mark, so that the rules let it pass. The first packet of the entry that is confirmed then binds the pin.

use super::{bound::Bound, list::Pins, pin::Followed, sink::Sink};
use crate::{
    links::Links,
    sys::{conntrack::Conntrack, memory::charged},
};
use kernel::sync::{aref::ARef, Arc};

impl Pins {
    /// Writes the mark of the pins that wait for such a connection to an entry that is not confirmed, for its own packet.
    /// Any context.
    pub fn lend(&self, ct: &Conntrack) {
        for pin in self.0.iter().filter(|pin| pin.waits_for_ends_of(ct)) {
            ct.set_mark(pin.mark.value, pin.mark.mask);
        }
    }

    /// Binds the pins that wait for such a connection; whether there are any.
    pub fn pick_up(&mut self, sink: &impl Sink, id: u64, ct: &Conntrack) -> bool {
        let mut any = false;
        for place in 0..self.0.len() {
            let Some(pin) = self.0.get(place) else {
                break;
            };
            let taken = self.bits_on(id) & pin.mark.mask != 0;
            if taken || !pin.waits_for_ends_of(ct) {
                continue;
            }
            if let Some(pin) = self.0.get_mut(place) {
                let to = Bound {
                    id,
                    ct: ARef::from(ct),
                };
                if pin.take(sink, to) {
                    // Other packets may have carried the mark to other entries.
                    pin.sweep = true;
                    any = true;
                }
            }
        }
        if any {
            self.changed(sink);
        }
        any
    }

    /// Binds the pins that wait for such a resumption; whether there are any.
    pub fn follow(&mut self, sink: &impl Sink, id: u64, issuer: u64, ct: &Conntrack) -> bool {
        let mut any = false;
        for place in 0..self.0.len() {
            let Some(pin) = self.0.get(place) else {
                break;
            };
            let taken = self.bits_on(id) & pin.mark.mask != 0;
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
                pin.hold_until(sink, to, Some(until));
                any = true;
            }
        }
        if any {
            self.changed(sink);
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
