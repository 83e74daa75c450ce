// SPDX-License-Identifier: GPL-2.0-only

//! What is done for a namespace's connections beside its packets: a slice of it twice a second while there are any, and
//! more of it where room gets short.
//!
//! Conntrack tells nobody when it lets go of an entry, so all connections are gone through, those with a pin each time.

use crate::{
    aging, changes,
    connections::{Entry, EntryMark},
    marks::remark,
    namespace::NetState,
    release,
    sys::{cond_resched, rcu::Reader},
    tls::State,
    tracked::{Flags, Tracked},
};

/// How many times it takes to go through all connections: 29 seconds.
const SLICES: u64 = 58;
/// The same while conntrack's table is nearly full: 1.5 seconds.
const SLICES_WHEN_FULL: u64 = 3;
/// Connections that are looked at each time at least.
const SLICE_MIN: u64 = 256;
/// Handshakes that are looked at each time: all of the default `max_handshakes` in 8 seconds.
const HANDSHAKES: u32 = 4096;
/// Seconds without a packet after which an unfinished handshake gives its memory back; and under pressure.
const IDLE: u32 = 300;
const IDLE_UNDER_PRESSURE: u32 = 60;
/// Entries that are looked at to find one that can go, for one packet.
const TRIES: u32 = 8;

/// Looks after connections, and says whether there is anything left to look after. Process context; no lock is held.
pub fn collect(net: &NetState) -> bool {
    let _charge = net.payer.charge();
    // A few at a time under the lock, which packets wait for.
    while net.syns.keeps_any() && net.syns.with(|syns| syns.age()) {
        cond_resched();
    }
    aging::look_after(net);
    release::end_dying(net);
    let (made, all) = (net.take_made(), net.table.len());
    let slice = match net.is_conntrack_nearly_full() {
        // So many at once, that it is worth going through all.
        true if made >= all / 4 => all,
        true => all / SLICES_WHEN_FULL,
        false => all / SLICES,
    };
    let from = net.next.collected.get();
    let slice = slice.saturating_add(SLICE_MIN);
    let next = net.table.for_suspects(from, slice, |entry| {
        if is_let_go(entry) {
            net.end(entry);
        }
    });
    net.next.collected.set(next);
    idle_handshakes(net);
    !net.table.is_empty() || net.syns.keeps_any() || net.hole_memory.has_discarded()
}

fn is_let_go(entry: &Entry) -> bool {
    entry
        .lock()
        .get()
        .is_some_and(|tracked| tracked.ct.is_dying())
}

/// Gives the memory of handshakes back that have been idle for too long.
fn idle_handshakes(net: &NetState) {
    let limit = match net.handshakes.is_under_pressure() {
        true => IDLE_UNDER_PRESSURE,
        false => IDLE,
    };
    let mut next = net.next.idle.get();
    for _ in 0..HANDSHAKES {
        let rcu = Reader::begin();
        let Some(entry) = net
            .table
            .at_or_after_marked(next, EntryMark::HANDSHAKE, &rcu)
        else {
            next = 0;
            break;
        };
        next = entry.id.wrapping_add(1);
        if let Some(tracked) = entry.lock().get_mut() {
            if tracked.handshake.idle().is_some_and(|idle| idle >= limit) {
                give_up_handshake(net, entry, tracked);
            }
        }
        drop(rcu);
        cond_resched();
    }
    net.next.idle.set(next);
}

/// Gives a handshake's memory back; whether it did. An unfinished one is lost by that, but for a pinned connection, which
/// keeps it. Of a finished one what is outstanding cannot be compared any longer. Any context; the entry is locked.
fn give_up_handshake(net: &NetState, entry: &Entry, tracked: &mut Tracked) -> bool {
    match tracked.connection.state() {
        State::Established | State::Closed => tracked.connection.forget_outstanding(),
        _ if tracked.flags.has(Flags::PINNED) => return false,
        _ => tracked.connection.time_out(),
    }
    tracked.pack(&net.handshakes);
    changes::notify(net, entry, tracked);
    remark(net, entry, tracked);
    !tracked.has_handshake()
}

/// Makes room for the handshake of a connection that has said nothing yet, where there is none. Softirq or process context;
/// no entry is locked.
#[cold]
pub fn make_room_for_handshake(net: &NetState, entry: &Entry, rcu: &Reader) {
    let is_new = |tracked: &Tracked| tracked.connection.state() == State::New;
    if entry.lock().get().is_some_and(is_new) {
        free_handshakes(net, rcu);
    }
}

/// Gives up one handshake for another; and one more where processors that did so at the same time have exceeded the bound.
/// Softirq or process context; no entry is locked.
#[cold]
pub fn free_handshakes(net: &NetState, rcu: &Reader) {
    for _ in 0..2 {
        if net.handshakes.is_full() {
            free_handshake(net, rcu);
        }
    }
}

/// Gives up one handshake for another: the oldest that no server has answered goes, as a flood's are, else the oldest
/// unfinished one, else the memory of the oldest finished one. Softirq or process context; no entry is locked.
fn free_handshake(net: &NetState, rcu: &Reader) {
    let from = net.next.evicted.get();
    // The oldest that stays now is the first to be looked at the next time.
    let mut stays = None;
    let next = give_up_one(net, from, rcu, |entry, tracked| {
        match tracked.connection.state() {
            State::Established => false,
            State::Handshake if tracked.flags.has(Flags::PINNED) => false,
            State::Handshake => {
                stays.get_or_insert(entry.id);
                false
            }
            _ => true,
        }
    })
    .map(|next| stays.unwrap_or(next))
    .or_else(|_| {
        give_up_one(net, from, rcu, |_, tracked| {
            tracked.connection.state() != State::Established
        })
    })
    .or_else(|_| {
        give_up_one(net, from, rcu, |_, tracked| {
            tracked.connection.state() == State::Established
        })
    });
    net.next.evicted.set(next.unwrap_or_else(|next| next));
}

/// Gives back what one of the oldest handshakes keeps of its stream. Softirq or process context; no entry is locked.
#[cold]
pub fn free_pieces(net: &NetState, rcu: &Reader) {
    let mut next = net.next.cleared.get();
    for _ in 0..TRIES {
        let found = net
            .table
            .at_or_after_marked(next, EntryMark::HANDSHAKE, rcu);
        let Some(entry) = found else {
            next = 0;
            break;
        };
        next = entry.id.wrapping_add(1);
        if let Some(tracked) = entry.lock().get_mut() {
            if tracked.handshake.clear_pieces(&net.handshakes) {
                break;
            }
        }
    }
    net.next.cleared.set(next);
}

/// Gives up the first handshake from an id on, of the next few, whose connection may lose it. Says where to go on, as an
/// error where there is none: from the oldest on, if the next few were the last.
fn give_up_one(
    net: &NetState,
    from: u64,
    rcu: &Reader,
    mut may: impl FnMut(&Entry, &Tracked) -> bool,
) -> core::result::Result<u64, u64> {
    let mut next = from;
    for _ in 0..TRIES {
        let found = net
            .table
            .at_or_after_marked(next, EntryMark::HANDSHAKE, rcu);
        let entry = found.ok_or(0u64)?;
        next = entry.id.wrapping_add(1);
        if let Some(tracked) = entry.lock().get_mut() {
            if may(entry, tracked) && give_up_handshake(net, entry, tracked) {
                return Ok(next);
            }
        }
    }
    Err(next)
}

/// Makes room for a connection where there is none: of those without payload, or that were lost or tainted before a handshake
/// was complete, the oldest goes, else of those whose handshake is not finished; never a pinned or an established one. Softirq
/// or process context; no entry is locked.
#[cold]
pub fn make_room(net: &NetState, rcu: &Reader) {
    for mark in [EntryMark::YOUNG, EntryMark::HANDSHAKE] {
        let mut next = 0;
        for _ in 0..TRIES {
            let Some(entry) = net.table.at_or_after_marked(next, mark, rcu) else {
                break;
            };
            next = entry.id.wrapping_add(1);
            let can_go = |tracked: &Tracked| {
                !tracked.flags.has(Flags::PINNED)
                    && tracked.connection.state() != State::Established
            };
            if entry.lock().get().is_some_and(can_go) {
                net.end(entry);
                return;
            }
        }
    }
}
