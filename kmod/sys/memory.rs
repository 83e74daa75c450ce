// SPDX-License-Identifier: GPL-2.0-only

//! Memory of one size each for what there is much of (`struct kmem_cache`): no rounding up. With `slab_nomerge` each
//! has a line of its own in /proc/slabinfo.

use super::Global;
use crate::bindings;
use core::{
    ffi::{c_void, CStr},
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::null_mut,
};
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

/// A cache of `T`s, made when the module is loaded.
pub struct Cache<T>(
    Global<*mut kernel::bindings::kmem_cache>,
    PhantomData<fn() -> T>,
);

impl<T> Cache<T> {
    /// Not made yet: there is no room in it.
    pub const fn unmade() -> Self {
        Self(Global::new(null_mut()), PhantomData)
    }

    /// Room for a `T`, given back by the box. None when there is no memory. Any context.
    pub fn alloc(&self) -> Option<KBox<MaybeUninit<T>>> {
        // SAFETY: It is valid, and written at once.
        let cache = unsafe { self.0.get().read_volatile() };
        if cache.is_null() {
            return None;
        }
        // SAFETY: The cache is there until all of its memory was given back.
        let raw = unsafe { bindings::tlsconn_cache_alloc(cache) }.cast::<MaybeUninit<T>>();
        // SAFETY: The memory is ours, has the size and alignment of a `T`, and `kfree` takes it back, as it does all
        // slab memory.
        (!raw.is_null()).then(|| unsafe { KBox::from_raw(raw) })
    }
}

/// A cache that is there until this is dropped, when nothing of it is in use any longer but what RCU frees.
pub struct Registration(&'static Global<*mut kernel::bindings::kmem_cache>);

// SAFETY: It is only given back, by whoever has it.
unsafe impl Send for Registration {}
// SAFETY: Shared, nothing can be done with it.
unsafe impl Sync for Registration {}

impl Registration {
    /// Makes a cache, before which there is no room in it. Process context. EBUSY the second time.
    pub fn new<T>(cache: &'static Cache<T>, name: &'static CStr) -> Result<Self> {
        Self::constructed(cache, name, None)
    }

    /// The same with what the kernel calls for each place in new memory, before it is given out the first time.
    pub fn constructed<T>(
        cache: &'static Cache<T>,
        name: &'static CStr,
        constructor: Option<unsafe extern "C" fn(*mut c_void)>,
    ) -> Result<Self> {
        cache.0.claim()?;
        let (size, align) = (size_of::<T>() as u32, align_of::<T>() as u32);
        // SAFETY: The name lives as long as the module, and so does the constructor.
        let raw =
            unsafe { bindings::tlsconn_cache_new(name.as_char_ptr(), size, align, constructor) };
        if raw.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: It is written once, at once; whoever looks before sees that there is none.
        unsafe { cache.0.get().write_volatile(raw) };
        Ok(Self(&cache.0))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: It is valid, and written at once: there is no room from here on.
        let raw = unsafe { core::ptr::replace(self.0.get(), null_mut()) };
        // SAFETY: It was made, and all of its memory was given back. The function waits for what RCU frees.
        unsafe { kernel::bindings::kmem_cache_destroy(raw) };
    }
}
