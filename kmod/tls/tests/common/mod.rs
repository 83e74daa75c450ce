// SPDX-License-Identifier: GPL-2.0-only
//! Streams made by hand: hellos and records from their field layouts, turns of both sides, and ways to cut them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file is a crate of its own and uses what it needs"
)]

pub mod reorder;

use tlsconn_tls::{Config, Connection, Handshake, PacketTypes, Payload, Segment, Side, Types};

pub const CCS: Types = Types::CHANGE_CIPHER_SPEC;
pub const ALERT: Types = Types::ALERT;
pub const HANDSHAKE: Types = Types::HANDSHAKE;
pub const DATA: Types = Types::APPLICATION_DATA;

pub const CLIENT_RANDOM: [u8; 32] = [0xc1; 32];
pub const SERVER_RANDOM: [u8; 32] = [0x5e; 32];
pub const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

pub struct Slice<'a>(pub &'a [u8]);

impl Payload for Slice<'_> {
    fn len(&self) -> u32 {
        self.0.len() as u32
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

/// A record and what it is expected to be.
#[derive(Clone, Debug)]
pub struct Record {
    pub octets: Vec<u8>,
    pub content: Types,
    pub wire: Types,
}

pub fn record(wire: u8, body: &[u8], content: Types) -> Record {
    let mut octets = vec![wire, 3, 3];
    octets.extend((body.len() as u16).to_be_bytes());
    octets.extend(body);
    Record {
        octets,
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

/// An encrypted record; its octets look like headers, so that a parser that loses its way notices.
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

pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind];
    octets.extend(&(body.len() as u32).to_be_bytes()[1..]);
    octets.extend(body);
    octets
}

pub fn vector16(body: &[u8]) -> Vec<u8> {
    let mut octets = (body.len() as u16).to_be_bytes().to_vec();
    octets.extend(body);
    octets
}

fn vector8(body: &[u8]) -> Vec<u8> {
    let mut octets = vec![body.len() as u8];
    octets.extend(body);
    octets
}

#[derive(Clone, Debug)]
pub struct Hello {
    pub version: u16,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub cipher: u16,
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    pub fn client() -> Self {
        Hello {
            version: 0x0303,
            random: CLIENT_RANDOM,
            session_id: vec![0x1d; 32],
            cipher: 0,
            extensions: vec![],
        }
    }

    /// A client that offers TLS 1.2 and 1.3.
    pub fn client13() -> Self {
        Hello::client()
            .with(0x2a2a, &[])
            .sni(b"www.example.org")
            .with(51, &[7; 125])
            .with(43, &[6, 0x1a, 0x1a, 3, 4, 3, 3])
            .with(16, &vector16(b"\x02h2\x08http/1.1"))
    }

    pub fn server() -> Self {
        Hello {
            random: SERVER_RANDOM,
            ..Hello::client()
        }
    }

    pub fn server13(cipher: u16) -> Self {
        Hello {
            cipher,
            ..Hello::server()
        }
        .with(43, &[3, 4])
        .with(51, &[7; 36])
    }

    pub fn retry(cipher: u16) -> Self {
        Hello {
            random: RETRY_RANDOM,
            ..Hello::server13(cipher)
        }
    }

    pub fn with(mut self, extension: u16, body: &[u8]) -> Self {
        self.extensions.push((extension, body.to_vec()));
        self
    }

    pub fn sni(self, name: &[u8]) -> Self {
        let mut entry = vec![0];
        entry.extend(vector16(name));
        self.with(0, &vector16(&entry))
    }

    fn extensions(&self) -> Vec<u8> {
        let mut octets = vec![];
        for (extension, body) in &self.extensions {
            octets.extend(extension.to_be_bytes());
            octets.extend(vector16(body));
        }
        if octets.is_empty() {
            octets
        } else {
            vector16(&octets)
        }
    }

    fn start(&self) -> Vec<u8> {
        let mut octets = self.version.to_be_bytes().to_vec();
        octets.extend(self.random);
        octets.extend(vector8(&self.session_id));
        octets
    }

    pub fn client_body(&self) -> Vec<u8> {
        let mut octets = self.start();
        octets.extend(vector16(&[0x13, 1, 0x13, 2, 0xc0, 0x2f]));
        octets.extend(vector8(&[0]));
        octets.extend(self.extensions());
        octets
    }

    pub fn server_body(&self) -> Vec<u8> {
        let mut octets = self.start();
        octets.extend(self.cipher.to_be_bytes());
        octets.push(0);
        octets.extend(self.extensions());
        octets
    }

    pub fn as_client(&self) -> Record {
        plain(&message(1, &self.client_body()))
    }

    pub fn as_server(&self) -> Record {
        plain(&message(2, &self.server_body()))
    }
}

pub const SHA256_SUITE: u16 = 0x1301;
pub const SHA384_SUITE: u16 = 0x1302;
pub const CCM_8_SUITE: u16 = 0x1305;

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

    pub fn take(&mut self, segment: &Segment, octets: &[u8]) {
        self.connection
            .segment(&mut self.handshake, &self.config, segment, &Slice(octets));
    }

    pub fn send(&mut self, from: Side, octets: &[u8]) {
        let segment = self.segment(from);
        self.take(&segment, octets);
        self.next[from as usize] = segment.seq.wrapping_add(octets.len() as u32);
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
        self.send(from, &octets(records));
    }

    pub fn types(&self, from: Side, seq: u32, len: usize) -> PacketTypes {
        self.connection.types(from, seq, len as u32)
    }

    /// Sends all turns, cut as `cut` says of a turn's number and length.
    pub fn play(&mut self, turns: &[Turn], cut: Cut<'_>) {
        for (number, (from, records)) in turns.iter().enumerate() {
            let octets = octets(records);
            let mut rest = octets.as_slice();
            for len in cut(number, rest.len()) {
                let (segment, behind) = rest.split_at(len);
                self.send(*from, segment);
                rest = behind;
            }
            self.send(*from, rest);
        }
    }

    /// Every record reads as expected, as a whole and at both ends.
    pub fn check(&self, first: [u32; 2], turns: &[Turn], why: &str) {
        let mut next = first;
        for (turn, (from, records)) in turns.iter().enumerate() {
            for (number, record) in records.iter().enumerate() {
                let seq = &mut next[*from as usize];
                let expected = PacketTypes {
                    content: record.content,
                    wire: record.wire,
                };
                let len = record.octets.len();
                let last = seq.wrapping_add(len as u32).wrapping_sub(1);
                for (at, octets) in [(*seq, len), (*seq, 1), (last, 1)] {
                    assert_eq!(
                        self.types(*from, at, octets),
                        expected,
                        "{why}: turn {turn}, record {number} of {from:?}"
                    );
                }
                *seq = seq.wrapping_add(len as u32);
            }
        }
    }
}

pub fn octets(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(|r| r.octets.clone()).collect()
}

pub fn whole(_turn: usize, _len: usize) -> Vec<usize> {
    vec![]
}

/// Plays the turns whole, octet by octet, and split at every point: always the same types, identity and state.
pub fn cut_every_way(turns: &[Turn]) -> Wire {
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
        for side in [Side::Src, Side::Dst] {
            let counters = wire.connection.counters(side);
            assert_eq!(counters, expected.connection.counters(side), "{why}");
        }
    };
    check(expected.clone(), "whole");

    let mut octet_by_octet = Wire::at(first[0], first[1]);
    octet_by_octet.play(turns, &|_, len| vec![1; len - 1]);
    check(octet_by_octet, "octet by octet");

    let mut so_far = Wire::at(first[0], first[1]);
    for (number, turn) in turns.iter().enumerate() {
        for at in 1..octets(&turn.1).len() {
            let mut split = so_far.clone();
            split.play(&turns[number..=number], &|_, _| vec![at]);
            split.play(&turns[number + 1..], &whole);
            check(split, &format!("turn {number} split at {at}"));
        }
        so_far.play(&turns[number..=number], &whole);
    }
    expected
}
