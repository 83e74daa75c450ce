// SPDX-License-Identifier: GPL-2.0-only
//! What is packed of an identity comes out as it went in.

use crate::common::*;
use tlsconn_tls::{pack, unpack, Bytes, Handshake, Identity, Resumption, Sessions, Side};

fn bytes<const N: usize>(len: usize, fill: u8) -> Option<Bytes<N>> {
    let mut bytes = Bytes::new();
    (0..len).for_each(|_| assert!(bytes.push(fill)));
    Some(bytes)
}

fn packed(handshake: &Handshake) -> Vec<u8> {
    let mut bytes = vec![0; pack(handshake, &mut [])];
    assert_eq!(pack(handshake, &mut bytes), bytes.len());
    bytes
}

fn assert_same(handshake: &Handshake) {
    let bytes = packed(handshake);
    let (identity, sessions) = unpack(&bytes);
    assert_eq!(identity, handshake.identity.as_ref());
    let continues = handshake.continues();
    let issued = handshake.issued();
    assert_eq!(sessions, Sessions { continues, issued });
    // Cut anywhere, it is not all known, and nothing worse.
    for len in 0..bytes.len() {
        let (identity, _) = unpack(&bytes[..len]);
        assert!(identity.sni.is_none_or(|sni| sni.len() <= len));
    }
}

#[test]
fn nothing_known() {
    assert_same(&Handshake::new());
    assert_eq!(packed(&Handshake::new()).len(), 4);
}

#[test]
fn each_field_for_itself() {
    let with = |set: fn(&mut Identity)| {
        let mut handshake = Handshake::new();
        set(&mut handshake.identity);
        assert_same(&handshake);
    };
    with(|identity| identity.client = Some(Side::Src));
    with(|identity| identity.client = Some(Side::Dst));
    with(|identity| identity.client_random = Some([7; 32]));
    with(|identity| identity.server_random = Some([8; 32]));
    with(|identity| identity.session_id = bytes(0, 0));
    with(|identity| identity.session_id = bytes(32, 1));
    with(|identity| identity.server_session_id = bytes(32, 1));
    with(|identity| identity.sni = bytes(255, b'a'));
    with(|identity| identity.alpn = bytes(255, b'b'));
    with(|identity| identity.offered = Some(0x0304));
    with(|identity| identity.version = Some(0x0303));
    with(|identity| identity.cipher = Some(0x1301));
    with(|identity| identity.early_data = Some(true));
    with(|identity| identity.early_data = Some(false));
    with(|identity| identity.ech = Some(true));
    with(|identity| identity.hello_retry = Some(true));
    with(|identity| identity.resumed = Some(false));
    with(|identity| identity.resumed = Some(true));
    with(|identity| identity.resumption = Some(Resumption::SessionId));
    with(|identity| identity.resumption = Some(Resumption::Ticket));
    with(|identity| identity.resumption = Some(Resumption::Psk));
    with(|identity| identity.confirmed = true);
}

#[test]
fn all_that_there_can_be() {
    let mut handshake = Handshake::new();
    handshake.identity = Identity {
        client: Some(Side::Src),
        client_random: Some([1; 32]),
        server_random: Some([2; 32]),
        session_id: bytes(32, 3),
        server_session_id: bytes(32, 4),
        sni: bytes(255, b's'),
        alpn: bytes(255, b'a'),
        offered: Some(0x0304),
        version: Some(0x0303),
        cipher: Some(0xc02f),
        early_data: Some(true),
        ech: Some(true),
        hello_retry: Some(false),
        resumed: Some(false),
        resumption: None,
        confirmed: true,
    };
    assert_same(&handshake);
    assert!(packed(&handshake).len() <= 696);
}

#[test]
fn a_usual_one_is_small() {
    let mut wire = Wire::default();
    wire.records(Side::Src, &[Hello::client13().as_client()]);
    wire.records(Side::Dst, &[Hello::server13(SHA256_SUITE).as_server()]);
    wire.ack(Side::Dst, false);
    assert!(wire.handshake.identity.confirmed);
    assert_same(&wire.handshake);
    let len = packed(&wire.handshake).len();
    assert!(len <= 192, "{len}");
}
