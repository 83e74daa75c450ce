// SPDX-License-Identifier: GPL-2.0-only
//! Connections on which bytes come again, and what a connection says of them.

use super::*;
use tlsconn_tls::Reason;
use tlsconn_tls::Side::{Dst, Src};

const SECRET: [u64; 2] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];

pub fn keyed() -> Wire {
    Wire {
        handshake: Handshake::keyed(SECRET),
        ..Wire::default()
    }
}

/// A wire on which a side's bytes come again.
pub struct Again {
    pub wire: Wire,
    pub from: Side,
    pub seq: u32,
    pub bytes: Vec<u8>,
}

impl Again {
    /// Sends bytes cut every `step`, none of them acknowledged.
    pub fn new(mut wire: Wire, from: Side, bytes: Vec<u8>, step: usize) -> Self {
        let seq = wire.next[from as usize];
        for piece in bytes.chunks(step) {
            wire.send(from, piece);
        }
        assert_eq!(wire.connection.reason(), Reason::None);
        Again {
            wire,
            from,
            seq,
            bytes,
        }
    }

    /// The bytes from `start` to `end` once more, that at `other` changed, on a copy of the wire.
    pub fn resent(&self, start: usize, end: usize, other: Option<(usize, u8)>) -> Reason {
        let mut wire = self.wire.clone();
        let mut bytes = self.bytes.clone();
        if let Some((at, flip)) = other {
            bytes[at] ^= flip;
        }
        let segment = Segment {
            seq: self.seq.wrapping_add(start as u32),
            ..wire.segment(self.from)
        };
        wire.take(&segment, &bytes[start..end]);
        if wire.connection.reason() == Reason::None {
            assert_ne!(wire.connection.state(), State::Tainted);
        } else {
            assert_eq!(wire.connection.state(), State::Tainted);
            let len = end - start;
            assert_eq!(
                wire.types(self.from, segment.seq, len).content,
                Types::UNKNOWN
            );
        }
        wire.connection.reason()
    }
}

pub fn short_hello() -> Vec<u8> {
    let mut hello = Hello::client13();
    hello.extensions.retain(|(extension, _)| *extension != 51);
    hello.as_client().bytes
}

pub fn established13() -> Wire {
    let mut wire = keyed();
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[&[hello, ccs()][..], &flight].concat());
    wire.records(Src, &[ccs(), handshake23(53)]);
    wire.ack(Dst, false);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

pub fn established12() -> Wire {
    let mut wire = keyed();
    let turns = tls12::full(Hello::client(), tls12::server12());
    wire.play(&turns, &whole);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

/// How many there are of those below.
pub const BEGUN: usize = 8;

/// Connections on which a side may send records that are kept: who sends them, and of which types they may be.
pub fn begun() -> Vec<(&'static str, Wire, Side, Vec<u8>)> {
    let mut hello = keyed();
    hello.records(Src, &[Hello::client13().as_client()]);
    let mut answered = hello.clone();
    let server = Hello::server13(SHA256_SUITE).as_server();
    answered.records(Dst, &[server, ccs(), handshake23(23)]);
    let mut asked = answered.clone();
    asked.records(Dst, &[62, 795, 281, 53].map(handshake23));
    vec![
        (
            "TLS 1.2, established",
            established12(),
            Src,
            vec![20, 21, 22, 24],
        ),
        (
            "TLS 1.2, established, server",
            established12(),
            Dst,
            vec![20, 21, 22, 24],
        ),
        ("TLS 1.3, established", established13(), Src, vec![24]),
        (
            "TLS 1.3, established, server",
            established13(),
            Dst,
            vec![24],
        ),
        ("after ClientHello, server", hello, Dst, vec![22]),
        ("in the server's flight", answered, Dst, vec![20, 23]),
        ("after the server's Finished", asked.clone(), Dst, vec![23]),
        ("in the client's flight", asked, Src, vec![23]),
    ]
}

/// Records of such types, up to so many bytes; those that a direction takes without a word.
pub fn kept(wire: &Wire, from: Side, types: &[u8], lens: &[u16], most: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = vec![];
    let mut after = wire.clone();
    for (number, len) in lens.iter().enumerate() {
        // Runs of a type: a direction's history has room for six of them.
        let wire_type = types[number / 16 % types.len()];
        let len = match wire_type {
            20 => 1,
            21 => 2,
            22 | 24 => 20 + usize::from(*len) % 3000,
            _ => 60 + usize::from(*len) % 3000,
        };
        let body: Vec<u8> = (0..len)
            .map(|at| (at as u8).wrapping_mul(37) ^ number as u8)
            .collect();
        // A message of a type that nobody reads, or bodies that are not read at all.
        let record = match wire_type {
            20 => ccs().bytes,
            21 => record(21, &[1, 90], ALERT).bytes,
            22 => {
                record(
                    22,
                    &[&[11, 0, (len >> 8) as u8, len as u8][..], &body].concat(),
                    HANDSHAKE,
                )
                .bytes
            }
            other => record(other, &body, DATA).bytes,
        };
        if bytes.len() + record.len() > most {
            break;
        }
        let seq = after.next[from as usize];
        after.send(from, &record);
        if after.connection.reason() != Reason::None
            || after
                .types(from, seq, record.len())
                .content
                .intersects(DATA.union(Types::UNKNOWN))
        {
            break;
        }
        bytes.extend(record);
    }
    bytes
}

pub fn send_piece(
    wire: &mut Wire,
    from: Side,
    first: u32,
    bytes: &[u8],
    (start, end): (usize, usize),
) -> Types {
    let segment = Segment {
        seq: first.wrapping_add(start as u32),
        ..wire.segment(from)
    };
    wire.take(&segment, &bytes[start..end]);
    wire.types(from, segment.seq, end - start).content
}

pub fn passes(types: Types) -> bool {
    !types.intersects(DATA.union(Types::UNKNOWN))
}
