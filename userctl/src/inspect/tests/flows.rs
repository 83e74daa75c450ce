// SPDX-License-Identifier: GPL-2.0-only

//! When connections begin and end, and segments out of order.

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
fn a_new_syn_begins_a_connection_only_when_the_old_one_is_over() {
    let (first, second) = (connection(7), connection(5000));
    let states = |segments: &[&[Segment]]| -> Vec<State> {
        let outcome = of_segments(&segments.concat());
        assert_eq!(outcome.trouble, None);
        let ids = outcome.connections.iter().map(|connection| connection.id);
        assert!(ids.eq(0..outcome.connections.len() as u64));
        outcome
            .connections
            .iter()
            .map(|connection| connection.state)
            .collect()
    };
    let live = State::Established;
    assert_eq!(
        states(&[&first, &end(&first), &second]),
        [State::Closed, live]
    );
    // The same SYN once more is the same connection.
    assert_eq!(
        states(&[&first, &end(&first), &first[..1]]),
        [State::Closed]
    );
    // A SYN that nothing answers changes nothing; its answer shows that the old connection is over.
    assert_eq!(states(&[&first, &second[..1]]), [live]);
    assert_eq!(states(&[&first, &second]), [live, live]);
    // An RST ends it if its number is what the other side expects.
    let reset = |seq| Segment {
        seq,
        flags: "R",
        ..end(&first)[0].clone()
    };
    let expected = end(&first)[0].seq;
    let answer = Segment {
        ack: Some(expected),
        ..end(&first)[1].clone()
    };
    let answer = Segment {
        flags: "",
        ..answer
    };
    assert_eq!(
        states(&[&first, &[answer.clone(), reset(expected)]]),
        [State::Closed]
    );
    assert_eq!(
        states(&[&first, &[answer.clone(), reset(expected - 1)]]),
        [live]
    );
    assert_eq!(
        states(&[&first, &[answer.clone(), reset(expected + 9)]]),
        [live]
    );
    assert_eq!(
        states(&[&first, &[answer, reset(expected)], &second]),
        [State::Closed, live]
    );
    // Refused.
    let refusal = Segment {
        ack: Some(8),
        flags: "R",
        seq: 0,
        ..first[1].clone()
    };
    assert_eq!(states(&[&first[..1], &[refusal]]), [State::Closed]);
    assert_eq!(states(&[&first[..1]]), [State::New]);
}

#[test]
fn what_conntrack_does_not_take_says_nothing() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    // A text in a reset, whether it is accepted or not, and an acknowledgement of what never came.
    let last = segments.last().expect("it has packets").clone();
    let reset = |seq| Segment {
        seq,
        flags: "R",
        ack: last.ack.map(|ack| ack + 1000),
        payload: b"no thank you".to_vec(),
        ..last.clone()
    };
    let behind = last.seq + u32::try_from(last.payload.len()).expect("short");
    let refused = of_segments(&[&segments, &[reset(behind + 9)][..]].concat());
    let packet = refused.packets.last().expect("it has payload");
    assert_eq!(packet.types, ["unknown"]);
    assert_eq!(single(refused), expected);
    let accepted = single(of_segments(&[&segments, &[reset(behind)][..]].concat()));
    assert_eq!((accepted.state, accepted.reason), (State::Closed, None));
    assert_eq!(accepted.bytes, expected.bytes);
    // The answer to another SYN, and a SYN with data in the middle.
    let answer = Segment {
        ack: segments[1].ack.map(|ack| ack + 5000),
        ..segments[1].clone()
    };
    let syn = Segment {
        seq: behind,
        payload: b"text".to_vec(),
        ..segments[0].clone()
    };
    let both = [&segments, &[answer, syn][..]].concat();
    assert_eq!(single(of_segments(&both)), expected);
}

#[test]
fn connections_are_bounded() {
    let (first, second) = (connection(7), connection(5000));
    let segments = [&first, &end(&first)[..], &second].concat();
    let frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let mut small = Inspection::default();
    small.rows.most = 1;
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
fn the_initiator_may_answer_a_syn() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    let [syn, answer, rest @ ..] = &segments[..] else {
        panic!("it begins with a SYN and its answer");
    };
    let responders = Segment {
        ack: None,
        ..answer.clone()
    };
    let answered = |by| Segment {
        ack: Some(answer.seq.wrapping_add(by)),
        ..syn.clone()
    };
    let split = |by| [&[syn.clone(), responders.clone(), answered(by)][..], rest].concat();
    let seen = single(of_segments(&split(1)));
    assert_eq!(seen.state, expected.state);
    assert_eq!(seen.records, expected.records);
    assert_eq!(seen.client_random, expected.client_random);
    // An answer to another SYN opens nothing: it is picked up in the middle.
    assert_eq!(single(of_segments(&split(2))).state, State::Lost);
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
