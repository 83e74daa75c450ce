// SPDX-License-Identifier: GPL-2.0-only

//! Connections that are idle are given up as conntrack does, and what is left of them.

use super::{
    inspect, inspect_into,
    wire::{connection, end, ipv4, pcap_timed, resumed, Segment},
    Outcome,
};
use crate::{inspect::Inspection, model::State};

const BEGIN: u32 = 1000;

fn timed(parts: &[(u32, &[Segment])]) -> Vec<u8> {
    let frames: Vec<(u32, Vec<u8>)> = parts
        .iter()
        .flat_map(|(time, segments)| segments.iter().map(|segment| (*time, ipv4(segment))))
        .collect();
    pcap_timed(101, frames.iter().map(|(time, frame)| (*time, &frame[..])))
}

/// What comes of packets where those behind the first so many come so many seconds later.
fn with_pause(segments: &[Segment], first: usize, seconds: u32) -> Outcome {
    let (front, rest) = segments.split_at(first);
    inspect(&timed(&[(BEGIN, front), (BEGIN + seconds, rest)]))
}

fn reset(segments: &[Segment]) -> Segment {
    let [fin, ..] = &end(segments)[..] else {
        panic!("an end");
    };
    Segment {
        flags: "R",
        ..fin.clone()
    }
}

#[test]
fn by_the_state_that_it_is_in() {
    let all = connection(7);
    let data = all.last().expect("it has packets").clone();
    let closed = [&all, &end(&all)[..]].concat();
    let with = |more: &[Segment]| [&all, more].concat();
    // Packets, how many come before the pause, and how long that may be.
    for (what, segments, first, seconds) in [
        ("a SYN", all.clone(), 1, 120),
        ("its answer", all.clone(), 2, 60),
        ("a handshake", all.clone(), 4, 432_000),
        ("data", all.clone(), 7, 432_000),
        (
            "both ends",
            [&closed, &[data.clone()][..]].concat(),
            11,
            120,
        ),
        ("a reset", with(&[reset(&all), data]), 9, 10),
    ] {
        for (seconds, rows) in [(seconds, 1), (seconds + 1, 2)] {
            let outcome = with_pause(&segments, first, seconds);
            assert_eq!(outcome.connections.len(), rows, "{what}: {seconds} s");
            assert_eq!(outcome.trouble, None);
        }
    }
    // What ends it begins no other.
    let acknowledged = Segment {
        flags: "",
        ..end(&all)[1].clone()
    };
    let half = [&all, &end(&all)[..1], &[acknowledged], &end(&all)[1..]].concat();
    for (what, segments, first, seconds) in [
        ("a FIN", &closed, 9, 120),
        ("a FIN that was acknowledged", &half, 10, 60),
        ("both FINs", &closed, 10, 30),
    ] {
        for (seconds, state) in [(seconds, State::Closed), (seconds + 1, State::Established)] {
            let outcome = with_pause(segments, first, seconds);
            let [connection] = &outcome.connections[..] else {
                panic!("{what}: {:?}", outcome.connections);
            };
            assert_eq!(connection.state, state, "{what}: {seconds} s");
        }
    }
}

#[test]
fn for_as_long_as_is_asked_for() {
    let all = connection(7);
    for (seconds, rows) in [(5, 1), (6, 2)] {
        let octets = timed(&[(BEGIN, &all[..7]), (BEGIN + seconds, &all[7..])]);
        let inspection = Inspection::default().giving_up_after(Some(5));
        let outcome = inspect_into(inspection, &octets);
        assert_eq!(outcome.connections.len(), rows, "{seconds} s");
    }
}

#[test]
fn what_is_shown_of_it_is_the_same() {
    let (first, second) = (connection(7), resumed(0x1000_0000));
    let octets = timed(&[(BEGIN, &first), (BEGIN + 6, &second), (BEGIN + 20, &second)]);
    let of = |seconds| {
        let inspection = Inspection::default().giving_up_after(seconds);
        inspect_into(inspection, &octets).connections
    };
    // The second SYN of the same addresses begins a connection only where the first is over.
    let given_up = of(Some(5));
    let alone = inspect(&timed(&[(BEGIN, &first)])).connections;
    assert_eq!(given_up[0], alone[0]);
    let [_, again, ..] = &given_up[..] else {
        panic!("{given_up:?}");
    };
    assert_eq!((again.id, again.resumes), (1, Some(0)));
}

#[test]
fn no_more_is_followed_than_what_is_live() {
    let mut inspection = Inspection::default().giving_up_after(Some(5));
    let mut octets = timed(&[]);
    let mut most = 0;
    for number in 0..300 {
        let segments = connection(number * 0x10_0000);
        let closed = [&segments, &end(&segments)[..]].concat();
        let one = timed(&[(BEGIN + number * 3, &closed)]);
        octets.extend(&one[24..]);
    }
    let input = Box::new(std::io::Cursor::new(octets));
    let mut capture =
        super::Capture::new("made.pcap".into(), None, input, false).expect("a capture");
    let read = capture.read(|frame| {
        if let Some(frame) = frame {
            inspection.frame(frame, false);
        }
        most = most.max(inspection.following.rows.followed());
        true
    });
    assert!(read.is_ok());
    assert_eq!(inspection.connections().count(), 300);
    assert!(most <= 3, "{most}");
}

/// Connections one after the other, each over before the next one begins.
fn one_by_one(count: u32) -> Vec<u8> {
    let mut octets = timed(&[]);
    for number in 0..count {
        let segments = connection(number * 0x10_0000);
        let closed = [&segments, &end(&segments)[..]].concat();
        octets.extend(&timed(&[(BEGIN + number * 300, &closed)])[24..]);
    }
    octets
}

#[test]
fn what_is_kept_of_those_that_are_over_is_bounded() {
    let mut inspection = Inspection::default();
    (
        inspection.following.rows.most,
        inspection.following.rows.most_gone,
    ) = (1, 2);
    let outcome = inspect_into(inspection, &one_by_one(5));
    let ids: Vec<u64> = outcome.connections.iter().map(|of| of.id).collect();
    // One is followed, two are over; all were followed in their time.
    assert_eq!(ids, [2, 3, 4]);
    for connection in &outcome.connections {
        assert_eq!(connection.state, State::Closed);
    }
    let trouble = outcome.trouble.expect("two are left out");
    assert!(trouble.contains(": 2 of them left out"), "{trouble}");
}

#[test]
fn who_reads_along_hears_at_once_of_what_is_left_out() {
    let warnings = |most: usize, most_gone: usize| {
        let mut inspection = Inspection::default();
        (
            inspection.following.rows.most,
            inspection.following.rows.most_gone,
        ) = (most, most_gone);
        let input = Box::new(std::io::Cursor::new(one_by_one(5)));
        let mut capture =
            super::Capture::new("made.pcap".into(), None, input, false).expect("a capture");
        let mut found = Vec::new();
        let read = capture.read(|frame| {
            if let Some(frame) = frame {
                inspection.frame(frame, false);
                found.extend(inspection.warning());
            }
            true
        });
        assert!(read.is_ok());
        found
    };
    assert_eq!(warnings(1, 4), [""; 0]);
    let [gone] = &warnings(1, 2)[..] else {
        panic!("it is said once");
    };
    // Each has eleven packets. With the first of the fourth the third is over; its time is believed with the next one.
    assert!(gone.starts_with("frame 35: more than "), "{gone}");
    let [room] = &warnings(0, 2)[..] else {
        panic!("it is said once");
    };
    assert!(room.starts_with("frame 1: "), "{room}");
}

#[test]
fn what_waits_in_a_connection_is_forgotten_with_it() {
    let all = connection(7);
    let (front, data) = (&all[..5], &all[7..]);
    // It is over before the wait is, which lasts for thirty seconds.
    let syn = &all[..1];
    let parts = [
        (BEGIN, front),
        (BEGIN, data),
        (BEGIN + 7, syn),
        (BEGIN + 40, syn),
    ];
    let octets = timed(&parts);
    let inspection = Inspection::default().giving_up_after(Some(5));
    let outcome = inspect_into(inspection, &octets);
    assert_eq!(outcome.connections.len(), 3);
}

#[test]
fn what_is_taken_out_is_not_kept() {
    let mut inspection = Inspection::default();
    (
        inspection.following.rows.most,
        inspection.following.rows.most_gone,
    ) = (1, 1);
    let input = Box::new(std::io::Cursor::new(one_by_one(5)));
    let mut capture =
        super::Capture::new("made.pcap".into(), None, input, false).expect("a capture");
    let mut ids = Vec::new();
    let read = capture.read(|frame| {
        if let Some(frame) = frame {
            inspection.frame(frame, false);
            ids.extend(
                inspection
                    .take_over()
                    .iter()
                    .map(|connection| connection.id),
            );
        }
        true
    });
    assert!(read.is_ok());
    assert_eq!(ids, [0, 1, 2, 3]);
    ids.extend(inspection.connections().map(|connection| connection.id));
    assert_eq!(ids, [0, 1, 2, 3, 4]);
    assert_eq!(inspection.passed_over().trouble(), None);
}
