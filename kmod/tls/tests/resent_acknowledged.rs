// SPDX-License-Identifier: GPL-2.0-only
//! How long bytes have to come again as they were: until they are acknowledged, or the connection is over.

use crate::common::resent::*;
use crate::common::*;
use tlsconn_tls::{Reason, Segment, Side::Dst, Side::Src, State, Types};

#[test]
fn acknowledged_bytes_are_not_compared() {
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
    // A keepalive has an old byte, whichever.
    let mut wire = established13();
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
fn other_bytes_before_new_ones() {
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
    let stream = bytes(&[handshake23(16000), handshake23(16000), handshake23(16000)]);
    for (number, piece) in stream.chunks_exact(1000).enumerate() {
        let seq = wire.next[1];
        wire.send(Dst, piece);
        let after = wire.next[1];
        wire.next[1] = seq;
        wire.ack(Src, false);
        wire.next[1] = after;
        let again = Again {
            wire: wire.clone(),
            from: Dst,
            seq,
            bytes: piece.to_vec(),
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
    wire.take(&segment, &again.bytes);
    assert_eq!(wire.connection.state(), State::Tainted);
    assert_eq!(wire.types(Src, again.seq, 10).content, Types::UNKNOWN);
}

#[test]
fn numbers_that_wrap() {
    let mut wire = established13();
    let many = data(16379).bytes.repeat(32);
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
