// SPDX-License-Identifier: GPL-2.0-only
//! The client's flight of TLS 1.3 behind the server's Finished: which of its records are handshake.

mod common;

use common::tls13::{established, *};
use common::*;
use tlsconn_tls::{Side::Dst, Side::Src};

#[test]
fn client_certificate() {
    for flight in [
        // Certificate, CertificateVerify, Finished.
        vec![handshake23(766), handshake23(281), handshake23(69)],
        // None to give.
        vec![handshake23(25), handshake23(69)],
        vec![handshake23(77)],
        // A certificate over several full records.
        vec![
            handshake23(529),
            handshake23(529),
            handshake23(100),
            handshake23(281),
            handshake23(69),
        ],
    ] {
        let mut answer = vec![ccs()];
        answer.extend(flight);
        answer.push(data(69));
        established(&[
            (Src, vec![client_hello()]),
            (Dst, asking_flight(SHA384_SUITE)),
            (Src, answer),
            (Dst, vec![data(69), data(1000)]),
        ]);
    }
}

#[test]
fn client_certificate_of_java() {
    // Every record has 16 octets of padding.
    for flight in [
        vec![handshake23(468), handshake23(113), handshake23(85)],
        vec![handshake23(41), handshake23(85)],
        // Where the server's flight does not tell that it has not asked for one.
        vec![handshake23(85)],
    ] {
        let mut answer = vec![ccs()];
        answer.extend(flight);
        answer.extend([data(85), data(133)]);
        established(&[
            (Src, vec![client_hello()]),
            (Dst, asking_flight(SHA384_SUITE)),
            (Src, answer),
            (Dst, vec![data(69), data(1000)]),
        ]);
    }
    // Java offers no early data: behind that only a Finished that is not padded is one.
    established(&[
        (Src, vec![early_client_hello()]),
        (Dst, asking_flight(SHA384_SUITE)),
        (Src, vec![ccs(), handshake23(85), handshake23(69), data(69)]),
    ]);
    // The rest of a Certificate that is as long is no Finished.
    let answer = [529, 85, 281, 69].map(handshake23);
    established(&[
        (Src, vec![client_hello()]),
        (Dst, asking_flight(SHA384_SUITE)),
        (Src, answer.into_iter().chain([data(69)]).collect()),
    ]);
}

#[test]
fn whole_flight_in_one_record_each() {
    let wire = established(&[
        (Src, vec![client_hello()]),
        (Dst, vec![server_hello(SHA256_SUITE), handshake23(1133)]),
        (Src, vec![handshake23(1095)]),
        (Dst, vec![data(82)]),
        (Src, vec![data(1095), data(53)]),
    ]);
    assert_eq!(wire.handshake.identity.version, Some(0x0304));
}

#[test]
fn data_behind_a_flight_in_one_record_passes_once() {
    // It may be a CertificateVerify; a third record is none.
    established(&[
        (Src, vec![client_hello()]),
        (Dst, vec![server_hello(SHA256_SUITE), handshake23(1133)]),
        (
            Src,
            vec![handshake23(1095), handshake23(400), data(400), data(53)],
        ),
    ]);
    // Nor is one that is too short.
    established(&[
        (Src, vec![client_hello()]),
        (Dst, vec![server_hello(SHA256_SUITE), handshake23(1133)]),
        (Src, vec![handshake23(1095), data(88), data(400)]),
    ]);
}

#[test]
fn padded_finished() {
    established(&[
        (Src, vec![client_hello()]),
        (Dst, full_flight(SHA384_SUITE)),
        (Src, vec![ccs(), handshake23(528), data(528), data(69)]),
        (Dst, vec![data(300)]),
    ]);
}

#[test]
fn client_flight_has_a_budget() {
    let mut wire = Wire::default();
    wire.config.client_flight_budget = 2000;
    let first = wire.next;
    let turns = [
        (Src, vec![client_hello()]),
        (Dst, asking_flight(SHA256_SUITE)),
        (Src, vec![handshake23(1500), data(500), data(53)]),
    ];
    wire.play(&turns, &whole);
    wire.check(first, &turns, "budget");
}

#[test]
fn tickets_behind_a_flight_without_a_certificate_asked_for() {
    let mut flight = full_flight(SHA384_SUITE);
    flight.extend([handshake23(268), handshake23(268)]);
    established(&[
        (Src, vec![client_hello()]),
        (Dst, flight),
        // Padded: its place tells, not its length.
        (Src, vec![ccs(), handshake23(528), data(528), data(69)]),
        (Dst, vec![data(300)]),
    ]);
}

#[test]
fn a_fourth_record_of_finished_length_need_not_be_the_finished() {
    // EncryptedExtensions, CertificateRequest, Certificate in two records, CertificateVerify, Finished.
    let lens = [23, 31, 529, 53, 281, 53];
    let mut flight = vec![server_hello(SHA256_SUITE), ccs()];
    flight.extend(lens.map(handshake23));
    let answer = [766, 281, 53].map(handshake23);
    established(&[
        (Src, vec![client_hello()]),
        (Dst, flight),
        (Src, [&answer[..], &[data(528), data(53)]].concat()),
        (Dst, vec![data(300)]),
    ]);
}

#[test]
fn records_whose_limit_counts_the_header_in() {
    // 507 octets of content in each of a Certificate's: 512 with a record's header.
    let answer = [524, 524, 100, 281, 69].map(handshake23);
    established(&[
        (Src, vec![client_hello()]),
        (Dst, asking_flight(SHA384_SUITE)),
        (Src, [&answer[..], &[data(524), data(69)]].concat()),
        (Dst, vec![data(300)]),
    ]);
    // Not full: the second record can only be a CertificateVerify, and a third is none.
    let answer = [handshake23(523), handshake23(523), data(523), data(69)];
    established(&[
        (Src, vec![client_hello()]),
        (Dst, asking_flight(SHA384_SUITE)),
        (Src, answer.to_vec()),
    ]);
}
