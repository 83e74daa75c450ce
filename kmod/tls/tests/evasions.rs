// SPDX-License-Identifier: GPL-2.0-only
//! Streams made so that whoever looks on sees something else than the receiver.

use crate::common::reorder::Reorder;
use crate::common::*;
use tlsconn_tls::{Connection, Reason, Segment, Side::Dst, Side::Src, State, Types};

fn finished12() -> Record {
    record(22, &[0x16; 40], HANDSHAKE)
}

/// A connection of TLS 1.2 whose handshake is complete.
fn established12() -> Wire {
    let server = Hello {
        cipher: 0xc02f,
        ..Hello::server()
    };
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client().sni(b"first.example").as_client()]);
    wire.records(Dst, &[server.as_server(), ccs(), finished12()]);
    wire.records(Src, &[ccs(), finished12()]);
    wire.ack(Dst, false);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

/// The same for TLS 1.3.
fn established13() -> Wire {
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[&[hello, ccs()][..], &flight].concat());
    wire.records(Src, &[ccs(), handshake23(53)]);
    wire.ack(Dst, false);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

#[test]
fn what_is_before_data_does_not_hide_it() {
    let mut wire = established12();
    let seq = wire.next[0];
    wire.records(Src, &[record(21, &[9; 24], ALERT), finished12(), data(50)]);
    let len = wire.next[0] - seq;
    let types = wire.types(Src, seq, len as usize);
    assert_eq!(types, both(ALERT.union(HANDSHAKE).union(DATA)));
    assert_eq!(wire.types(Src, seq, 29), both(ALERT));
    assert_eq!(wire.types(Src, seq + 28, 2), both(ALERT.union(HANDSHAKE)));
}

#[test]
fn a_continuation_that_begins_like_a_record() {
    // Of a handshake record, with the byte of data in front; and of data, with that of an alert.
    for (wire_type, types) in [(22, HANDSHAKE), (23, DATA)] {
        let mut wire = established12();
        let bytes = record(
            wire_type,
            &[21, 3, 3, 0, 2, 23, 3, 3, 0, 9].repeat(20),
            types,
        )
        .bytes;
        let start = wire.next[0];
        for piece in bytes.chunks(5) {
            wire.send(Src, piece);
        }
        assert_eq!(wire.types(Src, start, bytes.len()), both(types));
        for at in (0..bytes.len()).step_by(5) {
            assert_eq!(wire.types(Src, start + at as u32, 5), both(types), "{at}");
        }
    }
}

#[test]
fn a_second_hello_at_any_time() {
    let hello = Hello::client().sni(b"second.example").as_client();
    // Encrypted up to TLS 1.2: it may be a renegotiation, and the identity stays.
    let mut wire = established12();
    wire.records(Src, std::slice::from_ref(&hello));
    assert_eq!(wire.connection.state(), State::Established);
    let name = wire.handshake.identity.sni.unwrap();
    assert_eq!(name.as_slice(), b"first.example");
    // In plain text after ServerHello, before and after the handshake.
    let mut wire = established13();
    wire.records(Src, std::slice::from_ref(&hello));
    assert_eq!(wire.connection.state(), State::Tainted);
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client().as_client()]);
    wire.records(Dst, &[Hello::server().as_server()]);
    wire.records(Src, std::slice::from_ref(&hello));
    assert_eq!(wire.connection.reason(), Reason::SecondHello);
    // In the same record as the first.
    let body = Hello::client().client_body();
    let twice = [message(1, &body), message(1, &body)].concat();
    let mut wire = Wire::default();
    wire.records(Src, &[plain(&twice)]);
    assert_eq!(wire.connection.reason(), Reason::SecondHello);
}

#[test]
fn a_server_that_goes_on_after_a_retry_without_a_hello() {
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[Hello::retry(SHA256_SUITE).as_server()]);
    wire.records(Dst, &[Hello::server13(SHA256_SUITE).as_server()]);
    assert_eq!(wire.connection.reason(), Reason::Malformed);
}

#[test]
fn alerts_after_encryption_close_nothing() {
    for alert in [[2, 40], [1, 0]] {
        let alert = [record(21, &alert, ALERT)];
        let mut wire = established12();
        wire.records(Dst, &alert);
        assert_eq!(wire.connection.state(), State::Established);
        assert_eq!(wire.types(Dst, wire.next[1] - 7, 7), both(ALERT));
        // In TLS 1.3 it is data on the wire, and no endpoint takes another (RFC 8446 5).
        let mut wire = established13();
        wire.records(Dst, &alert);
        assert_eq!(wire.connection.reason(), Reason::Malformed);
        assert_eq!(wire.types(Dst, wire.next[1] - 7, 7), both(Types::UNKNOWN));
    }
    // Between ServerHello and the end of the handshake one may be in plain text (RFC 8446 6).
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[Hello::server13(SHA256_SUITE).as_server()]);
    // user_canceled closes nothing; a level that says warning does not count in TLS 1.3.
    wire.records(Src, &[record(21, &[1, 90], ALERT)]);
    assert_eq!(wire.connection.state(), State::Handshake);
    wire.records(Src, &[record(21, &[1, 48], ALERT)]);
    assert_eq!(wire.connection.state(), State::Closed);
}

#[test]
fn what_comes_after_a_visible_alert_has_its_type() {
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[record(21, &[2, 40], ALERT)]);
    assert_eq!(wire.connection.state(), State::Closed);
    wire.records(Src, &[data(100)]);
    assert_eq!(wire.types(Src, wire.next[0] - 105, 105), both(DATA));
    assert_eq!(wire.connection.state(), State::Closed);
}

#[test]
fn heartbeats() {
    let mut wire = established12();
    let seq = wire.next[0];
    wire.records(Src, &[record(24, &[1; 60], Types::HEARTBEAT), data(9)]);
    assert_eq!(wire.types(Src, seq, 65), both(Types::HEARTBEAT));
    assert_eq!(wire.types(Src, seq + 65, 14), both(DATA));
    assert_eq!(wire.connection.counters(Src).records[4], 1);
    // In the handshake they are what they say; before it they are no TLS.
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client().as_client()]);
    wire.records(Src, &[record(24, &[1; 60], Types::HEARTBEAT)]);
    assert_eq!(
        wire.types(Src, wire.next[0] - 65, 65),
        both(Types::HEARTBEAT)
    );
    assert_eq!(wire.connection.state(), State::Hello);
    let mut wire = Wire::default();
    wire.records(Src, &[record(24, &[1; 60], Types::HEARTBEAT)]);
    assert_eq!(wire.connection.state(), State::NotTls);
}

#[test]
fn urgent_data_whichever_way_it_comes() {
    // With nothing but the flag, with bytes that were seen, and after a hole.
    for (ahead, bytes) in [(0, &b""[..]), (0_u32.wrapping_sub(10), b"0"), (500, b"!")] {
        let mut wire = established13();
        let segment = Segment {
            seq: wire.next[0].wrapping_add(ahead),
            urgent: true,
            ..wire.segment(Src)
        };
        wire.take(&segment, bytes);
        assert_eq!(wire.connection.reason(), Reason::Urgent);
        assert_eq!(wire.types(Dst, wire.next[1] - 9, 9), both(Types::UNKNOWN));
    }
}

#[test]
fn a_fake_header_that_the_receiver_discards() {
    // One that passes, of 16 KiB where there is such a record, whose place data then takes.
    for (mut wire, wire_type, len) in [
        (established12(), 22, 0x4000_u16),
        (established12(), 21, 352),
        (established12(), 20, 0x4000),
        (established13(), 24, 0x4000),
    ] {
        let segment = wire.segment(Src);
        let [high, low] = len.to_be_bytes();
        wire.take(&segment, &[wire_type, 3, 3, high, low]);
        let types = Types::of_wire(wire_type).unwrap();
        assert_eq!(wire.types(Src, segment.seq, 5), both(types));
        wire.take(&segment, &data(len.into()).bytes);
        assert_eq!(wire.connection.reason(), Reason::ResentDifferently);
        assert_eq!(wire.types(Src, segment.seq, 500), both(Types::UNKNOWN));
    }
    // There is no alert of that length.
    for established in [established12, established13] {
        let mut wire = established();
        wire.send(Src, &[21, 3, 3, 0x40, 0]);
        assert_eq!(wire.connection.state(), State::Tainted);
        assert_eq!(wire.types(Src, wire.next[0] - 5, 5), both(Types::UNKNOWN));
    }
}

#[test]
fn two_copies_after_a_hole() {
    let hello = Hello::client13().as_client().bytes;
    let mut other = hello.clone();
    other[90] ^= 0x20;
    let mut wire = Wire::default();
    let mut reorder = Reorder::default();
    let segment = |at: u32| Segment {
        seq: 1000 + at,
        ..Wire::default().segment(Src)
    };
    let Wire {
        connection,
        handshake,
        config,
        ..
    } = &mut wire;
    let mut take = |at: usize, bytes: &[u8]| {
        let segment = segment(at as u32);
        reorder.take(connection, handshake, config, &segment, bytes, 0);
        connection.reason()
    };
    assert_eq!(take(50, &hello[50..]), Reason::None);
    assert_eq!(take(50, &hello[50..]), Reason::None);
    assert_eq!(take(60, &other[60..]), Reason::None);
    assert_eq!(take(0, &hello[..50]), Reason::ResentDifferently);
}

#[test]
fn text_with_headers_in_it() {
    // Picked up in the middle: what says that it is handshake or an alert is not believed.
    let mut wire = Wire {
        connection: Connection::picked_up(),
        ..Wire::default()
    };
    let header = |wire: u8, len: u16| {
        let mut bytes = vec![wire, 3, 3];
        bytes.extend(len.to_be_bytes());
        bytes.extend(vec![b'x'; len.into()]);
        bytes
    };
    wire.send(Src, b"some text in front ");
    for _ in 0..5 {
        wire.send(Src, &header(22, 3000));
        wire.send(Src, &header(21, 3000));
    }
    let seq = wire.next[0];
    assert_eq!(wire.types(Src, seq - 25000, 25000), both(Types::UNKNOWN));
    wire.send(Src, &header(23, 100));
    assert_eq!(wire.types(Src, seq, 105), both(DATA));
    assert_eq!(wire.connection.state(), State::Lost);
}
