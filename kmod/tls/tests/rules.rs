// SPDX-License-Identifier: GPL-2.0-only
//! The rules for a TLS 1.3 handshake's encrypted records, each at its bounds and where it must not be used.

mod common;

use common::tls13::{established, *};
use common::*;
use tlsconn_tls::{Config, Reason, Side, Side::Dst, Side::Src, State, Types};

/// A server's flight whose records after ServerHello have these lengths.
fn flight(lens: &[usize]) -> Vec<Record> {
    let hello = [server_hello(SHA256_SUITE), ccs()];
    let records = lens.iter().copied().map(handshake23);
    hello.into_iter().chain(records).collect()
}

/// A connection under way, what was sent on it with what that is, and where it began.
struct Talk {
    wire: Wire,
    first: [u32; 2],
    said: Vec<Turn>,
}

impl Talk {
    fn begin() -> Self {
        Self::new(Config::default().client_flight_budget)
    }

    /// Up to a server's flight.
    fn flights(cipher: u16, behind_hello: &[Record]) -> Self {
        let mut talk = Self::begin();
        talk.say(Src, vec![client_hello()]);
        let flight = [&[server_hello(cipher), ccs()], behind_hello].concat();
        talk.say(Dst, flight);
        talk
    }

    /// Up to the flight of a server that asks for a certificate.
    fn asked(cipher: u16) -> Self {
        Self::flights(cipher, &asking_flight(cipher)[2..])
    }

    fn new(budget: u32) -> Self {
        let mut wire = Wire::default();
        wire.config.client_flight_budget = budget;
        Talk {
            first: wire.next,
            wire,
            said: vec![],
        }
    }

    fn say(&mut self, from: Side, records: Vec<Record>) {
        self.wire.records(from, &records);
        self.said.push((from, records));
    }

    /// Sent before what the other side has sent last had come.
    fn say_unaware(&mut self, from: Side, records: Vec<Record>) {
        self.say_acking(0, from, records);
    }

    /// In a packet that acknowledges so many bytes of what the other side has sent last.
    fn say_acking(&mut self, acked: u32, from: Side, records: Vec<Record>) {
        let last = self.said.last().expect("something was said");
        let unseen = octets(&last.1).len() as u32 - acked;
        let other = from.other() as usize;
        self.wire.next[other] -= unseen;
        self.wire.records(from, &records);
        self.wire.next[other] += unseen;
        self.said.push((from, records));
    }

    fn check(&self, why: &str, state: State) {
        self.wire.check(self.first, &self.said, why);
        assert_eq!(self.wire.connection.state(), state, "{why}");
    }
}

#[test]
fn eight_kib_behind_the_server_s_finished_and_no_octet_more() {
    for behind in [
        vec![doubt(4091), doubt(4091), data(1)],
        vec![doubt(4091), data(4092)],
        // Nor a smaller record once there was one that did not fit.
        vec![doubt(4091), data(4092), data(1)],
    ] {
        let talk = Talk::flights(
            SHA256_SUITE,
            &[&full_flight(SHA256_SUITE)[2..], &behind].concat(),
        );
        talk.check("8 KiB", State::Handshake);
    }
}

#[test]
fn records_of_finished_length_do_not_begin_the_eight_kib_anew() {
    for cipher in SUITES {
        let last = finished(cipher);
        let number = 8192 / (last + 5);
        let mut behind = full_flight(cipher)[2..].to_vec();
        behind.extend(vec![doubt(last); number]);
        behind.extend([data(last), data(last), data(1)]);
        let mut talk = Talk::flights(cipher, &behind);
        talk.check("nothing else", State::Handshake);
        // Nor do they end the handshake.
        talk.say(Src, vec![handshake23(last), data(last)]);
        talk.check("answered", State::Established);
    }
    // Between longer ones, at either end of the budget.
    let last = 53;
    let behind = [
        &full_flight(SHA256_SUITE)[2..],
        &[doubt(4000), doubt(last), doubt(4000), doubt(last)],
        &[doubt(last), data(last), data(200), data(last)],
    ]
    .concat();
    Talk::flights(SHA256_SUITE, &behind).check("between", State::Handshake);
}

#[test]
fn no_record_is_a_server_s_finished_before_135_octets_where_it_shows_a_certificate() {
    // Bytes in front, with the headers: 28 of EncryptedExtensions, and a CertificateRequest.
    for (lens, is_finished) in [
        (&[23, 101][..], false),
        (&[23, 102], true),
        (&[129], false),
        (&[130], true),
        (&[23], false),
    ] {
        let mut behind: Vec<Record> = lens.iter().copied().map(handshake23).collect();
        behind.push(handshake23(53));
        behind.push(match is_finished {
            true => doubt(700),
            false => handshake23(700),
        });
        Talk::flights(SHA256_SUITE, &behind).check("135", State::Handshake);
    }
    // A CertificateRequest of that length, and all that follows it.
    for cipher in SUITES {
        let last = finished(cipher);
        let lens = [23, last, 9000, 281, last];
        let mut behind = lens.map(handshake23).to_vec();
        behind.push(doubt(200));
        let mut talk = Talk::flights(cipher, &behind);
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
    for (answer, behind) in [(vec![], doubt(200)), (vec![doubt(766)], handshake23(200))] {
        let mut talk = Talk::flights(SHA256_SUITE, &[23, 62, 795, 281].map(handshake23));
        talk.say(Src, answer);
        talk.say_unaware(Dst, vec![handshake23(53), behind]);
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
fn a_server_that_has_got_more_than_the_flight_s_first_octet_ends_it() {
    for cipher in SUITES {
        let last = finished(cipher);
        for flight in [vec![doubt(766)], vec![doubt(766), doubt(281)]] {
            let len = octets(&flight).len() as u32;
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
        let alert = doubt(19).octets;
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
fn early_data_before_the_server_s_flight() {
    let mut talk = Talk::begin();
    talk.say(Src, vec![early_client_hello()]);
    talk.say(Dst, vec![server_hello(SHA256_SUITE)]);
    // Of Finished length, and it acknowledges all that there is.
    talk.say(Src, vec![data(53)]);
    talk.check("early", State::Handshake);
    talk.say(Dst, [23, 795, 281, 53].map(handshake23).to_vec());
    talk.say(Src, vec![handshake23(53), data(53)]);
    talk.check("late", State::Established);
}

#[test]
fn one_end_of_early_data() {
    for cipher in SUITES {
        let last = finished(cipher);
        // Early data of 4 bytes is as long; the first that comes after ServerHello is taken for the end.
        let end = 4 + 1 + tag(cipher);
        let accepted = [psk_server_hello(cipher), handshake23(27), handshake23(last)];
        established(&[
            (Src, vec![early_client_hello(), data(end), data(last)]),
            (Dst, accepted.to_vec()),
            (Src, vec![data(end - 1), data(end + 1), handshake23(end)]),
            (Src, vec![handshake23(last), data(end), data(last)]),
            (Dst, vec![data(end)]),
        ]);
        established(&[
            (Src, vec![early_client_hello()]),
            (Dst, accepted.to_vec()),
            (Src, vec![handshake23(end), data(end), data(end), data(200)]),
            (Src, vec![handshake23(last), data(end)]),
        ]);
    }
}

#[test]
fn early_data_as_long_as_what_ends_it_does_not_end_it_before_the_flight() {
    for cipher in SUITES {
        let (last, end) = (finished(cipher), 4 + 1 + tag(cipher));
        let mut talk = Talk::begin();
        talk.say(Src, vec![early_client_hello()]);
        let flight = [
            psk_server_hello(cipher),
            ccs(),
            handshake23(27),
            handshake23(last),
        ];
        talk.say(Dst, flight.to_vec());
        // Sent while the server's flight was on its way.
        talk.say_unaware(Src, vec![data(last), data(end), data(end)]);
        // All of it had come but for a byte.
        talk.wire.next[Dst as usize] -= 1;
        talk.wire.records(Src, &[data(last)]);
        talk.wire.next[Dst as usize] += 1;
        talk.said.push((Src, vec![data(last)]));
        talk.say(Src, vec![handshake23(end), handshake23(last), data(last)]);
        talk.check("early data", State::Established);
    }
}

#[test]
fn an_empty_certificate_and_finished_come_first_or_not_at_all() {
    for (answer, why) in [
        (vec![handshake23(61), data(53)], "both in one record"),
        (
            vec![doubt(766), doubt(61), handshake23(53)],
            "the rest of a Certificate",
        ),
        (
            vec![doubt(766), doubt(281), data(61), data(53)],
            "behind a CertificateVerify",
        ),
        (vec![doubt(25), data(61)], "behind an empty one"),
        (vec![doubt(25), data(281)], "nothing to verify"),
        (vec![doubt(25), handshake23(53), data(25)], "apart"),
        (vec![data(24), data(53)], "less than an empty one"),
        (
            vec![doubt(766), doubt(767), data(768), data(53)],
            "longer than a CertificateVerify's first",
        ),
        (
            vec![doubt(766), doubt(89), doubt(89), data(89), data(53)],
            "two CertificateVerify",
        ),
        (
            vec![doubt(766), doubt(500), data(88), data(53)],
            "too short for a CertificateVerify",
        ),
        (
            vec![doubt(60), data(88), data(53)],
            "longer than the Certificate, and too short",
        ),
    ] {
        let mut talk = Talk::asked(SHA256_SUITE);
        talk.say(Src, answer);
        talk.check(why, State::Established);
    }
}

#[test]
fn the_client_s_budget_is_kept_to_the_octet() {
    // Two records of 766 and 281 bytes, with their headers.
    for (budget, verify) in [(771 + 286, doubt(281)), (771 + 285, data(281))] {
        let mut talk = Talk::new(budget);
        talk.say(Src, vec![client_hello()]);
        talk.say(Dst, asking_flight(SHA256_SUITE));
        talk.say(Src, vec![doubt(766), verify.clone()]);
        let state = match verify.content {
            DOUBT => State::Handshake,
            _ => State::Established,
        };
        talk.check("budget", state);
    }
    // So is the usual one: two records of 16 KiB, and a third.
    for (len, last) in [(8143, doubt(8143)), (8144, data(8144))] {
        let mut talk = Talk::asked(SHA256_SUITE);
        assert_eq!(40_960 - 2 * (16_401 + 5) - 5, 8143);
        talk.say(Src, vec![doubt(16_401), doubt(16_401), last]);
        let state = match len {
            8143 => State::Handshake,
            _ => State::Established,
        };
        talk.check("usual budget", state);
    }
}

/// Sends a plain-text record of a side, in pieces of that length; what becomes of the connection, and the record's type.
fn plain_text(mut wire: Wire, from: Side, record: &Record, step: usize) -> (Reason, Types) {
    let seq = wire.next[from as usize];
    for piece in record.octets.chunks(step) {
        wire.send(from, piece);
    }
    let types = wire.types(from, seq, record.octets.len());
    (wire.connection.reason(), types.content)
}

/// A ChangeCipherSpec, and an alert that closes nothing.
fn plain_texts() -> [Record; 2] {
    [ccs(), record(21, &[1, 90], ALERT)]
}

/// Whether neither side, or which, must not send one any longer.
fn may_send_plain_text(wire: &Wire, from: Side, may: bool, why: &str) {
    for record in plain_texts() {
        for step in [1, 2, 5, 7] {
            let expected = match may {
                true => (Reason::None, record.content),
                false => (Reason::Malformed, Types::UNKNOWN),
            };
            let found = plain_text(wire.clone(), from, &record, step);
            assert_eq!(found, expected, "{why}: {from:?} by {step}");
        }
    }
}

#[test]
fn nothing_in_plain_text_comes_after_a_certain_finished() {
    for cipher in SUITES {
        let last = finished(cipher);
        let mut talk = Talk::asked(cipher);
        may_send_plain_text(&talk.wire, Src, true, "not answered");
        may_send_plain_text(&talk.wire, Dst, true, "not answered");
        talk.say(Src, vec![ccs(), doubt(766)]);
        may_send_plain_text(&talk.wire, Src, true, "Certificate");
        may_send_plain_text(&talk.wire, Dst, false, "Certificate");
        talk.say(Src, answer(&[281], last));
        may_send_plain_text(&talk.wire, Src, false, "Finished");
        may_send_plain_text(&talk.wire, Dst, false, "Finished");
        // The way that an established connection's packets take.
        talk.wire.ack(Dst, false);
        talk.say(Dst, vec![data(200)]);
        talk.say(Src, vec![data(200)]);
        may_send_plain_text(&talk.wire, Src, false, "established");
        may_send_plain_text(&talk.wire, Dst, false, "established");

        // Nobody can tell whether that was the Finished.
        for last in [last + 16, mbedtls_finished(cipher)] {
            let mut talk = Talk::asked(cipher);
            talk.say(Src, vec![handshake23(last)]);
            may_send_plain_text(&talk.wire, Src, true, "padded");
            may_send_plain_text(&talk.wire, Dst, false, "padded");
        }
        let mut talk = Talk::asked(cipher);
        talk.say(Src, vec![doubt(1095)]);
        talk.say(Dst, vec![data(300)]);
        may_send_plain_text(&talk.wire, Src, true, "all in one record");
        may_send_plain_text(&talk.wire, Dst, false, "all in one record");

        // Nor what a record is that is none of a flight: the client is done with the server's, all the same.
        let mut talk = Talk::asked(cipher);
        talk.say(Src, vec![data(4)]);
        may_send_plain_text(&talk.wire, Src, true, "no flight");
        may_send_plain_text(&talk.wire, Dst, false, "no flight");

        // Where no certificate is asked for it is, whatever its length.
        for last in [528, last + 16, mbedtls_finished(cipher), last] {
            let mut talk = Talk::flights(cipher, &full_flight(cipher)[2..]);
            talk.say(Src, vec![handshake23(last)]);
            may_send_plain_text(&talk.wire, Src, false, "the first record");
            may_send_plain_text(&talk.wire, Dst, false, "the first record");
        }
    }
}

#[test]
fn nor_in_the_same_packet_as_that_finished() {
    for plain_text in plain_texts() {
        for (answer, expected) in [
            (handshake23(53), Reason::Malformed),
            (handshake23(69), Reason::None),
            (data(24), Reason::None),
        ] {
            let mut talk = Talk::asked(SHA256_SUITE);
            talk.wire.records(Src, &[ccs(), answer, plain_text.clone()]);
            assert_eq!(talk.wire.connection.reason(), expected);
        }
    }
}

#[test]
fn early_data_ends_where_plain_text_does() {
    let accepted = [
        psk_server_hello(SHA256_SUITE),
        handshake23(27),
        handshake23(53),
    ];
    let mut talk = Talk::begin();
    talk.say(Src, vec![early_client_hello(), data(200)]);
    talk.say(Dst, accepted.to_vec());
    talk.say(Src, vec![data(200)]);
    may_send_plain_text(&talk.wire, Src, true, "early");
    may_send_plain_text(&talk.wire, Dst, true, "early");
    talk.say(Src, vec![handshake23(21)]);
    may_send_plain_text(&talk.wire, Src, true, "end of early data");
    may_send_plain_text(&talk.wire, Dst, false, "end of early data");
    talk.say(Src, vec![handshake23(53)]);
    may_send_plain_text(&talk.wire, Src, false, "Finished");
    may_send_plain_text(&talk.wire, Dst, false, "Finished");
}

#[test]
fn a_key_beside_a_certificate() {
    // RFC 8773: what the server has taken, in either order.
    let hello = Hello::server13(SHA256_SUITE);
    for hello in [
        hello.clone().with(41, &[0, 0]).with(33, &[]),
        hello.with(33, &[]).with(41, &[0, 0]),
    ] {
        let behind = [23, 62, 795, 281, 53].map(handshake23);
        let flight = [&[hello.as_server()], &behind[..]].concat();
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
        let behind = [23, 53, 9000, 281, 53].map(handshake23);
        established(&[
            (Src, vec![client_hello()]),
            (Dst, [&[hello.as_server()], &behind[..]].concat()),
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
