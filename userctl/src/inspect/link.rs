// SPDX-License-Identifier: GPL-2.0-only

//! Link layers: where the packet begins in a frame, and what it is. Numbers are those of the tcpdump group's list of
//! link-layer header types.

use etherparse::{ether_type, EtherType};

use super::{
    capture::Frame,
    wifi,
    wrapping::{ethernet, ip, ppp, typed, unwrapped},
};

/// What a link layer carries.
pub(crate) enum Carried<'a> {
    /// A packet by its ethertype.
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
        1 => ethernet(octets),
        12 | 14 | 101 => ip(octets),
        // PPP, as it is or in frames of HDLC; and behind PPPoE's header.
        9 | 50 => ppp(octets),
        51 => octets.get(6..).and_then(ppp),
        105 => wifi::frame(octets),
        127 => wifi::radiotap(octets),
        228 => Some((ether_type::IPV4, octets)),
        229 => Some((ether_type::IPV6, octets)),
        // Linux cooked, as `tcpdump -i any` writes it.
        113 => octets.get(14..).and_then(typed),
        276 => cooked2(octets),
        239 => nflog(octets, frame.big_endian),
        _ => return Carried::UnknownLink,
    };
    match packet.and_then(unwrapped) {
        Some((kind, octets)) => Carried::Packet(kind, octets),
        None => Carried::Other,
    }
}

/// The newer one begins with the ethertype.
fn cooked2(octets: &[u8]) -> Option<(EtherType, &[u8])> {
    let (kind, _) = typed(octets)?;
    Some((kind, octets.get(20..)?))
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
        assert_eq!(packet(9, false, &[0, 0x21]), v4);
        assert_eq!(packet(9, false, &[0x57]), v6);
        assert_eq!(packet(50, false, &[0xff, 3, 0, 0x21]), v4);
        assert_eq!(packet(51, false, &[0x11, 0, 0, 1, 0, 4, 0, 0x21]), v4);
        assert_eq!(packet(9, false, &[0xc0, 0x21]), None);
    }

    #[test]
    fn what_is_around_ip_is_taken_off() {
        let v4 = Some((0x0800, IP.len()));
        let frame = |wrapping: &[u8]| packet(1, false, &[&[0; 12][..], wrapping].concat());
        let label = [0, 1, 0x10, 64];
        let last = [0, 1, 0x11, 64];
        for (what, wrapping) in [
            ("VLAN", vec![0x81, 0, 0, 5, 8, 0]),
            (
                "two of 802.1ad",
                vec![0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0],
            ),
            (
                "three of 9100",
                vec![0x91, 0, 0, 5, 0x91, 0, 0, 6, 0x92, 0, 0, 7, 8, 0],
            ),
            ("PPPoE", vec![0x88, 0x64, 0x11, 0, 0, 1, 0, 4, 0, 0x21]),
            ("MPLS", [&[0x88, 0x47][..], &label, &last].concat()),
            (
                "Ethernet in MPLS",
                [&[0x88, 0x47][..], &last, &[0; 4], &[0; 12], &[8, 0]].concat(),
            ),
            ("Cisco MetaData", vec![0x89, 9, 1, 1, 0, 1, 0, 9, 8, 0]),
            ("SNAP", vec![0, 10, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]),
        ] {
            assert_eq!(frame(&wrapping), v4, "{what}");
            // What is cut off is nothing, and no end of the program.
            for cut in 0..wrapping.len() {
                let _ = frame(&wrapping[..cut]);
            }
        }
        assert_eq!(frame(&[0x81, 0, 0, 5].repeat(17)), None);
        assert_eq!(
            packet(113, false, &[&[0; 14][..], &[0x81, 0, 0, 5, 8, 0]].concat()),
            v4
        );
    }

    #[test]
    fn wifi_without_encryption() {
        let v4 = Some((0x0800, IP.len()));
        let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        let frame = |control: u8, flags: u8, len: usize| {
            [&[control, flags][..], &vec![0; len - 2], &snap].concat()
        };
        assert_eq!(packet(105, false, &frame(0x08, 1, 24)), v4);
        assert_eq!(packet(105, false, &frame(0x88, 2, 26)), v4);
        assert_eq!(packet(105, false, &frame(0x88, 0x83, 36)), v4);
        assert_eq!(packet(105, false, &frame(0x08, 0x41, 24)), None);
        assert_eq!(packet(105, false, &frame(0x48, 1, 24)), None);
        assert_eq!(packet(105, false, &frame(0x80, 0, 24)), None);
        let tapped = [&[0, 0, 12, 0][..], &[0; 8], &frame(0x08, 1, 24)].concat();
        assert_eq!(packet(127, false, &tapped), v4);
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
