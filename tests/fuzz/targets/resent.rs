// SPDX-License-Identifier: GPL-2.0-only
//! Bytes that come again, the same or others, in pieces of any length and order: others in the place of bytes that are not
//! acknowledged taint, or do not read as what passes; a sender that changes nothing never taints by that.
#![no_main]

#[path = "../../../kmod/tls/tests/common/mod.rs"]
mod common;

use common::places::Place;
use common::reorder::Reorder;
use common::{bytes, tls12, Hello, Wire, DATA};
use libfuzzer_sys::fuzz_target;
use tlsconn_tls::{Connection, HandshakeSlot, Reason, Segment, Side, State, Types};

/// Bytes of a step's header: flags, a place, a length, what a byte is changed by.
const HEADER: usize = 6;

/// What a step does, in its flags' second and third bit. New bytes come first, in one piece.
const NEW: u8 = 0;
/// New bytes come in two pieces, the second of them first, and perhaps as others too.
const AFTER_HOLE: u8 = 1;
/// Bytes come again, perhaps with others changed among them, and perhaps with new ones after them.
const AGAIN: u8 = 2;
/// The other side acknowledges some.
const ACKNOWLEDGED: u8 = 3;

/// First numbers, so that both wrap.
const FIRST: [u32; 2] = [0xffff_ff00, 0x7fff_ff00];

/// The engine twice: with a handshake that is always there, and with one that is made late and given back.
struct Engine {
    wire: Wire,
    reorder: Reorder,
    other: Connection,
    place: Place,
    other_reorder: Reorder,
    /// What each side has sent first, and up to where it is acknowledged.
    sent: [Vec<u8>; 2],
    acked: [usize; 2],
}

impl Engine {
    fn new(how: u8) -> Self {
        let mut wire = Wire::at(FIRST[0], FIRST[1]);
        let turns = match how & 3 {
            0 => vec![],
            1 => tls12::full(Hello::client(), tls12::server12()),
            2 => common::handshake13(),
            _ => common::handshake13()[..usize::from(how >> 2) % 3].to_vec(),
        };
        let mut engine = Engine {
            other: wire.connection.clone(),
            wire: wire.clone(),
            reorder: Reorder::default(),
            place: Place::default(),
            other_reorder: Reorder::default(),
            sent: [vec![], vec![]],
            acked: [0; 2],
        };
        wire.play(&turns, &common::whole);
        assert_eq!(wire.connection.reason(), Reason::None);
        for (from, records) in turns {
            engine.acked[from.other() as usize] = engine.sent[from.other() as usize].len();
            engine.send_new(from, &bytes(&records));
        }
        engine
    }

    fn seq(&self, from: Side, at: usize) -> u32 {
        FIRST[from as usize].wrapping_add(at as u32)
    }

    fn send(&mut self, from: Side, at: usize, bytes: &[u8]) {
        let other = from.other();
        let segment = Segment {
            from,
            seq: self.seq(from, at),
            ack: Some(self.seq(other, self.acked[other as usize])),
            fin: false,
            urgent: false,
        };
        let Wire {
            connection,
            handshake,
            config,
            ..
        } = &mut self.wire;
        self.reorder
            .take(connection, handshake, config, &segment, bytes, 0);
        let (place, reorder) = (&mut self.place, &mut self.other_reorder);
        reorder.take(&mut self.other, place, config, &segment, bytes, 0);
        if place.get().is_some_and(|it| self.other.has_settled(it)) {
            place.0 = None;
        }
    }

    fn send_new(&mut self, from: Side, bytes: &[u8]) {
        let sent = &mut self.sent[from as usize];
        let at = sent.len();
        sent.extend(bytes);
        self.send(from, at, bytes);
    }

    /// Others than were sent first, if they are, do not pass where they are not acknowledged.
    fn check(&self, from: Side, at: usize, bytes: &[u8], acked: usize) {
        let was = &self.sent[from as usize][at..];
        let differ = |place: &usize| was.get(*place).is_some_and(|was| *was != bytes[*place]);
        let Some(place) = (acked.saturating_sub(at)..bytes.len()).find(differ) else {
            return;
        };
        for connection in [&self.wire.connection, &self.other] {
            let types = connection.types(from, self.seq(from, at), bytes.len() as u32);
            let passes = !types.content.intersects(DATA.union(Types::UNKNOWN));
            assert!(
                connection.state() == State::Tainted || !passes,
                "{place} of {} bytes at {at} is another, and they read {types:?}",
                bytes.len()
            );
        }
    }

    fn is_resent_differently(&self) -> bool {
        let of = |connection: &Connection| connection.reason() == Reason::ResentDifferently;
        of(&self.wire.connection) || of(&self.other)
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&how, mut rest)) = input.split_first() else {
        return;
    };
    let mut engine = Engine::new(how);
    let take = |rest: &mut &[u8], len: usize| {
        let (taken, after) = rest.split_at(len.min(rest.len()));
        *rest = after;
        taken.to_vec()
    };
    let mut is_honest = true;
    while let Some((&[flags, high, low, len_high, len_low, flip], after)) =
        rest.split_first_chunk::<HEADER>()
    {
        rest = after;
        let from = match flags & 1 {
            0 => Side::Src,
            _ => Side::Dst,
        };
        let side = from as usize;
        let back = usize::from(u16::from_be_bytes([high, low]));
        let len = usize::from(u16::from_be_bytes([len_high, len_low]));
        let end = engine.sent[side].len();
        let acked = engine.acked[side];
        match (flags >> 1) & 3 {
            NEW => {
                let new = take(&mut rest, len);
                engine.send_new(from, &new);
            }
            AFTER_HOLE => {
                let new = take(&mut rest, len);
                let (first, second) = new.split_at(back.min(new.len()));
                let mut other = second.to_vec();
                if let Some(byte) = other.get_mut(usize::from(flags >> 3)) {
                    *byte ^= flip;
                }
                let at = end + first.len();
                is_honest &= other == second || first.is_empty();
                if !first.is_empty() {
                    engine.send(from, at, second);
                    engine.send(from, at, &other);
                }
                engine.sent[side].extend(&new);
                engine.send(from, end, first);
                engine.send(from, at, second);
                if !first.is_empty() {
                    engine.check(from, at, &other, 0);
                }
            }
            AGAIN => {
                let at = end.saturating_sub(back);
                let new = take(&mut rest, len.saturating_sub(end - at));
                engine.sent[side].extend(&new);
                let is = &engine.sent[side][at..];
                let mut again = is[..len.min(is.len())].to_vec();
                if again.is_empty() {
                    continue;
                }
                let place = usize::from(flags >> 3) * again.len() / 32;
                // New bytes cannot be others.
                if at + place < end {
                    again[place] ^= flip;
                }
                is_honest &= again == is[..again.len()] || at + place < acked;
                engine.send(from, at, &again);
                engine.check(from, at, &again, acked);
            }
            ACKNOWLEDGED => {
                engine.acked[side] = acked + back % (end - acked + 1);
                engine.send(from.other(), engine.sent[from.other() as usize].len(), &[]);
            }
            _ => {}
        }
        assert!(!is_honest || !engine.is_resent_differently());
    }
});
