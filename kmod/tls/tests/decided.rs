// SPDX-License-Identifier: GPL-2.0-only
//! By which rule each encrypted record of a TLS 1.3 handshake was told from data, by the names that docs/tls.md has.

use crate::common::decided::{check, decided, rules};
use crate::common::tls13::*;
use crate::common::*;
use std::collections::BTreeSet;
use tlsconn_tls::{Decided, Rule, Side, Side::Dst, Side::Src};

/// A side's records, and how many bytes of what the other sent last their packet acknowledges: all, if none are given.
type Said = (Side, Vec<Record>, Option<u32>);

/// What both sides say, and the rules by which its records are told from data.
struct Case {
    what: &'static str,
    said: Vec<Said>,
    rules: &'static str,
}

fn hello(flight: Vec<Record>) -> Vec<Said> {
    vec![(Src, vec![client_hello()], None), (Dst, flight, None)]
}

/// A hello that offers early data, which follows it, and a server's flight that was sent before that came.
fn early(server_hello: Record) -> Vec<Said> {
    let flight = [23, 53].map(handshake23);
    let hello = vec![early_client_hello(), ccs(), data(100)];
    let flight = [server_hello, ccs()].into_iter().chain(flight).collect();
    vec![(Src, hello, None), (Dst, flight, None)]
}

fn cases() -> Vec<Case> {
    let case = |what, said: Vec<Said>, more: Vec<Said>, rules| Case {
        what,
        said: said.into_iter().chain(more).collect(),
        rules,
    };
    let full = || hello(full_flight(SHA384_SUITE));
    let with = |records: &[Record]| hello([&full_flight(SHA384_SUITE), records].concat());
    let asked = || hello(asking_flight(SHA384_SUITE));
    let long = vec![handshake23(16_000); 8];
    vec![
        case(
            "OpenSSL",
            full(),
            vec![
                (Src, vec![ccs(), handshake23(69), data(35), data(69)], None),
                (Dst, vec![data(250), data(250)], None),
            ],
            "S1 S1 S1 S2 C1 A1 A1",
        ),
        case(
            "tickets after the server's Finished",
            with(&[doubt(4091), doubt(4091), data(1)]),
            vec![(Src, vec![handshake23(69)], None)],
            "S1 S1 S1 S2 S3 S3 S4 C1",
        ),
        case(
            "more than 128 KiB of a server",
            hello([&[server_hello(SHA256_SUITE)], &long[..], &[data(16_000)]].concat()),
            vec![],
            "S1 S1 S1 S1 S1 S1 S1 S1 S4",
        ),
        case(
            "a padded Finished",
            full(),
            vec![(Src, vec![handshake23(500), data(500)], None)],
            "S1 S1 S1 S2 C2 A1",
        ),
        case(
            "a key",
            hello(vec![
                psk_server_hello(SHA256_SUITE),
                handshake23(23),
                handshake23(53),
            ]),
            vec![(Src, vec![handshake23(54)], None)],
            "S1 S2 C2",
        ),
        case(
            "an empty Certificate with the Finished",
            asked(),
            vec![(Src, vec![handshake23(77)], None)],
            "S1 S1 S1 S1 S2 C1",
        ),
        case(
            "Java's Finished",
            asked(),
            vec![(Src, vec![handshake23(85)], None)],
            "S1 S1 S1 S1 S2 C1",
        ),
        case(
            "a client's certificate",
            asked(),
            vec![(Src, answer(&[766, 281], 69), None)],
            "S1 S1 S1 S1 S2 C3 C3 C1",
        ),
        case(
            "not a client's certificate",
            asked(),
            vec![(Src, vec![doubt(766), doubt(281), data(30), data(1)], None)],
            "S1 S1 S1 S1 S2 C3 C3 C4 A1",
        ),
        case(
            "a server that goes on in the middle of it",
            asked(),
            vec![
                (Src, vec![doubt(766)], None),
                (Dst, vec![doubt(200)], Some(1)),
                (Dst, vec![doubt(19), data(200)], Some(3)),
            ],
            "S1 S1 S1 S1 S2 C3 S3 S5 S5",
        ),
        case(
            "early data that is accepted",
            early(psk_server_hello(SHA256_SUITE)),
            vec![
                (Src, vec![data(53), data(21)], Some(10)),
                (Src, vec![data(900)], None),
                (Src, vec![handshake23(21), data(21), handshake23(53)], None),
                (Src, vec![data(53)], None),
            ],
            "E1 S1 S2 E2 E2 E2 E4 E2 E3 A1",
        ),
        case(
            "early data that is not",
            early(server_hello(SHA256_SUITE)),
            vec![
                (Src, vec![data(53)], Some(10)),
                (Src, vec![handshake23(53)], None),
            ],
            "E1 S1 S1 E5 C1",
        ),
    ]
}

/// Has it said, each turn in so many bytes at a time.
fn play(case: &Case, step: usize) -> Wire {
    let mut wire = Wire::default();
    let mut turns: Vec<Turn> = Vec::new();
    let first = wire.next;
    for (from, records, acked) in &case.said {
        let other = from.other() as usize;
        let last = turns.iter().rev().find(|(by, _)| by != from);
        let len = last.map_or(0, |(_, records)| bytes(records).len() as u32);
        let unseen = acked.map_or(0, |acked| len - acked);
        wire.next[other] -= unseen;
        for piece in bytes(records).chunks(step) {
            wire.send(*from, piece);
        }
        wire.next[other] += unseen;
        turns.push((*from, records.clone()));
    }
    check(&wire, first, &turns, case.what);
    wire
}

#[test]
fn each_record_by_its_rule_however_it_is_cut() {
    for case in cases() {
        let whole = play(&case, usize::MAX);
        assert_eq!(rules(&whole), case.rules, "{}", case.what);
        for step in [1, 2, 3, 4, 5, 6, 7, 100, 1448] {
            let cut = play(&case, step);
            assert_eq!(cut.decided, whole.decided, "{}, by {step}", case.what);
        }
    }
}

#[test]
fn every_rule_decides_something_and_is_in_the_document() {
    let document = include_str!("../../../docs/tls.md");
    let seen: BTreeSet<Rule> = cases()
        .iter()
        .flat_map(|case| decided(&play(case, usize::MAX)))
        .map(|of| of.rule)
        .collect();
    assert_eq!(seen, BTreeSet::from(Rule::ALL));
    for rule in Rule::ALL {
        let name = format!("**{}**", rule.name());
        assert_eq!(document.matches(&name).count(), 1, "{name}");
    }
}

/// What a record's packet acknowledges, what is left of the bound, and whether the handshake is over.
fn told(of: &Decided) -> (&'static str, u16, Option<i32>, Option<u32>, bool) {
    let Decided {
        rule,
        len,
        acknowledged,
        left,
        is_last,
        ..
    } = *of;
    (rule.name(), len, acknowledged, left, is_last)
}

#[test]
fn what_was_acknowledged_and_what_is_left() {
    let find = |what| {
        let case = cases().into_iter().find(|case| case.what == what);
        let all = decided(&play(&case.expect("a case"), usize::MAX));
        all.iter().map(told).collect::<Vec<_>>()
    };
    let all = 128 * 1024;
    assert_eq!(
        find("OpenSSL"),
        [
            ("S1", 23, None, Some(all - 28), false),
            ("S1", 795, None, Some(all - 828), false),
            ("S1", 281, None, Some(all - 1114), false),
            ("S2", 69, None, Some(all - 1188), false),
            ("C1", 69, Some(0), Some(40_960), true),
            ("A1", 35, None, None, false),
            ("A1", 250, None, None, false),
        ]
    );
    assert_eq!(
        find("a server that goes on in the middle of it")[4..],
        [
            ("S2", 69, None, Some(all - 1255), false),
            ("C3", 766, Some(0), Some(40_960 - 771), false),
            ("S3", 200, Some(1), Some(8192 - 205), false),
            ("S5", 19, Some(3), Some(8192 - 229), false),
            ("S5", 200, Some(3), Some(8192 - 434), true),
        ]
    );
    let early = find("early data that is accepted");
    // Of ServerHello and its ChangeCipherSpec, and of a flight of 86 bytes.
    let flight = bytes(&[psk_server_hello(SHA256_SUITE), ccs()]).len() as i32 + 86;
    assert_eq!(early[0], ("E1", 100, None, None, false));
    assert_eq!(early[3], ("E2", 53, Some(10 - flight), Some(40_960), false));
    assert_eq!(early[6], ("E4", 21, Some(0), Some(40_960 - 26), false));
    assert_eq!(early[8], ("E3", 53, Some(0), Some(40_960 - 26), true));
}
