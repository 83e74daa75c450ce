// SPDX-License-Identifier: GPL-2.0-only

//! Numbers of 32 bits that are read and written at once, without a lock, as `READ_ONCE()` and `WRITE_ONCE()` do: for the packet path,
//! where the kernel crate's atomics are a call each.

use core::cell::UnsafeCell;

/// A number that others may be writing while it is read. No more is promised than that it is read and written whole.
#[derive(Default)]
#[repr(transparent)]
pub struct Word(UnsafeCell<u32>);

// SAFETY: It is reached by volatile accesses of a machine word only.
unsafe impl Sync for Word {}

impl Word {
    /// Any context.
    #[inline(always)]
    pub fn get(&self) -> u32 {
        // SAFETY: The number is valid and aligned, and one instruction reads it.
        unsafe { self.0.get().read_volatile() }
    }

    /// Any context. What others write at the same time may be lost.
    #[inline(always)]
    pub fn set(&self, number: u32) {
        // SAFETY: As above.
        unsafe { self.0.get().write_volatile(number) };
    }
}
