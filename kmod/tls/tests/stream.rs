// SPDX-License-Identifier: GPL-2.0-only
//! The TCP side: retransmissions, holes, wrapping numbers, streams without their start.

use crate::common::*;
use tlsconn_tls::{Connection, Handshake, Reason, Segment, Side::Dst, Side::Src, State, Types};

#[test]
fn size_of_what_the_packet_path_touches() {
    // With what the kernel puts beside it: at most 192 bytes, and 312 in all, of which a page holds 13.
    const { assert!(Connection::HOT <= 152) };
    let whole = size_of::<Connection>();
    assert!(whole <= 224, "{whole}");
    // While it lasts, what is outstanding apart.
    const { assert!(size_of::<Handshake>() <= 1536) };
}

#[test]
fn resent_bytes_have_the_type_of_their_place() {
    let mut wire = established();
    let seq = wire.next[0];
    let records = [data(100), data(3000)];
    wire.records(Src, &records);
    let counters = wire.connection.counters(Src);
    let bytes = bytes(&records);
    // The same again, merged and cut anew, a keepalive, and handshake bytes from the beginning.
    for (at, len) in [(0, 3110), (50, 500), (105, 5), (3109, 1)] {
        let segment = Segment {
            seq: seq + at as u32,
            ..wire.segment(Src)
        };
        wire.take(&segment, &bytes[at..at + len]);
        assert_eq!(wire.types(Src, segment.seq, len), both(DATA));
    }
    assert_eq!(wire.types(Src, 1000, 20), both(HANDSHAKE));
    assert_eq!(
        wire.types(Src, 1000, (seq - 1000) as usize).content,
        HANDSHAKE.union(CCS)
    );
    assert_eq!(wire.connection.counters(Src), counters);
    // What was never sent is not known.
    assert_eq!(wire.types(Src, wire.next[0], 1), both(Types::UNKNOWN));
    assert_eq!(wire.types(Src, 999, 1), both(Types::UNKNOWN));
    assert_eq!(
        wire.types(Src, wire.next[0] - 1, 2),
        both(DATA.union(Types::UNKNOWN))
    );
    assert_eq!(wire.types(Src, seq, 0), both(Types::NONE));
}

#[test]
fn resent_bytes_with_new_ones_after() {
    let mut wire = established();
    let first = data(300).bytes;
    let seq = wire.next[0];
    wire.send(Src, &first[..200]);
    wire.next[0] = seq + 100;
    let mut rest = first[100..].to_vec();
    rest.extend(data(40).bytes);
    wire.send(Src, &rest);
    assert_eq!(wire.types(Src, seq, 350), both(DATA));
    let counters = wire.connection.counters(Src);
    assert_eq!(counters.records[3], 3);
    assert_eq!(u64::from(wire.next[0] - 1000), counters.bytes);
}

#[test]
fn the_same_packet_twice() {
    let mut once = Wire::default();
    let mut twice = Wire::default();
    for (from, records) in handshake13() {
        once.records(from, &records);
        let segment = twice.segment(from);
        twice.records(from, &records);
        twice.take(&segment, &bytes(&records));
    }
    assert_eq!(once.connection.state(), twice.connection.state());
    for side in [Src, Dst] {
        assert_eq!(
            once.connection.counters(side),
            twice.connection.counters(side)
        );
    }
}

#[test]
fn a_hole_fills() {
    let mut wire = established();
    let bytes = bytes(&[data(500), data(500)]);
    let (first, second) = bytes.split_at(300);
    let seq = wire.next[0];
    let after = Segment {
        seq: seq + 300,
        ..wire.segment(Src)
    };
    wire.take(&after, second);
    assert_eq!(
        wire.types(Src, after.seq, second.len()),
        both(Types::UNKNOWN)
    );
    assert_eq!(wire.connection.state(), State::Established);
    wire.send(Src, first);
    assert_eq!(
        wire.types(Src, after.seq, second.len()),
        both(Types::UNKNOWN)
    );
    wire.take(&after, second);
    assert_eq!(wire.types(Src, seq, bytes.len()), both(DATA));
    assert_eq!(wire.connection.counters(Src).records[3], 3);
}

#[test]
fn a_hole_that_was_acknowledged_is_given_up() {
    let mut wire = established();
    let seq = wire.next[0];
    wire.next[0] = seq + 700;
    wire.records(Src, &[data(10)]);
    assert_eq!(wire.connection.state(), State::Established);
    wire.records(Dst, &[data(10)]);
    assert_eq!(wire.connection.state(), State::Lost);
    assert_eq!(wire.connection.reason(), Reason::Hole);
    // The other direction goes on, and what was known stays so.
    assert_eq!(wire.types(Dst, wire.next[1] - 15, 15), both(DATA));
    assert_eq!(wire.types(Src, 1000, 20), both(HANDSHAKE));
    wire.records(Src, &[data(10)]);
    assert_eq!(wire.types(Src, wire.next[0] - 15, 15), both(Types::UNKNOWN));
}

#[test]
fn lost_in_the_handshake_what_follows_is_data() {
    let turns = handshake13();
    let mut wire = Wire::default();
    wire.play(&turns[..1], &whole);
    wire.next[0] += 10;
    wire.records(Dst, &turns[1].1);
    assert_eq!(wire.connection.state(), State::Lost);
    let len = bytes(&[handshake23(281), handshake23(53)]).len();
    assert_eq!(wire.types(Dst, wire.next[1] - len as u32, len), both(DATA));
}

#[test]
fn four_gigabytes_on_one_connection() {
    let mut wire = established();
    let seq = wire.next[0];
    let body = vec![0; 16384];
    let record = record(23, &body, DATA).bytes;
    let many = record.repeat(31);
    let mut sent = 0_u64;
    while sent < (5 << 30) {
        wire.send(Src, &many);
        wire.ack(Dst, false);
        sent += many.len() as u64;
        let at = wire.next[0].wrapping_sub(9000);
        assert_eq!(wire.types(Src, at, 9000), both(DATA));
    }
    assert_eq!(wire.connection.state(), State::Established);
    let counters = wire.connection.counters(Src);
    assert_eq!(counters.bytes, sent + u64::from(seq - 1000));
    // What is to come is not taken for what was long ago.
    let next = wire.next[0];
    for ahead in [0, 1 << 20, 1 << 30, 1 << 31] {
        let seq = next.wrapping_add(ahead);
        assert_eq!(wire.types(Src, seq, 100), both(Types::UNKNOWN));
    }
}

#[test]
fn picked_up_mid_stream() {
    let mut wire = Wire {
        connection: Connection::picked_up(),
        ..Wire::default()
    };
    assert_eq!(wire.connection.state(), State::Lost);
    assert_eq!(wire.connection.reason(), Reason::MidStream);
    wire.records(Src, &[data(10)]);
    wire.records(Dst, &[data(20)]);
    assert_eq!(wire.types(Src, 1000, 15), both(Types::UNKNOWN));
    assert_eq!(wire.connection.counters(Dst).bytes, 25);
    wire.ack(Src, true);
    wire.ack(Dst, true);
    wire.ack(Src, false);
    assert_eq!(wire.connection.state(), State::Closed);
}

#[test]
fn tcp_fast_open() {
    let turns = handshake13();
    let hello = bytes(&turns[0].1);
    let mut wire = Wire {
        connection: Connection::opened_by_syn_data(1000),
        ..Wire::default()
    };
    let syn = Segment {
        ack: None,
        ..wire.segment(Src)
    };
    wire.take(&syn, &hello[..100]);
    assert_eq!(wire.connection.state(), State::Hello);
    assert_eq!(wire.types(Src, 1000, 100), both(HANDSHAKE));
    wire.next[0] += 100;
    // The SYN-ACK takes the data, or does not; another's numbers do not fit.
    assert!(wire.connection.starts_at(1100, 5000));
    assert!(wire.connection.starts_at(1000, 5000));
    wire.connection.answered(1100, 5000);
    assert!(!wire.connection.starts_at(1101, 5000));
    assert!(wire.connection.starts_at(1100, 5000));
    assert!(!wire.connection.starts_at(1100, 5001));
    wire.ack(Dst, false);
    wire.send(Src, &hello[100..]);
    wire.play(&turns[1..], &whole);
    wire.check([1000, 5000], &turns, "fast open");
    assert_eq!(wire.connection.state(), State::Established);
}

#[test]
fn more_runs_than_are_kept_read_unknown_not_wrong() {
    let mut wire = established();
    let seq = wire.next[0];
    let pairs: Vec<Record> = (0..20)
        .flat_map(|_| [record(24, &[1; 20], Types::HEARTBEAT), data(20)])
        .collect();
    wire.records(Src, &pairs);
    assert_eq!(wire.types(Src, seq, 25), both(Types::UNKNOWN));
    assert_eq!(wire.types(Src, wire.next[0] - 25, 25), both(DATA));
}

/// Which of two SYNs was answered is not known, even where the numbers of one fit: what follows is not followed.
#[test]
fn another_syn_than_the_one_with_data() {
    let hello = bytes(&handshake13()[0].1);
    let opened = |first: u32| {
        let mut wire = Wire {
            connection: Connection::opened_by_syn_data(first),
            ..Wire::default()
        };
        let syn = Segment {
            ack: None,
            ..wire.segment(Src)
        };
        wire.take(&syn, &hello[..100]);
        wire.next[0] += 100;
        wire
    };
    let mut again = opened(1000);
    assert!(again.connection.syn(1000), "the same once more");
    assert_eq!(again.connection.state(), State::Hello);

    let mut by_answer = opened(1000);
    by_answer.connection.answered(1050, 5000);
    let mut other = opened(1000);
    assert!(!other.connection.syn(1100));
    let mut before = opened(1000);
    before.connection = Connection::opened_by_another_syn(1000);
    for (name, mut wire) in [
        ("by the answer", by_answer),
        ("after", other),
        ("in front", before),
    ] {
        for src_first in [1000, 1100, 4711] {
            assert!(wire.connection.starts_at(src_first, 5000) || name == "by the answer");
        }
        wire.connection.answered(1100, 5000);
        assert_eq!(wire.connection.state(), State::Lost, "{name}");
        assert_eq!(wire.connection.reason(), Reason::MidStream);
        wire.send(Src, &hello[100..]);
        let seq = wire.next[0].wrapping_sub(50);
        assert_eq!(wire.types(Src, seq, 50), both(Types::UNKNOWN), "{name}");
        assert!(!wire.connection.starts_at(1100, 5001));
    }
}
