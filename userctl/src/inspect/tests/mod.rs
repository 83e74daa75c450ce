// SPDX-License-Identifier: GPL-2.0-only

//! Captures made by hand, through the whole of it.

mod wire;

use std::io::Cursor;

use self::wire::{block, connection, end, ipv4, ipv6, pcap, Segment};
use super::{capture::Capture, Inspection, Seen};
use crate::model::{Bytes, Connection, Reason, Side, State};

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
    let read = Capture::new("made.pcap".into(), None, input).and_then(|mut capture| {
        capture.read(|frame| packets.extend(inspection.frame(frame, true)))
    });
    Outcome {
        connections: inspection.connections().collect(),
        packets,
        passed_over: inspection.passed_over.to_string(),
        trouble: read
            .err()
            .map(|failure| failure.message)
            .or_else(|| inspection.passed_over.trouble()),
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

#[test]
fn a_connection_and_its_packets() {
    let outcome = of_segments(&connection(100));
    let seen: Vec<_> = outcome
        .packets
        .iter()
        .map(|seen| (seen.frame, seen.from, seen.types.join(" "), seen.state))
        .collect();
    let expected = [
        (3, Side::Src, "handshake", State::Hello),
        (4, Side::Dst, "handshake", State::Handshake),
        (
            5,
            Side::Src,
            "handshake change-cipher-spec",
            State::Handshake,
        ),
        (
            6,
            Side::Dst,
            "change-cipher-spec handshake",
            State::Established,
        ),
        (7, Side::Src, "application-data", State::Established),
        (8, Side::Dst, "application-data", State::Established),
    ];
    assert_eq!(
        seen,
        expected.map(|(frame, from, types, state)| (frame, from, types.to_owned(), state))
    );
    let connection = single(outcome);
    assert_eq!(connection.id, 0);
    assert_eq!(connection.src.to_string(), "10.0.0.1:40000");
    assert_eq!(connection.client, Some(Side::Src));
    assert_eq!(connection.state, State::Established);
    assert_eq!(connection.resumed, Some(false));
    let records = connection.records.expect("the client is known");
    assert_eq!(records.client.handshake, 3);
    assert_eq!(records.server.application_data, 1);
    // Neither pin nor mark is printed.
    let json = serde_json::to_value(single(of_segments(&wire::connection(1)))).expect("JSON");
    assert!(json.get("pin").is_none() && json.get("mark").is_none() && json.get("id").is_some());
}

#[test]
fn every_way_to_carry_it_is_the_same() {
    let segments = connection(0xffff_ff00);
    let expected = single(of_segments(&segments));
    let ethernet = |kinds: &[u8], ip: &[u8]| [&[0; 12][..], kinds, ip].concat();
    type Carry<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let carriers: [(u32, Carry<'_>); 8] = [
        (1, &|ip| ethernet(&[8, 0], ip)),
        (1, &|ip| ethernet(&[0x81, 0, 0, 7, 8, 0], ip)),
        (1, &|ip| {
            ethernet(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0], ip)
        }),
        // What pads a short frame stands behind the packet.
        (1, &|ip| [&ethernet(&[8, 0], ip)[..], &[0xff; 18]].concat()),
        (0, &|ip| [&[2, 0, 0, 0], ip].concat()),
        (113, &|ip| [&[0; 14][..], &[8, 0], ip].concat()),
        (276, &|ip| [&[8, 0][..], &[0; 18], ip].concat()),
        (228, &|ip| ip.to_vec()),
    ];
    for (place, (link, carry)) in carriers.iter().enumerate() {
        let frames: Vec<Vec<u8>> = segments.iter().map(|s| carry(&ipv4(s))).collect();
        assert_eq!(single(inspect(&pcap(*link, &frames))), expected, "{place}");
    }
}

#[test]
fn ipv6_with_extension_headers() {
    let plain: Vec<Vec<u8>> = connection(5).iter().map(|s| ipv6(s, &[])).collect();
    // Hop-by-hop options, then destination options.
    let headers = [
        (0, vec![0, 1, 4, 0, 0, 0, 0]),
        (60, vec![0, 1, 4, 0, 0, 0, 0]),
    ];
    let extended: Vec<Vec<u8>> = connection(5).iter().map(|s| ipv6(s, &headers)).collect();
    let expected = single(inspect(&pcap(101, &plain)));
    assert_eq!(expected.dst.to_string(), "[2001:db8::2]:443");
    assert_eq!(expected.state, State::Established);
    assert_eq!(single(inspect(&pcap(229, &extended))), expected);
}

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
    // The first of the late ones is kept, and for the second there is no room.
    segments.extend([part(1, 60_000), part(60_000, 120_000), part(0, 1)]);
    let held = single(of_segments(&segments));
    assert_eq!(held.state, State::Established);
    assert_eq!(
        held.records
            .expect("there are some")
            .client
            .application_data,
        3
    );
    segments.push(Segment {
        from_client: false,
        seq: data.ack.expect("it acknowledges"),
        ack: Some(data.seq + 120_000),
        flags: "",
        payload: Vec::new(),
    });
    let lost = single(of_segments(&segments));
    assert_eq!((lost.state, lost.reason), (State::Lost, Some(Reason::Hole)));
}

#[test]
fn what_a_capture_cuts_off_is_a_hole() {
    let segments = connection(7);
    let frames: Vec<Vec<u8>> = segments
        .iter()
        .map(|segment| {
            let mut ip = ipv4(segment);
            ip.truncate(100);
            ip
        })
        .collect();
    let outcome = inspect(&pcap(101, &frames));
    // The ClientHello is whole, what follows is not.
    assert_eq!(outcome.packets[0].types, ["handshake"]);
    assert_eq!(outcome.packets[1].length, 56);
    assert_eq!(outcome.packets[4].length, 705);
    assert_eq!(outcome.packets[4].types, ["unknown"]);
    let cut = single(outcome);
    assert_eq!((cut.state, cut.reason), (State::Lost, Some(Reason::Hole)));
    assert!(cut.client_random.is_some());
    // Without the TCP header there is nothing to take in.
    let headless: Vec<Vec<u8>> = segments.iter().map(|s| ipv4(s)[..30].to_vec()).collect();
    let outcome = inspect(&pcap(101, &headless));
    assert!(outcome.connections.is_empty());
    assert_eq!(
        outcome.passed_over,
        "passed over: 8 TCP headers cut off or not in order"
    );
}

#[test]
fn fragments_are_passed_over() {
    let mut frames: Vec<Vec<u8>> = connection(7).iter().map(ipv4).collect();
    let last = frames.last_mut().expect("there is one");
    // More fragments follow.
    last[6] = 0x20;
    let outcome = inspect(&pcap(101, &frames));
    assert_eq!(outcome.passed_over, "passed over: 1 fragments");
    assert_eq!(outcome.packets.len(), 5);
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
fn connections_are_bounded() {
    let (first, second) = (connection(7), connection(5000));
    let segments = [&first, &end(&first)[..], &second].concat();
    let frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let small = Inspection {
        most: 1,
        ..Inspection::default()
    };
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
                dst: 1312
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
fn pcapng_in_both_byte_orders_and_with_several_interfaces() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    let ip: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let section = |big| {
        block(
            big,
            0x0a0d_0d0a,
            &[
                0x1a2b_3c4d,
                if big { 0x0001_0000 } else { 1 },
                u32::MAX,
                u32::MAX,
            ],
            &[],
        )
    };
    let interface =
        |big: bool, link: u32| block(big, 1, &[if big { link << 16 } else { link }, 0], &[]);
    let len = |octets: &[u8]| u32::try_from(octets.len()).expect("short");
    let packet = |big, interface, octets: &[u8]| {
        block(big, 6, &[interface, 0, 0, len(octets), len(octets)], octets)
    };
    let mut octets = [section(false), interface(false, 1), interface(false, 101)].concat();
    octets.extend(ip[..3].iter().flat_map(|ip| packet(false, 1, ip)));
    // Statistics, and a block that nobody knows.
    octets.extend(
        [
            block(false, 5, &[0, 0, 0], &[]),
            block(false, 77, &[1], &[2; 6]),
        ]
        .concat(),
    );
    octets.extend([section(true), interface(true, 101)].concat());
    octets.extend(block(true, 3, &[len(&ip[3])], &ip[3]));
    octets.extend(ip[4..].iter().flat_map(|ip| packet(true, 0, ip)));
    assert_eq!(single(inspect(&octets)), expected);
    let unknown = [octets, packet(true, 3, &ip[0])].concat();
    let trouble = inspect(&unknown)
        .trouble
        .expect("there is no such interface");
    assert!(trouble.contains("not described, at offset"), "{trouble}");
}

#[test]
fn a_capture_cut_anywhere_gives_what_is_there() {
    let frames: Vec<Vec<u8>> = connection(7).iter().map(ipv4).collect();
    let octets = pcap(101, &frames);
    let mut ends = vec![24];
    for frame in &frames {
        ends.push(ends[ends.len() - 1] + 16 + frame.len());
    }
    for len in 0..=octets.len() {
        let outcome = inspect(&octets[..len]);
        let whole = ends.iter().filter(|end| **end <= len).count();
        assert_eq!(outcome.trouble.is_none(), ends.contains(&len), "{len}");
        assert_eq!(outcome.packets.len(), whole.saturating_sub(3), "{len}");
        if let (Some(trouble), true) = (outcome.trouble, len > 24) {
            let expected = format!(
                "made.pcap: is cut off in a record, at offset {}; ",
                ends[whole - 1]
            );
            assert!(trouble.starts_with(&expected), "{trouble}");
        }
    }
}

#[test]
fn no_octets_make_it_panic() {
    let frames: Vec<Vec<u8>> = connection(7)
        .iter()
        .map(|s| {
            [
                &[0; 12][..],
                &[0x86, 0xdd],
                &ipv6(s, &[(0, vec![0, 1, 4, 0, 0, 0, 0])]),
            ]
            .concat()
        })
        .collect();
    let good = pcap(1, &frames);
    // A generator of Marsaglia's, so that a failure comes again.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).expect("it is below a length")
    };
    for _ in 0..2000 {
        let mut octets = good.clone();
        for _ in 0..=next(6) {
            let place = next(octets.len());
            octets[place] = [0, 1, 0x7f, 0x80, 0xff, next(256) as u8][next(6)];
        }
        octets.truncate(octets.len() - next(40));
        let outcome = inspect(&octets);
        assert!(outcome.packets.len() <= frames.len());
    }
}

#[test]
fn what_is_no_capture_is_refused() {
    let trouble = |octets: &[u8]| inspect(octets).trouble.expect("it is no capture");
    assert_eq!(
        trouble(&[]),
        "made.pcap: is empty, at offset 0; it must be a capture, pcap or pcapng"
    );
    assert!(trouble(&[0x1f; 100]).contains("is no capture"));
    let unknown = trouble(&pcap(147, &[vec![0; 60], vec![0; 60]]));
    assert!(
        unknown.starts_with("link type 147 is not known, of 2 frames, the first at offset 24; "),
        "{unknown}"
    );
    let mut large = pcap(101, &[vec![0; 60]]);
    large[32..36].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    assert!(trouble(&large).contains("is cut off in a record, at offset 24"));
    large.resize(20 << 20, 0);
    assert!(trouble(&large).contains("more than 16 MiB, at offset 24; "));
    // A header alone is a capture in which nothing was seen.
    assert_eq!(inspect(&pcap(1, &[])).trouble, None);
}
