// SPDX-License-Identifier: GPL-2.0-only

//! IP and TCP: what a packet says to the connection it belongs to.

use std::net::{IpAddr, SocketAddr};

use etherparse::{ip_number, EtherType, LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};

/// What came out of a packet.
pub(crate) enum Packet<'a> {
    Tcp(Tcp<'a>),
    /// A fragment of a TCP packet.
    Fragment,
    /// TCP, but its header is not whole or not in order.
    BadHeader,
    Other,
}

/// A TCP packet.
pub(crate) struct Tcp<'a> {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    pub(crate) urgent: bool,
    /// What was captured of the payload.
    pub(crate) payload: &'a [u8],
    /// Octets of payload on the wire.
    pub(crate) len: u32,
}

impl Tcp<'_> {
    /// The sequence number of the first octet of payload.
    pub(crate) fn first_octet(&self) -> u32 {
        self.seq.wrapping_add(u32::from(self.syn))
    }

    /// The number behind the last octet of payload.
    pub(crate) fn end(&self) -> u32 {
        self.first_octet().wrapping_add(self.len)
    }
}

/// Reads a packet from its ethertype on, VLAN tags included. Tunnels are not followed.
pub(crate) fn read(kind: EtherType, octets: &[u8]) -> Packet<'_> {
    let sliced = LaxSlicedPacket::from_ether_type(kind, octets);
    let (src, dst, claimed, payload): (IpAddr, IpAddr, _, _) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let auth = ip
                .extensions()
                .auth
                .map_or(0, |header| header.slice().len());
            (
                header.source_addr().into(),
                header.destination_addr().into(),
                usize::from(header.total_len()).checked_sub(header.slice().len() + auth),
                ip.payload(),
            )
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
                usize::from(header.payload_length()).checked_sub(ip.extensions().slice().len()),
                ip.payload(),
            )
        }
        _ => return Packet::Other,
    };
    if payload.ip_number != ip_number::TCP {
        return Packet::Other;
    }
    if payload.fragmented {
        return Packet::Fragment;
    }
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else {
        return Packet::BadHeader;
    };
    // Only what was cut off is longer on the wire; the length field of large packets may be zero.
    let cut = match claimed {
        Some(claimed) if payload.incomplete => claimed.saturating_sub(payload.payload.len()),
        _ => 0,
    };
    Packet::Tcp(from_slice(src, dst, tcp, cut))
}

fn from_slice<'a>(src: IpAddr, dst: IpAddr, tcp: &TcpSlice<'a>, cut: usize) -> Tcp<'a> {
    let payload = tcp.payload();
    Tcp {
        src: SocketAddr::new(src, tcp.source_port()),
        dst: SocketAddr::new(dst, tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        urgent: tcp.urg(),
        payload,
        len: u32::try_from(payload.len().saturating_add(cut)).unwrap_or(u32::MAX),
    }
}
