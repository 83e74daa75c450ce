// SPDX-License-Identifier: GPL-2.0-only

//! Which packets are of one connection, and segments out of order.

use super::{
    inspect_into, of_segments, single,
    wire::{self, connection, end, ipv4, pcap, Segment},
};
use crate::{
    inspect::Inspection,
    model::{Bytes, Reason, State},
};

#[test]
fn late_and_repeated_segments_change_nothing() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    // The client's second flight in three pieces, the last first, each twice.
    let flight = &segments[4];
    let cut = |from: usize, to: usize| Segment {
        seq: flight.seq + u32::try_from(from).expect("short"),
        payload: flight.payload[from..to].to_vec(),
        ..flight.clone()
    };
    let len = flight.payload.len();
    let pieces = [
        cut(70, len),
        cut(3, 70),
        cut(3, 70),
        cut(0, 3),
        cut(70, len),
    ];
    let shuffled = [&segments[..4], &pieces, &segments[5..]].concat();
    let outcome = of_segments(&shuffled);
    let types: Vec<&[&str]> = outcome.packets[2..7]
        .iter()
        .map(|seen| &seen.types[..])
        .collect();
    let last: &[&str] = &["change-cipher-spec", "handshake"];
    assert_eq!(
        types,
        [
            &["unknown"],
            &["unknown"],
            &["unknown"],
            &["handshake"][..],
            last
        ]
    );
    assert_eq!(single(outcome), expected);
}

#[test]
fn picked_up_in_the_middle_at_the_first_payload() {
    let segments = connection(7);
    let data = &segments[4];
    let len = u32::try_from(data.payload.len()).expect("it is short");
    // Its FIN comes first, and what is in front of it is not sent again.
    let fin = Segment {
        seq: data.seq + len,
        flags: "F",
        payload: Vec::new(),
        ..data.clone()
    };
    let found = single(of_segments(&[fin, data.clone()]));
    assert_eq!(found.reason, Some(Reason::MidStream));
    let bytes = Bytes::ByEnd {
        src: len.into(),
        dst: 0,
    };
    assert_eq!(found.bytes, bytes);
}

#[test]
fn more_than_the_bound_behind_a_hole_is_lost() {
    let mut segments = connection(7);
    let data = segments.swap_remove(6);
    segments.truncate(6);
    let stream = wire::record(23, &[0; 16000]).repeat(8);
    let part = |from: u32, to: u32| Segment {
        seq: data.seq + from,
        payload: stream[from as usize..to as usize].to_vec(),
        ..data.clone()
    };
    let of = |parts: &[Segment]| single(of_segments(&[&segments, parts].concat()));
    let held = of(&[part(1, 60_000), part(0, 1)]);
    assert_eq!(held.state, State::Established);
    assert_eq!(
        held.records
            .expect("there are some")
            .client
            .application_data,
        3
    );
    let lost = of(&[part(1, 60_000), part(60_000, 70_000), part(0, 1)]);
    assert_eq!((lost.state, lost.reason), (State::Lost, Some(Reason::Hole)));
    // Many small ones cost more than their octets.
    let small: Vec<Segment> = (1..1100).map(|place| part(place, place + 1)).collect();
    assert_eq!(of(&small).state, State::Lost);
    // What comes again is kept once.
    let again = vec![part(1, 40_000); 5];
    assert_eq!(of(&again).state, State::Established);
}

#[test]
fn connections_are_bounded() {
    let (first, second) = (connection(7), connection(5000));
    let segments = [&first, &end(&first)[..], &second].concat();
    let frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let mut small = Inspection::default();
    small.following.rows.most = 1;
    let outcome = inspect_into(small, &pcap(101, &frames));
    assert_eq!(outcome.connections.len(), 1);
    assert_eq!(outcome.connections[0].state, State::Closed);
    let trouble = outcome.trouble.expect("there are two");
    assert!(trouble.contains(": 8 packets of further ones"), "{trouble}");
}

#[test]
fn without_the_start_there_is_no_identity() {
    let middle = single(of_segments(&connection(7)[2..]));
    assert_eq!(
        (middle.state, middle.reason),
        (State::Lost, Some(Reason::MidStream))
    );
    assert_eq!((middle.client, middle.records), (None, None));
    assert!(
        matches!(
            middle.bytes,
            Bytes::ByEnd {
                src: 875,
                dst: 1344
            }
        ),
        "{:?}",
        middle.bytes
    );
    // The answer to a SYN tells who sent the SYN.
    let answered = single(of_segments(&connection(7)[1..]));
    assert_eq!(answered.src.to_string(), "10.0.0.1:40000");
    assert_eq!(answered.state, State::Established);
}

#[test]
fn a_continued_session_names_the_connection_it_is_from() {
    let segments = |ids: &[&str]| -> Vec<Segment> {
        let starts = (0..).step_by(5000);
        let connections = ids.iter().zip(starts).map(|(kind, first)| {
            let mut segments = match *kind {
                "full" => connection(first),
                _ => wire::resumed(first),
            };
            segments.extend(end(&segments));
            segments
        });
        connections.flatten().collect()
    };
    let resumes = |ids: &[&str]| -> Vec<Option<u64>> {
        let outcome = of_segments(&segments(ids));
        outcome
            .connections
            .iter()
            .map(|connection| connection.resumes)
            .collect()
    };
    assert_eq!(resumes(&["full", "resumed"]), [None, Some(0)]);
    assert_eq!(resumes(&["full", "full", "resumed"]), [None, None, Some(1)]);
    // The connection that it is from is not in the capture.
    assert_eq!(resumes(&["resumed", "full"]), [None, None]);
    let last = of_segments(&segments(&["resumed"])).connections.remove(0);
    assert_eq!((last.resumed, last.state), (Some(true), State::Closed));
}

#[test]
fn the_same_addresses_in_two_tunnels_are_two_connections() {
    let through = |network: u8| {
        let carry = move |ip: Vec<u8>| {
            let frame = [&[0; 12][..], &[8, 0], &ip].concat();
            let vxlan = [&[8, 0, 0, 0, 0, 0, network, 0][..], &frame].concat();
            wire::udp(4789, &vxlan)
        };
        connection(7)
            .iter()
            .map(|one| carry(ipv4(one)))
            .collect::<Vec<_>>()
    };
    let both = [through(1), through(2)].concat();
    let outcome = inspect_into(Inspection::default(), &pcap(101, &both));
    assert_eq!(outcome.connections.len(), 2);
    for connection in &outcome.connections {
        assert_eq!(connection.state, State::Established);
        assert_eq!(connection.src.to_string(), "10.0.0.1:40000");
    }
    let outer = inspect_into(Inspection::new(false, false), &pcap(101, &both));
    assert!(outer.connections.is_empty());
}
