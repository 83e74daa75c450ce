// SPDX-License-Identifier: GPL-2.0-only
//! The server's flight, its Finished, and what is in doubt after it.

use super::*;

/// A server's flight whose records after ServerHello have these lengths.
fn flight(lens: &[usize]) -> Vec<Record> {
    let hello = [server_hello(SHA256_SUITE), ccs()];
    let records = lens.iter().copied().map(handshake23);
    hello.into_iter().chain(records).collect()
}

#[test]
fn eight_kib_after_the_server_s_finished_and_no_byte_more() {
    for after in [
        vec![doubt(4091), doubt(4091), data(1)],
        vec![doubt(4091), data(4092)],
        // Nor a smaller record once there was one that did not fit.
        vec![doubt(4091), data(4092), data(1)],
    ] {
        let talk = Talk::flights(
            SHA256_SUITE,
            &[&full_flight(SHA256_SUITE)[2..], &after].concat(),
        );
        talk.check("8 KiB", State::Handshake);
    }
}

#[test]
fn records_of_finished_length_do_not_begin_the_eight_kib_anew() {
    for cipher in SUITES {
        let last = finished(cipher);
        let number = 8192 / (last + 5);
        let mut after = full_flight(cipher)[2..].to_vec();
        after.extend(vec![doubt(last); number]);
        after.extend([data(last), data(last), data(1)]);
        let mut talk = Talk::flights(cipher, &after);
        talk.check("nothing else", State::Handshake);
        // Nor do they end the handshake.
        talk.say(Src, vec![handshake23(last), data(last)]);
        talk.check("answered", State::Established);
    }
    // Between longer ones, at either end of the budget.
    let last = 53;
    let after = [
        &full_flight(SHA256_SUITE)[2..],
        &[doubt(4000), doubt(last), doubt(4000), doubt(last)],
        &[doubt(last), data(last), data(200), data(last)],
    ]
    .concat();
    Talk::flights(SHA256_SUITE, &after).check("between", State::Handshake);
}

#[test]
fn no_record_is_a_server_s_finished_before_135_bytes_where_it_shows_a_certificate() {
    // Bytes in front, with the headers: 28 of EncryptedExtensions, and a CertificateRequest.
    for (lens, is_finished) in [
        (&[23, 101][..], false),
        (&[23, 102], true),
        (&[129], false),
        (&[130], true),
        (&[23], false),
    ] {
        let mut after: Vec<Record> = lens.iter().copied().map(handshake23).collect();
        after.push(handshake23(53));
        after.push(match is_finished {
            true => doubt(700),
            false => handshake23(700),
        });
        Talk::flights(SHA256_SUITE, &after).check("135", State::Handshake);
    }
    // A CertificateRequest of that length, and all that follows it.
    for cipher in SUITES {
        let last = finished(cipher);
        let lens = [23, last, 9000, 281, last];
        let mut after = lens.map(handshake23).to_vec();
        after.push(doubt(200));
        let mut talk = Talk::flights(cipher, &after);
        talk.say(Src, answer(&[766, 281], last));
        talk.say(Dst, vec![data(200)]);
        talk.check("CertificateRequest", State::Established);
    }
    // With a key there is no certificate, and nothing so long before the Finished.
    for cipher in SUITES {
        let mut talk = Talk::begin();
        talk.say(Src, vec![client_hello()]);
        let flight = [23, finished(cipher)].map(handshake23);
        let hello = [psk_server_hello(cipher)];
        talk.say(Dst, [&hello, &flight[..], &[doubt(200)]].concat());
        talk.check("key", State::Handshake);
    }
}

#[test]
fn no_record_is_the_server_s_finished_once_the_client_has_answered() {
    for (answer, after) in [(vec![], doubt(200)), (vec![doubt(766)], handshake23(200))] {
        let mut talk = Talk::flights(SHA256_SUITE, &[23, 62, 795, 281].map(handshake23));
        talk.say(Src, answer);
        talk.say_unaware(Dst, vec![handshake23(53), after]);
        talk.check("answered", State::Handshake);
    }
    // Nor does one of its length begin 8 KiB anew.
    let mut talk = Talk::asked(SHA256_SUITE);
    talk.say(Dst, vec![doubt(8000)]);
    talk.say(Src, vec![doubt(766)]);
    talk.say_unaware(Dst, vec![doubt(53), data(200)]);
    talk.check("8 KiB", State::Handshake);
}

#[test]
fn a_server_that_has_not_got_the_flight_does_not_end_it() {
    let mut talk = Talk::asked(SHA256_SUITE);
    talk.say(Src, vec![doubt(766)]);
    talk.say_unaware(Dst, vec![doubt(139)]);
    talk.check("not acknowledged", State::Handshake);
    talk.say(Src, vec![doubt(281), handshake23(53), data(53)]);
    talk.check("goes on", State::Established);

    let mut talk = Talk::asked(SHA256_SUITE);
    talk.say(Src, vec![doubt(766)]);
    talk.say(Dst, vec![data(139)]);
    talk.say(Src, vec![data(281), data(53)]);
    talk.check("acknowledged", State::Established);
}

#[test]
fn a_server_that_has_got_more_than_the_flight_s_first_byte_ends_it() {
    for cipher in SUITES {
        let last = finished(cipher);
        for flight in [vec![doubt(766)], vec![doubt(766), doubt(281)]] {
            let len = bytes(&flight).len() as u32;
            for acked in [0, 1, 2, 3, 5, 6, 400, 770, 771, len - 1, len] {
                for ticket in [200, last, 4] {
                    let mut talk = Talk::asked(cipher);
                    // What comes before the flight is none of it.
                    talk.say(Src, vec![ccs()]);
                    talk.say(Src, flight.clone());
                    let why = format!("{acked} of {len}, {ticket}");
                    if acked <= 1 {
                        talk.say_acking(acked, Dst, vec![doubt(ticket)]);
                        talk.check(&why, State::Handshake);
                        talk.say(Src, vec![handshake23(last), data(last)]);
                    } else {
                        talk.say_acking(acked, Dst, vec![data(ticket)]);
                        talk.check(&why, State::Established);
                        talk.say(Src, vec![data(281), data(last)]);
                    }
                    talk.check(&why, State::Established);
                }
            }
        }
    }
}

#[test]
fn a_server_that_refuses_a_certificate_says_it_in_doubt() {
    for cipher in SUITES {
        // An alert has two bytes.
        let alert = 2 + 1 + tag(cipher);
        let mut talk = Talk::asked(cipher);
        talk.say(Src, vec![doubt(766)]);
        talk.say(Dst, vec![doubt(alert)]);
        talk.check("alert", State::Handshake);
        talk.say(Src, answer(&[281], finished(cipher)));
        talk.say(Dst, vec![data(alert)]);
        talk.check("and goes on", State::Established);

        for other in [alert - 1, alert + 1] {
            let mut talk = Talk::asked(cipher);
            talk.say(Src, vec![doubt(766)]);
            talk.say(Dst, vec![data(other), data(alert)]);
            talk.check("no alert", State::Established);
        }

        // They are within the 8 KiB, too.
        let number = 8192 / (alert + 5);
        let mut talk = Talk::asked(cipher);
        talk.say(Src, vec![doubt(766)]);
        talk.say(Dst, vec![doubt(alert); number]);
        talk.check("as many as fit", State::Handshake);
        talk.say(Dst, vec![data(alert)]);
        talk.say(Src, vec![data(281)]);
        talk.check("one more", State::Established);
    }
}

#[test]
fn an_alert_whose_header_began_before_the_client_s_flight_is_in_doubt_too() {
    // The first byte tells handshake: the server's own Finished has not come as far as its length shows.
    for split in 1..5 {
        let mut talk = Talk::flights(SHA256_SUITE, &[handshake23(1133)]);
        let alert = doubt(19).bytes;
        let seq = talk.wire.next[1];
        talk.wire.send(Dst, &alert[..split]);
        talk.say(Src, vec![doubt(766)]);
        talk.wire.send(Dst, &alert[split..]);
        // Its header alone reads as it was told.
        assert_eq!(talk.wire.types(Dst, seq, 5).content, HANDSHAKE, "{split}");
        assert_eq!(talk.wire.types(Dst, seq + 5, 19).content, DOUBT, "{split}");
        assert_eq!(talk.wire.handshake.take_in_doubt(), 771 + 24);
    }
}

#[test]
fn a_first_record_that_has_room_for_a_certificate_request() {
    // One of 37 bytes has none, so that the client's first record is its Finished.
    established(&[
        (Src, vec![client_hello()]),
        (Dst, flight(&[37, 795, 281, 53])),
        (Src, vec![handshake23(528), data(528)]),
    ]);
    for lens in [
        &[38, 795, 281, 53][..],
        &[37, 62, 795, 281, 53],
        &[37, 795, 53],
    ] {
        established(&[
            (Src, vec![client_hello()]),
            (Dst, flight(lens)),
            (Src, vec![doubt(528), doubt(528), data(529)]),
        ]);
    }
}

#[test]
fn the_first_record_is_no_padded_finished_where_early_data_was_offered() {
    established(&[
        (Src, vec![early_client_hello(), data(200)]),
        (Dst, full_flight(SHA256_SUITE)),
        (Src, vec![doubt(528), doubt(528), data(529)]),
    ]);
    // One that a stack pads is, by its length.
    for last in [64, 69] {
        established(&[
            (Src, vec![early_client_hello(), data(200)]),
            (Dst, full_flight(SHA256_SUITE)),
            (Src, vec![handshake23(last), data(last), data(53)]),
        ]);
    }
}

#[test]
fn a_key_beside_a_certificate() {
    // RFC 8773: what the server has taken, in either order.
    let hello = Hello::server13(SHA256_SUITE);
    for hello in [
        hello.clone().with(41, &[0, 0]).with(33, &[]),
        hello.with(33, &[]).with(41, &[0, 0]),
    ] {
        let after = [23, 62, 795, 281, 53].map(handshake23);
        let flight = [&[hello.as_server()], &after[..]].concat();
        let wire = established(&[
            (Src, vec![Hello::client13().with(33, &[]).as_client()]),
            (Dst, flight),
            // A certificate may have been asked for: the first record need not be the Finished.
            (Src, answer(&[528, 281], 53)),
            (Dst, vec![data(53)]),
        ]);
        let identity = wire.handshake.identity;
        assert_eq!((identity.resumed, identity.resumption), (None, None));
        // Nor is any a server's before a certificate.
        let after = [23, 53, 9000, 281, 53].map(handshake23);
        established(&[
            (Src, vec![client_hello()]),
            (Dst, [&[hello.as_server()], &after[..]].concat()),
            (Src, vec![handshake23(53), data(53)]),
        ]);
    }
    // The client alone may say so.
    let flight = [
        psk_server_hello(SHA256_SUITE),
        handshake23(23),
        handshake23(53),
    ];
    let wire = established(&[
        (Src, vec![Hello::client13().with(33, &[]).as_client()]),
        (Dst, flight.to_vec()),
        (Src, vec![handshake23(528), data(53)]),
    ]);
    assert_eq!(wire.handshake.identity.resumed, Some(true));
    // It has no more than one such extension.
    let twice = Hello::server13(SHA256_SUITE).with(33, &[]).with(33, &[]);
    let mut wire = Wire::default();
    wire.records(Src, &[client_hello()]);
    wire.records(Dst, &[twice.as_server()]);
    assert_eq!(wire.connection.reason(), Reason::Malformed);
}
