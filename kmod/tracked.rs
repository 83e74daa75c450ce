// SPDX-License-Identifier: GPL-2.0-only

//! What is kept of a tracked connection.

use crate::{sys::random::secret, tls};
use kernel::{alloc::flags::GFP_ATOMIC, prelude::*};

/// A tracked connection, under its entry's lock.
pub struct Tracked {
    /// What the packet path touches.
    pub connection: tls::Connection,
    /// Identity and parser, apart.
    pub handshake: KBox<tls::Handshake>,
    /// A pin may be bound to it: whoever ends the connection looks.
    pub pinned: bool,
}

impl Tracked {
    /// None when there is no memory. Any context.
    pub fn new(connection: tls::Connection) -> Option<Self> {
        let handshake = KBox::new(tls::Handshake::keyed(secret()), GFP_ATOMIC).ok()?;
        Some(Self {
            connection,
            handshake,
            pinned: false,
        })
    }
}
