// SPDX-License-Identifier: GPL-2.0-only

//! What an entry's lock guards.

use crate::{
    sys::lock::{PacketLock, PacketLockBackend},
    tracked::Tracked,
};
use core::mem;
use kernel::{bindings::callback_head, prelude::*, sync::lock::Guard, types::Opaque};

/// An entry's connection. Once that is gone, in the same memory, what RCU frees the entry by.
pub(super) struct Held(Content);

// The compiler tells them apart by a value that none of the connection's own fields has, beside where the other one lies.
enum Content {
    Connection(Tracked),
    /// RCU's to write while others still see that there is no connection: nobody else reads it.
    Gone(Opaque<callback_head>),
}

const _: () = assert!(
    size_of::<Held>() == size_of::<Tracked>(),
    "the head takes no memory of its own"
);

impl Held {
    /// That connection.
    pub(super) fn new(tracked: Tracked) -> Self {
        Self(Content::Connection(tracked))
    }
}

/// An entry's connection, locked. Softirqs are off meanwhile; nothing that holds it may sleep.
pub struct Locked<'a>(Guard<'a, Held, PacketLockBackend>);

impl<'a> Locked<'a> {
    #[inline(always)]
    pub(super) fn new(lock: &'a PacketLock<Held>) -> Self {
        Self(lock.lock())
    }

    /// The connection, if it is not gone.
    #[inline(always)]
    pub fn get(&self) -> Option<&Tracked> {
        match &self.0 .0 {
            Content::Connection(tracked) => Some(tracked),
            Content::Gone(_) => None,
        }
    }

    /// The connection, if it is not gone.
    #[inline(always)]
    pub fn get_mut(&mut self) -> Option<&mut Tracked> {
        match self.content() {
            Content::Connection(tracked) => Some(tracked),
            Content::Gone(_) => None,
        }
    }

    #[inline(always)]
    fn content(&mut self) -> &mut Content {
        // SAFETY: Of the two only the head has to stay where it is, and no function here moves or shows it.
        unsafe { &mut self.0.as_mut().get_unchecked_mut().0 }
    }

    /// Takes the connection out, for good. The entry is in no index then, or whoever calls takes it out of them.
    pub(in crate::sys) fn take(&mut self) -> Option<Tracked> {
        match self.content() {
            Content::Gone(_) => None,
            content => {
                match mem::replace(content, Content::Gone(Opaque::new(Default::default()))) {
                    Content::Connection(tracked) => Some(tracked),
                    Content::Gone(_) => None,
                }
            }
        }
    }

    /// What RCU frees the entry by, if the connection is gone.
    pub(super) fn rcu(&self) -> Option<*mut callback_head> {
        match &self.0 .0 {
            Content::Connection(_) => None,
            Content::Gone(head) => Some(head.get()),
        }
    }
}
