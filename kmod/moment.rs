// SPDX-License-Identifier: GPL-2.0-only

//! When packets came, in few bytes and with few instructions.

use crate::sys::time;

/// Ticks of a unit, as a power of two: at most 0.64 seconds, as a tick is 1 to 10 milliseconds.
const SHIFT: u32 = 6;

/// A moment in the time that the machine is up, for at least eight years; without the time that it slept.
#[derive(Clone, Copy)]
pub struct Moment(u32);

impl Moment {
    /// This one. Any context.
    #[inline(always)]
    pub fn now() -> Self {
        Self((time::ticks() >> SHIFT) as u32)
    }

    /// As a number.
    #[inline(always)]
    pub fn number(self) -> u32 {
        self.0
    }

    /// From its number.
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Nanoseconds since 1970, as the clock is set now: the start of its unit. Any context.
    pub fn time_of_day(self) -> u64 {
        let now = time::ticks();
        let units = ((now >> SHIFT) as u32).wrapping_sub(self.0);
        let within = now & ((1 << SHIFT) - 1);
        let ago = time::of_ticks(u64::from(units) << SHIFT | within);
        time::of_day_coarse().saturating_sub(ago)
    }
}
