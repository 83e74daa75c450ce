// SPDX-License-Identifier: GPL-2.0-only

//! Packets that were captured before those which were sent before them. Real captures in many orders are in tests/corpus.

use super::{
    inspect, inspect_into, of_segments, single,
    wire::{connection, end, ipv4, pcap, pcap_timed, Segment},
    Outcome,
};
use crate::{
    inspect::Inspection,
    model::{Reason, State},
};

/// A connection with this packet moved to that place.
fn moved(from: usize, to: usize) -> Vec<Segment> {
    let mut segments = connection(7);
    let segment = segments.remove(from);
    segments.insert(to, segment);
    segments
}

/// What it says of packets by their place in the true order.
fn types(outcome: &Outcome, places: &[u64]) -> Vec<(u64, Vec<&'static str>, State)> {
    let mut types: Vec<_> = outcome
        .packets
        .iter()
        .map(|seen| {
            (
                places[seen.frame as usize - 1],
                seen.types.clone(),
                seen.state,
            )
        })
        .collect();
    types.sort_by_key(|(place, ..)| *place);
    types
}

#[test]
fn each_packet_in_each_place() {
    let ordered = of_segments(&connection(7));
    let places: Vec<u64> = (0..8).collect();
    let all = types(&ordered, &places);
    let expected = single(ordered);
    for from in 0..8 {
        for to in 0..8 {
            let outcome = of_segments(&moved(from, to));
            let mut order = places.clone();
            let place = order.remove(from);
            order.insert(to, place);
            let (_, later) = order.split_at(from.min(to));
            assert_eq!(outcome.packets.len(), 6, "{from} to {to}");
            // Within a direction it is as the match sees it: what comes behind a hole is unknown.
            let turned = later.is_empty() || from.abs_diff(to) > 1;
            if !turned {
                assert_eq!(types(&outcome, &order), all, "{from} to {to}");
            }
            assert_eq!(single(outcome), expected, "{from} to {to}");
        }
    }
}

#[test]
fn what_waits_is_told_when_it_is_taken_in() {
    // The client's Finished is captured before the server's flight.
    let outcome = of_segments(&moved(4, 3));
    let frames: Vec<u64> = outcome.packets.iter().map(|seen| seen.frame).collect();
    assert_eq!(frames, [3, 5, 4, 6, 7, 8]);
}

/// An answer that is captured so many seconds behind what acknowledges it.
fn late_by(seconds: u32) -> (State, Option<Reason>) {
    let segments = moved(3, 4);
    let times = [100, 100, 100, 100].into_iter().chain([100 + seconds; 4]);
    let frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let frames = times.zip(frames.iter().map(Vec::as_slice));
    let found = single(inspect(&pcap_timed(101, frames)));
    (found.state, found.reason)
}

#[test]
fn a_late_packet_is_waited_for_thirty_seconds() {
    assert_eq!(late_by(30), (State::Established, None));
    let late = (State::Lost, Some(Reason::CapturedOutOfOrder));
    assert_eq!(late_by(31), late);
}

#[test]
fn what_never_comes_is_a_hole() {
    let mut segments = connection(7);
    segments.remove(3);
    let found = single(of_segments(&segments));
    assert_eq!(
        (found.state, found.reason),
        (State::Lost, Some(Reason::Hole))
    );
    // Nor is what comes again before it is acknowledged.
    segments.insert(3, connection(7)[2].clone());
    let found = single(of_segments(&segments));
    assert_eq!(found.reason, Some(Reason::Hole));
}

#[test]
fn no_more_than_a_mebibyte_waits() {
    let late = |more: usize| {
        let mut segments = connection(7);
        let last = segments.pop().expect("the server's data");
        let client = segments.pop().expect("the client's data");
        let mut seq = client.seq + 705;
        let ack = last.seq + u32::try_from(last.payload.len()).expect("short");
        segments.push(client.clone());
        for _ in 0..more {
            segments.push(Segment {
                seq,
                ack: Some(ack),
                ..client.clone()
            });
            seq += 705;
        }
        segments.push(last);
        single(of_segments(&segments))
    };
    // Each takes its octets and 256 more.
    let most = (1 << 20) / (705 + 256);
    let found = late(most);
    assert_eq!((found.state, found.reason), (State::Established, None));
    let records = found.records.expect("the client is known");
    assert_eq!(records.client.application_data, most as u64 + 1);
    assert_eq!(late(most + 1).reason, Some(Reason::CapturedOutOfOrder));
}

#[test]
fn where_there_is_no_room_those_wait_that_came_last() {
    let port = |mut frame: Vec<u8>, port: u16| {
        for place in [20, 22] {
            if frame[place..place + 2] == 40000_u16.to_be_bytes() {
                frame[place..place + 2].copy_from_slice(&port.to_be_bytes());
            }
        }
        frame
    };
    // Both wait with the client's flight.
    let segments = moved(3, 4);
    let all = |first: u16, range: std::ops::Range<usize>| -> Vec<Vec<u8>> {
        segments[range]
            .iter()
            .map(|segment| port(ipv4(segment), first))
            .collect()
    };
    let frames = [all(1, 0..4), all(2, 0..4), all(1, 4..8), all(2, 4..8)].concat();
    let reasons = |most: u64| {
        let mut small = Inspection::default();
        small.following.holes.most = most;
        let outcome = inspect_into(small, &pcap(101, &frames));
        let reasons: Vec<Option<Reason>> = outcome
            .connections
            .iter()
            .map(|found| found.reason)
            .collect();
        (reasons, outcome.passed_over)
    };
    let cost = u64::try_from(segments[3].payload.len()).expect("short") + 256;
    assert_eq!(reasons(2 * cost), (vec![None; 2], String::new()));
    let (found, said) = reasons(2 * cost - 1);
    assert_eq!(found, [Some(Reason::CapturedOutOfOrder), None]);
    assert_eq!(
        said,
        "passed over: 1 time the wait for what may have been captured late, for want of room"
    );
}

#[test]
fn the_start_of_another_connection_is_none_of_this_one() {
    let (first, second) = (connection(7), connection(1 << 30));
    // The last packets of one whose start is not there, then another one.
    let tail = &first[6..];
    let outcome = of_segments(&[tail, &second].concat());
    let found: Vec<_> = outcome
        .connections
        .iter()
        .map(|found| (found.state, found.reason))
        .collect();
    assert_eq!(
        found,
        [
            (State::Lost, Some(Reason::MidStream)),
            (State::Established, None)
        ]
    );
    // One that waits for what never comes is over when the next begins.
    let mut lossy = first.clone();
    lossy.remove(3);
    let outcome = of_segments(&[&lossy, &end(&first)[..], &second].concat());
    let found: Vec<_> = outcome
        .connections
        .iter()
        .map(|found| found.state)
        .collect();
    assert_eq!(found, [State::Closed, State::Established]);
    // So it is where the other side begins that.
    let mut turned = second;
    for segment in &mut turned {
        segment.from_client = !segment.from_client;
    }
    let outcome = of_segments(&[&lossy, &end(&first)[..], &turned].concat());
    let found: Vec<_> = outcome
        .connections
        .iter()
        .map(|found| found.state)
        .collect();
    assert_eq!(found, [State::Closed, State::Established]);
}

#[test]
fn the_last_packet_stays_the_last_where_the_start_comes_late() {
    let mut segments = connection(7);
    segments.rotate_left(2);
    let frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let times = [3, 4, 4, 4, 4, 4, 3, 3];
    let found = single(inspect(&pcap_timed(
        101,
        times.into_iter().zip(frames.iter().map(|frame| &frame[..])),
    )));
    assert_eq!(found.state, State::Established);
    let captured = found.times.expect("it is of a capture");
    let seconds = [captured.first, captured.last].map(|time| time.0 / 1_000_000_000);
    assert_eq!(seconds, [3, 4]);
}
