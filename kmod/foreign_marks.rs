// SPDX-License-Identifier: GPL-2.0-only

//! Entries that carry a pin's mark though the pin is not on them: somebody else has set it.
//!
//! Other writers in the kernel load a mark, change some of its bits and store it: one that has loaded it before a pin's
//! bits were changed puts the old ones back. Those that do so on a packet's way are under RCU: a grace period later none
//! of them is left.

use crate::{
    namespace::NetState,
    pins::{Mark, Marks},
    sys::{
        conntrack::{self, Conntrack},
        rcu::{synchronize_rcu, Reader},
    },
};
use kernel::{prelude::*, sync::aref::ARef};

/// As many are told of: there is room for them in an answer.
const MAX_TOLD: usize = 16;

/// Clears marks wherever they are set but on the connections that the pins are on, once those have stored that have
/// loaded them before; whether there were any. Goes through conntrack's table once; EAGAIN where that cannot be done.
/// Process context; neither an entry nor the pins may be locked.
pub fn clear_foreign_marks(net: &NetState, marks: &Marks) -> Result<bool> {
    if marks.is_empty() {
        return Ok(false);
    }
    synchronize_rcu();
    let mut cleared = false;
    let look = |ct: &Conntrack| {
        for &mark in marks.0.iter().flatten() {
            if mark.is_in(ct.mark()) {
                // Held while it is cleared, so that no pin comes to it meanwhile. One that has come has changed the bits.
                let pins = net.pins.lock();
                let id = net.table.find(ct, &Reader::begin()).map(|entry| entry.id);
                if mark.is_in(ct.mark()) && !pins.is_on(ct, id, mark) {
                    ct.set_mark(0, mark.mask);
                    cleared = true;
                }
            }
        }
    };
    conntrack::for_each_marked(&net.net(), |mark| marks.are_in(mark), look)?;
    Ok(cleared)
}

/// Entries that carry marks of pins and are not tracked, so that they have no id: the first few of each mark.
pub struct Untracked(KVec<(Mark, ARef<Conntrack>)>);

impl Untracked {
    /// None.
    pub const fn none() -> Self {
        Self(KVec::new())
    }

    /// Goes through conntrack's table once; EAGAIN where that cannot be done. Process context; neither an entry nor the
    /// pins may be locked.
    pub fn find(net: &NetState, marks: &Marks) -> Result<Self> {
        let marked = marks.0.iter().flatten();
        let room = marked.fold(0, |room: usize, _| room.saturating_add(MAX_TOLD));
        let mut found = Self(KVec::with_capacity(room, GFP_KERNEL)?);
        let look = |ct: &Conntrack| {
            for &mark in marks.0.iter().flatten() {
                let is_tracked = || net.table.find(ct, &Reader::begin()).is_some();
                if mark.is_in(ct.mark())
                    && !is_tracked()
                    && !net.pins.lock().is_on(ct, None, mark)
                    && found.may_take(mark, ct)
                {
                    // There is room for as many of each.
                    let _ = found.0.push_within_capacity((mark, ARef::from(ct)));
                }
            }
        };
        conntrack::for_each_marked(&net.net(), |mark| marks.are_in(mark), look)?;
        Ok(found)
    }

    /// Whether there is room for one more, which is not there yet: a walk may see it twice.
    fn may_take(&self, mark: Mark, ct: &Conntrack) -> bool {
        let is_it = |other: &ARef<Conntrack>| core::ptr::eq(&**other, ct);
        self.of(mark).nth(MAX_TOLD - 1).is_none() && !self.of(mark).any(is_it)
    }

    /// Those of one mark.
    pub fn of(&self, mark: Mark) -> impl Iterator<Item = &ARef<Conntrack>> {
        let carry = self.0.iter().filter(move |(carried, _)| *carried == mark);
        carry.map(|(_, ct)| ct)
    }
}
