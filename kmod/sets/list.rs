// SPDX-License-Identifier: GPL-2.0-only

//! The sets of a namespace.

use super::{
    filling::Filling,
    name::Name,
    refusal::{Refusal, MISSING},
    set::{Set, Use},
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

/// Sets that a namespace may have.
pub const MAX_SETS: usize = 64;

/// Sets that may be filled at once.
const FILLINGS: usize = 16;

/// A namespace's sets, and names that are being sent for them. Process context. Under the list's lock nothing of ours is taken but
/// that of the pins, under the other nothing.
#[pin_data]
pub struct Sets {
    #[pin]
    list: Mutex<KVec<Arc<Set>>>,
    #[pin]
    fillings: Mutex<KVec<Filling>>,
}

impl Sets {
    /// None yet.
    pub fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            list <- new_mutex!(KVec::with_capacity(MAX_SETS, GFP_KERNEL_ACCOUNT)?, "tlsconn sets"),
            fillings <- new_mutex!(KVec::with_capacity(FILLINGS, GFP_KERNEL_ACCOUNT)?, "tlsconn fillings"),
        })
    }

    /// The set of a name.
    pub fn of_name(&self, name: Name) -> Option<Arc<Set>> {
        let list = self.list.lock();
        list.iter().find(|set| set.name == name).cloned()
    }

    /// The same for a rule.
    pub fn use_of(&self, name: Name) -> Option<Use> {
        let list = self.list.lock();
        let set = list.iter().find(|set| set.name == name);
        set.cloned().map(Use::new)
    }

    /// The set at a place in the list.
    pub fn at(&self, place: u64) -> Option<Arc<Set>> {
        let place = usize::try_from(place).ok()?;
        self.list.lock().get(place).cloned()
    }

    /// Puts a new one in.
    pub fn insert(&self, set: Arc<Set>) -> Result<(), Refusal> {
        let mut list = self.list.lock();
        if list.iter().any(|other| other.name == set.name) {
            return Err((EEXIST, c"there is a set of that name already"));
        }
        let full = (ENOSPC, c"the namespace has 64 sets already: destroy one");
        if list.len() >= MAX_SETS {
            return Err(full);
        }
        list.push_within_capacity(set).map_err(|_| full)
    }

    /// Takes one out that no rule uses, nor anybody else, and gives it.
    pub fn remove(
        &self,
        name: Name,
        is_in_use: impl FnOnce(&Set) -> bool,
    ) -> Result<Arc<Set>, Refusal> {
        let mut list = self.list.lock();
        let Some(place) = list.iter().position(|set| set.name == name) else {
            return Err(MISSING);
        };
        if list.get(place).is_some_and(|set| set.rules() != 0) {
            return Err((
                EBUSY,
                c"a rule uses the set (--sni-set): delete the rule first",
            ));
        }
        if list.get(place).is_some_and(|set| is_in_use(set)) {
            return Err((
                EBUSY,
                c"an armed pin waits for names of the set: unpin it first",
            ));
        }
        list.remove(place)
            .map_err(|_| (EINVAL, c"there is no such place"))
    }

    /// Begins to fill a set by a socket; what that one was sending before is forgotten.
    pub fn begin(&self, filling: Filling) -> Result<(), Refusal> {
        let before = self.take(filling.port);
        drop(before);
        let mut fillings = self.fillings.lock();
        let full = (EBUSY, c"16 sets are being filled already: try again");
        if fillings.len() >= FILLINGS {
            return Err(full);
        }
        fillings.push_within_capacity(filling).map_err(|_| full)
    }

    /// Takes more names by a socket, for the set that it has begun with. All of them are forgotten when some are refused.
    pub fn add(&self, port: u32, set: Name, octets: &[u8]) -> Result<(), Refusal> {
        let mut fillings = self.fillings.lock();
        let is_it = |filling: &&mut Filling| filling.port == port && filling.set == set;
        let Some(filling) = fillings.iter_mut().find(is_it) else {
            return Err(NOT_BEGUN);
        };
        let added = filling.add(octets);
        drop(fillings);
        added.inspect_err(|_| drop(self.take(port)))
    }

    /// What a socket has sent, all of which is there.
    pub fn filled(&self, port: u32, set: Name) -> Result<Filling, Refusal> {
        let filling = self.take(port).filter(|filling| filling.set == set);
        filling.ok_or(NOT_BEGUN)
    }

    /// Takes what a socket has sent.
    pub fn take(&self, port: u32) -> Option<Filling> {
        let mut fillings = self.fillings.lock();
        let place = fillings.iter().position(|filling| filling.port == port)?;
        fillings.remove(place).ok()
    }
}

const NOT_BEGUN: Refusal = (EINVAL, c"nothing was begun for the set on this socket");
