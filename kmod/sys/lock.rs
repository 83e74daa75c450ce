// SPDX-License-Identifier: GPL-2.0-only

//! Spinlocks for what softirq and process context share: softirqs are kept off this CPU while one is held. May be taken
//! in process and softirq context, not in hard interrupts; their holder must not sleep.

use crate::bindings;
use kernel::{bindings::lock_class_key, ffi::c_char, sync::lock};

/// A spinlock that may be held beyond another.
pub type SpinLockBh<T> = lock::Lock<T, SpinLockBhBackend>;

/// A spinlock of the packet path, cheaper where softirqs are off already: whoever turned them off has to keep them off
/// until it is let go of, so that it is not taken under another lock.
pub type PacketLock<T> = lock::Lock<T, PacketLockBackend>;

/// The backend of [`SpinLockBh`].
pub struct SpinLockBhBackend;

/// The backend of [`PacketLock`].
pub struct PacketLockBackend;

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

// SAFETY: `spinlock_t` gives mutual exclusion; `relock` is the default, which calls `lock` again.
unsafe impl lock::Backend for PacketLockBackend {
    type State = bindings::spinlock_t;
    /// Whether softirqs were on before.
    type GuardState = bool;

    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut lock_class_key) {
        // SAFETY: As the caller promises.
        unsafe { SpinLockBhBackend::init(ptr, name, key) }
    }

    #[inline]
    unsafe fn lock(ptr: *mut Self::State) -> bool {
        // SAFETY: The caller promises that the lock was initialised.
        unsafe { bindings::tlsconn_packet_lock(ptr) }
    }

    unsafe fn try_lock(ptr: *mut Self::State) -> Option<bool> {
        // SAFETY: The caller promises that the lock was initialised.
        unsafe { bindings::tlsconn_spin_trylock_bh(ptr) }.then_some(true)
    }

    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, softirqs: &bool) {
        // SAFETY: The caller promises that it holds the lock, and hands over what `lock` gave.
        unsafe { bindings::tlsconn_packet_unlock(ptr, *softirqs) }
    }

    // It is for lockdep, which sees what is wrong by itself; and a call for every packet.
    unsafe fn assert_is_held(_ptr: *mut Self::State) {}
}
