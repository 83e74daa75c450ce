// SPDX-License-Identifier: GPL-2.0-only

//! Link layers: where the packet begins in a frame, and what it is. Numbers are those of the tcpdump group's list of
//! link-layer header types.

use etherparse::{ether_type, EtherType};

use super::capture::Frame;

/// What a link layer carries.
pub(crate) enum Carried<'a> {
    /// A packet, perhaps behind VLAN tags.
    Packet(EtherType, &'a [u8]),
    /// Nothing that could be TCP, or too little to tell.
    Other,
    /// The link layer is not known here.
    UnknownLink,
}

/// Takes the link layer off.
pub(crate) fn carried<'a>(frame: &Frame<'a>) -> Carried<'a> {
    let octets = frame.octets;
    let packet = match frame.link {
        // BSD loopback: an address family in the byte order of the machine, or of the network.
        0 => loopback(octets, frame.big_endian),
        108 => loopback(octets, true),
        1 => tagged(octets, 12, 14),
        12 | 14 | 101 => ip(octets),
        228 => Some((ether_type::IPV4, octets)),
        229 => Some((ether_type::IPV6, octets)),
        // Linux cooked, as `tcpdump -i any` writes it.
        113 => tagged(octets, 14, 16),
        276 => tagged(octets, 0, 20),
        239 => nflog(octets, frame.big_endian),
        _ => return Carried::UnknownLink,
    };
    match packet {
        Some((kind, octets)) => Carried::Packet(kind, octets),
        None => Carried::Other,
    }
}

/// A header with an ethertype in it.
fn tagged(octets: &[u8], kind: usize, len: usize) -> Option<(EtherType, &[u8])> {
    let kind = u16::from_be_bytes(octets.get(kind..)?.first_chunk().copied()?);
    Some((EtherType(kind), octets.get(len..)?))
}

/// IP tells its version itself.
fn ip(octets: &[u8]) -> Option<(EtherType, &[u8])> {
    match octets.first()? >> 4 {
        4 => Some((ether_type::IPV4, octets)),
        6 => Some((ether_type::IPV6, octets)),
        _ => None,
    }
}

fn loopback(octets: &[u8], big_endian: bool) -> Option<(EtherType, &[u8])> {
    let (family, octets) = octets.split_first_chunk()?;
    let family = match big_endian {
        true => u32::from_be_bytes(*family),
        false => u32::from_le_bytes(*family),
    };
    match family {
        2 => Some((ether_type::IPV4, octets)),
        // AF_INET6 of Linux, NetBSD, FreeBSD and macOS.
        10 | 24 | 28 | 30 => Some((ether_type::IPV6, octets)),
        _ => None,
    }
}

/// Netfilter's log: attributes, the packet among them.
fn nflog(octets: &[u8], big_endian: bool) -> Option<(EtherType, &[u8])> {
    const PAYLOAD: u16 = 9;
    let u16 = |octets: &[u8; 2]| match big_endian {
        true => u16::from_be_bytes(*octets),
        false => u16::from_le_bytes(*octets),
    };
    let mut rest = octets.get(4..)?;
    loop {
        let (len, behind) = rest.split_first_chunk()?;
        let (kind, _) = behind.split_first_chunk()?;
        let len = usize::from(u16(len));
        // The last one may be cut short.
        let value = rest.get(4..len.min(rest.len()))?;
        if u16(kind) == PAYLOAD {
            return ip(value);
        }
        rest = rest.get(len.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: [u8; 2] = [0x45, 0];

    fn packet(link: i32, big_endian: bool, header: &[u8]) -> Option<(u16, usize)> {
        let octets = [header, &IP].concat();
        let frame = Frame {
            number: 1,
            offset: 24,
            link,
            big_endian,
            time: 0,
            octets: &octets,
        };
        match carried(&frame) {
            Carried::Packet(kind, octets) => Some((kind.0, octets.len())),
            Carried::Other => None,
            Carried::UnknownLink => panic!("link type {link} is not known"),
        }
    }

    #[test]
    fn every_link_layer_ends_where_ip_begins() {
        let v4 = Some((0x0800, IP.len()));
        let v6 = Some((0x86dd, IP.len()));
        assert_eq!(packet(0, false, &[2, 0, 0, 0]), v4);
        assert_eq!(packet(0, true, &[0, 0, 0, 30]), v6);
        assert_eq!(packet(0, false, &[7, 0, 0, 0]), None);
        assert_eq!(packet(108, false, &[0, 0, 0, 24]), v6);
        assert_eq!(packet(1, false, &[&[0; 12][..], &[8, 0]].concat()), v4);
        assert_eq!(packet(101, false, &[]), v4);
        assert_eq!(packet(12, false, &[0x60]), Some((0x86dd, 3)));
        assert_eq!(packet(12, false, &[0x50]), None);
        assert_eq!(packet(229, false, &[]), v6);
        assert_eq!(packet(113, false, &[&[0; 14][..], &[8, 0]].concat()), v4);
        assert_eq!(packet(276, false, &[&[8, 0][..], &[0; 18]].concat()), v4);
        assert_eq!(packet(1, false, &[0; 11]), None);
    }

    #[test]
    fn nflog_has_the_packet_among_its_attributes() {
        let prefix = [2, 0, 0, 0, 5, 0, 10, 0, 0xff, 0, 0, 0, 6, 0, 9, 0];
        assert_eq!(packet(239, false, &prefix), Some((0x0800, IP.len())));
        let swapped = [2, 0, 0, 0, 0, 5, 0, 10, 0xff, 0, 0, 0, 0, 6, 0, 9];
        assert_eq!(packet(239, true, &swapped), Some((0x0800, IP.len())));
        // An attribute without length must not hold the search up.
        assert_eq!(packet(239, false, &[2, 0, 0, 0, 0, 0, 1, 0]), None);
    }
}
