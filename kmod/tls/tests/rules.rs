// SPDX-License-Identifier: GPL-2.0-only
//! The rules for a TLS 1.3 handshake's encrypted records, each at its bounds and where it must not be used.

mod common;

use common::tls13::{established, *};
use common::*;
use tlsconn_tls::{Side, Side::Dst, Side::Src, State};

/// A server's flight whose records behind ServerHello have these lengths.
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
        let other = from.other() as usize;
        let all = self.wire.next[other];
        let last = self.said.last().expect("something was said");
        self.wire.next[other] = all - octets(&last.1).len() as u32;
        self.wire.records(from, &records);
        self.wire.next[other] = all;
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
        vec![handshake23(4091), handshake23(4091), data(1)],
        vec![handshake23(4091), data(4092)],
    ] {
        let mut records = full_flight(SHA256_SUITE);
        records.extend(behind);
        let turns = [(Src, vec![client_hello()]), (Dst, records)];
        let mut wire = Wire::default();
        let first = wire.next;
        wire.play(&turns, &whole);
        wire.check(first, &turns, "8 KiB");
    }
}

#[test]
fn no_record_is_the_server_s_finished_once_the_client_has_answered() {
    let mut talk = Talk::new(32768);
    talk.say(Src, vec![client_hello()]);
    talk.say(Dst, asking_flight(SHA256_SUITE));
    talk.say(Dst, vec![handshake23(8000)]);
    talk.say(Src, vec![handshake23(766)]);
    // One of its length does not begin 8 KiB anew.
    talk.say_unaware(Dst, vec![handshake23(53), data(200)]);
    talk.check("answered", State::Handshake);
}

#[test]
fn a_server_that_has_not_got_the_flight_does_not_end_it() {
    let mut talk = Talk::new(32768);
    talk.say(Src, vec![client_hello()]);
    talk.say(Dst, asking_flight(SHA256_SUITE));
    talk.say(Src, vec![handshake23(766)]);
    talk.say_unaware(Dst, vec![handshake23(139)]);
    talk.check("not acknowledged", State::Handshake);
    talk.say(Src, vec![handshake23(281), handshake23(53), data(53)]);
    talk.check("goes on", State::Established);

    let mut talk = Talk::new(32768);
    talk.say(Src, vec![client_hello()]);
    talk.say(Dst, asking_flight(SHA256_SUITE));
    talk.say(Src, vec![handshake23(766)]);
    talk.say(Dst, vec![data(139)]);
    talk.say(Src, vec![data(281), data(53)]);
    talk.check("acknowledged", State::Established);
}

#[test]
fn a_first_record_that_has_room_for_a_certificate_request() {
    // One of 37 octets has none, so that the client's first record is its Finished.
    established(&[
        (Src, vec![client_hello()]),
        (Dst, flight(&[37, 795, 281, 53])),
        (Src, vec![handshake23(528), data(528)]),
    ]);
    established(&[
        (Src, vec![client_hello()]),
        (Dst, flight(&[38, 795, 281, 53])),
        (Src, vec![handshake23(528), handshake23(528), data(528)]),
    ]);
}

#[test]
fn the_first_record_is_no_padded_finished_where_early_data_was_offered() {
    established(&[
        (Src, vec![early_client_hello(), data(200)]),
        (Dst, full_flight(SHA256_SUITE)),
        (Src, vec![handshake23(528), handshake23(528), data(528)]),
    ]);
}

#[test]
fn early_data_before_the_server_s_flight() {
    let mut talk = Talk::new(32768);
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
fn ends_of_early_data_are_within_the_budget() {
    let accepted = vec![
        psk_server_hello(SHA256_SUITE),
        handshake23(27),
        handshake23(53),
    ];
    let mut talk = Talk::new(2 * 26);
    talk.say(Src, vec![early_client_hello(), data(200)]);
    talk.say(Dst, accepted.clone());
    talk.say(Src, vec![handshake23(21), handshake23(21), data(21)]);
    talk.check("three of them", State::Handshake);
    talk.say(Src, vec![handshake23(53), data(21)]);
    talk.check("Finished", State::Established);

    // With a tag of 8 octets it has 13.
    established(&[
        (Src, vec![early_client_hello(), data(13)]),
        (
            Dst,
            vec![
                psk_server_hello(CCM_8_SUITE),
                handshake23(19),
                handshake23(45),
            ],
        ),
        (Src, vec![data(21), handshake23(13), handshake23(45)]),
        (Src, vec![data(13), data(45)]),
    ]);
}

#[test]
fn an_empty_certificate_and_finished_come_first_or_not_at_all() {
    for (answer, why) in [
        (vec![handshake23(61), data(53)], "both in one record"),
        (
            vec![handshake23(766), data(61), data(53)],
            "behind a Certificate",
        ),
        (vec![handshake23(25), data(61)], "behind an empty one"),
        (vec![handshake23(25), data(281)], "nothing to verify"),
        (vec![handshake23(25), handshake23(53), data(25)], "apart"),
        (vec![data(24), data(53)], "less than an empty one"),
        (
            vec![handshake23(766), handshake23(89), data(89), data(53)],
            "two CertificateVerify",
        ),
        (
            vec![handshake23(766), data(88), data(53)],
            "too short for a CertificateVerify",
        ),
    ] {
        let mut talk = Talk::new(32768);
        talk.say(Src, vec![client_hello()]);
        talk.say(Dst, asking_flight(SHA256_SUITE));
        talk.say(Src, answer);
        talk.check(why, State::Established);
    }
}

#[test]
fn the_client_s_budget_is_kept_to_the_octet() {
    // Two records of 766 and 281 octets, with their headers.
    for (budget, verify) in [(771 + 286, handshake23(281)), (771 + 285, data(281))] {
        let mut talk = Talk::new(budget);
        talk.say(Src, vec![client_hello()]);
        talk.say(Dst, asking_flight(SHA256_SUITE));
        talk.say(Src, vec![handshake23(766), verify.clone()]);
        let state = match verify.content {
            HANDSHAKE => State::Handshake,
            _ => State::Established,
        };
        talk.check("budget", state);
    }
}
