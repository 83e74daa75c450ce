// SPDX-License-Identifier: GPL-2.0-only

//! A set.

use super::{
    name::Name,
    names::{table, Names, Nothing},
    refusal::{Refusal, NO_MEMORY},
};
use crate::{
    names::Source,
    sys::{
        cond_resched,
        rcu::{Reader, Swapped},
    },
};
use core::ops::Deref;
use kernel::{
    prelude::*,
    sync::{
        atomic::{ordering::Relaxed, Atomic},
        Arc,
    },
};

/// A set of server names.
#[pin_data]
pub struct Set {
    /// Its name.
    pub name: Name,
    /// Rules that ask it.
    rules: Atomic<u32>,
    /// How often one of them found a host.
    hits: Atomic<u64>,
    #[pin]
    names: Swapped<Names>,
}

impl Set {
    /// One of these names. Process context; may sleep.
    pub fn new(name: Name, names: &dyn Source) -> Result<Arc<Self>, Refusal> {
        let names = KBox::new(table(names)?, GFP_KERNEL_ACCOUNT).map_err(|_| NO_MEMORY)?;
        let set = Arc::pin_init(
            pin_init!(Self {
                name,
                rules: Atomic::new(0),
                hits: Atomic::new(0),
                names <- Swapped::new(names),
            }),
            GFP_KERNEL_ACCOUNT,
        );
        set.map_err(|_| NO_MEMORY)
    }

    /// Its names as they are now. Any context.
    pub fn names<'a>(&'a self, rcu: &'a Reader) -> &'a Names {
        self.names.get(rcu)
    }

    /// Whether a host is in it. Any context.
    pub fn has(&self, host: &[u8]) -> bool {
        self.names.get(&Reader::begin()).find(host).is_some()
    }

    /// Whether a host of a packet is in it, which counts. Any context.
    pub fn is_hit(&self, host: &[u8]) -> bool {
        let rcu = Reader::begin();
        let names = self.names.get(&rcu);
        let Some(place) = names.find(host) else {
            return false;
        };
        names.count(place, 1);
        self.hits.add(1, Relaxed);
        true
    }

    /// How often a rule found a host in it.
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    /// How many rules ask it.
    pub fn rules(&self) -> u32 {
        self.rules.load(Relaxed)
    }

    /// Takes all names out. Process context; may sleep.
    pub fn empty(&self) -> Result<(), Refusal> {
        self.change(|_| table(&Nothing))?;
        Ok(())
    }

    /// Gives it other names, made of those that it has, and says how many it had and has. Hits of names that stay go on. Whoever looks
    /// meanwhile sees the old ones or the new ones. Process context; may sleep, also until another change is done.
    pub fn change(
        &self,
        make: impl FnOnce(&Names) -> Result<Names, Refusal>,
    ) -> Result<[u32; 2], Refusal> {
        let mut writer = self.names.writer();
        let new = make(writer.get())?;
        let new = KBox::new(new, GFP_KERNEL_ACCOUNT).map_err(|_| NO_MEMORY)?;
        // Nobody counts in it any longer.
        let old = writer.replace(new);
        writer.get().take_hits(&old, cond_resched);
        Ok([old.len(), writer.get().len()])
    }
}

/// A rule's hold on a set, which is not destroyed meanwhile.
pub struct Use(Arc<Set>);

impl Use {
    /// One more.
    pub(super) fn new(set: Arc<Set>) -> Self {
        set.rules.add(1, Relaxed);
        Self(set)
    }
}

impl Deref for Use {
    type Target = Set;

    fn deref(&self) -> &Set {
        &self.0
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.0.rules.fetch_sub(1, Relaxed);
    }
}
