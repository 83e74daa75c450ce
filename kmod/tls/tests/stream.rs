// SPDX-License-Identifier: GPL-2.0-only
//! The TCP side: retransmissions, holes, wrapping numbers, FIN, and what taints.

mod common;

use common::*;
use tlsconn_tls::{
    Connection, Handshake, PacketTypes, Reason, Segment, Side::Dst, Side::Src, State, Types,
};

fn turns() -> Vec<Turn> {
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    vec![
        (Src, vec![Hello::client13().as_client()]),
        (Dst, [hello, ccs()].into_iter().chain(flight).collect()),
        (Src, vec![ccs(), handshake23(53)]),
    ]
}

/// A connection whose handshake is complete.
fn established() -> Wire {
    let mut wire = Wire::default();
    wire.play(&turns(), &whole);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

fn both(types: Types) -> PacketTypes {
    PacketTypes {
        content: types,
        wire: types,
    }
}

#[test]
fn size_of_what_the_packet_path_touches() {
    assert!(
        size_of::<Connection>() <= 232,
        "{}",
        size_of::<Connection>()
    );
    assert!(size_of::<Handshake>() <= 2624, "{}", size_of::<Handshake>());
}

#[test]
fn resent_octets_have_the_type_of_their_place() {
    let mut wire = established();
    let seq = wire.next[0];
    let records = [data(100), data(3000)];
    wire.records(Src, &records);
    let counters = wire.connection.counters(Src);
    let octets = octets(&records);
    // The same again, merged and cut anew, a keepalive, and handshake octets from the beginning.
    for (at, len) in [(0, 3110), (50, 500), (105, 5), (3109, 1)] {
        let segment = Segment {
            seq: seq + at as u32,
            ..wire.segment(Src)
        };
        wire.take(&segment, &octets[at..at + len]);
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
fn resent_octets_with_new_ones_behind() {
    let mut wire = established();
    let first = data(300).octets;
    let seq = wire.next[0];
    wire.send(Src, &first[..200]);
    wire.next[0] = seq + 100;
    let mut rest = first[100..].to_vec();
    rest.extend(data(40).octets);
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
    for (from, records) in turns() {
        once.records(from, &records);
        let segment = twice.segment(from);
        twice.records(from, &records);
        twice.take(&segment, &octets(&records));
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
    let octets = octets(&[data(500), data(500)]);
    let (first, second) = octets.split_at(300);
    let seq = wire.next[0];
    let behind = Segment {
        seq: seq + 300,
        ..wire.segment(Src)
    };
    wire.take(&behind, second);
    assert_eq!(
        wire.types(Src, behind.seq, second.len()),
        both(Types::UNKNOWN)
    );
    assert_eq!(wire.connection.state(), State::Established);
    wire.send(Src, first);
    assert_eq!(
        wire.types(Src, behind.seq, second.len()),
        both(Types::UNKNOWN)
    );
    wire.take(&behind, second);
    assert_eq!(wire.types(Src, seq, octets.len()), both(DATA));
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
    let turns = turns();
    let mut wire = Wire::default();
    wire.play(&turns[..1], &whole);
    wire.next[0] += 10;
    wire.records(Dst, &turns[1].1);
    assert_eq!(wire.connection.state(), State::Lost);
    let len = octets(&[handshake23(281), handshake23(53)]).len();
    assert_eq!(wire.types(Dst, wire.next[1] - len as u32, len), both(DATA));
}

#[test]
fn four_gigabytes_on_one_connection() {
    let mut wire = established();
    let seq = wire.next[0];
    let body = vec![0; 16384];
    let record = record(23, &body, DATA).octets;
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
fn closed_by_fins() {
    let mut wire = established();
    wire.ack(Src, true);
    wire.ack(Dst, false);
    assert_eq!(wire.connection.state(), State::Established);
    wire.records(Dst, &[data(10)]);
    wire.ack(Dst, true);
    assert!(!wire.connection.ended());
    wire.ack(Src, false);
    assert_eq!(wire.connection.state(), State::Closed);
    assert!(wire.connection.ended());
}

#[test]
fn payload_beyond_fin_taints() {
    let mut wire = established();
    let segment = Segment {
        fin: true,
        ..wire.segment(Src)
    };
    wire.take(&segment, &data(10).octets);
    assert_eq!(wire.connection.state(), State::Established);
    // The same again is no contradiction.
    wire.take(&segment, &data(10).octets);
    assert_eq!(wire.connection.state(), State::Established);
    wire.next[0] += 15;
    wire.records(Src, &[data(10)]);
    assert_eq!(wire.connection.state(), State::Tainted);
    assert_eq!(wire.connection.reason(), Reason::BeyondFin);
    assert_eq!(wire.types(Src, segment.seq, 15), both(Types::UNKNOWN));
    // It stays so, but what TCP does is still followed.
    wire.next[0] = segment.seq + 16;
    wire.ack(Dst, true);
    wire.ack(Src, false);
    assert_eq!(wire.connection.state(), State::Tainted);
    assert!(wire.connection.ended());
}

#[test]
fn urgent_data_taints() {
    let mut wire = established();
    let segment = Segment {
        urgent: true,
        ..wire.segment(Dst)
    };
    wire.take(&segment, b"!");
    assert_eq!(wire.connection.state(), State::Tainted);
    assert_eq!(wire.connection.reason(), Reason::Urgent);
    assert_eq!(wire.types(Dst, segment.seq, 1), both(Types::UNKNOWN));
}

#[test]
fn a_bad_header_behind_good_ones_taints() {
    for bad in [
        &[25, 3, 3, 0, 1][..],
        &[0x80, 30, 1, 3, 3],
        &[23, 2, 3, 0, 1],
        &[23, 3, 5, 0, 1],
        // One octet more than RFC 8446 5.2 allows, and a ChangeCipherSpec of two.
        &[23, 3, 3, 0x41, 1],
        &[20, 3, 3, 0, 2],
    ] {
        let mut wire = established();
        wire.records(Src, &[data(1)]);
        wire.send(Src, bad);
        assert_eq!(wire.connection.state(), State::Tainted, "{bad:?}");
        assert_eq!(wire.connection.reason(), Reason::BadHeader);
        wire.records(Dst, &[data(1)]);
        assert_eq!(wire.types(Dst, wire.next[1] - 6, 6), both(Types::UNKNOWN));
    }
    // The longest that is allowed.
    let mut wire = established();
    wire.records(Src, &[data(16640)]);
    assert_eq!(wire.connection.state(), State::Established);
    // TLS 1.3 has no handshake record behind ServerHello.
    wire.records(Src, &[plain(&message(1, &[0; 50]))]);
    assert_eq!(wire.connection.reason(), Reason::Malformed);
}

#[test]
fn not_tls() {
    for first in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_10.0\r\n",
        b"\x16\x02\x01\x00\x40",
        b"\x16\x03\x01\x50\x00",
        b"\x17\x03\x03\x00\x10",
        b"\x14\x03\x03\x00\x01\x01",
        // A record that is none of a ClientHello, and one of SSL 2.0 that is too short.
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x80\x2e\x02\x03\x01",
    ] {
        for split in 0..first.len() {
            let mut wire = Wire::default();
            wire.send(Src, &first[..split]);
            wire.send(Src, &first[split..]);
            assert_eq!(wire.connection.state(), State::NotTls, "{first:?}");
            assert_eq!(wire.connection.reason(), Reason::NotTls);
            assert_eq!(wire.types(Src, 1000, first.len()), both(Types::UNKNOWN));
            assert_eq!(wire.connection.counters(Src).bytes, first.len() as u64);
            wire.send(Dst, b"\x16\x03\x01");
            wire.connection.close();
            assert_eq!(wire.connection.state(), State::NotTls);
            assert!(wire.connection.ended());
        }
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
    let turns = turns();
    let hello = octets(&turns[0].1);
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
    assert!(!wire.connection.starts_at(1101, 5000));
    wire.connection.set_dst_first(5000);
    assert!(wire.connection.starts_at(1100, 5000));
    assert!(!wire.connection.starts_at(1100, 5001));
    wire.ack(Dst, false);
    wire.send(Src, &hello[100..]);
    wire.play(&turns[1..], &whole);
    wire.check([1000, 5000], &turns, "fast open");
    assert_eq!(wire.connection.state(), State::Established);
}

#[test]
fn close_follows_all_but_not_tls_and_taint() {
    let mut wire = Wire::default();
    assert_eq!(wire.connection.state(), State::New);
    wire.connection.close();
    assert_eq!(wire.connection.state(), State::Closed);
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
