// SPDX-License-Identifier: GPL-2.0-only
//! A record of the server that has begun when the client's Finished ends the handshake.

mod common;

use common::tls13::{client_hello, finished, full_flight};
use common::*;
use tlsconn_tls::{PacketTypes, Reason, Segment, Side::Dst, Side::Src, State};

/// The server has sent its flight, and the client's Finished crosses with the first `sent` octets of `record`. All of
/// it is acknowledged, so that the rest may come the short way.
fn crossed(record: &Record, sent: usize) -> Wire {
    let mut wire = Wire::default();
    wire.records(Src, &[client_hello()]);
    wire.records(Dst, &full_flight(SHA256_SUITE));
    wire.send(Dst, &record.octets[..sent]);
    wire.records(Src, &[ccs(), handshake23(finished(SHA256_SUITE))]);
    wire.ack(Dst, false);
    assert_eq!(wire.connection.state(), State::Established);
    wire.send(Dst, &record.octets[sent..]);
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
    let record = handshake23(139);
    for sent in [5, 6, 100] {
        let wire = crossed(&record, sent);
        let seq = wire.next[1] - 144;
        let expected = PacketTypes {
            content: HANDSHAKE,
            wire: DATA,
        };
        assert_eq!(wire.types(Dst, seq, 144), expected);
        for at in 0..144 {
            let mut again = wire.clone();
            let segment = Segment {
                seq,
                ..again.segment(Dst)
            };
            let mut octets = record.octets.clone();
            again.take(&segment, &octets);
            assert_eq!(again.connection.reason(), Reason::None, "{at} {sent}");
            octets[at] ^= 1;
            again.take(&segment, &octets);
            // What came first is acknowledged by the client's Finished.
            let expected = match at < sent {
                true => Reason::None,
                false => Reason::ResentDifferently,
            };
            assert_eq!(again.connection.reason(), expected, "{at} {sent}");
        }
    }
}
