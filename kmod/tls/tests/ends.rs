// SPDX-License-Identifier: GPL-2.0-only
//! What ends a connection, what taints it, and what is not TLS.

use crate::common::*;
use tlsconn_tls::{Reason, Segment, Side::Dst, Side::Src, State, Types};

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
fn a_bad_header_after_good_ones_taints() {
    for bad in [
        &[25, 3, 3, 0, 1][..],
        &[0x80, 30, 1, 3, 3],
        &[23, 2, 3, 0, 1],
        &[23, 3, 5, 0, 1],
        // One byte more than RFC 8446 5.2 allows.
        &[23, 3, 3, 0x41, 1],
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
    // TLS 1.3 has no handshake record after ServerHello, nor a ChangeCipherSpec or an alert in plain text after a
    // Finished, whatever their lengths.
    for bad in [
        &[22, 3, 3, 0, 50][..],
        &[20, 3, 3, 0, 1],
        &[20, 3, 3, 0, 2],
        &[21, 3, 3, 0, 2],
        &[21, 3, 3, 0, 3],
    ] {
        for from in [Src, Dst] {
            let mut wire = wire.clone();
            wire.send(from, bad);
            assert_eq!(wire.connection.reason(), Reason::Malformed, "{bad:?}");
        }
    }
}

#[test]
fn lengths_that_no_record_has_at_that_point() {
    let hello = || {
        let mut wire = Wire::default();
        wire.records(Src, &[Hello::client13().as_client()]);
        wire
    };
    let answered = || {
        let mut wire = hello();
        wire.records(Dst, &[Hello::server13(SHA256_SUITE).as_server()]);
        wire
    };
    let established12 = || {
        let mut wire = Wire::default();
        wire.play(&tls12::full(Hello::client(), tls12::server12()), &whole);
        wire
    };
    let tried = |mut wire: Wire, kind: u8, len: u16| {
        let [high, low] = len.to_be_bytes();
        wire.send(Src, &[kind, 3, 3, high, low]);
        wire.connection.reason()
    };
    let bad = Reason::BadHeader;
    for (kind, len, expected) in [
        // Neither empty nor longer than what is not encrypted (RFC 8446 5.1).
        (22, 0, bad),
        // An alert that can be read has two bytes (RFC 8446 6).
        (21, 0, bad),
        (21, 1, bad),
        (21, 2, Reason::None),
        (21, 3, bad),
        (21, 4, bad),
        (22, 16385, bad),
        (22, 16384, Reason::None),
        (20, 0, bad),
        (20, 2, bad),
        // Early data is encrypted, as TLS 1.3 does (RFC 8446 5.2).
        (23, 16641, bad),
        (23, 16640, Reason::None),
    ] {
        assert_eq!(tried(hello(), kind, len), expected, "hello: {kind} {len}");
    }
    for (kind, len, expected) in [
        (20, 0, bad),
        (20, 2, bad),
        (20, 1, Reason::None),
        (21, 0, bad),
        (21, 1, bad),
        (21, 2, Reason::None),
        (21, 3, bad),
        (23, 16641, bad),
        (23, 16640, Reason::None),
        (22, 1, Reason::Malformed),
    ] {
        assert_eq!(tried(answered(), kind, len), expected, "1.3: {kind} {len}");
    }
    for (kind, len, expected) in [
        (23, 18433, bad),
        (23, 18432, Reason::None),
        (22, 18433, bad),
        (22, 18432, Reason::None),
        // Encrypted for a renegotiation.
        (20, 17, Reason::None),
        // An IV, a MAC and padding are all that there may be besides an alert.
        (21, 2, Reason::None),
        (21, 352, Reason::None),
        (21, 353, bad),
        (21, 18432, bad),
    ] {
        let wire = established12();
        assert_eq!(wire.connection.state(), State::Established);
        assert_eq!(tried(wire, kind, len), expected, "1.2: {kind} {len}");
    }
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
fn payload_beyond_fin_taints() {
    let mut wire = established();
    let segment = Segment {
        fin: true,
        ..wire.segment(Src)
    };
    wire.take(&segment, &data(10).bytes);
    assert_eq!(wire.connection.state(), State::Established);
    // The same again is no contradiction.
    wire.take(&segment, &data(10).bytes);
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
fn a_fin_before_payload_that_has_come_taints() {
    for (back, len) in [(1, 0), (15, 0), (15, 14)] {
        let mut wire = established();
        let record = data(10).bytes;
        wire.send(Src, &record);
        let segment = Segment {
            seq: wire.next[0] - back,
            fin: true,
            ..wire.segment(Src)
        };
        wire.take(&segment, &record[..len]);
        assert_eq!(wire.connection.reason(), Reason::BeyondFin, "{back} {len}");
    }
    // A FIN after a hole, which then fills.
    let mut wire = established();
    let segment = wire.segment(Src);
    let fin = Segment {
        seq: segment.seq + 15,
        fin: true,
        ..segment
    };
    wire.take(&fin, &[]);
    wire.take(&segment, &data(10).bytes);
    assert_eq!(wire.connection.reason(), Reason::None);
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
fn close_follows_all_but_not_tls_and_taint() {
    let mut wire = Wire::default();
    assert_eq!(wire.connection.state(), State::New);
    wire.connection.close();
    assert_eq!(wire.connection.state(), State::Closed);
}

#[test]
fn a_fin_that_the_receiver_drops_as_old_neither_ends_nor_taints() {
    let mut wire = established();
    for (side, other) in [(Src, Dst), (Dst, Src)] {
        wire.records(side, &[data(100)]);
        wire.ack(other, false);
    }
    for side in [Src, Dst] {
        for back in [2, 100, 1 << 20, 1 << 30] {
            let plain = wire.segment(side);
            let old = Segment {
                seq: plain.seq.wrapping_sub(back),
                fin: true,
                ..plain
            };
            wire.take(&old, b"");
        }
    }
    assert_eq!(wire.connection.state(), State::Established);
    assert!(!wire.connection.ended());
    // What is acknowledged to the last byte may be the end.
    for (side, other) in [(Src, Dst), (Dst, Src)] {
        wire.ack(side, true);
        wire.ack(other, false);
    }
    assert!(wire.connection.ended());
}
