// SPDX-License-Identifier: GPL-2.0-only
//! Where a handshake is kept while it lasts, and memory for what it keeps.

use super::handshake::Handshake;
use super::outstanding::{Memory, Piece};
use super::told::Told;
use crate::Held;

/// Where a connection's handshake is kept: not at all before the first byte of one, nor once nothing of it is needed.
pub trait HandshakeSlot {
    /// The handshake, if there is one.
    fn get(&mut self) -> Option<&mut Handshake>;

    /// The handshake, made now if there is none. None without memory: where records begin is lost then.
    fn make(&mut self) -> Option<&mut Handshake>;

    /// Memory for bytes that may have to come again. None where there is none: what comes again of them reads `unknown`.
    fn piece(&mut self) -> Option<Held<Piece>>;

    /// Who is told what is not kept: nobody, if nobody listens.
    #[inline(always)]
    fn told<'a>(&self) -> Told<'a>
    where
        Self: 'a,
    {
        Told::nobody()
    }
}

impl<S: HandshakeSlot> Memory for S {
    #[inline(always)]
    fn piece(&mut self) -> Option<Held<Piece>> {
        HandshakeSlot::piece(self)
    }
}

/// One that is always there, with all the memory that it asks for.
#[cfg(not(MODULE))]
impl HandshakeSlot for Handshake {
    fn get(&mut self) -> Option<&mut Handshake> {
        Some(self)
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        Some(self)
    }

    fn piece(&mut self) -> Option<Held<Piece>> {
        Some(Held::new(Piece::new()))
    }
}
