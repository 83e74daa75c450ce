// SPDX-License-Identifier: GPL-2.0-only

//! When packets came, in few bytes and with few instructions.

use crate::sys::time;
use kernel::sync::atomic::{ordering::Relaxed, Atomic};

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
        let now = time::ticks();
        let ago = (now as u32).wrapping_sub(self.0);
        // Another processor may have had the next tick already.
        let is_ahead = ago > u32::MAX - 64;
        of_day(now.wrapping_sub(if is_ahead { 0 } else { ago.into() }))
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
        of_day(((now >> Self::SHIFT).wrapping_sub(units.into())) << Self::SHIFT)
    }
}

/// The time of day at tick 0, as it was found when the clock was set last.
static ZERO: Atomic<u64> = Atomic::new(0);

/// What that may be off by before it is found anew, in nanoseconds.
const OFF: u64 = 100_000_000;

/// The time of day at a tick. The same tick has the same time whenever it is asked for, until the clock is set.
fn of_day(tick: u64) -> u64 {
    let now = time::of_day_coarse().wrapping_sub(time::of_ticks(time::ticks()));
    let mut zero = ZERO.load(Relaxed);
    if now.wrapping_sub(zero).wrapping_add(OFF) > 2 * OFF {
        ZERO.store(now, Relaxed);
        zero = now;
    }
    zero.wrapping_add(time::of_ticks(tick))
}
