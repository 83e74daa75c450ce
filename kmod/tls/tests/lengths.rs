// SPDX-License-Identifier: GPL-2.0-only
//! Every length field of a handshake with every value: no panic, and the outcome does not depend on how the stream is
//! cut.

use crate::common::*;
use tlsconn_tls::{PacketTypes, Side, Side::Dst, Side::Src, State};

/// Bytes between two cuts: no field, header or message is this long.
const CUT: usize = 61;

/// No side sends more bytes from a field on.
const LONGEST: u32 = 2048;

/// Where a length field stands, and how many bytes it has.
type Field = (usize, usize);

/// Notes the length fields of plain text as it walks over them.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    fields: Vec<Field>,
}

impl Walk<'_> {
    fn number(&mut self, width: usize) -> usize {
        let bytes = &self.bytes[self.at..self.at + width];
        self.at += width;
        bytes
            .iter()
            .fold(0, |n, byte| (n << 8) | usize::from(*byte))
    }

    fn length(&mut self, width: usize) -> usize {
        self.fields.push((self.at, width));
        self.number(width)
    }

    fn skip(&mut self, width: usize) {
        let len = self.length(width);
        self.at += len;
    }

    fn record(&mut self) {
        let kind = self.number(1);
        self.number(2);
        let end = self.length(2) + self.at;
        if kind == 22 && self.bytes[self.at] < 0x14 {
            self.message();
        }
        self.at = end;
    }

    fn message(&mut self) {
        let kind = self.number(1);
        self.length(3);
        match kind {
            1 => {
                self.at += 34;
                self.skip(1);
                self.skip(2);
                self.skip(1);
                self.extensions();
            }
            2 => {
                self.at += 34;
                self.skip(1);
                self.at += 3;
                self.extensions();
            }
            4 => {
                self.at += 4;
                self.skip(2);
            }
            _ => {}
        }
    }

    fn extensions(&mut self) {
        let end = self.length(2) + self.at;
        while self.at < end {
            let kind = self.number(2);
            let end = self.length(2) + self.at;
            match (kind, end - self.at) {
                // The list of names, and a name after its type.
                (0, 1..) => {
                    self.length(2);
                    self.at += 1;
                    self.skip(2);
                }
                // The list of protocols, and its first one.
                (16, 1..) => {
                    self.length(2);
                    self.skip(1);
                }
                // A client's list of versions.
                (43, 3..) => self.skip(1),
                _ => {}
            }
            self.at = end;
        }
    }
}

fn fields(bytes: &[u8]) -> Vec<Field> {
    let mut walk = Walk {
        bytes,
        at: 0,
        fields: vec![],
    };
    while walk.at < bytes.len() {
        walk.record();
    }
    walk.fields
}

/// All values of a field of one or two bytes; of one with three, those that fit into two and every 251st.
fn values(width: usize) -> impl Iterator<Item = u32> {
    let end = 1 << (8 * width);
    let dense = end.min(1 << 16);
    (0..dense).chain((dense..end).step_by(251))
}

/// What came of a connection.
fn outcome(wire: &Wire) -> impl PartialEq + std::fmt::Debug {
    let types = [Src, Dst].map(|side| -> Vec<PacketTypes> {
        let first = [1000, 5000][side as usize];
        let places = (first..wire.next[side as usize]).step_by(53);
        places.map(|at| wire.types(side, at, 1)).collect()
    });
    let Wire {
        connection,
        handshake,
        ..
    } = wire;
    let counters = [Src, Dst].map(|side| connection.counters(side));
    (
        (connection.state(), connection.reason()),
        (handshake.identity, counters, types),
    )
}

/// Sends what the sides say in turns.
fn played(so_far: &Wire, turns: &[(Side, Vec<u8>)], step: usize) -> Wire {
    let mut wire = so_far.clone();
    for (from, bytes) in turns {
        for piece in bytes.chunks(step) {
            wire.send(*from, piece);
        }
    }
    wire
}

/// Sets every field of every turn to every value. How many fields there were.
fn every_length(turns: &[Turn]) -> usize {
    let turns: Vec<(Side, Vec<u8>)> = turns
        .iter()
        .map(|(from, records)| (*from, bytes(records)))
        .collect();
    let mut so_far = Wire::default();
    let mut count = 0;
    for (number, turn) in turns.iter().enumerate() {
        let mut rest = turns[number..].to_vec();
        let fields = fields(&turn.1);
        count += fields.len();
        for (at, width) in fields {
            for value in values(width) {
                let field = &value.to_be_bytes()[4 - width..];
                rest[0].1[at..at + width].copy_from_slice(field);
                let whole = played(&so_far, &rest, usize::MAX);
                // What is longer than all that follows differs in nothing else.
                if value < LONGEST || value % 16 == 0 {
                    let cut = played(&so_far, &rest, CUT);
                    assert_eq!(
                        outcome(&whole),
                        outcome(&cut),
                        "turn {number}, {value} at {at}"
                    );
                }
                if rest[0] == *turn {
                    assert_eq!(
                        whole.connection.state(),
                        State::Established,
                        "turn {number}"
                    );
                }
            }
            rest[0].1.clone_from(&turn.1);
        }
        so_far = played(&so_far, &turns[number..=number], usize::MAX);
    }
    count
}

#[test]
fn tls13() {
    let turns = [
        (Src, vec![Hello::client13().as_client()]),
        (Dst, vec![Hello::server13(SHA256_SUITE).as_server()]),
        (Dst, [23, 795, 281, 53].map(handshake23).to_vec()),
        (Src, vec![handshake23(53), data(10)]),
    ];
    assert_eq!(every_length(&turns), 28);
}

#[test]
fn tls12() {
    let ticket = [&[0, 0, 1, 2][..], &vector16(&[7; 90])].concat();
    let finished = || record(22, &[0x16; 40], HANDSHAKE);
    let client = Hello::client().with(35, &[]).sni(b"a.example");
    let turns = [
        (Src, vec![client.as_client()]),
        (Dst, vec![Hello::server().with(35, &[]).as_server()]),
        (Dst, vec![plain(&message(14, &[]))]),
        (Src, vec![plain(&message(16, &[4; 66])), ccs(), finished()]),
        (Dst, vec![plain(&message(4, &ticket)), ccs(), finished()]),
        (Src, vec![data(30)]),
    ];
    assert_eq!(every_length(&turns), 27);
}

#[test]
fn sslv2() {
    let hello = [
        &[0x80, 31, 1, 3, 1, 0, 6, 0, 0, 0, 16][..],
        &[0, 0, 0x2f, 7, 0, 0xc0],
        &[0xca; 16],
    ]
    .concat();
    for at in [0, 5, 7, 9] {
        for value in 0..=u16::MAX {
            let mut bad = hello.clone();
            bad[at..at + 2].copy_from_slice(&value.to_be_bytes());
            let played = |step| {
                let mut wire = Wire::default();
                for piece in bad.chunks(step) {
                    wire.send(Src, piece);
                }
                wire
            };
            let whole = played(hello.len());
            assert_eq!(outcome(&whole), outcome(&played(1)), "{value} at {at}");
            if bad == hello {
                assert_eq!(
                    whole.handshake.identity.client_random,
                    Some([[0; 16], [0xca; 16]].concat().try_into().unwrap())
                );
            }
        }
    }
}
