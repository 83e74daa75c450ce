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
        "passed over: 8 headers of TCP or in tunnels, cut off or not in order"
    );
}

#[test]
fn only_frames_without_ip_are_said_to_be_without() {
    let within = |kind: u16, octets: &[u8]| {
        let frame = [&[0; 12][..], &kind.to_be_bytes(), octets].concat();
        let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &frame].concat();
        wire::udp(4789, &vxlan)
    };
    let said = |frames: &[Vec<u8>]| {
        let outcome = inspect(&pcap(101, frames));
        (outcome.passed_over, outcome.trouble)
    };
    let arp = within(0x0806, &[0; 28]);
    for frames in [vec![arp.clone()], in_fragments(&arp, 24, 9)] {
        let expected = "passed over: 1 packet of VXLAN without IP within";
        assert_eq!(said(&frames), (expected.into(), None));
    }
    let packet = ipv4(&connection(7)[0]);
    let expected = "passed over: 1 header of TCP or in tunnels, cut off or not in order";
    let cut = within(0x0800, &packet[..12]);
    assert_eq!(said(&[cut]), (expected.into(), None));
    let cut = packet[..12].to_vec();
    let (passed_over, trouble) = said(&[cut.clone(), cut.clone(), vec![0; 20]]);
    let expected = "passed over: 1 frame without IP, 2 IP headers cut off or not in order";
    assert_eq!(passed_over, expected);
    let trouble = trouble.expect("nothing could be read");
    assert!(
        trouble.starts_with("no IP header is whole in its 3 frames; "),
        "{trouble}"
    );
    let (passed_over, trouble) = said(&[cut, packet]);
    assert_eq!(
        passed_over,
        "passed over: 1 IP header cut off or not in order"
    );
    assert_eq!(trouble, None);
}

/// An IPv4 packet in fragments of so many octets.
fn in_fragments(packet: &[u8], len: usize, id: u16) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(20);
    let pieces = payload.chunks(len);
    let last = pieces.len() - 1;
    let fragment = |(place, piece): (usize, &[u8])| {
        let mut octets = [header, piece].concat();
        let total = u16::try_from(octets.len()).expect("short");
        let offset = u16::try_from(place * len / 8).expect("short");
        let more = if place == last { 0 } else { 0x2000 };
        octets[2..4].copy_from_slice(&total.to_be_bytes());
        octets[4..6].copy_from_slice(&id.to_be_bytes());
        octets[6..8].copy_from_slice(&(offset | more).to_be_bytes());
        octets
    };
    pieces.enumerate().map(fragment).collect()
}

#[test]
fn fragments_are_put_together() {
    let segments = connection(7);
    let expected = single(inspect(&pcap(
        101,
        &segments.iter().map(ipv4).collect::<Vec<_>>(),
    )));
    for len in [8, 64, 400] {
        for turned in [false, true] {
            let frames: Vec<Vec<u8>> = segments
                .iter()
                .zip(1..)
                .flat_map(|(segment, id)| {
                    let mut fragments = in_fragments(&ipv4(segment), len, id);
                    if turned {
                        fragments.reverse();
                    }
                    fragments
                })
                .collect();
            let outcome = inspect(&pcap(101, &frames));
            assert_eq!(outcome.passed_over, "");
            assert_eq!(single(outcome), expected);
        }
    }
    // One is missing; one was captured in part.
    let mut frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let last = frames.pop().expect("there is one");
    let mut fragments = in_fragments(&last, 400, 9);
    fragments.remove(1);
    let outcome = inspect(&pcap(101, &[&frames[..], &fragments[..]].concat()));
    let said = "passed over: 3 fragments of packets that are not whole";
    assert_eq!(
        (outcome.passed_over.as_str(), outcome.packets.len()),
        (said, 5)
    );
    let mut fragments = in_fragments(&last, 400, 9);
    fragments[1].truncate(100);
    let outcome = inspect(&pcap(101, &[&frames[..], &fragments[..]].concat()));
    let said = "passed over: 4 fragments of packets that are not whole";
    assert_eq!(
        (outcome.passed_over.as_str(), outcome.packets.len()),
        (said, 5)
    );
}

#[test]
fn a_tunnel_in_fragments() {
    let segments = connection(7);
    let frames: Vec<Vec<u8>> = segments
        .iter()
        .zip(1..)
        .flat_map(|(segment, id)| {
            let frame = [&[0; 12][..], &[8, 0], &ipv4(segment)].concat();
            let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &frame].concat();
            in_fragments(&wire::udp(4789, &vxlan), 200, id)
        })
        .collect();
    let found = single(inspect(&pcap(101, &frames)));
    assert_eq!(found.state, State::Established);
}

#[test]
fn fragments_of_ipv6() {
    let segments = connection(7);
    let frames: Vec<Vec<u8>> = segments
        .iter()
        .zip(1_u8..)
        .flat_map(|(segment, id)| {
            let plain = ipv6(segment, &[]);
            let (header, tcp) = plain.split_at(40);
            let last = tcp.len().div_ceil(64) - 1;
            tcp.chunks(64)
                .enumerate()
                .map(move |(place, piece)| {
                    let offset = u16::try_from(place * 64).expect("short");
                    let [high, low] = (offset | u16::from(place != last)).to_be_bytes();
                    let fragment = [6, 0, high, low, 0, 0, 0, id];
                    let mut octets = [header, &fragment, piece].concat();
                    octets[6] = 44;
                    let len = u16::try_from(octets.len() - 40).expect("short");
                    octets[4..6].copy_from_slice(&len.to_be_bytes());
                    octets
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let outcome = inspect(&pcap(101, &frames));
    assert_eq!(outcome.passed_over, "");
    assert_eq!(single(outcome).state, State::Established);
}
