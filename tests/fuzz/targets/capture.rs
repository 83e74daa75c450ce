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
    capture_reasons, counters, events, pin_states, reasons, record_types, releases, resumptions,
    sides, states, versions,
};

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use serde_json::Value;

use inspect::{capture::Capture, Inspection};

/// Link layers of captures that are made of frames.
const LINKS: [u32; 8] = [0, 1, 101, 108, 113, 228, 239, 276];

/// Octets in front of a frame: seconds since the last one, its length.
const HEADER: usize = 3;

fuzz_target!(|input: &[u8]| {
    let Some((&how, rest)) = input.split_first() else {
        return;
    };
    let file = match LINKS.get(usize::from(how & 0xf)) {
        Some(link) => framed(*link, rest),
        None => rest.to_vec(),
    };
    let whole = inspected(Box::new(Cursor::new(file.clone())), true);
    let length = file.len();
    check(&whole, length as u64);
    // Whether packets are asked for, and how a pipe gives the file in pieces, changes nothing.
    if how & 0x80 != 0 {
        let pieces = Pieces {
            file: Cursor::new(file),
            at_once: usize::from((how >> 4) & 7) * 100 + 1,
        };
        let again = inspected(Box::new(pieces), false);
        assert_eq!(again.connections, whole.connections);
        assert_eq!(again.failure, whole.failure);
    }
});

/// A file of frames.
fn framed(link: u32, mut input: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut now = 0;
    while let Some((&[seconds, high, low], rest)) = input.split_first_chunk::<HEADER>() {
        let len = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (frame, rest) = rest.split_at(len);
        now += u32::from(seconds);
        frames.push((now, frame));
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
    frames: u64,
    failure: Option<String>,
}

fn inspected(input: Box<dyn Read + Send>, ask: bool) -> Outcome {
    let mut inspection = Inspection::default();
    let (mut packets, mut frames) = (0, 0);
    let mut told = |item: inspect::Item| {
        if let inspect::Item::Packet(seen) = item {
            packets += 1;
            assert!(seen.length > 0 && !seen.types.is_empty() && !seen.wire.is_empty());
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
    let _ = inspection.passed_over.to_string();
    let connections = inspection.connections();
    Outcome {
        connections: connections
            .map(|connection| serde_json::to_value(connection).expect("it serialises"))
            .collect(),
        packets,
        frames,
        failure: read
            .err()
            .map(|failure| failure.message)
            .or_else(|| inspection.passed_over.trouble()),
    }
}

/// No more came out than went in, and a failure says where, but for what is said of the whole capture.
fn check(outcome: &Outcome, length: u64) {
    assert!(outcome.frames <= length / 16);
    assert!(outcome.packets as u64 <= outcome.frames);
    assert!(outcome.connections.len() as u64 <= outcome.frames);
    for connection in &outcome.connections {
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
