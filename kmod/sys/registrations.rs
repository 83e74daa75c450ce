// SPDX-License-Identifier: GPL-2.0-only

//! What the module registers, once.

use super::{genl, kept, memory, pernet, random, sessions, table, xt};
use crate::handshakes::HANDSHAKES;
use kernel::{
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
    ThisModule,
};

/// What is registered, in the order in which it is taken back: nobody can reach what is gone.
pub struct Registrations {
    _match: xt::Registration,
    _family: genl::Family,
    _namespaces: pernet::Registration,
    _connections: memory::Registration,
    _handshakes: memory::Registration,
    _kept: memory::Registration,
    _sessions: memory::Registration,
}

/// Whether that was begun. It stays so: what was taken back, or failed, is not begun again before the module is loaded
/// anew.
static BEGUN: Atomic<u32> = Atomic::new(0);

impl Registrations {
    /// Registers everything. Process context, when the module is loaded; EBUSY when it was called before.
    pub fn new(module: &'static ThisModule) -> Result<Self> {
        if BEGUN.xchg(1, Relaxed) != 0 {
            return Err(EBUSY);
        }
        random::draw_secret();
        let connections = memory::Registration::new(&table::CONNECTIONS, c"tlsconn_connection")?;
        let handshakes = memory::Registration::new(&HANDSHAKES, c"tlsconn_handshake")?;
        let kept = kept::register()?;
        let sessions = memory::Registration::new(&sessions::SESSIONS, c"tlsconn_session")?;
        let namespaces = pernet::Registration::new()?;
        let family = genl::Family::register(module)?;
        // The last that can fail: a rule holds the module, which a module that fails to load does not heed.
        let registered = xt::Registration::new(module)?;
        family.open();
        Ok(Self {
            _match: registered,
            _family: family,
            _namespaces: namespaces,
            _connections: connections,
            _handshakes: handshakes,
            _kept: kept,
            _sessions: sessions,
        })
    }
}
