// SPDX-License-Identifier: GPL-2.0-only
//! Bytes that come again before they are acknowledged, the same or not: what has to be as it was, byte by byte.

use crate::common::resent::*;
use crate::common::*;
use tlsconn_tls::{Reason, Segment, Side::Dst, Side::Src, Types};

#[test]
fn any_other_byte_of_a_hello_however_it_is_cut() {
    let hello = short_hello();
    let len = hello.len();
    assert!(len <= 256, "{len}");
    for step in [1, 7, 100, len] {
        let again = Again::new(keyed(), Src, hello.clone(), step);
        for at in 0..len {
            for (start, end) in [(0, len), (at, at + 1), (at / 2, len), (0, at + 1)] {
                assert_eq!(again.resent(start, end, None), Reason::None);
                for flip in [1, 0x80, 0xff] {
                    let reason = again.resent(start, end, Some((at, flip)));
                    assert_eq!(reason, Reason::ResentDifferently, "{at} in {start}..{end}");
                }
            }
        }
    }
}

#[test]
fn long_flights_too() {
    let mut wire = keyed();
    wire.records(Src, &[Hello::client13().as_client()]);
    let mut flight = vec![Hello::server13(SHA256_SUITE).as_server(), ccs()];
    flight.extend([23, 9000, 281, 53].map(handshake23));
    let bytes = bytes(&flight);
    let len = bytes.len();
    for step in [1448, 333] {
        let again = Again::new(wire.clone(), Dst, bytes.clone(), step);
        for at in (0..len).step_by(37) {
            let (start, end) = (at.saturating_sub(200), len.min(at + 200));
            for (start, end) in [(0, len), (start, end)] {
                assert_eq!(again.resent(start, end, None), Reason::None);
                let reason = again.resent(start, end, Some((at, 1)));
                assert_eq!(reason, Reason::ResentDifferently, "{at} in {start}..{end}");
            }
        }
    }
}

#[test]
fn byte_by_byte_far_from_the_ends() {
    let mut wire = keyed();
    wire.records(Src, &[Hello::client13().as_client()]);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    let bytes = bytes(&[hello, handshake23(9000)]);
    let again = Again::new(wire, Dst, bytes, 1448);
    for at in [50_usize, 3000, 9000] {
        let mut wire = again.wire.clone();
        let mut other = again.bytes.clone();
        other[at] ^= 1;
        for place in at.saturating_sub(100)..at + 100 {
            let segment = Segment {
                seq: again.seq + place as u32,
                ..wire.segment(Dst)
            };
            wire.take(&segment, &other[place..=place]);
        }
        assert_eq!(wire.connection.reason(), Reason::ResentDifferently, "{at}");
    }
}

#[test]
fn data_may_be_another_but_its_header_may_not() {
    let lens = [100, 40, 300, 5, 60, 3000, 9, 1, 16, 70, 60, 7];
    let records = lens.map(data);
    let stream = bytes(&records);
    let last = stream.len() - 12;
    let again = Again::new(established13(), Src, stream, 500);
    let mut start = 0;
    for (number, record) in records.iter().enumerate() {
        let len = record.bytes.len();
        for at in start..start + len {
            let kept = number > 3 && at < start + 5;
            let expected = match kept {
                true => Reason::ResentDifferently,
                // A record that is too far back, or a body.
                false => Reason::None,
            };
            for (start, end) in [(0, last + 12), (at, at + 1)] {
                assert_eq!(again.resent(start, end, Some((at, 4))), expected, "{at}");
            }
        }
        start += len;
    }
    // A header that is not whole yet.
    let again = Again::new(established13(), Src, vec![23, 3, 3, 1], 1);
    for at in 0..4 {
        assert_eq!(again.resent(0, 4, Some((at, 1))), Reason::ResentDifferently);
        assert_eq!(again.resent(0, 4, None), Reason::None);
    }
}

#[test]
fn other_types_than_data_when_established() {
    // TLS 1.3 has none but heartbeats then.
    let alert = record(21, &[9; 20], ALERT);
    let short = record(24, &[9; 20], Types::HEARTBEAT);
    let heartbeat = record(24, &[8; 300], Types::HEARTBEAT);
    for (wire, other) in [(established12(), alert), (established13(), short)] {
        let stream = bytes(&[data(600), other, data(500), heartbeat.clone(), data(400)]);
        let again = Again::new(wire, Src, stream, 100);
        let len = again.bytes.len();
        for (at, expected) in [
            (300, Reason::None),
            (605 + 7, Reason::ResentDifferently),
            (605 + 25 + 200, Reason::None),
            (605 + 25 + 505 + 250, Reason::ResentDifferently),
            (len - 3, Reason::None),
        ] {
            assert_eq!(again.resent(0, len, Some((at, 1))), expected, "{at}");
            assert_eq!(again.resent(100, len, Some((at, 1))), expected, "{at}");
        }
    }
}

#[test]
fn headers_that_were_open_for_a_while() {
    // The client's Finished: its header tells nothing until it is complete.
    let mut wire = keyed();
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[&[hello, ccs()][..], &flight].concat());
    let finished = handshake23(53).bytes;
    for step in [1, 3, 58] {
        let again = Again::new(wire.clone(), Src, finished.clone(), step);
        for at in 0..58 {
            assert_eq!(again.resent(0, 58, None), Reason::None);
            assert_eq!(
                again.resent(at, 58, Some((at, 2))),
                Reason::ResentDifferently
            );
        }
    }
}

#[test]
fn one_other_byte_anywhere_in_two_kib() {
    for (what, wire, from, types) in begun() {
        let was = kept(&wire, from, &types, &[700; 60], 2048);
        assert!(was.len() > 300, "{what}: {}", was.len());
        for step in [1, 100, 2048] {
            let again = Again::new(wire.clone(), from, was.clone(), step);
            for at in 0..was.len() {
                assert_eq!(again.resent(at, at + 1, None), Reason::None, "{what}");
                for flip in [1, 0x80] {
                    let reason = again.resent(at, at + 1, Some((at, flip)));
                    assert_eq!(reason, Reason::ResentDifferently, "{what}: {at}");
                }
            }
        }
    }
}
