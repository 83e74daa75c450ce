// SPDX-License-Identifier: GPL-2.0-only

//! TCP packets.

use crate::{
    sys::{
        conntrack::{Conntrack, Direction},
        skb::Skb,
    },
    tls::{Payload, Segment, Side},
};

/// Shortest headers (RFC 791, RFC 8200, RFC 9293).
const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;
const TCP_HEADER: u32 = 20;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// A TCP packet of a conntrack entry.
pub struct Packet<'a> {
    /// As the kernel has it.
    pub skb: Skb<'a>,
    /// Its conntrack entry.
    pub ct: &'a Conntrack,
    /// The side that sent it.
    pub from: Side,
    /// Its place in the stream.
    pub tcp: Tcp<'a>,
}

/// A packet's TCP header and payload.
pub struct Tcp<'a> {
    /// Sequence number of the header: of the SYN where there is one.
    pub seq: u32,
    ack: u32,
    flags: u8,
    /// What it carries.
    pub payload: SkbPayload<'a>,
}

/// A packet's payload, in pages and fragments too.
pub struct SkbPayload<'a> {
    skb: Skb<'a>,
    offset: u32,
    len: u32,
}

/// The initiator sends in conntrack's original direction.
impl From<Direction> for Side {
    #[inline(always)]
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Original => Self::Src,
            Direction::Reply => Self::Dst,
        }
    }
}

impl From<Side> for Direction {
    #[inline(always)]
    fn from(side: Side) -> Self {
        match side {
            Side::Src => Self::Original,
            Side::Dst => Self::Reply,
        }
    }
}

impl<'a> Packet<'a> {
    /// Reads the packet's headers; None when it is not a whole TCP packet that conntrack knows.
    pub fn new(skb: Skb<'a>) -> Option<Self> {
        let (ct, direction) = skb.conntrack()?;
        Some(Self {
            skb,
            ct,
            from: direction.into(),
            tcp: Tcp::new(skb)?,
        })
    }

    /// As the engine takes it.
    #[inline]
    pub fn segment(&self) -> Segment {
        Segment {
            from: self.from,
            seq: self.tcp.first_byte(),
            ack: self.ack(),
            fin: self.tcp.flags & FIN != 0,
            urgent: self.tcp.flags & URG != 0,
        }
    }

    /// The acknowledgement number, in the numbers that the other side's packets have here: between its sender and us
    /// SYNPROXY and helpers have not shifted them yet.
    #[inline(always)]
    fn ack(&self) -> Option<u32> {
        let ack = self.tcp.ack()?;
        Some(match self.ct.is_shifted() {
            true => ack.wrapping_sub(self.ct.seq_offset(self.from.other().into(), ack)),
            false => ack,
        })
    }
}

impl<'a> Tcp<'a> {
    /// Finds and reads the TCP header; None when there is none, or it is cut.
    pub fn new(skb: Skb<'a>) -> Option<Self> {
        match Self::plain(skb) {
            Some(tcp) => Some(tcp),
            None => Self::any(skb),
        }
    }

    /// The way of nearly all IPv4 packets: no options, one piece, no more than 64 KiB.
    #[inline(always)]
    pub fn plain(skb: Skb<'a>) -> Option<Self> {
        /// Of the bytes from 4 on: the fragment's offset and the protocol.
        const ABOUT: u64 = u64::from_ne_bytes([0, 0, 0x1f, 0xff, 0, 0xff, 0, 0]);
        const WHOLE_TCP: u64 =
            u64::from_ne_bytes([0, 0, 0, 0, 0, crate::bindings::IPPROTO_TCP as u8, 0, 0]);
        let headers: &[u8; 40] = skb.linear(0)?;
        let [0x45, _, l0, l1, about @ .., _, _, _, _, _, _, _, _] = headers.first_chunk::<20>()?
        else {
            return None;
        };
        let length = u32::from(u16::from_be_bytes([*l0, *l1]));
        if u64::from_ne_bytes(*about) & ABOUT != WHOLE_TCP || length == 0 {
            return None;
        }
        Self::of(
            skb,
            headers.last_chunk()?,
            IPV4_HEADER,
            skb.size().min(length),
        )
    }

    /// The way of all.
    pub fn any(skb: Skb<'a>) -> Option<Self> {
        let (tcp, end) = transport(skb)?;
        Self::at(skb, tcp, end)
    }

    #[inline]
    fn at(skb: Skb<'a>, offset: u32, end: u32) -> Option<Self> {
        Self::of(skb, &header(skb, offset)?, offset, end)
    }

    /// By the header, where it is, and where the IP packet ends.
    #[inline(always)]
    fn of(skb: Skb<'a>, header: &[u8; TCP_HEADER as usize], offset: u32, end: u32) -> Option<Self> {
        let [data_offset, flags, ..] = word(header, 12)?;
        // The upper four bits count words of four bytes (RFC 9293 3.1).
        let header_len = u32::from(data_offset >> 4) << 2;
        let payload = offset.checked_add(header_len)?;
        if header_len < TCP_HEADER {
            return None;
        }
        Some(Self {
            seq: u32::from_be_bytes(word(header, 4)?),
            ack: u32::from_be_bytes(word(header, 8)?),
            flags,
            payload: SkbPayload {
                skb,
                offset: payload,
                len: end.checked_sub(payload)?,
            },
        })
    }

    /// Whether it acknowledges, and neither opens, ends nor resets the connection, nor carries urgent data.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.flags & (FIN | SYN | RST | ACK | URG) == ACK
    }

    /// Whether it opens a connection: SYN without ACK.
    #[inline]
    pub fn is_syn(&self) -> bool {
        self.flags & (SYN | ACK) == SYN
    }

    /// Whether it answers a SYN.
    #[inline]
    pub fn is_syn_ack(&self) -> bool {
        self.flags & (SYN | ACK) == SYN | ACK
    }

    /// Whether it resets the connection.
    #[inline]
    pub fn is_rst(&self) -> bool {
        self.flags & RST != 0
    }

    /// The acknowledgement number, where it has one.
    #[inline]
    pub fn ack(&self) -> Option<u32> {
        (self.flags & ACK != 0).then_some(self.ack)
    }

    /// Sequence number after the payload.
    #[inline]
    pub fn end(&self) -> u32 {
        self.first_byte().wrapping_add(self.payload.len())
    }

    /// Sequence number of the first payload byte: a SYN takes one up (RFC 9293 3.4).
    #[inline]
    pub fn first_byte(&self) -> u32 {
        self.seq.wrapping_add(u32::from(self.flags & SYN != 0))
    }
}

impl<'a> SkbPayload<'a> {
    /// A packet's bytes from the first of the two numbers on, so many as the other says.
    pub fn new(skb: Skb<'a>, (offset, len): (u32, u32)) -> Self {
        Self { skb, offset, len }
    }

    /// Bytes of it, if they lie in one piece with the start of the packet.
    #[inline]
    pub fn linear(&self, offset: u32, count: u32) -> Option<&'a [u8]> {
        if self.len.checked_sub(offset)? < count {
            return None;
        }
        self.skb.slice(self.offset.checked_add(offset)?, count)
    }

    /// Where it is in its packet, and its bytes.
    pub fn place(&self) -> (u32, u32) {
        (self.offset, self.len)
    }
}

impl Payload for SkbPayload<'_> {
    #[inline(always)]
    fn bytes<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        if self.len.checked_sub(offset)? < N as u32 {
            return None;
        }
        // Both are of this packet, which ends after them.
        let offset = self.offset.wrapping_add(offset);
        match self.skb.linear(offset) {
            Some(bytes) => Some(*bytes),
            None => match self.skb.in_page(offset) {
                Some(bytes) => Some(bytes),
                None => in_pieces(self.skb, offset),
            },
        }
    }

    #[inline]
    fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    fn slice(&self, offset: u32, len: u32) -> Option<&[u8]> {
        self.linear(offset, len)
    }

    #[inline]
    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        let Ok(count) = u32::try_from(to.len()) else {
            return false;
        };
        match (offset.checked_add(count), self.offset.checked_add(offset)) {
            (Some(end), Some(from)) if end <= self.len => self.skb.read(from, to),
            _ => false,
        }
    }
}

/// Sequence number and length of the payload of an IPv4 packet without options that continues an established connection:
/// no SYN, FIN, RST or URG. None for others, and where there is no payload.
///
/// For a packet whose conntrack entry says that it is of an established connection: it leaves out what conntrack and IP have
/// checked on its way here, that it is TCP and no fragment, that the TCP header is whole and has ACK (`tcp_error()`), and
/// that no padding follows (`ip_rcv_core()` cuts it). Where that does not hold a length is wrong, and no more.
#[inline(always)]
pub fn data_of_established(skb: Skb<'_>) -> Option<(u32, u32)> {
    let headers: &[u8; 40] = skb.linear(0)?;
    let [0x45, ..] = headers else {
        return None;
    };
    let tcp: &[u8; TCP_HEADER as usize] = headers.last_chunk()?;
    let [_, _, _, _, s0, s1, s2, s3, _, _, _, _, data_offset, flags, ..] = tcp;
    if flags & (FIN | SYN | RST | URG) != 0 {
        return None;
    }
    let header_len = u32::from(data_offset >> 4) << 2;
    let len = skb
        .size()
        .checked_sub(IPV4_HEADER.wrapping_add(header_len))?;
    (len > 0).then_some((u32::from_be_bytes([*s0, *s1, *s2, *s3]), len))
}

/// Where the TCP header of a packet begins; None where it has none. Any context.
#[inline(always)]
pub fn tcp_offset(skb: Skb<'_>) -> Option<u32> {
    transport(skb).map(|(tcp, _)| tcp)
}

/// The bytes of a header, which nearly always lies in one piece.
#[inline(always)]
fn header<const N: usize>(skb: Skb<'_>, offset: u32) -> Option<[u8; N]> {
    if let Some(bytes) = skb.linear(offset) {
        return Some(*bytes);
    }
    let mut bytes = [0; N];
    skb.read(offset, &mut bytes).then_some(bytes)
}

/// Bytes that may lie in several pages, or packets. Not inlined, so that the way of others stays short.
#[inline(never)]
fn in_pieces<const N: usize>(skb: Skb<'_>, offset: u32) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    skb.read(offset, &mut bytes).then_some(bytes)
}

/// The four bytes at a place in a header.
#[inline(always)]
fn word(header: &[u8], at: usize) -> Option<[u8; 4]> {
    header.get(at..)?.first_chunk().copied()
}

/// Where the TCP header begins and the IP packet ends: padding of the link layer is not payload.
#[inline(always)]
fn transport(skb: Skb<'_>) -> Option<(u32, u32)> {
    let ip: [u8; IPV4_HEADER as usize] = header(skb, 0)?;
    let first = word(&ip, 0)?;
    let [version_ihl, ..] = first;
    match version_ihl >> 4 {
        4 => ipv4(skb, first, word(&ip, 4)?, word(&ip, 8)?),
        6 => ipv6(skb),
        _ => None,
    }
}

/// By the first three words of the header.
#[inline(always)]
fn ipv4(skb: Skb<'_>, first: [u8; 4], second: [u8; 4], third: [u8; 4]) -> Option<(u32, u32)> {
    let [version_ihl, _, l0, l1] = first;
    let [_, _, f0, f1] = second;
    let [_, protocol, ..] = third;
    // Conntrack puts fragments together (nf_defrag_ipv4), so one here has no header that could be trusted.
    let fragment_offset = u16::from_be_bytes([f0, f1]) & 0x1fff;
    if fragment_offset != 0 || u32::from(protocol) != crate::bindings::IPPROTO_TCP {
        return None;
    }
    let header_len = u32::from(version_ihl & 0x0f) << 2;
    let end = end_of(skb, 0, u16::from_be_bytes([l0, l1]));
    Some((header_len, end))
}

#[inline(always)]
fn ipv6(skb: Skb<'_>) -> Option<(u32, u32)> {
    let [_, _, _, _, l0, l1, next_header, ..]: [u8; IPV6_HEADER as usize] = header(skb, 0)?;
    let end = end_of(skb, IPV6_HEADER, u16::from_be_bytes([l0, l1]));
    if u32::from(next_header) == crate::bindings::IPPROTO_TCP {
        return Some((IPV6_HEADER, end));
    }
    Some((skb.ipv6_tcp_offset(next_header, IPV6_HEADER)?, end))
}

/// The end by the IP header's length field, which does not count `uncounted` bytes. Packets over 64 KiB (BIG TCP) have
/// 0 there, and end where the buffer ends.
#[inline(always)]
fn end_of(skb: Skb<'_>, uncounted: u32, length: u16) -> u32 {
    match length {
        0 => skb.size(),
        length => skb.size().min(u32::from(length).wrapping_add(uncounted)),
    }
}
