// SPDX-License-Identifier: GPL-2.0-only

//! Tunnels: packets that are carried by other packets.

#[cfg(test)]
mod tests;

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
