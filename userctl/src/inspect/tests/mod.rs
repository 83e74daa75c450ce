// SPDX-License-Identifier: GPL-2.0-only

//! Captures made by hand, through the whole of it.

mod carriers;
mod files;
mod flows;
mod holes;
mod idle;
mod ja4;
mod late;
mod lengths;
mod loose;
mod packets;
mod prefaces;
mod starts;
mod times;
mod wire;

use std::io::Cursor;

use self::wire::{ipv4, pcap, Segment};
use super::{capture::Capture, Inspection, Item, Seen};
use crate::model::Connection;

/// What came of a capture.
struct Outcome {
    connections: Vec<Connection>,
    packets: Vec<Seen>,
    passed_over: String,
    trouble: Option<String>,
}

fn inspect(octets: &[u8]) -> Outcome {
    inspect_into(Inspection::default(), octets)
}

fn inspect_into(mut inspection: Inspection, octets: &[u8]) -> Outcome {
    let mut packets = Vec::new();
    let input = Box::new(Cursor::new(octets.to_vec()));
    let read = Capture::new("made.pcap".into(), None, input, false).and_then(|mut capture| {
        capture.read(|frame| {
            if let Some(frame) = frame {
                packets.extend(inspection.frame(frame, true).filter_map(packet));
            }
            true
        })
    });
    packets.extend(inspection.end(true).filter_map(packet));
    Outcome {
        connections: inspection.connections().collect(),
        packets,
        passed_over: inspection.passed_over().to_string(),
        trouble: read
            .err()
            .map(|failure| failure.message)
            .or_else(|| inspection.passed_over().trouble()),
    }
}

fn packet(item: Item) -> Option<Seen> {
    match item {
        Item::Packet(seen) => Some(seen),
        Item::Record(_) => None,
    }
}

fn of_segments(segments: &[Segment]) -> Outcome {
    let frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    inspect(&pcap(101, &frames))
}

/// The one connection of a capture without trouble.
#[track_caller]
fn single(outcome: Outcome) -> Connection {
    assert_eq!(outcome.trouble, None);
    let [connection] = <[Connection; 1]>::try_from(outcome.connections).expect("there is one");
    connection
}
