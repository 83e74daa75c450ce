// SPDX-License-Identifier: GPL-2.0-only

//! Tunnels: packets that are carried by other packets.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
};

use etherparse::{ether_type, ip_number, EtherType, IpNumber};

use super::wrapping::{ethernet, ip, ppp, unwrapped, Typed};

/// Ports that tunnels are sent to: VXLAN's (RFC 7348), and the one that Linux had before; Geneve's (RFC 8926); GTP-U's
/// (3GPP TS 29.281); GRE's (RFC 8086).
const VXLAN: u16 = 4789;
const VXLAN_OF_LINUX: u16 = 8472;
const GENEVE: u16 = 6081;
const GTP: u16 = 2152;
const GRE: u16 = 4754;

/// Which tunnel a packet came through; 0: through none. The same addresses in two of them are two connections.
pub(super) type Tunnel = u64;

/// A kind of tunnel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    IpInIp,
    Gre,
    EnhancedGre,
    Vxlan,
    Geneve,
    Gtp,
}

impl Kind {
    pub(crate) const ALL: [(Self, &'static str); 6] = [
        (Self::IpInIp, "IP in IP"),
        (Self::Gre, "GRE"),
        (Self::EnhancedGre, "PPTP"),
        (Self::Vxlan, "VXLAN"),
        (Self::Geneve, "Geneve"),
        (Self::Gtp, "GTP-U"),
    ];

    /// The kind of tunnel that an IP packet is one of.
    fn of(protocol: IpNumber, payload: &[u8]) -> Option<Self> {
        let gre = |octets: &[u8]| match octets {
            [_, version, ..] if version & 7 == 1 => Self::EnhancedGre,
            _ => Self::Gre,
        };
        match protocol {
            ip_number::IPV4 | ip_number::IPV6 => Some(Self::IpInIp),
            ip_number::GRE => Some(gre(payload)),
            ip_number::UDP => {
                let [_, _, high, low, _, _, _, _, rest @ ..] = payload else {
                    return None;
                };
                match u16::from_be_bytes([*high, *low]) {
                    VXLAN | VXLAN_OF_LINUX => Some(Self::Vxlan),
                    GENEVE => Some(Self::Geneve),
                    GTP => Some(Self::Gtp),
                    GRE => Some(gre(rest)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// What an IP packet is to a tunnel.
pub(super) enum Carrier<'a> {
    /// None of one.
    No,
    /// Of this kind, with a packet in it.
    Of(Kind, Tunnel, Typed<'a>),
    /// Of this kind, and no packet is known in it.
    Empty(Kind),
}

/// What is in an IP packet that is one of a tunnel, and which one. `ends`: where it begins and ends.
pub(super) fn inner(
    within: Tunnel,
    ends: [IpAddr; 2],
    protocol: IpNumber,
    payload: &[u8],
) -> Carrier<'_> {
    let Some(kind) = Kind::of(protocol, payload) else {
        return Carrier::No;
    };
    match packet(within, ends, protocol, payload) {
        Some((tunnel, packet)) => Carrier::Of(kind, tunnel, packet),
        None => Carrier::Empty(kind),
    }
}

fn packet(
    within: Tunnel,
    ends: [IpAddr; 2],
    protocol: IpNumber,
    payload: &[u8],
) -> Option<(Tunnel, Typed<'_>)> {
    let (port, (id, packet)) = match protocol {
        ip_number::IPV4 => (0, (None, (ether_type::IPV4, payload))),
        ip_number::IPV6 => (0, (None, (ether_type::IPV6, payload))),
        ip_number::GRE => (0, gre(payload)?),
        ip_number::UDP => udp(payload)?,
        _ => return None,
    };
    let [src, dst] = ends;
    let mut hasher = DefaultHasher::new();
    let kind = (protocol.0, port);
    (within, src.min(dst), src.max(dst), kind, id).hash(&mut hasher);
    Some((hasher.finish().max(1), unwrapped(packet)?))
}

type Inner<'a> = (Option<u32>, Typed<'a>);

/// RFC 2784, RFC 2890; with PPP in it RFC 2637, whose acknowledgements carry nothing.
fn gre(octets: &[u8]) -> Option<Inner<'_>> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    const ACKNOWLEDGEMENT: u8 = 0x80;
    const PPP: u16 = 0x880b;
    let ([flags, version, high, low], mut rest) = octets.split_first_chunk()?;
    let kind = u16::from_be_bytes([*high, *low]);
    if flags & ROUTING != 0 {
        return None;
    }
    let mut word = || {
        let (word, behind) = rest.split_first_chunk()?;
        rest = behind;
        Some(u32::from_be_bytes(*word))
    };
    match version & 7 {
        0 => {
            if flags & CHECKSUM != 0 {
                word()?;
            }
            let key = if flags & KEY != 0 {
                Some(word()?)
            } else {
                None
            };
            if flags & SEQUENCE != 0 {
                word()?;
            }
            Some((key, (EtherType(kind), rest)))
        }
        // Each side names the call by a number of its own.
        1 if kind == PPP && flags & KEY != 0 => {
            word()?;
            if flags & SEQUENCE != 0 {
                word()?;
            }
            if version & ACKNOWLEDGEMENT != 0 {
                word()?;
            }
            Some((None, ppp(rest)?))
        }
        _ => None,
    }
}

/// With the port that says which kind of tunnel it is.
fn udp(octets: &[u8]) -> Option<(u16, Inner<'_>)> {
    let ([_, _, high, low, _, _, _, _], payload) = octets.split_first_chunk()?;
    let port = u16::from_be_bytes([*high, *low]);
    let inner = match port {
        VXLAN | VXLAN_OF_LINUX => return Some((VXLAN, vxlan(payload)?)),
        GENEVE => geneve(payload),
        GTP => gtp(payload),
        GRE => gre(payload),
        _ => None,
    };
    Some((port, inner?))
}

fn vxlan(octets: &[u8]) -> Option<Inner<'_>> {
    let ([8, _, _, _, network @ .., _], frame) = octets.split_first_chunk::<8>()? else {
        return None;
    };
    Some((Some(number(network)), ethernet(frame)?))
}

fn geneve(octets: &[u8]) -> Option<Inner<'_>> {
    let ([lengths @ 0..=0x3f, _, high, low, network @ .., _], rest) =
        octets.split_first_chunk::<8>()?
    else {
        return None;
    };
    let kind = EtherType(u16::from_be_bytes([*high, *low]));
    let packet = rest.get(usize::from(*lengths) * 4..)?;
    Some((Some(number(network)), (kind, packet)))
}

fn number([high, middle, low]: &[u8; 3]) -> u32 {
    u32::from_be_bytes([0, *high, *middle, *low])
}

/// A G-PDU of version 1. Each side names the tunnel by a number of its own.
fn gtp(octets: &[u8]) -> Option<Inner<'_>> {
    const PACKET: u8 = 0xff;
    const OPTIONAL: u8 = 7;
    const EXTENSION: u8 = 4;
    let ([flags, PACKET, ..], mut rest) = octets.split_first_chunk::<8>()? else {
        return None;
    };
    if flags >> 4 != 3 {
        return None;
    }
    if flags & OPTIONAL != 0 {
        let ([_, _, _, next], behind) = rest.split_first_chunk()?;
        rest = behind;
        let mut next = if flags & EXTENSION != 0 { *next } else { 0 };
        while next != 0 {
            let words = usize::from(*rest.first()?).max(1);
            let (extension, behind) = rest.split_at_checked(words * 4)?;
            next = *extension.last()?;
            rest = behind;
        }
    }
    Some((None, ip(rest)?))
}

#[cfg(test)]
mod tests {
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
}
