// SPDX-License-Identifier: GPL-2.0-only
//! One who is told of the ClientHello.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "what includes this uses what it needs"
)]

use crate::common::{Paged, Slice, Wire};
use std::cell::RefCell;
use tlsconn_tls::{Handshake, HandshakeSlot, Ja4, Listener, Piece, Segment, Sha256, Side, Told};

/// What was told, and what JA4 was made of it.
#[derive(Default)]
pub struct Heard(RefCell<(Ja4, Vec<u8>)>);

impl Listener for Heard {
    fn client_hello(&self, bytes: &[u8]) {
        let (ja4, all) = &mut *self.0.borrow_mut();
        ja4.take(bytes);
        all.extend(bytes);
    }
}

impl Heard {
    /// What was told.
    pub fn all(&self) -> Vec<u8> {
        self.0.borrow().1.clone()
    }

    /// The JA4 of it, if there is one.
    pub fn ja4<H: Sha256>(&self) -> Option<[u8; Ja4::LENGTH]> {
        self.0.borrow_mut().0.finish::<H>()
    }

    /// The next segment of a side, in one piece or in pages.
    pub fn send(&self, wire: &mut Wire, from: Side, bytes: &[u8]) {
        let segment = wire.segment(from);
        self.take(wire, &segment, bytes);
        wire.next[from as usize] = segment.seq.wrapping_add(bytes.len() as u32);
    }

    fn take(&self, wire: &mut Wire, segment: &Segment, bytes: &[u8]) {
        let mut lent = Lent(&mut wire.handshake, self);
        let connection = &mut wire.connection;
        match segment.seq % 2 {
            0 => connection.segment(&mut lent, &wire.config, segment, &Paged(bytes)),
            _ => connection.segment(&mut lent, &wire.config, segment, &Slice(bytes)),
        };
    }
}

/// A handshake, and who is told of it.
struct Lent<'a>(&'a mut Handshake, &'a Heard);

impl HandshakeSlot for Lent<'_> {
    fn get(&mut self) -> Option<&mut Handshake> {
        self.0.get()
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        self.0.make()
    }

    fn piece(&mut self) -> Option<Box<Piece>> {
        self.0.piece()
    }

    fn told<'a>(&self) -> Told<'a>
    where
        Self: 'a,
    {
        let listener: &'a dyn Listener = self.1;
        listener.into()
    }
}
