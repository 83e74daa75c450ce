// SPDX-License-Identifier: GPL-2.0-only

//! Entries that carry a pin's mark though the pin is not on them: somebody else has set it.
//!
//! Other writers in the kernel load a mark, change some of its bits and store it: one that has loaded it before a pin's
//! bits were changed puts the old ones back. They do so on a packet's way, under RCU, so that a grace period later none of
//! them is left.

use super::Mark;
use crate::sys::{
    conntrack::{self, Conntrack},
    pernet::NetState,
    rcu::{wait_for_readers, Reader},
};
use kernel::{prelude::*, sync::aref::ARef};

/// As many are told of: there is room for them in an answer.
const MAX_TOLD: usize = 16;

/// Clears marks wherever they are set but on the connections that the pins are on, once those have stored that have loaded
/// them before. Process context; neither an entry nor the pins may be locked.
pub fn clear_strays(net: &NetState, marks: impl Iterator<Item = Mark>) {
    wait_for_readers();
    for mark in marks {
        conntrack::for_each(net, &mut |ct: &Conntrack| {
            if mark.is_in(ct.mark()) && !net.pins.lock().is_on(ct, mark) {
                ct.set_mark(0, mark.mask);
            }
        });
    }
}

/// Entries that carry a mark and are not tracked, so that they have no id: the first few. Process context, as above.
pub fn untracked(net: &NetState, mark: Mark) -> Result<KVec<ARef<Conntrack>>> {
    let mut found = KVec::with_capacity(MAX_TOLD, GFP_KERNEL)?;
    conntrack::for_each(net, &mut |ct: &Conntrack| {
        let is_tracked = || net.table.find(ct, &Reader::begin()).is_some();
        if mark.is_in(ct.mark()) && !net.pins.lock().is_on(ct, mark) && !is_tracked() {
            // The rest is left out.
            let _ = found.push_within_capacity(ARef::from(ct));
        }
    });
    Ok(found)
}
