// SPDX-License-Identifier: GPL-2.0-only
//! Records in plain text beside encrypted ones.

use super::*;

/// Sends a plain-text record of a side, in pieces of that length; what becomes of the connection, and the record's type.
fn plain_text(mut wire: Wire, from: Side, record: &Record, step: usize) -> (Reason, Types) {
    let seq = wire.next[from as usize];
    for piece in record.bytes.chunks(step) {
        wire.send(from, piece);
    }
    let types = wire.types(from, seq, record.bytes.len());
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
