// SPDX-License-Identifier: GPL-2.0-only
//! Directions that are given up during the handshake: what the other side's bytes make of the connection then, wherever
//! the handshake is kept.

use crate::common::places::Both;
use crate::common::tls12::{full, resumed, server12, TICKET};
use crate::common::*;
use proptest::prelude::*;
use tlsconn_tls::{Connection, Reason, Segment, Side, Side::Dst, Side::Src, State, Types};

/// Bytes that pass unseen, and whose acknowledgement is seen.
fn miss(both: &mut Both, from: Side, len: usize) {
    both.wire.next[from as usize] += len as u32;
    let ack = both.wire.segment(from.other());
    both.take(&ack, &[]);
}

fn is(connection: &Connection, state: State, reason: Reason, why: &str) {
    assert_eq!(connection.state(), state, "{why}");
    assert_eq!(connection.reason(), reason, "{why}");
}

fn retried() -> Vec<Turn> {
    let mut turns = handshake13();
    let hello = turns[0].clone();
    let retry = Hello::retry(SHA256_SUITE).as_server();
    turns.splice(..1, [hello.clone(), (Dst, vec![retry, ccs()]), hello]);
    turns
}

/// Handshakes of all kinds, and data after them.
fn handshakes() -> [Vec<Turn>; 4] {
    let mut handshakes = [
        full(Hello::client(), server12()),
        resumed(Hello::client().with(TICKET, &[7; 90]), server12()),
        handshake13(),
        retried(),
    ];
    for turns in &mut handshakes {
        turns.push((Dst, vec![data(139), data(300)]));
        turns.push((Src, vec![data(50), data(17), data(2000)]));
    }
    handshakes
}

#[test]
fn no_tls_after_a_hole_before_all() {
    for (lost, bytes) in [
        (Src, &b"HTTP/1.1 200 OK\r\n"[..]),
        (Dst, b"GET / HTTP/1.0\r\n"),
        (Src, &[0, 47, 0x80, 0x12]),
        // TLS begins with no other record than these two.
        (Src, &[23, 3, 3, 0, 40]),
        (Src, &[22, 3, 3, 0, 0]),
    ] {
        for step in [1, 2, 100] {
            let mut both = Both::default();
            miss(&mut both, lost, 30);
            is(&both.other, State::Lost, Reason::Hole, "nothing yet");
            for piece in bytes.chunks(step) {
                both.send(lost.other(), piece);
            }
            is(&both.other, State::NotTls, Reason::NotTls, "no TLS");
        }
    }
}

#[test]
fn tls_after_a_hole_before_all() {
    for turns in handshakes() {
        for step in [1, 7, 58, 400, 20_000] {
            let mut both = Both::default();
            miss(&mut both, Src, bytes(&turns[0].1).len());
            for (from, records) in &turns[1..] {
                for piece in bytes(records).chunks(step) {
                    both.send(*from, piece);
                    is(&both.other, State::Lost, Reason::Hole, "a flight");
                }
            }
        }
    }
}

#[test]
fn an_alert_after_a_hole_before_all_closes() {
    for step in [1, 7] {
        let mut both = Both::default();
        miss(&mut both, Src, 200);
        for piece in record(21, &[2, 40], ALERT).bytes.chunks(step) {
            both.send(Dst, piece);
        }
        is(&both.other, State::Closed, Reason::Hole, "a fatal alert");
    }
}

#[test]
fn a_hello_is_read_where_the_answer_is_missing() {
    let mut both = Both::default();
    miss(&mut both, Dst, 50);
    both.send(Src, &Hello::client13().as_client().bytes);
    let identity = &both.place.0.as_ref().expect("a hello was read").identity;
    assert_eq!(identity.client, Some(Src));
    assert!(identity.client_random.is_some());
    is(&both.other, State::Lost, Reason::Hole, "a hello");
    both.send(Src, &bytes(&[ccs(), data(40)]));
    let seq = both.wire.next[0] - 45;
    assert_eq!(both.wire.types(Src, seq, 45), crate::common::both(DATA));
}

#[test]
fn a_client_hello_given_up_half_way() {
    let hello = Hello::client13().as_client().bytes;
    let sslv2 = [
        &[0x80, 28, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 5][..],
        &[9; 16],
    ]
    .concat();
    for hello in [hello, sslv2] {
        for turns in handshakes() {
            for seen in 1..hello.len() {
                let mut given_up = Both::default();
                given_up.send(Src, &hello[..seen]);
                let mut acknowledged = given_up.clone();
                miss(&mut acknowledged, Src, hello.len() - seen);
                given_up.give_up(Src);
                given_up.wire.next[0] += (hello.len() - seen) as u32;
                for mut both in [given_up, acknowledged] {
                    for (from, records) in &turns[1..] {
                        both.send(*from, &bytes(records));
                        let why = format!("{seen} bytes seen");
                        is(&both.other, State::Lost, Reason::Hole, &why);
                    }
                }
            }
        }
    }
}

#[test]
fn a_retry_with_a_hole() {
    let turns = retried();
    for missing in 1..=2 {
        for seen in 0..bytes(&turns[missing].1).len() {
            let mut both = Both::default();
            for (number, (from, records)) in turns.iter().enumerate() {
                let bytes = bytes(records);
                if number == missing {
                    both.send(*from, &bytes[..seen]);
                    miss(&mut both, *from, bytes.len() - seen);
                } else {
                    both.send(*from, &bytes);
                }
            }
            is(&both.other, State::Lost, Reason::Hole, "a retry");
        }
    }
}

#[test]
fn who_sent_change_cipher_spec_first_is_not_known() {
    let turns = resumed(Hello::client().with(TICKET, &[7; 90]), server12());
    let hello = server12().as_server().bytes;
    for seen in [hello.len(), hello.len() + 3] {
        let mut both = Both::default();
        both.send(Src, &bytes(&turns[0].1));
        let flight = bytes(&turns[1].1);
        both.send(Dst, &flight[..seen]);
        miss(&mut both, Dst, flight.len() - seen);
        both.send(Src, &bytes(&turns[2].1));
        let identity = both.wire.handshake.identity;
        assert!(identity.server_random.is_some());
        assert_eq!(identity.resumed, None);
    }
}

#[test]
fn what_is_encrypted_after_an_answer_that_is_missing_is_not_read() {
    let mut both = Both::default();
    both.send(Src, &Hello::client().as_client().bytes);
    miss(&mut both, Dst, 1000);
    let finished = record(22, &message(1, &[0; 36]), HANDSHAKE);
    let alert = record(21, &[2, 0, 9, 9, 9, 9, 9, 9], ALERT);
    both.send(Src, &bytes(&[ccs(), finished, data(40), alert]));
    is(&both.other, State::Lost, Reason::Hole, "an alert");
    let seq = both.wire.next[0] - 13;
    let alert = both.wire.types(Src, seq, 13).content;
    assert_eq!(alert, ALERT, "it is followed on");
}

#[test]
fn what_is_not_acknowledged_may_come_again_as_something_else() {
    let hello = Hello::client13().as_client().bytes;
    let half = hello.len() / 2;
    for acknowledged in [0, half] {
        let mut both = Both::default();
        let again = both.wire.segment(Src);
        both.send(Src, &hello[..half]);
        both.send(Src, &hello[half..]);
        both.wire.next[0] -= (hello.len() - acknowledged) as u32;
        let ack = both.wire.segment(Dst);
        both.take(&ack, &[]);
        let types = |both: &Both, seq: u32, len: usize| both.wire.types(Src, seq, len).content;
        assert_eq!(types(&both, again.seq, hello.len()), HANDSHAKE);
        both.give_up(Src);
        // The acknowledgement may have been lost on its way from here.
        if acknowledged > 0 {
            assert_eq!(types(&both, again.seq, acknowledged), HANDSHAKE);
        }
        let seq = again.seq + acknowledged as u32;
        let other = vec![b'x'; hello.len() - acknowledged];
        both.take(&Segment { seq, ..again }, &other);
        assert_eq!(types(&both, seq, other.len()), Types::UNKNOWN);
        assert_eq!(types(&both, seq, 1), Types::UNKNOWN);
    }
}

/// The type of each byte of a server's stream, after a ClientHello of which so much was seen.
fn read(hello: &[u8], stream: &[u8], step: usize) -> Vec<Types> {
    let mut both = Both::default();
    both.send(Src, hello);
    miss(&mut both, Src, 200);
    for piece in stream.chunks(step) {
        both.send(Dst, piece);
    }
    is(&both.other, State::Lost, Reason::Hole, "a stream");
    (0..stream.len() as u32)
        .map(|at| both.other.types(Dst, 5000 + at, 1).content)
        .collect()
}

#[test]
fn how_it_is_cut_does_not_matter_to_what_is_lost() {
    // What shows it is a record's first byte, or has a message before it in the same record; a chain of headers
    // is after it.
    let hello = server12().as_server();
    let request = [message(0, &[]), message(2, &server12().server_body())].concat();
    let chain = bytes(&vec![data(90); 9]);
    let begun = &Hello::client().as_client().bytes[..60];
    for (seen, first) in [(&[][..], hello), (begun, plain(&request))] {
        let stream = [first.bytes, chain.clone()].concat();
        let whole = read(seen, &stream, stream.len());
        assert!(whole.contains(&DATA));
        for step in 1..200 {
            assert_eq!(read(seen, &stream, step), whole, "cut every {step}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn holes_anywhere(
        which in 0..4_usize,
        step in prop_oneof![1..10_usize, 1..1449_usize],
        missing in proptest::collection::vec(any::<prop::sample::Index>(), 1..4),
        acknowledged in any::<bool>(),
    ) {
        let turns = &handshakes()[which];
        let pieces: Vec<(Side, Vec<u8>)> = turns
            .iter()
            .flat_map(|(from, records)| {
                let bytes = bytes(records);
                let pieces = bytes.chunks(step).map(|piece| (*from, piece.to_vec()));
                pieces.collect::<Vec<_>>()
            })
            .collect();
        let missing: Vec<usize> = missing.iter().map(|it| it.index(pieces.len())).collect();
        let mut both = Both::default();
        for (number, (from, piece)) in pieces.iter().enumerate() {
            if !missing.contains(&number) {
                both.send(*from, piece);
            } else if acknowledged {
                miss(&mut both, *from, piece.len());
            } else {
                both.give_up(*from);
                both.wire.next[*from as usize] += piece.len() as u32;
            }
        }
        prop_assert_eq!(both.other.state(), State::Lost);
        prop_assert_eq!(both.other.reason(), Reason::Hole);
        // The second handshake is the one that is resumed.
        let resumed = both.wire.handshake.identity.resumed;
        prop_assert!(resumed.is_none_or(|resumed| resumed == (which == 1)));
        // Whatever is missing, data is never read as something that is let through.
        let mut next = [1000_u32, 5000];
        for (from, records) in turns {
            for record in records {
                let seq = next[*from as usize];
                let len = record.bytes.len() as u32;
                next[*from as usize] += len;
                let content = both.other.types(*from, seq, len).content;
                let held = Types::UNKNOWN.union(DATA);
                prop_assert!(record.content != DATA || held.contains(content), "{content:?} at {seq}");
            }
        }
    }
}
