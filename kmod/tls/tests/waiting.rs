// SPDX-License-Identifier: GPL-2.0-only
//! Bytes that wait to be let through: those of types that are held, each counted once, however the stream is cut.

use crate::common::tls13::{answer, asking_flight, client_hello, full_flight};
use crate::common::*;
use tlsconn_tls::{Side, Side::Dst, Side::Src, Types};

const HELD: Types =
    Types(Types::APPLICATION_DATA.0 | Types::HEARTBEAT.0 | Types::UNKNOWN.0 | DOUBT.0);

fn held(records: &[Record]) -> u64 {
    let held = records.iter().filter(|one| one.content.intersects(HELD));
    held.map(|one| one.bytes.len() as u64).sum()
}

fn waiting(wire: &Wire, side: Side) -> u64 {
    wire.connection.waiting(side)
}

/// What waits after each turn, in pieces of every length.
fn assert_waits(turns: &[Turn]) {
    for step in [1, 2, 3, 5, 7, 100, 1460, usize::MAX] {
        let mut wire = Wire::default();
        let mut expected = [0, 0];
        for (from, records) in turns {
            let sent = bytes(records);
            for piece in sent.chunks(step) {
                let segment = wire.segment(*from);
                wire.send(*from, piece);
                // The same once more.
                wire.take(&segment, piece);
            }
            expected[*from as usize] += held(records);
            let found = [Src, Dst].map(|side| waiting(&wire, side));
            assert_eq!(found, expected, "in pieces of {step}");
        }
    }
}

#[test]
fn handshakes_and_data() {
    let suite = SHA256_SUITE;
    assert_waits(&[
        (Src, vec![client_hello()]),
        (Dst, full_flight(suite)),
        (Src, vec![ccs(), handshake23(53)]),
        (Src, vec![data(200), data(35), data(1)]),
        (Dst, vec![data(82), data(82), data(900)]),
    ]);
}

#[test]
fn what_is_in_doubt_waits_until_it_is_said_to_pass() {
    let flight = answer(&[766, 281], 53);
    let turns = [
        (Src, vec![client_hello()]),
        (Dst, asking_flight(SHA256_SUITE)),
        (Src, flight.clone()),
        (Src, vec![data(20)]),
    ];
    assert_waits(&turns);
    let mut wire = Wire::default();
    for (from, records) in &turns[..3] {
        wire.send(*from, &bytes(records));
    }
    let passed = wire.handshake.take_in_doubt();
    assert_eq!(u64::from(passed), held(&flight));
    wire.connection.pass_in_doubt(Src, passed);
    assert_eq!(waiting(&wire, Src), 0);
    wire.send(Src, &bytes(&turns[3].1));
    assert_eq!(waiting(&wire, Src), 25);
}

#[test]
fn from_a_place_on_with_what_is_outstanding() {
    let mut wire = Wire::default();
    for (from, records) in [
        (Src, vec![client_hello()]),
        (Dst, full_flight(SHA256_SUITE)),
        (Src, vec![ccs(), handshake23(53), data(95)]),
        // Acknowledges all of it.
        (Dst, vec![data(195)]),
    ] {
        wire.send(from, &bytes(&records));
    }
    assert_eq!([Src, Dst].map(|side| waiting(&wire, side)), [100, 200]);
    wire.connection.waits_from_here();
    // The server's was not acknowledged.
    assert_eq!([Src, Dst].map(|side| waiting(&wire, side)), [0, 200]);
    wire.send(Src, &bytes(&[data(45)]));
    assert_eq!([Src, Dst].map(|side| waiting(&wire, side)), [50, 200]);
}

#[test]
fn what_is_not_tls_waits() {
    let mut wire = Wire::default();
    wire.send(Src, b"GET / HTTP/1.1\r\n");
    wire.send(Dst, b"HTTP/1.1 200 OK\r\n");
    assert_eq!([Src, Dst].map(|side| waiting(&wire, side)), [16, 17]);
}

#[test]
fn what_is_outstanding_waits_once_its_direction_is_lost() {
    let mut wire = Wire::default();
    for (from, records) in [
        (Src, vec![client_hello()]),
        (Dst, full_flight(SHA256_SUITE)),
        (Src, vec![ccs(), handshake23(53)]),
    ] {
        wire.send(from, &bytes(&records));
    }
    assert_eq!([Src, Dst].map(|side| waiting(&wire, side)), [0, 0]);
    wire.connection.give_up(Src);
    // Sent again it reads unknown.
    let outstanding = wire.connection.outstanding(Src);
    assert_eq!(outstanding, 6 + 58);
    assert_eq!(
        [Src, Dst].map(|side| waiting(&wire, side)),
        [outstanding.into(), 0]
    );
}
