// SPDX-License-Identifier: GPL-2.0-only

//! A pin by itself: where it stands, and the mark that shows it.

use super::{
    bound::Bound,
    kind::Kind,
    mark::{Mark, Name},
    members::Members,
    selector::Selector,
    sink::{Release, Sink},
};
use crate::{
    links::Links,
    sys::{conntrack::Conntrack, time::uptime},
};
use kernel::{prelude::*, sync::Arc};

/// A connection that may have issued what a pin follows.
#[derive(Clone)]
pub(super) struct Followed {
    /// Its id.
    pub(super) id: u64,
    /// What it issued, once it is not tracked any longer: found as long as the pin follows.
    pub(super) links: Option<Arc<Links>>,
}

impl Followed {
    pub(super) fn new(id: u64) -> Self {
        Self { id, links: None }
    }
}

/// A pin.
pub struct Pin {
    /// Its name, unique in the namespace.
    pub name: Name,
    /// Its mark.
    pub mark: Mark,
    /// What it was told to look for; what it waits for while it is armed.
    pub selector: Option<KBox<Selector>>,
    /// How many connections it may be on.
    pub kind: Kind,
    /// Those that share it; none of one that is single.
    pub members: Members,
    /// For how many seconds it is bound.
    pub lasts: Option<u32>,
    /// Whether it goes on to resumptions of its connection's session.
    pub follow: bool,
    /// Whose session that is: of the connection that issued it, and of the last one it was on.
    pub(super) followed: [Option<Followed>; 2],
    /// Whether its mark is to be looked for on other entries soon.
    pub(super) sweep: bool,
    pub(super) phase: Phase,
}

/// Where a pin stands.
pub(super) enum Phase {
    /// It waits for a ClientHello.
    Armed {
        reserved: Option<Reservation>,
    },
    /// It is on a connection, until a time if it has one.
    Bound {
        to: Bound,
        until: Option<u64>,
    },
    /// It waits for a resumption, until a time.
    Follows {
        until: u64,
    },
    Released,
}

/// A connection that a pin is kept for until its ServerHello comes.
pub(super) struct Reservation {
    /// Its id.
    pub(super) id: u64,
    /// From then on another may have it.
    pub(super) until: u64,
}

impl Pin {
    /// The connection that it is on.
    pub fn bound(&self) -> Option<&Bound> {
        match &self.phase {
            Phase::Bound { to, .. } => Some(to),
            _ => None,
        }
    }

    /// Whether it waits for a connection.
    pub fn is_armed(&self) -> bool {
        matches!(self.phase, Phase::Armed { .. } | Phase::Follows { .. })
    }

    /// Whether somebody has overwritten its mark on the connection that it is on alone.
    pub fn has_lost_mark(&self) -> bool {
        self.bound().is_some_and(|to| self.is_lost_on(&to.ct))
    }

    /// Whether a connection that it is on lacks its mark.
    pub fn is_lost_on(&self, ct: &Conntrack) -> bool {
        !self.mark.is_in(ct.mark())
    }

    /// For how many seconds it is still bound, or the first of its members, a part of one counted as one.
    pub fn expires_in(&self) -> Option<u64> {
        let first = self.members.next_expiry().map(|(until, _)| until);
        self.until().or(first).map(seconds_to)
    }

    /// When its time is over.
    pub(super) fn until(&self) -> Option<u64> {
        match self.phase {
            Phase::Bound { until, .. } => until,
            Phase::Follows { until } => Some(until),
            _ => None,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Released) || !self.members.is_empty()
    }

    /// Binds it.
    pub(super) fn hold(&mut self, sink: &impl Sink, to: Bound) {
        self.followed = [Some(Followed::new(to.id)), None];
        let lasts = self
            .lasts
            .map(|seconds| u64::from(seconds).saturating_mul(NS_PER_SECOND));
        let until = lasts.map(|lasts| uptime().saturating_add(lasts));
        self.hold_until(sink, to, until);
        if let Some(lasts) = lasts {
            sink.schedule_expiry(lasts);
        }
    }

    /// Binds it until a time for which the expiry is scheduled.
    pub(super) fn hold_until(&mut self, sink: &impl Sink, to: Bound, until: Option<u64>) {
        to.ct.set_mark(self.mark.value, self.mark.mask);
        let id = to.id;
        self.phase = Phase::Bound { to, until };
        sink.bound(self, id);
    }

    /// Clears its bits on a connection that has ended and has it wait for a resumption; false where it does not follow.
    pub(super) fn begin_to_follow(&mut self, sink: &impl Sink) -> bool {
        match (&self.phase, self.until()) {
            (Phase::Bound { to, .. }, Some(until)) if self.follow => {
                to.ct.set_mark(0, self.mark.mask);
                self.phase = Phase::Follows { until };
                sink.armed(self);
                true
            }
            _ => false,
        }
    }

    /// Releases it and clears its bits; gives the connection that it was on. Of a shared one the first connection is
    /// released, and it does not wait any longer: it is over when it is released with no connection left.
    pub(super) fn release(&mut self, sink: &impl Sink, why: Release) -> Option<Bound> {
        if let Some((id, _)) = self.members.at_or_after(0) {
            self.phase = Phase::Released;
            return self.let_go(sink, id, why);
        }
        self.followed = [None, None];
        match core::mem::replace(&mut self.phase, Phase::Released) {
            Phase::Bound { to, .. } => {
                to.ct.set_mark(0, self.mark.mask);
                sink.released(self, Some(to.id), why);
                Some(to)
            }
            Phase::Armed { .. } | Phase::Follows { .. } => {
                sink.released(self, None, why);
                None
            }
            Phase::Released => None,
        }
    }

    /// Whether it waits for a connection by both its ends.
    pub(super) fn waits_by_ends(&self) -> bool {
        let by_ends = self
            .selector
            .as_ref()
            .is_some_and(|selector| selector.is_of_both_ends());
        matches!(self.phase, Phase::Armed { .. }) && by_ends
    }

    /// Whether it waits for a connection by its JA4.
    pub(super) fn waits_by_ja4(&self) -> bool {
        let selector = self.selector.as_ref();
        self.is_armed() && selector.is_some_and(|selector| selector.ja4.is_some())
    }

    pub(super) fn waits_for_ends_of(&self, ct: &Conntrack) -> bool {
        let fits = |selector: &Selector| selector.fits_ends_either_way(ct);
        self.waits_by_ends() && self.selector.as_deref().is_some_and(fits)
    }

    /// Whether it waits for a resumption of that connection's session, and until when.
    pub(super) fn waits_for(&self, issuer: u64) -> Option<u64> {
        let is_it = |followed: &&Followed| followed.id == issuer;
        self.followed.iter().flatten().find(is_it)?;
        match self.phase {
            Phase::Follows { until } if until > uptime() => Some(until),
            _ => None,
        }
    }
}

/// Seconds from now to a time, a part of one counted as one.
pub fn seconds_to(until: u64) -> u64 {
    let left = until.saturating_sub(uptime());
    left.saturating_add(NS_PER_SECOND - 1) / NS_PER_SECOND
}

const NS_PER_SECOND: u64 = 1_000_000_000;
