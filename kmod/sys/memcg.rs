// SPDX-License-Identifier: GPL-2.0-only

//! Whom memory is charged to. In softirq context no task stands for anybody, so that `__GFP_ACCOUNT` alone charges nobody:
//! what packets of a namespace take is charged to the memory cgroup of who turned tracking on there.

use crate::bindings;
use kernel::{
    bindings::mem_cgroup,
    sync::atomic::{
        ordering::{Full, Relaxed},
        Atomic,
    },
};

/// A namespace's memory cgroup, once somebody has turned tracking on.
///
/// # Invariants
///
/// What is stored is null or a memory cgroup to which a reference is held until this is dropped. It is stored once.
pub struct Payer(Atomic<usize>);

impl Payer {
    /// Nobody yet.
    pub const fn nobody() -> Self {
        Self(Atomic::new(0))
    }

    /// The caller pays from now on, if nobody does yet. Process context.
    pub fn be_caller(&self) {
        if self.0.load(Relaxed) != 0 {
            return;
        }
        // SAFETY: Process context; a task without memory of its own stands for the root.
        let memcg = unsafe { bindings::tlsconn_memcg_of_caller() };
        // INVARIANT: The reference is kept where it is stored, and given back else.
        if self.0.cmpxchg(0, memcg as usize, Full).is_err() {
            // SAFETY: It is the reference from above; null is left alone.
            unsafe { bindings::tlsconn_memcg_put(memcg) };
        }
    }

    /// Charges what is allocated with `__GFP_ACCOUNT` until the result is dropped. Softirq or process context; what it was
    /// begun in has to last. No lock of ours is held, and in softirqs no scope is within another: with PREEMPT_RT it is a lock.
    #[inline]
    pub fn charge(&self) -> Charge<'_> {
        // SAFETY: By the invariant the cgroup is there for as long as `self`, which the result borrows.
        let before = unsafe { bindings::tlsconn_memcg_begin(self.memcg()) };
        Charge {
            before,
            _payer: self,
        }
    }

    fn memcg(&self) -> *mut mem_cgroup {
        self.0.load(Relaxed) as *mut mem_cgroup
    }
}

/// Process context: a namespace lets go of it last.
impl Drop for Payer {
    fn drop(&mut self) {
        // SAFETY: By the invariant a reference was held; null is left alone. A `Charge` borrows this, so nothing is charged.
        unsafe { bindings::tlsconn_memcg_put(self.memcg()) };
    }
}

/// A stretch of code whose memory somebody pays for.
pub struct Charge<'a> {
    before: *mut mem_cgroup,
    _payer: &'a Payer,
}

impl Drop for Charge<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: It is what was active when this began, whose scope lasts longer.
        unsafe { bindings::tlsconn_memcg_end(self.before) };
    }
}
