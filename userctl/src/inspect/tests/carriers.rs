// SPDX-License-Identifier: GPL-2.0-only

//! Whole captures in everything that a packet may be wrapped in.

use super::{
    inspect, inspect_into, of_segments, single,
    wire::{self, connection, ipv4, pcap},
};
use crate::{
    inspect::Inspection,
    model::{Connection, State},
};

/// A name, the link type, and how an IPv4 packet becomes a frame.
type Carrier = (&'static str, u32, Box<dyn Fn(&[u8]) -> Vec<u8>>);

/// What stands before the packet.
fn behind(name: &'static str, link: u32, header: &[u8]) -> Carrier {
    let header = header.to_vec();
    (name, link, Box::new(move |ip| [&header[..], ip].concat()))
}

/// The same behind Ethernet's addresses.
fn typed(name: &'static str, wrapping: &[u8]) -> Carrier {
    behind(name, 1, &[&[0; 12][..], wrapping].concat())
}

/// A packet of a gateway, with another in it.
fn outer(protocol: u8, header: &[u8], ip: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + header.len() + ip.len()).expect("a short packet");
    let [high, low] = len.to_be_bytes();
    let ends = [192, 0, 2, 1, 192, 0, 2, 2];
    let outer = [0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0];
    [&outer[..], &ends, header, ip].concat()
}

fn tunnel(name: &'static str, protocol: u8, header: &[u8]) -> Carrier {
    let header = header.to_vec();
    let carry = move |ip: &[u8]| outer(protocol, &header, ip);
    (name, 101, Box::new(carry))
}

fn udp(name: &'static str, port: u16, header: &[u8]) -> Carrier {
    let header = header.to_vec();
    let carry = move |ip: &[u8]| wire::udp(port, &[&header[..], ip].concat());
    (name, 101, Box::new(carry))
}

fn tunnels() -> Vec<Carrier> {
    let frame = [&[0; 12][..], &[8, 0]].concat();
    let with_frame = |header: &[u8]| [header, &frame].concat();
    let call = [
        0x30, 1, 0x88, 0x0b, 0, 0, 0, 7, 0, 0, 0, 1, 0xff, 3, 0, 0x21,
    ];
    vec![
        tunnel("IP in IP", 4, &[]),
        tunnel("GRE", 47, &[0, 0, 8, 0]),
        tunnel("GRE with a key", 47, &[0x20, 0, 8, 0, 0, 0, 0, 7]),
        tunnel("GRE with Ethernet", 47, &with_frame(&[0, 0, 0x65, 0x58])),
        tunnel("GRE with PPP", 47, &call),
        udp("VXLAN", 4789, &with_frame(&[8, 0, 0, 0, 0, 0, 7, 0])),
        udp(
            "VXLAN of Linux",
            8472,
            &with_frame(&[8, 0, 0, 0, 0, 0, 7, 0]),
        ),
        udp("Geneve", 6081, &with_frame(&[0, 0, 0x65, 0x58, 0, 0, 7, 0])),
        udp("GTP-U", 2152, &[0x30, 0xff, 0, 0, 0, 0, 0, 7]),
    ]
}

fn links() -> Vec<Carrier> {
    let pppoe = [0x11, 0, 0, 1, 0, 0, 0, 0x21];
    let labels = [0, 1, 0x10, 64, 0, 1, 0x21, 64];
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let wifi = [&[8, 1][..], &[0; 22], &snap].concat();
    let frame = [&[0; 12][..], &[8, 0]].concat();
    let cooked = |wrapping: &[u8]| [&[0; 14][..], wrapping].concat();
    vec![
        typed("PPPoE", &[&[0x88, 0x64][..], &pppoe].concat()),
        typed("MPLS", &[&[0x88, 0x47][..], &labels].concat()),
        typed(
            "Ethernet in MPLS",
            &[&[0x88, 0x47][..], &labels, &[0; 4], &frame].concat(),
        ),
        typed("Cisco MetaData", &[0x89, 9, 1, 1, 0, 1, 0, 9, 8, 0]),
        typed("802.1ad", &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0]),
        typed("9100", &[0x91, 0, 0, 5, 0x91, 0, 0, 6, 0x81, 0, 0, 7, 8, 0]),
        typed("SNAP", &[&[1, 0][..], &snap].concat()),
        behind("cooked with a VLAN", 113, &cooked(&[0x81, 0, 0, 5, 8, 0])),
        behind(
            "cooked with PPPoE",
            113,
            &cooked(&[&[0x88, 0x64][..], &pppoe].concat()),
        ),
        behind(
            "cooked, version 2, with a VLAN",
            276,
            &[&[0x81, 0][..], &[0; 18], &[0, 5, 8, 0]].concat(),
        ),
        behind(
            "NFLOG",
            239,
            &[2, 0, 0, 0, 5, 0, 10, 0, b'x', 0, 0, 0, 0xff, 0xff, 9, 0],
        ),
        behind("PPP", 9, &[0xff, 3, 0, 0x21]),
        behind("PPP in frames of HDLC", 50, &[0xff, 3, 0, 0x21]),
        behind("PPP behind PPPoE's header", 51, &pppoe),
        behind("802.11", 105, &wifi),
        behind(
            "802.11 with radiotap",
            127,
            &[&[0, 0, 8, 0, 0, 0, 0, 0][..], &wifi].concat(),
        ),
    ]
}

fn carried(carrier: &Carrier, packets: &[Vec<u8>]) -> Vec<u8> {
    let (_, link, carry) = carrier;
    let frames: Vec<Vec<u8>> = packets.iter().map(|ip| carry(ip)).collect();
    pcap(*link, &frames)
}

#[test]
fn every_wrapping_is_the_same() {
    let segments = connection(7);
    let expected = of_segments(&segments);
    let types: Vec<_> = expected
        .packets
        .iter()
        .map(|seen| seen.types.clone())
        .collect();
    let expected = single(expected);
    let packets: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    for carrier in links().iter().chain(&tunnels()) {
        let name = carrier.0;
        let found = inspect(&carried(carrier, &packets));
        assert_eq!(found.passed_over, "", "{name}");
        let found_types: Vec<_> = found
            .packets
            .iter()
            .map(|seen| seen.types.clone())
            .collect();
        assert_eq!(found_types, types, "{name}");
        assert_eq!(single(found), expected, "{name}");
    }
}

#[test]
fn tunnels_are_not_looked_into_if_that_is_asked_for() {
    let packets: Vec<Vec<u8>> = connection(7).iter().map(ipv4).collect();
    for carrier in &tunnels() {
        let octets = carried(carrier, &packets);
        let found = inspect_into(Inspection::new(false, false), &octets);
        let said = &found.passed_over;
        assert!(said.starts_with("passed over: 8 packets of "), "{said}");
        assert!(said.ends_with(" that were not looked into"), "{said}");
        assert!(found.connections.is_empty(), "{}", carrier.0);
    }
}

#[test]
fn the_same_addresses_in_two_tunnels_are_two_connections() {
    let packets: Vec<Vec<u8>> = connection(7).iter().map(ipv4).collect();
    let expected = single(inspect(&pcap(101, &packets)));
    let alone = |connections: Vec<Connection>| {
        assert_eq!(connections.len(), 2);
        for (id, connection) in (0..).zip(connections) {
            assert_eq!(
                connection,
                Connection {
                    id,
                    ..expected.clone()
                }
            );
        }
    };
    let names = [
        "IP in IP",
        "GRE",
        "GRE with a key",
        "VXLAN",
        "Geneve",
        "GTP-U",
    ];
    let mut all = tunnels();
    all.retain(|carrier| names.contains(&carrier.0));
    assert_eq!(all.len(), names.len());
    for (place, one) in all.iter().enumerate() {
        for other in &all[..place] {
            let frames = packets.iter().flat_map(|ip| [one.2(ip), other.2(ip)]);
            alone(inspect(&pcap(101, &frames.collect::<Vec<_>>())).connections);
        }
    }
    // Of one kind, another number.
    let frame = [&[0; 12][..], &[8, 0]].concat();
    let network = |number: u8| {
        udp(
            "",
            4789,
            &[&[8, 0, 0, 0, 0, 0, number, 0][..], &frame].concat(),
        )
    };
    let networks = [network(7), network(8)];
    let frames = packets
        .iter()
        .flat_map(|ip| networks.iter().map(|carrier| carrier.2(ip)));
    alone(inspect(&pcap(101, &frames.collect::<Vec<_>>())).connections);
    // The same one in two others, and nothing around it.
    let keys = [7, 8].map(|key| tunnel("", 47, &[0x20, 0, 8, 0, 0, 0, 0, key]));
    let within = |ip: &[u8]| networks[0].2(ip);
    let frames = packets
        .iter()
        .flat_map(|ip| keys.iter().map(move |carrier| carrier.2(&within(ip))));
    alone(inspect(&pcap(101, &frames.collect::<Vec<_>>())).connections);
    let frames = packets
        .iter()
        .flat_map(|ip| [ip.clone(), networks[0].2(ip)]);
    alone(inspect(&pcap(101, &frames.collect::<Vec<_>>())).connections);
    assert_eq!(expected.state, State::Established);
}

#[test]
fn what_tunnels_carry_besides_packets_is_counted_by_their_kind() {
    let echo = wire::udp(2152, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0]);
    let acknowledgement = outer(47, &[0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 7, 0, 0, 0, 1], &[]);
    let keepalive = outer(47, &[0, 0, 0, 0], &[]);
    let frames = [
        echo.clone(),
        acknowledgement,
        echo,
        keepalive,
        wire::udp(53, &[0; 12]),
    ];
    let outcome = inspect(&pcap(101, &frames));
    assert_eq!(
        outcome.passed_over,
        "passed over: 1 packet of other protocols than TCP, 1 packet of GRE without IP within, 1 packet of PPTP without IP within, \
         2 packets of GTP-U without IP within"
    );
    assert_eq!(outcome.trouble, None);
}
