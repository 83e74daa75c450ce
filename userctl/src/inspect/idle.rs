// SPDX-License-Identifier: GPL-2.0-only

//! Connections that have been idle for so long that conntrack would have given them up: whose time is up, and when it is looked
//! for.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::interface::Time;

/// When to look after which connection, at the latest. Packets come much more often than connections are given up: they only
/// bring an earlier time in, and a later one is found when the time has come.
#[derive(Default)]
pub(super) struct Idle {
    times: BinaryHeap<Reverse<(Time, usize)>>,
}

impl Idle {
    /// Has that connection looked after at that time.
    pub(super) fn look_at(&mut self, time: Time, place: usize) {
        self.times.push(Reverse((time, place)));
    }

    /// The next connection to look after by then, and the time that was noted for it.
    pub(super) fn next(&mut self, now: Time) -> Option<(Time, usize)> {
        let Reverse(first) = *self.times.peek()?;
        let is_due = first.0 < now;
        is_due.then(|| self.times.pop())?;
        is_due.then_some(first)
    }
}
