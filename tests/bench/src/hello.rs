// SPDX-License-Identifier: GPL-2.0-only
//! TLS 1.3 handshakes, byte by byte as far as anybody on the way can read them, and records of data. Apart from the engine's
//! makers (kmod/tls/tests/common), as the same bytes have to come for every release whose figures are compared, and as the
//! load generator is built without the engine.

use crate::{choice::Choice, connection::Side};

/// What a side says before the other answers.
pub(crate) type Turn = (Side, Vec<u8>);

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// Octets that a record of TLS 1.3 adds to its content: the inner type and the tag.
const INNER: usize = 17;
/// A Finished with SHA-256, encrypted.
const FINISHED: usize = 53;

/// A handshake as OpenSSL and a browser have it: ClientHello with a hybrid key share, in two packets; certificate chain
/// of RSA keys.
pub(crate) fn handshake() -> Vec<Turn> {
    turns(&client_hello(1380), &server_hello(1124), &[23, 2500, 281])
}

/// A handshake with as few octets as one can have, for crowds.
pub(crate) fn small_handshake() -> Vec<Turn> {
    turns(&client_hello(36), &server_hello(36), &[23, 120, 96])
}

/// A record of application data with that many octets of content.
pub(crate) fn data(content: usize) -> Vec<u8> {
    encrypted(content + INNER)
}

fn turns(client: &[u8], server: &[u8], flight: &[usize]) -> Vec<Turn> {
    let mut answer = record(HANDSHAKE, &message(2, server));
    answer.extend(record(CHANGE_CIPHER_SPEC, &[1]));
    for &len in flight.iter().chain([&FINISHED]) {
        answer.extend(encrypted(len));
    }
    let mut last = record(CHANGE_CIPHER_SPEC, &[1]);
    last.extend(encrypted(FINISHED));
    vec![
        (Side::Client, record(HANDSHAKE, &message(1, client))),
        (Side::Server, answer),
        (Side::Client, last),
    ]
}

/// Octets without a pattern, as encryption makes them; the same at every run.
fn encrypted(len: usize) -> Vec<u8> {
    let mut choice = Choice::default();
    let body: Vec<u8> = (0..len).map(|_| choice.bits() as u8).collect();
    record(APPLICATION_DATA, &body)
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind, 3, 3];
    octets.extend(vector16(body));
    octets
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind, 0];
    octets.extend(vector16(body));
    octets
}

fn vector16(body: &[u8]) -> Vec<u8> {
    let mut octets = (body.len() as u16).to_be_bytes().to_vec();
    octets.extend(body);
    octets
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    let mut octets = number.to_be_bytes().to_vec();
    octets.extend(vector16(body));
    octets
}

/// Version, random and session id of a hello (RFC 8446 4.1.2).
fn start(random: u8) -> Vec<u8> {
    let mut octets = vec![3, 3];
    octets.extend([random; 32]);
    octets.push(32);
    octets.extend([0x1d; 32]);
    octets
}

fn client_hello(key_share: usize) -> Vec<u8> {
    let mut octets = start(0xc1);
    octets.extend(vector16(&[0x13, 1, 0x13, 2, 0x13, 3]));
    octets.extend([1, 0]);
    let name = b"server.example";
    let mut server_name = vec![0];
    server_name.extend(vector16(name));
    let extensions = [
        extension(0, &vector16(&server_name)),
        extension(16, &vector16(b"\x02h2\x08http/1.1")),
        extension(43, &[4, 3, 4, 3, 3]),
        extension(51, &vec![7; key_share]),
    ];
    octets.extend(vector16(&extensions.concat()));
    octets
}

fn server_hello(key_share: usize) -> Vec<u8> {
    let mut octets = start(0x5e);
    octets.extend([0x13, 1, 0]);
    let extensions = [extension(43, &[3, 4]), extension(51, &vec![7; key_share])];
    octets.extend(vector16(&extensions.concat()));
    octets
}
