// SPDX-License-Identifier: GPL-2.0-only
//! A record of the server that has begun when the client's Finished ends the handshake.

use crate::common::tls13::{client_hello, finished, full_flight, server_hello};
use crate::common::*;
use tlsconn_tls::{PacketTypes, Reason, Segment, Side::Dst, Side::Src, State};

/// The server has sent its flight, all of it in one record so that no length shows its Finished, and a byte or more of a
/// header: its type is told at once. Then the client's Finished comes, and the rest in packets of `step` bytes.
fn told_at_once(record: &Record, sent: usize, step: usize) -> (Wire, u32) {
    let mut wire = Wire::default();
    wire.records(Src, &[client_hello()]);
    wire.records(Dst, &[server_hello(SHA256_SUITE), handshake23(1133)]);
    let seq = wire.next[1];
    wire.send(Dst, &record.bytes[..sent]);
    assert_eq!(wire.types(Dst, seq, sent).content, HANDSHAKE);
    wire.records(Src, &[ccs(), handshake23(53)]);
    assert_eq!(wire.connection.state(), State::Established);
    for piece in record.bytes[sent..].chunks(step) {
        wire.send(Dst, piece);
    }
    (wire, seq)
}

#[test]
fn a_type_that_was_told_ahead_holds_for_no_more_than_had_come() {
    for record in [data(1000), data(16_000), data(53), data(0)] {
        let len = record.bytes.len();
        for sent in 1..5 {
            for step in [1, 3, 1448, usize::MAX] {
                let (mut wire, seq) = told_at_once(&record, sent, step);
                let ahead = wire.types(Dst, seq, sent).content;
                assert_eq!(ahead, HANDSHAKE, "{sent} by {step}");
                let after = seq + sent as u32;
                for (at, len) in [(0, len - sent), (0, 1), (len - sent - 1, 1)] {
                    let types = wire.types(Dst, after + at as u32, len);
                    assert_eq!(types, both(DATA), "{len} at {at} of {sent} by {step}");
                }
                wire.records(Dst, &[data(53)]);
                assert_eq!(wire.types(Dst, wire.next[1] - 58, 58), both(DATA));
                assert_eq!(wire.handshake.take_in_doubt(), 0);
            }
        }
    }
}

#[test]
fn a_record_whose_length_was_known_keeps_its_type() {
    for sent in [5, 6, 300] {
        let (wire, seq) = told_at_once(&handshake23(300), sent, 100);
        assert_eq!(wire.types(Dst, seq, 305).content, HANDSHAKE, "{sent}");
    }
}

/// The server has sent its flight, and the client's Finished crosses with the first `sent` bytes of `record`. All of
/// it is acknowledged, so that the rest may come the fast path.
fn crossed(record: &Record, sent: usize) -> Wire {
    let mut wire = Wire::default();
    wire.records(Src, &[client_hello()]);
    wire.records(Dst, &full_flight(SHA256_SUITE));
    wire.send(Dst, &record.bytes[..sent]);
    wire.records(Src, &[ccs(), handshake23(finished(SHA256_SUITE))]);
    wire.ack(Dst, false);
    assert_eq!(wire.connection.state(), State::Established);
    wire.send(Dst, &record.bytes[sent..]);
    wire
}

#[test]
fn a_header_that_is_open_then_is_of_data() {
    let record = data(139);
    for sent in 1..5 {
        let mut wire = crossed(&record, sent);
        let seq = wire.next[1] - 144;
        for (at, len) in [(0, 144), (0, 1), (4, 1), (5, 1), (143, 1)] {
            assert_eq!(wire.types(Dst, seq + at, len), both(DATA), "{at} {sent}");
        }
        // And so is the next one; both are counted.
        wire.records(Dst, &[data(20)]);
        assert_eq!(wire.types(Dst, seq + 144, 25), both(DATA));
        assert_eq!(wire.connection.counters(Dst).records[3], 6);
        assert_eq!(wire.connection.state(), State::Established);
    }
}

#[test]
fn a_ticket_that_has_begun_has_to_come_again_as_it_was() {
    let record = doubt(139);
    for sent in [5, 6, 100] {
        let wire = crossed(&record, sent);
        let seq = wire.next[1] - 144;
        let expected = PacketTypes {
            content: DOUBT,
            wire: DATA,
        };
        assert_eq!(wire.types(Dst, seq, 144), expected);
        for at in 0..144 {
            let mut again = wire.clone();
            let segment = Segment {
                seq,
                ..again.segment(Dst)
            };
            let mut bytes = record.bytes.clone();
            again.take(&segment, &bytes);
            assert_eq!(again.connection.reason(), Reason::None, "{at} {sent}");
            bytes[at] ^= 1;
            again.take(&segment, &bytes);
            // What came first is acknowledged by the client's Finished.
            let expected = match at < sent {
                true => Reason::None,
                false => Reason::ResentDifferently,
            };
            assert_eq!(again.connection.reason(), expected, "{at} {sent}");
        }
    }
}
