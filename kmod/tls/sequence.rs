// SPDX-License-Identifier: GPL-2.0-only
//! TCP sequence numbers.

/// Whether `a` comes before `b` in a space that wraps: no more than 2^31 apart (RFC 9293 3.4).
pub(super) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// The one that comes later.
pub(super) fn later(a: u32, b: u32) -> u32 {
    match before(a, b) {
        true => b,
        false => a,
    }
}
