// SPDX-License-Identifier: GPL-2.0-only

//! Where the engine has a connection's handshake, and whom it tells what it does not keep.

use tlsconn_tls::{Decisions, Handshake, HandshakeSlot, Listener, Piece, Told};

use super::ja4::Fingerprint;

/// A handshake that is always there, and who is told of it.
pub(super) struct Place<'a> {
    pub(super) handshake: &'a mut Handshake,
    pub(super) fingerprint: &'a Fingerprint,
    /// If somebody asks.
    pub(super) decisions: Option<&'a Decisions>,
}

impl HandshakeSlot for Place<'_> {
    fn get(&mut self) -> Option<&mut Handshake> {
        self.handshake.get()
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        self.handshake.make()
    }

    fn piece(&mut self) -> Option<Box<Piece>> {
        self.handshake.piece()
    }

    fn told<'a>(&self) -> Told<'a>
    where
        Self: 'a,
    {
        let listener: &'a dyn Listener = self.fingerprint;
        match self.decisions {
            Some(decisions) => Told::from(decisions).and(listener),
            None => listener.into(),
        }
    }
}
