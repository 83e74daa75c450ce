// SPDX-License-Identifier: GPL-2.0-only
//! The connection whose session another one continues, up to TLS 1.2.

use crate::common::{tls12::*, *};
use tlsconn_tls::{Handshake, Reason, Side::Src, State};

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
    // The first test vector of SipHash: key 0 to 15, bytes 0 to 14, the 0 in front standing for an id.
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
    // An id of the same bytes is no ticket.
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
