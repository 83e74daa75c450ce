// SPDX-License-Identifier: GPL-2.0-only

//! Memory for segments that a namespace keeps after holes: how much there may be, and what was discarded.

use super::queue::Queue;
use crate::sys::{cond_resched, lock::SpinLockBh};
use kernel::{
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
};

/// Memory for what a namespace keeps after holes.
#[pin_data]
pub struct MemoryBudget {
    memory: Atomic<u64>,
    max: u64,
    /// Queues that are kept for nobody any longer: a packet has no time to free a thousand segments. The lock comes after
    /// an entry's, and no other is taken under it.
    #[pin]
    discarded: SpinLockBh<Option<KBox<Queue>>>,
}

impl MemoryBudget {
    /// Nothing yet, and no more than `max` bytes of memory.
    pub fn new(max: u64) -> impl PinInit<Self> {
        pin_init!(Self {
            memory: Atomic::new(0),
            max,
            discarded <- SpinLockBh::new(None, c"tlsconn discarded", kernel::static_lock_class!()),
        })
    }

    /// Counts so many bytes of memory; false where they are too many. Any context.
    pub fn add(&self, memory: u32) -> bool {
        let memory = u64::from(memory);
        let fits = self.memory.fetch_add(memory, Relaxed).wrapping_add(memory) <= self.max;
        if !fits {
            self.memory.fetch_sub(memory, Relaxed);
        }
        fits
    }

    /// Counts them no longer. Any context.
    pub fn sub(&self, memory: u32) {
        self.memory.fetch_sub(u64::from(memory), Relaxed);
    }

    /// Takes a queue whose segments are not taken in any longer, to be freed soon: its memory counts until then. Any
    /// context; an entry may be locked.
    pub fn discard(&self, mut queue: KBox<Queue>) {
        let mut discarded = self.discarded.lock();
        queue.next = discarded.take();
        *discarded = Some(queue);
    }

    /// Frees what was discarded. Process context; no lock is held.
    pub fn free_discarded(&self) {
        let mut list = self.discarded.lock().take();
        while let Some(mut queue) = list {
            list = queue.next.take();
            self.sub(queue.cost().memory);
            drop(queue);
            cond_resched();
        }
    }

    /// Whether anything is left to be freed. Any context.
    pub fn has_discarded(&self) -> bool {
        self.discarded.lock().is_some()
    }
}
