// SPDX-License-Identifier: GPL-2.0-only

//! Going through a table.

use super::{Content, Entry, Table};
use crate::{
    bindings,
    sys::{cond_resched, rcu::Reader},
};
use core::{cell::UnsafeCell, ffi::c_void, marker::PhantomData, slice::from_raw_parts};

/// A mark on entries in the index by id, so that work finds those that it is about without going through all. Gone when the
/// entry is taken out.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Mark {
    /// The first of three (`xa_mark_t`).
    A = 0,
    /// The second.
    B = 1,
    /// The third.
    C = 2,
}

impl<T: Content> Table<T> {
    /// Marks an entry; one that was taken out stays without. Takes no memory. Any context.
    pub fn set_mark(&self, entry: &Entry<T>, mark: Mark) {
        // SAFETY: The xarray is initialised; an index without an entry is left alone.
        unsafe { bindings::tlsconn_xa_set_mark(self.by_id.get(), entry.id as usize, mark as u32) }
    }

    /// Takes a mark off. Any context.
    pub fn clear_mark(&self, entry: &Entry<T>, mark: Mark) {
        // SAFETY: As above.
        unsafe { bindings::tlsconn_xa_clear_mark(self.by_id.get(), entry.id as usize, mark as u32) }
    }

    /// The marked entry with the smallest id that is not below `id`: a search that looks at no others. Any context.
    pub fn at_or_after_marked<'a>(
        &'a self,
        id: u64,
        mark: Mark,
        _rcu: &'a Reader,
    ) -> Option<&'a Entry<T>> {
        let mut index = id as usize;
        // SAFETY: The xarray is initialised.
        let found =
            unsafe { bindings::tlsconn_xa_find_marked(self.by_id.get(), &mut index, mark as u32) };
        // SAFETY: Only entries are stored there, and RCU keeps what is found.
        unsafe { found.cast::<Entry<T>>().as_ref() }
    }

    /// Goes through all, in the order of their ids. Process context; gives way to others in between.
    pub fn for_each(&self, mut look: impl FnMut(&Entry<T>)) {
        let mut next = 0;
        loop {
            // A short RCU section for each, however many there are.
            let rcu = Reader::begin();
            let Some(entry) = self.at_or_after(next, &rcu) else {
                return;
            };
            next = entry.id.wrapping_add(1);
            look(entry);
            drop(rcu);
            cond_resched();
        }
    }

    /// Goes on from id `from` through some `count` entries and shows those that conntrack has let go of, as far as can be seen
    /// without their locks: whoever looks has to make sure. Says where to go on, which is 0 after the last. Process
    /// context; gives way to others in between.
    pub fn for_suspects(&self, from: u64, count: u64, mut look: impl FnMut(&Entry<T>)) -> u64 {
        let (mut next, mut left) = (from as usize, count);
        while left > 0 {
            let rcu = Reader::begin();
            let Some(slots) = self.neighbours(&mut next, &rcu) else {
                return 0;
            };
            for slot in slots {
                next = next.wrapping_add(1);
                if let Some(entry) = slot.entry() {
                    left = left.saturating_sub(1);
                    if entry.is_suspect() {
                        look(entry);
                    }
                }
            }
            drop(rcu);
            cond_resched();
        }
        next as u64
    }

    /// The entry with the smallest id that is not below `id`, which becomes its id, and those with the next few: up to 64, as
    /// they lie in one node of the index: where all are there, it costs a third of asking for each.
    fn neighbours<'a>(&'a self, id: &mut usize, _rcu: &'a Reader) -> Option<&'a [Slot<T>]> {
        let mut count = 0;
        // SAFETY: The xarray is initialised.
        let slots = unsafe { bindings::tlsconn_xa_leaf(self.by_id.get(), id, &mut count) };
        if slots.is_null() {
            return None;
        }
        // SAFETY: There are so many slots, which RCU keeps; a `Slot` is one, and changes by others are allowed for in it.
        Some(unsafe { from_raw_parts(slots.cast(), count as usize) })
    }
}

/// A place in the index, which others change.
#[repr(transparent)]
struct Slot<T>(UnsafeCell<*mut c_void>, PhantomData<T>);

impl<T: Content> Slot<T> {
    /// What is there. Under RCU.
    #[inline]
    fn entry(&self) -> Option<&Entry<T>> {
        // SAFETY: The slot is valid, and is read at once, as `rcu_dereference()` does it.
        let found = unsafe { self.0.get().read_volatile() };
        // One of the index's own (`xa_is_internal()`): there is none where index 0 is not used, and none is shown.
        if found.addr() & 3 != 0 {
            return None;
        }
        // SAFETY: Only entries are stored there, and RCU keeps what is found, as long as it keeps the slot.
        unsafe { found.cast::<Entry<T>>().as_ref() }
    }
}
