// SPDX-License-Identifier: GPL-2.0-only
//! By which rules the engine told records from data.

use super::*;
use tlsconn_tls::{Decided, HandshakeSlot, Piece, Told};

/// A handshake, and what is decided in it.
pub struct Recorded<'a> {
    pub handshake: &'a mut Handshake,
    pub decided: &'a Decisions,
}

impl HandshakeSlot for Recorded<'_> {
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
        self.decided.into()
    }
}

pub fn decided(wire: &Wire) -> Vec<Decided> {
    wire.decided
        .as_ref()
        .map(Decisions::all)
        .unwrap_or_default()
}

/// The names of the rules, in the order in which they decided.
pub fn rules(wire: &Wire) -> String {
    let names: Vec<&str> = decided(wire).iter().map(|of| of.rule.name()).collect();
    names.join(" ")
}

/// What was told of a record is what that is.
pub fn check(wire: &Wire, first: [u32; 2], turns: &[Turn], why: &str) {
    let decided = decided(wire);
    let mut next = first;
    for (from, records) in turns {
        for record in records {
            let end = &mut next[*from as usize];
            *end = end.wrapping_add(record.bytes.len() as u32);
            for of in decided
                .iter()
                .filter(|of| (of.from, of.end) == (*from, *end))
            {
                assert_eq!(record.bytes[0], 23, "{why}: {of:?}");
                assert_eq!(record.bytes.len(), usize::from(of.len) + 5, "{why}: {of:?}");
                assert_eq!(record.content, of.types, "{why}: {of:?}");
            }
        }
    }
}
