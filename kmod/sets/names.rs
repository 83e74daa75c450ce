// SPDX-License-Identifier: GPL-2.0-only

//! A set's table of names in the kernel's memory.

use super::refusal::{Refusal, NO_MEMORY, TOO_MANY};
use crate::{
    names::{Encoded, Source, Table, Word},
    sys::{cond_resched, random},
};
use kernel::{
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
};

/// Names that one set may have. Each takes a place of 4 bytes.
pub(super) const MAX_NAMES: u32 = 4 << 20;

/// Names that are looked up.
pub type Names = Table<KVVec<u32>, KVVec<Shared>>;

/// A word that a processor may count in while others read it.
pub struct Shared(Atomic<u32>);

impl Word for Shared {
    #[inline]
    fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    fn set(&mut self, value: u32) {
        *self.0.get_mut() = value;
    }

    #[inline]
    fn add(&self, number: u32) {
        self.0.add(number, Relaxed);
    }
}

/// A table of these names, each once; they are gone through three times. Its memory is charged to the caller. Process
/// context; may sleep.
pub fn table(names: &dyn Source) -> Result<Names, Refusal> {
    let (mut count, mut words) = (0_usize, 0_usize);
    names.each(&mut |name| {
        count = count.saturating_add(1);
        words = words.saturating_add(name.words().len()).saturating_add(1);
        if count % 1024 == 0 {
            cond_resched();
        }
    });
    let starts = KVVec::from_elem(0, count.saturating_add(1), GFP_KERNEL_ACCOUNT);
    let starts = starts.map_err(|_| NO_MEMORY)?;
    let room = KVVec::with_capacity(words, GFP_KERNEL_ACCOUNT);
    let mut room = room.map_err(|_| NO_MEMORY)?;
    for _ in 0..words {
        room.push_within_capacity(Shared(Atomic::new(0)))
            .map_err(|_| NO_MEMORY)?;
    }
    // What is there twice counts once.
    let table = Table::build(random::key(), starts, room, names, cond_resched);
    let table = table.filter(|table| table.len() <= MAX_NAMES);
    table.ok_or(TOO_MANY)
}

/// None.
pub struct Nothing;

impl Source for Nothing {
    fn each(&self, _: &mut dyn FnMut(&Encoded)) {}
}

/// The names of two.
pub struct Both<'a>(pub &'a dyn Source, pub &'a dyn Source);

impl Source for Both<'_> {
    fn each(&self, to: &mut dyn FnMut(&Encoded)) {
        self.0.each(to);
        self.1.each(to);
    }
}

/// Those of the first that the second has not.
pub struct Without<'a>(pub &'a Names, pub &'a Names);

impl Source for Without<'_> {
    fn each(&self, to: &mut dyn FnMut(&Encoded)) {
        self.0.each(&mut |name| {
            if self.1.place(name).is_none() {
                to(name);
            }
        });
    }
}
