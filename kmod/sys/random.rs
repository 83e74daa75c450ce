// SPDX-License-Identifier: GPL-2.0-only

//! Random numbers.

use super::Global;
use crate::bindings as helpers;
use kernel::bindings;

static SECRET: Global<[u64; 2]> = Global::new([0; 2]);

/// Draws the module's secret. Called once, before namespaces have a state. Process context.
pub(super) fn draw_secret() {
    // SAFETY: Nothing is registered, so nobody reads it yet, and the kernel fills as many bytes as there are.
    unsafe { bindings::get_random_bytes(SECRET.get().cast(), size_of::<[u64; 2]>()) };
}

/// A hash of bytes that nobody outside can foresee. Any context.
pub fn keyed_hash(bytes: &[u8]) -> u64 {
    // SAFETY: The secret was written before anything was tracked and is only read since; there are as many bytes.
    unsafe { helpers::tlsconn_siphash(bytes.as_ptr(), bytes.len(), SECRET.get().cast()) }
}

/// The secret that what is compared is keyed with: whoever knows it could find other bytes that look the same.
pub fn secret() -> [u64; 2] {
    // SAFETY: It was written before anything was tracked, and is only read since.
    unsafe { *SECRET.get() }
}

/// A key of its own for what is hashed. Any context.
pub fn key() -> [u64; 2] {
    let mut key = [0; 2];
    // SAFETY: The kernel fills as many bytes as there are.
    unsafe { bindings::get_random_bytes(key.as_mut_ptr().cast(), size_of::<[u64; 2]>()) };
    key
}
