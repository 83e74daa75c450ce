// SPDX-License-Identifier: GPL-2.0-only
//! Segments that come out of order.

use crate::common::reorder::Reorder;
use crate::common::*;
use tlsconn_tls::{
    Config, Connection, Reason, Segment, SegmentOutcome, Side, Side::Dst, Side::Src, State, Types,
};

fn turns() -> Vec<Turn> {
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    vec![
        (Src, vec![Hello::client13().as_client()]),
        (Dst, [hello, ccs()].into_iter().chain(flight).collect()),
        (Src, vec![ccs(), handshake23(53)]),
        (Src, vec![data(500), data(700)]),
        (Dst, vec![data(4000)]),
    ]
}

/// A wire with a store for what is after a hole.
struct Gateway {
    wire: Wire,
    reorder: Reorder,
    now: u32,
}

impl Gateway {
    fn new() -> Self {
        Gateway {
            wire: Wire::at(0xffff_ff80, 5000),
            reorder: Reorder::default(),
            now: 0,
        }
    }

    fn take(&mut self, segment: &Segment, bytes: &[u8]) {
        let Wire {
            connection,
            handshake,
            config,
            ..
        } = &mut self.wire;
        self.reorder
            .take(connection, handshake, config, segment, bytes, self.now);
    }

    /// Sends a turn's segments of `len` bytes in the order that `order` says.
    fn send(&mut self, from: Side, bytes: &[u8], len: usize, order: impl Fn(&mut Vec<usize>)) {
        let segment = self.wire.segment(from);
        let mut places: Vec<usize> = (0..bytes.len()).step_by(len).collect();
        order(&mut places);
        for at in places {
            let seq = segment.seq.wrapping_add(at as u32);
            let end = bytes.len().min(at + len);
            self.take(&Segment { seq, ..segment }, &bytes[at..end]);
        }
        self.wire.next[from as usize] = segment.seq.wrapping_add(bytes.len() as u32);
    }
}

#[test]
fn any_order_gives_the_same() {
    let mut expected = Wire::at(0xffff_ff80, 5000);
    let first = expected.next;
    expected.play(&turns(), &whole);
    let orders: [fn(&mut Vec<usize>); 4] = [
        |places| places.reverse(),
        |places| places.rotate_left(1),
        |places| places.sort_by_key(|at| at * 7919 % 31),
        // Each twice.
        |places| places.extend(places.clone().into_iter().rev()),
    ];
    for (number, order) in orders.into_iter().enumerate() {
        for len in [1, 3, 100, 701] {
            let mut gateway = Gateway::new();
            for (from, records) in turns() {
                gateway.send(from, &bytes(&records), len, order);
                assert_eq!(gateway.reorder.bytes(), 0);
            }
            let why = format!("order {number}, segments of {len}");
            gateway.wire.check(first, &turns(), &why);
            let identity = gateway.wire.handshake.identity;
            assert_eq!(identity, expected.handshake.identity, "{why}");
            assert_eq!(gateway.wire.connection.state(), State::Established, "{why}");
            for side in [Src, Dst] {
                let counters = gateway.wire.connection.counters(side);
                assert_eq!(counters, expected.connection.counters(side), "{why}");
            }
        }
    }
}

#[test]
fn what_is_said_of_a_segment() {
    let mut connection = Connection::opened(1000, 5000);
    let mut wire = Wire::default();
    let hello = bytes(&turns()[0].1);
    let mut take = |seq: u32, bytes: &[u8]| {
        let segment = Segment {
            seq,
            ..Wire::default().segment(Src)
        };
        let taken = connection.segment(&mut wire.handshake, &wire.config, &segment, &Slice(bytes));
        (taken, connection.is_after_hole(Src, 1011))
    };
    assert_eq!(take(1020, &hello[20..]), (SegmentOutcome::AfterHole, true));
    assert_eq!(take(1000, &[]), (SegmentOutcome::Nothing, true));
    assert_eq!(take(1000, &hello[..10]), (SegmentOutcome::New, true));
    assert_eq!(take(1000, &hello[..10]), (SegmentOutcome::Nothing, true));
    assert_eq!(take(1005, &hello[5..20]), (SegmentOutcome::New, false));
    assert_eq!(take(1020, &hello[20..]), (SegmentOutcome::New, false));
}

#[test]
fn too_many_bytes_after_a_hole() {
    let mut gateway = Gateway::new();
    for (from, records) in turns() {
        gateway.send(from, &bytes(&records), 1448, |_| ());
    }
    gateway.wire.next[0] += 10;
    // Records that the lost direction is found again by, as soon as it is given up.
    let stream = bytes(&vec![data(1000); 80]);
    let seq = gateway.wire.next[0];
    gateway.send(Src, &stream[..65536], 1024, |_| ());
    assert_eq!(gateway.wire.connection.state(), State::Established);
    assert_eq!(gateway.wire.types(Src, seq, 65536), both(Types::UNKNOWN));
    assert_eq!(gateway.reorder.bytes(), 65536);
    gateway.send(Src, &stream[65536..], 1024, |_| ());
    assert_eq!(gateway.wire.connection.state(), State::Lost);
    assert_eq!(gateway.wire.connection.reason(), Reason::Hole);
    assert_eq!(gateway.reorder.bytes(), 0);
    let after = gateway.wire.next[0].wrapping_sub(seq + 2010);
    assert_eq!(
        gateway.wire.types(Src, seq + 2010, after as usize),
        both(DATA)
    );
    assert_eq!(gateway.wire.types(Src, seq, 2010), both(Types::UNKNOWN));
}

#[test]
fn a_hole_that_is_too_old() {
    let mut gateway = Gateway::new();
    gateway.wire.next[0] = gateway.wire.next[0].wrapping_add(10);
    gateway.send(Src, &[22, 3, 3], 3, |_| ());
    gateway.now = Config::default().hole_seconds;
    gateway.send(Src, &[22, 3, 3], 3, |_| ());
    assert_eq!(gateway.wire.connection.state(), State::New);
    gateway.now = Config::default().hole_seconds + 1;
    let segment = gateway.wire.segment(Dst);
    gateway.take(&segment, &[]);
    assert_eq!(gateway.wire.connection.state(), State::Lost);
    assert_eq!(gateway.wire.connection.reason(), Reason::Hole);
    assert_eq!(gateway.reorder.bytes(), 0);
}

#[test]
fn a_fin_after_a_hole() {
    let mut gateway = Gateway::new();
    for (from, records) in turns() {
        gateway.send(from, &bytes(&records), 1448, |_| ());
    }
    let bytes = data(100).bytes;
    let segment = gateway.wire.segment(Src);
    let last = Segment {
        seq: segment.seq.wrapping_add(50),
        fin: true,
        ..segment
    };
    gateway.take(&last, &bytes[50..]);
    gateway.take(&segment, &bytes[..50]);
    gateway.wire.next[0] = segment.seq.wrapping_add(106);
    assert_eq!(gateway.wire.types(Src, segment.seq, 105), both(DATA));
    gateway.wire.ack(Dst, true);
    gateway.wire.ack(Src, false);
    assert_eq!(gateway.wire.connection.state(), State::Closed);
}
