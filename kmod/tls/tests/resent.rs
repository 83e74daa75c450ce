// SPDX-License-Identifier: GPL-2.0-only
//! Octets that come again, the same or not, before they are acknowledged and afterwards.

mod common;

use common::*;
use tlsconn_tls::{Handshake, Reason, Segment, Side, Side::Dst, Side::Src, State, Types};

const SECRET: [u64; 2] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];

fn keyed() -> Wire {
    Wire {
        handshake: Handshake::keyed(SECRET),
        ..Wire::default()
    }
}

/// A wire on which a side's octets come again.
struct Again {
    wire: Wire,
    from: Side,
    seq: u32,
    octets: Vec<u8>,
}

impl Again {
    /// Sends octets cut every `step`, none of them acknowledged.
    fn new(mut wire: Wire, from: Side, octets: Vec<u8>, step: usize) -> Self {
        let seq = wire.next[from as usize];
        for piece in octets.chunks(step) {
            wire.send(from, piece);
        }
        assert_eq!(wire.connection.reason(), Reason::None);
        Again {
            wire,
            from,
            seq,
            octets,
        }
    }

    /// The octets from `start` to `end` once more, that at `other` changed, on a copy of the wire.
    fn resent(&self, start: usize, end: usize, other: Option<(usize, u8)>) -> Reason {
        let mut wire = self.wire.clone();
        let mut octets = self.octets.clone();
        if let Some((at, flip)) = other {
            octets[at] ^= flip;
        }
        let segment = Segment {
            seq: self.seq.wrapping_add(start as u32),
            ..wire.segment(self.from)
        };
        wire.take(&segment, &octets[start..end]);
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

fn short_hello() -> Vec<u8> {
    let mut hello = Hello::client13();
    hello.extensions.retain(|(extension, _)| *extension != 51);
    hello.as_client().octets
}

fn established() -> Wire {
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

#[test]
fn any_other_octet_of_a_hello_however_it_is_cut() {
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
    let octets = octets(&flight);
    let len = octets.len();
    for step in [1448, 333] {
        let again = Again::new(wire.clone(), Dst, octets.clone(), step);
        for at in (0..len).step_by(37) {
            // Octets near the ends may share a cell with what does not come again.
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
fn pieces_that_make_a_cell_whole() {
    let mut wire = keyed();
    wire.records(Src, &[Hello::client13().as_client()]);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    let octets = octets(&[hello, handshake23(9000)]);
    let again = Again::new(wire, Dst, octets, 1448);
    // Octet by octet: the last of a cell shows it.
    for at in [50_usize, 3000, 9000] {
        let mut wire = again.wire.clone();
        let mut other = again.octets.clone();
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
    let stream = octets(&records);
    let last = stream.len() - 12;
    let again = Again::new(established(), Src, stream, 500);
    let mut start = 0;
    for (number, record) in records.iter().enumerate() {
        let len = record.octets.len();
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
    let again = Again::new(established(), Src, vec![23, 3, 3, 1], 1);
    for at in 0..4 {
        assert_eq!(again.resent(0, 4, Some((at, 1))), Reason::ResentDifferently);
        assert_eq!(again.resent(0, 4, None), Reason::None);
    }
}

#[test]
fn other_types_than_data_when_established() {
    let alert = record(21, &[9; 20], ALERT);
    let heartbeat = record(24, &[8; 300], Types::HEARTBEAT);
    let stream = octets(&[data(600), alert, data(500), heartbeat, data(400)]);
    let again = Again::new(established(), Src, stream, 100);
    let len = again.octets.len();
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

#[test]
fn headers_that_were_open_for_a_while() {
    // The client's Finished: its header tells nothing until it is complete.
    let mut wire = keyed();
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[&[hello, ccs()][..], &flight].concat());
    let finished = handshake23(53).octets;
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
fn acknowledged_octets_are_not_compared() {
    let hello = short_hello();
    let len = hello.len();
    for acked in [1, 100, len - 1, len] {
        let mut again = Again::new(keyed(), Src, hello.clone(), len);
        let all = again.wire.next[0];
        again.wire.next[0] = again.seq + acked as u32;
        again.wire.ack(Dst, false);
        again.wire.next[0] = all;
        for at in 0..len {
            let expected = match at < acked {
                true => Reason::None,
                false => Reason::ResentDifferently,
            };
            assert_eq!(
                again.resent(0, len, Some((at, 1))),
                expected,
                "{at} of {acked}"
            );
        }
    }
    // A keepalive has an old octet, whichever.
    let mut wire = established();
    wire.records(Src, &[data(10)]);
    wire.ack(Dst, false);
    let keepalive = Segment {
        seq: wire.next[0] - 1,
        ..wire.segment(Src)
    };
    wire.take(&keepalive, &[0]);
    assert_eq!(wire.connection.reason(), Reason::None);
}

#[test]
fn other_octets_in_front_of_new_ones() {
    let mut hello = short_hello();
    let mut wire = keyed();
    wire.send(Src, &hello[..120]);
    wire.next[0] -= 70;
    hello[110] ^= 0x20;
    wire.send(Src, &hello[50..]);
    assert_eq!(wire.connection.reason(), Reason::ResentDifferently);
    assert_eq!(wire.handshake.identity.client, None);
}

#[test]
fn a_flight_that_is_never_acknowledged_as_a_whole() {
    // Each half is acknowledged when the next one has come.
    let mut wire = keyed();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[Hello::server13(SHA256_SUITE).as_server()]);
    let stream = octets(&[handshake23(16000), handshake23(16000), handshake23(16000)]);
    for (number, piece) in stream.chunks_exact(1000).enumerate() {
        let seq = wire.next[1];
        wire.send(Dst, piece);
        let behind = wire.next[1];
        wire.next[1] = seq;
        wire.ack(Src, false);
        wire.next[1] = behind;
        let again = Again {
            wire: wire.clone(),
            from: Dst,
            seq,
            octets: piece.to_vec(),
        };
        assert_eq!(again.resent(0, piece.len(), None), Reason::None);
        let changed = again.resent(0, piece.len(), Some((500, 1)));
        assert_eq!(changed, Reason::ResentDifferently, "{number}");
    }
}

#[test]
fn after_taint_nothing_is_compared_and_all_is_unknown() {
    let again = Again::new(keyed(), Src, short_hello(), 64);
    let mut wire = again.wire.clone();
    let segment = Segment {
        seq: again.seq,
        ..wire.segment(Src)
    };
    wire.take(&segment, &[23]);
    assert_eq!(wire.connection.reason(), Reason::ResentDifferently);
    wire.take(&segment, &again.octets);
    assert_eq!(wire.connection.state(), State::Tainted);
    assert_eq!(wire.types(Src, again.seq, 10).content, Types::UNKNOWN);
}

#[test]
fn numbers_that_wrap() {
    let mut wire = established();
    let many = data(16379).octets.repeat(32);
    // Once around, to the numbers that the hello had.
    while 1000_u32.wrapping_sub(wire.next[0]) > 1 << 20 {
        wire.send(Src, &many);
        wire.ack(Dst, false);
    }
    let again = Again::new(wire, Src, many.repeat(3), many.len());
    let hello = 1000_u32.wrapping_sub(again.seq) as usize;
    for (start, end) in [(hello - 10, hello + 3000), (hello, hello + 200)] {
        assert_eq!(again.resent(start, end, None), Reason::None);
    }
}
