// SPDX-License-Identifier: GPL-2.0-only

//! RCU read sides, and those that somebody else has begun.

use crate::bindings;
use kernel::sync::rcu;

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
