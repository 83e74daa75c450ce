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
