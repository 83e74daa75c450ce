// SPDX-License-Identifier: GPL-2.0-only

//! When packets came, in few bytes and with few instructions.

use crate::sys::time;

/// A moment: the low bits of the timer's ticks. Told from now within 49 days, as a tick is 1 to 10 milliseconds.
#[derive(Clone, Copy)]
pub struct Moment(u32);

impl Moment {
    /// This one. Any context.
    #[inline(always)]
    pub fn now() -> Self {
        Self(time::ticks() as u32)
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

    /// Nanoseconds since 1970, as the clock is set now. Any context.
    pub fn time_of_day(self) -> u64 {
        let ago = Self::now().0.wrapping_sub(self.0);
        // Another processor may have had the next tick already.
        let is_ahead = ago > u32::MAX - 64;
        of_day(if is_ahead { 0 } else { ago.into() })
    }
}

/// A moment longer ago, in 64 ticks each: for at least eight years, to 0.64 seconds.
#[derive(Clone, Copy)]
pub struct LongAgo(u32);

impl LongAgo {
    const SHIFT: u32 = 6;

    /// This moment. Any context.
    pub fn now() -> Self {
        Self((time::ticks() >> Self::SHIFT) as u32)
    }

    /// Nanoseconds since 1970, as the clock is set now: the start of its unit. Any context.
    pub fn time_of_day(self) -> u64 {
        let now = time::ticks();
        let units = ((now >> Self::SHIFT) as u32).wrapping_sub(self.0);
        let within = now & ((1 << Self::SHIFT) - 1);
        of_day((u64::from(units) << Self::SHIFT) | within)
    }
}

fn of_day(ticks_ago: u64) -> u64 {
    time::of_day_coarse().saturating_sub(time::of_ticks(ticks_ago))
}
