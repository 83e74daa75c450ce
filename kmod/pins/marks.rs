// SPDX-License-Identifier: GPL-2.0-only

//! Marks of several pins.

use super::mark::{Mark, MAX_PINS};

/// Marks of pins: not more than there may be pins.
pub struct Marks(pub [Option<Mark>; MAX_PINS]);

impl Marks {
    /// None yet.
    pub const fn none() -> Self {
        Self([None; MAX_PINS])
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().flatten().next().is_none()
    }

    /// Whether a connection's mark carries one of them.
    pub fn are_in(&self, mark: u32) -> bool {
        self.0.iter().flatten().any(|pin| pin.is_in(mark))
    }

    /// One more, if it is not there; beyond the bound it is left out.
    pub fn push(&mut self, mark: Mark) {
        if self.0.contains(&Some(mark)) {
            return;
        }
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(mark);
        }
    }
}
