// SPDX-License-Identifier: GPL-2.0-only

//! Counters that every CPU has for itself, so that counting is one instruction.

use crate::bindings;
use kernel::{error::code::ENOMEM, prelude::*};

/// `N` counters on every CPU.
pub struct PerCpu<const N: usize>(*mut u64);

// SAFETY: Each CPU has its own memory at the pointer, and what it does to it no interrupt comes between.
unsafe impl<const N: usize> Send for PerCpu<N> {}
// SAFETY: As above.
unsafe impl<const N: usize> Sync for PerCpu<N> {}

impl<const N: usize> PerCpu<N> {
    /// All 0. Process context.
    pub fn new() -> Result<Self> {
        // SAFETY: Process context.
        let raw = unsafe { bindings::tlsconn_counters_new(N as u32) };
        if raw.is_null() {
            return Err(ENOMEM);
        }
        Ok(Self(raw))
    }

    /// Adds to a counter; one that there is not is left alone. Any context.
    #[inline]
    pub fn add(&self, counter: usize, number: u64) {
        if counter < N {
            // SAFETY: There is a counter of that number until this is dropped.
            unsafe { bindings::tlsconn_counters_add(self.0, counter as u32, number) };
        }
    }

    /// Adds 1 to the first counter and a number to the second. Any context.
    #[inline]
    pub fn add_pair(&self, number: u32) {
        const { assert!(N >= 2) };
        // SAFETY: There are two counters until this is dropped.
        unsafe { add_pair(self.0, number) };
    }

    /// What all CPUs have counted, which may be wrong by what they count now. Any context.
    pub fn sum(&self, counter: usize) -> u64 {
        if counter >= N {
            return 0;
        }
        // SAFETY: There is a counter of that number until this is dropped.
        unsafe { bindings::tlsconn_counters_sum(self.0, counter as u32) }
    }
}

/// As `this_cpu_add()` does it: a call would be a good part of what a packet costs.
///
/// # Safety
///
/// There are two counters of every CPU at `counters`.
#[cfg(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML)))]
#[inline(always)]
unsafe fn add_pair(counters: *mut u64, number: u32) {
    // SAFETY: `gs` leads to those of this CPU.
    unsafe {
        core::arch::asm!(
            "inc qword ptr gs:[{counters}]",
            "add qword ptr gs:[{counters} + 8], {number}",
            counters = in(reg) counters,
            number = in(reg) u64::from(number),
            options(nostack)
        );
    }
}

/// By the kernel's own macros.
///
/// # Safety
///
/// There are two counters of every CPU at `counters`.
#[cfg(not(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML))))]
unsafe fn add_pair(counters: *mut u64, number: u32) {
    // SAFETY: As the caller promises.
    unsafe { bindings::tlsconn_counters_add_pair(counters, number) };
}

impl<const N: usize> Drop for PerCpu<N> {
    fn drop(&mut self) {
        // SAFETY: It was allocated by `new`, and nobody else has it.
        unsafe { bindings::tlsconn_counters_free(self.0) }
    }
}
