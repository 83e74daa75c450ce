// SPDX-License-Identifier: GPL-2.0-only

//! Connections on which another protocol stands before TLS: they are not followed, and the reason says which it is.

use super::{
    of_segments, single,
    wire::{connection, spoken, Segment},
};
use crate::model::{Reason, State};

/// Who speaks, and what.
type Talk = Vec<(bool, Vec<u8>)>;

/// Conversations up to the ClientHello, which the client's end sends.
fn conversations() -> Vec<(Reason, Talk)> {
    let talk = |talk: &[(bool, &[u8])]| -> Talk {
        let turns = talk.iter();
        turns
            .map(|(by_client, said)| (*by_client, said.to_vec()))
            .collect()
    };
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\0\x50\x01\xbb";
    let mysql = [&[32, 0, 0, 1][..], &[0; 32]].concat();
    let ldap = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16\x31.3.6.1.4.1.1466.20037";
    vec![
        (
            Reason::PrefaceProxyV1,
            talk(&[(true, b"PROXY TCP4 10.0.0.1 10.0.0.2 80 443\r\n")]),
        ),
        (Reason::PrefaceProxyV2, talk(&[(true, v2)])),
        (
            Reason::PrefaceHttpConnect,
            talk(&[
                (
                    true,
                    b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
                ),
                (false, b"HTTP/1.1 200 Connection established\r\n\r\n"),
            ]),
        ),
        (
            Reason::PrefaceSocks4,
            talk(&[
                (true, b"\x04\x01\x01\xbb\x0a\0\0\x02\0"),
                (false, b"\0\x5a\0\0\0\0\0\0"),
            ]),
        ),
        (
            Reason::PrefaceSocks5,
            talk(&[
                (true, b"\x05\x01\0"),
                (false, b"\x05\0"),
                (true, b"\x05\x01\0\x01\x0a\0\0\x02\x01\xbb"),
                (false, b"\x05\0\0\x01\0\0\0\0\0\0"),
            ]),
        ),
        // SMTP, IMAP, POP3, FTP, XMPP, LDAP.
        (
            Reason::PrefaceStarttls,
            talk(&[
                (false, b"220 mail.example ESMTP\r\n"),
                (true, b"EHLO a.example\r\n"),
                (false, b"250-mail.example\r\n250-STARTTLS\r\n250 SIZE\r\n"),
                (true, b"STARTTLS\r\n"),
                (false, b"220 Go ahead\r\n"),
            ]),
        ),
        (
            Reason::PrefaceStarttls,
            talk(&[
                (false, b"* OK IMAP4rev1\r\n"),
                (true, b"a1 CAPABILITY\r\n"),
                (
                    false,
                    b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK\r\n",
                ),
                (true, b"a2 STARTTLS\r\n"),
                (false, b"a2 OK Begin TLS negotiation now\r\n"),
            ]),
        ),
        (
            Reason::PrefaceStarttls,
            talk(&[
                (false, b"+OK\r\n"),
                (true, b"STLS\r\n"),
                (false, b"+OK Begin TLS\r\n"),
            ]),
        ),
        (
            Reason::PrefaceStarttls,
            talk(&[
                (false, b"220 ftp\r\n"),
                (true, b"AUTH TLS\r\n"),
                (false, b"234 Go on\r\n"),
            ]),
        ),
        (
            Reason::PrefaceStarttls,
            talk(&[
                (true, b"<stream:stream to='a.example'>"),
                (false, b"<stream:features><session/></stream:features>"),
                (true, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
                (false, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            ]),
        ),
        (
            Reason::PrefaceStarttls,
            talk(&[
                (true, ldap),
                (false, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"),
            ]),
        ),
        // PostgreSQL, MySQL.
        (
            Reason::PrefaceSslRequest,
            talk(&[(true, b"\0\0\0\x08\x04\xd2\x16\x2f"), (false, b"S")]),
        ),
        (
            Reason::PrefaceSslRequest,
            talk(&[(false, b"\x4a\0\0\0\x0a8.0.36\0"), (true, &mysql)]),
        ),
    ]
}

/// The reason of the one connection, which is no TLS. `turned`: the responder sends the hello, and what comes before it.
#[track_caller]
fn reason(talk: &Talk, turned: bool) -> Option<Reason> {
    let talk = talk.iter();
    let talk = talk.map(|(by_client, said)| (*by_client != turned, said.clone()));
    let found = single(of_segments(&spoken(7, talk.collect())));
    assert_eq!((found.state, found.client), (State::NotTls, None));
    assert_eq!((found.client_random, found.sni), (None, None));
    found.reason
}

fn hello() -> (bool, Vec<u8>) {
    (true, connection(7)[2].payload.clone())
}

#[test]
fn each_is_named_whoever_sends_it() {
    for (expected, talk) in conversations() {
        let with_hello = [&talk[..], &[hello()]].concat();
        for turned in [false, true] {
            assert_eq!(reason(&with_hello, turned), Some(expected), "{talk:?}");
            // No hello, nothing that it stands before.
            assert_eq!(reason(&talk, turned), Some(Reason::NotTls), "{talk:?}");
        }
    }
}

/// Places of the packets without which the preface is not known.
fn deciding(talk: &Talk) -> Vec<usize> {
    let decides = |place: &usize| {
        let mut without = talk.clone();
        without[*place].1 = b"x".to_vec();
        without.push(hello());
        reason(&without, false) == Some(Reason::NotTls)
    };
    (0..talk.len()).filter(decides).collect()
}

#[test]
fn one_packet_decides() {
    for (_, talk) in conversations() {
        assert_eq!(deciding(&talk).len(), 1, "{talk:?}");
    }
}

#[test]
fn what_was_cut_is_not_guessed() {
    for (expected, talk) in conversations() {
        let place = deciding(&talk)[0];
        let (by_client, said) = &talk[place];
        let is_line = matches!(
            expected,
            Reason::PrefaceStarttls | Reason::PrefaceHttpConnect
        );
        for cut in 1..said.len() {
            let (start, rest) = said.split_at(cut);
            let halves = [start, rest].map(|half| (*by_client, half.to_vec()));
            let with_hello = [&talk[..place], &halves, &talk[place + 1..], &[hello()]].concat();
            let found = reason(&with_hello, false);
            // A line may be known without its end, or its start; it is never taken for something else.
            assert!(
                found == Some(Reason::NotTls) || is_line && found == Some(expected),
                "{cut}: {found:?}: {talk:?}"
            );
        }
    }
}

#[test]
fn a_hello_is_found_in_the_packet_of_a_proxys_header_only() {
    for (expected, talk) in conversations() {
        let [(by_client, said)] = &talk[..] else {
            continue;
        };
        let together = vec![(*by_client, [&said[..], &hello().1].concat())];
        assert_eq!(reason(&together, false), Some(expected));
    }
}

#[test]
fn segments_that_come_again_are_no_other_packets() {
    for (expected, talk) in conversations() {
        let mut segments = spoken(7, [&talk[..], &[hello()]].concat());
        // Behind SYN and SYN-ACK.
        let first: Segment = segments[2].clone();
        segments.insert(2, first);
        let found = single(of_segments(&segments));
        assert_eq!(found.reason, Some(expected), "{talk:?}");
    }
}
