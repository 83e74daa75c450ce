// SPDX-License-Identifier: GPL-2.0-only

//! What an entry's lock guards.

use crate::tracked::Tracked;
use core::{cell::UnsafeCell, mem};
use kernel::bindings::callback_head;

/// An entry's connection. Once that is gone, in the same memory, what RCU frees the entry by.
pub struct Held(Content);

// The compiler tells them apart by a value that none of the connection's own fields has, beside where the other one lies.
#[expect(
    clippy::large_enum_variant,
    reason = "the small one lives in the large one's memory"
)]
enum Content {
    Connection(Tracked),
    /// RCU's to write while others still see that there is no connection: nobody else reads it.
    Gone(UnsafeCell<callback_head>),
}

const _: () = assert!(size_of::<Held>() == size_of::<Tracked>());

impl Held {
    /// That connection.
    pub(super) fn new(tracked: Tracked) -> Self {
        Self(Content::Connection(tracked))
    }

    /// The connection, if it is not gone.
    #[inline(always)]
    pub fn get(&self) -> Option<&Tracked> {
        match &self.0 {
            Content::Connection(tracked) => Some(tracked),
            Content::Gone(_) => None,
        }
    }

    /// The connection, if it is not gone.
    #[inline(always)]
    pub fn get_mut(&mut self) -> Option<&mut Tracked> {
        match &mut self.0 {
            Content::Connection(tracked) => Some(tracked),
            Content::Gone(_) => None,
        }
    }

    /// Takes the connection out, for good.
    pub fn take(&mut self) -> Option<Tracked> {
        match &self.0 {
            Content::Gone(_) => None,
            Content::Connection(_) => {
                let gone = Content::Gone(UnsafeCell::new(callback_head::default()));
                match mem::replace(&mut self.0, gone) {
                    Content::Connection(tracked) => Some(tracked),
                    Content::Gone(_) => None,
                }
            }
        }
    }

    /// What RCU frees the entry by, if the connection is gone.
    pub(super) fn rcu(&self) -> Option<*mut callback_head> {
        match &self.0 {
            Content::Connection(_) => None,
            Content::Gone(head) => Some(head.get()),
        }
    }
}
