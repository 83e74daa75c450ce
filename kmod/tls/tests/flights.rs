// SPDX-License-Identifier: GPL-2.0-only
//! The client's flight of TLS 1.3 after the server's Finished: which of its records are handshake, and which in doubt.

use crate::common::tls13::{established, *};
use crate::common::*;
use tlsconn_tls::{Config, Side::Dst, Side::Src, State};

/// What a client answers where a certificate is asked for, with data of both sides after it.
fn answered(cipher: u16, answer: &[Record]) -> Vec<Turn> {
    let last = finished(cipher);
    vec![
        (Src, vec![client_hello()]),
        (Dst, asking_flight(cipher)),
        (Src, [&[ccs()], answer].concat()),
        (Dst, vec![data(last), data(1000)]),
        (Src, vec![data(last)]),
    ]
}

/// It ends the handshake, however it is cut; and so it does with data of these lengths right after it.
fn ends(cipher: u16, answer: &[Record], after: &[usize]) {
    established(&answered(cipher, answer));
    let after: Vec<Record> = after.iter().copied().map(data).collect();
    established(&answered(cipher, &[answer, &after].concat()));
}

#[test]
fn client_certificate() {
    for flight in [
        // Certificate, CertificateVerify, Finished.
        answer(&[766, 281], 69),
        // None to give.
        answer(&[25], 69),
        answer(&[], 77),
        // A certificate over several full records.
        answer(&[529, 529, 100, 281], 69),
    ] {
        ends(SHA384_SUITE, &flight, &[69]);
    }
}

#[test]
fn client_certificate_of_java() {
    // Every record has 16 bytes of padding.
    for flight in [
        answer(&[468, 113], 85),
        answer(&[41], 85),
        // Where the server's flight does not tell that it has not asked for one.
        answer(&[], 85),
    ] {
        ends(SHA384_SUITE, &flight, &[85, 133]);
    }
    // The rest of a Certificate that is as long is no Finished.
    ends(SHA384_SUITE, &answer(&[529, 85, 281], 69), &[69]);
    // As full as Java makes them.
    let long = answer(&[16_400, 16_400, 5000, 297], 85);
    cut_around_headers(&answered(SHA384_SUITE, &long));
}

#[test]
fn client_certificate_of_mbedtls() {
    // By suite: what a Finished and an empty Certificate have.
    for (cipher, last, empty) in [
        (SHA256_SUITE, 64, 32),
        (SHA384_SUITE, 80, 32),
        (CCM_8_SUITE, 56, 24),
    ] {
        assert_eq!(mbedtls_finished(cipher), last);
        let tag = tag(cipher);
        let [certificate, verify] = [736, 272].map(|bytes| bytes + tag);
        for lens in [vec![certificate, verify], vec![empty], vec![]] {
            ends(cipher, &answer(&lens, last), &[last, last]);
        }
        // A Certificate with many names, over records of its usual limit.
        let lens = [4096 + tag, 4096 + tag, certificate, verify];
        cut_around_headers(&answered(cipher, &answer(&lens, last)));
        // A byte more or less is none of it: a Certificate goes on, or nothing does.
        for other in [last - 1, last + 1] {
            ends(cipher, &[doubt(empty), data(other)], &[last]);
            let still = [doubt(certificate), doubt(other), handshake23(last)];
            ends(cipher, &still, &[last]);
        }
    }
}

#[test]
fn a_padded_finished_of_every_suite() {
    for cipher in SUITES {
        for last in [mbedtls_finished(cipher), finished(cipher) + 16] {
            // Its place has to be that of a Finished: at first, and after a CertificateVerify.
            for lens in [&[][..], &[736, 272], &[529, 529, 100, 281], &[400, 529, 25]] {
                let after = [&answer(lens, last)[..], &[data(last)]].concat();
                let wire = cut_around_headers(&answered(cipher, &after));
                assert_eq!(wire.connection.state(), State::Established);
            }
            // While a Certificate goes on it may be the rest of that.
            for lens in [&[736][..], &[529, 529]] {
                let longer = [lens, &[last, 281]].concat();
                let wire =
                    cut_around_headers(&answered(cipher, &answer(&longer, finished(cipher))));
                assert_eq!(wire.connection.state(), State::Established);
            }
        }
    }
}

/// Records of a flight up to its Finished, as full as a stack makes them.
struct Full {
    what: &'static str,
    len: usize,
    /// With 16 bytes of a tag.
    cipher: u16,
}

const FULL: [Full; 6] = [
    Full {
        what: "max_fragment_length 512",
        len: 529,
        cipher: SHA384_SUITE,
    },
    Full {
        what: "OpenSSL",
        len: 1417,
        cipher: SHA384_SUITE,
    },
    Full {
        what: "s2n",
        len: 1452,
        cipher: SHA256_SUITE,
    },
    Full {
        what: "an odd record_size_limit",
        len: 777,
        cipher: SHA256_SUITE,
    },
    Full {
        what: "rustls with a limit of 512",
        len: 524,
        cipher: SHA384_SUITE,
    },
    Full {
        what: "all that a record may have",
        len: 16_401,
        cipher: SHA384_SUITE,
    },
];

#[test]
fn messages_of_full_records_and_a_shorter_one() {
    for full in &FULL {
        let Full { what, len, cipher } = *full;
        let last = finished(cipher);
        for number in 1..=2 {
            for rest in [None, Some(100), Some(len - 1)] {
                // A CertificateVerify of one record, and one of RSA-4096 with 512 bytes in each record.
                for verify in [&[281][..], &[len, 25]] {
                    let mut lens = vec![len; number];
                    lens.extend(rest);
                    lens.extend(verify);
                    let bytes: usize = lens.iter().map(|len| len + 5).sum();
                    if bytes > 40_960 {
                        continue;
                    }
                    let flight = answer(&lens, last);
                    let wire = cut_around_headers(&answered(cipher, &flight));
                    let state = wire.connection.state();
                    assert_eq!(state, State::Established, "{what}: {lens:?}");
                    // There is no third message, and none has a record that is longer than a full one.
                    if rest.is_some() {
                        let more = [&flight[..lens.len()], &[data(281)]].concat();
                        cut_around_headers(&answered(cipher, &more));
                    }
                    if len < 16_401 && rest.is_some() {
                        let up_to_rest = &flight[..=number];
                        let longer = [up_to_rest, &[data(len + 1)]].concat();
                        cut_around_headers(&answered(cipher, &longer));
                    }
                    if len < 16_401 && number == 2 {
                        let longer = [&flight[..2], &[data(len + 1)]].concat();
                        cut_around_headers(&answered(cipher, &longer));
                    }
                }
            }
        }
    }
}

#[test]
fn rsa_4096_with_512_bytes_in_a_record() {
    // 520 bytes of CertificateVerify.
    ends(SHA384_SUITE, &answer(&[529, 529, 100, 529, 25], 69), &[69]);
    ends(SHA256_SUITE, &answer(&[529, 25, 529, 25], 53), &[529, 25]);
}

#[test]
fn a_certificate_verify_longer_than_the_certificate() {
    // SLH-DSA-SHA2-192f signs with 35,664 bytes; the certificate, of an authority with ECDSA, fits into a record.
    let flight = answer(&[760, 16_401, 16_401, 2911], 69);
    cut_around_headers(&answered(SHA384_SUITE, &flight));
    let mut wire = Wire::default();
    wire.play(&answered(SHA384_SUITE, &flight), &whole);
    assert_eq!(wire.connection.state(), State::Established);
    // Its records are as long as its first, all but the last.
    for (lens, other) in [
        (&[760, 2000, 2000][..], 2001),
        (&[760, 2000, 300], 300),
        (&[760, 2000, 300], 2000),
    ] {
        let flight: Vec<Record> = lens.iter().copied().map(doubt).collect();
        ends(SHA384_SUITE, &[&flight[..], &[data(other)]].concat(), &[69]);
        ends(SHA384_SUITE, &answer(lens, 69), &[other]);
    }
}

#[test]
fn whole_flight_in_one_record_each() {
    let wire = established(&[
        (Src, vec![client_hello()]),
        (Dst, vec![server_hello(SHA256_SUITE), handshake23(1133)]),
        (Src, vec![doubt(1095)]),
        (Dst, vec![data(82)]),
        (Src, vec![data(1095), data(53)]),
    ]);
    assert_eq!(wire.handshake.identity.version, Some(0x0304));
}

#[test]
fn data_after_a_flight_in_one_record_is_in_doubt_at_most_twice_if_it_is_shorter() {
    // The rest of a Certificate, and a CertificateVerify; a fourth record is none.
    established(&[
        (Src, vec![client_hello()]),
        (Dst, vec![server_hello(SHA256_SUITE), handshake23(1133)]),
        (
            Src,
            vec![doubt(1095), doubt(400), doubt(400), data(400), data(53)],
        ),
    ]);
    // Nor is a third one that is too short for a CertificateVerify.
    established(&[
        (Src, vec![client_hello()]),
        (Dst, vec![server_hello(SHA256_SUITE), handshake23(1133)]),
        (Src, vec![doubt(1095), doubt(88), data(88), data(400)]),
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
fn records_as_long_as_a_padded_finished_are_in_doubt_within_the_budget() {
    // The first is the Finished; with a certificate asked for, it may be full records of one.
    let budget = Config::default().client_flight_budget as usize;
    assert_eq!(budget, 40_960);
    for len in [86, 528, 1024, 4096, 16_401] {
        let number = budget / (len + 5);
        let mut flight = vec![doubt(len); number];
        flight.extend([data(len), data(len), data(69)]);
        let turns = answered(SHA384_SUITE, &flight);
        for step in [1, 3, 1448, usize::MAX] {
            let mut wire = Wire::default();
            let first = wire.next;
            wire.play(&turns, &|_, bytes| vec![step; (bytes - 1) / step]);
            wire.check(first, &turns, "budget");
            assert_eq!(wire.connection.state(), State::Established, "{len}");
            let in_doubt = wire.handshake.take_in_doubt() as usize;
            assert_eq!(in_doubt, number * (len + 5), "{len} by {step}");
        }
        // The server's first word ends it at once.
        let wire = cut_around_headers(&[
            (Src, vec![client_hello()]),
            (Dst, asking_flight(SHA384_SUITE)),
            (Src, vec![doubt(len)]),
            (Dst, vec![data(255), data(69)]),
            (Src, vec![data(len), data(69)]),
        ]);
        assert_eq!(wire.connection.state(), State::Established, "{len}");
    }
}

#[test]
fn client_flight_has_a_budget() {
    let mut wire = Wire::default();
    wire.config.client_flight_budget = 2000;
    let first = wire.next;
    let turns = [
        (Src, vec![client_hello()]),
        (Dst, asking_flight(SHA256_SUITE)),
        (Src, vec![doubt(1500), data(500), data(53)]),
    ];
    wire.play(&turns, &whole);
    wire.check(first, &turns, "budget");
    assert_eq!(wire.handshake.take_in_doubt(), 1505);
}

#[test]
fn tickets_after_a_flight_without_a_certificate_asked_for() {
    let mut flight = full_flight(SHA384_SUITE);
    flight.extend([doubt(268), doubt(268)]);
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
    let mut flight = vec![server_hello(SHA256_SUITE), ccs()];
    flight.extend([23, 31, 529, 53].map(handshake23));
    flight.extend([281, 53].map(doubt));
    established(&[
        (Src, vec![client_hello()]),
        (Dst, flight),
        (Src, answer(&[766, 281], 53)),
        (Src, vec![data(528), data(53)]),
        (Dst, vec![data(300)]),
    ]);
}
