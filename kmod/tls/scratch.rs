// SPDX-License-Identifier: GPL-2.0-only
//! Where a handshake is kept while it lasts.

use super::handshake::Handshake;

/// Where a connection's handshake is kept: not at all before the first octet of one, nor once nothing of it is needed.
pub trait Scratch {
    /// The handshake, if there is one.
    fn get(&mut self) -> Option<&mut Handshake>;

    /// The handshake, made now if there is none. None without memory: where records begin is lost then.
    fn make(&mut self) -> Option<&mut Handshake>;
}

/// One that is always there.
impl Scratch for Handshake {
    fn get(&mut self) -> Option<&mut Handshake> {
        Some(self)
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        Some(self)
    }
}
