// SPDX-License-Identifier: GPL-2.0-only

//! Whether a pin is on one connection or on many.

/// How many connections may carry a pin's mark, and for how long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One, until it has ended.
    Single,
    /// Any number, each until it has ended.
    Shared,
    /// Any number, each until conntrack lets go of its entry.
    Denial,
}

impl Kind {
    /// Whether any number of connections may carry it.
    pub fn is_shared(self) -> bool {
        self != Self::Single
    }
}
