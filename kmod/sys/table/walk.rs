// SPDX-License-Identifier: GPL-2.0-only

//! Going through a table.

use super::{Entry, Table};
use crate::{
    bindings,
    sys::{give_way, rcu::Reader},
};
use core::ptr::null_mut;

impl Table {
    /// Goes through all, in the order of their ids. Process context; gives way to others in between.
    pub fn for_each(&self, mut look: impl FnMut(&Entry)) {
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
            give_way();
        }
    }

    /// Goes through those that conntrack has let go of, as far as can be seen without their locks: whoever looks has to
    /// make sure. Process context; gives way to others in between.
    pub fn for_each_suspect(&self, mut look: impl FnMut(&Entry)) {
        let mut next = 0;
        loop {
            let rcu = Reader::begin();
            let mut found = [null_mut(); 64];
            let (to, room) = (found.as_mut_ptr(), found.len() as u32);
            // SAFETY: The xarray is initialised, and there is room for so many.
            let count = unsafe { bindings::tlsconn_xa_extract(self.by_id.get(), next, to, room) };
            for entry in found.iter().take(count as usize) {
                // SAFETY: Only entries are stored there, and RCU keeps what is found.
                if let Some(entry) = unsafe { entry.cast::<Entry>().as_ref() } {
                    next = (entry.id as usize).wrapping_add(1);
                    if entry.is_suspect() {
                        look(entry);
                    }
                }
            }
            drop(rcu);
            if count < room {
                return;
            }
            give_way();
        }
    }
}
