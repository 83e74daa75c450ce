// SPDX-License-Identifier: GPL-2.0-only
//! Streams made by hand: hellos and records from their field layouts, turns of both sides, and ways to cut them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file is a crate of its own and uses what it needs"
)]

pub mod decided;
pub mod hello;
pub mod places;
pub mod reorder;
pub mod resent;
pub mod tls12;
pub mod tls13;

use decided::Recorded;
pub use hello::*;
use tlsconn_tls::{
    Config, Connection, Decisions, Handshake, PacketTypes, Payload, Segment, Side, State, Types,
};

pub const CCS: Types = Types::CHANGE_CIPHER_SPEC;
pub const ALERT: Types = Types::ALERT;
pub const HANDSHAKE: Types = Types::HANDSHAKE;
pub const DATA: Types = Types::APPLICATION_DATA;
pub const DOUBT: Types = Types::IN_DOUBT;

/// A payload in one piece.
pub struct Slice<'a>(pub &'a [u8]);

impl Payload for Slice<'_> {
    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn slice(&self, offset: u32, len: u32) -> Option<&[u8]> {
        self.0.get(offset as usize..)?.get(..len as usize)
    }

    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        let offset = offset as usize;
        match self.0.get(offset..offset + to.len()) {
            Some(from) => {
                to.copy_from_slice(from);
                true
            }
            None => false,
        }
    }
}

/// A payload in pages.
pub struct Paged<'a>(pub &'a [u8]);

impl Payload for Paged<'_> {
    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        Slice(self.0).read(offset, to)
    }
}

/// A record and what it is expected to be.
#[derive(Clone, Debug)]
pub struct Record {
    pub bytes: Vec<u8>,
    pub content: Types,
    pub wire: Types,
}

pub fn record(wire: u8, body: &[u8], content: Types) -> Record {
    let mut bytes = vec![wire, 3, 3];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    Record {
        bytes,
        content,
        wire: Types::of_wire(wire).expect("a wire type"),
    }
}

/// A handshake record in plain text.
pub fn plain(message: &[u8]) -> Record {
    record(22, message, HANDSHAKE)
}

pub fn ccs() -> Record {
    record(20, &[1], CCS)
}

/// An encrypted record; its bytes look like headers, so that a parser that loses its way notices.
pub fn encrypted(len: usize, content: Types) -> Record {
    let body: Vec<u8> = [23, 3, 3, 0, 1].into_iter().cycle().take(len).collect();
    record(23, &body, content)
}

pub fn handshake23(len: usize) -> Record {
    encrypted(len, HANDSHAKE)
}

pub fn data(len: usize) -> Record {
    encrypted(len, DATA)
}

/// One that may be handshake or data.
pub fn doubt(len: usize) -> Record {
    encrypted(len, DOUBT)
}

pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(&(body.len() as u32).to_be_bytes()[1..]);
    bytes.extend(body);
    bytes
}

pub const SHA256_SUITE: u16 = 0x1301;
pub const SHA384_SUITE: u16 = 0x1302;
pub const CCM_8_SUITE: u16 = 0x1305;
pub const AEGIS_256_SUITE: u16 = 0x1306;
pub const MAGMA_SUITE: u16 = 0xc104;

/// What a side sends before the other answers.
pub type Turn = (Side, Vec<Record>);

/// How a turn is cut into segments: the lengths of all but the last.
pub type Cut<'a> = &'a dyn Fn(usize, usize) -> Vec<usize>;

/// Both ends of a connection, and the engine between them.
#[derive(Clone)]
pub struct Wire {
    pub connection: Connection,
    pub handshake: Handshake,
    pub config: Config,
    pub next: [u32; 2],
    /// By which rules records were told from data, if that is asked for.
    pub decided: Option<Decisions>,
}

impl Default for Wire {
    fn default() -> Self {
        Wire::at(1000, 5000)
    }
}

impl Wire {
    pub fn at(src: u32, dst: u32) -> Self {
        Wire {
            connection: Connection::opened(src, dst),
            handshake: Handshake::new(),
            config: Config::default(),
            next: [src, dst],
            decided: Some(Decisions::default()),
        }
    }

    /// A segment as it stands in the stream, without moving on.
    pub fn segment(&self, from: Side) -> Segment {
        Segment {
            from,
            seq: self.next[from as usize],
            ack: Some(self.next[from.other() as usize]),
            fin: false,
            urgent: false,
        }
    }

    pub fn take(&mut self, segment: &Segment, bytes: &[u8]) {
        // So every test sees both kinds, and one after the other.
        match segment.seq % 2 {
            0 => self.take_payload(segment, &Paged(bytes)),
            _ => self.take_payload(segment, &Slice(bytes)),
        }
    }

    pub fn take_payload(&mut self, segment: &Segment, payload: &impl Payload) {
        let (connection, config) = (&mut self.connection, &self.config);
        let handshake = &mut self.handshake;
        match &self.decided {
            Some(decided) => {
                let mut recorded = Recorded { handshake, decided };
                connection.segment(&mut recorded, config, segment, payload)
            }
            None => connection.segment(handshake, config, segment, payload),
        };
    }

    pub fn send(&mut self, from: Side, bytes: &[u8]) {
        let segment = self.segment(from);
        self.take(&segment, bytes);
        self.next[from as usize] = segment.seq.wrapping_add(bytes.len() as u32);
    }

    /// An acknowledgement without payload, and the FIN if there is one.
    pub fn ack(&mut self, from: Side, fin: bool) {
        let segment = Segment {
            fin,
            ..self.segment(from)
        };
        self.take(&segment, &[]);
        if fin {
            self.next[from as usize] = segment.seq.wrapping_add(1);
        }
    }

    pub fn records(&mut self, from: Side, records: &[Record]) {
        self.send(from, &bytes(records));
    }

    pub fn types(&self, from: Side, seq: u32, len: usize) -> PacketTypes {
        self.connection.types(from, seq, len as u32)
    }

    /// Sends all turns, cut as `cut` says of a turn's number and length.
    pub fn play(&mut self, turns: &[Turn], cut: Cut<'_>) {
        for (number, (from, records)) in turns.iter().enumerate() {
            let bytes = bytes(records);
            let mut rest = bytes.as_slice();
            for len in cut(number, rest.len()) {
                let (segment, after) = rest.split_at(len);
                self.send(*from, segment);
                rest = after;
            }
            self.send(*from, rest);
        }
    }

    /// Every record reads as expected, as a whole and at both ends.
    pub fn check(&self, first: [u32; 2], turns: &[Turn], why: &str) {
        decided::check(self, first, turns, why);
        let mut next = first;
        for (turn, (from, records)) in turns.iter().enumerate() {
            for (number, record) in records.iter().enumerate() {
                let seq = &mut next[*from as usize];
                let expected = PacketTypes {
                    content: record.content,
                    wire: record.wire,
                };
                let len = record.bytes.len();
                let last = seq.wrapping_add(len as u32).wrapping_sub(1);
                for (at, bytes) in [(*seq, len), (*seq, 1), (last, 1)] {
                    assert_eq!(
                        self.types(*from, at, bytes),
                        expected,
                        "{why}: turn {turn}, record {number} of {from:?}"
                    );
                }
                *seq = seq.wrapping_add(len as u32);
            }
        }
    }
}

/// A handshake of TLS 1.3.
pub fn handshake13() -> Vec<Turn> {
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    vec![
        (Side::Src, vec![Hello::client13().as_client()]),
        (
            Side::Dst,
            [hello, ccs()].into_iter().chain(flight).collect(),
        ),
        (Side::Src, vec![ccs(), handshake23(53)]),
    ]
}

/// A connection whose handshake is complete.
pub fn established() -> Wire {
    let mut wire = Wire::default();
    wire.play(&handshake13(), &whole);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

/// The same by content and on the wire.
pub fn both(types: Types) -> PacketTypes {
    PacketTypes {
        content: types,
        wire: types,
    }
}

pub fn bytes(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(|r| r.bytes.clone()).collect()
}

pub fn whole(_turn: usize, _len: usize) -> Vec<usize> {
    vec![]
}

/// Plays the turns whole, byte by byte, and split at every point: always the same types, identity and state.
pub fn cut_every_way(turns: &[Turn]) -> Wire {
    cut_where(turns, |_, _| true)
}

/// The same for long records, split only within their headers and next to them.
pub fn cut_around_headers(turns: &[Turn]) -> Wire {
    cut_where(turns, |records, at| {
        let mut start = 0;
        records.iter().any(|record| {
            let is_near = (start..start + 8).contains(&(at + 1));
            start += record.bytes.len();
            is_near
        })
    })
}

fn cut_where(turns: &[Turn], is_split: impl Fn(&[Record], usize) -> bool) -> Wire {
    let first = [0xffff_fe00, 0x7fff_f800];
    let mut expected = Wire::at(first[0], first[1]);
    expected.play(turns, &whole);
    let check = |wire: Wire, why: &str| {
        wire.check(first, turns, why);
        assert_eq!(
            wire.handshake.identity, expected.handshake.identity,
            "{why}"
        );
        assert_eq!(
            wire.connection.state(),
            expected.connection.state(),
            "{why}"
        );
        assert_eq!(wire.decided, expected.decided, "{why}");
        for side in [Side::Src, Side::Dst] {
            let counters = wire.connection.counters(side);
            assert_eq!(counters, expected.connection.counters(side), "{why}");
        }
    };
    check(expected.clone(), "whole");

    let mut byte_by_byte = Wire::at(first[0], first[1]);
    byte_by_byte.play(turns, &|_, len| vec![1; len - 1]);
    check(byte_by_byte, "byte by byte");

    let mut so_far = Wire::at(first[0], first[1]);
    for (number, turn) in turns.iter().enumerate() {
        for at in 1..bytes(&turn.1).len() {
            if !is_split(&turn.1, at) {
                continue;
            }
            let mut split = so_far.clone();
            split.play(&turns[number..=number], &|_, _| vec![at]);
            split.play(&turns[number + 1..], &whole);
            check(split, &format!("turn {number} split at {at}"));
        }
        so_far.play(&turns[number..=number], &whole);
    }
    expected
}
