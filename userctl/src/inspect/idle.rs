// SPDX-License-Identifier: GPL-2.0-only

//! Connections that have been idle for so long that conntrack would have given them up: whose time is up, and when it is looked
//! for.

use std::collections::BTreeMap;

use super::interface::{Time, SECOND};

/// When to look after which connections, at the latest, by the second that has passed then. Packets come much more often than
/// connections are given up: they only bring an earlier time in, and a later one is found when the time has come.
#[derive(Default)]
pub(super) struct Idle {
    seconds: BTreeMap<Time, Vec<usize>>,
}

impl Idle {
    /// Has that connection looked after when the second of that time has passed.
    pub(super) fn look_at(&mut self, time: Time, place: usize) {
        let second = time.div_euclid(SECOND).saturating_add(1);
        self.seconds.entry(second).or_default().push(place);
    }

    /// The next connection to look after by then, and a time that is no earlier than the one that was noted for it.
    pub(super) fn next(&mut self, now: Time) -> Option<(Time, usize)> {
        let mut first = self.seconds.first_entry()?;
        let time = first.key().saturating_mul(SECOND);
        if time >= now {
            return None;
        }
        let place = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        Some((time, place?))
    }
}
