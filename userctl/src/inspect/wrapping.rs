// SPDX-License-Identifier: GPL-2.0-only

//! What a packet may be wrapped in between its link layer and IP, by ethertype: VLAN tags, PPPoE, MPLS, Cisco MetaData.

use etherparse::{ether_type, EtherType};

/// A packet by its ethertype.
pub(super) type Typed<'a> = (EtherType, &'a [u8]);

/// One in the other; a packet with more is none that anybody sends.
const MOST: usize = 16;

/// Up to here the field is a length (IEEE 802.3), and the type is in the headers that follow.
const LONGEST: u16 = 1500;

/// Takes off what is around IP; what it does not know it leaves as it is. None where too little was captured.
pub(super) fn unwrapped(mut packet: Typed<'_>) -> Option<Typed<'_>> {
    for _ in 0..MOST {
        let (EtherType(kind), octets) = packet;
        packet = match kind {
            // Tags of 802.1Q, 802.1ad and older ones.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => typed(octets.get(2..)?)?,
            // A PPPoE session (RFC 2516).
            0x8864 => ppp(octets.get(6..)?)?,
            0x8847 | 0x8848 => mpls(octets)?,
            // Cisco MetaData: version, length, option, group.
            0x8909 => typed(octets.get(6..)?)?,
            // A whole Ethernet frame.
            0x6558 => ethernet(octets)?,
            ..=LONGEST => snap(octets)?,
            _ => return Some(packet),
        };
    }
    None
}

/// Ethernet, from its addresses on.
pub(super) fn ethernet(octets: &[u8]) -> Option<Typed<'_>> {
    typed(octets.get(12..)?)
}

/// An ethertype, and what it is the type of.
pub(super) fn typed(octets: &[u8]) -> Option<Typed<'_>> {
    let (kind, rest) = octets.split_first_chunk()?;
    Some((EtherType(u16::from_be_bytes(*kind)), rest))
}

/// IP tells its version itself.
pub(super) fn ip(octets: &[u8]) -> Option<Typed<'_>> {
    match octets.first()? >> 4 {
        4 => Some((ether_type::IPV4, octets)),
        6 => Some((ether_type::IPV6, octets)),
        _ => None,
    }
}

/// PPP from its protocol on, perhaps with HDLC's address before it (RFC 1661, RFC 1662). The protocol has one octet where both
/// ends have agreed on that.
pub(super) fn ppp(octets: &[u8]) -> Option<Typed<'_>> {
    let octets = octets.strip_prefix(&[0xff, 3]).unwrap_or(octets);
    let (protocol, rest) = match *octets {
        [short, ref rest @ ..] if short & 1 == 1 => (u16::from(short), rest),
        [high, low, ref rest @ ..] => (u16::from_be_bytes([high, low]), rest),
        _ => return None,
    };
    match protocol {
        0x0021 => Some((ether_type::IPV4, rest)),
        0x0057 => Some((ether_type::IPV6, rest)),
        0x0281 => mpls(rest),
        _ => None,
    }
}

/// The labels end at the one with the bottom bit (RFC 3032); what follows does not say what it is. A first half octet of 0 is a
/// control word's, which Ethernet follows (RFC 4385, RFC 4448).
fn mpls(mut octets: &[u8]) -> Option<Typed<'_>> {
    loop {
        let ([_, _, bottom, _], rest) = octets.split_first_chunk()?;
        octets = rest;
        if bottom & 1 == 1 {
            break;
        }
    }
    match octets.first()? >> 4 {
        0 => ethernet(octets.get(4..)?),
        _ => ip(octets),
    }
}

/// LLC with SNAP (IEEE 802.2).
pub(super) fn snap(octets: &[u8]) -> Option<Typed<'_>> {
    typed(octets.strip_prefix(&[0xaa, 0xaa, 3, 0, 0, 0])?)
}
