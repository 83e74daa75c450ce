// SPDX-License-Identifier: GPL-2.0-only

//! Spinlocks for what softirq and process context share.

use crate::bindings;
use kernel::{bindings::lock_class_key, ffi::c_char, sync::lock};

/// A spinlock that keeps softirqs off this CPU while it is held. May be taken in process and softirq context, not in
/// hard interrupts; its holder must not sleep.
pub type SpinLockBh<T> = lock::Lock<T, SpinLockBhBackend>;

/// The backend of [`SpinLockBh`].
pub struct SpinLockBhBackend;

// SAFETY: `spinlock_t` gives mutual exclusion; `relock` is the default, which calls `lock` again.
unsafe impl lock::Backend for SpinLockBhBackend {
    type State = bindings::spinlock_t;
    type GuardState = ();

    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut lock_class_key) {
        // SAFETY: The caller promises that `ptr` is valid for writes, and `name` and `key` for ever.
        unsafe { kernel::bindings::__spin_lock_init(ptr, name, key) }
    }

    unsafe fn lock(ptr: *mut Self::State) {
        // SAFETY: The caller promises that the lock was initialised.
        unsafe { bindings::tlsconn_spin_lock_bh(ptr) }
    }

    unsafe fn try_lock(ptr: *mut Self::State) -> Option<()> {
        // SAFETY: The caller promises that the lock was initialised.
        unsafe { bindings::tlsconn_spin_trylock_bh(ptr) }.then_some(())
    }

    unsafe fn unlock(ptr: *mut Self::State, (): &()) {
        // SAFETY: The caller promises that it holds the lock.
        unsafe { bindings::tlsconn_spin_unlock_bh(ptr) }
    }

    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: The caller promises that the lock was initialised.
        unsafe { kernel::bindings::spin_assert_is_held(ptr) }
    }
}
