// SPDX-License-Identifier: GPL-2.0-only

//! Connections that wait for a hole to fill are looked after, beside their packets.

use crate::{
    changes,
    connections::{Entry, EntryMark},
    marks::remark,
    namespace::NetState,
    sys::{cond_resched, rcu::Reader},
};

/// Connections looked after at a time.
const AT_A_TIME: u32 = 1024;

/// How often one connection takes in as much as with a packet before others have their turn: all that it may keep.
const ROUNDS: u32 = 64;

/// Looks after connections that wait for a hole to fill, a bounded number, the others the next time: takes in what waits
/// for its turn, and gives up what has waited for too long. Frees what was discarded. Process context; no lock is held.
pub fn look_after(net: &NetState) {
    let mut next = net.next.holes.get();
    for _ in 0..AT_A_TIME {
        let rcu = Reader::begin();
        let Some(entry) = net.table.at_or_after_marked(next, EntryMark::HOLES, &rcu) else {
            next = 0;
            break;
        };
        next = entry.id.wrapping_add(1);
        for _ in 0..ROUNDS {
            if !look_after_one(net, entry) {
                break;
            }
        }
        drop(rcu);
        cond_resched();
    }
    net.next.holes.set(next);
    net.hole_memory.free_discarded();
}

/// Whether more of it waits for its turn.
fn look_after_one(net: &NetState, entry: &Entry) -> bool {
    let mut locked = entry.lock();
    let Some(tracked) = locked.get_mut() else {
        return false;
    };
    let waits = tracked.age(&net.limits());
    changes::notify(net, entry, tracked);
    tracked.choose_path();
    remark(net, entry, tracked);
    waits
}
