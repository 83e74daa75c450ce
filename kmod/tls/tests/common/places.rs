// SPDX-License-Identifier: GPL-2.0-only
//! A connection whose handshake is kept as the kernel does, beside one whose handshake is always there.

use super::*;
use tlsconn_tls::{
    HandshakeSlot, Piece,
    Side::{Dst, Src},
};

/// A place for a handshake.
#[derive(Clone, Default)]
pub struct Place(pub Option<Handshake>);

impl HandshakeSlot for Place {
    fn get(&mut self) -> Option<&mut Handshake> {
        self.0.as_mut()
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        Some(self.0.get_or_insert_default())
    }

    fn piece(&mut self) -> Option<Box<Piece>> {
        Some(Box::default())
    }
}

/// The same packets on two connections: with a handshake that stays, and with one that is made late and given back.
#[derive(Clone)]
pub struct Both {
    pub wire: Wire,
    pub other: Connection,
    pub place: Place,
    /// One that is made then knows nothing of the identity.
    was_given_back: bool,
}

impl Default for Both {
    fn default() -> Self {
        Both::on(Wire::default())
    }
}

impl Both {
    /// From the beginning of a connection on.
    pub fn on(wire: Wire) -> Self {
        Both {
            other: wire.connection.clone(),
            wire,
            place: Place::default(),
            was_given_back: false,
        }
    }

    pub fn take(&mut self, segment: &Segment, bytes: &[u8]) {
        let config = self.wire.config;
        self.other
            .segment(&mut self.place, &config, segment, &Slice(bytes));
        self.wire.take(segment, bytes);
        self.settle();
        let len = bytes.len() as u32;
        assert_eq!(
            self.other.types(segment.from, segment.seq, len),
            self.wire.connection.types(segment.from, segment.seq, len)
        );
    }

    pub fn send(&mut self, from: Side, bytes: &[u8]) {
        let segment = self.wire.segment(from);
        self.take(&segment, bytes);
        let next = &mut self.wire.next[from as usize];
        *next = next.wrapping_add(bytes.len() as u32);
    }

    /// No longer waits for what is missing in a side's stream.
    pub fn give_up(&mut self, side: Side) {
        self.other.give_up(side);
        self.wire.connection.give_up(side);
        self.settle();
    }

    pub fn close(&mut self) {
        self.other.close();
        self.wire.connection.close();
    }

    pub fn is_given_back(&self) -> bool {
        self.place.0.is_none()
    }

    /// Gives back what is not needed, and compares.
    fn settle(&mut self) {
        let Both {
            wire, other, place, ..
        } = self;
        if place.0.as_ref().is_some_and(|it| other.has_settled(it)) {
            place.0 = None;
            self.was_given_back = true;
        }
        assert_eq!(other.state(), wire.connection.state());
        assert_eq!(other.reason(), wire.connection.reason());
        if let (Some(handshake), false) = (&place.0, self.was_given_back) {
            assert_eq!(handshake.identity, wire.handshake.identity);
        }
        for side in [Src, Dst] {
            assert_eq!(other.counters(side), wire.connection.counters(side));
        }
    }
}
