// SPDX-License-Identifier: GPL-2.0-only

//! RCU read sides, and those that somebody else has begun.

use kernel::sync::rcu;

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
    pub unsafe fn within() -> Self {
        Self { _section: None }
    }
}
