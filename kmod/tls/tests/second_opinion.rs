// SPDX-License-Identifier: GPL-2.0-only
//! What tls-parser makes of the same hellos. Where it takes more than the engine does, the reason stands beside the
//! line; a difference that is not listed here fails.

use crate::common::*;
use proptest::prelude::*;
use tls_parser::{
    parse_tls_client_hello_extension, parse_tls_handshake_client_hello,
    parse_tls_handshake_msg_server_hello, TlsExtension, TlsMessageHandshake,
};
use tlsconn_tls::{Identity, Reason, Side::Dst, Side::Src};

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Fields {
    random: Vec<u8>,
    session_id: Vec<u8>,
    cipher: Option<u16>,
    name: Option<Vec<u8>>,
    protocol: Option<Vec<u8>>,
    version: u16,
    early_data: bool,
}

/// Extensions with their type and length in front; none if they do not fill the list.
fn extensions(mut list: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut found: Vec<(u16, &[u8])> = vec![];
    while !list.is_empty() {
        let (kind, rest) = list.split_first_chunk::<2>()?;
        let (len, _) = rest.split_first_chunk::<2>()?;
        let len = 4 + usize::from(u16::from_be_bytes(*len));
        let kind = u16::from_be_bytes(*kind);
        let (extension, rest) = list.split_at_checked(len)?;
        // "There MUST NOT be more than one extension of the same type" (RFC 8446 4.2), of those that are read.
        let read = matches!(kind, 0 | 16 | 33 | 35 | 41 | 42 | 43 | 0xfe0d);
        if read && found.iter().any(|(other, _)| *other == kind) {
            return None;
        }
        found.push((kind, extension));
        list = rest;
    }
    Some(found)
}

fn client(body: &[u8]) -> Option<Fields> {
    let (rest, hello) = parse_tls_handshake_client_hello(body).ok()?;
    // Nothing may stand after the extensions, and neither list may be empty (RFC 8446 4.1.2).
    if !rest.is_empty() || hello.ciphers.is_empty() || hello.comp.is_empty() {
        return None;
    }
    let mut fields = Fields {
        random: hello.random.to_vec(),
        session_id: hello.session_id.unwrap_or_default().to_vec(),
        version: hello.version.0,
        ..Fields::default()
    };
    for (kind, bytes) in extensions(hello.ext.unwrap_or_default())? {
        let list = &bytes[4..];
        // A list that does not fill its extension is not noticed by tls-parser.
        let fills = |len: &[u8]| {
            len.iter().fold(0, |sum, o| (sum << 8) | usize::from(*o)) + len.len() == list.len()
        };
        match kind {
            0 => {
                if list.len() < 3 || !fills(&list[..2]) {
                    return None;
                }
                // Only host_name is defined; what another type's entry looks like is not known (RFC 6066 3).
                if list[2] != 0 {
                    continue;
                }
                let (_, TlsExtension::SNI(names)) = parse_tls_client_hello_extension(bytes).ok()?
                else {
                    return None;
                };
                // One name that is not empty, and no more than DNS has bytes for.
                let [(_, name @ [_, ..])] = names[..] else {
                    return None;
                };
                if name.len() > 255 || name.len() + 5 != list.len() {
                    return None;
                }
                fields.name = Some(name.to_vec());
            }
            16 => {
                if list.len() < 2 || !fills(&list[..2]) {
                    return None;
                }
                let (_, TlsExtension::ALPN(names)) =
                    parse_tls_client_hello_extension(bytes).ok()?
                else {
                    return None;
                };
                // The first is not empty (RFC 7301 3.1); those after it are not read.
                let [name @ [_, ..], ..] = names[..] else {
                    return None;
                };
                fields.protocol = Some(name.to_vec());
            }
            43 => {
                // At least one version (RFC 8446 4.2.1); two bytes alone are taken for a server's by tls-parser.
                if list.len() < 3 || !fills(&list[..1]) || list[0] % 2 != 0 {
                    return None;
                }
                let (_, TlsExtension::SupportedVersions(versions)) =
                    parse_tls_client_hello_extension(bytes).ok()?
                else {
                    return None;
                };
                let known = versions.iter().map(|v| v.0);
                let highest = known.filter(|v| (0x0300..=0x0304).contains(v)).max();
                fields.version = highest.unwrap_or(fields.version);
            }
            42 => fields.early_data = true,
            _ => {}
        }
    }
    Some(fields)
}

fn server(body: &[u8]) -> Option<Fields> {
    let (rest, TlsMessageHandshake::ServerHello(hello)) =
        parse_tls_handshake_msg_server_hello(body).ok()?
    else {
        return None;
    };
    if !rest.is_empty() {
        return None;
    }
    let mut version = hello.version.0;
    for (kind, bytes) in extensions(hello.ext.unwrap_or_default())? {
        if kind == 43 {
            let [_, _, 0, 2, high, low] = bytes else {
                return None;
            };
            version = u16::from_be_bytes([*high, *low]);
        }
    }
    Some(Fields {
        random: hello.random.to_vec(),
        session_id: hello.session_id.unwrap_or_default().to_vec(),
        cipher: Some(hello.cipher.0),
        version,
        ..Fields::default()
    })
}

fn engine_on_client(body: &[u8]) -> Option<Fields> {
    let mut wire = Wire::default();
    wire.records(Src, &[plain(&message(1, body))]);
    let is: Identity = wire.handshake.identity;
    assert_eq!(
        is.client.is_some(),
        wire.connection.reason() == Reason::None
    );
    Some(Fields {
        random: is.client_random?.to_vec(),
        session_id: is.session_id?.as_slice().to_vec(),
        cipher: None,
        name: is.sni.map(|name| name.as_slice().to_vec()),
        protocol: is.alpn.map(|name| name.as_slice().to_vec()),
        version: is.offered?,
        early_data: is.early_data?,
    })
}

fn engine_on_server(body: &[u8]) -> Option<Fields> {
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[plain(&message(2, body))]);
    let is: Identity = wire.handshake.identity;
    Some(Fields {
        random: is.server_random?.to_vec(),
        session_id: is.server_session_id?.as_slice().to_vec(),
        cipher: is.cipher,
        version: is.version?,
        ..Fields::default()
    })
}

fn clients() -> Vec<Vec<u8>> {
    let short = Hello {
        session_id: vec![],
        ..Hello::client()
    };
    [
        short,
        Hello::client13(),
        Hello::client13()
            .with(42, &[])
            .with(35, &[5; 20])
            .with(41, &[1; 40]),
        Hello::client()
            .sni(b"a")
            .with(16, &vector16(b"\x01x"))
            .with(0xfe0d, &[0; 9]),
    ]
    .map(|hello| hello.client_body())
    .to_vec()
}

fn servers() -> Vec<Vec<u8>> {
    [
        Hello::server(),
        Hello::server13(SHA256_SUITE),
        Hello::server13(SHA384_SUITE)
            .with(33, &[])
            .with(41, &[0, 0]),
    ]
    .map(|hello| hello.server_body())
    .to_vec()
}

/// Bytes set to others, some cut off or some after.
fn mutations() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, usize, Vec<u8>)> {
    let small = prop_oneof![0..8_u8, any::<u8>()];
    (
        proptest::collection::vec((any::<prop::sample::Index>(), small), 0..4),
        prop_oneof![4 => Just(0_usize), 1 => 0..80_usize],
        prop_oneof![4 => Just(vec![]), 1 => proptest::collection::vec(any::<u8>(), 0..9)],
    )
}

fn mutated(
    mut body: Vec<u8>,
    from: usize,
    (bytes, cut, after): &(Vec<(prop::sample::Index, u8)>, usize, Vec<u8>),
) -> Vec<u8> {
    for (place, byte) in bytes {
        let place = from + place.index(body.len() - from);
        body[place] = *byte;
    }
    body.truncate(body.len() - cut.min(&(body.len() - from - 1)));
    body.extend(after);
    body
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn mutated_client_hellos(which in 0..4_usize, mutation in mutations()) {
        let body = mutated(clients()[which].clone(), 0, &mutation);
        prop_assert_eq!(engine_on_client(&body), client(&body));
    }

    #[test]
    fn mutated_server_hellos(which in 0..3_usize, mutation in mutations()) {
        // tls-parser knows no other versions than those of RFC 5246: the first two bytes stay.
        let body = mutated(servers()[which].clone(), 2, &mutation);
        prop_assert_eq!(engine_on_server(&body), server(&body));
    }
}

#[test]
fn every_byte_of_a_client_hello_over_its_range() {
    for body in [&clients()[0], &clients()[3]] {
        for place in 0..body.len() {
            for value in 0..=255 {
                let mut body = body.clone();
                body[place] = value;
                assert_eq!(engine_on_client(&body), client(&body), "{value} at {place}");
            }
        }
    }
}
