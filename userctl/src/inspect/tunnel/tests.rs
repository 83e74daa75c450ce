// SPDX-License-Identifier: GPL-2.0-only

//! Headers of tunnels, from packet to packet.

use super::*;

const IP: [u8; 2] = [0x45, 0];
const ENDS: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)),
];

fn through(protocol: IpNumber, header: &[u8]) -> Option<(Tunnel, u16, usize)> {
    let octets = [header, &IP].concat();
    match inner(0, ENDS, protocol, &octets) {
        Carrier::Of(_, tunnel, (EtherType(kind), packet)) => Some((tunnel, kind, packet.len())),
        Carrier::No | Carrier::Empty(_) => None,
    }
}

fn is_found(protocol: IpNumber, header: &[u8]) -> bool {
    through(protocol, header).is_some_and(|(tunnel, kind, len)| {
        tunnel != 0 && kind == ether_type::IPV4.0 && len == IP.len()
    })
}

fn to(port: u16, header: &[u8]) -> Vec<u8> {
    [&[0, 9][..], &port.to_be_bytes(), &[0; 4], header].concat()
}

#[test]
fn every_tunnel_ends_where_ip_begins() {
    let frame = [&[0; 12][..], &[8, 0]].concat();
    let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame].concat();
    let geneve = [0x01, 0, 8, 0, 0, 0, 7, 0, 0, 0, 0, 0];
    let bridged = [&[0, 0, 0x65, 0x58, 0, 0, 7, 0][..], &frame].concat();
    let gtp = [0x30, 0xff, 0, 2, 0, 0, 0, 1];
    let long_gtp = [0x34, 0xff, 0, 14, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0];
    for (what, protocol, header) in [
        ("IP in IP", ip_number::IPV4, vec![]),
        ("GRE", ip_number::GRE, vec![0, 0, 8, 0]),
        (
            "GRE with all",
            ip_number::GRE,
            [&[0xb0, 0, 8, 0][..], &[0; 12]].concat(),
        ),
        (
            "GRE with Ethernet",
            ip_number::GRE,
            [&[0, 0, 0x65, 0x58][..], &frame].concat(),
        ),
        (
            "GRE with PPP",
            ip_number::GRE,
            [&[0x30, 0x81, 0x88, 0x0b][..], &[0; 12], &[0xff, 3, 0, 0x21]].concat(),
        ),
        ("GRE in UDP", ip_number::UDP, to(4754, &[0, 0, 8, 0])),
        ("VXLAN", ip_number::UDP, to(4789, &vxlan)),
        ("VXLAN of old", ip_number::UDP, to(8472, &vxlan)),
        ("Geneve with an option", ip_number::UDP, to(6081, &geneve)),
        ("Geneve with Ethernet", ip_number::UDP, to(6081, &bridged)),
        ("GTP-U", ip_number::UDP, to(2152, &gtp)),
        (
            "GTP-U with an extension",
            ip_number::UDP,
            to(2152, &long_gtp),
        ),
    ] {
        assert!(is_found(protocol, &header), "{what}");
        for cut in 0..header.len() {
            let _ = inner(0, ENDS, protocol, &header[..cut]);
        }
    }
}

#[test]
fn others_are_none() {
    let frame = [&[0; 12][..], &[8, 0]].concat();
    for (protocol, header) in [
        (ip_number::TCP, vec![]),
        (ip_number::GRE, vec![0x40, 0, 8, 0]),
        (ip_number::GRE, vec![0, 2, 8, 0]),
        (ip_number::UDP, to(53, &[0; 12])),
        (
            ip_number::UDP,
            to(4789, &[&[0, 0, 0, 0, 0, 0, 7, 0][..], &frame].concat()),
        ),
        (ip_number::UDP, to(2152, &[0x30, 1, 0, 2, 0, 0, 0, 1])),
    ] {
        assert_eq!(through(protocol, &header), None, "{header:?}");
    }
}

#[test]
fn tunnels_are_told_apart_by_ends_and_number() {
    let header = |network: u8| {
        let frame = [&[0; 12][..], &[8, 0]].concat();
        to(
            4789,
            &[&[8, 0, 0, 0, 0, 0, network, 0][..], &frame].concat(),
        )
    };
    let [one, two] = [1, 2].map(|network| [&header(network)[..], &IP].concat());
    let number =
        |ends, octets: &[u8]| packet(0, ends, ip_number::UDP, octets).map(|(tunnel, _)| tunnel);
    let [src, dst] = ENDS;
    assert_eq!(number(ENDS, &one), number([dst, src], &one));
    assert_ne!(number(ENDS, &one), number(ENDS, &two));
    assert_ne!(number(ENDS, &one), number([src, src], &one));
}
