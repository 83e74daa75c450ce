// SPDX-License-Identifier: GPL-2.0-only
//! The client's flight: early data, what ends it, Certificate and Finished, the budget.

use super::*;

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
            "after a CertificateVerify",
        ),
        (vec![doubt(25), data(61)], "after an empty one"),
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
fn the_client_s_budget_is_kept_to_the_byte() {
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
