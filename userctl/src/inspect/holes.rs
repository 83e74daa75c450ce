// SPDX-License-Identifier: GPL-2.0-only

//! What waits behind holes in all connections: how much it is, and who has waited longest.

use std::collections::BTreeSet;

use tlsconn_tls::Config;

use super::{
    interface::{Time, SECOND},
    reorder::Waiting,
};

/// Octets that are kept at most in all connections together.
const MOST: u64 = 1 << 26;

/// Waiting segments of all connections.
pub(crate) struct Holes {
    cost: u64,
    pub(crate) most: u64,
    /// Connections with something waiting, by its age.
    oldest: BTreeSet<(Time, usize)>,
}

impl Default for Holes {
    fn default() -> Self {
        Self {
            cost: 0,
            most: MOST,
            oldest: BTreeSet::new(),
        }
    }
}

impl Holes {
    /// What waits in a connection has changed.
    pub(crate) fn changed(&mut self, place: usize, before: Waiting, after: Waiting) {
        let cost = self.cost.saturating_sub(before.cost.into());
        self.cost = cost.saturating_add(after.cost.into());
        if before.since != after.since {
            if let Some(since) = before.since {
                self.oldest.remove(&(since, place));
            }
            if let Some(since) = after.since {
                self.oldest.insert((since, place));
            }
        }
    }

    /// Whether more waits than there is room for.
    pub(crate) fn are_too_many(&self) -> bool {
        self.cost > self.most
    }

    /// A connection with something that was captured before `oldest`.
    pub(crate) fn older_than(&self, oldest: Time) -> Option<usize> {
        let (since, place) = self.oldest.first()?;
        (*since < oldest).then_some(*place)
    }
}

/// What was captured before that is not waited for any longer at `now`.
pub(crate) fn oldest_at(now: Time) -> Time {
    now.saturating_sub(Time::from(Config::default().hole_seconds) * SECOND)
}
