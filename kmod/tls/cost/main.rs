// SPDX-License-Identifier: GPL-2.0-only
//! What a packet costs: cost CASE TIMES does one thing so many times, for callgrind to count instructions (tests/cost).

#[path = "../tests/common/mod.rs"]
mod common;
mod worst;

use common::*;
use std::hint::black_box;
use tlsconn_tls::{Connection, Handshake, HandshakeSlot, Piece, Side, Side::Dst, Side::Src};

fn handshake() -> Vec<Turn> {
    let flight = [23, 2500, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    vec![
        (Src, vec![Hello::client13().as_client()]),
        (Dst, [hello, ccs()].into_iter().chain(flight).collect()),
        (Src, vec![ccs(), handshake23(53)]),
    ]
}

fn established() -> Wire {
    let mut wire = Wire::default();
    wire.play(&handshake(), &whole);
    wire.ack(Dst, false);
    wire
}

fn not_tls() -> Wire {
    let mut wire = Wire::default();
    wire.send(Src, b"GET / HTTP/1.1\r\n\r\n");
    wire
}

fn lost() -> Wire {
    let mut wire = Wire {
        connection: Connection::picked_up(),
        ..Wire::default()
    };
    wire.send(Src, b"text");
    wire
}

/// Nothing of the handshake is kept: the packet path of an established connection needs none.
struct Settled;

impl HandshakeSlot for Settled {
    fn get(&mut self) -> Option<&mut Handshake> {
        None
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        panic!("a packet needs a handshake");
    }

    fn piece(&mut self) -> Option<Box<Piece>> {
        None
    }
}

/// One packet, each time on a connection as `wire` is. The copy of the connection is counted by the case "copy".
fn packet(wire: &Wire, from: Side, bytes: &[u8], times: u32) {
    let segment = wire.segment(from);
    for _ in 0..times {
        let mut connection = wire.connection.clone();
        connection.segment(
            &mut Settled,
            &wire.config,
            &segment,
            &Slice(black_box(bytes)),
        );
        black_box(&connection);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, case, times] = &arguments[..] else {
        panic!("usage: cost CASE TIMES");
    };
    let times = times.parse().expect("a number of times");
    let inside = || {
        let mut wire = established();
        wire.send(Src, &data(16000).bytes[..1000]);
        wire.ack(Dst, false);
        wire
    };
    let segments: Vec<(Side, Vec<Vec<u8>>)> = handshake()
        .iter()
        .map(|(from, records)| {
            let bytes = bytes(records);
            (*from, bytes.chunks(1448).map(<[u8]>::to_vec).collect())
        })
        .collect();
    match &case[..] {
        "copy" => {
            let wire = established();
            (0..times).for_each(|_| {
                black_box(&black_box(&wire.connection).clone());
            });
        }
        "inside a record, 200 bytes" => packet(&inside(), Src, &[0; 200], times),
        "starting a record, 200 bytes" => packet(&established(), Src, &data(195).bytes, times),
        "four records, 64 KiB" => {
            packet(&established(), Src, &bytes(&vec![data(16379); 4]), times);
        }
        "an acknowledgement" => packet(&established(), Src, &[], times),
        "not TLS, 1448 bytes" => packet(&not_tls(), Src, &[0; 1448], times),
        "lost, 1448 bytes of text" => packet(&lost(), Src, &[b'x'; 1448], times),
        "what a packet is" => {
            let wire = established();
            (0..times).for_each(|_| {
                black_box(wire.types(Src, black_box(wire.next[0] - 40), 40));
            });
        }
        "a handshake of TLS 1.3" => (0..times).for_each(|_| {
            let mut wire = Wire {
                handshake: Handshake::keyed([1, 2]),
                decided: None,
                ..Wire::default()
            };
            for (from, pieces) in &segments {
                pieces.iter().for_each(|piece| wire.send(*from, piece));
            }
            black_box(&wire);
        }),
        worst => {
            let copy = worst.strip_prefix("copy of ");
            let case = copy.unwrap_or(worst);
            worst::packet(case, times, copy.is_some()).expect("a case");
        }
    }
}
