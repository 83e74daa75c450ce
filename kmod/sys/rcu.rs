// SPDX-License-Identifier: GPL-2.0-only

//! RCU read sides, and those that somebody else has begun; values that are replaced under them.

use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::{Acquire, Full, Relaxed},
            Atomic,
        },
        rcu, Mutex, MutexGuard,
    },
};

/// Waits until all that read under RCU when this was called have ended, packets on their way through hooks among them.
/// Process context; sleeps, if not for long.
pub fn synchronize_rcu() {
    // SAFETY: It touches no memory of ours. That nobody waits within a reader or sleeps where that is not allowed is looked
    // for by the debug kernel (PROVE_RCU, DEBUG_ATOMIC_SLEEP), as it is for all that sleeps in the kernel crate.
    unsafe { bindings::tlsconn_synchronize_rcu() }
}

/// A stretch of code that RCU readers may be in: what it finds stays until it is dropped. Nothing sleeps meanwhile.
pub struct Reader {
    _section: Option<rcu::Guard>,
}

impl Reader {
    /// Begins one. Any context.
    pub fn begin() -> Self {
        Self {
            _section: Some(rcu::read_lock()),
        }
    }

    /// One that the caller is in already.
    ///
    /// # Safety
    ///
    /// The caller is in an RCU read-side section that lasts longer than the result.
    #[inline]
    pub unsafe fn within<'a>() -> &'a Self {
        // It is the same for all and needs no memory of theirs, so that the packet path has no stack frame for it.
        const { &Self { _section: None } }
    }
}

/// A value in memory of its own that is replaced as a whole: readers see the old one or the new one.
///
/// # Invariants
///
/// What is stored is the address of a boxed value, which `self` owns. It changes under the writer's lock alone, and what was
/// stored before is given back after a grace period.
#[pin_data(PinnedDrop)]
pub struct Swapped<T> {
    now: Atomic<usize>,
    #[pin]
    writer: Mutex<()>,
    _of: PhantomData<KBox<T>>,
}

impl<T: Send + Sync> Swapped<T> {
    /// With a value.
    pub fn new(value: KBox<T>) -> impl PinInit<Self> {
        // INVARIANT: It is the address of a boxed value that is ours now.
        pin_init!(Self {
            now: Atomic::new(KBox::into_raw(value) as usize),
            writer <- new_mutex!((), "tlsconn swapped"),
            _of: PhantomData,
        })
    }

    /// The value as it is now. Any context.
    #[inline]
    pub fn get<'a>(&'a self, _rcu: &'a Reader) -> &'a T {
        // SAFETY: By the invariant it is a value that stays until readers that have begun by now have ended.
        unsafe { &*(self.now.load(Acquire) as *const T) }
    }

    /// Waits until nobody else writes. Process context; sleeps.
    pub fn writer(&self) -> Writer<'_, T> {
        Writer {
            of: self,
            _alone: self.writer.lock(),
        }
    }
}

/// Who may replace it.
pub struct Writer<'a, T> {
    of: &'a Swapped<T>,
    _alone: MutexGuard<'a, ()>,
}

impl<T: Send + Sync> Writer<'_, T> {
    /// The value as it is now.
    pub fn get(&self) -> &T {
        // SAFETY: By the invariant it is a value, which stays as long as it is not replaced: that takes `self` exclusively.
        unsafe { &*(self.of.now.load(Acquire) as *const T) }
    }

    /// Replaces it, and gives the old one when nobody reads that any longer. Process context; sleeps.
    pub fn replace(&mut self, value: KBox<T>) -> KBox<T> {
        // INVARIANT: It is the address of a boxed value that is ours now; the lock is held.
        let before = self.of.now.xchg(KBox::into_raw(value) as usize, Full);
        synchronize_rcu();
        // SAFETY: By the invariant it was ours; it is stored no longer, and readers that may have seen it have ended.
        unsafe { KBox::from_raw(before as *mut T) }
    }
}

#[pinned_drop]
impl<T> PinnedDrop for Swapped<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the invariant it is ours. Nobody reads, as a reader borrows `self`.
        drop(unsafe { KBox::from_raw(self.now.load(Relaxed) as *mut T) });
    }
}
