// SPDX-License-Identifier: GPL-2.0-only

//! Numbers that are read and written at once, without a lock, as `READ_ONCE()` and `WRITE_ONCE()` do: for the packet path,
//! where the kernel crate's atomics are a call each.

use core::cell::UnsafeCell;

/// A number that others may be writing while it is read. No more is promised than that it is read and written whole.
#[repr(transparent)]
pub struct Word<T>(UnsafeCell<T>);

// SAFETY: It is reached by volatile accesses of a machine word only.
unsafe impl<T: Send> Sync for Word<T> {}

macro_rules! word {
    ($($number:ty),*) => {$(
        impl Word<$number> {
            /// Holding a number.
            pub const fn new(number: $number) -> Self {
                Self(UnsafeCell::new(number))
            }

            /// Any context.
            #[inline(always)]
            pub fn get(&self) -> $number {
                // SAFETY: The number is valid and aligned, and one instruction reads it.
                unsafe { self.0.get().read_volatile() }
            }

            /// Any context. What others write at the same time may be lost.
            #[inline(always)]
            pub fn set(&self, number: $number) {
                // SAFETY: As above.
                unsafe { self.0.get().write_volatile(number) };
            }
        }
    )*};
}

word!(u32, u64);
