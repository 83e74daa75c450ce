// SPDX-License-Identifier: GPL-2.0-only
//! TLS 1.0 to 1.2 and hellos in the framing of SSL 2.0.

use crate::common::{tls12::*, *};
use tlsconn_tls::{Reason, Resumption, Side::Dst, Side::Src, State};

#[test]
fn full_handshake() {
    let client = Hello::client().sni(b"old.example").with(TICKET, &[]);
    let wire = cut_every_way(&full(client, server12()));
    assert_eq!(wire.connection.state(), State::Established);
    let identity = wire.handshake.identity;
    assert_eq!(identity.version, Some(0x0303));
    assert_eq!(identity.cipher, Some(0xc02f));
    assert_eq!((identity.resumed, identity.resumption), (Some(false), None));
    assert_eq!(identity.alpn, None);
    assert!(identity.confirmed);
    let client = wire.connection.counters(Src);
    assert_eq!(client.records, [1, 0, 3, 1, 0]);
    assert_eq!(wire.connection.counters(Dst).records, [1, 0, 4, 1, 0]);
}

#[test]
fn every_version_to_1_2() {
    for version in [0x0300, 0x0301, 0x0302, 0x0303] {
        let server = Hello {
            version,
            ..server12()
        };
        let mut wire = Wire::default();
        wire.play(&full(Hello::client(), server), &whole);
        assert_eq!(wire.handshake.identity.version, Some(version));
        assert_eq!(wire.connection.state(), State::Established);
    }
}

#[test]
fn resumption_and_its_evidence() {
    let none = Hello {
        session_id: vec![],
        ..Hello::client()
    };
    let server_without = Hello {
        session_id: vec![],
        ..server12()
    };
    let another = Hello {
        session_id: vec![0x5a; 32],
        ..server12()
    };
    let ticket = |hello: Hello| hello.with(TICKET, &[5; 160]);
    for (client, server, evidence) in [
        (Hello::client(), server12(), Some(Resumption::SessionId)),
        (
            ticket(Hello::client()),
            server12(),
            Some(Resumption::Ticket),
        ),
        (
            ticket(none.clone()),
            server_without.clone(),
            Some(Resumption::Ticket),
        ),
        (
            Hello::client().with(TICKET, &[]),
            server12(),
            Some(Resumption::SessionId),
        ),
        (none, server_without.clone(), None),
        // Neither echoed: by what it is resumed does not show.
        (ticket(Hello::client()), another.clone(), None),
        (ticket(Hello::client()), server_without, None),
        (Hello::client(), another, None),
    ] {
        let mut wire = Wire::default();
        wire.play(&resumed(client, server), &whole);
        let identity = wire.handshake.identity;
        assert_eq!(identity.resumed, Some(true));
        assert_eq!(identity.resumption, evidence);
        assert_eq!(wire.connection.state(), State::Established);
    }
    cut_every_way(&resumed(Hello::client(), server12()));
}

#[test]
fn a_certificate_is_no_resumption() {
    let mut certificate = message(2, &server12().server_body());
    certificate.extend(message(11, &[0x30; 90]));
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client().as_client()]);
    wire.records(Dst, &[plain(&certificate)]);
    assert_eq!(wire.handshake.identity.resumed, Some(false));
    wire.records(Dst, &[ccs(), finished12()]);
    let identity = wire.handshake.identity;
    assert_eq!((identity.resumed, identity.resumption), (Some(false), None));
}

#[test]
fn the_client_first_is_no_resumption() {
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client().as_client()]);
    wire.records(Dst, &[server12().as_server()]);
    wire.records(Src, &[ccs(), finished12()]);
    assert_eq!(wire.handshake.identity.resumed, Some(false));
}

#[test]
fn established_needs_both_finished() {
    let turns = full(Hello::client(), server12());
    let mut wire = Wire::default();
    wire.play(&turns[..3], &whole);
    assert_eq!(wire.connection.state(), State::Handshake);
    let (_, last) = &turns[3];
    wire.records(Dst, &last[..2]);
    assert_eq!(wire.connection.state(), State::Handshake);
    wire.records(Dst, &last[2..]);
    assert_eq!(wire.connection.state(), State::Established);
}

#[test]
fn renegotiation_stays_handshake() {
    let mut wire = Wire::default();
    wire.play(&full(Hello::client(), server12()), &whole);
    let first = wire.next;
    let hidden_hello = record(22, &[1; 260], HANDSHAKE);
    let again = [
        (Src, vec![hidden_hello.clone()]),
        (Dst, vec![hidden_hello.clone(), hidden_hello]),
        (Src, vec![record(20, &[7; 40], CCS), finished12(), data(99)]),
    ];
    wire.play(&again, &whole);
    wire.check(first, &again, "renegotiation");
    assert_eq!(wire.connection.state(), State::Established);
    assert_eq!(wire.handshake.identity.client_random, Some(CLIENT_RANDOM));
}

#[test]
fn compatibility_ccs_before_server_hello_ends_nothing() {
    let mut turns = full(Hello::client(), server12());
    turns[0].1.push(ccs());
    let wire = cut_every_way(&turns);
    assert_eq!(wire.connection.state(), State::Established);
}

#[test]
fn alerts_that_can_be_read() {
    let hello = (Src, vec![Hello::client().as_client()]);
    for (alert, state) in [
        ([2, 40], State::Closed),
        ([1, 0], State::Closed),
        // unrecognized_name is a warning.
        ([1, 112], State::Hello),
    ] {
        let turns = [hello.clone(), (Dst, vec![record(21, &alert, ALERT)])];
        assert_eq!(cut_every_way(&turns).connection.state(), state);
    }
    // A byte a record, or more than one in a record, is not what an endpoint sends.
    for bad in [&[2][..], &[2, 40, 2], &[1, 112, 2, 40]] {
        let mut wire = Wire::default();
        wire.records(Src, &hello.1);
        wire.records(Dst, &[record(21, bad, ALERT)]);
        // Its first record contradicts nothing.
        assert_eq!(wire.connection.state(), State::NotTls, "{bad:?}");
        let mut wire = Wire::default();
        wire.records(Src, &hello.1);
        wire.records(Src, &[record(21, bad, ALERT)]);
        assert_eq!(wire.connection.reason(), Reason::BadHeader, "{bad:?}");
    }

    // An encrypted one says nothing.
    let mut wire = Wire::default();
    wire.play(&full(Hello::client(), server12()), &whole);
    wire.records(Dst, &[record(21, &[2, 40], ALERT)]);
    assert_eq!(wire.connection.state(), State::Established);
}

/// A ClientHello in the framing of SSL 2.0 that offers TLS 1.0 with a challenge of 16 bytes.
fn sslv2_hello() -> Record {
    let mut bytes = vec![0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16];
    bytes.extend([0, 0, 0x2f, 7, 0, 0xc0]);
    bytes.extend([0xca; 16]);
    Record {
        bytes,
        content: HANDSHAKE,
        wire: HANDSHAKE,
    }
}

#[test]
fn sslv2_client_hello() {
    let server = Hello {
        version: 0x0301,
        session_id: vec![],
        ..server12()
    };
    let mut turns = full(Hello::client(), server);
    turns[0].1 = vec![sslv2_hello()];
    let wire = cut_every_way(&turns);
    assert_eq!(wire.connection.state(), State::Established);
    let identity = wire.handshake.identity;
    let mut random = [0; 32];
    random[16..].fill(0xca);
    assert_eq!(identity.client_random, Some(random));
    assert_eq!(identity.offered, Some(0x0301));
    assert_eq!(identity.session_id.unwrap().as_slice(), b"");
    assert!(identity.confirmed);
}

#[test]
fn sslv2_client_hellos_that_nobody_takes() {
    // Lengths of cipher specs, session id and challenge, with as many bytes after them as they say.
    for (lengths, taken) in [
        ([6, 0, 16], true),
        ([3, 16, 32], true),
        ([0, 0, 16], false),
        ([4, 0, 16], false),
        ([6, 33, 16], false),
        ([6, 0, 15], false),
        ([6, 0, 33], false),
    ] {
        let [ciphers, id, challenge] = lengths;
        let total: u8 = lengths.iter().sum();
        let mut bytes = vec![0x80, 9 + total, 1, 3, 1, 0, ciphers, 0, id, 0, challenge];
        bytes.resize(bytes.len() + usize::from(total), 1);
        let mut wire = Wire::default();
        wire.send(Src, &bytes);
        let expected = match taken {
            true => (State::Hello, Reason::None),
            false => (State::Tainted, Reason::Malformed),
        };
        let connection = &wire.connection;
        let found = (connection.state(), connection.reason());
        assert_eq!(found, expected, "{lengths:?}");
        assert_eq!(wire.handshake.identity.client.is_some(), taken);
    }
}

#[test]
fn sslv2_client_hello_that_comes_again() {
    let hello = sslv2_hello().bytes;
    for cut in 1..hello.len() {
        let mut wire = Wire::default();
        let all = wire.segment(Src);
        wire.send(Src, &hello[..cut]);
        wire.send(Src, &hello[cut..]);
        wire.take(&all, &hello);
        assert_eq!(wire.connection.reason(), Reason::None, "{cut}");
        for at in 0..hello.len() {
            let mut other = hello.clone();
            other[at] ^= 1;
            let mut again = wire.clone();
            again.take(&all, &other);
            let reason = again.connection.reason();
            assert_eq!(reason, Reason::ResentDifferently, "{at} of {cut}");
        }
    }
}

/// An encrypted alert has 352 bytes at most, wherever the handshake is and however it comes.
#[test]
fn encrypted_alerts_of_any_length() {
    let mut encrypted = Wire::default();
    encrypted.records(Src, &[Hello::client().as_client()]);
    encrypted.records(Dst, &[server12().as_server()]);
    encrypted.records(Src, &[ccs()]);
    let mut established = Wire::default();
    established.play(&full(Hello::client(), server12()), &whole);
    for wire in [encrypted, established] {
        for (len, reason) in [
            (0, Reason::None),
            (352, Reason::None),
            (353, Reason::BadHeader),
            (500, Reason::BadHeader),
            (600, Reason::BadHeader),
        ] {
            let alert = record(21, &vec![0x55; len], ALERT).bytes;
            for step in [1, alert.len(), 2000] {
                let mut wire = wire.clone();
                for piece in alert.repeat(3).chunks(step) {
                    wire.send(Src, piece);
                }
                assert_eq!(wire.connection.reason(), reason, "{len} bytes by {step}");
            }
        }
    }
}
