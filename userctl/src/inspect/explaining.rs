// SPDX-License-Identifier: GPL-2.0-only

//! How the engine tells by which rules it told records from data.

use tlsconn_tls::{Decisions, Handshake, Piece, Scratch, Told};

/// A handshake, and who is told of what is decided in it.
pub(super) struct Explaining<'a> {
    pub(super) handshake: &'a mut Handshake,
    pub(super) decisions: &'a Decisions,
}

impl Scratch for Explaining<'_> {
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
        self.decisions.into()
    }
}
