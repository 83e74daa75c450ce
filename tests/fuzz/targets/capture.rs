// SPDX-License-Identifier: GPL-2.0-only
//! A capture, as a whole file or as frames that a file is made of: `tlsconnctl inspect` without its command line.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    reason = "the tool and its tests make more of these files"
)]

// tlsconnctl is no library: these are its files, under the names that they know each other by.
#[path = "../../../userctl/src/cipher.rs"]
mod cipher;
#[path = "../../../userctl/src/failure.rs"]
mod failure;
#[path = "../../../userctl/src/inspect/mod.rs"]
mod inspect;
#[path = "../../../userctl/src/model/mod.rs"]
mod model;
#[path = "../../../userctl/src/octets.rs"]
mod octets;
#[path = "../../../userctl/src/time.rs"]
mod time;
#[path = "../../../userctl/src/inspect/tests/wire.rs"]
mod wire;

// Where those files have it from.
use tlsconn_facts::{
    capture_reasons, counters, events, identity_fields, pin_states, reasons, record_types,
    releases, resumptions, sides, states, versions,
};

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use serde_json::Value;

use inspect::{capture::Capture, Inspection};

/// Link layers of captures that are made of frames: all that are known. A file is one itself with a number beyond these.
const LINKS: [u32; 16] = [
    0, 1, 9, 12, 14, 50, 51, 101, 105, 108, 113, 127, 228, 229, 239, 276,
];

/// Octets before a frame: time since the last one, its length.
const HEADER: usize = 3;

/// Seconds since the last frame are these by the first two bits of an octet, times the others.
const STEPS: [i64; 4] = [1, 20, 5000, -50];

/// Options, in the second octet of an input.
const LOOSE: u8 = 1;
const EXPLAIN: u8 = 2;
const TIMEOUT: u8 = 4;
const OUTER: u8 = 8;
const PIECES: u8 = 0x80;

fuzz_target!(|input: &[u8]| {
    let Some((&[what, how], rest)) = input.split_first_chunk() else {
        return;
    };
    let file = match LINKS.get(usize::from(what & 0x1f)) {
        Some(link) => framed(*link, rest),
        None => rest.to_vec(),
    };
    let whole = inspected(Box::new(Cursor::new(file.clone())), how, true);
    let length = file.len();
    check(&whole, length as u64, how);
    // Whether packets are asked for, and how a pipe gives the file in pieces, changes nothing.
    if how & PIECES != 0 {
        let pieces = Pieces {
            file: Cursor::new(file),
            at_once: usize::from((how >> 4) & 7) * 100 + 1,
        };
        let again = inspected(Box::new(pieces), how, false);
        assert_eq!(again.connections, whole.connections);
        assert_eq!(again.records, whole.records);
        assert_eq!(again.failure, whole.failure);
    }
});

/// A file of frames.
fn framed(link: u32, mut input: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut now: i64 = 1_000_000;
    while let Some((&[time, high, low], rest)) = input.split_first_chunk::<HEADER>() {
        let len = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (frame, rest) = rest.split_at(len);
        now += STEPS[usize::from(time >> 6)] * i64::from(time & 0x3f);
        frames.push((now as u32, frame));
        input = rest;
    }
    wire::pcap_timed(link, frames)
}

/// A pipe that gives little at once.
struct Pieces {
    file: Cursor<Vec<u8>>,
    at_once: usize,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let len = room.len().min(self.at_once);
        self.file.read(&mut room[..len])
    }
}

/// What came of a capture.
struct Outcome {
    connections: Vec<Value>,
    packets: usize,
    /// Those that were explained.
    records: Vec<String>,
    frames: u64,
    failure: Option<String>,
}

fn inspected(input: Box<dyn Read + Send>, how: u8, ask: bool) -> Outcome {
    let is = |option: u8| how & option != 0;
    let mut inspection = Inspection::new(!is(OUTER), is(LOOSE))
        .explaining(is(EXPLAIN))
        .giving_up_after(is(TIMEOUT).then_some(5));
    let (mut packets, mut frames, mut records) = (0, 0, Vec::new());
    let mut told = |item: inspect::Item| match item {
        inspect::Item::Packet(seen) => {
            packets += 1;
            assert!(seen.length > 0 && !seen.types.is_empty() && !seen.wire.is_empty());
        }
        inspect::Item::Record(record) => {
            records.push(serde_json::to_string(&record).expect("it serialises"));
        }
    };
    let read = Capture::new("fuzz".into(), None, input, false).and_then(|mut capture| {
        capture.read(|frame| {
            if let Some(frame) = frame {
                frames += 1;
                inspection.frame(frame, ask).for_each(&mut told);
            }
            true
        })
    });
    inspection.end(ask).for_each(&mut told);
    let _ = inspection.passed_over().to_string();
    let connections = inspection.connections();
    Outcome {
        connections: connections
            .map(|connection| serde_json::to_value(connection).expect("it serialises"))
            .collect(),
        packets,
        records,
        frames,
        failure: read
            .err()
            .map(|failure| failure.message)
            .or_else(|| inspection.passed_over().trouble()),
    }
}

/// No more came out than went in, and a failure says where, but for what is said of the whole capture.
fn check(outcome: &Outcome, length: u64, how: u8) {
    assert!(outcome.frames <= length / 16);
    assert!(outcome.packets as u64 <= outcome.frames);
    assert!(outcome.connections.len() as u64 <= outcome.frames);
    assert!(how & EXPLAIN != 0 || outcome.records.is_empty());
    let ids = outcome
        .connections
        .iter()
        .map(|connection| connection["id"].as_u64());
    assert!(ids.eq((0..outcome.connections.len() as u64).map(Some)));
    for connection in &outcome.connections {
        assert_eq!(connection["loose"].is_boolean(), how & LOOSE != 0);
        let ja4 = connection["ja4"].as_str();
        assert!(ja4.is_none_or(|ja4| ja4.len() == 36 && ja4.starts_with('t')));
        assert!(ja4.is_none() || connection["client_random"].is_string());
    }
    let Some(failure) = &outcome.failure else {
        return;
    };
    let Some((_, behind)) = failure.split_once(" at offset ") else {
        let is_of_all = ["no IP packet ", "no IP header ", "more than "];
        assert!(
            is_of_all.iter().any(|begin| failure.starts_with(begin)),
            "{failure}"
        );
        return;
    };
    let digits = behind.split(|letter: char| !letter.is_ascii_digit()).next();
    let offset: u64 = digits.unwrap_or("").parse().expect("a number");
    assert!(offset <= length, "{failure}");
}
