// SPDX-License-Identifier: GPL-2.0-only

//! The connections that a shared pin is on: by id, and by when their time is over. Nothing here goes through all of them.

use super::bound::Bound;
use crate::sys::{conntrack::Conntrack, memory::charged};
use kernel::{
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::aref::ARef,
};

/// A connection that a shared pin is on.
pub struct Member {
    /// Its conntrack entry.
    pub ct: ARef<Conntrack>,
    /// When the pin leaves it.
    pub until: Option<u64>,
}

/// Room for a member, which is got before anything is changed.
pub(super) struct Seat {
    to: Bound,
    until: Option<u64>,
    by_id: RBTreeNodeReservation<u64, Member>,
    by_time: Option<RBTreeNodeReservation<(u64, u64), ()>>,
}

impl Seat {
    /// Any context.
    pub(super) fn new(to: Bound, until: Option<u64>) -> Result<Self> {
        let by_time = until.map(|_| RBTreeNodeReservation::new(charged()));
        Ok(Self {
            to,
            until,
            by_id: RBTreeNodeReservation::new(charged())?,
            by_time: by_time.transpose()?,
        })
    }
}

/// The connections of a shared pin: not more than the namespace's table has.
pub struct Members {
    by_id: RBTree<u64, Member>,
    /// The times of those that have one, with their ids.
    by_time: RBTree<(u64, u64), ()>,
    count: u64,
}

impl Members {
    pub(super) fn none() -> Self {
        Self {
            by_id: RBTree::new(),
            by_time: RBTree::new(),
            count: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The one of an id.
    pub fn get(&self, id: u64) -> Option<&Member> {
        self.by_id.get(&id)
    }

    /// The one with the smallest id that is not below `id`.
    pub fn at_or_after(&self, id: u64) -> Option<(u64, &Member)> {
        let cursor = self.by_id.cursor_lower_bound(&id)?;
        let id = *cursor.current().0;
        Some((id, self.by_id.get(&id)?))
    }

    /// The one whose time is over first, and when that is.
    pub(super) fn next_expiry(&self) -> Option<(u64, u64)> {
        let first = self.by_time.cursor_front()?;
        Some(*first.current().0)
    }

    /// One more, or one that is there with another time. Any context.
    pub(super) fn put(&mut self, seat: Seat) {
        let Seat { to, until, .. } = seat;
        let id = to.id;
        self.remove(id);
        if let (Some(until), Some(room)) = (until, seat.by_time) {
            self.by_time.insert(room.into_node((until, id), ()));
        }
        let member = Member { ct: to.ct, until };
        self.by_id.insert(seat.by_id.into_node(id, member));
        self.count = self.count.wrapping_add(1);
    }

    /// One less; None where it is not there. Any context.
    pub(super) fn remove(&mut self, id: u64) -> Option<Bound> {
        let Member { ct, until } = self.by_id.remove(&id)?;
        if let Some(until) = until {
            self.by_time.remove(&(until, id));
        }
        self.count = self.count.wrapping_sub(1);
        Some(Bound { id, ct })
    }
}
