// SPDX-License-Identifier: GPL-2.0-only

//! Safe faces of the kernel's C interfaces. The module's `unsafe` is in here, but for that of `pieces.rs`.

use core::{cell::UnsafeCell, mem::MaybeUninit};
use kernel::{
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
};

pub mod conntrack;
pub mod genl;
pub mod hooks;
pub mod lock;
pub mod memcg;
pub mod memory;
pub mod message;
pub mod net;
pub mod packed;
pub mod packet_cache;
pub mod pass_mark;
pub mod percpu;
pub mod pernet;
pub mod policy;
pub mod random;
pub mod rcu;
pub mod request;
pub mod sessions;
pub mod sha256;
pub mod skb;
pub mod table;
pub mod time;
pub mod word;
pub mod work;
pub mod xt;

/// Seconds since some time in the past, without leaps. Any context.
pub fn seconds() -> u32 {
    // SAFETY: Any context.
    unsafe { crate::bindings::tlsconn_seconds() }
}

/// Lets others run. Process context; no lock is held.
pub fn cond_resched() {
    // SAFETY: It touches no memory of ours. That nobody sleeps where that is not allowed is looked for by the debug kernel
    // (DEBUG_ATOMIC_SLEEP), as it is for all that sleeps in the kernel crate.
    unsafe { crate::bindings::tlsconn_cond_resched() }
}

/// A C struct that the kernel links into lists of its own between registration and unregistration.
struct Global<T>(UnsafeCell<T>, Atomic<u32>);

// SAFETY: What is inside is reached through a pointer only: by the module while it is not registered, by the kernel,
// with the kernel's own locks, while it is.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value), Atomic::new(0))
    }

    const fn get(&self) -> *mut T {
        self.0.get()
    }

    /// It is the caller's to register, whose it stays: EBUSY the second time. Any context.
    fn claim(&self) -> Result {
        match self.1.xchg(1, Relaxed) {
            0 => Ok(()),
            _ => Err(EBUSY),
        }
    }
}

/// A C struct of zeros, in constants.
///
/// # Safety
///
/// All-zero bytes are a valid `T`.
const unsafe fn zeroed<T>() -> T {
    // SAFETY: The caller promises that zeros are a valid `T`.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// A C array of characters that holds `name` and zeros after it.
const fn c_name<const N: usize>(name: &core::ffi::CStr) -> [kernel::ffi::c_char; N] {
    let from = name.to_bytes();
    assert!(from.len() < N, "the name and its NUL fit");
    let mut to = [0; N];
    let mut at = 0;
    while at < from.len() {
        to[at] = from[at] as kernel::ffi::c_char;
        at += 1;
    }
    to
}
