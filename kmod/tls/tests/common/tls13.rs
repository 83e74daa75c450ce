// SPDX-License-Identifier: GPL-2.0-only
//! TLS 1.3 as most stacks write it.

use super::*;
use tlsconn_tls::State;

pub fn client_hello() -> Record {
    Hello::client13().as_client()
}

pub fn early_client_hello() -> Record {
    Hello::client13()
        .with(42, &[])
        .with(41, &[1; 80])
        .as_client()
}

pub fn server_hello(cipher: u16) -> Record {
    Hello::server13(cipher).as_server()
}

pub fn psk_server_hello(cipher: u16) -> Record {
    Hello::server13(cipher).with(41, &[0, 0]).as_server()
}

pub const SUITES: [u16; 5] = [
    SHA256_SUITE,
    SHA384_SUITE,
    CCM_8_SUITE,
    AEGIS_256_SUITE,
    MAGMA_SUITE,
];

pub fn finished(cipher: u16) -> usize {
    match cipher {
        SHA384_SUITE => 69,
        CCM_8_SUITE | MAGMA_SUITE => 45,
        AEGIS_256_SUITE => 85,
        _ => 53,
    }
}

/// Bytes by which encryption makes a record longer, without its content type.
pub fn tag(cipher: u16) -> usize {
    match cipher {
        CCM_8_SUITE | MAGMA_SUITE => 8,
        _ => 16,
    }
}

/// A Finished as mbedTLS writes it: what is encrypted is a multiple of 16 bytes.
pub fn mbedtls_finished(cipher: u16) -> usize {
    (finished(cipher) - tag(cipher)).next_multiple_of(16) + tag(cipher)
}

/// The server's flight of a full handshake without a certificate asked for.
pub fn full_flight(cipher: u16) -> Vec<Record> {
    let last = finished(cipher);
    let lens = [23, 795, 281, last];
    let flight = [server_hello(cipher), ccs()];
    flight.into_iter().chain(lens.map(handshake23)).collect()
}

/// One in which a certificate is asked for.
pub fn asking_flight(cipher: u16) -> Vec<Record> {
    let mut flight = full_flight(cipher);
    flight.insert(3, handshake23(62));
    flight
}

/// A client's answer with a certificate: records in doubt, and a Finished.
pub fn answer(lens: &[usize], finished: usize) -> Vec<Record> {
    let in_doubt = lens.iter().copied().map(doubt);
    in_doubt.chain([handshake23(finished)]).collect()
}

pub fn established(turns: &[Turn]) -> Wire {
    let wire = cut_every_way(turns);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}
