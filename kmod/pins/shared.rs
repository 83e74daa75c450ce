// SPDX-License-Identifier: GPL-2.0-only

//! Shared pins: any number of connections carry the mark of one. A denial is one whose mark stays on a connection that has
//! ended until conntrack lets go of its entry: the reset that ends the one side puts the entry into CLOSE, and the other
//! side is to be reset by the same rule.

use super::{
    list::{PinRequest, Pins, Refusal},
    mark::{Mark, Name},
    members::{Member, Seat},
    pin::{Bound, Phase, Pin},
    sink::{Release, Sink},
};
use crate::sys::time::uptime;
use kernel::prelude::*;

/// Members that are looked at while the lock is held once.
const LOOKED_AT: u32 = 256;

/// How many connections may carry a pin's mark, and for how long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One, until it has ended.
    Single,
    /// Any number, each until it has ended.
    Shared,
    /// Any number, each until conntrack lets go of its entry.
    Denial,
}

impl Kind {
    /// Whether any number of connections may carry it.
    pub fn is_shared(self) -> bool {
        self != Self::Single
    }
}

/// Where a look at all members goes on.
#[derive(Default)]
pub struct Walk {
    place: usize,
    id: u64,
}

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
}

impl Pins {
    /// The mark of a pin for which none was asked: that which it has, `default`'s own, or the first that is free.
    pub fn mark_for(&self, name: Name, kind: Kind) -> Result<Mark, Refusal> {
        let is_default = name.as_slice() == b"default";
        let stays = |pin: &&Pin| !is_default || pin.is_live() && pin.is_widened_by(kind, pin.mark);
        if let Some(pin) = self.of_name(name).filter(stays) {
            return Ok(pin.mark);
        }
        if is_default {
            return Ok(Mark::DEFAULT);
        }
        let mut all = Mark::values();
        all.find(|mark| !self.0.iter().any(|pin| pin.mark.overlaps(*mark)))
            .ok_or(NO_MARK)
    }

    /// Whether connections have to be released before a request is granted; they may be too many for once.
    pub fn has_to_be_emptied_for(&self, wanted: &PinRequest) -> bool {
        self.of_name(wanted.name).is_some_and(|pin| {
            !pin.members.is_empty() && !pin.is_widened_by(wanted.kind, wanted.mark)
        })
    }

    /// Releases one connection of a pin; None where it is not on it. Any context.
    pub fn release_from(
        &mut self,
        sink: &impl Sink,
        name: Name,
        id: u64,
        why: Release,
    ) -> Option<Bound> {
        let pin = self.0.iter_mut().find(|pin| pin.name == name)?;
        let released = match pin.bound().is_some_and(|bound| bound.id == id) {
            true => pin.release(sink, why),
            false => pin.let_go(sink, id, why),
        };
        self.changed(sink);
        released
    }

    /// Releases the other pins on a connection whose bits a denial is to have.
    pub(super) fn give_way(&mut self, sink: &impl Sink, to: &Bound, name: Name, mask: u32) {
        let others = self.0.iter_mut().filter(|pin| pin.name != name);
        for pin in others.filter(|pin| pin.mark.mask & mask != 0 && pin.holds(to.id)) {
            match pin.bound() {
                Some(_) => pin.release(sink, Release::Replaced),
                None => pin.let_go(sink, to.id, Release::Replaced),
            };
        }
    }

    /// The bits that pins use on a connection.
    pub(super) fn bits_on(&self, id: u64) -> u32 {
        let on_it = self.0.iter().filter(|pin| pin.holds(id));
        on_it.fold(0, |bits, pin| bits | pin.mark.mask)
    }

    /// Looks for a member whose entry conntrack has let go of, at a few members each time; None when all were looked at.
    pub fn look_for_dying(&self, walk: &mut Walk) -> Option<Option<u64>> {
        let pin = self.0.get(walk.place)?;
        for _ in 0..LOOKED_AT {
            let Some((id, member)) = pin.members.at_or_after(walk.id) else {
                (walk.place, walk.id) = (walk.place.saturating_add(1), 0);
                break;
            };
            walk.id = id.wrapping_add(1);
            if member.ct.is_dying() {
                return Some(Some(id));
            }
        }
        Some(None)
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
}

/// Whether a pin that is there may be given away for another request.
pub(super) fn may_be_set(pin: &Pin, wanted: &PinRequest, arms: bool) -> Result<(), Refusal> {
    let widens = pin.is_widened_by(wanted.kind, wanted.mark);
    match &pin.phase {
        _ if wanted.replace || widens && !(arms && pin.is_armed()) => Ok(()),
        _ if pin.kind == wanted.kind && pin.kind.is_shared() && !widens => Err(OTHER_MARK),
        Phase::Armed { .. } | Phase::Follows { .. } => Err(ARMED),
        _ => Err(TAKEN),
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
const NO_MARK: Refusal = (
    ENOSPC,
    c"no value of 0xff000000 is free from 0x55000000 on: give a mark",
);
