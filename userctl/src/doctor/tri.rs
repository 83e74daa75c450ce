// SPDX-License-Identifier: GPL-2.0-only

//! True, false, or not to be told from here.

/// Whether something is so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tri {
    Yes,
    No,
    Unknown,
}

impl From<bool> for Tri {
    fn from(is: bool) -> Self {
        match is {
            true => Self::Yes,
            false => Self::No,
        }
    }
}

impl Tri {
    /// The opposite, where `!` stands before a condition.
    pub(super) fn negated(self, not: bool) -> Self {
        match (self, not) {
            (Self::Yes, true) => Self::No,
            (Self::No, true) => Self::Yes,
            (same, _) => same,
        }
    }

    /// Both of them.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// One of them at least.
    pub(super) fn or(self, other: Self) -> Self {
        self.negated(true).and(other.negated(true)).negated(true)
    }
}
