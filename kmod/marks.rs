// SPDX-License-Identifier: GPL-2.0-only

//! Which work has to look at a connection: marks in the table's index by id.

use crate::{
    connections::{Entry, EntryMark},
    namespace::NetState,
    sys::table::Mark,
    tls::State,
    tracked::{Flags, Tracked},
};

/// Has the table know of an entry what work looks for. Any context; the entry is locked.
#[inline]
pub fn remark(net: &NetState, entry: &Entry, tracked: &mut Tracked) {
    let has = tracked.has_handshake();
    if has != tracked.flags.has(Flags::HANDSHAKE) {
        mark(
            net,
            entry,
            tracked,
            Flags::HANDSHAKE,
            EntryMark::HANDSHAKE,
            has,
        );
    }
    let keeps = tracked.rare.holes().is_some();
    if keeps != tracked.flags.has(Flags::HOLES) {
        mark(net, entry, tracked, Flags::HOLES, EntryMark::HOLES, keeps);
    }
    let state = tracked.connection.state();
    if state == State::Established {
        tracked.flags.set(Flags::COMPLETED);
    }
    // What is held all the same, without having come as far as others.
    let came_to_nothing =
        matches!(state, State::Lost | State::Tainted) && !tracked.flags.has(Flags::COMPLETED);
    let is_young = !has && (!tracked.connection.has_payload() || came_to_nothing);
    if is_young != tracked.flags.has(Flags::YOUNG) {
        mark(
            net,
            entry,
            tracked,
            Flags::YOUNG,
            EntryMark::YOUNG,
            is_young,
        );
    }
}

/// Sets or clears a mark, and notes that it is.
pub fn mark(
    net: &NetState,
    entry: &Entry,
    tracked: &mut Tracked,
    flag: Flags,
    mark: Mark,
    is: bool,
) {
    match is {
        true => {
            tracked.flags.set(flag);
            net.table.set_mark(entry, mark);
        }
        false => {
            tracked.flags.clear(flag);
            net.table.clear_mark(entry, mark);
        }
    }
}
