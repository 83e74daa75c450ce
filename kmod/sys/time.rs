// SPDX-License-Identifier: GPL-2.0-only

//! Time that only goes forward.

use crate::bindings;

/// Nanoseconds since the machine was started, without those that it slept. Any context.
pub fn uptime() -> u64 {
    // SAFETY: No precondition.
    unsafe { bindings::tlsconn_uptime() }
}

/// The same, as of the last timer tick: a packet's work does not read the clock for it. Any context.
pub fn uptime_coarse() -> u64 {
    // SAFETY: No precondition.
    unsafe { bindings::tlsconn_uptime_coarse() }
}

/// Ticks of the timer since about when the machine was started: one instruction, for the packet path. Any context.
#[inline(always)]
pub fn ticks() -> u64 {
    // SAFETY: The kernel's timer writes it whole, as it is read here.
    unsafe { (&raw const bindings::jiffies).read_volatile() as u64 }
}

/// How many nanoseconds so many ticks take. Any context.
pub fn of_ticks(ticks: u64) -> u64 {
    // SAFETY: No precondition.
    unsafe { bindings::jiffies64_to_nsecs(ticks) }
}

/// Nanoseconds since 1970, as of the last timer tick. Any context.
pub fn of_day_coarse() -> u64 {
    // SAFETY: No precondition.
    unsafe { bindings::tlsconn_now_coarse() }
}
