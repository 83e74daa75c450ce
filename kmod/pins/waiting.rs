// SPDX-License-Identifier: GPL-2.0-only

//! Armed pins and the connections that come: a pin reserves at the ClientHello and binds at the ServerHello that
//! acknowledges it.

use super::{
    bound::Bound,
    kind::Kind,
    list::Pins,
    mark::Mark,
    marks::Marks,
    pin::{Phase, Pin, Reservation},
    selector::Candidate,
    sink::{Release, Sink},
};
use crate::{
    sys::{conntrack::Conntrack, time::uptime},
    tls::IdentityRef,
};
use kernel::sync::aref::ARef;

/// How long a connection whose ClientHello nobody answers keeps others from a pin: it may have been sent for that.
const RESERVED_NS: u64 = 10_000_000_000;

/// How far a connection has come with armed pins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Its ClientHello is not complete.
    Early,
    /// It fits a pin, and waits for its ServerHello.
    Waits,
    /// It resumes a session, and waits for the server to show that the client has its keys.
    Resumes,
    /// It was bound, or will not be.
    Over,
}

impl Pins {
    /// Reserves every pin that waits for a connection like this; false where there is none. Its ClientHello has just
    /// been read.
    pub fn reserve(&mut self, id: u64, identity: &IdentityRef<'_>, ct: &Conntrack) -> bool {
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
            if pin.kind.is_shared() || selector.is_some_and(|selector| selector.needs_server()) {
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

    /// Binds the pins that are reserved for a connection, whose ServerHello has acknowledged its ClientHello, and those
    /// that have waited for what that says. Shared ones take each connection that fits, denials before all others.
    pub fn claim(&mut self, sink: &impl Sink, id: u64, identity: &IdentityRef<'_>, ct: &Conntrack) {
        let mut candidate = Candidate::new(*identity, ct);
        let mut used = self.bits_on(id);
        let mut take = |pin: &mut Pin| {
            let Phase::Armed { reserved } = &pin.phase else {
                return;
            };
            let selector = pin.selector.as_deref();
            let is_meant = match reserved {
                Some(reserved) => reserved.id == id,
                None => {
                    pin.kind.is_shared() || selector.is_some_and(|selector| selector.needs_server())
                }
            };
            let mut fits = || selector.is_none_or(|selector| selector.fits(&mut candidate));
            if is_meant && used & pin.mark.mask == 0 && fits() {
                let to = Bound {
                    id,
                    ct: ARef::from(ct),
                };
                if pin.take(sink, to) {
                    used |= pin.mark.mask;
                }
            }
        };
        let is_denial = |pin: &&mut Pin| pin.kind == Kind::Denial;
        self.0.iter_mut().filter(is_denial).for_each(&mut take);
        let others = self.0.iter_mut().filter(|pin| !is_denial(pin));
        others.for_each(take);
        self.abandon(id);
        self.changed(sink);
    }

    /// Releases one pin whose time is over, and gives its mark and the connection that it was on.
    pub fn expire(&mut self, sink: &impl Sink, now: u64) -> Option<(Mark, Option<Bound>)> {
        let is_over = |pin: &&mut Pin| pin.until().is_some_and(|until| until <= now);
        let Some(pin) = self.0.iter_mut().find(is_over) else {
            return self.expire_member(sink, now);
        };
        let released = (pin.mark, pin.release(sink, Release::Expired));
        self.changed(sink);
        Some(released)
    }

    /// Releases one member whose time is over, and gives its pin's mark.
    pub(super) fn expire_member(
        &mut self,
        sink: &impl Sink,
        now: u64,
    ) -> Option<(Mark, Option<Bound>)> {
        let is_over = |pin: &&mut Pin| {
            pin.members
                .next_expiry()
                .is_some_and(|(until, _)| until <= now)
        };
        let pin = self.0.iter_mut().find(is_over)?;
        let (_, id) = pin.members.next_expiry()?;
        Some((pin.mark, pin.let_go(sink, id, Release::Expired)))
    }

    /// Marks that are to be looked for on other entries, once.
    pub fn take_sweeps(&mut self) -> Option<Marks> {
        let mut marks = None;
        for pin in self.0.iter_mut().filter(|pin| pin.sweep) {
            pin.sweep = false;
            marks.get_or_insert_with(Marks::none).push(pin.mark);
        }
        marks
    }

    /// When the next pin's time is over.
    pub fn next_expiry(&self) -> Option<u64> {
        let members = |pin: &Pin| Some(pin.members.next_expiry()?.0);
        let all = self.0.iter();
        all.flat_map(|pin| [pin.until(), members(pin)])
            .flatten()
            .min()
    }
}
