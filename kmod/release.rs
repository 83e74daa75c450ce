// SPDX-License-Identifier: GPL-2.0-only

//! Pins are released: because somebody asked for it, when their time is over, and when their connections are gone.

use crate::{
    foreign_marks::clear_foreign_marks,
    namespace::NetState,
    pins::{look_for_dying, Bound, Marks, Name, Release, Walk, MAX_PINS},
    sys::{cond_resched, rcu::Reader, time::uptime},
    tls::Side,
    tracked::Flags,
};

/// Releases every pin. Process context; the lock must not be held.
pub fn release_all(net: &NetState, why: Release) {
    release_each(net, || net.pins.lock().release_any(net, why));
}

/// Releases a pin, from all connections that it is on, and says whether it was bound or armed. As above.
pub fn release(net: &NetState, name: Name, why: Release) -> bool {
    release_each(net, || net.pins.lock().release(net, name, why))
}

/// Releases one connection after the other; whether there was any, or a pin that waited.
fn release_each(net: &NetState, mut one: impl FnMut() -> Option<Option<Bound>>) -> bool {
    let mut any = false;
    while let Some(released) = one() {
        any = true;
        if let Some(bound) = released {
            unpinned(net, &bound);
        }
        cond_resched();
    }
    any
}

/// Releases the pins whose time is over, and says in how many nanoseconds the next one's is. Process context.
pub fn expire(net: &NetState) -> Option<u64> {
    let mut marks = None;
    loop {
        let now = uptime();
        let expired = net.pins.lock().expire(net, now);
        if let Some((mark, bound)) = expired {
            marks.get_or_insert_with(Marks::none).push(mark);
            if let Some(bound) = bound {
                unpinned(net, &bound);
            }
            cond_resched();
            continue;
        }
        // After all of them: it takes its time.
        let sweeps = || net.pins.lock().take_sweeps();
        if let Some(marks) = marks.take().or_else(sweeps) {
            // Where that cannot be done, `pins` tells of those that carry a mark still.
            let _ = clear_foreign_marks(net, &marks);
            continue;
        }
        let next = net.pins.lock().next_expiry()?;
        return Some(next.saturating_sub(now));
    }
}

/// A pin was released from a connection: what it sends from now on waits, and is told of once more. Conntrack's listeners are
/// told of the mark. Process context; no lock is held.
pub fn unpinned(net: &NetState, bound: &Bound) {
    bound.ct.deliver_events();
    let rcu = Reader::begin();
    let Some(entry) = net.table.by_id(bound.id, &rcu) else {
        return;
    };
    let mut locked = entry.lock();
    let Some(tracked) = locked.get_mut() else {
        return;
    };
    if net.pins.lock().of_mark(tracked.ct.mark()).is_some() {
        // It has another one, or the same again.
        return;
    }
    if entry.unlocked.get().is_some() {
        let next = [Side::Src, Side::Dst].map(|side| entry.unlocked.next(side));
        tracked.connection.take_up(next);
        entry.unlocked.set(None, |_| 0);
    }
    tracked.connection.waits_from_here();
    tracked.flags.clear(Flags::WAITING_TOLD);
    tracked.connection.take_slow_path_with_payload();
}

/// Ends the connections that pins are on and whose entries conntrack has let go of. Process context; no lock is held.
pub fn end_dying(net: &NetState) {
    for _ in 0..MAX_PINS {
        let Some(id) = net.pins.lock().dying() else {
            break;
        };
        end(net, id);
    }
    let mut walk = Walk::default();
    loop {
        let looked = look_for_dying(&net.pins.lock(), &mut walk);
        match looked {
            Some(Some(id)) => end(net, id),
            Some(None) => {}
            None => return,
        }
        cond_resched();
    }
}

fn end(net: &NetState, id: u64) {
    let rcu = Reader::begin();
    if let Some(entry) = net.table.by_id(id, &rcu) {
        net.end(entry);
    }
}
