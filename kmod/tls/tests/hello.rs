// SPDX-License-Identifier: GPL-2.0-only
//! Hellos: fields, what may be missing, and what no endpoint would take.

use crate::common::*;
use tlsconn_tls::{Identity, Reason, Side::Dst, Side::Src, State};

/// What a ClientHello record does to a new connection.
fn offered(body: &[u8]) -> (State, Reason, Identity) {
    let mut wire = Wire::default();
    wire.records(Src, &[plain(&message(1, body))]);
    (
        wire.connection.state(),
        wire.connection.reason(),
        wire.handshake.identity,
    )
}

#[test]
fn fields_are_set_as_a_whole() {
    let bytes = Hello::client13().as_client().bytes;
    let (most, last) = bytes.split_at(bytes.len() - 1);
    let mut wire = Wire::default();
    wire.send(Src, most);
    assert_eq!(wire.connection.state(), State::Hello);
    assert_eq!(wire.handshake.identity, Identity::default());
    wire.send(Src, last);
    assert_eq!(wire.handshake.identity.client_random, Some(CLIENT_RANDOM));
    assert_eq!(wire.handshake.identity.hello_retry, None);
    assert!(!wire.handshake.identity.confirmed);
}

#[test]
fn no_extensions() {
    let hello = Hello {
        session_id: vec![],
        ..Hello::client()
    };
    let (state, _, identity) = offered(&hello.client_body());
    assert_eq!(state, State::Hello);
    assert_eq!(identity.sni, None);
    assert_eq!(identity.offered, Some(0x0303));
    assert_eq!(identity.session_id.unwrap().as_slice(), b"");
    assert_eq!(
        (identity.early_data, identity.ech),
        (Some(false), Some(false))
    );
}

#[test]
fn messages_over_records_of_one_byte() {
    let message = message(1, &Hello::client13().client_body());
    let records: Vec<Record> = message.chunks(1).map(plain).collect();
    let mut wire = Wire::default();
    wire.records(Src, &records);
    assert_eq!(
        wire.handshake.identity.sni.unwrap().as_slice(),
        b"www.example.org"
    );
}

#[test]
fn any_minor_version_in_the_first_header() {
    let mut record = Hello::client13().as_client();
    record.bytes[2] = 0x63;
    let mut wire = Wire::default();
    wire.records(Src, std::slice::from_ref(&record));
    assert_eq!(wire.connection.state(), State::Hello);
    wire.records(Src, &[record]);
    assert_eq!(wire.connection.reason(), Reason::BadHeader);
}

#[test]
fn names_as_they_come() {
    for name in [&[0xff, 0, b'.'][..], &[b'x'; 255]] {
        let (state, _, identity) = offered(&Hello::client().sni(name).client_body());
        assert_eq!(state, State::Hello);
        assert_eq!(identity.sni.unwrap().as_slice(), name);
    }
    let hello = Hello::client().with(0xfe0d, &[0; 40]);
    assert_eq!(offered(&hello.client_body()).2.ech, Some(true));
}

#[test]
fn malformed_client_hellos() {
    let client = Hello::client;
    let mut longer = client().client_body();
    longer.push(0);
    let mut cut = client().client_body();
    cut.pop();
    let long_id = Hello {
        session_id: vec![1; 33],
        ..client()
    };
    for (why, body) in [
        ("trailing byte", longer),
        ("a byte short", cut),
        ("session id of 33", long_id.client_body()),
        ("name of 256", client().sni(&[b'x'; 256]).client_body()),
        ("empty name", client().sni(b"").client_body()),
        ("two names", client().sni(b"a").sni(b"b").client_body()),
        (
            "list that is too short",
            client().with(0, &[0, 3, 0, 0, 1, b'a']).client_body(),
        ),
        ("no list", client().with(0, &[]).client_body()),
        (
            "empty protocol",
            client().with(16, &[0, 1, 0]).client_body(),
        ),
        (
            "protocol beyond its list",
            client().with(16, &[0, 2, 5, b'h']).client_body(),
        ),
        ("half a version", client().with(43, &[1, 3]).client_body()),
    ] {
        let (state, reason, identity) = offered(&body);
        assert_eq!(
            (state, reason),
            (State::Tainted, Reason::Malformed),
            "{why}"
        );
        assert_eq!(identity, Identity::default(), "{why}");
    }
}

#[test]
fn every_length_field_over_its_range() {
    let body = Hello::client13().client_body();
    // Whatever stands in whichever byte: an identity of the whole hello, or none.
    for place in 0..body.len() {
        for value in 0..=255 {
            let mut body = body.clone();
            body[place] = value;
            let (state, _, identity) = offered(&body);
            assert_eq!(identity.client.is_some(), state == State::Hello);
        }
    }
}

#[test]
fn second_hellos() {
    let hello = Hello::client13().as_client();
    for from in [Src, Dst] {
        let mut wire = Wire::default();
        wire.records(Src, std::slice::from_ref(&hello));
        wire.records(from, std::slice::from_ref(&hello));
        assert_eq!(wire.connection.state(), State::Tainted);
        assert_eq!(wire.connection.reason(), Reason::SecondHello);
    }
    let retry = Hello::retry(SHA256_SUITE).as_server();
    let other_random = Hello {
        random: [9; 32],
        ..Hello::client13()
    };
    let mut other_name = Hello::client13();
    other_name
        .extensions
        .retain(|(extension, _)| *extension != 0);
    for second in [
        other_random,
        other_name.sni(b"www.example.net"),
        Hello::client13().with(42, &[]),
    ] {
        let mut wire = Wire::default();
        wire.records(Src, std::slice::from_ref(&hello));
        wire.records(Dst, std::slice::from_ref(&retry));
        wire.records(Src, &[second.as_client()]);
        assert_eq!(wire.connection.reason(), Reason::SecondHello);
        assert_eq!(
            wire.handshake.identity.sni.unwrap().as_slice(),
            b"www.example.org"
        );
    }
    // No more than one HelloRetryRequest.
    let mut wire = Wire::default();
    wire.records(Src, std::slice::from_ref(&hello));
    wire.records(Dst, std::slice::from_ref(&retry));
    wire.records(Src, &[hello]);
    assert_eq!(wire.connection.state(), State::Hello);
    wire.records(Dst, &[retry]);
    assert_eq!(wire.connection.reason(), Reason::Malformed);
}

#[test]
fn confirmed_by_acknowledgement_and_echo() {
    let hello = Hello::client13().as_client();
    let server = Hello::server13(SHA256_SUITE);
    let other_id = Hello {
        session_id: vec![3; 32],
        ..server.clone()
    };
    // An answer that does not acknowledge the hello, and one that echoes another session id.
    for (answer, short, confirmed) in [
        (&server, 0, true),
        (&server, 1, false),
        (&other_id, 0, false),
    ] {
        let mut wire = Wire::default();
        wire.records(Src, std::slice::from_ref(&hello));
        wire.next[0] -= short;
        wire.records(Dst, &[answer.as_server()]);
        assert_eq!(wire.connection.state(), State::Handshake);
        assert_eq!(wire.handshake.identity.confirmed, confirmed);
        wire.next[0] += short;
        wire.ack(Dst, false);
        assert_eq!(wire.handshake.identity.confirmed, confirmed || short > 0);
    }
}
