// SPDX-License-Identifier: GPL-2.0-only

//! Memory of one size each for what there is much of (`struct kmem_cache`): no rounding up. With `slab_nomerge` each
//! has a line of its own in /proc/slabinfo.

use super::Global;
use crate::bindings;
use core::{alloc::Layout, ffi::CStr, mem::MaybeUninit, ptr::null_mut};
use kernel::{
    alloc::{
        flags::{GFP_KERNEL, GFP_KERNEL_ACCOUNT, GFP_NOWAIT},
        Flags,
    },
    prelude::*,
};

/// How memory is had on a packet's way: without waiting, and charged to whoever has turned tracking on
/// ([`memcg`](super::memcg)). Not `GFP_ATOMIC`, which is not held to a memory cgroup's limit.
pub fn charged() -> Flags {
    GFP_NOWAIT | (GFP_KERNEL_ACCOUNT & !GFP_KERNEL)
}

/// A cache, made when the module is loaded.
pub struct Cache(Global<*mut kernel::bindings::kmem_cache>);

/// For connections in the table.
pub static CONNECTIONS: Cache = Cache(Global::new(null_mut()));
/// For what they need during the handshake.
pub static HANDSHAKES: Cache = Cache(Global::new(null_mut()));
/// For what they issued and continue, up to TLS 1.2.
pub static SESSIONS: Cache = Cache(Global::new(null_mut()));

impl Cache {
    /// Room for a `T`, whose size the cache was made for; given back by the box. None when there is no memory. Any
    /// context.
    pub fn room<T>(&self) -> Option<KBox<MaybeUninit<T>>> {
        // SAFETY: The cache was made before anybody asks, and is taken away after the last has.
        let raw = unsafe { bindings::tlsconn_cache_alloc(*self.0.get()) }.cast::<MaybeUninit<T>>();
        // SAFETY: The memory is ours, has the size and alignment of a `T`, and `kfree` takes it back, as it does all
        // slab memory.
        (!raw.is_null()).then(|| unsafe { KBox::from_raw(raw) })
    }
}

/// A cache that is there until this is dropped, when nothing of it is in use any longer but what RCU frees.
pub struct Registration(&'static Cache);

impl Registration {
    /// Makes a cache for what has that layout. Process context. Called once for each, by [`super::Registrations::new`],
    /// before anybody can ask for room.
    pub(super) fn new(cache: &'static Cache, name: &'static CStr, layout: Layout) -> Result<Self> {
        let (size, align) = (layout.size() as u32, layout.align() as u32);
        // SAFETY: The name lives as long as the module.
        let raw = unsafe { bindings::tlsconn_cache_new(name.as_char_ptr(), size, align) };
        if raw.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: Nobody else looks before the module is registered anywhere.
        unsafe { *cache.0.get() = raw };
        Ok(Self(cache))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: It was made, and all of its memory was given back. The function waits for what RCU frees.
        unsafe { kernel::bindings::kmem_cache_destroy(*self.0 .0.get()) };
    }
}
