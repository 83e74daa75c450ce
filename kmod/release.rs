// SPDX-License-Identifier: GPL-2.0-only

//! Pins are released: because somebody asked for it, when their time is over, and when their connections are gone.

use crate::{
    foreign_marks::clear_foreign_marks,
    namespace::NetState,
    pins::{Marks, Release, MAX_PINS},
    sys::{rcu::Reader, time::uptime},
};

/// Releases every pin. Process context; the lock must not be held.
pub fn release_all(net: &NetState, why: Release) {
    loop {
        let released = net.pins.lock().release_any(net, why);
        match released {
            Some(Some(bound)) => bound.ct.deliver_events(),
            Some(None) => {}
            None => return,
        }
    }
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
                bound.ct.deliver_events();
            }
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

/// Ends the connections that pins are on and whose entries conntrack has let go of. Process context; no lock is held.
pub fn end_dying(net: &NetState) {
    for _ in 0..MAX_PINS {
        let Some(id) = net.pins.lock().dying() else {
            return;
        };
        let rcu = Reader::begin();
        if let Some(entry) = net.table.by_id(id, &rcu) {
            net.end(entry);
        }
    }
}
