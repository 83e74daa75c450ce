// SPDX-License-Identifier: GPL-2.0-only

//! What an entry's lock guards.

use crate::sys::lock::{PacketLock, PacketLockBackend};
use core::mem;
use kernel::{bindings::callback_head, prelude::*, sync::lock::Guard, types::Opaque};

/// An entry's connection. Once that is gone, in the same memory, what RCU frees the entry by.
pub(super) struct Held<T>(Content<T>);

// The compiler tells them apart by a value that none of the connection's own fields has, beside where the other one lies.
enum Content<T> {
    Connection(T),
    /// RCU's to write while others still see that there is no connection: nobody else reads it.
    Gone(Opaque<callback_head>),
}

impl<T> Held<T> {
    /// That connection.
    pub(super) fn new(content: T) -> Self {
        const {
            assert!(
                size_of::<Self>() == size_of::<T>(),
                "the head takes no memory of its own"
            )
        };
        Self(Content::Connection(content))
    }
}

/// An entry's connection, locked. Softirqs are off meanwhile; nothing that holds it may sleep.
pub struct Locked<'a, T>(Guard<'a, Held<T>, PacketLockBackend>);

impl<'a, T> Locked<'a, T> {
    /// Waits for the lock. Any context but hard interrupts; no lock below it may be held (docs/architecture.md).
    #[inline(always)]
    pub(super) fn new(lock: &'a PacketLock<Held<T>>) -> Self {
        Self(lock.lock())
    }

    /// The connection, if it is not gone.
    #[inline(always)]
    pub fn get(&self) -> Option<&T> {
        match &self.0 .0 {
            Content::Connection(content) => Some(content),
            Content::Gone(_) => None,
        }
    }

    /// The connection, if it is not gone.
    #[inline(always)]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        match self.content() {
            Content::Connection(content) => Some(content),
            Content::Gone(_) => None,
        }
    }

    #[inline(always)]
    fn content(&mut self) -> &mut Content<T> {
        // SAFETY: Of the two only the head has to stay where it is, and no function here moves or shows it.
        unsafe { &mut self.0.as_mut().get_unchecked_mut().0 }
    }

    /// Takes the connection out, for good: whoever finds the entry from now on finds no connection in it. Whoever calls
    /// takes the entry out of the table before the connection is dropped.
    pub(in crate::sys) fn take(&mut self) -> Option<T> {
        match self.content() {
            Content::Gone(_) => None,
            content => {
                match mem::replace(content, Content::Gone(Opaque::new(Default::default()))) {
                    Content::Connection(content) => Some(content),
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
