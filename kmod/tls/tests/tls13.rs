// SPDX-License-Identifier: GPL-2.0-only
//! TLS 1.3 as stacks write it: the content type of every record, however the stream is cut.

use crate::common::tls13::{established, *};
use crate::common::*;
use tlsconn_tls::{PacketTypes, Resumption, Side::Dst, Side::Src, State, Types};

#[test]
fn full_handshake_of_every_suite() {
    for cipher in SUITES {
        let wire = established(&[
            (Src, vec![client_hello()]),
            (Dst, full_flight(cipher)),
            (Src, vec![ccs(), handshake23(finished(cipher))]),
            // As long as what may be in a certificate flight.
            (Src, vec![data(200), data(35)]),
            (Dst, vec![data(82), data(82), data(900)]),
            (Src, vec![data(19)]),
        ]);
        let identity = wire.handshake.identity;
        assert_eq!(identity.client, Some(Src));
        assert_eq!(identity.client_random, Some(CLIENT_RANDOM));
        assert_eq!(identity.server_random, Some(SERVER_RANDOM));
        assert_eq!(identity.sni.unwrap().as_slice(), b"www.example.org");
        assert_eq!(identity.alpn.unwrap().as_slice(), b"h2");
        assert_eq!(identity.offered, Some(0x0304));
        assert_eq!(identity.version, Some(0x0304));
        assert_eq!(identity.cipher, Some(cipher));
        assert_eq!(identity.hello_retry, Some(false));
        assert_eq!((identity.resumed, identity.resumption), (Some(false), None));
        assert!(identity.confirmed);
    }
}

#[test]
fn what_passes_in_doubt_is_counted() {
    for step in [1, 7, usize::MAX] {
        let mut wire = Wire::default();
        let mut passed = |from, records: &[Record]| {
            for piece in bytes(records).chunks(step) {
                wire.send(from, piece);
            }
            wire.handshake.take_in_doubt()
        };
        assert_eq!(passed(Src, &[client_hello()]), 0);
        // A flight that is one as far as can be known is not.
        assert_eq!(passed(Dst, &asking_flight(SHA256_SUITE)), 0);
        assert_eq!(passed(Dst, &[doubt(139), doubt(200)]), 144 + 205);
        assert_eq!(passed(Src, &[ccs(), doubt(766)]), 771);
        assert_eq!(passed(Dst, &[doubt(19)]), 24);
        assert_eq!(passed(Src, &[doubt(281), handshake23(53)]), 286);
        assert_eq!(passed(Src, &[data(100)]), 0);
        assert_eq!(passed(Dst, &[data(100)]), 0);
    }
}

#[test]
fn client_is_the_tcp_responder() {
    let wire = established(&[
        (Dst, vec![client_hello()]),
        (Src, full_flight(SHA256_SUITE)),
        (Dst, vec![ccs(), handshake23(53), data(100)]),
        (Src, vec![data(100)]),
    ]);
    assert_eq!(wire.handshake.identity.client, Some(Dst));
}

#[test]
fn resumed_by_psk() {
    let wire = established(&[
        (Src, vec![client_hello()]),
        (
            Dst,
            vec![
                psk_server_hello(SHA256_SUITE),
                ccs(),
                handshake23(23),
                handshake23(53),
                // A ticket right after Finished.
                doubt(139),
            ],
        ),
        (Src, vec![ccs(), handshake23(53), data(53)]),
        (Dst, vec![data(53)]),
    ]);
    let identity = wire.handshake.identity;
    assert_eq!(
        (identity.resumed, identity.resumption),
        (Some(true), Some(Resumption::Psk))
    );
}

#[test]
fn early_data_accepted() {
    let wire = established(&[
        (Src, vec![early_client_hello(), ccs(), data(200)]),
        (
            Dst,
            vec![
                psk_server_hello(SHA384_SUITE),
                ccs(),
                handshake23(27),
                handshake23(69),
            ],
        ),
        (
            Src,
            vec![data(500), handshake23(21), handshake23(69), data(69)],
        ),
        (Dst, vec![data(300)]),
    ]);
    assert_eq!(wire.handshake.identity.early_data, Some(true));
}

#[test]
fn early_data_refused() {
    let mut wire = Wire::default();
    let first = wire.next;
    let before = [
        (Src, vec![early_client_hello(), ccs(), data(200)]),
        (Dst, full_flight(SHA384_SUITE)),
    ];
    wire.play(&before, &whole);
    // Two packets that were under way: of Finished length, but they do not acknowledge the server's flight.
    let seen = wire.next[1];
    let on_the_way = [data(69), data(500)];
    wire.next[1] = seen - 80;
    wire.records(Src, &on_the_way);
    wire.next[1] = seen;
    wire.records(Src, &[handshake23(69), data(69)]);
    let [early, late] = on_the_way;
    let expected = [
        before[0].clone(),
        before[1].clone(),
        (Src, vec![early, late, handshake23(69), data(69)]),
    ];
    wire.check(first, &expected, "early data refused");
    assert_eq!(wire.connection.state(), State::Established);
}

#[test]
fn hello_retry_request() {
    let retry = Hello::retry(SHA256_SUITE).as_server();
    let mut second = Hello::client13();
    second.extensions.retain(|(extension, _)| *extension != 51);
    let wire = established(&[
        (Src, vec![client_hello()]),
        (Dst, vec![retry, ccs()]),
        (Src, vec![ccs(), second.with(51, &[8; 65]).as_client()]),
        (
            Dst,
            vec![
                server_hello(SHA256_SUITE),
                handshake23(45),
                handshake23(795),
                handshake23(281),
                handshake23(53),
            ],
        ),
        (Src, vec![handshake23(53), data(53)]),
        (Dst, vec![data(255)]),
    ]);
    let identity = wire.handshake.identity;
    assert_eq!(identity.hello_retry, Some(true));
    assert_eq!(identity.server_random, Some(SERVER_RANDOM));
    assert!(identity.confirmed);
}

#[test]
fn early_data_and_hello_retry_request() {
    let wire = established(&[
        (Src, vec![early_client_hello(), data(200)]),
        (Dst, vec![Hello::retry(SHA256_SUITE).as_server()]),
        (Src, vec![data(100), client_hello()]),
        (Dst, full_flight(SHA256_SUITE)),
        // The second hello offers no early data, so the first record is the Finished, padded here.
        (Src, vec![handshake23(528), data(53)]),
    ]);
    assert_eq!(wire.handshake.identity.early_data, Some(true));
}

#[test]
fn server_flight_has_a_budget() {
    // Certificates of 7 * 16401 bytes fit, an eighth does not.
    let mut flight = vec![server_hello(SHA256_SUITE), handshake23(23)];
    flight.extend(vec![handshake23(16401); 7]);
    flight.extend([data(16401), data(16401), data(53)]);
    let turns = [(Src, vec![client_hello()]), (Dst, flight)];
    let mut wire = Wire::default();
    let first = wire.next;
    wire.play(&turns, &whole);
    wire.check(first, &turns, "128 KiB");
    assert_eq!(wire.connection.state(), State::Handshake);

    // A first record of Finished length is none: the certificates after it are more than 8 KiB.
    let mut flight = vec![server_hello(SHA256_SUITE), handshake23(53)];
    flight.extend([handshake23(9000), handshake23(281), handshake23(53)]);
    let turns = [(Src, vec![client_hello()]), (Dst, flight)];
    let mut wire = Wire::default();
    wire.play(&turns, &whole);
    wire.check(first, &turns, "long EncryptedExtensions");

    // After Finished 8 KiB, whatever comes in between.
    let mut flight = full_flight(SHA256_SUITE);
    flight.extend([doubt(4000), doubt(4000), data(4000), data(82)]);
    let turns = [
        (Src, vec![client_hello()]),
        (Dst, flight),
        (Src, vec![handshake23(53)]),
        (Dst, vec![data(82)]),
    ];
    let mut wire = Wire::default();
    wire.play(&turns, &whole);
    wire.check(first, &turns, "8 KiB");
    assert_eq!(wire.connection.state(), State::Established);
}

#[test]
fn held_header_gets_its_type_once_it_is_complete() {
    let mut wire = Wire::default();
    let turns = [
        (Src, vec![client_hello()]),
        (Dst, full_flight(SHA256_SUITE)),
    ];
    wire.play(&turns, &whole);
    let last = bytes(&[ccs(), handshake23(53)]);
    let (ccs, last) = last.split_at(6);
    let before_it = wire.next[0];
    wire.send(Src, ccs);
    let seq = wire.next[0];
    wire.send(Src, &last[..4]);
    let half = PacketTypes {
        content: Types::UNKNOWN,
        wire: DATA,
    };
    for (from, len) in [(0, 4), (0, 1), (3, 1), (1, 2)] {
        assert_eq!(wire.types(Src, seq + from, len), half, "{len} from {from}");
    }
    // With what is before it, and what has not come.
    let with_ccs = both(Types::CHANGE_CIPHER_SPEC).union(half);
    assert_eq!(wire.types(Src, seq - 1, 3), with_ccs);
    assert_eq!(wire.types(Src, before_it, 10), with_ccs);
    assert_eq!(
        wire.types(Src, seq + 3, 2),
        half.union(both(Types::UNKNOWN))
    );
    assert_eq!(wire.types(Src, seq + 4, 1), both(Types::UNKNOWN));
    assert_eq!(
        wire.types(Src, before_it, 6),
        both(Types::CHANGE_CIPHER_SPEC)
    );
    wire.send(Src, &last[4..]);
    assert_eq!(wire.types(Src, seq, 4).content, HANDSHAKE);
    assert_eq!(wire.types(Src, seq, 4).wire, DATA);

    // From then on the first byte tells; and where no certificate can be asked for, of the Finished too.
    let seq = wire.next[0];
    wire.send(Src, &[23]);
    assert_eq!(wire.types(Src, seq, 1).content, DATA);
    let mut wire = Wire::default();
    let turns = [
        (Src, vec![client_hello()]),
        (
            Dst,
            vec![
                psk_server_hello(SHA256_SUITE),
                handshake23(23),
                handshake23(53),
            ],
        ),
    ];
    wire.play(&turns, &whole);
    let seq = wire.next[0];
    wire.send(Src, &[23]);
    assert_eq!(wire.types(Src, seq, 1).content, HANDSHAKE);
    // Not where early data was offered: a record may be data still.
    let mut early = Wire::default();
    early.play(
        &[(Src, vec![early_client_hello()]), turns[1].clone()],
        &whole,
    );
    let early_seq = early.next[0];
    early.send(Src, &[23]);
    assert_eq!(early.types(Src, early_seq, 1).content, Types::UNKNOWN);
    // However long it is.
    wire.send(Src, &bytes(&[handshake23(300)])[1..]);
    assert_eq!(wire.types(Src, seq, 305).content, HANDSHAKE);
    assert_eq!(wire.connection.state(), State::Established);
}
