// SPDX-License-Identifier: GPL-2.0-only

//! How long and how much waits behind holes.

use super::{
    inspect, inspect_into, single,
    wire::{self, block, connection, ipv4, pcap, pcap_timed, Segment},
};
use crate::{
    inspect::Inspection,
    model::{Connection, Reason, State},
};

/// A connection whose client's data comes in two pieces, the last first.
fn turned_round(first: u32) -> Vec<Segment> {
    let mut segments = connection(first);
    let data = segments.swap_remove(6);
    segments.truncate(6);
    let (start, rest) = data.payload.split_at(10);
    let rest = Segment {
        seq: data.seq.wrapping_add(10),
        payload: rest.to_vec(),
        ..data.clone()
    };
    let start = Segment {
        payload: start.to_vec(),
        ..data
    };
    segments.extend([rest, start]);
    segments
}

fn frames(segments: &[Segment]) -> Vec<Vec<u8>> {
    segments.iter().map(ipv4).collect()
}

/// What is known of it when the last two packets were captured at these times.
fn at(rest: u32, start: u32) -> Connection {
    let frames = frames(&turned_round(7));
    let times = [100; 6].into_iter().chain([rest, start]);
    single(inspect(&pcap_timed(
        101,
        times.zip(frames.iter().map(Vec::as_slice)),
    )))
}

fn data_records(connection: &Connection) -> u64 {
    let records = connection.records.as_ref().expect("the client is known");
    records.client.application_data
}

#[test]
fn a_hole_is_waited_for_thirty_seconds() {
    let filled = at(100, 130);
    assert_eq!(
        (filled.state, data_records(&filled)),
        (State::Established, 1)
    );
    let lost = at(100, 131);
    assert_eq!((lost.state, lost.reason), (State::Lost, Some(Reason::Hole)));
    // A clock that was set back does not age anything.
    assert_eq!(at(200, 100).state, State::Established);
}

#[test]
fn any_frame_says_how_late_it_is() {
    let segments = turned_round(7);
    let mut frames = frames(&segments[..7]);
    // No IP packet at all.
    frames.push(vec![0; 20]);
    let times = [100; 7].into_iter();
    let state = |last| {
        let times = times.clone().chain([last]);
        let capture = pcap_timed(101, times.zip(frames.iter().map(Vec::as_slice)));
        single(inspect(&capture)).state
    };
    assert_eq!(state(130), State::Established);
    assert_eq!(state(131), State::Lost);
}

/// The options of an interface: its clock's resolution, and where it begins.
fn clock(big: bool, resolution: u8, begins: i64) -> Vec<u8> {
    let number = |octets: [u8; 2]| match big {
        true => octets,
        false => [octets[1], octets[0]],
    };
    let begins = match big {
        true => begins.to_be_bytes(),
        false => begins.to_le_bytes(),
    };
    [
        &number([0, 9])[..],
        &number([0, 1]),
        &[resolution, 0, 0, 0],
        &number([0, 14]),
        &number([0, 8]),
        &begins,
    ]
    .concat()
}

/// The state at the end if the last packet comes from another interface, that many ticks behind the others.
fn state(big: bool, clocks: [Vec<u8>; 2], ticks: u64) -> State {
    let mut octets = wire::section(big);
    for clock in clocks {
        octets.extend(wire::interface(big, 101, &clock));
    }
    for (place, frame) in frames(&turned_round(7)).iter().enumerate() {
        let (interface, ticks) = if place == 7 { (1, ticks) } else { (0, 0) };
        let len = u32::try_from(frame.len()).expect("short");
        let words = [interface, (ticks >> 32) as u32, ticks as u32, len, len];
        octets.extend(block(big, 6, &words, frame));
    }
    single(inspect(&octets)).state
}

#[test]
fn time_is_counted_as_the_interface_does() {
    let seconds = [
        (0, 1),
        (6, 1_000_000),
        (9, 1_000_000_000),
        (0x80 | 20, 1 << 20),
    ];
    for (resolution, second) in seconds {
        for big in [false, true] {
            for begins in [0, i64::MIN, i64::MAX] {
                let clock = clock(big, resolution, begins);
                let state = |ticks| state(big, [clock.clone(), clock.clone()], ticks);
                let why = format!("{resolution} {big} {begins}");
                assert_eq!(state(30 * second), State::Established, "{why}");
                assert_eq!(state(30 * second + second), State::Lost, "{why}");
            }
        }
    }
}

#[test]
fn time_begins_where_the_interface_says() {
    for big in [false, true] {
        let state = |begins| state(big, [clock(big, 6, 7), clock(big, 6, begins)], 0);
        assert_eq!(state(37), State::Established);
        assert_eq!(state(38), State::Lost);
    }
}

#[test]
fn what_waits_is_bounded_in_all_connections_together() {
    let ports = |segments: &[Segment], port: u16| -> Vec<Vec<u8>> {
        let mut frames = frames(segments);
        for frame in &mut frames {
            // The client's.
            for place in [20, 22] {
                if frame[place..place + 2] == 40000_u16.to_be_bytes() {
                    frame[place..place + 2].copy_from_slice(&port.to_be_bytes());
                }
            }
        }
        frames
    };
    let segments = turned_round(7);
    let capture = [
        ports(&segments[..7], 40001),
        ports(&segments[..7], 40002),
        ports(&segments[7..], 40001),
        ports(&segments[7..], 40002),
    ]
    .concat();
    let states = |most| {
        let mut small = Inspection::default();
        small.following.holes.most = most;
        let outcome = inspect_into(small, &pcap(101, &capture));
        let states: Vec<State> = outcome
            .connections
            .iter()
            .map(|connection| connection.state)
            .collect();
        (states, outcome.passed_over)
    };
    // 695 octets of each, and what keeping them costs.
    let both = vec![State::Established; 2];
    assert_eq!(states(2 * (695 + 64)), (both, String::new()));
    let (states, said) = states(2 * (695 + 64) - 1);
    assert_eq!(states, [State::Established, State::Lost]);
    assert_eq!(
        said,
        "passed over: 1 time the wait for what is missing in a connection, for want of room"
    );
}
