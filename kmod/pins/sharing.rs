// SPDX-License-Identifier: GPL-2.0-only

//! What a pin does that is on many connections.

use super::{
    bound::Bound,
    kind::Kind,
    mark::Mark,
    members::{Member, Seat},
    pin::{Phase, Pin},
    refusal::Refusal,
    sink::{Release, Sink},
};
use crate::sys::time::uptime;
use kernel::prelude::*;

impl Pin {
    /// What is kept of a connection that it shares.
    pub fn member(&self, id: u64) -> Option<&Member> {
        self.members.get(id)
    }

    /// Whether it is on a connection, alone or not.
    pub fn holds(&self, id: u64) -> bool {
        self.bound().is_some_and(|bound| bound.id == id) || self.member(id).is_some()
    }

    /// Whether it is on any.
    pub fn holds_any(&self) -> bool {
        self.bound().is_some() || !self.members.is_empty()
    }

    /// Whether another connection of that kind and mark joins those that it is on.
    pub(super) fn is_widened_by(&self, kind: Kind, mark: Mark) -> bool {
        kind.is_shared() && self.kind == kind && self.mark == mark
    }

    /// A place for one more connection, from now on for as many seconds; ENOMEM.
    pub(super) fn seat(to: Bound, lasts: Option<u32>) -> Result<Seat> {
        // In whole seconds, so that many whose time is over one after the other are released at once.
        let now = uptime() / NS_PER_SECOND;
        let until = lasts.map(|lasts| now.saturating_add(u64::from(lasts).saturating_add(1)));
        Seat::new(to, until.map(|until| until.saturating_mul(NS_PER_SECOND)))
    }

    /// Takes one more connection in.
    pub(super) fn share(&mut self, sink: &impl Sink, to: Bound, seat: Seat) {
        to.ct.set_mark(self.mark.value, self.mark.mask);
        self.members.put(seat);
        sink.bound(self, to.id);
        if let Some((until, _)) = self.members.next_expiry() {
            sink.schedule_expiry(until.saturating_sub(uptime()));
        }
    }

    /// Binds it where it waits; a shared one goes on to wait. False where there is no memory.
    pub(super) fn take(&mut self, sink: &impl Sink, to: Bound) -> bool {
        if !self.kind.is_shared() {
            self.hold(sink, to);
            return true;
        }
        match Self::seat(to.clone(), self.lasts) {
            Ok(seat) => {
                self.share(sink, to, seat);
                true
            }
            Err(_) => false,
        }
    }

    /// Releases one of the connections that share it, and clears its bits there.
    pub(super) fn let_go(&mut self, sink: &impl Sink, id: u64, why: Release) -> Option<Bound> {
        let bound = self.members.remove(id)?;
        bound.ct.set_mark(0, self.mark.mask);
        sink.released(self, Some(id), why);
        Some(bound)
    }

    /// Whether it may be given away for what somebody wants of it: to arm it, or to bind it.
    pub(super) fn may_be_set(
        &self,
        kind: Kind,
        mark: Mark,
        replace: bool,
        arms: bool,
    ) -> Result<(), Refusal> {
        let widens = self.is_widened_by(kind, mark);
        match &self.phase {
            _ if replace || widens && !(arms && self.is_armed()) => Ok(()),
            _ if self.kind == kind && kind.is_shared() && !widens => Err(OTHER_MARK),
            Phase::Armed { .. } | Phase::Follows { .. } => Err(ARMED),
            _ => Err(TAKEN),
        }
    }
}

const NS_PER_SECOND: u64 = 1_000_000_000;

const TAKEN: Refusal = (
    EBUSY,
    c"the pin is bound: unpin it, or take it over with --replace",
);
const ARMED: Refusal = (
    EBUSY,
    c"the pin is armed: unpin it, or take it over with --replace",
);
const OTHER_MARK: Refusal = (
    EEXIST,
    c"the shared pin has another mark: give none, or another name",
);
