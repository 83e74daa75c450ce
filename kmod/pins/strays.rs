// SPDX-License-Identifier: GPL-2.0-only

//! Entries that carry a pin's mark though the pin is not on them: somebody else has set it.

use super::Mark;
use crate::sys::{
    conntrack::{self, Conntrack},
    pernet::NetState,
};

/// Clears a pin's bits wherever they are set but on the connection that the pin is on. Process context; neither an entry
/// nor the pins may be locked.
pub fn clear_strays(net: &NetState, mark: Mark) {
    conntrack::for_each(net, &mut |ct: &Conntrack| {
        if mark.is_in(ct.mark()) && !net.pins.lock().is_on(ct, mark) {
            ct.set_mark(0, mark.mask);
        }
    });
}
