// SPDX-License-Identifier: GPL-2.0-only

//! What packets say, however they are carried.

use super::{
    inspect, of_segments, single,
    wire::{self, connection, ipv4, ipv6, pcap},
};
use crate::model::{Reason, Side, State};

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
    assert_eq!(outcome.packets[1].length, 88);
    assert_eq!(outcome.packets[4].length, 705);
    assert_eq!(outcome.packets[4].types, ["unknown"]);
    let cut = single(outcome);
    assert_eq!(
        (cut.state, cut.reason),
        (State::Lost, Some(Reason::Snaplen))
    );
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
