// SPDX-License-Identifier: GPL-2.0-only

//! Network namespaces.

use crate::bindings;
use core::marker::PhantomData;
use kernel::bindings::net;

/// A network namespace that stays alive as long as this.
pub struct Net<'a> {
    raw: *mut net,
    _life: PhantomData<&'a net>,
}

impl Net<'_> {
    /// # Safety
    ///
    /// The namespace is alive for as long as the result is used.
    pub unsafe fn from_raw(raw: *mut net) -> Self {
        Self {
            raw,
            _life: PhantomData,
        }
    }

    /// The kernel's struct; alive as long as `self` is. Any context.
    pub(super) fn as_raw(&self) -> *mut net {
        self.raw
    }

    /// Whether the initial user namespace owns it.
    pub fn is_privileged(&self) -> bool {
        // SAFETY: The namespace is alive.
        unsafe { bindings::tlsconn_net_is_privileged(self.raw) }
    }
}
