// SPDX-License-Identifier: GPL-2.0-only
//! Who is told of a ClientHello gets it as it stands in the stream, once, however it is cut.

use crate::common::*;
use crate::heard::Heard;
use crate::offer::{ja4, offers, Hash};
use proptest::{collection::vec, prelude::*, sample::Index};
use tlsconn_tls::Side::{Dst, Src};

fn said(heard: &Heard) -> Option<String> {
    let text = heard.ja4::<Hash>()?;
    Some(String::from_utf8(text.into()).expect("ASCII"))
}

#[test]
fn of_the_first_hello() {
    let hello = Hello::client13();
    let asked = Hello::client13().with(44, &[9; 20]).as_client().bytes;
    let (mut wire, heard) = (Wire::default(), Heard::default());
    heard.send(&mut wire, Src, &hello.as_client().bytes);
    heard.send(
        &mut wire,
        Dst,
        &Hello::retry(SHA256_SUITE).as_server().bytes,
    );
    for piece in asked.chunks(100) {
        heard.send(&mut wire, Src, piece);
    }
    let server = Hello::server13(SHA256_SUITE).as_server();
    heard.send(&mut wire, Dst, &server.bytes);
    assert_eq!(wire.handshake.identity.hello_retry, Some(true));
    let message = message(1, &hello.client_body());
    assert_eq!(said(&heard), ja4(&message));
    assert_eq!(heard.all(), message, "nothing else is told");
}

/// What the server says before the hello is complete is none of it.
#[test]
fn the_server_in_the_middle_of_it() {
    let message = message(1, &Hello::client13().client_body());
    for said_by_server in [&[0, 0, 0, 0][..], &[99, 0, 0, 5, 1, 2, 3, 4, 5]] {
        let (mut wire, heard) = (Wire::default(), Heard::default());
        let (one, other) = message.split_at(60);
        heard.send(&mut wire, Src, &record(22, one, HANDSHAKE).bytes);
        heard.send(&mut wire, Dst, &record(22, said_by_server, HANDSHAKE).bytes);
        heard.send(&mut wire, Src, &record(22, other, HANDSHAKE).bytes);
        assert_eq!(heard.all(), message, "{said_by_server:?}");
    }
}

/// There is no JA4 of a hello in the framing of SSL 2.0: nobody says what it would be.
#[test]
fn none_in_the_framing_of_sslv2() {
    let mut body = vec![1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f];
    body.extend([7; 16]);
    let bytes = [&[0x80, body.len() as u8], &body[..]].concat();
    let (mut wire, heard) = (Wire::default(), Heard::default());
    heard.send(&mut wire, Src, &bytes);
    assert!(wire.handshake.identity.client_random.is_some());
    assert_eq!((said(&heard), heard.all()), (None, vec![]));
}

proptest! {
    #[test]
    fn however_it_is_cut(
        offer in offers(),
        records in vec(1..600_usize, 1..6),
        small in any::<bool>(),
        segments in vec(any::<Index>(), 0..12),
    ) {
        let message = offer.message();
        prop_assert_eq!(ja4(&message), Some(offer.expected()));
        let mut rest = &message[..];
        let mut bytes = vec![];
        for len in records.into_iter().cycle() {
            let len = if small { len.min(40) } else { len };
            let (body, after) = rest.split_at(len.min(rest.len()));
            bytes.extend(plain(body).bytes);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let mut cuts: Vec<usize> = segments.iter().map(|at| at.index(bytes.len())).collect();
        cuts.sort_unstable();
        let (mut wire, heard) = (Wire::default(), Heard::default());
        let mut at = 0;
        for end in cuts.into_iter().chain([bytes.len()]) {
            heard.send(&mut wire, Src, &bytes[at..end]);
            at = end;
        }
        prop_assert!(wire.handshake.identity.client_random.is_some());
        prop_assert_eq!(said(&heard), Some(offer.expected()));
        prop_assert_eq!(heard.all(), message);
    }
}
