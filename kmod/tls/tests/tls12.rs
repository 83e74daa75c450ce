// SPDX-License-Identifier: GPL-2.0-only
//! TLS 1.0 to 1.2 and hellos in the framing of SSL 2.0.

mod common;

use common::*;
use tlsconn_tls::{Handshake, Reason, Resumption, Side::Dst, Side::Src, State};

const TICKET: u16 = 35;

fn finished12() -> Record {
    record(22, &[0x16; 40], HANDSHAKE)
}

fn full(client: Hello, server: Hello) -> Vec<Turn> {
    let mut messages = message(2, &server.server_body());
    messages.extend(message(11, &[0x30; 900]));
    messages.extend(message(12, &[1; 300]));
    messages.extend(message(14, &[]));
    // Messages share records and are split over them, each way.
    let (first, second) = messages.split_at(700);
    vec![
        (Src, vec![client.as_client()]),
        (Dst, vec![plain(first), plain(second)]),
        (
            Src,
            vec![plain(&message(16, &[4; 66])), ccs(), finished12()],
        ),
        (
            Dst,
            vec![plain(&message(4, &[9; 180])), ccs(), finished12()],
        ),
        (Src, vec![data(120)]),
        (Dst, vec![data(1000)]),
    ]
}

fn resumed(client: Hello, server: Hello) -> Vec<Turn> {
    vec![
        (Src, vec![client.as_client()]),
        (Dst, vec![server.as_server(), ccs(), finished12()]),
        (Src, vec![ccs(), finished12(), data(100)]),
        (Dst, vec![data(100)]),
    ]
}

fn server12() -> Hello {
    Hello {
        cipher: 0xc02f,
        ..Hello::server()
    }
}

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
        (none, server_without, None),
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
    // An octet a record.
    let mut wire = Wire::default();
    wire.records(Src, &hello.1);
    wire.records(Dst, &[record(21, &[2], ALERT), record(21, &[40], ALERT)]);
    assert_eq!(wire.connection.state(), State::Closed);

    // An encrypted one says nothing.
    let mut wire = Wire::default();
    wire.play(&full(Hello::client(), server12()), &whole);
    wire.records(Dst, &[record(21, &[2, 40], ALERT)]);
    assert_eq!(wire.connection.state(), State::Established);
}

/// A ClientHello in the framing of SSL 2.0 that offers TLS 1.0 with a challenge of 16 octets.
fn sslv2_hello() -> Record {
    let mut octets = vec![0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16];
    octets.extend([0, 0, 0x2f, 7, 0, 0xc0]);
    octets.extend([0xca; 16]);
    Record {
        octets,
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

fn played(secret: [u64; 2], turns: &[Turn]) -> Wire {
    let mut wire = Wire {
        handshake: Handshake::keyed(secret),
        ..Wire::default()
    };
    wire.play(turns, &whole);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

/// A full handshake in which the server issues a ticket.
fn issuing(ticket: &[u8], server: Hello) -> Vec<Turn> {
    let mut turns = full(Hello::client().with(TICKET, &[]), server);
    let mut body = vec![0, 0, 1, 2];
    body.extend(vector16(ticket));
    turns[3].1[0] = plain(&message(4, &body));
    turns
}

#[test]
fn a_session_continued_by_its_id() {
    let server = Hello {
        session_id: (1..15).collect(),
        ..server12()
    };
    let secret = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
    let mut turns = full(Hello::client(), server.clone());
    turns[3].1.remove(0);
    let first = played(secret, &turns);
    // The first test vector of SipHash: key 0 to 15, octets 0 to 14, the 0 in front standing for an id.
    let digest = Some(0xa129_ca61_49be_45e5);
    assert_eq!(first.handshake.issued(), [digest, None]);
    assert_eq!(first.handshake.continues(), None);
    let client = Hello {
        session_id: server.session_id.clone(),
        ..Hello::client()
    };
    let second = played(secret, &resumed(client.clone(), server.clone()));
    assert_eq!(second.handshake.continues(), digest);
    assert_eq!(second.handshake.issued(), [None, None]);
    // Whoever does not know the secret gets another digest.
    let third = played([0, 1], &resumed(client, server));
    assert_ne!(third.handshake.continues(), digest);
}

#[test]
fn a_session_continued_by_its_ticket() {
    let none = Hello {
        session_id: vec![],
        ..server12()
    };
    let ticket: Vec<u8> = (0..=255).collect();
    let first = cut_every_way(&issuing(&ticket, none.clone()));
    let [None, Some(digest)] = first.handshake.issued() else {
        panic!("{:?}", first.handshake.issued());
    };
    let client = |ticket: &[u8]| Hello::client().with(TICKET, ticket);
    let second = played([0, 0], &resumed(client(&ticket), server12()));
    assert_eq!(second.handshake.continues(), Some(digest));
    // The id is the client's own, and only echoed.
    assert_eq!(second.handshake.issued(), [None, None]);
    let other = played([0, 0], &resumed(client(&ticket[1..]), server12()));
    assert!(other
        .handshake
        .continues()
        .is_some_and(|other| other != digest));
    // A ticket that was offered and not taken continues nothing.
    let refused = played([0, 0], &full(client(&ticket), server12()));
    assert_eq!(refused.handshake.continues(), None);
    // An id of the same octets is no ticket.
    let id = Hello {
        session_id: ticket[..32].to_vec(),
        ..server12()
    };
    let by_both = played([0, 0], &issuing(&ticket[..32], id));
    let [Some(id), Some(ticket)] = by_both.handshake.issued() else {
        panic!("{:?}", by_both.handshake.issued());
    };
    assert_ne!(id, ticket);
}

#[test]
fn tickets_that_are_none() {
    // Empty, and of another length than it says: the message is of no interest.
    for body in [&[0, 0, 1, 2, 0, 0][..], &[0, 0, 1, 2, 0, 3, 7], &[0, 0, 1]] {
        let mut turns = issuing(b"", server12());
        turns[3].1[0] = plain(&message(4, body));
        let wire = played([0, 0], &turns);
        assert_eq!(wire.handshake.issued()[1], None);
    }
    // From the client.
    let mut wire = Wire::default();
    wire.play(&full(Hello::client(), server12())[..2], &whole);
    wire.records(Src, &[plain(&message(4, &[0, 0, 0, 1, 0, 1, 5]))]);
    assert_eq!(wire.connection.reason(), Reason::Malformed);
}
